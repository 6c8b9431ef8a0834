"""What the comparisons share: a throw-away PostgreSQL around them, servers on it, and howdah-bench against these."""
import contextlib
import datetime
import json
import os
import pathlib
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
RELEASE = ROOT / "build" / "release"
CONNECTIONS, BODY_BYTES = 32, 1000


def with_postgres():
    """Begins this program again beside a PostgreSQL, unless it is."""
    if "HOWDAH_TEST_DATABASE_URL" not in os.environ:
        os.execv(ROOT / "tests" / "with_postgres", ["with_postgres", *sys.argv])


def make_database(name):
    """Its URL."""
    url = os.environ["HOWDAH_TEST_DATABASE_URL"]
    subprocess.run(["psql", "-qX", url, "-c", f"CREATE DATABASE {name}"], check=True)
    return url.replace("/postgres?", f"/{name}?")


@contextlib.contextmanager
def server(database_url, port, log, *settings):
    """A server that is ready, on this port, its admin port the next one."""
    process = subprocess.Popen(
        [RELEASE / "howdah", "serve", "--database-url", database_url, "--listen", f"127.0.0.1:{port}", "--admin-listen",
         f"127.0.0.1:{port + 1}", "--drain-delay", "0s", "--log-level", "warn", *settings],
        stdout=log.open("wb"), stderr=subprocess.STDOUT)
    try:
        health = [RELEASE / "howdah", "healthcheck", "--admin", f"http://127.0.0.1:{port + 1}"]
        while subprocess.run(health, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL).returncode != 0:
            if process.poll() is not None:
                raise SystemExit(log.read_text())
            time.sleep(0.1)
        yield port
    finally:
        process.terminate()
        process.wait()


def start_bench(port, scenario, seconds, connections=CONNECTIONS, **environment):
    return subprocess.Popen(
        [RELEASE / "howdah-bench", "--endpoint", f"http://127.0.0.1:{port}", "--scenario", scenario, "--connections",
         str(connections), "--body-bytes", str(BODY_BYTES), "--seconds", str(seconds), "--warmup", "1", "--postgres-pid",
         os.environ["HOWDAH_TEST_POSTGRES_PID"], "--json"], env={**os.environ, **environment}, stdout=subprocess.PIPE,
        stderr=subprocess.PIPE, text=True)


def report_of(bench):
    """Of one that was started; howdah-bench's JSON."""
    said, complained = bench.communicate()
    if bench.returncode != 0:
        raise SystemExit(said + complained)
    return json.loads(said)


def heading(options, connections=CONNECTIONS):
    commit = subprocess.run(["git", "rev-parse", "--short", "HEAD"], cwd=ROOT, capture_output=True, text=True).stdout.strip()
    return (f"{os.cpu_count()} cores, commit {commit}, {datetime.date.today()}, load average {os.getloadavg()[0]:.1f} at the "
            f"beginning; {options.rounds} rounds of {options.seconds:g} s, {connections} connections, {BODY_BYTES} bytes")
