"""Monitors: repeated checks of a system."""

from __future__ import annotations

from emulator.api.v2.coverage.operation import AGAVEPY, NOT_IMPLEMENTED, Difference, Operation

NO_MONITORS = Difference(
    "Monitors are not provided.", "Sandbox systems are always reachable; there is nothing to watch."
)

OPERATIONS = (
    Operation(
        "monitors.list",
        "GET",
        "/monitors/v2",
        "List monitors",
        NOT_IMPLEMENTED,
        clients=(AGAVEPY,),
        differences=(NO_MONITORS,),
    ),
    Operation(
        "monitors.add",
        "POST",
        "/monitors/v2",
        "Watch a system",
        NOT_IMPLEMENTED,
        clients=(AGAVEPY,),
        differences=(NO_MONITORS,),
    ),
    Operation(
        "monitors.get",
        "GET",
        "/monitors/v2/{monitorId}",
        "Show a monitor",
        NOT_IMPLEMENTED,
        clients=(AGAVEPY,),
        differences=(NO_MONITORS,),
    ),
    Operation(
        "monitors.update",
        "POST",
        "/monitors/v2/{monitorId}",
        "Change a monitor",
        NOT_IMPLEMENTED,
        clients=(AGAVEPY,),
        differences=(NO_MONITORS,),
    ),
    Operation(
        "monitors.delete",
        "DELETE",
        "/monitors/v2/{monitorId}",
        "Stop watching",
        NOT_IMPLEMENTED,
        clients=(AGAVEPY,),
        differences=(NO_MONITORS,),
    ),
    Operation(
        "monitors.listChecks",
        "GET",
        "/monitors/v2/{monitorId}/checks",
        "List a monitor's checks",
        NOT_IMPLEMENTED,
        clients=(AGAVEPY,),
        differences=(NO_MONITORS,),
    ),
    Operation(
        "monitors.runCheck",
        "POST",
        "/monitors/v2/{monitorId}/checks",
        "Check a system now",
        NOT_IMPLEMENTED,
        clients=(AGAVEPY,),
        differences=(NO_MONITORS,),
    ),
    Operation(
        "monitors.getCheck",
        "GET",
        "/monitors/v2/{monitorId}/checks/{checkId}",
        "Show a check",
        NOT_IMPLEMENTED,
        clients=(AGAVEPY,),
        differences=(NO_MONITORS,),
    ),
)
