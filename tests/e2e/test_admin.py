"""The admin port: health, readiness, metrics with exact counts, the test clock, and what the log must never say."""
import json
import os
import signal
import threading
import time
import urllib.parse

import pytest

from howdah import command_of, descendants, eventually
from wire import Wire, fails


@pytest.fixture
def quiet(new_server, postgres):
    """A server nobody else talks to."""
    return new_server("--database-url", postgres.database(), "--test-clock").start()


def test_health_and_readiness(server):
    for path in ("/healthz", "/readyz"):
        answer = server.admin("GET", path)
        assert answer.status == 200, answer


def test_a_server_without_requests_tells_that_its_database_is_lost_and_back(quiet, postgres):
    name = urllib.parse.urlsplit(quiet.command[quiet.command.index("--database-url") + 1]).path[1:]

    def database():
        answer = quiet.admin("GET", "/readyz?verbose")
        assert answer.status == quiet.admin("GET", "/readyz").status == 200
        return next(check for check in answer.json["checks"] if check["name"] == "database")

    assert database()["ok"]
    postgres.run(f"ALTER DATABASE {name} ALLOW_CONNECTIONS false; "
                 f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'")
    eventually(lambda: not database()["ok"], "its loss is told", 5)
    postgres.run(f"ALTER DATABASE {name} ALLOW_CONNECTIONS true")
    eventually(lambda: database()["ok"], "its return is told")


def test_the_admin_port_does_not_serve_sqs_nor_the_api_port_admin(server, wire):
    assert server.admin("POST", "/", b"{}").status in (404, 405)
    assert server.admin("GET", "/nothing").status == 404
    for path in ("/metrics", "/healthz", "/admin/v1/test-clock"):
        answer = wire.call("", b"", {"X-Amz-Target": None, "Content-Type": None}, path=path, method="GET")
        assert answer.status == 404, answer
        assert b"howdah_" not in answer.body


def test_the_test_clock_is_there_only_where_it_was_asked_for(new_server, postgres):
    plain = new_server("--database-url", postgres.database()).start()
    assert plain.admin("PUT", "/admin/v1/test-clock", json.dumps({"offset_seconds": 5})).status == 404


def test_a_token_guards_the_admin_port_and_a_new_one_counts_at_once(new_server, postgres, directory):
    token = directory / "token"
    token.write_text("first-token-of-the-tests\n")
    server = new_server("--database-url", postgres.database(), "--test-clock", "--admin-token-file", token).start()

    def ask(given, method="GET", path="/metrics", body=None):
        answer = server.admin(method, path, body, headers={"Authorization": f"Bearer {given}"} if given else {})
        return answer.status, answer.headers.get("www-authenticate")

    clock = ("PUT", "/admin/v1/test-clock", json.dumps({"offset_seconds": 5}))
    assert server.admin("GET", "/healthz").status == server.admin("GET", "/readyz?verbose").status == 200
    assert ask(None) == ask(None, *clock) == (401, "Bearer")
    assert ask("another-token-of-the-tests", *clock) == (401, 'Bearer error="invalid_token"')
    assert ask("first-token-of-the-tests", *clock) == (200, None)
    token.write_text("second-token-of-the-tests\n")
    assert ask("second-token-of-the-tests") == (200, None)
    assert ask("first-token-of-the-tests")[0] == 401
    token.write_text("short")
    assert ask("second-token-of-the-tests") == (200, None)
    assert "the admin token was not read again and stays" in server.log()
    assert "-token-of-the-tests" not in server.log()


def test_the_admin_port_off_loopback_only_shows(new_server, postgres, directory):
    token = directory / "token"
    token.write_text("the-token-of-the-tests")
    bearer = {"Authorization": "Bearer the-token-of-the-tests"}
    database = postgres.database()
    for arguments, metrics, with_token in (((), 200, 404), (("--admin-token-file", token), 401, 404),
                                           (("--admin-token-file", token, "--admin-metrics-open"), 200, 404)):
        server = new_server("--database-url", database, *arguments)
        server.command[server.command.index("--admin-listen") + 1] = f"0.0.0.0:{server.admin_port}"
        server.start()
        assert server.admin("GET", "/readyz").status == 200
        assert server.admin("GET", "/metrics").status == metrics
        assert server.admin("GET", "/metrics", headers=bearer).status == 200
        assert server.admin("GET", "/nothing", headers=bearer).status == with_token
        server.stop()


def test_a_useless_token_file_keeps_it_from_starting(new_server, postgres, directory):
    (directory / "token").write_text("too-short")
    server = new_server("--database-url", postgres.database(), "--admin-token-file", directory / "token").spawn()
    assert server.process.wait(30) == 1
    assert "must have 16 to 4096 characters; `openssl rand -hex 32` makes a token" in server.log()
    assert "too-short" not in server.log()


def test_pages_of_other_sites_do_not_read_the_admin_port(server):
    for headers in ({"Sec-Fetch-Site": "cross-site"}, {"Origin": "https://evil.example"}, {"Host": "evil.example"}):
        assert server.admin("GET", "/metrics", headers=headers).status == 403, headers


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b'{"offset_seconds":"5"}', b'{"offset_seconds":1e300}', b"\xff"])
def test_the_test_clock_refuses_nonsense(server, body):
    assert server.admin("PUT", "/admin/v1/test-clock", body).status == 400


def test_metrics_count_known_traffic_exactly(quiet):
    sqs = quiet.client()
    queue = sqs.create_queue(QueueName="q")["QueueUrl"]
    for n in range(3):
        sqs.send_message(QueueUrl=queue, MessageBody="12345")
    sqs.send_message_batch(QueueUrl=queue, Entries=[{"Id": str(n), "MessageBody": "x"} for n in range(4)])
    received = sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10)["Messages"]
    assert len(received) == 7
    assert "Messages" not in sqs.receive_message(QueueUrl=queue)
    sqs.delete_message(QueueUrl=queue, ReceiptHandle=received[0]["ReceiptHandle"])
    sqs.delete_message_batch(QueueUrl=queue, Entries=[
        {"Id": str(n), "ReceiptHandle": received[n]["ReceiptHandle"]} for n in (1, 2)])
    sqs.change_message_visibility(QueueUrl=queue, ReceiptHandle=received[3]["ReceiptHandle"], VisibilityTimeout=60)
    with fails("AWS.SimpleQueueService.NonExistentQueue"):
        sqs.send_message(QueueUrl="none", MessageBody="x")

    def count(name, **labels):
        return quiet.metric(name, **labels)

    eventually(lambda: count("howdah_requests_total") == 11, "11 requests counted", 5)
    assert count("howdah_requests_total", action="SendMessage", code="200") == 3
    assert count("howdah_requests_total", action="SendMessage", code="400") == 1
    assert count("howdah_requests_total", action="ReceiveMessage") == 2
    assert count("howdah_requests_total", protocol="json") == 11
    assert count("howdah_request_errors_total", action="SendMessage") == 1
    assert count("howdah_request_duration_seconds_count", action="SendMessage") == 4
    assert count("howdah_messages_sent_total") == 7
    assert count("howdah_messages_received_total") == 7
    assert count("howdah_messages_deleted_total") == 3
    assert count("howdah_empty_receives_total") == 1
    assert count("howdah_visibility_changes_total") == 1
    assert count("howdah_message_size_bytes_count") == 7
    assert count("howdah_message_size_bytes_sum") == 3 * 5 + 4
    assert count("howdah_receive_waiters") == 0


def test_the_metrics_that_are_promised_are_there(quiet):
    sqs = quiet.client()
    queue = sqs.create_queue(QueueName="q")["QueueUrl"]
    sqs.send_message(QueueUrl=queue, MessageBody="x")
    sqs.receive_message(QueueUrl=queue)
    shown = {series.partition("{")[0] for series in quiet.metrics()}
    for name in ("howdah_build_info", "howdah_requests_total", "howdah_request_duration_seconds_bucket",
                 "howdah_receive_waiters", "howdah_messages_sent_total", "howdah_messages_received_total",
                 "howdah_messages_deleted_total", "howdah_batch_size_bucket", "howdah_db_connections",
                 "howdah_db_query_duration_seconds_bucket", "howdah_db_up", "process_resident_memory_bytes",
                 "process_cpu_seconds_total", "process_open_fds", "process_max_fds", "process_start_time_seconds"):
        assert name in shown, name
    assert quiet.metric("howdah_build_info", version="0.1.0") == 1
    assert quiet.metric("howdah_db_up") == 1
    assert abs(quiet.metric("process_start_time_seconds") - time.time()) < 120


def test_unknown_actions_make_no_series_of_their_own(quiet, poll):
    wire = Wire(quiet.port)
    for n in range(50):
        wire.call(f"NoSuchAction{n}", {})
    assert not any("NoSuchAction" in series for series in quiet.metrics())


def test_concurrent_requests_share_transactions(quiet):
    sqs = quiet.client()
    queue = sqs.create_queue(QueueName="q")["QueueUrl"]
    threads = [threading.Thread(target=lambda: [sqs.send_message(QueueUrl=queue, MessageBody="x") for _ in range(20)])
               for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    transactions = quiet.metric("howdah_batch_size_count", op="send")
    assert quiet.metric("howdah_messages_sent_total") == 320
    assert quiet.metric("howdah_batch_size_sum", op="send") == 320
    assert transactions < 320, "no two sends ever shared a transaction"


def test_a_database_that_went_away_is_told_and_comes_back(new_server, directory):
    server = new_server("--data-dir", directory / "data").start()
    sqs = server.client()
    queue = sqs.create_queue(QueueName="q")["QueueUrl"]
    sqs.send_message(QueueUrl=queue, MessageBody="before")
    # The lowest number is the postmaster's; the rest are its children.
    postmaster = min(pid for pid in descendants(server.process.pid) if "postgres" in command_of(pid))
    os.kill(postmaster, signal.SIGKILL)

    def works():
        try:
            return sqs.send_message(QueueUrl=queue, MessageBody="after")
        except sqs.exceptions.ClientError as error:
            assert error.response["ResponseMetadata"]["HTTPStatusCode"] == 503, error.response
            return None

    eventually(works, "sends work again after the private PostgreSQL was killed", 40)
    bodies = []

    def received():  # a connection that died with the database may still answer one call with 503
        try:
            answer = sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10)
            bodies.extend(message["Body"] for message in answer.get("Messages", []))
        except sqs.exceptions.ClientError as error:
            assert error.response["ResponseMetadata"]["HTTPStatusCode"] == 503, error.response
        return {"before", "after"} <= set(bodies)

    eventually(received, "both messages are received", 40)


def test_the_log_is_json_lines_without_bodies_handles_or_secrets(new_server, postgres):
    server = new_server("--database-url", postgres.database(), "--log-level", "debug").start()
    sqs = server.client(key="AKIAVERYSECRETKEY")
    queue = sqs.create_queue(QueueName="q")["QueueUrl"]
    sqs.send_message(QueueUrl=queue, MessageBody="body-never-to-be-logged", MessageAttributes={
        "a": {"DataType": "String", "StringValue": "value-never-to-be-logged"}})
    handle = sqs.receive_message(QueueUrl=queue)["Messages"][0]["ReceiptHandle"]
    with fails("ReceiptHandleIsInvalid"):
        sqs.delete_message(QueueUrl=queue, ReceiptHandle="handle-never-to-be-logged")
    server.stop()
    lines = server.log().splitlines()
    assert lines and all(json.loads(line) for line in lines)
    for secret in ("never-to-be-logged", handle, "AKIAVERYSECRETKEY"):
        assert secret not in server.log()


def test_an_idle_server_is_small(new_server, postgres):
    server = new_server("--database-url", postgres.database()).start()
    assert server.metric("process_resident_memory_bytes") < 40e6
