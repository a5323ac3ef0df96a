"""Bringing an older database up to the tables of this program. Only what is missing is added; nothing is lost."""

from __future__ import annotations

from sqlalchemy import Connection, Table, inspect
from sqlalchemy.schema import CreateColumn

from emulator.store import tables


def add_missing(connection: Connection) -> None:
    """Columns and indexes that stand in our tables and not in the database's. New tables are there already."""
    for table in tables.metadata.sorted_tables:
        _add_columns(connection, table)
        known = {index["name"] for index in inspect(connection).get_indexes(table.name)}
        for index in table.indexes:
            if index.name not in known:
                index.create(connection)


def _add_columns(connection: Connection, table: Table) -> None:
    known = {column["name"] for column in inspect(connection).get_columns(table.name)}
    quoted = connection.dialect.identifier_preparer.format_table(table)
    for column in table.columns:
        if column.name not in known:
            definition = CreateColumn(column).compile(dialect=connection.dialect)
            connection.exec_driver_sql(f"ALTER TABLE {quoted} ADD COLUMN {definition}")
