"""Producers and consumers that work on one queue through boto3 whatever happens to the server, and the account of what
the server promised them: a send it acknowledged is received, a message it deleted never comes back."""
import functools
import random
import threading
import time
import uuid

import botocore.exceptions

from howdah import eventually, sqs_client

PRODUCERS = 3
CONSUMERS = 3
VISIBILITY_TIMEOUT = 10
# A delete whose answer came later than this after its receive may be a superseded handle's: it promises nothing.
SURE_OF_HANDLE = VISIBILITY_TIMEOUT - 3

# How a request may fail while something is dead. A request that gets no answer at all is none of them.
CONNECTION_LOST = (botocore.exceptions.EndpointConnectionError, botocore.exceptions.ConnectionClosedError,
                   botocore.exceptions.ResponseStreamingError, botocore.exceptions.IncompleteReadError)


class Crowd:
    """Producers and consumers, a thread each that does its step over and over, and what they saw go wrong."""

    def __init__(self, producers, consumers):
        self.lock = threading.Lock()
        self.wrong = []
        self.failures = 0
        self.producing = threading.Event()
        self.consuming = threading.Event()
        self.producers = [threading.Thread(target=self._guarded, args=(step, self.producing)) for step in producers]
        self.consumers = [threading.Thread(target=self._guarded, args=(step, self.consuming)) for step in consumers]

    def __enter__(self):
        self.producing.set()
        self.consuming.set()
        for thread in self.producers + self.consumers:
            thread.start()
        return self

    def __exit__(self, *_):
        self.stop_producing()
        self.consuming.clear()
        for thread in self.consumers:
            thread.join()

    def stop_producing(self):
        self.producing.clear()
        for thread in self.producers:
            thread.join()

    def check_received(self, acknowledged, received):
        assert not self.wrong, f"{len(self.wrong)} promises broken, the first: {self.wrong[:5]}"
        lost = acknowledged - received
        assert not lost, f"{len(lost)} of {len(acknowledged)} acknowledged messages lost"

    def is_excused(self, error):
        """Whether a good request may be answered so."""
        return error.response["ResponseMetadata"]["HTTPStatusCode"] == 503

    def _guarded(self, step, running):
        while running.is_set():
            try:
                step()
            except CONNECTION_LOST:
                self._pause()
            except botocore.exceptions.ClientError as error:
                if not self.is_excused(error):
                    self._wrong(f"a good request got {error}")
                self._pause()
            except Exception as error:  # a time-out, or a bug of this test
                self._wrong(f"{type(error).__name__}: {error}")

    def _pause(self):
        self.failures += 1
        time.sleep(0.02)  # a client's before it tries again

    def _wrong(self, what):
        with self.lock:
            self.wrong.append(what)


class Traffic(Crowd):
    def __init__(self, url, queue_url):
        self.queue_url = queue_url
        self.attempted = set()
        self.acknowledged = set()
        self.received = set()
        self.deleted = {}  # body -> when the delete was answered
        super().__init__(*([functools.partial(work, sqs_client(url, pool=1), random.Random(n)) for n in range(count)]
                           for work, count in ((self._produce, PRODUCERS), (self._consume, CONSUMERS))))

    def done(self):
        """How many promises there are."""
        with self.lock:
            return len(self.acknowledged), len(self.deleted)

    def wait_progress(self, messages, seconds=30):
        """Until so many more sends and deletes have succeeded."""
        sent, deleted = (count + messages for count in self.done())
        eventually(lambda: self.done()[0] >= sent and self.done()[1] >= deleted,
                   f"{messages} more sends and deletes (now {self.done()}, {self.failures} failed requests)", seconds)

    def wait_received(self, seconds):
        """Until every acknowledged message has been received; check() tells if it was not."""
        deadline = time.monotonic() + seconds
        while self._lost() and time.monotonic() < deadline:
            time.sleep(0.1)

    def _lost(self):
        with self.lock:
            return self.acknowledged - self.received

    def check(self):
        self.check_received(self.acknowledged, self.received)
        assert not self.received - self.attempted, "a message nobody sent"

    def _produce(self, client, chance):
        bodies = [f"{uuid.uuid4()} " + "x" * chance.choice((0, 100, 5000)) for _ in range(chance.choice((1, 1, 10)))]
        with self.lock:
            self.attempted.update(bodies)
        if len(bodies) == 1:
            client.send_message(QueueUrl=self.queue_url, MessageBody=bodies[0])
            sent = bodies
        else:
            answer = client.send_message_batch(QueueUrl=self.queue_url, Entries=[
                {"Id": str(n), "MessageBody": body} for n, body in enumerate(bodies)])
            sent = [bodies[int(entry["Id"])] for entry in answer.get("Successful", [])]
        with self.lock:
            self.acknowledged.update(sent)

    def _consume(self, client, chance):
        asked_at = time.monotonic()
        answer = client.receive_message(QueueUrl=self.queue_url, MaxNumberOfMessages=10, WaitTimeSeconds=1,
                                        VisibilityTimeout=VISIBILITY_TIMEOUT)
        messages = answer.get("Messages", [])
        with self.lock:
            for message in messages:
                self.received.add(message["Body"])
                if self.deleted.get(message["Body"], asked_at) < asked_at:
                    self.wrong.append(f"deleted, and came back: {message['Body'][:36]}")
        # Most consumers are well; the messages of the others come back after their visibility timeout.
        messages = [message for message in messages if chance.random() < 0.95]
        if not messages:
            return
        if chance.random() < 0.5:
            answer = client.delete_message_batch(QueueUrl=self.queue_url, Entries=[
                {"Id": str(n), "ReceiptHandle": message["ReceiptHandle"]} for n, message in enumerate(messages)])
            gone = [messages[int(entry["Id"])] for entry in answer.get("Successful", [])]
            self._note_deleted(gone, asked_at)
        else:
            for message in messages:
                client.delete_message(QueueUrl=self.queue_url, ReceiptHandle=message["ReceiptHandle"])
                self._note_deleted([message], asked_at)

    def _note_deleted(self, messages, asked_at):
        now = time.monotonic()
        if now - asked_at > SURE_OF_HANDLE:
            return
        with self.lock:
            for message in messages:
                self.deleted.setdefault(message["Body"], now)
