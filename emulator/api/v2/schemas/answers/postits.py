"""Answers of the postits service [postits §A]."""

from __future__ import annotations

from emulator.api.v2.schemas.answers.parts import (
    CONTENT,
    DONE,
    Answer,
    AnswerSchema,
    links,
    nothing,
    text,
    truth,
    uuid,
    whole,
)
from emulator.domain.postit import SERVICES, PostitStatus

_MOMENT = r"^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}-0[56]:00$"


class PostitAnswer(AnswerSchema):
    """The newer service's keys, and what clients of the older one read."""

    postit = uuid("010")
    url = text()
    creator = text()
    createdAt = text(pattern=_MOMENT)
    expiresAt = text(pattern=_MOMENT)
    created = text(pattern=_MOMENT)
    expires = text(pattern=_MOMENT)
    remainingUses = whole()
    numberUsed = whole()
    tenantId = text()
    status = text(words=[status.value for status in PostitStatus])
    internalUsername = nothing()
    noauth = truth()
    method = text(words=["GET"])
    _links = links("Postit", "self", "profile", "update", "list", optional=SERVICES.values())


ANSWERS = {
    "postits.list": Answer(PostitAnswer, many=True),
    "postits.create": Answer(PostitAnswer, (201,)),
    "postits.get": Answer(PostitAnswer),
    "postits.update": Answer(PostitAnswer),
    "postits.delete": DONE,
    "postits.redeem": CONTENT,
}
