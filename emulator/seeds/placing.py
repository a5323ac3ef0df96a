"""The files of a seed, on the machines of its world."""

from __future__ import annotations

from pathlib import Path

from emulator.hosts.sandbox import directory_name
from emulator.seeds.source import FILES, BadSeed
from emulator.seeds.trees import copy_tree


def put_files(home: Path, folder: Path, as_named: bool, *, moved: bool = False) -> None:
    """Copy ``<folder>/files/<host>/`` to ``home``, where the world's machines are directories.

    ``as_named``: the folders are called as ours are, as a snapshot has them; else for the host, in any case.
    ``moved``: nobody else wants them. Raises BadSeed, OSError.
    """
    files = folder / FILES
    if not files.is_dir():
        return
    for path in sorted(files.iterdir()):
        if path.is_symlink() or not path.is_dir():
            raise BadSeed(f"{path}: expected a folder named for a host")
        target = home / (path.name if as_named else directory_name(path.name.lower()))
        if target.exists():
            raise BadSeed(f"{path}: there are two folders for this host")
        if moved:
            home.mkdir(parents=True, exist_ok=True)
            path.rename(target)
        else:
            copy_tree(path, target)
