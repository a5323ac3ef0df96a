"""Bringing an older database up to the tables of this program. Only what is missing is added; nothing is lost."""

from __future__ import annotations

from sqlalchemy import Connection, Table, inspect
from sqlalchemy.schema import CreateColumn, CreateIndex

from emulator.store import tables
from emulator.store.apps import AppRows


def add_missing(connection: Connection) -> None:
    """Columns and indexes that stand in our tables and not in the database's. New tables are there already."""
    for table in tables.metadata.sorted_tables:
        _add_columns(connection, table)
        for index in table.indexes:  # looking which are there would miss those on expressions
            connection.execute(CreateIndex(index, if_not_exists=True))
    AppRows(connection).add_missing_words()


def _add_columns(connection: Connection, table: Table) -> None:
    known = {column["name"] for column in inspect(connection).get_columns(table.name)}
    quoted = connection.dialect.identifier_preparer.format_table(table)
    for column in table.columns:
        if column.name not in known:
            definition = CreateColumn(column).compile(dialect=connection.dialect)
            connection.exec_driver_sql(f"ALTER TABLE {quoted} ADD COLUMN {definition}")
