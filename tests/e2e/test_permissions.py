"""AddPermission and RemovePermission, which write the Policy attribute, and what a policy may be. A number in a test's name
is that of a mistake emulators make."""
import json

import pytest

from test_queues import attributes_of
from test_redrive import arn_of
from wire import fails

ONE, TWO = "111111111111", "222222222222"


def policy_of(sqs, queue):
    """The text of the policy, or None."""
    return attributes_of(sqs, queue, "Policy").get("Policy")


def add(sqs, queue, label, accounts=(ONE,), actions=("SendMessage",)):
    sqs.add_permission(QueueUrl=queue, Label=label, AWSAccountIds=list(accounts), Actions=list(actions))


def statement(queue, label, principal, action):
    return {"Sid": label, "Effect": "Allow", "Principal": {"AWS": principal}, "Action": action, "Resource": arn_of(queue)}


def test_11_37_the_first_permission_makes_the_policy_to_the_letter(sqs, queue):
    add(sqs, queue, "label_1-a", actions=["ReceiveMessage"])
    arn = arn_of(queue)
    assert policy_of(sqs, queue) == (
        f'{{"Version":"2008-10-17","Id":"{arn}/SQSDefaultPolicy","Statement":[{{"Sid":"label_1-a","Effect":"Allow",'
        f'"Principal":{{"AWS":"arn:aws:iam::{ONE}:root"}},"Action":"SQS:ReceiveMessage","Resource":"{arn}"}}]}}')
    assert attributes_of(sqs, queue)["Policy"] == policy_of(sqs, queue)


def test_11_37_several_accounts_or_actions_are_arrays_and_one_is_a_string(sqs, queue):
    add(sqs, queue, "a", accounts=[ONE, TWO], actions=["SendMessage", "DeleteMessage"])
    add(sqs, queue, "b", actions=["*"])
    statements = json.loads(policy_of(sqs, queue))["Statement"]
    statements[0]["Principal"]["AWS"].sort()  # their order is not kept
    assert statements == [
        statement(queue, "a", [f"arn:aws:iam::{ONE}:root", f"arn:aws:iam::{TWO}:root"], ["SQS:SendMessage", "SQS:DeleteMessage"]),
        statement(queue, "b", f"arn:aws:iam::{ONE}:root", "SQS:*")]


@pytest.mark.parametrize("statements", [
    pytest.param({"Sid": "mine", "Effect": "Deny", "Principal": "*", "Action": "sqs:PurgeQueue", "Resource": "*"},
                 id="not in an array"),
    pytest.param([], id="none", marks=pytest.mark.any_account)])  # a policy without statements cannot be enforced
def test_a_permission_is_added_to_a_policy_that_was_set(sqs, queue, statements):
    policy = {"Version": "2012-10-17", "Id": "my own", "Statement": statements}
    sqs.set_queue_attributes(QueueUrl=queue, Attributes={"Policy": json.dumps(policy)})
    add(sqs, queue, "added")
    before = statements if isinstance(statements, list) else [statements]
    assert json.loads(policy_of(sqs, queue)) == policy | {
        "Statement": [*before, statement(queue, "added", f"arn:aws:iam::{ONE}:root", "SQS:SendMessage")]}


def test_a_policy_that_was_set_is_returned_as_it_was_written(sqs, queue):
    written = '{ "Version":"2012-10-17",\n "Statement": [ {"Effect":"Allow","Principal":{"AWS":"*"},"Action":["sqs:SendMessage"],' \
              '"Resource":"*","Condition":{"StringLike":{"aws:PrincipalArn":"é/*"}}} ] }'
    sqs.set_queue_attributes(QueueUrl=queue, Attributes={"Policy": written})
    assert policy_of(sqs, queue) == written
    sqs.set_queue_attributes(QueueUrl=queue, Attributes={"Policy": ""})
    assert policy_of(sqs, queue) is None


@pytest.mark.parametrize("action", ["*", "ChangeMessageVisibility", "DeleteMessage", "GetQueueAttributes", "GetQueueUrl",
                                    "ListDeadLetterSourceQueues", "PurgeQueue", "ReceiveMessage", "SendMessage"])
def test_these_actions_can_be_given_away(sqs, queue, action):
    add(sqs, queue, "label", actions=[action])
    assert json.loads(policy_of(sqs, queue))["Statement"][0]["Action"] == f"SQS:{action}"


WSDL = "Please refer to the appropriate WSDL for a list of valid actions. "
OWNER = "Only the queue owner is allowed to invoke this action."


@pytest.mark.parametrize("action,reason", [
    ("Nonsense", WSDL), ("sendmessage", WSDL), ("SQS:SendMessage", WSDL), ("SendMessageBatch", WSDL),
    *((action, OWNER) for action in ("AddPermission", "CreateQueue", "DeleteQueue", "ListQueues", "SetQueueAttributes",
                                     "TagQueue", "StartMessageMoveTask", "ListMessageMoveTasks", "CancelMessageMoveTask"))])
def test_other_actions_cannot(sqs, queue, action, reason):
    with fails("InvalidParameterValue", f"Value SQS:{action} for parameter ActionName is invalid. Reason: {reason}"):
        add(sqs, queue, "label", actions=["SendMessage", action])
    assert policy_of(sqs, queue) is None


def test_a_label_can_be_used_once(sqs, queue):
    add(sqs, queue, "label")
    before = policy_of(sqs, queue)
    with fails("InvalidParameterValue", "Value label for parameter Label is invalid. Reason: Already exists."):
        add(sqs, queue, "label", accounts=[TWO])
    assert policy_of(sqs, queue) == before
    add(sqs, queue, "Label")  # case counts


@pytest.mark.parametrize("label", ["with space", "dot.ted", "a" * 81, "é"])
def test_bad_labels_are_refused(sqs, queue, label):
    with fails("InvalidParameterValue"):
        add(sqs, queue, label)


@pytest.mark.parametrize("change,code,text", [
    ({"Label": ""}, "MissingParameter", "The request must contain the parameter Label."),
    ({"Label": None}, "MissingParameter", "The request must contain the parameter Label."),
    ({"Actions": []}, "MissingParameter", "The request must contain the parameter ActionName."),
    ({"Actions": None}, "MissingParameter", "The request must contain the parameter ActionName."),
    ({"AWSAccountIds": []}, "InvalidParameterValue", "Value [] for parameter PrincipalId is invalid. Reason: Unable to verify."),
    ({"AWSAccountIds": ["nonsense"]}, "InvalidParameterValue",
     "Value [nonsense] for parameter PrincipalId is invalid. Reason: Unable to verify."),
    ({"Actions": ["SendMessage"] * 8}, "OverLimit", "8 Actions were found, maximum allowed is 7.")])
def test_what_is_missing_or_too_much_is_told(lax_sqs, queue, change, code, text):
    request = {"Label": "label", "AWSAccountIds": [ONE], "Actions": ["SendMessage"], **change}
    with fails(code, text):
        lax_sqs.add_permission(QueueUrl=queue, **{name: value for name, value in request.items() if value is not None})


def test_twenty_statements_are_the_limit(sqs, queue):
    for n in range(20):
        add(sqs, queue, f"label{n}")
    with fails("OverLimit", "21 Statements were found, maximum allowed is 20."):
        add(sqs, queue, "label20")
    assert len(json.loads(policy_of(sqs, queue))["Statement"]) == 20


def test_removing_permissions_ends_with_no_policy(sqs, queue):
    for label in ("a", "b"):
        add(sqs, queue, label)
    sqs.remove_permission(QueueUrl=queue, Label="a")
    assert [one["Sid"] for one in json.loads(policy_of(sqs, queue))["Statement"]] == ["b"]
    with fails("InvalidParameterValue", "Value a for parameter Label is invalid. Reason: can't find label."):
        sqs.remove_permission(QueueUrl=queue, Label="a")
    sqs.remove_permission(QueueUrl=queue, Label="b")
    assert policy_of(sqs, queue) is None
    with fails("InvalidParameterValue", "Value b for parameter Label is invalid. Reason: can't find label."):
        sqs.remove_permission(QueueUrl=queue, Label="b")


def test_removing_needs_a_label(lax_sqs, queue):
    with fails("MissingParameter", "The request must contain the parameter Label."):
        lax_sqs.remove_permission(QueueUrl=queue)


def test_a_missing_queue_wins(lax_sqs, queue_name):
    for action in (lax_sqs.add_permission, lax_sqs.remove_permission):
        with fails("AWS.SimpleQueueService.NonExistentQueue", "The specified queue does not exist."):
            action(QueueUrl=queue_name)


def test_permissions_added_at_once_by_two_servers_are_all_there(two_servers):
    here, there = [one.client() for one in two_servers]
    queue = here.create_queue(QueueName="permissions-of-both")["QueueUrl"]
    for n in range(6):
        add((here, there)[n % 2], queue, f"label{n}")
    assert [one["Sid"] for one in json.loads(policy_of(there, queue))["Statement"]] == [f"label{n}" for n in range(6)]


@pytest.mark.parametrize("text", [
    "x", "[]", '"x"', "{", '{"Version":"2012-10-17"}', '{"Version":"2000-01-01","Statement":[]}',
    '{"Statement":[{"Effect":"Maybe","Principal":"*","Action":"sqs:*","Resource":"*"}]}',
    '{"Statement":[{"Effect":"Allow","Action":"sqs:*","Resource":"*"}]}',
    '{"Statement":[{"Effect":"Allow","Principal":{"AWS":"somebody"},"Action":"sqs:*","Resource":"*"}]}',
    '{"Statement":[{"Effect":"Allow","Principal":"*","Resource":"*"}]}',
    json.dumps({"Statement": [{"Effect": "Allow", "Principal": "*", "Action": "sqs:*", "Resource": "a" * 8192}]})])
def test_what_is_no_policy_is_refused(sqs, queue, text):
    with fails("InvalidAttributeValue", "Invalid value for the parameter Policy."):
        sqs.set_queue_attributes(QueueUrl=queue, Attributes={"Policy": text})
    assert policy_of(sqs, queue) is None
