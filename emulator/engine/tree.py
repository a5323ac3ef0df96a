"""What lies at the source of a transfer: walked without end in circles of links, nor in the copy itself."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from emulator.domain.file import FileInfo


@dataclass(frozen=True, slots=True)
class Entry:
    """One file or directory. ``relative`` is its path below the source, empty for the source itself."""

    relative: str
    info: FileInfo
    empty: bool = False
    """A directory without children."""


class SourceTree:
    """Everything at ``root`` but what ``exclude`` says yes to.

    ``real`` and ``growing`` are where source and target really lie, None where that is not on this machine.
    ``children`` lists a directory; ``note`` is told of what is left out, and why.
    """

    def __init__(
        self,
        root: FileInfo,
        real: Path | None,
        growing: Path | None,
        exclude: Callable[[str], bool],
        children: Callable[[str, FileInfo], list[FileInfo]],
        note: Callable[[str, str], None],
    ) -> None:
        self._root = root
        self._real = real
        self._growing = growing
        # of a target around the source only the top is not to be read: the source lies further down
        self._around = real is not None and growing is not None and real.is_relative_to(growing)
        self._exclude = exclude
        self._children = children
        self._note = note

    def entries(self) -> Iterator[Entry]:
        """Parents before children, by name."""
        pending: list[tuple[str, FileInfo, Path | None, frozenset[Path]]]
        pending = [("", self._root, self._real, frozenset())]
        while pending:
            relative, info, real, above = pending.pop()
            if not info.is_dir:
                yield Entry(relative, info)
                continue
            if real is not None and relative and self._is_left_out(relative, real, above):
                continue
            children = self._children(relative, info)
            yield Entry(relative, info, not children)
            inside = above if real is None else above | {real}
            for child in sorted(children, key=lambda child: child.name, reverse=True):
                name = f"{relative}/{child.name}" if relative else child.name
                if not self._exclude(name):
                    pending.append((name, child, _real_child(real, child), inside))

    def _is_left_out(self, relative: str, real: Path, above: frozenset[Path]) -> bool:
        if real in above:
            self._note(relative, "is a link to a directory above it")
            return True
        if self._is_growing(real):
            self._note(relative, "is where this very copy is written to")
            return True
        return False

    def _is_growing(self, real: Path) -> bool:
        """A directory reached by a link that holds what has been copied would never end either."""
        if self._growing is None:
            return False
        return real == self._growing or (real.is_relative_to(self._growing) and not self._around)


def _real_child(parent: Path | None, child: FileInfo) -> Path | None:
    """Where a directory really lies; its parent's place is real already, so only its own name may be a link."""
    if parent is None or not child.is_dir:
        return None
    place = parent / child.name
    return place.resolve() if place.is_symlink() else place
