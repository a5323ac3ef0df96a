"""Where worlds are made out of sight: a store and machines of their own, so that a mistake changes nothing."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Protocol

from emulator.domain.clock import ClockMode, ClockSetting, begun
from emulator.domain.identity import World
from emulator.domain.ports import Clock, Hosts
from emulator.domain.world import Machines, NewWorld, Rows
from emulator.engine.clocks import WorldClocks
from emulator.engine.ids import WorldIds
from emulator.seeds.placing import put_files
from emulator.seeds.seeder import Seeder
from emulator.seeds.settings import begins_at, chance_seed_of, clock_of, seed_path, simulations_of
from emulator.seeds.source import SCENARIOS, Source, read_source
from emulator.services import Services
from emulator.store import Store

Wire = Callable[[Store, Hosts, WorldClocks, WorldIds], Services]
"""The services, on a store, machines, clocks and chance of their own."""


class Mapped(Hosts, Protocol):
    """Machines of worlds that are being made, and real ones."""

    def close(self) -> None:
        """Hang up everywhere."""


class Nursery:
    """Grows one world at a time."""

    def __init__(
        self,
        directory: Path,
        *,
        wire: Wire,
        machines: Callable[[Path, Store], tuple[Machines, Mapped]],
        machine_clock: Clock,
        seed_file: str,
        default_user: str,
        taken: Callable[[str, Iterable[str]], bool],
    ) -> None:
        """``machines`` makes sandboxes in a directory: alone, and with real machines.

        ``taken`` (the world's name, ids) looks in the real store.
        """
        shutil.rmtree(directory, ignore_errors=True)
        directory.mkdir(parents=True)
        self._directory = directory
        self._store = Store.at(directory)
        self._wire = wire
        self._machines = machines
        self._machine_clock = machine_clock
        self._seed_file = seed_file
        self._default_user = default_user
        self._taken = taken
        self._lock = threading.Lock()

    @contextmanager
    def grown(
        self, wanted: NewWorld
    ) -> Iterator[tuple[World, Rows, Path, dict[str, str], ClockSetting | None]]:
        """The world, its rows, the directory of its machines, its scenarios and its clock; gone after the block.

        Raises Invalid, OSError.
        """
        source = read_source(
            wanted.folder or seed_path(wanted.seed, self._seed_file), closed=wanted.folder is not None
        )
        clock = wanted.clock or clock_of(source)
        with self._lock:
            hosts = self._directory / "hosts"
            shutil.rmtree(hosts, ignore_errors=True)
            machines, mapped = self._machines(hosts, self._store)
            try:
                world = self._planted(source, wanted, clock, machines, mapped)
                with self._store.read() as tx:
                    rows = tx.worlds.kept(wanted.name)
                yield world, rows, machines.home(wanted.name), source.texts(SCENARIOS), clock
            finally:
                with self._store.write() as tx:
                    tx.worlds.remove(wanted.name)
                mapped.close()
                shutil.rmtree(hosts, ignore_errors=True)

    def close(self) -> None:
        self._store.close()

    def _planted(
        self, source: Source, wanted: NewWorld, clock: ClockSetting | None, machines: Machines, mapped: Mapped
    ) -> World:
        clocks, ids = WorldClocks(machine=self._machine_clock), WorldIds()
        if clock is not None and clock.mode is not ClockMode.REAL:
            start = begun(clock, self._machine_clock.now()).world
            clocks.begin(wanted.name, ClockSetting(mode=ClockMode.FROZEN, start=start))
        seed = wanted.chance_seed if wanted.chance_seed is not None else chance_seed_of(source)
        begins = begins_at(source)
        ids.begin(wanted.name, seed, begins - 1)
        seeder = Seeder(
            services=self._wire(self._store, mapped, clocks, ids),
            hosts=mapped,
            store=self._store,
            clocks=clocks,
            ids=ids,
            default_user=self._default_user,
            put_files=lambda world, folder, named: put_files(
                machines.home(world), folder, named, moved=wanted.folder is not None and named
            ),
            taken=lambda keys: self._taken(wanted.name, keys),
        )
        declared = simulations_of(wanted, source)
        world = seeder.plant(source, wanted.name, {"chance_seed": seed})
        with self._store.write() as tx:
            for simulation in declared:
                tx.simulations.put(simulation)
        return replace(world, chance_generation=begins, origin=_told(wanted, source))


def _told(wanted: NewWorld, source: Source) -> str:
    if wanted.folder is not None:
        return f"uploaded: {source.document.get('name', 'a seed')}"
    return wanted.seed or "the built-in seed"
