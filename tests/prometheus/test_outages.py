"""Alerts provoked for real and seen firing through Prometheus' API, with the rules made hasty (see prometheus.py), and
where that is what an operator waits for, seen ending. The last tests here end servers."""
import contextlib

import pytest

from howdah import eventually
from prometheus import HASTY_QUEUE
from traffic import break_credentials, let_die, locked, make, receive, reject_connections, repair_credentials, send


def again_until_firing(prometheus, alert, step, labels, steps=60):
    """Repeats `step` until the alert fires: what grows must be seen to grow by two scrapes."""
    left = iter(range(steps))

    def fires():
        firing = prometheus.firing(alert, **labels)
        if not firing and next(left, None) is not None:
            step()
        return firing
    return eventually(fires, f"{alert} fires", 40)[0]


def test_a_message_that_nobody_deletes_gets_too_old(loaded, prometheus):
    queue = make(loaded.sqs, HASTY_QUEUE)
    other = make(loaded.sqs, "without-a-number-of-its-own")
    send(loaded.sqs, queue, 1)
    send(loaded.sqs, other, 1)
    alert = prometheus.wait_firing("HowdahOldestMessageAge", queue=HASTY_QUEUE)
    assert alert["labels"]["severity"] == "warning"
    assert alert["annotations"]["runbook_url"].endswith("docs/runbooks/HowdahOldestMessageAge.md")
    assert HASTY_QUEUE in alert["annotations"]["summary"]
    assert not prometheus.firing("HowdahOldestMessageAge", queue="without-a-number-of-its-own")
    (message,) = receive(loaded.sqs, queue)
    loaded.sqs.delete_message(QueueUrl=queue, ReceiptHandle=message["ReceiptHandle"])
    prometheus.wait_quiet("HowdahOldestMessageAge", queue=HASTY_QUEUE)


def test_messages_that_nobody_asks_for(loaded, prometheus):
    queue = make(loaded.sqs, "forgotten")
    send(loaded.sqs, queue, 1)
    prometheus.wait_firing("HowdahNoConsumers", queue="forgotten")
    assert receive(loaded.sqs, queue, VisibilityTimeout=0)
    prometheus.wait_quiet("HowdahNoConsumers", queue="forgotten")


def test_a_backlog_that_grows(loaded, prometheus):
    queue = make(loaded.sqs, "growing")
    again_until_firing(prometheus, "HowdahBacklogGrowing", lambda: send(loaded.sqs, queue, 10), {"queue": "growing"})


def test_dead_letters_that_arrive(loaded, prometheus):
    assert not prometheus.firing("HowdahDeadLettersArriving", queue="failing")
    dead = make(loaded.sqs, "failed")
    arn = loaded.sqs.get_queue_attributes(QueueUrl=dead, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    queue = make(loaded.sqs, "failing", RedrivePolicy=f'{{"deadLetterTargetArn":"{arn}","maxReceiveCount":"1"}}')
    again_until_firing(prometheus, "HowdahDeadLettersArriving", lambda: let_die(loaded.sqs, queue),
                       {"queue": "failing"})


def test_a_move_task_that_fails(loaded, prometheus):
    """A dead letter that came by a send has no queue to go back to."""
    source = make(loaded.sqs, "no-way-back")
    arn = loaded.sqs.get_queue_attributes(QueueUrl=source, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    make(loaded.sqs, "dies-there", RedrivePolicy=f'{{"deadLetterTargetArn":"{arn}","maxReceiveCount":"1"}}')
    send(loaded.sqs, source, 1)
    prometheus.wait_for('howdah_move_tasks')
    loaded.sqs.start_message_move_task(SourceArn=arn)
    prometheus.wait_firing("HowdahMoveTaskFailed")


def test_connections_beyond_the_limit(loaded, prometheus):
    again_until_firing(prometheus, "HowdahConnectionsRejected", lambda: reject_connections(loaded), {})


def test_a_limit_that_is_reached(loaded, prometheus):
    """The load left the queue with as many messages in flight as the strict server allows."""
    client = loaded.strict_client()
    queue = make(client, "limited")

    def refused():
        with contextlib.suppress(client.exceptions.ClientError):
            receive(client, queue)
    again_until_firing(prometheus, "HowdahThrottled", refused, {"limit": "messages-in-flight"})


def test_signatures_that_are_wrong(loaded, prometheus):
    client = loaded.strict_client(wrong=True)

    def refused():
        with contextlib.suppress(client.exceptions.ClientError):
            client.list_queues()
    again_until_firing(prometheus, "HowdahAuthFailures", refused, {})


def test_a_certificate_that_ends_soon(loaded, prometheus):
    """The strict server's is for two days."""
    alert = prometheus.wait_firing("HowdahCertificateExpiring")
    assert alert["annotations"]["summary"].startswith("A TLS certificate ends in 1d 23h"), alert


def test_more_queues_than_have_figures_of_their_own(loaded, prometheus):
    prometheus.wait_firing("HowdahPerQueueMetricsDropped")


def test_credentials_that_cannot_be_read_again(loaded, prometheus):
    break_credentials(loaded)
    prometheus.wait_firing("HowdahReloadFailed", what="credentials")
    repair_credentials(loaded)


def test_maintenance_that_stands_still(loaded, prometheus):
    """Somebody holds a lock on a table that the sweep works on."""
    prometheus.wait_for('duty:howdah_maintenance_last_success_timestamp_seconds:max{duty="sweep"}')
    assert not prometheus.firing("HowdahMaintenanceStalled", duty="sweep")
    with locked(loaded, "remains"):
        prometheus.wait_firing("HowdahMaintenanceStalled", seconds=40, duty="sweep")
    prometheus.wait_quiet("HowdahMaintenanceStalled", duty="sweep")


@pytest.fixture
def no_database(loaded):
    """PostgreSQL lets nobody in, and whoever was in is out."""
    name = loaded.postgres.run("SELECT current_database()", loaded.database)
    loaded.postgres.run(f"ALTER DATABASE {name} WITH ALLOW_CONNECTIONS false")
    loaded.postgres.run(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'")
    yield
    loaded.postgres.run(f"ALTER DATABASE {name} WITH ALLOW_CONNECTIONS true")


def test_a_database_that_is_gone(loaded, prometheus, request):
    assert not prometheus.firing("HowdahDatabaseDown")
    request.getfixturevalue("no_database")
    alert = prometheus.wait_firing("HowdahDatabaseDown")
    assert alert["labels"]["severity"] == "critical"
    with pytest.raises(loaded.sqs.exceptions.ClientError) as refused:
        send(loaded.sqs, make(loaded.sqs, "work"), 1)
    assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == 503
    prometheus.wait_firing("HowdahSnapshotStale")  # the metrics themselves are there all the while


def test_a_database_that_is_back(loaded, prometheus):
    prometheus.wait_quiet("HowdahDatabaseDown", seconds=60)
    prometheus.wait_quiet("HowdahSnapshotStale")
    send(loaded.sqs, make(loaded.sqs, "work"), 1)


def test_a_server_that_is_gone(loaded, prometheus):
    assert not prometheus.firing("HowdahServerDown")
    loaded.strict.kill()
    alert = prometheus.wait_firing("HowdahServerDown")
    assert alert["labels"]["instance"].endswith(f":{loaded.strict.admin_port}")
    assert not prometheus.firing("HowdahDown")


def test_all_servers_gone(loaded, prometheus):
    for one in loaded.plain:
        one.kill()
    assert prometheus.wait_firing("HowdahDown")["labels"]["severity"] == "critical"
