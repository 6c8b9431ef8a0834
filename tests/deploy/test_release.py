"""`make release`: everything of one version, and each part good for something."""
import json
import re
import shutil
import subprocess

import pytest
import yaml

from conftest import RELEASE, ROOT, run
from containers import environment, podman

pytestmark = pytest.mark.timeout(7200)  # the image is compiled, unless another test did so before


@pytest.fixture(scope="module")
def dist(image):
    run(ROOT / "scripts" / "release", env=environment(), timeout=7200)
    return RELEASE / "dist"


@pytest.fixture(scope="module")
def version():
    return re.search(r"^project\(howdah VERSION (\S+)", (ROOT / "CMakeLists.txt").read_text(), re.M)[1]


def test_everything_is_there_under_its_checksum(dist, version):
    assert sorted(file.name for file in dist.iterdir()) == sorted([
        "SHA256SUMS", f"howdah-{version}-linux-amd64.tar.gz", f"howdah-{version}-image-amd64.tar.gz",
        f"howdah_{version}-1~deb12_amd64.deb", f"howdah-chart-{version}.tgz"])
    assert run("sha256sum", "--check", "--strict", "SHA256SUMS", cwd=dist).stdout.count(": OK") == 4


def test_the_tarball_runs(dist, version, tmp_path):
    run("tar", "-xf", dist / f"howdah-{version}-linux-amd64.tar.gz", "-C", tmp_path)
    root = tmp_path / f"howdah-{version}-linux-amd64"
    assert run(root / "bin" / "howdah", "version").stdout.startswith(f"howdah {version} ")
    assert {"LICENSE", "README.md", "CHANGELOG.md", "share"} <= {entry.name for entry in root.iterdir()}
    assert not (root / "etc").exists()


def test_the_image_archive_loads(dist, version):
    archive = dist / f"howdah-{version}-image-amd64.tar.gz"
    loaded = run("sh", "-c", 'gunzip --stdout "$0" | podman load', archive, env=environment()).stdout  # as docs/deploying.md says
    name = re.search(rf"\S*howdah:{re.escape(version)}", loaded)[0]
    told = json.loads(podman("run", "--rm", "--network=none", name, "version", "--json").stdout)
    assert told["version"] == version


def test_the_chart_is_of_the_same_version(dist, version):
    chart = yaml.safe_load(run("tar", "-xOf", dist / f"howdah-chart-{version}.tgz", "howdah/Chart.yaml").stdout)
    assert chart["version"] == chart["appVersion"] == version


def test_one_line_says_who_publishes_package_and_chart(dist, version):
    told = re.search(r'^set\(HOWDAH_MAINTAINER "((.*) <(.*)>)"\)$', (ROOT / "packaging" / "package.cmake").read_text(), re.M)
    package = run("dpkg-deb", "--field", dist / f"howdah_{version}-1~deb12_amd64.deb", "Maintainer").stdout.strip()
    chart = yaml.safe_load(run("tar", "-xOf", dist / f"howdah-chart-{version}.tgz", "howdah/Chart.yaml").stdout)
    assert package == told[1]
    address = {} if told[3].endswith(".example") else {"email": told[3]}
    assert chart["maintainers"] == [{"name": told[2], **address}]


def test_helm_is_fetched_where_no_test_ran_before(tmp_path):
    """What npm says must not become part of the path."""
    (tmp_path / "tests" / "helm").mkdir(parents=True)
    for name in (".npmrc", "tools.py", "package.json", "package-lock.json"):
        shutil.copy(ROOT / "tests" / "helm" / name, tmp_path / "tests" / "helm")
    command = re.search(r"python3 -c '[^']+'", (ROOT / "scripts" / "release").read_text())[0]
    helm = run("sh", "-c", command, cwd=tmp_path, timeout=600).stdout
    assert run(helm.removesuffix("\n"), "version").stdout.startswith("version.BuildInfo"), helm


@pytest.mark.parametrize("missing", ["buildah", "helm"])
def test_what_is_missing_is_told_and_ends_it(missing, tmp_path):
    for program in ("bash", "dirname", "sed", "git", "dpkg", "grep", "true", *({"buildah"} - {missing})):
        (tmp_path / program).symlink_to(subprocess.run(["which", program], capture_output=True, text=True).stdout.strip())
    done = run(ROOT / "scripts" / "release", check=False, env={"PATH": str(tmp_path)})
    assert done.returncode != 0 and f"{missing} is missing" in done.stderr
