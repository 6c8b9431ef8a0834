"""The metrics of two servers on one database: counters and histograms against known traffic, exactly; gauges once the
snapshot is there; what is bounded; what a scrape costs."""
import contextlib
import json
import subprocess
import time
import urllib.parse
import uuid

import pytest

from howdah import ROOT, clean_environment, eventually

PROMTOOL = ROOT / ".tools/prometheus/usr/bin/promtool"


@pytest.fixture
def database(postgres):
    return postgres.database()


@pytest.fixture
def start(new_server, database):
    """start(...) starts a server on the database of the test, whose snapshot is a second old at most."""
    def one(*arguments):
        return new_server("--database-url", database, "--test-clock", "--metrics-snapshot-interval", "1s",
                          *arguments).start()
    return one


@pytest.fixture
def pair(start):
    return [start(), start()]


def total(servers, name, **labels):
    return sum(server.metric(name, **labels) for server in servers)


def next_snapshot(servers):
    """Waits until every server shows a snapshot that was begun after now: the second one that is finished."""
    for _ in range(2):
        asked = time.monotonic()
        for server in servers:
            eventually(lambda: 0 < server.metric("howdah_stats_snapshot_age_seconds") < time.monotonic() - asked,
                       "a new snapshot", 30)


def receive(sqs, queue, **request):
    return sqs.receive_message(QueueUrl=queue, **{"MaxNumberOfMessages": 10, **request}).get("Messages", [])


def arn_of(queue):
    return f"arn:aws:sqs:us-east-1:000000000000:{queue.rpartition('/')[2]}"


def test_known_traffic_over_two_servers_is_counted_exactly(pair):
    here, there = [server.client() for server in pair]
    dead = here.create_queue(QueueName="dead")["QueueUrl"]
    queue = here.create_queue(QueueName="q", Attributes={"RedrivePolicy": json.dumps(
        {"deadLetterTargetArn": arn_of(dead), "maxReceiveCount": 2})})["QueueUrl"]
    fifo = there.create_queue(QueueName="f.fifo", Attributes={"FifoQueue": "true"})["QueueUrl"]
    gone = there.create_queue(QueueName="gone")["QueueUrl"]

    here.send_message(QueueUrl=queue, MessageBody="12345")
    there.send_message_batch(QueueUrl=queue, Entries=[{"Id": str(n), "MessageBody": "xyz"} for n in range(4)])
    for sqs in (here, there):  # the second is swallowed
        sqs.send_message(QueueUrl=fifo, MessageBody="x", MessageGroupId="g", MessageDeduplicationId="d")
    there.send_message_batch(QueueUrl=gone, Entries=[{"Id": str(n), "MessageBody": "x"} for n in range(3)])

    first = receive(there, queue, VisibilityTimeout=0)
    assert len(first) == 5
    again = receive(here, queue, VisibilityTimeout=600)
    assert len(again) == 5
    here.delete_message(QueueUrl=queue, ReceiptHandle=again[0]["ReceiptHandle"])
    there.delete_message(QueueUrl=queue, ReceiptHandle=again[0]["ReceiptHandle"])  # already gone
    there.delete_message_batch(QueueUrl=queue, Entries=[{"Id": "1", "ReceiptHandle": again[1]["ReceiptHandle"]}])
    here.change_message_visibility_batch(QueueUrl=queue, Entries=[
        {"Id": str(n), "ReceiptHandle": again[n]["ReceiptHandle"], "VisibilityTimeout": 0} for n in (2, 3)])
    assert receive(there, queue) == []  # both went to the dead-letter queue instead
    assert receive(here, fifo, WaitTimeSeconds=1)[0]["Body"] == "x"
    assert receive(here, fifo, WaitTimeSeconds=1) == []
    there.start_message_move_task(SourceArn=arn_of(dead))
    eventually(lambda: total(pair, "howdah_messages_redriven_total") == 2, "both were moved back", 20)
    there.delete_queue(QueueUrl=gone)
    here.purge_queue(QueueUrl=fifo)

    def counts(name, **labels):
        return total(pair, name, **labels)

    assert counts("howdah_messages_sent_total") == 5 + 1 + 3
    assert counts("howdah_messages_deduplicated_total") == 1
    assert counts("howdah_message_size_bytes_count") == 9
    assert counts("howdah_message_size_bytes_sum") == 5 + 4 * 3 + 1 + 3
    assert counts("howdah_messages_received_total") == 5 + 5 + 1
    assert counts("howdah_redeliveries_total") == 5
    assert counts("howdah_message_dwell_seconds_count") == 5 + 1
    assert 0 < counts("howdah_message_dwell_seconds_sum") < 6 * 30
    assert counts("howdah_messages_deleted_total") == 2
    assert counts("howdah_message_processing_seconds_count") == 2
    assert 0 <= counts("howdah_message_processing_seconds_sum") < 2 * 30
    assert counts("howdah_messages_dead_lettered_total", reason="max_receive") == 2
    assert counts("howdah_messages_redriven_total") == 2
    assert counts("howdah_visibility_changes_total") == 2
    assert counts("howdah_empty_receives_total") == 2
    assert counts("howdah_receive_wait_seconds_count") == 1
    assert counts("howdah_receive_waiters") == 0
    assert counts("howdah_queues_created_total") == 4
    assert counts("howdah_queues_deleted_total") == 1
    assert counts("howdah_queues_purged_total") == 1
    eventually(lambda: counts("howdah_messages_purged_total") == 3 + 1, "the sweep has freed what was purged", 20)

    assert counts("howdah_requests_total") == 21
    assert counts("howdah_requests_total", code="200") == 21
    for action, count in {"CreateQueue": 4, "SendMessage": 3, "SendMessageBatch": 2, "ReceiveMessage": 5,
                          "DeleteMessage": 2, "DeleteMessageBatch": 1, "ChangeMessageVisibilityBatch": 1,
                          "StartMessageMoveTask": 1, "DeleteQueue": 1, "PurgeQueue": 1}.items():
        for name in ("requests_total", "request_duration_seconds_count", "request_size_bytes_count",
                     "response_size_bytes_count"):
            assert counts(f"howdah_{name}", action=action) == count, (name, action)
    assert counts("howdah_request_errors_total") == 0

    of_queue = {name: counts(f"howdah_queue_{name}", queue="q") for name in (
        "messages_sent_total", "message_bytes_total", "messages_received_total", "messages_deleted_total",
        "messages_dead_lettered_total", "empty_receives_total", "dwell_seconds_count", "receive_waiters")}
    assert of_queue == {"messages_sent_total": 5, "message_bytes_total": 17, "messages_received_total": 10,
                        "messages_deleted_total": 2, "messages_dead_lettered_total": 2, "empty_receives_total": 1,
                        "dwell_seconds_count": 5, "receive_waiters": 0}
    assert counts("howdah_queue_messages_deduplicated_total", queue="f.fifo") == 1
    assert counts("howdah_queue_messages_sent_total") == counts("howdah_messages_sent_total") - 3  # gone's are gone
    # Of a server's own statements: each shared transaction was one.
    for statement, op in {"send_standard": "send", "send_fifo": "send_fifo", "delete_standard": "delete"}.items():
        assert counts("howdah_db_query_duration_seconds_count", statement=statement) == \
            counts("howdah_batch_size_count", op=op) > 0, statement
    assert counts("howdah_batch_size_sum", op="send") == 3
    assert counts("howdah_db_connection_wait_seconds_count") > 10
    assert counts("howdah_db_errors_total") == 0


def test_the_snapshot_is_the_same_on_both_servers_and_right(pair):
    here, there = [server.client() for server in pair]
    dead = here.create_queue(QueueName="dead")["QueueUrl"]
    queue = here.create_queue(QueueName="q", Attributes={"RedrivePolicy": json.dumps(
        {"deadLetterTargetArn": arn_of(dead), "maxReceiveCount": 1})})["QueueUrl"]
    fifo = here.create_queue(QueueName="f.fifo", Attributes={
        "FifoQueue": "true", "ContentBasedDeduplication": "true"})["QueueUrl"]

    def gauges(name):
        """The gauge's series, which both servers show alike once they have read the same snapshot."""
        def alike():
            shown = [{series: value for series, value in server.metrics().items() if series.partition("{")[0] == name}
                     for server in pair]
            return shown[0] if shown[0] == shown[1] else None
        return eventually(alike, f"{name} is the same on both")

    def states(name):
        return tuple(gauges("howdah_queue_messages")[f'howdah_queue_messages{{queue="{name}",state="{state}"}}']
                     for state in ("visible", "in_flight", "delayed"))

    def age(name):
        return gauges("howdah_queue_oldest_message_age_seconds")[
            f'howdah_queue_oldest_message_age_seconds{{queue="{name}"}}']

    for n in range(4):
        here.send_message(QueueUrl=queue, MessageBody=str(n))
    here.send_message(QueueUrl=queue, MessageBody="late", DelaySeconds=900)
    for n in range(6):
        here.send_message(QueueUrl=fifo, MessageBody=str(n), MessageGroupId=f"g{n % 3}")
    pair[0].set_clock(100)
    receive(there, queue, MaxNumberOfMessages=3, VisibilityTimeout=30)
    receive(there, fifo, MaxNumberOfMessages=4, VisibilityTimeout=30)
    next_snapshot(pair)
    assert states("q") == (1, 3, 1)
    assert states("dead") == (0, 0, 0)
    assert states("f.fifo") == (2, 4, 0)
    assert 100 <= age("q") < 130
    assert 100 <= age("f.fifo") < 130
    assert age("dead") == 0
    assert gauges("howdah_queue_groups_in_flight") == {'howdah_queue_groups_in_flight{queue="f.fifo"}': 2}
    assert set(gauges("howdah_queue_info")) == {
        'howdah_queue_info{queue="q",type="standard",dead_letter_queue="dead"}',
        'howdah_queue_info{queue="dead",type="standard",dead_letter_queue=""}',
        'howdah_queue_info{queue="f.fifo",type="fifo",dead_letter_queue=""}'}
    assert gauges("howdah_queues") == {"howdah_queues": 3}

    pair[0].set_clock(200)  # all is visible again but the late one, and three go to the dead-letter queue
    assert len(receive(there, queue, VisibilityTimeout=0)) == 1
    next_snapshot(pair)
    assert states("q") == (1, 0, 1)
    assert states("dead") == (3, 0, 0)
    assert age("dead") < 50, "in a dead-letter queue the age counts from the move"
    assert age("q") >= 200

    pair[0].set_clock(220)
    assert receive(there, queue) == []
    next_snapshot(pair)
    assert states("q") == (0, 0, 1)
    assert states("dead") == (4, 0, 0)
    assert 20 <= age("dead") < 70
    assert sum(server.metric("howdah_leader", duty="snapshot") for server in pair) == 1


def test_a_message_received_three_times_no_longer_counts_for_the_age(pair):
    sqs = pair[0].client()
    queue = sqs.create_queue(QueueName="q")["QueueUrl"]
    sqs.send_message(QueueUrl=queue, MessageBody="poison")
    pair[0].set_clock(1000)
    sqs.send_message(QueueUrl=queue, MessageBody="good", DelaySeconds=900)
    for _ in range(2):
        assert len(receive(sqs, queue, VisibilityTimeout=0)) == 1
    next_snapshot(pair)
    assert pair[1].metric("howdah_queue_oldest_message_age_seconds", queue="q") >= 1000
    assert len(receive(sqs, queue, VisibilityTimeout=0)) == 1
    next_snapshot(pair)
    assert pair[1].metric("howdah_queue_oldest_message_age_seconds", queue="q") < 100


def test_what_a_receive_finds_expired_is_counted(pair):
    sqs = pair[0].client()
    queue = sqs.create_queue(QueueName="q", Attributes={"MessageRetentionPeriod": "60"})["QueueUrl"]
    sqs.send_message_batch(QueueUrl=queue, Entries=[{"Id": str(n), "MessageBody": "x"} for n in range(5)])
    receive(sqs, queue, MaxNumberOfMessages=2, VisibilityTimeout=0)
    pair[0].set_clock(100)
    assert receive(sqs, queue) == []
    eventually(lambda: total(pair, "howdah_messages_expired_total") == 5, "all have expired", 40)


@contextlib.contextmanager
def open_transaction(database):
    """Holds a snapshot of the database meanwhile."""
    holder = subprocess.Popen(["psql", "--no-psqlrc", "-qAt", database], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                              text=True, env=clean_environment())
    try:
        holder.stdin.write("BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT 'held';\n")
        holder.stdin.flush()
        assert holder.stdout.readline() == "held\n"
        yield
    finally:
        holder.communicate("ROLLBACK;\n")


def test_the_health_of_postgresql_is_told(pair, postgres, database):
    sqs = pair[0].client()
    queue = sqs.create_queue(QueueName="q")["QueueUrl"]
    for _ in range(20):
        sqs.send_message_batch(QueueUrl=queue, Entries=[{"Id": str(n), "MessageBody": "x" * 1000} for n in range(10)])
    next_snapshot(pair)
    shown = pair[1].metrics()
    assert shown['howdah_db_table_bytes{table="message"}'] > 200_000
    assert shown["howdah_db_wal_bytes_total"] > 200_000
    assert 4 <= shown["howdah_db_server_connections"] <= shown["howdah_db_server_connections_max"]
    assert shown["howdah_db_xid_age"] > 20
    assert 'howdah_db_multixact_age' in shown and 'howdah_db_dead_tuples{table="delivery"}' in shown
    # The statistics of the inserts reach PostgreSQL when the connection that did them is idle.
    eventually(lambda: pair[1].metric("howdah_db_live_tuples", table="message") >= 200, "the rows are estimated", 30)

    with open_transaction(database):
        held_at = time.monotonic()
        for _ in range(30):
            sqs.send_message(QueueUrl=queue, MessageBody="x")
        next_snapshot(pair)
        assert pair[1].metric("howdah_db_oldest_xmin_age") >= 30
        assert 0 < pair[1].metric("howdah_db_oldest_transaction_seconds") <= time.monotonic() - held_at + 1


def test_transactions_of_others_are_told_where_the_role_may_read_statistics(new_server, postgres):
    database = postgres.database()
    role = "howdah_" + uuid.uuid4().hex[:8]
    postgres.run(f"CREATE ROLE {role} LOGIN; ALTER DATABASE {urllib.parse.urlsplit(database).path[1:]} OWNER TO {role}")
    server = new_server("--database-url", database.replace("postgres@", f"{role}@"), "--metrics-snapshot-interval",
                        "1s").start()
    sqs = server.client()
    queue = sqs.create_queue(QueueName="q")["QueueUrl"]
    with open_transaction(database):
        for _ in range(30):
            sqs.send_message(QueueUrl=queue, MessageBody="x")
        next_snapshot([server])
        without = server.metrics()
        assert without["howdah_db_oldest_xmin_age"] >= 30 and without["howdah_db_oldest_transaction_seconds"] < 1
        postgres.run(f"GRANT pg_read_all_stats TO {role}")
        next_snapshot([server])
        with_it = server.metrics()
        assert with_it["howdah_db_oldest_transaction_seconds"] > 1
    assert without.keys() == with_it.keys()


def test_series_of_a_deleted_queue_go_on_every_server(pair):
    here, there = [server.client() for server in pair]
    queue = here.create_queue(QueueName="short-lived")["QueueUrl"]
    for sqs in (here, there):
        sqs.send_message(QueueUrl=queue, MessageBody="x")
    next_snapshot(pair)

    def shown(server):
        return [series for series in server.metrics() if 'queue="short-lived"' in series]

    assert all(len(shown(server)) > 10 for server in pair)
    here.delete_queue(QueueUrl=queue)
    for server in pair:
        eventually(lambda: not shown(server), "its series are gone", 30)
    assert total(pair, "howdah_messages_sent_total") == 2


def test_queues_beyond_the_bound_are_added_up(start):
    server = start("--metrics-queues-max", "2")
    sqs = server.client()
    queues = [sqs.create_queue(QueueName=name)["QueueUrl"] for name in ("a", "b", "c", "_other")]
    for count, queue in enumerate(queues, 1):
        for _ in range(count):
            sqs.send_message(QueueUrl=queue, MessageBody="x")
    next_snapshot([server])

    def by_queue(name, **labels):
        return {label: server.metric(name, queue=label, **labels)
                for label in ("a", "b", "c", "_other", "000000000000/_other")}

    expected = {"a": 1, "b": 2, "c": 0, "_other": 7, "000000000000/_other": 0}
    assert by_queue("howdah_queue_messages", state="visible") == expected
    assert by_queue("howdah_queue_messages_sent_total") == expected
    assert server.metric("howdah_queue_metrics_dropped") == 2
    one = server.admin("GET", "/metrics/per-queue?queue=000000000000%2F_other").text
    assert 'howdah_queue_messages{queue="000000000000/_other",state="visible"} 4\n' in one


def test_the_series_of_chosen_queues(start):
    server = start()
    sqs = server.client()
    for name in ("orders", "orders-dead", "mails"):
        sqs.create_queue(QueueName=name)
    next_snapshot([server])

    def named(path):
        answer = server.admin("GET", path)
        assert answer.status == 200
        assert answer.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
        return {line.split('queue="')[1].split('"')[0] for line in answer.text.splitlines() if 'queue="' in line}

    assert named("/metrics/per-queue") == {"orders", "orders-dead", "mails"}
    assert named("/metrics/per-queue?queue=orders") == {"orders"}
    assert named("/metrics/per-queue?queue=orders.%2B") == {"orders-dead"}
    assert named("/metrics/per-queue?queue=none") == set()
    for bad in ("queue=(", "queue=%zz", "queue=" + "(a{1000}){1000}"):
        answer = server.admin("GET", f"/metrics/per-queue?{bad}")
        assert answer.status == 400, bad


def test_promtool_finds_nothing_wrong(pair):
    sqs = pair[0].client()
    queue = sqs.create_queue(QueueName="q")["QueueUrl"]
    sqs.send_message(QueueUrl=queue, MessageBody="x")
    receive(sqs, queue)
    next_snapshot(pair)
    for path in ("/metrics", "/metrics/per-queue"):
        checked = subprocess.run([PROMTOOL, "check", "metrics"], input=pair[0].admin("GET", path).text,
                                 capture_output=True, text=True)
        assert (checked.returncode, checked.stdout, checked.stderr) == (0, "", ""), path


def test_every_series_is_of_the_table(pair):
    """Names, types and label names; every row of the table that needs no rare event has a series."""
    table = {}
    for line in (ROOT / "docs/metrics.md").read_text().splitlines():
        cells = [cell.strip(" `") for cell in line.split("|")[1:-1]]
        if len(cells) == 4 and cells[0].startswith(("howdah_", "process_")):
            table[cells[0]] = (cells[1], set(cells[2].replace("`", "").replace(" ", "").split(",")) - {""})
    sqs = pair[0].client()
    queue = sqs.create_queue(QueueName="q")["QueueUrl"]
    sqs.create_queue(QueueName="f.fifo", Attributes={"FifoQueue": "true"})
    sqs.send_message(QueueUrl=queue, MessageBody="x")
    receive(sqs, queue)
    next_snapshot(pair)
    types = {}
    seen = set()
    for line in pair[0].admin("GET", "/metrics").text.splitlines():
        if line.startswith("# TYPE"):
            _, _, name, types[name] = line.split()
        elif not line.startswith("#"):
            series, _, labels = line.rpartition(" ")[0].partition("{")
            family = series
            for suffix in ("_bucket", "_sum", "_count"):
                if series.endswith(suffix) and types.get(series.removesuffix(suffix)) in ("histogram", "summary"):
                    family = series.removesuffix(suffix)
            names = {part.partition("=")[0] for part in labels.rstrip("}").split('",') if part} - {"le"}
            assert table[family] == (types[family], names), line
            seen.add(family)
    rare = {"howdah_request_errors_total", "howdah_connections_rejected_total", "howdah_auth_failures_total",
            "howdah_throttled_total", "howdah_move_tasks", "howdah_move_task_messages", "howdah_db_errors_total",
            "howdah_db_transactions_retried_total", "howdah_reloads_total",
            "howdah_certificate_expiry_timestamp_seconds", "howdah_db_last_autovacuum_timestamp_seconds"}
    assert set(table) - seen <= rare


def test_move_tasks_show_their_progress(pair):
    sqs = pair[0].client()
    dead = sqs.create_queue(QueueName="dead")["QueueUrl"]
    queue = sqs.create_queue(QueueName="q", Attributes={"RedrivePolicy": json.dumps(
        {"deadLetterTargetArn": arn_of(dead), "maxReceiveCount": 1})})["QueueUrl"]
    for _ in range(3):
        sqs.send_message_batch(QueueUrl=dead, Entries=[{"Id": str(n), "MessageBody": "x"} for n in range(10)])
    sqs.start_message_move_task(SourceArn=arn_of(dead), DestinationArn=arn_of(queue), MaxNumberOfMessagesPerSecond=1)
    eventually(lambda: pair[1].metric("howdah_move_task_messages", source="dead", state="to_move") == 30 and
               0 < pair[1].metric("howdah_move_task_messages", source="dead", state="moved") < 30 and
               pair[1].metric("howdah_move_tasks", status="RUNNING") == 1, "the task is under way", 30)


def test_ten_thousand_queues_are_scraped_in_time(start, postgres, database):
    """By the processor's time, which a busy machine does not stretch: 100 ms a scrape, and the limit is 300."""
    server = start("--metrics-queues-max", "10000")
    postgres.run("INSERT INTO howdah.queue (account, name, queue_id, version, attributes, tags, created_at, modified_at)"
                 " SELECT '000000000000', 'queue-' || n, n, 1, '{}', '{}', now(), now() FROM generate_series(1, 10000) n",
                 database)
    eventually(lambda: server.metric("howdah_queues") == 10_000, "all are in the snapshot", 120)
    spent, scrapes = server.metric("process_cpu_seconds_total"), 10
    began = time.monotonic()
    for _ in range(scrapes):
        text = server.admin("GET", "/metrics").text
    seconds = (time.monotonic() - began) / scrapes
    spent = (server.metric("process_cpu_seconds_total") - spent) / scrapes
    assert text.count("\nhowdah_queue_messages{") == 30_000
    print(f"a scrape with 10,000 queues: {len(text)} bytes, {1000 * spent:.0f} ms CPU, {1000 * seconds:.0f} ms")
    assert spent < 0.3
