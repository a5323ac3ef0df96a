"""Postits: URLs that work without a token [postits §A]."""

from __future__ import annotations

from emulator.api.v2.coverage.operation import AGAVE_CLI, AGAVEPY, IMPLEMENTED, TAPIS_CLI, Operation

OPERATIONS = (
    Operation(
        "postits.list",
        "GET",
        "/postits/v2",
        "List the caller's postits",
        IMPLEMENTED,
        clients=(TAPIS_CLI, AGAVEPY, AGAVE_CLI),
    ),
    Operation(
        "postits.create",
        "POST",
        "/postits/v2",
        "Make a postit for a URL",
        IMPLEMENTED,
        clients=(TAPIS_CLI, AGAVEPY, AGAVE_CLI),
    ),
    Operation(
        "postits.get",
        "GET",
        "/postits/v2/listing/{nonce}",
        "Show a postit",
        IMPLEMENTED,
        clients=(),
    ),
    Operation(
        "postits.update",
        "POST",
        "/postits/v2/update/{nonce}",
        "Change how long and how often a postit works",
        IMPLEMENTED,
        clients=(),
    ),
    Operation(
        "postits.delete",
        "DELETE",
        "/postits/v2/{nonce}",
        "Revoke a postit",
        IMPLEMENTED,
        clients=(TAPIS_CLI, AGAVEPY, AGAVE_CLI),
    ),
    Operation(
        "postits.redeem",
        "GET",
        "/postits/v2/{nonce}",
        "Fetch what a postit stands for, without a token",
        IMPLEMENTED,
        clients=(),
    ),
)
