"""Postits: URLs that work without a token, for a while and a number of times [postits §A]."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from urllib.parse import quote_from_bytes, unquote_to_bytes

DEFAULT_USES = 1
DEFAULT_LIFETIME = 30 * 24 * 3600
"""Seconds."""
LAST_MOMENT = datetime(2038, 1, 19, tzinfo=UTC)
"""Postits must end before it."""
MOST_USES = 2**31 - 1
SERVICES = {"jobs": "job", "files": "file", "apps": "app", "systems": "system"}
"""What a postit may stand for: first part of the URL, and the name of the link to it."""

_LONGEST_URL = 2048
_SCHEME = re.compile(r"(?:https?:)?/{2,}", re.IGNORECASE)
_VERSIONED = re.compile(rf"({'|'.join(SERVICES)})/+v2(?=[/?]|$)", re.IGNORECASE)
_DEFAULT_PORT = re.compile(rf"^(\[[^\]]*\]|[^/:?\[]*):(?:80|443)(?=/|$|(?:{'|'.join(SERVICES)})/)")
_CONTROL = re.compile(r"[\x00-\x1f\x7f\\]")
_LOOPBACK = ("localhost", "127.0.0.1", "[::1]")
# what may stand in a path's segment or a query as it is [RFC 3986 §3.3, §3.4]
_PLAIN_SEGMENT = "!$&'()*+,;=:@"


class PostitStatus(StrEnum):
    """What has become of a postit."""

    ACTIVE = "ACTIVE"
    EXPIRED_AND_NO_USES = "EXPIRED_AND_NO_USES"
    EXPIRED = "EXPIRED"
    NO_USES = "NO_USES"
    REVOKED = "REVOKED"


@dataclass(frozen=True, slots=True, kw_only=True)
class Postit:
    """A postit. ``target`` is what it stands for, below the base URL: escaped path, and query if any.

    While it is ``unlimited``, ``expires`` and ``remaining`` are kept but mean nothing.
    """

    id: str
    world: str
    creator: str
    service: str
    target: str
    created: datetime
    expires: datetime
    remaining: int
    used: int = 0
    unlimited: bool = False
    revoked: bool = False

    def status(self, now: datetime) -> PostitStatus:
        if self.revoked:
            return PostitStatus.REVOKED
        if self.unlimited:
            return PostitStatus.ACTIVE
        if self.expires <= now:
            return PostitStatus.EXPIRED if self.remaining else PostitStatus.EXPIRED_AND_NO_USES
        return PostitStatus.ACTIVE if self.remaining else PostitStatus.NO_USES


class BadUrl(Exception):
    """No URL at all."""


class ForeignUrl(Exception):
    """A URL of another tenant, or of a service that postits are not for."""


def target_of(url: str, bases: Iterable[str]) -> tuple[str, str]:
    """The service a URL asks, and its path and query below the base URL, escaped anew.

    ``bases`` are the authorities, with a path if the API lies below one, at which the tenant answers. The scheme
    makes no difference; a glued ``href:``, doubled slashes and a missing slash after the authority are repaired,
    as clients send all of these. Raises BadUrl, ForeignUrl.
    """
    text = url.strip().removeprefix("href:").strip()
    scheme = _SCHEME.match(text)
    if len(text) > _LONGEST_URL or _CONTROL.search(text) or not text:
        raise BadUrl
    if scheme is None:
        raise BadUrl
    path = _below(text[scheme.end() :].partition("#")[0], bases)
    found = _VERSIONED.match(path)
    if found is None:
        raise ForeignUrl
    service = found[1].lower()
    rest, question, query = path[found.end() :].partition("?")
    return service, f"{service}/v2{_escaped(rest)}{question}{_escaped_query(query)}"


def _below(text: str, bases: Iterable[str]) -> str:
    """What follows the base, without slashes before it."""
    text = _DEFAULT_PORT.sub(r"\1", text)
    for base in bases:
        for name in _same_host(_DEFAULT_PORT.sub(r"\1", base).rstrip("/")):
            rest = text[len(name) :]
            if text.lower().startswith(name.lower()) and (rest.startswith("/") or _VERSIONED.match(rest)):
                return rest.lstrip("/")
    raise ForeignUrl


def _same_host(base: str) -> tuple[str, ...]:
    """The machine itself goes by several names."""
    own = next((name for name in _LOOPBACK if re.match(rf"{re.escape(name)}(?=[:/]|$)", base)), None)
    return (base,) if own is None else tuple(name + base.removeprefix(own) for name in _LOOPBACK)


def _escaped(path: str) -> str:
    """Each segment decoded and encoded again, so that what was left bare is escaped and nothing twice."""
    return "/".join(
        quote_from_bytes(unquote_to_bytes(segment), safe=_PLAIN_SEGMENT) for segment in path.split("/")
    )


def _escaped_query(query: str) -> str:
    """Bare characters that no URL may hold are escaped; what is escaped stays so."""
    return quote_from_bytes(query.encode(), safe="%/?" + _PLAIN_SEGMENT)
