"""Producers and consumers of a FIFO queue through several servers, whatever happens to them, and the account of it: each
acknowledged message is received, what was deleted never comes back, each group comes in the order of its sends, and a
send that is repeated because its answer was lost is stored once."""
import random
import time

from howdah import sqs_client
from traffic import VISIBILITY_TIMEOUT, Crowd

PRODUCERS = 4
CONSUMERS = 4
GROUPS = 1000


class FifoTraffic(Crowd):
    def __init__(self, servers, queue_name):
        self.servers = servers
        self.queue_name = queue_name
        self.acknowledged = {}  # body -> message id
        self.received = {}      # body -> message ids
        self.deleted = {}       # body -> when the delete was answered
        self.next_number = [1] * GROUPS  # what each group hands out next for the first time
        super().__init__([self._producer(n) for n in range(PRODUCERS)], [self._consumer(n) for n in range(CONSUMERS)])

    def done(self):
        with self.lock:
            return min(len(self.acknowledged), len(self.deleted))

    def all_received(self):
        with self.lock:
            return self.acknowledged.keys() <= self.received.keys()

    def check(self):
        self.check_received(self.acknowledged.keys(), self.received.keys())
        for body, message_id in self.acknowledged.items():
            assert self.received[body] == {message_id}, f"{body} was stored more than once, or under another id"

    def is_excused(self, error):
        return super().is_excused(error) or "handle has expired" in str(error)  # while its server was dead

    def _clients(self):
        """A client of each server, with the URL of the queue there."""
        return [(sqs_client(server.url, pool=1), f"{server.url}/000000000000/{self.queue_name}")
                for server in self.servers]

    def _producer(self, number):
        """Has groups of its own. Sends a batch until it is acknowledged, through any server, before the next."""
        clients, chance = self._clients(), random.Random(number)
        groups = range(number, GROUPS, PRODUCERS)
        sent = dict.fromkeys(groups, 0)
        unanswered = []

        def step():
            if not unanswered:
                for _ in range(chance.choice((1, 5, 10))):
                    group = chance.choice(groups)
                    sent[group] += 1
                    unanswered.append((group, f"{group}:{sent[group]}"))
            client, url = chance.choice(clients)
            answer = client.send_message_batch(QueueUrl=url, Entries=[
                {"Id": str(n), "MessageBody": body, "MessageGroupId": f"group-{group}", "MessageDeduplicationId": body}
                for n, (group, body) in enumerate(unanswered)])
            assert not answer.get("Failed"), answer
            with self.lock:
                for entry in answer["Successful"]:
                    self.acknowledged[unanswered[int(entry["Id"])][1]] = entry["MessageId"]
            unanswered.clear()
        return step

    def _consumer(self, number):
        clients, chance = self._clients(), random.Random(1000 + number)

        def step():
            client, url = chance.choice(clients)
            asked_at = time.monotonic()
            answer = client.receive_message(QueueUrl=url, MaxNumberOfMessages=10, WaitTimeSeconds=1,
                                            VisibilityTimeout=VISIBILITY_TIMEOUT)
            messages = answer.get("Messages", [])
            self._note_received(messages, asked_at)
            if messages and chance.random() < 0.97:
                client, url = chance.choice(clients)
                answer = client.delete_message_batch(QueueUrl=url, Entries=[
                    {"Id": str(n), "ReceiptHandle": message["ReceiptHandle"]} for n, message in enumerate(messages)])
                now = time.monotonic()
                with self.lock:
                    for entry in answer.get("Successful", []):
                        self.deleted.setdefault(messages[int(entry["Id"])]["Body"], now)
        return step

    def _note_received(self, messages, asked_at):
        with self.lock:
            for message in messages:
                body = message["Body"]
                self.received.setdefault(body, set()).add(message["MessageId"])
                if self.deleted.get(body, asked_at) < asked_at:
                    self.wrong.append(f"deleted, and came back: {body}")
                group, number = map(int, body.split(":"))
                # All before it has been deleted, or is in this answer, and so has been received by one of us before.
                if number > self.next_number[group]:
                    self.wrong.append(f"{body} came before {group}:{self.next_number[group]}")
                self.next_number[group] = max(self.next_number[group], number + 1)
