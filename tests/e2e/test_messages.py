"""Send, receive and delete: what a message carries and keeps, sizes, delays, counts, receipt handles."""
import json
import random
import time

import pytest

from digests import attributes_md5, md5
from wire import assert_error, fails

COUNTS = ("ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible", "ApproximateNumberOfMessagesDelayed")


def counts(sqs, queue):
    """(visible, in flight, delayed)"""
    shown = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=list(COUNTS))["Attributes"]
    return tuple(int(shown[name]) for name in COUNTS)


def receive_one(sqs, queue, **request):
    received = sqs.receive_message(QueueUrl=queue, **{"WaitTimeSeconds": 2, **request}).get("Messages", [])
    assert len(received) == 1
    return received[0]


def receive_all(sqs, queue, **request):
    received = []
    while True:
        more = sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10, **request).get("Messages")
        if not more:
            return received
        received += more


# ---- Bodies

# Every kind of allowed character, the bounds of each range among them, and what a careless codec would change.
EVERY_KIND = ("\t\n\r\r\n plain <tag attr=\"v\">&amp;'</tag> \\ \\u0041 % + \x20\x7e\x7f\x80\x85\xa0é"
              "\u2028\u2029\ud7ff\ue000\ufdd0\ufeff\ufffd\U00010000😀\U0010fffe\U0010ffff e\u0301 trailing  \n")


@pytest.mark.parametrize("body", [
    "x", "hello", "café 😀", " leading and trailing ", "\n", EVERY_KIND, '{"json":"\\u0000 as text"}', "null", "0"])
def test_11_10_a_body_comes_back_byte_for_byte(sqs, queue, body):
    sent = sqs.send_message(QueueUrl=queue, MessageBody=body)
    assert sent["MD5OfMessageBody"] == md5(body)
    received = receive_one(sqs, queue)
    assert received["Body"] == body
    assert received["MD5OfBody"] == md5(body)
    assert received["MessageId"] == sent["MessageId"]


def test_known_digests_of_bodies(sqs, queue):
    known = {"hello": "5d41402abc4b2a76b9719d911017c592", "message": "78e731027d8fd50ed642340b7c9a63b3",
             "café 😀": "77363a4752ff4d95e47ec96c6b215330"}
    for body, digest in known.items():
        assert sqs.send_message(QueueUrl=queue, MessageBody=body)["MD5OfMessageBody"] == digest


def test_escaped_and_plain_characters_are_the_same_body(wire, queue):
    escaped = json.dumps({"QueueUrl": queue, "MessageBody": EVERY_KIND}, ensure_ascii=True).encode()
    plain = json.dumps({"QueueUrl": queue, "MessageBody": EVERY_KIND}, ensure_ascii=False).encode()
    assert {wire.call("SendMessage", body).json["MD5OfMessageBody"] for body in (escaped, plain)} == {md5(EVERY_KIND)}


@pytest.mark.parametrize("character", ["\0", "\x01", "\x08", "\x0b", "\x0c", "\x1b", "\x1f", "\ufffe", "\uffff"])
def test_forbidden_characters_are_refused(sqs, queue, character):
    with fails("InvalidMessageContents"):
        sqs.send_message(QueueUrl=queue, MessageBody=f"before{character}after")
    assert counts(sqs, queue) == (0, 0, 0)


@pytest.mark.parametrize("surrogate", [r"\ud800", r"\udfff", r"\ud83d x", r"\ude00\ud83d"])
def test_lone_surrogates_are_refused(wire, queue, surrogate):
    answer = wire.call("SendMessage", f'{{"QueueUrl":"{queue}","MessageBody":"{surrogate}"}}'.encode())
    assert answer.status == 400, answer
    assert answer.headers["x-amzn-query-error"] in ("InvalidMessageContents;Sender", "MalformedInput;Sender")


@pytest.mark.parametrize("kind", ["ascii", "two bytes", "four bytes", "escaped"])
def test_11_31_a_body_of_exactly_one_mebibyte_is_taken_and_one_byte_more_is_not(sqs, queue, kind):
    unit = {"ascii": "a", "two bytes": "é", "four bytes": "😀", "escaped": "\n"}[kind]
    body = unit * (1048576 // len(unit.encode()))
    assert sqs.send_message(QueueUrl=queue, MessageBody=body)["MD5OfMessageBody"] == md5(body)
    received = receive_one(sqs, queue)
    assert received["Body"] == body and received["MD5OfBody"] == md5(body)
    with fails("InvalidParameterValue",
               "One or more parameters are invalid. Reason: Message must be shorter than 1048576 bytes."):
        sqs.send_message(QueueUrl=queue, MessageBody=body + "a")


def test_a_mebibyte_in_escapes_of_six_bytes_is_taken(wire, queue):
    body = b"\\u0061" * 1048576
    answer = wire.call("SendMessage", b'{"QueueUrl":"%s","MessageBody":"%s"}' % (queue.encode(), body))
    assert answer.status == 200, answer
    assert answer.json["MD5OfMessageBody"] == md5("a" * 1048576)


def test_the_queue_own_maximum_counts_attributes_too(sqs, make_queue):
    queue = make_queue(MaximumMessageSize=1024)
    attribute = {"name": {"DataType": "Binary.x", "BinaryValue": bytes(100)}}  # 4 + 8 + 100 bytes
    sqs.send_message(QueueUrl=queue, MessageBody="a" * (1024 - 112), MessageAttributes=attribute)
    with fails("InvalidParameterValue",
               "One or more parameters are invalid. Reason: Message must be shorter than 1024 bytes."):
        sqs.send_message(QueueUrl=queue, MessageBody="a" * (1024 - 111), MessageAttributes=attribute)


@pytest.mark.parametrize("body", [{}, {"MessageBody": ""}, {"MessageBody": None}])
def test_a_message_needs_a_body(wire, queue, body):
    assert_error(wire.call("SendMessage", {"QueueUrl": queue, **body}), "MissingParameter",
                 "The request must contain the parameter MessageBody.")


def test_message_ids_are_uuids_and_all_differ(sqs, queue):
    ids = {sqs.send_message(QueueUrl=queue, MessageBody="x")["MessageId"] for _ in range(20)}
    assert len(ids) == 20
    assert all(len(one) == 36 and one.count("-") == 4 for one in ids)


# ---- Message attributes

ALL_TYPES = {
    "s": {"DataType": "String", "StringValue": "text é 😀"}, "S": {"DataType": "String.label", "StringValue": " "},
    "n": {"DataType": "Number", "StringValue": "-12.50e3"}, "N.x-y_z": {"DataType": "Number.java.lang.Long",
                                                                        "StringValue": "0001"},
    "b": {"DataType": "Binary", "BinaryValue": bytes(range(256))}, "B": {"DataType": "Binary.png", "BinaryValue": b"\0"}}


def test_11_7_attributes_of_every_type_come_back_with_their_digest(sqs, queue):
    sent = sqs.send_message(QueueUrl=queue, MessageBody="x", MessageAttributes=ALL_TYPES)
    assert sent["MD5OfMessageAttributes"] == attributes_md5(ALL_TYPES)
    received = receive_one(sqs, queue, MessageAttributeNames=["All"])
    assert received["MessageAttributes"] == ALL_TYPES
    assert received["MD5OfMessageAttributes"] == attributes_md5(ALL_TYPES)


@pytest.mark.parametrize("attributes,digest", [
    ({"Foo": ("String", "Bar")}, "ae7155c6026991b6d54b11589678bf9c"),
    ({"color": ("String", "blue"), "count": ("Number", "3"), "blob": ("Binary", b"\1\2\3")},
     "d838729972a4b70e2d2acd9d59ac847c"),
    ({"k": ("String", "x")}, "a45daa70926828a2f0a1db3418e6feb4"),
    ({"timestamp": ("Number", "1493147359900")}, "235c5c510d26fb653d073faed50ae77c"),
    ({"timestamp": ("Number.java.lang.Long", "1")}, "6735a2d7fe7f0e962a51db579c2d92cb"),
    ({"customNumberTypeAttrib": ("Number.float", "4563442423554324324264524243.32543234")},
     "9fe1b90bbd9965bdf77bac517c7d2495"),
    ({"Hello": ("String", "There"), "General": ("String", "Kenobi"), "Help.Me": ("String", "Me")},
     "4c360f3fdafd970e05fae2f149d997f5")])
def test_known_digests_of_attributes(sqs, queue, attributes, digest):
    sent = {name: {"DataType": kind, "BinaryValue" if kind == "Binary" else "StringValue": value}
            for name, (kind, value) in attributes.items()}
    assert sqs.send_message(QueueUrl=queue, MessageBody="x", MessageAttributes=sent)["MD5OfMessageAttributes"] == digest


@pytest.mark.parametrize("asked,got", [
    (["Hello"], {"Hello"}), (["Hello", "General"], {"Hello", "General"}), (["Hel.*"], {"Hello", "Help.Me"}),
    (["Hel.*", "Gen.*"], {"Hello", "Help.Me", "General"}), (["All"], {"Hello", "Help.Me", "General"}),
    ([".*"], {"Hello", "Help.Me", "General"}), (["*"], {"Hello", "Help.Me", "General"}),
    (["AWS.x", "..foo", "General"], {"General"}), (["hello"], set()), (["None"], set()), ([], set())])
def test_11_8_9_24_only_the_attributes_asked_for_come_with_the_digest_of_just_those(sqs, queue, asked, got):
    sent = {name: {"DataType": "String", "StringValue": value}
            for name, value in {"Hello": "There", "General": "Kenobi", "Help.Me": "Me"}.items()}
    sqs.send_message(QueueUrl=queue, MessageBody="x", MessageAttributes=sent)
    received = receive_one(sqs, queue, MessageAttributeNames=asked, VisibilityTimeout=0)
    wanted = {name: sent[name] for name in got}
    assert received.get("MessageAttributes", {}) == wanted
    assert received.get("MD5OfMessageAttributes") == (attributes_md5(wanted) if wanted else None)
    # A receive that asks for less takes nothing away from the next.
    assert receive_one(sqs, queue, MessageAttributeNames=["All"])["MessageAttributes"] == sent


def test_11_5_6_no_attributes_no_keys(wire, queue):
    sent = wire.call("SendMessage", {"QueueUrl": queue, "MessageBody": "x", "MessageAttributes": {}}).json
    assert set(sent) == {"MessageId", "MD5OfMessageBody"}
    received = wire.call("ReceiveMessage", {"QueueUrl": queue, "MessageAttributeNames": ["All"]}).json["Messages"][0]
    assert set(received) == {"MessageId", "ReceiptHandle", "MD5OfBody", "Body"}


@pytest.mark.parametrize("name,attribute,text", [
    ("X", {"DataType": "Strange", "StringValue": "v"},
     "The type of message (user) attribute 'X' is invalid. You must use only the following supported type prefixes: "
     "Binary, Number, String."),
    ("X", {"StringValue": "v"}, "The message (user) attribute 'X' must contain a non-empty message attribute type."),
    ("X", {"DataType": "String", "StringValue": ""},
     "Message (user) attribute 'X' must contain a non-empty value of type 'String'."),
    ("X", {"DataType": "String", "BinaryValue": b"v"}, None),
    ("X", {"DataType": "Binary", "StringValue": "v"}, None),
    ("X", {"DataType": "String"}, None),
    ("X", {"DataType": "String", "StringValue": "v", "BinaryValue": b"v"}, None),
    ("X", {"DataType": "Number", "StringValue": "twelve"},
     "Can't cast the value of message (user) attribute 'X' to a number."),
    ("X", {"DataType": "Number", "StringValue": "1e999"}, None),
    ("X", {"DataType": "String", "StringValue": "\x01"}, None),
    ("AWS.X", {"DataType": "String", "StringValue": "v"}, None),
    ("amazon.X", {"DataType": "String", "StringValue": "v"}, None),
    (".X", {"DataType": "String", "StringValue": "v"}, None),
    ("X.", {"DataType": "String", "StringValue": "v"}, None),
    ("X..Y", {"DataType": "String", "StringValue": "v"}, None),
    ("X Y", {"DataType": "String", "StringValue": "v"}, None),
    ("n" * 257, {"DataType": "String", "StringValue": "v"}, None),
    ("", {"DataType": "String", "StringValue": "v"}, None)])
def test_attributes_outside_the_rules_are_refused(lax_sqs, queue, name, attribute, text):
    with fails("InvalidParameterValue", text):
        lax_sqs.send_message(QueueUrl=queue, MessageBody="x", MessageAttributes={name: attribute})
    assert counts(lax_sqs, queue) == (0, 0, 0)


def test_ten_attributes_are_taken_and_eleven_are_not(sqs, queue):
    attributes = {f"a{n}": {"DataType": "Number", "StringValue": str(n)} for n in range(10)}
    sqs.send_message(QueueUrl=queue, MessageBody="x", MessageAttributes=attributes)
    with fails("InvalidParameterValue", "Number of message attributes [11] exceeds the allowed maximum [10]."):
        sqs.send_message(QueueUrl=queue, MessageBody="x",
                         MessageAttributes=attributes | {"a10": {"DataType": "Number", "StringValue": "1"}})


def test_list_values_are_not_supported(sqs, queue):
    with fails("AWS.SimpleQueueService.UnsupportedOperation",
               "Message attribute list values in SendMessage operation are not supported."):
        sqs.send_message(QueueUrl=queue, MessageBody="x",
                         MessageAttributes={"l": {"DataType": "String", "StringListValues": ["v"]}})


# ---- System attributes

TRACE = "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1"


def test_11_11_the_trace_header_travels_and_has_its_digest(sqs, queue):
    sent = sqs.send_message(QueueUrl=queue, MessageBody="x", MessageSystemAttributes={
        "AWSTraceHeader": {"DataType": "String", "StringValue": TRACE}})
    assert sent["MD5OfMessageSystemAttributes"] == "5ae4d5d7636402d80f4eb6d213245a88"
    assert "MD5OfMessageAttributes" not in sent
    assert receive_one(sqs, queue, MessageSystemAttributeNames=["All"])["Attributes"]["AWSTraceHeader"] == TRACE


def test_the_trace_header_of_the_request_becomes_the_message_own(wire, queue):
    wire.call("SendMessage", {"QueueUrl": queue, "MessageBody": "x"}, {"X-Amzn-Trace-Id": TRACE})
    received = wire.call("ReceiveMessage", {"QueueUrl": queue, "AttributeNames": ["AWSTraceHeader"]}).json
    assert received["Messages"][0]["Attributes"] == {"AWSTraceHeader": TRACE}


def test_other_system_attributes_are_refused(sqs, queue):
    with fails("InvalidParameterValue"):
        sqs.send_message(QueueUrl=queue, MessageBody="x", MessageSystemAttributes={
            "SenderId": {"DataType": "String", "StringValue": "me"}})


def test_11_31_system_attributes_of_a_received_message(sqs, clock, queue):
    before = clock.now() * 1000
    sqs.send_message(QueueUrl=queue, MessageBody="x", MessageGroupId="tenant-1")
    clock.advance(5)
    first = receive_one(sqs, queue, AttributeNames=["All"], VisibilityTimeout=0)["Attributes"]
    assert set(first) == {"SenderId", "SentTimestamp", "ApproximateReceiveCount", "ApproximateFirstReceiveTimestamp",
                          "MessageGroupId"}
    assert first["ApproximateReceiveCount"] == "1"
    assert first["MessageGroupId"] == "tenant-1"
    assert 0 <= int(first["SentTimestamp"]) - before < 3000
    assert 5000 <= int(first["ApproximateFirstReceiveTimestamp"]) - int(first["SentTimestamp"]) < 8000
    clock.advance(5)
    second = receive_one(sqs, queue, MessageSystemAttributeNames=["All"])["Attributes"]
    assert second["ApproximateReceiveCount"] == "2"
    for kept in ("SentTimestamp", "ApproximateFirstReceiveTimestamp", "SenderId"):
        assert second[kept] == first[kept]


def test_only_the_system_attributes_asked_for_come(sqs, queue):
    sqs.send_message(QueueUrl=queue, MessageBody="x")
    assert "Attributes" not in receive_one(sqs, queue, VisibilityTimeout=0)
    asked = receive_one(sqs, queue, AttributeNames=["SentTimestamp"], VisibilityTimeout=0,
                        MessageSystemAttributeNames=["ApproximateReceiveCount", "SequenceNumber"])
    assert set(asked["Attributes"]) == {"SentTimestamp", "ApproximateReceiveCount"}


@pytest.mark.parametrize("group", ["", "with space", "g" * 129, "é"])
def test_bad_group_ids_are_refused(sqs, queue, group):
    with fails("InvalidParameterValue",
               f"Value {group} for parameter MessageGroupId is invalid. Reason: MessageGroupId can only include "
               "alphanumeric and punctuation characters. 1 to 128 in length."):
        sqs.send_message(QueueUrl=queue, MessageBody="x", MessageGroupId=group)


def test_a_deduplication_id_is_refused_on_a_standard_queue(sqs, queue):
    with fails("InvalidParameterValue"):
        sqs.send_message(QueueUrl=queue, MessageBody="x", MessageDeduplicationId="1")


# ---- Delays

def test_a_delayed_message_comes_when_its_delay_is_over(sqs, clock, queue):
    sqs.send_message(QueueUrl=queue, MessageBody="x", DelaySeconds=900)
    assert counts(sqs, queue) == (0, 0, 1)
    clock.advance(895)
    assert "Messages" not in sqs.receive_message(QueueUrl=queue)
    clock.advance(6)
    assert counts(sqs, queue) == (1, 0, 0)
    assert receive_one(sqs, queue)["Body"] == "x"


def test_the_queue_delay_holds_unless_the_message_says_otherwise(sqs, clock, make_queue):
    queue = make_queue(DelaySeconds=100)
    sqs.send_message(QueueUrl=queue, MessageBody="queue's")
    sqs.send_message(QueueUrl=queue, MessageBody="none", DelaySeconds=0)
    sqs.send_message(QueueUrl=queue, MessageBody="longer", DelaySeconds=200)
    assert counts(sqs, queue) == (1, 0, 2)
    assert receive_one(sqs, queue, VisibilityTimeout=3600)["Body"] == "none"
    clock.advance(101)
    assert receive_one(sqs, queue, VisibilityTimeout=3600)["Body"] == "queue's"
    clock.advance(100)
    assert receive_one(sqs, queue)["Body"] == "longer"


def test_a_new_queue_delay_leaves_the_messages_that_are_there(sqs, queue):
    sqs.send_message(QueueUrl=queue, MessageBody="x")
    sqs.set_queue_attributes(QueueUrl=queue, Attributes={"DelaySeconds": "900"})
    assert receive_one(sqs, queue)["Body"] == "x"


@pytest.mark.parametrize("delay", [-1, 901, 2**31 - 1])
def test_delays_out_of_range_are_refused(sqs, queue, delay):
    with fails("InvalidParameterValue",
               f"Value {delay} for parameter DelaySeconds is invalid. Reason: DelaySeconds must be >= 0 and <= 900."):
        sqs.send_message(QueueUrl=queue, MessageBody="x", DelaySeconds=delay)


# ---- Receive

@pytest.mark.parametrize("asked,got", [({}, 1), ({"MaxNumberOfMessages": 3}, 3), ({"MaxNumberOfMessages": 10}, 10)])
def test_at_most_the_number_asked_for_comes(sqs, queue, asked, got):
    for _ in range(2):
        sqs.send_message_batch(QueueUrl=queue, Entries=[{"Id": str(n), "MessageBody": str(n)} for n in range(10)])
    received = sqs.receive_message(QueueUrl=queue, **asked)["Messages"]
    assert len(received) == got
    assert len({message["MessageId"] for message in received}) == got


@pytest.mark.parametrize("parameter,value,reason", [
    ("MaxNumberOfMessages", 0, "Must be between 1 and 10, if provided."),
    ("MaxNumberOfMessages", 11, "Must be between 1 and 10, if provided."),
    ("WaitTimeSeconds", -1, "Must be >= 0 and <= 20, if provided."),
    ("WaitTimeSeconds", 21, "Must be >= 0 and <= 20, if provided."),
    ("VisibilityTimeout", -1, None), ("VisibilityTimeout", 43201, None)])
def test_receive_checks_its_ranges_on_an_empty_queue_too(sqs, queue, parameter, value, reason):
    text = reason and f"Value {value} for parameter {parameter} is invalid. Reason: {reason}"
    with fails("InvalidParameterValue", text):
        sqs.receive_message(QueueUrl=queue, **{parameter: value})


def test_11_5_an_empty_receive_has_no_messages_key(wire, queue):
    answer = wire.call("ReceiveMessage", {"QueueUrl": queue})
    assert (answer.status, answer.json) == (200, {})


def test_messages_come_in_the_order_they_were_sent_when_nobody_interferes(sqs, queue):
    for n in range(30):
        sqs.send_message(QueueUrl=queue, MessageBody=str(n))
    assert [int(message["Body"]) for message in receive_all(sqs, queue)] == list(range(30))


# ---- Counts

def test_counts_are_exact_through_a_random_life(sqs, clock, queue):
    chance = random.Random(5)
    delayed = visible = 0
    in_flight = []
    for _ in range(60):
        step = chance.randrange(5)
        if step == 0:
            sqs.send_message(QueueUrl=queue, MessageBody="x")
            visible += 1
        elif step == 1:
            sqs.send_message(QueueUrl=queue, MessageBody="x", DelaySeconds=900)
            delayed += 1
        elif step == 2:
            entries = [{"Id": str(n), "MessageBody": "x"} for n in range(chance.randrange(1, 11))]
            sqs.send_message_batch(QueueUrl=queue, Entries=entries)
            visible += len(entries)
        elif step == 3:
            received = sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=4, VisibilityTimeout=3600)
            received = received.get("Messages", [])
            assert len(received) == min(4, visible)
            visible -= len(received)
            in_flight += received
        elif in_flight:
            message = in_flight.pop(chance.randrange(len(in_flight)))
            if chance.random() < 0.5:
                sqs.delete_message(QueueUrl=queue, ReceiptHandle=message["ReceiptHandle"])
            else:
                sqs.change_message_visibility(QueueUrl=queue, ReceiptHandle=message["ReceiptHandle"],
                                              VisibilityTimeout=0)
                visible += 1
        assert counts(sqs, queue) == (visible, len(in_flight), delayed)
    clock.advance(901)
    assert counts(sqs, queue) == (visible + delayed, len(in_flight), 0)
    clock.advance(3600)
    assert counts(sqs, queue) == (visible + delayed + len(in_flight), 0, 0)


# ---- Receipt handles and DeleteMessage

def test_a_deleted_message_never_comes_back(sqs, clock, queue):
    sqs.send_message(QueueUrl=queue, MessageBody="x")
    sqs.delete_message(QueueUrl=queue, ReceiptHandle=receive_one(sqs, queue)["ReceiptHandle"])
    assert counts(sqs, queue) == (0, 0, 0)
    clock.advance(100)
    assert "Messages" not in sqs.receive_message(QueueUrl=queue)


def test_deleting_twice_is_no_error(sqs, queue):
    sqs.send_message(QueueUrl=queue, MessageBody="x")
    handle = receive_one(sqs, queue)["ReceiptHandle"]
    for _ in range(2):
        sqs.delete_message(QueueUrl=queue, ReceiptHandle=handle)


def test_the_latest_handle_deletes_after_its_timeout_ended(sqs, clock, make_queue):
    queue = make_queue(VisibilityTimeout=10)
    sqs.send_message(QueueUrl=queue, MessageBody="x")
    handle = receive_one(sqs, queue)["ReceiptHandle"]
    clock.advance(11)
    sqs.delete_message(QueueUrl=queue, ReceiptHandle=handle)
    assert "Messages" not in sqs.receive_message(QueueUrl=queue)


def test_a_superseded_handle_deletes_nothing_and_is_no_error(sqs, clock, make_queue):
    queue = make_queue(VisibilityTimeout=10)
    sqs.send_message(QueueUrl=queue, MessageBody="x")
    old = receive_one(sqs, queue)["ReceiptHandle"]
    clock.advance(11)
    new = receive_one(sqs, queue)["ReceiptHandle"]
    assert new != old
    sqs.delete_message(QueueUrl=queue, ReceiptHandle=old)
    assert counts(sqs, queue) == (0, 1, 0)
    sqs.delete_message(QueueUrl=queue, ReceiptHandle=new)
    assert counts(sqs, queue) == (0, 0, 0)


def test_each_delivery_has_a_handle_of_its_own(sqs, queue):
    sqs.send_message(QueueUrl=queue, MessageBody="x")
    handles = [receive_one(sqs, queue, VisibilityTimeout=0)["ReceiptHandle"] for _ in range(5)]
    assert len(set(handles)) == 5
    assert all(len(handle) < 200 and handle.replace("-", "").replace("_", "").isalnum() for handle in handles)


GARBAGE = ["x", "a" * 1024, "A" * 100_000, "not base64 ☃", "../../etc/passwd", "' OR 1=1 --", "AAAA" * 20]


@pytest.mark.parametrize("handle", GARBAGE)
def test_garbage_handles_are_refused(sqs, queue, handle):
    text = f'The input receipt handle "{handle}" is not a valid receipt handle.'
    with fails("ReceiptHandleIsInvalid", text):
        sqs.delete_message(QueueUrl=queue, ReceiptHandle=handle)
    with fails("ReceiptHandleIsInvalid", text):
        sqs.change_message_visibility(QueueUrl=queue, ReceiptHandle=handle, VisibilityTimeout=1)


def test_a_forged_handle_is_refused_whichever_character_was_changed(sqs, queue):
    sqs.send_message(QueueUrl=queue, MessageBody="x")
    handle = receive_one(sqs, queue)["ReceiptHandle"]
    # The last character may carry bits that mean nothing; a change there may decode to the same bytes.
    for position in range(len(handle) - 1):
        forged = handle[:position] + ("A" if handle[position] != "A" else "B") + handle[position + 1:]
        with fails("ReceiptHandleIsInvalid"):
            sqs.delete_message(QueueUrl=queue, ReceiptHandle=forged)
    for forged in (handle[:-1], handle + "A", handle * 2, handle[1:]):
        with fails("ReceiptHandleIsInvalid"):
            sqs.delete_message(QueueUrl=queue, ReceiptHandle=forged)
    assert counts(sqs, queue) == (0, 1, 0)


def test_a_handle_of_another_queue_is_refused(sqs, make_queue):
    queue, other = make_queue(), make_queue()
    for one in (queue, other):
        sqs.send_message(QueueUrl=one, MessageBody="x")
    handle = receive_one(sqs, queue)["ReceiptHandle"]
    receive_one(sqs, other)
    with fails("ReceiptHandleIsInvalid"):
        sqs.delete_message(QueueUrl=other, ReceiptHandle=handle)
    with fails("ReceiptHandleIsInvalid"):
        sqs.change_message_visibility(QueueUrl=other, ReceiptHandle=handle, VisibilityTimeout=0)
    assert counts(sqs, queue) == counts(sqs, other) == (0, 1, 0)


@pytest.mark.parametrize("arguments", [{}, {"ReceiptHandle": ""}])
def test_delete_needs_a_handle(lax_sqs, queue, arguments):
    with fails("MissingParameter", "The request must contain the parameter ReceiptHandle."):
        lax_sqs.delete_message(QueueUrl=queue, **arguments)


def test_a_missing_queue_wins_over_every_other_mistake(lax_sqs, queue_name):
    with fails("AWS.SimpleQueueService.NonExistentQueue"):
        lax_sqs.send_message(QueueUrl=queue_name, DelaySeconds=-1)
    with fails("AWS.SimpleQueueService.NonExistentQueue"):
        lax_sqs.send_message_batch(QueueUrl=queue_name, Entries=[])
    with fails("AWS.SimpleQueueService.NonExistentQueue"):
        lax_sqs.delete_message(QueueUrl=queue_name, ReceiptHandle="garbage")


def test_a_long_queue_is_emptied_in_order_and_in_time(sqs, queue):
    for first in range(0, 300, 10):
        sqs.send_message_batch(QueueUrl=queue, Entries=[
            {"Id": str(n), "MessageBody": str(n)} for n in range(first, first + 10)])
    began = time.monotonic()
    received = []
    while len(received) < 300:
        batch = sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10)["Messages"]
        received += [int(message["Body"]) for message in batch]
        deleted = sqs.delete_message_batch(QueueUrl=queue, Entries=[
            {"Id": str(n), "ReceiptHandle": message["ReceiptHandle"]} for n, message in enumerate(batch)])
        assert len(deleted["Successful"]) == len(batch) and "Failed" not in deleted
    assert received == list(range(300))
    assert counts(sqs, queue) == (0, 0, 0)
    assert time.monotonic() - began < 20
