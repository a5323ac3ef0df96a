"""What can happen at hosts (``host.*``), at their schedulers (``scheduler.*``) and to apps (``app.run``).

Hosts are met by the steps of jobs, by transfers and by the Files API: ``host.connect`` is the first touch of a host
by each of them, ``host.exec`` a command there. On sandboxes and for simulated jobs, where nobody logs in, the
commands are those to the scheduler that is played. What passes leads to BLOCKED and recovery, what lasts to FAILED
[job-lifecycle §5].
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from emulator.scenario.catalog.kind import ActionKind, Argument, Unit

_CONNECT, _EXEC = ("host.connect",), ("host.exec",)
_SUBMIT, _STATUS, _CANCEL, _RUN = (
    ("scheduler.submit",),
    ("scheduler.status",),
    ("scheduler.cancel",),
    ("app.run",),
)
_FATAL = (1, 2, 3, 4, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 24, 31)
_OWN_WORDS = Argument(Unit.TEXT, "", "its words; else those of the system's scheduler")
_CODE = Argument(Unit.NUMBER, 1, "the exit code, 0 to 255")


_MOST_FLOOD = 10 * 1024**3


def _flood(arguments: Mapping[str, Any]) -> str:
    return "" if arguments["bytes"] <= _MOST_FLOOD else "bytes is at most 10GiB: they are really written"


def _exit_code(arguments: Mapping[str, Any]) -> str:
    return "" if arguments["code"] <= 255 else "an exit code is at most 255"


ACTIONS = (
    ActionKind(
        name="unreachable",
        points=_CONNECT,
        text="The host does not answer: jobs are BLOCKED until it does, requests for its files are 412.",
        args={"message": Argument(Unit.TEXT, "", "the cause; else `No route to host`")},
        main="message",
    ),
    ActionKind(
        name="refuse-login",
        points=_CONNECT,
        text="The host lets nobody in: jobs are BLOCKED until it does, requests for its files are 412.",
        args={"message": Argument(Unit.TEXT, "", "the cause; else `Authentication failed.`")},
        main="message",
    ),
    ActionKind(
        name="drop",
        points=_EXEC,
        text="The connection breaks while a command runs: the job is BLOCKED, and finds out what the command has done.",
    ),
    ActionKind(
        name="timeout",
        points=_EXEC,
        text="A command is not run and does not end in time: the job is BLOCKED, then it is tried again.",
    ),
    ActionKind(
        name="exit",
        points=_EXEC,
        text="A command is not run but ends with this code and words; a job whose submission does is FAILED with them.",
        args={"code": _CODE, "message": Argument(Unit.TEXT, "", "what it says on standard error")},
        main="code",
        mistake=_exit_code,
    ),
    ActionKind(
        name="reject",
        points=_SUBMIT,
        text="The scheduler does not take the script; after three attempts the job is FAILED with its words.",
        args={"message": _OWN_WORDS},
        main="message",
    ),
    ActionKind(
        name="lose-id",
        points=_SUBMIT,
        text="The scheduler takes the script, its answer is lost: the job is BLOCKED, finds its script and runs once.",
    ),
    ActionKind(
        name="unreachable",
        points=(*_SUBMIT, *_STATUS),
        text="The scheduler does not answer: the job is BLOCKED until it does.",
    ),
    ActionKind(
        name="hold-queue",
        points=_SUBMIT,
        text="The job stays QUEUED for this time, or until the rule is released; then it goes on. It can be stopped.",
        args={"for": Argument(Unit.DURATION, text="how long, by the world's clock")},
        main="for",
    ),
    ActionKind(
        name="garble",
        points=_STATUS,
        text="The scheduler's reply cannot be understood: failedStatusChecks rises, and it is asked again later.",
        args={"message": Argument(Unit.TEXT, "JOBID|STATE|", "the reply")},
        main="message",
    ),
    ActionKind(
        name="lag",
        points=_STATUS,
        text="The scheduler tells old news for this time, or until the rule is released: the job stays in its state "
        "although its script goes on. The history dates what has happened meanwhile by when the news came; "
        "remoteStarted and remoteEnded are true.",
        args={"for": Argument(Unit.DURATION, text="how long, by the world's clock")},
        main="for",
    ),
    ActionKind(
        name="lose-job",
        points=_STATUS,
        text="The scheduler knows nothing of the job any more: it is FAILED, its outputs are not archived.",
    ),
    ActionKind(
        name="node-fail",
        points=_STATUS,
        text="The node fails under the running script: it is killed, the job is FAILED with NODE_FAIL.",
    ),
    ActionKind(
        name="preempt",
        points=_STATUS,
        text="Another job takes the node: the script is killed, the job is FAILED with PREEMPTED.",
    ),
    ActionKind(
        name="time-limit",
        points=_STATUS,
        text="The script's time is up: it is killed, the job is FAILED with TIMEOUT.",
    ),
    ActionKind(
        name="out-of-memory",
        points=_STATUS,
        text="The script uses too much memory: it is killed, the job is FAILED with OUT_OF_MEMORY.",
    ),
    ActionKind(
        name="reject",
        points=_CANCEL,
        text="The scheduler does not end the script: the job goes on, and is STOPPED once the scheduler does.",
        args={"message": _OWN_WORDS},
        main="message",
    ),
    ActionKind(
        name="ignore",
        points=_CANCEL,
        text="The scheduler says that it ends the script and does not: the job is STOPPED, its script runs on.",
    ),
    ActionKind(
        name="exit",
        points=_RUN,
        text="The app does nothing but end with this code: the job is FAILED with it (FINISHED for 0).",
        args={"code": _CODE, "message": Argument(Unit.TEXT, "", "what it says on standard error")},
        main="code",
        mistake=_exit_code,
    ),
    ActionKind(
        name="signal",
        points=_RUN,
        text="The app is killed by this signal: the job is FAILED.",
        args={"number": Argument(Unit.NUMBER, 9, "9 is KILL, 11 SEGV, 15 TERM", choices=_FATAL)},
        main="number",
    ),
    ActionKind(
        name="hang",
        points=_RUN,
        text="The app never ends: the job runs until it is stopped, or its maxRunTime is over.",
    ),
    ActionKind(
        name="flood",
        points=_RUN,
        text="The app writes so many bytes to its standard output, then ends well.",
        args={"bytes": Argument(Unit.SIZE, 10 * 1024 * 1024, "how much, 10GiB at most")},
        main="bytes",
        mistake=_flood,
    ),
    ActionKind(
        name="silent",
        points=_RUN,
        text="The app writes nothing at all and ends well: the job is FINISHED with empty logs and no outputs.",
    ),
)
