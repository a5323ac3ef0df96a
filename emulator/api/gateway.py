"""The API gateway that stands before the services, and what it says where it lets nobody through [conventions §9.2]."""

from __future__ import annotations

from dataclasses import dataclass

from flask import request


class GatewayFault(Exception):
    """An answer of the gateway.

    ``older`` is the code and message of the same fault in XML, where they differ from those in JSON. ``format``
    is ``json`` or ``xml``, where neither the request nor the setting shall choose.
    """

    def __init__(
        self,
        status: int,
        code: int,
        message: str,
        description: str = "",
        kind: str = "ams",
        older: tuple[int, str] | None = None,
        format: str = "",
    ) -> None:
        super().__init__(message)
        self.older = older
        self.status = status
        self.code = code
        self.message = message
        self.description = description
        self.kind = kind
        self.format = format


@dataclass(frozen=True, slots=True)
class FaultKind:
    """A fault that the gateway knows by its code. ``security``: it is about who asks, which XML tells apart.

    ``description`` may name the service by ``{api}``.
    """

    status: int
    message: str
    description: str = ""
    security: bool = False


_WRONG_TOKEN = (
    "Access failure for API: /{api}/v2, version: v2. Make sure you have given the correct access token"
)
_NO_HEADER = (
    "Required OAuth credentials not provided. Make sure your API invocation call has a header: "
    '"Authorization: Bearer ACCESS_TOKEN"'
)

FAULTS = {
    900800: FaultKind(429, "Message throttled out", "You have exceeded your quota"),
    900900: FaultKind(401, "Unclassified Authentication Failure", "", security=True),
    900901: FaultKind(401, "Invalid Credentials", _WRONG_TOKEN, security=True),
    900902: FaultKind(401, "Missing Credentials", _NO_HEADER, security=True),
    900903: FaultKind(401, "Access Token Expired", _WRONG_TOKEN, security=True),
    900904: FaultKind(401, "Access Token Inactive", _WRONG_TOKEN, security=True),
    900906: FaultKind(404, "No matching resource found in the API for the given request"),
    900907: FaultKind(503, "The requested API is temporarily blocked"),
    900908: FaultKind(
        403,
        "Resource forbidden",
        "User is NOT authorized to access the Resource: /{api}/v2",
        security=True,
    ),
    101500: FaultKind(502, "Runtime Error", "Error in Sender"),
    101503: FaultKind(503, "Runtime Error", "Error connecting to the back end"),
    101504: FaultKind(504, "Runtime Error", "Connection to the back end timed out"),
    303001: FaultKind(503, "Runtime Error", "The endpoint of /{api}/v2 is suspended"),
}
"""By code. The tokens' codes are those of the older gateways, which speak XML; in JSON they are all 900901."""

BY_STATUS = {401: 900901, 403: 900908, 429: 900800, 502: 101500, 503: 101503, 504: 101504}
"""The code for a status that is the gateway's to give."""

_TOKEN_CODES = (900901, 900903, 900904)


def fault(code: int, message: str = "", format: str = "") -> GatewayFault:
    """The fault of a code of FAULTS, for the service that the current request asks; ``message`` in place of its own."""
    kind = FAULTS[code]
    description = kind.description.format(api=asked_api())
    if code not in _TOKEN_CODES:
        family = "ams" if kind.security else "am"
        return GatewayFault(kind.status, code, message or kind.message, description, family, format=format)
    # today's gateways have one code for all of these, the older ones, which spoke XML, one for each
    older = 900904 if code == 900901 else code
    text = message or FAULTS[900901].message
    words = message or FAULTS[older].message
    return GatewayFault(kind.status, 900901, text, description, older=(older, words), format=format)


def asked_api() -> str:
    """The first part of the path: which service is asked."""
    return request.path.strip("/").split("/")[0]
