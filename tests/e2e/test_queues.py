"""CreateQueue, GetQueueUrl, ListQueues, DeleteQueue, PurgeQueue and the two attribute actions."""
import time

import pytest

from conftest import new_name
from wire import assert_error, fails

NO_QUEUE = "AWS.SimpleQueueService.NonExistentQueue"

DEFAULTS = {"DelaySeconds": "0", "MaximumMessageSize": "1048576", "MessageRetentionPeriod": "345600",
            "ReceiveMessageWaitTimeSeconds": "0", "VisibilityTimeout": "30", "SqsManagedSseEnabled": "true",
            "ApproximateNumberOfMessages": "0", "ApproximateNumberOfMessagesNotVisible": "0",
            "ApproximateNumberOfMessagesDelayed": "0"}


def attributes_of(sqs, queue, *names):
    return sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=list(names) or ["All"]).get("Attributes", {})


# ---- CreateQueue

def test_11_13_queue_url_is_built_from_the_request_host(sqs, url, queue_name):
    assert sqs.create_queue(QueueName=queue_name)["QueueUrl"] == f"{url}/000000000000/{queue_name}"
    sqs.delete_queue(QueueUrl=queue_name)


def test_11_12_queue_url_follows_another_host_header(wire, queue):
    name = queue.rpartition("/")[2]
    answer = wire.call("GetQueueUrl", {"QueueName": name}, {"Host": "localhost:1234"})
    assert answer.json == {"QueueUrl": f"http://localhost:1234/000000000000/{name}"}


def test_11_35_creating_a_queue_again_without_attributes_answers_the_same_url(sqs, make_queue):
    queue = make_queue(VisibilityTimeout=7)
    assert sqs.create_queue(QueueName=queue.rpartition("/")[2])["QueueUrl"] == queue
    assert attributes_of(sqs, queue, "VisibilityTimeout") == {"VisibilityTimeout": "7"}


def test_creating_a_queue_again_with_equal_attributes_answers_the_same_url(sqs, make_queue):
    queue = make_queue(VisibilityTimeout=7)
    same = {"VisibilityTimeout": "7", "DelaySeconds": "0", "MessageRetentionPeriod": "345600"}
    assert sqs.create_queue(QueueName=queue.rpartition("/")[2], Attributes=same)["QueueUrl"] == queue


def test_creating_a_queue_again_with_another_value_names_the_attribute(sqs, make_queue):
    queue = make_queue(VisibilityTimeout=7)
    with fails("QueueAlreadyExists",
               "A queue already exists with the same name and a different value for attribute VisibilityTimeout"):
        sqs.create_queue(QueueName=queue.rpartition("/")[2], Attributes={"VisibilityTimeout": "8"})


def test_a_default_counts_as_stored_when_a_queue_is_created_again(sqs, queue):
    with fails("QueueAlreadyExists",
               "A queue already exists with the same name and a different value for attribute DelaySeconds"):
        sqs.create_queue(QueueName=queue.rpartition("/")[2], Attributes={"DelaySeconds": "1"})


@pytest.mark.parametrize("name", ["with space", "dot.ted", "a" * 81, "ünicode", "slash/es", "q.fifo"])
def test_queue_names_outside_the_rules_are_refused(lax_sqs, name):
    with fails("InvalidParameterValue",
               "Can only include alphanumeric characters, hyphens, or underscores. 1 to 80 in length"):
        lax_sqs.create_queue(QueueName=name)


@pytest.mark.parametrize("arguments", [{}, {"QueueName": ""}])
def test_create_queue_needs_a_name(lax_sqs, arguments):
    with fails("InvalidParameterValue"):
        lax_sqs.create_queue(**arguments)


@pytest.mark.parametrize("length", [1, 80])
def test_names_of_the_shortest_and_the_longest_length_are_taken(sqs, length):
    name = "-" if length == 1 else new_name("Q_")[:20].ljust(80, "z")
    queue = sqs.create_queue(QueueName=name)["QueueUrl"]
    assert queue.endswith("/" + name)
    sqs.delete_queue(QueueUrl=queue)


@pytest.mark.parametrize("attribute,value", [
    (name, value) for name, values in {
        "DelaySeconds": ["-1", "901", "1.5", " 1", "abc", "", "99999999999999999999"],
        "MaximumMessageSize": ["1023", "1048577", "x"],
        "MessageRetentionPeriod": ["59", "1209601"],
        "ReceiveMessageWaitTimeSeconds": ["-1", "21"],
        "VisibilityTimeout": ["-1", "43201", "1e3"],
        "SqsManagedSseEnabled": ["maybe"],
    }.items() for value in values])
def test_11_16_attribute_values_out_of_range_are_refused(sqs, queue, queue_name, attribute, value):
    for attempt in (lambda: sqs.create_queue(QueueName=queue_name, Attributes={attribute: value}),
                    lambda: sqs.set_queue_attributes(QueueUrl=queue, Attributes={attribute: value})):
        with fails("InvalidAttributeValue", f"Invalid value for the parameter {attribute}."):
            attempt()
    with fails(NO_QUEUE):
        sqs.get_queue_url(QueueName=queue_name)


@pytest.mark.parametrize("attribute,value", [
    ("DelaySeconds", 0), ("DelaySeconds", 900), ("MaximumMessageSize", 1024), ("MaximumMessageSize", 1048576),
    ("MessageRetentionPeriod", 60), ("MessageRetentionPeriod", 1209600), ("ReceiveMessageWaitTimeSeconds", 20),
    ("VisibilityTimeout", 0), ("VisibilityTimeout", 43200)])
def test_attribute_values_at_their_bounds_are_taken_and_returned(sqs, make_queue, attribute, value):
    queue = make_queue(**{attribute: value})
    assert attributes_of(sqs, queue, attribute) == {attribute: str(value)}


@pytest.mark.parametrize("name", ["Nonsense", "visibilitytimeout", "QueueArn", "ApproximateNumberOfMessages", "All"])
def test_unknown_and_read_only_attributes_cannot_be_set(sqs, queue, queue_name, name):
    with fails("InvalidAttributeName", f"Unknown Attribute {name}."):
        sqs.create_queue(QueueName=queue_name, Attributes={name: "1"})
    with fails("InvalidAttributeName", f"Unknown Attribute {name}."):
        sqs.set_queue_attributes(QueueUrl=queue, Attributes={name: "1"})


@pytest.mark.parametrize("name,text", [
    ("ContentBasedDeduplication", "Unknown Attribute ContentBasedDeduplication."),
    ("DeduplicationScope", "You can specify the DeduplicationScope only when FifoQueue is set to true."),
    ("FifoThroughputLimit", "You can specify the FifoThroughputLimit only when FifoQueue is set to true."),
    ("FifoQueue", "Unknown Attribute FifoQueue.")])
def test_fifo_attributes_are_unknown_to_a_standard_queue(sqs, queue_name, name, text):
    value = {"DeduplicationScope": "queue", "FifoThroughputLimit": "perQueue"}.get(name, "false")
    with fails("InvalidAttributeName", text):
        sqs.create_queue(QueueName=queue_name, Attributes={name: value})


def test_booleans_are_read_in_any_case_and_returned_lower_case(sqs, make_queue):
    queue = make_queue(SqsManagedSseEnabled="FALSE")
    assert attributes_of(sqs, queue, "SqsManagedSseEnabled") == {"SqsManagedSseEnabled": "false"}


# ---- Attributes

def test_all_attributes_of_a_fresh_queue_are_exactly_those_of_sqs(sqs, queue):
    shown = attributes_of(sqs, queue)
    assert {name: shown[name] for name in DEFAULTS} == DEFAULTS
    assert shown["QueueArn"] == f"arn:aws:sqs:us-east-1:000000000000:{queue.rpartition('/')[2]}"
    assert set(shown) == set(DEFAULTS) | {"QueueArn", "CreatedTimestamp", "LastModifiedTimestamp"}


def test_timestamps_of_a_queue_are_seconds_and_the_second_moves_with_a_change(sqs, server, clock, queue):
    before = attributes_of(sqs, queue)
    assert abs(int(before["CreatedTimestamp"]) - clock.now()) < 60
    assert before["LastModifiedTimestamp"] == before["CreatedTimestamp"]
    clock.advance(100)
    sqs.set_queue_attributes(QueueUrl=queue, Attributes={"DelaySeconds": "1"})
    after = attributes_of(sqs, queue)
    assert after["CreatedTimestamp"] == before["CreatedTimestamp"]
    assert int(after["LastModifiedTimestamp"]) - int(before["LastModifiedTimestamp"]) >= 99


def test_only_the_attributes_asked_for_are_returned(sqs, queue):
    assert attributes_of(sqs, queue, "DelaySeconds", "VisibilityTimeout") == {"DelaySeconds": "0",
                                                                              "VisibilityTimeout": "30"}


def test_no_names_or_only_unset_ones_answer_no_attributes_key(wire, queue):
    for body in ({}, {"AttributeNames": []}, {"AttributeNames": ["Policy"]}):
        assert wire.call("GetQueueAttributes", {"QueueUrl": queue, **body}).json == {}


@pytest.mark.parametrize("name", ["Nonsense", ""])
def test_an_unknown_attribute_cannot_be_read(sqs, queue, name):
    with fails("InvalidAttributeName", f"Unknown Attribute {name}."):
        sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["DelaySeconds", name])


def test_setting_attributes_is_all_or_nothing(sqs, queue):
    with fails("InvalidAttributeValue"):
        sqs.set_queue_attributes(QueueUrl=queue, Attributes={"DelaySeconds": "5", "VisibilityTimeout": "-1"})
    assert attributes_of(sqs, queue, "DelaySeconds") == {"DelaySeconds": "0"}


def test_only_the_given_attributes_change(sqs, make_queue):
    queue = make_queue(VisibilityTimeout=11, DelaySeconds=3)
    sqs.set_queue_attributes(QueueUrl=queue, Attributes={"VisibilityTimeout": "12"})
    assert attributes_of(sqs, queue, "VisibilityTimeout", "DelaySeconds") == {"VisibilityTimeout": "12",
                                                                              "DelaySeconds": "3"}


def test_a_changed_default_holds_for_the_next_call(sqs, queue):
    for seconds in range(1, 6):  # any cache of the queue's attributes must see each change
        sqs.set_queue_attributes(QueueUrl=queue, Attributes={"DelaySeconds": str(seconds)})
        sqs.send_message(QueueUrl=queue, MessageBody="x")
        assert attributes_of(sqs, queue, "ApproximateNumberOfMessagesDelayed") == {
            "ApproximateNumberOfMessagesDelayed": str(seconds)}


def test_11_36_nothing_older_than_its_retention_is_there(sqs, clock, make_queue):
    queue = make_queue(MessageRetentionPeriod=600, VisibilityTimeout=0)
    sqs.send_message(QueueUrl=queue, MessageBody="first")
    clock.advance(300)
    sqs.send_message(QueueUrl=queue, MessageBody="second")
    clock.advance(301)

    def there():
        messages = sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10).get("Messages", [])
        shown = attributes_of(sqs, queue, "ApproximateNumberOfMessages")["ApproximateNumberOfMessages"]
        assert len(messages) == int(shown)
        return [message["Body"] for message in messages]

    assert there() == ["second"]
    sqs.set_queue_attributes(QueueUrl=queue, Attributes={"MessageRetentionPeriod": "60"})  # holds for what is there
    assert there() == []


# ---- GetQueueUrl and the forms of a queue URL

def test_get_queue_url(sqs, queue):
    assert sqs.get_queue_url(QueueName=queue.rpartition("/")[2])["QueueUrl"] == queue


def test_get_queue_url_of_no_queue(sqs, queue_name):
    with fails(NO_QUEUE, "The specified queue does not exist."):
        sqs.get_queue_url(QueueName=queue_name)


def test_queue_names_are_case_sensitive(sqs, queue):
    with fails(NO_QUEUE):
        sqs.get_queue_url(QueueName=queue.rpartition("/")[2].upper())


@pytest.mark.any_account
def test_any_host_and_account_and_a_bare_name_lead_to_the_queue(sqs, queue):
    name = queue.rpartition("/")[2]
    for form in (name, f"http://elsewhere:1/000000000000/{name}", f"https://sqs.eu-west-1.amazonaws.com/123456789012/{name}",
                 f"http://localhost/123456789/{name}/"):
        assert attributes_of(sqs, form, "DelaySeconds") == {"DelaySeconds": "0"}
    assert sqs.get_queue_url(QueueName=name, QueueOwnerAWSAccountId="123456789012")["QueueUrl"] == queue


@pytest.mark.any_account
def test_handles_hold_whatever_form_of_the_queue_url_is_used(sqs, queue):
    sqs.send_message(QueueUrl=queue, MessageBody="x")
    other = queue.replace("/000000000000/", "/123456789/")
    handle = sqs.receive_message(QueueUrl=other)["Messages"][0]["ReceiptHandle"]
    sqs.change_message_visibility(QueueUrl=queue.rpartition("/")[2], ReceiptHandle=handle, VisibilityTimeout=100)
    sqs.delete_message(QueueUrl=queue, ReceiptHandle=handle)
    assert attributes_of(sqs, queue, "ApproximateNumberOfMessagesNotVisible") == {
        "ApproximateNumberOfMessagesNotVisible": "0"}


@pytest.mark.parametrize("form", ["http://whatever", "", "http://localhost/000000000000/no-such-queue"])
def test_urls_that_lead_to_no_queue(sqs, form):
    with fails(NO_QUEUE, "The specified queue does not exist."):
        sqs.send_message(QueueUrl=form, MessageBody="x")


def test_an_absent_queue_url_is_a_missing_queue(wire):
    assert_error(wire.call("SendMessage", {"MessageBody": "x"}), NO_QUEUE, "The specified queue does not exist.")


def test_json_may_be_posted_to_the_queue_url_path(wire, queue):
    path = "/" + queue.split("/", 3)[3]
    assert wire.call("SendMessage", {"MessageBody": "x", "QueueUrl": queue}, path=path).status == 200
    assert wire.call("ReceiveMessage", {"QueueUrl": queue}, path=path).json["Messages"][0]["Body"] == "x"


# ---- ListQueues

def test_list_queues_by_prefix_in_order_of_name(sqs, queue_name):
    names = [f"{queue_name}-{n}" for n in (2, 0, 1)]
    for name in names:
        sqs.create_queue(QueueName=name)
    listed = sqs.list_queues(QueueNamePrefix=queue_name)
    assert [one.rpartition("/")[2] for one in listed["QueueUrls"]] == sorted(names)
    assert "NextToken" not in listed
    for name in names:
        sqs.delete_queue(QueueUrl=name)


def test_11_40_list_queues_pages(sqs, queue_name):
    names = [f"{queue_name}-{n}" for n in range(5)]
    for name in names:
        sqs.create_queue(QueueName=name)
    pages = list(sqs.get_paginator("list_queues").paginate(QueueNamePrefix=queue_name,
                                                           PaginationConfig={"PageSize": 2}))
    assert [len(page["QueueUrls"]) for page in pages] == [2, 2, 1]
    assert [one.rpartition("/")[2] for page in pages for one in page["QueueUrls"]] == names
    for name in names:
        sqs.delete_queue(QueueUrl=name)


def test_11_40_without_a_limit_a_list_ends_at_1000_and_has_no_token(wire, queue_name):
    names = [f"{queue_name}-{n:04}" for n in range(1001)]
    for name in names:
        assert wire.call("CreateQueue", {"QueueName": name}).status == 200
    listed = wire.call("ListQueues", {"QueueNamePrefix": queue_name}).json
    assert [one.rpartition("/")[2] for one in listed["QueueUrls"]] == names[:1000]
    assert "NextToken" not in listed
    limited = wire.call("ListQueues", {"QueueNamePrefix": queue_name, "MaxResults": 1000}).json
    assert len(limited["QueueUrls"]) == 1000
    rest = wire.call("ListQueues", {"QueueNamePrefix": queue_name, "MaxResults": 1000, "NextToken": limited["NextToken"]})
    assert [one.rpartition("/")[2] for one in rest.json["QueueUrls"]] == names[1000:]
    assert "NextToken" not in rest.json
    for name in names:
        assert wire.call("DeleteQueue", {"QueueUrl": name}).status == 200


def test_an_empty_list_has_no_key(wire, queue_name):
    answer = wire.call("ListQueues", {"QueueNamePrefix": queue_name})
    assert (answer.status, answer.json) == (200, {})


def test_a_page_that_ends_with_the_last_queue_has_no_token(sqs, queue_name):
    names = [f"{queue_name}-{n}" for n in range(2)]
    for name in names:
        sqs.create_queue(QueueName=name)
    assert "NextToken" not in sqs.list_queues(QueueNamePrefix=queue_name, MaxResults=2)
    for name in names:
        sqs.delete_queue(QueueUrl=name)


@pytest.mark.parametrize("arguments", [{"MaxResults": 0}, {"MaxResults": 1001}, {"NextToken": "abc"},
                                       {"MaxResults": 5, "NextToken": "garbage"}])
def test_list_queues_checks_its_paging(lax_sqs, arguments):
    with fails("InvalidParameterValue"):
        lax_sqs.list_queues(**arguments)


# ---- DeleteQueue

def test_a_deleted_queue_is_gone_for_every_action(sqs, queue):
    sqs.send_message(QueueUrl=queue, MessageBody="x")
    handle = sqs.receive_message(QueueUrl=queue)["Messages"][0]["ReceiptHandle"]
    sqs.delete_queue(QueueUrl=queue)
    entry = {"Id": "1", "ReceiptHandle": handle}
    for call in (lambda: sqs.delete_queue(QueueUrl=queue), lambda: sqs.send_message(QueueUrl=queue, MessageBody="x"),
                 lambda: sqs.send_message_batch(QueueUrl=queue, Entries=[{"Id": "1", "MessageBody": "x"}]),
                 lambda: sqs.receive_message(QueueUrl=queue), lambda: sqs.purge_queue(QueueUrl=queue),
                 lambda: sqs.delete_message(QueueUrl=queue, ReceiptHandle=handle),
                 lambda: sqs.delete_message_batch(QueueUrl=queue, Entries=[entry]),
                 lambda: sqs.change_message_visibility(QueueUrl=queue, ReceiptHandle=handle, VisibilityTimeout=1),
                 lambda: sqs.change_message_visibility_batch(QueueUrl=queue, Entries=[entry | {"VisibilityTimeout": 1}]),
                 lambda: sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["All"]),
                 lambda: sqs.set_queue_attributes(QueueUrl=queue, Attributes={"DelaySeconds": "1"})):
        with fails(NO_QUEUE, "The specified queue does not exist."):
            call()


def test_11_36_a_deleted_name_is_reserved_for_60_seconds_and_comes_back_empty(sqs, clock, queue):
    name = queue.rpartition("/")[2]
    sqs.send_message(QueueUrl=queue, MessageBody="of the first")
    sqs.delete_queue(QueueUrl=queue)
    with fails("AWS.SimpleQueueService.QueueDeletedRecently",
               "You must wait 60 seconds after deleting a queue before you can create another with the same name."):
        sqs.create_queue(QueueName=name)
    clock.advance(55)
    with fails("AWS.SimpleQueueService.QueueDeletedRecently"):
        sqs.create_queue(QueueName=name)
    clock.advance(6)
    assert sqs.create_queue(QueueName=name)["QueueUrl"] == queue
    assert "Messages" not in sqs.receive_message(QueueUrl=queue)
    assert attributes_of(sqs, queue, "ApproximateNumberOfMessages") == {"ApproximateNumberOfMessages": "0"}


def test_a_handle_of_the_deleted_queue_does_nothing_to_its_successor(sqs, clock, queue):
    sqs.send_message(QueueUrl=queue, MessageBody="x")
    handle = sqs.receive_message(QueueUrl=queue)["Messages"][0]["ReceiptHandle"]
    sqs.delete_queue(QueueUrl=queue)
    clock.advance(61)
    sqs.create_queue(QueueName=queue.rpartition("/")[2])
    sqs.send_message(QueueUrl=queue, MessageBody="x")
    assert sqs.receive_message(QueueUrl=queue)["Messages"]
    sqs.delete_message(QueueUrl=queue, ReceiptHandle=handle)
    counted = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
    assert attributes_of(sqs, queue, *counted) == dict(zip(counted, ("0", "1")))


# ---- PurgeQueue

def test_purge_removes_visible_in_flight_and_delayed_messages(sqs, clock, queue):
    sqs.send_message(QueueUrl=queue, MessageBody="in flight")
    assert sqs.receive_message(QueueUrl=queue)["Messages"]
    sqs.send_message(QueueUrl=queue, MessageBody="visible")
    sqs.send_message(QueueUrl=queue, MessageBody="delayed", DelaySeconds=5)
    sqs.purge_queue(QueueUrl=queue)
    counts = [name for name in DEFAULTS if name.startswith("Approximate")]
    assert set(attributes_of(sqs, queue, *counts).values()) == {"0"}
    clock.advance(40)  # past the visibility timeout and the delay
    assert "Messages" not in sqs.receive_message(QueueUrl=queue)


def test_a_handle_from_before_a_purge_deletes_nothing_and_is_no_error(sqs, queue):
    sqs.send_message(QueueUrl=queue, MessageBody="x")
    handle = sqs.receive_message(QueueUrl=queue)["Messages"][0]["ReceiptHandle"]
    sqs.purge_queue(QueueUrl=queue)
    sqs.delete_message(QueueUrl=queue, ReceiptHandle=handle)


def test_messages_sent_after_a_purge_stay(sqs, queue):
    sqs.send_message(QueueUrl=queue, MessageBody="before")
    sqs.purge_queue(QueueUrl=queue)
    sqs.send_message(QueueUrl=queue, MessageBody="after")
    received = sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10, WaitTimeSeconds=1)["Messages"]
    assert [message["Body"] for message in received] == ["after"]


def test_11_36_a_second_purge_within_60_seconds_is_refused(sqs, clock, make_queue):
    queue, other = make_queue(), make_queue()
    sqs.purge_queue(QueueUrl=queue)
    name = queue.rpartition("/")[2]
    with fails("AWS.SimpleQueueService.PurgeQueueInProgress",
               f"Only one PurgeQueue operation on {name} is allowed every 60 seconds."):
        sqs.purge_queue(QueueUrl=queue)
    sqs.purge_queue(QueueUrl=other)
    clock.advance(61)
    sqs.purge_queue(QueueUrl=queue)


def test_actions_without_output_answer_an_empty_body(wire, queue):
    for action, body in (("SetQueueAttributes", {"Attributes": {"DelaySeconds": "0"}}), ("PurgeQueue", {}),
                         ("DeleteQueue", {})):
        answer = wire.call(action, {"QueueUrl": queue, **body})
        assert (answer.status, answer.body) == (200, b"")
        assert answer.headers["content-type"] == "application/x-amz-json-1.0"
        assert answer.headers["content-length"] == "0"
        assert time.strptime(answer.headers["date"], "%a, %d %b %Y %H:%M:%S %Z")


def test_every_answer_has_a_request_id_of_its_own(wire):
    ids = {wire.call("ListQueues", {"QueueNamePrefix": "none"}).headers["x-amzn-requestid"] for _ in range(20)}
    assert len(ids) == 20
