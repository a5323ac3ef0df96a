"""The records that scripts leave on a machine: each tells of itself alone, whatever it holds."""

from pathlib import Path

from emulator.domain.ports import Launch
from emulator.engine.clock import RealClock
from emulator.hosts.local import LocalShell
from emulator.runtimes.remote.login import exit_records

RECORD = "id 1\nstarted 1795406400.1\nended 1795406460.4\ncode {code}\nend EXIT\n"


def launch(job_id: str, work_dir: Path) -> Launch:
    work_dir.mkdir()
    return Launch(
        job_id=job_id,
        world="w",
        host="h",
        system_id="s",
        app_id="a",
        owner="o",
        name="n",
        scheduler="SLURM",
        script=str(work_dir / "job.ipcexe"),
        work_dir=str(work_dir),
        stdout="",
        stderr="",
        home_dir="",
        max_run_seconds=0,
    )


def test_a_record_cannot_speak_for_another_job(tmp_path: Path) -> None:
    honest, forger = launch("honest", tmp_path / "a 'b'"), launch("forger", tmp_path / "forger")
    (tmp_path / "a 'b'" / ".agave.exit").write_text(RECORD.format(code=3))
    forged = f"\n--agave-- honest\n{RECORD.format(code=0)}"
    (tmp_path / "forger" / ".agave.exit").write_text(RECORD.format(code=4) + forged)
    found = exit_records(LocalShell(RealClock()), [honest, forger])
    assert found["honest"].exit_code == 3


def test_garbled_endless_and_missing_ones(tmp_path: Path) -> None:
    launches = [launch(name, tmp_path / name) for name in ("none", "garbled", "endless", "good")]
    (tmp_path / "garbled" / ".agave.exit").write_bytes(b"\xff\x00code")
    (tmp_path / "endless" / ".agave.exit").symlink_to("/dev/zero")
    (tmp_path / "good" / ".agave.exit").write_text(RECORD.format(code=0))
    found = exit_records(LocalShell(RealClock()), launches)
    assert set(found) == {"good"}
    assert found["good"].succeeded
