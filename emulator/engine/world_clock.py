"""The clock of one world: the machine's, or one that is scaled, or one that stands still until it is told to go on."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from functools import partial

from emulator.domain.clock import ClockMode, ClockSetting, ClockState, begun, changed, whole_milliseconds
from emulator.domain.errors import Invalid
from emulator.domain.ports import Clock, Retest
from emulator.engine.activity import Activity, Kind
from emulator.engine.sleepers import Sleeper, Sleepers, sleeper
from emulator.engine.timers import Timer, Timers

_INSTANT = timedelta(milliseconds=1)
"""No two moments are closer to each other [conventions §6]."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_PLAIN = ClockState(mode=ClockMode.REAL, world=_EPOCH, machine=_EPOCH)
_REMEMBERED = 1024
"""Changes of the clock, leaps included, for moments of the machine to be told in the world's time."""

Save = Callable[[ClockState], None]


class WorldClock:
    """See ports.Clock. Its time never goes back, whatever becomes of the machine's or of its mode."""

    def __init__(
        self,
        world: str,
        machine: Clock,
        activity: Activity,
        state: ClockState | None,
        save: Save,
        stamp: Callable[[], object] = object,
    ) -> None:
        """``state`` None: the machine's time. ``save`` is called with every state before it counts.

        ``stamp`` is another one after every change of what is stored; without it, always.
        """
        self._world = world
        self._machine = machine
        self._activity = activity
        self._save = save
        self._changing = threading.Lock()
        self._lock = threading.RLock()
        """Never held while the store is asked: whoever writes there may ask for the time."""
        self._state = state
        self._past: deque[ClockState] = deque([state or _PLAIN], maxlen=_REMEMBERED)
        self._latest = state.world if state else None
        self._timers = Timers()
        self._sleepers = Sleepers(stamp)
        self._armed: tuple[datetime, Callable[[], None]] | None = None
        self._led = 0

    @property
    def mode(self) -> ClockMode:
        state = self._state
        return state.mode if state else ClockMode.REAL

    @property
    def real(self) -> bool:
        """See ports.Clock."""
        return self.mode is ClockMode.REAL

    @property
    def frozen(self) -> bool:
        state = self._state
        return state is not None and state.mode is ClockMode.FROZEN

    @property
    def state(self) -> ClockState:
        state, now = self._state, self._machine.now()
        return state or ClockState(mode=ClockMode.REAL, world=now, machine=now)

    def now(self) -> datetime:
        """See ports.Clock."""
        state = self._state
        if state is None:
            return self._machine.now()
        if state.mode is ClockMode.FROZEN:
            return state.world
        with self._lock:
            shown = (self._state or state).shown(self._machine.now())
            self._latest = max(shown, self._latest or shown)  # the machine's clock may have been set back
            return self._latest

    def at(self, moment: datetime) -> datetime:
        """See ports.Clock."""
        with self._lock:
            if self._state is None:
                return moment
            known = next((state for state in reversed(self._past) if state.machine <= moment), None)
            shown = known.shown(moment) if known else self._past[0].world
            return min(shown, self.now())

    def call_at(
        self,
        when: datetime,
        action: Callable[[], None],
        *,
        background: bool = False,
        retest: Retest | None = None,
    ) -> Callable[[], None]:
        """See ports.Clock."""
        with self._lock:
            if retest is not None:
                self._sleepers.looked(retest)
                looker = sleeper(when, action, retest)
                self._lay_down(looker, when)
                return partial(self._let_sleep, looker)
            number = self._timers.add(when, action, background)
            self._arm()
            due = self._waits_for_leader and when <= self.now()
        if due:
            self._activity.note(self._world)

        return partial(self._take_back, number)

    def _take_back(self, number: int) -> None:
        with self._lock:
            self._timers.take_back(number)

    def _let_sleep(self, looker: Sleeper) -> None:
        """It has no need to look again."""
        with self._lock:
            looker.over = True
            if looker.number is None:
                self._sleepers.remove(looker)
            else:
                self._timers.take_back(looker.number)

    def _lay_down(self, looker: Sleeper, when: datetime) -> None:
        """It would look again then. The lock is held."""
        if self.frozen:
            looker.first, looker.number = when, None
            self._sleepers.add(looker)
        else:
            looker.number = self._timers.add(when, partial(self._look, looker))
            self._arm()

    def _look(self, looker: Sleeper) -> None:
        """It would look now."""
        with self._lock:
            if looker.over:
                return
            now = self.now()
            needed = looker.last is not None and looker.last <= now
            if not needed and self._sleepers.in_vain(looker.retest):
                self._lay_down(looker, looker.retest.again(now + _INSTANT))
                return
        looker.action()

    def change(self, setting: ClockSetting) -> None:
        """Go on in another way. Raises Invalid for a start in the world's past, and what saving raises."""
        with self._changing:
            before = self._hold()
            try:
                new = changed(setting, self.now(), self._machine.now())
                self._save(new)
            except BaseException:
                self._become(before)
                raise
            self._past.append(new)
            self._become(new)

    def begin(self, setting: ClockSetting) -> None:
        """Nothing has happened yet in the world, or nothing is left of it: timers are forgotten."""
        self.resume(begun(setting, self._machine.now()))

    def resume(self, state: ClockState) -> None:
        """As :meth:`begin`, with the time that a copy of the world was taken at."""
        with self._changing:
            self._save(state)
            with self._lock:
                self.clear()
                self._latest = state.world
                self._past = deque([state], maxlen=_REMEMBERED)
                self._become(state)

    @contextmanager
    def led(self) -> Iterator[None]:
        """Within, while time stands still, no timer goes off by itself: somebody calls :meth:`leap` again and again.

        So what is due at one moment goes off one after the other, with rest between.
        """
        with self._lock:
            self._led += 1
            self._arm()
        try:
            yield
        finally:
            with self._lock:
                self._led -= 1
                self._rouse()
                self._arm()

    @property
    def _waits_for_leader(self) -> bool:
        return self._led > 0 and self.frozen

    def clear(self) -> None:
        """Forget all timers."""
        with self._lock:
            self._timers.clear()
            self._sleepers.clear()

    def next_awaited(self) -> datetime | None:
        """When the next timer goes off that somebody waits for."""
        with self._lock:
            return _first(self._timers.next_awaited(), self._sleepers.next_look())

    def awaited_until(self, limit: datetime) -> datetime | None:
        """As :meth:`next_awaited`, without looks that are in vain: where there are no others, ``limit``."""
        with self._lock:
            found = _first(self._timers.next_awaited(), self._sleepers.next_due())
            return found or (limit if self._sleepers else None)

    def next_due(self) -> datetime | None:
        """When the next timer goes off, whether somebody waits for it or not, that is not in vain."""
        with self._lock:
            return _first(self._timers.next_due(), self._sleepers.next_due())

    def leap(self, limit: datetime) -> Timer | None:
        """Go to the next timer, no further than ``limit``, and take it out; None where there is none.

        To the next whole millisecond, as all times are told [conventions §6].

        Raises Invalid for a clock that goes by itself.
        """
        with self._changing:
            with self._lock:
                due, now, asleep = self.next_due(), self.now(), self._sleepers.asleep()
            if not self.frozen:
                raise Invalid(
                    f"mode: the clock of the world {self._world} is {self.mode}; only a frozen one leaps"
                )
            target = _whole(limit if due is None or due > limit else due)
            leapt = None
            if target > now:
                leapt = ClockState(mode=ClockMode.FROZEN, world=target, machine=self._machine.now())
                self._save(leapt)
                self._past.append(leapt)
            with self._lock:  # held over both: else the machine's clock may run the timer itself
                if leapt is not None:
                    self._become(leapt)
                timer = self._pop_due(target)
                for group in asleep:
                    group.passed = max(group.passed, target if timer else target + _INSTANT)
                return timer

    def _pop_due(self, now: datetime) -> Timer | None:
        """The next one that is due; of one moment, who looks again comes last. The lock is held."""
        due = self._sleepers.next_due()
        timer = self._timers.pop_due(now if due is None else min(now, due))
        looker = None if timer else self._sleepers.pop_due(now)
        return Timer(now, 0, looker.action) if looker else timer

    def _rouse(self) -> None:
        """Where nobody leads, who is due goes off by itself; when time goes by itself, all do. The lock is held."""
        if self._led and self.frozen:
            return
        now, frozen = self.now(), self.frozen
        for group in self._sleepers.asleep():
            group.passed = max(group.passed, now + _INSTANT)
        due = iter(partial(self._sleepers.pop_due, now), None) if frozen else self._sleepers.take_all()
        for looker in due:
            looker.number = self._timers.add(looker.next_look, partial(self._look, looker))

    def _hold(self) -> ClockState | None:
        """Let time stand still while it is changed; the answer is how it went before."""
        with self._lock:
            before, now = self._state, self.now()
            self._state = ClockState(mode=ClockMode.FROZEN, world=now, machine=self._machine.now())
            return before

    def _become(self, state: ClockState | None) -> None:
        with self._lock:
            self._state = state
            if state is not None:
                self._latest = max(state.world, self._latest or state.world)
            self._rouse()
            self._arm()

    def _arm(self) -> None:
        """Have the machine's clock call when the next timer is due. The lock is held."""
        due = None if self._waits_for_leader else self._timers.next_due()
        moment = None if due is None else self._machine_moment(due)
        if self._armed is not None:
            if self._armed[0] == moment:
                return
            self._armed[1]()
            self._armed = None
        if moment is not None:
            self._armed = moment, self._machine.call_at(moment, self._go_off)

    def _machine_moment(self, due: datetime) -> datetime | None:
        if self._state is None:
            return due
        if due <= self.now():
            return self._machine.now() - timedelta(seconds=1)
        return self._state.reached(due)

    def _go_off(self) -> None:
        """On the machine's clock's thread: run what is due."""
        with self._lock:
            self._armed = None
        while True:
            with self._lock:
                # the step before it is at rest once the timer's own work is known
                timer = None if self._waits_for_leader else self._timers.pop_due(self.now())
                if timer is None:
                    self._arm()
                    return
                work = self._activity.begin(self._world, Kind.TIMER)
            timer.run()
            work.done()


def _first(*moments: datetime | None) -> datetime | None:
    return min((moment for moment in moments if moment is not None), default=None)


def _whole(moment: datetime) -> datetime:
    """The first whole millisecond that is not before it."""
    cut = whole_milliseconds(moment)
    return cut if cut == moment else cut + timedelta(milliseconds=1)
