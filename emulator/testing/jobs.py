"""Jobs as a test sees them: submitted, waited for by events, told as a story when they end otherwise."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from emulator.testing.errors import JobEndedOtherwise, speaks_for_itself
from emulator.testing.transfers import saved
from emulator.testing.wire import PATIENCE, accepted, segment, until

if TYPE_CHECKING:
    from urllib3 import BaseHTTPResponse

    from emulator.testing.desk import Desk

__tracebackhide__ = speaks_for_itself


class Job:
    """One job. Its ``id`` is all that it holds: everything else is asked for when it is looked at."""

    def __init__(self, desk: Desk, job_id: str) -> None:
        self._desk = desk
        self.id = job_id

    def __repr__(self) -> str:
        return f"<Job {self.id}>"

    @property
    def status(self) -> str:
        """The state that it is in now."""
        return str(self._standing()["status"])

    @property
    def message(self) -> str:
        """``lastStatusMessage``: of a failed job, why."""
        return str(self._standing()["message"])

    @property
    def record(self) -> dict[str, Any]:
        """The record as the service shows it to its user."""
        found: dict[str, Any] = self._desk.call("GET", f"jobs/v2/{self.id}")
        return found

    @property
    def history(self) -> list[dict[str, Any]]:
        """All entries, oldest first: ``seq``, ``status``, ``description``, ``created``, ``progress`` if it has one."""
        entries: list[dict[str, Any]] = self._standing()["history"]
        return entries

    @property
    def states(self) -> list[str]:
        """The states that it has been in, in order."""
        return [entry["status"] for entry in self.history if "progress" not in entry]

    def wait(self, state: str | Iterable[str] = "FINISHED", timeout: float = PATIENCE) -> Job:
        """Return as soon as the job has come into ``state`` (or one of them), be it left again by now.

        ``timeout`` is in seconds of real time. Raises JobEndedOtherwise as soon as it has ended in another
        state, WaitedInVain; both tell its history.
        """
        states = one_of(state)
        path = f"{self._path}/wait"

        def ask(seconds: float) -> dict[str, Any]:
            query = {"for": ",".join(states), "wait": f"{seconds:.3f}"}
            found: dict[str, Any] = self._desk.server.control("GET", path, query=query, seconds=seconds + 60)
            return found

        def settled(found: dict[str, Any]) -> bool:
            return bool(found["reached"] or found["ended"])

        wanted = " or ".join(states)
        found = until(ask, settled, timeout, lambda last: f"{wanted}; {story(last)}")
        if not found["reached"]:
            raise JobEndedOtherwise(f"it never was {wanted}: {story(found)}")
        return self

    def outputs(self) -> list[str]:
        """The paths of all output files, wherever they lie by now."""
        return sorted(self._files("/"))

    def output(self, path: str) -> bytes:
        """The content of an output file. Raises Refused."""
        content: bytes = self._output(path).data
        return content

    def download(self, path: str, to: str | Path) -> Path:
        """Write an output file, however large, into a file of this machine. Raises Refused, NoEmulator."""
        return saved(self._output(path, whole=False), Path(to))

    def cancel(self) -> Job:
        """Ask for its end, as its user would."""
        self._desk.call("POST", f"jobs/v2/{self.id}", {"action": "stop"})
        return self

    def _output(self, path: str, **options: Any) -> BaseHTTPResponse:
        where = f"jobs/v2/{self.id}/outputs/media/{quote(path.lstrip('/'))}"
        return accepted(self._desk.request("GET", where, **options), f"output {path}")

    @property
    def _path(self) -> str:
        return f"worlds/{segment(self._desk.world_name)}/jobs/{segment(self.id)}"

    def _standing(self) -> dict[str, Any]:
        found: dict[str, Any] = self._desk.server.control("GET", self._path)
        return found

    def _files(self, directory: str) -> Iterable[str]:
        listing = self._desk.call(
            "GET", f"jobs/v2/{self.id}/outputs/listings{quote(directory)}", query={"limit": 10_000}
        )
        for entry in listing:
            path = f"{directory}{entry['name']}"
            if entry["name"] == ".":
                continue
            if entry["type"] == "dir":
                yield from self._files(f"{path}/")
            else:
                yield path.lstrip("/")


def one_of(state: str | Iterable[str]) -> list[str]:
    """The states that are waited for. Raises ValueError when there are none."""
    states = [state] if isinstance(state, str) else list(state)
    if not any(states):
        raise ValueError("no state to wait for; the default is FINISHED")
    return states


def heading(standing: dict[str, Any]) -> str:
    """A job in one line, as ``/_emulator/worlds/<w>/jobs`` answers it."""
    head = f"job {standing['id']} ({standing['name']}, {standing['appId']}) is {standing['status']}"
    return f"{head}: {standing['message']}" if standing["message"] else head


def story(standing: dict[str, Any]) -> str:
    """The same with all that happened to it, for people."""
    lines = [heading(standing)]
    for entry in standing["history"]:
        text = entry["description"]
        source = entry.get("progress", {}).get("source", "")
        # most descriptions name it already
        if source not in text:
            text = f"{text} {source}"
        lines.append(f"  {entry['created']}  {entry['status']:<18} {text}")
    return "\n".join(lines)
