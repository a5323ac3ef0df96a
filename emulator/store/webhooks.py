"""Rows of received webhooks and of the answers to the next ones."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, Row, delete, func, insert, select, update

from emulator.domain.webhook import KEPT, KEPT_BYTES, HookAnswer, ReceivedHook
from emulator.store.tables import received_webhooks, webhook_answers

_HOOK = tuple(name for name in ReceivedHook.__slots__ if name != "seq")
_ANSWER = tuple(name for name in HookAnswer.__slots__ if name != "seq")


class WebhookRows:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def add(self, hook: ReceivedHook) -> int:
        """Keep it; the oldest go where there are too many, or too large ones. The answer is its number."""
        values = {name: getattr(hook, name) for name in _HOOK}
        key = self._connection.execute(insert(received_webhooks).values(**values)).inserted_primary_key
        assert key is not None
        self._forget_oldest(hook.world)
        if len(hook.body) > KEPT_BYTES // KEPT:  # as many as are kept have room where none is larger
            self._forget_largest(hook.world, key[0])
        return int(key[0])

    def _forget_oldest(self, world: str) -> None:
        of_world = received_webhooks.c.world == world
        newest = select(received_webhooks.c.seq).where(of_world).order_by(received_webhooks.c.seq.desc())
        last = newest.offset(KEPT).limit(1).scalar_subquery()
        self._connection.execute(delete(received_webhooks).where(of_world, received_webhooks.c.seq <= last))

    def _forget_largest(self, world: str, newest: int) -> None:
        """Those that do not fit beside the newer ones."""
        table = received_webhooks
        with_newer = func.sum(func.length(table.c.body)).over(order_by=table.c.seq.desc())
        sizes = select(table.c.seq, with_newer.label("bytes")).where(table.c.world == world).subquery()
        too_much = select(sizes.c.seq).where(sizes.c.bytes > KEPT_BYTES, sizes.c.seq != newest)
        self._connection.execute(delete(table).where(table.c.seq.in_(too_much)))

    def of(self, world: str, after: int = 0) -> list[ReceivedHook]:
        """Oldest first; those with a number above ``after``."""
        query = (
            select(received_webhooks)
            .where(received_webhooks.c.world == world, received_webhooks.c.seq > after)
            .order_by(received_webhooks.c.seq)
        )
        return [_hook(row) for row in self._connection.execute(query)]

    def empty(self, world: str) -> int:
        """Throw all away; the answer is how many there were."""
        gone = delete(received_webhooks).where(received_webhooks.c.world == world)
        return int(self._connection.execute(gone).rowcount)

    def add_answer(self, answer: HookAnswer) -> int:
        values = {name: getattr(answer, name) for name in _ANSWER}
        key = self._connection.execute(insert(webhook_answers).values(**values)).inserted_primary_key
        assert key is not None
        return int(key[0])

    def answers(self, world: str) -> list[HookAnswer]:
        """In the order in which they were asked for."""
        query = (
            select(webhook_answers).where(webhook_answers.c.world == world).order_by(webhook_answers.c.seq)
        )
        return [HookAnswer(**row._mapping) for row in self._connection.execute(query)]

    def use_answer(self, answer: HookAnswer) -> None:
        """One of its times is over; with the last of them it goes."""
        if answer.left is None:
            return
        own = webhook_answers.c.seq == answer.seq
        if answer.left > 1:
            self._connection.execute(update(webhook_answers).where(own).values(left=answer.left - 1))
        else:
            self._connection.execute(delete(webhook_answers).where(own))

    def forget_answers(self, world: str) -> int:
        gone = delete(webhook_answers).where(webhook_answers.c.world == world)
        return int(self._connection.execute(gone).rowcount)


def _hook(row: Row[Any]) -> ReceivedHook:
    return ReceivedHook(**row._mapping)
