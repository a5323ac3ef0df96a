"""Apps that are simulated instead of run: how long they wait and take, how they end and what they leave, as data.

A simulation (domain/simulation.py) is declared for an app, or for a pattern of app ids, in a world. Its document::

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
import json
import re
from collections.abc import Callable, Mapping
from typing import Any

from emulator.domain.simulation import Content, Play
from emulator.scenario import quantities

FOREVER = "forever"
LARGEST = 2**40
"""Bytes of one output; what is beyond that is a slip of the pen."""
MOST_OUTPUTS = 10_000
LONGEST = 1024 * 1024
"""Bytes of a document: each of its jobs carries it."""
GLOB_LENGTH = 128

_SIZE = re.compile(r"\d+(?:\.\d+)? ?[kmgt]?i?b", re.ASCII | re.IGNORECASE)
_WORD = re.compile(r"[A-Z][A-Z_]{0,31}")
_VARIABLE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_.-]*)(?::-([^}]*))?\}")
_GLOB = re.compile(r"[A-Za-z0-9_.+*?\[\]!-]+")


class BadSimulation(Exception):
    """A document that cannot be understood; the text names the field and what was expected."""


def check_app(text: str) -> str:
    """An app id or a pattern of ids. Raises BadSimulation."""
    if not _GLOB.fullmatch(text) or len(text) > GLOB_LENGTH:
        raise BadSimulation(
            f"app: expected an app id or a pattern such as classifier-* (at most {GLOB_LENGTH} characters), "
            f"not {text[:60]!a}"
        )
    return text


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
    try:
        length = len(json.dumps(document))
    except (TypeError, ValueError, RecursionError) as error:
        raise BadSimulation(f"expected texts, numbers, lists and mappings only: {error}") from error
    if length > LONGEST:
        raise BadSimulation(
            f"all texts together are too long: at most {LONGEST} bytes; a size stands for filling"
        )
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
    """Whether it is only known once a job's parameters are. Nothing is nested deeper than a list or a mapping."""
    return any(isinstance(text, str) and _VARIABLE.search(text) for text in _texts(value))


def _texts(value: Any) -> list[Any]:
    if isinstance(value, Mapping):
        return [*value, *value.values()]
    return list(value) if isinstance(value, list | tuple) else [value]


def _filled(value: Any, values: Mapping[str, Any]) -> Any:
    def fill(text: Any) -> Any:
        return _VARIABLE.sub(lambda found: _value(found, values), text) if isinstance(text, str) else text

    if isinstance(value, Mapping):
        return {fill(key): fill(one) for key, one in value.items()}
    return [fill(one) for one in value] if isinstance(value, list | tuple) else fill(value)


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


def _time(name: str, value: Any, share: float) -> float:
    if not isinstance(value, list | tuple):
        return round(_moment(name, value), 3)
    if len(value) != 2:
        raise BadSimulation(f"{name}: a range has two ends, such as [10s, 5m]")
    least, most = (_moment(name, end) for end in value)
    if most < least:
        raise BadSimulation(f"{name}: the range ends before it begins")
    return round(least + (most - least) * share, 3)


def _moment(name: str, value: Any) -> float:
    try:
        if isinstance(value, bool) or not isinstance(value, str | int | float):
            raise ValueError
        return quantities.duration(value.strip() if isinstance(value, str) else f"{value:f}")
    except (ValueError, OverflowError):
        raise BadSimulation(
            f"{name}: expected a time such as 90, 10s, 5m or [10s, 5m], not {str(value)[:60]!a}"
        ) from None


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
        if not _SIZE.fullmatch(value.strip()):
            return _text(name, value, share)
        try:
            value = quantities.size(value.strip())
        except ValueError as error:
            raise BadSimulation(f"{name}: expected {error}") from None
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


_FIELDS: Mapping[str, Callable[[str, Any, float], Any]] = {
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
