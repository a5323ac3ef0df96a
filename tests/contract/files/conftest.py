"""A served emulator with systems of every kind, requests that keep their paths, and a look at the sandboxes."""

from __future__ import annotations

import http.client
import itertools
import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from urllib3 import encode_multipart_formdata

from emulator.app import Emulator
from emulator.domain.identity import Token
from emulator.domain.paths import host_path
from emulator.domain.system import Role, StorageConfig, System, SystemRole, SystemStatus, SystemType
from emulator.domain.world import DEFAULT_WORLD
from tests.real.waiting import wait_until

OWNER, OTHER, ADMIN = "testuser", "student01", "admin"


@dataclass(frozen=True)
class Answer:
    status: int
    headers: http.client.HTTPMessage
    body: bytes

    @property
    def json(self) -> Any:
        assert self.headers["Content-Type"] == "application/json; charset=UTF-8", self
        return json.loads(self.body)

    @property
    def message(self) -> str:
        """Of an error."""
        document = self.json
        assert document["status"] == "error", document
        assert "result" not in document
        return str(document["message"])

    @property
    def refusal(self) -> tuple[int, str]:
        return self.status, self.message


class Bench:
    """Requests as any user, whose token is its name; systems straight from the store."""

    def __init__(self, emulator: Emulator) -> None:
        self.emulator = emulator
        self.store = emulator.store
        self.port = urlsplit(emulator.url).port
        self._numbers = itertools.count(1)
        self._add_tokens()

    def system(
        self,
        *,
        kind: SystemType = SystemType.STORAGE,
        owner: str = OWNER,
        public: bool = False,
        root: str = "/data",
        home: str | None = "/home",
        roles: dict[str, Role] | None = None,
        **more: Any,
    ) -> str:
        """Register a system on a machine of its own; its id."""
        number = next(self._numbers)
        now = self.emulator.clocks.of(DEFAULT_WORLD).now()
        system = System(
            world=DEFAULT_WORLD,
            id=f"system-{number}",
            uuid=f"{number:019d}-0123456789-0001-006",
            name=f"System {number}",
            type=kind,
            owner=owner,
            public=public,
            storage=StorageConfig(
                host=f"host{number}.example.org", port=22, protocol="SFTP", root_dir=root, home_dir=home
            ),
            created=now,
            last_updated=now,
            **more,
        )
        with self.store.write() as tx:
            tx.systems.add(system, {})
            for username, role in (roles or {}).items():
                tx.systems.set_role(SystemRole(system_uuid=system.uuid, username=username, role=role))
        return system.id

    def alter(self, system_id: str, **changes: Any) -> None:
        with self.store.write() as tx:
            tx.systems.save(replace(self.record(system_id), **changes))

    def record(self, system_id: str) -> System:
        with self.store.read() as tx:
            system = tx.systems.get(DEFAULT_WORLD, system_id)
        assert system is not None
        return system

    def set_default(self, username: str, system_id: str | None) -> None:
        with self.store.write() as tx:
            tx.systems.set_user_default(DEFAULT_WORLD, username, SystemType.STORAGE, system_id)

    def real(self, system_id: str, virtual: str) -> Path:
        """Where a virtual path lies on this machine; its parent directory exists."""
        storage = self.record(system_id).storage
        hosts = self.emulator.directory.path / "hosts" / DEFAULT_WORLD
        path = hosts / storage.host / host_path(storage, virtual).lstrip("/")
        path.parent.mkdir(parents=True, exist_ok=True)
        return path

    def put(self, system_id: str, virtual: str, content: bytes = b"content") -> Path:
        """A file that comes from elsewhere than the API: a job's, say."""
        path = self.real(system_id, virtual)
        path.write_bytes(content)
        return path

    def make(self, system_id: str, virtual: str) -> Path:
        """A directory, likewise."""
        path = self.real(system_id, virtual)
        path.mkdir(exist_ok=True)
        return path

    def request(
        self,
        method: str,
        path: str,
        user: str | None = OWNER,
        *,
        body: Any = None,
        headers: dict[str, str] | None = None,
    ) -> Answer:
        """``path`` goes out as it stands, below ``/files/v2/``; a dict as ``body`` is sent as JSON."""
        sent = {"Authorization": f"Bearer {user}"} if user else {}
        if isinstance(body, dict):
            body = json.dumps(body)
            sent["Content-Type"] = "application/json"
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        try:
            connection.request(method, f"/files/v2/{path}", body, sent | (headers or {}))
            response = connection.getresponse()
            return Answer(response.status, response.headers, response.read())
        finally:
            connection.close()

    def call(self, method: str, path: str, user: str = OWNER, expect: int = 200, **options: Any) -> Any:
        """The ``result`` of a request that succeeds; None when there is none."""
        answer = self.request(method, path, user, **options)
        assert answer.status == expect, answer.body
        assert answer.json["status"] == "success"
        return answer.json.get("result")

    def upload(
        self,
        path: str,
        content: bytes | None,
        filename: str | None = "file.txt",
        user: str = OWNER,
        headers: dict[str, str] | None = None,
        **fields: str,
    ) -> Answer:
        """A form as clients send it; the file part is last."""
        parts: list[Any] = list(fields.items())
        if content is not None:
            parts.append(("fileToUpload", (filename, content, "text/plain")))
        body, content_type = encode_multipart_formdata(parts)
        sent = {"Content-Type": content_type} | (headers or {})
        return self.request("POST", f"media/{path}", user, body=body, headers=sent)

    def names(self, path: str, user: str = OWNER) -> list[str]:
        return [line["name"] for line in self.call("GET", f"listings/{path}", user)]

    def history(self, path: str, user: str = OWNER) -> list[tuple[str, str]]:
        """Status and description, oldest first."""
        lines = self.call("GET", f"history/{path}", user)
        return [(line["status"], line["description"]) for line in lines]

    def unfinished(self) -> list[Path]:
        """What uploads under way, or forgotten, have written so far."""
        return list((self.emulator.directory.path / "hosts").glob("*/.incoming/*"))

    def _add_tokens(self) -> None:
        now = self.emulator.clocks.of(DEFAULT_WORLD).now()
        with self.store.write() as tx:
            for username in (OWNER, OTHER, "student02", ADMIN):
                tx.tokens.add(
                    Token(
                        world=DEFAULT_WORLD,
                        access_token=username,
                        refresh_token=None,
                        username=username,
                        client_key="tests",
                        scope="default",
                        created=now,
                        expires=now + timedelta(hours=1),
                    )
                )


def act(bench: Bench, where: str, user: str = OWNER, **body: Any) -> Answer:
    return bench.request("PUT", f"media/system/{where}", user, body=body)


def tree(directory: Path) -> dict[str, str]:
    """Files with their content, directories with "/"."""
    return {
        str(path.relative_to(directory)): "/" if path.is_dir() else path.read_text()
        for path in sorted(directory.rglob("*"))
    }


@pytest.fixture(scope="module")
def bench(emulator: Emulator) -> Iterator[Bench]:
    yield Bench(emulator)


@pytest.fixture
def private(bench: Bench) -> str:
    """The id of OWNER's own storage system: rootDir /data, homeDir /home below it."""
    return bench.system()


@pytest.fixture
def public(bench: Bench) -> str:
    """The id of a public storage system of ADMIN's, where OWNER and OTHER have homes."""
    return bench.system(public=True, owner=ADMIN)


DOWN = SystemStatus.DOWN


def start_import(bench: Bench, where: str, url: str, user: str = OWNER, **more: Any) -> Any:
    """The file object of an import that has been accepted."""
    return bench.call("POST", f"media/system/{where}", user, 202, body={"urlToIngest": url} | more)


def ended(bench: Bench, record: dict[str, Any], user: str = OWNER) -> list[dict[str, Any]]:
    """The history of an import, once that has ended either way."""
    path = record["_links"]["history"]["href"].partition("/files/v2/")[2]
    lines: list[dict[str, Any]] = []

    def over() -> bool:
        lines[:] = bench.call("GET", path, user)
        return any(line["status"] in ("STAGING_COMPLETED", "STAGING_FAILED") for line in lines)

    wait_until(over, what=f"the end of {lines}")
    return lines


def reason(bench: Bench, record: dict[str, Any], user: str = OWNER) -> str:
    """Why an import has failed."""
    last = ended(bench, record, user)[-1]
    assert last["status"] == "STAGING_FAILED", last
    return str(last["description"])
