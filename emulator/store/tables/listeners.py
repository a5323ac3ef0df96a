"""Listeners that were asked for at run time."""

from __future__ import annotations

from sqlalchemy import Boolean, Column, Integer, String, Table

from emulator.store.tables.columns import metadata, world_column

listeners = Table(
    "listeners",
    metadata,
    Column("name", String(64), primary_key=True),
    world_column(),
    Column("port", Integer, nullable=False),
    Column("username", String(64), nullable=False),
    Column("tls", Boolean, nullable=False),
    Column("anonymous", Boolean),
)
