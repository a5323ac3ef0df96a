"""What POSIX commands complain of, in the C locale, as the errors that they stand for."""

from __future__ import annotations

import errno
import os

_NUMBERS = (
    errno.ENOSPC,
    errno.EDQUOT,
    errno.EACCES,
    errno.EPERM,
    errno.EROFS,
    errno.ENOTDIR,
    errno.EISDIR,
    errno.ENOTEMPTY,
    errno.EEXIST,
    errno.EFBIG,
    errno.ENAMETOOLONG,
    errno.ENOENT,
    errno.EXDEV,
    errno.EBUSY,
)
_LONGEST = 300
_SHORT_WRITE = ": Wrote only "  # all that tar says of a disk that is full in the middle of a write


def complaint(text: str, path: str | None = None) -> OSError:
    """The error that a command ended with, from what it wrote to its error stream."""
    lines = [line for line in text.strip().splitlines() if line.strip()]
    for line in lines:
        for number in _NUMBERS:
            if line.rstrip().endswith(os.strerror(number)):
                return OSError(number, os.strerror(number), path)
        if _SHORT_WRITE in line:
            return OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), path)
    said = "; ".join(lines)[-_LONGEST:] or "a command failed without a word"
    return OSError(errno.EIO, said, path)
