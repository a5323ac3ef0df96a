"""Bringing content to a file after the request has been answered: what is to be done, and from where [files §6]."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import unquote

from emulator.domain.callback_url import check_url
from emulator.domain.errors import Invalid
from emulator.domain.inputs import InputSource, SourceKind, authorities, parse_source
from emulator.domain.notification_rules import Wanted, parse_wanted
from emulator.domain.paths import basename

FIELD = "urlToIngest"
RETRIES = 3
"""How often an import is tried again that failed for a reason that may pass [files §6.2]."""
UNNAMED = "unknown"
"""What an import is called whose URL ends in no name."""
MOST_SUBSCRIPTIONS = 100
"""Of one upload or import."""
ENDINGS = ("STAGING_COMPLETED", "STAGING_FAILED", "UPLOAD")
"""The events that a plain callback is told of [files §6.4]."""

_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*):/")
_TAKEN = frozenset({"agave", "http", "https"})
_FAILING = frozenset({"ftp", "sftp"})
_WITH_HOST = re.compile(r"[A-Za-z]+://[^\s/?#]+(?:[/?#]|\Z)")


@dataclass(frozen=True, slots=True, kw_only=True)
class StagingTask:
    """One file or directory whose content is still to come.

    ``origin`` is where it comes from; None for an upload, whose bytes are in place already and which only
    does not count yet. ``username`` is who asked, and as whom the source is read. ``source`` is the URL as it
    was given, ``link`` the one under which clients reach the result. ``entry`` is the sequence number of the
    history's STAGING entry, once there is one. Due first, done first.
    """

    world: str
    file_uuid: str
    username: str
    source: str
    link: str
    due: datetime
    origin: InputSource | None = None
    attempts: int = 0
    entry: int | None = None
    seq: int = 0


def import_source(url: str, origins: Iterable[str]) -> InputSource:
    """Where an import comes from. URLs at one of ``origins`` are our own.

    ftp and sftp are taken here, for the import itself to fail [files §6.2]. Raises Invalid for other schemes
    and for text that is no URL; the service answers 500 there.
    """
    if "\x00" in url or any("\ud800" <= letter <= "\udfff" for letter in url):
        raise Invalid(f"Invalid value for {FIELD}. It is not a valid URL.", service_status=500)
    match = _SCHEME.match(url)
    scheme = match[1].lower() if match else ""
    if scheme in (_TAKEN | _FAILING) - {"agave"} and not _WITH_HOST.match(url):
        raise Invalid(f"Invalid value for {FIELD}. {url} is not a valid URL.", service_status=500)
    if scheme in _FAILING:
        return InputSource(input_id=FIELD, uri=url, kind=SourceKind.URL, path=url, name=base_name(url))
    if scheme and scheme not in _TAKEN:
        raise Invalid(
            f"Invalid value for {FIELD}. URI with the {scheme} scheme are not supported. Please specify a path, "
            "an agave URL, or a URL with one of the following schemes: http, https, ftp, sftp.",
            service_status=500,
        )
    try:
        return parse_source(FIELD, url, authorities(origins))
    except Invalid as error:
        raise Invalid(error.message, service_status=500) from None


def base_name(url: str) -> str:
    """The last segment of a URL's path, unescaped; empty for none that could name a file."""
    rest = url.partition("://")[2] if "://" in url else f"/{url}"
    path = rest.partition("/")[2].partition("?")[0].partition("#")[0]
    name = basename(unquote(path))
    return "" if name in (".", "..") else name


def parse_callbacks(value: Any, block_private: bool = False) -> list[Wanted]:
    """``callbackURL`` or ``notifications`` of an upload or import: an address, a subscription, or an array of such.

    Raises Invalid. A plain address is told once of each of :data:`ENDINGS`. ``block_private`` as for check_url.
    """
    if value is None or value == "":
        return []
    wanted: list[Wanted] = []
    for one in value if isinstance(value, list) else [value]:
        if isinstance(one, str):
            check_url(one, block_private)
            wanted += [Wanted(url=one, event=event) for event in ENDINGS]
        elif isinstance(one, dict):
            wanted.append(parse_wanted(one, block_private))
        else:
            raise Invalid("Notification should be a valid JSON object.")
    if len(wanted) > MOST_SUBSCRIPTIONS:
        raise Invalid(f"At most {MOST_SUBSCRIPTIONS} notifications can be asked for at once.")
    return wanted
