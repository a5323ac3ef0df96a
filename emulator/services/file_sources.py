"""Where imports read from, as the user who asked for them may [files §6.2]."""

from __future__ import annotations

from emulator.domain import paths
from emulator.domain.credentials import storage_account
from emulator.domain.errors import Forbidden, NotFound
from emulator.domain.identity import Caller
from emulator.domain.inputs import InputSource, SourceKind
from emulator.domain.job_access import rights, still_holds
from emulator.domain.ports import Hosts
from emulator.domain.system import SystemStatus
from emulator.engine.transfer import Location
from emulator.services.file_failures import NO_VIEW
from emulator.services.file_permissions import FilePermissionService
from emulator.services.file_places import Places, Route
from emulator.store import Store


class FileSources:
    def __init__(
        self, *, store: Store, places: Places, permissions: FilePermissionService, hosts: Hosts
    ) -> None:
        self._store = store
        self._places = places
        self._permissions = permissions
        self._hosts = hosts

    def location(self, caller: Caller, origin: InputSource) -> Location:
        """The place of a file or job output here. Raises what reading it would: NotFound, Forbidden, Invalid."""
        if origin.kind is SourceKind.JOB_OUTPUT:
            return self._job_output(caller, origin)
        place = self._places.locate(caller, origin.system_id, origin.path, Route.MEDIA)
        with self._store.read() as tx:
            if not self._permissions.effective(tx, caller, place.system, place.path).read:
                raise Forbidden(NO_VIEW)
        return Location(place.files, place.host_path, origin.uri)

    def _job_output(self, caller: Caller, origin: InputSource) -> Location:
        """Outputs lie in the work directory until they are archived; READ on the job is what counts."""
        with self._store.read() as tx:
            job = tx.jobs.get(caller.world, origin.job_id or "")
            if job is None or not job.visible:
                raise NotFound(f"No job found with job id {origin.job_id}")
            if not rights(job, caller, tx.jobs.grants(job.id)).read:
                raise Forbidden("User does not have permission to view this resource.")
            plan = job.plan
            archived = job.archived and plan.archive_system is not None
            system_id = plan.archive_system if archived else plan.execution_system
            system = tx.systems.get(job.world, system_id or "")
        up = system is not None and system.available and system.status is SystemStatus.UP
        if system is None or not up or not still_holds(system, job):
            raise NotFound(f"Job output system {system_id} is not currently available")
        root = paths.virtual_path(system.storage, plan.archive_path if archived else plan.work_path)
        inside = [part for part in origin.path.split("/") if part not in ("", ".", "..")]
        files = self._hosts.host(job.world, system.storage.host, storage_account(system, job.owner)).files
        path = paths.host_path(system.storage, paths.below(root, "/".join(inside)))
        return Location(files.within(paths.root_path(system.storage)), path, origin.uri)
