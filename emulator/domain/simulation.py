"""Apps that are simulated instead of run: how long they wait and take, how they end and what they leave, as data.

A simulation is declared for an app, or for a pattern of app ids, in a world. Its document::

    queue_wait: 30s                 # or [10s, 5m]: drawn for each job; without it: none
    duration: ${seconds:-20}        # a parameter of the job; "forever": until it is killed
    exit_code: 3
    signal: 9                       # instead of an exit code
    scheduler_state: NODE_FAIL      # the scheduler's word for the end, where exit code and signal do not say it
    stdout: "Hello ${AGAVE_JOB_NAME}"
    stderr: 64KiB                   # of text that says nothing
    outputs: {results/table.csv: "a,b\\n1,2\\n", picture.png: 2MB}
    reject: "sbatch: error: …"      # the scheduler does not take it, in these words
    archiving: "No space left"      # its outputs cannot be archived, for this reason

``{run: true}`` exempts an app from a wider pattern: it is run.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any

FOREVER = "forever"
LOST = "LOST"
"""The scheduler state of a script that its scheduler forgets."""
LARGEST = 2**40
"""Bytes of one output; what is beyond that is a slip of the pen."""
LONGEST = 100 * 366 * 86400.0
"""Seconds that a wait or a run may take."""
MOST_OUTPUTS = 10_000
GLOB_LENGTH = 128

_DURATION_UNITS = {"ms": 0.001, "": 1.0, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0, "w": 604800.0}
_DURATION = re.compile(r"(\d+(?:\.\d+)?)\s*(ms|s|m|h|d|w)?", re.ASCII)
_SIZE_UNITS = {"": 1, "B": 1, "K": 10**3, "M": 10**6, "G": 10**9, "KI": 2**10, "MI": 2**20, "GI": 2**30}
_SIZE = re.compile(r"(\d+(?:\.\d+)?)\s*([KMG]?I?)B", re.ASCII | re.IGNORECASE)
_WORD = re.compile(r"[A-Z][A-Z_]{0,31}")
_VARIABLE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_.-]*)(?::-([^}]*))?\}")
_GLOB = re.compile(r"[A-Za-z0-9_.+*?\[\]!-]+")

Content = str | int
"""What a file holds: this text, or so many bytes of filling."""


class BadSimulation(Exception):
    """A document that cannot be understood; the text names the field and what was expected."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Play:
    """What is played for one job: everything drawn, everything written out. Times in seconds.

    ``duration`` None: until it is killed. ``outputs`` by path, relative to the work directory.
    """

    queue_wait: float = 0.0
    duration: float | None = 0.0
    exit_code: int = 0
    signal: int = 0
    scheduler_state: str = ""
    stdout: Content = ""
    stderr: Content = ""
    outputs: dict[str, Content] = field(default_factory=dict)
    reject: str = ""
    archiving: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Simulation:
    """A declaration: which apps of a world, and what stands in for them. ``app`` is an id or a pattern of ids."""

    world: str
    app: str
    document: dict[str, Any]

    @property
    def runs(self) -> bool:
        """Whether it only says that these apps are run."""
        return bool(self.document.get("run"))


def check_app(text: str) -> str:
    """An app id or a pattern of ids. Raises BadSimulation."""
    if not _GLOB.fullmatch(text) or len(text) > GLOB_LENGTH:
        raise BadSimulation(
            f"app: expected an app id or a pattern such as classifier-* (at most {GLOB_LENGTH} characters), "
            f"not {text[:60]!a}"
        )
    return text


def chosen(declared: Iterable[Simulation], app_id: str) -> Simulation | None:
    """The one that speaks for an app: its own id, else the longest pattern that fits; None where it is run."""
    fits = [one for one in declared if one.app == app_id or fnmatchcase(app_id, one.app)]
    if not fits:
        return None
    best = max(fits, key=lambda one: (one.app == app_id, len(one.app), one.app))
    return None if best.runs else best


def check(document: Any) -> dict[str, Any]:
    """The document, understood as far as it does not hang on a job's parameters. Raises BadSimulation."""
    if not isinstance(document, Mapping):
        raise BadSimulation("expected a mapping with duration, exit_code, outputs, …")
    unknown = sorted(str(key) for key in document if key not in _FIELDS and key != "run")
    if unknown:
        raise BadSimulation(f"there is no {unknown[0][:60]!a} here; there are {', '.join([*_FIELDS, 'run'])}")
    run = document.get("run", False)
    if not isinstance(run, bool):
        raise BadSimulation("run: expected true or false")
    if run and len(document) > 1:
        raise BadSimulation("run: an app that is run is not simulated: nothing may stand beside it")
    for name in set(document) & set(_FIELDS):
        value = document[name]
        if not _open_ended(value):
            _FIELDS[name](name, value, 0.5)
    if document.get("exit_code") and document.get("signal"):
        raise BadSimulation("signal: a script ends with an exit code or by a signal, not with both")
    return dict(document)


def play(document: Mapping[str, Any], values: Mapping[str, Any], job_id: str) -> Play:
    """What a document means for a job whose parameters and attributes are ``values``.

    Ranges are drawn from the job's id, so that the same job always gets the same; an id is itself chance.
    Raises BadSimulation for what parameters have made of it.
    """
    read = {
        name: _FIELDS[name](name, _filled(value, values), _share(job_id, name))
        for name, value in document.items()
        if name in _FIELDS
    }
    return Play(**read)


def _share(job_id: str, name: str) -> float:
    """From 0 up to but not including 1."""
    digest = hashlib.sha256(f"{job_id}\n{name}".encode()).digest()
    return int.from_bytes(digest[:7]) / 2.0**56


def _open_ended(value: Any) -> bool:
    """Whether it is only known once a job's parameters are."""
    if isinstance(value, str):
        return bool(_VARIABLE.search(value))
    if isinstance(value, Mapping):
        return any(_open_ended(one) or _open_ended(key) for key, one in value.items())
    return isinstance(value, list | tuple) and any(map(_open_ended, value))


def _filled(value: Any, values: Mapping[str, Any]) -> Any:
    if isinstance(value, str):
        return _VARIABLE.sub(lambda found: _value(found, values), value)
    if isinstance(value, Mapping):
        return {_filled(key, values): _filled(one, values) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_filled(one, values) for one in value]
    return value


def _value(found: re.Match[str], values: Mapping[str, Any]) -> str:
    """``${name}`` as text; what a job does not have is its default, or nothing."""
    value = values.get(found[1])
    if value is None or value == "" or value == []:
        return found[2] or ""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return " ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)


def seconds(text: str) -> float | None:
    """A duration as people write it (``90``, ``1.5s``, ``10m``, ``48h``); None for anything else."""
    parts = _DURATION.findall(text.strip())
    if not parts or "".join(f"{n}{u}" for n, u in parts) != re.sub(r"\s", "", text):
        return None
    return sum(float(number) * _DURATION_UNITS[unit] for number, unit in parts)


def _time(name: str, value: Any, share: float) -> float:
    if isinstance(value, list | tuple):
        if len(value) != 2:
            raise BadSimulation(f"{name}: a range has two ends, such as [10s, 5m]")
        least, most = (_time(name, end, share) for end in value)
        if most < least:
            raise BadSimulation(f"{name}: the range ends before it begins")
        return round(least + (most - least) * share, 3)
    number = seconds(value) if isinstance(value, str) else value
    if isinstance(number, bool) or not isinstance(number, int | float) or not 0 <= number <= LONGEST:
        raise BadSimulation(
            f"{name}: expected a time such as 90, 10s, 5m or [10s, 5m], not {str(value)[:60]!a}"
        )
    return round(float(number), 3)


def _run_time(name: str, value: Any, share: float) -> float | None:
    return None if value == FOREVER else _time(name, value, share)


def _whole(name: str, value: Any, least: int, most: int) -> int:
    text = str(value).strip() if isinstance(value, str | int) and not isinstance(value, bool) else ""
    number = int(text) if re.fullmatch(r"\d{1,6}", text, re.ASCII) else -1
    if not least <= number <= most:
        raise BadSimulation(
            f"{name}: expected a whole number from {least} to {most}, not {str(value)[:60]!a}"
        )
    return number


def _exit_code(name: str, value: Any, _share: float) -> int:
    return _whole(name, value, 0, 255)


def _signal(name: str, value: Any, _share: float) -> int:
    return _whole(name, value, 0, 64)


def _word(name: str, value: Any, _share: float) -> str:
    if not isinstance(value, str) or not (value == "" or _WORD.fullmatch(value)):
        raise BadSimulation(
            f"{name}: expected a word such as TIMEOUT, NODE_FAIL or LOST, not {str(value)[:60]!a}"
        )
    return value


def _text(name: str, value: Any, _share: float) -> str:
    if not isinstance(value, str):
        raise BadSimulation(f"{name}: expected a text")
    try:
        value.encode()
    except UnicodeEncodeError as error:
        raise BadSimulation(f"{name}: the text holds half a character") from error
    return value


def _content(name: str, value: Any, share: float) -> Content:
    """A whole number is a size, and so is a text that is nothing but one with a unit (``64KiB``)."""
    if isinstance(value, str):
        found = _SIZE.fullmatch(value.strip())
        if found is None:
            return _text(name, value, share)
        value = int(float(found[1]) * _SIZE_UNITS[found[2].upper()])
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= LARGEST:
        raise BadSimulation(f"{name}: expected a text or a size (such as 64KiB) of at most {LARGEST} bytes")
    return value


def _outputs(name: str, value: Any, share: float) -> dict[str, Content]:
    if not isinstance(value, Mapping) or len(value) > MOST_OUTPUTS:
        raise BadSimulation(
            f"{name}: expected a mapping from paths to texts or sizes, at most {MOST_OUTPUTS}"
        )
    return {_path(name, path): _content(f"{name}: {path}", one, share) for path, one in value.items()}


def _path(name: str, path: Any) -> str:
    parts = path.split("/") if isinstance(path, str) else [""]
    if any(
        part in ("", ".", "..") or "\0" in part or len(part.encode("utf-8", "replace")) > 255
        for part in parts
    ):
        raise BadSimulation(f"{name}: {str(path)[:60]!a} is no path below the work directory")
    return _text(name, path, 0.0)


_FIELDS: Mapping[str, Any] = {
    "queue_wait": _time,
    "duration": _run_time,
    "exit_code": _exit_code,
    "signal": _signal,
    "scheduler_state": _word,
    "stdout": _content,
    "stderr": _content,
    "outputs": _outputs,
    "reject": _text,
    "archiving": _text,
}
