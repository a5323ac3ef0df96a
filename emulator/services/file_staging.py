"""Bringing content to files after the request: what a worker does for an import or a delayed upload [files §6]."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import partial
from urllib.parse import urlsplit

from emulator.domain import paths
from emulator.domain.errors import (
    EmulatorError,
    Forbidden,
    PreconditionFailed,
    Unavailable,
    Unreachable,
)
from emulator.domain.file import DIRECTORY, RAW, LogicalFile, StagingStatus
from emulator.domain.file_event import FileEvent
from emulator.domain.file_staging import RETRIES, StagingTask
from emulator.domain.identity import Caller
from emulator.domain.inputs import SourceKind
from emulator.domain.notification import Subscription
from emulator.domain.ports import Clocks, Fetcher, Ids
from emulator.engine.faults import transient
from emulator.engine.fetching import Fetch
from emulator.engine.file_stagings import StagingQueue
from emulator.engine.inputs import may_fetch_from
from emulator.engine.passage import Passage
from emulator.engine.transfer import Location, Transfer, TransferFailed, cause_of
from emulator.services.file_passages import FilePassages
from emulator.services.file_permissions import FilePermissionService
from emulator.services.file_places import Place, Places, Route
from emulator.services.file_progress import FileProgress, Forgotten
from emulator.services.file_records import FileRecords
from emulator.services.file_sources import FileSources
from emulator.store import Store, Transaction

PAUSE = timedelta(seconds=1)
"""Before an import that failed is tried again."""
_PASSING = (Unavailable, Unreachable, PreconditionFailed)


@dataclass(frozen=True, slots=True)
class Accepted:
    """An upload or import that has been taken in, with what it has subscribed to."""

    record: LogicalFile
    subscriptions: list[Subscription]


class FileStaging:
    """See file_stagings.Stager."""

    def __init__(
        self,
        *,
        store: Store,
        clocks: Clocks,
        ids: Ids,
        places: Places,
        permissions: FilePermissionService,
        records: FileRecords,
        sources: FileSources,
        queue: StagingQueue,
        fetcher: Fetcher,
        passages: FilePassages,
        import_allow: str,
        checksums: bool,
    ) -> None:
        """``import_allow`` is a comma list of globs: the hosts outside that may be asked."""
        self._store = store
        self._clocks = clocks
        self._ids = ids
        self._places = places
        self._permissions = permissions
        self._records = records
        self._sources = sources
        self._queue = queue
        self._fetcher = fetcher
        self._passages = passages
        self._allow = import_allow
        self._checksums = checksums

    def enqueue(self, tx: Transaction, task: StagingTask) -> None:
        """Take a task in: it will be worked at, whatever happens to this process."""
        stored = tx.file_stagings.add(task)
        tx.after_commit(lambda: self._queue.add(stored))

    def perform(self, task: StagingTask, checkpoint: Callable[[], None]) -> StagingTask | None:
        with self._store.read() as tx:
            stored = tx.file_stagings.get(task.seq)
            record = tx.files.by_uuid(task.file_uuid)
            caller = _caller(tx, task)
        if stored is None or record is None:
            return None
        source = paths.without_password(stored.source)
        progress = FileProgress(self._store, self._clocks.of(caller.world), stored, source, checkpoint)
        try:
            if stored.origin is None:
                self._count_delayed(caller, stored, record)
            else:
                self._bring(caller, stored, record, progress)
        except Forgotten:
            return None
        except (EmulatorError, TransferFailed, OSError) as failure:
            return self._failed(caller, stored, progress, failure)
        return None

    def _count_delayed(self, caller: Caller, task: StagingTask, record: LogicalFile) -> None:
        place = self._places.locate(caller, record.system_id, record.path)
        with self._store.write() as tx:
            now = self._record(tx, task)
            tx.file_stagings.remove(task.seq)
            self.count_upload(tx, task, now, place)

    def count_upload(self, tx: Transaction, task: StagingTask, record: LogicalFile, place: Place) -> None:
        """The bytes of an upload are where they belong."""
        self._records.note(tx, record, FileEvent.UPLOAD, task.username)
        self._completed(tx, task, record, place)

    def _completed(self, tx: Transaction, task: StagingTask, record: LogicalFile, place: Place) -> None:
        more = tx.file_stagings.has_waiting(record.uuid)
        status = StagingStatus.STAGING_QUEUED if more else StagingStatus.STAGING_COMPLETED
        staged = self._records.staged(tx, record, status)
        text = (
            f"Your scheduled transfer of {paths.without_password(task.source)} completed staging. You can "
            f"access the raw file on {place.system.name} at {place.host_path} or via the API at {task.link}."
        )
        self._records.note(tx, staged, FileEvent.STAGING_COMPLETED, task.username, text)
        self._records.note_change_of(tx, place.parent, task.username)

    def _bring(self, caller: Caller, task: StagingTask, record: LogicalFile, progress: FileProgress) -> None:
        place = self._places.locate(caller, record.system_id, record.path, Route.MEDIA)
        with self._store.read() as tx:
            if not self._permissions.effective(tx, caller, place.system, place.path).write:
                raise Forbidden(f"User does not have access to modify {place.path}")
        assert task.origin is not None
        target = Location(place.files, place.host_path, place.path)
        passage = self._passages.imported(caller, place.system)
        if task.origin.kind is SourceKind.URL:
            self._begin(task, record, progress, is_dir=False)
            self._fetch(task, target, progress, passage)
        else:
            source = self._sources.location(caller, task.origin)
            self._begin(task, record, progress, is_dir=_is_directory(source))
            Transfer(source, target, progress, checksums=self._checksums, passage=passage).run()
        with self._store.write() as tx:
            now = self._record(tx, task)
            progress.end(tx)
            for text in progress.left_out:
                self._records.note(tx, now, FileEvent.STAGING, task.username, text)
            tx.file_stagings.remove(task.seq)
            self._completed(tx, task, now, place)

    def _begin(self, task: StagingTask, record: LogicalFile, progress: FileProgress, is_dir: bool) -> None:
        """Say that the transfer is under way; a transfer that is repeated goes on with its entry."""
        with self._store.write() as tx:
            now = replace(self._record(tx, task), native_format=DIRECTORY if is_dir else RAW)
            staging = self._records.staged(tx, now, StagingStatus.STAGING)
            entry = task.entry
            if entry is None:
                entry = self._records.note(tx, staging, FileEvent.STAGING, task.username)
                tx.file_stagings.save(replace(task, entry=entry))
            progress.started(tx, entry, self._ids.of(task.world).legacy("009", subject=task.file_uuid))

    def _fetch(self, task: StagingTask, target: Location, progress: FileProgress, passage: Passage) -> None:
        assert task.origin is not None
        shown = paths.without_password(task.source)
        parts = urlsplit(task.origin.path)
        if parts.scheme.lower() not in ("http", "https"):
            raise TransferFailed(f"{shown} is not supported: {parts.scheme.lower()} sources.")
        host = (parts.hostname or "").lower()
        if not may_fetch_from(self._allow, host):
            raise TransferFailed(f"{shown} cannot be fetched: the host {host} is not in files.import_allow.")
        allowed = partial(may_fetch_from, self._allow)
        Fetch(self._fetcher, task.origin.path, shown, target, progress, allowed, passage).run()

    def _failed(
        self, caller: Caller, task: StagingTask, progress: FileProgress, failure: Exception
    ) -> StagingTask | None:
        """Try again what may pass; else the import has ended."""
        reason = _reason(failure)
        with self._store.write() as tx:
            stored, record = tx.file_stagings.get(task.seq), tx.files.by_uuid(task.file_uuid)
            if stored is None or record is None:
                return None
            progress.end(tx)
            if stored.attempts < RETRIES and _may_pass(failure):
                attempts = stored.attempts + 1
                again = replace(stored, attempts=attempts, due=self._clocks.of(caller.world).now() + PAUSE)
                tx.file_stagings.save(again)
                text = f"Attempt {attempts} to transfer {progress.source} failed. {reason}"
                self._records.note(tx, record, FileEvent.STAGING, caller.username, text)
                return again
            tx.file_stagings.remove(task.seq)
            ended = self._records.staged(tx, record, StagingStatus.STAGING_FAILED)
            text = f"Transfer of {progress.source} failed. {reason}"
            self._records.note(tx, ended, FileEvent.STAGING_FAILED, caller.username, text)
        return None

    def _record(self, tx: Transaction, task: StagingTask) -> LogicalFile:
        """The record as it is now. Raises Forgotten."""
        record = tx.files.by_uuid(task.file_uuid)
        if record is None or tx.file_stagings.get(task.seq) is None:
            raise Forgotten
        return record


def _caller(tx: Transaction, task: StagingTask) -> Caller:
    """Who asked, with the rights of today."""
    user, world = tx.accounts.user(task.world, task.username), tx.accounts.world(task.world)
    return Caller(
        world=task.world,
        username=task.username,
        tenant_id=world.tenant_id if world else "",
        admin=bool(user and world and user.is_admin(world.tenant_id)),
        roles=user.roles if user else (),
    )


def _is_directory(source: Location) -> bool:
    """Raises TransferFailed where there is nothing."""
    try:
        return source.files.stat(source.path).is_dir
    except (FileNotFoundError, NotADirectoryError) as error:
        raise TransferFailed(f"{source.uri} does not exist.", error) from error


def _may_pass(failure: Exception) -> bool:
    cause = failure.cause if isinstance(failure, TransferFailed) else failure
    return isinstance(failure, _PASSING) or transient(cause)


def _reason(failure: Exception) -> str:
    if isinstance(failure, (EmulatorError, TransferFailed)):
        return failure.message
    return cause_of(failure) if isinstance(failure, OSError) else str(failure)
