"""Every limit of a request: the least and the most are taken, one less and one more are refused."""
import pytest

from test_queues import attributes_of
from wire import fails

# What is refused where a value is too small or too large, and the call that carries it.
RANGES = {
    "DelaySeconds": (0, 900, lambda sqs, queue, n: sqs.send_message(QueueUrl=queue, MessageBody="x", DelaySeconds=n)),
    "MaxNumberOfMessages": (1, 10, lambda sqs, queue, n: sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=n)),
    "WaitTimeSeconds": (0, 20, lambda sqs, queue, n: sqs.receive_message(QueueUrl=queue, WaitTimeSeconds=n)),
    "VisibilityTimeout of a receive": (
        0, 43200, lambda sqs, queue, n: sqs.receive_message(QueueUrl=queue, VisibilityTimeout=n)),
    "MaxResults": (1, 1000, lambda sqs, queue, n: sqs.list_queues(MaxResults=n, QueueNamePrefix="none-has-this-name")),
}


@pytest.mark.parametrize("name", RANGES)
def test_numbers(sqs, queue, name):
    least, most, call = RANGES[name]
    for number in (least, most):
        sqs.send_message(QueueUrl=queue, MessageBody="x")  # or the longest wait would be one
        call(sqs, queue, number)
    for number in (least - 1, most + 1, -2**31, 2**31 - 1):
        with fails("InvalidParameterValue"):
            call(sqs, queue, number)


@pytest.mark.parametrize("name,least,most", [
    ("DelaySeconds", 0, 900), ("MaximumMessageSize", 1024, 1048576), ("MessageRetentionPeriod", 60, 1209600),
    ("ReceiveMessageWaitTimeSeconds", 0, 20), ("VisibilityTimeout", 0, 43200), ("KmsDataKeyReusePeriodSeconds", 60, 86400)])
def test_attributes(sqs, queue, name, least, most):
    for number in (least, most):
        sqs.set_queue_attributes(QueueUrl=queue, Attributes={name: str(number)})
        assert attributes_of(sqs, queue, name) == {name: str(number)}
    for value in (str(least - 1), str(most + 1), "", " 1", "1.0", "1e2", "x", "9" * 40):
        with fails("InvalidAttributeValue", f"Invalid value for the parameter {name}."):
            sqs.set_queue_attributes(QueueUrl=queue, Attributes={name: value})
    assert attributes_of(sqs, queue, name) == {name: str(most)}


def attribute(name="a", kind="String"):
    return {name: {"DataType": kind, "StringValue": "1"}}


# The longest text, and the call that carries it: one character more is refused.
LENGTHS = {
    "MessageGroupId": (128, lambda sqs, queue, text: sqs.send_message(
        QueueUrl=queue, MessageBody=text, MessageGroupId=text, MessageDeduplicationId="d")),
    "MessageDeduplicationId": (128, lambda sqs, queue, text: sqs.send_message(
        QueueUrl=queue, MessageBody=text, MessageGroupId="g", MessageDeduplicationId=text)),
    "ReceiveRequestAttemptId": (128, lambda sqs, queue, text: sqs.receive_message(
        QueueUrl=queue, ReceiveRequestAttemptId=text)),
    "name of an attribute": (256, lambda sqs, queue, text: sqs.send_message(
        QueueUrl=queue, MessageBody=text, MessageGroupId="g", MessageAttributes=attribute(name=text))),
    "type of an attribute": (249, lambda sqs, queue, text: sqs.send_message(
        QueueUrl=queue, MessageBody=text, MessageGroupId="g", MessageAttributes=attribute(kind="String." + text))),
    "key of a tag": (128, lambda sqs, queue, text: sqs.tag_queue(QueueUrl=queue, Tags={text: "v"})),
    "value of a tag": (256, lambda sqs, queue, text: sqs.tag_queue(QueueUrl=queue, Tags={"k": text})),
}


@pytest.mark.parametrize("name", LENGTHS)
def test_lengths(sqs, make_fifo, name):
    queue = make_fifo()
    most, call = LENGTHS[name]
    call(sqs, queue, "x")
    call(sqs, queue, "x" * most)
    with fails("InvalidParameterValue"):
        call(sqs, queue, "x" * (most + 1))


def test_the_id_of_an_entry(sqs, queue):
    assert sqs.send_message_batch(QueueUrl=queue, Entries=[{"Id": "x" * 80, "MessageBody": "x"}])["Successful"]
    with fails("AWS.SimpleQueueService.InvalidBatchEntryId"):
        sqs.send_message_batch(QueueUrl=queue, Entries=[{"Id": "x" * 81, "MessageBody": "x"}])


def test_fifty_tags(sqs, queue):
    tags = {f"k{n}": "v" for n in range(50)}
    sqs.tag_queue(QueueUrl=queue, Tags=tags)
    with fails("InvalidParameterValue", f"Too many tags added for queue {queue.rpartition('/')[2]}."):
        sqs.tag_queue(QueueUrl=queue, Tags={"k50": "v"})
    sqs.tag_queue(QueueUrl=queue, Tags={"k0": "another value"})
    assert sqs.list_queue_tags(QueueUrl=queue)["Tags"] == tags | {"k0": "another value"}


def test_a_message_of_exactly_the_smallest_maximum(sqs, make_queue):
    queue = make_queue(MaximumMessageSize=1024)
    for body, more in (("é" * 512, {}), ("x" * 1016, {"MessageAttributes": attribute()})):  # 1 + 6 + 1 bytes
        sqs.send_message(QueueUrl=queue, MessageBody=body, **more)
        with fails("InvalidParameterValue",
                   "One or more parameters are invalid. Reason: Message must be shorter than 1024 bytes."):
            sqs.send_message(QueueUrl=queue, MessageBody=body + "x", **more)
