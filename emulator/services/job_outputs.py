"""The outputs of a job, wherever they lie just now [jobs §10]."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TypeVar

from emulator.domain import paths
from emulator.domain.credentials import storage_account
from emulator.domain.errors import Forbidden, Invalid, NotFound, PreconditionFailed, Unreachable
from emulator.domain.file import FileInfo
from emulator.domain.identity import Caller
from emulator.domain.job import Job
from emulator.domain.job_access import still_holds
from emulator.domain.ports import HostFiles, Hosts
from emulator.domain.system import System, SystemStatus
from emulator.domain.work_dir import work_files
from emulator.engine.occasions import occasion_of
from emulator.services.file_failures import told
from emulator.services.file_passages import FilePassages
from emulator.services.job_queries import JobQueries, Wording
from emulator.settings import Settings
from emulator.store import Store

Found = TypeVar("Found")

_REFUSED = "User does not have permission to view this resource."
_LISTING = Wording(
    unknown="Not job found with job id {id}",
    hidden="Not job found with job id {id}",
    refused=_REFUSED,
    error=Invalid,
    refused_status=401,
)
_MEDIA = replace(_LISTING, unknown="Invalid job id", hidden="Invalid job id")
_NO_FOLDER = "Unable to locate job data. Work folder no longer exists."
_NO_FILE = "File/folder does not exist"


@dataclass(frozen=True, slots=True, kw_only=True)
class Output:
    """A file or folder; ``path`` begins with ``/`` and is relative to the top of the job's outputs."""

    path: str
    info: FileInfo


@dataclass(frozen=True, slots=True, kw_only=True)
class OutputListing:
    job_id: str
    system_id: str
    outputs: list[Output]


@dataclass(frozen=True, slots=True, kw_only=True)
class OutputFile:
    """A file to be read: ``files.reader(info.path)``."""

    files: HostFiles
    info: FileInfo


@dataclass(frozen=True, slots=True, kw_only=True)
class _Place:
    """The top of a job's outputs: ``directory`` is its host path."""

    job: Job
    system: System
    files: HostFiles
    directory: str

    @property
    def system_id(self) -> str:
        return self.system.id


class JobOutputs:
    """Reading needs READ on the job; roles and permissions on the system that holds the files do not matter.

    Methods raise Invalid for unknown and hidden jobs, Forbidden, Unreachable while the system is down, and
    NotFound for a path, or a whole work directory, that is not there (yet, or any more).
    """

    def __init__(
        self, *, store: Store, queries: JobQueries, hosts: Hosts, passages: FilePassages, settings: Settings
    ) -> None:
        self._store = store
        self._queries = queries
        self._hosts = hosts
        self._passages = passages
        self._settings = settings

    def listing(self, caller: Caller, job_id: str, path: str, limit: int, offset: int) -> OutputListing:
        """What lies in a folder, hidden files too, by name; or the one file that ``path`` names."""
        inside = _tidy(path)

        def read(place: _Place) -> OutputListing:
            found = _children(place, inside, slice(offset, offset + limit))
            return OutputListing(job_id=place.job.id, system_id=place.system_id, outputs=found)

        return self._from_place(caller, job_id, _LISTING, read)

    def file(self, caller: Caller, job_id: str, path: str, reading: bool = True) -> OutputFile:
        """One file; ``reading``: its content is wanted. Raises Invalid for no path at all and for folders."""
        inside = _tidy(path)

        def read(place: _Place) -> OutputFile:
            if inside == "/":
                raise Invalid("Invalid file name")
            try:
                found = _file(place, inside)
            except NotFound:
                log = self._log(place.job, inside)
                if log is None:
                    raise
                found = _file(place, log)
            return self._read_by(caller, place, found) if reading else found

        return self._from_place(caller, job_id, _MEDIA, read)

    def _read_by(self, caller: Caller, place: _Place, found: OutputFile) -> OutputFile:
        about = replace(occasion_of(place.job), user=caller.username)
        passage = self._passages.fetched(about, place.system)
        return replace(found, files=passage.reading(found.files, found.info.path))

    def _from_place(
        self, caller: Caller, job_id: str, wording: Wording, read: Callable[[_Place], Found]
    ) -> Found:
        """What ``read`` finds; tried again when archiving has moved the outputs away under its hands."""
        place = self._place(caller, job_id, wording)
        try:
            return read(place)
        except NotFound:
            now = self._place(caller, job_id, wording)
            if (now.system_id, now.directory) == (place.system_id, place.directory):
                raise
            return read(now)

    def _place(self, caller: Caller, job_id: str, wording: Wording) -> _Place:
        with self._store.read() as tx:
            job = self._queries.readable(tx, caller, job_id, wording)
            system_id, path = _whereabouts(job)
            system = tx.systems.get(job.world, system_id)
        if system is None or not system.available or not still_holds(system, job):
            raise Unreachable(f"Job output system {system_id} is not currently available")
        if system.status is not SystemStatus.UP:
            raise Unreachable(f"Job output system {system_id} is currently {system.status.lower()}")
        storage = system.storage
        files = self._hosts.host(job.world, storage.host, storage_account(system, job.owner)).files.within(
            paths.root_path(storage)
        )
        directory = paths.host_path(storage, paths.virtual_path(storage, path))
        return _Place(job=job, system=system, files=files, directory=directory)

    def _log(self, job: Job, inside: str) -> str | None:
        """The path of the job's log where clients guess its name as ``<slug>-<id>.out`` or ``.err``."""
        if not self._settings.log_alias or paths.parent(inside) != "/":
            return None
        logs = work_files(job)
        if inside.endswith(f"-{job.id}.out"):
            return f"/{logs.stdout}"
        return f"/{logs.stderr}" if inside.endswith(f"-{job.id}.err") else None


def _whereabouts(job: Job) -> tuple[str, str]:
    """System and agave path: the archive once the archiving phase has ended, else the work directory."""
    plan = job.plan
    if plan.archive and job.archived and plan.archive_system:
        return plan.archive_system, plan.archive_path
    return plan.execution_system, plan.work_path


def _tidy(path: str) -> str:
    """Without empty segments, ``.``, ``..`` and ``~``; begins with ``/``."""
    return "/" + "/".join(part for part in path.split("/") if part not in ("", ".", "..", "~"))


def _at(place: _Place, inside: str) -> str:
    return place.directory if inside == "/" else paths.join(place.directory, inside.lstrip("/"))


def _children(place: _Place, inside: str, part: slice) -> list[Output]:
    with _worded(place):
        target = place.files.stat(_at(place, inside))
        if not target.is_dir:
            return [Output(path=paths.shown(inside), info=target)][part]
        names = sorted(place.files.names(target.path))[part]
        return [
            Output(path=paths.shown(paths.join(inside, info.name)), info=info)
            for info in place.files.listing(target.path, names)
        ]


def _file(place: _Place, inside: str) -> OutputFile:
    with _worded(place, missing_status=500):
        info = place.files.stat(_at(place, inside))
    if info.is_dir:
        text = f"Invalid file name. {inside} is a folder; only files can be downloaded."
        raise Invalid(text, service_status=500)
    return OutputFile(files=place.files, info=info)


@contextmanager
def _worded(place: _Place, missing_status: int | None = None) -> Iterator[None]:
    """Errors of the host as the service words them; ``missing_status`` is its own for a path that is not there."""
    try:
        with told(f"Unable to read from job output system {place.system_id}"):
            try:
                yield
            except (ConnectionError, TimeoutError) as error:
                text = f"Unable to connect to job output system {place.system_id}"
                raise PreconditionFailed(text) from error
    except NotFound:
        if place.files.exists(place.directory):
            raise NotFound(_NO_FILE, service_status=missing_status) from None
        raise NotFound(_NO_FOLDER, service_status=500) from None
    except Forbidden:
        raise Forbidden(_REFUSED, service_status=401) from None
