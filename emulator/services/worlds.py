"""Worlds as wholes: made, shown, reset, pictured, restored, removed.

A world is made out of sight and put in place by one transaction, which is also what exchanges it: there is the old
world or the new one, for a request as for a program that is killed. Its files lie in a directory that the record
names, so they change with it. What nobody names any more is swept away, at once or by the next start.
"""

from __future__ import annotations

import itertools
import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import BinaryIO

from emulator.domain.clock import ClockSetting
from emulator.domain.errors import Forbidden, Invalid, NotFound, PreconditionFailed, Unavailable
from emulator.domain.identity import World
from emulator.domain.listener import DEFAULT_LISTENER, TLS_LISTENER, WORLD_NAME, Listener
from emulator.domain.world import DEFAULT_WORLD, NewWorld, WorldState
from emulator.services.accounts import AccountService
from emulator.services.listeners import ListenerService
from emulator.services.world_exchange import WorldExchange, WorldParts
from emulator.services.world_pictures import is_new, picture_of

_COUNTED = ("users", "systems", "apps", "jobs")


class WorldService:
    def __init__(self, parts: WorldParts, accounts: AccountService, listeners: ListenerService) -> None:
        self._parts = parts
        self._listeners = listeners
        self._exchange = WorldExchange(parts, accounts, listeners)
        self._lock = threading.Condition()
        self._changing: set[str] = set()

    def all(self) -> list[WorldState]:
        """By name."""
        with self._parts.store.read() as tx:
            worlds = [world for world in tx.accounts.worlds() if world.seeded]
        return [self._state(world) for world in worlds]

    def one(self, name: str) -> WorldState:
        """Raises NotFound."""
        return self._state(self._world(name))

    def create(
        self, wanted: NewWorld, listener: Listener | None = None, *, instead: bool = False
    ) -> WorldState:
        """Make a world; with a listener it can be asked at once. ``name`` "": the next ``world-<number>``.

        ``instead``: in place of one that has the name, whose listeners stay. Raises Invalid (a mistake in what is
        wanted or in the seed), PreconditionFailed (name or port is taken); nothing is left then.
        """
        if instead and wanted.name and self._has(wanted.name):
            state = self.restore(wanted)
            if listener is not None and not state.listeners:
                self._listen(listener, wanted.name)
            return self.one(wanted.name)
        if wanted.name and not WORLD_NAME.fullmatch(wanted.name):
            raise Invalid(f"name must match {WORLD_NAME.pattern}")
        with self._reserved(wanted.name) as name:
            self._exchange.put_in_place(self._parts.origins.grow(replace(wanted, name=name), 1), None)
            if listener is not None:
                try:
                    self._listen(listener, name)
                except BaseException:
                    self._exchange.remove(self._world(name))
                    raise
        return self.one(name)

    def reset(self, name: str) -> WorldState:
        """Back to what it was made from. Raises NotFound, Unavailable; nothing has changed then."""
        with self._alone(name):
            world = self._world(name)
            grown = self._parts.origins.kept(world)
            if grown is None:  # made by an older version, or what was kept has been removed by hand
                grown = self._parts.origins.grow(NewWorld(name=name), world.generation + 1)
            self._exchange.put_in_place(grown, world)
        return self.one(name)

    def restore(self, wanted: NewWorld) -> WorldState:
        """Replace a world, and what it goes back to, by what a seed has. Raises NotFound, Invalid, Unavailable."""
        with self._alone(wanted.name):
            world = self._world(wanted.name)
            self._exchange.put_in_place(self._parts.origins.grow(wanted, world.generation + 1), world)
        return self.one(wanted.name)

    @contextmanager
    def uploaded(self, stream: BinaryIO) -> Iterator[Path]:
        """The folder of a seed that comes as a tar, for the block. Raises Invalid, Unavailable."""
        draft = self._parts.origins.draft()
        try:
            yield self._parts.origins.unpack(stream, draft)
        finally:
            shutil.rmtree(draft, ignore_errors=True)

    def snapshot(self, name: str, folder: Path) -> None:
        """Write the world as a seed into a folder that is not there yet, or empty.

        Requests to the world wait meanwhile. Raises NotFound, Invalid (the folder), Unavailable.
        """
        if not is_new(folder):
            raise Invalid(
                f"folder: must be the absolute path of a new or empty folder, not {str(folder)[:200]!r}"
            )
        draft = self._parts.origins.draft()
        try:
            self._write(name, draft)
            try:
                folder.mkdir(parents=True, exist_ok=True)
            except OSError as error:
                raise Invalid(f"folder: {folder} cannot be made: {error.strerror or error}") from error
            try:
                self._parts.origins.unfold(draft, folder)
            except OSError as error:
                raise Unavailable(f"folder: {folder} cannot be written: {error.strerror or error}") from error
        finally:
            shutil.rmtree(draft, ignore_errors=True)

    def snapshot_tar(self, name: str) -> Path:
        """The same as a compressed tar; whoever gets it removes it."""
        draft = self._parts.origins.draft()
        try:
            self._write(name, draft)
            return self._parts.origins.as_tar(draft)
        finally:
            shutil.rmtree(draft, ignore_errors=True)

    def _write(self, name: str, draft: Path) -> None:
        p = self._parts
        with self._alone(name):
            world = self._world(name)
            with p.doors.closed(name, left_behind=False):
                picture = picture_of(p, world)
                p.origins.copy_files(name, draft)
        p.origins.write(picture, draft)

    def delete(self, name: str) -> None:
        """With all that is in it; jobs that run are killed. Raises NotFound, Forbidden (the default world)."""
        if name == DEFAULT_WORLD:
            raise Forbidden(
                f"The world {DEFAULT_WORLD} is that of the ordinary port: it can be reset, not deleted"
            )
        with self._alone(name):
            self._exchange.remove(self._world(name))

    def recover(self) -> None:
        """Before anything is served: clear away what was being made or removed when the program ended."""
        with self._parts.store.read() as tx:
            worlds = {world.name: world for world in tx.accounts.worlds()}
        for world in list(worlds.values()):
            if not world.seeded and world.name != DEFAULT_WORLD:
                with self._parts.store.write() as tx:
                    tx.worlds.remove(world.name)
                del worlds[world.name]
        for world in worlds.values():
            self._parts.machines.move(world.name, world.generation)
            self._parts.origins.complete(world)
        self._parts.origins.sweep(worlds)

    def _listen(self, listener: Listener, world: str) -> None:
        """Called as the world, unless that is what another one is called."""
        taken = {state.listener.name for state in self._listeners.all()} | {DEFAULT_LISTENER, TLS_LISTENER}
        self._listeners.add(replace(listener, world=world, name="" if world in taken else world))

    def _has(self, name: str) -> bool:
        with self._parts.store.read() as tx:
            world = tx.accounts.world(name)
        return world is not None and world.seeded

    def _world(self, name: str) -> World:
        with self._parts.store.read() as tx:
            world = tx.accounts.world(name)
        if world is None or not world.seeded:
            raise NotFound(f"No world found with name {name}")
        return world

    def _state(self, world: World) -> WorldState:
        p = self._parts
        with p.store.read() as tx:
            counts = tx.worlds.counts(world.name, _COUNTED)
            active = len(tx.worlds.active_jobs(world.name))
        clock = p.clocks.of(world.name).state
        return WorldState(
            world=world,
            now=p.clocks.of(world.name).now(),
            clock=ClockSetting(mode=clock.mode, factor=clock.factor),
            listeners={
                state.listener.name: state.url
                for state in self._listeners.all()
                if state.listener.world == world.name
            },
            counts=counts,
            active=active,
        )

    @contextmanager
    def _alone(self, name: str) -> Iterator[None]:
        """One change after the other for each world."""
        with self._lock:
            self._lock.wait_for(lambda: name not in self._changing)
            self._changing.add(name)
        try:
            yield
        finally:
            with self._lock:
                self._changing.discard(name)
                self._lock.notify_all()

    @contextmanager
    def _reserved(self, name: str) -> Iterator[str]:
        """A name that no world has, for the block. Raises PreconditionFailed."""
        with self._lock:
            with self._parts.store.read() as tx:
                taken = {world.name for world in tx.accounts.worlds()} | self._changing
            if not name:
                numbers = itertools.count(1)
                name = next(free for n in numbers if (free := f"world-{n}") not in taken)
            if name in taken:
                raise PreconditionFailed(f"name: there is a world {name} already")
            self._changing.add(name)
        try:
            yield name
        finally:
            with self._lock:
                self._changing.discard(name)
                self._lock.notify_all()
