"""Requests that no SDK would send, and the shape of SQS's errors on the wire."""
import contextlib
import json
import socket
import urllib.parse

import botocore.exceptions
import pytest

from howdah import SPEAKS_QUERY, Answer, request

CORAL = {"InvalidParameterValueException", "MissingRequiredParameterException", "UnknownOperationException",
         "SerializationException", "AccessDeniedException", "InternalFailure"}
# Query codes whose shape is not their last word.
SHAPES = {"AWS.SimpleQueueService.NonExistentQueue": "QueueDoesNotExist", "QueueAlreadyExists": "QueueNameExists",
          "InvalidParameterValue": "InvalidParameterValueException", "MissingParameter": "MissingRequiredParameterException",
          "InvalidAction": "UnknownOperationException", "MalformedInput": "SerializationException"}
QUERY_TEXTS = {"The specified queue does not exist.":
               "The specified queue does not exist for this wsdl version."}
STATUS = {"ReceiptHandleIsInvalid": 404, "ResourceNotFoundException": 404, "OverLimit": 403, "RequestThrottled": 403,
          "AWS.SimpleQueueService.PurgeQueueInProgress": 403}


def shape_of(code):
    return SHAPES.get(code, code.rpartition(".")[2])


@contextlib.contextmanager
def fails(code, text=None):
    """The block's boto3 call fails with this Query code, its status and, where given, this text; in AWS JSON also with
    its modelled shape."""
    with pytest.raises(botocore.exceptions.ClientError) as caught:
        yield caught
    answer = caught.value.response
    error = answer["Error"]
    assert error["Code"] == code, answer
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == STATUS.get(code, 400), answer
    if SPEAKS_QUERY:
        assert error["Type"] == "Sender", answer
    else:
        assert error["QueryErrorCode"] == shape_of(code), answer
    if text is not None:
        assert error["Message"] == (QUERY_TEXTS.get(text, text) if SPEAKS_QUERY else text)


def assert_error(answer, code, text=None):
    """`answer` is SQS's JSON error of this Query code, to the letter."""
    assert answer.status == STATUS.get(code, 400), answer
    shape = shape_of(code)
    namespace = "com.amazon.coral.service#" if shape in CORAL else "com.amazonaws.sqs#"
    assert answer.json["__type"] == namespace + shape, answer
    assert answer.headers["x-amzn-query-error"] == f"{code};Sender", answer
    assert answer.headers["content-type"].startswith("application/x-amz-json-1.0"), answer
    assert len(answer.headers["x-amzn-requestid"]) == 36, answer
    assert isinstance(answer.json["message"], str)
    if text is not None:
        assert answer.json["message"] == text


class Wire:
    """Raw requests to one endpoint."""

    def __init__(self, port):
        self.port = port

    def call(self, action, body, headers=None, path="/", method="POST"):
        """An AWS JSON request; `body` is bytes as they are, or anything JSON can say. A header None is left out."""
        if not isinstance(body, bytes):
            body = json.dumps(body).encode()
        sent = {"Content-Type": "application/x-amz-json-1.0", "X-Amz-Target": f"AmazonSQS.{action}", **(headers or {})}
        return request(self.port, method, path, body, {name: value for name, value in sent.items() if value is not None})

    def query(self, action, parameters, headers=None, path="/"):
        """An AWS Query request by POST; `parameters` is a dict, or bytes as they are."""
        form = f"Action={action}&".encode()
        form += parameters if isinstance(parameters, bytes) else urllib.parse.urlencode(parameters).encode()
        return request(self.port, "POST", path, form, {"Content-Type": "application/x-www-form-urlencoded", **(headers or {})})

    def connect(self, timeout=30):
        return socket.create_connection(("127.0.0.1", self.port), timeout)

    def open_request(self, action, body):
        """A request sent whole on a socket that stays open; the answer is not read."""
        payload = json.dumps(body).encode()
        connection = self.connect()
        connection.sendall(self.head(action, len(payload)) + payload)
        return connection

    def head(self, action, content_length):
        return (f"POST / HTTP/1.1\r\nHost: 127.0.0.1:{self.port}\r\nContent-Type: application/x-amz-json-1.0\r\n"
                f"X-Amz-Target: AmazonSQS.{action}\r\nContent-Length: {content_length}\r\n\r\n").encode()


def read_answer(connection):
    """One response with a Content-Length from `connection`; None where it was closed without one."""
    data = b""
    while b"\r\n\r\n" not in data:
        more = connection.recv(65536)
        if not more:
            return None
        data += more
    head, _, body = data.partition(b"\r\n\r\n")
    status_line, *lines = head.decode().split("\r\n")
    headers = [tuple(line.split(": ", 1)) for line in lines]
    length = next((int(value) for name, value in headers if name.lower() == "content-length"), 0)
    while len(body) < length:
        more = connection.recv(65536)
        if not more:
            break
        body += more
    return Answer(int(status_line.split()[1]), headers, body)


def is_closed(connection, seconds):
    """Whether the other end closes within `seconds`; what it says before is read and dropped."""
    connection.settimeout(seconds)
    try:
        while connection.recv(65536):
            pass
        return True
    except TimeoutError:
        return False
    except ConnectionError:
        return True
