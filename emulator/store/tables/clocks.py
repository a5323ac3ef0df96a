"""Tables of worlds' clocks and of what their chance is drawn from."""

from __future__ import annotations

from sqlalchemy import JSON, BigInteger, Column, Integer, Table

from emulator.store.tables.columns import metadata, world_column

clocks = Table(
    "clocks",
    metadata,
    world_column(primary_key=True),
    Column("document", JSON, nullable=False),
)
"""Worlds whose time is not simply the machine's."""

chances = Table(
    "chances",
    metadata,
    world_column(primary_key=True),
    Column("seed", BigInteger, nullable=False),
    Column("generation", Integer, nullable=False),
)
"""Worlds with a seed; ``generation`` counts the starts of the emulator since the world was made."""
