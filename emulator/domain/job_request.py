"""A submission in neutral form: what a dialect has read from a client's request [jobs §3.1]."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from emulator.domain.errors import Invalid


@dataclass(frozen=True, slots=True, kw_only=True)
class JobRequest:
    """Memory in GB, run time in seconds; None where the request says nothing.

    ``total_processors`` is the job's number over all nodes (``processorsPerNode`` of the request, which is
    deprecated), ``processors_on_each_node`` that of one node. ``origins`` are the addresses by which the client
    knows this service: URLs there name our own files. ``faults`` has the refusal of each field that the
    dialect could not read: raised when that field's turn comes, so that the first failing check is the one told.
    """

    name: str = ""
    app_id: str = ""
    batch_queue: str | None = None
    node_count: int | None = None
    total_processors: int | None = None
    processors_on_each_node: int | None = None
    memory_per_node: float | None = None
    max_run_seconds: int | None = None
    archive: bool = True
    archive_on_app_error: bool = False
    archive_system: str | None = None
    archive_path: str | None = None
    inputs: dict[str, Any] = field(default_factory=dict)
    parameters: dict[str, Any] = field(default_factory=dict)
    notifications: Any = None
    origins: tuple[str, ...] = ()
    faults: dict[str, str] = field(default_factory=dict)

    def check(self, *names: str) -> None:
        """Raise Invalid if one of the fields could not be read; in the order given."""
        for name in names:
            if name in self.faults:
                raise Invalid(self.faults[name])
