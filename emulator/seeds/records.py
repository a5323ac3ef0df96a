"""The records of a seed: those of a snapshot, and those that somebody has written in the same way."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import fields
from datetime import datetime
from pathlib import Path
from typing import Any

from emulator.domain.document import to_document
from emulator.domain.event import Event
from emulator.domain.file import PERMISSION_WORDS
from emulator.domain.identity import World
from emulator.domain.ports import Chance, Ids
from emulator.domain.system import Role
from emulator.seeds.checking import Mistake, check, unknown
from emulator.seeds.people import check_texts
from emulator.seeds.source import BadSeed, Source, told
from emulator.store.world_records import RECORDS

Entry = dict[str, Any]
FOLDERS = ("systems", "apps", "jobs", "metadata", "notifications", "postits")
LISTS = ("files", "history")
_OWN = ("world", "seq")
_UNIQUE = ("systems", "apps", "jobs")


def called(shelf: str, record: Mapping[str, Any]) -> str:
    """What people call an entry by: an app has no id of its own, but name, version and publication."""
    if shelf == "apps":
        private = f"{record['name']}-{record['version']}"
        return f"{private}u{record.get('revision', 1)}" if record.get("public") else private
    return str(record["uuid"] if shelf == "metadata" else record["id"])


class RecordReader:
    """Reads the entries of every shelf but those of people; what cannot be is told with file and entry."""

    def __init__(self, source: Source, world: World, ids: Ids, now: datetime) -> None:
        self._source = source
        self._world = world
        self._chance: Chance = ids.of(world.name)
        self._now = to_document(now)

    def entries(self) -> dict[str, list[Entry]]:
        """By shelf. Files of a folder that hold no record are not among them. Raises BadSeed."""
        found: dict[str, list[Entry]] = {}
        for shelf in FOLDERS:
            read = (
                self._entry(path, "", shelf, document)
                for path, document in self._source.entries(shelf)
                if "record" in document or shelf not in ("systems", "apps")
            )
            found[shelf] = list(read)
        for shelf in LISTS:
            path = self._source.file.parent / f"{shelf}.json"
            found[shelf] = [
                self._entry(path, f"entry {number}", shelf, document)
                for number, document in enumerate(self._source.list_file(path.name), start=1)
            ]
        for shelf in _UNIQUE:
            self._no_two(shelf, found[shelf])
        return found

    def _entry(self, path: Path, where: str, shelf: str, document: Any) -> Entry:
        try:
            return self._checked(shelf, document)
        except Mistake as mistake:
            raise told(path, where, mistake) from mistake

    def _checked(self, shelf: str, document: Any) -> Entry:
        if not isinstance(document, dict):
            raise Mistake("", "must be a mapping")
        besides: dict[str, Callable[[Any, str], None]] = {
            "history": _check_history,
            **_BESIDES.get(shelf, {}),
        }
        if shelf == "history":
            besides = {}
        for name in document:
            if name != "record" and name not in besides:
                raise Mistake(name, unknown(name, ("record", *besides)))
        record = document.get("record")
        if not isinstance(record, dict):
            raise Mistake("record", "is missing" if record is None else "must be a mapping")
        record = self._filled(shelf, record)
        check(RECORDS[shelf], record, "record", without=_OWN)
        if shelf == "jobs":
            _check_ended(record)
        for name, check_one in besides.items():
            if name in document:
                check_one(document[name], name)
        return document | {"record": record}

    def _filled(self, shelf: str, record: Entry) -> Entry:
        """What nobody wants to write by hand: uuid, owner and times."""
        given = {field.name for field in fields(RECORDS[shelf])}
        plain = {"owner": self._world.default_user, "created": self._now, "last_updated": self._now}
        filled = {name: value for name, value in plain.items() if name in given} | record
        for name in ("uuid", "id"):
            if name in given and name not in filled and shelf in _DRAWN:
                filled[name] = _DRAWN[shelf](self._chance, record)
                break
        return filled

    def _no_two(self, shelf: str, entries: list[Entry]) -> None:
        seen: set[str] = set()
        for entry in entries:
            name = called(shelf, entry["record"])
            if name.lower() in seen:
                raise BadSeed(f"{self._source.file.parent / shelf}: {name} is there twice")
            seen.add(name.lower())


_DRAWN: Mapping[str, Callable[[Chance, Entry], str]] = {
    "systems": lambda chance, _: chance.legacy("006"),
    "apps": lambda chance, _: chance.legacy("005"),
    "files": lambda chance, _: chance.legacy("002"),
    "metadata": lambda chance, record: chance.legacy("013" if record.get("kind") == "schema" else "012"),
    "notifications": lambda chance, _: chance.legacy("011"),
    "postits": lambda chance, _: chance.postit(),
}


def _check_ended(record: Mapping[str, Any]) -> None:
    from emulator.domain.states import JobState

    if not JobState(record["status"]).terminal:
        raise Mistake("record.status", "must be that of a job that has ended: FINISHED, FAILED or STOPPED")
    if record.get("handle") is not None:
        raise Mistake("record.handle", "must be null: nothing runs in a seed")


def _check_history(given: Any, at: str) -> None:
    for number, event in _list(given, at):
        check(Event, event, f"{at}[{number}]", without=(*_OWN, "subject"))


def _check_roles(given: Any, at: str) -> None:
    check_texts(given, at)
    for name, word in given.items():
        if word not in Role.__members__:
            raise Mistake(f"{at}.{name}", f"must be one of {', '.join(Role.__members__)}")


def _check_rights(given: Any, at: str) -> None:
    check_texts(given, at)
    for name, word in given.items():
        _check_word(word, f"{at}.{name}")


def _check_file_rights(given: Any, at: str) -> None:
    for name, right in _mapping(given, at):
        _check_word(_get(right, "permission", at), f"{at}.{name}.permission")


def _check_metadata_rights(given: Any, at: str) -> None:
    for name, right in _mapping(given, at):
        if not isinstance(right, dict) or not set(right) <= {"read", "write"}:
            raise Mistake(f"{at}.{name}", "must be {read: true or false, write: true or false}")


def _check_attempts(given: Any, at: str) -> None:
    from emulator.domain.notification import Attempt

    for number, attempt in _list(given, at):
        check(Attempt, attempt, f"{at}[{number}]", without=("world", "notification_id"))


def _check_internal(given: Any, at: str) -> None:
    from emulator.domain.credentials import Credential

    for number, one in _list(given, at):
        shown = {name: value for name, value in one.items() if name != "secret"}
        check(Credential, shown, f"{at}[{number}]")
        if not isinstance(one.get("secret"), dict):
            raise Mistake(f"{at}[{number}].secret", "must be a mapping")


def _check_mapping(given: Any, at: str) -> None:
    if not isinstance(given, dict):
        raise Mistake(at, "must be a mapping")


def _check_word(word: Any, at: str) -> None:
    if word not in PERMISSION_WORDS:
        raise Mistake(at, f"must be one of {', '.join(PERMISSION_WORDS)}")


def _check_since(given: Any, at: str) -> None:
    check_texts(given, at)
    for name, text in given.items():
        try:
            datetime.fromisoformat(text)
        except ValueError as error:
            raise Mistake(f"{at}.{name}", "must be a time") from error


_BESIDES: Mapping[str, Mapping[str, Callable[[Any, str], None]]] = {
    "systems": {
        "roles": _check_roles,
        "credentials": _check_mapping,
        "credentials_since": _check_since,
        "internal_credentials": _check_internal,
    },
    "apps": {"grants": _check_rights},
    "files": {"grants": _check_file_rights},
    "jobs": {"permissions": check_texts},
    "metadata": {"grants": _check_metadata_rights},
    "notifications": {"attempts": _check_attempts},
    "postits": {},
}


def _list(given: Any, at: str) -> Iterator[tuple[int, Entry]]:
    if not isinstance(given, list) or not all(isinstance(one, dict) for one in given):
        raise Mistake(at, "must be a list of mappings")
    yield from enumerate(given)


def _mapping(given: Any, at: str) -> Iterator[tuple[str, Any]]:
    _check_mapping(given, at)
    yield from given.items()


def _get(given: Any, name: str, at: str) -> Any:
    _check_mapping(given, at)
    return given.get(name)
