"""The composition root: the only module that knows which adapter answers which port."""

from __future__ import annotations

import logging
import threading
from pathlib import Path

from emulator import __version__
from emulator.api.control import Control
from emulator.api.http import ListenerScope, create_app
from emulator.api.v2 import schemas
from emulator.api.v2.messages import V2Messages
from emulator.api.v2.routes import routes
from emulator.api.v2.wire import V2
from emulator.data_directory import DataDirectory
from emulator.domain.paths import host_path, virtual_path
from emulator.engine.clock import RealClock
from emulator.engine.deliveries import DeliveryQueue
from emulator.engine.ids import RandomIds
from emulator.engine.journal import Journal
from emulator.engine.worker import Engine
from emulator.hosts.fetch import HttpFetcher
from emulator.hosts.sandbox import SandboxHosts
from emulator.notify.mailbox import Mailbox
from emulator.notify.router import Router
from emulator.runtimes.launcher import SandboxLauncher
from emulator.seeding import DEFAULT_WORLD, Seeder
from emulator.server import Listener, Server, TlsIdentity
from emulator.services import Services
from emulator.services.accounts import AccountService
from emulator.services.app_permissions import AppPermissionService
from emulator.services.apps import AppService
from emulator.services.file_permissions import FilePermissionService
from emulator.services.files import FileService
from emulator.services.job_control import JobControl
from emulator.services.job_outputs import JobOutputs
from emulator.services.job_permissions import JobPermissions
from emulator.services.job_queries import JobQueries
from emulator.services.job_submission import JobSubmission
from emulator.services.status import StatusService
from emulator.services.subscriptions import SubscriptionService
from emulator.services.system_roles import SystemRoleService
from emulator.services.systems import SystemService
from emulator.settings import BadSetting, Settings, flag
from emulator.store import Store

log = logging.getLogger(__name__)

DEFAULT_LISTENER = "default"


class Emulator:
    """One emulator: a data directory, an engine, and the listeners that serve it.

    ::

        with Emulator(settings, directory) as emulator:
            print(emulator.url)
    """

    def __init__(self, settings: Settings, directory: DataDirectory) -> None:
        """Nothing is opened or changed before :meth:`start`."""
        self.settings = settings
        self.directory = directory
        self.listener: Listener | None = None
        self._warming: threading.Thread | None = None

    @property
    def url(self) -> str:
        """Where the default listener answers, plain HTTP; TLS speaks on the same port."""
        assert self.listener is not None, "not started"
        host = "localhost" if self.listener.host in ("127.0.0.1", "0.0.0.0") else self.listener.host
        host = f"[{host}]" if ":" in host else host
        return f"http://{host}:{self.listener.port}"

    def start(self) -> None:
        """Open the data directory, take up unfinished jobs, listen.

        Raises DirectoryInUse, SchemaMismatch, BadSeed, BadSetting (a default user who does not exist), OSError
        (a port that is taken); nothing stays held then.
        """
        self.directory.acquire()
        try:
            self._compose(self.directory.path)
            self.listener = self.server.open(DEFAULT_LISTENER, self.settings.host, self.settings.port)
        except BaseException:
            self.stop()
            raise
        self.engine.start()
        self.deliveries.start()
        self._warming = threading.Thread(target=self._warm_up, name="warm-up", daemon=True)
        self._warming.start()

    def _warm_up(self) -> None:
        """What the first clients would otherwise wait for: the schemas of bodies, the launcher, the certificate."""
        schemas.load()
        self.launcher.start()
        self._tls.ensure()

    def stop(self) -> None:
        """Close everything; jobs go on running and are found again by the next start.

        In an ephemeral directory nothing can be found again: there, scripts that run are ended.
        """
        # It starts and writes things that end below; and a thread inside a foreign library must not meet the
        # interpreter's end, which would abort the process.
        if self._warming is not None:
            self._warming.join()
        for name in ("server", "engine", "launcher", "deliveries", "clock"):
            part = getattr(self, name, None)
            if part is None:
                continue
            if name == "launcher":
                part.stop(end_scripts=self.directory.ephemeral)
            else:
                part.stop()
        store = getattr(self, "store", None)
        if store is not None:
            store.close()
        self.directory.release()

    def __enter__(self) -> Emulator:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _compose(self, data: Path) -> None:
        settings = self.settings
        self.clock = RealClock()
        self.store = Store.at(data)
        ids = RandomIds()
        self.mailbox = Mailbox(data / "mailbox", self.clock, settings.mail_from)
        self.deliveries = DeliveryQueue(
            store=self.store, clock=self.clock, channel_for=Router(settings, self.mailbox)
        )
        journal = Journal(self.clock, ids, V2Messages(self._base_url), self.deliveries.wake)
        self.hosts = hosts = SandboxHosts(data / "hosts")
        self.launcher = SandboxLauncher(
            hosts=hosts, clock=self.clock, spool=data / "spool", settings=settings, on_change=self._wake
        )
        self.engine = Engine(
            store=self.store,
            clock=self.clock,
            ids=ids,
            journal=journal,
            hosts=hosts,
            launcher=self.launcher,
            settings=settings,
            fetcher=HttpFetcher(),
            base_url=self._base_url,
        )
        services = self._services(ids, journal, hosts)
        Seeder(services, hosts, self.store, self.clock, ids, settings).seed()
        self.default_user = self._default_user()
        scopes = {DEFAULT_LISTENER: ListenerScope(DEFAULT_WORLD, self.default_user)}
        wsgi = create_app(services, settings, scopes, [V2(routes), Control()])
        self._tls = TlsIdentity(data)
        self.server = Server(wsgi, version=settings.service_version, tls=self._tls)

    def _default_user(self) -> str:
        """Of the setting, else of the world's seed. Raises BadSetting when there is no such user."""
        with self.store.read() as tx:
            world = tx.accounts.world(DEFAULT_WORLD)
            name = self.settings.default_user or (world.default_user if world else "")
            if tx.accounts.user(DEFAULT_WORLD, name) is None:
                raise BadSetting(f"{flag('auth.default_user')}: there is no user {name!r}")
        return name

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

    def _base_url(self) -> str:
        """Where the API answers, for what is written outside any request: messages and scripts."""
        return self.settings.base_url or self.url

    def _wake(self, job_id: str) -> None:
        self.engine.wake(job_id)

    def _services(self, ids: RandomIds, journal: Journal, hosts: SandboxHosts) -> Services:
        store, clock, settings = self.store, self.clock, self.settings
        accounts = AccountService(store=store, clock=clock, ids=ids, settings=settings)
        systems = SystemService(store=store, clock=clock, ids=ids, journal=journal)
        file_permissions = FilePermissionService(
            store=store,
            clock=clock,
            ids=ids,
            journal=journal,
            systems=systems,
            hosts=hosts,
            settings=settings,
        )
        files = FileService(
            store=store,
            clock=clock,
            ids=ids,
            journal=journal,
            systems=systems,
            permissions=file_permissions,
            hosts=hosts,
            settings=settings,
        )
        apps = AppService(
            store=store,
            clock=clock,
            ids=ids,
            journal=journal,
            systems=systems,
            files=files,
            file_permissions=file_permissions,
        )
        submission = JobSubmission(
            store=store,
            clock=clock,
            ids=ids,
            journal=journal,
            systems=systems,
            apps=apps,
            files=files,
            file_permissions=file_permissions,
            settings=settings,
            wake=self._wake,
        )
        queries = JobQueries(store=store)
        return Services(
            accounts=accounts,
            systems=systems,
            system_roles=SystemRoleService(store=store, systems=systems, accounts=accounts),
            apps=apps,
            app_permissions=AppPermissionService(store=store, apps=apps, accounts=accounts),
            files=files,
            file_permissions=file_permissions,
            submission=submission,
            queries=queries,
            control=JobControl(
                store=store,
                clock=clock,
                journal=journal,
                queries=queries,
                submission=submission,
                settings=settings,
                wake=self._wake,
            ),
            outputs=JobOutputs(store=store, queries=queries, hosts=hosts, settings=settings),
            job_permissions=JobPermissions(store=store, journal=journal, queries=queries, accounts=accounts),
            subscriptions=SubscriptionService(store=store, clock=clock),
            status=StatusService(store=store, version=__version__, mailbox=self.mailbox),
            clock=clock,
        )
