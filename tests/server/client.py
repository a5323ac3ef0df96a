"""Clients that show what is on the wire: raw sockets and curl."""

import json
import re
import socket
import ssl
import subprocess

PATIENCE_SECONDS = 60
"""The longest wait for something that is bound to come; no test passes or fails by time."""

STATUS_LINE = re.compile(r"HTTP/1\.[01] (\d{3}) .*")


class Answer:
    """One parsed answer."""

    def __init__(self, status, headers, body):
        self.status = status
        self.headers = headers
        self.body = body

    def __getitem__(self, name):
        return self.headers[name.lower()]

    def json(self):
        return json.loads(self.body)


class Wire:
    """One connection; reads answers one by one, without reading past them."""

    def __init__(self, listener, tls=False):
        self.sock = socket.create_connection((listener.host, listener.port), timeout=PATIENCE_SECONDS)
        if tls:
            context = ssl.create_default_context()
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
            self.sock = context.wrap_socket(self.sock, suppress_ragged_eofs=False)
        self.file = self.sock.makefile("rb")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.file.close()
        self.sock.close()

    def send(self, data):
        self.sock.sendall(data.encode("latin-1") if isinstance(data, str) else data)
        return self

    def request(self, target="/environ", method="GET", *headers, body=b"", version="1.1"):
        """Send a whole request; returns self."""
        lines = [f"{method} {target} HTTP/{version}", "Host: test", *headers]
        if body:
            lines.append(f"Content-Length: {len(body)}")
        return self.send("\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + body)

    def head(self):
        """Read a status line and headers; the body stays."""
        line = self.file.readline().decode("latin-1").rstrip("\r\n")
        match = STATUS_LINE.fullmatch(line)
        assert match, f"not a status line: {line!r}"
        pairs = []
        while (line := self.file.readline()) != b"\r\n":
            name, _, value = line.decode("latin-1").partition(":")
            pairs.append((name.lower(), value.strip()))
        headers = dict(pairs)
        assert len(headers) == len(pairs), f"a header is repeated: {pairs}"
        return Answer(int(match[1]), headers, b"")

    def answer(self, to="GET"):
        """Read one whole answer to a request by method `to`."""
        answer = self.head()
        if to == "HEAD" or answer.status in (204, 304) or answer.status < 200:
            return answer
        if answer.headers.get("transfer-encoding") == "chunked":
            while size := int(self.file.readline(), 16):
                answer.body += self.file.read(size)
                assert self.file.read(2) == b"\r\n"
            assert self.file.readline() == b"\r\n"
        elif "content-length" in answer.headers:
            answer.body = self.file.read(int(answer["content-length"]))
            assert len(answer.body) == int(answer["content-length"])
        else:
            answer.body = self.file.read()
        return answer

    def at_end(self):
        """Wait for the server to close in an orderly way; whether nothing came before that."""
        return self.file.read() == b""

    def is_cut(self):
        """Wait for the connection's end, orderly or not; whether nothing came before that."""
        try:
            return self.at_end()
        except (ConnectionError, ssl.SSLError):
            return True


def url(listener, tls, path=""):
    host = f"[{listener.host}]" if ":" in listener.host else listener.host
    return f"{'https' if tls else 'http'}://{host}:{listener.port}{path}"


def curl(*arguments, stdin=None):
    """Run curl, not verifying certificates; its exit code and output are the result."""
    command = ["curl", "-q", "-s", "-S", "-k", "--max-time", str(PATIENCE_SECONDS), *arguments]
    return subprocess.run(command, input=stdin, capture_output=True, check=False)
