"""https on both ports: what is spoken and what is refused, certificates that change, and an SDK with a private CA."""
import os
import socket
import ssl
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor

import boto3
import botocore.config
import pytest

from authority import Authority
from howdah import BINARY, Howdah, clean_environment, eventually, new_directory
from signing import OWNER, SECRET, credentials_file


class TlsHowdah(Howdah):
    def __init__(self, authority, cert, key, *arguments):
        super().__init__(new_directory(), *arguments, tls=(authority, cert, key))
        self.authority = authority

    def connect(self, context=None):
        plain = socket.create_connection(("localhost", self.port), timeout=10)
        return (context or self.authority.context()).wrap_socket(plain, server_hostname="localhost")

    def subject(self):
        with self.connect() as connection:
            return dict(pair for (pair,) in connection.getpeercert()["subject"])["commonName"]

    def s_client(self, *arguments):
        done = subprocess.run(["openssl", "s_client", "-connect", f"127.0.0.1:{self.port}", "-CAfile",
                               self.authority.ca, *arguments], input="", capture_output=True, text=True, timeout=20)
        return done.returncode, done.stdout + done.stderr


@pytest.fixture
def put(directory):
    """put(files) makes tls.crt and tls.key of the test's directory those that an authority issued."""
    def replace(issued):
        for source, name in zip(issued, ("tls.crt", "tls.key")):
            (directory / "next").write_bytes(source.read_bytes())
            os.replace(directory / "next", directory / name)
    return replace


@pytest.fixture(scope="module")
def authority():
    return Authority()


@pytest.fixture(scope="module")
def tls_server(authority, postgres):
    started = TlsHowdah(authority, *authority.issue("usual"), "--database-url", postgres.database(),
                        "--http-header-timeout", "2s").start()
    yield started
    assert started.stop() == 0


def exchange(connection, request=b"GET / HTTP/1.1\r\nHost: h\r\n\r\n"):
    connection.sendall(request)
    return connection.recv(65536)


def test_boto3_with_a_private_ca(tls_server, authority):
    def client(verify):
        return boto3.client("sqs", endpoint_url=tls_server.url, region_name="us-east-1", aws_access_key_id="x",
                            aws_secret_access_key="x", verify=verify,
                            config=botocore.config.Config(retries={"total_max_attempts": 1}))
    sqs = client(str(authority.ca))
    queue = sqs.create_queue(QueueName="over-tls")["QueueUrl"]
    assert queue.startswith(tls_server.url + "/")
    body = "x" * 1_000_000  # many records both ways
    sqs.send_message(QueueUrl=queue, MessageBody=body)
    received = sqs.receive_message(QueueUrl=queue, WaitTimeSeconds=5)["Messages"][0]
    assert received["Body"] == body
    sqs.delete_message(QueueUrl=queue, ReceiptHandle=received["ReceiptHandle"])
    assert "Messages" not in sqs.receive_message(QueueUrl=queue, WaitTimeSeconds=1)
    with pytest.raises(botocore.exceptions.SSLError):
        client(True).list_queues()


def test_protocol_versions(tls_server):
    for version, name in (("-tls1_2", "TLSv1.2"), ("-tls1_3", "TLSv1.3")):
        code, said = tls_server.s_client(version)
        assert code == 0 and "Verify return code: 0 (ok)" in said and name in said, said
    for version in ("-tls1", "-tls1_1"):
        code, said = tls_server.s_client(version, "-cipher", "DEFAULT@SECLEVEL=0")
        assert code != 0 and "alert protocol version" in said, said


def test_ciphers_are_forward_secret(tls_server):
    for weak in ("AES128-GCM-SHA256", "ECDHE-ECDSA-AES128-SHA"):
        code, said = tls_server.s_client("-tls1_2", "-cipher", weak)
        assert code != 0 and "handshake failure" in said, said
    assert tls_server.s_client("-tls1_2", "-cipher", "ECDHE-ECDSA-AES128-GCM-SHA256")[0] == 0


def test_alpn_is_http_1_1_alone(tls_server):
    assert "ALPN protocol: http/1.1" in tls_server.s_client("-alpn", "h2,http/1.1")[1]
    assert "No ALPN negotiated" in tls_server.s_client()[1]
    code, said = tls_server.s_client("-alpn", "h2")
    assert code != 0 and "alert no application protocol" in said, said


@pytest.mark.parametrize("port", ["port", "admin_port"])
def test_plain_http_is_told_to_use_https(tls_server, port):
    with socket.create_connection(("127.0.0.1", getattr(tls_server, port)), timeout=10) as plain:
        plain.sendall(b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 100000\r\n\r\n" + b"x" * 100_000)
        answer = b""
        while more := plain.recv(4096):
            answer += more
    assert answer.startswith(b"HTTP/1.1 400 ") and b"This port speaks TLS: use https." in answer


def test_handshakes_have_a_deadline_and_rubbish_ends_them(tls_server):
    before = tls_server.metric("howdah_connections")
    with socket.create_connection(("127.0.0.1", tls_server.port), timeout=10) as silent, \
            socket.create_connection(("127.0.0.1", tls_server.port), timeout=10) as half, \
            socket.create_connection(("127.0.0.1", tls_server.port), timeout=10) as rubbish:
        half.sendall(b"\x16\x03\x01\x02\x00\x01\x00")
        rubbish.sendall(b"\x16\x03\x01\x00\x05hello" + os.urandom(2000))
        began = time.monotonic()
        while rubbish.recv(4096):  # an alert, then the end
            pass
        assert time.monotonic() - began < 1.5
        assert half.recv(1) == b"" and silent.recv(1) == b""
        assert time.monotonic() - began < 8
    with tls_server.connect() as honest:
        assert exchange(honest).startswith(b"HTTP/1.1 ")
    eventually(lambda: tls_server.metric("howdah_connections") <= before, "the connections are counted out")


def test_answers_to_pipelined_requests_and_to_records_cut_small(tls_server):
    request = b"GET /x HTTP/1.1\r\nHost: h\r\n\r\n"
    with tls_server.connect() as connection:
        connection.sendall(request * 50)
        got = b""
        while got.count(b"HTTP/1.1 ") < 50:
            got += connection.recv(65536)
        for at in range(len(request)):
            connection.sendall(request[at:at + 1])
        assert connection.recv(65536).startswith(b"HTTP/1.1 ")


def test_a_client_that_says_goodbye_is_answered_with_goodbye(tls_server):
    with tls_server.connect() as connection:
        answer = exchange(connection, b"GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n")
        assert answer.startswith(b"HTTP/1.1 ")
        while answer:  # an end without close_notify would raise
            answer = connection.recv(65536)


def test_the_certificate_is_read_again_when_it_changes(authority, postgres, directory, put):
    cert, key = directory / "tls.crt", directory / "tls.key"

    put(authority.issue("first"))
    server = TlsHowdah(authority, cert, key, "--database-url", postgres.database()).start()
    try:
        assert server.subject() == "first"
        with server.connect() as running:
            assert exchange(running).startswith(b"HTTP/1.1 ")
            put(authority.issue("second", "-newkey", "rsa:2048"))
            eventually(lambda: server.subject() == "second", "the new certificate is shown")
            assert exchange(running).startswith(b"HTTP/1.1 ")
        cert.write_text("broken")
        eventually(lambda: server.subject() == "second" and "was not read again" in server.log(), "the log tells")
        put(authority.issue("third"))
        eventually(lambda: server.subject() == "third", "a good one after a broken one")
        key.chmod(0o600)
    finally:
        assert server.stop() == 0


def test_the_certificates_end_and_its_changes_are_in_the_metrics(authority, postgres, directory, put):
    cert, key = directory / "tls.crt", directory / "tls.key"

    def end_of(issued):
        with open(issued[0], encoding="ascii") as file:
            said = subprocess.run(["openssl", "x509", "-noout", "-enddate"], stdin=file, capture_output=True, text=True)
        return ssl.cert_time_to_seconds(said.stdout.strip().removeprefix("notAfter="))

    short, long = authority.issue("short", days=1), authority.issue("long", days=30)
    assert end_of(long) - end_of(short) > 28 * 86400
    put(short)
    server = TlsHowdah(authority, cert, key, "--database-url", postgres.database()).start()

    def told():
        with server.connect():  # a handshake is when it looks
            pass
        return (server.metric("howdah_certificate_expiry_timestamp_seconds"),
                server.metric("howdah_reloads_total", what="certificate", result="success"),
                server.metric("howdah_reloads_total", what="certificate", result="failure"))

    try:
        before = told()
        assert before == (end_of(short), 0, 0)
        put(long)
        # Both ports have the certificate, and each reads it anew.
        eventually(lambda: told()[0] == end_of(long) and told()[1] > 0, "the new certificate's end is told")
        cert.write_text("broken")
        eventually(lambda: told()[2] > 0, "the failure is counted")
        assert told()[0] == end_of(long), "the one in use"
    finally:
        assert server.stop() == 0


def test_a_key_that_others_can_read_is_warned_of(authority, postgres):
    cert, key = authority.issue("open")
    for mode, warned in ((0o600, False), (0o640, False), (0o644, True)):
        key.chmod(mode)
        server = TlsHowdah(authority, cert, key, "--database-url", postgres.database()).start()
        assert server.stop() == 0
        assert ("every user of this machine can read the TLS key; chmod o= it" in server.log()) == warned, oct(mode)


def test_healthcheck_over_https(tls_server, authority):
    def healthcheck(*arguments, **environment):
        return subprocess.run([BINARY, "healthcheck", *map(str, arguments)], capture_output=True, text=True,
                              timeout=20, env={**clean_environment(), **environment})
    admin = f"https://localhost:{tls_server.admin_port}"
    trusted = healthcheck("--admin", admin, "--tls-ca-file", authority.ca)
    assert trusted.returncode == 0, trusted.stderr
    assert healthcheck("--admin", admin).returncode == 1  # nobody vouches for it
    same_settings = healthcheck(HOWDAH_ADMIN_LISTEN=f"127.0.0.1:{tls_server.admin_port}",
                                HOWDAH_TLS_CERT_FILE=str(authority.directory / "usual.crt"),
                                HOWDAH_TLS_KEY_FILE=str(authority.directory / "usual.key"))
    assert same_settings.returncode == 0, same_settings.stderr


def test_a_healthcheck_that_is_refused_ends(tls_server):
    """One of three hundred hung or crashed at its exit, in threads that freed what OpenSSL had freed."""
    command = [BINARY, "healthcheck", "--admin", f"https://localhost:{tls_server.admin_port}"]

    def run(_):
        return subprocess.run(command, capture_output=True, timeout=20, env=clean_environment()).returncode
    with ThreadPoolExecutor(4) as pool:
        assert set(pool.map(run, range(200))) == {1}


def test_selftest_over_https(tls_server, authority):
    def selftest(*arguments):
        return subprocess.run([BINARY, "selftest", "--endpoint", tls_server.url, *map(str, arguments)],
                              capture_output=True, text=True, timeout=60, env=clean_environment())
    trusted = selftest("--tls-ca-file", authority.ca)
    assert trusted.returncode == 0, trusted.stderr
    assert selftest().returncode == 1


def test_selftest_signs_over_https(authority, postgres, directory):
    server = TlsHowdah(authority, *authority.issue("signed"), "--database-url", postgres.database(), "--auth", "sigv4",
                       "--credentials", credentials_file(directory)).start()

    def selftest(**environment):
        return subprocess.run([BINARY, "selftest", "--endpoint", server.url, "--tls-ca-file", str(authority.ca)],
                              capture_output=True, text=True, timeout=60, env={**clean_environment(), **environment})
    signed = selftest(AWS_ACCESS_KEY_ID=OWNER, AWS_SECRET_ACCESS_KEY=SECRET)
    unsigned = selftest()
    assert server.stop() == 0
    assert signed.returncode == 0, signed.stderr
    assert unsigned.returncode == 1 and "set AWS_ACCESS_KEY_ID" in unsigned.stderr


def test_files_that_cannot_be_used_keep_it_from_starting(authority, directory):
    cert, key = authority.issue("good")
    (directory / "empty").write_text("")

    def refusal(*arguments):
        done = subprocess.run([BINARY, "serve", "--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0", "--data-dir",
                               directory / "data", *map(str, arguments)], capture_output=True, text=True, timeout=20,
                              env=clean_environment(), cwd=directory)
        assert done.returncode not in (0, -6, -11), done
        return done.stderr
    assert "belong together" in refusal("--tls-cert-file", cert)
    assert "belong together" in refusal("--tls-key-file", key)
    assert "speaks no TLS" in refusal("--tls-cert-file", cert, "--tls-key-file", key, "--http-engine", "cpprest")
    assert "Cannot read /nowhere of --tls-cert-file: No such file" in refusal(
        "--tls-cert-file", "/nowhere", "--tls-key-file", key)
    assert "holds no usable certificate" in refusal("--tls-cert-file", directory / "empty", "--tls-key-file", key)
    assert "key values mismatch" in refusal("--tls-cert-file", cert, "--tls-key-file", authority.issue("other")[1])
    assert not (directory / "data").exists()
