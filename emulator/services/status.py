"""What the control API tells of the emulator itself: health and the built-in mailbox."""

from __future__ import annotations

from typing import Any

from emulator.domain.message_ports import Mail, MailReader
from emulator.services.accounts import AccountService
from emulator.store import Store


class StatusService:
    def __init__(self, *, store: Store, version: str, mailbox: MailReader, accounts: AccountService) -> None:
        self._store = store
        self._accounts = accounts
        self._version = version
        self._mailbox = mailbox

    def health(self, world: str) -> dict[str, Any]:
        """Whether the store answers, and what is under way."""
        with self._store.read() as tx:
            active = len(tx.worlds.active_jobs(world))
            waiting = tx.subscriptions.waiting(world)
        return {
            "status": "ok",
            "version": self._version,
            "activeJobs": active,
            "waitingMessages": waiting,
        }

    def mails(self, world: str, to: str | None = None) -> list[Mail]:
        """Oldest first. Raises NotFound for a world that is not there."""
        self._accounts.world(world)
        return self._mailbox.mails(world, to)

    def empty_mailbox(self, world: str) -> int:
        self._accounts.world(world)
        return self._mailbox.empty(world)
