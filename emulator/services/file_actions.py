"""What clients do to files where they lie: mkdir, rename, copy, move, delete [files §7, §8]."""

from __future__ import annotations

from dataclasses import dataclass

from emulator.domain import paths
from emulator.domain.errors import Forbidden, Invalid, NotFound
from emulator.domain.file import FileInfo, LogicalFile
from emulator.domain.file_event import FileEvent
from emulator.domain.identity import Caller
from emulator.services.file_copies import FileCopies
from emulator.services.file_failures import NO_SUCH_FILE, told
from emulator.services.file_passages import FilePassages
from emulator.services.file_permissions import FilePermissionService
from emulator.services.file_places import Place, Places, Route
from emulator.services.file_records import FileRecords
from emulator.services.file_targets import MAX_NAME_BYTES, MAX_PATH_BYTES, PublicLink
from emulator.store import Store


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """What an action has made or moved. ``message`` is the service's; None where it says nothing."""

    record: LogicalFile
    message: str | None
    created: bool = False


@dataclass(frozen=True, slots=True)
class Subject:
    """The path of an action's URL, which exists and which the caller may touch."""

    place: Place
    info: FileInfo


class FileActions:
    """Each method checks all before it changes anything.

    All raise NotFound, Forbidden, Invalid with the messages of [files §7].
    """

    def __init__(
        self,
        *,
        store: Store,
        places: Places,
        permissions: FilePermissionService,
        records: FileRecords,
        passages: FilePassages,
    ) -> None:
        self._store = store
        self._places = places
        self._permissions = permissions
        self._records = records
        self._passages = passages
        self._copies = FileCopies()

    def mkdir(
        self, caller: Caller, system_id: str | None, agave_path: str, path: str | None, link: PublicLink
    ) -> Done:
        """A directory below the URL's, with its parents; one that is there already is fine."""
        subject = self._subject(caller, system_id, agave_path)
        if not path:
            raise Invalid(
                "No path value provided. Please provide the path of the new directory to create. Paths may be "
                "absolute or relative to the path given in the url."
            )
        target = subject.place.at(paths.below(subject.place.path, path))
        _check_names(target)
        there = target.info()
        if there is not None and not there.is_dir:
            raise Invalid(f"A file already exists at {target.path}")
        refusal = f"User does not have access to create the directory {target.path}"
        self._check_write(caller, target, refusal)
        failed = f"Failed to create directory {target.path}"
        if there is None:
            with told(failed, missing=failed, refused=refusal):
                _make_directory(target, failed)
        verb = "New directory created" if there is None else "Directory recreated"
        with self._store.write() as tx:
            record = self._records.written(tx, caller, target, is_dir=True)
            text = f"{verb} at {link(target.system, target.path)}"
            self._records.note(tx, record, FileEvent.CREATED, caller.username, text)
            if there is None:
                self._records.note_change_of(tx, target.parent, caller.username)
        message = None if there is None else f"Directory {target.path} already exists"
        return Done(record=record, message=message, created=there is None)

    def rename(self, caller: Caller, system_id: str | None, agave_path: str, name: str | None) -> Done:
        """A new base name in the same directory."""
        subject = self._subject(caller, system_id, agave_path)
        if not name:
            raise Invalid(
                "No 'path' value provided. Please provide the new name of the file or folder in the 'path' "
                "attribute."
            )
        self._refuse_roots(subject.place)
        target = subject.place.at(paths.below(subject.place.parent.path, name))
        if target.parent.path != subject.place.parent.path or not target.name:
            raise Invalid(f"Invalid name {name}")
        _check_names(target)
        if target.info() is not None:
            raise Invalid(f"A File or folder at {target.path} already exists")
        refusal = "User does not have access to rename the requested resource"
        self._check_write(caller, target, refusal)
        text = f"Renamed by {caller.username} from {subject.place.path} to {target.path}"
        record = self._relocate(caller, subject, target, FileEvent.RENAME, text, refusal)
        return Done(record=record, message="Rename success")

    def copy(
        self,
        caller: Caller,
        system_id: str | None,
        agave_path: str,
        destination: str | None,
        link: PublicLink,
        append: bool = False,
    ) -> Done:
        """As ``cp -rLf``: into an existing directory, over an existing file, contents merged for directories."""
        subject = self._subject(caller, system_id, agave_path, copies=True)
        source, target = subject.place, self._destination(subject, destination)
        if not subject.info.is_dir and (there := target.info()) is not None and there.is_dir:
            target = target.at(paths.join(target.path, source.name))
            _refuse_same(source, target)
        refusal = f"User does not have access to copy data to {target.path}"
        self._check_write(caller, target, refusal)
        existed = target.info() is not None
        with told(f"Failed to copy data to {target.path}", missing=NO_SUCH_FILE, refused=refusal):
            passage = self._passages.copied(caller, target.system)
            self._copies.copy(source, subject.info, target, append, passage)
        with self._store.write() as tx:
            record = self._records.written(
                tx, caller, target, is_dir=subject.info.is_dir, source=link(source.system, source.path)
            )
            event = FileEvent.CONTENT_CHANGE if existed else FileEvent.CREATED
            text = f"File item copied from {record.source}"
            self._records.note(tx, record, event, caller.username, text)
            self._records.note_change_of(tx, target.parent, caller.username)
        return Done(record=record, message="Copy success")

    def move(
        self,
        caller: Caller,
        system_id: str | None,
        agave_path: str,
        destination: str | None,
        link: PublicLink,
    ) -> Done:
        """To a path that does not exist yet, in a directory that does."""
        subject = self._subject(caller, system_id, agave_path)
        source, target = subject.place, self._destination(subject, destination)
        self._refuse_roots(source)
        there = target.info()
        if there is not None and there.is_dir != subject.info.is_dir:
            kind = "Folder" if there.is_dir else "File"
            raise Invalid(f"{kind} at {target.path} already exists")
        if there is not None:
            raise Invalid(f"Destination already exists: {target.path}")
        if paths.is_below(target.path, source.path):
            raise Invalid(f"{source.path} cannot be moved into itself")
        refusal = f"User does not have access to move data to {target.path}"
        self._check_write(caller, target, refusal)
        text = f"Moved from {link(source.system, source.path)} to {link(target.system, target.path)}"
        record = self._relocate(caller, subject, target, FileEvent.MOVED, text, refusal)
        return Done(record=record, message="Move success")

    def delete(self, caller: Caller, system_id: str | None, agave_path: str) -> None:
        """Remove a path with all below it, and what is known of them. What is known but gone is only forgotten."""
        place = self._places.locate(caller, system_id, agave_path, Route.MEDIA)
        there = place.info() is not None
        with self._store.read() as tx:
            known = self._records.known(tx, place) is not None
            allowed = self._permissions.effective(tx, caller, place.system, place.path).write
        if not there and not known:
            raise NotFound(f"Remote path {place.path} does not exist.")
        refusal = f"User does not have permission to delete {place.path}"
        if not allowed:
            raise Forbidden(refusal, service_status=None if known else 401)
        if place.path == "/":
            raise Invalid("The root directory of a system cannot be deleted.")
        if there:
            failed = f"Failed to delete {place.path} on the remote system."
            with told(failed, missing=f"Remote path {place.path} does not exist.", refused=refusal):
                place.files.remove(place.host_path)
        text = "Deleted via API" if there else "File or directory deleted outside of API"
        with self._store.write() as tx:
            record = self._records.known(tx, place)
            if record is not None:
                self._records.note(tx, record, FileEvent.DELETED, caller.username, text)
            self._records.dropped(tx, place)
            if there:
                self._records.note_change_of(tx, place.parent, caller.username)

    def _subject(
        self, caller: Caller, system_id: str | None, agave_path: str, copies: bool = False
    ) -> Subject:
        place = self._places.locate(caller, system_id, agave_path, Route.MEDIA)
        with self._store.read() as tx:
            permission = self._permissions.effective(tx, caller, place.system, place.path)
        if copies and not permission.read:
            raise Forbidden(f"User does not have access to copy the requested path {place.path}")
        if not copies and not permission.write:
            raise Forbidden(f"User does not have access to modify the requested path {place.path}")
        info = place.info()
        if info is None:
            raise NotFound(NO_SUCH_FILE)
        return Subject(place, info)

    def _destination(self, subject: Subject, destination: str | None) -> Place:
        """Where a copy or a move is to go: not the place itself, and in a directory that exists."""
        if not destination:
            raise Invalid("Please specify a destination location")
        target = subject.place.agave(destination)
        _refuse_same(subject.place, target)
        _check_names(target)
        above = target.parent.info()
        if above is None or not above.is_dir:
            raise NotFound(NO_SUCH_FILE)
        return target

    def _refuse_roots(self, place: Place) -> None:
        if place.path in ("/", paths.home_path(place.system.storage)):
            raise Invalid("No path specified.")

    def _check_write(self, caller: Caller, place: Place, refusal: str) -> None:
        with self._store.read() as tx:
            if not self._permissions.effective(tx, caller, place.system, place.path).write:
                raise Forbidden(refusal)

    def _relocate(
        self, caller: Caller, subject: Subject, target: Place, event: FileEvent, text: str, refusal: str
    ) -> LogicalFile:
        """Rename on the machine, then in the records."""
        source = subject.place
        with told(f"Failed to move data to {target.path}", missing=NO_SUCH_FILE, refused=refusal):
            source.files.rename(source.host_path, target.host_path)
        with self._store.write() as tx:
            record = self._records.moved(tx, source, target, subject.info.is_dir)
            self._records.note(tx, record, event, caller.username, text)
            for directory in {source.parent.path: source.parent, target.parent.path: target.parent}.values():
                self._records.note_change_of(tx, directory, caller.username)
        return record


def _refuse_same(source: Place, target: Place) -> None:
    if source.path.lower() == target.path.lower():
        raise Invalid("Source and destination locations cannot be the same.")


def _check_names(place: Place) -> None:
    """Raises Invalid for names, and a path, that are longer than machines take."""
    if len(place.host_path.encode()) > MAX_PATH_BYTES:
        raise Invalid("Invalid file path")
    for name in place.path.split("/"):
        if len(name.encode()) > MAX_NAME_BYTES:
            raise Invalid(f"Invalid name {name}")


def _make_directory(target: Place, failed: str) -> None:
    try:
        target.files.mkdir(target.host_path)
    except NotADirectoryError:  # a file on the way is the client's mistake, not something that is missing
        raise Invalid(failed) from None
