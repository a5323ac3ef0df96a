"""One agavepy for many tests: a process of the clients' own environment that is told what to run, line by line.

agavepy needs old companions and so cannot be imported here; starting a Python for each call would take longer than
all the rest. ``python agavepy_desk.py`` reads requests as JSON lines and answers each with one line.
"""

from __future__ import annotations

import io
import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass
from typing import Any

API = "https://api.tacc.utexas.edu"
"""What the clients call when nothing is changed; the emulator stands in for it as a proxy."""


@dataclass(frozen=True)
class Outcome:
    """What a call came to: ``answer``, or the exception's class, text, HTTP status and body."""

    answer: Any = None
    error: str = ""
    message: str = ""
    status: int | None = None
    body: str = ""

    @property
    def result(self) -> Any:
        """The answer. Raises AssertionError where there was none."""
        assert not self.error, f"{self.error}: {self.message} {self.body}"
        return self.answer


class Agavepy:
    """A signed-in agavepy client in the other process."""

    def __init__(self, process: subprocess.Popen[str], number: int) -> None:
        self._process = process
        self._number = number

    def run(self, code: str, **names: Any) -> Outcome:
        """The value of an expression in which ``ag`` is the client and ``names`` are what they are given as."""
        return Outcome(**_ask(self._process, {"client": self._number, "code": code, "names": names}))


class Desk:
    """The other process, and the clients in it."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process
        self._count = 0

    def client(self, url: str, user: str, password: str, home: str, through_proxy: bool = False) -> Agavepy:
        """Sign in as the README tells it, by ``clients.create``.

        ``through_proxy``: the service's own address is called and ``url`` is the proxy, so that tokens are sent
        [clients §0].
        """
        self._count += 1
        request: dict[str, Any] = {"url": url, "user": user, "password": password, "home": home}
        request |= {"proxy": through_proxy, "name": f"desk-{self._count}"}
        Outcome(**_ask(self._process, {"client": self._count, "sign_in": request})).result  # noqa: B018
        return Agavepy(self._process, self._count)


@contextmanager
def desk(python: str, environment: dict[str, str]) -> Iterator[Desk]:
    """Start it with the interpreter that can import agavepy; it ends with the block."""
    with subprocess.Popen(
        [python, "-W", "ignore", __file__],
        env=environment,
        cwd=environment["HOME"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            yield Desk(process)
        finally:
            assert process.stdin is not None
            process.stdin.close()


def _ask(process: subprocess.Popen[str], request: dict[str, Any]) -> dict[str, Any]:
    assert process.stdin is not None and process.stdout is not None
    process.stdin.write(json.dumps(request) + "\n")
    process.stdin.flush()
    line = process.stdout.readline()
    assert line, f"agavepy's process has ended with {process.wait(10)}"
    answer: dict[str, Any] = json.loads(line)
    return answer


# the other process


def _sign_in(url: str, user: str, password: str, home: str, proxy: bool, name: str) -> Any:
    import os

    from agavepy.agave import Agave  # type: ignore[import-not-found]

    os.environ["TAPIS_CACHE_DIR"] = home
    os.environ["TAPIS_TENANTS_URL"] = f"{url}/tenants"
    os.environ.pop("https_proxy", None)
    if proxy:
        os.environ["https_proxy"] = url
    client = Agave(
        api_server=API if proxy else url,
        username=user,
        password=password,
        verify=False,
        tenant_id="tacc.prod",
        proxies={"https": url} if proxy else {},
    )
    client.clients.create(body={"clientName": name})
    return client


def _failure(error: Exception) -> dict[str, Any]:
    response = getattr(error, "response", None)
    return {
        "error": type(error).__name__,
        "message": str(error),
        "status": getattr(response, "status_code", None),
        "body": getattr(response, "text", None) or "",
    }


def _plain(value: Any) -> Any:
    """agavepy's answers as data."""
    if isinstance(value, dict):
        return {key: _plain(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    if type(value).__name__ == "Response":
        return {"status": value.status_code, "content": value.content.decode("latin-1")}
    return value if isinstance(value, str | int | float | bool | None) else str(value)


def main() -> None:
    clients: dict[int, Any] = {}
    for line in sys.stdin:
        request = json.loads(line)
        number = request["client"]
        try:
            with redirect_stdout(io.StringIO()):
                if "sign_in" in request:
                    clients[number] = _sign_in(**request["sign_in"])
                    answer = {"answer": True}
                else:
                    names = {**request["names"], "ag": clients[number]}
                    answer = {"answer": _plain(eval(request["code"], names))}
        except Exception as error:  # noqa: BLE001 - whatever it is, the test is to see it
            answer = _failure(error)
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
