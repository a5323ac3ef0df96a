"""The launcher that scenarios reach into; see the package's docstring."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

from emulator.domain.acting import Linger
from emulator.domain.fault import Strike
from emulator.domain.ports import Clocks, Gate, Hosts, Launch, RemoteReport, RemoteState
from emulator.domain.preparing import Preparing
from emulator.runtimes.gated.apps import replace_script, replaced_play
from emulator.runtimes.gated.asking import Asking
from emulator.runtimes.gated.endings import ENDINGS, LOST, OLD_NEWS, told
from emulator.runtimes.gated.looks import Looks
from emulator.runtimes.gated.notes import Note, Notes
from emulator.runtimes.gated.words import kept, rejected
from emulator.runtimes.routed import RoutedLauncher
from emulator.schedulers.held import can_hold

log = logging.getLogger(__name__)

_RELEASE_AGAIN = timedelta(seconds=10)
_LOOKED_FOR = "scheduler.status"
_LASTING = ("hold-queue", "lag")
_OVER = (RemoteState.ENDED, RemoteState.LOST)


class GatedLauncher:
    """See ``ports.Launcher``: ``launcher`` does the work. What it tells of changes goes to :meth:`changed`."""

    def __init__(
        self,
        *,
        launcher: RoutedLauncher,
        gate: Gate,
        clocks: Clocks,
        hosts: Hosts,
        directory: Path,
        on_change: Callable[[str], None],
        linger: Linger,
    ) -> None:
        """``hosts`` are those that scripts are rewritten on, ``directory`` is where notes of jobs are kept."""
        self._launcher = launcher
        self._gate = gate
        self._clocks = clocks
        self._hosts = hosts
        self._notes = Notes(directory)
        self._on_change = on_change
        self._asking = Asking(gate, linger)
        self._looks = Looks(clocks, self.changed)
        self._lock = threading.Lock()
        self._waits: dict[tuple[str, str], Callable[[], None]] = {}
        """By job and action: takes back the wait for its end."""
        self._begun = self._stopped = False

    # the port

    def submit(self, launch: Launch) -> str:
        """See ``ports.Launcher``."""
        note = self._note(launch)
        listens = self._asking.listens(launch.world)
        if note is None and not listens:
            return self._launcher.submit(launch)
        if note is not None and note.taken:
            with self._asking.command(launch):
                return self._launcher.submit(note.launch)
        with self._asking.command(launch):
            strike = self._asking.ask("scheduler.submit", launch)
            hold = self._refusal(launch, strike) if strike is not None else None
            prepared = note.launch if note is not None else self._prepared(launch)
            note = Note(launch=replace(prepared, held=hold is not None), hold=hold)
            self._notes.save(note)
            note.remote_job_id = self._launcher.submit(note.launch)
            note.taken = True
            self._notes.save(note)
        if hold is not None:
            self._await_release(note)
        if strike is not None and strike.action.kind == "lose-id":
            raise ConnectionError(f"{launch.host}: the connection broke before the scheduler's answer came")
        return note.remote_job_id

    def report(self, launch: Launch, remote_job_id: str) -> RemoteReport:
        """See ``ports.Launcher``."""
        self._looks.open(launch)
        if self._gate.armed(launch.world, _LOOKED_FOR):
            self._looks.later(launch.job_id)
        return self._report(launch, remote_job_id)

    def _report(self, launch: Launch, remote_job_id: str) -> RemoteReport:
        note = self._note(launch)
        if note is None and not self._asking.listens(launch.world):
            return self._launcher.report(launch, remote_job_id)
        if note is not None and note.lost:
            self._launcher.cancel(launch, remote_job_id)  # it may have been cut off before
            return LOST
        if note is not None and note.lagging and self._clocks.of(launch.world).now() < note.lagging:
            return OLD_NEWS
        with self._asking.command(launch):
            if note is None or not note.ending:
                strike = self._asking.ask("scheduler.status", launch)
                if strike is not None:
                    note = note or Note(launch=launch, remote_job_id=remote_job_id, taken=True)
                    return self._disturbed(note, strike)
            report = self._launcher.report(launch, remote_job_id)
        if note is None:
            return report
        report = replace(report, heard=note.lagging)
        if note.hold is not None:
            return replace(report, by_world=True)  # what it waits for goes by the world's clock
        return self._ended(note, report) if note.ending else report

    def cancel(self, launch: Launch, remote_job_id: str) -> None:
        """See ``ports.Launcher``. Raises OSError in the scheduler's words where it refuses."""
        note = self._note(launch)
        unknown = not remote_job_id and not (note is not None and note.taken)
        if unknown or (note is None and not self._asking.listens(launch.world)):
            self._launcher.cancel(
                launch, remote_job_id
            )  # without an id there is nothing to ask its scheduler for
            return
        if note is not None and note.lost:
            return  # nobody can cancel what the scheduler does not know; it has been ended
        with self._asking.command(launch):
            strike = self._asking.ask("scheduler.cancel", launch)
            if strike is None:
                self._launcher.cancel(launch, remote_job_id)
                return
            if strike.action.kind == "reject":
                raise OSError(strike.action.args["message"] or kept(launch.scheduler, remote_job_id))
            note = note or Note(launch=launch, remote_job_id=remote_job_id, taken=True)
            note.spared = True
            self._notes.save(note)

    def forget(self, launch: Launch) -> None:
        """See ``ports.Launcher``. A script that a cancel has spared goes on, and is forgotten at its end."""
        self._looks.close(launch.job_id)
        note = self._note(launch)
        if note is not None and note.spared and self._goes_on(note):
            note.forgotten = True
            self._notes.save(note)
            return
        self._wait_no_more(launch.job_id)
        self._launcher.forget(launch)
        self._notes.drop(launch.job_id)

    def release(self, launch: Launch, remote_job_id: str) -> None:
        self._launcher.release(launch, remote_job_id)

    def forget_world(self, world: str) -> None:
        """See RoutedLauncher."""
        for note in self._notes.all():
            if note.launch.world == world:
                self._wait_no_more(note.launch.job_id)
                self._notes.drop(note.launch.job_id)
        for job_id in self._looks.world(world):
            self._looks.close(job_id)
        self._launcher.forget_world(world)

    # around it

    def start(self) -> None:
        """Take up what an earlier run has left. Again: nothing."""
        self._launcher.start()
        self._take_up()

    def stop(self, *, end_scripts: bool = False) -> None:
        """Nobody is told of anything after this."""
        self._stopped = True
        self._launcher.stop(end_scripts=end_scripts)

    def listen(self, world: str) -> None:
        """New rules are armed in a world: its scripts are asked about from now on."""
        if self._gate.armed(world, _LOOKED_FOR):
            for job_id in self._looks.world(world):
                self.changed(job_id)

    def changed(self, job_id: str) -> None:
        """The launcher has news of a script."""
        note = self._notes.of(job_id)
        if note is not None and note.forgotten:
            self._bury(note)
        elif not self._stopped:
            self._on_change(job_id)

    def _note(self, launch: Launch) -> Note | None:
        self._take_up()
        return self._notes.of(launch.job_id)

    def _take_up(self) -> None:
        """Holds, old news, scripts that were spared."""
        if self._begun:
            return
        with self._lock:
            if self._begun:
                return
            self._begun = True
        for note in self._notes.all():
            if note.hold is not None and note.taken:
                self._await_release(note)
            if note.lagging is not None:
                self._wake_at(note)
            if note.forgotten:
                self._bury(note)

    # submitting

    def _refusal(self, launch: Launch, strike: Strike) -> Strike | None:
        """Raises what the scheduler's refusal is; the answer is the strike that holds the script, if it does."""
        kind = strike.action.kind
        if kind == "reject":
            raise OSError(strike.action.args["message"] or rejected(launch.scheduler))
        if kind == "unreachable":
            raise ConnectionError(f"{launch.host}: the scheduler does not answer")
        if kind != "hold-queue":
            return None
        if launch.play is None and launch.account is not None and not can_hold(launch.scheduler):
            # this scheduler cannot keep a script for us: we keep it ourselves, and the job is SUBMITTING meanwhile
            self._wait(launch.job_id, strike, lambda: self.changed(launch.job_id))
            raise Preparing("Waiting for the queue to open", source=f"ssh://{launch.host}")
        return strike

    def _prepared(self, launch: Launch) -> Launch:
        """As it is handed over: with another app, perhaps. Asked once a job. Raises OSError."""
        strike = self._asking.ask("app.run", launch)
        if strike is None:
            return launch
        if launch.play is not None:
            return replace(launch, play=replaced_play(launch.play, strike.action))
        replace_script(self._hosts, launch, strike.action)
        return launch

    def _await_release(self, note: Note) -> None:
        assert note.hold is not None
        self._wait(note.launch.job_id, note.hold, lambda: self._let_go(note.launch.job_id))

    def _wait(self, job_id: str, strike: Strike, action: Callable[[], None]) -> None:
        """Instead of any wait before for the same."""
        kind = strike.action.kind
        self._wait_no_more(job_id, kind)
        self._waits[job_id, kind] = self._gate.on_release(strike, action)

    def _wait_no_more(self, job_id: str, *kinds: str) -> None:
        for kind in kinds or _LASTING:
            take_back = self._waits.pop((job_id, kind), None)
            if take_back is not None:
                take_back()

    def _let_go(self, job_id: str) -> None:
        """The queue is open again for this script."""
        note = self._notes.of(job_id)
        if note is None or note.hold is None or self._stopped:
            return
        try:
            self._launcher.release(note.launch, note.remote_job_id)
            note.hold = None
            self._notes.save(note)
            self.changed(job_id)  # what it waits for is no longer the world's clock
        except OSError as error:
            log.warning("job %s could not be released, trying again: %s", job_id, error)
            clock = self._clocks.machine
            clock.call_at(clock.now() + _RELEASE_AGAIN, lambda: self._let_go(job_id))

    # how it stands

    def _disturbed(self, note: Note, strike: Strike) -> RemoteReport:
        """The answer to a question that a scenario has got in the way of. Raises OSError."""
        kind, launch = strike.action.kind, note.launch
        if kind == "garble":
            raise OSError(f"{launch.host}: the reply is not whole: {strike.action.args['message']}")
        if kind == "unreachable":
            raise ConnectionError(f"{launch.host}: the scheduler does not answer")
        if kind == "lag":
            note.lagging = strike.until
            self._notes.save(note)
            self._wait(launch.job_id, strike, lambda: self._catch_up(launch.job_id))
            return OLD_NEWS
        if kind == "lose-job":
            note.lost = True
            self._notes.save(note)
            self._launcher.cancel(launch, note.remote_job_id)
            return LOST
        note.ending = kind
        self._notes.save(note)
        return self._ended(note, self._launcher.report(launch, note.remote_job_id))

    def _ended(self, note: Note, report: RemoteReport) -> RemoteReport:
        """Its end is decided: as soon as it runs it is killed. One that was quicker has met its end all the same."""
        if report.state is RemoteState.RUNNING:
            self._launcher.cancel(note.launch, note.remote_job_id)
            report = self._launcher.report(note.launch, note.remote_job_id)
        return told(report, ENDINGS[note.ending]) if report.state is RemoteState.ENDED else report

    def _wake_at(self, note: Note) -> None:
        assert note.lagging is not None
        job_id = note.launch.job_id
        self._clocks.of(note.launch.world).call_at(note.lagging, lambda: self.changed(job_id))

    def _catch_up(self, job_id: str) -> None:
        """The scheduler has been released from its lag."""
        note = self._notes.of(job_id)
        if note is None or note.lagging is None or self._stopped:
            return
        now = self._clocks.of(note.launch.world).now()
        if now < note.lagging:
            note.lagging = now
            self._notes.save(note)
        self.changed(job_id)

    # scripts that go on although their job is over

    def _goes_on(self, note: Note) -> bool:
        """Raises OSError."""
        return self._launcher.report(note.launch, note.remote_job_id).state not in _OVER

    def _bury(self, note: Note) -> None:
        """Forget a spared script, if it has come to its end."""
        try:
            if self._goes_on(note):
                return
            self._wait_no_more(note.launch.job_id)
            self._launcher.forget(note.launch)
            self._notes.drop(note.launch.job_id)
            self._gate.forget(note.launch.world, note.launch.job_id)
        except OSError as error:
            log.warning("job %s has ended, but what its script left remains: %s", note.launch.job_id, error)
