"""The benchmarks run; what they measure is not judged here."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).resolve().parents[2]


def bench(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "benchmarks", *arguments],
        cwd=CHECKOUT,
        capture_output=True,
        text=True,
        timeout=200,
        check=False,
    )


def test_one_prints_its_table_with_the_floor_first() -> None:
    done = bench("process_job", "--quick")
    assert done.returncode == 0, done.stderr
    rows = [line for line in done.stdout.splitlines() if line.startswith("|")]
    assert rows[2].startswith("| its script by hand |"), done.stdout
    assert len(rows) == 5
    assert "**Quick run" in done.stdout


@pytest.mark.campaign
@pytest.mark.parametrize(
    ("name", "floor", "rows"),
    [
        ("slurm_job", "| `sbatch --wait` of its script |", 5),
        ("waiting_jobs", "| nothing |", 2),
        ("ssh_files", "| scp, up |", 10),
    ],
)
def test_real_machines(name: str, floor: str, rows: int) -> None:
    """Beside a real sshd, and a real cluster where an engine can be had."""
    done = bench(name, "--quick")
    if "**Not measured:**" in done.stdout and os.environ.get("CI", "").lower() not in ("1", "true"):
        pytest.skip(done.stdout)
    assert done.returncode == 0, done.stderr
    printed = [line for line in done.stdout.splitlines() if line.startswith("|")]
    assert printed[2].startswith(floor), done.stdout
    assert len(printed) == 2 + rows, done.stdout


def test_a_name_that_does_not_exist_is_refused() -> None:
    done = bench("process_job", "weather")
    assert done.returncode == 2
    assert "there is no benchmark weather" in done.stderr
