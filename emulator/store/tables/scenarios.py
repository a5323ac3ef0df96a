"""Armed scenarios, what was counted of their rules, what these hold, and the journal of their strikes."""

from __future__ import annotations

from sqlalchemy import JSON, BigInteger, Boolean, Column, Index, Integer, String, Table, Text

from emulator.store.tables.columns import SERIAL, Instant, metadata, world_column

armed_scenarios = Table(
    "armed_scenarios",
    metadata,
    Column("number", SERIAL, primary_key=True, autoincrement=True),
    world_column(),
    Column("name", String(128), nullable=False),
    Column("text", Text, nullable=False),
    Column("source", Text, nullable=False),
    Column("since", Instant, nullable=False),
    Column("seed", BigInteger, nullable=False),
    Column("expired", Boolean, nullable=False),
    Index("ix_armed_scenarios_name", "world", "name", unique=True),
    sqlite_autoincrement=True,
)

scenario_counts = Table(
    "scenario_counts",
    metadata,
    world_column(),
    Column("arming", BigInteger, primary_key=True, autoincrement=False),
    Column("rule", String(128), primary_key=True),
    Column("key", Text, primary_key=True),
    Column("met", Integer, nullable=False),
    Column("struck", Integer, nullable=False),
    Index("ix_scenario_counts_world", "world"),
)

scenario_stops = Table(
    "scenario_stops",
    metadata,
    world_column(),
    Column("arming", BigInteger, primary_key=True, autoincrement=False),
    Column("rule", String(128), primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("occasion", JSON, nullable=False),
    Column("until", Instant),
    Column("over", Boolean, nullable=False),
    Index("ix_scenario_stops_world", "world"),
)

strikes = Table(
    "strikes",
    metadata,
    Column("seq", SERIAL, primary_key=True, autoincrement=True),
    world_column(),
    Column("at", Instant, nullable=False),
    Column("scenario", String(128), nullable=False),
    Column("rule", String(128), nullable=False),
    Column("number", Integer, nullable=False),
    Column("point", String(128), nullable=False),
    Column("action", String(64), nullable=False),
    Column("args", JSON, nullable=False),
    Column("facts", JSON, nullable=False),
    Index("ix_strikes_world", "world", "seq"),
    sqlite_autoincrement=True,
)
