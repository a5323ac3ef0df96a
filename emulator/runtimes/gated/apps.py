"""Apps that do something else than they would: in the real script, or in what is played for it."""

from __future__ import annotations

import shlex
from dataclasses import replace
from pathlib import Path

from emulator.domain.fault import Action
from emulator.domain.paths import join
from emulator.domain.ports import HostFiles, Hosts, Launch
from emulator.domain.simulation import Play
from emulator.domain.work_dir import file_stem
from emulator.domain.wrapper import BEGIN, END

LARGEST_SCRIPT = 32 * 1024 * 1024
_LINE = "The app has been replaced: it only writes this line, again and again."


def replaced_play(play: Play, action: Action) -> Play:
    """What is played when the app does this instead."""
    args = action.args
    if action.kind == "exit":
        said = f"{args['message']}\n" if args["message"] else ""
        return replace(play, exit_code=args["code"], signal=0, scheduler_state="", stderr=said, outputs={})
    if action.kind == "signal":
        return replace(play, exit_code=0, signal=args["number"], scheduler_state="", outputs={})
    if action.kind == "hang":
        return replace(play, duration=None, outputs={})
    if action.kind == "flood":
        return replace(play, stdout=args["bytes"], outputs={})
    return replace(play, exit_code=0, signal=0, scheduler_state="", stdout="", stderr="", outputs={})


def replace_script(hosts: Hosts, launch: Launch, action: Action) -> None:
    """Put other lines in the place of the app's, in the script in its work directory.

    The scheduler's header, and what the service itself adds, stay as they are. Raises OSError.
    """
    files = hosts.host(launch.world, launch.host, launch.account).files
    path = join(_on_host(files, launch.work_dir), f"{file_stem(launch.name)}.ipcexe")
    with files.reader(path) as stream:
        script = stream.read(LARGEST_SCRIPT).decode("utf-8", "surrogateescape")
    head, found, rest = script.partition(f"\n{BEGIN}\n")
    _, ended, tail = rest.rpartition(f"\n{END}\n")
    if not found or not ended:
        raise OSError(f"{path} is no script of the service: the app cannot be replaced in it")
    text = f"{head}{found}{app_lines(action)}{ended}{tail}"
    with files.writer(path) as target:
        target.write(text.encode("utf-8", "surrogateescape"))


def app_lines(action: Action) -> str:
    """Shell text that does as the action says; POSIX, but for ``yes`` and ``head -c``."""
    args = action.args
    if action.kind == "exit":
        said = f"printf '%s\\n' {shlex.quote(args['message'])} >&2\n" if args["message"] else ""
        return f"{said}(exit {args['code']})"
    if action.kind == "signal":
        # the shell of the script itself: what it had set up for signals does not save it
        return f"trap - 0 {args['number']}\nkill -{args['number']} $$\nsleep 60"
    if action.kind == "hang":
        return "while :; do sleep 3600; done"
    if action.kind == "flood":
        return f"yes {shlex.quote(_LINE)} | head -c {args['bytes']}"
    return ":"


def _on_host(files: HostFiles, path: str) -> str:
    """The path on the machine of one that is this machine's own, where its files lie here."""
    root = files.local_path("/")
    if root is None or not Path(path).is_relative_to(root):
        return path
    return f"/{Path(path).relative_to(root)}"
