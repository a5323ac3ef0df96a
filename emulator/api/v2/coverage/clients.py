"""API clients: the keys that tokens are asked for with [auth §3]."""

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
        "clients.list",
        "GET",
        "/clients/v2",
        "List the caller's API clients",
        IMPLEMENTED,
        clients=(AGAVEPY, AGAVE_CLI),
    ),
    Operation(
        "clients.create",
        "POST",
        "/clients/v2",
        "Register an API client; the answer alone holds its secret",
        IMPLEMENTED,
        clients=(TAPIS_CLI, AGAVEPY, AGAVE_CLI, COURSE),
    ),
    Operation(
        "clients.getClientByName",
        "GET",
        "/clients/v2/{clientName}",
        "Show an API client",
        IMPLEMENTED,
        clients=(AGAVEPY, AGAVE_CLI),
    ),
    Operation(
        "clients.delete",
        "DELETE",
        "/clients/v2/{clientName}",
        "Delete an API client and revoke its tokens",
        IMPLEMENTED,
        clients=(TAPIS_CLI, AGAVEPY, AGAVE_CLI),
    ),
    Operation(
        "clients.listSubscriptionsForClient",
        "GET",
        "/clients/v2/{clientName}/subscriptions",
        "List the APIs that a client may call",
        IMPLEMENTED,
        clients=(AGAVEPY, AGAVE_CLI),
        differences=(
            Difference(
                "A new client is subscribed to every API.",
                "Nothing here is metered by API; clients rely on it.",
            ),
        ),
    ),
    Operation(
        "clients.addSubscriptionForClient",
        "POST",
        "/clients/v2/{clientName}/subscriptions",
        "Subscribe a client to an API",
        IMPLEMENTED,
        clients=(AGAVEPY, AGAVE_CLI),
    ),
    Operation(
        "clients.deleteSubscriptionsForClient",
        "DELETE",
        "/clients/v2/{clientName}/subscriptions",
        "End a client's subscriptions",
        IMPLEMENTED,
        clients=(AGAVEPY, AGAVE_CLI),
    ),
)
