"""`howdah selftest`: what operators run to see that a message goes through."""
import subprocess

from howdah import BINARY, clean_environment, free_port


def selftest(*arguments):
    return subprocess.run([BINARY, "selftest", *arguments], capture_output=True, text=True, timeout=60,
                          env=clean_environment())


def test_a_line_a_step_and_nothing_left_behind(server, sqs):
    done = selftest("--endpoint", server.url)
    assert done.returncode == 0, done
    steps = [line.split("  ")[0] for line in done.stdout.splitlines()]
    assert steps == ["create queue", "send", "receive", "delete", "clean up"]
    assert all(" ms" in line for line in done.stdout.splitlines())
    assert done.stderr == ""
    assert "QueueUrls" not in sqs.list_queues(QueueNamePrefix="howdah-selftest-")


def test_the_endpoint_is_the_one_of_the_settings(server):
    assert selftest("--listen", f"127.0.0.1:{server.port}").returncode == 0


def test_where_nothing_answers_it_fails_at_the_first_step():
    done = selftest("--endpoint", f"http://127.0.0.1:{free_port()}")
    assert done.returncode == 1 and done.stdout == ""
    assert done.stderr.startswith("create queue") and "FAILED" in done.stderr and len(done.stderr.splitlines()) == 1


def test_what_is_no_sqs_is_told_with_what_it_answered(server):
    done = selftest("--endpoint", f"http://127.0.0.1:{server.admin_port}")
    assert done.returncode == 1 and "CreateQueue answers 4" in done.stderr


def test_an_endpoint_that_is_no_url():
    done = selftest("--endpoint", "nonsense")
    assert done.returncode == 1 and "nonsense" in done.stderr and len(done.stderr.splitlines()) == 1
