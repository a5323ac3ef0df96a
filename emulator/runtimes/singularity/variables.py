"""The environment inside: the caller's, with what the image and the call say."""

from __future__ import annotations

import os
from collections.abc import Mapping

from emulator.runtimes.singularity.archives import Configuration
from emulator.runtimes.singularity.failure import Fatal
from emulator.runtimes.singularity.options import Options

DEFAULT_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_PREFIXES = ("SINGULARITYENV_", "APPTAINERENV_")  # the later one wins
_KEPT_CLEAN = ("HOME", "TERM", "LANG", "USER", "LOGNAME")
_JOB = "TAPIS_EMULATOR_JOB"
"""Marks every process of a job, so that all can be ended with it."""


def injected(options: Options, host: Mapping[str, str]) -> dict[str, str]:
    """What the call itself sets: these win over the image. Raises Fatal for what is no assignment."""
    found: dict[str, str] = {}
    for prefix in _PREFIXES:
        found.update({name[len(prefix) :]: value for name, value in host.items() if name.startswith(prefix)})
    found.pop("", None)
    for path in options.all("env-file"):
        found.update(_assignments(_lines(path), path))
    for text in options.all("env"):
        found.update(_assignments(_split(text), "--env"))
    return found


def environment(
    options: Options,
    host: Mapping[str, str],
    configuration: Configuration,
    *,
    home: str,
    about: Mapping[str, str],
) -> dict[str, str]:
    """All variables but those that scripts of the image set. ``about`` tells of the container itself."""
    clean = "cleanenv" in options
    seen = {
        name: value
        for name, value in host.items()
        if not name.startswith(_PREFIXES) and (not clean or name in _KEPT_CLEAN or name == _JOB)
    }
    for name in ("PATH", "LD_LIBRARY_PATH"):
        seen.pop(name, None)
    if clean:
        seen["LANG"] = "C"
    own = dict(entry.partition("=")[::2] for entry in configuration.environment)
    seen["PATH"] = own.pop("PATH", DEFAULT_PATH)
    for name, value in own.items():
        seen.setdefault(name, value)
    seen.update(about)
    seen["HOME"] = home
    given = injected(options, host)
    before, after = given.pop("PREPEND_PATH", ""), given.pop("APPEND_PATH", "")
    seen.update(given)
    seen["PATH"] = ":".join(part for part in (before, seen["PATH"], after) if part)
    return seen


def _assignments(entries: list[str], where: str) -> dict[str, str]:
    found = {}
    for entry in entries:
        name, equals, value = entry.partition("=")
        if not equals or not name:
            raise Fatal(f"{where}: {entry!r} must be formatted as key=value")
        found[name] = value
    return found


def _split(text: str) -> list[str]:
    """By commas; one that begins no assignment belongs to the value before it."""
    entries: list[str] = []
    for part in text.split(","):
        if entries and "=" not in part:
            entries[-1] += f",{part}"
        else:
            entries.append(part)
    return entries


def _lines(path: str) -> list[str]:
    try:
        with open(path, encoding="utf-8", errors="surrogateescape") as file:
            lines = [line.strip() for line in file]
    except OSError as error:
        raise Fatal(f"could not read {path}: {error.strerror}") from error
    plain = [
        line[7:] if line.startswith("export ") else line
        for line in lines
        if line and not line.startswith("#")
    ]
    return [_unquoted(line) for line in plain]


def _unquoted(line: str) -> str:
    name, equals, value = line.partition("=")
    if len(value) >= 2 and value[0] == value[-1] and value[0] in "'\"":
        value = value[1:-1]
    return name + equals + value


def current() -> dict[str, str]:
    return dict(os.environ)
