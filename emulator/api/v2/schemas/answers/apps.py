"""Answers of the apps service [apps §2, §3, §5, §7, §9]."""

from __future__ import annotations

from marshmallow import fields

from emulator.api.v2.schemas.answers.parts import (
    CHICAGO,
    DONE,
    Answer,
    AnswerSchema,
    anything,
    links,
    many,
    number,
    some,
    text,
    texts,
    truth,
    uuid,
    whole,
)
from emulator.domain.app import PARALLELISM, PARAMETER_TYPES
from emulator.domain.system import EXECUTION_TYPES


class _Value(AnswerSchema):
    visible = truth()
    required = truth()
    order = whole()
    enquote = truth()
    default = anything()


class InputValue(_Value):
    validator = text(null=True)


class ParameterValue(_Value):
    """``enum_values`` of enumerations, ``validator`` of all others."""

    type = text(words=PARAMETER_TYPES)
    validator = text(null=True, optional=True)
    enum_values = fields.List(
        fields.Dict(keys=fields.String(), values=fields.String()), metadata={"optional": True}
    )


class OutputValue(AnswerSchema):
    validator = text(null=True)
    order = whole()
    default = anything()


class ArgumentDetails(AnswerSchema):
    label = text(null=True)
    description = text(null=True)
    argument = text(null=True)
    showArgument = truth()
    repeatArgument = truth()


class OutputDetails(AnswerSchema):
    label = text(null=True)
    description = text(null=True)


class Semantics(AnswerSchema):
    minCardinality = whole()
    maxCardinality = whole()
    ontology = texts()


class FileSemantics(Semantics):
    fileTypes = texts()


class InputAnswer(AnswerSchema):
    id = text()
    value = some(InputValue)
    details = some(ArgumentDetails)
    semantics = some(FileSemantics)


class ParameterAnswer(AnswerSchema):
    id = text()
    value = some(ParameterValue)
    details = some(ArgumentDetails)
    semantics = some(Semantics)


class OutputAnswer(AnswerSchema):
    id = text()
    value = some(OutputValue)
    details = some(OutputDetails)
    semantics = some(FileSemantics)


class AppAnswer(AnswerSchema):
    id = text()
    name = text()
    icon = text(null=True)
    uuid = uuid("005")
    parallelism = text(words=PARALLELISM)
    defaultProcessorsPerNode = whole(null=True)
    defaultMemoryPerNode = number(null=True)
    defaultNodeCount = whole(null=True)
    defaultMaxRunTime = text(null=True)
    defaultQueue = text(null=True)
    version = text()
    revision = whole()
    isPublic = truth()
    helpURI = text(null=True)
    label = text(null=True)
    owner = text()
    shortDescription = text(null=True)
    longDescription = text(null=True)
    tags = texts()
    ontology = texts()
    executionType = text(words=EXECUTION_TYPES)
    executionSystem = text()
    deploymentPath = text()
    deploymentSystem = text()
    templatePath = text()
    testPath = text()
    checkpointable = truth()
    lastModified = text(pattern=CHICAGO)
    modules = texts()
    available = truth()
    inputs = many(InputAnswer)
    parameters = many(ParameterAnswer)
    outputs = many(OutputAnswer)
    _links = links(
        "App", "self", "executionSystem", "storageSystem", "history", "metadata", "owner", "permissions"
    )


class AppSummary(AnswerSchema):
    id = text()
    name = text()
    version = text()
    revision = whole()
    executionSystem = text()
    shortDescription = text(null=True)
    isPublic = truth()
    label = text(null=True)
    lastModified = text(pattern=CHICAGO)
    _links = links("AppSummary", "self")


class AppRights(AnswerSchema):
    read = truth()
    write = truth()
    execute = truth()


class AppPermission(AnswerSchema):
    username = text()
    permission = some(AppRights)
    _links = links("AppPermission", "self", "app", "profile")


class AppEvent(AnswerSchema):
    status = text()
    createdBy = text()
    description = text(null=True)
    created = text(pattern=CHICAGO)
    id = text()
    _links = links("AppEvent", "self", "app", "profile")


class SubmitForm(AnswerSchema):
    submitForm = text()


_LIST = Answer(AppSummary, many=True)
_GRANTED = Answer(AppPermission, (200, 201))

ANSWERS = {
    "apps.list": _LIST,
    "apps.add": Answer(AppAnswer, (200, 201)),
    "apps.listByName": _LIST,
    "apps.listByTag": _LIST,
    "apps.listByOntologyTerm": _LIST,
    "apps.listBySystemId": _LIST,
    "apps.get": Answer(AppAnswer),
    "apps.update": Answer(AppAnswer),
    "apps.manage": Answer(AppAnswer, (200, 202), optional=True),
    "apps.delete": DONE,
    "apps.getJobSubmissionForm": Answer(SubmitForm),
    "apps.listHistory": Answer(AppEvent, many=True),
    "apps.getHistoryEvent": Answer(AppEvent),
    "apps.listPermissions": Answer(AppPermission, many=True),
    "apps.updateApplicationPermissions": _GRANTED,
    "apps.deletePermissions": DONE,
    "apps.listPermissionsForUser": Answer(AppPermission),
    "apps.updatePermissionsForUser": _GRANTED,
    "apps.deletePermissionsForUser": DONE,
}
