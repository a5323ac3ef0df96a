"""Reading what clients send about metadata: items, schemas, permissions, and how a listing is to be made."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from flask import request

from emulator.api.v2 import bodies
from emulator.domain.errors import Invalid
from emulator.domain.metadata import LARGEST_VALUE, LONGEST_NAME, MOST_ASSOCIATIONS, ItemForm, RecordKind
from emulator.domain.uuids import type_of
from emulator.services.metadata_access import Listing

_BAD_PERMISSIONS = "Invalid permissions value. permissions should be an JSON array of permission objects."
_BAD_NOTIFICATIONS = (
    "Invalid notifications value. notifications should be an JSON array of notification objects."
)
_ORDERS: Mapping[RecordKind, Mapping[str, str]] = {
    RecordKind.ITEM: {
        "uuid": "uuid",
        "tenantId": "tenant_id",
        "schemaId": "schema_id",
        "internalUsername": "internal_username",
        "lastUpdated": "last_updated",
        "name": "name",
        "value": "content",
        "created": "created",
        "owner": "owner",
    },
    RecordKind.SCHEMA: {
        "uuid": "uuid",
        "tenantId": "tenant_id",
        "schema": "content",
        "internalUsername": "internal_username",
        "lastUpdated": "last_updated",
        "created": "created",
        "owner": "owner",
    },
}
_DESCENDING = {
    "ASC": False,
    "ASCENDING": False,
    "ASCEND": False,
    "DESC": True,
    "DESCENDING": True,
    "DESCEND": True,
}


def read_listing(kind: RecordKind) -> Listing:
    """``q``, ``orderBy``, ``order``, ``limit``, ``offset``, ``privileged``. Raises Invalid [postits §B.3]."""
    page = bodies.page(unsigned=True)
    return Listing(
        query=_query(),
        order_by=_order_by(kind),
        descending=_descending(),
        limit=page.limit,
        offset=page.offset,
        privileged=request.args.get("privileged", "").strip().lower() != "false",
    )


def read_item(uuid: str | None = None) -> ItemForm:
    """The body of a creation, or with ``uuid`` of a change. Raises Invalid [postits §B.2]."""
    body = bodies.json_object()
    if uuid is not None and body.get("uuid") not in (None, uuid):
        raise Invalid("Metadata uuid in the request body does not match the url")
    value = body.get("value")
    _check_size(value, "value")
    return ItemForm(
        given=frozenset(body),
        name=_name(body),
        value=value,
        association_ids=_associations(body.get("associationIds")),
        schema_id=_schema_id(body.get("schemaId")),
        grants=_grants(body.get("permissions")),
        notifications=_notifications(body.get("notifications")),
    )


def read_schema() -> dict[str, Any]:
    """The body is the schema. Raises Invalid."""
    schema = bodies.json_object()
    _check_size(schema, "schema")
    return schema


def read_grant(username: str | None = None) -> tuple[str, str]:
    """User and word of a permission, JSON or a form; ``username`` is the URL's. Raises Invalid [postits §B.4]."""
    fields = bodies.fields()
    named = (bodies.text(fields, "username") or "").strip()
    if username is None and not named:
        raise Invalid("No username specified. Please specify a valid user to whom the permission will apply.")
    if username is not None and named and named != username:
        raise Invalid(
            f"The username value in the POST body, {named}, does not match the username in the URL, {username}"
        )
    if "permission" not in fields:
        raise Invalid(
            "Missing permission field. Please specify a valid permission of READ, WRITE, or READ_WRITE."
        )
    return username or named, (bodies.text(fields, "permission") or "").strip()


def _query() -> Any:
    text = request.args.get("q", "")
    if not text.strip():
        return None
    try:
        return bodies.parse_json(text)
    except Invalid as error:
        reason = error.message.removeprefix("Invalid JSON found. ")
        raise Invalid(f"Malformed JSON Query, {reason}") from error


def _order_by(kind: RecordKind) -> str:
    orders = _ORDERS[kind]
    wanted = (request.args.get("orderBy") or request.args.get("sortBy") or "lastUpdated").strip().lower()
    for name, field in orders.items():
        if name.lower() == wanted:
            return field
    raise Invalid(f"Invalid order field. Please specify one of {','.join(orders)}")


def _descending() -> bool:
    wanted = (request.args.get("order") or request.args.get("sort") or "DESC").strip().upper()
    if wanted not in _DESCENDING:
        raise Invalid("Invalid order value. Please specify one of: ASC, DESC")
    return _DESCENDING[wanted]


def _name(body: Mapping[str, Any]) -> str:
    name = body.get("name")
    suffix = "attribute specified. Please provide a valid name for this metadata item."
    if name is None:
        raise Invalid(f"Unable to parse form. No name {suffix}")
    if isinstance(name, int | float):
        name = json.dumps(name)
    if not isinstance(name, str) or not name.strip():
        raise Invalid(f"Unable to parse form. Empty name {suffix}")
    if len(name) > LONGEST_NAME:
        raise Invalid(
            f"Unable to parse form. Invalid name attribute. A name has at most {LONGEST_NAME} characters."
        )
    return name


def _check_size(value: Any, field: str) -> None:
    try:
        size = len(json.dumps(value, separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode())
    except ValueError as error:
        raise Invalid(f"Invalid {field}. A number in it is too large.") from error
    if size > LARGEST_VALUE:
        raise Invalid(f"Invalid {field}. As JSON it may have at most {LARGEST_VALUE} bytes.")


def _associations(value: Any) -> tuple[str, ...]:
    uuids = [value] if isinstance(value, str) and value else value or []
    if not isinstance(uuids, list) or not all(isinstance(uuid, str) for uuid in uuids):
        raise Invalid("Invalid associationIds value. associationIds should be an JSON array of uuids.")
    if len(uuids) > MOST_ASSOCIATIONS:
        raise Invalid(
            f"Invalid associationIds value. A metadata item has at most {MOST_ASSOCIATIONS} of them."
        )
    for uuid in uuids:
        if type_of(uuid) is None:
            raise Invalid(f"No associated object found with uuid {uuid}")
    return tuple(dict.fromkeys(uuids))


def _schema_id(value: Any) -> str | None:
    if value is None or value == "":
        return None
    if not isinstance(value, str) or type_of(value) != "SCHEMA":
        raise Invalid("Invalid schemaId. Please specify the uuid of a metadata schema.")
    return value


def _grants(value: Any) -> tuple[tuple[str, str], ...]:
    elements = [] if value is None else value
    if not isinstance(elements, list):
        raise Invalid(_BAD_PERMISSIONS)
    grants = []
    for element in elements:
        username = element.get("username") if isinstance(element, dict) else None
        word = element.get("permission") if isinstance(element, dict) else None
        if not isinstance(username, str) or not username.strip() or not isinstance(word, str | None):
            raise Invalid(_BAD_PERMISSIONS)
        grants.append((username.strip(), (word or "").strip()))
    return tuple(grants)


def _notifications(value: Any) -> tuple[Any, ...]:
    elements = [] if value is None else value
    if not isinstance(elements, list) or not all(isinstance(element, dict) for element in elements):
        raise Invalid(_BAD_NOTIFICATIONS)
    return tuple(elements)
