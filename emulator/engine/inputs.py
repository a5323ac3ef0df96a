"""Where a job's inputs lie, as its plan names them [jobs §3.6]."""

from __future__ import annotations

import fnmatch
from collections.abc import Iterator
from urllib.parse import urlsplit

from emulator.domain import paths
from emulator.domain.errors import StepFailed
from emulator.domain.inputs import InputSource, SourceKind
from emulator.domain.job import Job
from emulator.domain.system import SystemType
from emulator.engine.step import Step
from emulator.engine.transfer import Location
from emulator.store import Transaction


def input_systems(tx: Transaction, job: Job) -> Iterator[str]:
    """The ids of the systems that hold inputs. Raises StepFailed when a path needs a default that is gone."""
    for source in job.plan.sources:
        if source.kind is not SourceKind.URL:
            yield source.system_id or _default_storage(tx, job, source)


def _default_storage(tx: Transaction, job: Job, source: InputSource) -> str:
    """The owner's choice while it can be used, else the tenant's [systems §8]."""
    chosen = tx.systems.user_default(job.world, job.owner, SystemType.STORAGE)
    system = tx.systems.get(job.world, chosen) if chosen else None
    if system is None or not system.available:
        system = tx.systems.global_default(job.world, SystemType.STORAGE)
    if system is None:
        raise StepFailed(
            "JOBS_STAGING_FAILED", f"No default storage system found for the input {source.uri}."
        )
    return system.id


def input_location(step: Step, source: InputSource) -> Location:
    """Where an input on a system of this tenant lies."""
    system_id = source.system_id
    if system_id is None:
        with step.tools.store.read() as tx:
            system_id = _default_storage(tx, step.job, source)
    found = step.location(system_id, source.path)
    return Location(found.files, found.path, source.uri if "://" in source.uri else found.uri)


def input_target(step: Step, source: InputSource) -> Location:
    """What an input is called in the work directory; a system's home or root has no name: its content goes there."""
    work_dir = step.work_dir
    if not source.name:
        return work_dir
    uri = f"{work_dir.uri.rstrip('/')}/{source.name}"
    return Location(work_dir.files, paths.join(work_dir.path, source.name), uri)


def require_fetchable(step: Step, source: InputSource) -> None:
    """Raises StepFailed for a URL that this emulator may not or cannot read from."""
    parts = urlsplit(source.path)
    if parts.scheme == "sftp":
        raise StepFailed("JOBS_STAGING_FAILED", f"The input {source.uri} is not supported yet: sftp sources.")
    allowed = [pattern.strip().lower() for pattern in step.tools.settings.import_allow.split(",")]
    host = (parts.hostname or "").lower()
    if not any(pattern and fnmatch.fnmatchcase(host, pattern) for pattern in allowed):
        raise StepFailed(
            "JOBS_STAGING_FAILED",
            f"The input {source.uri} cannot be fetched: the host {host} is not in files.import_allow.",
        )
    if step.tools.fetcher is None:
        raise StepFailed(
            "JOBS_STAGING_FAILED", f"The input {source.uri} cannot be fetched: http is switched off."
        )
