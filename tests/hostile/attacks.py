"""What hostile clients do. Each attack is a generator in a process of its own: it takes what it needs, yields once when
it is under way, and then once a turn. The turns are paced, so that an attack costs the server what the server does with
it, not what the attacker's own Python takes of the machine's two cores; for the same reason attackers run at the lowest
priority. Sets of connections, turns and times are bounded. `seen` counts what the server did."""
import contextlib
import json
import multiprocessing
import os
import random
import resource
import socket
import ssl
import struct
import time

import signing
from target import receive

TURNS_A_SECOND = 100
LONGEST = 60  # seconds; an attack that nobody ends ends by itself


class Attack:
    """`with Attack(attack, target, required) as running:` lets it run, at the end until it has seen all of `required`, if
    ever; afterwards `running.seen` says what it saw."""

    def __init__(self, attack, target, required):
        context = multiprocessing.get_context("fork")
        self.seen = None
        self.pipe, other = context.Pipe()
        self.process = context.Process(target=_run, args=(attack, target, required, other), daemon=True)

    def __enter__(self):
        self.process.start()
        assert self.pipe.poll(60), "the attack did not get under way"
        failure = self.pipe.recv()
        assert failure is None, failure
        return self

    def __exit__(self, *_):
        self.pipe.send(None)
        assert self.pipe.poll(LONGEST + 30), "the attack did not end"
        self.seen = self.pipe.recv()
        self.process.join(10)


def _run(attack, target, required, pipe):
    os.nice(19)
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    seen = {}
    turns = attack(target, lambda what: seen.__setitem__(what, seen.get(what, 0) + 1))
    try:
        next(turns)
    except Exception as failure:  # told to the test's process
        pipe.send(f"{type(failure).__name__}: {failure}")
        return
    pipe.send(None)
    end = time.monotonic() + LONGEST
    while not (pipe.poll(1 / TURNS_A_SECOND) and required <= seen.keys()) and time.monotonic() < end:
        with contextlib.suppress(OSError):  # the server may end any connection
            try:
                next(turns)
            except StopIteration:
                seen["ended by a failure"] = 1
                break
    turns.close()
    pipe.send(seen)


def again(attack_turn):
    """An attack of which every turn is alike: attack_turn(target, seen) once a turn, whatever becomes of its connection."""
    def turns(target, seen):
        yield
        while True:
            with contextlib.suppress(OSError):
                attack_turn(target, seen)
            yield
    turns.__name__ = attack_turn.__name__
    return turns


def status_of(connection, request, seen):
    """Sends `request`, counts the status of its answer, and answers it."""
    with contextlib.suppress(OSError):  # an answer may come before all is sent
        connection.sendall(request)
    status, _, _ = receive(connection)
    seen(status)
    return status


# ---- time

def slow_senders(target, seen):
    """Headers and bodies that come a byte at a time."""
    request = target.json("SendMessage", b'{"QueueUrl": "x", "MessageBody": "' + b"x" * 2000 + b'"}')
    senders = [[target.connect(), 0] for _ in range(100)]
    for number, sender in enumerate(senders):
        if number % 2 == 0:  # these are in the body by now
            sender[1] = request.index(b"\r\n\r\n") + 4
            sender[0].sendall(request[:sender[1]])
    yield
    while True:
        for sender in senders[:50]:
            try:
                sender[0].sendall(request[sender[1]:sender[1] + 1])
                sender[1] += 1
                seen("byte")
            except OSError:
                sender[0].close()
                sender[:] = [target.connect(), 0]
        senders = senders[50:] + senders[:50]
        yield


def slow_readers(target, seen):
    """Ask for big answers, over and over on one connection, and read none of them. Who may do so has a key."""
    request = target.json("ReceiveMessage", json.dumps({
        "QueueUrl": f"{target.url}/{signing.ACCOUNT}/big", "MaxNumberOfMessages": 10, "VisibilityTimeout": 0}).encode())
    readers = []
    for _ in range(10):
        reader = target.connect(receive_buffer=4096)
        reader.settimeout(0.05)
        with contextlib.suppress(OSError):
            for _ in range(40):
                reader.sendall(request)
        readers.append(reader)
        seen("reader")
    time.sleep(1)  # while the server fills the buffers of the kernel
    yield
    while True:
        readers[0].close()
        readers.append(target.connect(receive_buffer=4096))
        readers.pop(0)
        for _ in range(3):
            readers[-1].sendall(request)
        seen("reader")
        for _ in range(20):
            yield


def half_open(target, seen):
    """2,000 connections: half of them say nothing, the others half of a request line. Some leave and come again."""
    def one(number):
        connection = target.plain()
        if number % 2:
            connection.sendall(b"POST /HALF HT")
        seen("connection")
        return connection
    connections = [one(number) for number in range(2000)]
    yield
    while True:
        number = random.randrange(len(connections))
        connections[number].close()
        connections[number] = one(number)
        yield


@again
def comes_and_goes(target, seen):
    """Connections that are reset as soon as they are made, some in the middle of a request."""
    for number in range(3):
        connection = target.plain()
        if number:
            connection.sendall(b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 10\r\n\r\n"[:random.randrange(60)])
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        connection.close()
        seen("reset")


# ---- framing

LINE = b"POST / HTTP/1.1\r\nHost: h\r\n"
CHUNKED = LINE + b"Transfer-Encoding: chunked\r\n\r\n"
SMUGGLED = b"GET /health HTTP/1.1\r\nHost: h\r\n\r\n"
FRAMINGS = [  # tests/api/http_contract_test.cpp has them all
    LINE + b"Content-Length: 6\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nX",
    LINE + b"Transfer-Encoding: chunked\r\nContent-Length: 6\r\n\r\n0\r\n\r\nX",
    LINE + b"Content-Length: 3\r\nContent-Length: 4\r\n\r\nabcd",
    LINE + b"Content-Length: 3\r\nContent-Length: 3\r\n\r\nabc",
    LINE + b"Content-Length: +3\r\n\r\nabc",
    LINE + b"Content-Length: 0x3\r\n\r\nabc",
    LINE + b"Content-Length: 18446744073709551617\r\n\r\na",
    LINE + b"Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n",
    LINE + b"Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n",
    LINE + b"Transfer-Encoding:\r\n chunked\r\n\r\n0\r\n\r\n",
    LINE + b"A: b\r\n\tc\r\n\r\n",
    LINE + b"A: b\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    LINE + b"A: b\rTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    LINE + b"A: b\0\r\n\r\n",
    CHUNKED + b"0x3\r\nabc\r\n0\r\n\r\n",
    CHUNKED + b"3\nabc\r\n0\r\n\r\n",
    CHUNKED + b"3\r\nabc\n0\r\n\r\n",
    CHUNKED + b"3;" + b"x" * 40_000 + b"\r\nabc\r\n0\r\n\r\n",
    CHUNKED + b'3;a="\n"\r\nabc\r\n0\r\n\r\n',
    CHUNKED + b"0\r\nContent-Length: 3\r\n\r\n",
    CHUNKED + b"0\r\nX: " + b"x" * 40_000 + b"\r\n\r\n",
    b"CONNECT h:80 HTTP/1.1\r\nHost: h:80\r\n\r\n",
    b"GET http://there/ HTTP/1.1\r\nHost: h\r\n\r\n",
    b"GET / HTTP/1.1\nHost: h\n\n",
]


@again
def smuggling(target, seen):
    """Requests whose end is where one looks for it, each with another behind it that must never be answered."""
    with target.connect() as connection:
        status = status_of(connection, random.choice(FRAMINGS) + SMUGGLED, seen)
        after, _, _ = receive(connection)
        seen("refused" if status in (400, 413, 431, 501) and after == 0 else "let through")


@again
def random_bytes(target, seen):
    """Anything, and valid requests of which some bytes were changed."""
    with target.connect(timeout=2) as connection:
        if random.random() < 0.5:
            data = random.randbytes(random.choice((1, 10, 1000, 5000)))
        else:
            changed = bytearray(LINE + b"Content-Length: 4\r\n\r\nbody" + SMUGGLED)
            for _ in range(5):
                changed[random.randrange(len(changed))] = random.randrange(256)
            data = bytes(changed)
        connection.sendall(data)
        if target.ca is None:
            connection.shutdown(socket.SHUT_WR)
        connection.setblocking(False)
        seen("sent")


def pipelines(target, seen):
    """Many small requests behind each other on few connections, all of which must be refused."""
    flood = target.json("ListQueues", b"{}", secret="wrong") * 60
    connections = [target.connect() for _ in range(5)]
    for connection in connections:
        connection.setblocking(False)
    yield
    while True:
        for connection in connections:
            with contextlib.suppress(BlockingIOError, ssl.SSLError):
                while connection.recv(65536):
                    pass
            with contextlib.suppress(BlockingIOError, ssl.SSLError):
                connection.send(flood)
                seen("flood")
        for _ in range(10):
            yield


# ---- sizes

def giant_bodies(target, seen):
    """Bodies that are longer than allowed, endless, or promised and never sent to their end."""
    mebibyte = b"x" * 1024 * 1024
    truncated = []
    for _ in range(30):
        truncated.append(target.connect())
        truncated[-1].sendall(LINE + b"Content-Length: 10000000\r\n\r\n" + mebibyte)
        seen("truncated")
    yield
    while True:
        kind = random.randrange(4)
        with target.connect() as connection:
            if kind == 0:
                status_of(connection, LINE + b"Content-Length: 16777217\r\n\r\n", seen)
            elif kind == 1:
                status_of(connection, LINE + b"Content-Length: 16777217\r\n\r\n" + mebibyte, seen)
            elif kind == 2:
                status_of(connection, LINE + b"Content-Length: 99999999999999\r\nExpect: 100-continue\r\n\r\n", seen)
            else:
                status_of(connection, CHUNKED + b"1000001\r\n" + b"x" * 65536, seen)
        truncated.pop(0).close()
        truncated.append(target.connect())
        truncated[-1].sendall(LINE + b"Content-Length: 10000000\r\n\r\n" + mebibyte)
        seen("truncated")
        for _ in range(10):
            yield


# ---- TLS

@again
def tls_rubbish(target, seen):
    """Hellos that are none, handshakes that end in the middle, and plain HTTP."""
    connection = target.plain()
    kind = random.choice(("rubbish", "record", "aborted", "plain"))
    with connection:
        if kind == "rubbish":
            connection.sendall(random.randbytes(500))
        elif kind == "record":
            connection.sendall(b"\x16\x03\x01" + struct.pack(">H", 5000) + b"\x01" + random.randbytes(300))
        elif kind == "plain":
            status_of(connection, LINE + b"\r\n", seen)
        else:
            incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
            session = target.context().wrap_bio(incoming, outgoing, server_hostname="localhost")
            with contextlib.suppress(ssl.SSLWantReadError):
                session.do_handshake()
            connection.sendall(outgoing.read())
    seen(kind)


def handshakes(target, seen):
    """Handshakes, whole ones, over and over: each costs the server a signature."""
    context = target.context()
    yield
    while True:
        with contextlib.suppress(OSError), target.connect(context):
            seen("handshake")
        yield


# ---- what the parsers of SQS see; all of it is signed, since a stranger's signature is looked at first

def repeated(make):
    """An attack that sends the requests make(target) in turn, over one connection as long as it is kept."""
    def turns(target, seen):
        requests = make(target)
        connection = target.connect(timeout=30)
        yield
        for number in range(10**9):
            try:
                connection.sendall(requests[number % len(requests)])
                status, _, goes_on = receive(connection)
                seen(status)
            except OSError:
                goes_on = False
            if not goes_on:
                connection.close()
                connection = target.connect(timeout=30)
            for _ in range(5):
                yield
    turns.__name__ = make.__name__
    return turns


def policy(target, text):
    return target.json("SetQueueAttributes", json.dumps(
        {"QueueUrl": f"{target.url}/{signing.ACCOUNT}/policies", "Attributes": {"Policy": text}}).encode())


def statement(**parts):
    return {"Effect": "Allow", "Principal": "*", "Action": "sqs:SendMessage", "Resource": "*", **parts}


@repeated
def policy_bombs(target):
    """Policies that are huge, deep, or made of wildcards; those that are taken are then judged by."""
    queue = f"{target.url}/{signing.ACCOUNT}/policies"
    arn = f"arn:aws:sqs:us-east-1:{signing.ACCOUNT}:policies"
    wildcards = [statement(Principal={"AWS": [f"{n:012}", signing.OTHER_ACCOUNT]}, Resource=arn, Condition={
        "StringLike": {"aws:PrincipalArn": "*" + "a*" * 150 + "b"}}) for n in range(1, 10)]
    return [
        policy(target, "[" * 100_000 + "]" * 100_000),
        policy(target, '{"Statement":' * 50_000 + "1" + "}" * 50_000),
        policy(target, json.dumps({"Statement": [statement() for _ in range(5000)]})),
        policy(target, json.dumps({"Statement": [statement(Principal={"AWS": [f"{n:012}" for n in range(5000)]})]})),
        policy(target, json.dumps({"Statement": [statement(Action="sqs:" + "*" * 100_000)]})),
        policy(target, json.dumps({"Statement": [statement(Condition={"StringLike": {"aws:SourceArn": ["*a" * 50] * 1000}})]})),
        policy(target, json.dumps({"Version": "2012-10-17", "Statement": wildcards})),
        target.json("SendMessage", json.dumps({"QueueUrl": queue, "MessageBody": "x"}).encode(), key=signing.STRANGER),
        target.json("AddPermission", json.dumps({
            "QueueUrl": queue, "Label": "many", "Actions": ["SendMessage"] * 5000,
            "AWSAccountIds": [f"{n:012}" for n in range(5000)]}).encode()),
    ]


@repeated
def json_bombs(target):
    """Bodies that are deep, wide, or full of the same."""
    return [target.json("SendMessage", body) for body in (
        b"[" * 1_000_000, b'{"a":' * 200_000, b'{"a":' + b"[" * 100_000 + b"]" * 100_000 + b"}",
        b"{" + b",".join(b'"k%d":1' % n for n in range(50_000)) + b"}",
        b'{"QueueUrl":"x","MessageBody":"' + b"\\u0041" * 100_000 + b'"}',
        b'{"MessageAttributes":{' + b",".join(
            b'"a%d":{"DataType":"String","StringValue":"x"}' % n for n in range(10_000)) + b"}}",
        b'{"MessageBody":' + b"9" * 500_000 + b"}")]


@repeated
def query_bombs(target):
    """Forms of thousands of parameters, of lists with holes, and of many escapes."""
    return [target.query(b"Action=SendMessageBatch&QueueUrl=x&" + form) for form in (
        b"&".join(b"p%d=v" % n for n in range(50_000)),
        b"&".join(b"SendMessageBatchRequestEntry.%d.Id=x" % n for n in range(10_000)),
        b"&".join(b"MessageAttribute.%d.Name=x" % (n * 1_000_000) for n in range(5000)),
        b"SendMessageBatchRequestEntry.999999999.Id=x", b"&" * 5_000_000, b"a=" + b"%41" * 200_000)]


@repeated
def presigned_bombs(target):
    """Presigned URLs of as many parameters as a request line takes."""
    query = "/?Action=ListQueues&" + "&".join(f"p{n}={n}" for n in range(2500))
    return [target.request("GET", query, {}, b"", expires=600),
            target.request("GET", query, {}, b"", expires=600, secret="wrong"),
            target.request("GET", query + "&" + "X-Amz-Signature=0" * 50, {}, b"", expires=600)]


def wrong_keys(target, seen):
    """Floods of signatures that are wrong: small requests, and some whose body has to be hashed first."""
    small = [target.json("ListQueues", b"{}", key="HDNOBODY"), target.json("ListQueues", b"{}", secret="wrong")]
    large = target.json("SendMessage", b'{"MessageBody": "' + b"x" * 1_000_000 + b'"}', secret="wrong")
    connections = [target.connect() for _ in range(10)]
    yield
    for turn in range(10**9):
        for number, connection in enumerate(connections):
            with contextlib.suppress(OSError):
                connection.sendall(large if number == 0 and turn % 20 == 0 else random.choice(small))
                seen(receive(connection)[0])
            if number % 5 == 4:
                yield
