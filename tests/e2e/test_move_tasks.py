"""StartMessageMoveTask, ListMessageMoveTasks and CancelMessageMoveTask: back from a dead-letter queue. A number in a test's
name is that of a mistake emulators make."""
import base64
import json
import time
import uuid

import pytest

from conftest import new_name
from digests import attributes_md5
from howdah import eventually
from test_fifo import received, send
from test_messages import ALL_TYPES, counts
from test_redrive import arn_of, receive, redrive, send_many
from wire import fails

BAD_ARN = "You must use this format to specify the {}: arn:<partition>:<service>:<region>:<account-id>:<resource-id>"
NO_QUEUE = "The resource that you specified for the {} parameter doesn't exist."
RUNNING = ("There is already a task running. Only one active task is allowed for a source queue arn at a given time.")


@pytest.fixture
def pair(sqs, make_queue):
    source, dead = make_queue(), make_queue()
    redrive(sqs, source, dead)
    return source, dead


def bury(sqs, source, *bodies, **request):
    """Sends messages that are moved to the dead-letter queue of `source` at once; what each send answered."""
    sent = [sqs.send_message(QueueUrl=source, MessageBody=body, **request) for body in bodies]
    while sum(counts(sqs, source)):
        receive(sqs, source)
    return sent


def start(sqs, dead, destination=None, **request):
    if destination is not None:
        request["DestinationArn"] = arn_of(destination)
    return sqs.start_message_move_task(SourceArn=arn_of(dead), **request)["TaskHandle"]


def tasks(sqs, dead, **request):
    return sqs.list_message_move_tasks(SourceArn=arn_of(dead), **request).get("Results", [])


def ended(sqs, dead):
    """The newest task, once it has ended."""
    return eventually(lambda: next((task for task in tasks(sqs, dead) if task["Status"] not in ("RUNNING", "CANCELLING")), None),
                      "the task has ended")


# ---- What moves, and how it looks then

def test_messages_go_back_each_to_its_own_source(sqs, make_queue):
    dead, *sources = (make_queue() for _ in range(3))
    for n, source in enumerate(sources):
        redrive(sqs, source, dead)
        bury(sqs, source, f"of {n}", f"also of {n}")
    assert counts(sqs, dead) == (4, 0, 0)
    start(sqs, dead)
    assert ended(sqs, dead)["Status"] == "COMPLETED"
    for n, source in enumerate(sources):
        assert sorted(message["Body"] for message in receive(sqs, source)) == [f"also of {n}", f"of {n}"]
    assert counts(sqs, dead) == (0, 0, 0)


def test_messages_go_to_a_destination_whatever_their_source(sqs, pair, make_queue):
    source, dead = pair
    destination = make_queue()
    bury(sqs, source, "moved")
    sqs.send_message(QueueUrl=dead, MessageBody="sent straight")
    start(sqs, dead, destination)
    task = ended(sqs, dead)
    assert (task["Status"], task["DestinationArn"], task["ApproximateNumberOfMessagesMoved"]) == (
        "COMPLETED", arn_of(destination), 2)
    assert sorted(message["Body"] for message in receive(sqs, destination)) == ["moved", "sent straight"]
    assert counts(sqs, dead) == counts(sqs, source) == (0, 0, 0)


def test_11_28_what_is_moved_back_is_a_fresh_message(sqs, clock, pair):
    source, dead = pair
    sent, = bury(sqs, source, "café", MessageAttributes=ALL_TYPES, MessageGroupId="tenant")
    buried, = receive(sqs, dead)
    clock.advance(5)
    start(sqs, dead)
    ended(sqs, dead)
    message, = receive(sqs, source)
    assert message["MessageId"] != sent["MessageId"]
    assert (message["Body"], message["MessageAttributes"]) == ("café", ALL_TYPES)
    assert message["MD5OfMessageAttributes"] == attributes_md5(ALL_TYPES)
    shown = message["Attributes"]
    assert shown["ApproximateReceiveCount"] == "1"  # or the first receive would send it back
    assert shown["MessageGroupId"] == "tenant"
    assert int(shown["SentTimestamp"]) - int(buried["Attributes"]["SentTimestamp"]) >= 5000
    assert "DeadLetterQueueSourceArn" not in shown
    assert receive(sqs, source) == []
    assert counts(sqs, dead) == (1, 0, 0)


def test_the_retention_of_what_is_moved_back_begins_anew(sqs, clock, make_queue):
    source, dead = make_queue(MessageRetentionPeriod=600), make_queue()
    redrive(sqs, source, dead)
    bury(sqs, source, "x")
    clock.advance(3600)
    start(sqs, dead)
    ended(sqs, dead)
    assert counts(sqs, source) == (1, 0, 0)


def test_a_message_in_flight_stays(sqs, pair):
    source, dead = pair
    bury(sqs, source, "first", "second")
    held, = receive(sqs, dead, MaxNumberOfMessages=1, VisibilityTimeout=600)
    start(sqs, dead)
    eventually(lambda: counts(sqs, source)[0] == 1, "the visible one is back")
    assert counts(sqs, dead) == (0, 1, 0)
    sqs.delete_message(QueueUrl=dead, ReceiptHandle=held["ReceiptHandle"])
    assert counts(sqs, dead) == (0, 0, 0)
    assert ended(sqs, dead)["Status"] == "COMPLETED"


def test_fifo_messages_go_back_in_their_order_with_their_groups(sqs, make_fifo):
    source, dead = make_fifo(), make_fifo()
    redrive(sqs, source, dead)
    send(sqs, source, "g-1 g-2 h-1 g-3")
    while sum(counts(sqs, source)):
        receive(sqs, source)
    start(sqs, dead)
    assert ended(sqs, dead)["ApproximateNumberOfMessagesMoved"] == 4
    assert received(sqs, source, VisibilityTimeout=0) == "g-1 g-2 g-3 h-1"


def test_an_arrival_wakes_a_poll(sqs, server, poll, pair):
    source, dead = pair
    bury(sqs, source, "x")
    waiting = poll(QueueUrl=source)
    server.wait_parked(1)
    start(sqs, dead)
    assert [message["Body"] for message in waiting.messages()] == ["x"]


# ---- What is told of a task

def test_a_task_that_ended_is_told_with_all_that_applies(sqs, clock, pair):
    source, dead = pair
    bury(sqs, source, "a", "b", "c")
    assert tasks(sqs, dead) == []
    before = clock.now() * 1000
    start(sqs, dead)
    task = ended(sqs, dead)
    assert abs(task.pop("StartedTimestamp") - before) < 10_000
    assert task == {"Status": "COMPLETED", "SourceArn": arn_of(dead), "ApproximateNumberOfMessagesMoved": 3,
                    "ApproximateNumberOfMessagesToMove": 3}


def test_an_empty_queue_is_moved_at_once(sqs, pair):
    start(sqs, pair[1])
    assert ended(sqs, pair[1])["ApproximateNumberOfMessagesMoved"] == 0


def test_the_newest_come_first_and_alone_if_nobody_says_how_many(sqs, clock, pair):
    _, dead = pair
    started = []
    for _ in range(3):
        clock.advance(1)
        start(sqs, dead)
        started.insert(0, ended(sqs, dead)["StartedTimestamp"])
    assert len(set(started)) == 3
    assert [task["StartedTimestamp"] for task in tasks(sqs, dead)] == started[:1]
    assert [task["StartedTimestamp"] for task in tasks(sqs, dead, MaxResults=10)] == started
    assert len(tasks(sqs, dead, MaxResults=2)) == 2


def test_a_running_task_has_its_handle_its_rate_and_is_alone_until_it_is_cancelled(sqs, pair):
    source, dead = pair
    bury(sqs, source, *map(str, range(30)))
    handle = start(sqs, dead, MaxNumberOfMessagesPerSecond=1)
    said = json.loads(base64.b64decode(handle))
    assert set(said) == {"taskId", "sourceArn"} and said["sourceArn"] == arn_of(dead)
    assert str(uuid.UUID(said["taskId"])) == said["taskId"]
    task, = tasks(sqs, dead)
    assert (task["Status"], task["TaskHandle"], task["MaxNumberOfMessagesPerSecond"]) == ("RUNNING", handle, 1)
    assert task["ApproximateNumberOfMessagesToMove"] == 30
    assert "FailureReason" not in task and "DestinationArn" not in task
    with fails("InvalidParameterValue", RUNNING):
        start(sqs, dead)
    eventually(lambda: counts(sqs, source)[0] >= 1, "the first is back")
    cancelled = sqs.cancel_message_move_task(TaskHandle=handle)["ApproximateNumberOfMessagesMoved"]
    task = ended(sqs, dead)
    assert task["Status"] == "CANCELLED" and "TaskHandle" not in task
    assert 1 <= cancelled <= task["ApproximateNumberOfMessagesMoved"] < 30
    back, left = counts(sqs, source)[0], counts(sqs, dead)[0]
    assert (back, back + left) == (task["ApproximateNumberOfMessagesMoved"], 30)  # what has moved stays
    with fails("InvalidParameterValue", "Only active tasks can be cancelled."):
        sqs.cancel_message_move_task(TaskHandle=handle)
    start(sqs, dead)
    assert ended(sqs, dead)["ApproximateNumberOfMessagesMoved"] == left


def test_a_task_keeps_to_its_rate(sqs, pair):
    source, dead = pair
    bury(sqs, source, *map(str, range(40)))
    began = time.monotonic()
    start(sqs, dead, MaxNumberOfMessagesPerSecond=20)
    assert ended(sqs, dead)["ApproximateNumberOfMessagesMoved"] == 40
    assert 0.9 < time.monotonic() - began < 10


def test_a_message_of_no_known_source_fails_the_task(sqs, pair):
    _, dead = pair
    sqs.send_message(QueueUrl=dead, MessageBody="sent straight")
    start(sqs, dead)
    task = ended(sqs, dead)
    assert (task["Status"], task["FailureReason"]) == ("FAILED", "CouldNotDetermineMessageSource")
    assert counts(sqs, dead) == (1, 0, 0)


def test_a_destination_that_goes_fails_the_task(sqs, pair, make_queue):
    source, dead = pair
    destination = make_queue()
    bury(sqs, source, *map(str, range(30)))
    start(sqs, dead, destination, MaxNumberOfMessagesPerSecond=5)
    sqs.delete_queue(QueueUrl=destination)
    task = ended(sqs, dead)
    assert (task["Status"], task["FailureReason"]) == ("FAILED", "AWS.SimpleQueueService.NonExistentQueue")
    assert counts(sqs, dead)[0] >= 15


def test_a_task_goes_on_after_a_restart(new_server, postgres):
    server = new_server("--database-url", postgres.database()).start()
    sqs = server.client()
    source, dead = (sqs.create_queue(QueueName=name)["QueueUrl"] for name in ("source", "dead"))
    redrive(sqs, source, dead)
    bury(sqs, source, *map(str, range(20)))
    handle = start(sqs, dead, MaxNumberOfMessagesPerSecond=10)
    server.kill()
    server.start()
    if tasks(sqs, dead)[0]["Status"] == "RUNNING":
        assert tasks(sqs, dead)[0]["TaskHandle"] == handle
    task = ended(sqs, dead)
    assert (task["Status"], task["ApproximateNumberOfMessagesMoved"]) == ("COMPLETED", 20)
    assert counts(sqs, source) == (20, 0, 0)


def test_a_task_started_on_one_server_is_told_and_cancelled_on_the_other(two_servers):
    here, there = [one.client() for one in two_servers]
    source, dead = (here.create_queue(QueueName=new_name())["QueueUrl"] for _ in range(2))
    redrive(here, source, dead)
    send_many(here, source, 30)
    while sum(counts(here, source)):
        receive(here, source)
    handle = start(here, dead, MaxNumberOfMessagesPerSecond=1)
    assert tasks(there, dead)[0]["TaskHandle"] == handle
    there.cancel_message_move_task(TaskHandle=handle)
    assert ended(here, dead)["Status"] == "CANCELLED"


# ---- What is refused

def test_a_task_needs_a_source(lax_sqs):
    for action in (lax_sqs.start_message_move_task, lax_sqs.list_message_move_tasks):
        for request in ({}, {"SourceArn": ""}):
            with fails("MissingParameter", "The request must contain the parameter SourceArn."):
                action(**request)


@pytest.mark.parametrize("arn", ["nonsense", "arn:aws:sqs:us-east-1", "http://localhost/000000000000/q"])
def test_an_arn_must_be_one(sqs, pair, arn):
    for action in (sqs.start_message_move_task, sqs.list_message_move_tasks):
        with fails("InvalidParameterValue", BAD_ARN.format("SourceArn")):
            action(SourceArn=arn)
    with fails("InvalidParameterValue", BAD_ARN.format("DestinationArn")):
        sqs.start_message_move_task(SourceArn=arn_of(pair[1]), DestinationArn=arn)


def test_queues_of_an_arn_must_be_there(sqs, pair, queue_name):
    for action in (sqs.start_message_move_task, sqs.list_message_move_tasks):
        with fails("ResourceNotFoundException", NO_QUEUE.format("SourceArn")):
            action(SourceArn=arn_of(queue_name))
    with fails("ResourceNotFoundException", NO_QUEUE.format("DestinationArn")):
        start(sqs, pair[1], queue_name)


def test_a_source_must_be_a_dead_letter_queue(sqs, queue):
    with fails("InvalidParameterValue", "Source queue must be configured as a Dead Letter Queue."):
        start(sqs, queue)


def test_source_and_destination_must_fit(sqs, pair, make_fifo):
    with fails("InvalidParameterValue", "Source queue arn and destination queue arn cannot be the same."):
        start(sqs, pair[1], pair[1])
    with fails("InvalidParameterValue", "The source queue and destination queue must be of the same queue type."):
        start(sqs, pair[1], make_fifo())


@pytest.mark.parametrize("rate", [0, -1, 501])
def test_a_rate_out_of_range_is_refused(sqs, pair, rate):
    with fails("InvalidParameterValue", "Value for parameter MaxNumberOfMessagesPerSecond is invalid. Reason: You must enter a "
                                        "number that's between 1 and 500."):
        start(sqs, pair[1], MaxNumberOfMessagesPerSecond=rate)


@pytest.mark.parametrize("count", [0, 11])
def test_a_number_of_results_out_of_range_is_refused(sqs, pair, count):
    with fails("InvalidParameterValue", "Value for parameter MaxResults is invalid. Reason: You must enter a number that's "
                                        "between 1 and 10."):
        tasks(sqs, pair[1], MaxResults=count)


def handle_of(queue, task_id="00000000-0000-4000-8000-000000000000"):
    return base64.b64encode(json.dumps({"taskId": task_id, "sourceArn": arn_of(queue)}, separators=(",", ":")).encode()).decode()


@pytest.mark.parametrize("handle", ["x", "e30=", "nonsense!", base64.b64encode(b'{"taskId":"x","sourceArn":"y"}').decode()])
def test_what_is_no_handle_cancels_nothing(sqs, handle):
    with fails("InvalidParameterValue", "Value for parameter TaskHandle is invalid."):
        sqs.cancel_message_move_task(TaskHandle=handle)


def test_a_handle_must_lead_to_a_task(lax_sqs, pair, queue_name):
    with fails("ResourceNotFoundException", NO_QUEUE.format("SourceArn")):
        lax_sqs.cancel_message_move_task(TaskHandle=handle_of(queue_name))
    with fails("ResourceNotFoundException", "Task does not exist."):
        lax_sqs.cancel_message_move_task(TaskHandle=handle_of(pair[1]))
    with fails("MissingParameter", "The request must contain the parameter TaskHandle."):
        lax_sqs.cancel_message_move_task()
