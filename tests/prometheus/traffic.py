"""Known traffic for the site in conftest.py, bounded in count: something of everything that the metrics tell of."""
import contextlib
import socket
import subprocess
import threading
import time

import botocore.exceptions

import signing
from howdah import clean_environment, eventually

DEAD_ARN = "arn:aws:sqs:us-east-1:000000000000:dead"


def make(sqs, name, **attributes):
    return sqs.create_queue(QueueName=name, Attributes={k: str(v) for k, v in attributes.items()})["QueueUrl"]


def send(sqs, queue, count, **more):
    for start in range(0, count, 10):
        entries = [{"Id": str(n), "MessageBody": f"message {n}", **more} for n in range(start, min(start + 10, count))]
        assert "Failed" not in sqs.send_message_batch(QueueUrl=queue, Entries=entries)


def receive(sqs, queue, **more):
    return sqs.receive_message(QueueUrl=queue, **{"MaxNumberOfMessages": 10, **more}).get("Messages", [])


def receive_all(sqs, queue, count):
    """`count` messages, which stay in flight."""
    messages = []

    def more():
        messages.extend(receive(sqs, queue))
        return len(messages) >= count
    eventually(more, f"{count} messages of {queue}")
    return messages


def let_die(sqs, queue):
    """One message of a queue with a maxReceiveCount of 1 becomes a dead letter."""
    sqs.send_message(QueueUrl=queue, MessageBody="always fails")
    eventually(lambda: receive(sqs, queue, VisibilityTimeout=0), "the message is received")
    assert not receive(sqs, queue, VisibilityTimeout=0)  # moves it instead


def wait_for_scrapes(site):
    """Until each server's metrics of now, or later, are in Prometheus."""
    now = time.time() + 0.01  # Prometheus may date a scrape 2 ms later than it was
    site.prometheus.wait_for(f"count(timestamp(howdah_build_info) > {now}) == {len(site.servers)}")


def messages_of_queues(site):
    here, there = (one.client() for one in site.plain)
    dead = make(here, "dead")
    orders = make(here, "orders", RedrivePolicy=f'{{"deadLetterTargetArn":"{DEAD_ARN}","maxReceiveCount":"1"}}')
    work = make(here, "work")
    here.send_message(QueueUrl=work, MessageBody="later", DelaySeconds=900)
    for _ in range(2):  # what grows between two scrapes has a rate
        send(here, work, 40)
        received = receive_all(there, work, 40)
        for message in received[:30]:
            there.delete_message(QueueUrl=work, ReceiptHandle=message["ReceiptHandle"])
        there.change_message_visibility(QueueUrl=work, ReceiptHandle=received[30]["ReceiptHandle"], VisibilityTimeout=0)
        assert len(receive(here, work, VisibilityTimeout=600)) == 1  # the redelivery
        wait_for_scrapes(site)
    send(here, orders, 5)
    for _ in range(2):
        let_die(there, orders)
    assert not receive(there, make(here, "empty"))

    fifo = make(here, "steps.fifo", FifoQueue="true", ContentBasedDeduplication="true")
    for group in ("a", "b", "b"):
        here.send_message(QueueUrl=fifo, MessageBody="same", MessageGroupId=group)
    assert receive(there, fifo, VisibilityTimeout=600)

    # A task that goes on for minutes, and one that fails: nobody says where its message came from.
    slow = make(here, "slow-source")
    make(here, "has-slow-source", RedrivePolicy=(
        '{"deadLetterTargetArn":"arn:aws:sqs:us-east-1:000000000000:slow-source","maxReceiveCount":"1"}'))
    send(here, slow, 200)
    here.start_message_move_task(SourceArn="arn:aws:sqs:us-east-1:000000000000:slow-source",
                                 DestinationArn="arn:aws:sqs:us-east-1:000000000000:has-slow-source",
                                 MaxNumberOfMessagesPerSecond=1)

    gone = make(here, "gone")
    send(here, gone, 3)
    here.purge_queue(QueueUrl=gone)
    here.delete_queue(QueueUrl=gone)
    with contextlib.suppress(here.exceptions.QueueDoesNotExist):
        here.send_message(QueueUrl=gone, MessageBody="x")


def long_polls(site):
    """One on each server, ended by a send."""
    sqs = site.sqs
    queue = make(sqs, "polled")
    threads = [threading.Thread(target=one.client().receive_message, kwargs={"QueueUrl": queue, "WaitTimeSeconds": 10})
               for one in site.plain]
    for thread in threads:
        thread.start()
    for one in site.plain:
        one.wait_parked(1)
    send(sqs, queue, 2)
    for thread in threads:
        thread.join(20)
        assert not thread.is_alive()


def refusals(site):
    """Of the strict server: a signature, a limit of messages in flight, one of connections, and files it cannot use."""
    sqs = site.strict_client()
    with contextlib.suppress(botocore.exceptions.ClientError):
        site.strict_client(wrong=True).list_queues()
    limited = make(sqs, "limited")
    send(sqs, limited, 60)

    def refused():
        try:
            return receive(sqs, limited) and False
        except botocore.exceptions.ClientError as error:
            return error.response["Error"]["Code"] == "OverLimit"
    eventually(refused, "messages-in-flight is reached")
    reject_connections(site)
    break_credentials(site)
    repair_credentials(site)


def reject_connections(site):
    with contextlib.ExitStack() as opened:
        for _ in range(12):
            opened.enter_context(socket.create_connection(("127.0.0.1", site.strict.port), timeout=10))
        eventually(lambda: site.strict.metric("howdah_connections_rejected_total", reason="limit") > 0, "a refusal")


def break_credentials(site):
    before = site.strict.metric("howdah_reloads_total", result="failure")
    site.credentials.write_text("no: list")
    eventually(lambda: site.strict.metric("howdah_reloads_total", result="failure") > before, "the file is refused", 30)


def repair_credentials(site):
    before = site.strict.metric("howdah_reloads_total", result="success")
    site.credentials.write_text(signing.CREDENTIALS)
    eventually(lambda: site.strict.metric("howdah_reloads_total", result="success") > before, "the file is read", 30)


def lose_connections(site):
    """PostgreSQL ends every session of Howdah's; requests go on."""
    queue = make(site.sqs, "after")
    site.postgres.run("SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                      " WHERE datname = current_database() AND pid <> pg_backend_pid()", site.database)

    def works():
        with contextlib.suppress(botocore.exceptions.ClientError):
            return site.sqs.send_message(QueueUrl=queue, MessageBody="x")
    eventually(works, "sends work again", 30)


@contextlib.contextmanager
def locked(site, table):
    """Somebody else's session holds the table; yields what gives that session another statement and does not wait."""
    with subprocess.Popen(["psql", "--no-psqlrc", "-qtAX", site.database], stdin=subprocess.PIPE, text=True,
                          stdout=subprocess.PIPE, env=clean_environment()) as session:
        def say(statement):
            session.stdin.write(f"{statement};\n")
            session.stdin.flush()
        say("BEGIN; SET LOCAL deadlock_timeout = '60s'")  # in a deadlock, the other one finds it and gives up
        say(f"LOCK TABLE howdah.{table} IN ACCESS EXCLUSIVE MODE; SELECT 'locked'")
        assert session.stdout.readline().strip() == "locked"
        try:
            yield say
        finally:
            session.stdin.close()


def run_into_a_deadlock(site):
    """A delete, which Howdah does again when PostgreSQL has ended it."""
    sqs = site.sqs
    queue = make(sqs, "deadlocked")
    send(sqs, queue, 1)
    (message,) = receive_all(sqs, queue, 1)
    delete = threading.Thread(target=sqs.delete_message, kwargs={"QueueUrl": queue,
                                                                "ReceiptHandle": message["ReceiptHandle"]})
    with locked(site, "message") as say:
        delete.start()
        eventually(lambda: site.postgres.run(
            "SELECT 1 FROM pg_stat_activity WHERE cardinality(pg_blocking_pids(pid)) > 0"
            " AND query ILIKE '%delete_standard%'", site.database), "the delete waits")
        say("LOCK TABLE howdah.delivery IN ACCESS EXCLUSIVE MODE")
        eventually(lambda: sum(one.metric("howdah_db_transactions_retried_total") for one in site.plain) > 0,
                   "the delete is done again")
    delete.join(20)
    assert not delete.is_alive()


def let_vacuum_run(site):
    for table in ("delivery", "message", "lane_cursor"):
        site.postgres.run(f"ALTER TABLE howdah.{table} SET (autovacuum_vacuum_threshold = 1,"
                          " autovacuum_vacuum_scale_factor = 0)", site.database)
    site.postgres.run("ALTER SYSTEM SET autovacuum_naptime = '1s'")
    site.postgres.run("SELECT pg_reload_conf()")


def send_traffic(site):
    site.prometheus.wait_for(f"count(howdah_build_info) == {len(site.servers)}")
    let_vacuum_run(site)
    messages_of_queues(site)
    long_polls(site)
    refusals(site)
    run_into_a_deadlock(site)
    lose_connections(site)
