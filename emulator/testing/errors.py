"""What can go wrong in a test that talks to an emulator.

::

    EmulatorError(Exception)
    ├── NoEmulator          nobody answers at the URL, or not as an emulator does
    ├── Refused             the emulator, or the service it plays, says no: `status` and its own words
    └── ClientMissing       a client that is not installed
    AssertionError
    ├── JobEndedOtherwise   the job ended, but not in the state that was waited for; shows its history
    └── WaitedInVain        what was waited for has not come about in time
"""

from __future__ import annotations

from typing import Any


class EmulatorError(Exception):
    """Base of what keeps a test from going on."""


class NoEmulator(EmulatorError):
    """Nobody answers there, or not as an emulator does."""


class Refused(EmulatorError):
    """An answer with a status of 400 and above."""

    def __init__(self, status: int, message: str, what: str) -> None:
        super().__init__(f"{what}: {status} {message}")
        self.status = status
        self.message = message


class ClientMissing(EmulatorError):
    """The client is not installed where the tests run."""


class JobEndedOtherwise(AssertionError):
    """The job will never come into the state that was waited for."""


class WaitedInVain(AssertionError):
    """The time is over."""


def speaks_for_itself(failure: Any) -> bool:
    """Whether a traceback may end where a test has called us: the ``__tracebackhide__`` of the modules here.

    ``failure`` is pytest's ExceptionInfo; its ``--full-trace`` shows all the same.
    """
    return isinstance(failure.value, EmulatorError | JobEndedOtherwise | WaitedInVain)
