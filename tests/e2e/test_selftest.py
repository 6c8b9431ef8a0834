"""`howdah selftest`: what operators run to see that a message goes through."""
import subprocess

from howdah import BINARY, clean_environment, free_port, new_directory
from signing import ACCOUNT, ALICE, CREDENTIALS, OWNER, SECRET, TOKEN, credentials_file


def selftest(*arguments, **environment):
    return subprocess.run([BINARY, "selftest", *arguments], capture_output=True, text=True, timeout=60,
                          env={**clean_environment(), **environment})


def test_a_line_a_step_and_nothing_left_behind(server, wire):
    done = selftest("--endpoint", server.url)
    assert done.returncode == 0, done
    steps = [line.split("  ")[0] for line in done.stdout.splitlines()]
    assert steps == ["create queue", "send", "receive", "delete", "clean up"]
    assert all(" ms" in line for line in done.stdout.splitlines())
    assert done.stderr == ""
    assert "QueueUrls" not in wire.call("ListQueues", {"QueueNamePrefix": "howdah-selftest-"}).json


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


def test_it_signs_with_the_keys_of_the_environment_or_one_of_a_file(new_server, postgres, directory):
    credentials = credentials_file(directory)
    server = new_server("--database-url", postgres.database(), "--auth", "sigv4", "--credentials", credentials).start()
    at = ("--endpoint", server.url)

    def of_environment(key, secret, **more):
        return selftest(*at, AWS_ACCESS_KEY_ID=key, AWS_SECRET_ACCESS_KEY=secret, **more)

    for done in (of_environment(OWNER, SECRET), of_environment("HDTOKEN", SECRET, AWS_SESSION_TOKEN=TOKEN),
                 selftest(*at, "--credentials", credentials, "--access-key", "HDTOKEN"),
                 selftest(*at, "--access-key", OWNER, HOWDAH_AUTH="sigv4", HOWDAH_CREDENTIALS=str(credentials))):
        assert done.returncode == 0, done
        assert SECRET not in done.stdout + done.stderr
    wrong = of_environment(OWNER, "wrong")
    assert wrong.returncode == 1 and "InvalidSignatureException" in wrong.stderr
    assert of_environment("HDTOKEN", SECRET).returncode == 1  # its token is missing
    limited = selftest(*at, "--credentials", credentials, "--access-key", ALICE)
    assert limited.returncode == 1 and "CreateQueue answers 403" in limited.stderr
    half = selftest(*at, AWS_ACCESS_KEY_ID=OWNER)
    assert half.returncode == 1 and "set both, or neither" in half.stderr
    unknown = selftest(*at, "--credentials", credentials, "--access-key", "NONE")
    assert unknown.returncode == 1 and f"{credentials} has no access key NONE" in unknown.stderr
    of_which_file = selftest(*at, "--access-key", OWNER)
    assert of_which_file.returncode == 2 and "say in which file" in of_which_file.stderr
    unsigned = selftest(*at)
    assert unsigned.returncode == 1 and "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or give" in unsigned.stderr


def test_keys_do_no_harm_where_nobody_asks_for_them(server):
    assert selftest("--endpoint", server.url, AWS_ACCESS_KEY_ID="any", AWS_SECRET_ACCESS_KEY="thing").returncode == 0
