"""The database behind the store: opening it, transactions, and what happens after a commit."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any, Generic, TypeVar

from sqlalchemy import Connection, Engine, Index, create_engine, event, inspect, select
from sqlalchemy.dialects import registry
from sqlalchemy.exc import DatabaseError, OperationalError
from sqlalchemy.schema import CreateIndex, CreateTable, ExecutableDDLElement

from emulator.domain import patterns
from emulator.domain.errors import Invalid, Unavailable
from emulator.store import tables
from emulator.store.accounts import AccountRows
from emulator.store.apps import AppRows
from emulator.store.attempts import AttemptRows
from emulator.store.clocks import ChanceRows, ClockRows
from emulator.store.credentials import CredentialRows
from emulator.store.events import EventRows
from emulator.store.file_stagings import StagingRows
from emulator.store.files import FileRows
from emulator.store.jobs import JobRows
from emulator.store.keys import KeyRows
from emulator.store.listeners import ListenerRows
from emulator.store.metadata import MetadataRows
from emulator.store.migration import add_missing
from emulator.store.postits import PostitRows
from emulator.store.scenarios import ScenarioRows
from emulator.store.simulations import SimulationRows
from emulator.store.subscriptions import SubscriptionRows
from emulator.store.systems import SystemRows
from emulator.store.tokens import ClientRows, TokenRows
from emulator.store.webhooks import WebhookRows
from emulator.store.world_records import WorldRecords
from emulator.store.worlds import WorldRows

log = logging.getLogger(__name__)


class SchemaMismatch(Exception):
    """The data directory was written by a newer version, or holds no database at all."""


R = TypeVar("R")


class _Rows(Generic[R]):
    """The rows of one kind, made when a transaction first asks for them: most ask for two or three kinds."""

    def __init__(self, rows: Callable[[Connection], R]) -> None:
        self._rows = rows
        self._name = ""

    def __set_name__(self, owner: type, name: str) -> None:
        self._name = name

    def __get__(self, transaction: Transaction, owner: type) -> R:
        rows = self._rows(transaction.connection)
        vars(transaction)[self._name] = rows  # found before this is asked again
        return rows


class Transaction:
    """One unit of work: everything done through it is saved together, or not at all."""

    accounts = _Rows(AccountRows)
    clients = _Rows(ClientRows)
    clocks = _Rows(ClockRows)
    chances = _Rows(ChanceRows)
    tokens = _Rows(TokenRows)
    postits = _Rows(PostitRows)
    systems = _Rows(SystemRows)
    credentials = _Rows(CredentialRows)
    apps = _Rows(AppRows)
    files = _Rows(FileRows)
    file_stagings = _Rows(StagingRows)
    jobs = _Rows(JobRows)
    events = _Rows(EventRows)
    listeners = _Rows(ListenerRows)
    simulations = _Rows(SimulationRows)
    subscriptions = _Rows(SubscriptionRows)
    metadata = _Rows(MetadataRows)
    attempts = _Rows(AttemptRows)
    keys = _Rows(KeyRows)
    webhooks = _Rows(WebhookRows)
    scenarios = _Rows(ScenarioRows)
    worlds = _Rows(WorldRows)

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self._after: list[Callable[[], None]] = []

    def records(self, world: str) -> WorldRecords:
        """All records of a world."""
        return WorldRecords(self.connection, world)

    def after_commit(self, action: Callable[[], None]) -> None:
        """Run ``action`` once the work is safely stored; never if it is rolled back."""
        self._after.append(action)

    def run_after_commit(self) -> None:
        for action in self._after:
            action()


@cache
def _definitions(dialect_name: str) -> tuple[str, ...]:
    """What makes all tables, in order; a program that opens many databases words it once."""
    dialect = registry.load(dialect_name)()
    found: list[ExecutableDDLElement] = []
    for table in tables.metadata.sorted_tables:
        found += [CreateTable(table), *(CreateIndex(index) for index in sorted(table.indexes, key=_name))]
    return tuple(str(each.compile(dialect=dialect)) for each in found)


def _name(index: Index) -> str:
    return index.name or ""


class Store:
    """The truth. One per process and data directory."""

    def __init__(self, url: str) -> None:
        """Open, making the tables at first use, adding to older ones. Raises SchemaMismatch for a newer version's."""
        self._engine = (
            _sqlite_engine(url) if url.startswith("sqlite") else create_engine(url, hide_parameters=True)
        )
        self.check: Callable[[], None] = lambda: None
        """Asked before everything; raises what keeps somebody from reading or writing (see services/doors.py)."""
        self._abandoned = False
        self._stamp = object()
        # SQLite has one writer at a time; queueing here is fairer and quicker than its busy handler.
        self._writing = threading.Lock() if url.startswith("sqlite") else None
        try:
            with self._engine.connect().execution_options(writes=True) as connection, connection.begin():
                self._make_tables(connection)
        except DatabaseError as error:
            raise SchemaMismatch(f"the database {url} cannot be used: {error.orig}") from error

    @classmethod
    def at(cls, directory: Path) -> Store:
        """The default store: an SQLite file in the data directory."""
        return cls(f"sqlite:///{directory / 'emulator.db'}")

    def _make_tables(self, connection: Connection) -> None:
        """All of them at first use, what is missing in a database of an older version; else nothing."""
        known = inspect(connection).has_table(tables.schema_info.name)
        found = connection.execute(select(tables.schema_info.c.version)).scalar() if known else None
        if found is None:
            for statement in _definitions(self._engine.dialect.name):
                connection.exec_driver_sql(statement)
            connection.execute(tables.schema_info.insert().values(version=tables.SCHEMA_VERSION))
        elif found < tables.SCHEMA_VERSION:
            log.warning("tables of version %d become version %d", found, tables.SCHEMA_VERSION)
            tables.metadata.create_all(connection)
            add_missing(connection)
            connection.execute(tables.schema_info.update().values(version=tables.SCHEMA_VERSION))
        elif found > tables.SCHEMA_VERSION:
            raise SchemaMismatch(
                f"the data were written with table version {found}, this program knows {tables.SCHEMA_VERSION}"
            )

    @contextmanager
    def read(self) -> Iterator[Transaction]:
        """A consistent view; nothing is saved. Raises Unavailable when the database does not work."""
        self.check()
        with _told(), self._engine.connect() as connection, connection.begin():
            yield Transaction(connection)

    @contextmanager
    def write(self, *, noted: bool = True) -> Iterator[Transaction]:
        """A unit of work, saved when the block ends well. Keep it short: writers wait for each other.

        ``noted``: it changes the :meth:`stamp`. Raises Unavailable, and nothing is saved, when the database does
        not work: a full disk, most likely.
        """
        with _told():
            if self._writing is None:
                with self._engine.begin() as connection:
                    self.check()
                    transaction = Transaction(connection)
                    yield transaction
                    self._require_held()
            else:
                with self._writing, self._engine.connect().execution_options(writes=True) as connection:
                    with connection.begin():
                        self.check()
                        transaction = Transaction(connection)
                        yield transaction
                        self._require_held()
        if noted:
            self._stamp = object()
        transaction.run_after_commit()

    def stamp(self) -> object:
        """Another object after every change but those of clocks: what was read under this one is as it was."""
        return self._stamp

    def abandon(self) -> None:
        """Save nothing any more, not even what is being written just now."""
        self._abandoned = True

    def _require_held(self) -> None:
        if self._abandoned:
            raise Unavailable("The emulator has been stopped.")

    def close(self) -> None:
        self._engine.dispose()


@contextmanager
def _told() -> Iterator[None]:
    try:
        yield
    except OperationalError as error:
        if "user-defined function" in str(error.orig):  # the only one is the comparison below
            raise Invalid("The regular expression takes too long to compare.") from error
        log.error("the database does not work: %s", error.orig)
        raise Unavailable(f"The emulator's database does not work: {error.orig}") from error


def _sqlite_engine(url: str) -> Engine:
    engine = create_engine(
        url, pool_size=16, max_overflow=-1, connect_args={"timeout": 30}, hide_parameters=True
    )

    @event.listens_for(engine, "connect")
    def configure(connection: Any, _record: Any) -> None:
        # the driver must not open transactions on its own: BEGIN is ours, below
        connection.isolation_level = None
        for pragma in ("journal_mode=WAL", "synchronous=NORMAL", "foreign_keys=ON", "temp_store=MEMORY"):
            connection.execute(f"PRAGMA {pragma}")
        connection.create_function("regexp", 2, _regexp, deterministic=True)

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        writes = connection.get_execution_options().get("writes", False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")

    return engine


def _regexp(pattern: str, value: Any) -> bool:
    return value is not None and patterns.occurs(pattern, str(value))
