"""How the time of a world goes by: as the machine's does, faster or slower, or only when somebody says so."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from emulator.domain.errors import Invalid
from emulator.domain.moments import utc_text

SLOWEST, FASTEST = 0.001, 1_000_000.0
"""Bounds of the factor of a scaled clock."""
FIRST_MOMENT = datetime(2026, 1, 1, tzinfo=UTC)
"""Where a frozen clock begins in a new world, when nothing else was said: the same in every run."""
LATEST = datetime(9000, 1, 1, tzinfo=UTC)
"""No world gets older: there is room for what is added to a moment."""
_MILLISECOND = timedelta(milliseconds=1)


class ClockMode(StrEnum):
    REAL = "real"
    SCALED = "scaled"
    FROZEN = "frozen"


@dataclass(frozen=True, slots=True, kw_only=True)
class ClockSetting:
    """What somebody wants of a world's clock. ``start`` None: go on from where it is."""

    mode: ClockMode
    factor: float = 1.0
    start: datetime | None = None

    def __post_init__(self) -> None:
        """Raises Invalid, which names the field."""
        if self.mode is ClockMode.SCALED and not SLOWEST <= self.factor <= FASTEST:
            raise Invalid(f"factor must be between {SLOWEST:g} and {FASTEST:g}, not {self.factor:g}")
        if self.start is not None and not datetime(1970, 1, 1, tzinfo=UTC) <= self.start <= LATEST:
            raise Invalid(f"start must lie between 1970 and {LATEST.year}, not at {self.start.isoformat()}")


@dataclass(frozen=True, slots=True, kw_only=True)
class ClockState:
    """When the machine's clock said ``machine``, the world's said ``world``; it goes on from there."""

    mode: ClockMode
    world: datetime
    machine: datetime
    factor: float = 1.0

    def shown(self, machine_now: datetime) -> datetime:
        """What the world's clock says when the machine's says ``machine_now``, in whole milliseconds."""
        if self.mode is ClockMode.FROZEN:
            return self.world
        passed = machine_now - self.machine
        if self.mode is ClockMode.SCALED:
            passed = passed * self.factor
        return (
            min(whole_milliseconds(self.world + passed), LATEST) if passed < LATEST - self.world else LATEST
        )

    def reached(self, when: datetime) -> datetime | None:
        """When the machine's clock will say what makes the world's say ``when``; None where it stands still."""
        if self.mode is ClockMode.FROZEN:
            return None
        left = when - self.world
        if self.mode is ClockMode.REAL:
            return self.machine + left
        try:
            # a little later rather than a little too early: microseconds are cut off on the way
            return self.machine + left / self.factor + _MILLISECOND
        except OverflowError:
            return None  # nobody lives to see it


def begun(setting: ClockSetting, machine_now: datetime) -> ClockState:
    """The clock of a world in which nothing has happened yet."""
    start = setting.start
    if start is None:
        start = FIRST_MOMENT if setting.mode is ClockMode.FROZEN else machine_now
    return ClockState(
        mode=setting.mode, world=whole_milliseconds(start), machine=machine_now, factor=_factor(setting)
    )


def changed(setting: ClockSetting, now: datetime, machine_now: datetime) -> ClockState:
    """The clock of a world that says ``now``, from here on as ``setting`` wants it.

    Without a start a frozen or scaled clock goes on from where it is; a real one comes back to the machine's time
    if that is not in the world's past. Raises Invalid for a start in the world's past.
    """
    start = setting.start
    if start is not None:
        start = whole_milliseconds(start)
        if start < now:
            raise Invalid(f"start lies before the world's own time, {utc_text(now)}: time does not go back")
    elif setting.mode is ClockMode.REAL:
        start = max(now, machine_now)
    else:
        start = now
    return ClockState(mode=setting.mode, world=start, machine=machine_now, factor=_factor(setting))


def whole_milliseconds(moment: datetime) -> datetime:
    """What is answered is what is stored [conventions §6]."""
    return moment.replace(microsecond=moment.microsecond // 1000 * 1000)


def _factor(setting: ClockSetting) -> float:
    return setting.factor if setting.mode is ClockMode.SCALED else 1.0
