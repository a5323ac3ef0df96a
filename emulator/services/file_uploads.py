"""Uploads: bytes that a client sends, streamed to their machine and put in place whole [files §6]."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import BinaryIO

from emulator.domain import paths
from emulator.domain.errors import Invalid
from emulator.domain.file import LogicalFile, StagingStatus
from emulator.domain.file_event import FileEvent
from emulator.domain.file_staging import StagingTask
from emulator.domain.identity import Caller
from emulator.domain.notification import Subscription
from emulator.domain.notification_rules import Wanted
from emulator.domain.ports import Incoming
from emulator.engine.streams import CutShort
from emulator.engine.transfer import cause_of
from emulator.services.file_failures import told
from emulator.services.file_passages import FilePassages
from emulator.services.file_permissions import FilePermissionService
from emulator.services.file_places import Place, Places, Route
from emulator.services.file_records import FileRecords
from emulator.services.file_staging import Accepted, FileStaging
from emulator.services.file_targets import PublicLink, Target, check_write, target_of
from emulator.store import Store, Transaction


class Upload:
    """One upload under way: write to ``stream``, then ``finish``; what is not finished leaves nothing behind."""

    def __init__(self, uploads: FileUploads, caller: Caller, target: Target, incoming: Incoming) -> None:
        self._uploads = uploads
        self._caller = caller
        self._target = target
        self._incoming = incoming

    @property
    def stream(self) -> BinaryIO:
        return self._incoming.stream

    def begin(self, name: str) -> None:
        """The file's content follows; ``name`` is what its sender calls it. Raises as :meth:`write`."""
        directory = self._target.directory
        with told(
            f"Failed to write to {directory.path}",
            refused=f"User does not have access to modify {directory.path}",
        ):
            self._incoming = self._uploads.received(self._caller, directory, name, self._incoming)

    def write(self, data: bytes) -> None:
        """Raises Unavailable when the machine has no room left."""
        with told(f"Failed to write to {self._target.directory.path}"):
            self.stream.write(data)

    def finish(
        self,
        name: str,
        client: str,
        link: PublicLink,
        offset: int | None = None,
        wanted: Iterable[Wanted] = (),
    ) -> Accepted:
        """Put the file in place under its base ``name``; at ``offset`` of the old file if one is given.

        ``client`` is the address that it came from, ``wanted`` what its sender asks to be told. The answer
        says STAGING_QUEUED, as the service's does, though the bytes are in place, or have been lost on their way
        there, which the file's history tells. Raises Invalid, Forbidden, NotFound; nothing is changed then.
        """
        place = self._uploads.place_for(self._caller, self._target, name)
        source = f"http://{client}/{place.name}"
        try:
            self._put(place, offset)
        except CutShort as short:
            return self._uploads.lost(self._caller, place, source, cause_of(short), wanted)
        return self._uploads.arrived(self._caller, place, source, link(place.system, place.path), wanted)

    def _put(self, place: Place, offset: int | None) -> None:
        with told(
            f"Failed to write {place.path}",
            missing=f"Destination path {place.path} does not exist.",
            refused=f"User does not have access to modify {place.path}",
            passed=(CutShort,),
        ):
            if offset is None:
                self._incoming.put(place.host_path)
            else:
                self._incoming.overlay(place.host_path, offset)


class FileUploads:
    def __init__(
        self,
        *,
        store: Store,
        places: Places,
        permissions: FilePermissionService,
        records: FileRecords,
        staging: FileStaging,
        passages: FilePassages,
        delay_ms: int,
    ) -> None:
        """``delay_ms`` is how long uploads take to count as staged."""
        self._store = store
        self._places = places
        self._permissions = permissions
        self._records = records
        self._staging = staging
        self._passages = passages
        self._delay = delay_ms

    def target(self, caller: Caller, system_id: str | None, agave_path: str) -> Target:
        """Where an upload to a path may go.

        Raises NotFound when neither the path nor its parent is a directory, Forbidden without WRITE.
        """
        place = self._places.locate(caller, system_id, agave_path, Route.MEDIA)
        target = target_of(place)
        check_write(self._store, self._permissions, caller, place, service_status=400)
        return target

    @contextmanager
    def receive(self, caller: Caller, target: Target) -> Iterator[Upload]:
        """Take in the bytes of an upload, out of sight."""
        with told(f"Failed to write to {target.directory.path}"):
            incoming = target.place.files.incoming(target.directory.host_path)
            file = incoming.__enter__()
        try:
            yield Upload(self, caller, target, file)
        finally:
            incoming.__exit__(None, None, None)

    def received(self, caller: Caller, directory: Place, name: str, incoming: Incoming) -> Incoming:
        """A file on its way to a directory, as it comes through. Raises OSError."""
        path = paths.join(directory.host_path, paths.basename(name))
        return self._passages.sent(caller, directory.system).receiving(incoming, path)

    def place_for(self, caller: Caller, target: Target, name: str) -> Place:
        """Where a file of a name goes that was sent to the target [files §6]. Raises Invalid, NotFound, Forbidden."""
        place = target.file(name)
        there = place.info()
        if there is not None and there.is_dir:
            raise Invalid(f"A directory already exists at {place.path}")
        if there is not None:
            check_write(self._store, self._permissions, caller, place, service_status=400)
        return place

    def arrived(
        self, caller: Caller, place: Place, source: str, link: str, wanted: Iterable[Wanted]
    ) -> Accepted:
        """Write down that a file has come. It counts at once, or after ``files.staging_delay_ms``."""
        delay = timedelta(milliseconds=self._delay)
        with self._store.write() as tx:
            record, subscriptions = self._accept(tx, caller, place, source, wanted)
            task = StagingTask(
                world=record.world,
                file_uuid=record.uuid,
                username=caller.username,
                source=source,
                link=link,
                due=record.last_updated + delay,
            )
            if delay:
                self._staging.enqueue(tx, task)
            else:
                self._staging.count_upload(tx, task, record, place)
        return Accepted(record=record, subscriptions=subscriptions)

    def lost(
        self, caller: Caller, place: Place, source: str, reason: str, wanted: Iterable[Wanted]
    ) -> Accepted:
        """Write down that a file was taken in and has not come to its place: what was there is as it was."""
        with self._store.write() as tx:
            record, subscriptions = self._accept(tx, caller, place, source, wanted)
            failed = self._records.staged(tx, record, StagingStatus.STAGING_FAILED)
            text = f"Transfer of {source} failed. {reason}"
            self._records.note(tx, failed, FileEvent.STAGING_FAILED, caller.username, text)
        return Accepted(record=record, subscriptions=subscriptions)

    def _accept(
        self, tx: Transaction, caller: Caller, place: Place, source: str, wanted: Iterable[Wanted]
    ) -> tuple[LogicalFile, list[Subscription]]:
        record = self._records.written(
            tx, caller, place, is_dir=False, source=source, status=StagingStatus.STAGING_QUEUED
        )
        subscriptions = self._records.subscribe(tx, caller, record, wanted)
        self._records.note(tx, record, FileEvent.STAGING_QUEUED, caller.username)
        return record, subscriptions
