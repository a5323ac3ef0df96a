"""The hosts that the server stands in for when a client takes it for its proxy."""

from __future__ import annotations

import ipaddress
import re
import socket
from collections.abc import Iterable
from dataclasses import dataclass

_LABEL = r"[A-Za-z0-9_](?:[A-Za-z0-9_-]*[A-Za-z0-9_])?"
_HOST_NAME = re.compile(rf"{_LABEL}(?:\.{_LABEL})*")
_AUTHORITY = re.compile(r"(?P<host>\[[0-9A-Fa-f:.]{2,45}\]|[A-Za-z0-9_.-]{1,255})(?::(?P<port>[0-9]{1,5}))?")
_ABSOLUTE = re.compile(r"(?P<scheme>https?)://(?P<authority>[^/?#]*)(?P<rest>.*)", re.IGNORECASE | re.DOTALL)
_TUNNEL_PORTS = ("443", "80")


class Refused(Exception):
    """A target that the server does not stand in for; it has dialled nobody, and never does."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.message = message


@dataclass(frozen=True, slots=True)
class Target:
    """What a request in absolute form asks for: `http://host/path` [RFC 9112 §3.2.2]."""

    scheme: str
    authority: str
    origin_form: str


class StandIn:
    """Decides for which hosts requests to a proxy are answered here."""

    def __init__(self, hosts: Iterable[str]) -> None:
        """Raises ValueError for what is no name of a host."""
        self.hosts = tuple(dict.fromkeys(host.lower().rstrip(".") for host in hosts))
        for host in self.hosts:
            if len(host) > 253 or not _HOST_NAME.fullmatch(host) or host.replace(".", "").isdigit():
                raise ValueError(f"{host!r} is no name of a host")

    def tunnel(self, target: str) -> str:
        """The authority that `CONNECT <target>` leads to, without the port. Raises Refused."""
        found = _AUTHORITY.fullmatch(target)
        if found is None or found["port"] is None:
            raise Refused(400, "CONNECT wants host:port")
        host = found["host"].lower().rstrip(".")
        if host not in self.hosts:
            raise self._elsewhere(host)
        if found["port"] not in _TUNNEL_PORTS:
            raise Refused(403, f"There is nothing at port {found['port']} of {host}")
        return host

    def absolute(self, uri: str, own: str) -> Target | None:
        """What a request in absolute form asks for; None for any other form.

        `own` is the address that the client connected to: requests for this server itself may be in
        absolute form as well. Raises Refused.
        """
        found = _ABSOLUTE.fullmatch(uri)
        if found is None:
            if uri.startswith(("/", "*")):
                return None
            raise Refused(400, "The target of a request begins with a slash, http:// or https://")
        authority = _AUTHORITY.fullmatch(found["authority"])
        if authority is None:
            raise Refused(400, "The target of the request names no host, or more than that")
        host = authority["host"].lower().rstrip(".")
        if host not in self.hosts and not _is_own(host.strip("[]"), own):
            raise self._elsewhere(host)
        rest = found["rest"]
        return Target(
            scheme=found["scheme"].lower(),
            authority=found["authority"],
            origin_form=rest if rest.startswith("/") else f"/{rest}",
        )

    def _elsewhere(self, host: str) -> Refused:
        names = ", ".join(self.hosts) or "nobody"
        return Refused(403, f"No way to {host}: this is no proxy, it only stands in for {names}")


def _is_own(host: str, own: str) -> bool:
    if host in ("localhost", own, socket.gethostname().lower()):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
