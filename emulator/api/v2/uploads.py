"""multipart/form-data, read piece by piece: fields are kept, the one file goes straight to where it is wanted."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import IO

from flask import request
from werkzeug.exceptions import RequestEntityTooLarge
from werkzeug.sansio.multipart import Data, Epilogue, Field, File, MultipartDecoder, NeedData

from emulator.api.edge import edge
from emulator.domain.errors import Invalid

FILE_PART = "fileToUpload"
_PIECE = 64 * 1024
# the most that the decoder holds at once: a piece, and the headers of a part or a field that goes on
_BUFFER = 1024 * 1024
_GLUED_TO = ("filename", "filetype")
_ADDRESSES = ("callbackurl", "notifications", "urltoingest", "url")
_KNOWN = (*_GLUED_TO, *_ADDRESSES)
_GLUED = re.compile(r"&(?=[A-Za-z]+=)")
_UNREADABLE = "Failed to parse request form"


@dataclass(slots=True)
class Form:
    """What came beside the file; names of fields in lower case, the first value of each.

    ``filename`` is the file part's, None when no file came.
    """

    fields: dict[str, str] = field(default_factory=dict)
    filename: str | None = None


def read_form(write: Callable[[bytes], object], begin: Callable[[str], object] = len) -> Form:
    """Read the request's body, handing the content of the part ``fileToUpload`` to ``write``.

    ``begin`` is called with the name of the file before its content. Other files are read and dropped. Constant
    memory. Raises Invalid for what is no form, and RequestEntityTooLarge for fields that are larger than a body
    without a file may be.
    """
    boundary = request.mimetype_params.get("boundary", "")
    if not boundary:
        raise Invalid(_UNREADABLE, service_status=500)
    reader = _FormReader(write, begin, edge().settings.max_request_mb * 1024 * 1024)
    decoder = MultipartDecoder(boundary.encode("latin-1", "replace"), _BUFFER)
    try:
        _decode(decoder, request.stream, reader)
        return reader.form()
    except (ValueError, RequestEntityTooLarge) as error:
        if reader.too_large:
            raise
        raise Invalid(_UNREADABLE, service_status=500) from error


def _decode(decoder: MultipartDecoder, stream: IO[bytes], reader: _FormReader) -> None:
    while True:
        piece = stream.read(_PIECE)
        decoder.receive_data(piece or None)
        event = decoder.next_event()
        while not isinstance(event, NeedData):
            if isinstance(event, Epilogue):
                return
            if isinstance(event, Field | File):
                reader.begin(event)
            elif isinstance(event, Data):
                reader.take(event.data)
            event = decoder.next_event()


def _unglued(pieces: list[str]) -> Iterator[tuple[str, str]]:
    """Fields that were glued together; an address keeps the parameters of its own query."""
    found: list[tuple[str, str]] = []
    for piece in pieces:
        key, _, value = piece.partition("=")
        if key.lower() not in _KNOWN and found and found[-1][0] in _ADDRESSES:
            found[-1] = (found[-1][0], f"{found[-1][1]}&{piece}")
        else:
            found.append((key.lower(), value))
    return iter(found)


class _FormReader:
    """Takes the parts of a form as they come."""

    def __init__(self, write: Callable[[bytes], object], begin: Callable[[str], object], most: int) -> None:
        self._write = write
        self._begin = begin
        self._left = most
        self._filename: str | None = None
        self._fields: dict[str, bytearray] = {}
        self._take: Callable[[bytes], object] = len
        self.too_large = False

    def begin(self, part: Field | File) -> None:
        name = part.name or ""
        if name == FILE_PART and self._filename is None:
            self._filename = part.filename if isinstance(part, File) else ""
            self._take = self._write
            given = self._fields.get("filename")
            self._begin((given.decode("utf-8", "replace") if given else self._filename) or "")
        elif isinstance(part, Field) and name.lower() not in self._fields:
            kept = self._fields[name.lower()] = bytearray()
            self._take = kept.extend
            self._spend(len(name))
        else:
            self._take = len

    def take(self, data: bytes) -> None:
        if self._take is not self._write and self._take is not len:
            self._spend(len(data))
        self._take(data)

    def form(self) -> Form:
        form = Form(filename=self._filename)
        for name, content in self._fields.items():
            value = content.decode()
            # the bash client glues further fields to the first one's value [files §6.1]
            first, *glued = _GLUED.split(value) if name in _GLUED_TO else [value]
            form.fields.setdefault(name, first)
            for key, rest in _unglued(glued):
                form.fields.setdefault(key, rest)
        return form

    def _spend(self, count: int) -> None:
        self._left -= count
        if self._left < 0:
            self.too_large = True
            raise RequestEntityTooLarge
