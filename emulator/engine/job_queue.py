"""Jobs that wait to be walked: each world has a lane, and the lanes take turns."""

from __future__ import annotations

import itertools
from collections import deque
from collections.abc import Callable


class JobQueue:
    """Not safe for threads: its owner holds a lock.

    Of one world, the first woken comes first. Of one that does one thing at a time, the one that was first heard
    of: which of two threads woke its job sooner then makes no difference.
    """

    def __init__(self) -> None:
        self._lanes: dict[str, deque[str]] = {}
        self._turns: deque[str] = deque()
        self._queued: set[str] = set()
        self._numbers = itertools.count()
        self._known: dict[str, tuple[int, str]] = {}

    def __len__(self) -> int:
        return len(self._queued)

    def __contains__(self, job_id: str) -> bool:
        return job_id in self._queued

    def introduce(self, job_id: str, world: str) -> None:
        """A job is heard of; again is fine."""
        if job_id not in self._known:
            self._known[job_id] = next(self._numbers), world

    def world_of(self, job_id: str) -> str | None:
        """None for a job that nobody has introduced, or that is forgotten."""
        known = self._known.get(job_id)
        return None if known is None else known[1]

    def number_of(self, job_id: str) -> int:
        """Of a job that is introduced: the sooner it was heard of, the less."""
        return self._known[job_id][0]

    def forget(self, job_id: str) -> None:
        """The job has ended."""
        if job_id not in self._queued:
            self._known.pop(job_id, None)

    def add(self, job_id: str) -> None:
        """A job that is introduced is to be walked."""
        world = self._known[job_id][1]
        if world not in self._lanes:
            self._lanes[world] = deque()
            self._turns.append(world)
        self._lanes[world].append(job_id)
        self._queued.add(job_id)

    def drop(self, world: str) -> list[str]:
        """A world's jobs are nobody's any more. The answer: all that were heard of."""
        for job_id in self._lanes.pop(world, ()):
            self._queued.discard(job_id)
        if world in self._turns:
            self._turns.remove(world)
        gone = [job_id for job_id, known in self._known.items() if known[1] == world]
        for job_id in gone:
            del self._known[job_id]
        return gone

    def take(self, may_begin: Callable[[str], bool], in_order: Callable[[str], bool]) -> str | None:
        """The next job of a world that may begin one; ``in_order`` tells who does one thing at a time."""
        for _ in range(len(self._turns)):
            world = self._turns[0]
            self._turns.rotate(-1)
            if not may_begin(world):
                continue
            lane = self._lanes[world]
            job_id = min(lane, key=self._known.__getitem__) if in_order(world) else lane[0]
            lane.remove(job_id)
            self._queued.discard(job_id)
            if not lane:
                del self._lanes[world]
                self._turns.remove(world)
            return job_id
        return None
