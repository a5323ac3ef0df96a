"""Inputs: checked against the app, and taken apart [jobs §3.6]."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emulator.domain.app import AppInput
from emulator.domain.errors import Invalid
from emulator.domain.inputs import InputSource, SourceKind, check_inputs, input_sources, parse_source

ORIGINS = ("http://localhost:8000", "https://API.example.org/")
JOB = "00000001-0000-4000-8000-000000000000-007"


def checked(given: dict[str, Any], **declared: Any) -> dict[str, Any]:
    return check_inputs([AppInput(id="data", **declared)], given)


def refusal(given: dict[str, Any], **declared: Any) -> str:
    with pytest.raises(Invalid) as refused:
        checked(given, **declared)
    return refused.value.message


@pytest.mark.parametrize("value", ["a.txt", ["a.txt", "b.txt"], "a.txt;b.txt", ["a.txt"], ""])
def test_values_stay_as_they_were_sent(value: Any) -> None:
    assert checked({"data": value}, max_cardinality=-1) == {"data": value}


def test_the_service_words_what_is_wrong() -> None:
    assert refusal({"data": "x"}, visible=False, default="y") == (
        "Invalid value for data. data is a fixed value that cannot be set manually. "
    )
    assert refusal({}, required=True, default="x") == "No input specified for data"
    assert refusal({"data": ";"}, required=True) == "No input specified for data"
    assert refusal({"data": "a"}, min_cardinality=2, max_cardinality=-1) == "data requires at least 2 values"
    assert refusal({"data": "a;b"}) == "data may have at most 1 values"
    assert refusal({"data": "a.gif"}, validator=r".*\.png") == (
        r"Invalid input value, a.gif, for data. Value must match the following expression: .*\.png"
    )
    assert refusal({"extra": "a"}) == "Unrecognized input extra."
    assert refusal({"data": 5}).startswith("Invalid value for data. ")
    assert refusal({"data": ["a", {}]}).startswith("Invalid value for data. ")


def test_optional_ones_are_left_out_and_hidden_ones_filled_in() -> None:
    assert checked({}, default="x") == {}
    assert checked({"data": None}, default="x") == {}
    assert checked({}, visible=False, default=["x", "y"]) == {"data": ["x", "y"]}


def test_validators_match_each_whole_value() -> None:
    assert checked({"data": "a.png; b.png"}, validator=r"\w+\.png", max_cardinality=2)
    assert "a.pngx" in refusal({"data": "b.png;a.pngx"}, validator=r"\w+\.png", max_cardinality=2)


def source(uri: str) -> InputSource:
    (found,) = input_sources({"data": [uri]}, ORIGINS)
    return found


@pytest.mark.parametrize(
    ("uri", "system_id", "path", "name"),
    [
        ("a/b.txt", None, "a/b.txt", "b.txt"),
        ("/a/b.txt", None, "/a/b.txt", "b.txt"),
        ("a/dir/", None, "a/dir/", "dir"),
        ("agave://sys/a/b.txt", "sys", "a/b.txt", "b.txt"),
        ("agave://sys//a/b%20c.txt", "sys", "/a/b c.txt", "b c.txt"),
        ("agave://sys/a/b.txt?force=true", "sys", "a/b.txt", "b.txt"),
        ("agave://sys", "sys", "", ""),
        ("AGAVE:///a.txt", None, "a.txt", "a.txt"),
        ("http://localhost:8000/files/v2/media/system/sys//a/b.txt", "sys", "/a/b.txt", "b.txt"),
        ("https://api.example.org/files/v2/media/system/sys/a/b.txt?x=y", "sys", "a/b.txt", "b.txt"),
        ("http://localhost:8000/files/v2/media/a/b%20c.txt", None, "a/b c.txt", "b c.txt"),
        ("http://localhost:8000/files/v2/media//a/b.txt", None, "/a/b.txt", "b.txt"),
        ("https://127.0.0.1:8000/files/v2/media/system/s/x", "s", "x", "x"),
        ("http://[::1]:8000/files/v2/media/system/s/x", "s", "x", "x"),
        ("http://API.example.org/files/v2/media/system/s/x", "s", "x", "x"),
        ("http://user:pw@localhost:8000/files/v2/media/system/s/x", "s", "x", "x"),
    ],
)
def test_files_of_ours(uri: str, system_id: str | None, path: str, name: str) -> None:
    found = source(uri)
    assert (found.kind, found.system_id, found.path, found.name) == (SourceKind.FILE, system_id, path, name)
    assert found.uri == uri


def test_outputs_of_earlier_jobs() -> None:
    found = source(f"http://localhost:8000/jobs/v2/{JOB}/outputs/media/out/a%20b.txt")
    assert (found.kind, found.job_id, found.path, found.name) == (
        SourceKind.JOB_OUTPUT,
        JOB,
        "out/a b.txt",
        "a b.txt",
    )


@pytest.mark.parametrize(
    ("uri", "name"),
    [
        ("http://example.org/data/a%20b.txt?version=2#top", "a b.txt"),
        ("https://example.org", "example.org"),
        ("https://example.org/x/..", "example.org"),
        ("sftp://u:p@example.org/home/u/data", "data"),
        ("http://localhost:8001/files/v2/media/system/sys/a.txt", "a.txt"),
        ("http://localhost:8000/systems/v2/sys", "sys"),
        ("http://localhost/files/v2/media/system/s/x.txt", "x.txt"),
        ("http://other:8000/files/v2/media/system/s/x.txt", "x.txt"),
        ("http://other?@localhost:8000/files/v2/media/x.txt", "x.txt"),
        ("sftp://localhost:8000/files/v2/media/x.txt", "x.txt"),
    ],
)
def test_files_from_elsewhere(uri: str, name: str) -> None:
    found = source(uri)
    assert (found.kind, found.path, found.name) == (SourceKind.URL, uri, name)


@pytest.mark.parametrize("uri", ["ftp://h/x", "s3://bucket/x", "file:///etc/passwd", "http:/x"])
def test_other_schemes_are_refused(uri: str) -> None:
    with pytest.raises(Invalid) as refused:
        source(uri)
    scheme = uri.partition(":")[0]
    assert refused.value.message == (
        f"Invalid value for data. URI with the {scheme} scheme are not currently supported. Please specify your "
        "input as a relative path, an Agave resource URL, or a URL with one of the following schemes: http, "
        "https, sftp, or agave."
    )


@pytest.mark.parametrize("uri", ["http://", "http://h:99999/x", "http://[::1/x", "http://h/%00"])
def test_broken_urls_are_refused(uri: str) -> None:
    with pytest.raises(Invalid, match=r"^Invalid value for data"):
        source(uri)


@given(st.text(max_size=40) | st.from_regex(r"(http|agave|sftp|x)://\S{0,30}", fullmatch=True))
def test_any_text_is_a_source_or_refused(uri: str) -> None:
    try:
        found = parse_source("data", uri, {"h"})
    except Invalid as refused:
        assert "data" in refused.message
    else:
        assert "/" not in found.name
