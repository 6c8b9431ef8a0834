"""Traces are carried: what a sender says of its trace comes to the receiver untouched, by whatever way."""
import json

from test_redrive import arn_of

PARENT = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
STATE = "rojo=00f067aa0ba902b7,congo=t61rcWkgMzE; odd=\t~é"
TRACE = "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1"


def send(sqs, queue, **more):
    return sqs.send_message(
        QueueUrl=queue, MessageBody="x", **more,
        MessageAttributes={name: {"DataType": "String", "StringValue": value}
                           for name, value in (("traceparent", PARENT), ("tracestate", STATE))},
        MessageSystemAttributes={"AWSTraceHeader": {"DataType": "String", "StringValue": TRACE}})


def receive(sqs, queue):
    return sqs.receive_message(QueueUrl=queue, WaitTimeSeconds=5, MessageAttributeNames=["All"],
                               MessageSystemAttributeNames=["All"])["Messages"][0]


def assert_carried(message):
    assert {name: value["StringValue"] for name, value in message["MessageAttributes"].items()} == {
        "traceparent": PARENT, "tracestate": STATE}
    assert message["Attributes"]["AWSTraceHeader"] == TRACE


def test_from_send_to_receive(sqs, queue, make_fifo):
    send(sqs, queue)
    assert_carried(receive(sqs, queue))
    fifo = make_fifo()
    send(sqs, fifo, MessageGroupId="g")
    assert_carried(receive(sqs, fifo))


def test_through_a_dead_letter_queue_and_back(sqs, make_queue):
    dead = make_queue()
    source = make_queue(VisibilityTimeout=0, RedrivePolicy=json.dumps(
        {"deadLetterTargetArn": arn_of(dead), "maxReceiveCount": 1}))
    send(sqs, source)
    assert_carried(receive(sqs, source))
    assert "Messages" not in sqs.receive_message(QueueUrl=source)
    message = receive(sqs, dead)
    assert_carried(message)
    sqs.change_message_visibility(QueueUrl=dead, ReceiptHandle=message["ReceiptHandle"], VisibilityTimeout=0)
    sqs.start_message_move_task(SourceArn=arn_of(dead))
    assert_carried(receive(sqs, source))
