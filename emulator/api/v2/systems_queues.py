"""Batch queues of execution systems over HTTP [systems §4.2]."""

from __future__ import annotations

from flask import Response

from emulator.api.edge import caller, now, services
from emulator.api.v2 import bodies, system_record
from emulator.api.v2.schemas import read_queue
from emulator.api.v2.wire import reply


def list_queues(system: str) -> Response:
    page = bodies.page(unsigned=True)
    found = services().systems.queues.all(caller(), system)
    end = None if page.limit is None else page.offset + page.limit
    moment = now()
    return reply([system_record.queue_load(system, loaded, moment) for loaded in found[page.offset : end]])


def show_queue(system: str, queue: str) -> Response:
    loaded = services().systems.queues.one(caller(), system, queue)
    return reply(system_record.queue_load(system, loaded, now()))


def save_queue(system: str, queue: str = "") -> Response:
    """Adds the queue of the body's name, or replaces it; the name may come from the URL instead."""
    body = bodies.json_object()
    if queue:
        body.setdefault("name", queue)
    loaded = services().systems.queues.put(caller(), system, read_queue(body))
    return reply(system_record.queue_load(system, loaded, now()))


def delete_queue(system: str, queue: str) -> Response:
    services().systems.queues.remove(caller(), system, queue)
    return reply()
