"""Apps that are simulated instead of run."""

from __future__ import annotations

from sqlalchemy import JSON, Column, String, Table

from emulator.store.tables.columns import metadata

simulations = Table(
    "simulations",
    metadata,
    Column("world", String(64), primary_key=True),
    Column("app", String(128), primary_key=True),
    Column("document", JSON, nullable=False),
)
