"""The named points at which scenarios can speak up, and what can be asked of an occasion there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase

from emulator.domain.fault import FAMILIES, TRANSFERS
from emulator.scenario.mistakes import either

_JOB = ("user", "job", "job_name", "app", "system", "queue")
_SCRIPT = (*_JOB, "host")
_ALWAYS = ("world", "operation")


@dataclass(frozen=True, slots=True)
class PointKind:
    """A point. ``text`` says what is about to happen there; ``facts`` what ``when`` and ``per`` can ask there."""

    name: str
    text: str
    facts: tuple[str, ...]


def _job(step: str, text: str) -> PointKind:
    return PointKind(f"job.{step}", text, _JOB)


POINTS = (
    _job("pending", "a worker takes the job up"),
    _job("processing_inputs", "the job's plan is checked and its input files are looked for"),
    _job("staging_inputs", "input files are about to be copied into the work directory"),
    _job("staged", "the inputs are there"),
    _job("staging_job", "app assets and the script are about to be copied into the work directory"),
    _job("submitting", "the script is about to be handed to the execution system"),
    _job("queued", "the scheduler has the job and it waits there"),
    _job("running", "the script runs"),
    _job("cleaning_up", "the script has ended and its outcome is about to be looked at"),
    _job("archiving", "outputs are about to be copied to the archive system"),
    PointKind(
        "transfer.file",
        f"one of up to three attempts to bring a file; `transfer` is {either(TRANSFERS)}",
        (*_SCRIPT, "path", "transfer"),
    ),
    PointKind("host.connect", "a machine is about to be entered", _SCRIPT),
    PointKind("host.exec", "a command is about to be run on a machine", _SCRIPT),
    PointKind("scheduler.submit", "a script is about to be handed to a scheduler", _SCRIPT),
    PointKind("scheduler.status", "a scheduler is about to be asked how a script stands", _SCRIPT),
    PointKind("scheduler.cancel", "a scheduler is about to be told to end a script", _SCRIPT),
    PointKind("app.run", "the app is about to be run: what its script does is replaced", _SCRIPT),
    PointKind(
        "notify.deliver",
        "a notification is about to be sent",
        (*_JOB, "event", "url"),
    ),
    PointKind("token.issue", "a token is about to be given for a password or a code", ("user",)),
    PointKind("token.refresh", "a token is about to be given for a refresh token", ("user",)),
    PointKind("token.check", "a request's token is about to be checked", ("user", "path")),
)
"""All but those of ``http``, which are one for each operation of the v2 services."""

VALUES: Mapping[str, tuple[str, ...]] = {"transfer": TRANSFERS}
"""Facts that are always one of a few words."""

HTTP_FACTS = ("user", "job", "app", "system", "path")

_NO_OPERATION = PointKind(
    "http.unknown",
    "a request that asks for no operation: an unknown path, or a verb that a path has not",
    HTTP_FACTS,
)


class Points:
    """All points: those above, and ``http.<operation>`` for the operations given (name to what it does)."""

    def __init__(self, operations: Mapping[str, str]) -> None:
        http = (PointKind(f"http.{name}", text, HTTP_FACTS) for name, text in operations.items())
        self._by_name = {point.name: point for point in (*http, _NO_OPERATION, *POINTS)}

    def all(self) -> tuple[PointKind, ...]:
        return tuple(self._by_name.values())

    def named(self, pattern: str) -> tuple[PointKind, ...]:
        """The points that a pattern means; a family alone means all of its points."""
        if pattern in FAMILIES:
            pattern = f"{pattern}.*"
        found = self._by_name.get(pattern)
        if found is not None:
            return (found,)
        if not set(pattern) & set("*?["):
            return ()
        return tuple(point for name, point in self._by_name.items() if fnmatchcase(name, pattern))

    def names(self) -> tuple[str, ...]:
        return tuple(self._by_name)


def facts_at(points: tuple[PointKind, ...]) -> tuple[str, ...]:
    """What can be asked at one of these points at least."""
    found = dict.fromkeys(fact for point in points for fact in point.facts)
    return (*found, *_ALWAYS)
