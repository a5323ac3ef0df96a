"""Copies within one system, with the rules of ``cp -rLf`` [files §7]."""

from __future__ import annotations

from emulator.domain import paths
from emulator.domain.errors import Invalid
from emulator.domain.file import FileInfo
from emulator.engine.passage import Passage
from emulator.engine.streams import copy_stream
from emulator.engine.struck_files import source_of, target_of
from emulator.engine.transfer import Location, Transfer, TransferFailed, Unwatched, check_size
from emulator.services.file_places import Place


class FileCopies:
    def copy(self, source: Place, info: FileInfo, target: Place, append: bool, passage: Passage) -> None:
        """Copy a file over, or a directory's contents into, the target; or add a file to the target's end.

        Raises Invalid for a clash of files and directories (nothing is changed then), OSError for what the
        machine refuses.
        """
        if append and not info.is_dir and target.files.exists(target.host_path):
            _append(source, target, passage)
            return
        _refuse_clashes(source, info, target)
        transfer = Transfer(_location(source), _location(target), Unwatched(), passage=passage)
        try:
            transfer.run()
        except TransferFailed as failure:
            if failure.cause is not None:
                raise failure.cause from failure
            raise Invalid(failure.message) from failure


def _append(source: Place, target: Place, passage: Passage) -> None:
    """Both contents into a new file, so that the old one stays whole until that is complete."""
    way = passage.way(source.host_path, target.host_path, target.name)
    with target_of(target.files, way).writer(target.host_path) as whole:
        for files, path in (
            (target.files, target.host_path),
            (source_of(source.files, way), source.host_path),
        ):
            with files.reader(path) as content:
                moved = sum(copy_stream(content, whole))
            check_size(files, files.stat(path), moved)


def _refuse_clashes(source: Place, info: FileInfo, target: Place) -> None:
    """A directory cannot replace a file, nor a file a directory, anywhere in the tree."""
    if paths.is_below(target.path, source.path) and info.is_dir:
        raise Invalid(f"{source.path} cannot be copied into itself")
    if not target.files.exists(target.host_path):
        return
    pairs = [(info, target.host_path)]
    if info.is_dir:
        below = source.files.walk(source.host_path)
        pairs += [(one, target.host_path + one.path[len(source.host_path) :]) for one in below]
    for one, path in pairs:
        try:
            there = target.files.stat(path)
        except (FileNotFoundError, NotADirectoryError):
            continue
        if there.is_dir != one.is_dir:
            kind = "Folder" if there.is_dir else "File"
            shown = paths.shown(target.path + path[len(target.host_path) :])
            raise Invalid(f"{kind} at {shown} already exists")


def _location(place: Place) -> Location:
    return Location(place.files, place.host_path, place.path)
