"""Three servers behind nginx, restarted one by one again and again under load from boto3 as it comes, with its default
retries: no call fails, no message is lost, and none waits for a visibility timeout, which is what becomes of a message
that was handed to a connection nobody read from any more."""
import collections
import itertools
import threading
import time
import uuid

import boto3
import pytest

from howdah import Howdah, Postgres, eventually, new_directory
from nginx import Nginx

VISIBILITY_TIMEOUT = 900  # far longer than the test
SOON = 15  # from a send's answer to the receive's; a retry's pause and a busy machine are in it
GROUPS = 8
WAIT = 10  # a poll that a stopping server answers sooner
DRAIN_DELAY = "5s"  # the default, of which docs/examples/nginx.conf speaks


@pytest.fixture
def servers():
    postgres = Postgres()
    database = postgres.database()
    three = [Howdah(new_directory(), "--database-url", database, "--drain-delay", DRAIN_DELAY).spawn() for _ in range(3)]
    for one in three:
        one.wait_ready()
    yield three
    for one in three:
        one.stop()
    postgres.stop()


@pytest.fixture
def nginx(servers):
    started = Nginx(servers)
    yield started
    started.stop()


class Load:
    def __init__(self, url):
        self.url = url
        sqs = self.client()
        attributes = {"VisibilityTimeout": str(VISIBILITY_TIMEOUT)}
        self.standard = sqs.create_queue(QueueName="rolling", Attributes=attributes)["QueueUrl"]
        self.fifo = sqs.create_queue(QueueName="rolling.fifo",
                                     Attributes={**attributes, "FifoQueue": "true"})["QueueUrl"]
        self.empty = sqs.create_queue(QueueName="rolling-empty")["QueueUrl"]
        self.lock = threading.Lock()
        self.sent = {}      # body -> when the send was answered
        self.received = {}  # body -> when the first receive of it was answered
        self.order = {}     # group -> bodies as they came
        self.calls = 0
        self.ended_polls = 0  # on the empty queue, before their time
        self.retried = []
        self.failed = []
        self.producing = True
        self.consuming = True
        self.producers = [threading.Thread(target=self.run, args=(step, lambda: self.producing))
                          for step in (self.send, self.send_batch, self.send_fifo)]
        self.consumers = [threading.Thread(target=self.run, args=(step, lambda: self.consuming))
                          for step in 3 * [self.consume] + 2 * [self.consume_fifo] + 2 * [self.poll_empty]]

    def client(self):
        return boto3.client("sqs", endpoint_url=self.url, region_name="us-east-1", aws_access_key_id="x",
                            aws_secret_access_key="x")

    def run(self, step, goes_on):
        client = self.client()
        while goes_on():
            try:
                for answer in step(client):
                    self.calls += 1
                    retries = answer["ResponseMetadata"]["RetryAttempts"]
                    if retries:
                        self.retried.append((step.__name__, retries))
                    if answer.get("Failed"):
                        self.failed.append((step.__name__, answer["Failed"]))
            except Exception as error:
                self.failed.append((step.__name__, f"{type(error).__name__}: {error}"))

    def note_sent(self, bodies):
        with self.lock:
            self.sent.update(dict.fromkeys(bodies, time.monotonic()))

    def note_received(self, messages):
        with self.lock:
            for message in messages:
                self.received.setdefault(message["Body"], time.monotonic())

    def send(self, client):
        body = str(uuid.uuid4())
        yield client.send_message(QueueUrl=self.standard, MessageBody=body)
        self.note_sent([body])

    def send_batch(self, client):
        bodies = [f"{uuid.uuid4()} {'x' * 3000}" for _ in range(10)]
        yield client.send_message_batch(QueueUrl=self.standard, Entries=[
            {"Id": str(n), "MessageBody": body} for n, body in enumerate(bodies)])
        self.note_sent(bodies)

    numbers = itertools.count()

    def send_fifo(self, client):
        number = next(self.numbers)
        body = f"{number % GROUPS}-{number:08}"
        yield client.send_message(QueueUrl=self.fifo, MessageBody=body, MessageGroupId=str(number % GROUPS),
                                  MessageDeduplicationId=body)
        self.note_sent([body])

    def consume(self, client):
        answer = client.receive_message(QueueUrl=self.standard, MaxNumberOfMessages=10, WaitTimeSeconds=WAIT)
        yield answer
        messages = answer.get("Messages", [])
        self.note_received(messages)
        if messages:
            yield client.delete_message_batch(QueueUrl=self.standard, Entries=[
                {"Id": str(n), "ReceiptHandle": message["ReceiptHandle"]} for n, message in enumerate(messages)])

    def consume_fifo(self, client):
        answer = client.receive_message(QueueUrl=self.fifo, MaxNumberOfMessages=10, WaitTimeSeconds=WAIT)
        yield answer
        messages = answer.get("Messages", [])
        self.note_received(messages)
        with self.lock:
            for message in messages:
                self.order.setdefault(message["Body"][0], []).append(message["Body"])
        for message in messages:
            yield client.delete_message(QueueUrl=self.fifo, ReceiptHandle=message["ReceiptHandle"])

    def poll_empty(self, client):
        began = time.monotonic()
        yield client.receive_message(QueueUrl=self.empty, WaitTimeSeconds=WAIT)
        self.ended_polls += time.monotonic() - began < WAIT - 1

    def waiting(self):
        with self.lock:
            return self.sent.keys() - self.received.keys()

    def __enter__(self):
        for thread in self.producers + self.consumers:
            thread.start()
        return self

    def __exit__(self, *_):
        self.producing = self.consuming = False
        for thread in self.producers + self.consumers:
            thread.join()


@pytest.mark.timeout(600)
def test_a_rolling_restart_behind_nginx_fails_no_call_and_delays_no_message(servers, nginx, pytestconfig):
    rounds = 10 if pytestconfig.getoption("--deep") else 1
    with Load(nginx.url) as load:
        for _ in range(rounds):
            for server in servers:
                wanted = len(load.received) + 300
                eventually(lambda: len(load.received) >= wanted or load.failed, f"{wanted} messages received", 30)
                assert server.stop() == 0
                server.start()
        load.producing = False
        for thread in load.producers:
            thread.join()
        deadline = time.monotonic() + SOON
        while load.waiting() and time.monotonic() < deadline:
            time.sleep(0.05)
        late = load.waiting()
    latencies = sorted(load.received[body] - sent_at for body, sent_at in load.sent.items() if body in load.received)
    statuses = collections.Counter(nginx.statuses())
    print(f"{load.calls} calls, {len(load.retried)} of them retried, {dict(statuses)}; {len(load.sent)} messages, from "
          f"send to receive {latencies[len(latencies) // 2]:.3f} s (half of them) to {latencies[-1]:.2f} s (the slowest)")
    assert not load.failed, load.failed[:5]
    assert not late, f"{len(late)} of {len(load.sent)} messages were not received within {SOON} s: {sorted(late)[:5]}"
    assert latencies[-1] < SOON
    assert load.ended_polls > 0, "no long poll was parked at a server that stopped"
    for group, bodies in load.order.items():
        assert bodies == sorted(set(bodies)), f"group {group} is out of order, or has a message twice"
    # No SDK had to try again either: what nginx noticed of the restarts it hid.
    assert not load.retried and set(statuses) == {"200"}, (load.retried, statuses, nginx.errors()[-3000:])
