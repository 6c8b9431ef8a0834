"""Starting, stopping and starting again: what an acknowledged send is worth, and how a server leaves."""
import signal
import socket
import threading
import time

import pytest

from howdah import command_of, descendants, eventually, sqs_client
from test_messages import counts
from wire import Wire


@pytest.fixture
def embedded(new_server, directory):
    """A server on a data directory of its own."""
    return new_server("--data-dir", directory / "data")


def test_messages_and_handles_survive_a_restart(embedded):
    embedded.start()
    sqs = embedded.client()
    queue = sqs.create_queue(QueueName="kept", Attributes={"VisibilityTimeout": "600"})["QueueUrl"]
    for body in ("in flight", "visible"):
        sqs.send_message(QueueUrl=queue, MessageBody=body, MessageAttributes={
            "a": {"DataType": "Binary", "BinaryValue": b"\0\xff"}})
    sqs.send_message(QueueUrl=queue, MessageBody="delayed", DelaySeconds=600)
    handle = sqs.receive_message(QueueUrl=queue)["Messages"][0]["ReceiptHandle"]
    assert embedded.stop() == 0

    embedded.start()
    sqs = embedded.client()
    assert counts(sqs, "kept") == (1, 1, 1)
    received = sqs.receive_message(QueueUrl="kept", MessageAttributeNames=["All"])["Messages"][0]
    assert (received["Body"], received["MessageAttributes"]["a"]["BinaryValue"]) == ("visible", b"\0\xff")
    sqs.delete_message(QueueUrl="kept", ReceiptHandle=handle)
    assert counts(sqs, "kept") == (0, 1, 1)


def test_the_installed_postgres_is_found_without_a_path_to_it(new_server, directory):
    server = new_server("--data-dir", directory / "data", environment={"PATH": "/nowhere"}).start()
    assert server.client().create_queue(QueueName="found")["QueueUrl"]


def test_acknowledged_sends_survive_kill_9(embedded):
    embedded.start()
    sqs = embedded.client()
    sqs.create_queue(QueueName="kept")
    sent = {sqs.send_message(QueueUrl="kept", MessageBody=str(n))["MessageId"] for n in range(50)}
    embedded.kill()
    embedded.start()
    sqs = embedded.client()
    received = set()
    while batch := sqs.receive_message(QueueUrl="kept", MaxNumberOfMessages=10).get("Messages"):
        received |= {message["MessageId"] for message in batch}
    assert received == sent


def test_a_second_start_is_quick(embedded):
    embedded.start()
    embedded.stop()
    began = time.monotonic()
    embedded.start()
    assert time.monotonic() - began < 4


def test_a_stopped_server_leaves_no_process_behind(embedded):
    embedded.start()
    began = descendants(embedded.process.pid)
    assert any("postgres" in command_of(pid) for pid in began)
    assert embedded.stop() == 0
    assert [command_of(pid) for pid in began if command_of(pid)] == []


@pytest.mark.parametrize("end", [signal.SIGTERM, signal.SIGINT])
def test_parked_polls_are_answered_empty_and_the_server_exits_0(new_server, postgres, poll, end):
    server = new_server("--database-url", postgres.database()).start()
    sqs = server.client()
    queue = sqs.create_queue(QueueName="q")["QueueUrl"]
    waiting = [poll(sqs, QueueUrl=queue) for _ in range(5)]
    server.wait_parked(5)
    began = time.monotonic()
    server.process.send_signal(end)
    assert [one.messages() for one in waiting] == [[]] * 5
    assert server.process.wait(25) == 0
    assert time.monotonic() - began < (5 if end == signal.SIGINT else 25)


def test_a_server_that_is_told_to_stop_is_not_ready(new_server, postgres, poll):
    server = new_server("--database-url", postgres.database(), "--drain-delay", "2s").start()
    assert server.admin("GET", "/readyz").status == 200
    server.process.send_signal(signal.SIGTERM)
    eventually(lambda: server.admin("GET", "/readyz", quiet=True).status == 503, "not ready after SIGTERM", 2)
    # Until the load balancer has seen it, requests are still served.
    server.client().create_queue(QueueName="late")
    assert server.process.wait(25) == 0


def test_writes_under_way_are_finished_before_the_exit(new_server, postgres):
    database = postgres.database()
    server = new_server("--database-url", database).start()
    server.client().create_queue(QueueName="q")
    acknowledged = []
    lock = threading.Lock()

    def send(number):
        client = sqs_client(server.url)
        try:
            while True:
                sent = client.send_message(QueueUrl="q", MessageBody=str(number))
                with lock:
                    acknowledged.append(sent["MessageId"])
        except Exception:  # the server has gone: what was acknowledged until now counts
            pass

    threads = [threading.Thread(target=send, args=(n,)) for n in range(8)]
    for thread in threads:
        thread.start()
    eventually(lambda: len(acknowledged) > 50, "sends under way")
    assert server.stop() == 0
    for thread in threads:
        thread.join(20)
    server.start()
    assert counts(server.client(), "q")[0] >= len(acknowledged)


def test_a_second_signal_ends_the_wait(new_server, postgres):
    server = new_server("--database-url", postgres.database(), "--drain-delay", "20s").start()
    began = time.monotonic()
    server.process.send_signal(signal.SIGTERM)
    eventually(lambda: server.admin("GET", "/readyz", quiet=True).status != 200, "the first was seen")
    server.process.send_signal(signal.SIGTERM)
    server.process.wait(5)
    assert time.monotonic() - began < 8


def test_idle_connections_do_not_hold_up_the_stop(new_server, postgres):
    server = new_server("--database-url", postgres.database()).start()
    idle = [socket.create_connection(("127.0.0.1", server.port)) for _ in range(20)]
    half = Wire(server.port).connect()
    half.sendall(b"POST / HTTP/1.1\r\nHost:")
    began = time.monotonic()
    server.process.send_signal(signal.SIGINT)
    assert server.process.wait(25) == 0
    assert time.monotonic() - began < 15
    for connection in [*idle, half]:
        connection.close()
