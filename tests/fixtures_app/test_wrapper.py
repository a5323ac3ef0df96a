"""The wrapper template with a job's values put in, run by the shells that a machine may have."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

SHELLS = [shell for shell in ("bash", "dash", "sh") if shutil.which(shell)]


@pytest.fixture(params=SHELLS)
def shell(request: pytest.FixtureRequest) -> str:
    found = shutil.which(str(request.param))
    assert found
    return found


@pytest.fixture
def path_with_python(tmp_path: Path) -> str:
    """A PATH on which python3 is the interpreter of the tests."""
    folder = tmp_path / "bin"
    folder.mkdir()
    (folder / "python3").symlink_to(sys.executable)
    return f"{folder}:/usr/bin:/bin"


def run(
    bundle: Path, shell: str, path: str, imagefile: str, predictions: str
) -> subprocess.CompletedProcess[str]:
    template = (bundle / "wrapper.sh").read_text()
    macros = {
        "AGAVE_JOB_ID": "1-007",
        "AGAVE_JOB_EXECUTION_SYSTEM": "here",
        "AGAVE_JOB_BATCH_QUEUE": "normal",
    }
    for name, value in {"imagefile": imagefile, "predictions": predictions, **macros}.items():
        assert f"${{{name}}}" in template
        template = template.replace(f"${{{name}}}", value)
    (bundle / "job.ipcexe").write_text(template)
    return subprocess.run(
        [shell, "job.ipcexe"], cwd=bundle, env={"PATH": path}, capture_output=True, text=True, timeout=60
    )


def test_a_job_with_both_values(bundle: Path, shell: str, path_with_python: str) -> None:
    before = {path.relative_to(bundle) for path in bundle.rglob("*")}
    done = run(bundle, shell, path_with_python, '--image "pictures/ocean.png"', "--top 2")
    assert done.returncode == 0, done.stderr
    lines = (bundle / "predictions.txt").read_text().splitlines()
    assert len(lines) == 2
    assert lines[0].startswith("ocean (score = ")
    assert done.stdout.splitlines() == ["classifier: job 1-007 on here, queue normal", *lines]
    after = {path.relative_to(bundle) for path in bundle.rglob("*")}
    assert after - before == {Path("predictions.txt"), Path("job.ipcexe")}


def test_a_parameter_left_out_is_rendered_as_nothing(bundle: Path, shell: str, path_with_python: str) -> None:
    done = run(bundle, shell, path_with_python, '--image "pictures/forest.png"', "")
    assert done.returncode == 0, done.stderr
    assert len((bundle / "predictions.txt").read_text().splitlines()) == 5


def test_a_picture_brought_along_with_a_space_in_its_name(
    bundle: Path, shell: str, path_with_python: str
) -> None:
    shutil.copy(bundle / "pictures" / "zebra.png", bundle / "my zebra.png")
    done = run(bundle, shell, path_with_python, '--image "my zebra.png"', "--top 1")
    assert done.returncode == 0, done.stderr
    assert (bundle / "predictions.txt").read_text().startswith("zebra (score = ")


def test_the_failure_of_the_classifier_is_that_of_the_job(
    bundle: Path, shell: str, path_with_python: str
) -> None:
    (bundle / "broken.png").write_bytes(b"GIF89a")
    done = run(bundle, shell, path_with_python, '--image "broken.png"', "--top 1")
    assert done.returncode == 1
    assert "only PNG can be read" in done.stderr
    assert not (bundle / "predictions.txt").exists()


def test_a_machine_without_python_is_told(bundle: Path, shell: str, tmp_path: Path) -> None:
    empty = tmp_path / "nothing"
    empty.mkdir()
    done = run(bundle, shell, str(empty), '--image "pictures/ocean.png"', "")
    assert done.returncode == 127
    assert "python3 was not found" in done.stderr


def test_the_test_script_passes_and_leaves_nothing(bundle: Path, shell: str, path_with_python: str) -> None:
    before = {path.relative_to(bundle) for path in bundle.rglob("*")}
    done = subprocess.run(
        [shell, "test/test.sh"],
        cwd=bundle,
        env={"PATH": path_with_python},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.endswith("test: passed\n")
    assert {path.relative_to(bundle) for path in bundle.rglob("*")} == before


def test_the_test_script_notices_a_wrong_answer(bundle: Path, shell: str, path_with_python: str) -> None:
    shutil.copy(bundle / "pictures" / "ocean.png", bundle / "pictures" / "sunflower.png")
    done = subprocess.run(
        [shell, "test/test.sh"],
        cwd=bundle,
        env={"PATH": path_with_python},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 1
    assert "not recognised" in done.stderr
