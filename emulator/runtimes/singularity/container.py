"""A container ready to be started: what all backends have in common."""

from __future__ import annotations

import os
from dataclasses import dataclass

from emulator.runtimes.singularity import variables
from emulator.runtimes.singularity.binds import Bind, view
from emulator.runtimes.singularity.cache import Unpacked
from emulator.runtimes.singularity.failure import Fatal, inform
from emulator.runtimes.singularity.options import Options
from emulator.runtimes.singularity.places import find_program, resolve

_META = "/.singularity.d"
_PRELUDE = (
    f'for one in {_META}/env/*.sh; do if [ -f "$one" ]; then . "$one"; fi; done; '
    'left=$1; shift; while [ "$left" -gt 0 ]; do export "$1"; shift; left=$((left - 1)); done; exec "$@"'
)
"""Reads the image's own variables, sets those of the call, and becomes the command."""


@dataclass
class Container:
    """``directory`` is where the command starts, if it is there; ``must_start_there``: else that is an error."""

    root: str
    binds: list[Bind]
    directory: str
    must_start_there: bool
    home: str
    environment: dict[str, str]
    command: list[str]
    writable: bool
    session: str
    """A directory of ours to mount things on; what is in it stays as it is."""


def container(verb: str, image: str, unpacked: Unpacked, options: Options, session: str) -> Container:
    """Raises Fatal."""
    host = variables.current()
    seen = view(options, host)
    name = os.path.basename(image)
    about = {"SINGULARITY_CONTAINER": image, "SINGULARITY_NAME": name, "SINGULARITY_COMMAND": verb}
    about.update({key.replace("SINGULARITY", "APPTAINER"): value for key, value in about.items()})
    environment = variables.environment(options, host, unpacked.configuration, home=seen.home, about=about)
    command = _command(verb, unpacked, options, environment["PATH"])
    if _is_here(unpacked.root, f"{_META}/env") and find_program(unpacked.root, "/bin/sh", ""):
        given = [f"{key}={value}" for key, value in variables.injected(options, host).items()]
        given = [entry for entry in given if entry.split("=")[0].isidentifier()]
        command = ["/bin/sh", "-c", _PRELUDE, "sh", str(len(given)), *given, *command]
    return Container(
        root=unpacked.root,
        binds=seen.binds,
        directory=seen.directory,
        must_start_there="pwd" in options,
        home=seen.home,
        environment=environment,
        command=command,
        writable="writable-tmpfs" in options,
        session=session,
    )


def runscript(root: str) -> str:
    """The image's own script; empty where it has none."""
    for path in (f"{_META}/runscript", "/singularity"):
        if find_program(root, path, ""):
            return path
    return ""


def _command(verb: str, unpacked: Unpacked, options: Options, search: str) -> list[str]:
    root, config, words = unpacked.root, unpacked.configuration, options.rest[1:]
    if verb == "exec":
        return words
    if verb == "shell":
        shell = options.last("shell") or ("/bin/bash" if find_program(root, "/bin/bash", "") else "/bin/sh")
        return [shell, *(["--norc"] if os.path.basename(shell) == "bash" else []), *words]
    script = runscript(root)
    if script:
        return [script, *words]
    if config.entrypoint:
        return [*config.entrypoint, *(words or config.command)]
    if words and (config.command or find_program(root, words[0], search)):
        return words
    if config.command:
        return list(config.command)
    inform("No runscript found in the image, executing /bin/sh")
    return ["/bin/sh", *words]


def _is_here(root: str, path: str) -> bool:
    return os.path.isdir(resolve(root, path))


def without_command(name: str) -> Fatal:
    """The real command's words for a program that the image does not have."""
    return Fatal(f'exec {name} failed: "{name}": executable file not found in $PATH')
