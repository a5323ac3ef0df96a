"""Answers of the systems service [systems §2-§4, §7, §11]."""

from __future__ import annotations

from emulator.api.v2.schemas.answers.parts import (
    CHICAGO,
    DONE,
    UTC_SECONDS,
    Answer,
    AnswerSchema,
    links,
    many,
    nothing,
    number,
    some,
    text,
    truth,
    uuid,
    whole,
)
from emulator.api.v2.schemas.auth import AUTH_TYPES
from emulator.domain.system import (
    EXECUTION_TYPES,
    LOGIN_PROTOCOLS,
    STORAGE_PROTOCOLS,
    Role,
    SystemStatus,
    SystemType,
)


class ShownServer(AnswerSchema):
    name = text(null=True)
    endpoint = text()
    port = whole()
    protocol = text()


class ShownAuth(AnswerSchema):
    """What may be shown of credentials: never a secret."""

    type = text(words=AUTH_TYPES)
    server = some(ShownServer, optional=True)
    caCerts = text(optional=True)


class ShownProxy(AnswerSchema):
    name = text()
    host = text()
    port = whole(null=True)


class ShownStorage(AnswerSchema):
    host = text()
    port = whole(null=True)
    protocol = text(words=STORAGE_PROTOCOLS)
    rootDir = text()
    homeDir = text(null=True)
    mirror = truth()
    proxy = some(ShownProxy, null=True)
    auth = some(ShownAuth, null=True)
    publicAppsDir = text(null=True, optional=True)
    zone = text(null=True, optional=True)
    resource = text(null=True, optional=True)
    container = text(null=True, optional=True)


class ShownLogin(AnswerSchema):
    host = text()
    port = whole(null=True)
    protocol = text(words=LOGIN_PROTOCOLS)
    proxy = some(ShownProxy, null=True)
    auth = some(ShownAuth, null=True)


class ShownQueue(AnswerSchema):
    """A queue inside its system."""

    name = text()
    default = truth()
    description = text(null=True)
    mappedName = text(null=True)
    maxJobs = whole()
    maxUserJobs = whole()
    maxNodes = whole()
    maxProcessorsPerNode = whole()
    maxRequestedTime = text()
    maxMemoryPerNode = number()
    customDirectives = text(null=True)


class QueueLoad(AnswerSchema):
    name = text()
    active = whole()
    backlogged = whole()
    pending = whole()
    paused = whole()
    processingInputs = whole()
    stagingInputs = whole()
    staging = whole()
    submitting = whole()
    queued = whole()
    running = whole()
    cleaningUp = whole()
    archiving = whole()
    created = text(pattern=CHICAGO)


class QueueAnswer(ShownQueue):
    """A queue by itself, with its load."""

    id = text()
    load_of_queue = some(QueueLoad, key="load")
    _links = links("Queue", "self", "executionSystem")


class _System(AnswerSchema):
    site = text(null=True)
    id = text()
    revision = whole()
    default = truth()
    status = text(words=[status.value for status in SystemStatus])
    description = text(null=True)
    name = text()
    globalDefault = truth()
    available = truth()
    uuid = uuid("006")
    public = truth()
    lastModified = text(pattern=CHICAGO)
    owner = text()
    storage = some(ShownStorage)


class StorageSystem(_System):
    type = text(words=[SystemType.STORAGE.value])
    _links = links("StorageSystem", "self", "roles", "credentials", "metadata", optional=["owner"])


class ExecutionSystem(_System):
    type = text(words=[SystemType.EXECUTION.value])
    executionType = text(words=EXECUTION_TYPES)
    scheduler = text()
    environment = text(null=True)
    startupScript = text(null=True)
    maxSystemJobs = whole()
    maxSystemJobsPerUser = whole()
    workDir = text()
    scratchDir = text()
    queues = many(ShownQueue)
    login = some(ShownLogin, null=True)
    _links = links(
        "ExecutionSystem", "self", "roles", "credentials", "metadata", "history", optional=["owner"]
    )


class SystemSummary(AnswerSchema):
    id = text()
    name = text()
    type = text(words=[kind.value for kind in SystemType])
    description = text(null=True)
    status = text(words=[status.value for status in SystemStatus])
    public = truth()
    lastUpdated = text(pattern=CHICAGO)
    default = truth()
    _links = links("SystemSummary", "self")


class RoleAnswer(AnswerSchema):
    username = text()
    role = text(words=[role.name for role in Role])
    _links = links("Role", "self", "parent", "profile")


class SystemEvent(AnswerSchema):
    id = text()
    status = text()
    createdBy = text()
    description = text(null=True)
    created = text(pattern=UTC_SECONDS)
    _links = links("SystemEvent", "self", "system_event", "system")


class ShownCredential(AnswerSchema):
    """That there is a credential, and of which type: never a secret."""

    parentType = text(words=["storage", "login"])
    default = truth()
    internalUsername = text(null=True)
    type = text(words=AUTH_TYPES)
    created = text(pattern=CHICAGO)
    valid = truth()
    expirationDate = nothing()
    server = some(ShownServer, null=True)
    _links = links("Credential", "self", "parent")


_SYSTEM = (StorageSystem, ExecutionSystem)
_CREDENTIALS = Answer(ShownCredential, many=True)
_KEPT = Answer(statuses=(201,))
_ROLES = Answer(RoleAnswer, (200, 201), many=True)

ANSWERS = {
    "systems.list": Answer(SystemSummary, many=True),
    "systems.add": Answer(_SYSTEM, (201,)),
    "systems.manageWithoutId": Answer(statuses=()),
    "systems.deleteWithoutId": Answer(statuses=()),
    "systems.get": Answer(_SYSTEM),
    "systems.update": Answer(_SYSTEM),
    "systems.manage": Answer(_SYSTEM, optional=True),
    "systems.delete": DONE,
    "systems.listHistory": Answer(SystemEvent, many=True),
    "systems.getHistoryEvent": Answer(SystemEvent),
    "systems.listQueues": Answer(QueueAnswer, many=True),
    "systems.addQueue": Answer(QueueAnswer),
    "systems.getQueue": Answer(QueueAnswer),
    "systems.updateQueue": Answer(QueueAnswer),
    "systems.deleteQueue": DONE,
    "systems.listRoles": Answer(RoleAnswer, many=True),
    "systems.updateRole": _ROLES,
    "systems.deleteRoles": DONE,
    "systems.getRoleForUser": Answer(RoleAnswer),
    "systems.updateRoleForUser": _ROLES,
    "systems.deleteRoleForUser": DONE,
    "systems.listCredentials": _CREDENTIALS,
    "systems.updateCredentials": _KEPT,
    "systems.deleteCredentials": DONE,
    "systems.listCredentialsForInternalUser": _CREDENTIALS,
    "systems.updateCredentialsForInternalUser": _KEPT,
    "systems.deleteCredentialsForInternalUser": DONE,
    "systems.listCredentialsForInternalUserByType": Answer(ShownCredential),
    "systems.updateCredentialsForInternalUserByType": _KEPT,
    "systems.deleteCredentialsForInternalUserByType": DONE,
}
