"""What can happen to a file, and how its history says so [files §9]."""

from __future__ import annotations

from enum import StrEnum


class FileEvent(StrEnum):
    """The events of a file's history that the emulator writes; ``description`` is the service's default text."""

    CREATED = "CREATED"
    MOVED = "MOVED"
    RENAME = "RENAME"
    DELETED = "DELETED"
    UPLOAD = "UPLOAD"
    STAGING_QUEUED = "STAGING_QUEUED"
    STAGING = "STAGING"
    STAGING_FAILED = "STAGING_FAILED"
    STAGING_COMPLETED = "STAGING_COMPLETED"
    CONTENT_CHANGE = "CONTENT_CHANGE"
    DOWNLOAD = "DOWNLOAD"
    INDEX_COMPLETE = "INDEX_COMPLETE"
    PERMISSION_GRANT = "PERMISSION_GRANT"
    PERMISSION_REVOKE = "PERMISSION_REVOKE"

    @property
    def description(self) -> str:
        return _DESCRIPTIONS[self]


_DESCRIPTIONS = {
    FileEvent.CREATED: "New file/folder was created",
    FileEvent.MOVED: "Indexing of file/folder has moved",
    FileEvent.RENAME: "File/folder has been renamed",
    FileEvent.DELETED: "File/folder has been deleted",
    FileEvent.UPLOAD: "File upload has completed",
    FileEvent.STAGING_QUEUED: "File/folder queued for staging",
    FileEvent.STAGING: "Transfer in progress",
    FileEvent.STAGING_FAILED: "Staging failed",
    FileEvent.STAGING_COMPLETED: "Staging completed successfully",
    FileEvent.CONTENT_CHANGE: "Content of file/folder has changed",
    FileEvent.DOWNLOAD: "File was downloaded",
    FileEvent.INDEX_COMPLETE: "Indexing of file/folder has completed",
    FileEvent.PERMISSION_GRANT: "Permission was added or updated",
    FileEvent.PERMISSION_REVOKE: "Permission was removed",
}
