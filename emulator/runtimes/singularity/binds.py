"""Which files of this machine are seen inside, and where."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass

from emulator.runtimes.singularity.failure import Fatal
from emulator.runtimes.singularity.options import Options

_VARIABLES = ("SINGULARITY_BIND", "SINGULARITY_BINDPATH", "APPTAINER_BIND", "APPTAINER_BINDPATH")
_MACHINE = ("/etc/hosts", "/etc/resolv.conf", "/etc/localtime")
_SYSTEM = frozenset(
    [
        "/",
        "/bin",
        "/boot",
        "/dev",
        "/etc",
        "/lib",
        "/lib64",
        "/mnt",
        "/opt",
        "/proc",
        "/run",
        "/sbin",
        "/srv",
        "/sys",
        "/usr",
        "/var",
    ]
)
"""As the current directory these are not brought along: they would hide the image's own."""


@dataclass(frozen=True)
class Bind:
    """``source`` is empty for a directory that is empty, in memory, and gone at the end."""

    source: str
    target: str
    read_only: bool = False


@dataclass(frozen=True)
class View:
    """``binds`` in their order: a later one may hide an earlier one. ``home`` is the path inside."""

    binds: list[Bind]
    home: str
    directory: str


def view(options: Options, host: Mapping[str, str]) -> View:
    """What the options, the variables and the current directory come to. Raises Fatal."""
    contained = "contain" in options
    left_out = {name.strip() for text in options.all("no-mount") for name in text.split(",")}
    binds = [Bind(f"/{name}", f"/{name}") for name in ("proc", "sys", "dev") if name not in left_out]
    binds += [Bind(path, path, read_only=True) for path in _MACHINE if os.path.isfile(path)]
    home_source, home = _home(options, host)
    workdir = options.last("workdir") or ""
    if "tmp" not in left_out:
        binds += _temporary(contained, workdir)
    if "no-home" not in options and "home" not in left_out and home != "/":
        if contained and "home" not in options:
            home_source = _of_workdir(workdir, "home")
        if not home_source or os.path.isdir(home_source):
            binds.append(Bind(home_source, home))
    here = _here(host)
    if not contained and "cwd" not in left_out:
        for place in (here, host.get("TMPDIR", "")):
            if place.startswith("/") and os.path.isdir(place) and os.path.normpath(place) not in _SYSTEM:
                binds.append(Bind(place, os.path.normpath(place)))
    binds += [Bind(_of_workdir(workdir, "scratch" + path), path) for path in options.all("scratch")]
    binds += _asked_for(options, host)
    return View(_without_repetition(binds), home, options.last("pwd") or here)


def _home(options: Options, host: Mapping[str, str]) -> tuple[str, str]:
    asked = options.last("home")
    if asked:
        source, _, target = asked.partition(":")
        source = os.path.abspath(source)
        if not os.path.isdir(source):
            raise Fatal(f"--home: there is no directory {source}")
        return source, target or source
    home = host.get("HOME", "")
    if not home.startswith("/"):
        home = os.path.expanduser("~")
    return home, home


def _temporary(contained: bool, workdir: str) -> list[Bind]:
    if not contained:
        return [Bind(path, path) for path in ("/tmp", "/var/tmp") if os.path.isdir(path)]
    return [Bind(_of_workdir(workdir, name), f"/{name}") for name in ("tmp", "var/tmp")]


def _of_workdir(workdir: str, name: str) -> str:
    """A directory in ``--workdir``, made; empty without one: in memory then."""
    if not workdir:
        return ""
    place = os.path.join(os.path.abspath(workdir), name.replace("/", "_"))
    try:
        os.makedirs(place, exist_ok=True)
    except OSError as error:
        raise Fatal(f"--workdir: {error}") from error
    return place


def _here(host: Mapping[str, str]) -> str:
    """The current directory by the name that the caller knows it by, links and all."""
    named, real = host.get("PWD", ""), os.getcwd()
    return named if named.startswith("/") and os.path.realpath(named) == os.path.realpath(real) else real


def _asked_for(options: Options, host: Mapping[str, str]) -> list[Bind]:
    texts = [host[name] for name in _VARIABLES if host.get(name)] + options.all("bind")
    return [_bind(entry) for text in texts for entry in _entries(text)]


def _entries(text: str) -> list[str]:
    """By commas, but for those between the options of one entry (``a:b:ro,rslave``)."""
    found: list[str] = []
    for part in text.split(","):
        if found and found[-1].count(":") == 2 and "/" not in part:
            continue
        if part:
            found.append(part)
    return found


def _bind(entry: str) -> Bind:
    source, _, rest = entry.partition(":")
    target, _, how = rest.partition(":")
    if not source or how not in ("", "ro", "rw"):
        raise Fatal(f"while parsing bind path: {entry!r} is not src[:dest[:ro|rw]]")
    if not os.path.lexists(source):
        raise Fatal(f"mount source {source} doesn't exist")
    source = os.path.abspath(source)
    target = os.path.normpath(target or source)
    if not target.startswith("/"):
        raise Fatal(f"while parsing bind path: {target} is no absolute path")
    if target.strip("/") == "":
        raise Fatal(f"while parsing bind path: nothing can be bound over / ({entry})")
    return Bind(source, target, read_only=how == "ro")


def _without_repetition(binds: list[Bind]) -> list[Bind]:
    """Of several for one target the last, in its place."""
    last: dict[str, Bind] = {}
    for bind in binds:
        last.pop(bind.target, None)
        last[bind.target] = bind
    return list(last.values())
