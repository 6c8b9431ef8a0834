"""Every test that asks for `helm` runs with Helm 3 and with Helm 4, and one that asks for `values` with every file in
helm/ci. `--newest` takes the Helms compiled by Go instead of the ones that npm packages carry, and kubeconform."""
import functools
import os
import subprocess
import tempfile

import pytest
import yaml

import tools

CHART = tools.ROOT / "helm"
KUBE = ["--kube-version", "1.36.3"]  # a Helm that `go install` made takes 1.20 for granted
FEATURES = sorted((CHART / "ci").glob("*-values.yaml"))


def pytest_addoption(parser):
    parser.addoption("--newest", action="store_true", help="the newest Helms, compiled from Go's module proxy")
    parser.addoption("--update", action="store_true", help="rewrite helm/golden")


def pytest_configure(config):
    """Fetches and compiles before the first test, whose time is limited."""
    if not hasattr(config, "workerinput"):
        tools.packaged()
        if config.getoption("--newest"):
            tools.compiled()


def pytest_ignore_collect(collection_path, config):
    if collection_path.name == "test_kubeconform.py" and not config.getoption("--newest"):
        return True  # it wants Go
    return None


def feature(name):
    return CHART / "ci" / f"{name}-values.yaml"


class Helm:
    """One version of it, with settings of its own."""

    def __init__(self, path):
        self.path = path
        self._home = tempfile.TemporaryDirectory(prefix="howdah-helm-")
        self.environment = {"PATH": os.environ["PATH"], "HOME": self._home.name}
        self.text = functools.cache(self._text)
        self.rendered = functools.cache(self._rendered)

    def run(self, *arguments, check=True, environment=None):
        done = subprocess.run([str(self.path), *map(str, arguments)], capture_output=True, text=True, timeout=100,
                              env={**self.environment, **(environment or {})})
        assert not check or done.returncode == 0, f"{arguments}\n{done.stdout}{done.stderr}"
        return done

    def template(self, *arguments, release="r"):
        return self.run("template", release, CHART, "--namespace", "shop", *KUBE, *arguments).stdout

    def _text(self, values, *arguments, release="r"):
        return self.template("--values", values, *arguments, release=release)

    def _rendered(self, values, *arguments, release="r"):
        """The objects that a file in helm/ci makes; not to be changed."""
        loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
        return [one for one in yaml.load_all(self.text(values, *arguments, release=release), loader) if one]

    def refused(self, *arguments):
        """What it says about values that it must not take."""
        done = self.run("template", "r", CHART, *KUBE, *arguments, check=False)
        assert done.returncode != 0, f"taken: {arguments}"
        return done.stderr


def of_kind(objects, kind, suffix=""):
    return [one for one in objects if one["kind"] == kind and one["metadata"]["name"].endswith(suffix)]


def pod_specs(objects):
    """(name, labels of the pod, spec) of all that runs."""
    for one in objects:
        name = f"{one['kind']} {one['metadata']['name']}"
        if one["kind"] == "Pod":
            yield name, one["metadata"]["labels"], one["spec"]
        elif one["kind"] in ("Deployment", "StatefulSet", "Job"):
            template = one["spec"]["template"]
            yield name, template["metadata"]["labels"], template["spec"]


def containers(spec):
    return spec.get("initContainers", []) + spec["containers"]


@pytest.fixture(scope="session")
def programs(request):
    return {**tools.packaged(), **(tools.compiled() if request.config.getoption("--newest") else {})}


@pytest.fixture(scope="session", params=["helm3", "helm4"])
def helm(request, programs):
    return Helm(programs[request.param])


@pytest.fixture(params=FEATURES, ids=lambda path: path.stem.removesuffix("-values"))
def values(request):
    return request.param
