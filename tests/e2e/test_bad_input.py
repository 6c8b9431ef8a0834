"""What no SDK would send. Each answer is SQS's own error where it has one; the server stays up, keeps no descriptor and
serves its other clients meanwhile."""
import json
import socket
import time
import urllib.parse

import pytest

from digests import md5
from howdah import eventually
from test_messages import counts, receive_one
from test_protocols import elements, texts
from wire import STATUS, Wire, assert_error, is_closed, read_answer


@pytest.fixture(autouse=True)
def server_stays_well(server, sqs, queue):
    """After each test the server answers, and holds no more descriptors than before it."""
    sqs.send_message(QueueUrl=queue, MessageBody="before")
    before = server.open_files()
    began = server.process.pid
    yield
    assert server.process.poll() is None and server.process.pid == began, server.log()[-4000:]
    assert server.admin("GET", "/healthz").status == 200
    sqs.send_message(QueueUrl=queue, MessageBody="after")
    eventually(lambda: server.open_files() <= before + 1, "the test's connections are closed")
    assert server.metric("howdah_requests_total", code="500") == 0


# ---- JSON

@pytest.mark.parametrize("body", [
    b"{", b"}", b"{]", b'{"QueueUrl"}', b'{"QueueUrl":}', b'{"QueueUrl":"x",}', b"{'QueueUrl':'x'}", b"nul", b'"text',
    b'{"QueueUrl":"\\q"}', b'{"QueueUrl":"\\u12"}', b'{"a":01}', b'{"a":1}{"b":2}', b"{} trailing", b'{"a":"\n"}',
    b"\x00", b"\xef\xbb\xbf{", b"Action=SendMessage&MessageBody=x", b"<xml/>"])
def test_malformed_json(wire, body):
    assert_error(wire.call("SendMessage", body), "MalformedInput")


@pytest.mark.parametrize("body", [b"[]", b"[1,2]", b'"text"', b"1", b"true", b"null"])
def test_json_that_is_no_object(wire, body):
    answer = wire.call("ListQueues", body)
    if body == b"null":
        assert answer.status in (200, 400)
    else:
        assert_error(answer, "MalformedInput")


@pytest.mark.parametrize("body", [b"", b"{}", b" \r\n\t{ } \n"])
def test_an_empty_body_is_an_empty_object(wire, body):
    assert wire.call("ListQueues", body).status == 200


@pytest.mark.parametrize("action,member,value", [
    ("SendMessage", "MessageBody", []), ("SendMessage", "MessageBody", {}), ("SendMessage", "MessageBody", True),
    ("SendMessage", "MessageBody", 5), ("SendMessage", "DelaySeconds", "5"), ("SendMessage", "DelaySeconds", []),
    ("SendMessage", "DelaySeconds", {}), ("SendMessage", "DelaySeconds", True),
    ("SendMessage", "MessageAttributes", []), ("SendMessage", "MessageAttributes", "x"),
    ("SendMessage", "MessageAttributes", {"a": "b"}), ("SendMessage", "MessageAttributes", {"a": {"DataType": 1}}),
    ("SendMessage", "MessageAttributes", {"a": {"DataType": "Binary", "BinaryValue": "not base64!"}}),
    ("SendMessage", "QueueUrl", 1), ("SendMessage", "QueueUrl", ["x"]),
    ("ReceiveMessage", "MaxNumberOfMessages", "10"), ("ReceiveMessage", "AttributeNames", "All"),
    ("ReceiveMessage", "AttributeNames", [1]), ("ReceiveMessage", "AttributeNames", {"a": "b"}),
    ("SendMessageBatch", "Entries", {}), ("SendMessageBatch", "Entries", "x"), ("SendMessageBatch", "Entries", ["x"]),
    ("CreateQueue", "Attributes", ["x"]), ("CreateQueue", "Attributes", {"DelaySeconds": 5}),
    ("CreateQueue", "QueueName", {"a": 1}), ("DeleteMessage", "ReceiptHandle", 5)])
def test_wrong_types(wire, queue, action, member, value):
    body = {"QueueUrl": queue, "MessageBody": "x", "QueueName": "x", "ReceiptHandle": "x"} | {member: value}
    assert_error(wire.call(action, body), "MalformedInput")


@pytest.mark.parametrize("number", [b"1e400", b"99999999999999999999", b"-1e5", b"2147483648", b"1.5", b"-0", b"1E1"])
def test_numbers_that_do_not_fit(wire, queue, number):
    answer = wire.call("SendMessage", b'{"QueueUrl":"%s","MessageBody":"x","DelaySeconds":%s}' % (queue.encode(), number))
    assert answer.status in (200, 400), answer
    if answer.status == 200:
        assert number in (b"-0", b"1E1", b"1.5")


def test_unknown_members_are_ignored(wire, queue):
    answer = wire.call("SendMessage", {"QueueUrl": queue, "MessageBody": "x", "Unknown": {"deep": [1, {"er": None}]},
                                       "messagebody": "other", "": 1, "DelaySeconds": None})
    assert answer.status == 200


def test_a_member_given_twice_does_no_harm(wire, queue):
    answer = wire.call("SendMessage", b'{"QueueUrl":"%s","MessageBody":"a","MessageBody":"b"}' % queue.encode())
    assert answer.status in (200, 400)


@pytest.mark.parametrize("opening,closing", [(b"[", b"]"), (b'{"a":', b"}")])
@pytest.mark.parametrize("depth", [100, 100_000, 2_000_000])
def test_deep_nesting(wire, opening, closing, depth):
    body = b'{"Unknown":' + opening * depth + b"1" + closing * depth + b"}"
    answer = wire.call("ListQueues", body)
    assert answer.status == 400 or (depth == 100 and answer.status == 200), answer
    if answer.status == 400:
        assert_error(answer, "MalformedInput")


def test_deep_nesting_that_never_closes(wire):
    assert_error(wire.call("ListQueues", b"[" * 4_000_000), "MalformedInput")


def test_a_hundred_thousand_members(wire, queue):
    body = {f"member{n}": n for n in range(100_000)} | {"QueueUrl": queue, "MessageBody": "x"}
    assert wire.call("SendMessage", body).status in (200, 400)


def test_a_hundred_thousand_attributes(wire, queue):
    attributes = {f"a{n}": {"DataType": "String", "StringValue": "x"} for n in range(100_000)}
    answer = wire.call("SendMessage", {"QueueUrl": queue, "MessageBody": "x", "MessageAttributes": attributes})
    assert_error(answer, "InvalidParameterValue")


@pytest.mark.parametrize("broken", [b"\xff", b"\xc3", b"\xc0\x80", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"\xf8\x88\x80\x80\x80"])
@pytest.mark.parametrize("where", ["body", "attribute", "name", "url", "unknown"])
def test_invalid_utf_8(wire, queue, broken, where):
    pieces = {"body": b"x", "attribute": b"x", "name": b"a", "url": b"", "unknown": b""} | {where: b"a" + broken + b"z"}
    answer = wire.call("SendMessage", b'{"QueueUrl":"%s%s","MessageBody":"%s","Unknown":"%s",'
                       b'"MessageAttributes":{"%s":{"DataType":"String","StringValue":"%s"}}}' % (
                           queue.encode(), pieces["url"], pieces["body"], pieces["unknown"], pieces["name"],
                           pieces["attribute"]))
    assert 400 <= answer.status < 500, answer
    assert answer.headers["x-amzn-query-error"].endswith(";Sender")


def test_text_in_an_error_is_valid_json_whatever_was_sent(wire, queue):
    for handle in ('quote " and \\ backslash', "line\nfeed", "\x01\x1f", "é😀", "</script>"):
        answer = wire.call("DeleteMessage", {"QueueUrl": queue, "ReceiptHandle": handle})
        assert answer.json["message"] == f'The input receipt handle "{handle}" is not a valid receipt handle.'


# ---- AWS Query

def assert_query_error(answer, code, text=None):
    """`answer` is SQS's XML error of this code."""
    assert answer.status == STATUS.get(code, 400), answer
    root = elements(answer)
    assert texts(root, "Error", "Code") == [code], answer
    if text is not None:
        assert texts(root, "Error", "Message") == [text]


@pytest.mark.parametrize("form", [
    b"MessageBody=%", b"MessageBody=%4", b"MessageBody=%zz", b"MessageBody=a%", b"%zz=a", b"MessageBody=%ff", b"MessageBody=%c3",
    b"MessageBody=%ed%a0%80", b"MessageBody=\xff", b"MessageBody=x&MessageGroupId=%c0%80"])
def test_broken_encodings_in_a_form(wire, queue, form):
    assert_query_error(wire.query("SendMessage", b"QueueUrl=%s&" % queue.encode() + form), "MalformedInput")


@pytest.mark.parametrize("form", [b"", b"&", b"&&&&", b"=", b"=x", b"MessageBody", b"MessageBody=", b"messagebody=x",
                                  b"MessageBody.1=x", b"\0=\0"])
def test_forms_without_a_body(wire, queue, form):
    assert_query_error(wire.query("SendMessage", b"QueueUrl=%s&" % queue.encode() + form), "MissingParameter",
                       "The request must contain the parameter MessageBody.")


@pytest.mark.parametrize("form,names", [
    (b"AttributeName.1=DelaySeconds&AttributeName.3=VisibilityTimeout", {"DelaySeconds", "VisibilityTimeout"}),
    (b"AttributeName.9=DelaySeconds&AttributeName.2=VisibilityTimeout", {"DelaySeconds", "VisibilityTimeout"}),
    (b"AttributeName.100000=DelaySeconds", {"DelaySeconds"}),
    (b"AttributeName=DelaySeconds", {"DelaySeconds"}), (b"AttributeName=", set()),
    (b"AttributeName.x=DelaySeconds", set()), (b"AttributeName.=DelaySeconds", set()), (b"AttributeName.-1=DelaySeconds", set()),
    (b"AttributeName.99999999999999999999=DelaySeconds", set())])
def test_indexes_of_every_kind(wire, queue, form, names):
    answer = wire.query("GetQueueAttributes", b"QueueUrl=%s&" % queue.encode() + form)
    assert answer.status == 200, answer
    assert set(texts(elements(answer), "GetQueueAttributesResult", "Attribute", "Name")) == names


@pytest.mark.parametrize("form", [b"AttributeName.1=DelaySeconds&AttributeName.1=VisibilityTimeout",
                                  b"AttributeName=DelaySeconds&AttributeName.1=VisibilityTimeout",
                                  b"AttributeName.01=DelaySeconds&AttributeName.1=VisibilityTimeout"])
def test_an_index_given_twice_does_no_harm(wire, queue, form):
    answer = wire.query("GetQueueAttributes", b"QueueUrl=%s&" % queue.encode() + form)
    assert answer.status in (200, 400), answer


@pytest.mark.parametrize("number", ["", "x", "1.5", "1e1", "0x1", " 1", "99999999999999999999", "2147483648", "-0", "+1", "１"])
def test_numbers_in_a_form_that_do_not_fit(wire, queue, number):
    answer = wire.query("SendMessage", {"QueueUrl": queue, "MessageBody": "x", "DelaySeconds": number})
    if answer.status != 200:
        assert_query_error(answer, "MalformedInput")
    else:
        assert number in ("", "-0", "+1")


def test_wrong_base64_in_a_form(wire, queue):
    for value in ("!!!!", "A", "AA=A", "AAAA=", "é"):
        assert_query_error(wire.query("SendMessage", {
            "QueueUrl": queue, "MessageBody": "x", "MessageAttribute.1.Name": "a",
            "MessageAttribute.1.Value.DataType": "Binary", "MessageAttribute.1.Value.BinaryValue": value}), "MalformedInput")


@pytest.mark.parametrize("count", [10_000, 200_000])
def test_a_form_of_very_many_parameters(wire, queue, count):
    form = b"QueueUrl=%s&MessageBody=x&" % queue.encode() + b"&".join(b"p%d=v" % n for n in range(count))
    answer = wire.query("SendMessage", form)
    if count == 10_000:
        assert answer.status == 200, answer
    else:
        assert_query_error(answer, "MalformedInput")


@pytest.mark.parametrize("body", [
    "</Body></Message><x>", "]]>", "<![CDATA[ x ]]>", "<!DOCTYPE x [<!ENTITY y SYSTEM \"file:///etc/passwd\">]>&y;", "&amp;&#13;&#0;",
    "\r", "\r\n\r", "\t\n ", "\u0085\u2028\ufeff", "\U0010ffff\ufffd", "'\"`"])
def test_a_body_that_is_hostile_to_xml(wire, queue, body):
    sent = wire.query("SendMessage", {"QueueUrl": queue, "MessageBody": body})
    assert texts(elements(sent), "SendMessageResult", "MD5OfMessageBody") == [md5(body)]
    received = elements(wire.query("ReceiveMessage", {"QueueUrl": queue, "MaxNumberOfMessages": "10"}))
    assert body in texts(received, "ReceiveMessageResult", "Message", "Body")


def test_text_in_an_error_is_valid_xml_whatever_was_sent(wire, queue):
    for handle in ("<a>&b</a>", 'quote " and \' ]]>', "line\r\nfeed", "é😀"):
        assert_query_error(wire.query("DeleteMessage", {"QueueUrl": queue, "ReceiptHandle": handle}), "ReceiptHandleIsInvalid",
                           f'The input receipt handle "{handle}" is not a valid receipt handle.')
    answer = wire.query("DeleteMessage", {"QueueUrl": queue, "ReceiptHandle": "\x01\x1f\ufffe"})  # which XML cannot carry
    assert_query_error(answer, "ReceiptHandleIsInvalid")


@pytest.mark.parametrize("action", ["NoSuchAction", "sendmessage", "", "SendMessage.x", "A" * 5000, "<x>", "%00"])
def test_unknown_actions_in_a_form(wire, queue, action):
    for path in ("/", "/" + queue.split("/", 3)[3]):
        answer = wire.query(action, {"QueueUrl": queue}, path=path)
        assert answer.status == 400, answer
        assert texts(elements(answer), "Error", "Code")[0] in ("InvalidAction", "MissingParameter")


# ---- Target, content type, method, path

@pytest.mark.parametrize("target", ["AmazonSQS.NoSuchAction", "AmazonSQS.", "AmazonSQS", "", "SendMessage",
                                    "DynamoDB_20120810.ListTables", "AmazonSQS.sendmessage", "AmazonSQS.SendMessage.x",
                                    "A" * 5000])
def test_unknown_targets(wire, target):
    assert_error(wire.call("", {}, {"X-Amz-Target": target}), "InvalidAction")


def test_no_target(wire):
    assert_error(wire.call("", {}, {"X-Amz-Target": None}), "InvalidAction")


@pytest.mark.parametrize("content_type", ["application/x-amz-json-1.0; charset=utf-8", "application/json", None])
def test_content_types_that_pass_with_a_target(wire, queue, content_type):
    assert wire.call("SendMessage", {"QueueUrl": queue, "MessageBody": "x"}, {"Content-Type": content_type}).status == 200


@pytest.mark.parametrize("content_type", ["text/plain", "multipart/form-data; boundary=x", "x" * 1000])
def test_wrong_content_types(wire, content_type):
    assert_error(wire.call("ListQueues", {}, {"Content-Type": content_type}), "InvalidAction")


@pytest.mark.parametrize("content_type", ["text/plain", "application/json", "multipart/form-data; boundary=x", None])
def test_neither_target_nor_a_content_type_of_aws(wire, content_type):
    answer = wire.call("", b"{}", {"X-Amz-Target": None, "Content-Type": content_type})
    assert 400 <= answer.status < 500, answer


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "HEAD", "OPTIONS", "TRACE", "BREW"])
def test_other_methods(wire, method):
    answer = wire.call("", b"", {"X-Amz-Target": None, "Content-Type": None}, method=method)
    assert answer.status < 500 or answer.status == 501, answer


@pytest.mark.parametrize("path", ["/%00", "/%ff%fe", "/..%2f..%2fetc/passwd", "//", "/a/b/c/d/e", "/?" + "a=b&" * 1000])
def test_odd_paths(wire, queue, path):
    answer = wire.call("SendMessage", {"QueueUrl": queue, "MessageBody": "x"}, path=path)
    assert answer.status < 500, answer


# ---- HTTP

def exchange(wire, data, half_close=False):
    with wire.connect(15) as connection:
        connection.sendall(data)
        if half_close:
            connection.shutdown(1)
        return read_answer(connection)


@pytest.mark.parametrize("data", [
    b"nonsense\r\n\r\n", b"GET\r\n\r\n", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", b"GET / HTTP/9.9\r\n\r\n",
    b"POST / HTTP/1.1\r\nContent-Length: abc\r\n\r\n", b"POST / HTTP/1.1\r\nContent-Length: -5\r\n\r\n",
    b"POST / HTTP/1.1\r\nContent-Length: 99999999999999999999999\r\n\r\n",
    b"POST / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nxx",
    b"POST / HTTP/1.1\r\nHost: a\r\nbroken header\r\n\r\n", b"POST / HTTP/1.1\r\nHost: a\r\n: empty name\r\n\r\n",
    b"POST / HTTP/1.1\r\nHost: a\r\nX: a\x00b\r\n\r\n",
    b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
    b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffffff\r\n"],
    ids=range(14))
def test_what_is_not_http(wire, data):
    answer = exchange(wire, data, half_close=True)
    assert answer is None or 400 <= answer.status < 500 or answer.status == 505, answer


@pytest.mark.parametrize("headers", [
    b"X: " + b"a" * 200_000, b"A" * 200_000 + b": x", b"\r\n".join(b"X-%d: y" % n for n in range(5000)),
    b"Cookie: " + b"a=b; " * 50_000], ids=["value", "name", "count", "cookie"])
def test_huge_headers(wire, headers):
    answer = exchange(wire, b"POST / HTTP/1.1\r\nHost: a\r\n" + headers + b"\r\nContent-Length: 0\r\n\r\n")
    assert answer is None or answer.status in (400, 431), answer


def test_a_huge_request_line(wire):
    answer = exchange(wire, b"GET /" + b"a" * 200_000 + b" HTTP/1.1\r\nHost: a\r\n\r\n")
    assert answer is None or answer.status in (400, 414, 431), answer


def test_a_body_over_the_limit_is_refused_before_it_is_read(wire):
    with wire.connect() as connection:
        connection.sendall(wire.head("SendMessage", 10 * 1024**3))
        assert read_answer(connection).status == 413


def test_a_chunked_body_over_the_limit_is_refused(wire, server):
    with wire.connect() as connection:
        connection.sendall(wire.head("SendMessage", 0).replace(b"Content-Length: 0", b"Transfer-Encoding: chunked"))
        chunk = b"100000\r\n" + b"a" * 0x100000 + b"\r\n"
        try:
            for _ in range(64):
                connection.sendall(chunk)
        except ConnectionError:
            pass
        try:
            answer = read_answer(connection)
        except ConnectionError:
            answer = None  # closed while we were still sending
    assert answer is None or answer.status == 413, answer
    assert server.metric("process_resident_memory_bytes") < 500e6


def test_a_chunked_body_is_read(wire, queue):
    body = json.dumps({"QueueUrl": queue, "MessageBody": "chunked"}).encode()
    chunks = b"".join(b"%x\r\n%s\r\n" % (len(body[n:n + 7]), body[n:n + 7]) for n in range(0, len(body), 7)) + b"0\r\n\r\n"
    head = wire.head("SendMessage", 0).replace(b"Content-Length: 0", b"Transfer-Encoding: chunked")
    assert exchange(wire, head + chunks).status == 200


def test_expect_100_continue(wire, queue):
    body = json.dumps({"QueueUrl": queue, "MessageBody": "x"}).encode()
    with wire.connect() as connection:
        connection.sendall(wire.head("SendMessage", len(body)).replace(b"\r\n\r\n", b"\r\nExpect: 100-continue\r\n\r\n"))
        assert connection.recv(1000).startswith(b"HTTP/1.1 100 ")
        connection.sendall(body)
        assert read_answer(connection).status == 200


def test_pipelined_requests_are_answered_in_order(wire, queue):
    bodies = [json.dumps({"QueueUrl": queue, "MessageBody": f"pipelined {n}"}).encode() for n in range(20)]
    with wire.connect() as connection:
        connection.sendall(b"".join(wire.head("SendMessage", len(body)) + body for body in bodies))
        answers = []
        data = b""
        while len(answers) < 20:
            data += connection.recv(65536)
            while (end := data.find(b"\r\n\r\n")) >= 0:
                length = int(next(line for line in data[:end].decode().split("\r\n")
                                  if line.lower().startswith("content-length")).split(":")[1])
                if len(data) < end + 4 + length:
                    break
                answers.append(json.loads(data[end + 4:end + 4 + length]))
                data = data[end + 4 + length:]
    assert [one["MD5OfMessageBody"] for one in answers] == [md5(f"pipelined {n}") for n in range(20)]


def test_a_truncated_body_does_nothing(wire, sqs, make_queue):
    queue = make_queue()
    body = json.dumps({"QueueUrl": queue, "MessageBody": "whole"}).encode()
    for cut in (0, 1, len(body) // 2, len(body) - 1):
        answer = exchange(wire, wire.head("SendMessage", len(body)) + body[:cut], half_close=True)
        assert answer is None or answer.status == 400
    assert "Messages" not in sqs.receive_message(QueueUrl=queue)


def test_half_requests_stall_no_neighbour(sqs, wire, queue):
    head = wire.head("SendMessage", 100)
    half = [wire.connect() for _ in range(100)]
    for number, connection in enumerate(half):
        connection.sendall(head[:len(head) * (number % 10 + 1) // 11])
    began = time.monotonic()
    for _ in range(20):
        sqs.send_message(QueueUrl=queue, MessageBody="x")
    assert time.monotonic() - began < 5
    for connection in half:
        connection.close()


def test_half_requests_that_never_end_are_ended(new_server, postgres):
    impatient = new_server("--database-url", postgres.database(), "--http-header-timeout", "1s",
                           "--http-body-timeout", "1s", "--http-idle-timeout", "2s").start()
    wire = Wire(impatient.port)
    head = wire.head("SendMessage", 100)
    for started in (head[:10], head[:-2], head, head + b'{"half":'):
        with wire.connect() as connection:
            connection.sendall(started)
            assert is_closed(connection, 6), started
    with wire.connect() as silent:
        assert is_closed(silent, 8)
    # Byte by byte is no way to stay either.
    with wire.connect() as slow:
        began = time.monotonic()
        try:
            for byte in head:
                slow.sendall(bytes([byte]))
                if is_closed(slow, 0.1):
                    break
        except ConnectionError:
            pass
        assert time.monotonic() - began < 6


def test_a_reader_that_does_not_read_stalls_nobody(sqs, wire, make_queue):
    queue = make_queue()
    for _ in range(10):
        sqs.send_message(QueueUrl=queue, MessageBody="a" * 1_000_000)
    stuck = [wire.open_request("ReceiveMessage", {"QueueUrl": queue, "MaxNumberOfMessages": 10, "VisibilityTimeout": 0})
             for _ in range(3)]
    other = make_queue()
    for _ in range(10):
        sqs.send_message(QueueUrl=other, MessageBody="x")
        receive_one(sqs, other)
    for connection in stuck:
        connection.close()


def test_a_response_that_there_is_no_memory_for_is_service_unavailable_and_counted_so(new_server, postgres):
    server = new_server("--database-url", postgres.database(), "--http-bytes-in-flight", "64MiB").start()
    sqs = server.client()
    queue = sqs.create_queue(QueueName="full")["QueueUrl"]
    sent = 20
    for _ in range(sent):
        sqs.send_message(QueueUrl=queue, MessageBody="&" * 1_000_000)  # five times that in XML, which no socket takes whole
    receive = {"QueueUrl": queue, "VisibilityTimeout": "600"}
    form = ("Action=ReceiveMessage&" + urllib.parse.urlencode(receive)).encode()
    stuck = []
    while server.metric("howdah_requests_total", action="ReceiveMessage", code="503") == 0:
        assert len(stuck) < sent
        stuck.append(socket.socket())
        stuck[-1].setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        stuck[-1].connect(("127.0.0.1", server.port))
        stuck[-1].sendall(b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/x-www-form-urlencoded\r\n"
                          b"Content-Length: %d\r\n\r\n" % len(form) + form)
        answered = 1 + sent + len(stuck)
        eventually(lambda: server.metric("howdah_requests_total") == answered, "the receive is answered")
    assert server.metric("howdah_request_errors_total", action="ReceiveMessage", error="ServiceUnavailable") == 1
    assert server.metric("howdah_connections_rejected_total", reason="memory") == 1
    answer = read_answer(stuck[-1])
    assert answer.status == 503 and answer.headers["retry-after"] == "1"
    assert "<Code>ServiceUnavailable</Code>" in answer.text
    eventually(lambda: counts(sqs, queue)[0] == sent - (len(stuck) - 1), "what it was to bring is given back")
    for connection in stuck:
        connection.close()
    eventually(lambda: counts(sqs, queue)[0] == sent, "what no client took is given back")
