"""Permissions on jobs [jobs §8]."""

from __future__ import annotations

from dataclasses import dataclass

from emulator.domain.errors import Invalid, NotFound
from emulator.domain.file import ALL_PERMISSIONS, NO_PERMISSION, PERMISSION_WORDS, Permission
from emulator.domain.identity import Caller
from emulator.domain.job import Job, JobGrant
from emulator.domain.job_access import granted_rights
from emulator.engine.journal import Journal
from emulator.services.accounts import AccountService
from emulator.services.job_queries import JobQueries, Wording
from emulator.store import Store, Transaction

GRANTED = "PERMISSION_GRANT"
REVOKED = "PERMISSION_REVOKE"
_VIEW = Wording(refused="User does not have permission to view this resource")
_CHANGE = Wording(refused="User does not have permission to modify this resource.")
_BAD_WORD = (
    "Invalid permission value. Valid values are: ALL, READ, WRITE, READ_WRITE, EXECUTE, READ_EXECUTE, "
    "WRITE_EXECUTE,NONE"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class JobAccess:
    """What one user may do with a job."""

    job_id: str
    username: str
    permission: Permission


class JobPermissions:
    def __init__(
        self, *, store: Store, journal: Journal, queries: JobQueries, accounts: AccountService
    ) -> None:
        self._store = store
        self._journal = journal
        self._queries = queries
        self._accounts = accounts

    def listing(self, caller: Caller, job_id: str, limit: int, offset: int) -> list[JobAccess]:
        """The owner first, then everybody who was given something. Needs READ."""
        with self._store.read() as tx:
            job = self._queries.readable(tx, caller, job_id, _VIEW)
            given = [_of_grant(grant) for grant in tx.jobs.grants(job.id)]
        return [_of_owner(job), *given][offset : offset + limit]

    def of(self, caller: Caller, job_id: str, username: str) -> JobAccess:
        """Raises NotFound for a user who was given nothing. Needs READ."""
        with self._store.read() as tx:
            job = self._queries.readable(tx, caller, job_id, _VIEW)
            if username == job.owner:
                return _of_owner(job)
            for grant in tx.jobs.grants(job.id):
                if grant.username == username:
                    return _of_grant(grant)
        raise NotFound(f"No permissions found for user {username}")

    def grant(self, caller: Caller, job_id: str, username: str, word: str) -> JobAccess:
        """Replace what a user was given; NONE or nothing takes it away. The owner keeps everything.

        Raises NotFound for an unknown user, Invalid for a word that is none. Needs WRITE.
        """
        with self._store.write() as tx:
            job = self._queries.writable(tx, caller, job_id, _CHANGE)
            if not self._accounts.known_user(tx, caller.world, username):
                raise NotFound(f"No user found matching {username}")
            upper = word.strip().upper() or "NONE"
            if upper not in PERMISSION_WORDS:
                raise Invalid(_BAD_WORD)
            if username == job.owner:
                return _of_owner(job)
            if upper == "NONE":
                self._revoke(tx, caller, job, username)
                return JobAccess(job_id=job.id, username=username, permission=NO_PERMISSION)
            grant = JobGrant(job_id=job.id, username=username, permission=upper)
            tx.jobs.set_grant(grant)
            self._tell(tx, caller, job, GRANTED, f"{upper} permission granted to {username}")
            return _of_grant(grant)

    def revoke(self, caller: Caller, job_id: str, username: str | None = None) -> None:
        """Take away what one user, or with None everybody, was given; nothing to take away is fine."""
        with self._store.write() as tx:
            self._revoke(tx, caller, self._queries.writable(tx, caller, job_id, _CHANGE), username)

    def _revoke(self, tx: Transaction, caller: Caller, job: Job, username: str | None) -> None:
        given = {grant.username for grant in tx.jobs.grants(job.id)}
        if not given or (username is not None and username not in given):
            return
        tx.jobs.drop_grants(job.id, username)
        whose = "" if username is None else f" for {username}"
        self._tell(tx, caller, job, REVOKED, f"All permissions revoked{whose}")

    def _tell(self, tx: Transaction, caller: Caller, job: Job, event: str, text: str) -> None:
        self._journal.record(
            tx,
            world=job.world,
            subject=job.id,
            kind="job",
            status=event,
            description=text,
            created_by=caller.username,
            resource=job,
        )


def _of_owner(job: Job) -> JobAccess:
    return JobAccess(job_id=job.id, username=job.owner, permission=ALL_PERMISSIONS)


def _of_grant(grant: JobGrant) -> JobAccess:
    return JobAccess(job_id=grant.job_id, username=grant.username, permission=granted_rights(grant))
