"""Metadata items, schemas and permissions as the service shows them [postits §B]."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import quote

from flask import request

from emulator.api.edge import caller, services
from emulator.api.v2.wire import chicago, link
from emulator.domain.metadata import MetadataGrant, MetadataRecord, RecordKind
from emulator.domain.uuids import resource_path, type_of

# their URLs do not hold the uuid
_BY_ID = ("PROFILE", "FILE", "SYSTEM", "APP")


def record_fields(record: MetadataRecord) -> dict[str, Any]:
    """All but the links; also the body of webhooks."""
    if record.kind is RecordKind.SCHEMA:
        return {
            "uuid": record.uuid,
            "internalUsername": None,
            "lastUpdated": chicago(record.last_updated),
            "schema": record.content,
            "created": chicago(record.created),
            "owner": record.owner,
        }
    return {
        "uuid": record.uuid,
        "schemaId": record.schema_id,
        "internalUsername": None,
        "owner": record.owner,
        "associationIds": list(record.association_ids),
        "name": record.name,
        "value": record.content,
        "created": chicago(record.created),
        "lastUpdated": chicago(record.last_updated),
    }


def records(found: Iterable[MetadataRecord]) -> list[dict[str, Any]]:
    """Records as answers show them; what links lead to is looked up only where links are asked for."""
    page = list(found)
    if not _shows_links():
        return [record_fields(record) for record in page]
    paths = services().metadata.association_paths(caller(), page)
    return [record_fields(record) | {"_links": _links(record, paths)} for record in page]


def record(found: MetadataRecord) -> dict[str, Any]:
    """One record."""
    return records([found])[0]


def full(found: MetadataRecord) -> dict[str, Any]:
    """One record outside any request, for messages: what it is about has links where the uuid tells them."""
    paths = {
        uuid: path
        for uuid in found.association_ids
        if type_of(uuid) not in _BY_ID and (path := resource_path(type_of(uuid) or "", uuid)) is not None
    }
    return record_fields(found) | {"_links": _links(found, paths)}


def grant(kind: RecordKind, uuid: str, given: MetadataGrant) -> dict[str, Any]:
    """A permission; there is no execute."""
    home, user = record_path(kind, uuid), quote(given.username, safe="")
    return {
        "username": given.username,
        "permission": {"read": given.read, "write": given.write},
        "_links": {
            "self": link(f"{home}/pems/{user}"),
            "parent": link(home),
            "profile": link(f"profiles/v2/{user}"),
        },
    }


def record_path(kind: RecordKind, uuid: str) -> str:
    """The path of a record's URL below the base URL."""
    path = resource_path(kind.value, uuid)
    assert path is not None
    return path


def _links(shown: MetadataRecord, paths: Mapping[str, str]) -> dict[str, Any]:
    home = record_path(shown.kind, shown.uuid)
    links: dict[str, Any] = {
        "self": link(home),
        "permissions": link(f"{home}/pems"),
        "owner": link(f"profiles/v2/{quote(shown.owner, safe='')}"),
    }
    if shown.kind is RecordKind.ITEM:
        links["associationIds"] = [_association(uuid, paths.get(uuid)) for uuid in shown.association_ids]
    if shown.schema_id is not None:
        links["schema"] = link(record_path(RecordKind.SCHEMA, shown.schema_id))
    return links


def _association(uuid: str, path: str | None) -> dict[str, Any]:
    href = None if path is None else link(path)["href"]
    return {"rel": uuid, "href": href, "title": (type_of(uuid) or "").lower()}


def _shows_links() -> bool:
    names = [name.strip() for name in request.args.get("filter", "").split(",") if name.strip()]
    return not names or any(name == "*" or name.startswith("_links") for name in names)
