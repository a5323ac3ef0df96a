"""What worlds as wholes stand on: the part of the composition root that makes and exchanges them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from emulator.domain.errors import Unavailable
from emulator.domain.identity import World
from emulator.domain.ports import Hosts
from emulator.domain.world import DEFAULT_WORLD, NewWorld
from emulator.engine.clocks import WorldClocks
from emulator.engine.ids import WorldIds
from emulator.engine.journal import Journal
from emulator.host_parts import map_hosts
from emulator.hosts.mapped import MappedHosts
from emulator.hosts.sandbox import SandboxHosts
from emulator.runtimes.gated.launcher import GatedLauncher
from emulator.seeds.origins import KeptOrigins
from emulator.seeds.placing import put_files
from emulator.seeds.seeder import Seeder
from emulator.seeds.settings import seed_path
from emulator.seeds.source import SCENARIOS, BadSeed, read_source
from emulator.services import Services
from emulator.store import Store
from emulator.wiring import Parts, wire

if TYPE_CHECKING:
    from emulator.seeds.nursery import Nursery


class LauncherRunner:
    """The launcher as something that works for worlds."""

    def __init__(self, launcher: GatedLauncher) -> None:
        self._launcher = launcher

    def let_go(self, world: str, jobs: list[str]) -> None:
        """See domain.world.Runner."""
        try:
            self._launcher.forget_world(world)
        except (OSError, TimeoutError) as error:
            raise Unavailable(f"The scripts of the world {world} cannot be ended: {error}") from error

    def go_on(self, world: str, jobs: list[str]) -> None:
        """Scripts that were ended stay so."""


class Homesteads:
    """Makes the origins of worlds, and the world that a data directory begins with."""

    def __init__(self, data: Path, sandboxes: SandboxHosts, parts: Callable[[], Parts]) -> None:
        """``parts`` are those of the emulator itself, asked for when the first world is to be made."""
        self._data = data
        self._sandboxes = sandboxes
        self._parts = parts
        self.origins = KeptOrigins(data / "worlds", sandboxes, self._nursery)

    def begin(self, services: Services) -> None:
        """Make the default world unless it is complete: in its place, as nobody is there yet. Raises BadSeed."""
        p = self._parts()
        with p.store.read() as tx:
            world = tx.accounts.world(DEFAULT_WORLD)
        if world is not None and world.seeded:
            return
        if world is not None:  # a start that was killed half way
            with p.store.write() as tx:
                tx.worlds.remove(DEFAULT_WORLD)
            self.origins.clear(DEFAULT_WORLD, 1)
        source = read_source(seed_path(None, p.settings.seed_file))
        seeder = Seeder(
            services=services,
            hosts=p.hosts,
            store=p.store,
            clocks=p.clocks,
            ids=p.ids,
            default_user=p.settings.default_user,
            put_files=lambda name, folder, named: put_files(self._sandboxes.home(name), folder, named),
        )
        world = seeder.plant(source, DEFAULT_WORLD)
        self._keep(p, world, source.texts(SCENARIOS))

    def stop(self) -> None:
        """No world is made after this."""
        self.origins.close()

    def _keep(self, p: Parts, world: World, scenarios: dict[str, str]) -> None:
        with p.store.read() as tx:
            rows = tx.worlds.kept(world.name)
        kept = self.origins.keep(world.name, 1, rows, self._sandboxes.home(world.name), scenarios)
        with p.store.write() as tx:
            tx.accounts.save_world(replace(world, kept=kept, seeded=True))
        self.origins.note(world.name, 1)

    def _nursery(self) -> Nursery:
        from emulator.seeds.nursery import Nursery  # not before somebody wants a world

        p = self._parts()

        def services(store: Store, hosts: Hosts, clocks: WorldClocks, ids: WorldIds) -> Services:
            journal = Journal(clocks, ids, p.renderer, on_message=lambda _world: None)
            return wire(
                replace(
                    p,
                    store=store,
                    hosts=hosts,
                    clocks=clocks,
                    ids=ids,
                    journal=journal,
                    wake=lambda _job, _world: None,
                )
            )

        def machines(directory: Path, store: Store) -> tuple[SandboxHosts, MappedHosts]:
            sandboxes = SandboxHosts(directory)
            return sandboxes, map_hosts(p.settings, self._data, sandboxes, store, p.clocks.machine)

        def taken(name: str, ids: Iterable[str]) -> bool:
            with p.store.read() as tx:
                return tx.worlds.any_elsewhere(name, ids)

        return Nursery(
            self._data / "nursery",
            wire=services,
            machines=machines,
            machine_clock=p.clocks.machine,
            seed_file=p.settings.seed_file,
            default_user=p.settings.default_user,
            taken=taken,
        )


def make_unless(services: Services, name: str) -> None:
    """A world from the ordinary seed, where there is none of that name. Raises Unavailable: it cannot be made."""
    if name in {state.world.name for state in services.worlds.all()}:
        return
    try:
        services.worlds.create(NewWorld(name=name))
    except BadSeed as error:
        raise Unavailable(f"The world {name} cannot be made: {error}") from error
