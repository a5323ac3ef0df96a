"""Rows of postits."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ColumnElement, Connection, and_, insert, not_, or_, select, true, update

from emulator.domain.postit import Postit, PostitStatus
from emulator.store.tables import postits

_FIELDS = tuple(column.name for column in postits.columns)


class PostitRows:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def add(self, postit: Postit) -> None:
        self._connection.execute(insert(postits).values({name: getattr(postit, name) for name in _FIELDS}))

    def get(self, postit_id: str) -> Postit | None:
        """By its key alone, whatever world it belongs to: who has the key needs no more."""
        row = self._connection.execute(select(postits).where(postits.c.id == postit_id)).first()
        return None if row is None else Postit(**row._mapping)

    def of_creator(
        self,
        world: str,
        creator: str,
        status: PostitStatus | None,
        now: datetime,
        limit: int,
        offset: int,
    ) -> list[Postit]:
        """A page, newest first; those of one status, or all."""
        query = select(postits).where(postits.c.world == world, postits.c.creator == creator)
        if status is not None:
            query = query.where(_has_status(status, now))
        query = query.order_by(postits.c.created.desc(), postits.c.id.desc()).limit(limit).offset(offset)
        return [Postit(**row._mapping) for row in self._connection.execute(query)]

    def use(self, postit_id: str, now: datetime) -> bool:
        """Count one redemption; False, and nothing counted, when the postit is not ACTIVE."""
        counted = self._connection.execute(
            update(postits)
            .where(postits.c.id == postit_id, _has_status(PostitStatus.ACTIVE, now), ~postits.c.unlimited)
            .values(remaining=postits.c.remaining - 1, used=postits.c.used + 1)
        )
        if counted.rowcount:
            return True
        counted = self._connection.execute(
            update(postits)
            .where(postits.c.id == postit_id, postits.c.unlimited, ~postits.c.revoked)
            .values(used=postits.c.used + 1)
        )
        return counted.rowcount > 0

    def change(self, postit: Postit) -> None:
        """Save what an update may change."""
        self._connection.execute(
            update(postits)
            .where(postits.c.id == postit.id)
            .values(expires=postit.expires, remaining=postit.remaining, unlimited=postit.unlimited)
        )

    def revoke(self, postit_id: str) -> None:
        self._connection.execute(update(postits).where(postits.c.id == postit_id).values(revoked=True))

    def revoke_all_of(self, world: str, creator: str) -> None:
        self._connection.execute(
            update(postits).where(postits.c.world == world, postits.c.creator == creator).values(revoked=True)
        )


def _has_status(status: PostitStatus, now: datetime) -> ColumnElement[bool]:
    """The same distinction as ``Postit.status`` makes."""
    if status is PostitStatus.REVOKED:
        return postits.c.revoked == true()
    expired, no_uses = postits.c.expires <= now, postits.c.remaining <= 0
    limits = {
        PostitStatus.ACTIVE: or_(postits.c.unlimited, and_(not_(expired), not_(no_uses))),
        PostitStatus.EXPIRED: and_(~postits.c.unlimited, expired, not_(no_uses)),
        PostitStatus.NO_USES: and_(~postits.c.unlimited, not_(expired), no_uses),
        PostitStatus.EXPIRED_AND_NO_USES: and_(~postits.c.unlimited, expired, no_uses),
    }
    return and_(~postits.c.revoked, limits[status])
