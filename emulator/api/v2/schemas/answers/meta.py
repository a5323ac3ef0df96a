"""Answers of the metadata service [postits §B]."""

from __future__ import annotations

from marshmallow import fields

from emulator.api.v2.schemas.answers.parts import (
    CHICAGO,
    DONE,
    Answer,
    AnswerSchema,
    Link,
    anything,
    links,
    mapping,
    nothing,
    some,
    text,
    texts,
    truth,
    uuid,
)


class MetadataOverview(AnswerSchema):
    _links = links("MetadataOverview", "data", "schemas")


class Association(AnswerSchema):
    """What an item is about; no link where that is gone or has none."""

    rel = text()
    href = text(null=True)
    title = text()


class ItemLinks(AnswerSchema):
    self = fields.Nested(Link)
    permissions = fields.Nested(Link)
    owner = fields.Nested(Link)
    associationIds = fields.List(fields.Nested(Association))
    schema = fields.Nested(Link, metadata={"optional": True})


class MetadataItem(AnswerSchema):
    schemaId = uuid("013", null=True)
    uuid = uuid("012")
    internalUsername = nothing()
    owner = text()
    associationIds = texts()
    name = text()
    value = anything()
    created = text(pattern=CHICAGO)
    lastUpdated = text(pattern=CHICAGO)
    _links = some(ItemLinks)


class MetadataSchemaAnswer(AnswerSchema):
    uuid = uuid("013")
    internalUsername = nothing()
    lastUpdated = text(pattern=CHICAGO)
    schema = mapping()
    created = text(pattern=CHICAGO)
    owner = text()
    _links = links("MetadataSchema", "self", "permissions", "owner")


class MetadataRights(AnswerSchema):
    read = truth()
    write = truth()


class MetadataPermission(AnswerSchema):
    username = text()
    permission = some(MetadataRights)
    _links = links("MetadataPermission", "self", "parent", "profile")


_PEMS = Answer(MetadataPermission, many=True)
_PEM = Answer(MetadataPermission)
_GRANTED = Answer(MetadataPermission, (200, 201))

ANSWERS = {
    "meta.overview": Answer(MetadataOverview),
    "meta.listMetadata": Answer(MetadataItem, many=True),
    "meta.addMetadata": Answer(MetadataItem, (201,)),
    "meta.getMetadata": Answer(MetadataItem),
    "meta.updateMetadata": Answer(MetadataItem),
    "meta.deleteMetadata": DONE,
    "meta.listMetadataPermissions": _PEMS,
    "meta.updateMetadataPermissions": _GRANTED,
    "meta.deleteMetadataPermission": DONE,
    "meta.listMetadataPermissionsForUser": _PEM,
    "meta.updateMetadataPermissionsForUser": _GRANTED,
    "meta.deleteMetadataPermissionsForUser": DONE,
    "meta.searchSchema": Answer(MetadataSchemaAnswer, many=True),
    "meta.addSchema": Answer(MetadataSchemaAnswer, (201,)),
    "meta.getSchema": Answer(MetadataSchemaAnswer),
    "meta.updateSchema": Answer(MetadataSchemaAnswer),
    "meta.deleteSchema": DONE,
    "meta.listSchemaPermissions": _PEMS,
    "meta.updateSchemaPermissions": _GRANTED,
    "meta.deleteSchemaPermissions": DONE,
    "meta.listSchemaPermissionsForUser": _PEM,
    "meta.updateSchemaPermissionsForUser": _GRANTED,
    "meta.deleteSchemaPermissionsForUser": DONE,
}
