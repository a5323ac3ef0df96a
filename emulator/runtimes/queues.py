"""The batch queues of all sandboxes: who waits, who runs."""

from __future__ import annotations

from collections import defaultdict

from emulator.domain.ports import Launch
from emulator.schedulers.simulated import Waiting, is_batch, startable

QueueKey = tuple[str, str, str]
"""World, host, queue."""


def key_of(launch: Launch) -> QueueKey:
    return launch.world, launch.host.lower(), launch.queue


class BatchQueues:
    """Not safe for threads by itself: the launcher holds its lock around every call."""

    def __init__(self) -> None:
        self._waiting: defaultdict[QueueKey, dict[int, Waiting]] = defaultdict(dict)
        self._running: defaultdict[QueueKey, dict[str, str]] = defaultdict(dict)

    def enter(self, launch: Launch, number: int) -> None:
        """Wait in line by ``number``, the order in which the host took the scripts."""
        line = self._waiting[key_of(launch)]
        in_order = not line or number > next(reversed(line))
        line[number] = Waiting(
            job_id=launch.job_id,
            owner=launch.owner,
            queue_limit=launch.queue_limit,
            user_limit=launch.queue_user_limit,
        )
        if not in_order:
            self._waiting[key_of(launch)] = dict(sorted(line.items()))

    def occupy(self, launch: Launch) -> None:
        """It runs already, in the queue of its launch if that has one."""
        if is_batch(launch.scheduler):
            self._running[key_of(launch)][launch.job_id] = launch.owner

    def take_startable(self, key: QueueKey) -> list[str]:
        """Job ids that shall start now; they count as running from here on."""
        line = self._waiting.get(key)
        if not line:
            return []
        running = self._running[key]
        chosen = set(startable(line.values(), running.values()))
        taken = [(number, script) for number, script in line.items() if script.job_id in chosen]
        for number, script in taken:
            del line[number]
            running[script.job_id] = script.owner
        return [script.job_id for _, script in taken]

    def leave(self, launch: Launch, number: int) -> None:
        """It has ended, or does not wait any longer."""
        self._waiting.get(key_of(launch), {}).pop(number, None)
        self._running.get(key_of(launch), {}).pop(launch.job_id, None)

    def with_waiting(self) -> list[QueueKey]:
        """Queues in which somebody waits."""
        return [key for key, line in self._waiting.items() if line]
