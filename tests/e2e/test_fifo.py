"""FIFO queues: order within a group, the prefix rule, deduplication, handles, delays and repeated attempts. A number in a
test's name is that of a mistake emulators make (the reference's section 11)."""
import hashlib
import threading
import time
import uuid

import pytest

from test_messages import counts
from wire import fails

SOON = 1.5
NO_GROUP = "The request must contain the parameter MessageGroupId."
NO_DEDUPLICATION_ID = ("The queue should either have ContentBasedDeduplication enabled or MessageDeduplicationId provided "
                       "explicitly")


@pytest.fixture
def fifo(make_fifo):
    return make_fifo()


def send(sqs, queue, bodies, **request):
    """"g1-a g2-b": the group of each message is what stands before its dash."""
    return [sqs.send_message(QueueUrl=queue, MessageBody=body, MessageGroupId=body.partition("-")[0], **request)
            for body in bodies.split()]


def receive(sqs, queue, count=10, **request):
    request = {"WaitTimeSeconds": 0, "AttributeNames": ["All"], **request}
    return sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=count, **request).get("Messages", [])


def bodies(messages):
    """In order within each group, groups by name: their order among each other is free."""
    groups = {}
    for message in messages:
        groups.setdefault(message["Body"].partition("-")[0], []).append(message["Body"])
    return " ".join(body for group in sorted(groups) for body in groups[group])


def received(sqs, queue, count=10, **request):
    return bodies(receive(sqs, queue, count, **request))


def delete(sqs, queue, message):
    sqs.delete_message(QueueUrl=queue, ReceiptHandle=message["ReceiptHandle"])


def change(sqs, queue, message, timeout):
    sqs.change_message_visibility(QueueUrl=queue, ReceiptHandle=message["ReceiptHandle"], VisibilityTimeout=timeout)


# ---- Queues

def test_a_fifo_queue_shows_its_own_attributes(sqs, make_fifo):
    shown = sqs.get_queue_attributes(QueueUrl=make_fifo(), AttributeNames=["All"])["Attributes"]
    assert len(shown) == 16
    assert shown["FifoQueue"] == "true"
    assert shown["ContentBasedDeduplication"] == "true"
    assert shown["DeduplicationScope"] == "queue"
    assert shown["FifoThroughputLimit"] == "perQueue"


def test_a_name_and_a_type_that_do_not_fit_are_refused(sqs, queue_name):
    with fails("InvalidParameterValue"):
        sqs.create_queue(QueueName=queue_name + ".fifo")
    with fails("InvalidParameterValue", "The name of a FIFO queue can only include alphanumeric characters, hyphens, or "
                                        "underscores, must end with .fifo suffix and be 1 to 80 in length"):
        sqs.create_queue(QueueName=queue_name, Attributes={"FifoQueue": "true"})


def test_a_fifo_queue_created_again_is_compared(sqs, queue_name):
    name = queue_name + ".fifo"
    url = sqs.create_queue(QueueName=name, Attributes={"FifoQueue": "True"})["QueueUrl"]
    assert sqs.create_queue(QueueName=name, Attributes={"FifoQueue": "true", "DeduplicationScope": "queue"})["QueueUrl"] == url
    with fails("QueueAlreadyExists", "A queue already exists with the same name and a different value for attribute "
                                     "ContentBasedDeduplication"):
        sqs.create_queue(QueueName=name, Attributes={"FifoQueue": "true", "ContentBasedDeduplication": "true"})
    sqs.delete_queue(QueueUrl=url)


def test_the_type_cannot_be_changed_and_saying_it_again_is_no_error(sqs, fifo):
    sqs.set_queue_attributes(QueueUrl=fifo, Attributes={"FifoQueue": "true"})
    with fails("InvalidAttributeValue",
               "Invalid value for the parameter FifoQueue. Reason: Modifying queue type is not supported."):
        sqs.set_queue_attributes(QueueUrl=fifo, Attributes={"FifoQueue": "false"})


def test_a_limit_per_group_needs_deduplication_by_group(sqs, fifo):
    with fails("InvalidAttributeValue",
               "The perMessageGroupId value is allowed only when the value for DeduplicationScope is messageGroup"):
        sqs.set_queue_attributes(QueueUrl=fifo, Attributes={"FifoThroughputLimit": "perMessageGroupId"})
    both = {"FifoThroughputLimit": "perMessageGroupId", "DeduplicationScope": "messageGroup"}
    sqs.set_queue_attributes(QueueUrl=fifo, Attributes=both)
    assert sqs.get_queue_attributes(QueueUrl=fifo, AttributeNames=list(both))["Attributes"] == both


# ---- Sending

def test_a_group_must_be_named(sqs, fifo):
    with fails("MissingParameter", NO_GROUP):
        sqs.send_message(QueueUrl=fifo, MessageBody="x")


@pytest.mark.parametrize("name", ["MessageGroupId", "MessageDeduplicationId"])
@pytest.mark.parametrize("value", ["", "with space", "x" * 129, "é"])
def test_bad_ids_are_refused(sqs, fifo, name, value):
    ids = {"MessageGroupId": "g", "MessageDeduplicationId": "d", name: value}
    with fails("InvalidParameterValue", f"Value {value} for parameter {name} is invalid. Reason: {name} can only include "
                                        "alphanumeric and punctuation characters. 1 to 128 in length."):
        sqs.send_message(QueueUrl=fifo, MessageBody="x", **ids)


def test_ids_of_all_allowed_characters_come_back(sqs, fifo):
    every = "".join(map(chr, range(0x21, 0x7f)))
    sqs.send_message(QueueUrl=fifo, MessageBody="x", MessageGroupId=every, MessageDeduplicationId=every)
    shown = receive(sqs, fifo)[0]["Attributes"]
    assert shown["MessageGroupId"] == every
    assert shown["MessageDeduplicationId"] == every


def test_a_deduplication_id_must_be_given_unless_the_body_stands_in_for_it(sqs, make_fifo):
    queue = make_fifo(ContentBasedDeduplication="false")
    with fails("InvalidParameterValue", NO_DEDUPLICATION_ID):
        sqs.send_message(QueueUrl=queue, MessageBody="x", MessageGroupId="g")
    sqs.set_queue_attributes(QueueUrl=queue, Attributes={"ContentBasedDeduplication": "true"})
    sqs.send_message(QueueUrl=queue, MessageBody="x", MessageGroupId="g")


def test_a_delay_of_its_own_is_refused_and_zero_accepted(sqs, fifo):
    with fails("InvalidParameterValue", "Value 2 for parameter DelaySeconds is invalid. Reason: The request include parameter "
                                        "that is not valid for this queue type."):
        send(sqs, fifo, "g-1", DelaySeconds=2)
    send(sqs, fifo, "g-1", DelaySeconds=0)
    assert received(sqs, fifo) == "g-1"


def test_11_23_attributes_of_fifo_messages_are_there_when_asked_for_and_only_then(sqs, fifo):
    sent = send(sqs, fifo, "g-1")[0]
    message = receive(sqs, fifo, VisibilityTimeout=0)[0]
    shown = message["Attributes"]
    assert shown["SequenceNumber"] == sent["SequenceNumber"]
    assert shown["MessageGroupId"] == "g"
    assert shown["MessageDeduplicationId"] == hashlib.sha256(b"g-1").hexdigest()
    assert "Attributes" not in receive(sqs, fifo, AttributeNames=[])[0]


def test_11_23_a_standard_queue_has_a_group_if_sent_and_nothing_else_of_fifo(sqs, queue):
    sent = sqs.send_message(QueueUrl=queue, MessageBody="x", MessageGroupId="tenant")
    assert "SequenceNumber" not in sent
    shown = receive(sqs, queue, WaitTimeSeconds=2)[0]["Attributes"]
    assert shown["MessageGroupId"] == "tenant"
    assert not {"SequenceNumber", "MessageDeduplicationId"} & set(shown)
    with fails("InvalidParameterValue"):
        sqs.send_message(QueueUrl=queue, MessageBody="x", MessageDeduplicationId="d")


def test_11_22_sequence_numbers_have_20_digits_and_grow(sqs, fifo):
    numbers = [one["SequenceNumber"] for one in send(sqs, fifo, " ".join(f"g-{n}" for n in range(30)))]
    assert all(len(number) == 20 and number.isdecimal() for number in numbers)
    assert numbers == sorted(set(numbers))


# ---- Batches

def batch(sqs, queue, *entries):
    return sqs.send_message_batch(QueueUrl=queue, Entries=[{"Id": f"e{n}", **entry} for n, entry in enumerate(entries)])


def test_a_batch_is_in_the_order_of_its_array(sqs, fifo):
    answer = batch(sqs, fifo, *({"MessageBody": f"g-{n}", "MessageGroupId": "g"} for n in range(10)))
    numbers = [entry["SequenceNumber"] for entry in sorted(answer["Successful"], key=lambda entry: entry["Id"])]
    assert numbers == sorted(set(numbers))
    assert received(sqs, fifo) == " ".join(f"g-{n}" for n in range(10))


def test_11_30_an_entry_without_a_group_fails_the_whole_batch_under_another_code(sqs, fifo):
    with fails("InvalidParameterValue", NO_GROUP):
        batch(sqs, fifo, {"MessageBody": "a", "MessageGroupId": "g"}, {"MessageBody": "b"})
    assert counts(sqs, fifo) == (0, 0, 0)


def test_an_entry_without_a_deduplication_id_fails_the_whole_batch(sqs, make_fifo):
    queue = make_fifo(ContentBasedDeduplication="false")
    with fails("InvalidParameterValue", NO_DEDUPLICATION_ID):
        batch(sqs, queue, {"MessageBody": "a", "MessageGroupId": "g", "MessageDeduplicationId": "d"},
              {"MessageBody": "b", "MessageGroupId": "g"})
    assert counts(sqs, queue) == (0, 0, 0)


def test_a_bad_entry_fails_alone(sqs, fifo):
    answer = batch(sqs, fifo, {"MessageBody": "g-a", "MessageGroupId": "g"},
                   {"MessageBody": "x", "MessageGroupId": "b b"},
                   {"MessageBody": "y", "MessageGroupId": "g", "DelaySeconds": 3},
                   {"MessageBody": "g-b", "MessageGroupId": "g"})
    assert [entry["Id"] for entry in answer["Successful"]] == ["e0", "e3"]
    assert sorted((entry["Id"], entry["Code"], entry["SenderFault"]) for entry in answer["Failed"]) == [
        ("e1", "InvalidParameterValue", True), ("e2", "InvalidParameterValue", True)]
    assert received(sqs, fifo) == "g-a g-b"


def test_the_same_id_twice_in_a_batch_is_successful_twice_and_there_once(sqs, fifo):
    answer = batch(sqs, fifo, *({"MessageBody": f"g-{n}", "MessageGroupId": "g", "MessageDeduplicationId": "same"}
                                for n in range(2)))
    first, second = answer["Successful"]
    assert first["MessageId"] == second["MessageId"]
    assert first["SequenceNumber"] == second["SequenceNumber"]
    assert received(sqs, fifo) == "g-0"


# ---- Delivery

def test_a_receive_fills_from_one_group_and_goes_on_to_others(sqs, fifo):
    send(sqs, fifo, "g1-1 g1-2 g2-1 g1-3")
    assert received(sqs, fifo) == "g1-1 g1-2 g1-3 g2-1"
    assert counts(sqs, fifo) == (0, 4, 0)


def test_11_17_a_group_is_locked_while_its_head_is_in_flight_whatever_is_sent(sqs, fifo):
    send(sqs, fifo, "g-1 g-2")
    assert received(sqs, fifo, 1) == "g-1"
    assert received(sqs, fifo) == ""
    send(sqs, fifo, "g-3 h-1")
    assert received(sqs, fifo) == "h-1"
    assert counts(sqs, fifo) == (2, 2, 0)  # what waits behind the head is visible


def test_deletes_of_all_in_flight_unlock_the_group_and_wake_a_poll(sqs, fifo, poll):
    send(sqs, fifo, "g-1 g-2 g-3")
    first, second = receive(sqs, fifo, 2)
    delete(sqs, fifo, second)
    waiting = poll(QueueUrl=fifo)
    time.sleep(0.3)
    assert waiting.thread.is_alive()  # the head keeps the lock
    began = time.monotonic()
    delete(sqs, fifo, first)
    assert bodies(waiting.messages()) == "g-3"
    assert waiting.ended_at - began < SOON


def test_visibility_zero_of_the_head_frees_it_alone(sqs, fifo):
    send(sqs, fifo, "g-1 g-2")
    first, _ = receive(sqs, fifo)
    change(sqs, fifo, first, 0)
    assert received(sqs, fifo) == "g-1"


def test_visibility_zero_behind_the_head_frees_nothing(sqs, fifo):
    send(sqs, fifo, "g-1 g-2")
    _, second = receive(sqs, fifo)
    change(sqs, fifo, second, 0)
    assert received(sqs, fifo) == ""


@pytest.mark.parametrize("extended, expected", [(0, ""), (1, "g-1"), (2, "g-1 g-2")])
def test_an_extended_message_stops_the_run_before_it(sqs, clock, fifo, extended, expected):
    send(sqs, fifo, "g-1 g-2 g-3")
    messages = receive(sqs, fifo, VisibilityTimeout=30)
    change(sqs, fifo, messages[extended], 300)
    clock.advance(31)
    assert received(sqs, fifo) == expected


def test_11_18_what_expires_comes_again_in_the_original_order(sqs, clock, fifo):
    send(sqs, fifo, " ".join(f"g-{n}" for n in range(8)))
    for _ in range(3):
        assert received(sqs, fifo, VisibilityTimeout=30) == " ".join(f"g-{n}" for n in range(8))
        clock.advance(31)
    assert {message["Attributes"]["ApproximateReceiveCount"] for message in receive(sqs, fifo)} == {"4"}


def test_a_receive_with_timeout_zero_locks_nothing_and_the_next_go_to_other_groups(sqs, fifo):
    send(sqs, fifo, "a-1 b-1 c-1")
    assert {received(sqs, fifo, 1, VisibilityTimeout=0) for _ in range(12)} == {"a-1", "b-1", "c-1"}


def test_a_group_goes_on_behind_a_head_that_is_too_old(sqs, clock, make_fifo):
    queue = make_fifo(MessageRetentionPeriod=60)
    send(sqs, queue, "g-1")
    receive(sqs, queue)
    clock.advance(61)
    send(sqs, queue, "g-2")
    assert received(sqs, queue) == "g-2"


# ---- Deduplication

def test_11_20_the_window_is_five_minutes_from_the_first_whatever_became_of_it(sqs, clock, fifo):
    first = send(sqs, fifo, "g-1", MessageDeduplicationId="d")[0]
    delete(sqs, fifo, receive(sqs, fifo)[0])
    clock.advance(200)
    again = send(sqs, fifo, "g-2", MessageDeduplicationId="d")[0]
    assert again["MessageId"] == first["MessageId"]
    assert again["SequenceNumber"] == first["SequenceNumber"]
    assert again["MD5OfMessageBody"] == hashlib.md5(b"g-2").hexdigest()
    assert counts(sqs, fifo) == (0, 0, 0)
    clock.advance(90)
    assert send(sqs, fifo, "g-3", MessageDeduplicationId="d")[0]["MessageId"] == first["MessageId"]
    clock.advance(15)  # 305 s after the first, 15 s after the last
    assert send(sqs, fifo, "g-4", MessageDeduplicationId="d")[0]["MessageId"] != first["MessageId"]
    assert received(sqs, fifo) == "g-4"


def test_bodies_are_duplicates_whatever_their_attributes_and_an_explicit_id_wins(sqs, fifo):
    def sent(**request):
        return sqs.send_message(QueueUrl=fifo, MessageBody="same", MessageGroupId="g", **request)["MessageId"]

    first = sent()
    assert sent(MessageAttributes={"a": {"DataType": "String", "StringValue": "b"}}) == first
    assert sent(MessageDeduplicationId="0967115f2813a3541eaef77de9d9d5773f1c0c04314b0bbfe4ff3b3b1c55b5d5") == first
    assert sent(MessageDeduplicationId="other") != first


@pytest.mark.parametrize("scope", ["queue", "messageGroup"])
def test_11_21_the_scope_of_creation_counts(sqs, make_fifo, scope):
    queue = make_fifo(DeduplicationScope=scope)
    in_another_group_is_new = scope == "messageGroup"
    for n, shown in enumerate([scope, "messageGroup", "queue"]):
        sqs.set_queue_attributes(QueueUrl=queue, Attributes={"DeduplicationScope": shown})
        first = send(sqs, queue, "g-1", MessageDeduplicationId=f"d{n}")[0]
        assert send(sqs, queue, "g-2", MessageDeduplicationId=f"d{n}")[0]["MessageId"] == first["MessageId"]
        other = send(sqs, queue, "h-1", MessageDeduplicationId=f"d{n}")[0]
        assert (other["MessageId"] != first["MessageId"]) == in_another_group_is_new
        assert sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["DeduplicationScope"])["Attributes"] == {
            "DeduplicationScope": shown}


def test_a_purge_forgets_messages_and_history(sqs, fifo):
    first = send(sqs, fifo, "g-1 g-2")[0]
    receive(sqs, fifo, 1)
    sqs.purge_queue(QueueUrl=fifo)
    assert counts(sqs, fifo) == (0, 0, 0)
    assert send(sqs, fifo, "g-1")[0]["MessageId"] != first["MessageId"]
    assert received(sqs, fifo) == "g-1"


# ---- Receipt handles

def test_11_19_a_delete_after_expiry_is_refused(sqs, clock, fifo):
    send(sqs, fifo, "g-1")
    message = receive(sqs, fifo, VisibilityTimeout=30)[0]
    clock.advance(31)
    handle = message["ReceiptHandle"]
    text = f"Value {handle} for parameter ReceiptHandle is invalid. Reason: The receipt handle has expired."
    with fails("InvalidParameterValue", text):
        delete(sqs, fifo, message)
    answer = sqs.delete_message_batch(QueueUrl=fifo, Entries=[{"Id": "a", "ReceiptHandle": handle}])
    assert "Successful" not in answer
    assert answer["Failed"] == [{"Id": "a", "SenderFault": True, "Code": "InvalidParameterValue", "Message": text}]
    gone = "Reason: Message does not exist or is not available for visibility timeout change."
    with fails("InvalidParameterValue", f"Value {handle} for parameter ReceiptHandle is invalid. {gone}"):
        change(sqs, fifo, message, 30)
    later = receive(sqs, fifo)[0]
    with fails("InvalidParameterValue", text):
        delete(sqs, fifo, message)
    delete(sqs, fifo, later)
    delete(sqs, fifo, later)  # already deleted: no error
    assert counts(sqs, fifo) == (0, 0, 0)


def test_11_19_an_extension_extends_the_handle(sqs, clock, fifo):
    send(sqs, fifo, "g-1")
    message = receive(sqs, fifo, VisibilityTimeout=30)[0]
    change(sqs, fifo, message, 300)
    clock.advance(100)
    delete(sqs, fifo, message)
    assert counts(sqs, fifo) == (0, 0, 0)


def test_garbage_and_other_queues_handles_are_invalid(sqs, fifo, make_fifo):
    send(sqs, fifo, "g-1")
    message = receive(sqs, fifo)[0]
    with fails("ReceiptHandleIsInvalid", 'The input receipt handle "garbage" is not a valid receipt handle.'):
        sqs.delete_message(QueueUrl=fifo, ReceiptHandle="garbage")
    with fails("ReceiptHandleIsInvalid"):
        delete(sqs, make_fifo(), message)


# ---- Delays

def test_the_queue_delay_holds_back_a_group_and_counts_as_delayed(sqs, clock, make_fifo):
    queue = make_fifo(DelaySeconds=60)
    send(sqs, queue, "g-1")
    assert received(sqs, queue) == ""
    assert counts(sqs, queue) == (0, 0, 1)
    clock.advance(61)
    send(sqs, queue, "g-2")
    assert received(sqs, queue) == "g-1"


def test_a_shorter_delay_holds_for_messages_that_wait_already(sqs, clock, make_fifo, poll):
    queue = make_fifo(DelaySeconds=900)
    send(sqs, queue, "g-1 h-1")
    waiting = poll(QueueUrl=queue, MaxNumberOfMessages=10)
    time.sleep(0.2)
    sqs.set_queue_attributes(QueueUrl=queue, Attributes={"DelaySeconds": "0"})
    assert bodies(waiting.messages()) == "g-1 h-1"
    assert waiting.seconds < SOON + 0.2


def test_a_longer_delay_holds_for_messages_that_wait_already(sqs, clock, make_fifo):
    queue = make_fifo(DelaySeconds=10)
    send(sqs, queue, "g-1")
    sqs.set_queue_attributes(QueueUrl=queue, Attributes={"DelaySeconds": "100"})
    clock.advance(11)
    assert received(sqs, queue) == ""
    assert counts(sqs, queue) == (0, 0, 1)
    clock.advance(90)
    assert received(sqs, queue) == "g-1"


# ---- ReceiveRequestAttemptId

def test_11_39_a_repeated_attempt_is_given_the_same_messages_and_handles(sqs, clock, fifo):
    send(sqs, fifo, "g-1 g-2 h-1")
    first = receive(sqs, fifo, 3, VisibilityTimeout=60, ReceiveRequestAttemptId="try")
    clock.advance(50)
    again = receive(sqs, fifo, 3, VisibilityTimeout=60, ReceiveRequestAttemptId="try")
    assert bodies(again) == "g-1 g-2 h-1"
    assert sorted(m["ReceiptHandle"] for m in again) == sorted(m["ReceiptHandle"] for m in first)
    assert {m["Attributes"]["ApproximateReceiveCount"] for m in again} == {"1"}
    assert received(sqs, fifo, ReceiveRequestAttemptId="another") == ""
    clock.advance(50)  # the first timeout has ended, the second has not
    for message in first:
        delete(sqs, fifo, message)
    assert counts(sqs, fifo) == (0, 0, 0)


def test_an_attempt_is_void_once_a_message_was_deleted(sqs, fifo):
    send(sqs, fifo, "g-1 h-1")
    first = receive(sqs, fifo, ReceiveRequestAttemptId="try")
    delete(sqs, fifo, first[0])
    assert received(sqs, fifo, ReceiveRequestAttemptId="try") == ""


def test_an_attempt_is_void_once_a_visibility_was_changed(sqs, fifo):
    send(sqs, fifo, "g-1")
    change(sqs, fifo, receive(sqs, fifo, ReceiveRequestAttemptId="try")[0], 0)
    message = receive(sqs, fifo, ReceiveRequestAttemptId="try")[0]
    assert message["Attributes"]["ApproximateReceiveCount"] == "2"  # an ordinary receive


def test_an_attempt_is_void_once_the_visibility_ran_out_or_five_minutes_are_over(sqs, clock, fifo):
    send(sqs, fifo, "g-1")
    receive(sqs, fifo, VisibilityTimeout=30, ReceiveRequestAttemptId="short")
    clock.advance(31)
    message = receive(sqs, fifo, VisibilityTimeout=3600, ReceiveRequestAttemptId="short")[0]
    assert message["Attributes"]["ApproximateReceiveCount"] == "2"
    clock.advance(301)
    assert received(sqs, fifo, ReceiveRequestAttemptId="short") == ""  # still in flight, and the window is over


def test_attempt_ids_are_checked_and_refused_on_standard_queues(sqs, fifo, queue):
    for bad in ("", "with space", "r" * 129):
        with fails("InvalidParameterValue"):
            receive(sqs, fifo, ReceiveRequestAttemptId=bad)
    with fails("InvalidParameterValue"):
        receive(sqs, queue, ReceiveRequestAttemptId="try")


# ---- Long polls

def test_a_send_that_opens_a_group_wakes_a_poll_and_one_to_a_locked_group_does_not(sqs, fifo, poll):
    send(sqs, fifo, "g-1")
    receive(sqs, fifo)
    waiting = poll(QueueUrl=fifo)
    time.sleep(0.2)
    send(sqs, fifo, "g-2")
    time.sleep(0.3)
    assert waiting.thread.is_alive()
    began = time.monotonic()
    send(sqs, fifo, "h-1")
    assert bodies(waiting.messages()) == "h-1"
    assert waiting.ended_at - began < SOON


def test_a_visibility_timeout_that_ends_wakes_a_poll(sqs, fifo, poll):
    send(sqs, fifo, "g-1")
    receive(sqs, fifo, VisibilityTimeout=1)
    waiting = poll(QueueUrl=fifo)
    assert bodies(waiting.messages()) == "g-1"
    assert waiting.seconds < 1 + SOON


def test_visibility_zero_wakes_a_poll(sqs, fifo, poll):
    send(sqs, fifo, "g-1")
    message = receive(sqs, fifo)[0]
    waiting = poll(QueueUrl=fifo)
    time.sleep(0.2)
    began = time.monotonic()
    change(sqs, fifo, message, 0)
    assert bodies(waiting.messages()) == "g-1"
    assert waiting.ended_at - began < SOON


# ---- Two servers

@pytest.fixture
def pair(two_servers):
    return [one.client() for one in two_servers]


@pytest.fixture
def shared_fifo(pair):
    return pair[0].create_queue(QueueName=f"q-{uuid.uuid4().hex[:20]}.fifo", Attributes={
        "FifoQueue": "true", "ContentBasedDeduplication": "true", "VisibilityTimeout": "600"})["QueueUrl"]


def test_order_locks_and_deduplication_hold_between_servers(pair, shared_fifo):
    here, there = pair
    for n in range(10):
        send(pair[n % 2], shared_fifo, f"g-{n}")
        send(pair[(n + 1) % 2], shared_fifo, f"g-{n}")  # a duplicate
    first = receive(here, shared_fifo, 3)
    assert bodies(first) == "g-0 g-1 g-2"
    assert received(there, shared_fifo) == ""
    for message in first:
        delete(there, shared_fifo, message)
    assert received(there, shared_fifo) == " ".join(f"g-{n}" for n in range(3, 10))


def test_a_delete_on_one_wakes_a_poll_on_the_other(pair, two_servers, poll, shared_fifo):
    here, there = pair
    send(here, shared_fifo, "g-1 g-2")
    first = receive(here, shared_fifo, 1)[0]
    waiting = poll(there, QueueUrl=shared_fifo)
    two_servers[1].wait_parked(1)
    began = time.monotonic()
    delete(here, shared_fifo, first)
    assert bodies(waiting.messages()) == "g-2"
    assert waiting.ended_at - began < SOON


def test_concurrent_clients_of_both_see_every_group_in_order(pair, shared_fifo):
    groups, each, lock = 20, 30, threading.Lock()
    seen, errors, done = {}, [], threading.Event()

    def produce(client, mine):
        try:
            for n in range(each):
                for start in range(0, len(mine), 10):
                    batch(client, shared_fifo, *({"MessageBody": f"{group}-{n}", "MessageGroupId": str(group)}
                                                 for group in mine[start:start + 10]))
        except Exception as error:
            errors.append(error)

    def consume(client):
        try:
            while not done.is_set() and not errors:
                messages = receive(client, shared_fifo, WaitTimeSeconds=1)
                with lock:
                    for message in messages:
                        seen.setdefault(message["Body"].partition("-")[0], []).append(message["Body"])
                    if sum(map(len, seen.values())) >= groups * each:
                        done.set()
                if messages:
                    client.delete_message_batch(QueueUrl=shared_fifo, Entries=[
                        {"Id": str(n), "ReceiptHandle": message["ReceiptHandle"]} for n, message in enumerate(messages)])
        except Exception as error:
            errors.append(error)

    threads = [threading.Thread(target=produce, args=(pair[n % 2], range(n, groups, 4))) for n in range(4)]
    threads += [threading.Thread(target=consume, args=(pair[n % 2],)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert not errors
    for group in map(str, range(groups)):
        assert seen[group] == [f"{group}-{n}" for n in range(each)]
    assert counts(pair[0], shared_fifo) == (0, 0, 0)
