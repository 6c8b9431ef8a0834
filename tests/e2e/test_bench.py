"""howdah-bench still runs, and finds nothing wrong with what it is given back."""
import json
import subprocess

import pytest

from howdah import BINARY, clean_environment

BENCH = BINARY.parent / "howdah-bench"


def run(*arguments):
    done = subprocess.run([BENCH, "--seconds", "0.5", "--warmup", "0.1", "--json", *arguments], capture_output=True,
                          text=True, timeout=60, env=clean_environment())
    assert done.returncode == 0, done
    return json.loads(done.stdout)


@pytest.mark.parametrize("scenario", ["send", "send-batch", "lifecycle", "lifecycle-batch", "idle-send",
                                      "fifo-lifecycle-batch", "fifo-hot-group", "redrive", "beside"])
def test_scenarios_on_a_server(server, scenario):
    connections = "1" if scenario == "idle-send" else "4"
    said = run("--endpoint", server.url, "--scenario", scenario, "--connections", connections)
    assert said["messages_per_second"] > 0


def test_wakes(server):
    run("--endpoint", server.url, "--scenario", "wake", "--connections", "4")


def test_the_sql_baselines(two_servers):
    database = two_servers[0].command[two_servers[0].command.index("--database-url") + 1]
    assert run("--scenario", "sql-insert", "--database-url", database)["messages_per_second"] > 0
    for scenario in ["sql-lifecycle", "sql-fifo-lifecycle", "sql-fifo-hot-group", "sql-redrive"]:
        assert run("--scenario", scenario, "--batch", "10", "--database-url", database)["messages_per_second"] > 0
