"""What can happen to a step of a job's life (``job.<step>``), when it is about to do its work.

The occasion comes once for each time that the job enters the step, not each time that a waiting job is looked at.
"""

from __future__ import annotations

from emulator.domain.recovery import APP, CONNECTION, QUOTA, SYSTEM
from emulator.scenario.catalog.kind import ActionKind, Argument, Unit

_STEPS = ("job.*",)
_ARCHIVING = ("job.archiving",)
_CAUSE = "the cause, as it stands in lastStatusMessage behind the service's own words"

ACTIONS = (
    ActionKind(
        name="fail",
        points=_STEPS,
        text="The step fails for good: the job is FAILED with the service's code and words for that step.",
        args={
            "message": Argument(Unit.TEXT, "", _CAUSE),
            "code": Argument(Unit.TEXT, "", "another code than the service's for that step"),
        },
        main="message",
    ),
    ActionKind(
        name="block",
        points=_STEPS,
        text="The job is BLOCKED; each test for its recovery asks again, and it goes on when nothing strikes any more.",
        args={
            "condition": Argument(
                Unit.TEXT, CONNECTION, "what it waits for", choices=(SYSTEM, APP, QUOTA, CONNECTION)
            ),
            "message": Argument(Unit.TEXT, "", "the reason in lastStatusMessage"),
            "for": Argument(
                Unit.DURATION, None, "how long, whatever the tests say; without it, as often as it strikes"
            ),
        },
        main="condition",
    ),
    ActionKind(
        name="partial",
        points=_ARCHIVING,
        text="Some files arrive in the archive, then archiving fails; the work directory stays.",
        args={
            "share": Argument(Unit.SHARE, 0.5, "of the files, in their order; always fewer than all"),
            "arrive": Argument(Unit.TEXT, "", "or a glob: those that fit it arrive, all others do not"),
            "message": Argument(Unit.TEXT, "", "the error of the first that does not"),
        },
        main="share",
    ),
    ActionKind(
        name="refuse",
        points=_ARCHIVING,
        text="The archive system takes nothing: the job is FAILED, its outputs stay in the work directory.",
        args={"message": Argument(Unit.TEXT, "", "its words; else `Permission denied`")},
        main="message",
    ),
)
