"""What can go wrong, as one tree; raised in the middle, formatted by the dialect at the edge.

::

    EmulatorError                 the base; carries the message that the client reads
    ├── Invalid              400  a value or a body that the rules refuse; names the field
    ├── NotAuthenticated     401  no or wrong credentials
    ├── Forbidden            403  known, but lacks the role or permission
    ├── NotFound             404  no such thing, or not visible to the caller
    ├── PreconditionFailed   412  the state of something else stands in the way
    ├── RangeRefused         416  a byte range outside the file
    ├── NotProvided          501  a feature the service declares missing
    ├── Unavailable          503  a system that is down
    ├── Unreachable          504  the system that holds what is asked for is down
    └── OAuthRefused     400/401  the token service says no, in OAuth's own words
    TransitionError               a state change outside the law (see states.py); never shown to clients
    StepFailed                    a step of a job's life failed for good; carries a neutral code and a reason
    StepBlocked                   a step cannot go on now, but may later

The numbers are what dialect v2 answers [conventions §9.1]; the domain itself knows no HTTP.
"""

from __future__ import annotations


class EmulatorError(Exception):
    """Base of every error a client may be told of. ``message`` is worded as the service words it.

    ``service_status`` is what the real service answers where it blames itself for the client's mistake, or
    calls a lack of permission a lack of credentials; the switch ``errors.faithful_5xx`` brings it back
    [conventions §9.3].
    """

    def __init__(self, message: str, *, service_status: int | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.service_status = service_status


class Invalid(EmulatorError):
    """A value, body or combination that the rules refuse. Nothing was changed."""


class NotAuthenticated(EmulatorError):
    """No credentials where they are needed, or wrong ones."""


class Forbidden(EmulatorError):
    """The caller is known but lacks the role or permission."""


class NotFound(EmulatorError):
    """No such resource, or none that the caller may know of."""


class PreconditionFailed(EmulatorError):
    """Something the request leans on is not in the state it must be in."""


class RangeRefused(EmulatorError):
    """A byte range that does not lie inside the file."""


class NotProvided(EmulatorError):
    """A feature that the real service declares as not implemented."""


class Unavailable(EmulatorError):
    """What is needed does not work at the moment: a system that is not UP, our own database."""


class OAuthRefused(EmulatorError):
    """The token service refuses; ``error`` is OAuth's code (RFC 6749 §5.2) [auth §4]."""

    def __init__(self, error: str, message: str) -> None:
        super().__init__(message)
        self.error = error


class Unreachable(EmulatorError):
    """The system that holds what the request asks for is not UP."""


class TransitionError(Exception):
    """A state change that the transition table does not allow."""


class StepFailed(Exception):
    """A step of a job's life failed for good.

    ``code`` is a neutral upper-case token (``JOBS_STAGING_FAILED``), ``reason`` one sentence of cause.
    """

    def __init__(self, code: str, reason: str) -> None:
        super().__init__(f"{code} {reason}")
        self.code = code
        self.reason = reason


class StepBlocked(Exception):
    """A step cannot go on now; the job waits as BLOCKED until ``condition`` has cleared.

    ``condition`` is one of ``system``, ``app``, ``quota``, ``connection`` [job-lifecycle §5].
    """

    def __init__(self, condition: str, reason: str) -> None:
        super().__init__(reason)
        self.condition = condition
        self.reason = reason


class JobCancelled(Exception):
    """Raised inside a step when it notices that the job has been asked to stop."""
