"""Debian's AWS CLI, which speaks AWS Query: the main behaviours. Each call starts an interpreter, so there are few."""
import json
import subprocess

import pytest

from conftest import new_name
from digests import md5
from howdah import clean_environment

CLI = "/usr/bin/aws"  # another one on the path may be newer and speak AWS JSON


@pytest.fixture
def aws(url):
    environment = {**clean_environment(), "AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test",
                   "AWS_DEFAULT_REGION": "us-east-1", "AWS_PAGER": "",
                   "AWS_CONFIG_FILE": "/dev/null", "AWS_SHARED_CREDENTIALS_FILE": "/dev/null",
                   "AWS_EC2_METADATA_DISABLED": "true"}

    def run(action, *arguments, fails=None):
        done = subprocess.run([CLI, "--endpoint-url", url, "--output", "json", "--no-cli-pager", "sqs", action, *arguments],
                              capture_output=True, text=True, env=environment, timeout=60)
        if fails is not None:
            assert done.returncode == 254 and fails in done.stderr, done
            return None
        assert done.returncode == 0, done
        return json.loads(done.stdout) if done.stdout.strip() else {}

    return run


def test_the_cli_speaks_query(aws, server):
    before = server.metric("howdah_requests_total", protocol="query")
    aws("list-queues")
    assert server.metric("howdah_requests_total", protocol="query") == before + 1


def test_a_message_through_the_cli(aws, url):
    name = new_name("cli")
    queue = aws("create-queue", "--queue-name", name, "--attributes", '{"VisibilityTimeout":"60"}', "--tags", "team=a")
    assert queue == {"QueueUrl": f"{url}/000000000000/{name}"}
    at = ["--queue-url", queue["QueueUrl"]]
    shown = aws("get-queue-attributes", *at, "--attribute-names", "VisibilityTimeout", "QueueArn")["Attributes"]
    assert shown == {"VisibilityTimeout": "60", "QueueArn": f"arn:aws:sqs:us-east-1:000000000000:{name}"}
    assert aws("list-queue-tags", *at) == {"Tags": {"team": "a"}}

    body = "café 😀\r\n<&> \"quoted\"\rend"
    attributes = {"color": {"DataType": "String", "StringValue": "blue"},
                  "count": {"DataType": "Number", "StringValue": "3"},
                  "blob": {"DataType": "Binary", "BinaryValue": "AQID"}}
    sent = aws("send-message", *at, "--message-body", body, "--message-attributes", json.dumps(attributes))
    assert sent["MD5OfMessageBody"] == md5(body)
    assert sent["MD5OfMessageAttributes"] == "d838729972a4b70e2d2acd9d59ac847c"
    message, = aws("receive-message", *at, "--message-attribute-names", "All", "--attribute-names", "All",
                   "--wait-time-seconds", "2")["Messages"]
    assert message["Body"] == body
    assert message["MessageAttributes"] == attributes
    assert message["MD5OfMessageAttributes"] == sent["MD5OfMessageAttributes"]
    assert message["Attributes"]["ApproximateReceiveCount"] == "1"
    handle = ["--receipt-handle", message["ReceiptHandle"]]
    aws("change-message-visibility", *at, *handle, "--visibility-timeout", "0")
    aws("delete-message", *at, *handle)
    assert aws("receive-message", *at) == {}

    batch = aws("send-message-batch", *at, "--entries", json.dumps(
        [{"Id": "a", "MessageBody": "one"}, {"Id": "b", "MessageBody": "x", "DelaySeconds": 901}]))
    assert [entry["Id"] for entry in batch["Successful"]] == ["a"]
    assert [(entry["Id"], entry["Code"], entry["SenderFault"]) for entry in batch["Failed"]] == [
        ("b", "InvalidParameterValue", True)]
    aws("delete-message", *at, "--receipt-handle", "garbage",
        fails='(ReceiptHandleIsInvalid) when calling the DeleteMessage operation: The input receipt handle "garbage" is '
              "not a valid receipt handle.")
    aws("delete-queue", *at)
    aws("get-queue-url", "--queue-name", name,
        fails="(AWS.SimpleQueueService.NonExistentQueue) when calling the GetQueueUrl operation: The specified queue does "
              "not exist for this wsdl version.")


def test_dead_letters_and_permissions_through_the_cli(aws):
    """This version of the CLI is older than message move tasks."""
    dead, source = (aws("create-queue", "--queue-name", new_name("cli"))["QueueUrl"] for _ in range(2))
    arn = f"arn:aws:sqs:us-east-1:000000000000:{dead.rpartition('/')[2]}"
    policy = json.dumps({"RedrivePolicy": json.dumps({"maxReceiveCount": "1", "deadLetterTargetArn": arn})})
    aws("set-queue-attributes", "--queue-url", source, "--attributes", policy)
    assert aws("list-dead-letter-source-queues", "--queue-url", dead) == {"queueUrls": [source]}
    aws("send-message", "--queue-url", source, "--message-body", "x")
    for expected in (1, 0):
        received = aws("receive-message", "--queue-url", source, "--visibility-timeout", "0")
        assert len(received.get("Messages", [])) == expected
    message, = aws("receive-message", "--queue-url", dead, "--attribute-names", "All")["Messages"]
    assert message["Attributes"]["ApproximateReceiveCount"] == "2"
    assert message["Attributes"]["DeadLetterQueueSourceArn"].endswith(source.rpartition("/")[2])

    aws("add-permission", "--queue-url", dead, "--label", "label", "--aws-account-ids", "111111111111", "222222222222",
        "--actions", "SendMessage", "ReceiveMessage")
    shown = aws("get-queue-attributes", "--queue-url", dead, "--attribute-names", "Policy")["Attributes"]["Policy"]
    assert json.loads(shown)["Statement"][0]["Action"] == ["SQS:SendMessage", "SQS:ReceiveMessage"]
    aws("remove-permission", "--queue-url", dead, "--label", "label")
    assert aws("get-queue-attributes", "--queue-url", dead, "--attribute-names", "Policy") == {}
    for queue in (dead, source):
        aws("delete-queue", "--queue-url", queue)
