"""Who hears of what happens elsewhere: on a system, with an app, about a resource [notifications §5]."""

from __future__ import annotations

from emulator.domain.event import Event
from emulator.domain.identity import Caller
from emulator.domain.job import Job
from emulator.services.accounts import AccountService
from emulator.services.resources import Resources
from emulator.services.systems import SystemService
from emulator.store import Transaction


class Audience:
    """Public systems and apps have subscribers who must not learn of each other's jobs, files and metadata."""

    def __init__(self, *, accounts: AccountService, systems: SystemService, resources: Resources) -> None:
        self._accounts = accounts
        self._systems = systems
        self._resources = resources

    def may_hear(self, tx: Transaction, username: str, event: Event, resource: object) -> bool:
        """Whether a user may see what an event happened to, or keeps the system that a job runs on."""
        account = tx.accounts.user(event.world, username)
        listener = self._accounts.caller_as(event.world, username, account)
        if isinstance(resource, Job) and self._keeps_system(tx, listener, resource):
            return True
        found = self._resources.find(tx, listener, event.subject)
        return found is not None and found.readable

    def _keeps_system(self, tx: Transaction, listener: Caller, job: Job) -> bool:
        system = tx.systems.get(job.world, job.plan.execution_system)
        return system is not None and self._systems.role(tx, listener, system).can_admin
