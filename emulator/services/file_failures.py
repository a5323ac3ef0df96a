"""What goes wrong on a machine, in the words of the service."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager

from emulator.domain.errors import Forbidden, Invalid, NotFound, Unavailable

MISSING = "File/folder does not exist"
NO_SUCH_FILE = "No such file or directory"
NO_VIEW = "User does not have access to view the requested resource"
_TOO_MUCH = (errno.EFBIG, errno.ENAMETOOLONG, errno.EINVAL)


@contextmanager
def told(
    failed: str, *, missing: str = MISSING, refused: str = NO_VIEW, passed: tuple[type[OSError], ...] = ()
) -> Iterator[None]:
    """Errors of a machine's files as errors of the service.

    ``missing`` and ``refused`` are the messages for what is not there and what the machine itself forbids;
    ``failed`` begins the one for all else; ``passed`` are left to the caller. A full disk is 503: the request was
    right, and may be sent again.
    """
    try:
        yield
    except passed:
        raise
    except (FileNotFoundError, NotADirectoryError) as error:
        raise NotFound(missing) from error
    except PermissionError as error:
        raise Forbidden(refused) from error
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        if error.errno in _TOO_MUCH or isinstance(error, (IsADirectoryError, FileExistsError)):
            raise Invalid(f"{failed}: {reason}") from error
        raise Unavailable(f"{failed}: {reason}") from error
