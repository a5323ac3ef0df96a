"""Content on its way to files: imports, and uploads that do not count yet, each done once it is due [files §6].

What is accepted lies in the store and is taken up again after a restart, from its beginning.
"""

from __future__ import annotations

import heapq
import logging
import threading
from collections import Counter, deque
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import Protocol

from emulator.domain.errors import Unavailable
from emulator.domain.file_staging import StagingTask
from emulator.domain.ports import Clocks
from emulator.engine.activity import Activity, Kind, Work, current
from emulator.engine.outcome import Interrupted
from emulator.store import Store

log = logging.getLogger(__name__)

WORKERS = 4
"""Tasks that are worked at the same time, those not counted that scenarios keep waiting; a site that sends slowly
holds one.
"""
STOP_SECONDS = 5.0
"""How long :meth:`StagingQueue.stop` waits for tasks that do not listen."""
BROKEN_PAUSE = timedelta(minutes=1)
"""Before a task is looked at again that could not even fail properly."""


class Stager(Protocol):
    """Who knows how content is brought to files."""

    def perform(self, task: StagingTask, checkpoint: Callable[[], None]) -> StagingTask | None:
        """Do it; the answer is the task as it is to be tried again, None when it has ended either way.

        A task that is no longer stored has ended. ``checkpoint`` is to be called every now and then by what
        takes long; what it raises is to be passed on.
        """


class StagingQueue:
    """Works at tasks when they are due, a few at a time, and never at two of one file.

    Threads live as long as there is something to do.
    """

    def __init__(self, *, store: Store, clocks: Clocks, activity: Activity | None = None) -> None:
        """``activity`` is told of the tasks that are due."""
        self._store = store
        self._clocks = clocks
        self._activity = activity or Activity()
        self._activity.listen(self._dispatch)
        self._stager: Stager | None = None
        self._changed = threading.Condition()
        self._closing = threading.Event()
        self._started = False
        self._left_behind = False
        self._known: set[int] = set()
        self._waiting: dict[str, list[tuple[float, int, StagingTask]]] = {}
        """By world, those of a world in the order of their times."""
        self._expected: dict[int, Work] = {}
        """By task, of those that are due."""
        self._busy: dict[str, deque[StagingTask]] = {}
        """Files that are worked at, each with the tasks that wait for it."""
        self._working: Counter[str] = Counter()
        self._held_up = 0
        """Tasks whose thread waits for a world's clock, or for somebody to let it go."""
        self._gone: set[str] = set()
        """Worlds that are about to begin anew, or to go."""

    def start(self, stager: Stager) -> None:
        """Begin, with what was left from before a restart."""
        with self._store.read() as tx:
            left = tx.file_stagings.all()
        with self._changed:
            self._stager = stager
            self._started = True
        for task in left:
            self.add(task)
        self._dispatch()

    def add(self, task: StagingTask) -> None:
        """A task has been stored."""
        with self._changed:
            if task.seq in self._known:
                return
            self._known.add(task.seq)
            self._push(task)
        self._dispatch()

    def stop(self, timeout: float = STOP_SECONDS) -> None:
        """Let go of all; what is under way is left to be repeated by the next start."""
        with self._changed:
            self._closing.set()
            self._changed.wait_for(lambda: not self._busy, timeout)
            self._left_behind = bool(self._busy)
        if self._left_behind:
            log.warning("%d imports did not end in time and are left behind", len(self._busy))

    def let_go(self, world: str, jobs: list[str]) -> None:
        """See domain.world.Runner: imports under way are interrupted and, as those that wait, forgotten."""
        with self._changed:
            self._gone.add(world)
            for _, _, task in self._waiting.pop(world, []):
                self._known.discard(task.seq)
            works = [work for work in self._expected.values() if work.world == world and not work.begun]
            self._expected = {seq: work for seq, work in self._expected.items() if work not in works}
        for work in works:
            work.done()
        with self._changed:
            if not self._changed.wait_for(lambda: not self._working[world], STOP_SECONDS):
                raise Unavailable(f"An import of the world {world} does not end. Please try again.")

    def go_on(self, world: str, jobs: list[str]) -> None:
        """See domain.world.Runner."""
        with self._changed:
            self._gone.discard(world)
        with self._store.read() as tx:
            left = [task for task in tx.file_stagings.all() if task.world == world]
        for task in left:
            self.add(task)

    def _push(self, task: StagingTask) -> None:
        heapq.heappush(self._waiting.setdefault(task.world, []), (task.due.timestamp(), task.seq, task))
        clock = self._clocks.of(task.world)
        if task.due > clock.now():
            clock.call_at(task.due, partial(self._now_due, task))
        else:
            self._expect(task)

    def _now_due(self, task: StagingTask) -> None:
        with self._changed:
            if task.seq not in self._known:
                return
            self._expect(task)
        self._dispatch()

    def _expect(self, task: StagingTask) -> None:
        if task.seq not in self._expected:
            self._expected[task.seq] = self._activity.expect(task.world, Kind.STAGING)

    def _dispatch(self) -> None:
        """Give what is due to threads, as far as there may be more of them."""
        if not self._waiting:
            return
        with self._changed:
            for world in list(self._waiting):
                self._dispatch_in(world)

    def _dispatch_in(self, world: str) -> None:
        """The same for one world. The lock is held."""
        now, waiting = self._clocks.of(world).now(), self._waiting[world]
        if world in self._gone:
            return
        while waiting and waiting[0][2].due <= now and self._may_begin():
            if not self._activity.may_begin(world, Kind.STAGING):
                return
            task = heapq.heappop(waiting)[2]
            if task.file_uuid in self._busy:
                self._busy[task.file_uuid].append(task)
                continue
            self._busy[task.file_uuid] = deque()
            self._working[world] += 1
            self._expect(task)
            self._expected[task.seq].held_up = self._now_held_up
            self._expected[task.seq].begin()
            # threads of our own, as those of an executor would keep the program from ending
            threading.Thread(target=self._work, args=[task], name="staging", daemon=True).start()
        if not waiting:
            del self._waiting[world]

    def _may_begin(self) -> bool:
        return self._started and not self._closing.is_set() and len(self._busy) - self._held_up < WORKERS

    def _now_held_up(self, change: int) -> None:
        """A thread begins to wait, or goes on. Others are looked for when the activity tells of that."""
        with self._changed:
            self._held_up += change

    def _work(self, task: StagingTask) -> None:
        assert self._stager is not None, "started"
        with self._changed:
            current.set(self._expected[task.seq])
        again: StagingTask | None = None
        try:
            again = self._stager.perform(task, partial(self._checkpoint, task.world))
        except Interrupted:
            log.info("the import to %s goes on at the next start", task.file_uuid)
        except Exception:
            if self._left_behind:
                return  # the store may be closed by now
            log.exception("the import to %s could not be worked at", task.file_uuid)
            again = replace(task, due=self._clocks.of(task.world).now() + BROKEN_PAUSE)
        finally:
            self._ended(task, again)

    def _ended(self, task: StagingTask, again: StagingTask | None) -> None:
        with self._changed:
            work = self._expected.pop(task.seq)
            self._working[task.world] -= 1
            if task.world in self._gone:
                again = None
            for behind in self._busy.pop(task.file_uuid):
                if task.world in self._gone:
                    self._known.discard(behind.seq)
                else:
                    self._push(behind)
            if again is None:
                self._known.discard(task.seq)
            else:
                self._push(again)
            self._changed.notify_all()
        self._dispatch()
        work.done()

    def _checkpoint(self, world: str) -> None:
        if self._closing.is_set() or world in self._gone:
            raise Interrupted
