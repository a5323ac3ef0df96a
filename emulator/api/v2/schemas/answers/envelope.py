"""What every answer is wrapped in, and the answers to what goes wrong [conventions §2, §9]."""

from __future__ import annotations

from emulator.api.v2.schemas.answers.parts import AnswerSchema, some, text, whole


class Failure(AnswerSchema):
    """An error in the envelope."""

    status = text(words=["error"])
    message = text()
    version = text()


class FaultBody(AnswerSchema):
    code = whole()
    message = text()
    description = text()


class Fault(AnswerSchema):
    """An answer of the gateway."""

    fault = some(FaultBody)


class OAuthFailure(AnswerSchema):
    """An error of the token service, in OAuth's own words [auth §4]."""

    error = text()
    error_description = text()
