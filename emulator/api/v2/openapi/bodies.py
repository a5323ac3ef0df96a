"""Request bodies: the schemas that read them, and what is read without a schema, field by field."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from marshmallow import INCLUDE, Schema, fields, validate

from emulator.api.v2.schemas.app import AppSchema
from emulator.api.v2.schemas.app_copy import AppCopySchema
from emulator.api.v2.schemas.auth import AuthSchema
from emulator.api.v2.schemas.job import JobRequestSchema
from emulator.api.v2.schemas.queue import QueueSchema
from emulator.api.v2.schemas.system import ExecutionSchema, SystemSchema

JSON = "application/json"
FORM = "application/x-www-form-urlencoded"
MULTIPART = "multipart/form-data"


class _Fields(Schema):
    """Bodies whose fields may come as JSON or as a form; others are ignored."""

    class Meta:
        unknown = INCLUDE


def _text(required: bool = False, words: list[str] | None = None) -> fields.String:
    return fields.String(required=required, validate=validate.OneOf(words) if words else None)


class ExecutionSystemRequest(SystemSchema, ExecutionSchema):
    """An execution system."""


class StorageSystemRequest(SystemSchema):
    """A storage system."""


class SystemAction(_Fields):
    action = _text(
        True,
        words=[
            "ENABLE",
            "DISABLE",
            "PUBLISH",
            "UNPUBLISH",
            "SETDEFAULT",
            "UNSETDEFAULT",
            "SETGLOBALDEFAULT",
            "UNSETGLOBALDEFAULT",
            "CLONE",
            "ERASE",
        ],
    )
    id = _text()


class RoleRequest(_Fields):
    username = _text()
    role = _text(True, words=["GUEST", "USER", "PUBLISHER", "ADMIN", "OWNER", "NONE"])


class AppActionSchema(AppCopySchema):
    action = _text(True, words=["enable", "disable", "publish", "clone", "erase"])


class PermissionRequest(_Fields):
    username = _text()
    permission = _text(True)


class FilePermissionRequest(PermissionRequest):
    recursive = fields.Boolean()


class FileAction(_Fields):
    action = _text(True, words=["mkdir", "rename", "copy", "move"])
    path = _text(True)
    append = fields.Boolean()


class Upload(_Fields):
    fileToUpload = fields.String(required=True, metadata={"format": "binary"})
    fileName = _text()
    fileType = _text()
    callbackURL = _text()


class UrlImport(_Fields):
    urlToIngest = _text(True)
    fileName = _text()
    fileType = _text()
    callbackURL = _text()


class JobAction(_Fields):
    action = _text(True, words=["stop", "cancel", "kill", "hide", "unhide", "delete", "restore", "resubmit"])


class ClientRequest(_Fields):
    clientName = _text(True)
    description = _text()
    tier = _text()
    callbackUrl = _text()


class ApiSubscriptionRequest(_Fields):
    apiName = _text(True)
    apiVersion = _text()
    apiProvider = _text()
    tier = _text()


class TokenRequest(_Fields):
    grant_type = _text(
        True,
        words=["password", "refresh_token", "client_credentials", "authorization_code", "admin_password"],
    )
    username = _text()
    password = _text()
    refresh_token = _text()
    code = _text()
    redirect_uri = _text()
    token_username = _text()
    scope = _text()


class RevokeRequest(_Fields):
    token = _text(True)


class ConsentRequest(_Fields):
    """What the login form sends."""

    client_id = _text(True)
    response_type = _text(words=["code", "token"])
    redirect_uri = _text()
    scope = _text()
    state = _text()
    username = _text()
    password = _text()
    answer = _text(words=["allow", "deny"])


class ProfileRequest(_Fields):
    username = _text()
    password = _text()
    email = _text()
    first_name = _text()
    last_name = _text()
    phone = _text()
    mobile_phone = _text()


class PolicyRequest(_Fields):
    retryStrategy = _text(words=["NONE", "IMMEDIATE", "DELAYED", "EXPONENTIAL"])
    retryLimit = fields.Integer()
    retryRate = fields.Integer()
    retryDelay = fields.Integer()
    saveOnFailure = fields.Boolean()


class NotificationRequest(_Fields):
    url = _text(True)
    event = _text(True)
    associatedUuid = _text()
    persistent = fields.Boolean()
    status = _text(words=["ACTIVE", "INACTIVE"])
    policy = fields.Nested(PolicyRequest)


class PostitRequest(_Fields):
    url = _text(True)
    maxUses = fields.Integer()
    lifetime = fields.Integer()
    unlimited = fields.Boolean()
    force = fields.Boolean()


class PostitChange(_Fields):
    maxUses = fields.Integer()
    lifetime = fields.Integer()
    unlimited = fields.Boolean()


class MetadataRequest(_Fields):
    name = _text(True)
    value = fields.Raw()
    associationIds = fields.List(fields.String())
    schemaId = fields.String(allow_none=True)


class MetadataSchemaRequest(_Fields):
    """A JSON Schema."""


class UuidRequest(_Fields):
    type = _text(True)


class NothingRequest(_Fields):
    """Fields mean nothing."""


@dataclass(frozen=True, slots=True)
class Body:
    """What an operation reads: one of the schemas, in any of the media types; or another by its own type."""

    schemas: tuple[type[Schema], ...]
    media: tuple[str, ...] = (JSON,)
    more: dict[str, type[Schema]] = field(default_factory=dict)

    def content(self, reference: Any) -> dict[str, Any]:
        """The ``content`` of a request body; ``reference`` gives that of a schema."""
        found = [reference(schema) for schema in self.schemas]
        one = found[0] if len(found) == 1 else {"anyOf": found}
        return {media: {"schema": one} for media in self.media} | {
            media: {"schema": reference(schema)} for media, schema in self.more.items()
        }


def _fields(schema: type[Schema]) -> Body:
    return Body((schema,), (JSON, FORM))


_SYSTEM = Body((ExecutionSystemRequest, StorageSystemRequest))
_CREDENTIAL = Body((AuthSchema,))
_QUEUE = Body((QueueSchema,))
_ROLE = _fields(RoleRequest)
_APP = Body((AppSchema,))
_PERMISSION = _fields(PermissionRequest)
_FILE_PERMISSION = _fields(FilePermissionRequest)
_IMPORT = Body((UrlImport,), (FORM, JSON), {MULTIPART: Upload})
_MANAGE = _fields(FileAction)

BODIES = {
    "clients.create": _fields(ClientRequest),
    "clients.addSubscriptionForClient": _fields(ApiSubscriptionRequest),
    "tokens.create": Body((TokenRequest,), (FORM,)),
    "tokens.revoke": Body((RevokeRequest,), (FORM,)),
    "systems.add": _SYSTEM,
    "systems.update": _SYSTEM,
    "systems.manage": _fields(SystemAction),
    "systems.addQueue": _QUEUE,
    "systems.updateQueue": _QUEUE,
    "systems.updateRole": _ROLE,
    "systems.updateRoleForUser": _ROLE,
    "apps.add": _APP,
    "apps.update": _APP,
    "apps.manage": _fields(AppActionSchema),
    "apps.updateApplicationPermissions": _PERMISSION,
    "apps.updatePermissionsForUser": _PERMISSION,
    "files.importData": _IMPORT,
    "files.importToDefaultSystem": _IMPORT,
    "files.manage": _MANAGE,
    "files.manageOnDefaultSystem": _MANAGE,
    "files.updatePermissions": _FILE_PERMISSION,
    "files.updatePermissionsOnDefaultSystem": _FILE_PERMISSION,
    "tokens.grant": Body((ConsentRequest,), (FORM,)),
    "profiles.create": _fields(ProfileRequest),
    "profiles.update": _fields(ProfileRequest),
    "systems.updateCredentials": _CREDENTIAL,
    "systems.updateCredentialsForInternalUser": _CREDENTIAL,
    "systems.updateCredentialsForInternalUserByType": _CREDENTIAL,
    "notifications.add": _fields(NotificationRequest),
    "notifications.update": _fields(NotificationRequest),
    "notifications.fire": _fields(NothingRequest),
    "postits.create": _fields(PostitRequest),
    "postits.update": _fields(PostitChange),
    "meta.addMetadata": Body((MetadataRequest,)),
    "meta.updateMetadata": Body((MetadataRequest,)),
    "meta.updateMetadataPermissions": _PERMISSION,
    "meta.updateMetadataPermissionsForUser": _PERMISSION,
    "meta.addSchema": Body((MetadataSchemaRequest,)),
    "meta.updateSchema": Body((MetadataSchemaRequest,)),
    "meta.updateSchemaPermissions": _PERMISSION,
    "meta.updateSchemaPermissionsForUser": _PERMISSION,
    "uuids.create": _fields(UuidRequest),
    "jobs.submit": Body((JobRequestSchema,)),
    "jobs.manage": _fields(JobAction),
    "jobs.updatePermissions": _PERMISSION,
    "jobs.updatePermissionsForUser": _PERMISSION,
}
"""By the operation's name in the coverage table."""
