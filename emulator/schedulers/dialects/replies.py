"""What all schedulers' replies have in common: a frame, refusals, the daemon that is down, dates.

Login shells print banners and modules print messages before the first line that counts, and a connection may
break in the middle. Every question is therefore asked in a frame, and a reply without its end says nothing.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable

from emulator.domain.ports import Completed, Launch
from emulator.domain.work_dir import EXIT_RECORD
from emulator.schedulers.dialect import NoAnswer, Rejected, Unclear

BEGIN = "--agave-reply--"
END = "--agave-end--"
FAILED = "@failed"
NOT_FOUND = 127
"""The exit code of a shell that has no such command."""
_LONGEST = 600
"""Characters of a scheduler's words that are passed on."""
_FRAME = re.compile(rf"^{BEGIN}\n(.*?)^{END} (\d{{1,3}})$", re.MULTILINE | re.DOTALL)
_NETWORK = (
    r"connection (?:refused|timed out|reset)|timed out|no route to host|network is unreachable"
    r"|temporary failure in name resolution|broken pipe"
)
_CONTROL = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|[^\S\n]|[\x00-\x08\x0b-\x1f\x7f]")


def framed(script: str) -> str:
    """A question whose reply is recognised as whole; its standard error belongs to it.

    The script runs in a subshell, dates in UTC, messages in English.
    """
    return (
        f"printf '\\n%s\\n' {BEGIN}\n"
        f"( export TZ=UTC LC_TIME=C LC_MESSAGES=C\n{script}\n) 2>&1\n"
        f"printf '\\n%s %s\\n' {END} $?"
    )


def lines(reply: Completed, down: str, harmless: str = "") -> list[str]:
    """The lines of a framed reply, without empty ones.

    The line ``@failed`` in it means that the command before has failed: NoAnswer when what was said fits
    ``down``, nothing when it fits ``harmless`` (patterns of what the commands say when their daemon cannot be
    reached, or when they know of no such job), else Unclear, as for a reply that is not whole.
    """
    whole = list(_FRAME.finditer(reply.stdout.replace("\r\n", "\n")))
    if not whole:
        raise Unclear(f"the reply is not whole: {words(reply) or 'it is empty'}")
    answer = [line for line in whole[-1][1].split("\n") if line.strip()]
    if FAILED in answer:
        said = "\n".join(line for line in answer if not line.startswith("@"))
        require_answer(said, down)
        if not (harmless and re.search(harmless, said, re.IGNORECASE)):
            raise Unclear(plain(said) or "the scheduler's command has failed without a word")
    return answer


def listing(command: str) -> str:
    """A command whose output is told from what it says on standard error; see :func:`listed`."""
    return f"{{ {command} || echo '{FAILED}' >&2; }} | sed 's/^/@|/'"


def listed(answer: Iterable[str]) -> list[str]:
    """The output of a :func:`listing`."""
    return [line[2:] for line in answer if line.startswith("@|")]


def require_answer(text: str, down: str) -> None:
    """Raises NoAnswer when the text is that of a command whose daemon cannot be reached."""
    if re.search(f"{down}|{_NETWORK}" if down else _NETWORK, text, re.IGNORECASE):
        raise NoAnswer(plain(text))


def submission(reply: Completed, accepted: str, down: str) -> str:
    """The job's id: the group of the last line that is ``accepted`` as a whole.

    Raises NoAnswer, Rejected with the scheduler's words, Unclear.
    """
    found = re.findall(rf"^[ \t]*{accepted}[ \t]*$", reply.stdout.replace("\r\n", "\n"), re.MULTILINE)
    if found:
        return str(found[-1])
    said = words(reply)
    if reply.code:
        require_answer(said, down)
        if said:
            raise Rejected(said)
        raise Unclear(f"the submission ended with exit code {reply.code}, and without a word")
    if re.search(r"\bnot (?:been )?submitted\b", said, re.IGNORECASE):
        raise Rejected(said)
    require_answer(said, down)
    raise Unclear(f"no job id in the answer: {said}" if said else "the answer is empty")


def ended_by_request(reply: Completed, gone: str, down: str) -> bool:
    """Whether a cancel command was obeyed, or found nothing any more. Raises NoAnswer."""
    if not reply.code:
        return True
    said = words(reply)
    if re.search(gone, said, re.IGNORECASE):
        return True
    require_answer(said, down)
    return False


def words(reply: Completed) -> str:
    """What was said for people: the errors, else the output; its end, in one line."""
    return plain(reply.stderr) or plain(reply.stdout)


def plain(text: str) -> str:
    """In one line, without control characters, and not too long."""
    clean = _CONTROL.sub(" ", text.replace("\r\n", "\n"))
    parts = [line.strip() for line in clean.split("\n")]
    line = re.sub(" {2,}", " ", " ".join(part for part in parts if part))
    return line if len(line) <= _LONGEST else f"…{line[-_LONGEST:]}"


def quoted(ids: Iterable[str], separator: str = " ") -> str:
    """Ids as words of the shell."""
    return separator.join(shlex.quote(one) for one in ids)


def own_id(launch: Launch) -> str:
    """The shell text that prints the id which a script that has ended wrote into its record, after ``@id``.

    And, after ``@here``, where the work directory really is, should links lead there.
    """
    work_dir = shlex.quote(launch.work_dir)
    record = shlex.quote(f"{launch.work_dir}/{EXIT_RECORD}")
    return (
        f"( cd -- {work_dir} && printf '@here|%s\\n' \"$(pwd -P)\" )\n"
        f"[ -r {record} ] && sed -n 's/^id /@id|/p' {record}"
    )


def chosen(answer: Iterable[str], launch: Launch, mark: str = "@found") -> str | None:
    """The id of the job whose work directory is the launch's, the latest of several.

    Rows are ``<mark>|<id>|<directory>``, beside those of :func:`own_id`.
    """
    places, rows = {_directory(launch.work_dir)}, []
    for line in answer:
        kind, _, rest = line.partition("|")
        if kind == "@id" and rest.strip():
            return rest.strip()
        if kind == "@here":
            places.add(_directory(rest))
        elif kind == mark:
            job_id, _, place = rest.partition("|")
            rows.append((job_id.strip(), _directory(place)))
    found = [job_id for job_id, place in rows if job_id and place in places]
    return max(found, key=_in_order) if found else None


def _directory(path: str) -> str:
    return path.strip().rstrip("/") or "/"


def _in_order(job_id: str) -> tuple[int, str]:
    digits = re.search(r"\d+", job_id)
    return int(digits[0]) if digits else -1, job_id
