"""Macros in archive paths [jobs §3.5]."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from emulator.domain.archive_path import MACROS, default_archive_path, resolve

VALUES = {name: name.lower() for name in MACROS}


def test_each_macro_is_resolved_and_others_stay() -> None:
    template = "/".join(f"${{{name}}}" for name in MACROS)
    assert resolve(template, VALUES) == "/".join(VALUES.values())
    assert resolve("${HOME}/${job_id}/$JOB_ID/${JOB_ID", VALUES) == "${HOME}/${job_id}/$JOB_ID/${JOB_ID"


@given(st.text())
def test_values_are_not_searched_again(value: str) -> None:
    assert (
        resolve("a/${JOB_NAME}/b", VALUES | {"JOB_NAME": f"${{JOB_ID}}{value}"}) == f"a/${{JOB_ID}}{value}/b"
    )


def test_the_default_holds_owner_and_id() -> None:
    assert default_archive_path("mao", "1-007") == "mao/archive/jobs/job-1-007"
