"""What all tables share: their collection, the world's column, times and serial numbers."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import BigInteger, Column, Dialect, Integer, MetaData, String, TypeDecorator

metadata = MetaData()


class Instant(TypeDecorator[datetime]):
    """An aware UTC datetime kept as integer milliseconds: portable, exact and quick to sort."""

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> int | None:
        return None if value is None else round(value.timestamp() * 1000)

    def process_result_value(self, value: Any, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        seconds, millis = divmod(int(value), 1000)
        return datetime.fromtimestamp(seconds, UTC).replace(microsecond=millis * 1000)


# SQLite gives rowids (and never reuses them with AUTOINCREMENT) only to plain INTEGER keys.
SERIAL = BigInteger().with_variant(Integer, "sqlite")


def world_column(**options: Any) -> Column[Any]:
    """Whose row it is: every row belongs to a world."""
    return Column("world", String(64), nullable=False, **options)
