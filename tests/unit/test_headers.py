"""Headers of all schedulers, line by line [wrapper-templates §2]."""

from __future__ import annotations

import shutil
import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from emulator.domain.job import Job
from emulator.domain.system import Queue
from emulator.schedulers.script import header, job_script, side_files
from tests.job_samples import APP, sample_job
from tests.unit.test_slug import system

QUEUE = Queue(name="normal", mapped_name="norm.q")
ID = sample_job(1).id
OUT, ERR = f"my-job-{ID}.out", f"my-job-{ID}.err"


def job(scheduler: str, parallelism: str = "PARALLEL", name: str = "My job", **plan: Any) -> Job:
    values: dict[str, Any] = {
        "scheduler": scheduler,
        "queue": QUEUE,
        "node_count": 2,
        "processors_per_node": 4,
        "total_processors": 7,
        "max_run_seconds": 5430,
        "app": replace(APP, parallelism=parallelism, modules=()),
    }
    return sample_job(1, values | plan, name=name)


def head(scheduler: str, parallelism: str = "PARALLEL", **changes: Any) -> list[str]:
    return header(job(scheduler, parallelism, **changes), "/w", "http://b").split("\n")


def with_directives(text: str) -> Queue:
    return replace(QUEUE, custom_directives=text)


def test_slurm() -> None:
    assert head("SLURM", queue=with_directives("-A project")) == [
        "#!/bin/bash",
        "#SBATCH -J my-job",
        f"#SBATCH -o {OUT}",
        f"#SBATCH -e {ERR}",
        "#SBATCH -t 01:30:30",
        "#SBATCH -p norm.q",
        "#SBATCH -N 2 -n 7",
        "#SBATCH -A project",
    ]


@pytest.mark.parametrize("scheduler", ["PBS", "TORQUE", "MOAB", "COBALT"])
def test_pbs_and_its_kin(scheduler: str) -> None:
    assert head(scheduler, queue=with_directives("-A project")) == [
        "#!/bin/bash",
        "#PBS -N my-job",
        f"#PBS -o {OUT}",
        f"#PBS -e {ERR}",
        "#PBS -l cput=01:30:30",
        "#PBS -l walltime=01:30:30",
        "#PBS -q norm.q",
        "#PBS -l nodes=2:ppn=4",
        "#PBS -A project",
    ]


def test_sge() -> None:
    assert head("SGE", queue=with_directives("-P project")) == [
        "#!/bin/bash",
        "",
        "#$ -N my-job",
        "#$ -cwd",
        "#$ -V",
        f"#$ -o {OUT}",
        f"#$ -e {ERR}",
        "#$ -l h_rt=01:30:30",
        "#$ -q norm.q",
        "#$ -P project",
    ]


@pytest.mark.parametrize(
    ("parallelism", "size"),
    [
        ("PTHREAD", ["#BSUB -n 2", "#BSUB -R 'span[ptile=1]'"]),
        ("SERIAL", ["#BSUB -n 1", "#BSUB -R 'span[ptile=1]'"]),
        ("PARALLEL", ["#BSUB -n 7", "#BSUB -R 'span[ptile=4]'"]),
    ],
)
def test_lsf(parallelism: str, size: list[str]) -> None:
    assert head("LSF", parallelism, queue=with_directives("-P project")) == [
        "#!/bin/bash",
        "#BSUB -J my-job",
        f"#BSUB -o {OUT}",
        f"#BSUB -e {ERR}",
        "#BSUB -W 90",
        "#BSUB -q norm.q",
        "#BSUB -L bash",
        *size,
        "#BSUB -P project",
    ]


def test_lsf_asks_for_at_least_a_minute() -> None:
    assert "#BSUB -W 1" in head("LSF", max_run_seconds=20)


@pytest.mark.parametrize(
    ("parallelism", "size"),
    [
        ("PTHREAD", ["#@ node = 1", "#@ tasks_per_node = 4"]),
        ("SERIAL", ["#@ node_usage = not_shared", "#@ nodes = 1", "#@ tasks_per_node = 1"]),
        ("PARALLEL", ["#@ node_usage = not_shared", "#@ nodes = 2", "#@ tasks_per_node = 4"]),
    ],
)
def test_loadleveler(parallelism: str, size: list[str]) -> None:
    assert head("LOADLEVELER", parallelism, queue=with_directives("account = x")) == [
        "#! /bin/bash -l",
        "#@ - my-job",
        "#@ environment = COPY_ALL",
        f"#@ output = {OUT}",
        f"#@ error = {ERR}",
        "#@ class = NORMAL",
        "#@ account_no = NONE",
        "#@ wall_clock_limit = 01:30:30",
        "#@ job_type = MPICH",
        *size,
        "#@ queue norm.q",
        "#@ account = x",
    ]


def test_without_a_scheduler() -> None:
    assert head("FORK") == ["#!/bin/bash", "echo $$ > my-job.pid", "exec 2>my-job.err 1>my-job.out"]


def test_condor_reads_a_file_of_its_own() -> None:
    assert head("CONDOR") == ["#!/bin/bash"]
    (name, text), *others = side_files(job("CONDOR", memory_per_node=1.5)).items()
    assert (name, others) == ("my-job.submit", [])
    assert text.splitlines() == [
        "universe = vanilla",
        'requirements = ( OpSys == "LINUX" )',
        "periodic_release =  (NumJobStarts < 3) && ((CurrentTime - EnteredCurrentStatus) > (15*60))",
        "on_exit_hold = (ExitBySignal == True) || (ExitCode != 0)",
        "request_cpus = 7",
        "request_memory = 1536",
        "executable = transfer_wrapper.sh",
        "input = transfer.tar.gz",
        f"output = {OUT}",
        f"error = {ERR}",
        "log = runtime.log",
        "should_transfer_files = YES",
        "when_to_transfer_output = ON_EXIT",
        "transfer_input_files = transfer.tar.gz",
        "notification = never",
        "queue 1",
    ]
    wish = "requirements = Memory > 1"
    assert wish in side_files(job("CONDOR", queue=with_directives(wish)))["my-job.submit"].splitlines()
    assert side_files(job("SLURM")) == {}


def test_serial_apps_run_on_one_node() -> None:
    assert "#SBATCH -N 1 -n 7" in head("SLURM", "SERIAL")
    assert "#PBS -l nodes=1:ppn=7" in head("PBS", "SERIAL")


@pytest.mark.parametrize("scheduler", ["SLURM", "PBS", "SGE", "LSF", "LOADLEVELER"])
def test_without_queue_and_run_time_their_lines_are_left_out(scheduler: str) -> None:
    lines = "\n".join(head(scheduler, queue=None, max_run_seconds=0))
    assert "norm" not in lines and "00:00:00" not in lines and "-W" not in lines and "None" not in lines


def test_names_that_begin_with_a_digit_are_prefixed() -> None:
    lines = head("SLURM", name="3d model")
    assert lines[1:3] == ["#SBATCH -J agave-3d-model", f"#SBATCH -o agave-3d-model-{ID}.out"]


def test_plain_directives_have_one_prefix_and_no_macros() -> None:
    text = "-A ${AGAVE_JOB_OWNER}\r\n#SBATCH --reservation=x"
    assert head("SLURM", queue=with_directives(text))[-2:] == [
        "#SBATCH -A ${AGAVE_JOB_OWNER}",
        "#SBATCH --reservation=x",
    ]


@pytest.mark.parametrize("blank", ["", "  \n "])
@pytest.mark.parametrize("scheduler", ["SLURM", "PBS", "SGE", "LSF", "LOADLEVELER"])
def test_custom_schedulers_without_directives_are_the_plain_ones(scheduler: str, blank: str) -> None:
    queue = with_directives(blank)
    assert head(f"CUSTOM_{scheduler}", queue=queue) == head(scheduler, queue=queue) == head(scheduler)


@pytest.mark.parametrize(
    ("scheduler", "names"),
    [
        ("CUSTOM_SLURM", ["#SBATCH -J my-job", f"#SBATCH -o {OUT}", f"#SBATCH -e {ERR}"]),
        ("CUSTOM_TORQUE", ["#PBS -N my-job", f"#PBS -o {OUT}", f"#PBS -e {ERR}"]),
        ("CUSTOM_MOAB", ["#PBS -N my-job", f"#PBS -o {OUT}", f"#PBS -e {ERR}"]),
        ("CUSTOM_LSF", ["#BSUB -J my-job", f"#BSUB -o {OUT}", f"#BSUB -e {ERR}"]),
        ("CUSTOM_GRIDENGINE", ["", "#$ -N my-job", "#$ -cwd", "#$ -V", f"#$ -o {OUT}", f"#$ -e {ERR}"]),
    ],
)
def test_custom_schedulers_take_the_directives_instead_of_sizes(scheduler: str, names: list[str]) -> None:
    text = "#X -n ${AGAVE_JOB_NODE_COUNT}\n#X ${NOT_A_MACRO}"
    assert head(scheduler, queue=with_directives(text)) == [
        "#!/bin/bash",
        *names,
        "#X -n 2",
        "#X ${NOT_A_MACRO}",
    ]


@pytest.mark.skipif(shutil.which("dash") is None, reason="needs a shell that is not bash")
@pytest.mark.parametrize("scheduler", ["FORK", "SLURM", "SGE", "CUSTOM_LSF", "CONDOR"])
def test_whole_scripts_run_in_a_plain_shell(scheduler: str, tmp_path: Path) -> None:
    text = job_script(
        template="echo out; echo err >&2; exit 5",
        job=job(scheduler),
        system=system(environment="export A=1"),
        work_dir=str(tmp_path),
        base_url="http://b",
    )
    (tmp_path / "job.ipcexe").write_text(text)
    ended = subprocess.run(["dash", "job.ipcexe"], cwd=tmp_path, capture_output=True, timeout=60)
    assert ended.returncode == 5
    if scheduler == "FORK":
        assert (ended.stdout, ended.stderr) == (b"", b"")
        assert (tmp_path / "my-job.out").read_text() == "out\n"
        assert (tmp_path / "my-job.err").read_text() == "err\n"
        assert (tmp_path / "my-job.pid").read_text().strip().isdigit()
    else:
        assert (ended.stdout, ended.stderr) == (b"out\n", b"err\n")
