"""--auth=sigv4: botocore as an independent signer, changed bytes, and what each failure answers."""
import datetime
import json
import random
import string
import urllib.parse

import botocore.exceptions
import pytest
from conftest import new_name
from howdah import Howdah, eventually, new_directory, sqs_client
from signing import (ACCOUNT, ALICE, OTHER_ACCOUNT, OWNER, SECRET, STRANGER, TOKEN, Line, credentials_file,
                     error_code, head, signed)

JSON = {"Content-Type": "application/x-amz-json-1.0"}
FORM = {"Content-Type": "application/x-www-form-urlencoded; charset=utf-8"}
AUTH_ERRORS = {"SignatureDoesNotMatch", "IncompleteSignature", "InvalidClientTokenId", "AccessDenied", "RequestExpired",
               "ExpiredToken", "InvalidSecurity"}


@pytest.fixture(scope="module")
def secured():
    directory = new_directory()
    server = Howdah(directory, "--data-dir", directory / "data", "--auth", "sigv4",
                    "--credentials", credentials_file(directory)).start()
    yield server
    log = server.log()
    assert server.stop() == 0, log[-4000:]
    assert SECRET not in log and TOKEN not in log


@pytest.fixture(scope="module")
def line(secured):
    opened = Line(secured.port)
    yield opened
    opened.close()


def client(server, key=OWNER, secret=SECRET):
    return sqs_client(server.url, key=key, secret=secret)


def json_request(server, action, body, **options):
    host = f"127.0.0.1:{server.port}"
    body = json.dumps(body).encode()
    target, headers = signed("POST", f"http://{host}/", {**JSON, "X-Amz-Target": f"AmazonSQS.{action}"}, body, **options)
    return head("POST", target, host, headers, body) + body


# --- botocore as the signer

def random_text(rng, alphabet, most):
    return "".join(rng.choice(alphabet) for _ in range(rng.randint(0, most)))


def random_request(rng, host):
    """(url, headers, body) of some request in a protocol of SQS, whatever its meaning."""
    plain = string.ascii_letters + string.digits + "-._~"
    odd = plain + " !\"#$&'()*+,/:;=?@[]%<>|\\^`{}é€😀"
    segments = [urllib.parse.quote(random_text(rng, odd, 8), safe=rng.choice(["", "~", "!$'()*,:@"]))
                for _ in range(rng.randint(0, 4))]
    segments += rng.choice([[], [], [], [".", "x"], ["a", "..", "b"], ["", "c"], [""]])
    path = "/" + "/".join(segments)
    params = [(random_text(rng, odd, 8) or "p", random_text(rng, odd, 12)) for _ in range(rng.randint(0, 5))]
    params += rng.sample(params, min(len(params), rng.randint(0, 1)))
    query = urllib.parse.urlencode(params, quote_via=urllib.parse.quote, safe="-._~")
    body = rng.randbytes(rng.choice([0, 1, 63, 64, 200, 5000]))
    headers = dict(rng.choice([JSON, FORM]))
    if headers == JSON and rng.random() < 0.9:
        headers["X-Amz-Target"] = "AmazonSQS." + rng.choice(["ListQueues", "SendMessage", "Nonsense"])
    for _ in range(rng.randint(0, 3)):
        value = random_text(rng, plain + "  \t,;=\"", 20).strip()
        headers["X-" + rng.choice(["Amz-Meta-", "Custom-", "amzn-"]) + random_text(rng, string.ascii_letters, 6)] = value
    return f"http://{host}{path}" + ("?" + query if query else ""), headers, body


@pytest.mark.parametrize("presigned", [False, True], ids=["header", "query"])
def test_what_botocore_signs_is_accepted_and_with_another_secret_refused(secured, line, presigned):
    rng = random.Random(20260701 + presigned)
    host = f"127.0.0.1:{secured.port}"
    for number in range(1500):
        url, headers, body = random_request(rng, host)
        options = dict(expires=rng.randint(1, 604800) if presigned else None,
                       region=rng.choice(["us-east-1", "eu-central-1", "mars-north-1"]))
        if rng.random() < 0.2:
            options.update(key="HDTOKEN", token=TOKEN)
        right = number % 5 != 0
        if not right:
            options["secret"] = SECRET[:-1] + "1"
        if presigned:
            body = b""  # botocore makes parameters of it
        target, signed_headers = signed("POST", url, headers, body, **options)
        if not any(name.lower() == "content-type" for name, _ in signed_headers):  # botocore may leave it out
            signed_headers.append(("Content-Type", headers["Content-Type"]))
        request = head("POST", target, host, signed_headers, body) + body
        answer = line.ask(request)
        refused = error_code(answer) in AUTH_ERRORS
        assert refused != right, (request, answer)


def test_every_changed_byte_of_a_signed_request_is_refused(secured, line):
    sqs = client(secured)
    queue = sqs.create_queue(QueueName=new_name())["QueueUrl"]
    body = {"QueueUrl": queue, "MessageBody": "hello"}
    request = json_request(secured, "SendMessage", body)
    assert line.ask(request)[0] == 200
    host_at = request.index(b"Host: ") + 6
    end = request.index(b"\r\n\r\n")
    kept = set()
    for name in (b"Content-Length", b"User-Agent"):
        if name in request:
            at = request.index(name)
            kept |= set(range(at, request.index(b"\r\n", at) + 2))
    sent = 0
    for at in range(len(request)):
        if at in kept or at < request.index(b"\r\n") + 2 or end <= at < end + 4 or request[at:at + 1] in b"\r\n":
            continue  # framing, which decides what a request is
        changed = bytearray(request)
        changed[at] ^= 1
        if changed[at] in b"\r\n\0:" or request[at] in b": ":
            continue
        answer = line.ask(bytes(changed))
        sent += 1
        assert answer[0] in (400, 403), (at, bytes(changed), answer)
    assert sent > 300
    assert int(sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["All"])["Attributes"][
        "ApproximateNumberOfMessages"]) == 1
    # And what is not signed may change.
    for extra in (b"User-Agent: anything\r\n", b"X-Forwarded-For: 1.2.3.4\r\n", b"Accept: text/html\r\n"):
        assert line.ask(request[:host_at - 6] + extra + request[host_at - 6:])[0] == 200


# --- boto3, in both protocols

def test_the_life_of_a_message(secured):
    sqs = client(secured)
    queue = sqs.create_queue(QueueName=new_name())["QueueUrl"]
    assert f"/{ACCOUNT}/" in queue
    sqs.send_message(QueueUrl=queue, MessageBody="hello")
    [message] = sqs.receive_message(QueueUrl=queue, WaitTimeSeconds=5)["Messages"]
    sqs.delete_message(QueueUrl=queue, ReceiptHandle=message["ReceiptHandle"])
    sqs.delete_queue(QueueUrl=queue)


def failure(call, **arguments):
    with pytest.raises(botocore.exceptions.ClientError) as failed:
        call(**arguments)
    error = failed.value.response
    return error["ResponseMetadata"]["HTTPStatusCode"], error["Error"]["Code"], error["Error"]["Message"]


def test_unknown_keys_and_wrong_secrets(secured):
    status, code, text = failure(client(secured, key="HDNOBODY").list_queues)
    assert status == 403 and code in ("InvalidClientTokenId", "UnrecognizedClientException")
    assert text == "The security token included in the request is invalid."
    status, code, text = failure(client(secured, secret="x" * 40).list_queues)
    assert status == 403 and code in ("SignatureDoesNotMatch", "InvalidSignatureException")
    assert text.startswith("The request signature we calculated does not match the signature you provided.")


@pytest.mark.parametrize("protocol", ["json", "query"])
def test_each_failure_in_each_protocol(secured, line, protocol):
    host = f"127.0.0.1:{secured.port}"

    def ask(change=lambda headers: headers, **options):
        if protocol == "json":
            headers, body = {**JSON, "X-Amz-Target": "AmazonSQS.ListQueues"}, b"{}"
        else:
            headers, body = dict(FORM), b"Action=ListQueues&Version=2012-11-05"
        target, headers = signed("POST", f"http://{host}/", headers, body, **options)
        answer = line.ask(head("POST", target, host, change(headers), body) + body)
        if protocol == "json":
            return answer[0], json.loads(answer[2])["__type"].partition("#")[2] if answer[0] != 200 else ""
        text = answer[2].decode()
        return answer[0], text.partition("<Code>")[2].partition("</Code>")[0]

    def expected(status, shape, code):
        return status, shape if protocol == "json" else code

    def without(name):
        return lambda headers: [(n, v) for n, v in headers if n.lower() != name]

    def with_authorization(value):
        return lambda headers: [*without("authorization")(headers), ("Authorization", value)]

    assert ask() == (200, "")
    assert ask(without("authorization")) == expected(403, "AccessDeniedException", "AccessDenied")
    assert ask(key="HDNOBODY") == expected(403, "UnrecognizedClientException", "InvalidClientTokenId")
    assert ask(secret="wrong") == expected(403, "InvalidSignatureException", "SignatureDoesNotMatch")
    assert ask(service="s3") == expected(403, "InvalidSignatureException", "SignatureDoesNotMatch")
    assert ask(with_authorization("AWS4-HMAC-SHA256 x")) == expected(
        400, "IncompleteSignatureException", "IncompleteSignature")
    assert ask(with_authorization("Basic eDp5")) == expected(
        400, "IncompleteSignatureException", "IncompleteSignature")
    assert ask(without("x-amz-date")) == expected(400, "IncompleteSignatureException", "IncompleteSignature")
    assert ask(key="HDTOKEN") == expected(403, "UnrecognizedClientException", "InvalidClientTokenId")
    assert ask(key="HDTOKEN", token=TOKEN) == (200, "")


def test_clock_skew_is_told_as_sdks_know_it(secured, line, monkeypatch):
    import botocore.auth
    real = botocore.auth.get_current_datetime if hasattr(botocore.auth, "get_current_datetime") else None
    if real is None:
        pytest.fail("botocore.auth.get_current_datetime has another name now")
    for minutes, text in ((-16, "Signature expired: "), (16, "Signature not yet current: ")):
        monkeypatch.setattr(botocore.auth, "get_current_datetime",
                            lambda *a, m=minutes, **k: real(*a, **k) + datetime.timedelta(minutes=m))
        answer = line.ask(json_request(secured, "ListQueues", {}))
        assert answer[0] == 403 and json.loads(answer[2])["message"].startswith(text), answer
        monkeypatch.setattr(botocore.auth, "get_current_datetime",
                            lambda *a, m=minutes, **k: real(*a, **k) + datetime.timedelta(minutes=m * 14 / 16))
        assert line.ask(json_request(secured, "ListQueues", {}))[0] == 200


def test_a_presigned_query_is_all_that_a_client_needs(secured, line):
    host = f"127.0.0.1:{secured.port}"
    queue = client(secured).create_queue(QueueName=new_name())["QueueUrl"]
    path = urllib.parse.urlsplit(queue).path
    target, headers = signed("GET", f"http://{host}{path}?Action=SendMessage&MessageBody=hi%20there", {}, b"", expires=60)
    assert line.ask(head("GET", target, host, [], b""))[0] == 200
    assert line.ask(head("GET", target.replace("hi%20there", "hi%20then"), host, [], b""))[0] == 403
    target, headers = signed("GET", f"http://{host}{path}?Action=SendMessage&MessageBody=x", {}, b"", expires=1)
    eventually(lambda: error_code(line.ask(head("GET", target, host, [], b""))) == "RequestExpired", "it expires")


# --- who may do what

def policy(*statements):
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def allow(principal, *actions, **more):
    return {"Effect": "Allow", "Principal": principal, "Action": list(actions), "Resource": "*", **more}


def test_another_account_needs_the_queues_policy(secured):
    owner, stranger = client(secured), client(secured, STRANGER)
    name = new_name()
    queue = owner.create_queue(QueueName=name)["QueueUrl"]
    status, code, text = failure(stranger.send_message, QueueUrl=queue, MessageBody="x")
    assert status == 403 and code in ("AccessDenied", "AccessDeniedException")
    assert text == (f"User: arn:aws:iam::{OTHER_ACCOUNT}:root is not authorized to perform: sqs:sendmessage on resource: "
                    f"arn:aws:sqs:us-east-1:{ACCOUNT}:{name} because no resource-based policy allows the "
                    "sqs:sendmessage action")
    status, code, _ = failure(stranger.get_queue_url, QueueName=name, QueueOwnerAWSAccountId=ACCOUNT)
    assert status == 400 and code in ("AWS.SimpleQueueService.NonExistentQueue", "QueueDoesNotExist")

    owner.set_queue_attributes(QueueUrl=queue, Attributes={
        "Policy": policy(allow({"AWS": OTHER_ACCOUNT}, "sqs:SendMessage", "sqs:GetQueueUrl", "sqs:DeleteQueue"))})
    assert stranger.get_queue_url(QueueName=name, QueueOwnerAWSAccountId=ACCOUNT)["QueueUrl"] == queue
    stranger.send_message(QueueUrl=queue, MessageBody="x")
    stranger.send_message_batch(QueueUrl=queue, Entries=[{"Id": "1", "MessageBody": "y"}])
    assert failure(stranger.receive_message, QueueUrl=queue)[0] == 403
    assert failure(stranger.delete_queue, QueueUrl=queue)[0] == 403  # which no policy gives

    owner.set_queue_attributes(QueueUrl=queue, Attributes={"Policy": ""})
    assert failure(stranger.send_message, QueueUrl=queue, MessageBody="x")[0] == 403


def test_accounts_have_queues_of_their_own(secured):
    name = new_name()
    ours = client(secured).create_queue(QueueName=name)["QueueUrl"]
    theirs = client(secured, STRANGER).create_queue(QueueName=name)["QueueUrl"]
    assert ours != theirs
    assert client(secured, STRANGER).list_queues(QueueNamePrefix=name)["QueueUrls"] == [theirs]


def test_a_key_with_a_policy_does_what_that_allows(secured):
    owner, alice = client(secured), client(secured, ALICE)
    queue = owner.create_queue(QueueName=new_name())["QueueUrl"]
    alice.send_message(QueueUrl=queue, MessageBody="x")
    for call, arguments in ((alice.receive_message, {"QueueUrl": queue}), (alice.list_queues, {}),
                            (alice.create_queue, {"QueueName": new_name()}), (alice.purge_queue, {"QueueUrl": queue}),
                            (alice.set_queue_attributes, {"QueueUrl": queue, "Attributes": {"DelaySeconds": "1"}}),
                            (alice.tag_queue, {"QueueUrl": queue, "Tags": {"a": "b"}}),
                            (alice.list_queue_tags, {"QueueUrl": queue}),
                            (alice.get_queue_attributes, {"QueueUrl": queue}), (alice.delete_queue, {"QueueUrl": queue})):
        status, _, text = failure(call, **arguments)
        assert status == 403 and "because no identity-based policy allows the sqs:" in text, text
    assert f"User: arn:aws:iam::{ACCOUNT}:user/alice" in text


def test_anonymous_callers_do_what_a_queue_allows_everybody(secured, line):
    owner = client(secured)
    queue = owner.create_queue(QueueName=new_name())["QueueUrl"]
    host = f"127.0.0.1:{secured.port}"
    body = json.dumps({"QueueUrl": queue, "MessageBody": "x"}).encode()
    request = head("POST", "/", host, [*JSON.items(), ("X-Amz-Target", "AmazonSQS.SendMessage")], body) + body
    answer = line.ask(request)
    assert (answer[0], error_code(answer)) == (403, "AccessDenied")
    assert json.loads(answer[2])["Message"] == f"Access to the resource http://{host}/ is denied."
    owner.set_queue_attributes(QueueUrl=queue, Attributes={
        "Policy": policy(allow("*", "sqs:SendMessage", Condition={"IpAddress": {"aws:SourceIp": "127.0.0.0/8"}}))})
    assert line.ask(request)[0] == 200
    assert line.ask(request.replace(b"SendMessage", b"PurgeQueue"))[0] == 403
    owner.set_queue_attributes(QueueUrl=queue, Attributes={
        "Policy": policy(allow("*", "sqs:SendMessage", Condition={"Bool": {"aws:SecureTransport": "true"}}))})
    assert line.ask(request)[0] == 403


def test_a_denial_binds_the_owner_but_locks_nobody_out(secured):
    owner = client(secured)
    queue = owner.create_queue(QueueName=new_name())["QueueUrl"]
    deny = {"Effect": "Deny", "Principal": "*", "Action": "sqs:*", "Resource": "*"}
    owner.set_queue_attributes(QueueUrl=queue, Attributes={"Policy": policy(deny)})
    _, _, text = failure(owner.send_message, QueueUrl=queue, MessageBody="x")
    assert text.endswith("with an explicit deny in a resource-based policy")
    owner.set_queue_attributes(QueueUrl=queue, Attributes={"Policy": ""})
    owner.send_message(QueueUrl=queue, MessageBody="x")


def test_a_policy_that_cannot_be_enforced_is_refused(secured):
    owner = client(secured)
    broken = policy(allow("*", "sqs:SendMessage", Condition={"StringEquals": {"aws:sourceVpce": "vpce-1"}}))
    status, code, text = failure(owner.create_queue, QueueName=new_name(), Attributes={"Policy": broken})
    assert (status, code) == (400, "InvalidAttributeValue") and "aws:sourceVpce" in text
    queue = owner.create_queue(QueueName=new_name())["QueueUrl"]
    assert failure(owner.set_queue_attributes, QueueUrl=queue, Attributes={"Policy": broken})[1] == "InvalidAttributeValue"


def test_a_revoked_policy_ends_a_parked_receive(secured, poll):
    owner, stranger = client(secured), client(secured, STRANGER)
    queue = owner.create_queue(QueueName=new_name())["QueueUrl"]
    owner.set_queue_attributes(QueueUrl=queue, Attributes={"Policy": policy(allow("*", "sqs:ReceiveMessage"))})
    parked = poll(stranger, QueueUrl=queue)
    secured.wait_parked(1)
    owner.set_queue_attributes(QueueUrl=queue, Attributes={"Policy": ""})
    owner.send_message(QueueUrl=queue, MessageBody="not for them")
    with pytest.raises(botocore.exceptions.ClientError):
        parked.messages()
    assert owner.receive_message(QueueUrl=queue, WaitTimeSeconds=5)["Messages"][0]["Body"] == "not for them"


def test_a_policy_changed_elsewhere_counts_within_seconds(postgres, new_server):
    directory = new_directory()
    keys = credentials_file(directory)
    database = postgres.database()
    here, there = (new_server("--database-url", database, "--auth", "sigv4", "--credentials", keys).start()
                   for _ in range(2))
    owner, stranger = client(here), client(there, STRANGER)
    queue = owner.create_queue(QueueName=new_name())["QueueUrl"].replace(here.url, there.url)
    handle = "AQ"  # no handle; who may delete is asked first

    def may_delete():
        return failure(stranger.delete_message, QueueUrl=queue, ReceiptHandle=handle)[1] == "ReceiptHandleIsInvalid"

    assert not may_delete()
    owner.set_queue_attributes(QueueUrl=queue, Attributes={"Policy": policy(allow("*", "sqs:DeleteMessage"))})
    eventually(may_delete, "the policy counts on the other server", 10)
    owner.set_queue_attributes(QueueUrl=queue, Attributes={"Policy": ""})
    eventually(lambda: not may_delete(), "and no longer", 10)
