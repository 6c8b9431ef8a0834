"""The .deb: sound by lintian and systemd, installed in a fresh Debian, run as its unit runs it, then by a systemd that is booted
there, and purged without a trace."""
import json
import re
import shutil
import signal
import socket
import subprocess
import uuid

import pytest

from conftest import ROOT, WORK, run
from containers import podman
from howdah import BINARY, eventually, free_port, request, sqs_client

PATH = "/usr/sbin:/usr/bin:/sbin:/bin"
UNIT = ROOT / "packaging" / "howdah.service"


def test_lintian_finds_nothing(deb):
    done = run("lintian", "--fail-on", "error,warning,info,pedantic", deb, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout == ""


def test_dependencies_are_those_that_the_binary_links(deb):
    control = run("dpkg-deb", "--field", deb).stdout
    assert re.search(r"^Depends: .*libpq5 .*", control, re.M) and "libcpprest" in control
    assert re.search(r"^Recommends: .*postgresql", control, re.M)
    assert run("dpkg-deb", "--ctrl-tarfile", deb, check=False).returncode == 0


class Chroot:
    """A fresh Debian in a folder, with a namespace of its own for what is mounted in it."""

    def __init__(self, base, directory):
        self.path = directory
        shutil.rmtree(directory, ignore_errors=True)
        directory.mkdir()
        run("tar", "-xf", base, "-C", directory, "--exclude=./dev/*")
        shutil.copy("/etc/resolv.conf", directory / "etc" / "resolv.conf")
        shutil.copytree("/etc/apt", directory / "etc" / "apt", dirs_exist_ok=True, symlinks=True,
                        ignore=shutil.ignore_patterns("*.d~", "preferences.d", "apt.conf.d"))
        # As in every image: packages start nothing when they are installed.
        policy = directory / "usr" / "sbin" / "policy-rc.d"
        policy.write_text("#!/bin/sh\nexit 101\n")
        policy.chmod(0o755)
        self.inside = ["unshare", "--mount", "sh", "-ec",
                       'mount --rbind /dev "$0/dev"; mount --rbind /proc "$0/proc"; exec chroot "$0" "$@"', str(directory)]

    def run(self, *command, **more):
        return run(*self.inside, *command, **more, env={"PATH": PATH, "LC_ALL": "C.UTF-8",
                                                        "DEBIAN_FRONTEND": "noninteractive"})


@pytest.fixture(scope="module")
def chroot(base):
    made = Chroot(base, WORK / "chroot")
    yield made
    shutil.rmtree(made.path, ignore_errors=True)


@pytest.fixture(scope="module")
def installed(chroot, deb):
    chroot.run("apt-get", "update")
    shutil.copy(deb, chroot.path / "opt" / deb.name)
    # procps and man-db are what systemd's own check of the unit looks for; every machine that runs systemd has them.
    chroot.run("apt-get", "install", "-y", "--no-install-recommends", f"/opt/{deb.name}", "postgresql", "procps", "man-db",
               timeout=1800)
    return chroot


@pytest.mark.timeout(2400)
def test_installed_it_serves_as_its_unit_says(installed):
    conffile = "/etc/howdah/howdah.yaml"
    assert conffile in installed.run("dpkg-query", "--show", "--showformat=${Conffiles}", "howdah").stdout
    assert re.match(r"uid=\d+\(howdah\) gid=\d+\(howdah\)", installed.run("id", "howdah").stdout)
    state = installed.path / "var" / "lib" / "howdah"
    installed.run("install", "-d", "-o", "howdah", "-g", "howdah", "-m", "0700", "/var/lib/howdah")  # StateDirectory=

    start = re.search(r"^ExecStart=(.*)$", UNIT.read_text(), re.M)[1].split()
    port, admin_port = free_port(), free_port()
    notify = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    notify.bind(str(installed.path / "run" / "notify"))
    (installed.path / "run" / "notify").chmod(0o666)
    notify.settimeout(1)
    process = subprocess.Popen(
        [*installed.inside, "setpriv", "--reuid=howdah", "--regid=howdah", "--clear-groups", "--no-new-privs", *start,
         "--listen", f"127.0.0.1:{port}", "--admin-listen", f"127.0.0.1:{admin_port}", "--drain-delay", "0s"],
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        env={"PATH": PATH, "NOTIFY_SOCKET": "/run/notify"})
    try:
        def told():
            try:
                return notify.recv(4096)
            except TimeoutError:
                assert process.poll() is None, process.stdout.read()

        assert eventually(told, "the server says that it is ready", 120) == b"READY=1"
        assert request(admin_port, "GET", "/readyz").status == 200
        sqs = sqs_client(f"http://127.0.0.1:{port}")
        queue = sqs.create_queue(QueueName="packaged")["QueueUrl"]
        sqs.send_message(QueueUrl=queue, MessageBody="hello")
        assert sqs.receive_message(QueueUrl=queue)["Messages"][0]["Body"] == "hello"
        process.send_signal(signal.SIGTERM)
        assert eventually(told, "the server says that it stops") == b"STOPPING=1"
        assert process.wait(60) == 0, process.stdout.read()
    finally:
        process.kill()
        notify.close()
        (installed.path / "run" / "notify").unlink()
    assert (state / "data").is_dir()


def test_the_unit_is_one_that_systemd_takes_and_hardened(installed):
    done = run("systemd-analyze", "verify", "--man=no", f"--root={installed.path}", "howdah.service", check=False)
    assert done.returncode == 0 and "howdah" not in done.stderr, done.stdout + done.stderr
    exposure = run("systemd-analyze", "security", "--offline=true", "--json=short", "--threshold=20", f"--root={installed.path}",
                   "howdah.service", check=False)
    assert exposure.returncode == 0, exposure.stdout + exposure.stderr
    assert json.loads(exposure.stdout)


class Booted:
    """The same Debian with systemd as its first process, in a container that may all a machine may, without a network."""

    def __init__(self, path):
        self.path = path
        self._name = f"howdah-test-{uuid.uuid4().hex[:10]}"
        podman("run", "--detach", "--name", self._name, "--systemd=always", "--privileged", "--network=none", "--rootfs", path,
               "/lib/systemd/systemd")

    def run(self, *command, **more):
        return podman("exec", "--env=DEBIAN_FRONTEND=noninteractive", self._name, *command, **more)

    def show(self, name):
        return self.run("systemctl", "show", "--value", f"--property={name}", "howdah").stdout.strip()

    def pid(self):
        return int(self.show("MainPID"))

    def wait_active(self):
        def active():
            state = self.run("systemctl", "is-active", "howdah", check=False).stdout.strip()
            assert state != "failed", self.run("journalctl", "--no-pager", "--unit=howdah").stdout
            return state == "active"
        eventually(active, "systemd says that howdah is active", 120)

    def remove(self):
        podman("rm", "--force", "--time=60", self._name)


@pytest.fixture(scope="module")
def booted(installed):
    machine = Booted(installed.path)
    machine.wait_active()
    yield machine
    machine.remove()


def test_systemd_starts_it_again_reloads_and_stops_it(booted):
    assert booted.show("Type") == "notify"
    booted.run("howdah", "selftest")
    first = booted.pid()
    booted.run("systemctl", "restart", "howdah")
    booted.run("howdah", "selftest")  # at once: systemd waited until it was ready
    second = booted.pid()
    assert second != first
    booted.run("systemctl", "reload", "howdah")
    assert booted.pid() == second
    booted.run("kill", "-KILL", str(second))
    eventually(lambda: booted.show("NRestarts") == "1", "systemd starts it again")
    booted.wait_active()
    booted.run("howdah", "selftest")
    booted.run("systemctl", "stop", "howdah")
    assert (booted.show("Result"), booted.show("ExecMainStatus")) == ("success", "0")
    assert booted.run("pgrep", "--euid=howdah", check=False).stdout == ""
    booted.run("systemctl", "start", "howdah")


def test_in_its_sandbox_it_writes_its_own_directory_alone(booted):
    booted.run("systemctl", "start", "howdah")
    status = booted.run("cat", f"/proc/{booted.pid()}/status").stdout
    for line in ("NoNewPrivs:\t1", "Seccomp:\t2", "CapBnd:\t0000000000000000", "CapEff:\t0000000000000000"):
        assert line in status
    assert not re.search("^Uid:\t0\t", status, re.M)
    places = ["/", "/etc", "/etc/howdah", "/usr/bin", "/usr/lib/postgresql", "/home", "/root", "/var/lib", "/var/log",
              "/proc/sys/kernel", "/sys", "/dev", "/var/lib/howdah", "/var/lib/howdah/data"]
    inside = ["nsenter", f"--target={booted.pid()}", "--mount", "--", "sh", "-c"]
    # As root, whom nothing but the sandbox keeps from it.
    said = booted.run(*inside, 'for place; do touch "$place/x" && rm "$place/x" && echo "$place"; done; true', "sh", *places).stdout
    assert said.split() == ["/var/lib/howdah", "/var/lib/howdah/data"]
    assert booted.run(*inside, "ls /home /root", check=False).stdout.split() == ["/home:", "/root:"]


def test_a_package_that_is_installed_over_it_starts_it_anew(booted, deb):
    booted.run("systemctl", "start", "howdah")
    before = booted.pid()
    (booted.path / "usr" / "sbin" / "policy-rc.d").unlink()  # as on a machine that is no image
    booted.run("dpkg", "--install", f"/opt/{deb.name}")
    booted.wait_active()
    assert booted.pid() not in (0, before)
    booted.run("howdah", "selftest")


def test_an_upgrade_keeps_what_the_administrator_changed(booted, deb, tmp_path):
    """Another version with another default, over a file that was edited and a service that was switched off."""
    shipped = "etc/howdah/howdah.yaml"
    run("dpkg-deb", "--raw-extract", deb, tmp_path / "next")
    control = tmp_path / "next" / "DEBIAN" / "control"
    control.write_text(re.sub(r"^(Version: .*)$", r"\1+next", control.read_text(), flags=re.M))
    with open(tmp_path / "next" / shipped, "a") as file:
        file.write("# another default\n")
    run("dpkg-deb", "--build", "--root-owner-group", tmp_path / "next", booted.path / "opt" / "next.deb")
    before = (booted.path / shipped).read_text()
    (booted.path / shipped).write_text(before + "log-level: debug\n")
    booted.run("systemctl", "disable", "--now", "howdah")

    booted.run("dpkg", "--force-confold", "--install", "/opt/next.deb")
    assert (booted.path / shipped).read_text() == before + "log-level: debug\n"
    assert (booted.path / f"{shipped}.dpkg-dist").read_text() == before + "# another default\n"
    assert booted.run("systemctl", "is-enabled", "howdah", check=False).stdout.strip() == "disabled"
    assert booted.pid() == 0

    # Removed, not purged: its data and settings wait for the next time.
    booted.run("dpkg", "--remove", "howdah")
    assert "log-level" in (booted.path / shipped).read_text() and (booted.path / "var/lib/howdah/data").is_dir()
    booted.run("dpkg", "--force-confold", "--install", "/opt/next.deb")
    booted.run("systemctl", "enable", "--now", "howdah")
    booted.run("howdah", "selftest")


def test_purged_it_leaves_nothing(booted):
    installed = booted
    installed.run("apt-get", "purge", "-y", "howdah")
    assert installed.run("pgrep", "--full", "howdah", check=False).stdout == ""
    left = [path for path in ("etc/howdah", "var/lib/howdah", "usr/bin/howdah", "lib/systemd/system/howdah.service",
                              "usr/lib/sysusers.d/howdah.conf", "usr/share/doc/howdah", "usr/share/man/man1/howdah.1.gz")
            if (installed.path / path).exists()]
    assert not left
    assert installed.run("dpkg-query", "--status", "howdah", check=False).returncode != 0


def completed(shell, line, tmp_path):
    """What `shell` offers for the last word of `line`."""
    script = run(BINARY, "completion", shell).stdout
    file = tmp_path / "completion"
    file.write_text(script)
    words = line.split(" ")
    if shell == "fish":
        done = run("fish", "--no-config", "-c", f"source {file}; complete -C '{line}'", env={"HOME": str(tmp_path), "PATH": "/usr/bin:/bin"})
        return [offered.split("\t")[0] for offered in done.stdout.splitlines()]
    if shell == "bash":
        quoted = " ".join(f"'{word}'" for word in words)
        done = run("bash", "--norc", "-euc", f"source {file}; COMP_WORDS=({quoted}); COMP_CWORD={len(words) - 1}; _howdah; "
                                             'printf "%s\\n" "${COMPREPLY[@]}"')
        return done.stdout.split()
    quoted = " ".join(f"'{word}'" for word in words)
    done = run("zsh", "-f", "-c", 'compdef() { :; }; compadd() { shift; print -l -- "$@"; }; '
                                  f"words=({quoted}); CURRENT={len(words)}; source {file}; _howdah")
    return [word for word in done.stdout.split() if word.startswith(words[-1])]


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_shells_complete_commands_settings_and_values(shell, tmp_path):
    assert set(completed(shell, "howdah se", tmp_path)) == {"serve", "selftest"}
    assert "--drain-delay" in completed(shell, "howdah serve --dra", tmp_path)
    assert set(completed(shell, "howdah serve --auth ", tmp_path)) == {"none", "sigv4"}
    assert set(completed(shell, "howdah credentials di", tmp_path)) == {"disable"}
    assert "--account" in completed(shell, "howdah credentials create --a", tmp_path)
    assert "--markdown" not in completed(shell, "howdah serve --", tmp_path)


def test_the_manual_tells_every_setting_and_command(tmp_path):
    page = tmp_path / "howdah.1"
    page.write_text(run(BINARY, "man").stdout)
    done = run("man", "--warnings", "-l", "-Tutf8", page, env={"MANWIDTH": "100", "LC_ALL": "C.UTF-8", "PATH": "/usr/bin:/bin"})
    assert done.stderr == ""
    text = re.sub(".\x08", "", done.stdout).replace("‐", "-")
    for name in re.findall(r"^\| `([a-z-]+)`", run(BINARY, "config", "settings", "--markdown").stdout, re.M):
        assert f"--{name}" in text
    for command in ("serve", "migrate", "healthcheck", "selftest", "config print", "credentials create", "version"):
        assert re.search(rf"^ +{command}(  |$)", text, re.M), command
