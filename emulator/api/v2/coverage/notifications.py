"""Notifications: subscriptions to events and their deliveries [notifications §1]."""

from __future__ import annotations

from emulator.api.v2.coverage.operation import AGAVE_CLI, AGAVEPY, IMPLEMENTED, TAPIS_CLI, Operation

OPERATIONS = (
    Operation(
        "notifications.list",
        "GET",
        "/notifications/v2",
        "List or search the caller's subscriptions",
        IMPLEMENTED,
        clients=(TAPIS_CLI, AGAVEPY, AGAVE_CLI),
    ),
    Operation(
        "notifications.add",
        "POST",
        "/notifications/v2",
        "Subscribe to an event",
        IMPLEMENTED,
        clients=(AGAVEPY, AGAVE_CLI),
    ),
    Operation(
        "notifications.get",
        "GET",
        "/notifications/v2/{uuid}",
        "Show a subscription",
        IMPLEMENTED,
        clients=(TAPIS_CLI, AGAVEPY, AGAVE_CLI),
    ),
    Operation(
        "notifications.update",
        "POST",
        "/notifications/v2/{uuid}",
        "Replace a subscription",
        IMPLEMENTED,
        clients=(AGAVEPY, AGAVE_CLI),
    ),
    Operation(
        "notifications.delete",
        "DELETE",
        "/notifications/v2/{uuid}",
        "Cancel a subscription",
        IMPLEMENTED,
        clients=(TAPIS_CLI, AGAVEPY, AGAVE_CLI),
    ),
    Operation(
        "notifications.listAttempts",
        "GET",
        "/notifications/v2/{uuid}/attempts",
        "List the attempts to deliver",
        IMPLEMENTED,
        clients=(AGAVE_CLI,),
    ),
    Operation(
        "notifications.fire",
        "POST",
        "/notifications/v2/{uuid}/attempts",
        "Deliver now",
        IMPLEMENTED,
        clients=(AGAVE_CLI,),
    ),
    Operation(
        "notifications.deleteAttempts",
        "DELETE",
        "/notifications/v2/{uuid}/attempts",
        "Forget the attempts to deliver",
        IMPLEMENTED,
        clients=(),
    ),
    Operation(
        "notifications.getAttempt",
        "GET",
        "/notifications/v2/{uuid}/attempts/{attemptId}",
        "Show an attempt to deliver",
        IMPLEMENTED,
        clients=(),
    ),
    Operation(
        "notifications.deleteAttempt",
        "DELETE",
        "/notifications/v2/{uuid}/attempts/{attemptId}",
        "Forget an attempt to deliver",
        IMPLEMENTED,
        clients=(),
    ),
)
