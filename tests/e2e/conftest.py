"""One server, with a private PostgreSQL and the test clock, for all the tests of a process; a fresh queue for each.
`--url URL` runs the tests that need only an endpoint against one that is already there."""
import os
import threading
import time
import urllib.parse
import uuid

import pytest

import howdah
import signing
from authority import Authority
from howdah import SPEAKS_QUERY, Howdah, Postgres, new_directory, sqs_client
from wire import Wire


def pytest_addoption(parser):
    parser.addoption("--url", help="test the SQS endpoint at this URL instead of starting a server")
    parser.addoption("--http-engine", default="beast", help="which engine of the server speaks HTTP")
    parser.addoption("--auth", choices=["none", "sigv4"], default="none",
                     help="sigv4: what boto3 can do alone, on a server that verifies signatures")
    parser.addoption("--tls", action="store_true", help="boto3 speaks https, and trusts a private authority")
    parser.addoption("--update", action="store_true", help="rewrite the answers in tests/golden")


# Fixtures that need the server's process, clock or database.
OURS = {"secured", "server", "clock", "two_servers", "postgres", "new_server"}


def pytest_configure(config):
    if config.getoption("--auth") == "sigv4":
        howdah.default_keys[:] = [signing.OWNER, signing.SECRET]


def pytest_collection_modifyitems(config, items):
    def choose(condition):
        chosen = [item for item in items if condition(set(item.fixturenames))]
        config.hook.pytest_deselected(items=[item for item in items if item not in chosen])
        items[:] = chosen

    if config.getoption("--url"):
        choose(lambda fixtures: not OURS & fixtures)
    if config.getoption("--http-engine") != "beast":  # what a client of HTTP libraries notices
        choose(lambda fixtures: {"sqs", "lax_sqs"} & fixtures and not {"wire", "two_servers", "new_server"} & fixtures)
    if config.getoption("--auth") == "sigv4" or config.getoption("--tls"):  # the others are no SDK, or make servers of their own
        choose(lambda fixtures: {"sqs", "lax_sqs"} & fixtures and not {"wire", "two_servers", "new_server"} & fixtures)
    if config.getoption("--auth") == "sigv4":
        items[:] = [item for item in items if item.get_closest_marker("any_account") is None]
    if SPEAKS_QUERY:  # what the other run of the tests does not do: boto3's own requests
        choose(lambda fixtures: {"sqs", "lax_sqs", "model", "secured"} & fixtures
               and not {"wire", "line", "two_servers", "new_server"} & fixtures)


@pytest.fixture(scope="session")
def server(request):
    directory = new_directory()
    auth = []
    if request.config.getoption("--auth") == "sigv4":
        auth = ["--auth", "sigv4", "--credentials", signing.credentials_file(directory)]
    tls = None
    if request.config.getoption("--tls"):
        authority = Authority()
        tls = (authority, *authority.issue("usual"))
        os.environ["AWS_CA_BUNDLE"] = str(authority.ca)  # for boto3 and all that it starts
    started = Howdah(directory, "--data-dir", directory / "data", "--test-clock",
                     "--http-engine", request.config.getoption("--http-engine"), *auth, tls=tls).start()
    yield started
    assert started.stop() == 0, started.log()[-4000:]


@pytest.fixture(scope="session")
def secured():
    """A server that verifies signatures."""
    directory = new_directory()
    started = Howdah(directory, "--data-dir", directory / "data", "--auth", "sigv4",
                     "--credentials", signing.credentials_file(directory)).start()
    yield started
    log = started.log()
    assert started.stop() == 0, log[-4000:]
    assert signing.SECRET not in log and signing.TOKEN not in log


@pytest.fixture(scope="session")
def line(secured):
    opened = signing.Line(secured.port)
    yield opened
    opened.close()


@pytest.fixture(scope="session")
def url(request):
    return request.config.getoption("--url") or request.getfixturevalue("server").url


@pytest.fixture(scope="session")
def sqs(url):
    return sqs_client(url)


@pytest.fixture(scope="session")
def lax_sqs(url):
    """A client that sends what botocore would refuse to send."""
    return sqs_client(url, validate=False)


@pytest.fixture(scope="session")
def wire(url):
    return Wire(urllib.parse.urlsplit(url).port)


class Clock:
    """Moves the server's time forward; it never goes back, so each test starts where the last one left it."""

    def __init__(self, server):
        self.server = server
        self.offset = 0

    def advance(self, seconds):
        self.offset += seconds
        self.server.set_clock(self.offset)

    def now(self):
        return time.time() + self.offset


@pytest.fixture(scope="session")
def clock(server):
    return Clock(server)


def new_name(prefix="q"):
    return f"{prefix}-{uuid.uuid4().hex[:20]}"


@pytest.fixture
def queue_name():
    return new_name()


@pytest.fixture
def make_queue(sqs):
    """make_queue(VisibilityTimeout=5) makes a queue and answers its URL; deleted after the test."""
    made = []

    def make(**attributes):
        created = sqs.create_queue(QueueName=new_name(), Attributes={k: str(v) for k, v in attributes.items()})
        made.append(created["QueueUrl"])
        return created["QueueUrl"]

    yield make
    for queue_url in made:
        try:
            sqs.delete_queue(QueueUrl=queue_url)
        except sqs.exceptions.QueueDoesNotExist:
            pass  # the test deleted it itself


@pytest.fixture
def queue(make_queue):
    return make_queue()


@pytest.fixture
def make_fifo(sqs):
    """make_fifo(DelaySeconds=5) makes a FIFO queue with content-based deduplication and answers its URL."""
    made = []

    def make(**attributes):
        attributes = {"FifoQueue": "true", "ContentBasedDeduplication": "true",
                      **{name: str(value) for name, value in attributes.items()}}
        made.append(sqs.create_queue(QueueName=new_name() + ".fifo", Attributes=attributes)["QueueUrl"])
        return made[-1]

    yield make
    for queue_url in made:
        sqs.delete_queue(QueueUrl=queue_url)


@pytest.fixture
def directory():
    return new_directory()


@pytest.fixture
def new_server():
    """new_server(...) makes a Howdah that ends with the test, whatever state it is in."""
    made = []

    def make(*arguments, **options):
        made.append(Howdah(new_directory(), *arguments, **options))
        return made[-1]

    yield make
    for one in made:
        if one.process is not None and one.process.poll() is None:
            one.stop()


@pytest.fixture(scope="session")
def postgres():
    started = Postgres()
    yield started
    started.stop()


@pytest.fixture(scope="session")
def two_servers(postgres):
    """Two server processes on one database."""
    database = postgres.database()
    both = [Howdah(new_directory(), "--database-url", database, "--test-clock").spawn() for _ in range(2)]
    for one in both:
        one.wait_ready()
    yield both
    assert [one.stop() for one in both] == [0, 0]


class Poll:
    """A ReceiveMessage in a thread of its own."""

    def __init__(self, client, **request):
        self.answer = None
        self.error = None
        self.ended_at = None
        self.thread = threading.Thread(target=self._run, args=(client, request), daemon=True)
        self.began_at = time.monotonic()
        self.thread.start()

    def _run(self, client, request):
        try:
            self.answer = client.receive_message(**request)
        except Exception as error:  # handed to the test's thread
            self.error = error
        self.ended_at = time.monotonic()

    def messages(self, seconds=30):
        self.thread.join(seconds)
        assert not self.thread.is_alive(), f"the receive did not end within {seconds} s"
        if self.error is not None:
            raise self.error
        return self.answer.get("Messages", [])

    @property
    def seconds(self):
        return self.ended_at - self.began_at


@pytest.fixture
def poll(sqs):
    """poll(QueueUrl=...) starts a long poll; .messages() waits for its answer."""
    def start(client=None, **request):
        return Poll(client or sqs, **{"WaitTimeSeconds": 20, **request})
    return start
