"""Keys, and requests signed by botocore, which knows nothing of our code, written to a socket byte for byte."""
import contextlib
import http.client
import json
import socket

import botocore.exceptions
import pytest
from botocore.auth import SigV4Auth, SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from howdah import sqs_client

OWNER, ALICE, STRANGER = "HDOWNER", "HDALICE", "HDSTRANGER"
SECRET = "the-secret-of-the-tests-of-signatures-00"
TOKEN = "a/session+token=="
ACCOUNT, OTHER_ACCOUNT = "000000000000", "222222222222"

JSON = {"Content-Type": "application/x-amz-json-1.0"}
FORM = {"Content-Type": "application/x-www-form-urlencoded; charset=utf-8"}

CREDENTIALS = f"""
- {{access-key-id: {OWNER}, secret-access-key: "{SECRET}", account: "{ACCOUNT}"}}
- {{access-key-id: {STRANGER}, secret-access-key: "{SECRET}", account: "{OTHER_ACCOUNT}"}}
- {{access-key-id: HDTOKEN, secret-access-key: "{SECRET}", account: "{ACCOUNT}", session-token: "{TOKEN}"}}
- {{access-key-id: HDTOKENEXPIRED, secret-access-key: "{SECRET}", account: "{ACCOUNT}", session-token: "{TOKEN}",
   expires: 2020-01-01T00:00:00Z}}
- {{access-key-id: HDMAKER, secret-access-key: "{SECRET}", account: "{ACCOUNT}", user: maker,
   policy: {{Statement: [{{Effect: Allow, Action: "sqs:CreateQueue", Resource: "*"}}]}}}}
- access-key-id: {ALICE}
  secret-access-key: "{SECRET}"
  account: "{ACCOUNT}"
  user: alice
  policy: {{Statement: [{{Effect: Allow, Action: ["sqs:SendMessage", "sqs:GetQueueUrl"], Resource: "*"}}]}}
"""


def credentials_file(directory, text=CREDENTIALS):
    path = directory / "credentials.yaml"
    path.write_text(text)
    return path


def signed(method, url, headers, body, key=OWNER, secret=SECRET, token=None, region="us-east-1", expires=None,
           service="sqs"):
    """(target, headers) as botocore signs them; `expires`: presigned."""
    request = AWSRequest(method=method, url=url, headers=headers, data=body)
    credentials = Credentials(key, secret, token)
    if expires is None:
        SigV4Auth(credentials, service, region).add_auth(request)
    else:
        SigV4QueryAuth(credentials, service, region, expires=expires).add_auth(request)
    scheme_end = request.url.index("//") + 2
    slash = request.url.find("/", scheme_end)
    target = request.url[slash:] if slash >= 0 else "/"
    return target, [(name, value) for name, value in request.headers.items()]


def head(method, target, host, headers, body):
    lines = [f"{method} {target} HTTP/1.1", f"Host: {host}", *(f"{name}: {value}" for name, value in headers),
             f"Content-Length: {len(body)}"]
    return "\r\n".join(lines).encode() + b"\r\n\r\n"


class Line:
    """One connection kept open; a request a time."""

    def __init__(self, port):
        self.port = port
        self.socket = None

    def ask(self, request):
        """(status, headers, body) of the answer to these bytes."""
        for attempt in (1, 2):
            if self.socket is None:
                self.socket = socket.create_connection(("127.0.0.1", self.port), timeout=30)
            try:
                self.socket.sendall(request)
                response = http.client.HTTPResponse(self.socket)
                response.begin()
                answer = response.status, {k.lower(): v for k, v in response.getheaders()}, response.read()
                if answer[1].get("connection", "").lower() == "close":
                    self.close()
                return answer
            except (OSError, http.client.HTTPException):
                self.close()
                if attempt == 2:
                    raise

    def close(self):
        with contextlib.suppress(OSError):
            if self.socket is not None:
                self.socket.close()
        self.socket = None


def error_code(answer):
    """The Query code of an error, empty for success."""
    if answer[0] < 400:
        return ""
    in_xml = answer[2].decode(errors="replace").partition("<Code>")[2].partition("</Code>")[0]
    return answer[1].get("x-amzn-query-error", "").partition(";")[0] or in_xml


def json_request(server, action, body, **options):
    """The bytes of a signed AWS JSON request."""
    host = f"127.0.0.1:{server.port}"
    body = json.dumps(body).encode()
    target, headers = signed("POST", f"http://{host}/", {**JSON, "X-Amz-Target": f"AmazonSQS.{action}"}, body, **options)
    return head("POST", target, host, headers, body) + body


def client(server, key=OWNER, secret=SECRET):
    return sqs_client(server.url, key=key, secret=secret)


def failure(call, **arguments):
    """(status, code, text) of what the call is refused with."""
    with pytest.raises(botocore.exceptions.ClientError) as failed:
        call(**arguments)
    error = failed.value.response
    return error["ResponseMetadata"]["HTTPStatusCode"], error["Error"]["Code"], error["Error"]["Message"]


def policy(*statements):
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def allow(principal, *actions, **more):
    return {"Effect": "Allow", "Principal": principal, "Action": list(actions), "Resource": "*", **more}
