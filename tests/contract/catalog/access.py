"""Who may do what: tables of role × operation × status, and the worlds in which their cells are tried.

A table is text: a line per operation, a column per person; what is sent stands beside it in code. That no
operation is missing is checked against the routes.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

from emulator.api.v2.routes import routes
from emulator.domain.identity import Token, User
from tests.catalog import ADMIN, WORLD, Catalog

OWNER, STRANGER = "owner", "stranger"
Body = Mapping[str, Any]
_CHOICE = re.compile(r"<any\([^)]*\):")


@dataclass(frozen=True)
class Request:
    """What an operation sends; ``{id}`` in the path stands for the subject."""

    method: str
    path: str
    body: Callable[[str], Body] | None = None


class Table:
    """Expected statuses by operation and person."""

    def __init__(self, text: str) -> None:
        head, *lines = [line for line in text.strip().splitlines() if line.strip()]
        self.people = head.split()
        self.rows: dict[str, dict[str, int]] = {}
        for line in lines:
            operation, statuses = line.split("|")
            numbers = [int(number) for number in statuses.split()]
            assert len(numbers) == len(self.people), f"{operation}: {len(numbers)} statuses"
            self.rows[operation.strip()] = dict(zip(self.people, numbers, strict=True))


class Cells(Catalog):
    """A catalog with a user for each role; subjects are numbered, so that no cell spoils another's."""

    def __init__(self, directory: Path, people: Iterator[str], **settings: Any) -> None:
        super().__init__(directory, **settings)
        self._numbers = itertools.count(1)
        now = self.clock.now()
        with self.store.write() as tx:
            for name in people:
                tx.accounts.add_user(
                    User(world=WORLD, username=name, email=f"{name}@example.org"), "emulator"
                )
                tx.tokens.add(
                    Token(
                        world=WORLD,
                        access_token=name,
                        refresh_token=None,
                        username=name,
                        client_key="tests",
                        scope="default",
                        created=now,
                        expires=now + timedelta(hours=1),
                    )
                )

    def next(self, prefix: str) -> str:
        return f"{prefix}{next(self._numbers)}"

    def status(self, request: Request, subject: str, user: str) -> int:
        """What the operation answers; success and failure alike must come in the envelope."""
        body = None if request.body is None else request.body(subject)
        answer = self.send(request.method, request.path.format(id=subject), user, json=body)
        envelope = answer.get_json()
        assert envelope["status"] == ("success" if answer.status_code < 400 else "error"), envelope
        return answer.status_code

    def as_admin(self, path: str, **body: Any) -> None:
        self.put(path, body, user=ADMIN)


def routed(prefix: str) -> set[str]:
    """``METHOD /path`` of all routes of a service, the path behind ``prefix``."""
    return {
        f"{method} {_CHOICE.sub('<', route.path.removeprefix(prefix))}".rstrip()
        for route in routes()
        if f"{route.path}/".startswith(f"{prefix}/")
        for method in route.methods.split()
    }


def rows_without_action(table: Table) -> set[str]:
    """``METHOD /path`` of the rows, whatever they try there."""
    return {
        " ".join(part for part in row.split()[:2] if part[0] == "/" or part.isupper()) for row in table.rows
    }
