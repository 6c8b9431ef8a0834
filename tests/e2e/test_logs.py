"""What the log tells of requests: their ids, where slow ones spent their time, why others failed, how much of it all, and
what it never tells."""
import json
import subprocess
import threading
import time
import urllib.parse

import pytest
from howdah import Howdah, clean_environment, eventually, new_directory, request, sqs_client
from signing import ALICE, OWNER, SECRET, TOKEN, Line, credentials_file, head, signed

JSON = {"Content-Type": "application/x-amz-json-1.0"}
PARENT = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"


def lines(server, message=None):
    told = [json.loads(line) for line in server.log().splitlines()]
    return [line for line in told if message in (None, line["msg"])]


def call(server, action, body, headers=None):
    return request(server.port, "POST", "/", json.dumps(body), {**JSON, "X-Amz-Target": f"AmazonSQS.{action}", **(headers or {})})


def id_of(answer):
    return answer.headers["x-amzn-requestid"]


@pytest.fixture
def database(postgres):
    return postgres.database()


def test_the_level_changes_while_it_runs(new_server, database):
    server = new_server("--database-url", database).start()

    def level(to):
        return server.admin("PUT", "/admin/v1/log-level", json.dumps({"level": to}))

    quiet = id_of(call(server, "ListQueues", {}))
    assert server.admin("GET", "/admin/v1/log-level").json == {"level": "info"}
    assert level("debug").json == {"level": "debug"}
    loud = id_of(call(server, "ListQueues", {}))
    assert level("loud").status == 400
    assert level("error").status == 200
    last = id_of(call(server, "ListQueues", {}))
    assert [line["request_id"] for line in lines(server, "request")] == [loud], (quiet, last)
    audited = [(line["action"], line["to"]) for line in lines(server, "management call")]
    assert audited == [("/admin/v1/log-level", "debug"), ("/admin/v1/log-level", "error")]


def test_lines_carry_the_ids_of_the_request_and_of_its_trace(new_server, database):
    server = new_server("--database-url", database, "--access-log-sample", "1").start()
    amazon = "1-5759e988-bd862e3fe1be46a994272793"
    told = {}
    for headers, trace in (({"traceparent": PARENT}, PARENT[3:35]), ({"X-Amzn-Trace-Id": f"Root={amazon}"}, amazon),
                           ({"traceparent": "my-secret"}, None), ({}, None)):
        answer = call(server, "CreateQueue", {"QueueName": "q"}, headers)
        told[id_of(answer)] = trace
    for message in ("request", "management call"):
        assert {line["request_id"]: line.get("trace_id") for line in lines(server, message)} == told
    assert "my-secret" not in server.log()


def test_a_slow_request_is_told_with_where_its_time_went(new_server, database, postgres):
    server = new_server("--database-url", database, "--slow-request", "700ms", "--slow-statement", "500ms").start()
    queue = call(server, "CreateQueue", {"QueueName": "q"}).json["QueueUrl"]
    call(server, "SendMessage", {"QueueUrl": queue, "MessageBody": "fast"})
    assert call(server, "ReceiveMessage", {"QueueUrl": queue}).status == 200
    began = time.monotonic()
    assert call(server, "ReceiveMessage", {"QueueUrl": queue, "WaitTimeSeconds": 1}).json == {}
    assert time.monotonic() - began > 0.9
    assert lines(server, "slow request") == []  # a long poll that waits is not slow
    locker = subprocess.Popen(["psql", "--no-psqlrc", "-qtAX", database], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                              text=True, env=clean_environment())
    locker.stdin.write("BEGIN; LOCK TABLE howdah.message IN ACCESS EXCLUSIVE MODE; SELECT 'locked';\n")
    locker.stdin.flush()
    assert locker.stdout.readline() == "locked\n"
    answers = []
    senders = [threading.Thread(target=lambda: answers.append(
        call(server, "SendMessage", {"QueueUrl": queue, "MessageBody": "slow"}, {"traceparent": PARENT}))) for _ in range(6)]
    for sender in senders:
        sender.start()
    waiting = "SELECT count(*) FROM pg_locks WHERE NOT granted AND relation = 'howdah.message'::regclass"
    eventually(lambda: int(postgres.run(waiting, database)) > 0, "a send waits for the lock")
    time.sleep(1)  # is what is measured
    locker.communicate("COMMIT;\n")
    for sender in senders:
        sender.join()
    assert [answer.status for answer in answers] == [200] * 6

    def told():
        return lines(server, "slow request"), lines(server, "slow statement")

    eventually(lambda: sum(line.get("repeated", 1) for line in told()[0]) == 6, "all six are told or counted")
    slow, statements = told()
    first = slow[0]
    assert first["action"] == "SendMessage" and first["request_id"] in [id_of(answer) for answer in answers]
    assert first["trace_id"] == PARENT[3:35] and first["level"] == "warn"
    assert first["duration_ms"] > 700 and first["parked_ms"] == 0
    assert first["duration_ms"] >= first["database_ms"] + first["queued_ms"] > 600
    assert 0 < first["encode_ms"] < first["duration_ms"]
    assert any(line["statement"].startswith("send") and line["duration_ms"] > 500 for line in statements), statements


def test_a_share_of_the_requests_is_told_and_all_that_fail(new_server, database):
    half = new_server("--database-url", database, "--access-log-sample", "0.5").start()
    none = new_server("--database-url", database).start()
    for server in (half, none):
        for _ in range(200):
            assert call(server, "ListQueues", {}).status == 200
        failed = id_of(call(server, "GetQueueUrl", {"QueueName": "none"}))
        for _ in range(50):
            call(server, "GetQueueUrl", {"QueueName": "none"})
    assert lines(none, "request") == []
    told = lines(half, "request")
    assert 60 < len([line for line in told if line["code"] == 200]) < 140  # 5.6 deviations

    def counted():
        return [line for line in lines(half, "request") if line["code"] == 400]

    eventually(lambda: sum(line.get("repeated", 1) for line in counted()) == 51, "each failure is told or counted")
    assert len(counted()) < 20 and failed
    assert counted()[0]["error"] == "AWS.SimpleQueueService.NonExistentQueue"


def test_why_requests_fail_while_the_database_is_away(new_server, database, postgres):
    server = new_server("--database-url", database).start()
    strict = new_server("--database-url", database, "--ready-needs-database").start()
    queue = call(server, "CreateQueue", {"QueueName": "q"}).json["QueueUrl"]
    name = urllib.parse.urlsplit(database).path[1:]
    postgres.run(f"ALTER DATABASE {name} ALLOW_CONNECTIONS false; "
                 f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'")
    answers = [call(server, "SendMessage", {"QueueUrl": queue, "MessageBody": "never-to-be-logged"}) for _ in range(20)]
    assert [answer.status for answer in answers] == [503] * 20

    def failures():
        return [line for line in lines(server, "request") if line["level"] == "error"]

    eventually(lambda: sum(line.get("repeated", 1) for line in failures()) == 20, "each is told or counted")
    for line in failures():
        assert (line["code"], line["error"], line["action"]) == (503, "ServiceUnavailable", "SendMessage")
        assert line["cause"], line
    assert server.admin("GET", "/readyz").status == 200
    away = eventually(lambda: next((check for check in server.admin("GET", "/readyz?verbose").json["checks"]
                                    if check["name"] == "database" and not check["ok"]), None), "readiness tells it")
    assert away["required"] is False and away["detail"]
    eventually(lambda: strict.admin("GET", "/readyz").status == 503, "who wants the database is not ready")
    postgres.run(f"ALTER DATABASE {name} ALLOW_CONNECTIONS true")
    eventually(lambda: strict.admin("GET", "/readyz").status == 200, "and is ready again", 30)


def test_a_noisy_run_tells_nothing_that_is_secret(postgres):
    directory = new_directory()
    (directory / "token").write_text("admin-token-never-to-be-logged")
    server = Howdah(directory, "--database-url", postgres.database(), "--auth", "sigv4", "--log-level", "debug",
                    "--credentials", credentials_file(directory), "--admin-token-file", directory / "token",
                    "--slow-request", "1ms", "--slow-statement", "1ms", "--access-log-sample", "1").start()
    secrets = {SECRET, TOKEN, urllib.parse.quote(TOKEN, safe=""), "never-to-be-logged"}
    sqs = sqs_client(server.url, key=OWNER, secret=SECRET)
    queue = sqs.create_queue(QueueName="q", tags={"tag": "never-to-be-logged"})["QueueUrl"]
    fifo = sqs.create_queue(QueueName="q.fifo", Attributes={"FifoQueue": "true"})["QueueUrl"]
    attribute = {"a": {"DataType": "String", "StringValue": "never-to-be-logged"}}
    sqs.send_message(QueueUrl=queue, MessageBody="never-to-be-logged", MessageAttributes=attribute)
    sqs.send_message(QueueUrl=fifo, MessageBody="never-to-be-logged", MessageGroupId="g", MessageDeduplicationId="d")
    for url in (queue, fifo):
        handle = sqs.receive_message(QueueUrl=url, WaitTimeSeconds=5)["Messages"][0]["ReceiptHandle"]
        secrets.add(handle)
        sqs.change_message_visibility(QueueUrl=url, ReceiptHandle=handle, VisibilityTimeout=5)
        sqs.delete_message(QueueUrl=url, ReceiptHandle=handle)
    sqs.set_queue_attributes(QueueUrl=queue, Attributes={"Policy": json.dumps({"Id": "never-to-be-logged", "Statement": [
        {"Effect": "Deny", "Principal": "*", "Action": "sqs:SendMessage", "Resource": "*"}]})})

    line, host = Line(server.port), f"127.0.0.1:{server.port}"

    def raw(method, url, headers, body, **options):
        target, headers = signed(method, url, headers, body, **options)
        for part in (target, *(value for _, value in headers)):
            secrets.update(found.partition("&")[0] for found in part.split("Signature=")[1:])
        return line.ask(head(method, target, host, headers, body) + body)[0]

    def in_json(action, body, **options):
        body = body if isinstance(body, bytes) else json.dumps(body).encode()
        return raw("POST", f"http://{host}/", {**JSON, "X-Amz-Target": f"AmazonSQS.{action}"}, body, **options)

    wrong = [in_json("SendMessage", {"QueueUrl": queue, "MessageBody": "never-to-be-logged"}),
             in_json("SendMessage", {"QueueUrl": queue, "MessageBody": "never-to-be-logged\x01"}, key=ALICE),
             in_json("SendMessage", b'{"MessageBody": "never-to-be-logged'),
             in_json("DeleteMessage", {"QueueUrl": queue, "ReceiptHandle": "never-to-be-logged"}),
             in_json("ListQueues", {}, secret="never-to-be-logged"),
             in_json("ListQueues", {}, key="AKnever-to-be-logged"),
             in_json("NoSuchAction-never-to-be-logged", {}),
             in_json("ListQueues", {}, key="HDTOKEN", token="never-to-be-logged"),
             raw("GET", f"http://{host}/?Action=SendMessage&QueueUrl=q&MessageBody=never-to-be-logged", {}, b"", key=ALICE,
                 secret="never-to-be-logged", expires=60),
             request(server.port, "POST", "/never-to-be-logged", "never-to-be-logged").status,
             server.admin("GET", "/metrics", headers={"Authorization": "Bearer never-to-be-logged-at-all"}).status]
    assert all(400 <= status < 500 for status in wrong), wrong
    right = [in_json("ListQueues", {}, key="HDTOKEN", token=TOKEN),
             raw("GET", f"http://{host}/?Action=ListQueues&QueueNamePrefix=never-to-be-logged", {}, b"", expires=60),
             raw("GET", f"http://{host}/?Action=ListQueues", {}, b"", expires=60, key="HDTOKEN", token=TOKEN),
             server.admin("GET", "/metrics", headers={"Authorization": "Bearer admin-token-never-to-be-logged"}).status]
    assert right == [200] * 4
    line.close()
    assert server.stop() == 0
    log = server.log()
    assert len(secrets) > 15 and {"request", "slow request", "denied call"} <= {line["msg"] for line in lines(server)}
    assert [secret for secret in secrets if secret in log] == []
