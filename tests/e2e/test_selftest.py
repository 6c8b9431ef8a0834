"""`howdah selftest`: what operators run to see that a message goes through."""
import subprocess

from howdah import BINARY, clean_environment, free_port, new_directory
from signing import ACCOUNT, ALICE, CREDENTIALS, SECRET, credentials_file


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


def test_with_the_servers_keys_it_signs(new_server):
    directory = new_directory()
    keys = credentials_file(directory, CREDENTIALS.replace("HDOWNER", "HDZOWNER"))  # behind alice, whom her policy binds
    server = new_server("--data-dir", directory / "data", "--auth", "sigv4", "--credentials", keys).start()
    signed = ["--endpoint", server.url, "--auth", "sigv4", "--credentials"]
    assert selftest("--endpoint", server.url).returncode == 1
    done = selftest(*signed, keys)
    assert done.returncode == 0, done

    token = credentials_file(new_directory(), f"""
- {{access-key-id: HDAOLD, secret-access-key: "{SECRET}", account: "{ACCOUNT}", disabled: true}}
- {{access-key-id: HDTOKEN, secret-access-key: "{SECRET}", account: "{ACCOUNT}", session-token: "a/session+token=="}}
""")
    done = selftest(*signed, token)
    assert done.returncode == 0, done
    wrong = credentials_file(new_directory(), keys.read_text().replace(SECRET, SECRET[:-1] + "x"))
    done = selftest(*signed, wrong)
    assert done.returncode == 1 and "InvalidSignatureException" in done.stderr and SECRET[:-1] not in done.stderr


def test_without_a_key_that_is_enabled_it_says_so():
    none = credentials_file(new_directory(), f"""
- {{access-key-id: {ALICE}, secret-access-key: "{SECRET}", account: "{ACCOUNT}", disabled: true}}
""")
    done = selftest("--endpoint", "http://127.0.0.1:1", "--auth", "sigv4", "--credentials", none)
    assert done.returncode == 1 and "no key that is enabled" in done.stderr and len(done.stderr.splitlines()) == 1
