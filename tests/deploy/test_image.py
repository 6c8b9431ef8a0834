"""The image, built from the Dockerfile and run as a cluster would: not root, nothing writable, no capability."""
import json
import os
import re
import uuid

import pytest

from conftest import ROOT, run
from containers import DEBIAN, RESTRICTED, inspect, podman
from howdah import eventually, free_port, request, sqs_client

pytestmark = pytest.mark.timeout(7200)  # the first that asks for the image compiles it


class Container:
    """`howdah serve` in a container on this machine's network, on ports of its own."""

    def __init__(self, image, *options):
        self.name = f"howdah-test-{uuid.uuid4().hex[:10]}"
        self.port, self.admin_port = free_port(), free_port()
        self.environment = {"HOWDAH_LISTEN": f"127.0.0.1:{self.port}", "HOWDAH_ADMIN_LISTEN": f"127.0.0.1:{self.admin_port}",
                            "HOWDAH_DRAIN_DELAY": "0s"}
        words = [f"--env={name}={value}" for name, value in self.environment.items()]
        podman("run", "--detach", "--name", self.name, "--network=host", "--no-healthcheck", *RESTRICTED, *words, *options, image)

    def wait_ready(self):
        def ready():
            assert self.state()["Running"], self.log()
            return request(self.admin_port, "GET", "/readyz", quiet=True).status == 200
        eventually(ready, "the container is ready", 90)
        return self

    def client(self):
        return sqs_client(f"http://127.0.0.1:{self.port}")

    def state(self):
        return inspect("container", self.name)["State"]

    def log(self):
        done = podman("logs", self.name, check=False)
        return done.stdout + done.stderr

    def stop(self):
        podman("stop", "--time=45", self.name)
        return self.state()["ExitCode"]

    def start(self):
        podman("start", self.name)
        return self.wait_ready()

    def remove(self):
        podman("rm", "--force", "--time=5", self.name, check=False)


@pytest.fixture
def container(image):
    made = []

    def make(*options):
        made.append(Container(image, *options))
        return made[-1]

    yield make
    for one in made:
        one.remove()


@pytest.fixture
def volume():
    name = f"howdah-test-{uuid.uuid4().hex[:10]}"
    podman("volume", "create", name)
    yield name
    podman("volume", "rm", "--force", name)


def test_what_the_image_says_of_itself(image):
    told = inspect("image", image)
    config = told["Config"]
    assert config["User"] == "10001:10001"
    assert config["Entrypoint"] == ["/usr/bin/howdah"] and config["Cmd"] == ["serve"]
    assert config["StopSignal"] == "SIGTERM"
    assert set(config["ExposedPorts"]) == {"9324/tcp", "9325/tcp"}
    assert told["HealthcheckConfig" if "HealthcheckConfig" in told else "Healthcheck"]["Test"] == ["CMD", "/usr/bin/howdah", "healthcheck"]
    version = run(ROOT / "build" / "release" / "howdah", "version").stdout.split()
    labels = {name.rpartition(".")[2]: value for name, value in config["Labels"].items() if name.startswith("org.opencontainers.image.")}
    assert labels["title"] == "Howdah" and labels["licenses"] == "Apache-2.0" and labels["version"] == version[1]
    inside = json.loads(podman("run", "--rm", "--network=none", *RESTRICTED, image, "version", "--json").stdout)
    assert inside["version"] == version[1] and inside["revision"] == labels["revision"]


def test_it_carries_what_it_uses_and_says_so(image):
    more = inspect("image", image)["Size"] - inspect("image", DEBIAN)["Size"]
    assert more < 100_000_000
    packages = podman("run", "--rm", "--network=none", "--entrypoint=dpkg-query", image, "--show", "--showformat=${Package}\n").stdout
    assert re.search("^postgresql-[0-9]+$", packages, re.M) and not re.search("^libllvm|^perl$", packages, re.M)
    programs = "for file in /usr/bin/howdah /usr/lib/postgresql/*/bin/* /usr/lib/postgresql/*/lib/*.so; do ldd $file; done"
    needed = podman("run", "--rm", "--network=none", "--entrypoint=sh", image, "-c", programs).stdout
    assert "libpq.so" in needed and "not found" not in needed


def test_it_starts_only_when_it_is_said_who_may_call(image):
    done = podman("run", "--rm", "--network=none", *RESTRICTED, image, check=False)
    assert done.returncode == 1 and "--auth=none" in done.stderr


def test_a_private_database_in_a_volume_survives_restarts(container, volume):
    one = container("--env=HOWDAH_AUTH=none", f"--volume={volume}:/var/lib/howdah").wait_ready()
    sqs = one.client()
    queue = sqs.create_queue(QueueName="kept")["QueueUrl"]
    sqs.send_message(QueueUrl=queue, MessageBody="hello")
    status = podman("exec", one.name, "cat", "/proc/1/status").stdout
    assert re.search(r"^Name:\thowdah$", status, re.M), "no shell before it"
    assert re.search(r"^Uid:\t10001\t10001", status, re.M)
    assert re.search(r"^CapEff:\t0+$", status, re.M) and re.search(r"^NoNewPrivs:\t1$", status, re.M)
    healthcheck = podman("exec", one.name, "howdah", "healthcheck", check=False)
    assert healthcheck.returncode == 0, healthcheck.stderr
    assert one.stop() == 0, one.log()
    one.start()
    assert sqs.receive_message(QueueUrl=queue)["Messages"][0]["Body"] == "hello"
    assert one.stop() == 0, one.log()


def test_a_database_of_yours_needs_no_volume_and_writes_nothing(container, postgres):
    url = postgres.database()
    socket = re.search(r"host=([^&]+)", url)[1]
    os.chmod(socket, 0o755)  # for another user than PostgreSQL's
    one = container("--read-only-tmpfs=false", f"--volume={socket}:{socket}", f"--env=DATABASE_URL={url}", "--env=HOWDAH_AUTH=none")
    sqs = one.wait_ready().client()
    queue = sqs.create_queue(QueueName="elsewhere")["QueueUrl"]
    sqs.send_message(QueueUrl=queue, MessageBody="hello")
    assert sqs.receive_message(QueueUrl=queue)["Messages"][0]["Body"] == "hello"
    print(podman("diff", one.name).stdout)
    selftest = podman("exec", one.name, "howdah", "selftest", check=False)
    assert selftest.returncode == 0, selftest.stdout + selftest.stderr
    assert one.stop() == 0, one.log()
