"""Files as the service sees them: what lies on a host, and what is known about it beyond the bytes."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


@dataclass(frozen=True, slots=True, kw_only=True)
class FileInfo:
    """One entry of a host's file system. ``path`` is absolute on the host; ``length`` in bytes."""

    name: str
    path: str
    is_dir: bool
    length: int
    last_modified: datetime
    mode: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Permission:
    """Read, write and execute, as a set of three bits."""

    read: bool = False
    write: bool = False
    execute: bool = False

    def __or__(self, other: Permission) -> Permission:
        return Permission(
            read=self.read or other.read,
            write=self.write or other.write,
            execute=self.execute or other.execute,
        )

    def __bool__(self) -> bool:
        return self.read or self.write or self.execute

    @property
    def bits(self) -> int:
        """The POSIX value, 0 to 7."""
        return 4 * self.read + 2 * self.write + self.execute

    @property
    def word(self) -> str:
        """``ALL``, ``READ_WRITE``, … ``NONE`` [files §4]."""
        return PERMISSION_WORDS[self.bits]


PERMISSION_WORDS = ("NONE", "EXECUTE", "WRITE", "WRITE_EXECUTE", "READ", "READ_EXECUTE", "READ_WRITE", "ALL")
NO_PERMISSION = Permission()
READ_ONLY = Permission(read=True)
ALL_PERMISSIONS = Permission(read=True, write=True, execute=True)


def permission_from_bits(bits: int) -> Permission:
    return Permission(read=bool(bits & 4), write=bool(bits & 2), execute=bool(bits & 1))


def permission_from_word(word: str) -> Permission | None:
    """The permission a word names, in any case; None for a word that names none of the eight."""
    upper = word.upper()
    return permission_from_bits(PERMISSION_WORDS.index(upper)) if upper in PERMISSION_WORDS else None


INVALID_PERMISSION = (
    "Invalid permission value. Valid values are: NONE,READ,WRITE,EXECUTE,READ_WRITE,READ_EXECUTE,WRITE_EXECUTE,"
    "ALL,OWNER,READ_PERMISSION,WRITE_PERMISSION,READ_WRITE_PERMISSION"
)
# what the service's internal types allow on the file itself
_INTERNAL_WORDS = {
    "OWNER": "ALL",
    "READ_PERMISSION": "READ",
    "WRITE_PERMISSION": "WRITE",
    "READ_WRITE_PERMISSION": "READ_WRITE",
}


def file_permission(word: str) -> Permission | None:
    """As :func:`permission_from_word`, also for the four internal types of files [files §10]."""
    return permission_from_word(_INTERNAL_WORDS.get(word.upper(), word))


class StagingStatus(StrEnum):
    """How far a file's content has come to its system [files §6.3]."""

    STAGING_QUEUED = "STAGING_QUEUED"
    STAGING = "STAGING"
    STAGING_FAILED = "STAGING_FAILED"
    STAGING_COMPLETED = "STAGING_COMPLETED"


RAW = "raw"
DIRECTORY = "dir"


@dataclass(frozen=True, slots=True, kw_only=True)
class LogicalFile:
    """What the service knows of a path it has touched: identity, owner, staging status [files §6.3].

    ``path`` is the virtual path: absolute below the system's rootDir, no trailing slash.
    ``native_format`` is RAW or DIRECTORY; ``source`` the URL that the content came from.
    """

    world: str
    uuid: str
    system_id: str
    path: str
    owner: str
    name: str
    status: str
    native_format: str
    created: datetime
    last_updated: datetime
    source: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FileGrant:
    """An explicit permission of a user on a logical file; recursive ones hold for everything below it."""

    file_uuid: str
    username: str
    permission: Permission
    recursive: bool = False
