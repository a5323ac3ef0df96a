"""The composition root: the only module that knows which adapter answers which port."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

from emulator import beginnings
from emulator.api.control import Control
from emulator.api.http import create_app
from emulator.api.v2 import schemas
from emulator.api.v2.dialect import V2
from emulator.api.v2.messages import V2Messages
from emulator.api.v2.routes import routes
from emulator.api.watch import Watch
from emulator.data_directory import DataDirectory
from emulator.domain.errors import Unavailable
from emulator.domain.fault import Strike
from emulator.domain.paths import host_path, virtual_path
from emulator.domain.world import DEFAULT_WORLD
from emulator.engine.armory import Armory
from emulator.engine.bell import Bell
from emulator.engine.clock import RealClock
from emulator.engine.clocks import WorldClocks
from emulator.engine.deliveries import DeliveryQueue
from emulator.engine.file_stagings import StagingQueue
from emulator.engine.gate import ScenarioGate
from emulator.engine.ids import WorldIds
from emulator.engine.journal import Journal
from emulator.engine.signing import SigningKey
from emulator.engine.stopping import Halt, StoppingGate
from emulator.engine.striking import Strikes
from emulator.engine.timelapse import Timelapse
from emulator.engine.worker import Engine
from emulator.host_parts import map_hosts
from emulator.hosts.fetch import HttpFetcher
from emulator.hosts.gated import GatedHosts
from emulator.hosts.sandbox import SandboxHosts
from emulator.launch_parts import launchers, tidy_up_after_the_killed
from emulator.notify.mailbox import Mailbox
from emulator.notify.router import Router
from emulator.resources import fixtures
from emulator.seeds.reserved import ReservedApps
from emulator.server import TlsIdentity
from emulator.services.doors import Doors
from emulator.services.own_server import OwnServer
from emulator.services.request_log import NotingGate, RequestLog, wait_of_request
from emulator.services.world_exchange import WorldParts
from emulator.settings import Settings
from emulator.store import Store
from emulator.ways_in import WaysIn, stood_in
from emulator.wiring import Parts, wire
from emulator.world_parts import Homesteads, LauncherRunner, make_unless

log = logging.getLogger(__name__)


class Emulator:
    """One emulator: a data directory, an engine, and the listeners that serve it.

    ::

        with Emulator(settings, directory) as emulator:
            print(emulator.url)
    """

    def __init__(
        self, settings: Settings, directory: DataDirectory, kill: Callable[[], object] | None = None
    ) -> None:
        """Nothing is opened or changed before :meth:`start`.

        ``kill`` ends the process at once, for scenarios that stop the emulator. Without it the emulator is one among
        others in this process, and is abandoned instead: see :attr:`abandoned`.
        """
        self._halt = Halt(kill, self._let_go)
        self.settings = settings
        self.directory = directory
        self.ways_in = WaysIn(settings)
        self._warming: threading.Thread | None = None
        self._closing = ExitStack()

    @property
    def url(self) -> str:
        """Where the default listener answers, plain HTTP; TLS speaks on the same port."""
        url = self.ways_in.url()
        assert url is not None, "not started"
        return url

    @property
    def authority(self) -> Path:
        """The certificate of the authority that signs the emulator's own: what clients may trust."""
        return self._tls.authority

    def start(self) -> None:
        """Open the data directory, take up unfinished jobs, listen.

        Raises DirectoryInUse, SchemaMismatch, BadSeed, BadSetting (a default user who does not exist), OSError
        (a port that is taken); nothing stays held then.
        """
        self.directory.acquire()
        self._closing.callback(self.directory.release)
        try:
            self._compose(self.directory.path)
            self.ways_in.open_ordinary(DEFAULT_WORLD, self.default_user)
            beginnings.open_listeners(self.listeners, self.settings)
        except BaseException:
            self.stop()
            raise
        self.engine.start()
        self.deliveries.start()
        self.stagings.start(self._stager)
        self._warming = threading.Thread(target=self._warm_up, name="warm-up", daemon=True)
        self._warming.start()

    def _warm_up(self) -> None:
        """What the first clients would otherwise wait for: the schemas of bodies, the launcher, the certificate."""
        schemas.load()
        self.launcher.start()
        self._tls.ensure()
        tidy_up_after_the_killed()

    def stop(self) -> None:
        """Close everything; jobs go on running and are found again by the next start.

        In an ephemeral directory nothing can be found again: there, scripts that run are ended.
        """
        if self._halt.begun:
            self.abandoned.wait()
            self.directory.discard()
            return
        # It starts and writes things that end below; and a thread inside a foreign library must not meet the
        # interpreter's end, which would abort the process.
        if self._warming is not None:
            self._warming.join()
        self._closing.close()

    @property
    def halted(self) -> bool:
        """Whether a scenario has stopped this emulator; :attr:`abandoned` tells when that is over."""
        return self._halt.begun

    @property
    def abandoned(self) -> threading.Event:
        """Set once a scenario has stopped this emulator, and another may be started on its directory.

        It has ended as by ``kill -9``, as far as a part of a process can: nothing more was saved, connections were
        cut, no thread was waited for. Scripts that run go on, and are found by the next start.
        """
        return self._halt.over

    def _let_go(self) -> None:
        """See :attr:`abandoned`."""
        self.store.abandon()
        self.directory.let_go()
        self.strikes.close()
        self.timelapse.stop()
        self.ways_in.stop()
        self.engine.stop(timeout=0)
        self.stagings.stop(timeout=0)
        self.launcher.stop(end_scripts=False)
        self.deliveries.stop(grace=0)
        self.clocks.stop()
        self.hosts.close()
        self.store.close()

    def __enter__(self) -> Emulator:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _compose(self, data: Path) -> None:
        settings = self.settings
        self.store = store = Store.at(data)
        closing = self._closing  # in the opposite order: who asks is stopped before what it asks
        closing.callback(store.close)
        self.clocks = clocks = WorldClocks(RealClock(), store)
        sandboxes = SandboxHosts(data / "hosts")
        self.hosts = map_hosts(settings, data, sandboxes, store, clocks.machine)
        closing.callback(self.hosts.close)
        closing.callback(clocks.stop)
        self.timelapse = Timelapse(clocks)
        self.ids = ids = WorldIds(store)
        self.mailbox = Mailbox(data / "mailbox", clocks, settings.mail_from)
        messages = V2Messages(self.ways_in.base_url)
        self.bell = bell = Bell()
        armory = Armory(
            store=store,
            clocks=clocks,
            ids=ids,
            seed_of=ids.seed_of,
            read=lambda text, source: services.scenarios.read(text, source),
            on_armed=lambda world: self.launcher.listen(world),
        )
        scenarios = ScenarioGate(store=store, clocks=clocks, armory=armory, on_strike=bell.ring)
        self.gate = gate = NotingGate(StoppingGate(scenarios, self._halt))
        self.requests = RequestLog(clocks=clocks, on_change=bell.ring)
        self.strikes = strikes = Strikes(gate, clocks, wait_of_request)
        journal = Journal(
            clocks,
            ids,
            messages,
            on_message=lambda world: self.deliveries.wake(world),
            hears=lambda *asked: services.audience.may_hear(*asked),
            on_event=bell.ring,
        )
        own = OwnServer(store=store, clocks=clocks, ids=ids, base_url=self.ways_in.base_url)
        self.deliveries = DeliveryQueue(
            store=store,
            clocks=clocks,
            journal=journal,
            channel_for=Router(settings, self.mailbox, own),
            keep_all_attempts=settings.keep_all_attempts,
            strikes=strikes,
            activity=clocks.activity,
        )
        closing.callback(self.deliveries.stop)
        hosts = GatedHosts(self.hosts, gate, self._linger)
        self.launcher = launchers(
            data,
            settings,
            clocks,
            gate,
            sandboxes=sandboxes,
            machines=self.hosts,
            hosts=hosts,
            on_change=self._wake,
            linger=self._linger,
        )
        closing.callback(self.launcher.stop, end_scripts=self.directory.ephemeral)
        self.stagings = StagingQueue(store=store, clocks=clocks, activity=clocks.activity)
        closing.callback(self.stagings.stop)
        self.engine = Engine(
            store=store,
            clocks=clocks,
            ids=ids,
            journal=journal,
            hosts=hosts,
            launcher=self.launcher,
            settings=settings,
            fetcher=HttpFetcher(),
            base_url=self.ways_in.base_url,
            activity=clocks.activity,
            strikes=strikes,
        )
        closing.callback(self.engine.stop)
        doors = Doors()
        store.check = doors.check
        self.homesteads = homesteads = Homesteads(data, sandboxes, lambda: parts)
        for stop in (homesteads.stop, self.ways_in.stop, self.timelapse.stop, strikes.close):
            closing.callback(stop)
        worlds = WorldParts(
            store=store,
            origins=homesteads.origins,
            machines=sandboxes,
            doors=doors,
            clocks=clocks,
            ids=ids,
            mailbox=self.mailbox,
            runners=lambda: (
                self.strikes,
                self.engine,
                LauncherRunner(self.launcher),
                self.stagings,
                self.deliveries,
            ),
            scenarios=lambda: services.scenarios,
            forget=(armory.load, self.requests.forget, bell.ring),
        )
        parts = Parts(
            settings=settings,
            store=store,
            clocks=clocks,
            timelapse=self.timelapse,
            ids=ids,
            journal=journal,
            hosts=hosts,
            fetcher=HttpFetcher(),
            signer=SigningKey(data),
            renderer=messages,
            mailbox=self.mailbox,
            deliveries=self.deliveries,
            stagings=self.stagings,
            ports=self.ways_in,
            bell=bell,
            gate=gate,
            strikes=strikes,
            armory=armory,
            operations=_operations,
            own_url=lambda: self.url,
            worlds=lambda: worlds,
            make_world=self._make_world,
            on_app_named=lambda world, app_id: reserved.ensure(world, app_id),
            wake=self._wake,
        )
        reserved = ReservedApps(
            store=store, hosts=self.hosts, services=lambda: services, folder=fixtures() / "reserved"
        )
        self.services = services = wire(parts)
        services.worlds.recover()
        armory.load()
        self._stager = services.files.staging
        self.listeners = services.listeners
        homesteads.begin(services)
        services.apps.cloning.recover()
        self.default_user = beginnings.default_user(store, settings)
        beginnings.arm_scenarios(services, settings)
        watch = Watch(gate=gate, clocks=clocks, log=self.requests)
        wsgi = create_app(services, settings, self.ways_in.scopes, [V2(routes), Control()], watch)
        stand_in = stood_in(settings)
        self._tls = TlsIdentity(data, stand_in.hosts if stand_in else ())
        self.ways_in.serve(wsgi, self._tls)

    def _linger(self, strike: Strike) -> None:
        """Wait where a scenario says so, in the thread of a request."""
        stopped = Unavailable("The emulator is stopping.")
        self.strikes.wait_out(strike, self.strikes.pausing(strike.occasion.world, lambda: stopped))

    def archive_directory(self, system_id: str, path: str) -> Path:
        """Where a path of a system of the default world lies on this machine.

        ``path`` is an agave path. Raises KeyError for a system or path that is not there.
        """
        with self.store.read() as tx:
            system = tx.systems.get(DEFAULT_WORLD, system_id)
        if system is None:
            raise KeyError(system_id)
        files = self.hosts.host(DEFAULT_WORLD, system.storage.host).files
        found = files.local_path(host_path(system.storage, virtual_path(system.storage, path)))
        if found is None:
            raise KeyError(path)
        return found

    def _make_world(self, name: str) -> None:
        make_unless(self.services, name)

    def _wake(self, job_id: str, world: str | None = None) -> None:
        self.engine.wake(job_id, world)


def _operations() -> dict[str, str]:
    from emulator.api.v2 import coverage  # loaded for those who arm scenarios

    return coverage.summaries()
