"""Files on their way between this machine and the service, a piece at a time, however large they are."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from emulator.testing.errors import NoEmulator, speaks_for_itself

if TYPE_CHECKING:
    from urllib3 import BaseHTTPResponse

__tracebackhide__ = speaks_for_itself

_PIECE = 1 << 20


def form(field: str, name: str, content: bytes | Path) -> tuple[Iterator[bytes], dict[str, str]]:
    """A form with one file called ``name``: the pieces of the body, and the headers that belong to it.

    Raises OSError.
    """
    from urllib3.fields import RequestField
    from urllib3.filepost import choose_boundary

    boundary = choose_boundary()
    part = RequestField(field, b"", filename=name)
    part.make_multipart()
    head = f"--{boundary}\r\n{part.render_headers()}".encode()
    tail = f"\r\n--{boundary}--\r\n".encode()
    size = content.stat().st_size if isinstance(content, Path) else len(content)
    headers = {
        "Content-Type": f"multipart/form-data; boundary={boundary}",
        "Content-Length": str(len(head) + size + len(tail)),
    }
    return _pieces(head, content, tail), headers


def saved(response: BaseHTTPResponse, to: Path) -> Path:
    """Write an answer's body into a file, in the place of one that is there; none is left of one that broke off.

    Raises NoEmulator, OSError.
    """
    from urllib3.exceptions import HTTPError

    try:
        with to.open("wb") as file:
            try:
                for piece in response.stream(_PIECE):
                    file.write(piece)
            except BaseException:
                if to.is_file():  # a device is not ours
                    to.unlink()
                raise
    except HTTPError as error:
        raise NoEmulator(f"{to.name}: {error}") from error
    finally:
        response.release_conn()
    return to


def _pieces(head: bytes, content: bytes | Path, tail: bytes) -> Iterator[bytes]:
    yield head
    if isinstance(content, Path):
        with content.open("rb") as file:
            while piece := file.read(_PIECE):
                yield piece
    else:
        yield content
    yield tail
