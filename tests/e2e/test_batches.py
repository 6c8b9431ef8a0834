"""The three batch actions: what fails as a whole, what fails alone, and what succeeds beside it."""
import pytest

from digests import attributes_md5, md5
from test_messages import ALL_TYPES, counts
from wire import assert_error, fails

PREFIX = "AWS.SimpleQueueService."


def entry_of(action, number=0, **more):
    common = {"Id": f"id-{number}"}
    if action == "SendMessageBatch":
        return common | {"MessageBody": f"body {number}"} | more
    if action == "ChangeMessageVisibilityBatch":
        return common | {"ReceiptHandle": "x", "VisibilityTimeout": 1} | more
    return common | {"ReceiptHandle": "x"} | more


BATCHES = pytest.mark.parametrize("action", ["SendMessageBatch", "DeleteMessageBatch", "ChangeMessageVisibilityBatch"])


@BATCHES
def test_an_empty_batch_is_refused(wire, queue, action):
    answer = wire.call(action, {"QueueUrl": queue, "Entries": []})
    assert_error(answer, PREFIX + "EmptyBatchRequest",
                 f"There should be at least one {action}RequestEntry in the request.")


@BATCHES
@pytest.mark.parametrize("count", [11, 20, 10_000])
def test_more_than_ten_entries_are_refused(wire, queue, action, count):
    answer = wire.call(action, {"QueueUrl": queue, "Entries": [entry_of(action, n) for n in range(count)]})
    assert_error(answer, PREFIX + "TooManyEntriesInBatchRequest",
                 f"Maximum number of entries per request are 10. You have sent {count}.")


@BATCHES
@pytest.mark.parametrize("entry_id", ["", "with space", "a" * 81, "dot.ted", "é"])
def test_bad_entry_ids_are_refused(wire, queue, action, entry_id):
    answer = wire.call(action, {"QueueUrl": queue, "Entries": [entry_of(action) | {"Id": entry_id}]})
    assert_error(answer, PREFIX + "InvalidBatchEntryId",
                 "A batch entry id can only contain alphanumeric characters, hyphens and underscores. "
                 "It can be at most 80 letters long.")


@BATCHES
def test_repeated_entry_ids_are_refused_and_nothing_is_done(sqs, wire, queue, action):
    entries = [entry_of(action, n) for n in (1, 2, 3, 2, 1)]
    assert_error(wire.call(action, {"QueueUrl": queue, "Entries": entries}), PREFIX + "BatchEntryIdsNotDistinct",
                 "Id id-2 repeated.")
    assert counts(sqs, queue) == (0, 0, 0)


def test_ten_messages_at_once_each_with_its_own_settings(sqs, queue):
    entries = [{"Id": f"Entry_{n}-x", "MessageBody": f"body {n}"} for n in range(10)]
    entries[3]["DelaySeconds"] = 900
    entries[5]["MessageAttributes"] = ALL_TYPES
    sent = sqs.send_message_batch(QueueUrl=queue, Entries=entries)
    assert "Failed" not in sent
    assert [one["Id"] for one in sent["Successful"]] == [one["Id"] for one in entries]
    for one, entry in zip(sent["Successful"], entries):
        assert one["MD5OfMessageBody"] == md5(entry["MessageBody"])
        assert one.get("MD5OfMessageAttributes") == (attributes_md5(ALL_TYPES) if entry is entries[5] else None)
    assert counts(sqs, queue) == (9, 0, 1)
    received = sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10)["Messages"]
    assert {message["MessageId"] for message in received} == {
        one["MessageId"] for one in sent["Successful"] if one["Id"] != entries[3]["Id"]}


def test_one_bad_message_fails_alone(sqs, queue):
    sent = sqs.send_message_batch(QueueUrl=queue, Entries=[
        {"Id": "good", "MessageBody": "x"}, {"Id": "character", "MessageBody": "\x1b"},
        {"Id": "delay", "MessageBody": "x", "DelaySeconds": 901},
        {"Id": "attribute", "MessageBody": "x", "MessageAttributes": {"a": {"DataType": "Odd", "StringValue": "1"}}},
        {"Id": "empty", "MessageBody": ""}, {"Id": "also-good", "MessageBody": "y"}])
    assert [one["Id"] for one in sent["Successful"]] == ["good", "also-good"]
    failed = {one["Id"]: one for one in sent["Failed"]}
    assert {name: one["Code"] for name, one in failed.items() if name != "empty"} == {
        "character": "InvalidMessageContents", "delay": "InvalidParameterValue", "attribute": "InvalidParameterValue"}
    assert failed["empty"]["Code"] in ("EmptyValue", "MissingParameter")
    assert all(one["SenderFault"] is True and one["Message"] for one in sent["Failed"])
    assert counts(sqs, queue) == (2, 0, 0)


def test_11_5_a_batch_in_which_all_fail_is_still_200_without_successful(wire, queue):
    answer = wire.call("DeleteMessageBatch", {"QueueUrl": queue, "Entries": [{"Id": "1", "ReceiptHandle": "x"}]})
    assert answer.status == 200
    assert answer.json == {"Failed": [{
        "Id": "1", "SenderFault": True, "Code": "ReceiptHandleIsInvalid",
        "Message": 'The input receipt handle "x" is not a valid receipt handle.'}]}


def test_the_whole_batch_may_be_one_mebibyte(sqs, queue):
    entries = [{"Id": str(n), "MessageBody": "a" * (1048576 // 4)} for n in range(4)]
    assert len(sqs.send_message_batch(QueueUrl=queue, Entries=entries)["Successful"]) == 4
    entries[0]["MessageBody"] += "a"
    with fails(PREFIX + "BatchRequestTooLong",
               "Batch requests cannot be longer than 1048576 bytes. You have sent 1048577 bytes."):
        sqs.send_message_batch(QueueUrl=queue, Entries=entries)
    assert counts(sqs, queue) == (4, 0, 0)


def test_11_29_30_an_entry_over_the_queue_maximum_fails_alone_and_the_sum_may_be_more(sqs, make_queue):
    queue = make_queue(MaximumMessageSize=1024)
    sent = sqs.send_message_batch(QueueUrl=queue, Entries=[
        {"Id": "a", "MessageBody": "a" * 1024}, {"Id": "b", "MessageBody": "b" * 1025},
        {"Id": "c", "MessageBody": "c" * 1024}])
    assert [one["Id"] for one in sent["Successful"]] == ["a", "c"]
    assert sent["Failed"] == [{
        "Id": "b", "SenderFault": True, "Code": "InvalidParameterValue",
        "Message": "One or more parameters cannot be validated. Reason: Message must be shorter than 1024 bytes."}]


def test_delete_and_change_visibility_batches_mix_outcomes(sqs, queue):
    sqs.send_message_batch(QueueUrl=queue, Entries=[{"Id": str(n), "MessageBody": str(n)} for n in range(6)])
    handles = [message["ReceiptHandle"]
               for message in sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10)["Messages"]]
    changed = sqs.change_message_visibility_batch(QueueUrl=queue, Entries=[
        {"Id": "visible", "ReceiptHandle": handles[0], "VisibilityTimeout": 0},
        {"Id": "longer", "ReceiptHandle": handles[1], "VisibilityTimeout": 600},
        {"Id": "garbage", "ReceiptHandle": "x", "VisibilityTimeout": 0},
        {"Id": "range", "ReceiptHandle": handles[2], "VisibilityTimeout": 43201}])
    assert [one["Id"] for one in changed["Successful"]] == ["visible", "longer"]
    assert {one["Id"]: one["Code"] for one in changed["Failed"]} == {"garbage": "ReceiptHandleIsInvalid",
                                                                    "range": "InvalidParameterValue"}
    assert counts(sqs, queue) == (1, 5, 0)
    deleted = sqs.delete_message_batch(QueueUrl=queue, Entries=[
        {"Id": "one", "ReceiptHandle": handles[1]}, {"Id": "garbage", "ReceiptHandle": "x"},
        {"Id": "two", "ReceiptHandle": handles[2]}])
    assert [one["Id"] for one in deleted["Successful"]] == ["one", "two"]
    assert [one["Id"] for one in deleted["Failed"]] == ["garbage"]
    assert counts(sqs, queue) == (1, 3, 0)


def test_the_same_handle_twice_in_a_batch(sqs, queue):
    sqs.send_message(QueueUrl=queue, MessageBody="x")
    handle = sqs.receive_message(QueueUrl=queue)["Messages"][0]["ReceiptHandle"]
    deleted = sqs.delete_message_batch(QueueUrl=queue, Entries=[{"Id": "a", "ReceiptHandle": handle},
                                                                {"Id": "b", "ReceiptHandle": handle}])
    assert len(deleted["Successful"]) == 2
    assert counts(sqs, queue) == (0, 0, 0)
