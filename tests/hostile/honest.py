"""The honest client: sends, receives and deletes one message after the other over one kept connection, signed, in a
process of its own, and times every answer."""
import json
import multiprocessing
import time
import uuid

from target import receive


class Honest:
    """Works while a window is open. Its account of messages is kept over all windows."""

    def __init__(self, target, queue_url):
        context = multiprocessing.get_context("fork")
        self.pipe, other = context.Pipe()
        self.process = context.Process(target=_work, args=(target, queue_url, other), daemon=True)
        self.process.start()

    def window(self, seconds, requests=60):
        """The times (s) of all answers within `seconds`, or in as long as `requests` of them take."""
        self.pipe.send((seconds, requests))
        assert self.pipe.poll(60), "the honest client got no answers for a minute"
        times, failures = self.pipe.recv()
        assert not failures, failures[:3]
        return times

    def end(self):
        """(bodies whose send was answered, bodies received, bodies whose delete was answered)"""
        self.pipe.send(None)
        assert self.pipe.poll(60)
        account = self.pipe.recv()
        self.process.join(10)
        return account


def _work(target, queue_url, pipe):
    sent, received, deleted = set(), set(), set()
    connection = target.connect(timeout=30)
    while (window := pipe.recv()) is not None:
        seconds, requests = window
        times, failures = [], []

        def ask(action, body):
            request = target.json(action, json.dumps({"QueueUrl": queue_url, **body}).encode())  # not timed: our own work
            began = time.perf_counter()
            connection.sendall(request)
            status, answer, _ = receive(connection)
            times.append(time.perf_counter() - began)
            if status != 200:
                raise ConnectionError(f"{action} was answered {status} {answer[:200]}")
            return json.loads(answer or b"{}")

        began = time.perf_counter()
        while time.perf_counter() - began < seconds or len(times) < requests:
            try:
                body = f"{uuid.uuid4()} " + "x" * 200
                ask("SendMessage", {"MessageBody": body})
                sent.add(body)
                for message in ask("ReceiveMessage", {"WaitTimeSeconds": 5}).get("Messages", []):
                    received.add(message["Body"])
                    ask("DeleteMessage", {"ReceiptHandle": message["ReceiptHandle"]})
                    deleted.add(message["Body"])
            except (OSError, ValueError) as failure:
                failures.append(repr(failure))
                connection.close()
                connection = target.connect(timeout=30)
                if len(failures) > 20:
                    break
        pipe.send((times, failures))
    connection.close()
    pipe.send((sent, received, deleted))


def p99(times):
    ordered = sorted(times)
    return ordered[min(len(ordered) - 1, len(ordered) * 99 // 100)]
