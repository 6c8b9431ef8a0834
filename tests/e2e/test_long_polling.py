"""Receives that wait: what ends them, how soon, what they cost, and that a client that left takes no message along."""
import socket
import struct
import threading
import time

import pytest

from howdah import eventually
from test_messages import counts, receive_one

SOON = 1.5  # generous for a loaded machine; bench/ measures the milliseconds


def test_an_empty_queue_answers_at_the_deadline(sqs, queue):
    began = time.monotonic()
    assert "Messages" not in sqs.receive_message(QueueUrl=queue, WaitTimeSeconds=1)
    assert 0.9 < time.monotonic() - began < 1 + SOON


def test_no_wait_answers_at_once(sqs, queue):
    began = time.monotonic()
    assert "Messages" not in sqs.receive_message(QueueUrl=queue)
    assert time.monotonic() - began < SOON


def test_11_32_the_queue_own_wait_holds_and_an_explicit_zero_goes_before_it(sqs, make_queue):
    queue = make_queue(ReceiveMessageWaitTimeSeconds=2)
    began = time.monotonic()
    assert "Messages" not in sqs.receive_message(QueueUrl=queue, WaitTimeSeconds=0)
    assert time.monotonic() - began < SOON
    began = time.monotonic()
    assert "Messages" not in sqs.receive_message(QueueUrl=queue)
    assert time.monotonic() - began > 1.9


def test_a_send_wakes_a_parked_receive(sqs, server, poll, queue):
    waiting = poll(QueueUrl=queue)
    server.wait_parked(1)
    sent_at = time.monotonic()
    sent = sqs.send_message(QueueUrl=queue, MessageBody="x")
    assert [message["MessageId"] for message in waiting.messages()] == [sent["MessageId"]]
    assert waiting.ended_at - sent_at < SOON
    server.wait_parked(0)


def test_11_32_a_wait_ends_with_the_first_message_even_if_more_were_asked_for(sqs, server, poll, queue):
    waiting = poll(QueueUrl=queue, MaxNumberOfMessages=10)
    server.wait_parked(1)
    sqs.send_message(QueueUrl=queue, MessageBody="x")
    assert len(waiting.messages()) == 1
    assert waiting.seconds < 10


def test_messages_that_are_there_are_not_waited_for(sqs, queue):
    sqs.send_message(QueueUrl=queue, MessageBody="x")
    began = time.monotonic()
    receive_one(sqs, queue, WaitTimeSeconds=20, MaxNumberOfMessages=10)
    assert time.monotonic() - began < SOON


def test_the_end_of_a_delay_wakes(sqs, server, poll, queue):
    waiting = poll(QueueUrl=queue)
    server.wait_parked(1)
    sent_at = time.monotonic()
    sqs.send_message(QueueUrl=queue, MessageBody="x", DelaySeconds=2)
    assert len(waiting.messages()) == 1
    assert 1.9 < waiting.ended_at - sent_at < 2 + SOON


def test_a_delay_that_was_there_before_the_wait_wakes_too(sqs, poll, queue):
    sent_at = time.monotonic()
    sqs.send_message(QueueUrl=queue, MessageBody="x", DelaySeconds=2)
    waiting = poll(QueueUrl=queue)
    assert len(waiting.messages()) == 1
    assert 1.9 < waiting.ended_at - sent_at < 2 + SOON


def test_11_15_the_end_of_a_visibility_timeout_wakes(sqs, poll, queue):
    sqs.send_message(QueueUrl=queue, MessageBody="x")
    received_at = time.monotonic()
    receive_one(sqs, queue, VisibilityTimeout=2)
    waiting = poll(QueueUrl=queue)
    assert len(waiting.messages()) == 1
    assert 1.9 < waiting.ended_at - received_at < 2 + SOON


def test_a_change_of_visibility_to_zero_wakes(sqs, server, poll, queue):
    sqs.send_message(QueueUrl=queue, MessageBody="x")
    handle = receive_one(sqs, queue)["ReceiptHandle"]
    waiting = poll(QueueUrl=queue)
    server.wait_parked(1)
    changed_at = time.monotonic()
    sqs.change_message_visibility(QueueUrl=queue, ReceiptHandle=handle, VisibilityTimeout=0)
    assert len(waiting.messages()) == 1
    assert waiting.ended_at - changed_at < SOON


def test_a_shortened_visibility_timeout_wakes_at_its_new_end(sqs, server, poll, queue):
    sqs.send_message(QueueUrl=queue, MessageBody="x")
    handle = receive_one(sqs, queue, VisibilityTimeout=600)["ReceiptHandle"]
    waiting = poll(QueueUrl=queue)
    server.wait_parked(1)
    changed_at = time.monotonic()
    sqs.change_message_visibility(QueueUrl=queue, ReceiptHandle=handle, VisibilityTimeout=2)
    assert len(waiting.messages()) == 1
    assert 1.9 < waiting.ended_at - changed_at < 2 + SOON


def test_one_message_wakes_one_of_many_and_the_others_stay(sqs, server, poll, queue):
    waiting = [poll(QueueUrl=queue, WaitTimeSeconds=5) for _ in range(8)]
    server.wait_parked(8)
    sqs.send_message(QueueUrl=queue, MessageBody="x")
    server.wait_parked(7)
    sqs.send_message_batch(QueueUrl=queue, Entries=[{"Id": str(n), "MessageBody": "y"} for n in range(7)])
    received = [message for one in waiting for message in one.messages()]
    assert len({message["MessageId"] for message in received}) == len(received) == 8
    server.wait_parked(0)


def test_a_send_to_another_queue_wakes_nobody(sqs, server, poll, make_queue):
    queue, other = make_queue(), make_queue()
    waiting = poll(QueueUrl=queue, WaitTimeSeconds=2)
    server.wait_parked(1)
    sqs.send_message(QueueUrl=other, MessageBody="x")
    assert waiting.messages() == []
    assert waiting.seconds > 1.9
    receive_one(sqs, other)


def test_the_queue_deleted_under_a_wait(sqs, server, poll, queue):
    waiting = poll(QueueUrl=queue, WaitTimeSeconds=20)
    server.wait_parked(1)
    deleted_at = time.monotonic()
    sqs.delete_queue(QueueUrl=queue)
    with pytest.raises(sqs.exceptions.QueueDoesNotExist):
        waiting.messages()
    assert waiting.ended_at - deleted_at < 5


def test_sends_and_receives_pass_while_many_wait(sqs, server, poll, make_queue):
    queue, other = make_queue(), make_queue()
    waiting = [poll(QueueUrl=queue) for _ in range(40)]
    server.wait_parked(40)
    began = time.monotonic()
    for n in range(20):
        sqs.send_message(QueueUrl=other, MessageBody=str(n))
        receive_one(sqs, other)
    assert time.monotonic() - began < 5
    sqs.delete_queue(QueueUrl=queue)
    for one in waiting:
        with pytest.raises(sqs.exceptions.QueueDoesNotExist):
            one.messages()


def close_at_once(connection):
    """With a reset, as a killed client's machine would, and not a polite end."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


@pytest.mark.parametrize("close", [socket.socket.close, close_at_once], ids=["close", "reset"])
def test_a_client_that_left_frees_its_poll_and_takes_no_message(sqs, server, wire, queue, close):
    connection = wire.open_request("ReceiveMessage", {"QueueUrl": queue, "WaitTimeSeconds": 20})
    server.wait_parked(1)
    close(connection)
    server.wait_parked(0)
    sqs.send_message(QueueUrl=queue, MessageBody="x")
    received = receive_one(sqs, queue, WaitTimeSeconds=0, AttributeNames=["All"])
    assert received["Attributes"]["ApproximateReceiveCount"] == "1"


@pytest.mark.parametrize("close", [socket.socket.close, close_at_once], ids=["close", "reset"])
def test_a_message_on_its_way_to_a_client_that_left_is_visible_at_once(sqs, server, wire, make_queue, close):
    queue = make_queue(VisibilityTimeout=600)
    answered_in_time = 0
    for attempt in range(25):
        connection = wire.open_request("ReceiveMessage", {"QueueUrl": queue, "WaitTimeSeconds": 20})
        server.wait_parked(1)
        # Both at the same moment: the wake finds the client just leaving.
        leaving = threading.Thread(target=close, args=(connection,))
        leaving.start()
        sqs.send_message(QueueUrl=queue, MessageBody=str(attempt))
        leaving.join()
        received = sqs.receive_message(QueueUrl=queue, WaitTimeSeconds=2).get("Messages")
        if not received:  # the answer was in the connection before it was closed, which no server can take back
            answered_in_time += 1
            continue
        assert received[0]["Body"] == str(attempt)
        sqs.delete_message(QueueUrl=queue, ReceiptHandle=received[0]["ReceiptHandle"])
    assert answered_in_time <= 8
    assert counts(sqs, queue) == (0, answered_in_time, 0)


def test_parked_receives_hold_no_thread_and_no_cpu(sqs, server, wire, queue):
    def threads():
        return int(next(line for line in open(f"/proc/{server.process.pid}/status") if line.startswith("Threads"))
                   .split()[1])

    def cpu_ticks():
        fields = open(f"/proc/{server.process.pid}/stat").read().rpartition(")")[2].split()
        return int(fields[11]) + int(fields[12])

    before = threads()
    connections = [wire.open_request("ReceiveMessage", {"QueueUrl": queue, "WaitTimeSeconds": 20}) for _ in range(200)]
    server.wait_parked(200)
    assert threads() == before
    used, began = cpu_ticks(), time.monotonic()
    eventually(lambda: time.monotonic() - began > 2, "two seconds to measure over", 3)
    assert cpu_ticks() - used <= 10, "200 parked receives used more than 5 % of a core"
    for connection in connections:
        connection.close()
    server.wait_parked(0)
