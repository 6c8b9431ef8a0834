"""Replays tests/golden/<Action>/<case>.<protocol>.http, request and answer bytes, against the server. `--update` rewrites
the answers with what the server said: read the difference before you commit it. tests/golden/README.md tells the form."""
import re
import socket
import uuid

import pytest

from howdah import ROOT, Howdah, eventually, new_directory
from wire import Wire

GOLDEN = ROOT / "tests" / "golden"
FILES = sorted(GOLDEN.glob("*/*.http"))

# What differs from run to run, by the name it has in the files. A group named so is remembered for later requests.
VARYING = {
    "date": r"(?<=^Date: )[^\r\n]+",
    "handle": r'(?<=<ReceiptHandle>)[^<]+|(?<="ReceiptHandle":")[^"]+',
    "message_id": r'(?<=<MessageId>)[^<]+|(?<="MessageId":")[^"]+',
    "sequence_number": r"\b\d{20}\b",
    "task_handle": r'(?<=<TaskHandle>)[^<]+|(?<="TaskHandle":")[^"]+',
    "moved": r'(?<=<ApproximateNumberOfMessagesMoved>)\d+|(?<="ApproximateNumberOfMessagesMoved":)\d+',
    "token": r'(?<=<NextToken>)[^<]+|(?<="NextToken":")[^"]+',
    "milliseconds": r"\b\d{13}\b",
    "seconds": r"\b\d{10}\b",
}
UNNUMBERED = {"date", "milliseconds", "moved", "seconds"}


class Exchange:
    """One file's run: the values its placeholders have."""

    def __init__(self, fifo):
        self.fifo = fifo
        self.values = {"queue": f"golden-{uuid.uuid4().hex[:8]}{'.fifo' if fifo else ''}"}

    def fill(self, text):
        """The request's bytes: placeholders filled, {x*N} is x N times, Content-Length as it is."""
        text = re.sub(r"\{(\w+)\}", lambda match: self.values.get(match[1], match[0]), text)
        text = re.sub(r"\{(\w)\*(\d+)\}", lambda match: match[1] * int(match[2]), text)
        head, _, body = text.partition("\n\n")
        payload = body.encode()
        lines = [*head.split("\n"), *([f"Content-Length: {len(payload)}"] if payload else [])]
        return "\r\n".join([*lines, "", ""]).encode() + payload

    def blank(self, answer):
        """The answer's text with placeholders for what varies."""
        text = answer.decode().replace("\r\n", "\n")
        assert "\r" not in text
        request_id = re.search(r"^x-amzn-RequestId: (.*)$", text, re.M)[1]
        assert str(uuid.UUID(request_id)) == request_id
        text = text.replace(request_id, "{request_id}")
        for name, pattern in VARYING.items():
            text = re.sub(pattern, lambda match: self.name(name, match[0]), text, flags=re.M)
        for name, value in self.values.items():  # where an answer repeats what was said before
            text = text.replace(value, f"{{{name}}}")
        return text

    def name(self, kind, value):
        if kind in UNNUMBERED:
            return f"{{{kind}}}"
        known = {held: name for name, held in self.values.items()}
        if value not in known:
            count = sum(re.fullmatch(rf"{kind}\d*", name) is not None for name in self.values)
            known[value] = kind + (str(count + 1) if count else "")
            self.values[known[value]] = value
        return f"{{{known[value]}}}"


def read_answer(connection):
    data = b""
    while b"\r\n\r\n" not in data or len(data) < data.index(b"\r\n\r\n") + 4 + length_of(data):
        more = connection.recv(65536)
        assert more, f"closed after {data!r}"
        data += more
    return data


def length_of(data):
    return int(re.search(rb"\r\nContent-Length: (\d+)\r\n", data)[1])


def test_there_are_exchanges_of_every_action_in_both_protocols():
    actions = {path.parent.name for path in FILES}
    for protocol in ("json", "query"):
        assert {path.parent.name for path in FILES if path.name.endswith(f".{protocol}.http")} == actions
    assert len(actions) == 23


# Errors that only a server in trouble answers, and the trouble: SQL that runs once the server is up.
TROUBLES = {
    "ServiceUnavailable": "DROP DATABASE {database} WITH (FORCE)",
    "InternalFailure": "ALTER SCHEMA howdah RENAME TO elsewhere",
}
# Errors that need a server with a setting of its own.
SETTINGS = {"full-OverLimit": ["--messages-in-flight", "1"]}

TASK_STATES = {"RUNNING", "COMPLETED", "CANCELLED", "FAILED"}


@pytest.fixture(scope="module")
def own_server(postgres):
    started = {}

    def start(case):
        if case not in started:
            url = postgres.database()
            started[case] = Howdah(new_directory(), "--database-url", url, *SETTINGS.get(case, [])).start()
            if case in TROUBLES:
                trouble = TROUBLES[case].format(database=url.partition("?")[0].rpartition("/")[2])
                postgres.run(trouble, None if "DATABASE" in trouble else url)
        return started[case]

    yield start
    for one in started.values():
        assert one.stop() == 0


@pytest.mark.parametrize("path", FILES, ids=lambda path: f"{path.parent.name}/{path.name.removesuffix('.http')}")
def test_the_answer_is_to_the_byte(path, request):
    case = path.name.partition(".")[0]
    exchange = Exchange(fifo=case.startswith("fifo"))
    about, *parts = re.split(r"^=== (request|answer)\n", path.read_text(), flags=re.M)
    assert about.startswith("# ") and parts[::2] == ["request", "answer"] * (len(parts) // 4)
    if case in TROUBLES or case in SETTINGS:
        server = request.getfixturevalue("own_server")(case)
    else:
        server = request.getfixturevalue("server")
    if path.parent.name != "CreateQueue" and case not in TROUBLES:
        fifo = {"FifoQueue": "true"} if exchange.fifo else {}
        made = Wire(server.port).call("CreateQueue", {"QueueName": exchange.values["queue"], "Attributes": fifo})
        assert made.status == 200, made
    written = about
    with socket.create_connection(("127.0.0.1", server.port), 30) as connection:
        for asked in parts[1::4]:
            def answer():
                connection.sendall(exchange.fill(asked.removesuffix("\n")))
                data = read_answer(connection)
                # A case named as a state of a task waits for it: a task gets there in its own time.
                waits = case in TASK_STATES and "ListMessageMoveTasks" in asked
                return None if waits and case.encode() not in data else data

            answered = eventually(answer, f"a task that is {case}")
            written += f"=== request\n{asked}=== answer\n{exchange.blank(answered)}\n"
    if request.config.getoption("--update"):
        path.write_text(written)
    assert written == path.read_text()
