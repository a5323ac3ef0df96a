"""The composition root: the only module that knows which adapter answers which port."""

from __future__ import annotations

import logging
import threading
from pathlib import Path

from emulator import __version__
from emulator.api.control import Control
from emulator.api.http import create_app
from emulator.api.v2 import schemas
from emulator.api.v2.messages import V2Messages
from emulator.api.v2.routes import routes
from emulator.api.v2.wire import V2
from emulator.data_directory import DataDirectory
from emulator.domain.errors import EmulatorError, Unavailable
from emulator.domain.metadata import RecordKind
from emulator.domain.paths import host_path, virtual_path
from emulator.engine.clock import RealClock
from emulator.engine.deliveries import DeliveryQueue
from emulator.engine.file_stagings import StagingQueue
from emulator.engine.ids import RandomIds
from emulator.engine.journal import Journal
from emulator.engine.signing import SigningKey
from emulator.engine.worker import Engine
from emulator.hosts.fetch import HttpFetcher
from emulator.hosts.sandbox import SandboxHosts
from emulator.notify.mailbox import Mailbox
from emulator.notify.router import Router
from emulator.runtimes.launcher import SandboxLauncher
from emulator.seeding import DEFAULT_WORLD, BadSeed, Seeder
from emulator.server import TlsIdentity
from emulator.services import Services
from emulator.services.accounts import AccountService
from emulator.services.api_clients import ApiClientService
from emulator.services.app_permissions import AppPermissionService
from emulator.services.apps import AppService
from emulator.services.assertions import AssertionService
from emulator.services.authorizations import AuthorizationService
from emulator.services.file_permissions import FilePermissionService
from emulator.services.files import FileService
from emulator.services.job_control import JobControl
from emulator.services.job_outputs import JobOutputs
from emulator.services.job_permissions import JobPermissions
from emulator.services.job_queries import JobQueries
from emulator.services.job_submission import JobSubmission
from emulator.services.listeners import ListenerService
from emulator.services.metadata import MetadataService
from emulator.services.metadata_access import MetadataAccess
from emulator.services.metadata_permissions import MetadataPermissionService
from emulator.services.metadata_schemas import MetadataSchemaService
from emulator.services.own_server import OwnServer
from emulator.services.postits import PostitService
from emulator.services.profiles import ProfileService
from emulator.services.resources import Resources
from emulator.services.status import StatusService
from emulator.services.subscription_attempts import SubscriptionAttempts
from emulator.services.subscriptions import SubscriptionService
from emulator.services.system_roles import SystemRoleService
from emulator.services.systems import SystemService
from emulator.services.tokens import TokenService
from emulator.services.uuids import UuidService, find_postit, find_tenant
from emulator.settings import BadSetting, Settings, flag
from emulator.store import Store
from emulator.ways_in import WaysIn, configured, stood_in

log = logging.getLogger(__name__)


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
        self.ways_in = WaysIn(settings)
        self._warming: threading.Thread | None = None

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
        try:
            self._compose(self.directory.path)
            self._open()
        except BaseException:
            self.stop()
            raise
        self.engine.start()
        self.deliveries.start()
        self.stagings.start(self._stager)
        self._warming = threading.Thread(target=self._warm_up, name="warm-up", daemon=True)
        self._warming.start()

    def _open(self) -> None:
        """The ordinary ports, those of the configuration, and those asked for before."""
        wanted = [configured(text) for text in self.settings.listener]
        self.ways_in.open_ordinary(DEFAULT_WORLD, self.default_user)
        for listener in wanted:
            try:
                self.listeners.add(listener, kept=False, create=True)
            except EmulatorError as error:
                raise BadSetting(f"{flag('server.listener')}: {error.message}") from error
        self.listeners.open_kept()

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
        for name in ("ways_in", "engine", "stagings", "launcher", "deliveries", "clock"):
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
        messages = V2Messages(self.ways_in.base_url)
        journal = Journal(self.clock, ids, messages, lambda: self.deliveries.wake())
        own = OwnServer(store=self.store, clock=self.clock, ids=ids, base_url=self.ways_in.base_url)
        self.deliveries = DeliveryQueue(
            store=self.store,
            clock=self.clock,
            journal=journal,
            channel_for=Router(settings, self.mailbox, own),
            keep_all_attempts=settings.keep_all_attempts,
        )
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
            base_url=self.ways_in.base_url,
        )
        self.stagings = StagingQueue(store=self.store, clock=self.clock)
        services = self._services(ids, journal, hosts)
        self._stager = services.files.staging
        self.listeners = services.listeners
        self._seeder = Seeder(services, hosts, self.store, self.clock, ids, settings)
        self._seeder.seed()
        services.apps.cloning.recover()
        self.default_user = self._default_user()
        wsgi = create_app(services, settings, self.ways_in.scopes, [V2(routes), Control()])
        stand_in = stood_in(settings)
        self._tls = TlsIdentity(data, stand_in.hosts if stand_in else ())
        self.ways_in.serve(wsgi, self._tls)

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

    def _make_world(self, name: str) -> None:
        try:
            self._seeder.seed(name)
        except BadSeed as error:
            raise Unavailable(f"The world {name} cannot be made: {error}") from error

    def _wake(self, job_id: str) -> None:
        self.engine.wake(job_id)

    def _services(self, ids: RandomIds, journal: Journal, hosts: SandboxHosts) -> Services:
        store, clock, settings = self.store, self.clock, self.settings
        accounts = AccountService(store=store, settings=settings)
        tokens = TokenService(store=store, clock=clock, ids=ids, accounts=accounts, settings=settings)
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
            fetcher=HttpFetcher(),
            staging_queue=self.stagings,
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
        metadata = MetadataAccess(store=store, clock=clock, ids=ids, journal=journal)
        resources = Resources(
            systems=systems,
            apps=apps,
            file_permissions=file_permissions,
            more={
                "METADATA": metadata.resource(RecordKind.ITEM),
                "SCHEMA": metadata.resource(RecordKind.SCHEMA),
                "POSTIT": find_postit,
                "TENANT": find_tenant,
            },
        )
        metadata_permissions = MetadataPermissionService(access=metadata, accounts=accounts)
        subscriptions = SubscriptionService(
            store=store, clock=clock, ids=ids, journal=journal, resources=resources, settings=settings
        )
        return Services(
            accounts=accounts,
            api_clients=ApiClientService(store=store, ids=ids),
            tokens=tokens,
            authorizations=AuthorizationService(store=store, clock=clock, ids=ids, tokens=tokens),
            assertions=AssertionService(clock=clock, signer=SigningKey(self.directory.path)),
            profiles=ProfileService(
                store=store, clock=clock, journal=journal, accounts=accounts, settings=settings
            ),
            postits=PostitService(store=store, clock=clock, ids=ids, journal=journal, accounts=accounts),
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
            subscriptions=subscriptions,
            subscription_attempts=SubscriptionAttempts(
                store=store,
                clock=clock,
                ids=ids,
                renderer=V2Messages(self.ways_in.base_url),
                subscriptions=subscriptions,
                resources=resources,
                deliveries=self.deliveries,
            ),
            metadata=MetadataService(
                access=metadata, permissions=metadata_permissions, resources=resources, settings=settings
            ),
            metadata_schemas=MetadataSchemaService(access=metadata),
            metadata_permissions=metadata_permissions,
            uuids=UuidService(store=store, ids=ids, resources=resources),
            status=StatusService(store=store, version=__version__, mailbox=self.mailbox),
            listeners=ListenerService(store=store, ports=self.ways_in, make_world=self._make_world),
            clock=clock,
        )
