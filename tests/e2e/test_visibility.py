"""Visibility timeouts: of the queue, the receive and ChangeMessageVisibility, and the 12-hour cap."""
import pytest

from test_messages import counts, receive_one
from wire import fails

GONE = "Reason: Message does not exist or is not available for visibility timeout change."


def sent_and_received(sqs, queue, **request):
    sqs.send_message(QueueUrl=queue, MessageBody="x")
    return receive_one(sqs, queue, **request)["ReceiptHandle"]


def test_11_14_a_message_in_flight_is_hidden_until_the_queue_timeout_ends(sqs, clock, make_queue):
    queue = make_queue(VisibilityTimeout=100)
    sent_and_received(sqs, queue)
    assert counts(sqs, queue) == (0, 1, 0)
    clock.advance(95)
    assert "Messages" not in sqs.receive_message(QueueUrl=queue)
    clock.advance(6)
    assert counts(sqs, queue) == (1, 0, 0)
    assert receive_one(sqs, queue, AttributeNames=["All"])["Attributes"]["ApproximateReceiveCount"] == "2"


def test_11_14_the_receive_own_timeout_goes_before_the_queue_own(sqs, clock, make_queue):
    queue = make_queue(VisibilityTimeout=10)
    sent_and_received(sqs, queue, VisibilityTimeout=100)
    clock.advance(50)
    assert "Messages" not in sqs.receive_message(QueueUrl=queue)
    clock.advance(51)
    receive_one(sqs, queue)


def test_11_33_a_timeout_of_zero_returns_the_message_and_leaves_it_visible(sqs, queue):
    sqs.send_message(QueueUrl=queue, MessageBody="x")
    received = sqs.receive_message(QueueUrl=queue, VisibilityTimeout=0, MaxNumberOfMessages=10)["Messages"]
    assert len(received) == 1  # never twice in one answer
    assert counts(sqs, queue) == (1, 0, 0)
    assert receive_one(sqs, queue, AttributeNames=["All"])["Attributes"]["ApproximateReceiveCount"] == "2"


def test_a_change_replaces_the_timeout_and_does_not_add(sqs, clock, queue):
    handle = sent_and_received(sqs, queue, VisibilityTimeout=1000)
    sqs.change_message_visibility(QueueUrl=queue, ReceiptHandle=handle, VisibilityTimeout=10)
    clock.advance(11)
    receive_one(sqs, queue)


def test_a_longer_timeout_counts_from_now(sqs, clock, queue):
    handle = sent_and_received(sqs, queue, VisibilityTimeout=20)
    clock.advance(15)
    sqs.change_message_visibility(QueueUrl=queue, ReceiptHandle=handle, VisibilityTimeout=20)
    clock.advance(15)
    assert "Messages" not in sqs.receive_message(QueueUrl=queue)
    clock.advance(6)
    receive_one(sqs, queue)


def test_a_change_to_zero_makes_the_message_visible_at_once(sqs, queue):
    handle = sent_and_received(sqs, queue)
    sqs.change_message_visibility(QueueUrl=queue, ReceiptHandle=handle, VisibilityTimeout=0)
    assert counts(sqs, queue) == (1, 0, 0)
    receive_one(sqs, queue, WaitTimeSeconds=0)


def test_a_change_holds_for_this_delivery_only(sqs, clock, make_queue):
    queue = make_queue(VisibilityTimeout=10)
    handle = sent_and_received(sqs, queue)
    sqs.change_message_visibility(QueueUrl=queue, ReceiptHandle=handle, VisibilityTimeout=500)
    clock.advance(501)
    receive_one(sqs, queue)
    clock.advance(11)
    receive_one(sqs, queue)


def test_a_message_whose_timeout_ended_is_hidden_again_by_its_latest_handle(sqs, clock, make_queue):
    queue = make_queue(VisibilityTimeout=10)
    handle = sent_and_received(sqs, queue)
    clock.advance(11)
    assert counts(sqs, queue) == (1, 0, 0)
    sqs.change_message_visibility(QueueUrl=queue, ReceiptHandle=handle, VisibilityTimeout=100)
    assert counts(sqs, queue) == (0, 1, 0)
    sqs.delete_message(QueueUrl=queue, ReceiptHandle=handle)
    assert counts(sqs, queue) == (0, 0, 0)


@pytest.mark.parametrize("timeout", [-1, 43201, 2**31 - 1])
def test_timeouts_out_of_range_are_refused(sqs, queue, timeout):
    handle = sent_and_received(sqs, queue)
    with fails("InvalidParameterValue") as caught:
        sqs.change_message_visibility(QueueUrl=queue, ReceiptHandle=handle, VisibilityTimeout=timeout)
    assert caught.value.response["Error"]["Message"].startswith(
        f"Value {timeout} for parameter VisibilityTimeout is invalid. Reason: ")


def test_11_34_twelve_hours_count_from_the_receive(sqs, clock, queue):
    handle = sent_and_received(sqs, queue, VisibilityTimeout=43200)
    clock.advance(3600)
    total = "Reason: Total VisibilityTimeout for the message is beyond the limit [43200 seconds]"
    with fails("InvalidParameterValue", f"Value 43200 for parameter VisibilityTimeout is invalid. {total}"):
        sqs.change_message_visibility(QueueUrl=queue, ReceiptHandle=handle, VisibilityTimeout=43200)
    assert counts(sqs, queue) == (0, 1, 0)
    sqs.change_message_visibility(QueueUrl=queue, ReceiptHandle=handle, VisibilityTimeout=43200 - 3600 - 60)
    clock.advance(43200 - 3600 - 100)
    assert "Messages" not in sqs.receive_message(QueueUrl=queue)
    clock.advance(50)
    # A new delivery has twelve hours of its own.
    handle = receive_one(sqs, queue)["ReceiptHandle"]
    sqs.change_message_visibility(QueueUrl=queue, ReceiptHandle=handle, VisibilityTimeout=43100)


def test_43195_seconds_right_after_the_receive_pass(sqs, queue):
    handle = sent_and_received(sqs, queue)
    sqs.change_message_visibility(QueueUrl=queue, ReceiptHandle=handle, VisibilityTimeout=43195)


def test_a_deleted_message_cannot_be_changed(sqs, queue):
    handle = sent_and_received(sqs, queue)
    sqs.delete_message(QueueUrl=queue, ReceiptHandle=handle)
    with fails("InvalidParameterValue", f"Value {handle} for parameter ReceiptHandle is invalid. {GONE}"):
        sqs.change_message_visibility(QueueUrl=queue, ReceiptHandle=handle, VisibilityTimeout=10)


def test_a_missing_timeout_is_told_before_a_bad_handle(wire, queue):
    answer = wire.call("ChangeMessageVisibility", {"QueueUrl": queue, "ReceiptHandle": "garbage"})
    assert answer.json["message"] == "The request must contain the parameter VisibilityTimeout."
    assert answer.headers["x-amzn-query-error"] == "MissingParameter;Sender"


def test_a_changed_queue_timeout_holds_for_later_receives_only(sqs, clock, make_queue):
    queue = make_queue(VisibilityTimeout=100)
    sent_and_received(sqs, queue)
    sqs.set_queue_attributes(QueueUrl=queue, Attributes={"VisibilityTimeout": "10"})
    clock.advance(50)
    assert "Messages" not in sqs.receive_message(QueueUrl=queue)
    clock.advance(51)
    receive_one(sqs, queue)
    clock.advance(11)
    receive_one(sqs, queue)
