"""Answers of the jobs service [jobs §4-§10]."""

from __future__ import annotations

from marshmallow import INCLUDE, fields

from emulator.api.v2.schemas.answers.parts import (
    CONTENT,
    DONE,
    UTC,
    Answer,
    AnswerSchema,
    Link,
    MaybeLink,
    TransferProgress,
    links,
    mapping,
    nothing,
    number,
    some,
    text,
    truth,
    uuid,
    whole,
)
from emulator.domain.file import PERMISSION_WORDS
from emulator.domain.states import JobState

_STATES = [state.value for state in JobState]


def _time(null: bool = True) -> fields.String:
    return text(null, pattern=UTC)


class Titled(Link):
    """A link with the event that it is about."""

    title = text()


class JobLinks(AnswerSchema):
    self = fields.Nested(Link)
    app = fields.Nested(Link)
    executionSystem = fields.Nested(MaybeLink)
    archiveSystem = fields.Nested(MaybeLink)
    archiveData = fields.Nested(Link)
    owner = fields.Nested(Link)
    permissions = fields.Nested(Link)
    history = fields.Nested(Link)
    metadata = fields.Nested(Link)
    notifications = fields.Nested(Link)
    notification = fields.List(fields.Nested(Titled), metadata={"optional": True})


class JobAnswer(AnswerSchema):
    """The whole record; what is not known yet is null or 0."""

    id = uuid("007")
    name = text()
    tenantId = text()
    tenantQueue = text()
    status = text(words=_STATES)
    lastStatusMessage = text(null=True)
    accepted = _time()
    created = _time()
    ended = _time()
    lastUpdated = _time()
    owner = text()
    roles = text(null=True)
    systemId = text(null=True)
    appId = text()
    appUuid = uuid("005")
    workPath = text(null=True)
    archive = truth()
    archiveOnAppError = truth()
    archivePath = text(null=True)
    archiveSystem = text(null=True)
    nodeCount = whole()
    processorsPerNode = whole()
    memoryPerNode = number()
    maxHours = number()
    inputs = mapping()
    parameters = mapping()
    remoteJobId = text(null=True)
    schedulerJobId = text(null=True)
    remoteQueue = text(null=True)
    remoteSubmitted = _time()
    remoteStarted = _time()
    remoteEnded = _time()
    remoteOutcome = text(null=True)
    submitRetries = whole()
    remoteStatusChecks = whole()
    failedStatusChecks = whole()
    lastStatusCheck = _time()
    blockedCount = whole()
    visible = truth()
    _links = some(JobLinks)


class JobSummary(AnswerSchema):
    id = uuid("007")
    name = text()
    owner = text()
    systemId = text(null=True)
    appId = text()
    created = _time()
    status = text(words=_STATES)
    remoteStarted = _time()
    ended = _time()
    _links = links("JobSummary", "self", "archiveData")


class JobSearchLine(JobSummary):
    """A summary under the names of the older service as well."""

    executionSystem = text(null=True)
    startTime = _time()
    endTime = _time()


class JobAttribute(AnswerSchema):
    """One attribute of a job, under its own name."""

    class Meta:
        unknown = INCLUDE

    id = uuid("007")
    _links = links("JobAttribute", "self")


class JobStatus(AnswerSchema):
    id = uuid("007")
    status = text(words=_STATES)
    _links = links("JobStatus", "self")


class JobEvent(AnswerSchema):
    progress = some(TransferProgress, optional=True)
    status = text()
    created = _time(null=False)
    createdBy = text()
    description = text(null=True)


class JobRights(AnswerSchema):
    read = truth()
    write = truth()


class JobPermission(AnswerSchema):
    username = text()
    internalUsername = nothing()
    permission = some(JobRights)
    _links = links("JobPermission", "self", "parent", "profile")


class OutputLine(AnswerSchema):
    name = text()
    path = text(pattern="^/")
    lastModified = _time(null=False)
    length = whole()
    permission = text(words=PERMISSION_WORDS)
    permissions = text(words=PERMISSION_WORDS)
    mimeType = text()
    format = text(words=["folder", "unknown", "raw"])
    type = text(words=["dir", "file"])
    _links = links("OutputLine", "self", "system", "parent")


_GRANTED = Answer(JobPermission, (200, 201))

ANSWERS = {
    "jobs.list": Answer(JobSummary, many=True),
    "jobs.submit": Answer(JobAnswer, (201,)),
    "jobs.get": Answer(JobAnswer),
    "jobs.manage": Answer(JobAnswer, (200, 201), optional=True),
    "jobs.delete": DONE,
    "jobs.cancel": DONE,
    "jobs.hide": DONE,
    "jobs.unhide": DONE,
    "jobs.resubmit": Answer(JobAnswer, (201,)),
    "jobs.getStatus": Answer(JobStatus),
    "jobs.getHistory": Answer(JobEvent, many=True),
    "jobs.listPermissions": Answer(JobPermission, many=True),
    "jobs.updatePermissions": _GRANTED,
    "jobs.deletePermissions": DONE,
    "jobs.listPermissionsForUser": Answer(JobPermission),
    "jobs.updatePermissionsForUser": _GRANTED,
    "jobs.deletePermissionsForUser": DONE,
    "jobs.listOutputs": Answer(OutputLine, many=True),
    "jobs.downloadOutput": CONTENT,
    "jobs.searchByPath": Answer((JobSearchLine, JobAttribute), many=True),
    "jobs.search": Answer(JobSearchLine, many=True),
    "jobs.trigger": Answer(statuses=()),
}
