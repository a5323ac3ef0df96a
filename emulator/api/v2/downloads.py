"""Files as answers: whole or by range, in constant memory [files §5]. For files and job outputs alike."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from datetime import datetime
from typing import BinaryIO
from urllib.parse import quote

from flask import Response, request
from werkzeug.http import http_date

from emulator.api.v2.mime_types import mime_type
from emulator.domain.errors import RangeRefused
from emulator.domain.ports import HostFiles
from emulator.services.file_failures import told

CHUNK = 256 * 1024
"""Bytes read and sent at a time: one piece in memory for each download."""

_RANGE = re.compile(r"\s*bytes\s*=\s*(?:(\d+)\s*-\s*(\d*)|-\s*(\d+))\s*(?:,.*)?", re.ASCII | re.IGNORECASE)
_MOST_DIGITS = 18
_NOT_PLAIN = re.compile(r'[^ -~]|["\\]')


def send_file(files: HostFiles, host_path: str, name: str, dated: bool = True) -> Response:
    """Answer GET or HEAD with the content of a file called ``name``.

    Honours ``Range`` (its first range), ``If-Range`` and ``?force=true``. ``dated``: Content-Disposition tells
    the time of the last change, as for files; it does not for job outputs [jobs §10]. Raises NotFound, Forbidden,
    and RangeRefused for a range that does not lie inside the file.
    """
    with told("Failed to retrieve information"):
        modified = files.stat(host_path).last_modified
        stream = files.reader(host_path)
    try:
        length = stream.seek(0, os.SEEK_END)  # of what was opened, whatever has happened to the name since
        span = _requested(length, modified)
        first, last = span or (0, length - 1)
        stream.seek(first)
        response = Response(
            [] if request.method == "HEAD" else _pieces(stream, last - first + 1),
            status=206 if span else 200,
            content_type=mime_type(name),
        )
    except BaseException:
        stream.close()
        raise
    response.call_on_close(stream.close)
    response.headers["Content-Length"] = str(last - first + 1)
    response.headers["Accept-Ranges"] = "bytes"
    response.headers["Last-Modified"] = http_date(modified)
    response.headers["Content-Disposition"] = _disposition(name, modified if dated else None)
    if span:
        response.headers["Content-Range"] = f"bytes {first}-{last}/{length}"
    return response


def _pieces(stream: BinaryIO, count: int) -> Iterator[bytes]:
    """At most ``count`` bytes; fewer when the file is cut short meanwhile, which ends the connection."""
    while count > 0 and (piece := stream.read(min(count, CHUNK))):
        count -= len(piece)
        yield piece


def _requested(length: int, modified: datetime) -> tuple[int, int] | None:
    """First and last byte of the range that is asked for; None for the whole file.

    A header that is no byte range is ignored, as HTTP has it. A range that reaches beyond the end is
    refused rather than cut, as the service does.
    """
    wanted = _RANGE.fullmatch(request.headers.get("Range", ""))
    if wanted is None or not _still_the_same(modified):
        return None
    if wanted[3] is not None:
        suffix = _number(wanted[3])
        if suffix == 0 or length == 0:
            raise RangeRefused("Specified Range lower bound outside bounds of file")
        return max(0, length - suffix), length - 1
    first = _number(wanted[1])
    last = _number(wanted[2]) if wanted[2] else None
    if last is not None and last < first:
        raise RangeRefused("Specified Range upper bound less than lower bound")
    if first >= length:
        raise RangeRefused("Specified Range lower bound outside bounds of file")
    if last is not None and last >= length:
        raise RangeRefused("Specified Range upper bound outside bounds of file")
    return first, length - 1 if last is None else last


def _number(digits: str) -> int:
    """No file is as long as a number of more digits says, and converting those can take long."""
    return int(digits) if len(digits) <= _MOST_DIGITS else 10**_MOST_DIGITS


def _still_the_same(modified: datetime) -> bool:
    """``If-Range``: a part is only of use when the file is the one that the client has the rest of."""
    condition = request.if_range
    if condition.date is None:
        return condition.etag is None
    return modified.replace(microsecond=0) <= condition.date


def _disposition(name: str, modified: datetime | None) -> str:
    kind = "attachment" if request.args.get("force", "").lower() == "true" else "inline"
    plain = _NOT_PLAIN.sub("_", name)
    text = f'{kind}; filename="{plain}"'
    if modified is not None:
        text += f'; modification-date="{http_date(modified)}"'
    if plain != name:
        text += f"; filename*=UTF-8''{quote(name, safe='', errors='replace')}"
    return text
