"""Asking the gate on behalf of a script, and what it says of the machine that the script is on."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager

from emulator.domain.acting import Linger, lingered
from emulator.domain.fault import Occasion, Strike
from emulator.domain.ports import Gate, Launch


class Asking:
    """The points of a script's life on its execution system."""

    def __init__(self, gate: Gate, linger: Linger) -> None:
        self._gate = gate
        self._linger = linger

    def listens(self, world: str) -> bool:
        """Whether any rule could speak up here: the quick question."""
        armed = self._gate.armed
        return armed(world, "scheduler") or armed(world, "app") or armed(world, "host")

    def ask(self, point: str, launch: Launch) -> Strike | None:
        """What is to be done here."""
        occasion = occasion_of(point, launch)
        if not self._gate.armed(launch.world, occasion.family):
            return None
        return lingered(self._gate.strike(occasion), self._linger)

    @contextmanager
    def command(self, launch: Launch) -> Iterator[None]:
        """A command to the scheduler of a sandbox, or to one that is played, is given inside the block.

        Raises ConnectionError, TimeoutError, OSError as a machine's connection and shell would. On
        real machines these points are met by their own shells.
        """
        if launch.play is None and launch.account is not None:
            yield
            return
        strike = self.ask("host.connect", launch)
        if strike is not None:
            raise connection_error(strike, launch.host)
        strike = self.ask("host.exec", launch)
        if strike is not None and strike.action.kind == "timeout":
            raise TimeoutError(f"{launch.host}: a command has not ended in time")
        if strike is not None and strike.action.kind == "exit":
            said = strike.action.args["message"] or f"exit code {strike.action.args['code']}"
            raise OSError(f"{launch.host}: {said}")
        yield
        if strike is not None:  # dropped: it was given, but nobody knows
            raise ConnectionResetError(
                errno.ECONNRESET, f"{launch.host}: the connection broke while a command was running"
            )


def connection_error(strike: Strike, host: str) -> OSError:
    """What whoever connects to the machine meets."""
    if strike.action.kind == "refuse-login":
        return ConnectionError(
            errno.EACCES, f"{host}: {strike.action.args['message'] or 'Authentication failed.'}"
        )
    reason = strike.action.args["message"] or os.strerror(errno.EHOSTUNREACH)
    return ConnectionError(errno.EHOSTUNREACH, f"{host}: {reason}")


def occasion_of(point: str, launch: Launch) -> Occasion:
    return Occasion(
        world=launch.world,
        point=point,
        user=launch.owner,
        job=launch.job_id,
        job_name=launch.name,
        app=launch.app_id,
        system=launch.system_id,
        queue=launch.queue,
        host=launch.host,
    )
