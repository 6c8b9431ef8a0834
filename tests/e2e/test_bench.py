"""howdah-bench still runs, and finds nothing wrong with what it is given back."""
import json
import subprocess

import pytest

from howdah import BINARY, clean_environment

BENCH = BINARY.parent / "howdah-bench"


def run(*arguments, seconds=0.5):
    done = subprocess.run([BENCH, "--seconds", str(seconds), "--warmup", "0.1", "--json", *arguments],
                          capture_output=True, text=True, timeout=90, env=clean_environment())
    assert done.returncode == 0, done
    return json.loads(done.stdout)


def measures_something(*arguments):
    """In half a second, or in more on a machine that is busy with other things."""
    return any(run(*arguments, seconds=seconds)["messages_per_second"] > 0 for seconds in (0.5, 2, 8))


@pytest.mark.parametrize("scenario", ["send", "send-batch", "lifecycle", "lifecycle-batch", "idle-send",
                                      "fifo-lifecycle-batch", "fifo-hot-group", "redrive", "beside"])
def test_scenarios_on_a_server(server, scenario):
    connections = "1" if scenario == "idle-send" else "4"
    assert measures_something("--endpoint", server.url, "--scenario", scenario, "--connections", connections)


def test_a_load_on_many_queues(server):
    assert any(run("--endpoint", server.url, "--scenario", "beside", "--connections", "4", "--load-queues", "6",
                   seconds=seconds)["figures"]["messages of the load"] > 0 for seconds in (0.5, 2, 8))


def test_wakes(server):
    run("--endpoint", server.url, "--scenario", "wake", "--connections", "4")


def test_the_sql_baselines(two_servers):
    database = two_servers[0].command[two_servers[0].command.index("--database-url") + 1]
    assert measures_something("--scenario", "sql-insert", "--database-url", database)
    for scenario in ["sql-lifecycle", "sql-fifo-lifecycle", "sql-fifo-hot-group", "sql-redrive"]:
        assert measures_something("--scenario", scenario, "--batch", "10", "--database-url", database)
