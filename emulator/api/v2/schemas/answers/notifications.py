"""Answers of the notifications service [notifications §1, §2]."""

from __future__ import annotations

from marshmallow import fields

from emulator.api.v2.schemas.answers.parts import (
    CHICAGO,
    DONE,
    Answer,
    AnswerSchema,
    links,
    some,
    text,
    truth,
    uuid,
    whole,
)
from emulator.domain.uuids import CODES

# links to what the subscription is about are named after its type
_ABOUT = [kind.lower() for kind in CODES]


class Policy(AnswerSchema):
    """When and how often to try again; rates and delays in seconds."""

    retryStrategy = text(words=["NONE", "IMMEDIATE", "DELAYED", "EXPONENTIAL"])
    retryLimit = whole()
    retryRate = whole()
    retryDelay = whole()
    saveOnFailure = truth()


class SubscriptionSummary(AnswerSchema):
    id = uuid("011")
    url = text()
    associatedUuid = text()
    event = text()
    _links = links(
        "SubscriptionSummary", "self", "profile", optional=[name for name in _ABOUT if name != "profile"]
    )


def _time() -> fields.String:
    return text(null=True, pattern=CHICAGO)


class SubscriptionAnswer(AnswerSchema):
    id = uuid("011")
    owner = text()
    url = text()
    associatedUuid = text()
    event = text()
    responseCode = whole(null=True)
    attempts = whole()
    lastSent = _time()
    success = truth()
    persistent = truth()
    status = text(words=["ACTIVE", "INACTIVE", "FAILED", "COMPLETE"])
    lastUpdated = _time()
    created = _time()
    policy = some(Policy)
    _links = links("Subscription", "self", "attempts", "owner", optional=_ABOUT)


class Response(AnswerSchema):
    """Of the receiver."""

    code = whole(null=True)
    message = text(null=True)


class AttemptAnswer(AnswerSchema):
    id = text()
    url = text()
    event = text()
    associatedUuid = text()
    notificationId = uuid("011")
    startTime = _time()
    endTime = _time()
    response = some(Response)
    _links = links(
        "Attempt", "self", "notification", "profile", optional=set(_ABOUT) - {"notification", "profile"}
    )


ANSWERS = {
    "notifications.list": Answer(SubscriptionSummary, many=True),
    "notifications.add": Answer(SubscriptionAnswer, (201,)),
    "notifications.get": Answer(SubscriptionAnswer),
    "notifications.update": Answer(SubscriptionAnswer),
    "notifications.delete": DONE,
    "notifications.listAttempts": Answer(AttemptAnswer, many=True),
    "notifications.fire": Answer(AttemptAnswer),
    "notifications.deleteAttempts": DONE,
    "notifications.getAttempt": Answer(AttemptAnswer),
    "notifications.deleteAttempt": DONE,
}
