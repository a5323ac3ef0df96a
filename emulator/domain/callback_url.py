"""Where messages may go: the addresses that a subscription can name [notifications §3]."""

from __future__ import annotations

import re
from ipaddress import ip_address
from urllib.parse import urlsplit

from emulator.domain.errors import Invalid

SHORTEST, LONGEST = 4, 1024

_EMAIL = re.compile(r"[^@\s:/,;<>()\[\]\"\\\x00]+@[A-Za-z0-9${}_-]+(\.[A-Za-z0-9${}_-]+)*", re.ASCII)
_PHONE = re.compile(r"\+?[0-9][0-9 ().-]{5,}[0-9]", re.ASCII)
_WEB = re.compile(r"https?://[^\s\x00-\x1f]+", re.IGNORECASE)
_AGAVE = re.compile(r"agave://[^\s\x00-\x1f/][^\x00-\x1f]*", re.IGNORECASE)
# the service's own list, and the name it forgot
_LOCAL_NAMES = re.compile(r"(.*\.)?localhost|.*\.local|(127|255|172|192)\..*", re.IGNORECASE)
_DISGUISED_NUMBER = re.compile(r"(0x[0-9a-f]*|[0-9]+)(\.(0x[0-9a-f]*|[0-9]+))*", re.IGNORECASE)


def check_url(url: str, block_private: bool = False) -> None:
    """Raises Invalid unless it is an e-mail address, a phone number, a web or an agave URL.

    Macros may stand in it; they are not expanded for the check. ``block_private``: web URLs of hosts that are
    local by their name or address are refused too.
    """
    well_formed = _EMAIL.fullmatch(url) or _PHONE.fullmatch(url) or _AGAVE.fullmatch(url) or _is_web(url)
    fits = SHORTEST <= len(url) <= LONGEST and well_formed
    if not fits or (block_private and is_web(url) and is_private(url)):
        raise Invalid(
            f"Invalid callback url value, {url}. Valid callback urls may be an email address, phone number, "
            "web url, or agave url."
        )


def is_web(url: str) -> bool:
    """Whether messages to it are posted by HTTP."""
    return url.lower().startswith(("http://", "https://"))


def is_slack(url: str) -> bool:
    """Whether it is an incoming webhook of Slack, which wants messages in a form of its own."""
    return is_web(url) and (urlsplit(url).hostname or "") == "hooks.slack.com"


def is_private(url: str) -> bool:
    """Whether the host of a web URL is this machine or lies in a local network, as far as its name tells."""
    try:
        host = (urlsplit(url).hostname or "").rstrip(".")
    except ValueError:
        return True
    if not host or _LOCAL_NAMES.fullmatch(host):
        return True
    try:
        return not ip_address(host).is_global
    except ValueError:  # a name; or a number as only the C library reads it
        return _DISGUISED_NUMBER.fullmatch(host) is not None


def _is_web(url: str) -> bool:
    if not _WEB.fullmatch(url):
        return False
    try:
        parts = urlsplit(url)
        return bool(parts.hostname) and parts.port != 0
    except ValueError:  # a port or a bracketed address that is none
        return False
