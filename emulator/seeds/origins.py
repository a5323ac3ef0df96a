"""What worlds go back to: their rows and files as they were when they were made.

::

    <data>/worlds/<world>.<generation>/rows.json     rows by table
                                       packed.*      what lies on its machines (see packs.py)
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
from emulator.seeds.packs import INDEX, Pack
from emulator.seeds.renewal import Renewal, Stamps, stamps_of
from emulator.seeds.source import FILES, SCENARIOS
from emulator.seeds.writing import write_seed

if TYPE_CHECKING:
    from emulator.seeds.nursery import Nursery

_ROWS, _UNFINISHED = "rows.json", "unfinished"
_OLDER_HOSTS = "hosts"
"""Where older versions kept the files, as a tree."""
_SEED, _PACKED = "seed", "packed"
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
                kept = self.keep(world.name, generation, rows, hosts, scenarios)
                try:
                    self._settle_in(hosts, world.name, generation)
                except OSError:
                    self.drop(kept)
                    raise
        except OSError as error:
            raise _unavailable("The world cannot be made", error) from error
        about = _kept_as(world, kept, clock)
        return Grown(world=about, rows=rows, clock=clock, scenarios=scenarios, laid_out=True)

    def keep(
        self,
        world: str,
        generation: int,
        rows: Mapping[str, list[dict[str, Any]]],
        hosts: Path,
        scenarios: Mapping[str, str],
    ) -> str:
        """Keep a world as it is; the answer is what it is kept under. Raises OSError."""
        draft = self._directory / f"{_DRAFT}{os.getpid()}-{next(_NUMBERS)}"
        try:
            (draft / SCENARIOS).mkdir(parents=True)
            Pack.write(hosts, draft)
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
        target = self._machines.home(world, generation)
        try:
            shutil.rmtree(target, ignore_errors=True)
            pack = self._pack(kept)
            pack.lay_out(target)
            pack.settle(target)
            # of a renewal of the same generation that came to nothing
            (self._directory / kept / _UNFINISHED).unlink(missing_ok=True)
        except (OSError, ValueError) as error:
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
        return bool(self._laid_out.get(home))

    def renew(self, world: World) -> Callable[[], None]:
        """See the port."""
        place, generation = self._directory / world.kept, world.generation + 1
        old, new = (self._machines.home(world.name, each) for each in (world.generation, generation))
        said = f"The files of the world {world.name} cannot be put in place"
        stamps = self._laid_out.pop(old)
        try:
            renewal = Renewal(self._pack(world.kept), old, new, stamps)
            shutil.rmtree(new, ignore_errors=True)
            (place / _UNFINISHED).write_text(str(generation), encoding="utf-8")
            renewal.prepare()
        except (OSError, ValueError) as error:
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
        mark.unlink(missing_ok=True)

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

    def copy_files(self, world: str, draft: Path) -> None:
        """See the port."""
        try:
            (draft / _PACKED).mkdir()
            Pack.write(self._machines.home(world), draft / _PACKED)
        except (OSError, RecursionError) as error:
            raise _unavailable(f"The files of the world {world} cannot be copied", error) from error

    def write(self, picture: Picture, draft: Path) -> None:
        """See the port."""
        try:
            (draft / _SEED).mkdir()
            write_seed(picture, draft / _SEED)
        except OSError as error:
            raise _unavailable("The snapshot cannot be written", error) from error

    def unfold(self, draft: Path, folder: Path) -> None:
        """See the port."""
        shutil.copytree(draft / _SEED, folder, dirs_exist_ok=True)
        files = Pack.read(draft / _PACKED)
        files.lay_out(folder / FILES)
        files.settle(folder / FILES)

    def as_tar(self, draft: Path) -> Path:
        """See the port."""
        from emulator.seeds.archive import pack  # loaded for those who ask

        target = draft.with_name(f"{draft.name}.tar.gz")
        try:
            pack(draft / _SEED, Pack.read(draft / _PACKED), target)
        except OSError as error:
            target.unlink(missing_ok=True)
            raise _unavailable("The snapshot cannot be packed", error) from error
        return target

    def unpack(self, stream: BinaryIO, folder: Path) -> Path:
        """See the port."""
        from emulator.seeds.archive import unpack  # loaded for those who ask

        return unpack(stream, folder)

    def _settle_in(self, hosts: Path, world: str, generation: int) -> None:
        """Machines on which a world has grown up become those that it lives on. Raises OSError."""
        home = self._machines.home(world, generation)
        shutil.rmtree(home, ignore_errors=True)
        if hosts.is_dir():
            home.parent.mkdir(parents=True, exist_ok=True)
            hosts.rename(home)
        else:
            home.mkdir(parents=True)

    def _pack(self, kept: str) -> Pack:
        """Raises OSError, ValueError."""
        place = self._directory / kept
        return Pack.read(place) if (place / INDEX).exists() else Pack.write(place / _OLDER_HOSTS, place)

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
