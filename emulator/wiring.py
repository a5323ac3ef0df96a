"""The services, wired to the parts that the composition root has chosen."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from emulator import __version__
from emulator.domain.listener import Ports
from emulator.domain.message_ports import MailReader, Renderer
from emulator.domain.metadata import RecordKind
from emulator.domain.ports import Clocks, Fetcher, Gate, Hosts, Ids, Signer
from emulator.engine.armory import Armory
from emulator.engine.bell import Bell
from emulator.engine.deliveries import DeliveryQueue
from emulator.engine.file_stagings import StagingQueue
from emulator.engine.journal import Journal
from emulator.engine.striking import Strikes
from emulator.engine.timelapse import Timelapse
from emulator.resources import scenarios
from emulator.services import Services
from emulator.services.accounts import AccountService
from emulator.services.api_clients import ApiClientService
from emulator.services.app_permissions import AppPermissionService
from emulator.services.apps import AppService
from emulator.services.assertions import AssertionService
from emulator.services.audience import Audience
from emulator.services.authorizations import AuthorizationService
from emulator.services.file_passages import FilePassages
from emulator.services.file_permissions import FilePermissionService
from emulator.services.files import FileService
from emulator.services.happenings import HappeningService
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
from emulator.services.postits import PostitService
from emulator.services.profiles import ProfileService
from emulator.services.resources import Resources
from emulator.services.scenarios import ScenarioService
from emulator.services.simulations import SimulationService
from emulator.services.status import StatusService
from emulator.services.subscription_attempts import SubscriptionAttempts
from emulator.services.subscriptions import SubscriptionService
from emulator.services.system_roles import SystemRoleService
from emulator.services.systems import SystemService
from emulator.services.tokens import TokenService
from emulator.services.uuids import UuidService, find_postit, find_tenant
from emulator.services.webhooks import WebhookService
from emulator.services.world_clocks import WorldClockService
from emulator.services.world_exchange import WorldParts
from emulator.services.worlds import WorldService
from emulator.settings import Settings
from emulator.store import Store


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """What the services stand on. ``make_world`` and ``wake`` (a job's id and world) call back into the
    composition root. ``own_url`` is where the emulator reaches itself.
    """

    settings: Settings
    store: Store
    clocks: Clocks
    timelapse: Timelapse
    ids: Ids
    journal: Journal
    hosts: Hosts
    fetcher: Fetcher
    signer: Signer
    renderer: Renderer
    mailbox: MailReader
    deliveries: DeliveryQueue
    stagings: StagingQueue
    ports: Ports
    bell: Bell
    gate: Gate
    strikes: Strikes
    armory: Armory
    operations: Callable[[], Mapping[str, str]]
    own_url: Callable[[], str]
    worlds: Callable[[], WorldParts]
    make_world: Callable[[str], None]
    on_app_named: Callable[[str, str], None]
    wake: Callable[[str, str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Catalog:
    """The services that most others ask."""

    accounts: AccountService
    systems: SystemService
    files: FileService
    file_permissions: FilePermissionService
    apps: AppService


def wire(parts: Parts) -> Services:
    """All services, each with what it asks for by name."""
    p = parts
    catalog = _catalog(p)
    accounts, systems, apps = catalog.accounts, catalog.systems, catalog.apps
    tokens = TokenService(
        store=p.store, clocks=p.clocks, ids=p.ids, accounts=accounts, settings=p.settings, gate=p.gate
    )
    queries = JobQueries(store=p.store)
    submission = _submission(p, catalog)
    metadata = MetadataAccess(store=p.store, clocks=p.clocks, ids=p.ids, journal=p.journal)
    metadata_permissions = MetadataPermissionService(access=metadata, accounts=accounts)
    resources = _resources(catalog, metadata)
    subscriptions = SubscriptionService(
        store=p.store, clocks=p.clocks, ids=p.ids, journal=p.journal, resources=resources, settings=p.settings
    )
    listeners = ListenerService(store=p.store, ports=p.ports, make_world=p.make_world)
    return Services(
        accounts=accounts,
        api_clients=ApiClientService(store=p.store, ids=p.ids),
        tokens=tokens,
        authorizations=AuthorizationService(store=p.store, clocks=p.clocks, ids=p.ids, tokens=tokens),
        assertions=AssertionService(clocks=p.clocks, signer=p.signer),
        profiles=ProfileService(
            store=p.store, clocks=p.clocks, journal=p.journal, accounts=accounts, settings=p.settings
        ),
        postits=PostitService(
            store=p.store, clocks=p.clocks, ids=p.ids, journal=p.journal, accounts=accounts
        ),
        systems=systems,
        system_roles=SystemRoleService(store=p.store, systems=systems, accounts=accounts),
        apps=apps,
        app_permissions=AppPermissionService(store=p.store, apps=apps, accounts=accounts),
        files=catalog.files,
        file_permissions=catalog.file_permissions,
        submission=submission,
        queries=queries,
        control=JobControl(
            store=p.store,
            clocks=p.clocks,
            journal=p.journal,
            queries=queries,
            submission=submission,
            settings=p.settings,
            wake=p.wake,
        ),
        outputs=JobOutputs(
            store=p.store,
            queries=queries,
            hosts=p.hosts,
            passages=FilePassages(p.strikes),
            settings=p.settings,
        ),
        job_permissions=JobPermissions(store=p.store, journal=p.journal, queries=queries, accounts=accounts),
        subscriptions=subscriptions,
        subscription_attempts=SubscriptionAttempts(
            store=p.store,
            clocks=p.clocks,
            ids=p.ids,
            renderer=p.renderer,
            subscriptions=subscriptions,
            resources=resources,
            deliveries=p.deliveries,
        ),
        audience=Audience(accounts=accounts, systems=systems, resources=resources),
        metadata=MetadataService(
            access=metadata, permissions=metadata_permissions, resources=resources, settings=p.settings
        ),
        world_clocks=WorldClockService(store=p.store, timelapse=p.timelapse, accounts=accounts),
        metadata_schemas=MetadataSchemaService(access=metadata),
        metadata_permissions=metadata_permissions,
        uuids=UuidService(store=p.store, ids=p.ids, resources=resources),
        simulations=SimulationService(store=p.store, accounts=accounts),
        status=StatusService(store=p.store, version=__version__, mailbox=p.mailbox, accounts=accounts),
        listeners=listeners,
        worlds=WorldService(p.worlds(), accounts, listeners),
        doors=p.worlds().doors,
        happenings=HappeningService(store=p.store, machine=p.clocks.machine, accounts=accounts, bell=p.bell),
        webhooks=WebhookService(
            store=p.store, clocks=p.clocks, accounts=accounts, ring=p.bell.ring, address=p.own_url
        ),
        scenarios=ScenarioService(
            store=p.store,
            armory=p.armory,
            accounts=accounts,
            library=scenarios(),
            operations=p.operations,
        ),
        gate=p.gate,
        clocks=p.clocks,
    )


def _catalog(p: Parts) -> _Catalog:
    systems = SystemService(store=p.store, clocks=p.clocks, ids=p.ids, journal=p.journal)
    file_permissions = FilePermissionService(
        store=p.store,
        clocks=p.clocks,
        ids=p.ids,
        journal=p.journal,
        systems=systems,
        hosts=p.hosts,
        settings=p.settings,
    )
    files = FileService(
        store=p.store,
        clocks=p.clocks,
        ids=p.ids,
        journal=p.journal,
        systems=systems,
        permissions=file_permissions,
        hosts=p.hosts,
        fetcher=p.fetcher,
        staging_queue=p.stagings,
        strikes=p.strikes,
        settings=p.settings,
    )
    apps = AppService(
        store=p.store,
        clocks=p.clocks,
        ids=p.ids,
        journal=p.journal,
        systems=systems,
        files=files,
        file_permissions=file_permissions,
        on_named=p.on_app_named,
    )
    return _Catalog(
        accounts=AccountService(store=p.store, settings=p.settings),
        systems=systems,
        files=files,
        file_permissions=file_permissions,
        apps=apps,
    )


def _submission(p: Parts, catalog: _Catalog) -> JobSubmission:
    return JobSubmission(
        store=p.store,
        clocks=p.clocks,
        ids=p.ids,
        journal=p.journal,
        systems=catalog.systems,
        apps=catalog.apps,
        files=catalog.files,
        file_permissions=catalog.file_permissions,
        settings=p.settings,
        wake=p.wake,
    )


def _resources(catalog: _Catalog, metadata: MetadataAccess) -> Resources:
    """What can stand behind a uuid: metadata and the rest besides what the catalog holds."""
    return Resources(
        systems=catalog.systems,
        apps=catalog.apps,
        file_permissions=catalog.file_permissions,
        more={
            "METADATA": metadata.resource(RecordKind.ITEM),
            "SCHEMA": metadata.resource(RecordKind.SCHEMA),
            "POSTIT": find_postit,
            "TENANT": find_tenant,
        },
    )
