"""Who may see and change a job [jobs §8, §11]."""

from __future__ import annotations

from collections.abc import Iterable

from emulator.domain.file import ALL_PERMISSIONS, NO_PERMISSION, Permission, permission_from_word
from emulator.domain.identity import WORLD_USER, Caller
from emulator.domain.job import Job, JobGrant
from emulator.domain.system import System


def rights(job: Job, caller: Caller, grants: Iterable[JobGrant]) -> Permission:
    """What a caller may do with a job: read it, and write (act on it, change its permissions).

    Owner and tenant admins have all. A grant of the user's own stands before one to ``world``.
    """
    if caller.admin or caller.username == job.owner:
        return ALL_PERMISSIONS
    granted = {grant.username: grant for grant in grants}
    grant = granted.get(caller.username) or granted.get(WORLD_USER)
    return NO_PERMISSION if grant is None else granted_rights(grant)


def granted_rights(grant: JobGrant) -> Permission:
    """The word of a grant taken apart; only words that were checked are ever stored."""
    return permission_from_word(grant.permission) or NO_PERMISSION


def still_holds(system: System | None, job: Job) -> bool:
    """Whether a system is the one that a job's outputs were put on: an erased one leaves its id to others."""
    return system is not None and system.created <= job.accepted
