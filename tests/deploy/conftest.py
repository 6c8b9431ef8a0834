"""What the tests of packages, images and pods share; they need root, as `make test-deploy` says if it is missing. What is made
once a machine is kept in build/deploy: Debian's base system, which is chroot and base image alike."""
import os
import pathlib
import subprocess
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "e2e"))

from howdah import ROOT, Postgres  # noqa: E402

WORK = ROOT / "build" / "deploy"
RELEASE = ROOT / "build" / "release"


def run(*command, check=True, timeout=600, **more):
    """The finished process, its output as text."""
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True, timeout=timeout, **more)
    assert not check or done.returncode == 0, f"{command} ended with {done.returncode}\n{done.stdout}{done.stderr}"
    return done


@pytest.fixture(scope="session", autouse=True)
def root():
    assert os.geteuid() == 0, "chroots and containers need root: sudo make test-deploy"
    WORK.mkdir(parents=True, exist_ok=True)


@pytest.fixture(scope="session")
def base():
    """Debian's smallest system of the release that Howdah is built for, as a tar file."""
    made = WORK / "bookworm.tar"
    if not made.exists():
        making = WORK / "bookworm.making.tar"
        run("mmdebstrap", "--variant=minbase", "--include=ca-certificates", "bookworm", making, timeout=1800)
        making.rename(made)
    return made


@pytest.fixture(scope="session")
def deb():
    """The package that `scripts/build release howdah_deb` made."""
    version = run(RELEASE / "howdah", "version").stdout.split()[1]
    found = list((RELEASE / "packages").glob(f"howdah_{version}-*.deb"))
    assert len(found) == 1, f"there is no package of {version}: scripts/build release howdah_deb"
    return found[0]


@pytest.fixture(scope="session")
def postgres():
    started = Postgres()
    yield started
    started.stop()


@pytest.fixture(scope="session")
def image(base):
    import containers  # needs what is above
    return containers.build_image(base)
