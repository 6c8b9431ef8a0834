"""Access keys: made, listed, disabled and read again while a server runs; and secrets, which are nowhere to be seen."""
import os
import pathlib
import signal
import subprocess
import threading

import botocore.exceptions
import pytest
from conftest import new_name
from howdah import BINARY, clean_environment, descendants, eventually, new_directory, sqs_client
from signing import CREDENTIALS, OWNER, SECRET, TOKEN, Line, credentials_file, head, signed


def test_keys_are_made_listed_disabled_and_seen_while_running(new_server):
    directory = new_directory()
    path = directory / "keys.yaml"

    def run(*arguments):
        return subprocess.run([BINARY, "credentials", *arguments], capture_output=True, text=True)

    made = run("create", "--credentials", path, "--account", "111111111111", "--user", "bob")
    assert made.returncode == 0, made.stderr
    assert oct(path.stat().st_mode & 0o777) == "0o600"
    key, secret = (line.partition("=")[2] for line in made.stdout.splitlines())
    listed = run("list", "--credentials", path)
    assert key in listed.stdout and "arn:aws:iam::111111111111:user/bob" in listed.stdout
    assert secret not in listed.stdout

    os.chmod(path, 0o644)  # the server drops root
    server = new_server("--data-dir", directory / "data", "--auth", "sigv4", "--credentials", path).start()
    assert "Queues" not in sqs_client(server.url, key=key, secret=secret).list_queues()
    command = open(f"/proc/{server.process.pid}/cmdline").read()
    assert secret not in command

    second = run("create", "--credentials", path)
    key2, secret2 = (line.partition("=")[2] for line in second.stdout.splitlines())

    def works(one_key, one_secret):
        try:
            sqs_client(server.url, key=one_key, secret=one_secret).list_queues()
            return True
        except botocore.exceptions.ClientError:
            return False

    eventually(lambda: works(key2, secret2), "the new key works")
    assert run("disable", "--credentials", path, key).returncode == 0
    eventually(lambda: not works(key, secret), "the old key no longer works")
    assert "disabled" in run("list", "--credentials", path).stdout
    path.write_text(path.read_text() + "- nonsense\n")
    eventually(lambda: "credentials are broken" in server.log(), "the broken file is told")
    assert works(key2, secret2)
    assert secret not in server.log() and secret2 not in server.log()
    assert run("disable", "--credentials", path, key2).returncode == 1  # a broken file is not edited
    assert run("create").returncode == 2


def test_keys_are_read_again_without_a_dropped_request(new_server):
    directory = new_directory()
    path = credentials_file(directory)
    server = new_server("--data-dir", directory / "data", "--auth", "sigv4", "--credentials", path).start()
    queue = server.client(key=OWNER, secret=SECRET).create_queue(QueueName=new_name())["QueueUrl"]
    failures, sent, ended = [], [0] * 4, threading.Event()

    def send(number):
        client = server.client(key=OWNER, secret=SECRET)
        while not ended.is_set():
            try:
                client.send_message(QueueUrl=queue, MessageBody="x")
                sent[number] += 1
            except Exception as failure:
                failures.append(failure)
                return

    threads = [threading.Thread(target=send, args=(number,)) for number in range(len(sent))]
    for thread in threads:
        thread.start()

    def works(key):
        try:
            return bool(server.client(key=key, secret=SECRET).list_queues())
        except botocore.exceptions.ClientError:
            return False

    for number in range(20):  # each file has another key beside those in use
        before = list(sent)
        changed = path.with_suffix(".new")
        changed.write_text(CREDENTIALS + f'- {{access-key-id: HDNEW{number}, secret-access-key: "{SECRET}", '
                                         'account: "111111111111"}\n')
        changed.rename(path)
        server.process.send_signal(signal.SIGHUP)
        eventually(lambda: works(f"HDNEW{number}"), "the file counts", 5)
        assert number == 0 or not works(f"HDNEW{number - 1}")
        eventually(lambda: failures or all(now > then for now, then in zip(sent, before)), "all go on sending")
    ended.set()
    for thread in threads:
        thread.join()
    assert not failures, failures
    counted = server.client(key=OWNER, secret=SECRET).get_queue_attributes(
        QueueUrl=queue, AttributeNames=["ApproximateNumberOfMessages"])["Attributes"]
    assert int(counted["ApproximateNumberOfMessages"]) == sum(sent)


def test_a_directory_of_files_is_a_mounted_secret(new_server):
    """As Kubernetes changes one: the files are links into a directory that another link is turned to."""
    directory = new_directory()
    mounted = directory / "keys"
    mounted.mkdir()

    def version(number, text):
        (mounted / f"..{number}").mkdir()
        (mounted / f"..{number}" / "keys.yaml").write_text(text)
        link = mounted / "..data_tmp"
        link.symlink_to(f"..{number}")
        link.rename(mounted / "..data")

    version(1, CREDENTIALS)
    (mounted / "keys.yaml").symlink_to("..data/keys.yaml")
    server = new_server("--data-dir", directory / "data", "--auth", "sigv4", "--credentials", mounted).start()

    def works(key):
        try:
            return bool(server.client(key=key, secret=SECRET).list_queues())
        except botocore.exceptions.ClientError:
            return False

    assert works(OWNER)
    version(2, CREDENTIALS.replace(OWNER, "HDOTHER"))
    eventually(lambda: works("HDOTHER"), "the other key works")  # by itself, without a signal
    assert not works(OWNER)


def test_secrets_are_nowhere_to_be_seen(new_server):
    """After a run in which everything about keys goes wrong that can, at the log level that tells most."""
    directory = new_directory()
    path = credentials_file(directory)
    server = new_server("--data-dir", directory / "data", "--auth", "sigv4", "--credentials", path,
                        "--log-level", "debug").start()
    host = f"127.0.0.1:{server.port}"
    line = Line(server.port)
    seen = []

    def ask(headers, body, change=lambda headers: headers, **options):
        target, all_headers = signed("POST", f"http://{host}/", dict(headers), body, **options)
        status, answered, text = line.ask(head("POST", target, host, change(all_headers), body) + body)
        seen.append(str(answered) + text.decode(errors="replace"))
        return status

    listing = {"Content-Type": "application/x-amz-json-1.0", "X-Amz-Target": "AmazonSQS.ListQueues"}
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    for headers, body in ((listing, b"{}"), (form, b"Action=ListQueues")):
        assert ask(headers, body) == 200
        assert ask(headers, body, key="HDTOKEN", token=TOKEN) == 200
        assert ask(headers, body, key="HDTOKEN") == 403
        assert ask(headers, body, key="HDTOKEN", token=TOKEN[:-1]) == 403
        assert ask(headers, body, secret=SECRET[:-1]) == 403
        assert ask(headers, body, service="s3") == 403
        assert ask(headers, b"", expires=60, key="HDTOKEN", token=TOKEN, secret=SECRET[:-1]) == 403
        assert ask(headers, body, lambda all_headers: [*all_headers, ("X-Amz-Extra", "unsigned")]) == 403
    good = path.read_text()
    for broken in ("- nonsense\n", f"- {{access-key-id: X, secret-access-key: {SECRET}\n",
                   f"- {{access-key-id: X, secret-access-key: [{SECRET}], account: '1'}}\n",
                   f"- {{secret-access-key: {SECRET}, {SECRET}: 1}}\n",
                   f"- {{access-key-id: '{SECRET}', secret-access-key: short, account: no}}\n",
                   f"{SECRET}\n", f'"{SECRET}', f"- *{SECRET}\n", f"!!{SECRET} x\n"):
        told = server.log().count("credentials are broken")
        path.write_text(good + broken)
        server.process.send_signal(signal.SIGHUP)
        eventually(lambda: server.log().count("credentials are broken") > told, f"{broken!r} is told")
        for command in (["list"], ["disable", OWNER], ["create"]):
            done = subprocess.run([BINARY, "credentials", command[0], "--credentials", path, *command[1:]],
                                  capture_output=True, text=True)
            assert done.returncode == 1, done
            seen.append(done.stdout + done.stderr)
    path.write_text(good)
    for arguments in (["--help"], ["credentials", "--help"], ["config", "settings"],
                      ["config", "print", "--auth", "sigv4", "--credentials", str(path)],
                      ["credentials", "list", "--credentials", str(path)]):
        done = subprocess.run([BINARY, *arguments], capture_output=True, text=True, env=clean_environment())
        assert done.returncode == 0, done
        seen.append(done.stdout + done.stderr)
    for page in ("/metrics", "/readyz", "/healthz", "/version", "/", "/admin/v1/config"):
        seen.append(server.admin("GET", page).text)
    for pid in (server.process.pid, *descendants(server.process.pid)):
        for file in ("cmdline", "environ", "comm"):
            try:
                seen.append(pathlib.Path(f"/proc/{pid}/{file}").read_bytes().decode(errors="replace"))
            except FileNotFoundError:
                pass  # a session of PostgreSQL that has ended
    assert server.stop() == 0
    seen.append(server.log())
    assert "credentials are broken" in seen[-1]
    for text in seen:
        for secret in (SECRET, TOKEN):
            at = text.find(secret[:12])
            assert at < 0, text[max(0, at - 200):at + 200]


def test_a_server_with_signatures_may_listen_openly(new_server):
    directory = new_directory()
    server = new_server("--data-dir", directory / "data", "--auth", "sigv4", "--credentials", credentials_file(directory))
    server.command[server.command.index("--listen") + 1] = f"0.0.0.0:{server.port}"
    server.start()
    server.client(key=OWNER, secret=SECRET).list_queues()
