"""What can go wrong between here and a machine, and how it is worded.

OSError
├── ConnectionError         passes by itself, perhaps: the machine is away, or the connection broke
│   └── AuthenticationRefused   it answers, but does not let this identity in
├── TimeoutError            as a connection error: it did not answer in time
└── PermissionError
    ├── HostKeyChanged      lasting: it is not the machine that was met before
    └── UnusableKey         lasting: the private key itself cannot be read
"""

from __future__ import annotations

import errno


class AuthenticationRefused(ConnectionError):
    """The machine does not take the identity. Worth trying again: accounts are unlocked, keys are installed."""


class HostKeyChanged(PermissionError):
    """The machine shows another host key than the one that is known."""

    def __init__(self, text: str) -> None:
        super().__init__(errno.EACCES, text)


class UnusableKey(PermissionError):
    """A private key that cannot be read: of no known form, broken, or closed to this passphrase."""

    def __init__(self, text: str) -> None:
        super().__init__(errno.EACCES, text)


def unconnected(where: str, error: BaseException) -> ConnectionError | TimeoutError:
    """Any error of a socket or of the SSH protocol as one of the connection to ``where``."""
    if isinstance(error, TimeoutError):
        return TimeoutError(errno.ETIMEDOUT, f"{where} does not answer")
    reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
    if isinstance(error, EOFError):
        reason = "the connection was closed"
    number = error.errno if isinstance(error, OSError) and error.errno else errno.ECONNRESET
    kind = type(error) if isinstance(error, ConnectionError) else ConnectionError
    if kind not in (ConnectionRefusedError, ConnectionResetError, ConnectionAbortedError, BrokenPipeError):
        kind = ConnectionError
    made: ConnectionError = kind(number, f"{where}: {reason}")
    return made
