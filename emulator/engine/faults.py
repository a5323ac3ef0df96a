"""Errors of hosts, sorted: which of them pass by themselves, and how they are worded."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager

from emulator.domain.errors import StepBlocked, StepFailed
from emulator.engine.transfer import TransferFailed, cause_of

_PASSING = frozenset(
    {
        errno.ECONNREFUSED,
        errno.ECONNRESET,
        errno.ECONNABORTED,
        errno.EHOSTDOWN,
        errno.EHOSTUNREACH,
        errno.ENETDOWN,
        errno.ENETRESET,
        errno.ENETUNREACH,
        errno.EPIPE,
        errno.ETIMEDOUT,
    }
)


def transient(error: BaseException | None) -> bool:
    """Whether an error is one of the connection to a host, hence may be gone later [job-lifecycle §5]."""
    return isinstance(error, (ConnectionError, TimeoutError)) or (
        isinstance(error, OSError) and error.errno in _PASSING
    )


@contextmanager
def failing_as(code: str, doing: str) -> Iterator[None]:
    """Errors of files and transfers inside the block become the end of the step.

    Those of the connection block the job, all others fail it with ``code`` and a reason; ``doing`` says
    what was not possible (``Unable to stage job inputs``).
    """
    try:
        yield
    except TransferFailed as failed:
        if transient(failed.cause):
            raise StepBlocked("connection", f"{doing}: {failed.message}") from failed
        raise StepFailed(code, f"{doing}: {failed.message}") from failed
    except OSError as error:
        if transient(error):
            raise StepBlocked("connection", f"{doing}: {cause_of(error)}") from error
        raise StepFailed(code, f"{doing}: {cause_of(error)}") from error
