"""What a failed test tells about a world: the history of its jobs, what scenarios did, the last requests, the seed."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from emulator.testing.errors import EmulatorError
from emulator.testing.jobs import heading, story

if TYPE_CHECKING:
    from emulator.testing.world import World

_JOBS = 20
_HISTORIES = 5
_REQUESTS = 20
_STRIKES = 200


def sections(world: World, told_before: str = "") -> list[tuple[str, str]]:
    """Title and text of each section that has something to tell; never raises for what the emulator does.

    A job whose history stands in ``told_before``, the report so far, is not told again.
    """
    parts: list[tuple[str, Callable[[World], str]]] = [
        ("jobs", lambda world: _jobs(world, told_before)),
        ("scenario journal", _journal),
        ("last requests", _requests),
        ("to repeat it", _seed),
    ]
    told = []
    for title, make in parts:
        try:
            text = make(world)
        except EmulatorError as error:
            text = f"could not be asked: {error}"
        if text:
            told.append((f"tapis world {world.name}: {title}", text))
    return told


def _jobs(world: World, told_before: str) -> str:
    """Histories of those that matter most: not finished before finished, young before old; of others, a line."""
    found = world.control("GET", "jobs")
    last = [each for each in found[-_JOBS:] if f"{heading(each)}\n" not in told_before]
    first = sorted(reversed(last), key=lambda each: each["status"] == "FINISHED")
    whole = {each["id"] for each in first[:_HISTORIES]}
    lines = [story(each) if each["id"] in whole else heading(each) for each in last]
    if len(found) > _JOBS:
        lines.insert(0, f"the last {_JOBS} of {len(found)} jobs")
    return "\n".join(lines)


def _journal(world: World) -> str:
    found = world.journal
    lines = [str(entry) for entry in found[-_STRIKES:]]
    if len(found) > _STRIKES:
        lines.insert(0, f"the last {_STRIKES} of {len(found)} strikes")
    return "\n".join(lines)


def _requests(world: World) -> str:
    return "\n".join(str(entry) for entry in world.requests.all[-_REQUESTS:])


def _seed(world: World) -> str:
    return f"--tapis-seed={world.seed} (the world's url was {world.url})"
