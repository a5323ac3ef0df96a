"""Names of directories and files that come from a job's name [job-lifecycle §8]."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emulator.domain.slug import slug
from emulator.domain.system import StorageConfig, System, SystemType
from emulator.domain.work_dir import scheduler_name, work_files, work_path
from tests.job_samples import NOON, sample_job

JOB = "00000001-0000-4000-8000-000000000000-007"


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("Qgis 3.48_2020", "qgis-3-48_2020"),
        ("  two  spaces ", "two-spaces"),
        ("Zoë's café+", "zoes-cafe+"),
        ("--a--b--", "a-b"),
        ("line\nbreak\ttab", "line-break-tab"),
        ("日本", ""),
        ("../../etc/passwd", "etc-passwd"),
        ("$(rm -rf /)", "rm-rf"),
    ],
)
def test_the_rule_on_examples(name: str, expected: str) -> None:
    assert slug(name) == expected


@given(st.text(max_size=64))
def test_any_name_becomes_a_harmless_one(name: str) -> None:
    made = slug(name)
    assert re.fullmatch(r"[a-z0-9_+-]*", made)
    assert "--" not in made
    assert slug(made) == made


def system(**changes: Any) -> System:
    values: dict[str, Any] = {
        "world": "default",
        "id": "cluster",
        "uuid": "1-006",
        "name": "Cluster",
        "type": SystemType.EXECUTION,
        "owner": "testuser",
        "storage": StorageConfig(host="h", port=22, protocol="SFTP"),
        "created": NOON,
        "last_updated": NOON,
    }
    return System(**(values | changes))


@pytest.mark.parametrize(
    ("dirs", "expected"),
    [
        ({"scratch_dir": "/scratch/mao", "work_dir": "/work"}, f"/scratch/mao/mao/job-{JOB}-a-name"),
        ({"work_dir": "work"}, f"work/mao/job-{JOB}-a-name"),
        ({"scratch_dir": " ", "work_dir": ""}, f"mao/job-{JOB}-a-name"),
        ({"scratch_dir": "//scratch//"}, f"/scratch/mao/job-{JOB}-a-name"),
        ({"scratch_dir": "/"}, f"/mao/job-{JOB}-a-name"),
    ],
)
def test_the_work_path_lies_below_scratch_else_work_else_home(dirs: dict[str, str], expected: str) -> None:
    assert work_path(system(**dirs), "mao", JOB, "A name") == expected


def test_a_nameless_slug_leaves_no_dash_behind() -> None:
    assert work_path(system(), "mao", JOB, "日本") == f"mao/job-{JOB}"


@given(st.text(min_size=1, max_size=64), st.integers(0, 255))
def test_the_work_path_never_exceeds_254_characters_while_the_base_allows(name: str, length: int) -> None:
    path = work_path(system(scratch_dir="/" + "s" * length), "mao", JOB, name)
    bare = len(work_path(system(scratch_dir="/" + "s" * length), "mao", JOB, "日"))
    assert len(path) <= max(254, bare)
    assert not path.endswith("-")


def test_batch_logs_carry_the_uuid_and_never_begin_with_a_digit() -> None:
    job = sample_job(1, name="3 little pigs")
    files = work_files(job)
    assert files.script == "3-little-pigs.ipcexe"
    assert files.stdout == f"agave-3-little-pigs-{job.id}.out"
    assert files.stderr == f"agave-3-little-pigs-{job.id}.err"


def test_fork_logs_have_short_names() -> None:
    job = sample_job(1, name="3 little pigs")
    files = work_files(replace(job, plan=replace(job.plan, scheduler="FORK")))
    assert (files.stdout, files.stderr, files.pid) == (
        "3-little-pigs.out",
        "3-little-pigs.err",
        "3-little-pigs.pid",
    )


def test_a_name_without_any_letter_still_gives_files_a_name() -> None:
    assert scheduler_name("日本") == "job"
