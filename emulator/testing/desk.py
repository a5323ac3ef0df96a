"""A user's place in a world: an address of its own, and what is done there as that user."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from emulator.testing.errors import speaks_for_itself
from emulator.testing.files import Files
from emulator.testing.jobs import Job
from emulator.testing.session import Session, process_environment
from emulator.testing.wire import PATIENCE, Wire

if TYPE_CHECKING:
    from urllib3 import BaseHTTPResponse

    from emulator.testing.server import Server

__tracebackhide__ = speaks_for_itself


class Desk:
    """One user in one world. Requests to ``url`` without credentials act as that user: clients need no set-up."""

    def __init__(
        self, server: Server, world_name: str, url: str, user: str, password: str, folder: Path
    ) -> None:
        """``folder`` is made when a client needs a home."""
        self.server = server
        self.world_name = world_name
        self.url = url
        self.username = user
        self.password = password
        self._folder = folder
        self._wire = Wire(url)
        self.files = Files(self)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.username}@{self.world_name} {self.url}>"

    def request(self, method: str, path: str, **options: Any) -> BaseHTTPResponse:
        """A request to the service, as its answer came: ``body`` (bytes), ``headers``, ``query``."""
        return self._wire.request(method, path, **options)

    def call(self, method: str, path: str, document: Any = None, **options: Any) -> Any:
        """The ``result`` of a request to the service; ``document`` is sent as JSON. Raises Refused."""
        answer = self._wire.json(method, path, document, **options)
        return answer.get("result") if isinstance(answer, dict) and "status" in answer else answer

    def submit(self, request: Mapping[str, Any] | str | Path | None = None, **fields: Any) -> Job:
        """Submit a job: a request as a mapping or a JSON file, fields of it by name, or both.

        ``submit(appId="classifier-1.0.0", parameters={"imagefile": "pictures/night-sky.png"})``; without a
        ``name`` it is called as the world. Raises Refused.
        """
        given: Mapping[str, Any] = (
            json.loads(Path(request).read_text(encoding="utf-8"))
            if isinstance(request, str | Path)
            else request or {}
        )
        body = {"name": self.world_name[:64], **given, **fields}
        return self.job(self.call("POST", "jobs/v2", body)["id"])

    def job(self, job_id: str) -> Job:
        """A job that somebody else has submitted: the code under test."""
        return Job(self, job_id)

    def wait(self, job: Job | str, state: str | Iterable[str] = "FINISHED", timeout: float = PATIENCE) -> Job:
        """See :meth:`Job.wait`; ``job`` may be an id."""
        return (job if isinstance(job, Job) else self.job(job)).wait(state, timeout)

    def env(self, **more: str) -> dict[str, str]:
        """A whole process environment for unmodified clients, signed in as this user.

        ``subprocess.run(["tapis", "jobs", "list"], env=tapis_world.env())``. HOME is a directory of this user
        in this world; of the surrounding environment all is there but what would lead clients elsewhere.
        """
        return process_environment(self.session) | more

    @cached_property
    def session(self) -> Session:
        """What the clients keep in their caches: made once, by the service's own ``/clients`` and ``/token``."""
        return Session.open(self._wire, self.username, self.password, self._folder)

    def agave(self) -> Any:
        """An agavepy client, signed in as this user. Raises ClientMissing where agavepy is not installed."""
        from emulator.testing.agave import client

        return client(self.session)

    def close(self) -> None:
        """Give the connections back."""
        self._wire.close()
