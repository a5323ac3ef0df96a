"""The files of apps, as publishing and cloning move them: into zip files, out of them, from system to system [apps §6].

Nothing of a copy is seen before it is complete, and the database waits for none of it.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from emulator.domain import paths
from emulator.domain.app import App, AppCopy
from emulator.domain.errors import EmulatorError, Invalid, NotFound, Unavailable
from emulator.domain.identity import Caller
from emulator.domain.ports import UNFINISHED, Incoming
from emulator.domain.system import System, SystemStatus
from emulator.engine.packing import pack
from emulator.engine.passage import Passage
from emulator.engine.transfer import Location, Transfer, TransferFailed, Unwatched
from emulator.engine.unpack import Unpacking
from emulator.services.file_failures import told
from emulator.services.file_places import Place
from emulator.services.files import FileService
from emulator.store import Store, Transaction

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Archive:
    """A complete zip file that lies nowhere yet; ``checksum`` is its MD5."""

    folder: Place
    file: Incoming
    checksum: str

    def put(self, name: str) -> str:
        """Put it in place under a name, and say its virtual path."""
        place = self.folder.at(paths.join(self.folder.path, name))
        with _failures(f"Application publishing failed: {place.path}"):
            self.file.put(place.host_path)
        return place.path


@dataclass(frozen=True, slots=True)
class Copied:
    """The files of an app, complete, but out of sight until they are put in place."""

    hidden: Place
    target: Place
    copy: AppCopy | None = None

    def put(self, tx: Transaction) -> None:
        """Raises Invalid when something has come to lie at the target meanwhile."""
        if self.copy is None:  # they are there already
            return
        tx.apps.end_copy(self.copy)
        if self.target.info() is not None:
            raise Invalid(f"A file or folder at {self.target.path} already exists")
        with _failures(f"Unable to copy the files to {self.target.path}"):
            self.hidden.files.rename(self.hidden.host_path, self.target.host_path)


class AppAssets:
    def __init__(self, *, store: Store, files: FileService) -> None:
        self._store = store
        self._files = files

    def place(self, app: App) -> Place:
        """Where an app's files lie. Rights are not looked at: who may copy an app may have its files.

        Raises Invalid when there is nothing, Unavailable when the system is away.
        """
        missing = Invalid(
            f"The original application deployment path, {app.deployment_path}, was not found on the deployment "
            f"system {app.deployment_system}"
        )
        with self._store.read() as tx:
            system = tx.systems.get(app.world, app.deployment_system)
        if system is None:
            raise missing
        check_up(system)
        try:
            place = self._locate(app.world, app.owner, system.id, app.deployment_path)
            found = place.info()
        except NotFound as error:
            raise missing from error
        if found is None or found.is_dir is app.public:
            raise missing
        return place

    @contextmanager
    def archived(self, caller: Caller, app: App, store: System) -> Iterator[Archive]:
        """The app's folder as a zip file, which goes to the public apps of a system if it is put there."""
        source = self.place(app)
        folder = self._locate(app.world, app.owner, store.id, store.storage.public_apps_dir or "/api/v2/apps")
        failing = f"Application publishing failed: {app.id}"
        with _failures(failing):
            folder.files.mkdir(folder.host_path)
        with folder.files.incoming(folder.host_path) as file:
            with _failures(failing):
                checksum = pack(_location(source), file.stream, self._passage(caller, app, source))
            yield Archive(folder, file, checksum)

    @contextmanager
    def copied(self, caller: Caller, app: App, target: Place, copy_id: str) -> Iterator[Copied]:
        """The app's files for another place; unpacked, where they were published.

        Into a folder that is there already they go at once, file by file.
        """
        source = self.place(app)
        there = target.info()
        if there is not None and not there.is_dir:
            raise Invalid(f"A file already exists at {target.path}")
        passage = self._passage(caller, app, source)
        failing = f"Unable to copy the files of {app.id}"
        if there is not None:
            with _failures(failing):
                _copy(source, target, app, passage)
            yield Copied(target, target)
            return
        hidden = target.at(paths.join(target.parent.path, UNFINISHED + copy_id))
        copy = AppCopy(
            world=app.world,
            id=copy_id,
            app_uuid=app.uuid,
            username=caller.username,
            system_id=target.system.id,
            path=hidden.path,
        )
        with self._store.write() as tx:
            tx.apps.begin_copy(copy)
        try:
            with _failures(failing):
                target.files.mkdir(target.parent.host_path)
                _copy(source, hidden, app, passage)
            yield Copied(hidden, target, copy)
        finally:
            self._clear(copy, hidden)

    def clear_unfinished(self) -> list[AppCopy]:
        """Take away what a killed emulator has left half-copied; the answer: which copies these were."""
        with self._store.read() as tx:
            found = tx.apps.copies()
        return [copy for copy in found if self._cleared(copy)]

    def _cleared(self, copy: AppCopy) -> bool:
        with self._store.write() as tx:
            if tx.systems.get(copy.world, copy.system_id) is None:
                tx.apps.end_copy(copy)
                return True
        try:
            self._clear(copy, self._locate(copy.world, copy.username, copy.system_id, copy.path))
        except (EmulatorError, OSError) as error:  # switched off, or its disk is: the next start tries again
            log.warning("unfinished copy %s on %s stays: %s", copy.path, copy.system_id, error)
            return False
        return True

    def _clear(self, copy: AppCopy, hidden: Place) -> None:
        if hidden.info() is not None:
            hidden.files.remove(hidden.host_path)
        with self._store.write() as tx:
            tx.apps.end_copy(copy)

    def _passage(self, caller: Caller, app: App, source: Place) -> Passage:
        return self._files.passages.assets(caller, app.id, source.system)

    def _locate(self, world: str, username: str, system_id: str, path: str) -> Place:
        looker = Caller(world=world, username=username, tenant_id="", admin=True)
        return self._files.locate(looker, system_id, path)


def check_up(*systems: System) -> None:
    """Raises Unavailable for the first system that does not work [conventions §9.1]."""
    for system in systems:
        if not system.available:
            raise Unavailable(f"System {system.id} is not currently available.")
        if system.status is not SystemStatus.UP:
            raise Unavailable(f"System {system.id} is currently {system.status}.")


def _copy(source: Place, target: Place, app: App, passage: Passage) -> None:
    if app.public:
        Unpacking(
            _location(source),
            _location(target),
            Unwatched(),
            checksum=app.checksum,
            wanted=app.template_path,
            passage=passage,
        ).run()
    else:
        Transfer(_location(source), _location(target), Unwatched(), merge=True, passage=passage).run()


def _location(place: Place) -> Location:
    return Location(place.files, place.host_path, place.path)


@contextmanager
def _failures(failed: str) -> Iterator[None]:
    """What goes wrong with the files, as errors of the service."""
    try:
        with told(
            failed, missing=f"{failed}: a file has gone meanwhile", refused=f"{failed}: it may not be read"
        ):
            try:
                yield
            except TransferFailed as failure:
                if failure.cause is not None:
                    raise failure.cause from failure
                raise Invalid(f"{failed}: {failure.message}") from failure
    except NotFound as error:
        raise Invalid(error.message) from error
