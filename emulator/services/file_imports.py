"""Imports: taking in what a worker will bring to a system from a URL [files §6.2]."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from emulator.domain.file import StagingStatus
from emulator.domain.file_event import FileEvent
from emulator.domain.file_staging import UNNAMED, StagingTask, base_name, import_source
from emulator.domain.identity import Caller
from emulator.domain.inputs import InputSource, SourceKind
from emulator.domain.notification_rules import Wanted
from emulator.services.file_permissions import FilePermissionService
from emulator.services.file_places import Place, Places, Route
from emulator.services.file_records import FileRecords
from emulator.services.file_staging import Accepted, FileStaging
from emulator.services.file_targets import PublicLink, check_write, target_of
from emulator.store import Store


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportRequest:
    """What is to be brought. ``origins`` are the base URLs of this service; ``refusal`` as check_write has it."""

    url: str
    name: str | None = None
    wanted: list[Wanted] = field(default_factory=list)
    origins: Iterable[str] = ()
    refusal: str | None = None


class FileImports:
    def __init__(
        self,
        *,
        store: Store,
        places: Places,
        permissions: FilePermissionService,
        records: FileRecords,
        staging: FileStaging,
    ) -> None:
        self._store = store
        self._places = places
        self._permissions = permissions
        self._records = records
        self._staging = staging

    def accept(
        self,
        caller: Caller,
        system_id: str | None,
        agave_path: str,
        request: ImportRequest,
        link: PublicLink,
    ) -> Accepted:
        """Check the target and the URL, and store both for a worker; what is wrong with the source it will see.

        Raises NotFound, Invalid, Forbidden; nothing is stored then.
        """
        place = self._places.locate(caller, system_id, agave_path, Route.MEDIA)
        origin = import_source(request.url, request.origins)
        target = self._target(caller, place, origin, request)
        with self._store.write() as tx:
            record = self._records.written(
                tx, caller, target, is_dir=False, source=request.url, status=StagingStatus.STAGING_QUEUED
            )
            subscriptions = self._records.subscribe(tx, caller, record, request.wanted)
            self._records.note(tx, record, FileEvent.STAGING_QUEUED, caller.username)
            task = StagingTask(
                world=record.world,
                file_uuid=record.uuid,
                username=caller.username,
                source=request.url,
                link=link(target.system, target.path),
                due=record.last_updated,
                origin=origin,
            )
            self._staging.enqueue(tx, task)
        return Accepted(record=record, subscriptions=subscriptions)

    def _target(self, caller: Caller, place: Place, origin: InputSource, request: ImportRequest) -> Place:
        """``<directory>/<name>``; below that, under the source's own name, where it is a directory already.

        Decided now: when a worker begins anew, the half of a directory may be there that it has brought.
        """
        own = base_name(request.url) if origin.kind is not SourceKind.FILE else origin.name
        own = own or UNNAMED
        where = target_of(place)
        check_write(self._store, self._permissions, caller, place, request.refusal)
        target = where.file(request.name or own)
        there = target.info()
        if there is not None and there.is_dir:
            target = target_of(target).file(own)
            there = target.info()
        if there is not None:
            check_write(self._store, self._permissions, caller, target, request.refusal)
        return target
