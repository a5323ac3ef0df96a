"""Metadata items and schemas over HTTP [postits §B]."""

from __future__ import annotations

from flask import Response

from emulator.api.edge import caller, services
from emulator.api.v2.metadata_bodies import read_item, read_listing, read_schema
from emulator.api.v2.metadata_record import record, records
from emulator.api.v2.wire import link, reply
from emulator.domain.metadata import RecordKind


def overview() -> Response:
    """Where things are: the service shows a page of documentation here."""
    return reply({"_links": {"data": link("meta/v2/data"), "schemas": link("meta/v2/schemas")}})


def list_items() -> Response:
    return reply(records(services().metadata.listing(caller(), read_listing(RecordKind.ITEM))))


def create_item() -> Response:
    return reply(record(services().metadata.create(caller(), read_item())), 201)


def show_item(uuid: str) -> Response:
    return reply(record(services().metadata.show(caller(), uuid)))


def update_item(uuid: str) -> Response:
    return reply(record(services().metadata.update(caller(), uuid, read_item(uuid))))


def delete_item(uuid: str) -> Response:
    services().metadata.remove(caller(), uuid)
    return reply()


def list_schemas() -> Response:
    return reply(records(services().metadata_schemas.listing(caller(), read_listing(RecordKind.SCHEMA))))


def create_schema() -> Response:
    return reply(record(services().metadata_schemas.create(caller(), read_schema())), 201)


def show_schema(uuid: str) -> Response:
    return reply(record(services().metadata_schemas.show(caller(), uuid)))


def update_schema(uuid: str) -> Response:
    return reply(record(services().metadata_schemas.update(caller(), uuid, read_schema())))


def delete_schema(uuid: str) -> Response:
    services().metadata_schemas.remove(caller(), uuid)
    return reply()
