"""What the API of a world was asked by the code under test, and what it said."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, overload

from emulator.testing.errors import speaks_for_itself
from emulator.testing.wire import PATIENCE, USER_AGENT, until

if TYPE_CHECKING:
    from emulator.testing.world import World

__tracebackhide__ = speaks_for_itself


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One request. ``status`` is None while it is not answered, and for ever where the connection was broken.

    ``operation`` is its name in the coverage table, ``faults`` what scenarios did on its way.
    """

    number: int
    received: str
    method: str
    path: str
    query: str
    operation: str
    user: str
    agent: str
    status: int | None
    bytes: int
    seconds: float | None
    faults: list[dict[str, Any]]

    def __str__(self) -> str:
        target = f"{self.path}?{self.query}" if self.query else self.path
        faults = "".join(f"  [{each['scenario']}: {each['rule']}: {each['action']}]" for each in self.faults)
        return f"{self.received}  {self.status or '---'}  {self.method} {target}  ({self.user}){faults}"


class Requests(Sequence[Request]):
    """The requests to a world so far, oldest first: asked for anew whenever it is looked at.

    Those that this package makes itself (``submit``, ``files``, signing in) are left out; :attr:`all` has them.
    """

    def __init__(self, world: World) -> None:
        self._world = world

    @property
    def all(self) -> list[Request]:
        return [Request(**each) for each in self._ask()["requests"]]

    def of(self, operation: str) -> list[Request]:
        """Those of one operation, as the coverage table names it: ``requests.of("jobs.submit")``."""
        return [request for request in self if request.operation == operation]

    def wait_for(
        self, predicate: Callable[[Request], object] = lambda _request: True, timeout: float = PATIENCE
    ) -> Request:
        """The first request that is as wanted, made before or yet to come. Raises WaitedInVain."""
        changes, seen = 0, dict[int, Request]()

        def ask(seconds: float) -> Request | None:
            nonlocal changes
            found = self._ask(seconds, changed=changes)
            changes = found["changes"]
            fresh = {each["number"]: Request(**each) for each in found["requests"]}
            seen.update(fresh)
            return next((each for each in fresh.values() if not _own(each) and predicate(each)), None)

        found = until(
            ask, lambda request: request is not None, timeout, lambda _: f"a request; {_told(seen)}"
        )
        assert found is not None
        return found

    def clear(self) -> None:
        """Forget them; their numbers go on."""
        self._world.control("DELETE", "requests")

    def __iter__(self) -> Iterator[Request]:
        return iter(self._theirs())

    def __len__(self) -> int:
        return len(self._theirs())

    @overload
    def __getitem__(self, index: int) -> Request: ...
    @overload
    def __getitem__(self, index: slice) -> list[Request]: ...
    def __getitem__(self, index: int | slice) -> Request | list[Request]:
        return self._theirs()[index]

    def __repr__(self) -> str:
        return "\n".join(["requests:", *(f"  {request}" for request in self)])

    def _theirs(self) -> list[Request]:
        return [request for request in self.all if not _own(request)]

    def _ask(self, seconds: float = 0, **query: object) -> dict[str, Any]:
        query["wait"] = f"{seconds:.3f}"
        found: dict[str, Any] = self._world.control("GET", "requests", query=query, seconds=seconds + 60)
        return found


def _own(request: Request) -> bool:
    return request.agent == USER_AGENT


def _told(seen: dict[int, Request]) -> str:
    return "there came " + ("; ".join(f"{each.method} {each.path}" for each in seen.values()) or "none")
