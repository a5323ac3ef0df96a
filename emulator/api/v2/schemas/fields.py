"""Marshmallow fields that refuse a value in the service's own words.

A schema lists its fields in the order in which the service checks them; :func:`parse` raises the first
refusal. Each field carries its refusal beside its rule::

    class QueueSchema(WordedSchema):
        name = Text("Please specify a valid string value for the 'queue.name' field.", longest=128, …)

``absent`` makes a field required and words its absence. ``null`` counts as absent throughout, because
clients send back what they were shown; fields with ``null_refused`` are the exception. What depends on
several fields is checked in the schema's ``post_load`` method, which also builds the domain object.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from marshmallow import EXCLUDE, Schema, ValidationError, fields, missing

from emulator.api.v2.bodies import truth
from emulator.domain.errors import Invalid

Fragment = dict[str, Any]
"""A piece of JSON Schema, as OpenAPI takes it."""

JAVA_INT = 2147483647
"""The largest number that the service can keep in an integer field."""


class WordedSchema(Schema):
    """Keys it does not know are ignored, so that what was shown can be sent back [systems §2, apps §3]."""

    class Meta:
        unknown = EXCLUDE


def parse(schema: WordedSchema, body: Mapping[str, Any]) -> Any:
    """What the schema makes of a body. Raises Invalid with the first refusal, in the order of its fields."""
    try:
        return schema.load(body)
    except ValidationError as error:
        raise Invalid(first_refusal(error.messages)) from error


def first_refusal(messages: Any) -> str:
    """The first text in marshmallow's nested messages; they are kept in the order of the fields."""
    while not isinstance(messages, str):
        messages = next(iter(messages.values() if isinstance(messages, dict) else messages))
    return messages


class Worded(fields.Field[Any]):
    """Base: one refusal for every value that the field cannot take."""

    def __init__(
        self,
        refusal: str,
        *,
        absent: str | None = None,
        default: Any = None,
        null_refused: bool = False,
        data_key: str | None = None,
    ) -> None:
        self.refusal = refusal
        self._null_refused = null_refused
        super().__init__(
            data_key=data_key,
            allow_none=False,
            required=absent is not None,
            load_default=missing if absent is not None else default,
            error_messages={"required": absent or refusal, "null": refusal},
        )

    def deserialize(self, value: Any, *args: Any, **kwargs: Any) -> Any:
        """Null is taken as left out, unless it is refused."""
        return super().deserialize(
            missing if value is None and not self._null_refused else value, *args, **kwargs
        )

    def _deserialize(self, value: Any, attr: str | None, data: Any, **_: Any) -> Any:
        return self.read(value)

    def read(self, value: Any) -> Any:
        """The typed value. Raises ValidationError."""
        raise NotImplementedError

    def described(self, nested: Callable[[type[Schema]], Fragment]) -> Fragment:
        """What the field takes, as JSON Schema; ``nested`` gives the reference to another schema."""
        return {}

    def refuse(self, text: str | None = None) -> ValidationError:
        return ValidationError(text or self.refusal)


class Text(Worded):
    """A string, not blank unless ``blank`` allows it.

    ``longest`` characters, else ``too_long``; the whole value matches ``pattern``, else ``mismatch``;
    ``check`` raises Invalid for what it does not like.
    """

    def __init__(
        self,
        refusal: str,
        *,
        longest: int | None = None,
        too_long: str | None = None,
        pattern: str | None = None,
        mismatch: str | None = None,
        check: Callable[[str], None] | None = None,
        blank: bool = False,
        **rest: Any,
    ) -> None:
        super().__init__(refusal, **rest)
        self._longest = longest
        self._too_long = too_long
        self._pattern = re.compile(pattern, re.ASCII) if pattern else None
        self._mismatch = mismatch
        self._check = check
        self._blank = blank

    def described(self, nested: Callable[[type[Schema]], Fragment]) -> Fragment:
        found: Fragment = {"type": "string"}
        if not self._blank:
            found["minLength"] = 1
        if self._longest is not None:
            found["maxLength"] = self._longest
        if self._pattern is not None:
            found["pattern"] = f"^({self._pattern.pattern})$"
        return found

    def read(self, value: Any) -> str:
        if not isinstance(value, str) or "\x00" in value or not (self._blank or value.strip()):
            raise self.refuse()
        if self._longest is not None and len(value) > self._longest:
            raise self.refuse(self._too_long)
        if self._pattern is not None and not self._pattern.fullmatch(value):
            raise self.refuse(self._mismatch)
        if self._check is not None:
            try:
                self._check(value)
            except Invalid as error:
                raise ValidationError(error.message) from error
        return value


class Whole(Worded):
    """A whole number, also written as a string, from ``least`` on; ``or_minus_one`` allows -1 besides."""

    def __init__(self, refusal: str, *, least: int = 1, or_minus_one: bool = False, **rest: Any) -> None:
        super().__init__(refusal, **rest)
        self._least = least
        self._or_minus_one = or_minus_one

    def described(self, nested: Callable[[type[Schema]], Fragment]) -> Fragment:
        return {"type": "integer", "minimum": -1 if self._or_minus_one else self._least, "maximum": JAVA_INT}

    def read(self, value: Any) -> int:
        number = whole(value)
        if number is None or not (number >= self._least or (self._or_minus_one and number == -1)):
            raise self.refuse()
        return number


class Truth(Worded):
    """A boolean. ``digits``: 1 and 0 will do; ``words``: the words true and false will do."""

    def __init__(self, refusal: str, *, digits: bool = False, words: bool = False, **rest: Any) -> None:
        super().__init__(refusal, **rest)
        self._digits = digits
        self._words = words

    def described(self, nested: Callable[[type[Schema]], Fragment]) -> Fragment:
        return {"type": "boolean"}

    def read(self, value: Any) -> bool:
        if isinstance(value, bool):
            return value
        number_fits = self._digits and isinstance(value, int) and value in (0, 1)
        if number_fits or (self._words and isinstance(value, str)):
            found = truth(value)
            if found is not None:
                return found
        raise self.refuse()


class Word(Worded):
    """One of a set of upper-case words, in any case."""

    def __init__(self, refusal: str, words: Iterable[str], **rest: Any) -> None:
        super().__init__(refusal, **rest)
        self._words = {word.upper(): word for word in words}

    def described(self, nested: Callable[[type[Schema]], Fragment]) -> Fragment:
        return {"type": "string", "enum": list(self._words.values())}

    def read(self, value: Any) -> str:
        if not isinstance(value, str) or value.strip().upper() not in self._words:
            raise self.refuse()
        return self._words[value.strip().upper()]


class Section(Worded):
    """A JSON object with a schema of its own; ``prefix`` goes before the refusals inside it."""

    def __init__(self, refusal: str, schema: type[WordedSchema], *, prefix: str = "", **rest: Any) -> None:
        super().__init__(refusal, **rest)
        self._schema = schema
        self._prefix = prefix

    def described(self, nested: Callable[[type[Schema]], Fragment]) -> Fragment:
        return nested(self._schema)

    def read(self, value: Any) -> Any:
        if not isinstance(value, dict):
            raise self.refuse()
        try:
            return self._schema().load(value)
        except ValidationError as error:
            raise ValidationError(self._prefix + first_refusal(error.messages)) from error


class Sections(Section):
    """An array of such objects, as a tuple."""

    def described(self, nested: Callable[[type[Schema]], Fragment]) -> Fragment:
        return {"type": "array", "items": super().described(nested)}

    def read(self, value: Any) -> tuple[Any, ...]:
        if not isinstance(value, list):
            raise self.refuse()
        read_one = super().read
        return tuple(read_one(item) for item in value)


class Texts(Worded):
    """An array of strings, as a tuple; together at most ``longest`` characters, commas between included."""

    def __init__(self, refusal: str, *, longest: int = 255, too_long: str | None = None, **rest: Any) -> None:
        super().__init__(refusal, default=(), **rest)
        self._longest = longest
        self._too_long = too_long

    def described(self, nested: Callable[[type[Schema]], Fragment]) -> Fragment:
        return {"type": "array", "items": {"type": "string"}}

    def read(self, value: Any) -> tuple[str, ...]:
        if not isinstance(value, list) or not all(
            isinstance(item, str) and "\x00" not in item for item in value
        ):
            raise self.refuse()
        if len(",".join(value)) > self._longest:
            raise self.refuse(self._too_long)
        return tuple(value)


def whole(value: Any) -> int | None:
    """A JSON number without a fraction, or a string of digits, that fits the service's integers."""
    if isinstance(value, bool):
        return None
    if isinstance(value, str) and re.fullmatch("-?[0-9]{1,10}", value.strip(), re.ASCII):
        value = int(value)
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return value if isinstance(value, int) and abs(value) <= JAVA_INT else None
