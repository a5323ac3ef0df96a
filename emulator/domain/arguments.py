"""What a job gives to its app, inputs and parameters alike, beside what the app declares [jobs §3.6, §3.7]."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeVar

from emulator.domain.app import AppArgument
from emulator.domain.errors import Invalid

Declared = TypeVar("Declared", bound=AppArgument)


def check_arguments(
    declared: Iterable[Declared],
    given: Mapping[str, Any],
    check: Callable[[Declared, Any], Any],
    words: tuple[str, str],
) -> dict[str, Any]:
    """The arguments of the record, in the order of the app, with the defaults of hidden ones; raises Invalid.

    ``check`` answers what of a value is kept: None for nothing. ``words`` are those of the refusals: what an
    argument is called, and its value. Optional ones that were not given are left out: their defaults are not used.
    """
    noun, value_noun = words
    known = {one.id: one for one in declared}
    for key in given:
        if key not in known:
            raise Invalid(f"Unrecognized {noun} {key}.")
    checked: dict[str, Any] = {}
    for one in known.values():
        value = given.get(one.id)
        kept = None
        if not one.visible:
            if value is not None:
                fixed = f"{one.id} is a fixed value that cannot be set manually. "
                raise Invalid(f"Invalid {value_noun} for {one.id}. {fixed}")
            kept = one.default
        elif value is not None or one.required:
            kept = check(one, value)
        if kept is not None:
            checked[one.id] = kept
    return checked


def check_cardinality(one: AppArgument, count: int) -> None:
    """Raises Invalid for too few or too many values."""
    if count < one.min_cardinality:
        raise Invalid(f"{one.id} requires at least {one.min_cardinality} values")
    if one.max_cardinality != -1 and count > one.max_cardinality:
        raise Invalid(f"{one.id} may have at most {one.max_cardinality} values")
