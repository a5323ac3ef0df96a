"""The Singularity Image Format: a header, descriptors of the parts, and the parts; numbers are little-endian."""

from __future__ import annotations

import os
import struct
from dataclasses import dataclass
from typing import BinaryIO

from emulator.runtimes.singularity.failure import Fatal

_LAUNCH = 32
MAGIC = b"SIF_MAGIC\0"
_HEADER = struct.Struct("<32s10s3s3s16sqqqqqqqq")
_DESCRIPTOR = struct.Struct("<i?IIIqqqqqqq128s384s")
_PARTITION = struct.Struct("<ii")
_PARTITION_KIND, _SQUASHFS, _ENCRYPTED, _PRIMARY = 0x4004, 1, 5, 2
_MOST_DESCRIPTORS = 4096
_FILE_SYSTEMS = {2: "ext3", 3: "archive", 4: "raw", 5: "encrypted squashfs"}

SQUASHFS = b"hsqs"
OLD_LAUNCH = b"#!/usr/bin/env run-singularity\n"
"""Images of Singularity 2 are this line and a squashfs file system."""


@dataclass(frozen=True)
class Extent:
    """Where a squashfs file system lies in a file."""

    offset: int
    size: int


def squashfs_in(file: BinaryIO) -> Extent | None:
    """The file system of a SIF or squashfs file; None for a file of another kind.

    Raises Fatal for a SIF that is damaged, or whose file system is no squashfs.
    """
    size = file.seek(0, os.SEEK_END)
    file.seek(0)
    start = file.read(_HEADER.size)
    if start.startswith(SQUASHFS):
        return Extent(0, size)
    if start[_LAUNCH : _LAUNCH + len(MAGIC)] == MAGIC:
        return _primary(file, start, size)
    after = len(OLD_LAUNCH)
    if start.startswith(OLD_LAUNCH) and start[after : after + len(SQUASHFS)] == SQUASHFS:
        return Extent(after, size - after)
    return None


def _primary(file: BinaryIO, start: bytes, size: int) -> Extent:
    if len(start) < _HEADER.size:
        raise Fatal("damaged SIF: it ends within its header")
    *_, total, table, table_size, _, _ = _HEADER.unpack(start)
    if not 0 <= total <= _MOST_DESCRIPTORS:
        raise Fatal(f"damaged SIF: {total} descriptors")
    if table < _HEADER.size or table + total * _DESCRIPTOR.size > size or table_size < 0:
        raise Fatal("damaged SIF: its descriptors lie outside the file")
    file.seek(table)
    for _ in range(total):
        kind, used, *_, offset, length, _, _, _, _, _, _, extra = _DESCRIPTOR.unpack(
            file.read(_DESCRIPTOR.size)
        )
        if not used or kind != _PARTITION_KIND:
            continue
        file_system, role = _PARTITION.unpack_from(extra)
        if role != _PRIMARY:
            continue
        if file_system != _SQUASHFS:
            raise Fatal(f"its file system is {_FILE_SYSTEMS.get(file_system, file_system)}, not squashfs")
        if offset < _HEADER.size or length <= 0 or offset + length > size:
            raise Fatal("damaged SIF: its file system lies outside the file")
        file.seek(offset)
        if file.read(len(SQUASHFS)) != SQUASHFS:
            raise Fatal("damaged SIF: there is no squashfs where its file system should begin")
        return Extent(offset, length)
    raise Fatal("damaged SIF: it has no primary file system")
