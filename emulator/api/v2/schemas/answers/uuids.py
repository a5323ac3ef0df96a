"""Answers of the uuid service [postits §C]."""

from __future__ import annotations

from marshmallow import INCLUDE

from emulator.api.v2.schemas.answers.parts import Answer, AnswerSchema, links, text
from emulator.domain.uuids import CODES

_TYPES = [kind.lower() for kind in CODES]


class ResolvedUuid(AnswerSchema):
    """The link is there twice: as ``self``, and under the type's name."""

    uuid = text()
    type = text(words=_TYPES)
    _links = links("ResolvedUuid", "self", optional=_TYPES)


class NewUuid(AnswerSchema):
    uuid = text()
    type = text(words=_TYPES)


class UnresolvedUuid(AnswerSchema):
    status = text(words=["error"])
    message = text()


class ExpandedResource(AnswerSchema):
    """With ``expand``: the resource, as its own service shows it."""

    class Meta:
        unknown = INCLUDE


ANSWERS = {
    "uuids.list": Answer((ResolvedUuid, UnresolvedUuid, ExpandedResource), many=True),
    "uuids.create": Answer(NewUuid),
    "uuids.get": Answer((ResolvedUuid, UnresolvedUuid, ExpandedResource)),
}
