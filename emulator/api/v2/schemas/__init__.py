"""Request bodies read into domain objects.

The schemas (and marshmallow below them) are loaded when the first body is read, or by :func:`load` in the
background: they cost a fifth of the time from start to the first answer.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from emulator.api.v2.schemas.auth import Auth
    from emulator.domain.app import AppDefinition, CopyRequest
    from emulator.domain.job_request import JobRequest
    from emulator.domain.system import Queue, SystemDefinition


def load() -> None:
    """Load all schemas now."""
    for name in ("system", "app", "job"):
        import_module(f"{__name__}.{name}")


def read_system(body: Mapping[str, Any]) -> tuple[SystemDefinition, dict[str, Any]]:
    """See :func:`emulator.api.v2.schemas.system.parse_system`."""
    from emulator.api.v2.schemas.system import parse_system

    return parse_system(body)


def read_queue(body: Mapping[str, Any]) -> Queue:
    """See :func:`emulator.api.v2.schemas.system.parse_queue`."""
    from emulator.api.v2.schemas.system import parse_queue

    return parse_queue(body)


def read_auth(body: Mapping[str, Any]) -> Auth:
    """See :func:`emulator.api.v2.schemas.system.parse_auth`."""
    from emulator.api.v2.schemas.system import parse_auth

    return parse_auth(body)


def read_app(body: Mapping[str, Any]) -> AppDefinition:
    """See :func:`emulator.api.v2.schemas.app.parse_app`."""
    from emulator.api.v2.schemas.app import parse_app

    return parse_app(body)


def read_app_copy(body: Mapping[str, Any]) -> CopyRequest:
    """See :func:`emulator.api.v2.schemas.app_copy.parse_app_copy`."""
    from emulator.api.v2.schemas.app_copy import parse_app_copy

    return parse_app_copy(body)


def read_job(body: Mapping[str, Any], strict: bool, origins: Iterable[str]) -> JobRequest:
    """See :func:`emulator.api.v2.schemas.job.read_job_request`."""
    from emulator.api.v2.schemas.job import read_job_request

    return read_job_request(body, strict=strict, origins=origins)
