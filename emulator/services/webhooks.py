"""The webhook receiver: keeps what it is sent, in each world for itself, and answers as it was told to."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from emulator.domain.errors import Invalid
from emulator.domain.ports import Clocks
from emulator.domain.webhook import HookAnswer, ReceivedHook
from emulator.services.accounts import AccountService
from emulator.store import Store

_MOST_TIMES = 1_000_000_000
_WITHOUT_BODY = (204, 304)
_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,100}")
_OURS = ("content-length", "transfer-encoding", "connection")
"""Headers that tell where the answer ends."""


class WebhookService:
    def __init__(
        self,
        *,
        store: Store,
        clocks: Clocks,
        accounts: AccountService,
        ring: Callable[[str], None],
        address: Callable[[], str],
    ) -> None:
        """``ring`` wakes those who wait in a world; ``address`` is where the emulator answers itself."""
        self._store = store
        self._clocks = clocks
        self._accounts = accounts
        self._ring = ring
        self._address = address

    def url(self, world: str) -> str:
        """Where the receiver of a world answers, as the emulator itself reaches it; without a slash at its end."""
        return f"{self._address()}/_emulator/worlds/{world}/webhooks"

    def receive(
        self, world: str, method: str, path: str, query: str, headers: Mapping[str, str], body: bytes
    ) -> HookAnswer:
        """Keep a request; what is to be answered. Raises NotFound for a world that is not there."""
        self._accounts.world(world)
        with self._store.write() as tx:
            fitting = (answer for answer in tx.webhooks.answers(world) if answer.fits(path))
            answer = next(fitting, None) or HookAnswer(world=world, path="*", status=200)
            tx.webhooks.use_answer(answer)
            tx.webhooks.add(
                ReceivedHook(
                    world=world,
                    method=method,
                    path=path,
                    query=query,
                    headers={name.lower(): value for name, value in headers.items()},
                    body=body,
                    received=self._clocks.of(world).now(),
                    answered=answer.status,
                )
            )
            tx.after_commit(lambda: self._ring(world))
        return answer

    def received(self, world: str, after: int = 0) -> list[ReceivedHook]:
        """Oldest first. Raises NotFound for a world that is not there."""
        self._accounts.world(world)
        with self._store.read() as tx:
            return tx.webhooks.of(world, after)

    def empty(self, world: str) -> int:
        """Throw away what was received; how much that was."""
        self._accounts.world(world)
        with self._store.write() as tx:
            return tx.webhooks.empty(world)

    def answer_with(self, answer: HookAnswer) -> HookAnswer:
        """Answer so from now on, after what was asked for before. Raises Invalid, NotFound."""
        self._accounts.world(answer.world)
        if not 200 <= answer.status <= 599:
            raise Invalid("status must lie between 200 and 599")
        if answer.left is not None and not 1 <= answer.left <= _MOST_TIMES:
            raise Invalid(f"times must be 1 or more, up to {_MOST_TIMES}")
        if answer.body and answer.status in _WITHOUT_BODY:
            raise Invalid(f"an answer with status {answer.status} has no body")
        for name, value in answer.headers.items():
            written = _NAME.fullmatch(name) and value.isascii() and value.isprintable()
            if not written or name.lower() in _OURS:
                raise Invalid(f"headers: {name[:60]!a} cannot be sent")
        with self._store.write() as tx:
            tx.webhooks.add_answer(answer)
        return answer

    def answers(self, world: str) -> list[HookAnswer]:
        """What waits to be answered, in this order; a request gets the first that fits its path."""
        self._accounts.world(world)
        with self._store.read() as tx:
            return tx.webhooks.answers(world)

    def forget_answers(self, world: str) -> int:
        """Answer 200 again; how many answers were waiting."""
        self._accounts.world(world)
        with self._store.write() as tx:
            return tx.webhooks.forget_answers(world)
