"""--auth=sigv4: botocore as an independent signer, changed bytes, and what each failure answers."""
import datetime
import json
import random
import re
import string
import urllib.parse
import xml.etree.ElementTree

import botocore.auth
import botocore.exceptions
import pytest
from conftest import new_name
from howdah import eventually, new_directory
from signing import (ACCOUNT, ALICE, FORM, JSON, OTHER_ACCOUNT, SECRET, STRANGER, TOKEN, allow, client, credentials_file,
                     error_code, failure, head, json_request, policy, signed)

AUTH_ERRORS = {"SignatureDoesNotMatch", "IncompleteSignature", "InvalidClientTokenId", "AccessDenied", "RequestExpired",
               "ExpiredToken", "InvalidSecurity"}


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


def chunked(rng, request, body):
    """The request with its body in chunks, which is the same to a signature."""
    request = request[:len(request) - len(body)].replace(f"Content-Length: {len(body)}".encode(), b"Transfer-Encoding: chunked")
    while body:
        size = rng.randint(1, len(body))
        request += b"%x\r\n%s\r\n" % (size, body[:size])
        body = body[size:]
    return request + b"0\r\n\r\n"


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
        if rng.random() < 0.3:
            request = chunked(rng, request, body)
        answer = line.ask(request)
        refused = error_code(answer) in AUTH_ERRORS
        assert refused != right, (request, answer)


def send_request(server, form, queue, body):
    """The bytes of a signed SendMessage."""
    host = f"127.0.0.1:{server.port}"
    url = f"http://{host}{urllib.parse.urlsplit(queue).path}"
    if form == "json":
        return json_request(server, "SendMessage", {"QueueUrl": queue, "MessageBody": body})
    parameters = urllib.parse.urlencode({"Action": "SendMessage", "MessageBody": body})
    if form == "query":
        parameters = parameters.encode()
        target, headers = signed("POST", url, dict(FORM), parameters)
        return head("POST", target, host, headers, parameters) + parameters
    target, headers = signed("GET", f"{url}?{parameters}", {}, b"", expires=600)
    return head("GET", target, host, headers, b"")


@pytest.mark.parametrize("form", ["json", "query", "presigned"])
def test_every_changed_byte_of_a_signed_request_is_refused(secured, line, form):
    sqs = client(secured)
    queue = sqs.create_queue(QueueName=new_name())["QueueUrl"]
    request = send_request(secured, form, queue, "hello")
    assert line.ask(request)[0] == 200
    line_end, end = request.index(b"\r\n"), request.index(b"\r\n\r\n")
    framing = {request.index(b" "), request.rindex(b" ", 0, line_end), *range(request.rindex(b" ", 0, line_end), line_end)}
    for name in (b"Content-Length", b"User-Agent"):  # framing as well, and what nobody signs
        if name in request:
            at = request.index(name)
            framing |= set(range(at, request.index(b"\r\n", at) + 2))
    sent = 0
    for at in range(len(request)):
        before = request[at:at + 1]
        after = bytes([before[0] ^ 1])
        decides_what_a_request_is = at in framing or before in b"\r\n: " or after in b"\r\n\0: "
        if decides_what_a_request_is or (end <= at < end + 4):
            continue
        changed = request[:at] + after + request[at + 1:]
        answer = line.ask(changed)
        sent += 1
        assert 400 <= answer[0] < 500, (at, changed, answer)
    assert sent > 300
    assert int(sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["All"])["Attributes"][
        "ApproximateNumberOfMessages"]) == 1
    # And what is not signed may change.
    headers = line_end + 2
    for extra in (b"User-Agent: anything\r\n", b"X-Forwarded-For: 1.2.3.4\r\n", b"Accept: text/html\r\n"):
        assert line.ask(request[:headers] + extra + request[headers:])[0] == 200


# --- boto3, in both protocols

def test_the_life_of_a_message(secured):
    sqs = client(secured)
    queue = sqs.create_queue(QueueName=new_name())["QueueUrl"]
    assert f"/{ACCOUNT}/" in queue
    sqs.send_message(QueueUrl=queue, MessageBody="hello")
    [message] = sqs.receive_message(QueueUrl=queue, WaitTimeSeconds=5)["Messages"]
    sqs.delete_message(QueueUrl=queue, ReceiptHandle=message["ReceiptHandle"])
    sqs.delete_queue(QueueUrl=queue)


def test_unknown_keys_and_wrong_secrets(secured):
    status, code, text = failure(client(secured, key="HDNOBODY").list_queues)
    assert status == 403 and code in ("InvalidClientTokenId", "UnrecognizedClientException")
    assert text == "The security token included in the request is invalid."
    status, code, text = failure(client(secured, secret="x" * 40).list_queues)
    assert status == 403 and code in ("SignatureDoesNotMatch", "InvalidSignatureException")
    assert text.startswith("The request signature we calculated does not match the signature you provided.")


class Asker:
    """Sends ListQueues in one protocol; (status, code, text) of what is answered."""

    def __init__(self, server, line, protocol):
        self.host = f"127.0.0.1:{server.port}"
        self.line, self.protocol = line, protocol
        self.headers, self.body = {**JSON, "X-Amz-Target": "AmazonSQS.ListQueues"}, b"{}"
        if protocol == "query":
            self.headers, self.body = dict(FORM), b"Action=ListQueues&Version=2012-11-05"

    def __call__(self, change=lambda headers: headers, path="/", **options):
        target, headers = signed("POST", f"http://{self.host}{path}", dict(self.headers), self.body, **options)
        return self.send(target, change(headers))

    def presigned(self, **options):
        """Without a body, of which botocore would make parameters."""
        path = "/" if self.protocol == "json" else f"/?{self.body.decode()}"
        target, headers = signed("POST", f"http://{self.host}{path}", dict(self.headers), b"", **options)
        return self.send(target, [("Content-Type", self.headers["Content-Type"]), *without("content-type")(headers)], b"")

    def send(self, target, headers, body=None):
        body = self.body if body is None else body
        status, _, answer = self.line.ask(head("POST", target, self.host, headers, body) + body)
        if status == 200:
            return status, "", ""
        if self.protocol == "json":
            error = json.loads(answer)
            return status, error["__type"].partition("#")[2], error.get("message", error.get("Message"))
        error = xml.etree.ElementTree.fromstring(answer.replace(b' xmlns="http://queue.amazonaws.com/doc/2012-11-05/"', b""))
        return status, error.findtext("Error/Code"), error.findtext("Error/Message")

    def expected(self, status, shape, code, text=None):
        return status, shape if self.protocol == "json" else code, text


@pytest.fixture(params=["json", "query"])
def ask(request, secured, line):
    return Asker(secured, line, request.param)


def without(name):
    return lambda headers: [(n, v) for n, v in headers if n.lower() != name]


def with_authorization(value):
    return lambda headers: [*without("authorization")(headers), ("Authorization", value)]


NO_TOKEN = "The security token included in the request is invalid."


def test_each_failure_in_each_protocol(ask):
    def incomplete(text):
        return ask.expected(400, "IncompleteSignatureException", "IncompleteSignature", text)

    def invalid(text):
        return ask.expected(403, "InvalidSignatureException", "SignatureDoesNotMatch", text)

    assert ask() == (200, "", "")
    assert ask(without("authorization")) == ask.expected(
        403, "AccessDeniedException", "AccessDenied", f"Access to the resource http://{ask.host}/ is denied.")
    unknown = ask.expected(403, "UnrecognizedClientException", "InvalidClientTokenId", NO_TOKEN)
    assert ask(key="HDNOBODY") == unknown
    assert ask(secret="wrong") == invalid(
        "The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key "
        "and signing method. Consult the service documentation for details.")
    assert ask(service="s3") == invalid("Credential should be scoped to correct service: 'sqs'. ")
    assert ask(with_authorization("AWS4-HMAC-SHA256 x")) == incomplete(
        "'x' not a valid key=value pair (missing equal-sign) in Authorization header.")
    assert ask(with_authorization("Basic eDp5")) == incomplete("Unsupported AWS 'algorithm': 'Basic'.")
    assert ask(with_authorization("AWS4-HMAC-SHA256 Credential=a/b, SignedHeaders=host, Signature=0")) == incomplete(
        "Credential must have exactly 5 slash-delimited elements, e.g. keyid/date/region/service/term, got 'a/b'")
    assert ask(with_authorization("AWS4-HMAC-SHA256 Signature=0")) == incomplete(
        "Authorization header requires 'Credential' parameter. Authorization header requires 'SignedHeaders' parameter.")
    assert ask(without("x-amz-date")) == incomplete("Authorization header requires existence of a 'X-Amz-Date' header.")
    assert ask(key="HDTOKEN") == ask(key="HDTOKEN", token="another") == ask(token=TOKEN) == unknown
    assert ask(key="HDTOKEN", token=TOKEN) == (200, "", "")
    assert ask(key="HDTOKENEXPIRED", token=TOKEN) == ask.expected(
        403, "ExpiredTokenException", "ExpiredToken", "The security token included in the request is expired")
    version_2 = "AWSAccessKeyId=HDOWNER&SignatureVersion=2&SignatureMethod=HmacSHA256&Signature=x"
    status, code, _ = ask(without("authorization"), path=f"/?{version_2}")
    assert (status, code) == ask.expected(403, "InvalidSecurity", "InvalidSecurity")[:2]


def at(monkeypatch, moment):
    """botocore signs as if it were then."""
    monkeypatch.setattr(botocore.auth, "get_current_datetime", lambda *_, **__: moment)


def now():
    return datetime.datetime.now(datetime.timezone.utc).replace(tzinfo=None)


@pytest.mark.parametrize("minutes, text", [
    (-16, r"Signature expired: (\S+) is now earlier than (\S+) \((\S+) - 15 min\.\)"),
    (16, r"Signature not yet current: (\S+) is still later than (\S+) \((\S+) \+ 15 min\.\)")], ids=["slow", "fast"])
def test_a_wrong_clock_is_told_as_sdks_know_it(ask, monkeypatch, minutes, text):
    signed_at = now() + datetime.timedelta(minutes=minutes)
    at(monkeypatch, signed_at)
    status, code, said = ask()
    assert (status, code) == ask.expected(403, "InvalidSignatureException", "SignatureDoesNotMatch")[:2]
    told = re.fullmatch(text, said)
    assert told, said
    at_client, limit, at_server = (datetime.datetime.strptime(time, "%Y%m%dT%H%M%SZ") for time in told.groups())
    assert at_client == signed_at.replace(microsecond=0)
    assert limit - at_server == datetime.timedelta(minutes=15 if minutes > 0 else -15)
    assert abs(at_server - now()) < datetime.timedelta(seconds=30)
    at(monkeypatch, now() + datetime.timedelta(minutes=minutes * 14 / 16))
    assert ask() == (200, "", "")


def test_a_presigned_request_ends(ask, monkeypatch):
    at(monkeypatch, now() - datetime.timedelta(minutes=10))
    refused = ask.presigned(expires=599)
    assert refused == ask.expected(400, "RequestExpired", "RequestExpired", "Request has expired."), refused
    alive = ask.presigned(expires=800)
    assert alive == (200, "", ""), alive
    at(monkeypatch, now() + datetime.timedelta(minutes=16))
    early = ask.presigned(expires=800)
    assert early[:2] == ask.expected(403, "InvalidSignatureException", "SignatureDoesNotMatch")[:2]
    assert early[2].startswith("Signature not yet current: ")


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


def test_tags_of_a_new_queue_need_the_right_to_tag(secured):
    maker, name = client(secured, "HDMAKER"), new_name()
    status, _, text = failure(maker.create_queue, QueueName=name, tags={"team": "shop"})
    assert status == 403 and "sqs:tagqueue on resource" in text, text
    maker.create_queue(QueueName=name)
    assert "Tags" not in client(secured).list_queue_tags(QueueUrl=f"{secured.url}/{ACCOUNT}/{name}")


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
