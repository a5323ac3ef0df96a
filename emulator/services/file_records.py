"""What is known about files beyond their bytes: a record for each path touched, and its events."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from emulator.domain import paths
from emulator.domain.file import DIRECTORY, RAW, LogicalFile, StagingStatus
from emulator.domain.file_event import FileEvent
from emulator.domain.file_rights import owner_of
from emulator.domain.identity import Caller
from emulator.domain.notification import Subscription
from emulator.domain.notification_rules import Wanted
from emulator.domain.ports import Clocks, Ids
from emulator.domain.uuids import CODES
from emulator.engine.journal import Journal
from emulator.services.file_places import Place
from emulator.store import Transaction

FILE_UUID = "002"


class FileRecords:
    """All methods work inside the transaction of the change that they are about."""

    def __init__(self, *, clocks: Clocks, ids: Ids, journal: Journal) -> None:
        self._clocks = clocks
        self._ids = ids
        self._journal = journal

    def seen(self, tx: Transaction, place: Place, is_dir: bool) -> LogicalFile:
        """The record of a path that somebody looks at: a new one belongs to the system's owner.

        A look must not make its author the owner, with all rights.
        """
        found = self.known(tx, place)
        if found is not None:
            return found
        record = self._new(place, is_dir, owner_of(place.system, place.path, place.system.owner))
        tx.files.add(record)
        return record

    def seen_together(
        self, tx: Transaction, places: Mapping[str, tuple[Place, bool]]
    ) -> dict[str, LogicalFile]:
        """The same for many paths of one system, each with whether it is a directory."""
        first = next(iter(places.values()), None)
        if first is None:
            return {}
        system = first[0].system
        found = tx.files.at(system.world, system.id, places)
        new = {
            path: self._new(place, is_dir, owner_of(system, path, system.owner))
            for path, (place, is_dir) in places.items()
            if path not in found
        }
        tx.files.add_all(new.values())
        return found | new

    def written(
        self,
        tx: Transaction,
        caller: Caller,
        place: Place,
        *,
        is_dir: bool,
        source: str | None = None,
        status: StagingStatus = StagingStatus.STAGING_COMPLETED,
    ) -> LogicalFile:
        """The record of a path that the caller has given new content, or is about to.

        An old one keeps uuid and owner.
        """
        old = self.known(tx, place)
        if old is None:
            new = self._new(place, is_dir, owner_of(place.system, place.path, caller.username), source)
            record = replace(new, status=status)
            tx.files.add(record)
            return record
        native_format = DIRECTORY if is_dir else RAW
        record = replace(old, native_format=native_format, source=source)
        return self.staged(tx, record, status)

    def staged(self, tx: Transaction, record: LogicalFile, status: StagingStatus) -> LogicalFile:
        """How far the content of a record has come."""
        changed = replace(record, status=status, last_updated=self._clocks.of(record.world).now())
        tx.files.save(changed)
        return changed

    def subscribe(
        self, tx: Transaction, caller: Caller, record: LogicalFile, wanted: Iterable[Wanted]
    ) -> list[Subscription]:
        """What an upload or import asks to be told of its file [files §6.4]."""
        now = self._clocks.of(record.world).now()
        made = [
            Subscription(
                world=record.world,
                id=self._ids.of(record.world).legacy(CODES["NOTIFICATION"]),
                owner=caller.username,
                url=one.url,
                event=one.event,
                associated_uuid=record.uuid,
                created=now,
                last_updated=now,
                persistent=one.persistent,
                policy=one.policy,
                status=one.status,
            )
            for one in wanted
        ]
        for subscription in made:
            tx.subscriptions.add(subscription)
        return made

    def moved(self, tx: Transaction, source: Place, target: Place, is_dir: bool) -> LogicalFile:
        """The records of a path and of all below it now belong to another path; uuids stay."""
        world, system_id = source.system.world, source.system.id
        self.dropped(tx, target)
        tx.files.move_below(world, system_id, source.path, target.path, self._clocks.of(world).now())
        record = self.known(tx, target)
        if record is not None:
            tx.files.save(replace(record, name=target.name))
        return self.seen(tx, target, is_dir)

    def dropped(self, tx: Transaction, place: Place) -> None:
        """Forget a path and all below it, permissions and history too [files §8]."""
        tx.files.remove_below(place.system.world, place.system.id, place.path)

    def known(self, tx: Transaction, place: Place) -> LogicalFile | None:
        return tx.files.get(place.system.world, place.system.id, place.path)

    def note(
        self, tx: Transaction, record: LogicalFile, event: FileEvent, by: str, description: str | None = None
    ) -> int:
        """An entry of a file's history; its sequence number."""
        entry = self._journal.record(
            tx,
            world=record.world,
            subject=record.uuid,
            kind="file",
            status=event.value,
            description=paths.shown(description or event.description),
            created_by=by,
            resource=record,
        )
        return entry.seq

    def note_change_of(self, tx: Transaction, directory: Place, by: str) -> None:
        """The content of a directory has changed: told one level up from what was changed [files §9]."""
        self.note(tx, self.seen(tx, directory, is_dir=True), FileEvent.CONTENT_CHANGE, by)

    def _new(self, place: Place, is_dir: bool, owner: str, source: str | None = None) -> LogicalFile:
        world = place.system.world
        now = self._clocks.of(world).now()
        return LogicalFile(
            world=world,
            uuid=self._ids.of(world).legacy(FILE_UUID, subject=f"{place.system.id}:{place.path}"),
            system_id=place.system.id,
            path=place.path,
            owner=owner,
            name=place.name,
            status=StagingStatus.STAGING_COMPLETED,
            native_format=DIRECTORY if is_dir else RAW,
            created=now,
            last_updated=now,
            source=source,
        )
