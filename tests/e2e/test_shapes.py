"""Every member of every action, as AWS's own service model has it. The new boto3's model is of AWS JSON; the old one's
(this file runs on both) says also where AWS Query carries each member."""
import subprocess

import botocore.session
import pytest

from howdah import BINARY, SPEAKS_QUERY

# Members that a model lacks, and why they are here.
MORE_THAN_THE_MODEL = {
    # Younger than AWS JSON, so unknown to the last model of AWS Query.
    ("ReceiveMessage", "input", "MessageSystemAttributeNames[]"),
} if SPEAKS_QUERY else set()


@pytest.fixture(scope="module")
def model():
    return botocore.session.get_session().get_service_model("sqs")


@pytest.fixture(scope="module")
def ours():
    printed = subprocess.run([BINARY.parent / "howdah_shapes"], capture_output=True, text=True, check=True).stdout
    lines = [line.split("\t") for line in printed.splitlines()]
    actions = {line[0] for line in lines if len(line) == 1}
    members = {tuple(line[:3]): tuple(line[3:]) for line in lines if len(line) > 1}
    return actions, members


def members_of(shape, path=""):
    """(path, type, AWS Query's place) of all members, as howdah_shapes prints them."""
    for name, member in shape.members.items():
        at, kind, place, inner = path + name, member.type_name, member.serialization.get("name", name), member
        while inner.type_name in ("list", "map"):
            if inner.type_name == "list":
                place = inner.member.serialization.get("name", place)
                at, inner = at + "[]", inner.member
            else:
                place += "".join(f" {part.serialization.get('name', '')}" for part in (inner.key, inner.value))
                at, inner = at + "{}", inner.value
            kind += f" of {inner.type_name}"
        yield at, kind, place
        if inner.type_name == "structure":
            yield from members_of(inner, at + ".")


def test_every_action_of_the_model_is_built(model, ours):
    assert set(model.operation_names) == ours[0]


def test_every_member_is_of_the_type_and_in_the_place_of_the_model(model, ours):
    actions, members = ours
    theirs = {}
    for action in actions:
        operation = model.operation_model(action)
        for side, shape in (("input", operation.input_shape), ("output", operation.output_shape)):
            for at, kind, place in members_of(shape) if shape else ():
                theirs[action, side, at] = (kind, place)
    shown = {key: value for key, value in members.items() if key not in MORE_THAN_THE_MODEL}
    if not SPEAKS_QUERY:  # a model of AWS JSON need not say where AWS Query carries a member
        shown, theirs = ({key: kind for key, (kind, _) in all.items()} for all in (shown, theirs))
    assert shown == theirs
    assert set(MORE_THAN_THE_MODEL) <= set(members)
