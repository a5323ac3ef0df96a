"""What a uuid says of its resource: the type at its end, and where such a resource lives [conventions §7]."""

from __future__ import annotations

import re
from collections.abc import Mapping
from urllib.parse import quote

TYPES: Mapping[str, str] = {
    "001": "PROFILE",
    "002": "FILE",
    "003": "INTERNALUSER",
    "004": "TOKEN",
    "005": "APP",
    "006": "SYSTEM",
    "007": "JOB",
    "008": "TRANSFORM",
    "009": "TRANSFER",
    "010": "POSTIT",
    "011": "NOTIFICATION",
    "012": "METADATA",
    "013": "SCHEMA",
    "014": "MONITOR",
    "015": "MONITORCHECK",
    "016": "TENANT",
    "017": "ENCODING_TASK",
    "018": "DECODING_TASK",
    "019": "USAGE_TRIGGER",
    "020": "FILE_STAGING_TASK",
    "021": "JOB_STAGING_TASK",
    "022": "PROFILE_EVENT",
    "023": "FILE_EVENT",
    "024": "INTERNALUSER_EVENT",
    "025": "TOKEN_EVENT",
    "026": "APP_EVENT",
    "027": "SYSTEM_EVENT",
    "028": "JOB_EVENT",
    "029": "TRANSFORM_EVENT",
    "030": "TRANSFER_EVENT",
    "031": "POSTIT_EVENT",
    "032": "NOTIFICATION_EVENT",
    "033": "METADATA_EVENT",
    "034": "SCHEMA_EVENT",
    "035": "MONITOR_EVENT",
    "036": "MONITORCHECK_EVENT",
    "037": "TENANT_EVENT",
    "038": "USAGETRIGGER",
    "039": "USAGETRIGGER_EVENT",
    "040": "WORKER",
    "041": "BATCH_QUEUE",
    "042": "NOTIFICATION_DELIVERY",
    "043": "ROLE",
    "044": "PERMISSION",
    "045": "PERMISSION_EVENT",
    "046": "USER_ROLE",
    "047": "USER_PERMISSION",
    "048": "TAG",
    "049": "TAG_EVENT",
    "050": "GROUP",
    "051": "GROUP_EVENT",
    "052": "BATCH_QUEUE_EVENT",
    "053": "REACTOR",
    "054": "REALTIME_CHANNEL",
    "055": "CLIENTS",  # the service gives this number to REALTIME_CHANNEL_EVENT as well
    "056": "CLIENTS_EVENT",
    "057": "REACTOR_EVENT",
    "058": "REPOSITORY",
    "059": "REPOSITORY_EVENT",
    "060": "ABACO_AGENT",
    "061": "ABACO_AGENT_EVENT",
    "062": "SCHEDULED_TRANSFER",
    "063": "SCHEDULED_TRANSFER_EVENT",
    "064": "TRANSFER_UPDATE",
}
"""The three digits at the end of a uuid, and the type they stand for."""

CODES: Mapping[str, str] = {name: code for code, name in TYPES.items()} | {"REALTIME_CHANNEL_EVENT": "055"}
"""The digits of a type, by its name."""

# what a resource's own URL begins with; its key follows [postits §C]
_HOMES: Mapping[str, str] = {
    "PROFILE": "profiles/v2/",
    "FILE": "files/v2/media/system/",
    "APP": "apps/v2/",
    "SYSTEM": "systems/v2/",
    "JOB": "jobs/v2/",
    "TRANSFER": "transfers/v2/",
    "POSTIT": "postits/v2/",
    "NOTIFICATION": "notifications/v2/",
    "METADATA": "meta/v2/data/",
    "SCHEMA": "meta/v2/schemas/",
    "MONITOR": "monitors/v2/",
    "TENANT": "tenants/",
    "CLIENTS": "clients/v2/",
    "TAG": "tags/v2/",
}
_FORM = re.compile(r"[0-9A-Za-z_.@-]+-([0-9]{3}|[A-Za-z_]+)", re.ASCII)


def type_of(uuid: str) -> str | None:
    """The resource type that a uuid names, in upper case; None where it names none.

    It is the text after the last dash: three digits, or in very old uuids the type's name.
    """
    match = _FORM.fullmatch(uuid)
    if match is None:
        return None
    last = match[1].upper()
    return TYPES.get(last) or (last if last in CODES else None)


def resource_path(kind: str, key: str) -> str | None:
    """The path of a resource's URL below the base URL, escaped; None for types that have no URL of their own.

    ``key`` is what the type's URLs name a resource by: the username of a profile, the id of a system or an
    app, ``<system id>/<path>`` of a file (two slashes where the path is absolute), else the uuid.
    """
    home = _HOMES.get(kind.upper())
    return None if home is None else home + quote(key, safe="/" if kind.upper() == "FILE" else "")


def event_path(parent: str, uuid: str) -> str:
    """The path of an event's URL, ``parent`` being that of the resource it happened to."""
    return f"{parent}/history/{uuid}"


def attempt_path(notification: str, uuid: str) -> str:
    """The path of the URL of a notification's delivery attempt."""
    return f"notifications/v2/{notification}/attempts/{uuid}"
