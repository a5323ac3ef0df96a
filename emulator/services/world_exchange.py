"""The moment at which a world is exchanged for another, or removed: rows, files, clock, chance and who works for it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

from emulator.domain.clock import ClockMode, ClockSetting, begun
from emulator.domain.identity import World
from emulator.domain.message_ports import MailReader
from emulator.domain.world import Grown, Machines, Origins, Runner
from emulator.engine.clocks import WorldClocks
from emulator.engine.ids import WorldIds
from emulator.services.accounts import AccountService
from emulator.services.doors import Doors
from emulator.services.listeners import ListenerService
from emulator.services.scenarios import ScenarioService
from emulator.store import Store


@dataclass(frozen=True, slots=True, kw_only=True)
class WorldParts:
    """What worlds as wholes stand on.

    ``forget`` are told of a world that has begun anew, or has gone: what they remember of it is over.
    """

    store: Store
    origins: Origins
    machines: Machines
    doors: Doors
    clocks: WorldClocks
    ids: WorldIds
    mailbox: MailReader
    runners: Callable[[], Iterable[Runner]]
    scenarios: Callable[[], ScenarioService]
    forget: tuple[Callable[[str], None], ...] = ()


class WorldExchange:
    """Puts worlds in place and takes them away. Whoever calls sees to it that nobody else changes the world."""

    def __init__(self, parts: WorldParts, accounts: AccountService, listeners: ListenerService) -> None:
        self._parts = parts
        self._accounts = accounts
        self._listeners = listeners

    def put_in_place(self, grown: Grown, old: World | None) -> None:
        """The one moment at which a world is exchanged; ``old`` is what it is until then."""
        p, name = self._parts, grown.world.name
        generation = 1 if old is None else old.generation + 1
        world = replace(grown.world, generation=generation, seeded=True)
        try:
            for source, text in grown.scenarios.items():
                p.scenarios().read(text, source)
            again = old is not None and old.kept == world.kept and p.origins.can_renew(old)
            if not again and not grown.laid_out:
                p.origins.lay_out(world.kept, name, generation)
            with p.doors.closed(name) as empty:
                self._let_go(name)
                if not again:
                    finish = _nothing
                elif empty and old is not None:
                    finish = p.origins.renew(old)
                else:  # whoever is left behind may have a file or a directory open
                    p.origins.lay_out(world.kept, name, generation)
                    finish = _nothing
                self._write(world, grown)
                try:
                    finish()
                    p.origins.note(name, generation)
                finally:
                    self._begin(world, grown)
        except BaseException:
            if self._is_there(world):
                raise
            p.origins.clear(name, generation)
            if old is None or old.kept != world.kept:
                p.origins.drop(world.kept)
            raise
        if old is not None:
            self._tidy(old, keep=world.kept)

    def _write(self, world: World, grown: Grown) -> None:
        p, name = self._parts, world.name
        with p.store.write() as tx:
            tx.worlds.put_back(name, grown.rows)
            tx.accounts.put_world(world)
            if grown.clock is not None and grown.clock != ClockSetting(mode=ClockMode.REAL):
                tx.clocks.save(name, begun(grown.clock, p.clocks.machine.now()))
            if world.chance_seed is not None:
                tx.chances.save(name, world.chance_seed, world.chance_generation)

    def _begin(self, world: World, grown: Grown) -> None:
        """What is remembered outside the store begins anew too."""
        p, name = self._parts, world.name
        p.machines.move(name, world.generation)
        with p.store.read() as tx:
            state = tx.clocks.all().get(name)
        if state is not None:
            p.clocks.resume(name, state)
        else:
            p.clocks.forget(name)
        p.ids.begin(name, world.chance_seed, world.chance_generation)
        self._forget(name)
        self._go_on(name, [])
        for source, text in grown.scenarios.items():
            p.scenarios().arm(name, text, source)

    def _is_there(self, world: World) -> bool:
        with self._parts.store.read() as tx:
            found = tx.accounts.world(world.name)
        return found is not None and (found.generation, found.kept) == (world.generation, world.kept)

    def remove(self, world: World) -> None:
        p, name = self._parts, world.name
        with p.doors.closed(name):
            self._let_go(name)
            for state in self._listeners.all():
                if state.listener.world == name:
                    self._listeners.remove(state.listener.name)
            with p.store.write() as tx:
                tx.worlds.remove(name)
            p.machines.move(name, 1)
            p.clocks.forget(name)
            p.ids.forget(name)
            self._forget(name)
            self._go_on(name, [])
        self._tidy(world, keep="")

    def _let_go(self, name: str) -> None:
        """Everybody stops to work for the world; raises Unavailable, and they go on, when somebody does not."""
        with self._parts.store.read() as tx:
            jobs = tx.worlds.active_jobs(name)
        try:
            for runner in self._parts.runners():
                runner.let_go(name, jobs)
        except BaseException:
            self._go_on(name, jobs)
            raise

    def _go_on(self, name: str, jobs: list[str]) -> None:
        for runner in self._parts.runners():
            runner.go_on(name, jobs)

    def _forget(self, name: str) -> None:
        self._accounts.forget(name)
        self._parts.mailbox.empty(name)
        for forget in self._parts.forget:
            forget(name)

    def _tidy(self, old: World, keep: str) -> None:
        self._parts.origins.clear(old.name, old.generation)
        if old.kept and old.kept != keep:
            self._parts.origins.drop(old.kept)


def _nothing() -> None:
    """All files are in their places already."""
