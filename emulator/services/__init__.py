"""The use cases: the only code that changes domain objects. One object per noun, made by app.py."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from emulator.domain.ports import Clocks, Gate
    from emulator.services.accounts import AccountService
    from emulator.services.api_clients import ApiClientService
    from emulator.services.app_permissions import AppPermissionService
    from emulator.services.apps import AppService
    from emulator.services.assertions import AssertionService
    from emulator.services.audience import Audience
    from emulator.services.authorizations import AuthorizationService
    from emulator.services.doors import Doors
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
    from emulator.services.metadata_permissions import MetadataPermissionService
    from emulator.services.metadata_schemas import MetadataSchemaService
    from emulator.services.postits import PostitService
    from emulator.services.profiles import ProfileService
    from emulator.services.scenarios import ScenarioService
    from emulator.services.simulations import SimulationService
    from emulator.services.status import StatusService
    from emulator.services.subscription_attempts import SubscriptionAttempts
    from emulator.services.subscriptions import SubscriptionService
    from emulator.services.system_roles import SystemRoleService
    from emulator.services.systems import SystemService
    from emulator.services.tokens import TokenService
    from emulator.services.uuids import UuidService
    from emulator.services.webhooks import WebhookService
    from emulator.services.world_clocks import WorldClockService
    from emulator.services.worlds import WorldService


@dataclass(frozen=True, slots=True)
class Services:
    """What the dialects call."""

    accounts: AccountService
    api_clients: ApiClientService
    tokens: TokenService
    authorizations: AuthorizationService
    assertions: AssertionService
    profiles: ProfileService
    postits: PostitService
    systems: SystemService
    system_roles: SystemRoleService
    apps: AppService
    app_permissions: AppPermissionService
    files: FileService
    file_permissions: FilePermissionService
    submission: JobSubmission
    queries: JobQueries
    control: JobControl
    outputs: JobOutputs
    job_permissions: JobPermissions
    subscriptions: SubscriptionService
    subscription_attempts: SubscriptionAttempts
    audience: Audience
    metadata: MetadataService
    metadata_schemas: MetadataSchemaService
    metadata_permissions: MetadataPermissionService
    uuids: UuidService
    status: StatusService
    listeners: ListenerService
    worlds: WorldService
    doors: Doors
    happenings: HappeningService
    webhooks: WebhookService
    scenarios: ScenarioService
    simulations: SimulationService
    gate: Gate
    clocks: Clocks
    world_clocks: WorldClockService
