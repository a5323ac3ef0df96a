"""Who is in a world: its tenant, users and clients, as a seed has them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import fields
from datetime import datetime
from typing import Any

from emulator.domain.document import to_document
from emulator.domain.identity import USERNAME, ApiClient, User, World, profile_uuid
from emulator.domain.ports import Ids
from emulator.seeds.checking import Mistake, check, unknown
from emulator.seeds.source import BadSeed, Source, told
from emulator.store.accounts import hashed

Entry = dict[str, Any]
_USER_FIELDS = tuple(field.name for field in fields(User) if field.name != "world")
_BESIDES = ("password", "password_hash", "default_systems")
_KNOWN = (*_USER_FIELDS, *_BESIDES)
_TENANT = ("code", "name", "uuid", "contacts", "admins", "status", "base_url")


def read_world(source: Source, name: str, ids: Ids, default_user: str) -> World:
    """The world's own record, not seeded yet. Raises BadSeed."""
    tenant = source.document["tenant"]
    for key in tenant:
        if key not in _TENANT:
            raise BadSeed(f"{source.file}: tenant.{key}: {unknown(str(key), _TENANT)}")
    contacts = tenant.get("contacts") or [{}]
    if not isinstance(contacts, list) or not isinstance(contacts[0], dict):
        raise BadSeed(f"{source.file}: tenant.contacts: must be a list of mappings")
    if not tenant.get("code"):
        raise BadSeed(f"{source.file}: tenant.code: is missing")
    world = World(
        name=name,
        tenant_id=tenant["code"],
        tenant_uuid=tenant.get("uuid") or ids.of(name).legacy("016"),
        tenant_name=tenant.get("name", tenant["code"]),
        default_user=source.document.get("default_user", default_user),
        contact_name=contacts[0].get("name", ""),
        contact_email=contacts[0].get("email", ""),
        status=str(tenant.get("status", "LIVE")).upper(),
        base_url=tenant.get("base_url"),
    )
    try:
        check(World, to_document(world), "tenant")
    except Mistake as mistake:
        raise told(source.file, "", mistake) from mistake
    return world


class People:
    """Reads the users of a seed."""

    def __init__(self, source: Source, world: World, now: datetime) -> None:
        self._source = source
        self._world = world
        self._now = now
        admins = source.document["tenant"].get("admins") or ()
        self._admins = {str(name).lower() for name in admins}  # in any case [auth §2.1]
        self._hashes: dict[str, str] = {}

    def entries(self) -> list[Entry]:
        """Entries of the shelf ``users``. Raises BadSeed, naming the entry."""
        found: dict[str, Entry] = {}
        for number, given in enumerate(self._spelled_out(), start=1):
            name = given.get("username")
            where = f"users: {name or f'entry {number}'}"
            try:
                entry = self._entry(given)
            except Mistake as mistake:
                raise told(self._source.file, where, mistake) from mistake
            if entry["record"]["username"] in found:
                raise BadSeed(f"{self._source.file}: {where}: is there twice")
            found[entry["record"]["username"]] = entry
        return list(found.values())

    def _entry(self, given: Mapping[str, Any]) -> Entry:
        for key in given:
            if key not in _KNOWN:
                raise Mistake(str(key), unknown(str(key), _KNOWN))
        username = str(given.get("username", ""))
        if not USERNAME.fullmatch(username):
            raise Mistake("username", f"must match {USERNAME.pattern}")
        record: Entry = {name: given[name] for name in _USER_FIELDS if given.get(name) is not None}
        record |= {
            "username": username,
            "email": str(given.get("email", "")).replace("{username}", username),
            "phone": str(given.get("phone") or ""),
            "admin": given.get("admin") is True or username.lower() in self._admins,
            "roles": list(given.get("roles") or ()),
            "created": to_document(given.get("created") or self._now),
            "uuid": given.get("uuid") or profile_uuid(self._world.tenant_uuid, username),
        }
        check(User, record, "", without=("world",))
        defaults = given.get("default_systems") or {}
        check_texts(defaults, "default_systems")
        return {"record": record, "password_hash": self._hash(given), "default_systems": defaults}

    def _hash(self, given: Mapping[str, Any]) -> str:
        """Each password is hashed once, as a class with forty students and one password wants."""
        if given.get("password_hash"):
            return str(given["password_hash"])
        if given.get("password") is None:
            raise Mistake("password", "is missing")
        password = str(given["password"])
        if password not in self._hashes:
            self._hashes[password] = hashed(password)
        return self._hashes[password]

    def _spelled_out(self) -> Iterator[Entry]:
        """Every entry with its defaults filled in, ranges spelled out."""
        defaults = self._source.document.get("user_defaults", {})
        for number, entry in enumerate(self._source.document.get("users", ()), start=1):
            where = f"{self._source.file}: users: entry {number}"
            if not isinstance(entry, dict):
                raise BadSeed(f"{where}: must be a mapping")
            if "range" not in entry:
                # a hash is a password of one's own
                given = {"password": None} | entry if entry.get("password_hash") else entry
                yield defaults | given
                continue
            try:
                yield from (defaults | one for one in _range(entry["range"]))
            except (KeyError, TypeError, ValueError, IndexError, ZeroDivisionError) as error:
                raise BadSeed(f"{where}: range: {type(error).__name__} {error}") from error


def _range(span: Mapping[str, Any]) -> Iterator[Entry]:
    first_names, last_names = span["first_names"], span["last_names"]
    for place, number in enumerate(range(span["first"], span["last"] + 1)):
        yield {
            "username": f"{span['prefix']}{number:0{span['digits']}d}",
            "first_name": first_names[place % len(first_names)],
            "last_name": last_names[place // len(first_names) % len(last_names)],
        }


def read_clients(source: Source, world: World, ids: Ids) -> list[Entry]:
    """Entries of the shelf ``clients``: OAuth clients, whose key and secret are drawn where they are not given."""
    found = []
    drawn = ids.of(world.name)
    for number, entry in enumerate(source.document.get("clients", ()), start=1):
        where = f"clients: {entry.get('name') if isinstance(entry, dict) else ''} (entry {number})"
        if not isinstance(entry, dict):
            raise BadSeed(f"{source.file}: {where}: must be a mapping")
        record = {"owner": world.default_user} | entry
        record.setdefault("key", drawn.key())
        record.setdefault("secret", drawn.key())
        try:
            check(ApiClient, record, "", without=("world",))
        except Mistake as mistake:
            raise told(source.file, where, mistake) from mistake
        found.append({"record": record})
    return found


def check_texts(given: Any, at: str) -> None:
    """Raises Mistake unless it is a mapping of texts to texts."""
    if not isinstance(given, dict) or not all(isinstance(value, str) for value in given.values()):
        raise Mistake(at, "must be a mapping of names to words")
