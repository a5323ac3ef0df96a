"""Documents that are JSON by the letter and still nothing to work with [conventions §8]."""

from __future__ import annotations

import pytest

from emulator.api.v2.bodies import parse_json, text
from emulator.domain.errors import Invalid


@pytest.mark.parametrize(
    ("document", "reason"),
    [
        ("[" * 102 + "]" * 102, "It is nested too deep."),
        ('{"a":' * 900 + "1" + "}" * 900, "It is nested too deep."),
        ("[" * 100_000, "It is nested too deep."),
        ("1" * 5000, "A number has more than 4000 digits"),
        ('{"a": NaN}', "NaN is not valid JSON"),
    ],
)
def test_what_no_reader_could_take_is_refused(document: str, reason: str) -> None:
    with pytest.raises(Invalid, match=f"^Invalid JSON found. {reason}$"):
        parse_json(document)


def test_what_clients_send_is_taken() -> None:
    assert parse_json("[" * 100 + "]" * 100)
    assert parse_json("1" * 4000) == int("1" * 4000)
    assert parse_json('{"a": [1.5, null, "\\ud83d\\ude00"]}') == {"a": [1.5, None, "\N{GRINNING FACE}"]}


def test_plain_values_are_text_and_others_are_refused_by_name() -> None:
    body = {"s": "True", "t": True, "n": 1.5, "no": None, "list": ["a"], "map": {}}
    assert [text(body, name) for name in ("s", "t", "n", "no", "missing")] == [
        "True",
        "true",
        "1.5",
        None,
        None,
    ]
    for name in ("list", "map"):
        with pytest.raises(Invalid, match=f"'{name}'"):
            text(body, name)
