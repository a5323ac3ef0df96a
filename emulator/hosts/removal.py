"""Removing a directory tree, however deep a script has made it."""

from __future__ import annotations

import itertools
import os
import shutil

from emulator.hosts.descent import DIRECTORY

_NUMBERS = itertools.count()


def remove_tree(name: str, parent: int) -> None:
    """Remove the directory ``name`` of the open directory ``parent``, with all below it; links are not followed.

    Raises OSError when something cannot be removed; the rest may be gone then.
    """
    try:
        shutil.rmtree(name, dir_fd=parent)
    except RecursionError:  # it goes down by calling itself, and what is left is deeper than that can go
        _flatten(name, parent)
        shutil.rmtree(name, dir_fd=parent)


def _flatten(name: str, parent: int) -> None:
    """Bring what lies two levels down one level up, and remove what it lay in, until there is only one level.

    Never more than three directories are open, and none is found by going up.
    """
    top = os.open(name, DIRECTORY, dir_fd=parent)
    try:
        while directories := _directories(top):
            for directory in directories:
                _lift(directory, top)
                shutil.rmtree(directory, dir_fd=top)
    finally:
        os.close(top)


def _lift(name: str, top: int) -> None:
    handle = os.open(name, DIRECTORY, dir_fd=top)
    try:
        for directory in _directories(handle):
            lifted = f".removing-{os.getpid()}-{next(_NUMBERS)}"
            os.rename(directory, lifted, src_dir_fd=handle, dst_dir_fd=top)
    finally:
        os.close(handle)


def _directories(handle: int) -> list[str]:
    with os.scandir(handle) as entries:
        return [entry.name for entry in entries if entry.is_dir(follow_symlinks=False)]
