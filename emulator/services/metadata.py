"""Metadata items: keeping, changing and finding them [postits §B.2, §B.3]."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from emulator.domain.errors import Invalid, NotFound
from emulator.domain.identity import Caller
from emulator.domain.metadata import ItemForm, MetadataRecord, RecordKind
from emulator.domain.notification import Subscription
from emulator.domain.notification_rules import Wanted, parse_subscription
from emulator.domain.uuids import CODES
from emulator.services.metadata_access import Listing, MetadataAccess
from emulator.services.metadata_permissions import MetadataPermissionService
from emulator.services.metadata_validation import check_value
from emulator.services.resources import Resources
from emulator.settings import Settings
from emulator.store import Transaction

_ITEM = RecordKind.ITEM


class MetadataService:
    def __init__(
        self,
        *,
        access: MetadataAccess,
        permissions: MetadataPermissionService,
        resources: Resources,
        settings: Settings,
    ) -> None:
        self._access = access
        self._permissions = permissions
        self._resources = resources
        self._settings = settings

    def show(self, caller: Caller, uuid: str) -> MetadataRecord:
        """Raises NotFound, Forbidden."""
        return self._access.show(caller, _ITEM, uuid)

    def listing(self, caller: Caller, listing: Listing) -> list[MetadataRecord]:
        """Own and shared items that meet the query; all of them for an admin. Raises Invalid."""
        return self._access.find(caller, _ITEM, listing)

    def create(self, caller: Caller, form: ItemForm) -> MetadataRecord:
        """A new item of the caller's. Raises Invalid, Forbidden and NotFound; nothing is stored then."""
        now = self._access.now(caller.world)
        record = MetadataRecord(
            world=caller.world,
            kind=_ITEM,
            uuid=self._access.ids.of(caller.world).legacy(CODES["METADATA"]),
            owner=caller.username,
            content=form.value,
            created=now,
            last_updated=now,
            name=form.name,
            association_ids=form.association_ids,
            schema_id=form.schema_id,
        )
        self._check_value(caller, record, chosen=True)
        with self._access.store.write() as tx:
            self._subscribe(tx, caller, record, form)
            self._access.add(tx, caller, record)
            self._share(tx, caller, record, form)
        return record

    def update(self, caller: Caller, uuid: str, form: ItemForm) -> MetadataRecord:
        """Name, value, associations and schema anew, where the form gives them. Raises as :meth:`create`."""
        with self._access.store.read() as tx:
            checked = _changed(self._access.writable(tx, caller, _ITEM, uuid), form)
        # outside the transaction: a large value takes its time, and others want to write
        self._check_value(caller, checked, chosen="schemaId" in form.given)
        with self._access.store.write() as tx:
            changed = _changed(self._access.writable(tx, caller, _ITEM, uuid), form)
            if (changed.content, changed.schema_id) != (checked.content, checked.schema_id):
                raise Invalid("The metadata item was changed by somebody else meanwhile. Please try again.")
            self._subscribe(tx, caller, changed, form)
            changed = self._access.save(tx, caller, changed)
            self._share(tx, caller, changed, form)
        return changed

    def remove(self, caller: Caller, uuid: str) -> None:
        """Raises NotFound, Forbidden."""
        self._access.remove(caller, _ITEM, uuid)

    def association_paths(self, caller: Caller, records: Iterable[MetadataRecord]) -> dict[str, str]:
        """Paths below the base URL of what items are about, by uuid; of what can be found."""
        uuids = {uuid for record in records for uuid in record.association_ids}
        if not uuids:
            return {}
        with self._access.store.read() as tx:
            return self._resources.paths(tx, caller.world, uuids)

    def _check_value(self, caller: Caller, record: MetadataRecord, chosen: bool) -> None:
        """``chosen``: the caller names the schema, and must be able to read it; a kept one may be gone."""
        if record.schema_id is None:
            return
        with self._access.store.read() as tx:
            try:
                if chosen:
                    self._access.readable(tx, caller, RecordKind.SCHEMA, record.schema_id)
            except NotFound as error:
                raise Invalid(f"Invalid schemaId. {error.message}") from error
            schema = tx.metadata.get(record.world, RecordKind.SCHEMA, record.schema_id)
        if schema is not None:
            check_value(record.content, schema.content)

    def _share(self, tx: Transaction, caller: Caller, record: MetadataRecord, form: ItemForm) -> None:
        for username, word in form.grants:
            self._permissions.apply(tx, caller, record, username, word)

    def _subscribe(self, tx: Transaction, caller: Caller, record: MetadataRecord, form: ItemForm) -> None:
        """Before the event of the change, so that they hear of it."""
        private = self._settings.block_private_hosts
        for index, element in enumerate(form.notifications):
            wanted = parse_subscription(element, index, private)
            tx.subscriptions.add(self._subscription(caller, record, wanted))

    def _subscription(self, caller: Caller, record: MetadataRecord, wanted: Wanted) -> Subscription:
        now = self._access.now(caller.world)
        return Subscription(
            world=record.world,
            id=self._access.ids.of(caller.world).legacy(CODES["NOTIFICATION"]),
            owner=caller.username,
            url=wanted.url,
            event=wanted.event,
            associated_uuid=record.uuid,
            created=now,
            last_updated=now,
            persistent=wanted.persistent,
            policy=wanted.policy,
        )


def _changed(old: MetadataRecord, form: ItemForm) -> MetadataRecord:
    """What the form does not give stays."""
    given = form.given
    return replace(
        old,
        name=form.name,
        content=form.value if "value" in given else old.content,
        association_ids=form.association_ids if "associationIds" in given else old.association_ids,
        schema_id=form.schema_id if "schemaId" in given else old.schema_id,
    )
