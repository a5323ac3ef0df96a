"""From the paths that clients write to paths on a machine, and never outside a system's root [files §2].

Three spellings of a place:

* *agave path*: as clients write it: ``foo`` lies below homeDir, ``/foo`` below rootDir;
* *virtual path*: absolute below rootDir, as answers show it: ``/home/me/foo``, the root itself ``/``;
* *host path*: absolute on the machine: rootDir + virtual path.
"""

from __future__ import annotations

import re

from emulator.domain.errors import NotFound
from emulator.domain.system import StorageConfig

_DRIVE = re.compile(r"^/?[A-Za-z]:")


class OutsideRoot(NotFound):
    """A path that leaves the system's rootDir, or that no file system can hold."""

    def __init__(self, path: str) -> None:
        super().__init__(
            f"The specified path {path} does not exist or the user does not have permission to view it."
        )


def virtual_path(storage: StorageConfig, agave_path: str) -> str:
    """The virtual path of an agave path. Raises OutsideRoot (a NotFound) when it climbs above rootDir."""
    if "\x00" in agave_path:
        raise OutsideRoot(agave_path.replace("\x00", "\\0"))
    tidy = _DRIVE.sub("", agave_path).replace("\\", "/")
    if tidy.startswith(" /") or tidy == " ":  # legacy spelling of an absolute path
        tidy = "/" + tidy[1:].lstrip("/")
    base = "" if tidy.startswith("/") else (storage.home_dir or "")
    resolved: list[str] = []
    for segment in f"{base}/{tidy}".split("/"):
        if segment in ("", "."):
            continue
        if segment == "..":
            if not resolved:
                raise OutsideRoot(agave_path)
            resolved.pop()
        else:
            resolved.append(segment)
    return "/" + "/".join(resolved).rstrip(" ")


def host_path(storage: StorageConfig, virtual: str) -> str:
    """Where a virtual path lies on the system's machine."""
    root = "/" + storage.root_dir.strip("/")
    return (root.rstrip("/") + virtual).rstrip("/") or "/"


def home_path(storage: StorageConfig) -> str:
    """The virtual path of homeDir; it is always below rootDir, whether written with ``/`` or not."""
    return virtual_path(storage, "")


def join(directory: str, name: str) -> str:
    """A child of a virtual or host path."""
    return f"{directory.rstrip('/')}/{name}"


def parent(path: str) -> str:
    """The directory above a virtual or host path; the root's is the root."""
    return path.rstrip("/").rpartition("/")[0] or "/"


def basename(path: str) -> str:
    return path.rstrip("/").rpartition("/")[2]


def is_below(path: str, directory: str) -> bool:
    """Whether a normalised path is the directory or lies inside it, by whole segments."""
    return path == directory or path.startswith(directory.rstrip("/") + "/")
