"""Metadata items and metadata schemas: JSON documents of users, and who may read and change them [postits §B]."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

LONGEST_NAME = 256
LARGEST_VALUE = 5 * 1024 * 1024
"""Of a value or schema as compact JSON, in bytes."""
MOST_ASSOCIATIONS = 1000


class RecordKind(StrEnum):
    """The two collections; both are found, shared and described in the same way."""

    ITEM = "metadata"
    SCHEMA = "schema"

    @property
    def content_field(self) -> str:
        """What queries and answers call the content."""
        return "value" if self is RecordKind.ITEM else "schema"


@dataclass(frozen=True, slots=True, kw_only=True)
class MetadataRecord:
    """One item (``content`` is its value: any JSON) or one schema (``content`` is a JSON Schema).

    Schemas have no name, associations or schema of their own.
    """

    world: str
    kind: RecordKind
    uuid: str
    owner: str
    content: Any
    created: datetime
    last_updated: datetime
    name: str = ""
    association_ids: tuple[str, ...] = ()
    schema_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class MetadataGrant:
    """What a user was given on a record; the pseudo-users ``public`` and ``world`` stand for everybody."""

    username: str
    read: bool = False
    write: bool = False

    def __bool__(self) -> bool:
        return self.read or self.write


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemForm:
    """A body that creates or changes an item, as read by the dialect. What ``given`` does not name is absent.

    ``grants`` are pairs of a username and a word, ``notifications`` the unchecked elements of the body.
    """

    given: frozenset[str]
    name: str = ""
    value: Any = None
    association_ids: tuple[str, ...] = ()
    schema_id: str | None = None
    grants: tuple[tuple[str, str], ...] = ()
    notifications: tuple[Any, ...] = ()


def queried_document(record: MetadataRecord, tenant_id: str) -> Mapping[str, Any]:
    """The record as queries see it: names of the service, points in time as datetimes [postits §B.3]."""
    common = {
        "uuid": record.uuid,
        "owner": record.owner,
        "tenantId": tenant_id,
        "internalUsername": None,
        "created": record.created,
        "lastUpdated": record.last_updated,
        record.kind.content_field: record.content,
    }
    if record.kind is RecordKind.SCHEMA:
        return common
    return common | {
        "name": record.name,
        "associationIds": list(record.association_ids),
        "schemaId": record.schema_id,
    }
