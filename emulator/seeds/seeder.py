"""Puts what a seed says in place: in an empty store, with machines that hold nothing yet."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from emulator.domain.credentials import storage_account
from emulator.domain.errors import EmulatorError
from emulator.domain.file import permission_from_word
from emulator.domain.identity import Caller, World
from emulator.domain.paths import host_path, join, virtual_path
from emulator.domain.ports import Clocks, HostFiles, Hosts, Ids
from emulator.domain.system import Role, SystemRole
from emulator.seeds.people import People, read_clients, read_world
from emulator.seeds.records import RecordReader
from emulator.seeds.renaming import defined_ids, with_new_ids
from emulator.seeds.source import BadSeed, Source, json_object
from emulator.services import Services
from emulator.store import Store

_ADMIN = "admin"
_SYSTEM_OPTIONS = ("file", "owner", "public", "global_default", "roles", "default_for")
_APP_OPTIONS = ("file", "owner", "bundle", "grants")
Entry = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Seeder:
    """Plants seeds into one store. ``taken`` tells which of some ids are keys of another world already."""

    services: Services
    hosts: Hosts
    store: Store
    clocks: Clocks
    ids: Ids
    default_user: str
    put_files: Callable[[str, Path, bool], None]
    """Copies a seed's tree of files to the machines of a world; True: as a snapshot names them."""
    taken: Callable[[Iterable[str]], bool] = lambda _ids: False

    def plant(self, source: Source, name: str, about: Mapping[str, Any] | None = None) -> World:
        """The world as the seed has it. ``about`` are fields of the record that are not the seed's to say.

        Raises BadSeed, and what was begun is to be cleared away.
        """
        try:
            return self._plant(source, name, about or {})
        except BadSeed:
            raise
        except EmulatorError as error:
            raise BadSeed(f"{source.file}: {error.message}") from error
        except (KeyError, TypeError, AttributeError, OSError, ValueError, RecursionError) as error:
            raise BadSeed(f"{source.file}: {type(error).__name__} {error}") from error

    def _plant(self, source: Source, name: str, about: Mapping[str, Any]) -> World:
        now = self.clocks.of(name).now()
        world = replace(read_world(source, name, self.ids, self.default_user), **about)
        records = RecordReader(source, world, self.ids, now).entries()
        records["users"] = People(source, world, now).entries()
        records["clients"] = read_clients(source, world, self.ids)
        if world.name != source.document.get("name", world.name) or self.taken(defined_ids(records)):
            old, chance = world.tenant_uuid, self.ids.of(name)
            world = replace(world, tenant_uuid=chance.legacy("016"))
            records = with_new_ids(records, chance, (old, world.tenant_uuid))
        with self.store.write() as tx:
            tx.accounts.add_world(world)
            tx.records(name).write(records)
        if source.folder is not None:
            self.put_files(name, source.folder, source.is_snapshot)
        definitions = _Definitions(self, source, world)
        definitions.add_systems()
        definitions.add_apps()
        world = replace(world, seeded=True)
        with self.store.write() as tx:
            tx.accounts.save_world(world)
        return world


class _Definitions:
    """Systems and apps of a seed as clients would register them, registered as their owners would."""

    def __init__(self, seeder: Seeder, source: Source, world: World) -> None:
        self._seeder = seeder
        self._services = seeder.services
        self._source = source
        self._world = world

    def add_systems(self) -> None:
        from emulator.api.v2.schemas import read_system

        for where, document, options in self._listed("systems", _SYSTEM_OPTIONS):
            with _named(self._source, where):
                definition, credentials = read_system(document)
                owner = self._caller(options.get("owner"))
                system = self._services.systems.register(owner, definition, credentials)
                admin = self._caller(_ADMIN, admin=True)
                if options.get("public"):
                    self._services.systems.actions.perform(admin, system.id, "publish")
                if options.get("global_default"):
                    self._services.systems.actions.perform(admin, system.id, "setGlobalDefault")
                with self._seeder.store.write() as tx:
                    for username, role in (options.get("roles") or {}).items():
                        word = str(role).upper()
                        if word not in Role.__members__:
                            raise BadSeed(f"roles: {role} must be one of {', '.join(Role.__members__)}")
                        tx.systems.set_role(
                            SystemRole(system_uuid=system.uuid, username=username, role=Role[word])
                        )
                    for username in options.get("default_for") or ():
                        tx.systems.set_user_default(self._world.name, username, system.type, system.id)

    def add_apps(self) -> None:
        from emulator.api.v2.schemas import read_app

        for where, document, options in self._listed("apps", _APP_OPTIONS):
            with _named(self._source, where):
                definition = read_app(document)
                owner = self._caller(options.get("owner"))
                with self._seeder.store.read() as tx:
                    system = tx.systems.get(self._world.name, str(definition.deployment_system))
                if system is None:
                    raise BadSeed("names an unknown deploymentSystem")
                if options.get("bundle"):
                    account = storage_account(system, owner.username)
                    files = self._seeder.hosts.host(self._world.name, system.storage.host, account).files
                    target = host_path(
                        system.storage, virtual_path(system.storage, definition.deployment_path)
                    )
                    copy_bundle(self._source.path(options["bundle"], "bundle"), files, target)
                app = self._services.apps.register(owner, definition)
                with self._seeder.store.write() as tx:
                    for username, word in (options.get("grants") or {}).items():
                        permission = permission_from_word(str(word))
                        if permission is None:
                            raise BadSeed(f"grants an unknown permission {word}")
                        tx.apps.set_grant(app, username, permission)

    def _listed(self, shelf: str, known: tuple[str, ...]) -> list[tuple[str, Entry, Entry]]:
        """Where, the client's document and the options: of those that are listed, then of the other files."""
        found, listed = [], set()
        for number, options in enumerate(self._source.document.get(shelf, ()), start=1):
            if not isinstance(options, dict) or "file" not in options:
                raise BadSeed(f"{self._source.file}: {shelf}: entry {number}: file: is missing")
            path = self._source.path(options["file"], f"{shelf}: entry {number}: file")
            listed.add(path.resolve())
            where = f"{shelf}: {options['file']}"
            try:
                document = json_object(path)
            except BadSeed as error:
                raise BadSeed(f"{self._source.file}: {where}: {error.message}") from error
            found.append((where, document, options))
        for path, document in self._source.entries(shelf):
            if path.resolve() not in listed and "record" not in document:
                options = document.pop("seed", {})
                if not isinstance(options, dict):
                    raise BadSeed(f"{path}: seed: must be a mapping")
                found.append((f"{shelf}/{path.name}", document, options))
        for where, _, options in found:
            for name in options:
                if name not in known:
                    raise BadSeed(
                        f"{self._source.file}: {where}: {name}: there is no such option; there are {', '.join(known)}"
                    )
        return found

    def _caller(self, username: Any, admin: bool = False) -> Caller:
        name = str(username or self._world.default_user)
        return Caller(world=self._world.name, username=name, tenant_id=self._world.tenant_id, admin=admin)


@contextmanager
def _named(source: Source, where: str) -> Iterator[None]:
    """What goes wrong inside the block is told with file and entry."""
    try:
        yield
    except EmulatorError as error:
        raise BadSeed(f"{source.file}: {where}: {error.message}") from error
    except OSError as error:
        name = f"{error.filename}: " if error.filename else ""
        raise BadSeed(f"{source.file}: {where}: {name}{error.strerror or error}") from error


def copy_bundle(bundle: Path, files: HostFiles, target: str) -> None:
    """A directory of data files onto a host; executable files stay executable."""
    files.mkdir(target)
    for path in sorted(bundle.iterdir()):
        if path.name == "__pycache__":
            continue
        if path.is_dir():
            copy_bundle(path, files, join(target, path.name))
            continue
        with files.writer(join(target, path.name)) as stream:
            stream.write(path.read_bytes())
        files.chmod(join(target, path.name), path.stat().st_mode & 0o777)
