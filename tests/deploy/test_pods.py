"""The pods that the chart renders, run for real by `podman kube play` on a PostgreSQL in a container beside them. podman knows
no Services, probes, Jobs and Secret documents: what it leaves out is taken from the objects here, and done by the test."""
import json
import re
import subprocess
import sys
import threading
import time
import uuid

import pytest
import yaml

from conftest import ROOT, run
from containers import IMAGE, environment, inspect, podman
from howdah import eventually, sqs_client

sys.path.insert(0, str(ROOT / "tests" / "helm"))
import tools  # noqa: E402

pytestmark = pytest.mark.timeout(7200)  # the first that asks for the image compiles it
NETWORK = "podman-default-kube-network"  # where `kube play` puts pods
PROMTOOL = ROOT / ".tools" / "prometheus" / "usr" / "bin" / "promtool"
VALUES = {
    "image": {"registry": "localhost", "repository": "howdah", "tag": "test", "pullPolicy": "Never"},
    "auth": {"mode": "none"},
    "database": {"external": {"existingSecret": "howdah-test-database"}},
    "queues": [{"name": "declared", "attributes": {"VisibilityTimeout": 7}}],
}


def play(objects):
    text = yaml.safe_dump_all(objects)
    subprocess.run(["podman", "kube", "play", "--quiet", "-"], input=text, text=True, check=True, env=environment(), timeout=300)


def address(container):
    networks = inspect("container", container)["NetworkSettings"]["Networks"]
    return next(network["IPAddress"] for network in networks.values() if network["IPAddress"])


@pytest.fixture(scope="module")
def database(image):
    """PostgreSQL of the image itself, listening where pods reach it; the connection string."""
    if podman("network", "exists", NETWORK, check=False).returncode != 0:
        podman("network", "create", NETWORK)
    name = f"howdah-test-{uuid.uuid4().hex[:10]}"
    start = ("bin=$(echo /usr/lib/postgresql/*/bin); $bin/initdb -D /tmp/db -U howdah --auth=trust -E UTF8 --locale=C.UTF-8 && "
             "echo 'host all all all trust' >>/tmp/db/pg_hba.conf && "
             "exec $bin/postgres -D /tmp/db -c listen_addresses='*' -c unix_socket_directories=/tmp")
    podman("run", "--detach", "--name", name, "--network", NETWORK, "--no-healthcheck", "--entrypoint", "sh", IMAGE, "-c", start)
    eventually(lambda: podman("exec", name, "sh", "-c", "/usr/lib/postgresql/*/bin/pg_isready --host=/tmp", check=False).returncode == 0, "PostgreSQL answers", 60)
    yield f"postgresql://howdah@{address(name)}/postgres"
    podman("rm", "--force", "--time=5", name)


@pytest.fixture(scope="module")
def rendered(tmp_path_factory):
    values = tmp_path_factory.mktemp("chart") / "values.yaml"
    values.write_text(yaml.safe_dump(VALUES))
    text = run(tools.packaged()["helm4"], "template", "shop", ROOT / "helm", "--values", values).stdout
    return [one for one in yaml.safe_load_all(text) if one]


class Pod:
    def __init__(self, objects):
        deployment = next(one for one in objects if one["kind"] == "Deployment")
        deployment["spec"]["replicas"] = 1  # the most that podman plays
        container = deployment["spec"]["template"]["spec"]["containers"][0]
        for probe in ("startupProbe", "readinessProbe", "livenessProbe"):
            del container[probe]
        del container["ports"]  # it would publish them to the whole network
        for volume in deployment["spec"]["template"]["spec"]["volumes"]:
            if "secret" in volume:
                volume["secret"]["optional"] = False  # podman 4.3.1 dereferences it unasked
        play([one for one in objects if one["kind"] == "ConfigMap" and "howdah.yaml" in one["data"]] + [deployment])
        self.name = f"{deployment['metadata']['name']}-pod-0"
        self.container = f"{self.name}-{container['name']}"
        infra = json.loads(podman("pod", "inspect", self.name).stdout)
        self.address = address(infra["InfraContainerID"])

    def get(self, path):
        return run("curl", "--silent", "--show-error", "--write-out", "\n%{http_code}", f"http://{self.address}:9325{path}",
                   check=False).stdout.rpartition("\n")

    def wait_ready(self):
        def ready():
            state = inspect("container", self.container)["State"]
            assert state["Running"], self.log()
            return self.get("/readyz")[2] == "200"
        eventually(ready, "the pod is ready", 60)

    def client(self):
        return sqs_client(f"http://{self.address}:9324")

    def log(self):
        done = podman("logs", self.container, check=False)
        return done.stdout + done.stderr


@pytest.fixture(scope="module")
def pod(database, rendered):
    secret = VALUES["database"]["external"]["existingSecret"]
    podman("secret", "rm", secret, check=False)
    subprocess.run(["podman", "secret", "create", secret, "-"], text=True, check=True, env=environment(), stdout=subprocess.DEVNULL,
                   input=yaml.safe_dump({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": secret},
                                         "data": {"uri": database}}))  # podman does not decode
    try:
        playing = Pod(rendered)
        playing.wait_ready()
        yield playing
    finally:
        podman("pod", "rm", "--force", "--time=5", "shop-howdah-pod-0", check=False)
        podman("secret", "rm", secret, check=False)
        podman("volume", "rm", "--force", secret, "shop-howdah", check=False)  # what was mounted of it and of the ConfigMap


def test_an_sdk_finds_the_declared_queue_and_uses_it(pod):
    sqs = pod.client()
    queue = sqs.get_queue_url(QueueName="declared")["QueueUrl"]
    assert queue.startswith(f"http://{pod.address}:9324/")
    assert sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["VisibilityTimeout"])["Attributes"] == {"VisibilityTimeout": "7"}
    sqs.send_message(QueueUrl=queue, MessageBody="hello")
    message = sqs.receive_message(QueueUrl=queue, WaitTimeSeconds=5)["Messages"][0]
    assert message["Body"] == "hello"
    sqs.delete_message(QueueUrl=queue, ReceiptHandle=message["ReceiptHandle"])


def test_the_container_may_do_nothing_it_need_not(pod):
    status = podman("exec", pod.container, "cat", "/proc/1/status").stdout
    assert re.search(r"^Uid:\t10001\t", status, re.M) and re.search(r"^CapEff:\t0+$", status, re.M)
    assert re.search(r"^NoNewPrivs:\t1$", status, re.M) and re.search(r"^Seccomp:\t2$", status, re.M)
    assert podman("exec", pod.container, "touch", "/var/lib/howdah/x", check=False).returncode != 0


def test_the_pod_of_helm_test_passes(pod, rendered):
    test = next(one for one in rendered if one["kind"] == "Pod" and one["metadata"]["annotations"]["helm.sh/hook"] == "test")
    container = test["spec"]["containers"][0]
    name, count = re.subn(r"//[^:]+:", f"//{pod.address}:", " ".join(container["args"]))  # in place of the Service
    assert count == 1
    container["args"] = name.split(" ")
    play([test])
    name = test["metadata"]["name"]
    try:
        selftest = f"{name}-{container['name']}"
        assert podman("wait", selftest, timeout=60).stdout.strip() == "0", podman("logs", selftest).stdout
    finally:
        podman("pod", "rm", "--force", "--time=5", name)


def test_prometheus_can_scrape_it(pod):
    metrics, _, status = pod.get("/metrics")
    assert status == "200" and "howdah_build_info{" in metrics
    done = subprocess.run([PROMTOOL, "check", "metrics"], input=metrics + "\n", capture_output=True, text=True)
    assert done.returncode in (0, 3), done.stderr  # 3: a matter of style


def test_sigterm_answers_parked_polls_and_ends_well(pod):
    """The last: the pod is gone after it."""
    sqs = pod.client()
    queue = sqs.create_queue(QueueName="parked")["QueueUrl"]
    answers = []
    threads = [threading.Thread(target=lambda: answers.append(sqs.receive_message(QueueUrl=queue, WaitTimeSeconds=20)))
               for _ in range(10)]
    for thread in threads:
        thread.start()
    eventually(lambda: "howdah_receive_waiters 10" in pod.get("/metrics")[0], "ten polls are parked")
    began = time.monotonic()
    stopping = threading.Thread(target=podman, args=("stop", "--time=45", pod.container))
    stopping.start()
    eventually(lambda: pod.get("/readyz")[2] == "503", "not ready while it drains")
    for thread in threads:
        thread.join(30)
    took = time.monotonic() - began
    assert len(answers) == 10 and not any("Messages" in answer for answer in answers)
    assert 4 < took < 15, "after drain-delay, before their own time"
    stopping.join(60)
    assert inspect("container", pod.container)["State"]["ExitCode"] == 0, pod.log()
