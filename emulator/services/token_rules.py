"""What scenarios say about tokens: at ``token.issue``, ``token.refresh`` and ``token.check``."""

from __future__ import annotations

import threading

from emulator.domain.errors import OAuthRefused
from emulator.domain.fault import Occasion, Strike
from emulator.domain.identity import Token
from emulator.domain.ports import Gate
from emulator.services.request_log import under_way

FAMILY = "token"
UNKNOWN_REFRESH_TOKEN = "Persisted access token data not found"
_LAST = ("delay", "hold")


class TokenRules:
    """Asks the gate on behalf of the token service; never inside a transaction."""

    def __init__(self, gate: Gate | None) -> None:
        """Without a gate nobody ever says anything."""
        self._gate = gate

    def armed(self, world: str) -> bool:
        """Whether any rule of the world listens: to be asked first."""
        return self._gate is not None and self._gate.armed(world, FAMILY)

    def check(self, token: Token, path: str) -> Strike | None:
        """What is to be done with a token that a request to ``path`` comes with: refuse, expire or revoke it."""
        return self._ask(Occasion(world=token.world, point="token.check", user=token.username, path=path))

    def lifetime(self, world: str, username: str, *, refreshed: bool = False) -> int | None:
        """The seconds that a token for a user shall live; None where no rule says so.

        Raises OAuthRefused where it shall not be given at all, and RefreshRevoked where its refresh token shall be
        good for nothing any more.
        """
        point = "token.refresh" if refreshed else "token.issue"
        strike = self._ask(Occasion(world=world, point=point, user=username))
        if strike is None:
            return None
        args = strike.action.args
        if strike.action.kind == "refuse":
            raise OAuthRefused(args["error"], args["message"] or _words(args["error"], username, refreshed))
        if strike.action.kind == "revoke":
            raise RefreshRevoked
        return int(args["lifetime"])

    def _ask(self, occasion: Occasion) -> Strike | None:
        """A strike that says what to do; what only lasts has been waited for."""
        gate = self._gate
        strike = gate.strike(occasion) if gate is not None else None
        if gate is None or strike is None or strike.action.kind not in _LAST:
            return strike
        _wait_out(gate, strike)
        return None


def _wait_out(gate: Gate, strike: Strike) -> None:
    """Until what the rule has stopped may go on."""
    request = under_way.get()
    if request is not None:
        request.wait(lambda wake: gate.on_release(strike, wake))
        return
    over = threading.Event()  # no request that came by the network: nobody could go away
    take_back = gate.on_release(strike, over.set)
    over.wait()
    take_back()


class RefreshRevoked(OAuthRefused):
    """The refresh token is to be revoked; afterwards it is as one that was never there."""

    def __init__(self) -> None:
        super().__init__("invalid_grant", UNKNOWN_REFRESH_TOKEN)


def _words(error: str, username: str, refreshed: bool) -> str:
    """As the token service words it [auth §4]."""
    if error == "invalid_grant":
        return UNKNOWN_REFRESH_TOKEN if refreshed else f"Authentication failed for {username}"
    return {
        "invalid_client": "Client Authentication failed.",
        "invalid_request": "Missing parameters: grant_type",
        "invalid_scope": "The scope is not a list of scope names",
        "unauthorized_client": "The authenticated client is not authorized to use this authorization grant type",
        "unsupported_grant_type": "Unsupported grant_type value",
    }[error]
