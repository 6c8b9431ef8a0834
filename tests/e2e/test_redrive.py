"""Dead-letter queues: RedrivePolicy and RedriveAllowPolicy, the receive that moves a message, what the message looks like
afterwards, and ListDeadLetterSourceQueues. A number in a test's name is that of a mistake emulators make."""
import json
import threading
import time

import botocore.exceptions
import pytest

from conftest import new_name
from digests import attributes_md5
from howdah import eventually
from test_fifo import received, send
from test_messages import ALL_TYPES, TRACE, counts
from test_queues import attributes_of
from wire import fails

SOON = 1.5


def arn_of(queue):
    return f"arn:aws:sqs:us-east-1:000000000000:{queue.rpartition('/')[2]}"


def policy(target, max_receive_count):
    return json.dumps({"deadLetterTargetArn": arn_of(target), "maxReceiveCount": max_receive_count})


def redrive(sqs, source, target, max_receive_count=1):
    sqs.set_queue_attributes(QueueUrl=source, Attributes={"RedrivePolicy": policy(target, max_receive_count)})


def receive(sqs, queue, **request):
    """At most ten messages, which stay visible, with all that belongs to them."""
    return sqs.receive_message(QueueUrl=queue, **{
        "MaxNumberOfMessages": 10, "VisibilityTimeout": 0, "AttributeNames": ["All"], "MessageAttributeNames": ["All"],
        **request}).get("Messages", [])


def send_many(sqs, queue, count):
    """Their message ids."""
    sent = set()
    for start in range(0, count, 10):
        entries = [{"Id": str(n), "MessageBody": str(start + n)} for n in range(10)]
        sent |= {one["MessageId"] for one in sqs.send_message_batch(QueueUrl=queue, Entries=entries)["Successful"]}
    return sent


def take_all(sqs, queue):
    """The ids of all messages, which are in flight then."""
    taken = []
    while messages := receive(sqs, queue, VisibilityTimeout=600):
        taken += [message["MessageId"] for message in messages]
    return taken


@pytest.fixture
def pair(sqs, make_queue):
    """A source and its dead-letter queue, to which a message goes on its second receive."""
    source, dead = make_queue(), make_queue()
    redrive(sqs, source, dead)
    return source, dead


@pytest.fixture
def fifo_pair(sqs, make_fifo):
    source, dead = make_fifo(), make_fifo()
    redrive(sqs, source, dead)
    return source, dead


# ---- RedrivePolicy

def test_11_38_a_policy_is_returned_in_one_form_however_it_was_written(sqs, make_queue):
    source, dead = make_queue(), make_queue()
    canonical = f'{{"deadLetterTargetArn":"{arn_of(dead)}","maxReceiveCount":5}}'
    for written in (f'{{"maxReceiveCount": "5", "deadLetterTargetArn": "{arn_of(dead)}"}}',
                    f' {{"deadLetterTargetArn":"{arn_of(dead)}",\n"maxReceiveCount":5}} ', canonical):
        sqs.set_queue_attributes(QueueUrl=source, Attributes={"RedrivePolicy": written})
        assert attributes_of(sqs, source, "RedrivePolicy") == {"RedrivePolicy": canonical}
    assert attributes_of(sqs, source)["RedrivePolicy"] == canonical


def test_an_empty_policy_takes_it_away(sqs, pair):
    source, _ = pair
    sqs.set_queue_attributes(QueueUrl=source, Attributes={"RedrivePolicy": ""})
    assert attributes_of(sqs, source, "RedrivePolicy") == {}


def test_a_queue_created_again_is_compared_by_what_the_policy_says(sqs, pair):
    source, dead = pair
    name = source.rpartition("/")[2]
    assert sqs.create_queue(QueueName=name, Attributes={"RedrivePolicy": policy(dead, "1")})["QueueUrl"] == source
    with fails("QueueAlreadyExists",
               "A queue already exists with the same name and a different value for attribute RedrivePolicy"):
        sqs.create_queue(QueueName=name, Attributes={"RedrivePolicy": policy(dead, 2)})


@pytest.mark.parametrize("json_text,reason", [
    ("x", "Redrive policy is not a valid JSON map."), ("[]", "Redrive policy is not a valid JSON map."),
    ("{}", "Redrive policy does not contain mandatory attribute: maxReceiveCount."),
    ('{"deadLetterTargetArn":"{dead}"}', "Redrive policy does not contain mandatory attribute: maxReceiveCount."),
    ('{"maxReceiveCount":3}', "Redrive policy does not contain mandatory attribute: deadLetterTargetArn."),
    *((f'{{"maxReceiveCount":{count},"deadLetterTargetArn":"{{dead}}"}}',
       f"Invalid value for maxReceiveCount: {count}, valid values are from 1 to 1000 both inclusive.")
      for count in (0, -1, 1001)),
    ('{"maxReceiveCount":3,"deadLetterTargetArn":"nonsense"}', "Dead-letter target ARN should be fully qualified ARN."),
    ('{"maxReceiveCount":3,"deadLetterTargetArn":"{dead}","more":1}',
     "Only following attributes are supported: [maxReceiveCount, deadLetterTargetArn]."),
    ('{"maxReceiveCount":3,"deadLetterTargetArn":"arn:aws:sns:us-east-1:000000000000:x"}',
     "Only SQS queues are valid resources for deadLetterTargetArn."),
    ('{"maxReceiveCount":3,"deadLetterTargetArn":"{dead}-nope"}', "Dead letter target does not exist."),
    ('{"maxReceiveCount":3,"deadLetterTargetArn":"{fifo}"}',
     "Dead-letter queue must be same type of queue as the source..")])
def test_a_policy_outside_the_rules_is_refused(sqs, make_queue, make_fifo, json_text, reason):
    source, dead = make_queue(), make_queue()
    json_text = json_text.replace("{dead}", arn_of(dead))
    if "{fifo}" in json_text:
        json_text = json_text.replace("{fifo}", arn_of(make_fifo()))
    text = f"Value {json_text} for parameter RedrivePolicy is invalid. Reason: {reason}"
    with fails("InvalidParameterValue", text):
        sqs.set_queue_attributes(QueueUrl=source, Attributes={"RedrivePolicy": json_text})
    name = new_name()
    with fails("InvalidParameterValue", text):
        sqs.create_queue(QueueName=name, Attributes={"RedrivePolicy": json_text})
    with fails("AWS.SimpleQueueService.NonExistentQueue"):
        sqs.get_queue_url(QueueName=name)
    assert attributes_of(sqs, source, "RedrivePolicy") == {}


@pytest.mark.parametrize("count", [1, 1000, "1", "1000"])
def test_the_least_and_the_most_receives_are_taken(sqs, queue, count):
    redrive(sqs, queue, queue, count)  # a queue may name itself
    assert json.loads(attributes_of(sqs, queue, "RedrivePolicy")["RedrivePolicy"])["maxReceiveCount"] == int(count)


def test_a_deleted_dead_letter_queue_leaves_the_policy(sqs, make_queue):
    source, dead = make_queue(), make_queue()
    redrive(sqs, source, dead, 3)
    before = attributes_of(sqs, source, "RedrivePolicy")
    sqs.delete_queue(QueueUrl=dead)
    assert attributes_of(sqs, source, "RedrivePolicy") == before


# ---- RedriveAllowPolicy

def allow(sqs, queue, text):
    sqs.set_queue_attributes(QueueUrl=queue, Attributes={"RedriveAllowPolicy": text})


def test_an_allow_policy_is_returned_as_it_was_written_until_it_is_taken_away(sqs, queue):
    for text in ('{ "redrivePermission" : "denyAll" }', '{"redrivePermission":"allowAll"}',
                 '{"sourceQueueArns":["arn:aws:sqs:us-east-1:000000000000:a"],"redrivePermission":"byQueue"}'):
        allow(sqs, queue, text)
        assert attributes_of(sqs, queue, "RedriveAllowPolicy") == {"RedriveAllowPolicy": text}
    allow(sqs, queue, "")
    assert attributes_of(sqs, queue, "RedriveAllowPolicy") == {}


def test_a_dead_letter_queue_says_whose_it_is(sqs, make_queue):
    dead, one, other = make_queue(), make_queue(), make_queue()
    allow(sqs, dead, '{"redrivePermission":"denyAll"}')
    for source in (one, other):
        with fails("InvalidParameterValue"):
            redrive(sqs, source, dead)
    allow(sqs, dead, json.dumps({"redrivePermission": "byQueue", "sourceQueueArns": [arn_of(one)]}))
    redrive(sqs, one, dead)
    with fails("InvalidParameterValue"):
        redrive(sqs, other, dead)
    allow(sqs, dead, '{"redrivePermission":"allowAll"}')
    redrive(sqs, other, dead)
    allow(sqs, dead, '{"redrivePermission":"denyAll"}')  # checked when a source sets its policy, not later
    sqs.send_message(QueueUrl=one, MessageBody="x")
    for _ in range(2):
        receive(sqs, one)
    assert counts(sqs, dead) == (1, 0, 0)


NO_ALLOW_POLICY = "Amazon SQS can't create the redrive allow policy"


@pytest.mark.parametrize("text,reason", [
    *((text, None) for text in ("x", "[]", "{}", '{"redrivePermission":"some"}', '{"redrivePermission":1}',
                                '{"redrivePermission":"byQueue","sourceQueueArns":"x"}',
                                '{"redrivePermission":"allowAll","more":1}')),
    ('{"redrivePermission":"allowAll","sourceQueueArns":["arn:aws:sqs:us-east-1:000000000000:a"]}',
     "To specify one or more source queue ARNs, you must set redrivePermission to byQueue."),
    ('{"redrivePermission":"byQueue"}', "When you specify the byQueue permission type, you must also specify one or more "
                                        "sourceQueueArns values."),
    (json.dumps({"redrivePermission": "byQueue",
                 "sourceQueueArns": [f"arn:aws:sqs:us-east-1:000000000000:q{n}" for n in range(11)]}),
     "The maximum number of source queue ARNs you can specify is 10.")])
def test_an_allow_policy_outside_the_rules_is_refused(sqs, queue, text, reason):
    message = (f"Invalid value for the parameter RedriveAllowPolicy. Reason: {NO_ALLOW_POLICY}, as it’s in an unsupported "
               "format." if reason is None else
               f"Value {text} for parameter RedriveAllowPolicy is invalid. Reason: {NO_ALLOW_POLICY}. {reason}")
    with fails("InvalidParameterValue", message):
        allow(sqs, queue, text)


# ---- The move

def test_11_25_a_message_moves_on_the_receive_beyond_the_limit_and_by_no_timer(sqs, clock, make_queue):
    source, dead = make_queue(), make_queue()
    redrive(sqs, source, dead, 2)
    sqs.send_message(QueueUrl=source, MessageBody="x")
    for count in ("1", "2"):
        message, = receive(sqs, source, VisibilityTimeout=30)
        assert message["Attributes"]["ApproximateReceiveCount"] == count
        clock.advance(31)
    clock.advance(3600)
    assert (counts(sqs, source), counts(sqs, dead)) == ((1, 0, 0), (0, 0, 0))
    assert receive(sqs, source) == []
    assert (counts(sqs, source), counts(sqs, dead)) == ((0, 0, 0), (1, 0, 0))
    assert receive(sqs, source) == []


def test_a_receive_that_moves_some_delivers_the_others(sqs, pair):
    source, dead = pair
    for body in ("first", "second"):
        sqs.send_message(QueueUrl=source, MessageBody=body)
    assert receive(sqs, source, MaxNumberOfMessages=1)[0]["Body"] == "first"
    assert [message["Body"] for message in receive(sqs, source)] == ["second"]
    assert [message["Body"] for message in receive(sqs, dead)] == ["first"]


def test_a_receive_finds_what_is_alive_behind_many_that_only_move(sqs, make_queue):
    source, dead = make_queue(), make_queue()
    send_many(sqs, source, 100)
    held = []
    while messages := receive(sqs, source, VisibilityTimeout=600):
        held.append(messages)
    sqs.send_message(QueueUrl=source, MessageBody="alive")
    for messages in held:
        sqs.change_message_visibility_batch(QueueUrl=source, Entries=[
            {"Id": str(n), "ReceiptHandle": message["ReceiptHandle"], "VisibilityTimeout": 0}
            for n, message in enumerate(messages)])
    redrive(sqs, source, dead)
    assert [message["Body"] for message in receive(sqs, source, WaitTimeSeconds=5)] == ["alive"]


def test_what_a_moved_message_keeps_and_what_it_gains(sqs, clock, pair):
    source, dead = pair
    sqs.send_message(QueueUrl=source, MessageBody="café", MessageAttributes=ALL_TYPES, MessageGroupId="tenant",
                     MessageSystemAttributes={"AWSTraceHeader": {"DataType": "String", "StringValue": TRACE}})
    before, = receive(sqs, source)
    clock.advance(5)
    assert receive(sqs, source) == []
    after, = receive(sqs, dead)
    for kept in ("MessageId", "Body", "MD5OfBody", "MessageAttributes", "MD5OfMessageAttributes"):
        assert after[kept] == before[kept]
    assert after["MD5OfMessageAttributes"] == attributes_md5(ALL_TYPES)
    assert after["ReceiptHandle"] != before["ReceiptHandle"]
    assert after["Attributes"].pop("ApproximateReceiveCount") == "2"
    assert before["Attributes"].pop("ApproximateReceiveCount") == "1"
    assert after["Attributes"].pop("DeadLetterQueueSourceArn") == arn_of(source)
    for attributes in (before["Attributes"], after["Attributes"]):
        attributes.pop("ApproximateFirstReceiveTimestamp")
    assert after["Attributes"] == before["Attributes"]
    only, = receive(sqs, dead, AttributeNames=["DeadLetterQueueSourceArn"])
    assert only["Attributes"] == {"DeadLetterQueueSourceArn": arn_of(source)}


def test_11_26_in_a_chain_each_queue_delivers_as_often_as_its_own_policy_says(sqs, make_queue):
    first, second, last = make_queue(), make_queue(), make_queue()
    redrive(sqs, first, second, 1)
    redrive(sqs, second, last, 2)
    sqs.send_message(QueueUrl=first, MessageBody="x")
    assert len(receive(sqs, first)) == 1
    assert receive(sqs, first) == []
    assert [len(receive(sqs, second)) for _ in range(3)] == [1, 1, 0]
    message, = receive(sqs, last)
    assert message["Attributes"]["DeadLetterQueueSourceArn"] == arn_of(second)
    assert counts(sqs, first) == counts(sqs, second) == (0, 0, 0)


def test_a_queue_that_is_its_own_dead_letter_queue_keeps_its_messages(sqs, queue):
    redrive(sqs, queue, queue)
    sent = sqs.send_message(QueueUrl=queue, MessageBody="x")
    seen = [message["MessageId"] for _ in range(6) for message in receive(sqs, queue)]
    assert len(seen) >= 3 and set(seen) == {sent["MessageId"]}
    assert counts(sqs, queue) == (1, 0, 0)


def test_a_missing_dead_letter_queue_keeps_the_message_in_its_source(sqs, make_queue):
    source, dead = make_queue(), make_queue()
    redrive(sqs, source, dead)
    sqs.send_message(QueueUrl=source, MessageBody="x")
    sqs.delete_queue(QueueUrl=dead)
    assert [message["Attributes"]["ApproximateReceiveCount"] for _ in range(4) for message in receive(sqs, source)] == [
        "1", "2", "3", "4"]


def test_a_policy_set_later_counts_the_receives_before_it(sqs, make_queue):
    source, dead = make_queue(), make_queue()
    sqs.send_message(QueueUrl=source, MessageBody="x")
    for _ in range(5):
        assert len(receive(sqs, source)) == 1
    redrive(sqs, source, dead, 3)
    assert receive(sqs, source) == []
    assert counts(sqs, dead) == (1, 0, 0)


def test_the_retention_of_the_dead_letter_queue_counts_from_the_send(sqs, clock, make_queue):
    source, dead = make_queue(), make_queue(MessageRetentionPeriod=600)
    redrive(sqs, source, dead)
    sqs.send_message(QueueUrl=source, MessageBody="x")
    receive(sqs, source)
    clock.advance(500)
    receive(sqs, source)
    assert len(receive(sqs, dead)) == 1
    clock.advance(110)
    assert receive(sqs, dead) == []
    assert counts(sqs, dead) == (0, 0, 0)


def test_a_moved_message_is_there_at_once_whatever_the_delay(sqs, make_queue):
    source, dead = make_queue(), make_queue(DelaySeconds=900)
    redrive(sqs, source, dead)
    sqs.send_message(QueueUrl=source, MessageBody="x")
    for _ in range(2):
        receive(sqs, source)
    assert counts(sqs, dead) == (1, 0, 0)
    assert len(receive(sqs, dead)) == 1


def test_a_handle_from_before_the_move_deletes_nothing(sqs, pair):
    source, dead = pair
    sqs.send_message(QueueUrl=source, MessageBody="x")
    before, = receive(sqs, source)
    receive(sqs, source)
    sqs.delete_message(QueueUrl=source, ReceiptHandle=before["ReceiptHandle"])
    assert counts(sqs, dead) == (1, 0, 0)
    with fails("ReceiptHandleIsInvalid"):
        sqs.delete_message(QueueUrl=dead, ReceiptHandle=before["ReceiptHandle"])
    after, = receive(sqs, dead, VisibilityTimeout=60)
    sqs.delete_message(QueueUrl=dead, ReceiptHandle=after["ReceiptHandle"])
    assert counts(sqs, dead) == (0, 0, 0)


def test_a_poll_that_only_moves_goes_on_waiting(sqs, server, poll, pair):
    source, dead = pair
    sqs.send_message(QueueUrl=source, MessageBody="old")
    receive(sqs, source)
    waiting = poll(QueueUrl=source)
    server.wait_parked(1)
    assert counts(sqs, dead) == (1, 0, 0)
    sqs.send_message(QueueUrl=source, MessageBody="new")
    assert [message["Body"] for message in waiting.messages()] == ["new"]


def test_a_move_wakes_a_poll_of_the_dead_letter_queue(sqs, server, poll, pair):
    source, dead = pair
    sqs.send_message(QueueUrl=source, MessageBody="x")
    receive(sqs, source)
    waiting = poll(QueueUrl=dead)
    server.wait_parked(1)
    began = time.monotonic()
    receive(sqs, source)
    assert len(waiting.messages()) == 1
    assert waiting.ended_at - began < SOON


def test_11_27_no_message_is_lost_or_doubled_on_its_way(two_servers):
    """Many receivers of both servers move the same messages at the same time."""
    here, there = [one.client() for one in two_servers]
    source, dead = (here.create_queue(QueueName=new_name())["QueueUrl"] for _ in range(2))
    redrive(here, source, dead)
    sent = send_many(here, source, 200)
    errors = []

    def work(client):
        try:
            while sum(counts(client, source)):
                receive(client, source)
        except Exception as error:  # handed to the test's thread
            errors.append(error)

    threads = [threading.Thread(target=work, args=(client,)) for client in (here, there) * 3]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert not errors
    assert counts(here, dead) == (200, 0, 0)
    moved = take_all(there, dead)
    assert len(moved) == 200 and set(moved) == sent


def test_11_27_a_kill_in_the_middle_loses_nothing(new_server, postgres):
    server = new_server("--database-url", postgres.database()).start()
    sqs = server.client()
    source, dead = (sqs.create_queue(QueueName=name)["QueueUrl"] for name in ("source", "dead"))
    sent = send_many(sqs, source, 1000)
    held = []
    while messages := receive(sqs, source, VisibilityTimeout=600):
        held.append(messages)
    for messages in held:
        sqs.change_message_visibility_batch(QueueUrl=source, Entries=[
            {"Id": str(n), "ReceiptHandle": message["ReceiptHandle"], "VisibilityTimeout": 0}
            for n, message in enumerate(messages)])
    redrive(sqs, source, dead)

    def move():
        try:
            while True:
                receive(sqs, source)
        except botocore.exceptions.BotoCoreError:
            pass  # the server has gone

    threads = [threading.Thread(target=move) for _ in range(4)]
    for thread in threads:
        thread.start()
    eventually(lambda: counts(sqs, dead)[0] > 0, "messages on their way")
    server.kill()
    for thread in threads:
        thread.join(20)
    server.start()
    assert counts(sqs, source)[0] + counts(sqs, dead)[0] == 1000
    eventually(lambda: receive(sqs, source) == [] and counts(sqs, source)[0] == 0, "all have moved")
    moved = take_all(sqs, dead)
    assert len(moved) == 1000 and set(moved) == sent


def test_a_policy_set_on_one_server_holds_on_the_other(two_servers):
    here, there = [one.client() for one in two_servers]
    source, dead = (here.create_queue(QueueName=new_name())["QueueUrl"] for _ in range(2))
    here.send_message(QueueUrl=source, MessageBody="x")
    assert len(receive(there, source)) == 1
    redrive(here, source, dead)
    assert receive(there, source) == []
    assert counts(there, dead) == (1, 0, 0)


# ---- FIFO

def test_messages_of_a_fifo_group_move_in_their_order(sqs, fifo_pair):
    source, dead = fifo_pair
    send(sqs, source, "g-1 g-2 g-3 h-1")
    assert received(sqs, source, VisibilityTimeout=0) == "g-1 g-2 g-3 h-1"
    send(sqs, source, "g-4")
    assert received(sqs, source) == "g-4"  # the group goes on behind what moved
    assert received(sqs, source) == ""
    assert received(sqs, dead, VisibilityTimeout=0) == "g-1 g-2 g-3 h-1"
    assert counts(sqs, dead) == (4, 0, 0)


def test_11_41_the_copy_of_a_fifo_message_is_deduplicated_by_its_first_message_id(sqs, fifo_pair):
    source, dead = fifo_pair
    sent = send(sqs, source, "g-1", MessageDeduplicationId="d")[0]
    for _ in range(2):
        receive(sqs, source)
    # The dead-letter queue has not seen the id "d" yet.
    assert send(sqs, dead, "h-1", MessageDeduplicationId="d")[0]["MessageId"] != sent["MessageId"]
    moved = next(message for message in receive(sqs, dead) if message["Body"] == "g-1")
    assert moved["MessageId"] == sent["MessageId"]
    shown = moved["Attributes"]
    assert shown["MessageDeduplicationId"] == sent["MessageId"]
    assert shown["MessageGroupId"] == "g"
    assert shown["DeadLetterQueueSourceArn"] == arn_of(source)
    assert shown["ApproximateReceiveCount"] == "2"
    assert len(shown["SequenceNumber"]) == 20


def test_the_retention_of_a_fifo_message_begins_anew_with_the_move(sqs, clock, make_fifo):
    source, dead = make_fifo(), make_fifo(MessageRetentionPeriod=600)
    redrive(sqs, source, dead)
    send(sqs, source, "g-1")
    receive(sqs, source)
    clock.advance(500)
    receive(sqs, source)
    clock.advance(500)
    assert received(sqs, dead, VisibilityTimeout=0) == "g-1"
    clock.advance(110)
    assert received(sqs, dead) == ""


def test_a_head_in_flight_holds_back_the_move_of_what_is_behind_it(sqs, fifo_pair):
    source, dead = fifo_pair
    send(sqs, source, "g-1 g-2")
    head, second = receive(sqs, source, VisibilityTimeout=60)
    sqs.change_message_visibility(QueueUrl=source, ReceiptHandle=second["ReceiptHandle"], VisibilityTimeout=0)
    assert received(sqs, source) == ""
    assert counts(sqs, dead) == (0, 0, 0)
    sqs.change_message_visibility(QueueUrl=source, ReceiptHandle=head["ReceiptHandle"], VisibilityTimeout=0)
    assert received(sqs, source) == ""
    assert received(sqs, dead) == "g-1 g-2"


# ---- ListDeadLetterSourceQueues

def sources_of(sqs, queue, **request):
    answer = sqs.list_dead_letter_source_queues(QueueUrl=queue, **request)
    return [url.rpartition("/")[2] for url in answer.get("queueUrls", [])], answer.get("NextToken")


def test_the_sources_of_a_queue_are_listed(sqs, make_queue):
    dead, *sources = (make_queue() for _ in range(4))
    assert sources_of(sqs, dead) == ([], None)
    for source in sources:
        redrive(sqs, source, dead)
    assert sources_of(sqs, dead) == (sorted(source.rpartition("/")[2] for source in sources), None)
    assert sorted(sqs.list_dead_letter_source_queues(QueueUrl=dead)["queueUrls"]) == sorted(sources)
    sqs.set_queue_attributes(QueueUrl=sources[0], Attributes={"RedrivePolicy": ""})
    sqs.delete_queue(QueueUrl=sources[1])
    assert sources_of(sqs, dead) == ([sources[2].rpartition("/")[2]], None)


def test_sources_are_listed_in_pages(sqs, make_queue):
    dead, *sources = (make_queue() for _ in range(6))
    for source in sources:
        redrive(sqs, source, dead)
    names = sorted(source.rpartition("/")[2] for source in sources)
    first, token = sources_of(sqs, dead, MaxResults=2)
    second, token = sources_of(sqs, dead, MaxResults=2, NextToken=token)
    third, none = sources_of(sqs, dead, MaxResults=2, NextToken=token)
    assert (first + second + third, none) == (names, None)
    pages = sqs.get_paginator("list_dead_letter_source_queues").paginate(QueueUrl=dead, PaginationConfig={"PageSize": 3})
    assert [len(page["queueUrls"]) for page in pages] == [3, 2]
    with fails("InvalidParameterValue", "Invalid NextToken value. If you are passing in NextToken, you must not change the "
                                        "other request parameters."):
        sources_of(sqs, sources[0], MaxResults=2, NextToken=token)


OUT_OF_RANGE = "Value for parameter MaxResults is invalid. Reason: MaxResults must be an integer between 1 and 1000."


@pytest.mark.parametrize("paging,text", [
    ({"MaxResults": 0}, OUT_OF_RANGE), ({"MaxResults": 1001}, OUT_OF_RANGE),
    ({"NextToken": "x"}, "MaxResults is a mandatory parameter when you provide a value for NextToken."),
    ({"NextToken": "x", "MaxResults": 1}, "Invalid NextToken value.")])
def test_the_paging_of_sources_is_checked(sqs, queue, paging, text):
    with fails("InvalidParameterValue", text):
        sqs.list_dead_letter_source_queues(QueueUrl=queue, **paging)


def test_a_missing_queue_has_no_sources(sqs, queue_name):
    with fails("AWS.SimpleQueueService.NonExistentQueue", "The specified queue does not exist."):
        sqs.list_dead_letter_source_queues(QueueUrl=queue_name, MaxResults=0)
