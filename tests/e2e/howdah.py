"""The real binary as a process, and what a test asks of it: ports, readiness, metrics, file descriptors, its log."""
import http.client
import itertools
import json
import os
import pathlib
import re
import signal
import socket
import subprocess
import tempfile
import time
import uuid

import boto3
import botocore.config
import botocore.session

ROOT = pathlib.Path(__file__).resolve().parents[2]
BINARY = ROOT / "build" / "release" / "howdah"


# Whether the boto3 at hand does: the tests run on a new one and on the last of the old ones.
SPEAKS_QUERY = botocore.session.get_session().get_service_model("sqs").metadata["protocol"] == "query"


def eventually(condition, what, seconds=10):
    """Waits until `condition()` is true and returns what it answered."""
    deadline = time.monotonic() + seconds
    while True:
        answer = condition()
        if answer:
            return answer
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {seconds} s: {what}")
        time.sleep(0.01)


# Below the range the kernel takes for outgoing connections, and apart for every parallel worker, so that a port that is
# free now is still free when the server binds it.
_worker = int(re.sub(r"\D", "", os.environ.get("PYTEST_XDIST_WORKER", "")) or 99)
_ports = itertools.count(10_000 + 200 * _worker)


def free_port():
    for port in _ports:
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
                return port
            except OSError:
                continue


_directories = None


def new_directory():
    """A fresh directory that goes with the process. Others may enter it, so that a private PostgreSQL, which never runs
    as root, can keep its data there (pytest's own directories are closed)."""
    global _directories
    if _directories is None:
        _directories = tempfile.TemporaryDirectory(prefix="howdah-e2e-", dir="/tmp")
        os.chmod(_directories.name, 0o755)
    directory = pathlib.Path(tempfile.mkdtemp(dir=_directories.name))
    directory.chmod(0o755)
    return directory


def descendants(pid):
    """The processes below `pid`."""
    parents = {}
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            try:
                parents[int(entry)] = int(open(f"/proc/{entry}/stat").read().rpartition(")")[2].split()[1])
            except FileNotFoundError:
                pass
    below, last = set(), {pid}
    while last := {child for child, parent in parents.items() if parent in last} - below:
        below |= last
    return below


def command_of(pid):
    try:
        return pathlib.Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode()
    except FileNotFoundError:
        return ""


# Of clients that do not say whose they are; tests with --auth=sigv4 set others.
default_keys = ["test", "test"]


def sqs_client(url, validate=True, attempts=1, key=None, secret=None, pool=50):
    """A boto3 client of `url`. `validate=False` sends what botocore itself would refuse to send."""
    client = boto3.client(
        "sqs", endpoint_url=url, region_name="us-east-1", aws_access_key_id=key or default_keys[0],
        aws_secret_access_key=secret or default_keys[1],
        config=botocore.config.Config(retries={"total_max_attempts": attempts}, connect_timeout=5, read_timeout=60,
                                      parameter_validation=validate, max_pool_connections=pool))
    if SPEAKS_QUERY:
        client.meta.events.register("provide-client-params.sqs.ReceiveMessage", _join_attribute_names)
    return client


def _join_attribute_names(params, **_):
    """MessageSystemAttributeNames is younger than AWS JSON; in AWS Query it has the parameter of AttributeNames."""
    joined = params.pop("AttributeNames", []) + params.pop("MessageSystemAttributeNames", [])
    return {**params, "AttributeNames": joined} if joined else params


class Howdah:
    """`howdah serve` on free ports. Its output goes to a file, `log()`. `tls`: an authority and the files of a certificate
    it issued and of its key, for https on both ports."""

    def __init__(self, directory, *arguments, environment=None, tls=None):
        self.directory = directory
        self.port = free_port()
        self.admin_port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.tls_context = None
        if tls is not None:
            authority, cert, key = tls
            self.tls_context = authority.context()
            self.url = f"https://localhost:{self.port}"
            arguments = ["--tls-cert-file", cert, "--tls-key-file", key, *arguments]
        # No load balancer has to notice that these servers stop.
        drain = [] if "--drain-delay" in arguments else ["--drain-delay", "0s"]
        self.command = [str(BINARY), "serve", "--listen", f"127.0.0.1:{self.port}",
                        "--admin-listen", f"127.0.0.1:{self.admin_port}", *drain, *map(str, arguments)]
        self.environment = {**clean_environment(), **(environment or {})}
        self.output = self.directory / "server.log"
        self.process = None

    def start(self):
        self.spawn()
        self.wait_ready()
        return self

    def spawn(self):
        with open(self.output, "ab") as output:
            self.process = subprocess.Popen(self.command, cwd=self.directory, env=self.environment,
                                            stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT)
        return self

    def wait_ready(self, seconds=60):
        def ready():
            if self.process.poll() is not None:
                raise AssertionError(f"the server ended with {self.process.returncode}:\n{self.log()[-4000:]}")
            return self.admin("GET", "/readyz", quiet=True).status == 200
        eventually(ready, f"{self.url} is ready; its log ends:\n{self.log()[-2000:]}", seconds)

    def stop(self, seconds=30):
        """SIGTERM; the exit code."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise AssertionError(f"still running {seconds} s after SIGTERM:\n{self.log()[-4000:]}") from None

    def kill(self):
        self.process.kill()
        self.process.wait()

    def log(self):
        return self.output.read_text(errors="replace") if self.output.exists() else ""

    def client(self, **options):
        return sqs_client(self.url, **options)

    def admin(self, method, path, body=None, quiet=False, headers=None):
        return request(self.admin_port, method, path, body, headers, quiet=quiet, tls_context=self.tls_context)

    def metrics(self):
        """{'name{a="b"}': value}, labels in the order they are shown."""
        shown = self.admin("GET", "/metrics")
        assert shown.status == 200
        lines = (line.rpartition(" ") for line in shown.text.splitlines() if line and not line.startswith("#"))
        return {name: float(value) for name, _, value in lines}

    def metric(self, name, **labels):
        """The sum of the series of that name that carry these labels."""
        total = 0.0
        for series, value in self.metrics().items():
            series_name, _, rest = series.partition("{")
            if series_name == name and all(f'{key}="{wanted}"' in rest for key, wanted in labels.items()):
                total += value
        return total

    def parked(self):
        return self.metric("howdah_receive_waiters")

    def wait_parked(self, count):
        eventually(lambda: self.parked() == count, f"{count} receives parked", 10)

    def open_files(self):
        """Without the connections to PostgreSQL, which come and go with the load."""
        return len(os.listdir(f"/proc/{self.process.pid}/fd")) - self.metric("howdah_db_connections")

    def set_clock(self, offset_seconds):
        answer = self.admin("PUT", "/admin/v1/test-clock", json.dumps({"offset_seconds": offset_seconds}))
        assert answer.status == 200, answer


class Postgres:
    """A throw-away PostgreSQL; database() makes a fresh database and answers its URL."""

    def __init__(self):
        self.process = subprocess.Popen(
            [ROOT / "tests" / "with_postgres", "sh", "-c", 'echo "$HOWDAH_TEST_DATABASE_URL"; read -r _'],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.url = self.process.stdout.readline().strip()
        assert self.url, "tests/with_postgres did not start PostgreSQL"

    def database(self, options=""):
        name = f"e2e_{uuid.uuid4().hex[:12]}"
        self.run(f"CREATE DATABASE {name} {options}")
        return self.url_of(name)

    def url_of(self, name):
        return self.url.replace("/postgres?", f"/{name}?")

    def run(self, sql, url=None):
        done = subprocess.run(["psql", "--no-psqlrc", "-qtAX", "-v", "ON_ERROR_STOP=1", url or self.url, "-c", sql],
                              capture_output=True, text=True, env=clean_environment())
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    def stop(self):
        self.process.stdin.close()
        self.process.wait(60)


def clean_environment():
    """The environment without what would turn the server or an SDK to another database or endpoint."""
    return {name: value for name, value in os.environ.items()
            if not name.startswith(("HOWDAH_", "PG", "AWS_", "DATABASE_URL"))}


class Answer:
    def __init__(self, status, headers, body):
        self.status = status
        self.headers = {name.lower(): value for name, value in headers}
        self.body = body
        self.text = body.decode(errors="replace")

    @property
    def json(self):
        return json.loads(self.body)

    def __repr__(self):
        return f"{self.status} {self.headers} {self.text[:500]}"


def request(port, method, path, body=None, headers=None, quiet=False, timeout=30, tls_context=None):
    """One HTTP request on a connection of its own. `quiet`: a refused connection answers status 0."""
    if tls_context is None:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=timeout)
    else:
        connection = http.client.HTTPSConnection("127.0.0.1", port, timeout=timeout, context=tls_context)
    try:
        connection.request(method, path, body, headers or {})
        response = connection.getresponse()
        return Answer(response.status, response.getheaders(), response.read())
    except OSError:
        if quiet:
            return Answer(0, [], b"")
        raise
    finally:
        connection.close()
