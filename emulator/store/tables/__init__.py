"""The tables. Every row carries its world; times are whole milliseconds since 1970, UTC.

Columns hold what is searched, sorted or checked; ``document`` columns hold the rest of a domain object
as JSON. The same definitions serve SQLite and PostgreSQL.

A new table or column needs a higher ``SCHEMA_VERSION``, and a column that stands in older rows too must be
nullable or have a ``server_default``: an older database gets it when it is opened (see migration.py).
"""

from __future__ import annotations

from sqlalchemy import Column, Integer, Table

from emulator.store.tables.accounts import authorization_codes, clients, tokens, users, worlds
from emulator.store.tables.apps import app_copies, app_grants, app_words, apps
from emulator.store.tables.clocks import chances, clocks
from emulator.store.tables.columns import Instant, metadata
from emulator.store.tables.events import events
from emulator.store.tables.files import file_grants, file_stagings, files
from emulator.store.tables.jobs import job_grants, jobs
from emulator.store.tables.listeners import listeners
from emulator.store.tables.metadata_records import (
    metadata_entries,
    metadata_grants,
    metadata_readers,
    metadata_records,
)
from emulator.store.tables.notifications import attempts, deliveries, subscriptions
from emulator.store.tables.postits import postits
from emulator.store.tables.scenarios import armed_scenarios, scenario_counts, scenario_stops, strikes
from emulator.store.tables.simulations import simulations
from emulator.store.tables.systems import internal_credentials, system_roles, systems, user_defaults
from emulator.store.tables.webhooks import received_webhooks, webhook_answers

SCHEMA_VERSION = 3

schema_info = Table("schema_info", metadata, Column("version", Integer, primary_key=True))

__all__ = [
    "SCHEMA_VERSION",
    "Instant",
    "app_copies",
    "app_grants",
    "app_words",
    "apps",
    "armed_scenarios",
    "attempts",
    "authorization_codes",
    "chances",
    "clients",
    "clocks",
    "deliveries",
    "events",
    "file_grants",
    "file_stagings",
    "files",
    "internal_credentials",
    "job_grants",
    "jobs",
    "listeners",
    "metadata",
    "metadata_entries",
    "metadata_grants",
    "metadata_readers",
    "metadata_records",
    "postits",
    "received_webhooks",
    "scenario_counts",
    "scenario_stops",
    "schema_info",
    "simulations",
    "strikes",
    "subscriptions",
    "system_roles",
    "systems",
    "tokens",
    "user_defaults",
    "users",
    "webhook_answers",
    "worlds",
]
