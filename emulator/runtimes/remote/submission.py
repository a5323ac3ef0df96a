"""Handing a script to a real scheduler, once: the shell script that does it, and what its answer means."""

from __future__ import annotations

import logging
import shlex
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum

from emulator.domain.paths import basename
from emulator.domain.ports import Completed, Launch, Shell
from emulator.domain.work_dir import LOG, SUBMISSION
from emulator.schedulers.dialect import Dialect, NoAnswer, Rejected, Unclear
from emulator.schedulers.held import held_submission

log = logging.getLogger(__name__)

SECONDS = 120.0
"""How long a scheduler may take to answer a submission."""

_MARK = "--agave--"
_STALE = 300
"""Seconds after which a submission on another login node counts as dead, when its process cannot be looked at."""


class Claim(StrEnum):
    """What the script found in the work directory."""

    MADE = "made"
    """Nothing: it has submitted now."""
    ANSWERED = "answered"
    """An earlier submission and its answer."""
    BUSY = "busy"
    """An earlier submission that is still under way."""
    BROKEN = "broken"
    """An earlier submission that ended without an answer."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back. ``when`` is the machine's own time of the submission; ``reply`` None without an answer."""

    claim: Claim
    when: datetime | None
    reply: Completed | None


@dataclass(frozen=True, slots=True)
class Submitted:
    remote_job_id: str
    when: datetime | None
    """By the machine's own clock; None where it did not say."""


def submit(shell: Shell, dialect: Dialect, launch: Launch) -> Submitted:
    """Hand the script over, or find what became of an earlier attempt.

    Raises ConnectionError when the machine or its scheduler does not answer (nothing is lost: the next attempt
    will find out), OSError with the scheduler's words when it does not take the script.
    """
    for _ in range(3):
        answer = _attempt(shell, dialect, launch)
        if answer.claim is Claim.BUSY:
            raise ConnectionError(f"{shell.address}: an earlier submission is still under way there")
        if answer.reply is not None:
            try:
                return Submitted(dialect.submitted(answer.reply), answer.when)
            except Rejected as rejected:
                _clear(shell, launch)
                if answer.claim is Claim.MADE:
                    raise OSError(str(rejected)) from rejected
                continue  # what was refused then may be taken now
            except NoAnswer:
                if answer.claim is Claim.MADE:
                    raise  # it may have been taken all the same: the next attempt looks
            except Unclear as unclear:
                if answer.claim is Claim.MADE:
                    # an empty answer is retried once [wrapper-templates §7]: as an answer that was lost
                    answer = Answer(Claim.BROKEN, answer.when, None)
                else:
                    log.info(
                        "job %s: the scheduler is asked, its answer being unclear: %s", launch.job_id, unclear
                    )
        found = find(shell, dialect, launch)
        if found is not None:
            return Submitted(found, answer.when)
        _clear(shell, launch)
    raise OSError("the scheduler gave no answer that could be understood")


def find(shell: Shell, dialect: Dialect, launch: Launch) -> str | None:
    """The id of a script that was submitted, by its name and work directory. Raises ConnectionError, OSError."""
    reply = run(shell, launch, dialect.find(launch))
    try:
        return dialect.found(reply, launch)
    except Unclear as unclear:
        raise ConnectionError(f"{shell.address}: {unclear}") from unclear


def known(shell: Shell, dialect: Dialect, launch: Launch) -> str | None:
    """The id of a script whose submission may have been cut off; None when it was certainly not submitted.

    Raises ConnectionError while that cannot be told.
    """
    answer = _answer(shell.run(_script(launch, _LOOK), seconds=SECONDS), shell)
    if answer.claim is Claim.MADE:
        return None
    if answer.claim is Claim.BUSY:
        raise ConnectionError(f"{shell.address}: a submission is still under way there")
    if answer.reply is not None:
        try:
            return dialect.submitted(answer.reply)
        except Rejected:
            return None
        except (NoAnswer, Unclear) as error:
            log.info("job %s: the scheduler is asked, its answer being unclear: %s", launch.job_id, error)
    return find(shell, dialect, launch)


def run(shell: Shell, launch: Launch, command: str, seconds: float = SECONDS) -> Completed:
    """A scheduler's command, after the system's startup script [wrapper-templates §7]."""
    return shell.run(f"{startup(launch.startup)}{command}", seconds=seconds)


def startup(path: str) -> str:
    """Source it where it can be read; its output is nobody's answer."""
    return f"if [ -r {shlex.quote(path)} ]; then . {shlex.quote(path)} >/dev/null 2>&1; fi\n" if path else ""


def _attempt(shell: Shell, dialect: Dialect, launch: Launch) -> Answer:
    command = dialect.submit(launch)
    submission = _SUBMIT.format(
        startup=_logged_startup(launch),
        script=shlex.quote(basename(launch.script)),
        submit=held_submission(launch.scheduler, command) if launch.held else command,
    )
    return _answer(shell.run(_script(launch, submission), seconds=SECONDS), shell)


def _clear(shell: Shell, launch: Launch) -> None:
    shell.run(f"rm -rf -- {shlex.quote(f'{launch.work_dir}/{SUBMISSION}')}")


def _logged_startup(launch: Launch) -> str:
    if not launch.startup:
        return ":"
    path = shlex.quote(launch.startup)
    missing = shlex.quote(f"{launch.startup}: No such file or directory")
    return f"if [ -r {path} ]; then . {path} >> {LOG} 2>&1; else echo {missing} >> {LOG}; fi"


def _script(launch: Launch, found_nothing: str) -> str:
    return _CLAIM.format(
        work_dir=shlex.quote(launch.work_dir),
        claim=SUBMISSION,
        mark=_MARK,
        stale=_STALE,
        found_nothing=found_nothing,
    )


# The process that submits is told by its id and its machine's name. What is written is written whole (by renaming).
_CLAIM = """\
cd -- {work_dir} || exit 1
claim={claim}
tell() {{
  when=$(cat $claim/when 2>/dev/null) code=$(cat $claim/code 2>/dev/null)
  printf '\\n%s %s %s %s\\n' '{mark}' "$1" "${{when:--}}" "${{code:--}}"
  cat $claim/stdout 2>/dev/null; printf '\\n%s\\n' '{mark}'
  cat $claim/stderr 2>/dev/null; printf '\\n%s\\n' '{mark}'
}}
if [ -e $claim/code ]; then tell answered; exit 0; fi
if [ -d $claim ]; then
  read -r pid machine < $claim/who 2>/dev/null
  if [ "$machine" = "$(uname -n)" ]; then
    if kill -0 "$pid" 2>/dev/null; then tell busy; else tell broken; fi
  elif [ -n "$(find $claim -prune -mmin -{stale} 2>/dev/null)" ]; then tell busy
  else tell broken
  fi
  exit 0
fi
{found_nothing}
"""

_LOOK = "tell made"

_SUBMIT = """\
if ! mkdir $claim; then [ -d $claim ] && tell busy && exit 0; exit 1; fi
printf '%s %s\\n' $$ "$(uname -n)" > $claim/who.new && mv $claim/who.new $claim/who || exit 1
{startup}
chmod +x {script}
date +%s > $claim/when
( {submit}
) > $claim/stdout 2> $claim/stderr < /dev/null
echo $? > $claim/code.new && mv $claim/code.new $claim/code
tell made
"""


def _answer(done: Completed, shell: Shell) -> Answer:
    """Raises OSError when the script could not do its work (no work directory, a full disk)."""
    head, found, rest = done.stdout.partition(f"\n{_MARK} ")
    line, _, body = rest.partition("\n")
    words = line.split()
    parts = body.split(f"\n{_MARK}\n")
    if not found or not words or words[0] not in set(Claim) or len(parts) < 3:
        said = (done.stderr.strip() or head.strip() or "it said nothing")[-500:]
        raise OSError(f"{shell.address}: the script could not be submitted: {said}")
    when = datetime.fromtimestamp(int(words[1]), UTC) if len(words) > 1 and words[1].isdecimal() else None
    code = words[2] if len(words) > 2 else ""
    reply = Completed(int(code), parts[0], parts[1]) if code.isdecimal() else None
    return Answer(Claim(words[0]), when, reply)
