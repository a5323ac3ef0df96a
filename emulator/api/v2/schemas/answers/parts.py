"""What answer schemas are made of: fields, links, and what an operation answers with.

A schema of answers has exactly the keys that it names: all of them are there, and no others, except those that
say ``optional``. Nothing is null unless it says ``null``.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum
from typing import Any

from marshmallow import RAISE, Schema, fields, validate

UTC = r"^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{3}Z$"
CHICAGO = r"^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{3}-0[56]:00$"
UTC_SECONDS = r"^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}Z$"


class AnswerSchema(Schema):
    """Base of all; keys that it does not name are refused."""

    class Meta:
        unknown = RAISE

    def on_bind_field(self, field_name: str, field_obj: fields.Field[Any]) -> None:
        field_obj.required = not field_obj.metadata.get("optional", False)


def text(
    null: bool = False,
    *,
    pattern: str | None = None,
    words: Iterable[str] | None = None,
    optional: bool = False,
) -> fields.String:
    """A string; ``words`` are all that it may be."""
    rules: list[Any] = []
    if pattern:
        rules.append(validate.Regexp(pattern))
    if words is not None:
        rules.append(validate.OneOf([*words, None] if null else list(words)))
    return fields.String(allow_none=null, validate=rules, metadata={"optional": optional})


def uuid(kind: str = r"\d{3}", null: bool = False, *, optional: bool = False) -> fields.String:
    """A uuid; ``kind`` are the three digits that say what of."""
    return text(null, pattern=rf"^[0-9a-zA-Z-]+-{kind}$", optional=optional)


def whole(null: bool = False, *, optional: bool = False) -> fields.Integer:
    return fields.Integer(strict=True, allow_none=null, metadata={"optional": optional})


def number(null: bool = False) -> fields.Float:
    return fields.Float(allow_none=null)


def truth(null: bool = False) -> fields.Boolean:
    return fields.Boolean(allow_none=null)


def nothing() -> fields.Raw:
    """A key that is always null."""
    return fields.Raw(allow_none=True, metadata={"type": "null"})


def anything() -> fields.Raw:
    """Whatever a client has stored there."""
    return fields.Raw(allow_none=True)


def some(
    schema: type[Schema], null: bool = False, *, optional: bool = False, key: str | None = None
) -> fields.Nested:
    """An object; ``key`` where the attribute cannot have its name."""
    return fields.Nested(schema, allow_none=null, data_key=key, metadata={"optional": optional})


def many(schema: type[Schema], *, optional: bool = False) -> fields.List[Any]:
    """An array of objects."""
    return fields.List(fields.Nested(schema), metadata={"optional": optional})


def texts() -> fields.List[Any]:
    """An array of strings."""
    return fields.List(fields.String())


def mapping() -> fields.Dict:
    """An object with any keys."""
    return fields.Dict()


class Link(AnswerSchema):
    href = text(pattern=r"^https?://")


class TransferProgress(AnswerSchema):
    """What a transfer has done so far; bytes, and bytes per second."""

    uuid = text(null=True)
    source = text(null=True)
    totalActiveTransfers = whole()
    totalFiles = whole()
    totalBytesTransferred = whole()
    totalBytes = whole()
    averageRate = number()


class MaybeLink(AnswerSchema):
    """An empty object where there is nothing to link to."""

    href = text(pattern=r"^https?://", optional=True)


def links(name: str, *names: str, optional: Iterable[str] = ()) -> fields.Nested:
    """The ``_links`` of a resource; ``name`` is what the schema of them is called."""
    found: dict[str, Any] = {key: fields.Nested(Link) for key in names}
    found |= {key: fields.Nested(Link, metadata={"optional": True}) for key in optional}
    return fields.Nested(AnswerSchema.from_dict(found, name=f"{name}Links"))


class Form(Enum):
    """How an answer is dressed."""

    ENVELOPE = "in the envelope"
    BARE = "JSON without the envelope"
    CONTENT = "content of any type"
    EMPTY = "no content"
    PAGE = "HTML"


@dataclass(frozen=True, slots=True)
class Answer:
    """What an operation answers when it has done what it was asked for.

    ``result``: the schema of the result, or several of which one fits; none where the envelope has no result.
    ``many``: an array of these. ``optional``: some requests are answered without a result.
    """

    result: type[Schema] | tuple[type[Schema], ...] = ()
    statuses: tuple[int, ...] = (200,)
    many: bool = False
    optional: bool = False
    form: Form = Form.ENVELOPE

    @property
    def schemas(self) -> tuple[type[Schema], ...]:
        return self.result if isinstance(self.result, tuple) else (self.result,)


DONE = Answer()
"""The envelope without a result."""
CONTENT = Answer(statuses=(200, 206), form=Form.CONTENT)
"""A file, or a range of it."""
