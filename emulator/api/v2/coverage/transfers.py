"""Transfers: the tasks that move data between systems."""

from __future__ import annotations

from emulator.api.v2.coverage.operation import NOT_IMPLEMENTED, Difference, Operation

OPERATIONS = (
    Operation(
        "transfers.get",
        "GET",
        "/transfers/v2/{uuid}",
        "Show a transfer",
        NOT_IMPLEMENTED,
        clients=(),
        differences=(
            Difference(
                "Not provided.",
                "A transfer's progress is in the history of its file or job; no client asks for the task itself.",
            ),
        ),
    ),
)
