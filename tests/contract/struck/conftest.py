"""Rules, armed by the control API; operations of every shape, to be struck; and raw sockets to look at the wire."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import count
from types import SimpleNamespace
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests

from emulator.app import Emulator
from tests.real.waiting import wait_until
from tests.served import Api
from tests.server.client import Wire

CONTENT = bytes(range(256)) * 40
FOLDER = "files/v2/media/system/tacc.corral/testuser"
META = "meta/v2/data"
BOUNDARY = "----boundary"
_numbers = count(1)


class Control:
    """The world's part of ``/_emulator``."""

    def __init__(self, emulator: Emulator) -> None:
        self._root = f"{emulator.url}/_emulator/worlds/default"
        self.session = requests.Session()
        self.session.trust_env = False

    def request(self, method: str, path: str, **options: Any) -> requests.Response:
        return self.session.request(method, f"{self._root}/{path}", timeout=60, **options)

    def arm(self, at: str, do: Any, **rule: Any) -> str:
        """One rule; the name of the scenario that it was armed as."""
        name = f"scenario-{next(_numbers)}"
        document = {"name": name, "rules": [{"name": "the rule", "at": at, "do": do, **rule}]}
        answer = self.request("POST", "scenarios", data=json.dumps(document))
        assert answer.status_code == 201, answer.text
        return name

    def release(self, name: str) -> None:
        answer = self.request("POST", f"scenarios/{name}/release")
        assert answer.status_code == 200, answer.text

    def requests(self, **filters: Any) -> list[dict[str, Any]]:
        answer = self.request("GET", "requests", params=filters)
        assert answer.status_code == 200, answer.text
        found: list[dict[str, Any]] = answer.json()["requests"]
        return found

    def last(self) -> int:
        """The number of the newest request."""
        found = self.requests()
        return int(found[-1]["number"]) if found else 0

    def struck(self, since: int = 0) -> dict[str, Any]:
        """The newest request (after a number) that a rule has struck, once it is over."""
        found: list[dict[str, Any]] = []

        def over() -> bool:
            found[:] = [each for each in self.requests(since=since) if each["faults"]][-1:]
            return bool(found) and found[0]["seconds"] is not None

        wait_until(over, 60, "a struck request is over")
        return found[0]


@pytest.fixture(scope="module")
def control(emulator: Emulator) -> Control:
    return Control(emulator)


@pytest.fixture(autouse=True)
def nothing_armed(control: Control) -> Iterator[None]:
    yield
    assert control.request("DELETE", "scenarios").status_code == 200


@dataclass
class Call:
    """One request, and whether its work was done."""

    operation: str
    method: str
    path: str
    done: Callable[[], bool] | None = None
    """None: it does nothing that could be seen."""
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""
    is_json: bool = True

    def raw(self, *extra: str, version: str = "1.1") -> bytes:
        lines = [f"{self.method} /{self.path} HTTP/{version}", "Host: localhost", *extra]
        lines += [f"{name}: {value}" for name, value in self.headers.items()]
        if self.body:
            lines.append(f"Content-Length: {len(self.body)}")
        return "\r\n".join(lines).encode() + b"\r\n\r\n" + self.body

    def undone(self) -> None:
        assert self.done is None or not self.done(), f"{self.operation} was carried out"

    def is_done(self) -> None:
        assert self.done is None or self.done(), f"{self.operation} was not carried out"


class Calls:
    """Fresh requests of every shape."""

    shapes = ("get", "post", "upload", "range", "head", "delete")

    def __init__(self, api: Api) -> None:
        self._api = api

    def make(self, shape: str) -> Call:
        made: Call = getattr(self, f"_{shape}")()
        return made

    def _get(self) -> Call:
        return Call("jobs.list", "GET", "jobs/v2?limit=1")

    def _post(self) -> Call:
        name = f"item {next(_numbers)}"
        return Call(
            "meta.addMetadata",
            "POST",
            META,
            lambda: name in [item["name"] for item in self._api.call("GET", f"{META}?limit=250")],
            {"Content-Type": "application/json"},
            json.dumps({"name": name, "value": {"a": 1}}).encode(),
        )

    def _upload(self) -> Call:
        name = f"upload-{next(_numbers)}.bin"
        part = f'Content-Disposition: form-data; name="fileToUpload"; filename="{name}"'
        body = f"--{BOUNDARY}\r\n{part}\r\n\r\n".encode() + CONTENT + f"\r\n--{BOUNDARY}--\r\n".encode()
        return Call(
            "files.importData",
            "POST",
            FOLDER,
            lambda: self._api.request("HEAD", f"{FOLDER}/{name}").status_code == 200,
            {"Content-Type": f"multipart/form-data; boundary={BOUNDARY}"},
            body,
        )

    def _range(self) -> Call:
        return Call("files.download", "GET", self._file(), headers={"Range": "bytes=100-4099"}, is_json=False)

    def _head(self) -> Call:
        return Call("files.download", "HEAD", self._file(), is_json=False)

    def _delete(self) -> Call:
        made = self._api.call("POST", META, json={"name": "to be deleted", "value": "x"})
        path = f"{META}/{made['uuid']}"
        return Call(
            "meta.deleteMetadata", "DELETE", path, lambda: self._api.request("GET", path).status_code == 404
        )

    def _file(self) -> str:
        name = f"file-{next(_numbers)}.bin"
        self._api.call("POST", FOLDER, files={"fileToUpload": (name, CONTENT)})
        return f"{FOLDER}/{name}"


@pytest.fixture(scope="module")
def calls(api: Api) -> Calls:
    return Calls(api)


@pytest.fixture(params=Calls.shapes)
def call(request: pytest.FixtureRequest, calls: Calls) -> Call:
    return calls.make(request.param)


@pytest.fixture
def wire(emulator: Emulator) -> Callable[..., Wire]:
    """Connections to the emulator, plain or TLS."""
    place = urlsplit(emulator.url)
    address = SimpleNamespace(host="127.0.0.1", port=place.port)
    return lambda tls=False: Wire(address, tls)


def rest(wire: Wire) -> tuple[bytes, str]:
    """What comes until the end, and how it ends: ``closed`` (in whatever way under TLS) or ``reset``."""
    parts = []
    while True:
        try:
            part = wire.file.read1(65536)
        except ConnectionResetError:
            return b"".join(parts), "reset"
        except OSError:
            return b"".join(parts), "closed"
        if not part:
            return b"".join(parts), "closed"
        parts.append(part)
