"""STAGING_JOB: the app's assets, the generated script and the files beside it [job-lifecycle §7.1, §8]."""

from __future__ import annotations

from emulator.domain import paths
from emulator.domain.errors import StepFailed
from emulator.domain.slug import slug
from emulator.domain.states import JobState
from emulator.domain.work_dir import EXIT_RECORD, FAILURE_MARK, LOG, MANIFEST, SUBMISSION, work_files
from emulator.domain.wrapper import blacklisted_commands
from emulator.engine.faults import failing_as
from emulator.engine.launches import Place, place_of, played_startup, real_path, startup_of
from emulator.engine.outcome import Next, Outcome
from emulator.engine.progress import TransferProgress
from emulator.engine.startup import NO_STARTUP, SUBMIT, has_startup, submit_script
from emulator.engine.step import Step
from emulator.engine.struck_steps import passage_of
from emulator.engine.transfer import Extent, Location, Transfer
from emulator.engine.unpack import Unpacking
from emulator.schedulers.script import job_script, side_files

CODE = "JOBS_STAGING_FAILED"
DOING = "Unable to stage runtime assets"
ATTEMPT = "Attempt {attempt} failed to stage runtime assets. {cause}"
BLACKLIST = frozenset({".csv", ".irods", ".git", ".svn", ".mvn", ".ssh"})
"""Names in a deployment directory that are not copied."""
MAX_TEMPLATE = 16 * 1024 * 1024
"""Bytes: a wrapper template is read into memory, and nobody writes larger ones."""
_SCRIPT_MODE = 0o755


def stage_job(step: Step) -> Outcome:
    """Bring everything but the inputs into the work directory, and say what of it is not to be archived."""
    work_dir = step.work_dir
    with failing_as(CODE, DOING):
        step.meet_trouble()
        work_dir.files.mkdir(work_dir.path)
        copied, extent = _fetch_assets(step, work_dir)
        _write_runtime_files(step, work_dir, copied, extent)
    return Next(state=JobState.SUBMITTING)


def _fetch_assets(step: Step, work_dir: Location) -> tuple[list[str], Extent]:
    """Copy the deployment directory, or unpack the zip that stands for it; the answer: which files these were."""
    app = step.job.plan.app
    origin = step.location(app.deployment_system, app.deployment_path)
    text = f"Fetching application assets from {origin.uri}"
    progress = TransferProgress(step, text, origin.uri, ATTEMPT)
    copied: list[str] = []
    transfer: Transfer | Unpacking
    passage = passage_of(step, "asset", app.deployment_system, written=False)
    if _is_zip(origin):
        transfer = Unpacking(
            origin,
            work_dir,
            progress,
            exclude=_blacklisted,
            each=copied.append,
            checksum=app.checksum,
            wanted=app.template_path,
            passage=passage,
        )
    else:
        transfer = Transfer(
            origin,
            work_dir,
            progress,
            exclude=_blacklisted,
            merge=True,
            each=copied.append,
            checksums=step.tools.settings.checksums,
            passage=passage,
        )
    extent = transfer.run()
    progress.end()
    return copied, extent


def _is_zip(origin: Location) -> bool:
    """Public apps are kept as zip files [apps §6]."""
    return origin.path.lower().endswith(".zip") and not origin.files.stat(origin.path).is_dir


def _blacklisted(relative: str) -> bool:
    return paths.basename(relative) in BLACKLIST


def _write_runtime_files(step: Step, work_dir: Location, copied: list[str], assets: Extent) -> None:
    """The script, the log and the manifest; the history shows them together with the assets."""
    names = work_files(step.job)
    place = place_of(step)
    texts = {**side_files(step.job), names.script: _script(step, work_dir, place), LOG: NO_STARTUP}
    if has_startup(step.execution_system):
        texts[LOG] = ""
    if played_startup(step, place):
        texts[SUBMIT] = _submit_script(step, work_dir)
    by_the_machine = [EXIT_RECORD, SUBMISSION] if place.account else []
    texts[MANIFEST] = _manifest(step, copied, [*texts, *by_the_machine])
    data = {name: text.encode("utf-8", "surrogateescape") for name, text in texts.items()}
    source = f"file:///tmp/job-{step.job.id}-{slug(step.job.name)}"
    progress = TransferProgress(step, f"Staging runtime assets to {work_dir.uri}", source, ATTEMPT)
    generated = sum(map(len, data.values()))
    progress.begin(Extent(assets.files + len(data), assets.bytes + generated))
    progress.moved(assets.bytes)
    for name, content in data.items():
        path = paths.join(work_dir.path, name)
        mode = _SCRIPT_MODE if name == names.script else None
        with work_dir.files.writer(path, mode) as stream:
            stream.write(content)
        progress.moved(len(content))
    progress.end()


def _script(step: Step, work_dir: Location, place: Place) -> str:
    return job_script(
        template=_template(step, work_dir),
        job=step.job,
        system=step.execution_system,
        work_dir=real_path(work_dir.files, work_dir.path),
        base_url=step.base_url(),
        exit_record=place.account is not None,
        blacklist=blacklisted_commands(step.tools.settings.command_blacklist),
    )


def _submit_script(step: Step, work_dir: Location) -> str:
    real = real_path(work_dir.files, work_dir.path)
    return submit_script(startup_of(step, real), paths.join(real, work_files(step.job).script), real)


def _template(step: Step, work_dir: Location) -> str:
    """The wrapper's text, out of the assets that have just been copied."""
    app = step.job.plan.app
    path = paths.join(work_dir.path, app.template_path.lstrip("/"))
    missing = StepFailed(
        CODE, f"The wrapper template {app.template_path} of app {step.job.app_id} is missing."
    )
    try:
        with work_dir.files.reader(path) as stream:
            content = stream.read(MAX_TEMPLATE + 1)
    except (FileNotFoundError, NotADirectoryError, IsADirectoryError) as error:
        raise missing from error
    if len(content) > MAX_TEMPLATE:
        raise StepFailed(
            CODE, f"The wrapper template {app.template_path} is larger than {MAX_TEMPLATE} bytes."
        )
    return content.decode("utf-8", "surrogateescape")


def _manifest(step: Step, copied: list[str], generated: list[str]) -> str:
    """Relative paths of what is not archived, one a line; the wrapper may add to it [§7.1].

    Only files are named, so that what a job writes into a directory of its app is archived. A name with a
    line's end in it cannot be named.
    """
    names = [*copied, *(name for name in generated if name != LOG), MANIFEST, FAILURE_MARK]
    if step.tools.settings.archive_exclude_inputs:
        names += [source.name for source in step.job.plan.sources]
    return "".join(f"{name}\n" for name in dict.fromkeys(names) if "\n" not in name)
