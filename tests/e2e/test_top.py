"""`howdah top`: the terminal's view of two servers, once as a table and once drawn on a terminal."""
import os
import pty
import re
import select
import signal
import struct
import subprocess
import fcntl
import termios
import threading
import time

import pytest

from howdah import BINARY, clean_environment, eventually


@pytest.fixture
def pair(new_server, postgres):
    database = postgres.database()
    return [new_server("--database-url", database, "--metrics-snapshot-interval", "1s").start() for _ in range(2)]


def admins(pair):
    return [argument for server in pair for argument in ("--admin", f"http://127.0.0.1:{server.admin_port}")]


def once(*arguments):
    return subprocess.run([BINARY, "top", "--once", *arguments], capture_output=True, text=True, env=clean_environment())


def row(text, queue):
    heading, figures = [next(line.split() for line in text.splitlines() if line.startswith(start))
                        for start in ("QUEUE ", queue + " ")]
    return dict(zip(heading, figures))


def traffic(pair, stop):
    clients = [server.client() for server in pair]
    queue = clients[0].get_queue_url(QueueName="busy")["QueueUrl"]
    for n in range(2000):
        if stop.is_set():
            return
        clients[n % 2].send_message(QueueUrl=queue, MessageBody="x")
        time.sleep(0.01)


@pytest.fixture
def busy(pair):
    sqs = pair[0].client()
    queue = sqs.create_queue(QueueName="busy")["QueueUrl"]
    sqs.create_queue(QueueName="idle")
    sqs.send_message_batch(QueueUrl=queue, Entries=[{"Id": str(n), "MessageBody": "x"} for n in range(10)])
    assert len(sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=3, VisibilityTimeout=600)["Messages"]) >= 1
    for server in pair:
        eventually(lambda: server.metric("howdah_queue_messages", queue="busy") >= 10, "the queue is in the snapshot", 30)
    stop = threading.Event()
    sender = threading.Thread(target=traffic, args=(pair, stop), daemon=True)
    sender.start()
    yield
    stop.set()
    sender.join()


def test_one_table_of_two_servers(pair, busy):
    shown = once(*admins(pair))
    assert shown.returncode == 0, shown.stderr
    assert re.search(r"^servers 2  database up on 2  queues 2  snapshot \d+ s old$", shown.stdout, re.M), shown.stdout
    assert re.search(r"^requests a transaction: .*send 1\.", shown.stdout, re.M), shown.stdout
    figures = row(shown.stdout, "busy")
    assert int(figures["VISIBLE"]) >= 7 and int(figures["IN-FLIGHT"]) == 3, figures

    def sent(*shown_admins):
        return float(row(once(*shown_admins).stdout, "busy")["SENT/s"])

    # Each server counts what it took itself. A busy machine may hold the sender up in the one second or the other.
    eventually(lambda: 0 < sent(*admins(pair)[:2]) < sent(*admins(pair)), "two servers show more than one", 30)
    only = once(*admins(pair), "--queue", "id.*").stdout
    assert row(only, "idle")["VISIBLE"] == "0" and "busy" not in only


def test_what_goes_wrong_is_said(pair):
    reached = f"http://127.0.0.1:{pair[0].admin_port}"
    nobody = once("--admin", "http://127.0.0.1:1")
    assert nobody.returncode == 1 and "http://127.0.0.1:1: " in nobody.stderr
    some = once("--admin", "http://127.0.0.1:1", "--admin", reached)
    assert some.returncode == 0 and "http://127.0.0.1:1: " in some.stdout and "servers 1 " in some.stdout
    wrong = once("--admin", reached, "--queue", "(")
    assert wrong.returncode == 1 and "regular expression" in wrong.stderr
    assert once("--admin", pair[0].url).returncode == 1, "the API's port has no metrics"
    no_terminal = subprocess.run([BINARY, "top", "--admin", reached], stdin=subprocess.DEVNULL, capture_output=True,
                                 text=True, env=clean_environment())
    assert no_terminal.returncode == 1 and "--once" in no_terminal.stderr


def test_an_admin_token_is_sent_and_a_wrong_one_is_said(new_server, postgres, directory):
    token, wrong, empty = (directory / name for name in ("token", "wrong", "empty"))
    token.write_text("admin-token-of-the-tests\n")
    wrong.write_text("another-token-of-the-tests\n")
    empty.write_text("")
    server = new_server("--database-url", postgres.database(), "--admin-token-file", token).start()
    admin = ("--admin", f"http://127.0.0.1:{server.admin_port}")
    shown = once(*admin, "--admin-token-file", token)
    assert shown.returncode == 0 and "servers 1  database up on 1 " in shown.stdout, shown
    for given in ((), ("--admin-token-file", wrong)):
        refused = once(*admin, *given)
        assert refused.returncode == 1 and " answers 401 " in refused.stderr, refused
        assert "token-of-the-tests" not in refused.stderr
    for useless in (empty, directory / "none"):
        refused = once(*admin, "--admin-token-file", useless)
        assert refused.returncode == 1 and f"cannot read a token from {useless}" in refused.stderr, refused


@pytest.mark.parametrize("leave", ["q", "\x03", signal.SIGTERM])
def test_drawn_on_a_terminal_until_told_to_end(pair, busy, leave):
    master, terminal = pty.openpty()
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 20, 100, 0, 0))
    before = termios.tcgetattr(terminal)
    top = subprocess.Popen([BINARY, "top", *admins(pair)], stdin=terminal, stdout=terminal, stderr=terminal,
                           env=clean_environment())
    drawn = b""

    def read_until(part, seconds=30):
        nonlocal drawn
        deadline = time.monotonic() + seconds
        while part not in drawn:
            assert time.monotonic() < deadline, drawn
            if select.select([master], [], [], 0.1)[0]:
                drawn += os.read(master, 65536)

    read_until(b"PARKED")
    assert b"servers 2 " in drawn and drawn.startswith(b"\x1b[?1049h")
    last = drawn[drawn.rindex(b"\x1b[H"):]
    assert all(len(line) <= 100 + 6 for line in last.split(b"\r\n"))
    if isinstance(leave, str):
        os.write(master, leave.encode())
    else:
        top.send_signal(leave)
    read_until(b"\x1b[?1049l")
    assert top.wait(10) == 0
    assert termios.tcgetattr(terminal) == before
    os.close(master)
    os.close(terminal)
