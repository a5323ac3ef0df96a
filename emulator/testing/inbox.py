"""What was sent out of a world: webhooks that its own receiver took, and e-mails that its mailbox kept."""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from emulator.testing.errors import speaks_for_itself
from emulator.testing.wire import PATIENCE, segment, until

if TYPE_CHECKING:
    from emulator.testing.server import Server

__tracebackhide__ = speaks_for_itself

_LATER = 10**18 - 1
"""After all that will ever be received: for those who ask for the address only."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Webhook:
    """One request to the receiver. ``path`` is what follows its URL; header names are lower-case."""

    seq: int
    method: str
    path: str
    query: str
    headers: dict[str, str]
    body: bytes
    json: Any
    """The body parsed; None where it is no JSON."""
    received: str
    """By the world's clock."""
    answered: int


class Webhooks:
    """The world's webhook receiver."""

    def __init__(self, server: Server, world: str) -> None:
        self._server = server
        self._world = f"worlds/{segment(world)}"

    @property
    def url(self) -> str:
        """Subscribe this, or any path below it, as the emulator reaches itself: ``f"{webhooks.url}/done"``."""
        return self.at("hook")

    def at(self, path: str) -> str:
        """A URL of the receiver's: ``at("done?job=${JOB_ID}")``."""
        return f"{self._list(_LATER)['url']}/{path.lstrip('/')}"

    @property
    def received(self) -> list[Webhook]:
        """All so far, oldest first."""
        return [_webhook(each) for each in self._list()["received"]]

    def wait_for(
        self, predicate: Callable[[Webhook], object] = lambda _hook: True, timeout: float = PATIENCE
    ) -> Webhook:
        """The first webhook that is as wanted, received before or yet to come. Raises WaitedInVain."""
        seen: list[Webhook] = []

        def ask(seconds: float) -> Webhook | None:
            after = seen[-1].seq if seen else 0
            fresh = [_webhook(each) for each in self._list(after, seconds)["received"]]
            seen.extend(fresh)
            return next((hook for hook in fresh if predicate(hook)), None)

        found = until(ask, _is_there, timeout, lambda _: f"a webhook; there came {_told(seen)}")
        assert found is not None
        return found

    def answer(
        self, status: int, times: int | None = None, *, path: str = "*", body: str = "", **headers: str
    ) -> None:
        """Answer requests to paths of the glob so, ``times`` times (default: for ever), then 200 again."""
        document = {"status": status, "times": times, "path": path, "body": body, "headers": headers}
        self._server.control("POST", f"{self._world}/webhook-answers", document)

    def clear(self) -> None:
        """Forget what was received, and answer 200 again."""
        self._server.control("DELETE", f"{self._world}/webhooks")
        self._server.control("DELETE", f"{self._world}/webhook-answers")

    def _list(self, after: int = 0, seconds: float = 0) -> dict[str, Any]:
        query = {"after": after, "wait": f"{seconds:.3f}"}
        found: dict[str, Any] = self._server.control(
            "GET", f"{self._world}/webhooks", query=query, seconds=seconds + 60
        )
        return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Mail:
    """An e-mail that the built-in mailbox kept, or what would have gone to a phone or to Slack."""

    id: str
    sender: str
    to: str
    subject: str
    received: str
    text: str
    html: str


class Mailbox:
    """The world's mailbox."""

    def __init__(self, server: Server, world: str) -> None:
        self._server = server
        self._path = f"worlds/{segment(world)}/mailbox"

    @property
    def received(self) -> list[Mail]:
        """All so far, oldest first."""
        return self._list(0, 0)

    def to(self, address: str) -> list[Mail]:
        """Those to one address, in any case."""
        return [mail for mail in self.received if mail.to.lower() == address.lower()]

    def wait_for(
        self, predicate: Callable[[Mail], object] = lambda _mail: True, timeout: float = PATIENCE
    ) -> Mail:
        """The first mail that is as wanted, here already or yet to come. Raises WaitedInVain."""
        seen: list[Mail] = []

        def ask(seconds: float) -> Mail | None:
            found = self._list(len(seen), seconds)
            seen[:] = found
            return next((mail for mail in found if predicate(mail)), None)

        def told(_: Mail | None) -> str:
            return "a mail; there came " + (", ".join(repr(mail.subject) for mail in seen) or "nothing")

        found = until(ask, _is_there, timeout, told)
        assert found is not None
        return found

    def clear(self) -> None:
        """Throw all away."""
        self._server.control("DELETE", self._path)

    def _list(self, known: int, seconds: float) -> list[Mail]:
        query = {"known": known, "wait": f"{seconds:.3f}"}
        found = self._server.control("GET", self._path, query=query, seconds=seconds + 60)
        return [Mail(sender=each.pop("from"), **each) for each in found]


def _is_there(found: object) -> bool:
    return found is not None


def _webhook(document: dict[str, Any]) -> Webhook:
    encoded = document.get("bodyBase64")
    return Webhook(
        seq=document["seq"],
        method=document["method"],
        path=document["path"],
        query=document["query"],
        headers=document["headers"],
        body=b64decode(encoded) if encoded else document["body"].encode(),
        json=document.get("json"),
        received=document["received"],
        answered=document["answered"],
    )


def _told(hooks: list[Webhook]) -> str:
    return "; ".join(f"{hook.method} /{hook.path} {hook.body[:120]!r}" for hook in hooks) or "nothing"
