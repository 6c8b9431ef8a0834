"""The audit log: who managed what and who was refused, in both protocols; and what is never in it."""
import json
import threading
import urllib.parse

import pytest
from conftest import new_name
from howdah import Howdah, new_directory, sqs_client
from howdah import request as http_request
from signing import SECRET, Line, credentials_file, head, signed

ROOT_KEY, LIMITED, STRANGER = "HDROOT", "HDLIMITED", "HDSTRANGER"
ACCOUNT, OTHER_ACCOUNT = "111111111111", "222222222222"
CREDENTIALS = f"""
- {{access-key-id: {ROOT_KEY}, secret-access-key: "{SECRET}", account: "{ACCOUNT}"}}
- {{access-key-id: {STRANGER}, secret-access-key: "{SECRET}", account: "{OTHER_ACCOUNT}"}}
- access-key-id: {LIMITED}
  secret-access-key: "{SECRET}"
  account: "{ACCOUNT}"
  user: limited
  policy:
    Statement:
      - {{Sid: Tagger, Effect: Allow, Action: ["sqs:TagQueue", "sqs:GetQueueUrl"], Resource: "*"}}
      - {{Effect: Deny, Action: "sqs:PurgeQueue", Resource: "*"}}
"""
ROOT = f"arn:aws:iam::{ACCOUNT}:root"
USER = f"arn:aws:iam::{ACCOUNT}:user/limited"
NEVER = "never-to-be-logged"


@pytest.fixture(scope="module", params=["json", "query"])
def audited(request, postgres):
    """A server for each protocol, since denials alike are folded."""
    directory = new_directory()
    server = Howdah(directory, "--database-url", postgres.database(), "--auth", "sigv4", "--log-level", "error",
                    "--purge-interval", "0s", "--credentials", credentials_file(directory, CREDENTIALS)).start()
    server.protocol = request.param
    yield server
    assert server.stop() == 0
    assert SECRET not in server.log() and NEVER not in server.log()


def lines(server):
    told = [json.loads(line) for line in server.log().splitlines()]
    return [line for line in told if line.get("audit")]


def line_of(server, request_id):
    found = [line for line in lines(server) if line.get("request_id") == request_id]
    assert len(found) == 1, found
    return found[0]


class Caller:
    """Signs raw requests in one protocol; answers (status, request id, body)."""

    def __init__(self, server, protocol, key, secret=SECRET):
        self.host, self.protocol, self.key, self.secret = f"127.0.0.1:{server.port}", protocol, key, secret
        self.line = Line(server.port)

    def call(self, action, in_json, in_query):
        if self.protocol == "json":
            body = json.dumps(in_json).encode()
            headers = {"Content-Type": "application/x-amz-json-1.0", "X-Amz-Target": f"AmazonSQS.{action}"}
        else:
            body = urllib.parse.urlencode({"Action": action, **in_query}).encode()
            headers = {"Content-Type": "application/x-www-form-urlencoded"}
        target, headers = signed("POST", f"http://{self.host}/", headers, body, key=self.key, secret=self.secret)
        status, headers, body = self.line.ask(head("POST", target, self.host, headers, body) + body)
        return status, headers["x-amzn-requestid"], body.decode()


def managing(name, url, arn, handle=""):
    """(action, its input in JSON, in Query, what the audit tells beside the queue) of all that manages something."""
    return [
        ("CreateQueue", {"QueueName": name, "Attributes": {"DelaySeconds": "0"}, "tags": {"team": NEVER}},
         {"QueueName": name, "Attribute.1.Name": "DelaySeconds", "Attribute.1.Value": "0", "Tag.1.Key": "team",
          "Tag.1.Value": NEVER}, {"attributes": "DelaySeconds", "tags": "team"}),
        ("SetQueueAttributes", {"QueueUrl": url, "Attributes": {"VisibilityTimeout": "41", "DelaySeconds": "0"}},
         {"QueueUrl": url, "Attribute.1.Name": "VisibilityTimeout", "Attribute.1.Value": "41",
          "Attribute.2.Name": "DelaySeconds", "Attribute.2.Value": "0"}, {"attributes": "DelaySeconds,VisibilityTimeout"}),
        ("AddPermission", {"QueueUrl": url, "Label": "lent", "AWSAccountIds": [OTHER_ACCOUNT], "Actions": ["SendMessage"]},
         {"QueueUrl": url, "Label": "lent", "AWSAccountId.1": OTHER_ACCOUNT, "ActionName.1": "SendMessage"},
         {"label": "lent", "accounts": OTHER_ACCOUNT, "actions": "SendMessage"}),
        ("RemovePermission", {"QueueUrl": url, "Label": "lent"}, {"QueueUrl": url, "Label": "lent"}, {"label": "lent"}),
        ("TagQueue", {"QueueUrl": url, "Tags": {"a": NEVER, "b": NEVER}},
         {"QueueUrl": url, "Tag.1.Key": "a", "Tag.1.Value": NEVER, "Tag.2.Key": "b", "Tag.2.Value": NEVER}, {"tags": "a,b"}),
        ("UntagQueue", {"QueueUrl": url, "TagKeys": ["a"]}, {"QueueUrl": url, "TagKey.1": "a"}, {"tags": "a"}),
        ("PurgeQueue", {"QueueUrl": url}, {"QueueUrl": url}, {}),
        ("StartMessageMoveTask", {"SourceArn": arn}, {"SourceArn": arn}, {}),
        ("CancelMessageMoveTask", {"TaskHandle": handle}, {"TaskHandle": handle}, {}),
        ("DeleteQueue", {"QueueUrl": url}, {"QueueUrl": url}, {}),
    ]


def dead_letter_queue(server, name):
    """Its ARN; another queue sends it its dead letters."""
    arn = f"arn:aws:sqs:us-east-1:{ACCOUNT}:{name}"
    sqs = sqs_client(server.url, key=ROOT_KEY, secret=SECRET)
    url = sqs.create_queue(QueueName=name, Attributes={"DelaySeconds": "0"}, tags={"team": NEVER})["QueueUrl"]
    sqs.create_queue(QueueName=new_name("source"), Attributes={
        "RedrivePolicy": json.dumps({"deadLetterTargetArn": arn, "maxReceiveCount": 1})})
    return url, arn


def test_what_an_owner_manages(audited):
    name = new_name()
    url, arn = dead_letter_queue(audited, name)
    owner = Caller(audited, audited.protocol, ROOT_KEY)
    handle = ""
    for action, _, _, details in managing(name, url, arn):
        now = next(row for row in managing(name, url, arn, handle) if row[0] == action)
        status, request_id, body = owner.call(action, now[1], now[2])
        line = line_of(audited, request_id)
        if action == "StartMessageMoveTask":
            handle = body.partition("<TaskHandle>")[2].partition("<")[0] or json.loads(body)["TaskHandle"]
        if action == "CancelMessageMoveTask" and status != 200:  # there was nothing to move
            assert line.pop("error") == "InvalidParameterValue"
        else:
            assert status == 200, body
        assert line.pop("ts") and line.pop("level") == "info"
        assert line == {"msg": "management call", "audit": True, "action": action, "decision": "allowed", "by": "owner",
                        "account": ACCOUNT, "principal": ROOT, "access_key_id": ROOT_KEY, "source_ip": "127.0.0.1",
                        "queue": arn, **details, "request_id": request_id}
    assert handle and handle not in audited.log()


def test_a_management_call_that_cannot_be_read_has_its_line_too(audited):
    owner = Caller(audited, audited.protocol, ROOT_KEY)
    rate = {"MaxNumberOfMessagesPerSecond": NEVER}
    status, request_id, _ = owner.call("StartMessageMoveTask", rate, rate)
    assert status == 400
    line = line_of(audited, request_id)
    assert line["action"] == "StartMessageMoveTask" and line["principal"] == ROOT and line["access_key_id"] == ROOT_KEY
    assert line["decision"] == "none" and line["error"]


def test_who_is_denied_and_by_which_statement(audited):
    name = new_name()
    url, arn = dead_letter_queue(audited, name)
    limited = Caller(audited, audited.protocol, LIMITED)
    sqs = sqs_client(audited.url, key=ROOT_KEY, secret=SECRET)
    started = sqs.start_message_move_task(SourceArn=arn)["TaskHandle"]
    by_statement = {"TagQueue": ("allowed", "identity policy", "Tagger"), "PurgeQueue": ("denied", "identity policy", "#2")}
    for action, in_json, in_query, details in managing(name, url, arn, started):
        status, request_id, body = limited.call(action, in_json, in_query)
        line = line_of(audited, request_id)
        decision, by, statement = by_statement.get(action, ("denied", "no statement", None))
        assert status == (200 if decision == "allowed" else 403), body
        assert (line["decision"], line["by"], line.get("statement")) == (decision, by, statement), line
        assert line["msg"] == ("management call" if decision == "allowed" else "denied call")
        assert (line["action"], line["principal"], line["access_key_id"], line["queue"]) == (action, USER, LIMITED, arn)
        assert {key: line[key] for key in details} == details
        assert line.get("error") == (None if status == 200 else "AccessDenied")


def test_denied_calls_of_other_actions_and_by_the_queues_policy(audited):
    sqs = sqs_client(audited.url, key=ROOT_KEY, secret=SECRET)
    url = sqs.create_queue(QueueName=new_name())["QueueUrl"]
    arn = f"arn:aws:sqs:us-east-1:{ACCOUNT}:{url.rpartition('/')[2]}"
    principal = {"AWS": OTHER_ACCOUNT}
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": json.dumps({"Statement": [
        {"Sid": "Lent", "Effect": "Allow", "Principal": principal, "Action": "sqs:*", "Resource": "*"},
        {"Sid": "NotToRead", "Effect": "Deny", "Principal": principal, "Action": "sqs:ReceiveMessage", "Resource": "*"}]})})
    stranger = Caller(audited, audited.protocol, STRANGER)
    body = {"QueueUrl": url, "MessageBody": NEVER}

    def told(action, parameters):
        status, request_id, _ = stranger.call(action, parameters, parameters)
        found = [line for line in lines(audited) if line.get("request_id") == request_id]
        return status, [(line["decision"], line["by"], line.get("statement"), line["queue"]) for line in found]

    assert told("SendMessage", body) == (200, [])
    assert told("ReceiveMessage", {"QueueUrl": url}) == (403, [("denied", "queue policy", "NotToRead", arn)])
    assert told("PurgeQueue", {"QueueUrl": url}) == (200, [("allowed", "queue policy", "Lent", arn)])
    assert told("DeleteQueue", {"QueueUrl": url}) == (403, [("denied", "no statement", None, arn)])
    elsewhere = {"QueueName": url.rpartition("/")[2], "QueueOwnerAWSAccountId": ACCOUNT}
    assert told("GetQueueUrl", elsewhere)[1] == []  # which the policy allows
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": ""})
    # It is not told that there is such a queue; the audit log is.
    assert told("GetQueueUrl", elsewhere) == (400, [("denied", "no statement", None, arn)])


def test_what_a_wrong_signature_is_called_and_what_is_kept_to_itself(audited):
    status, request_id, _ = Caller(audited, audited.protocol, ROOT_KEY, "wrong").call("CreateQueue", {}, {})
    line = line_of(audited, request_id)
    assert (status, line["action"], line["decision"], line["by"], line["error"], line["access_key_id"]) == (
        403, "CreateQueue", "denied", "signature", "SignatureDoesNotMatch", ROOT_KEY)
    # A secret where the key's name should be, say.
    status, request_id, _ = Caller(audited, audited.protocol, f"AK{NEVER}").call(
        "SendMessage", {"MessageBody": NEVER}, {"MessageBody": NEVER})
    line = line_of(audited, request_id)
    assert (status, line["action"], line["error"]) == (403, "SendMessage", "InvalidClientTokenId")
    assert "access_key_id" not in line and "principal" not in line


def test_a_flood_of_anonymous_calls_does_not_flood_the_log(new_server, postgres):
    directory = new_directory()
    server = new_server("--database-url", postgres.database(), "--auth", "sigv4", "--credentials",
                        credentials_file(directory, CREDENTIALS)).start()
    url = sqs_client(server.url, key=ROOT_KEY, secret=SECRET).create_queue(QueueName="q")["QueueUrl"]
    before = len(lines(server))

    def flood(number):
        for n in range(50):
            for action, body in (("CreateQueue", {"QueueName": f"q{number}-{n}"}), ("DeleteQueue", {"QueueUrl": url}),
                                 ("DeleteQueue", {"QueueUrl": f"none-{number}-{n}"})):
                answer = http_request(server.port, "POST", "/", json.dumps(body), {
                    "Content-Type": "application/x-amz-json-1.0", "X-Amz-Target": f"AmazonSQS.{action}"})
                assert answer.status in (400, 403), answer

    threads = [threading.Thread(target=flood, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    once = lines(server)[before:]
    assert len(once) == 3 and not any("repeated" in line for line in once), once
    assert {(line["action"], line["decision"]) for line in once} == {
        ("CreateQueue", "denied"), ("DeleteQueue", "denied"), ("DeleteQueue", "none")}
    assert server.stop() == 0
    repeated = lines(server)[before + 3:]
    assert sorted(line["repeated"] for line in repeated) == [199, 199, 199], repeated
    assert all(line["principal"] == "*" and line["source_ip"] == "127.0.0.1" for line in repeated)


def test_without_authentication_everybody_is_root(new_server, postgres):
    server = new_server("--database-url", postgres.database(), "--test-clock").start()
    sqs = sqs_client(server.url, key=f"AK{NEVER}")
    url = sqs.create_queue(QueueName="q")["QueueUrl"]
    sqs.send_message(QueueUrl=url, MessageBody=NEVER)
    sqs.receive_message(QueueUrl=url)
    sqs.purge_queue(QueueUrl=url)
    server.set_clock(5)
    refused = http_request(server.port, "POST", "/", "{}", {
        "X-Amz-Target": "AmazonSQS.ListQueues", "Sec-Fetch-Site": "cross-site", "Content-Type": "application/x-amz-json-1.0"})
    assert refused.status == 403
    told = lines(server)
    assert [(line["action"], line["decision"], line["by"]) for line in told] == [
        ("CreateQueue", "allowed", "auth=none"), ("PurgeQueue", "allowed", "auth=none"),
        ("/admin/v1/test-clock", "allowed", "loopback"), ("ListQueues", "denied", "cross-site request")]
    assert told[0]["principal"] == "arn:aws:iam::000000000000:root" and told[0]["account"] == "000000000000"
    assert told[1]["queue"] == "arn:aws:sqs:us-east-1:000000000000:q"
    assert told[2]["offset_seconds"] == "5"
    assert NEVER not in server.log()


def test_who_comes_to_the_admin_port_without_its_token(new_server, postgres, directory):
    (directory / "token").write_text(f"token-{NEVER}")
    server = new_server("--database-url", postgres.database(), "--test-clock", "--admin-token-file",
                        directory / "token").start()
    clock = ("PUT", "/admin/v1/test-clock", '{"offset_seconds": 7}')
    for _ in range(3):
        assert server.admin(*clock, headers={"Authorization": f"Bearer wrong-{NEVER}"}).status == 401
    assert server.admin("GET", f"/{NEVER}").status == 401
    assert server.admin(*clock, headers={"Authorization": f"Bearer token-{NEVER}"}).status == 200
    assert [(line["action"], line["decision"], line["by"], line.get("error")) for line in lines(server)] == [
        ("/admin/v1/test-clock", "denied", "admin token", "Unauthorized"),
        ("unknown path", "denied", "admin token", "Unauthorized"),
        ("/admin/v1/test-clock", "allowed", "admin token", None)]
    assert NEVER not in server.log()
