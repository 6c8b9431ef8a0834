"""The server under attack, as its clients see it: where it is, and how a connection to it is made and a request signed."""
import socket
import ssl

import signing


class Target:
    def __init__(self, port, ca=None):
        self.host = "127.0.0.1"
        self.port = port
        self.ca = ca  # None: plain HTTP
        self.authority = f"localhost:{port}"
        self.url = f"{'https' if ca else 'http'}://{self.authority}"

    def plain(self, receive_buffer=None, timeout=10):
        """A TCP connection, whatever is to be spoken on it."""
        connection = socket.socket()
        if receive_buffer:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        connection.settimeout(timeout)
        connection.connect((self.host, self.port))
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return connection

    def context(self):
        return ssl.create_default_context(cafile=str(self.ca))

    def connect(self, context=None, **options):
        connection = self.plain(**options)
        if self.ca is None:
            return connection
        return (context or self.context()).wrap_socket(connection, server_hostname="localhost")

    def json(self, action, body, **keys):
        """The bytes of a signed AWS JSON request; `keys` as signing.signed takes them."""
        headers = {"Content-Type": "application/x-amz-json-1.0", "X-Amz-Target": f"AmazonSQS.{action}"}
        return self.request("POST", "/", headers, body, **keys)

    def query(self, form, **keys):
        """The bytes of a signed AWS Query request."""
        return self.request("POST", "/", {"Content-Type": "application/x-www-form-urlencoded"}, form, **keys)

    def request(self, method, path, headers, body, **keys):
        target, signed_headers = signing.signed(method, self.url + path, headers, body, **keys)
        return signing.head(method, target, self.authority, signed_headers, body) + body


def receive(connection):
    """(status, body, whether the connection goes on) of the next response; status 0 if the connection ended."""
    data = b""
    while b"\r\n\r\n" not in data:
        try:
            more = connection.recv(65536)
        except OSError:
            more = b""
        if not more:
            return 0, b"", False
        data += more
    head, _, body = data.partition(b"\r\n\r\n")
    length = next((int(line.split(b":")[1]) for line in head.split(b"\r\n")
                   if line.lower().startswith(b"content-length:")), 0)
    while len(body) < length:
        more = connection.recv(65536)
        if not more:
            return 0, b"", False
        body += more
    return int(head.split(b" ", 2)[1]), body, b"\r\nconnection: close" not in head.lower()
