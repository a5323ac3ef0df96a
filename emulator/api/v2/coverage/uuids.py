"""Uuids: what an identifier stands for [uuids §C]."""

from __future__ import annotations

from emulator.api.v2.coverage.operation import AGAVE_CLI, IMPLEMENTED, Difference, Operation

_KINDS = Difference(
    "Uuids of API clients, tags, monitors and transfers stand for nothing.",
    "Clients are known by their names, and the other services are not kept here.",
)

OPERATIONS = (
    Operation(
        "uuids.list",
        "GET",
        "/uuid/v2",
        "Resolve several uuids",
        IMPLEMENTED,
        clients=(AGAVE_CLI,),
        also=("/uuids/v2",),
    ),
    Operation(
        "uuids.create",
        "POST",
        "/uuid/v2",
        "Draw a new uuid of a type",
        IMPLEMENTED,
        clients=(),
        also=("/uuids/v2",),
    ),
    Operation(
        "uuids.get",
        "GET",
        "/uuid/v2/{uuid}",
        "Resolve a uuid",
        IMPLEMENTED,
        clients=(AGAVE_CLI,),
        also=("/uuids/v2/{uuid}",),
        differences=(_KINDS,),
    ),
)
