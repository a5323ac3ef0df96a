"""Uuids: what an identifier stands for [uuids §C]."""

from __future__ import annotations

from emulator.api.v2.coverage.operation import AGAVE_CLI, NOT_IMPLEMENTED, NOT_YET, Operation

OPERATIONS = (
    Operation(
        "uuids.list",
        "GET",
        "/uuid/v2",
        "Resolve several uuids",
        NOT_IMPLEMENTED,
        clients=(AGAVE_CLI,),
        also=("/uuids/v2",),
        differences=(NOT_YET,),
    ),
    Operation(
        "uuids.create",
        "POST",
        "/uuid/v2",
        "Draw a new uuid of a type",
        NOT_IMPLEMENTED,
        clients=(),
        also=("/uuids/v2",),
        differences=(NOT_YET,),
    ),
    Operation(
        "uuids.get",
        "GET",
        "/uuid/v2/{uuid}",
        "Resolve a uuid",
        NOT_IMPLEMENTED,
        clients=(AGAVE_CLI,),
        also=("/uuids/v2/{uuid}",),
        differences=(NOT_YET,),
    ),
)
