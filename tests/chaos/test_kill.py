"""kill -9 of the server, and of its PostgreSQL, over and over under load. Each acknowledged send is received at least
once, nothing that was deleted with success comes back, and no request stays without an answer. On a FIFO queue order and
deduplication hold as well."""
import os
import random
import signal

import pytest

from fifo_traffic import FifoTraffic
from howdah import Howdah, Postgres, eventually, new_directory
from traffic import CONNECTION_LOST, VISIBILITY_TIMEOUT, Traffic


@pytest.fixture
def server():
    directory = new_directory()
    started = Howdah(directory, "--data-dir", directory / "data").start()
    yield started
    assert started.stop() == 0, started.log()[-4000:]


def postmaster(server):
    with open(server.directory / "data" / "postgres" / "postmaster.pid") as file:
        return int(file.readline())


def kill_server(server):
    server.kill()
    server.start()


def kill_postgres(server):
    os.kill(postmaster(server), signal.SIGKILL)


def receive_when_up(sqs, queue_url):
    try:
        return sqs.receive_message(QueueUrl=queue_url)
    except (*CONNECTION_LOST, sqs.exceptions.ClientError):
        return None


def is_empty(sqs, queue_url):
    names = ("ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible")
    answer = sqs.get_queue_attributes(QueueUrl=queue_url, AttributeNames=names)
    return all(answer["Attributes"][name] == "0" for name in names)


@pytest.mark.timeout(1800)
@pytest.mark.parametrize("kill", [kill_server, kill_postgres])
def test_kill_9_loses_no_acknowledged_send_and_undoes_no_delete(server, kill, pytestconfig):
    chance = random.Random(kill.__name__)
    sqs = server.client(attempts=5)
    queue_url = sqs.create_queue(QueueName="chaos")["QueueUrl"]
    with Traffic(server.url, queue_url) as traffic:
        for _ in range(100 if pytestconfig.getoption("--deep") else 10):
            traffic.wait_progress(chance.randint(20, 200))
            kill(server)
        traffic.wait_progress(50)
        traffic.stop_producing()
        traffic.wait_received(6 * VISIBILITY_TIMEOUT)
        traffic.check()
        eventually(lambda: is_empty(sqs, queue_url), "the consumers empty the queue", 6 * VISIBILITY_TIMEOUT)
    kill(server)
    answer = eventually(lambda: receive_when_up(sqs, queue_url), "the server answers", 30)
    assert "Messages" not in answer, "an emptied queue has messages again"
    print(f"{len(traffic.acknowledged)} sends acknowledged, {len(traffic.deleted)} deletes, {traffic.failures} requests "
          f"failed meanwhile")
    traffic.check()


@pytest.fixture
def two_servers():
    postgres = Postgres()
    database = postgres.database()
    both = [Howdah(new_directory(), "--database-url", database).spawn() for _ in range(2)]
    for one in both:
        one.wait_ready()
    yield both
    assert [one.stop() for one in both] == [0, 0]
    postgres.stop()


@pytest.mark.timeout(1800)
def test_kill_9_of_two_servers_keeps_the_order_of_a_thousand_groups_and_stores_each_send_once(two_servers, pytestconfig):
    chance = random.Random("fifo")
    sqs = two_servers[0].client(attempts=5)
    queue_url = sqs.create_queue(QueueName="chaos.fifo", Attributes={"FifoQueue": "true"})["QueueUrl"]
    with FifoTraffic(two_servers, "chaos.fifo") as traffic:
        for n in range(100 if pytestconfig.getoption("--deep") else 10):
            wanted = traffic.done() + chance.randint(100, 400)
            eventually(lambda: traffic.done() >= wanted, f"{wanted} sends and deletes (now {traffic.done()})", 60)
            kill_server(two_servers[n % 2])
        traffic.stop_producing()
        eventually(traffic.all_received, "all that was acknowledged is received", 6 * VISIBILITY_TIMEOUT)
        eventually(lambda: is_empty(sqs, queue_url), "the consumers empty the queue", 6 * VISIBILITY_TIMEOUT)
    print(f"{len(traffic.acknowledged)} sends acknowledged, {len(traffic.deleted)} deletes, {traffic.failures} requests "
          f"failed meanwhile")
    traffic.check()
