"""What worlds go back to: their rows and files as they were when they were made.

::

    <data>/worlds/<world>.<generation>/rows.json     rows by table
                                       hosts/…       what lies on each machine
                                       scenarios/…   what is armed when the world begins
                                       unfinished    the generation whose files are still being moved to their place
    <data>/worlds/.new-…                             being made, or being removed
"""

from __future__ import annotations

import itertools
import json
import os
import shutil
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from emulator.domain.clock import ClockSetting
from emulator.domain.document import from_document, to_document
from emulator.domain.errors import Unavailable
from emulator.domain.identity import World
from emulator.domain.world import Grown, Machines, NewWorld, Picture
from emulator.seeds.renewal import Renewal, Stamps, stamps_of
from emulator.seeds.source import FILES, SCENARIOS
from emulator.seeds.trees import copy_tree
from emulator.seeds.writing import write_seed

if TYPE_CHECKING:
    from emulator.seeds.nursery import Nursery

_ROWS, _HOSTS, _UNFINISHED = "rows.json", "hosts", "unfinished"
_DRAFT = ".new-"
_NUMBERS = itertools.count(1)


class KeptOrigins:
    """See domain.world.Origins."""

    def __init__(self, directory: Path, machines: Machines, nursery: Callable[[], Nursery]) -> None:
        """``nursery`` is asked for when the first world is to be made."""
        self._directory = directory
        self._machines = machines
        self._make_nursery = nursery
        self._nursery: Nursery | None = None
        self._first = threading.Lock()
        self._laid_out: dict[Path, Stamps] = {}

    def grow(self, wanted: NewWorld, generation: int) -> Grown:
        """See the port."""
        with self._first:  # of several first worlds at once, one has it made
            nursery = self._nursery = self._nursery or self._make_nursery()
        try:
            with nursery.grown(wanted) as (world, rows, hosts, scenarios, clock):
                kept = self.keep(world.name, generation, rows, hosts, scenarios, moved=True)
        except OSError as error:
            raise _unavailable("The world cannot be made", error) from error
        return Grown(world=_kept_as(world, kept, clock), rows=rows, clock=clock, scenarios=scenarios)

    def keep(
        self,
        world: str,
        generation: int,
        rows: Mapping[str, list[dict[str, Any]]],
        hosts: Path,
        scenarios: Mapping[str, str],
        *,
        moved: bool = False,
    ) -> str:
        """Keep a world as it is; the answer is what it is kept under. ``moved``: nobody else wants the files.

        Raises OSError.
        """
        draft = self._directory / f"{_DRAFT}{os.getpid()}-{next(_NUMBERS)}"
        try:
            (draft / _HOSTS).mkdir(parents=True)
            (draft / SCENARIOS).mkdir()
            for path in _machines_in(hosts):
                (os.rename if moved else copy_tree)(path, draft / _HOSTS / path.name)
            for name, text in scenarios.items():
                (draft / SCENARIOS / name).write_text(text, encoding="utf-8")
            (draft / _ROWS).write_text(json.dumps(rows), encoding="utf-8")
            kept = f"{world}.{generation}"
            shutil.rmtree(self._directory / kept, ignore_errors=True)
            draft.rename(self._directory / kept)
        except BaseException:
            shutil.rmtree(draft, ignore_errors=True)
            raise
        return kept

    def kept(self, world: World) -> Grown | None:
        """See the port."""
        place = self._directory / world.kept
        if not world.kept or not (place / _ROWS).exists():
            return None
        try:
            rows = json.loads((place / _ROWS).read_text(encoding="utf-8"))
            texts = {path.name: path.read_text(encoding="utf-8") for path in (place / SCENARIOS).iterdir()}
        except (OSError, ValueError) as error:
            raise _unavailable(f"What the world {world.name} was made from cannot be read", error) from error
        clock = None if world.clock is None else from_document(ClockSetting, world.clock)
        return Grown(world=world, rows=rows, clock=clock, scenarios=dict(sorted(texts.items())))

    def lay_out(self, kept: str, world: str, generation: int) -> None:
        """See the port."""
        source, target = self._directory / kept / _HOSTS, self._machines.home(world, generation)
        try:
            shutil.rmtree(target, ignore_errors=True)
            if source.is_dir():
                copy_tree(source, target)
            else:
                target.mkdir(parents=True)
        except OSError as error:
            shutil.rmtree(target, ignore_errors=True)
            raise _unavailable(f"The files of the world {world} cannot be put in place", error) from error

    def note(self, world: str, generation: int) -> None:
        """See the port."""
        home = self._machines.home(world, generation)
        with suppress(OSError):  # then nobody knows, and they are laid out anew
            self._laid_out[home] = stamps_of(home)

    def can_renew(self, world: World) -> bool:
        """See the port."""
        home = self._machines.home(world.name, world.generation)
        return bool(self._laid_out.get(home)) and (self._directory / world.kept / _HOSTS).is_dir()

    def renew(self, world: World) -> Callable[[], None]:
        """See the port."""
        place, generation = self._directory / world.kept, world.generation + 1
        old, new = (self._machines.home(world.name, each) for each in (world.generation, generation))
        said = f"The files of the world {world.name} cannot be put in place"
        renewal = Renewal(place / _HOSTS, old, new, self._laid_out.pop(old))
        try:
            shutil.rmtree(new, ignore_errors=True)
            (place / _UNFINISHED).write_text(str(generation), encoding="utf-8")
            renewal.prepare()
        except OSError as error:
            raise _unavailable(said, error) from error

        def finish() -> None:
            try:
                renewal.finish()
                (place / _UNFINISHED).unlink()
            except OSError as error:
                raise _unavailable(said, error) from error

        return finish

    def complete(self, world: World) -> None:
        """See the port."""
        mark = self._directory / world.kept / _UNFINISHED
        if not world.kept or not mark.exists():
            return
        if mark.read_text(encoding="utf-8") == str(world.generation):
            self.lay_out(world.kept, world.name, world.generation)
        mark.unlink()

    def clear(self, world: str, generation: int) -> None:
        """See the port. Those who still work there find nothing."""
        home = self._machines.home(world, generation)
        self._laid_out.pop(home, None)
        _remove_soon(home)

    def drop(self, kept: str) -> None:
        """See the port."""
        _remove_soon(self._directory / kept)

    def draft(self) -> Path:
        """See the port."""
        path = self._directory / f"{_DRAFT}{os.getpid()}-{next(_NUMBERS)}"
        try:
            path.mkdir(parents=True)
        except OSError as error:
            raise _unavailable("There is no room for a world", error) from error
        return path

    def copy_files(self, world: str, folder: Path) -> None:
        """See the port."""
        try:
            hosts = _machines_in(self._machines.home(world))
            (folder / FILES).mkdir()
            for path in hosts:
                copy_tree(path, folder / FILES / path.name)
        except (OSError, RecursionError) as error:
            raise _unavailable(f"The files of the world {world} cannot be copied", error) from error

    def write(self, picture: Picture, folder: Path) -> None:
        """See the port."""
        try:
            write_seed(picture, folder)
        except OSError as error:
            raise _unavailable("The snapshot cannot be written", error) from error

    def pack(self, folder: Path) -> Path:
        """See the port."""
        from emulator.seeds.archive import pack  # loaded for those who ask

        target = folder.with_name(f"{folder.name}.tar.gz")
        try:
            pack(folder, target)
        except OSError as error:
            target.unlink(missing_ok=True)
            raise _unavailable("The snapshot cannot be packed", error) from error
        return target

    def unpack(self, stream: BinaryIO, folder: Path) -> Path:
        """See the port."""
        from emulator.seeds.archive import unpack  # loaded for those who ask

        return unpack(stream, folder)

    def close(self) -> None:
        """Nothing is made after this."""
        if self._nursery is not None:
            self._nursery.close()

    def sweep(self, worlds: Mapping[str, World]) -> None:
        """See the port."""
        kept = {world.kept for world in worlds.values()}
        homes = {self._machines.home(world.name, world.generation) for world in worlds.values()}
        _remove_others(self._directory, {self._directory / name for name in kept if name})
        _remove_others(self._machines.home("any").parent, homes)


def _machines_in(home: Path) -> list[Path]:
    """The directories of a world's machines; what is hidden are uploads on their way."""
    return [path for path in home.iterdir() if not path.name.startswith(".")] if home.is_dir() else []


def _remove_others(directory: Path, wanted: set[Path]) -> None:
    if directory.is_dir():
        for path in directory.iterdir():
            if path not in wanted and path.is_dir():
                shutil.rmtree(path, ignore_errors=True)


def _remove_soon(path: Path) -> None:
    """Gone from where it was at once, and altogether when that is done."""
    gone = path.with_name(f".gone-{os.getpid()}-{next(_NUMBERS)}")
    with suppress(FileNotFoundError):
        path.rename(gone)
        threading.Thread(target=shutil.rmtree, args=[gone, True], name="removal", daemon=True).start()


def _kept_as(world: World, kept: str, clock: ClockSetting | None) -> World:
    return replace(world, kept=kept, clock=None if clock is None else to_document(clock))


def _unavailable(what: str, error: Exception) -> Unavailable:
    return Unavailable(f"{what}: {getattr(error, 'strerror', None) or error}")
