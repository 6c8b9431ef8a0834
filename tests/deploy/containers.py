"""Real containers by podman and buildah, on machines that have no systemd and few privileges too: containers.conf says so."""
import json
import os

from conftest import ROOT, WORK, run

CONF = """[containers]
default_ulimits = []
[engine]
cgroup_manager = "cgroupfs"
events_logger = "file"
runtime = "runc"
"""
DEBIAN = "docker.io/library/debian:bookworm-slim"
IMAGE = "localhost/howdah:test"
# As restricted as a cluster would have it.
RESTRICTED = ["--read-only", "--cap-drop=ALL", "--security-opt=no-new-privileges"]


def environment():
    conf = WORK / "containers.conf"
    conf.write_text(CONF)
    return {**os.environ, "CONTAINERS_CONF": str(conf)}


def podman(*arguments, **more):
    return run("podman", *arguments, env=environment(), **more)


def inspect(kind, name):
    return json.loads(podman(kind, "inspect", name).stdout)[0]


def build_image(base):
    """IMAGE, from the Dockerfile as it is, on Debian's base system from `base` in place of the public image of that name."""
    if podman("image", "exists", DEBIAN, check=False).returncode != 0:
        # The public image names a PATH as well.
        podman("import", "--change", "ENV PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", base, DEBIAN)
    version = run(ROOT / "build" / "release" / "howdah", "version").stdout.split()
    run("buildah", "bud", "--layers", "--pull-never", "--isolation", "chroot", "--format", "docker",
        "--build-arg", f"VERSION={version[1]}", "--build-arg", f"REVISION={version[2].strip('()')}", "-t", IMAGE, ROOT,
        env=environment(), timeout=7200)
    return IMAGE
