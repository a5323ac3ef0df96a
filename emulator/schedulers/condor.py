"""HTCondor: the job is described in a submit file beside the script [wrapper-templates §2.2]."""

from __future__ import annotations

from emulator.schedulers.directives import BASH, Directives

SHEBANG = BASH


def submit_file(job: Directives, requirements: str = "") -> str:
    """The submit description; ``requirements`` is the queue's customDirectives, in place of the usual line."""
    lines = [
        "universe = vanilla",
        requirements.strip() or 'requirements = ( OpSys == "LINUX" )',
        "periodic_release =  (NumJobStarts < 3) && ((CurrentTime - EnteredCurrentStatus) > (15*60))",
        "on_exit_hold = (ExitBySignal == True) || (ExitCode != 0)",
        f"request_cpus = {job.processors}",
        f"request_memory = {job.memory * 1024:.0f}",
        "executable = transfer_wrapper.sh",
        "input = transfer.tar.gz",
        f"output = {job.stdout}",
        f"error = {job.stderr}",
        "log = runtime.log",
        "should_transfer_files = YES",
        "when_to_transfer_output = ON_EXIT",
        "transfer_input_files = transfer.tar.gz",
        "notification = never",
        "queue 1",
    ]
    return "\n".join(lines) + "\n"
