"""Assertions: what a gateway tells the services behind it of who asks, signed [auth §2, §2.1]."""

from __future__ import annotations

import json
from base64 import urlsafe_b64encode
from typing import Any

from emulator.domain.identity import Caller
from emulator.domain.ports import Clocks, Signer

_CLAIMS = "http://wso2.org/claims"
_LIFETIME = 900
"""Seconds."""


class AssertionService:
    def __init__(self, *, clocks: Clocks, signer: Signer) -> None:
        self._clocks = clocks
        self._signer = signer

    def public_key(self) -> str:
        """What assertions are checked with, in PEM."""
        return self._signer.public_key()

    def about(self, caller: Caller) -> str:
        """A JSON Web Token (RS256) with the claims that the services of the platform read."""
        claims = {
            "iss": "wso2.org/products/am",
            "exp": int(self._clocks.of(caller.world).now().timestamp()) + _LIFETIME,
            f"{_CLAIMS}/subscriber": caller.username,
            f"{_CLAIMS}/enduser": f"{caller.username}@carbon.super",
            f"{_CLAIMS}/enduserTenantId": caller.tenant_id,
            f"{_CLAIMS}/role": ",".join(caller.roles),
        }
        signed = f"{_encoded({'typ': 'JWT', 'alg': 'RS256'})}.{_encoded(claims)}"
        return f"{signed}.{_base64(self._signer.sign(signed.encode('ascii')))}"


def _encoded(part: dict[str, Any]) -> str:
    return _base64(json.dumps(part, separators=(",", ":")).encode())


def _base64(data: bytes) -> str:
    return urlsafe_b64encode(data).rstrip(b"=").decode("ascii")
