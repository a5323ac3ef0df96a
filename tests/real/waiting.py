"""A bounded wait for a condition that offers no event."""

import time
from collections.abc import Callable

POLL_SECONDS = 0.02


def wait_until(
    predicate: Callable[[], object], timeout: float = 30.0, what: str = "", every: float = POLL_SECONDS
) -> None:
    """Return as soon as ``predicate()`` is true; ``AssertionError`` after ``timeout`` seconds.

    ``what`` says in the error message what was waited for; ``every`` is the pause between two looks, in seconds.
    The predicate is always asked once more at the end,
    so a machine that stalls between two looks does not fail the wait.
    """
    deadline = time.monotonic() + timeout
    while not predicate():
        if time.monotonic() >= deadline:
            if predicate():
                return
            raise AssertionError(f"waited {timeout:g} s in vain for {what or predicate}")
        time.sleep(every)
