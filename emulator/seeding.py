"""What a new data directory starts with: a world from a seed file [fixtures/seeds/tacc.prod.yaml tells its shape].

Every step first looks whether its part is there already, so a start that was killed half way is simply done
again; once all is in place the world is marked, and what users change later stays theirs.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from emulator.api.v2.schemas import read_app, read_system
from emulator.domain.credentials import storage_account
from emulator.domain.errors import EmulatorError
from emulator.domain.file import permission_from_word
from emulator.domain.identity import Caller, User, World, profile_uuid
from emulator.domain.paths import host_path, join, virtual_path
from emulator.domain.ports import Clocks, HostFiles, Hosts, Ids
from emulator.domain.system import Role, SystemRole
from emulator.resources import fixtures
from emulator.services import Services
from emulator.settings import Settings
from emulator.store import Store

DEFAULT_WORLD = "default"
_ADMIN = "admin"


class BadSeed(Exception):
    """A seed file that cannot be read or says something impossible; the text names file and entry."""


class Seeder:
    """Puts one seed file's world in place."""

    def __init__(
        self, services: Services, hosts: Hosts, store: Store, clocks: Clocks, ids: Ids, settings: Settings
    ) -> None:
        self._services = services
        self._hosts = hosts
        self._store = store
        self._clocks = clocks
        self._ids = ids
        self._settings = settings
        named = settings.seed_file
        self._file = Path(named) if named else fixtures() / "seeds" / "tacc.prod.yaml"

    def seed(self, world_name: str = DEFAULT_WORLD) -> None:
        """Make the world unless it is complete. Raises BadSeed; the next start then tries again."""
        with self._store.read() as tx:
            world = tx.accounts.world(world_name)
        if world is not None and world.seeded:
            return
        try:
            document = self._read()
            if world is None:
                world = self._add_accounts(world_name, document)
            for entry in document.get("systems") or ():
                self._add_system(world, entry)
            for entry in document.get("apps") or ():
                self._add_app(world, entry)
        except EmulatorError as error:
            raise BadSeed(f"{self._file}: {error.message}") from error
        except (KeyError, TypeError, AttributeError, OSError, ValueError) as error:
            raise BadSeed(f"{self._file}: {type(error).__name__} {error}") from error
        with self._store.write() as tx:
            tx.accounts.save_world(replace(world, seeded=True))

    def _read(self) -> dict[str, Any]:
        import yaml

        try:
            # the C loader is ten times as quick, where the library has it
            loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
            document = yaml.load(self._file.read_text(encoding="utf-8"), Loader=loader)
        except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
            raise BadSeed(f"{self._file}: {error}") from error
        if not isinstance(document, dict):
            raise BadSeed(f"{self._file}: expected a mapping with tenant, users, systems and apps")
        return document

    def _add_accounts(self, name: str, document: Mapping[str, Any]) -> World:
        """The world and its users, in one transaction."""
        tenant = document["tenant"]
        contact = (tenant.get("contacts") or [{}])[0]
        world = World(
            name=name,
            tenant_id=tenant["code"],
            tenant_uuid=self._ids.of(name).legacy("016"),
            tenant_name=tenant.get("name", tenant["code"]),
            default_user=document.get("default_user", self._settings.default_user),
            contact_name=contact.get("name", ""),
            contact_email=contact.get("email", ""),
            status=str(tenant.get("status", "LIVE")).upper(),
        )
        admins = {str(name).lower() for name in tenant.get("admins") or ()}
        by_password: dict[str, list[User]] = {}
        for entry in _people(document):
            by_password.setdefault(str(entry["password"]), []).append(self._user(world, entry, admins))
        with self._store.write() as tx:
            tx.accounts.add_world(world)
            for password, users in by_password.items():
                tx.accounts.add_users(users, password)
        return world

    def _user(self, world: World, entry: Mapping[str, Any], admins: set[str]) -> User:
        username = str(entry["username"])
        return User(
            world=world.name,
            username=username,
            email=str(entry.get("email", "")).replace("{username}", username),
            first_name=entry.get("first_name", ""),
            last_name=entry.get("last_name", ""),
            phone=str(entry.get("phone", "")),
            admin=username.lower() in admins,  # in any case [auth §2.1]
            roles=tuple(entry.get("roles") or ()),
            created=self._clocks.of(world.name).now(),
            uuid=profile_uuid(world.tenant_uuid, username),
        )

    def _add_system(self, world: World, entry: Mapping[str, Any]) -> None:
        """Register as its owner, then publish and make default as an administrator would."""
        definition, credentials = read_system(self._document(entry["file"]))
        systems = self._services.systems
        owner, admin = self._caller(world, entry["owner"]), self._caller(world, _ADMIN, admin=True)
        with self._store.read() as tx:
            system = tx.systems.get(world.name, definition.id)
        system = system or systems.register(owner, definition, credentials)
        if entry.get("public") and not system.public:
            systems.actions.perform(admin, system.id, "publish")
        if entry.get("global_default") and not system.global_default:
            systems.actions.perform(admin, system.id, "setGlobalDefault")
        with self._store.write() as tx:
            for username, role in (entry.get("roles") or {}).items():
                tx.systems.set_role(
                    SystemRole(system_uuid=system.uuid, username=username, role=Role[role.upper()])
                )
            for username in entry.get("default_for") or ():
                tx.systems.set_user_default(world.name, username, system.type, system.id)

    def _add_app(self, world: World, entry: Mapping[str, Any]) -> None:
        """Copy the bundle to the deployment path, then register as the owner."""
        definition = read_app(self._document(entry["file"]))
        owner = self._caller(world, entry["owner"])
        with self._store.read() as tx:
            app = tx.apps.get(world.name, f"{definition.name}-{definition.version}")
            system = tx.systems.get(world.name, str(definition.deployment_system))
        if system is None:
            raise BadSeed(f"{self._file}: {entry['file']} names an unknown deploymentSystem")
        if app is None:
            files = self._hosts.host(
                world.name, system.storage.host, storage_account(system, owner.username)
            ).files
            target = host_path(system.storage, virtual_path(system.storage, definition.deployment_path))
            _copy(self._file.parent / entry["bundle"], files, target)
            app = self._services.apps.register(owner, definition)
        with self._store.write() as tx:
            for username, word in (entry.get("grants") or {}).items():
                permission = permission_from_word(word)
                if permission is None:
                    raise BadSeed(f"{self._file}: {entry['file']} grants an unknown permission {word}")
                tx.apps.set_grant(app, username, permission)

    def _document(self, name: str) -> dict[str, Any]:
        document = json.loads((self._file.parent / name).read_text(encoding="utf-8"))
        if not isinstance(document, dict):
            raise BadSeed(f"{self._file.parent / name}: expected a JSON object")
        return document

    def _caller(self, world: World, username: str, admin: bool = False) -> Caller:
        return Caller(world=world.name, username=username, tenant_id=world.tenant_id, admin=admin)


def _people(document: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Every user entry with its defaults filled in, ranges spelled out."""
    defaults = dict(document.get("user_defaults") or {})
    for entry in document.get("users") or ():
        if "range" not in entry:
            yield defaults | entry
            continue
        span = entry["range"]
        first_names, last_names = span["first_names"], span["last_names"]
        for place, number in enumerate(range(span["first"], span["last"] + 1)):
            yield defaults | {
                "username": f"{span['prefix']}{number:0{span['digits']}d}",
                "first_name": first_names[place % len(first_names)],
                "last_name": last_names[place // len(first_names) % len(last_names)],
            }


def _copy(bundle: Path, files: HostFiles, target: str) -> None:
    """A directory of data files onto a host; executable files stay executable."""
    files.mkdir(target)
    for path in sorted(bundle.iterdir()):
        if path.name == "__pycache__":
            continue
        if path.is_dir():
            _copy(path, files, join(target, path.name))
            continue
        with files.writer(join(target, path.name)) as stream:
            stream.write(path.read_bytes())
        files.chmod(join(target, path.name), path.stat().st_mode & 0o777)
