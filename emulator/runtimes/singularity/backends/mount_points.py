"""Empty files and directories in an unpacked image, for programs that bind only over what is there."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable

from emulator.runtimes.singularity.binds import Bind
from emulator.runtimes.singularity.failure import Fatal
from emulator.runtimes.singularity.places import resolve


def make_mount_points(root: str, binds: Iterable[Bind]) -> None:
    """Raises Fatal where the image is a directory that the caller may not write to."""
    for bind in binds:
        place = resolve(root, bind.target)
        if os.path.lexists(place):
            continue
        try:
            _make(place, directory=not bind.source or os.path.isdir(bind.source))
        except OSError as error:
            raise Fatal(f"the image has no {bind.target} to bind over: {error}") from error


def _make(place: str, *, directory: bool) -> None:
    parent = os.path.dirname(place)
    if not os.path.isdir(parent):
        _make(parent, directory=True)
    mode = stat.S_IMODE(os.stat(parent).st_mode)
    os.chmod(parent, mode | 0o200)
    try:
        if directory:
            os.makedirs(place, exist_ok=True)
        else:
            os.close(os.open(place, os.O_CREAT | os.O_WRONLY, 0o644))
    finally:
        os.chmod(parent, mode)
