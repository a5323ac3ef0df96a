"""A job's inputs: checked against the app, and taken apart into places to copy from [jobs §3.6]."""

from __future__ import annotations

import re
from collections.abc import Container, Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any
from urllib.parse import unquote, urlsplit

from emulator.domain import patterns
from emulator.domain.app import AppInput
from emulator.domain.arguments import check_arguments, check_cardinality
from emulator.domain.errors import Invalid
from emulator.domain.paths import basename

_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*):/")
_FILES_MEDIA = re.compile(r"/+files/+v2/+media(?:/+system/+([^/]+))?(?:/(.*))?", re.DOTALL)
_JOB_MEDIA = re.compile(r"/+jobs/+v2/+([^/]+)/+ou(?:t)?puts/+media/(.*)", re.DOTALL)
_LOOPBACK = frozenset({"localhost", "127.0.0.1", "[::1]"})
_FETCHED = frozenset({"http", "https", "sftp"})


class SourceKind(StrEnum):
    FILE = "FILE"
    """A path on a system of this tenant."""
    JOB_OUTPUT = "JOB_OUTPUT"
    """An output of an earlier job; after submission ``system_id`` and ``path`` say where it lies."""
    URL = "URL"
    """Fetched from elsewhere: http, https, sftp."""


@dataclass(frozen=True, slots=True, kw_only=True)
class InputSource:
    """One file or directory to stage.

    ``uri`` is as submitted. ``path`` is an agave path on ``system_id`` (None: the owner's default storage
    system), the path below a job's outputs, or the URL. ``name`` is what it is called in the work
    directory; empty for the home or root directory of a system.
    """

    input_id: str
    uri: str
    kind: SourceKind
    path: str
    name: str
    system_id: str | None = None
    job_id: str | None = None


def check_inputs(declared: Iterable[AppInput], given: Mapping[str, Any]) -> dict[str, Any]:
    """The inputs of the record, as submitted: see :func:`check_arguments`."""
    return check_arguments(declared, given, _check, ("input", "value"))


def input_values(input_id: str, value: Any) -> list[str]:
    """The URIs in an input's value: strings are taken apart at ``;``, blank ones dropped."""
    texts = [] if value is None else value if isinstance(value, list) else [value]
    if not all(isinstance(text, str) for text in texts):
        raise Invalid(
            f"Invalid value for {input_id}. Please specify a string or an array of strings giving the "
            "location of the input."
        )
    return [piece.strip() for text in texts for piece in text.split(";") if piece.strip()]


def _check(one: AppInput, given: Any) -> Any:
    values = input_values(one.id, given)
    if one.required and not values:
        raise Invalid(f"No input specified for {one.id}")
    check_cardinality(one, len(values))
    for value in values:
        if one.validator and not patterns.matches(one.validator, value):
            raise Invalid(
                f"Invalid input value, {value}, for {one.id}. Value must match the following expression: "
                f"{one.validator}"
            )
    return given


def input_sources(inputs: Mapping[str, Any], origins: Iterable[str]) -> list[InputSource]:
    """Where all inputs come from, in the record's order; raises Invalid for schemes that are not taken.

    URLs of this service at one of ``origins`` (``http://localhost:8000``) are files and job outputs here, by
    http and https alike, since one port serves both.
    """
    here = authorities(origins)
    return [
        parse_source(input_id, uri, here)
        for input_id, value in inputs.items()
        for uri in input_values(input_id, value)
    ]


def authorities(origins: Iterable[str]) -> frozenset[str]:
    """The hosts with ports of base URLs, as :func:`parse_source` takes them."""
    return frozenset(_authority(origin) for origin in origins)


def parse_source(input_id: str, uri: str, here: Container[str] = ()) -> InputSource:
    """One URI taken apart; see :func:`input_sources`. ``here`` are hosts with ports that are us."""
    match = _SCHEME.match(uri)
    if match is None:
        return _file(input_id, uri, unquote(uri), None)
    scheme = match[1].lower()
    if scheme == "agave":
        system_id, _, path = uri[match.end() :].removeprefix("/").partition("/")
        return _file(input_id, uri, unquote(_without_query(path)), unquote(system_id) or None)
    if scheme not in _FETCHED or not uri[match.end() :].startswith("/"):
        raise Invalid(
            f"Invalid value for {input_id}. URI with the {scheme} scheme are not currently supported. Please "
            "specify your input as a relative path, an Agave resource URL, or a URL with one of the "
            "following schemes: http, https, sftp, or agave."
        )
    name = _url_name(input_id, uri)
    own = _own(input_id, uri) if scheme != "sftp" and _authority(uri) in here else None
    return own or InputSource(input_id=input_id, uri=uri, kind=SourceKind.URL, path=uri, name=name)


def _own(input_id: str, uri: str) -> InputSource | None:
    """The file or job output that a URL of this service names; None for other routes."""
    path = _escaped_path(uri)
    media = _FILES_MEDIA.fullmatch(path)
    if media:
        return _file(input_id, uri, unquote(media[2] or ""), unquote(media[1]) if media[1] else None)
    output = _JOB_MEDIA.fullmatch(path)
    if output:
        below = unquote(output[2]).strip("/")
        return InputSource(
            input_id=input_id,
            uri=uri,
            kind=SourceKind.JOB_OUTPUT,
            path=below,
            name=basename(below),
            job_id=output[1],
        )
    return None


def _file(input_id: str, uri: str, path: str, system_id: str | None) -> InputSource:
    return InputSource(
        input_id=input_id,
        uri=uri,
        kind=SourceKind.FILE,
        path=path,
        name=basename(path),
        system_id=system_id,
    )


def _authority(uri: str) -> str:
    """``host:port`` in lower case; the names of this machine to itself are one, a scheme's own port is none."""
    scheme, _, rest = uri.partition("://")
    authority = _without_query(rest).partition("/")[0].rpartition("@")[2].lower()
    authority = authority.removesuffix({"http": ":80", "https": ":443"}.get(scheme.lower(), ""))
    host, colon, port = authority.rpartition(":")
    return f"localhost{colon}{port}" if host in _LOOPBACK else authority


def _escaped_path(uri: str) -> str:
    """The path of a URL, without query."""
    _, slash, path = uri.partition("://")[2].partition("/")
    return _without_query(slash + path)


def _without_query(path: str) -> str:
    return path.partition("?")[0].partition("#")[0]


def _url_name(input_id: str, uri: str) -> str:
    """The last segment of a URL's path; the host's name where it has none that can name a file."""
    try:
        parts = urlsplit(uri)
        host, _ = parts.hostname, parts.port
    except ValueError:
        host = None
    name = basename(unquote(_escaped_path(uri)))
    if not host or "\x00" in name:
        raise Invalid(f"Invalid value for {input_id}. {uri} is not a valid URL.")
    return host if name in ("", ".", "..") else name
