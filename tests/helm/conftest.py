"""Every test that asks for `helm` runs with Helm 3 and with Helm 4. `--newest` takes those compiled by Go instead of the
ones that npm packages carry."""
import os
import subprocess
import tempfile

import pytest

import tools

CHART = tools.ROOT / "helm"


def pytest_addoption(parser):
    parser.addoption("--newest", action="store_true", help="the newest Helms, compiled from Go's module proxy")
    parser.addoption("--update", action="store_true", help="rewrite helm/golden")


class Helm:
    """One version of it, with settings of its own."""

    def __init__(self, path):
        self.path = path
        self._home = tempfile.TemporaryDirectory(prefix="howdah-helm-")
        self.environment = {"PATH": os.environ["PATH"], "HOME": self._home.name}

    def run(self, *arguments, check=True, **more):
        done = subprocess.run([str(self.path), *map(str, arguments)], capture_output=True, text=True, timeout=100,
                              env={**self.environment, **more})
        assert not check or done.returncode == 0, f"{arguments}\n{done.stdout}{done.stderr}"
        return done

    def template(self, *arguments, release="r"):
        return self.run("template", release, CHART, *arguments).stdout


@pytest.fixture(scope="session")
def programs(request):
    return {**tools.packaged(), **(tools.compiled() if request.config.getoption("--newest") else {})}


@pytest.fixture(scope="session", params=["helm3", "helm4"])
def helm(request, programs):
    return Helm(programs[request.param])
