"""Paths inside an unpacked image, which may hold any links: they are followed as if it were the root."""

from __future__ import annotations

import os
import stat

from emulator.runtimes.singularity.failure import Fatal

_MOST_LINKS = 40


def resolve(root: str, path: str, *, last: bool = True) -> str:
    """Where ``path`` of the image lies on this machine: always at or below ``root``.

    Parts that do not exist are taken as they are. ``last``: follow the last part too if it is a link.
    Raises Fatal for links that go round in circles.
    """
    done: list[str] = []
    todo = [part for part in path.split("/") if part][::-1]
    links = 0
    while todo:
        part = todo.pop()
        if part == ".":
            continue
        if part == "..":
            done = done[:-1]
            continue
        here = os.path.join(root, *done, part)
        if (todo or last) and os.path.islink(here):
            links += 1
            if links > _MOST_LINKS:
                raise Fatal(f"the image's {path} is a circle of links")
            target = os.readlink(here)
            if target.startswith("/"):
                done = []
            todo += [step for step in target.split("/") if step][::-1]
            continue
        done.append(part)
    return os.path.join(root, *done)


def inside(root: str, place: str) -> str:
    """The path in the image of a place below ``root``."""
    relative = os.path.relpath(place, root)
    return "/" if relative == "." else "/" + relative


def find_program(root: str, name: str, search: str) -> bool:
    """Whether a command can be found in the image, by PATH unless it has a slash."""
    directories = [""] if "/" in name else search.split(":")
    for directory in directories:
        place = resolve(root, os.path.join(directory or "/", name))
        try:
            found = os.stat(place)
        except OSError:
            continue
        if stat.S_ISREG(found.st_mode) and found.st_mode & 0o111:
            return True
    return False
