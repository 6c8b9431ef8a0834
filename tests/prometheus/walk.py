"""The walk of docs/operating.md for real: two servers, a producer, a consumer that stops, and a Prometheus with the
rules as they are shipped and a number of its own for the queue. Prints what the page shows, within ten minutes.

  .venv/bin/python tests/prometheus/walk.py
"""
import pathlib
import subprocess
import sys
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "e2e"))

from howdah import BINARY, Howdah, Postgres, eventually, new_directory  # noqa: E402
from prometheus import Prometheus, promtool  # noqa: E402

QUEUE = "orders"
A_SECOND = 5  # messages
LONGEST = 1500  # seconds, of all of it
OWN_NUMBER = """      - record: howdah:threshold
        labels: {alert: HowdahOldestMessageAge, queue: orders}
        expr: vector(60)

  - name: howdah.servers
"""


class Worker:
    """Calls `step` every `pause` seconds until stop()."""

    def __init__(self, step, pause):
        self.stopped = threading.Event()
        self.thread = threading.Thread(target=self.run, args=(step, pause), daemon=True)
        self.thread.start()

    def run(self, step, pause):
        ends = time.monotonic() + LONGEST
        while not self.stopped.wait(pause) and time.monotonic() < ends:
            step()

    def stop(self):
        self.stopped.set()
        self.thread.join()


class Walk:
    def __init__(self, postgres):
        database = postgres.database()
        self.servers = [Howdah(new_directory(), "--database-url", database).start() for _ in range(2)]
        self.prometheus = Prometheus(self.servers, lambda alerts: alerts.replace("  - name: howdah.servers\n",
                                                                                 OWN_NUMBER), seconds=5)
        self.clients = [one.client() for one in self.servers]
        self.queue = self.clients[0].create_queue(QueueName=QUEUE)["QueueUrl"]
        self.began = time.monotonic()

    def send(self):
        self.clients[0].send_message(QueueUrl=self.queue, MessageBody="an order")

    def work(self):
        """A consumer: what it receives it deletes."""
        messages = self.clients[1].receive_message(QueueUrl=self.queue, MaxNumberOfMessages=10,
                                                   WaitTimeSeconds=1).get("Messages", [])
        for message in messages:
            self.clients[1].delete_message(QueueUrl=self.queue, ReceiptHandle=message["ReceiptHandle"])

    def tell(self, what):
        print(f"\n## {time.monotonic() - self.began:.0f} s: {what}", flush=True)

    def ask(self, expression):
        _, said = promtool("query", "instant", f"http://127.0.0.1:{self.prometheus.port}", expression)
        print(f"$ promtool query instant http://localhost:9090 '{expression}'\n{said.rstrip()}\n", flush=True)

    def top(self):
        admin = [word for one in self.servers for word in ("--admin", f"http://127.0.0.1:{one.admin_port}")]
        done = subprocess.run([BINARY, "top", "--once", *admin], capture_output=True, text=True, timeout=30)
        print(f"$ howdah top --once --admin http://howdah-1:9325 --admin http://howdah-2:9325\n{done.stdout}{done.stderr}",
              flush=True)

    def graph(self, seconds):
        """What the panels of the queue's dashboard draw, in numbers."""
        columns = {"sent/s": f'sum(rate(howdah_queue_messages_sent_total{{queue="{QUEUE}"}}[1m]))',
                   "received/s": f'sum(rate(howdah_queue_messages_received_total{{queue="{QUEUE}"}}[1m]))',
                   "visible": f'max(howdah_queue_messages{{queue="{QUEUE}", state="visible"}})',
                   "oldest, s": f'max(howdah_queue_oldest_message_age_seconds{{queue="{QUEUE}"}})'}
        now = time.time()
        series = {}
        for name, expression in columns.items():
            answer = self.prometheus.api("query_range", query=expression, start=now - seconds, end=now, step=30)
            series[name] = dict(answer["result"][0]["values"])
        print("| time | " + " | ".join(columns) + " |")
        for moment in sorted(set().union(*series.values())):
            values = (float(series[name].get(moment, "nan")) for name in columns)
            print(f"| {time.strftime('%H:%M:%S', time.gmtime(moment))} | " +
                  " | ".join(f"{value:.1f}" if value < 10 else f"{value:.0f}" for value in values) + " |")
        print(flush=True)

    def run(self):
        producer = Worker(self.send, 1 / A_SECOND)
        consumer = Worker(self.work, 0)
        eventually(lambda: time.monotonic() - self.began > 150, "the quiet beginning", 200)
        self.tell("all is well")
        self.graph(120)
        self.ask("ALERTS")
        self.top()
        self.tell("the consumer stops")
        consumer.stop()
        self.prometheus.wait_firing("HowdahOldestMessageAge", seconds=400, queue=QUEUE)
        self.tell("an alert")
        self.graph(300)
        self.ask("ALERTS")
        (alert,) = self.prometheus.firing("HowdahOldestMessageAge")
        for name, text in alert["annotations"].items():
            print(f"{name}: {text}")
        self.top()
        self.tell("the runbook's queries")
        for expression in ("queue:howdah_queue_oldest_message_age_seconds:max",
                           "sum by (queue) (rate(howdah_queue_messages_received_total[2m]))",
                           "sum by (queue) (rate(howdah_queue_messages_deleted_total[2m]))",
                           "sum by (queue) (rate(howdah_queue_empty_receives_total[2m]))",
                           "queue:howdah_queue_receive_waiters:sum",
                           'sum by (error) (rate(howdah_request_errors_total{action="ReceiveMessage"}[2m]))'):
            self.ask(expression)
        self.tell("the consumer is started again")
        consumer = Worker(self.work, 0)
        self.prometheus.wait_quiet("HowdahOldestMessageAge", seconds=300)
        self.tell("the alert has ended")
        self.graph(120)
        self.ask("ALERTS")
        producer.stop()
        consumer.stop()

    def stop(self):
        self.prometheus.stop()
        for one in self.servers:
            one.stop()


def main():
    postgres = Postgres()
    try:
        walk = Walk(postgres)
        try:
            walk.run()
        finally:
            walk.stop()
    finally:
        postgres.stop()


if __name__ == "__main__":
    main()
