"""The checksum of an open file."""

from __future__ import annotations

import hashlib
from typing import BinaryIO

_PIECE = 1024 * 1024


def sha256_of(stream: BinaryIO) -> str:
    """SHA-256 of all that is still to be read, in lower-case hexadecimal."""
    found = hashlib.sha256()
    while piece := stream.read(_PIECE):
        found.update(piece)
    return found.hexdigest()
