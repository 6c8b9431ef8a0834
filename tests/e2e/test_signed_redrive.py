"""--auth=sigv4: who may redrive messages and change permissions, in the account itself and in another."""
import json

import pytest
from conftest import new_name
from howdah import Howdah, eventually, new_directory
from signing import (ACCOUNT, CREDENTIALS, OTHER_ACCOUNT, SECRET, STRANGER, allow, client, credentials_file, failure,
                     policy)
from test_permissions import policy_of
from test_redrive import arn_of, redrive

# What a key needs to move dead letters back, and of which queue.
MOVING = {"StartMessageMoveTask": "dead", "ReceiveMessage": "dead", "DeleteMessage": "dead", "GetQueueAttributes": "dead",
          "SendMessage": "back"}
# Every action of dead-letter queues and permissions: a key that may do this one alone, and one that may do all but this.
ACTIONS = ["ListDeadLetterSourceQueues", "StartMessageMoveTask", "ListMessageMoveTasks", "CancelMessageMoveTask", "AddPermission",
           "RemovePermission"]


def key(name, *statements):
    return (f'\n- {{access-key-id: {name}, secret-access-key: "{SECRET}", account: "{ACCOUNT}", user: {name}, '
            f'policy: {{Statement: {json.dumps(statements)}}}}}')


def statement(action, queue="", effect="Allow"):
    return {"Effect": effect, "Action": f"sqs:{action}", "Resource": f"arn:aws:sqs:*:{ACCOUNT}:{queue}*"}


def without(action):
    return "HDNO" + action.upper()


def only(action):
    return "HDONLY" + action.upper()


@pytest.fixture(scope="module")
def secured():
    text = CREDENTIALS + key("HDMOVER", *(statement(action, queue) for action, queue in MOVING.items()))
    for missing in MOVING:
        text += key(without(missing) + "MOVER", *(statement(*one) for one in MOVING.items() if one[0] != missing))
    for action in ACTIONS:
        text += key(only(action), statement(action))
        text += key(without(action), statement("*"), statement(action, effect="Deny"))
    directory = new_directory()
    server = Howdah(directory, "--data-dir", directory / "data", "--auth", "sigv4",
                    "--credentials", credentials_file(directory, text)).start()
    yield server
    assert server.stop() == 0, server.log()[-4000:]


@pytest.fixture
def queues(secured):
    """A source, its dead-letter queue with a message in it, and a queue to move messages to."""
    owner = client(secured)
    source, dead, back = (owner.create_queue(QueueName=new_name(prefix))["QueueUrl"] for prefix in ("source", "dead", "back"))
    redrive(owner, source, dead)
    owner.send_message(QueueUrl=source, MessageBody="x")
    for _ in range(2):
        owner.receive_message(QueueUrl=source, VisibilityTimeout=0)
    return source, dead, back


def start(sqs, dead, back=None):
    return dict(call=sqs.start_message_move_task, SourceArn=arn_of(dead), **({"DestinationArn": arn_of(back)} if back else {}))


def done(call, **arguments):
    return call(**arguments)


def ended(sqs, dead):
    return eventually(lambda: sqs.list_message_move_tasks(SourceArn=arn_of(dead))["Results"][0]["Status"] == "COMPLETED",
                      "the task has ended")


def denied(user, action, queue, why="because no identity-based policy allows the sqs:{} action"):
    return (403, f"User: arn:aws:iam::{ACCOUNT}:user/{user} is not authorized to perform: sqs:{action.lower()} on resource: "
                 f"{arn_of(queue)} " + why.format(action.lower()))


def refusal(call, **arguments):
    status, code, text = failure(call, **arguments)
    assert code in ("AccessDenied", "AccessDeniedException")
    return status, text


# --- the account itself

def test_moving_messages_needs_what_moving_them_by_hand_would(secured, queues):
    source, dead, back = queues
    for missing, queue in MOVING.items():
        user = without(missing) + "MOVER"
        assert refusal(**start(client(secured, user), dead, back)) == denied(
            user, missing, dead if queue == "dead" else back)
    assert "Results" not in client(secured).list_message_move_tasks(SourceArn=arn_of(dead))
    done(**start(client(secured, "HDMOVER"), dead, back))
    ended(client(secured), dead)
    assert client(secured).receive_message(QueueUrl=back)["Messages"][0]["Body"] == "x"


def test_without_a_destination_every_source_must_take_messages(secured, queues):
    source, dead, _ = queues
    assert refusal(**start(client(secured, "HDMOVER"), dead)) == denied("HDMOVER", "SendMessage", source)
    done(**start(client(secured), dead))
    ended(client(secured), dead)


def test_what_a_queue_denies_its_owner_is_not_moved_by_a_task(secured, queues):
    source, dead, back = queues
    owner = client(secured)
    deny = {"Effect": "Deny", "Principal": "*", "Resource": "*"}
    for queue, action in ((dead, "ReceiveMessage"), (back, "SendMessage")):
        owner.set_queue_attributes(QueueUrl=queue, Attributes={"Policy": policy(deny | {"Action": f"sqs:{action}"})})
        status, text = refusal(**start(owner, dead, back))
        assert status == 403 and text.endswith(f"sqs:{action.lower()} on resource: {arn_of(queue)} "
                                               "with an explicit deny in a resource-based policy")
        owner.set_queue_attributes(QueueUrl=queue, Attributes={"Policy": ""})
    owner.set_queue_attributes(QueueUrl=source, Attributes={"Policy": policy(deny | {"Action": "sqs:SendMessage"})})
    assert refusal(**start(owner, dead))[0] == 403
    done(**start(owner, dead, back))


def call_of(sqs, action, dead, handle):
    """One of ACTIONS on `dead`, as a call and its arguments."""
    return {
        "ListDeadLetterSourceQueues": dict(call=sqs.list_dead_letter_source_queues, QueueUrl=dead),
        "StartMessageMoveTask": start(sqs, dead),
        "ListMessageMoveTasks": dict(call=sqs.list_message_move_tasks, SourceArn=arn_of(dead)),
        "CancelMessageMoveTask": dict(call=sqs.cancel_message_move_task, TaskHandle=handle),
        "AddPermission": dict(call=sqs.add_permission, QueueUrl=dead, Label="label", AWSAccountIds=[OTHER_ACCOUNT],
                              Actions=["SendMessage"]),
        "RemovePermission": dict(call=sqs.remove_permission, QueueUrl=dead, Label="label"),
    }[action]


@pytest.fixture
def slow_task(secured, queues):
    """(dead-letter queue, handle) of a task that will not end by itself."""
    source, dead, _ = queues
    owner = client(secured)
    for start_at in range(0, 40, 10):
        owner.send_message_batch(QueueUrl=source, Entries=[{"Id": str(n), "MessageBody": "y"} for n in range(10)])
    while owner.receive_message(QueueUrl=source, MaxNumberOfMessages=10, VisibilityTimeout=0).get("Messages"):
        pass
    return dead, owner.start_message_move_task(SourceArn=arn_of(dead), MaxNumberOfMessagesPerSecond=1)["TaskHandle"]


def test_each_action_is_allowed_and_denied_by_a_keys_policy(secured, slow_task):
    dead, handle = slow_task
    for action in ACTIONS:
        user = without(action)
        refused = refusal(**call_of(client(secured, user), action, dead, handle))
        assert refused == denied(user, action, dead, "with an explicit deny in an identity-based policy"), action
        other = only(ACTIONS[ACTIONS.index(action) - 1])
        assert refusal(**call_of(client(secured, other), action, dead, handle)) == denied(other, action, dead), action
    for action in ACTIONS:
        if action == "StartMessageMoveTask":  # which asks for more than itself, and a task is running
            status, code, _ = failure(**call_of(client(secured), action, dead, handle))
            assert (status, code) in ((400, "InvalidParameterValue"), (400, "InvalidParameterValueException"))
        else:
            done(**call_of(client(secured, only(action)), action, dead, handle))
    assert policy_of(client(secured), dead) is None


# --- another account

def test_another_account_is_given_one_of_these_actions_at_most(secured, slow_task):
    dead, handle = slow_task
    owner, stranger = client(secured), client(secured, STRANGER)
    everything = policy(allow({"AWS": OTHER_ACCOUNT}, "sqs:*"))
    for given in ("", everything):
        owner.set_queue_attributes(QueueUrl=dead, Attributes={"Policy": given})
        for action in ACTIONS:
            if given and action == "ListDeadLetterSourceQueues":
                assert len(done(**call_of(stranger, action, dead, handle))["queueUrls"]) == 1
                continue
            status, text = refusal(**call_of(stranger, action, dead, handle))
            assert (status, text) == (403, (
                f"User: arn:aws:iam::{OTHER_ACCOUNT}:root is not authorized to perform: sqs:{action.lower()} on resource: "
                f"{arn_of(dead)} because no resource-based policy allows the sqs:{action.lower()} action")), action
    assert policy_of(owner, dead) == everything


def test_whether_there_is_such_a_queue_is_not_for_another_account_to_know(secured, queues):
    stranger = client(secured, STRANGER)
    there, nowhere = (refusal(stranger.list_message_move_tasks, SourceArn=f"arn:aws:sqs:us-east-1:{ACCOUNT}:{name}")
                      for name in (queues[1].rpartition("/")[2], "nowhere"))
    assert there[0] == nowhere[0] == 403
    assert there[1].replace(queues[1].rpartition("/")[2], "nowhere") == nowhere[1]


def test_a_permission_added_is_enforced_until_it_is_removed(secured, queues):
    owner, stranger = client(secured), client(secured, STRANGER)
    queue = queues[2]
    assert refusal(stranger.send_message, QueueUrl=queue, MessageBody="x")[0] == 403
    owner.add_permission(QueueUrl=queue, Label="one", AWSAccountIds=[OTHER_ACCOUNT], Actions=["SendMessage"])
    stranger.send_message(QueueUrl=queue, MessageBody="x")
    assert refusal(stranger.receive_message, QueueUrl=queue)[0] == 403
    owner.add_permission(QueueUrl=queue, Label="two", AWSAccountIds=[OTHER_ACCOUNT], Actions=["*"])
    stranger.receive_message(QueueUrl=queue)
    assert refusal(stranger.delete_queue, QueueUrl=queue)[0] == 403
    for label in ("one", "two"):
        owner.remove_permission(QueueUrl=queue, Label=label)
    assert refusal(stranger.send_message, QueueUrl=queue, MessageBody="x")[0] == 403


def test_dead_letters_stay_in_their_account_whatever_is_allowed(secured, queues):
    owner, stranger = client(secured), client(secured, STRANGER)
    dead = queues[1]
    theirs = stranger.create_queue(QueueName=new_name())["QueueUrl"]
    theirs_arn = f"arn:aws:sqs:us-east-1:{OTHER_ACCOUNT}:{theirs.rpartition('/')[2]}"
    wish = json.dumps({"deadLetterTargetArn": arn_of(dead), "maxReceiveCount": 1})
    owner.set_queue_attributes(QueueUrl=dead, Attributes={"Policy": policy(allow("*", "sqs:*"))})
    for permission in ({"redrivePermission": "allowAll"}, {"redrivePermission": "byQueue", "sourceQueueArns": [theirs_arn]}):
        owner.set_queue_attributes(QueueUrl=dead, Attributes={"RedriveAllowPolicy": json.dumps(permission)})
        for call, arguments in ((stranger.set_queue_attributes, {"QueueUrl": theirs, "Attributes": {"RedrivePolicy": wish}}),
                                (stranger.create_queue, {"QueueName": new_name(), "Attributes": {"RedrivePolicy": wish}})):
            status, _, text = failure(call, **arguments)
            assert (status, text) == (400, f"Value {wish} for parameter RedrivePolicy is invalid. Reason: Dead letter target "
                                           "owner should be same as the source.")
    own = client(secured).create_queue(QueueName=new_name())["QueueUrl"]
    status, _, text = failure(owner.set_queue_attributes, QueueUrl=own, Attributes={"RedrivePolicy": wish})
    assert status == 400 and text.endswith("does not permit this source queue.")  # only theirs is named
