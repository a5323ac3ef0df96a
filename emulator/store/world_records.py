"""A world's records as documents that people can read and change: what a snapshot holds, and a seed gives.

Each document is the domain's own record (see domain/document.py) without its world, with what hangs on it:
permissions, history, delivery attempts. What is of the moment stays out: tokens, messages on their way.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, Select, insert, select

from emulator.domain.app import App
from emulator.domain.credentials import Credential
from emulator.domain.document import from_document, to_document
from emulator.domain.event import Event
from emulator.domain.file import PERMISSION_WORDS, FileGrant, LogicalFile, permission_from_word
from emulator.domain.identity import ApiClient, User
from emulator.domain.job import Job, JobGrant
from emulator.domain.metadata import MetadataGrant, MetadataRecord
from emulator.domain.notification import Attempt, Subscription
from emulator.domain.postit import Postit
from emulator.domain.system import Role, System, SystemRole, SystemType
from emulator.store import tables
from emulator.store.apps import AppRows
from emulator.store.attempts import AttemptRows
from emulator.store.credentials import CredentialRows
from emulator.store.files import FileRows
from emulator.store.jobs import JobRows
from emulator.store.metadata import MetadataRows
from emulator.store.postits import PostitRows
from emulator.store.subscriptions import SubscriptionRows
from emulator.store.systems import SystemRows
from emulator.store.tokens import ClientRows
from emulator.store.worlds import belongs

Entry = dict[str, Any]
Records = Mapping[str, list[Entry]]
"""Entries by shelf: users, clients, systems, apps, files, jobs, metadata, notifications, postits, history."""

RECORDS: Mapping[str, type[Any]] = {
    "users": User,
    "clients": ApiClient,
    "systems": System,
    "apps": App,
    "files": LogicalFile,
    "jobs": Job,
    "metadata": MetadataRecord,
    "notifications": Subscription,
    "postits": Postit,
    "history": Event,
}
"""What an entry's ``record`` is, by shelf. The order is that in which they can be put in place."""
_MOST_ATTEMPTS = 1_000_000
_OWN = ("world", "seq")
_PEOPLE = ("users", "clients")
"""What happened to them stands on the shelf of other histories."""


class WorldRecords:
    """Reading and writing all records of one world."""

    def __init__(self, connection: Connection, world: str) -> None:
        self._connection = connection
        self._world = world

    # out

    def read(self) -> dict[str, list[Entry]]:
        """All there is, in an order that is the same for the same records."""
        histories = self._histories()
        found: dict[str, list[Entry]] = {
            "users": self._users(),
            "clients": [
                _entry(from_document(ApiClient, row.document))
                for row in self._rows(tables.clients, "owner", "name")
            ],
            "systems": self._systems(),
            "apps": self._apps(),
            "files": self._files(),
            "jobs": self._jobs(),
            "metadata": self._metadata(),
            "notifications": self._notifications(),
            "postits": [
                _entry(Postit(**row._mapping)) for row in self._rows(tables.postits, "created", "id")
            ],
        }
        for entry in (entry for name, shelf in found.items() if name not in _PEOPLE for entry in shelf):
            own = histories.pop(_key(entry["record"]), None)
            if own:
                entry["history"] = own
        found["history"] = [
            {"record": {"subject": subject} | event}
            for subject, events in histories.items()
            for event in events
        ]
        return found

    def _users(self) -> list[Entry]:
        defaults: dict[str, dict[str, str]] = defaultdict(dict)
        for row in self._rows(tables.user_defaults, "username", "type"):
            defaults[row.username][row.type] = row.system_id
        return [
            _entry(from_document(User, row.document))
            | {"password_hash": row.password_hash, "default_systems": defaults[row.username]}
            for row in self._rows(tables.users, "username")
        ]

    def _systems(self) -> list[Entry]:
        found = []
        for row in self._rows(tables.systems, "id", "uuid"):
            system = from_document(System, row.document)
            entry = _entry(system) | {
                "roles": {
                    role.username: role.role.name for role in SystemRows(self._connection).roles(system)
                },
                "credentials": row.credentials,
                "credentials_since": row.credentials_since or {},
                "internal_credentials": self._internal(system),
            }
            found.append(entry)
        return found

    def _internal(self, system: System) -> list[Entry]:
        table = tables.internal_credentials
        query = select(table).where(table.c.system_uuid == system.uuid).order_by("username", "part")
        return [
            {
                "username": row.username,
                "part": row.part,
                "shape": row.shape,
                "secret": row.secret,
                "created": to_document(row.created),
            }
            for row in self._connection.execute(query)
        ]

    def _apps(self) -> list[Entry]:
        rows = AppRows(self._connection)
        apps = [from_document(App, row.document) for row in self._rows(tables.apps, "id", "uuid")]
        return [
            _entry(app) | {"grants": {name: right.word for name, right in rows.grants(app).items()}}
            for app in apps
        ]

    def _files(self) -> list[Entry]:
        rights: dict[str, dict[str, Entry]] = defaultdict(dict)
        grants = tables.file_grants
        query = select(grants).where(belongs(grants, self._world)).order_by(*grants.primary_key)
        for row in self._connection.execute(query):
            word = PERMISSION_WORDS[row.bits]
            rights[row.file_uuid][row.username] = {"permission": word, "recursive": row.recursive}
        return [
            _entry(LogicalFile(**row._mapping)) | {"grants": rights[row.uuid]}
            for row in self._rows(tables.files, "system_id", "path")
        ]

    def _jobs(self) -> list[Entry]:
        grants = tables.job_grants
        given: dict[str, dict[str, str]] = defaultdict(dict)
        query = select(grants).where(belongs(grants, self._world)).order_by(*grants.primary_key)
        for row in self._connection.execute(query):
            given[row.job_id][row.username] = row.permission
        jobs = JobRows(self._connection).of_world(self._world)
        return [_entry(job) | {"permissions": given[job.id]} for job in jobs]

    def _metadata(self) -> list[Entry]:
        rows = MetadataRows(self._connection)
        found = []
        for row in self._rows(tables.metadata_records, "seq"):
            record = from_document(MetadataRecord, row.document)
            grants = {g.username: {"read": g.read, "write": g.write} for g in rows.grants(record)}
            found.append(_entry(record) | {"grants": grants})
        return found

    def _notifications(self) -> list[Entry]:
        rows = AttemptRows(self._connection)
        found = []
        for row in self._rows(tables.subscriptions, "created", "id"):
            attempts = [_document(attempt) for attempt in reversed(rows.of(row.id))]
            for attempt in attempts:
                del attempt["notification_id"]
            found.append(_entry(from_document(Subscription, row.document)) | {"attempts": attempts})
        return found

    def _histories(self) -> dict[str, list[Entry]]:
        """Entries of histories by what they tell of, each without that."""
        found: dict[str, list[Entry]] = {}
        for row in self._rows(tables.events, "seq"):
            event = _document(Event(**row._mapping))
            found.setdefault(event.pop("subject"), []).append(event)
        return found

    def _rows(self, table: Any, *order: str) -> Iterable[Row[Any]]:
        query: Select[Any] = select(table).where(table.c.world == self._world).order_by(*order)
        return self._connection.execute(query)

    # in

    def write(self, records: Records) -> None:
        """Put them in place beside what is there. ValueError, KeyError, TypeError for what makes no record."""
        jobs: list[Entry] = []
        put: dict[str, Callable[[Entry], None]] = {
            "clients": lambda entry: ClientRows(self._connection).add(self._record(ApiClient, entry)),
            "systems": self._put_system,
            "apps": self._put_app,
            "files": self._put_file,
            "jobs": jobs.append,
            "metadata": self._put_metadata,
            "notifications": self._put_notification,
            "postits": lambda entry: PostitRows(self._connection).add(self._record(Postit, entry)),
        }
        self._put_users(records.get("users", []))
        events: list[Event] = []
        for shelf, put_one in put.items():
            for entry in records.get(shelf, []):
                put_one(entry)
                subject = _key(entry["record"])
                events += [
                    self._record(Event, {"record": {"subject": subject} | event})
                    for event in entry.get("history", [])
                ]
        events += [self._record(Event, entry) for entry in records.get("history", [])]
        self._put_jobs(jobs)
        self._put_events(events)

    def _record(self, kind: type[Any], entry: Entry) -> Any:
        return from_document(kind, entry["record"] | {"world": self._world})

    def _put_users(self, entries: list[Entry]) -> None:
        rows = []
        for entry in entries:
            user: User = self._record(User, entry)
            rows.append(
                {
                    "world": user.world,
                    "username": user.username,
                    "password_hash": entry["password_hash"],
                    "email": user.email,
                    "document": to_document(user),
                }
            )
            for kind, system_id in entry.get("default_systems", {}).items():
                SystemRows(self._connection).set_user_default(
                    self._world, user.username, SystemType(kind), system_id
                )
        if rows:
            self._connection.execute(insert(tables.users), rows)

    def _put_system(self, entry: Entry) -> None:
        system: System = self._record(System, entry)
        rows, secrets = SystemRows(self._connection), CredentialRows(self._connection)
        rows.add(system, entry.get("credentials", {}))
        for part, when in entry.get("credentials_since", {}).items():
            secrets.note_own(system, [part], datetime.fromisoformat(when))
        for username, word in entry.get("roles", {}).items():
            rows.set_role(SystemRole(system_uuid=system.uuid, username=username, role=Role[word]))
        for one in entry.get("internal_credentials", []):
            shown = {name: value for name, value in one.items() if name != "secret"}
            secrets.put_internal(system, from_document(Credential, shown), one["secret"])

    def _put_app(self, entry: Entry) -> None:
        app: App = self._record(App, entry)
        rows = AppRows(self._connection)
        rows.add(app)
        for username, word in entry.get("grants", {}).items():
            rows.set_grant(app, username, _permission(word))

    def _put_file(self, entry: Entry) -> None:
        file: LogicalFile = self._record(LogicalFile, entry)
        rows = FileRows(self._connection)
        rows.add(file)
        for username, given in entry.get("grants", {}).items():
            right, recursive = _permission(given["permission"]), bool(given.get("recursive"))
            rows.set_grant(
                FileGrant(file_uuid=file.uuid, username=username, permission=right, recursive=recursive)
            )

    def _put_jobs(self, entries: list[Entry]) -> None:
        rows = JobRows(self._connection)
        rows.add_all(self._record(Job, entry) for entry in entries)
        for entry in entries:
            job_id = entry["record"]["id"]
            for username, permission in entry.get("permissions", {}).items():
                rows.set_grant(JobGrant(job_id=job_id, username=username, permission=permission))

    def _put_metadata(self, entry: Entry) -> None:
        record: MetadataRecord = self._record(MetadataRecord, entry)
        rows = MetadataRows(self._connection)
        rows.add(record)
        for username, given in entry.get("grants", {}).items():
            rows.set_grant(record, MetadataGrant(username=username, **given))

    def _put_notification(self, entry: Entry) -> None:
        subscription: Subscription = self._record(Subscription, entry)
        SubscriptionRows(self._connection).add(subscription)
        for one in entry.get("attempts", []):
            document = one | {"world": self._world, "notification_id": subscription.id}
            AttemptRows(self._connection).add(from_document(Attempt, document), most=_MOST_ATTEMPTS)

    def _put_events(self, events: list[Event]) -> None:
        names = [name for name in Event.__slots__ if name != "seq"]
        if events:
            rows = [{name: getattr(event, name) for name in names} for event in events]
            self._connection.execute(insert(tables.events), rows)


def _entry(record: Any) -> Entry:
    return {"record": _document(record)}


def _document(record: Any) -> Entry:
    document: Entry = to_document(record)
    return {name: value for name, value in document.items() if name not in _OWN}


def _key(record: Mapping[str, Any]) -> str:
    """What histories name a resource by."""
    return str(record.get("uuid") or record.get("id") or "")


def _permission(word: str) -> Any:
    found = permission_from_word(word)
    if found is None:
        raise ValueError(f"there is no permission {word!r}; there are {', '.join(PERMISSION_WORDS)}")
    return found
