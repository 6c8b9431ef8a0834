"""Two server processes on one database: any may serve any request, and a send on one wakes a poll on the other."""
import threading
import time
import urllib.parse
import uuid

import pytest

from test_long_polling import SOON
from test_messages import counts, receive_one
from wire import fails


@pytest.fixture(scope="module")
def pair(two_servers):
    return [server.client() for server in two_servers]


@pytest.fixture
def queue(pair):
    made = pair[0].create_queue(QueueName=f"q-{uuid.uuid4().hex[:20]}")["QueueUrl"]
    yield made
    pair[0].delete_queue(QueueUrl=made)


def test_each_serves_what_the_other_made(pair, two_servers, queue):
    here, there = pair
    name = queue.rpartition("/")[2]
    assert urllib.parse.urlsplit(there.get_queue_url(QueueName=name)["QueueUrl"]).port == two_servers[1].port
    sent = here.send_message(QueueUrl=queue, MessageBody="x")
    message = receive_one(there, queue)
    assert message["MessageId"] == sent["MessageId"]
    here.change_message_visibility(QueueUrl=queue, ReceiptHandle=message["ReceiptHandle"], VisibilityTimeout=100)
    here.delete_message(QueueUrl=queue, ReceiptHandle=message["ReceiptHandle"])
    assert counts(there, queue) == (0, 0, 0)


def test_a_send_on_one_wakes_a_poll_on_the_other(pair, two_servers, poll, queue):
    here, there = pair
    for n in range(5):
        waiting = poll(there, QueueUrl=queue)
        two_servers[1].wait_parked(1)
        sent_at = time.monotonic()
        here.send_message(QueueUrl=queue, MessageBody=str(n))
        assert [message["Body"] for message in waiting.messages()] == [str(n)]
        assert waiting.ended_at - sent_at < SOON


def test_a_delay_or_timeout_begun_on_one_ends_a_poll_on_the_other(pair, two_servers, poll, queue):
    here, there = pair
    waiting = poll(there, QueueUrl=queue, VisibilityTimeout=2)
    two_servers[1].wait_parked(1)
    began = time.monotonic()
    here.send_message(QueueUrl=queue, MessageBody="x", DelaySeconds=1)
    assert len(waiting.messages()) == 1
    assert 0.9 < waiting.ended_at - began < 1 + SOON
    waiting = poll(here, QueueUrl=queue)
    assert len(waiting.messages()) == 1
    assert waiting.seconds < 2 + SOON


def test_a_change_to_zero_on_one_wakes_a_poll_on_the_other(pair, two_servers, poll, queue):
    here, there = pair
    here.send_message(QueueUrl=queue, MessageBody="x")
    handle = receive_one(here, queue)["ReceiptHandle"]
    waiting = poll(there, QueueUrl=queue)
    two_servers[1].wait_parked(1)
    began = time.monotonic()
    here.change_message_visibility(QueueUrl=queue, ReceiptHandle=handle, VisibilityTimeout=0)
    assert len(waiting.messages()) == 1
    assert waiting.ended_at - began < SOON


def test_changed_attributes_hold_on_both_at_once(pair, queue):
    here, there = pair
    counts(there, queue)  # so that the other knows the queue already
    for sent in range(1, 11):
        here.set_queue_attributes(QueueUrl=queue, Attributes={"DelaySeconds": "900" if sent % 2 else "0"})
        there.send_message(QueueUrl=queue, MessageBody="x")
        assert counts(here, queue) == (sent // 2, 0, (sent + 1) // 2)


def test_a_queue_deleted_on_one_is_gone_on_the_other(pair, poll, two_servers):
    here, there = pair
    queue = here.create_queue(QueueName=f"q-{uuid.uuid4().hex[:20]}")["QueueUrl"]
    there.send_message(QueueUrl=queue, MessageBody="x")
    receive_one(there, queue)
    waiting = poll(there, QueueUrl=queue)
    two_servers[1].wait_parked(1)
    here.delete_queue(QueueUrl=queue)
    for _ in range(3):
        with fails("AWS.SimpleQueueService.NonExistentQueue"):
            there.send_message(QueueUrl=queue, MessageBody="x")
    with pytest.raises(there.exceptions.QueueDoesNotExist):
        waiting.messages()
    assert waiting.seconds < 10


def test_the_test_clock_moves_on_both(pair, two_servers, queue):
    here, there = pair
    here.send_message(QueueUrl=queue, MessageBody="x", DelaySeconds=900)
    two_servers[1].set_clock(1000)
    receive_one(here, queue)
    receive_one(there, queue, WaitTimeSeconds=0, VisibilityTimeout=0) if counts(there, queue)[0] else None
    assert counts(there, queue) == (0, 1, 0)


def test_no_message_is_lost_or_handed_out_twice_between_them(pair, queue):
    total, threads = 600, []
    received, deleted, errors = [], set(), []
    lock = threading.Lock()

    def produce(client, first):
        try:
            for n in range(first, total, 4):
                client.send_message(QueueUrl=queue, MessageBody=str(n))
        except Exception as error:
            errors.append(error)

    def work(client):
        try:
            while len(deleted) < total and not errors:
                batch = client.receive_message(QueueUrl=queue, MaxNumberOfMessages=10, WaitTimeSeconds=1,
                                               VisibilityTimeout=600).get("Messages", [])
                with lock:
                    received.extend(message["Body"] for message in batch)
                for message in batch:
                    client.delete_message(QueueUrl=queue, ReceiptHandle=message["ReceiptHandle"])
                    with lock:
                        deleted.add(message["Body"])
        except Exception as error:
            errors.append(error)

    for n in range(4):
        threads += [threading.Thread(target=produce, args=(pair[n % 2], n)),
                    threading.Thread(target=work, args=(pair[n % 2],))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert not errors
    assert sorted(map(int, received)) == list(range(total))
    assert counts(pair[0], queue) == (0, 0, 0)
