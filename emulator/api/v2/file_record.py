"""How files look to clients: lines of a listing, file objects, history, permissions [files §4, §6.3, §9, §10]."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from emulator.api.edge import base_url
from emulator.api.v2 import progress_record
from emulator.api.v2.mime_types import DIRECTORY, mime_type
from emulator.api.v2.wire import chicago, file_url, link, metadata_link
from emulator.domain.event import Event
from emulator.domain.file import LogicalFile
from emulator.domain.paths import shown
from emulator.domain.system import System
from emulator.services.file_index import Indexed
from emulator.services.file_pages import Entry, Listing
from emulator.services.file_permissions import FilePem
from emulator.services.file_places import Place
from emulator.services.file_staging import Accepted

_DIRECTORY_LENGTH = 4096


def public_link(system: System, path: str) -> str:
    """The URL of a virtual path."""
    return base_url() + file_url(system.id, shown(path))


def listing_lines(listing: Listing) -> list[dict[str, Any]]:
    lines = [_line(listing.place.system, entry) for entry in listing.entries]
    if lines and listing.entries[0].path == listing.place.path:
        record = listing.record
        lines[0]["_links"] |= {
            "metadata": metadata_link(record.uuid, slash=""),
            "history": link(file_url(record.system_id, record.path, "history")),
        }
    return lines


def index_lines(indexed: Indexed) -> list[dict[str, Any]]:
    """As of a listing, each with an identity; the first with the path as it was asked for [files §11]."""
    lines = listing_lines(indexed.listing)
    for line, entry in zip(lines, indexed.listing.entries, strict=True):
        record = indexed.records.get(entry.path)
        line["uuid"] = record.uuid if record else None
        if record:
            line["_links"]["profile"] = link(f"profiles/v2/{quote(record.owner)}")
        if entry.path == indexed.listing.place.path:
            line["path"] = indexed.listing.place.asked
    return lines


def accepted(taken: Accepted) -> dict[str, Any]:
    """The answer to uploads and imports: with what they have subscribed to [files §6.3]."""
    answer = file_object(taken.record)
    answer["_links"]["notification"] = [
        link(f"notifications/v2/{one.id}") | {"title": one.event} for one in taken.subscriptions
    ]
    return answer


def file_object(record: LogicalFile) -> dict[str, Any]:
    """The answer to uploads and actions."""
    return {
        "name": record.name,
        "uuid": record.uuid,
        "owner": record.owner,
        "internalUsername": None,
        "lastModified": chicago(record.last_updated),
        "source": record.source,
        "path": record.path,
        "status": record.status,
        "systemId": record.system_id,
        "nativeFormat": record.native_format,
        "_links": {
            "self": link(file_url(record.system_id, record.path)),
            "system": link(f"systems/v2/{record.system_id}"),
            "profile": link(f"profiles/v2/{quote(record.owner)}"),
            "history": link(file_url(record.system_id, record.path, "history")),
        },
    }


def history_line(event: Event) -> dict[str, Any]:
    line = {
        "status": event.status,
        "created": chicago(event.created),
        "createdBy": event.created_by,
        "description": event.description,
    }
    return line if event.progress is None else line | {"progress": progress_record.shown(event.progress)}


def pem_line(place: Place, pem: FilePem) -> dict[str, Any]:
    # the path as it was asked for, with empty segments dropped [files §10]
    asked = "/".join(segment for segment in place.asked.split("/") if segment)
    user = quote(pem.username, safe="")
    return {
        "username": pem.username,
        "internalUsername": None,
        "permission": {
            "read": pem.permission.read,
            "write": pem.permission.write,
            "execute": pem.permission.execute,
        },
        "recursive": pem.recursive,
        "_links": {
            "self": link(f"{file_url(place.system.id, asked, 'pems')}?username.eq={user}"),
            "file": link(file_url(place.system.id, asked)),
            "profile": link(f"profiles/v2/{user}"),
        },
    }


def _line(system: System, entry: Entry) -> dict[str, Any]:
    info, path = entry.info, shown(entry.path)
    return {
        "name": shown(entry.name),
        "path": path,
        "lastModified": chicago(info.last_modified),
        "length": _DIRECTORY_LENGTH if info.is_dir else info.length,
        "permissions": entry.permission.word,
        "format": "folder" if info.is_dir else "raw",
        "mimeType": DIRECTORY if info.is_dir else mime_type(info.name),
        "type": "dir" if info.is_dir else "file",
        "system": system.id,
        "_links": {
            "self": link(file_url(system.id, path)),
            "system": link(f"systems/v2/{system.id}"),
        },
    }
