"""An agavepy client for a world. agavepy is imported when one is asked for."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from emulator.testing.errors import ClientMissing, speaks_for_itself
from emulator.testing.session import Session

__tracebackhide__ = speaks_for_itself


def client(session: Session) -> Any:
    """Signed in, and able to refresh its token. Raises ClientMissing."""
    try:
        # by name: a client that users may have, no dependency of ours
        agave: Any = import_module("agavepy.agave").Agave
    except ImportError as error:
        raise ClientMissing(
            f"agavepy cannot be imported here ({error}); `pip install agavepy`, or use .call() and .env(), which "
            "need no client"
        ) from error

    class Visitor(agave):  # type: ignore[misc]
        """Keeps its tokens to itself: agavepy would write them over those in the user's own ~/.agave."""

        def _write_client(self, permissive: bool = True) -> bool:
            return False

    return Visitor(
        api_server=session.base_url,
        tenant_id=session.tenant,
        username=session.username,
        password=session.password,
        api_key=session.key,
        api_secret=session.secret,
        token=session.access_token,
        refresh_token=session.refresh_token,
        created_at=session.created,
        expires_in=session.expires_in,
        verify=False,
        proxies={},
    )
