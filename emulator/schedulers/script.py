"""The script of a job: its scheduler's header on the rendered wrapper template [wrapper-templates §1, §2]."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from emulator.domain.job import Job
from emulator.domain.macros import attribute_macros, resolve_macros
from emulator.domain.system import System
from emulator.domain.work_dir import file_stem
from emulator.domain.wrapper import WrapperContext, render_script, unix_lines
from emulator.schedulers import condor, fork, loadleveler, lsf, pbs, sge, slurm
from emulator.schedulers.directives import Directives, directives_of
from emulator.schedulers.simulated import family


@dataclass(frozen=True, slots=True)
class _Batch:
    """How a scheduler that reads directives from the script's comments is spoken to."""

    shebang: str
    prefix: str
    names: Callable[[Directives], list[str]]
    sizes: Callable[[Directives], list[str]]


_PBS = _Batch(pbs.SHEBANG, pbs.PREFIX, pbs.names, pbs.sizes)
_BATCH: Mapping[str, _Batch] = {
    "SLURM": _Batch(slurm.SHEBANG, slurm.PREFIX, slurm.names, slurm.sizes),
    "PBS": _PBS,
    "TORQUE": _PBS,
    "MOAB": _PBS,
    "COBALT": _PBS,
    "SGE": _Batch(sge.SHEBANG, sge.PREFIX, sge.names, sge.sizes),
    "LSF": _Batch(lsf.SHEBANG, lsf.PREFIX, lsf.names, lsf.sizes),
    "LOADLEVELER": _Batch(loadleveler.SHEBANG, loadleveler.PREFIX, loadleveler.names, loadleveler.sizes),
}


def job_script(
    *,
    template: str,
    job: Job,
    system: System,
    work_dir: str,
    base_url: str,
    blacklist: tuple[str, ...] = (),
    exit_record: bool = False,
) -> str:
    """The whole script; see :class:`emulator.domain.wrapper.WrapperContext` for the arguments.

    ``exit_record``: on a real machine the script itself notes how it ends, since not every scheduler will tell.
    """
    trap = ""
    if exit_record:
        from emulator.schedulers.exit_record import exit_record_trap  # real machines only

        trap = exit_record_trap(job.plan.scheduler)
    return render_script(
        WrapperContext(
            template=template,
            header=header(job, work_dir, base_url),
            job=job,
            system=system,
            work_dir=work_dir,
            base_url=base_url,
            blacklist=blacklist,
            exit_record=trap,
        )
    )


def side_files(job: Job) -> dict[str, str]:
    """Name to text of what a scheduler reads beside the script: HTCondor's submit description."""
    if family(job.plan.scheduler) != "CONDOR":
        return {}
    queue = job.plan.queue
    custom = unix_lines((queue.custom_directives if queue else None) or "")
    return {f"{file_stem(job.name)}.submit": condor.submit_file(directives_of(job), custom)}


def header(job: Job, work_dir: str, base_url: str) -> str:
    """Shebang and directives, one a line.

    A queue's customDirectives follow once behind the scheduler's prefix, as they are; ``CUSTOM_`` schedulers
    take them with macros resolved instead of all lines about size [wrapper-templates §2.1].
    """
    plan = job.plan
    scheduler = plan.scheduler.upper()
    asked = directives_of(job)
    kind = family(scheduler)
    if kind == "CONDOR":
        return condor.SHEBANG
    batch = _BATCH.get(kind)
    if batch is None:
        return "\n".join([fork.SHEBANG, *fork.lines(asked)])
    custom = unix_lines((plan.queue.custom_directives if plan.queue else None) or "")
    lines = [batch.shebang, *batch.names(asked)]
    if not custom.strip():
        lines += batch.sizes(asked)
    elif scheduler.startswith("CUSTOM_"):
        lines.append(resolve_macros(custom, attribute_macros(job, work_dir, base_url)))
    else:
        lines += [*batch.sizes(asked), f"{batch.prefix} {custom}"]
    return "\n".join(lines)
