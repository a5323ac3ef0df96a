"""From the paths that clients write to paths on a machine, and never outside a system's root [files §2].

Three spellings of a place:

* *agave path*: as clients write it: ``foo`` lies below homeDir, ``/foo`` below rootDir;
* *virtual path*: absolute below rootDir, as answers show it: ``/home/me/foo``, the root itself ``/``;
* *host path*: absolute on the machine: rootDir + virtual path.
"""

from __future__ import annotations

import re

from emulator.domain.errors import Invalid, NotFound
from emulator.domain.system import StorageConfig

_DRIVE = re.compile(r"[A-Za-z]:")
_PASSWORD = re.compile(r"(?<=://)([^/?#:]*):[^/?#]*@")


class OutsideRoot(NotFound):
    """A path that climbs above the system's rootDir."""

    def __init__(self, path: str) -> None:
        super().__init__(
            f"The specified path {path} does not exist or the user does not have permission to view it."
        )


def virtual_path(storage: StorageConfig, agave_path: str) -> str:
    """The virtual path of an agave path.

    Raises OutsideRoot (a NotFound) when it climbs above rootDir, Invalid for text that cannot be a path:
    a NUL, or half of a surrogate pair.
    """
    tidy = _tidy(agave_path)
    base = "" if tidy.startswith("/") else (storage.home_dir or "")
    return _resolve(f"{base}/{tidy}", agave_path)


def below(directory: str, path: str) -> str:
    """The virtual path of ``path`` taken as relative to a directory, even if it begins with ``/``.

    Raises as :func:`virtual_path` does. ``..`` may leave the directory, but not the root.
    """
    return _resolve(f"{directory}/{_tidy(path)}", path)


def home_path(storage: StorageConfig) -> str:
    """The virtual path of homeDir; it is always below rootDir, whether written with ``/`` or not."""
    return virtual_path(storage, "")


def host_path(storage: StorageConfig, virtual: str) -> str:
    """Where a virtual path lies on the system's machine."""
    return join(root_path(storage), virtual.lstrip("/")).rstrip("/") or "/"


def root_path(storage: StorageConfig) -> str:
    """The host path of rootDir; one that climbs above the machine's root is cut there."""
    kept: list[str] = []
    for segment in _segments(storage.root_dir):
        if segment != "..":
            kept.append(segment)
        elif kept:
            kept.pop()
    return "/" + "/".join(kept)


def join(directory: str, name: str) -> str:
    """A child of a virtual or host path."""
    return f"{directory.rstrip('/')}/{name}"


def parent(path: str) -> str:
    """The directory above a virtual or host path; the root's is the root."""
    return path.rstrip("/").rpartition("/")[0] or "/"


def basename(path: str) -> str:
    """The last segment of a virtual or host path; the root's is empty."""
    return path.rstrip("/").rpartition("/")[2]


def is_below(path: str, directory: str) -> bool:
    """Whether a normalised path is the directory or lies inside it, by whole segments."""
    return path == directory or path.startswith(directory.rstrip("/") + "/")


def shown(path: str) -> str:
    """A path from a host as JSON can carry it: bytes that are no UTF-8 become replacement characters."""
    return path.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def without_password(url: str) -> str:
    """A URL as it may be shown to others than who gave it."""
    return _PASSWORD.sub(r"\1:***@", url)


def _tidy(path: str) -> str:
    """Without drive letter, backslashes and the legacy spelling of empty segments [files §2, 2-3]."""
    try:
        path.encode("utf-8")
    except UnicodeEncodeError:
        raise Invalid("Invalid file path") from None
    if "\x00" in path:
        raise Invalid("Invalid file path")
    drive = _DRIVE.match(path)
    tidy = path[drive.end() if drive else 0 :].replace("\\", "/")
    # a lone space stands for nothing, so that a URL could spell a doubled slash where servers merge them
    tidy = "/".join("" if segment == " " else segment for segment in tidy.split("/"))
    return "/" if path == " " else tidy


def _resolve(path: str, written: str) -> str:
    """Collapse ``//`` and ``.``, apply ``..``, and drop trailing spaces, which may uncover more of these."""
    while True:
        resolved: list[str] = []
        for segment in _segments(path):
            if segment != "..":
                resolved.append(segment)
            elif resolved:
                resolved.pop()
            else:
                raise OutsideRoot(written)
        virtual = "/" + "/".join(resolved)
        path = virtual.rstrip(" ")
        if path == virtual:
            return virtual


def _segments(path: str) -> list[str]:
    return [segment for segment in path.split("/") if segment not in ("", ".")]
