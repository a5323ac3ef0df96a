"""Watching scripts on real machines: one status command for all of a login, at an interval that adapts."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from emulator.domain.ports import Clock, Launch, RemoteReport, RemoteState, Shell
from emulator.runtimes.remote.login import Login, exit_records
from emulator.runtimes.remote.submission import run
from emulator.schedulers.dialect import Standing, Unclear

log = logging.getLogger(__name__)

PATIENCE = timedelta(seconds=15)
"""How long a script may be missing everywhere before it is lost: accounting is written with a delay."""
_CALM = 0.1
"""Between two looks lies this part of the time since something has happened."""
_LOOKERS = 8


@dataclass(slots=True)
class Watched:
    """One script. ``report`` is what is known; ``counted`` are checks that nobody was told of yet."""

    launch: Launch
    remote_job_id: str
    report: RemoteReport
    missing_since: datetime | None = None
    checks: int = 0
    failed_checks: int = 0


@dataclass(slots=True)
class Round:
    """All scripts of one login. ``trouble`` is why it could not be asked the last time."""

    login: Login
    scripts: dict[str, Watched] = field(default_factory=dict)
    trouble: OSError | None = None
    failures: int = 0
    last_change: datetime | None = None
    looking: bool = False
    take_back: Callable[[], None] | None = None


class Watching:
    """``on_change`` is called with the job id when a script's state has changed, or can no longer be told."""

    def __init__(
        self,
        *,
        clock: Clock,
        on_change: Callable[[str], None],
        shortest: timedelta,
        longest: timedelta,
    ) -> None:
        """``shortest`` and ``longest`` are the least and the most between two looks at a login."""
        self._clock = clock
        self._on_change = on_change
        self._shortest = shortest
        self._longest = longest
        self._lock = threading.Lock()
        self._rounds: dict[tuple[str, ...], Round] = {}
        self._homes: dict[str, Round] = {}
        self._pool = ThreadPoolExecutor(_LOOKERS, "remote-watch")
        self._stopped = False

    def add(self, login: Login, launch: Launch, remote_job_id: str, report: RemoteReport) -> None:
        """Watch a script from now on; ``report`` is what is known of it. Again: nothing."""
        with self._lock:
            if launch.job_id in self._homes or self._stopped:
                return
            home = self._rounds.setdefault(login.key, Round(login))
            home.scripts[launch.job_id] = Watched(launch, remote_job_id, report)
            home.last_change = self._clock.now()
            self._homes[launch.job_id] = home
            self._schedule(home)

    def report(self, job_id: str) -> RemoteReport | None:
        """What is known of a script; None when it is not watched.

        Raises what went wrong when its login was asked the last time (ConnectionError, other OSErrors).
        """
        with self._lock:
            home = self._homes.get(job_id)
            if home is None:
                return None
            watched = home.scripts[job_id]
            over = watched.report.state in (RemoteState.ENDED, RemoteState.LOST)
            if home.trouble is not None and not over:
                raise home.trouble.with_traceback(None)
            told = replace(watched.report, checks=watched.checks, failed_checks=watched.failed_checks)
            watched.checks = watched.failed_checks = 0
            return told

    def drop(self, job_id: str) -> None:
        """Nobody asks for it any more."""
        with self._lock:
            home = self._homes.pop(job_id, None)
            if home is None:
                return
            home.scripts.pop(job_id, None)
            if not home.scripts:
                self._rounds.pop(home.login.key, None)
                self._unschedule(home)

    def launches(self) -> list[tuple[Launch, str]]:
        """Every script that has not ended, with its remote job id."""
        with self._lock:
            watched = [script for home in self._rounds.values() for script in home.scripts.values()]
        return [(one.launch, one.remote_job_id) for one in watched if _open(one)]

    def of_world(self, world: str) -> list[tuple[Launch, str, bool]]:
        """Every script of a world, with its remote job id, and whether it has not ended."""
        with self._lock:
            watched = [script for home in self._rounds.values() for script in home.scripts.values()]
        return [(one.launch, one.remote_job_id, _open(one)) for one in watched if one.launch.world == world]

    def stop(self) -> None:
        """Nobody is asked after this, and ``on_change`` is not called."""
        with self._lock:
            self._stopped = True
            for home in self._rounds.values():
                self._unschedule(home)
        self._pool.shutdown(wait=False, cancel_futures=True)

    # when to look

    def _schedule(self, home: Round) -> None:
        """The lock is held. The next look, sooner if one was planned for later."""
        self._unschedule(home)
        if self._stopped or home.looking or not any(map(_open, home.scripts.values())):
            return
        home.take_back = self._clock.call_at(self._clock.now() + self._pause(home), lambda: self._begin(home))

    def _unschedule(self, home: Round) -> None:
        if home.take_back is not None:
            home.take_back()
            home.take_back = None

    def _pause(self, home: Round) -> timedelta:
        if home.failures:
            calm = timedelta(seconds=2.0 ** min(home.failures - 1, 20))
        else:
            calm = (self._clock.now() - (home.last_change or self._clock.now())) * _CALM
        return min(max(calm, self._shortest), self._longest)

    def _begin(self, home: Round) -> None:
        with self._lock:
            if home.looking or self._stopped:
                return
            home.looking, home.take_back = True, None
        try:
            self._pool.submit(self._look, home)
        except RuntimeError:
            if not self._stopped:
                raise

    # looking

    def _look(self, home: Round) -> None:
        with self._lock:
            asked = {id_: one for id_, one in home.scripts.items() if _open(one)}
        try:
            changed = self._ask(home, asked) if asked else []
        except (OSError, Unclear) as error:
            changed = self._failed(home, asked, error)
        except Exception as error:
            log.exception("%s: looking after scripts failed", home.login.name)
            changed = self._failed(home, asked, error)
        with self._lock:
            home.looking = False
            self._schedule(home)
        for job_id in changed:
            if not self._stopped:
                self._on_change(job_id)

    def _ask(self, home: Round, asked: dict[str, Watched]) -> list[str]:
        """One look; the answer is whose state has changed. Raises OSError, Unclear."""
        shell, dialect = home.login.shell(), home.login.dialect
        ids = [one.remote_job_id for one in asked.values()]
        first = next(iter(asked.values())).launch
        standings = dialect.standings(run(shell, first, dialect.status(ids)), ids)
        unsure = [one for one in asked.values() if _wants_record(standings.get(one.remote_job_id))]
        records = exit_records(shell, (one.launch for one in unsure))
        changed = []
        now = self._clock.now()
        for job_id, one in asked.items():
            standing = standings.get(one.remote_job_id)
            if standing is not None and standing.hopeless:
                self._put_out_of_its_misery(shell, home.login, one)
            with self._lock:
                if self._settle(one, standing, records.get(job_id), now):
                    changed.append(job_id)
        with self._lock:
            if home.trouble is not None:  # whoever was told of it waits for news
                changed = list(asked)
            home.trouble, home.failures = None, 0
            if changed:
                home.last_change = now
        return changed

    def _settle(
        self, one: Watched, standing: Standing | None, record: RemoteReport | None, now: datetime
    ) -> bool:
        """Take a look's findings; whether they are news. The lock is held."""
        one.checks += 1
        before = (one.report.state, one.report.scheduler_state)
        found = combined(standing, record)
        if found is not None:
            one.missing_since = None
        else:
            one.missing_since = one.missing_since or now
            if now - one.missing_since < PATIENCE:
                return False
            found = RemoteReport(
                state=RemoteState.LOST, reason="The scheduler does not know it, and it has left no exit code."
            )
        known = one.report
        one.report = replace(
            found,
            started=found.started or known.started,
            submitted=known.submitted or found.submitted,
            ahead=known.ahead,
        )
        return (found.state, found.scheduler_state) != before

    def _put_out_of_its_misery(self, shell: Shell, login: Login, one: Watched) -> None:
        """What the scheduler would hold, or start again, for ever. Raises OSError."""
        reply = run(shell, one.launch, login.dialect.cancel(one.remote_job_id))
        if not login.dialect.cancelled(reply):
            raise OSError(
                f"job {one.remote_job_id} is stuck and could not be removed: {reply.stderr.strip()}"
            )

    def _failed(self, home: Round, asked: dict[str, Watched], error: Exception) -> list[str]:
        """A look in vain; the answer is who has not been told of it yet."""
        trouble = error if isinstance(error, OSError) else OSError(f"{home.login.name}: {error}")
        with self._lock:
            first = home.trouble is None
            home.trouble = trouble
            home.failures += 1
            for one in asked.values():
                one.failed_checks += 1
        log.log(logging.WARNING if first else logging.DEBUG, "%s: %s", home.login.name, trouble)
        return list(asked) if first else []


def combined(standing: Standing | None, record: RemoteReport | None) -> RemoteReport | None:
    """What the scheduler says, completed by what the script itself has left; None when neither says anything.

    The scheduler's word for the end counts, but no script is a success that has left another exit code.
    """
    if standing is None:
        return record
    report = standing.report
    if report.state is not RemoteState.ENDED or record is None:
        return report
    report = replace(
        report,
        # a shell that dies of a signal may still leave a record, with what its last command had ended with
        exit_code=record.exit_code if report.exit_code is None and not report.signal else report.exit_code,
        signal=report.signal or record.signal,
        started=report.started or record.started,
        ended=report.ended or record.ended,
    )
    if report.scheduler_state in ("", "COMPLETED") and report.exit_code not in (0, None):
        return replace(report, scheduler_state="FAILED")
    return report if report.scheduler_state else replace(report, scheduler_state="COMPLETED")


def _wants_record(standing: Standing | None) -> bool:
    """Whether the script's own record would tell more than the scheduler has."""
    if standing is None:
        return True
    report = standing.report
    return report.state is RemoteState.ENDED and (
        report.exit_code is None or report.started is None or report.ended is None
    )


def _open(one: Watched) -> bool:
    return one.report.state not in (RemoteState.ENDED, RemoteState.LOST)
