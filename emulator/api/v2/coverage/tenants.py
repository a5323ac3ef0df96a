"""Tenants: what a client finds its base URL by [auth §1]."""

from __future__ import annotations

from emulator.api.v2.coverage.operation import (
    AGAVE_CLI,
    AGAVEPY,
    COURSE,
    IMPLEMENTED,
    TAPIS_CLI,
    Difference,
    Operation,
)

OPERATIONS = (
    Operation(
        "tenants.list",
        "GET",
        "/tenants",
        "List the tenants",
        IMPLEMENTED,
        clients=(TAPIS_CLI, AGAVEPY, AGAVE_CLI, COURSE),
        differences=(
            Difference(
                "Verbs other than GET are 405; the service answers 501.",
                "405 is what every other service says.",
            ),
        ),
    ),
    Operation(
        "tenants.get",
        "GET",
        "/tenants/{tenant}",
        "Show a tenant, by its code or id, as a list of one",
        IMPLEMENTED,
        clients=(AGAVEPY, AGAVE_CLI),
    ),
    Operation(
        "tenants.publicKey",
        "GET",
        "/apim/v2/publickey",
        "Show the key that the gateway signs its assertions with",
        IMPLEMENTED,
        clients=(),
    ),
)
