"""Answers of the files service [files §4, §6.3, §9, §10]."""

from __future__ import annotations

from marshmallow import fields

from emulator.api.v2.schemas.answers.parts import (
    CHICAGO,
    CONTENT,
    DONE,
    Answer,
    AnswerSchema,
    Link,
    TransferProgress,
    links,
    nothing,
    some,
    text,
    truth,
    uuid,
    whole,
)
from emulator.domain.file import PERMISSION_WORDS


class FileLine(AnswerSchema):
    """A line of a listing."""

    name = text()
    path = text(pattern="^/")
    lastModified = text(pattern=CHICAGO)
    length = whole()
    permissions = text(words=PERMISSION_WORDS)
    format = text(words=["folder", "raw"])
    mimeType = text()
    type = text(words=["dir", "file"])
    system = text()
    _links = links("FileLine", "self", "system", optional=["metadata", "history"])


class IndexLine(FileLine):
    """A line of a listing, with the identity that it now has; the first has the path that was asked for."""

    path = text()
    uuid = uuid("002", null=True)
    _links = links("IndexLine", "self", "system", optional=["metadata", "history", "profile"])


class FileObject(AnswerSchema):
    """What has been uploaded, imported or acted on."""

    name = text()
    uuid = uuid("002")
    owner = text()
    internalUsername = nothing()
    lastModified = text(pattern=CHICAGO)
    source = text(null=True)
    path = text(pattern="^/")
    status = text()
    systemId = text()
    nativeFormat = text()
    _links = links("FileObject", "self", "system", "profile", "history")


class Subscribed(Link):
    """A link to a subscription, with its event."""

    title = text()


class AcceptedLinks(AnswerSchema):
    self = fields.Nested(Link)
    system = fields.Nested(Link)
    profile = fields.Nested(Link)
    history = fields.Nested(Link)
    notification = fields.List(fields.Nested(Subscribed))


class AcceptedFile(FileObject):
    """What has been uploaded or is being imported, with the subscriptions that the request made."""

    _links = some(AcceptedLinks)


class FileEvent(AnswerSchema):
    status = text()
    created = text(pattern=CHICAGO)
    createdBy = text()
    description = text(null=True)
    progress = some(TransferProgress, optional=True)


class FileRights(AnswerSchema):
    read = truth()
    write = truth()
    execute = truth()


class FilePermission(AnswerSchema):
    username = text()
    internalUsername = nothing()
    permission = some(FileRights)
    recursive = truth()
    _links = links("FilePermission", "self", "file", "profile")


_LINES = Answer(FileLine, many=True)
_IMPORT = Answer(AcceptedFile, (202,))
_MANAGE = Answer(FileObject, (200, 201), optional=True)
_INDEX = Answer(IndexLine, many=True)
_HISTORY = Answer(FileEvent, many=True)
_PEMS = Answer(FilePermission, many=True)
_PEMS_CHANGED = Answer(FilePermission, (200, 201), many=True)

ANSWERS = {
    "files.list": _LINES,
    "files.listOnDefaultSystem": _LINES,
    "files.download": CONTENT,
    "files.downloadFromDefaultSystem": CONTENT,
    "files.importData": _IMPORT,
    "files.importToDefaultSystem": _IMPORT,
    "files.manage": _MANAGE,
    "files.manageOnDefaultSystem": _MANAGE,
    "files.delete": DONE,
    "files.deleteFromDefaultSystem": DONE,
    "files.getHistory": _HISTORY,
    "files.getHistoryOnDefaultSystem": _HISTORY,
    "files.listPermissions": _PEMS,
    "files.listPermissionsOnDefaultSystem": _PEMS,
    "files.updatePermissions": _PEMS_CHANGED,
    "files.updatePermissionsOnDefaultSystem": _PEMS_CHANGED,
    "files.deletePermissions": DONE,
    "files.deletePermissionsOnDefaultSystem": DONE,
    "files.getIndex": _INDEX,
    "files.getIndexOnDefaultSystem": _INDEX,
    "files.addToIndex": _INDEX,
    "files.addToIndexOnDefaultSystem": _INDEX,
    "files.downloadPublished": CONTENT,
}
