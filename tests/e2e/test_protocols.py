"""AWS JSON and AWS Query on one port, told apart request by request: answers, errors and what is left out when there is
nothing to say. A number in a test's name is that of a mistake emulators make."""
import json
import xml.etree.ElementTree

import pytest

from conftest import new_name

NAMESPACE = "{http://queue.amazonaws.com/doc/2012-11-05/}"
PREFIX = "AWS.SimpleQueueService."
NO_QUEUE = "The specified queue does not exist."


def elements(answer):
    """The root of an AWS Query answer."""
    assert answer.headers["content-type"] == "text/xml", answer
    root = xml.etree.ElementTree.fromstring(answer.body)
    assert all(element.tag.startswith(NAMESPACE) for element in root.iter())
    return root


def texts(root, *path):
    return [element.text for element in root.findall("/".join(NAMESPACE + name for name in path))]


def test_11_1_each_request_is_answered_in_the_protocol_it_came_in(wire, queue):
    path = "/" + queue.split("/", 3)[3]
    for at in ("/", path):  # the PHP SDK posts JSON to the queue's path, and old SDKs forms to "/"
        sent = wire.call("SendMessage", {"QueueUrl": queue, "MessageBody": "json"}, path=at)
        assert (sent.status, sent.headers["content-type"]) == (200, "application/x-amz-json-1.0")
        assert sent.json["MD5OfMessageBody"] == "466deec76ecdf5fca6d38571f6324d54"
        sent = wire.query("SendMessage", {"QueueUrl": queue, "MessageBody": "query"}, path=at)
        assert sent.status == 200
        assert texts(elements(sent), "SendMessageResult", "MD5OfMessageBody") == ["1b1cc7f086b3f074da452bc3129981eb"]
    # What one protocol sent, the other receives.
    received = wire.query("ReceiveMessage", {"QueueUrl": queue, "MaxNumberOfMessages": 10, "VisibilityTimeout": 0})
    assert sorted(texts(elements(received), "ReceiveMessageResult", "Message", "Body")) == ["json"] * 2 + ["query"] * 2
    received = wire.call("ReceiveMessage", {"QueueUrl": queue, "MaxNumberOfMessages": 10})
    assert sorted(message["Body"] for message in received.json["Messages"]) == ["json"] * 2 + ["query"] * 2


# A request that fails, in both protocols' words, and: Query code, shape with its namespace, status, text, Query's own text.
FAILURES = {
    "no queue": ("SendMessage", {"QueueUrl": "no-such-queue", "MessageBody": "x"}, {}, PREFIX + "NonExistentQueue",
                 "com.amazonaws.sqs#QueueDoesNotExist", 400, NO_QUEUE, NO_QUEUE[:-1] + " for this wsdl version."),
    "garbage handle": ("DeleteMessage", {"ReceiptHandle": "x"}, {}, "ReceiptHandleIsInvalid",
                       "com.amazonaws.sqs#ReceiptHandleIsInvalid", 404,
                       'The input receipt handle "x" is not a valid receipt handle.', None),
    "second purge": ("PurgeQueue", {}, {}, PREFIX + "PurgeQueueInProgress", "com.amazonaws.sqs#PurgeQueueInProgress", 403,
                     "Only one PurgeQueue operation on {name} is allowed every 60 seconds.", None),
    "another value": ("CreateQueue", {"QueueName": "{name}", "Attributes": {"DelaySeconds": "1"}},
                      {"Attribute.1.Name": "DelaySeconds", "Attribute.1.Value": "1"}, "QueueAlreadyExists",
                      "com.amazonaws.sqs#QueueNameExists", 400,
                      "A queue already exists with the same name and a different value for attribute DelaySeconds", None),
    "out of range": ("ReceiveMessage", {"MaxNumberOfMessages": 11}, {}, "InvalidParameterValue",
                     "com.amazon.coral.service#InvalidParameterValueException", 400,
                     "Value 11 for parameter MaxNumberOfMessages is invalid. Reason: Must be between 1 and 10, if provided.",
                     None),
    "missing": ("SendMessage", {}, {}, "MissingParameter", "com.amazon.coral.service#MissingRequiredParameterException", 400,
                "The request must contain the parameter MessageBody.", None),
    "unknown attribute": ("GetQueueAttributes", {"AttributeNames": ["No"]}, {"AttributeName.1": "No"}, "InvalidAttributeName",
                          "com.amazonaws.sqs#InvalidAttributeName", 400, "Unknown Attribute No.", None),
    "repeated": ("DeleteMessageBatch", {"Entries": [{"Id": "a", "ReceiptHandle": "x"}] * 2},
                 {f"DeleteMessageBatchRequestEntry.{n}.{name}": value
                  for n in (1, 2) for name, value in (("Id", "a"), ("ReceiptHandle", "x"))},
                 PREFIX + "BatchEntryIdsNotDistinct", "com.amazonaws.sqs#BatchEntryIdsNotDistinct", 400, "Id a repeated.",
                 None),
}


@pytest.mark.parametrize("failure", FAILURES)
def test_11_2_3_4_an_error_has_its_code_shape_status_and_text_in_each_protocol(wire, queue, failure):
    action, members, flat, code, shape, status, text, query_text = FAILURES[failure]
    name = queue.rpartition("/")[2]
    if action == "PurgeQueue":
        assert wire.call(action, {"QueueUrl": queue}).status == 200
    members = {"QueueUrl": queue} | json.loads(json.dumps(members).replace("{name}", name))
    text = text.replace("{name}", name)

    answer = wire.call(action, members)
    assert answer.status == status, answer
    assert answer.headers["x-amzn-query-error"] == f"{code};Sender"
    assert answer.json == {"__type": shape, "message": text}

    scalars = {member: value for member, value in members.items() if not isinstance(value, (dict, list))}
    answer = wire.query(action, scalars | flat)
    assert answer.status == status, answer
    root = elements(answer)
    assert root.tag == NAMESPACE + "ErrorResponse"
    assert [(element.tag.removeprefix(NAMESPACE), element.text) for element in root[0]] == [
        ("Type", "Sender"), ("Code", code), ("Message", query_text or text), ("Detail", None)]
    assert texts(root, "RequestId") == [answer.headers["x-amzn-requestid"]]


def nothing_in(value):
    """The empty lists, maps and nulls in a JSON value."""
    inside = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return [one for one in inside if one in ([], {}, None)] + [found for one in inside for found in nothing_in(one)]


def test_11_5_what_is_empty_is_left_out(wire, queue):
    handle = {"Id": "a", "ReceiptHandle": "x"}
    for action, members in (
            ("ReceiveMessage", {"AttributeNames": ["All"], "MessageAttributeNames": ["All"]}), ("ListQueueTags", {}),
            ("ListQueues", {"QueueNamePrefix": new_name("none")}), ("GetQueueAttributes", {"AttributeNames": ["Policy"]})):
        assert wire.call(action, {"QueueUrl": queue, **members}).json == {}
    sent = wire.call("SendMessageBatch", {"QueueUrl": queue, "Entries": [{"Id": "a", "MessageBody": "x"}]})
    assert set(sent.json) == {"Successful"} and not nothing_in(sent.json)
    received = wire.call("ReceiveMessage", {"QueueUrl": queue, "AttributeNames": ["SequenceNumber"],
                                            "MessageAttributeNames": ["All"]})
    assert set(received.json["Messages"][0]) == {"MessageId", "ReceiptHandle", "MD5OfBody", "Body"}
    for action, entry in (("DeleteMessageBatch", handle), ("ChangeMessageVisibilityBatch", handle | {"VisibilityTimeout": 1})):
        assert set(wire.call(action, {"QueueUrl": queue, "Entries": [entry]}).json) == {"Failed"}


def test_11_42_no_name_is_twice_in_an_answer(wire, queue):
    def once(pairs):
        assert len({name for name, _ in pairs}) == len(pairs), pairs
        return dict(pairs)

    attributes = {f"a{n}": {"DataType": "String", "StringValue": "x"} for n in range(3)}
    wire.call("SendMessage", {"QueueUrl": queue, "MessageBody": "x", "MessageAttributes": attributes})
    names = ["All", "SentTimestamp", "SentTimestamp", "All"]
    selected = ["a1", "a.*", "All", "a1", ".*"]
    received = wire.call("ReceiveMessage", {"QueueUrl": queue, "AttributeNames": names, "MessageSystemAttributeNames": names,
                                            "MessageAttributeNames": selected, "VisibilityTimeout": 0})
    message, = json.loads(received.body, object_pairs_hook=once)["Messages"]
    assert set(message["MessageAttributes"]) == set(attributes)
    shown = wire.call("GetQueueAttributes", {"QueueUrl": queue, "AttributeNames": ["DelaySeconds", "All", "DelaySeconds"]})
    assert len(json.loads(shown.body, object_pairs_hook=once)["Attributes"]) == 12

    received = wire.query("ReceiveMessage", {
        "QueueUrl": queue, **{f"AttributeName.{n}": name for n, name in enumerate(names, 1)},
        **{f"MessageSystemAttributeName.{n}": name for n, name in enumerate(names, 1)},
        **{f"MessageAttributeName.{n}": name for n, name in enumerate(selected, 1)}})
    root = elements(received)
    assert sorted(texts(root, "ReceiveMessageResult", "Message", "MessageAttribute", "Name")) == ["a0", "a1", "a2"]
    names = texts(root, "ReceiveMessageResult", "Message", "Attribute", "Name")
    assert len(set(names)) == len(names) == 4
    shown = wire.query("GetQueueAttributes", {"QueueUrl": queue, "AttributeName.1": "DelaySeconds", "AttributeName.2": "All"})
    names = texts(elements(shown), "GetQueueAttributesResult", "Attribute", "Name")
    assert len(set(names)) == len(names) == 12
