"""--requests-per-second-per-key: a key beyond its rate is answered RequestThrottled, in both protocols; others are not."""
import time

import botocore.exceptions
import pytest

from howdah import Howdah, eventually, new_directory
from signing import ACCOUNT, ALICE, OWNER, SECRET, STRANGER, Line, credentials_file, head, signed

RATE = 4  # fewer a second than a client makes on the busiest machine
LIMIT = "requests-per-second-per-key"


@pytest.fixture(scope="module")
def limited():
    directory = new_directory()
    server = Howdah(directory, "--data-dir", directory / "data", "--auth", "sigv4",
                    "--credentials", credentials_file(directory), f"--{LIMIT}", RATE).start()
    yield server
    assert server.stop() == 0, server.log()[-4000:]


def throttled(call, attempts=200):
    """The answer of the first call that is refused, and how many were served before."""
    for served in range(attempts):
        try:
            call()
        except botocore.exceptions.ClientError as error:
            return error.response, served
    raise AssertionError(f"none of {attempts} requests was refused")


def test_a_key_beyond_its_rate_is_throttled_and_another_is_not(limited):
    owner = limited.client(key=OWNER, secret=SECRET)
    alice = limited.client(key=ALICE, secret=SECRET)
    queue = owner.create_queue(QueueName="rate")["QueueUrl"]
    before = limited.metric("howdah_throttled_total", limit=LIMIT)
    began = time.monotonic()
    answer, served = throttled(lambda: owner.get_queue_url(QueueName="rate"))
    took = time.monotonic() - began
    assert answer["Error"]["Code"] == "RequestThrottled"
    assert answer["Error"]["QueryErrorCode"] == "RequestThrottled"
    assert answer["Error"]["Message"] == "Request is throttled."
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 403
    assert RATE - 2 <= served <= RATE * (1 + took) + 1
    assert limited.metric("howdah_throttled_total", limit=LIMIT) == before + 1
    assert alice.send_message(QueueUrl=queue, MessageBody="m")["MessageId"]
    eventually(lambda: serves(lambda: owner.get_queue_url(QueueName="rate")), "the key is served again")


def serves(call):
    try:
        call()
        return True
    except botocore.exceptions.ClientError:
        return False


def test_query_requests_are_throttled_in_their_own_protocol(limited):
    host = f"127.0.0.1:{limited.port}"
    body = b"Action=ListQueues&Version=2012-11-05"
    line = Line(limited.port)

    def ask(key):
        target, headers = signed("POST", f"http://{host}/",
                                 {"Content-Type": "application/x-www-form-urlencoded; charset=utf-8"}, body, key=key)
        return line.ask(head("POST", target, host, headers, body) + body)

    answers = [ask(OWNER) for _ in range(10 * RATE)]
    status, headers, text = next(answer for answer in answers if answer[0] != 200)
    assert status == 403 and headers["content-type"].startswith("text/xml")
    assert b"<Type>Sender</Type><Code>RequestThrottled</Code><Message>Request is throttled.</Message>" in text
    line.close()


def test_who_signs_badly_spends_nobodys_rate(limited):
    thief = limited.client(key=STRANGER, secret="not the secret of this key at all, at all")
    for _ in range(3 * RATE):
        with pytest.raises(botocore.exceptions.ClientError, match="signature"):
            thief.list_queues()
    rightful = limited.client(key=STRANGER, secret=SECRET)
    assert [serves(rightful.list_queues) for _ in range(RATE)] == [True] * RATE


def test_callers_without_a_key_count_as_one(limited):
    line = Line(limited.port)
    body = b"Action=ListQueues&Version=2012-11-05"
    request = (f"POST /{ACCOUNT}/rate HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}\r\n"
               "Content-Type: application/x-www-form-urlencoded\r\n\r\n").encode() + body
    codes = {b"RequestThrottled" in line.ask(request)[2] for _ in range(10 * RATE)}
    assert codes == {True, False}
    line.close()
