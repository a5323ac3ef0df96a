"""From a job request to the plan that the engine runs: every check of a submission, in the service's order
[jobs §3]."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime

from emulator.domain import archive_path, paths
from emulator.domain.app import App
from emulator.domain.errors import EmulatorError, Forbidden, Invalid, NotFound
from emulator.domain.identity import Caller
from emulator.domain.inputs import InputSource, SourceKind, check_inputs, input_sources
from emulator.domain.job import JobPlan
from emulator.domain.job_access import rights, still_holds
from emulator.domain.job_request import JobRequest
from emulator.domain.moments import utc_text
from emulator.domain.parameters import check_parameters
from emulator.domain.queues import Demand, Granted, choose_queue, is_unlimited, named_queue
from emulator.domain.resources import number_text, run_time_seconds
from emulator.domain.slug import slug
from emulator.domain.system import Queue, System, SystemType
from emulator.domain.work_dir import work_path
from emulator.schedulers.simulated import FORK, is_batch
from emulator.services.apps import AppService
from emulator.services.file_permissions import FilePermissionService
from emulator.services.file_places import Place, Route
from emulator.services.files import FileService
from emulator.services.systems import SystemService
from emulator.settings import Settings
from emulator.store import Transaction

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Submission:
    """Who submits what, when, and as which job."""

    caller: Caller
    request: JobRequest
    job_id: str
    accepted: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class _Archive:
    system: System | None
    template: str
    path: str


class JobPlanner:
    """Resolves requests. Nothing is changed by it."""

    def __init__(
        self,
        *,
        systems: SystemService,
        apps: AppService,
        files: FileService,
        file_permissions: FilePermissionService,
        settings: Settings,
    ) -> None:
        self._systems = systems
        self._apps = apps
        self._files = files
        self._file_permissions = file_permissions
        self._settings = settings
        self._warned: set[tuple[str, str]] = set()

    def plan(self, tx: Transaction, submission: Submission) -> JobPlan:
        """The plan of a submission. Raises Invalid, Forbidden or NotFound with the first check that fails."""
        caller, request = submission.caller, submission.request
        request.check("name", "app_id")
        app = self._apps.invokable(tx, caller, request.app_id)
        system = self._execution_system(tx, caller, app)
        granted = self._resources(app, system, request)
        request.check("inputs")
        inputs = check_inputs(app.inputs, request.inputs)
        sources = self._sources(tx, caller, input_sources(inputs, request.origins))
        request.check("parameters")
        parameters = check_parameters(app.parameters, request.parameters)
        archive = self._archive(tx, submission, app, granted)
        return JobPlan(
            app=app,
            execution_system=system.id,
            scheduler=_scheduler(app, system),
            queue=granted.queue,
            node_count=granted.node_count,
            processors_per_node=_processors_shown(request, granted),
            total_processors=_total_processors(request, granted),
            memory_per_node=granted.memory,
            max_run_seconds=granted.seconds,
            work_path=work_path(system, caller.username, submission.job_id, request.name),
            archive=request.archive,
            archive_on_app_error=request.archive_on_app_error,
            archive_system=archive.system.id if archive.system else None,
            archive_path=archive.path,
            archive_path_template=archive.template,
            archive_path_given=bool(request.archive_path),
            inputs=inputs,
            sources=sources,
            parameters=parameters,
        )

    def _execution_system(self, tx: Transaction, caller: Caller, app: App) -> System:
        """Whether it is up at the moment is no matter here: the job waits for it [jobs §2]."""
        system = tx.systems.get(caller.world, app.execution_system)
        if system is None:
            raise Invalid("App is not available for execution")
        if not self._systems.role(tx, caller, system).can_use:
            raise Forbidden(
                f"Permission denied. You do not have permission to run jobs on the execution system {system.id}"
            )
        return system

    def _resources(self, app: App, system: System, request: JobRequest) -> Granted:
        """Queue, nodes, memory, processors and run time: the job's wish, else the app's, else the queue's."""
        request.check("batch_queue")
        named = named_queue(system, app.id, request.batch_queue, app.default_queue)
        request.check(
            "node_count",
            "memory_per_node",
            "processors_on_each_node",
            "total_processors",
            "max_run_seconds",
        )
        nodes = request.node_count or app.default_node_count or 1
        processors = app.default_processors_per_node or 1
        if request.processors_on_each_node is not None:
            processors = request.processors_on_each_node
        elif request.total_processors is not None:
            processors = -(-request.total_processors // nodes)
        memory = request.memory_per_node
        seconds = request.max_run_seconds
        if seconds is None and app.default_max_run_time is not None:
            seconds = run_time_seconds(app.default_max_run_time)
        granted = choose_queue(
            system,
            Demand(
                node_count=nodes,
                processors_per_node=processors,
                memory=app.default_memory_per_node if memory is None else memory,
                seconds=seconds,
            ),
            named=named,
            drop_unlimited=self._settings.drop_unlimited_queues,
        )
        if granted.queue is not None:
            self._warn_of_unlimited(system, granted.queue)
        return granted

    def _warn_of_unlimited(self, system: System, queue: Queue) -> None:
        """Once for each queue that the real service would leave out of consideration [jobs §3.3]."""
        if is_unlimited(queue) and (system.uuid, queue.name) not in self._warned:
            self._warned.add((system.uuid, queue.name))
            log.warning(
                "queue %s of %s has limits of -1, which the real service ignores", queue.name, system.id
            )

    def _sources(
        self, tx: Transaction, caller: Caller, sources: Iterable[InputSource]
    ) -> tuple[InputSource, ...]:
        resolved = []
        for source in sources:
            if source.kind is SourceKind.FILE:
                source = self._file(tx, caller, source)
            elif source.kind is SourceKind.JOB_OUTPUT:
                source = self._job_output(tx, caller, source)
            resolved.append(source)
        return tuple(resolved)

    def _file(self, tx: Transaction, caller: Caller, source: InputSource) -> InputSource:
        """A file on a system of ours: it must be there, and the caller must be allowed to read it."""
        try:
            place = self._files.locate(caller, source.system_id, source.path, Route.AWAITED)
            readable = self._file_permissions.effective(tx, caller, place.system, place.path).read
            found = readable and self._there(place)
        except (EmulatorError, OSError) as error:
            raise _unreachable(source) from error
        if not found:
            raise _unreachable(source)
        name = paths.basename(place.path) or place.system.id
        return replace(source, system_id=place.system.id, path=place.path, name=name)

    def _there(self, place: Place) -> bool:
        try:
            return self._files.exists(place)
        except ConnectionError:  # a system that is down is waited for
            return True

    def _job_output(self, tx: Transaction, caller: Caller, source: InputSource) -> InputSource:
        """An output of a job that the caller may read; whether it is there the worker will see."""
        job = tx.jobs.get(caller.world, source.job_id or "")
        if job is None or not job.visible or not rights(job, caller, tx.jobs.grants(job.id)).read:
            raise _unreachable(source)
        archived = job.archived and job.plan.archive_system is not None
        system_id = job.plan.archive_system if archived else job.plan.execution_system
        if not still_holds(tx.systems.get(job.world, system_id or ""), job):
            raise _unreachable(source)
        root = job.plan.archive_path if archived else job.plan.work_path
        below = [part for part in source.path.split("/") if part not in ("", ".", "..")]
        return replace(
            source,
            system_id=system_id,
            path="/".join([root, *below]),
            name=below[-1] if below else paths.basename(root),
        )

    def _archive(self, tx: Transaction, submission: Submission, app: App, granted: Granted) -> _Archive:
        """Where outputs will go. Also without archiving: the record shows it."""
        caller, request = submission.caller, submission.request
        request.check("archive", "archive_on_app_error", "archive_system", "archive_path")
        system = self._archive_system(tx, caller, request)
        template = request.archive_path or archive_path.default_archive_path(
            caller.username, submission.job_id
        )
        path = archive_path.resolve(template, _archive_macros(submission, app, granted, system))
        if request.archive and system is not None:
            self._check_archive(tx, caller, system, path)
        return _Archive(system=system, template=template, path=path)

    def _archive_system(self, tx: Transaction, caller: Caller, request: JobRequest) -> System | None:
        if request.archive_system is None:
            system = self._systems.default(tx, caller, SystemType.STORAGE)
            if system is None and request.archive:
                raise Invalid(
                    "Invalid archiveSystem. No archiveSystem was provided and you have no public or private "
                    "default storage system configured. Please specify a valid system id for archiveSystem or "
                    "configure a default storage system."
                )
            return system
        system = self._systems.known(tx, caller, request.archive_system)
        if system is None or system.type is not SystemType.STORAGE:
            raise Invalid(f"No storage system found matching {request.archive_system} for {caller.username}")
        return system

    def _check_archive(self, tx: Transaction, caller: Caller, system: System, path: str) -> None:
        refusal = Forbidden(f"User does not have permission to access the provided archive path {path}")
        try:
            virtual = paths.virtual_path(system.storage, path)
        except NotFound:  # outside the root of the system nobody has permissions
            raise refusal from None
        own = self._file_permissions.effective(tx, caller, system, virtual)
        if not (own.write and own.read):  # what lies there already is shown as an output
            raise refusal
        place = self._files.locate(caller, system.id, virtual, Route.AWAITED)
        try:
            folder = place.files.stat(place.host_path).is_dir
        except (FileNotFoundError, ConnectionError):  # a system that is down is waited for
            return
        except OSError as error:  # something on the way is no folder, or no file system takes such a name
            raise Invalid(f"Unable to create job archive directory {path}") from error
        if not folder:
            raise Invalid("Archive path is not a folder")


def _archive_macros(
    submission: Submission, app: App, granted: Granted, system: System | None
) -> dict[str, str]:
    caller, request = submission.caller, submission.request
    return {
        "APP_ID": app.id,
        "EXECUTION_SYSTEM": app.execution_system,
        "BATCH_QUEUE": granted.queue.name if granted.queue else "",
        "JOB_NAME": slug(request.name),
        "JOB_ID": submission.job_id,
        "JOB_NODE_COUNT": str(granted.node_count),
        "JOB_PROCESSORS_PER_NODE": str(_processors_shown(request, granted)),
        "JOB_MEMORY_PER_NODE": str(number_text(granted.memory)),
        "JOB_CREATED_TIME": utc_text(submission.accepted),
        "JOB_OWNER": caller.username,
        "ARCHIVE_SYSTEM": system.id if system else "",
        "TENANT_ID": caller.tenant_id,
    }


def _scheduler(app: App, system: System) -> str:
    """Command line apps run on the login node, also of a cluster [wrapper-templates §2.1]."""
    scheduler = (system.scheduler or FORK).upper()
    return scheduler if app.execution_type != "CLI" and is_batch(scheduler) else FORK


def _processors_shown(request: JobRequest, granted: Granted) -> int:
    """``processorsPerNode`` of the record: of one node, or the total that the request gave [jobs §3.4]."""
    if request.processors_on_each_node is None and request.total_processors is not None:
        return request.total_processors
    return granted.processors_per_node


def _total_processors(request: JobRequest, granted: Granted) -> int:
    if request.processors_on_each_node is None and request.total_processors is not None:
        return request.total_processors
    return granted.node_count * granted.processors_per_node


def _unreachable(source: InputSource) -> Forbidden:
    return Forbidden(f"You do not have permission to access this the input file or directory at {source.uri}")
