"""Parameters: checked, typed, rendered [jobs §3.7, wrapper-templates §4]."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emulator.domain.app import AppParameter
from emulator.domain.errors import Invalid
from emulator.domain.parameters import check_parameters, render_parameter


def checked(value: Any, **declared: Any) -> Any:
    return check_parameters([AppParameter(id="p", **declared)], {"p": value}).get("p")


def refusal(given: dict[str, Any], **declared: Any) -> str:
    with pytest.raises(Invalid) as refused:
        check_parameters([AppParameter(id="p", **declared)], given)
    return refused.value.message


@pytest.mark.parametrize(
    ("value", "kind", "expected"),
    [
        ("text", "string", "text"),
        ("", "string", ""),
        (5, "string", "5"),
        (True, "string", "true"),
        (["a", "b;c"], "string", ["a", "b;c"]),
        (5, "number", 5),
        (5.0, "number", 5),
        (2.5, "number", 2.5),
        ("7", "number", 7),
        (" -1.5e3 ", "number", -1500),
        ("0.25", "number", 0.25),
        (10**30, "number", 10**30),
        (["1", 2], "number", [1, 2]),
        (True, "bool", True),
        ("ON", "bool", True),
        (1, "bool", True),
        ("false", "flag", False),
        (0, "flag", False),
        ([True], "flag", True),
        ("fast", "enumeration", "fast"),
        (2, "enumeration", "2"),
    ],
)
def test_values_take_the_declared_type(value: Any, kind: str, expected: Any) -> None:
    enum_values = (("fast", "Quick"), ("2", "Two"))
    typed = checked(value, type=kind, max_cardinality=-1, enum_values=enum_values)
    assert typed == expected
    assert type(typed) is type(expected)


@pytest.mark.parametrize("value", ["five", "", True, None, {}, "nan", "inf", "1e999", "0x10", "1_000", "٣"])
def test_what_is_no_number_is_refused(value: Any) -> None:
    shown = value if isinstance(value, str) else json.dumps(value)
    message = refusal({"p": [value]}, type="number", max_cardinality=-1)
    assert message == f"Invalid parameter value for p. Value '{shown}' must be a number."


def test_an_infinite_json_number_is_refused() -> None:
    assert "must be a number" in refusal({"p": float("inf")}, type="number")
    assert "must be a string" in refusal({"p": float("inf")}, type="string")


@pytest.mark.parametrize("value", ["yes", 2, "", {}, "t"])
def test_what_is_no_truth_is_refused(value: Any) -> None:
    shown = value if isinstance(value, str) else json.dumps(value)
    assert refusal({"p": value}, type="bool") == (
        f"Invalid parameter value for p. Value {shown} must be a case-insensitive truthy value. 1, on, or true "
        "evaluate to true. 0, off, and false evaluate to false."
    )


def test_booleans_stand_alone() -> None:
    assert refusal({"p": [True, False]}, type="flag", max_cardinality=-1) == (
        "Invalid parameter value for p. Boolean and flag parameters do not support multiple values."
    )


def test_an_enumeration_takes_its_keys_only() -> None:
    message = refusal({"p": "Quick"}, type="enumeration", enum_values=(("fast", "Quick"), ("slow", "Slow")))
    assert message == "Invalid parameter value, 'Quick', for p. Value must be one of: fast,  slow"


def test_validators_match_the_whole_value() -> None:
    assert checked("ab", validator="[a-z]+") == "ab"
    assert refusal({"p": "ab1"}, validator="[a-z]+") == (
        "Invalid parameter value for p. Value 'ab1' must match the regular expression [a-z]+"
    )
    assert checked("12", type="number", validator="[0-9]{2}") == 12
    assert "Value '123' must match" in refusal({"p": 123}, type="number", validator="[0-9]{2}")
    assert checked(True, type="bool", validator="never") is True


def test_how_many() -> None:
    assert refusal({}, required=True, min_cardinality=1) == "No input parameter specified for p"
    assert refusal({"p": []}, required=True, min_cardinality=1) == "No input parameter specified for p"
    assert refusal({"p": None}, required=True, default="x") == "No input parameter specified for p"
    assert refusal({"p": ["a"]}, min_cardinality=2, max_cardinality=3) == "p requires at least 2 values"
    assert refusal({"p": ["a", "b"]}) == "p may have at most 1 values"


def test_hidden_ones_cannot_be_set_and_are_filled_in() -> None:
    assert refusal({"p": "x"}, visible=False, default="y") == (
        "Invalid parameter value for p. p is a fixed value that cannot be set manually. "
    )
    assert check_parameters([AppParameter(id="p", visible=False, default=[1, 2])], {}) == {"p": [1, 2]}


def test_defaults_of_visible_ones_are_not_used() -> None:
    assert check_parameters([AppParameter(id="p", default="x")], {}) == {}
    assert check_parameters([AppParameter(id="p", default="x")], {"p": None}) == {}


def test_undeclared_ones_are_named() -> None:
    assert refusal({"P": 1}) == "Unrecognized parameter P."


def test_hidden_comes_before_required_before_count_before_type() -> None:
    assert "fixed value" in refusal({"p": [{}, {}]}, visible=False, type="number")
    assert "at most" in refusal({"p": [{}, {}]}, type="number")
    assert "must be a number" in refusal({"p": "x"}, type="number", validator="y")


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=2),
    max_leaves=6,
)


@given(
    json_values,
    st.sampled_from(["string", "number", "bool", "enumeration", "flag"]),
    st.sampled_from([1, 2, -1]),
)
def test_whatever_is_given_is_typed_and_rendered_or_refused(value: Any, kind: str, most: int) -> None:
    declared = AppParameter(id="p", type=kind, max_cardinality=most, enum_values=(("a", "A"),))
    try:
        typed = check_parameters([declared], {"p": value})
    except Invalid as refused:
        assert "p" in refused.message
        return
    json.dumps(typed, allow_nan=False)
    assert isinstance(render_parameter(declared, typed.get("p")), str)
    assert check_parameters([declared], typed) == typed


def rendered(value: Any, **declared: Any) -> str:
    return render_parameter(AppParameter(id="p", **declared), value)


@pytest.mark.parametrize(
    ("value", "declared", "expected"),
    [
        ("v", {}, "v"),
        (None, {"default": "v"}, ""),
        (None, {"type": "bool"}, ""),
        (None, {"type": "bool", "visible": False}, "0"),
        ("v", {"enquote": True}, '"v"'),
        ("v", {"argument": "-i ", "show_argument": True}, "-i v"),
        ("v", {"argument": "-i "}, "v"),
        ("v", {"argument": "-i=", "show_argument": True, "enquote": True}, '-i="v"'),
        (["a", "b"], {"argument": "-i ", "show_argument": True}, "-i a b"),
        (["a", "b"], {"argument": "-i ", "show_argument": True, "repeat_argument": True}, "-i a -i b"),
        (["a", "b"], {"argument": "-i ", "repeat_argument": True}, "a b"),
        ([], {"argument": "-i ", "show_argument": True}, ""),
        (5, {"type": "number"}, "5"),
        (0.5, {"type": "number", "argument": "-n", "show_argument": True}, "-n0.5"),
        (True, {"type": "bool"}, "1"),
        (False, {"type": "bool"}, "0"),
        (True, {"type": "bool", "argument": "--on=", "show_argument": True}, "--on=1"),
        (True, {"type": "flag", "argument": "--fast"}, "--fast"),
        (False, {"type": "flag", "argument": "--fast", "show_argument": True}, ""),
        (None, {"type": "flag", "argument": "--fast"}, ""),
        (True, {"type": "flag"}, ""),
        ('a"b$c\\', {"enquote": True}, '"a"b$c\\"'),
    ],
)
def test_rendering(value: Any, declared: dict[str, Any], expected: str) -> None:
    assert rendered(value, **declared) == expected
