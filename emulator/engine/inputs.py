"""Where a job's inputs lie, as its plan names them [jobs §3.6]."""

from __future__ import annotations

import fnmatch
from collections.abc import Iterator
from dataclasses import replace
from urllib.parse import urlsplit

from emulator.domain import paths
from emulator.domain.errors import StepFailed
from emulator.domain.inputs import InputSource, SourceKind
from emulator.domain.job import Job
from emulator.engine.step import Step
from emulator.engine.transfer import Location
from emulator.store import Transaction


def input_systems(tx: Transaction, job: Job) -> Iterator[str]:
    """The ids of the systems that hold inputs now."""
    for source in job.plan.sources:
        if source.kind is not SourceKind.URL:
            yield _place(tx, job, source)[0]


def input_location(step: Step, source: InputSource) -> Location:
    """Where an input on a system of this tenant lies now."""
    found = step.location(*input_place(step, source))
    return replace(found, uri=source.uri) if "://" in source.uri else found


def input_place(step: Step, source: InputSource) -> tuple[str, str]:
    """System and agave path of an input on a system of this tenant."""
    with step.tools.store.read() as tx:
        return _place(tx, step.job, source)


def _place(tx: Transaction, job: Job, source: InputSource) -> tuple[str, str]:
    """System and agave path, as the submission has found them.

    Outputs of a job that has been archived since then are no longer in its work directory.
    """
    system_id = source.system_id
    assert system_id is not None, "resolved at submission"
    producer = tx.jobs.get(job.world, source.job_id) if source.job_id else None
    if producer is not None and producer.archived:
        plan, archive = producer.plan, producer.plan.archive_system
        in_work_dir = system_id == plan.execution_system and paths.is_below(source.path, plan.work_path)
        if in_work_dir and archive is not None:
            return archive, plan.archive_path + source.path.removeprefix(plan.work_path)
    return system_id, source.path


def input_target(step: Step, source: InputSource) -> Location:
    """What an input is called in the work directory."""
    work_dir = step.work_dir
    uri = f"{work_dir.uri.rstrip('/')}/{source.name}"
    return Location(work_dir.files, paths.join(work_dir.path, source.name), uri)


def may_fetch_from(import_allow: str, host: str) -> bool:
    """Whether ``files.import_allow`` (comma list of globs) names a host, which is given in lower case."""
    patterns = [pattern.strip().lower() for pattern in import_allow.split(",")]
    return any(pattern and fnmatch.fnmatchcase(host, pattern) for pattern in patterns)


def require_fetchable(step: Step, source: InputSource) -> None:
    """Raises StepFailed for a URL that this emulator may not or cannot read from."""
    parts = urlsplit(source.path)
    if parts.scheme == "sftp":
        raise StepFailed("JOBS_STAGING_FAILED", f"The input {source.uri} is not supported yet: sftp sources.")
    host = (parts.hostname or "").lower()
    if not may_fetch_from(step.tools.settings.import_allow, host):
        raise StepFailed(
            "JOBS_STAGING_FAILED",
            f"The input {source.uri} cannot be fetched: the host {host} is not in files.import_allow.",
        )
    if step.tools.fetcher is None:
        raise StepFailed(
            "JOBS_STAGING_FAILED", f"The input {source.uri} cannot be fetched: http is switched off."
        )
