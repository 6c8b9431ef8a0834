"""Install, upgrade, rollback, test and uninstall, with both Helms, whose records are in our PostgreSQL (Helm's own storage
in Secrets speaks a binary protocol that tests/helm/kubernetes_api.py does not)."""
import json
import sys

import pytest
import yaml

import tools
from conftest import CHART, feature
from kubernetes_api import KubernetesApi

sys.path.insert(0, str(tools.ROOT / "tests" / "e2e"))
from howdah import Postgres  # noqa: E402


@pytest.fixture(scope="module")
def postgres():
    started = Postgres()
    yield started
    started.stop()


@pytest.fixture
def cluster():
    api = KubernetesApi()
    yield api
    api.stop()


class Release:
    """One release, and what its commands leave in the cluster."""

    def __init__(self, helm, cluster, postgres, directory, name):
        self.helm, self.cluster, self.name = helm, cluster, name
        config = directory / "kubeconfig"
        config.write_text(json.dumps({
            "apiVersion": "v1", "kind": "Config", "current-context": "c",
            "clusters": [{"name": "c", "cluster": {"server": cluster.url}}], "users": [{"name": "c", "user": {}}],
            "contexts": [{"name": "c", "context": {"cluster": "c", "user": "c", "namespace": "shop"}}]}))
        self.environment = {"KUBECONFIG": str(config), "HELM_DRIVER": "sql",
                            "HELM_DRIVER_SQL_CONNECTION_STRING": postgres.database() + "&sslmode=disable"}

    def run(self, command, *arguments, check=True):
        return self.helm.run(command, self.name, *arguments, "--namespace", "shop", check=check,
                             environment=self.environment)

    def set_to(self, command, name, *arguments):
        return self.run(command, CHART, "--values", feature(name), "--disable-openapi-validation", *arguments)

    def expected(self, name, *arguments):
        """What a render makes, without hooks, which come and go."""
        rendered = yaml.safe_load_all(self.helm.template("--values", feature(name), *arguments, release=self.name))
        return {(one["kind"], one["metadata"]["name"]): one for one in rendered
                if one and "helm.sh/hook" not in one["metadata"].get("annotations", {})}

    def found(self):
        """What is in the cluster, without what the API adds."""
        objects = {}
        for (_, kind, name), one in self.cluster.objects.items():
            metadata = {key: value for key, value in one["metadata"].items()
                        if key in ("name", "namespace", "labels", "annotations")}
            annotations = {key: value for key, value in metadata.pop("annotations", {}).items()
                           if not key.startswith("meta.helm.sh/")}
            if annotations:
                metadata["annotations"] = annotations
            objects[kind, name] = {**{key: value for key, value in one.items() if key != "status"}, "metadata": metadata}
        return objects


@pytest.fixture
def release(helm, cluster, postgres, tmp_path, request):
    return Release(helm, cluster, postgres, tmp_path, f"r{abs(hash(request.node.nodeid)) % 10**8}")


def test_install_upgrade_rollback_uninstall(release):
    said = release.set_to("install", "external").stdout
    assert "AWS_ENDPOINT_URL" in said and "STATUS: deployed" in said
    assert release.found() == release.expected("external")

    # Fewer, other and more objects, and other lists in those that stay.
    for name in ("bare", "tls-cert-manager", "autoscaling", "config", "gateway-tls"):
        release.set_to("upgrade", name)
        assert release.found() == release.expected(name), name

    release.run("rollback", "1")
    assert release.found() == release.expected("external")
    history = json.loads(release.run("history", "--output", "json").stdout)
    assert [one["revision"] for one in history] == [1, 2, 3, 4, 5, 6, 7]
    assert [one["status"] for one in history] == ["superseded"] * 6 + ["deployed"]

    release.run("uninstall")
    assert release.found() == {}
    writes = {content_type for method, _, content_type in release.cluster.requests if method == "PATCH"}
    is_helm_3 = "v3." in release.helm.run("version").stdout
    assert writes == {"application/strategic-merge-patch+json" if is_helm_3 else "application/apply-patch+yaml"}


def test_a_refused_upgrade_changes_nothing(release):
    release.set_to("install", "tryout")
    before = release.found()
    done = release.run("upgrade", CHART, "--values", feature("tryout"), "--set", "replicaCount=500", check=False)
    assert done.returncode != 0 and "maxConnections" in done.stderr
    assert release.found() == before


def test_the_migrations_job_runs_before_and_helm_test_after(release):
    release.set_to("install", "migrations-hook", "--timeout", "20s")
    made = [path for method, path, _ in release.cluster.requests if method in ("POST", "PATCH")]
    jobs = [number for number, path in enumerate(made) if "/jobs" in path]
    deployments = [number for number, path in enumerate(made) if "/deployments" in path]
    assert jobs and max(jobs) < min(deployments)
    assert ("Job", f"{release.name}-howdah-migrate") not in release.found()
    said = release.run("test", "--timeout", "20s").stdout
    assert "Phase:          Succeeded" in said
    assert release.found() == release.expected("migrations-hook")
