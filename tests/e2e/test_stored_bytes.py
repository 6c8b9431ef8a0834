"""--stored-bytes-per-queue and --stored-bytes on two servers with one database: what is refused, and when no more."""
import botocore.exceptions
import pytest

from howdah import Howdah, eventually, new_directory
from wire import Wire, fails

KIB = 1024
OVERHEAD = 256  # what a message counts beside its body and attributes
FULL = "The queue stores as many bytes as it may."


@pytest.fixture(scope="module")
def pair(postgres):
    database = postgres.database()
    both = [Howdah(new_directory(), "--database-url", database, "--stored-bytes-per-queue", "100KiB",
                   "--stored-bytes", "1MiB", "--purge-interval", "0").spawn() for _ in range(2)]
    for one in both:
        one.wait_ready()
    counted = "SELECT count(*) FROM howdah.stored_bytes_count WHERE counted_at IS NOT NULL"
    eventually(lambda: postgres.run(counted, database) == "1", "the messages are counted")
    yield both
    assert [one.stop() for one in both] == [0, 0]


@pytest.fixture
def queue(pair, request):
    client = pair[0].client()
    url = client.create_queue(QueueName="full-" + str(abs(hash(request.node.name))))["QueueUrl"]
    yield url
    client.delete_queue(QueueUrl=url)


def sends(client, queue, size=10 * KIB - OVERHEAD):
    try:
        client.send_message(QueueUrl=queue, MessageBody="x" * size)
        return True
    except botocore.exceptions.ClientError as error:
        assert error.response["Error"]["Code"] == "OverLimit"
        return False


def fill(client, queue):
    for sent in range(1000):
        if not sends(client, queue):
            return sent
    raise AssertionError("never refused")


def test_a_full_queue_is_over_limit_on_both_servers_until_messages_are_gone(pair, queue):
    here, there = (one.client() for one in pair)
    before = pair[0].metric("howdah_throttled_total", limit="stored-bytes-per-queue")
    assert fill(here, queue) == 10
    assert pair[0].metric("howdah_throttled_total", limit="stored-bytes-per-queue") == before + 1
    eventually(lambda: not sends(there, queue, 1), "the other server knows it")
    with fails("OverLimit", FULL):
        here.send_message(QueueUrl=queue, MessageBody="x")
    batch = here.send_message_batch(QueueUrl=queue, Entries=[{"Id": "a", "MessageBody": "x"}])
    assert batch["Failed"] == [{"Id": "a", "SenderFault": True, "Code": "OverLimit", "Message": FULL}]

    message = there.receive_message(QueueUrl=queue)["Messages"][0]
    there.delete_message(QueueUrl=queue, ReceiptHandle=message["ReceiptHandle"])
    eventually(lambda: sends(here, queue), "a delete made room")
    assert not sends(here, queue)
    there.purge_queue(QueueUrl=queue)
    eventually(lambda: sends(here, queue), "a purge made room")


def test_query_clients_are_told_in_their_protocol(pair, queue):
    fill(pair[0].client(), queue)
    answer = Wire(pair[0].port).query("SendMessage", {"QueueUrl": queue, "MessageBody": "x"})
    assert answer.status == 403
    assert f"<Type>Sender</Type><Code>OverLimit</Code><Message>{FULL}</Message>" in answer.text


def test_all_queues_together_have_a_limit_too(pair, queue):
    client = pair[1].client()
    others = [client.create_queue(QueueName=f"one-of-many-{n}")["QueueUrl"] for n in range(11)]
    stored = sum(fill(client, other) for other in others)
    assert 80 <= stored <= 102
    with fails("OverLimit", "All queues together store as many bytes as they may."):
        client.send_message(QueueUrl=queue, MessageBody="x" * 10 * KIB)
    assert pair[1].metric("howdah_throttled_total", limit="stored-bytes") > 0
    for other in others:
        client.delete_queue(QueueUrl=other)
    eventually(lambda: sends(client, queue), "the sweep freed what the deleted queues stored", 30)


def test_the_count_survives_a_kill(pair, queue):
    client = pair[0].client()
    fill(client, queue)
    pair[0].kill()
    pair[0].spawn().wait_ready()
    assert not sends(client, queue)
