"""A user signed in: what clients keep in their caches, and the environment that leads them there [clients §1]."""

from __future__ import annotations

import json
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from pathlib import Path
from time import ctime
from typing import Any
from urllib.parse import urlencode

from emulator.settings import surroundings
from emulator.testing.errors import Refused, speaks_for_itself
from emulator.testing.wire import Wire, basic

__tracebackhide__ = speaks_for_itself

_ASTRAY = ("TAPIS_", "AGAVE_")
_PROXIES = ("http_proxy", "https_proxy", "all_proxy", "no_proxy")
_CLIENT = "tapis-emulator-testing"
_LONGEST = 3600
"""The most seconds that agavepy believes a token to live [clients §1.3]."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """``base_url`` is the tenant's, with a slash at its end; ``created`` in seconds since 1970, of real time."""

    url: str
    base_url: str
    tenant: str
    username: str
    password: str
    key: str
    secret: str
    access_token: str
    refresh_token: str
    expires_in: int
    created: int
    home: Path

    @classmethod
    def open(cls, wire: Wire, username: str, password: str, home: Path) -> Session:
        """Sign in as any client does, and write the caches into ``home``. Raises Refused."""
        tenant = wire.json("GET", "tenants")["result"][0]
        login = basic(username, password)
        try:
            wire.json("DELETE", f"clients/v2/{_CLIENT}", headers=login)
        except Refused as refused:
            if refused.status != 404:
                raise
        made = wire.json("POST", "clients/v2", {"clientName": _CLIENT}, headers=login)["result"]
        form = {"grant_type": "password", "username": username, "password": password, "scope": "PRODUCTION"}
        response = wire.request(
            "POST",
            "token",
            body=urlencode(form).encode(),
            headers=basic(made["consumerKey"], made["consumerSecret"])
            | {"Content-Type": "application/x-www-form-urlencoded"},
        )
        token = json.loads(response.data)
        if response.status != 200:
            raise Refused(response.status, str(token.get("error_description", token)), "POST /token")
        session = cls(
            url=wire.url,
            base_url=tenant["baseUrl"],
            tenant=tenant["code"],
            username=username,
            password=password,
            key=made["consumerKey"],
            secret=made["consumerSecret"],
            access_token=token["access_token"],
            refresh_token=token["refresh_token"],
            expires_in=min(int(token["expires_in"]), _LONGEST),
            # clients compare it with this machine's time, whatever the world's clock says
            created=int(parsedate_to_datetime(response.headers["Date"]).timestamp()),
            home=home,
        )
        session.write()
        return session

    def write(self) -> None:
        """The caches of tapis-cli, agavepy and the bash CLI, as they write them themselves [clients §1.3]."""
        cache = self.home / ".agave"
        cache.mkdir(parents=True, exist_ok=True)
        current = self.cached()
        sessions = {"sessions": {self.tenant: {self.username: {_CLIENT: current}}}}
        for path, document in ((cache / "current", current), (cache / "config.json", sessions)):
            path.write_text(json.dumps(document), encoding="utf-8")
            path.chmod(0o600)
        (self.home / ".tapis_firstrun").touch()

    def cached(self) -> dict[str, Any]:
        """``~/.agave/current``."""
        return {
            "tenantid": self.tenant,
            "baseurl": self.base_url,
            "username": self.username,
            "token_username": None,
            "client_name": _CLIENT,
            "apikey": self.key,
            "apisecret": self.secret,
            "access_token": self.access_token,
            "refresh_token": self.refresh_token,
            "created_at": self.created,
            "expires_in": self.expires_in,
            "expires_at": ctime(self.created + self.expires_in),
            "use_nonce": False,
            "verify": False,
            "proxies": {},
        }


def process_environment(session: Session) -> dict[str, str]:
    """The surrounding environment without what leads clients elsewhere, and with what leads them to ``session``."""
    kept = {
        name: value
        for name, value in surroundings().items()
        if not name.startswith(_ASTRAY) and name.lower() not in _PROXIES
    }
    cache = str(session.home / ".agave")
    return kept | {
        "HOME": str(session.home),
        "EMULATOR": session.url,
        "TAPIS_TENANTS_URL": f"{session.url}/tenants",
        "TAPIS_DEFAULT_TENANT_ID": session.tenant,
        "TAPIS_CACHE_DIR": cache,
        "TAPIS_DEFAULT_VERIFY_SSL": "false",
        "TAPIS_CLI_VERIFY_SSL": "false",
        "TAPIS_CLI_NO_PROMPT": "1",
        "TAPIS_CLI_GA_DISABLE": "true",
        "PYTHONWARNINGS": "ignore",
        "AGAVE_TENANTS_API_BASEURL": f"{session.url}/tenants",
        "AGAVE_CACHE_DIR": cache,
        "AGAVE_JSON_PARSER": "jq",
        "AGAVE_DISABLE_AUTO_REFRESH": "1",
    }
