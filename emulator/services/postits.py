"""Postits: made, listed, changed, revoked and redeemed [postits §A]."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from emulator.domain.errors import Forbidden, Invalid, NotFound
from emulator.domain.identity import Caller
from emulator.domain.ports import Clocks, Ids
from emulator.domain.postit import (
    DEFAULT_LIFETIME,
    DEFAULT_USES,
    LAST_MOMENT,
    MOST_USES,
    BadUrl,
    ForeignUrl,
    Postit,
    PostitStatus,
    target_of,
)
from emulator.engine.journal import Journal
from emulator.services.accounts import AccountService
from emulator.store import Store, Transaction

UNKNOWN = "Unknown postit key."
REVOKED = "Postit has been revoked."
_NOT_REDEEMED = {
    PostitStatus.EXPIRED: "Postit key has expired.",
    PostitStatus.EXPIRED_AND_NO_USES: "Postit key has expired.",
    PostitStatus.NO_USES: "Postit key has already been redeemed.",
    PostitStatus.REVOKED: REVOKED,
}
_METHODS = ("GET", "PUT", "POST", "DELETE")
_NO_LIMIT = -1
_WHOLE = re.compile(r"[+-]?[0-9]{1,18}")
# the older service's keys had only the digits, and tapis-cli takes nothing else
_DIGITS = re.compile(r"([0-9a-f]{8})([0-9a-f]{4})([0-9a-f]{4})([0-9a-f]{4})([0-9a-f]{12})")


@dataclass(frozen=True, slots=True)
class Redemption:
    """What to fetch, and as whom. ``target`` is a path below the base URL, escaped, with its query."""

    caller: Caller
    target: str


class PostitService:
    def __init__(
        self, *, store: Store, clocks: Clocks, ids: Ids, journal: Journal, accounts: AccountService
    ) -> None:
        self._store = store
        self._clocks = clocks
        self._ids = ids
        self._journal = journal
        self._accounts = accounts

    def create(self, caller: Caller, given: Mapping[str, Any], bases: Iterable[str]) -> Postit:
        """A postit for ``given["url"]``, which must lie below one of ``bases`` (see ``target_of``).

        ``given``: url, maxUses, lifetime (seconds), unlimited, force, method, username. Raises Invalid, Forbidden.
        """
        _check_method(given)
        service, target = self._target(caller, given, bases)
        if _flag(given, "force"):
            target += f"{'&' if '?' in target else '?'}force=true"
        creator = str(given.get("username") or caller.username)
        if creator != caller.username and not caller.admin:
            raise Forbidden("User does not have permission to create a postit for this user.")
        now = self._clocks.of(caller.world).now()
        postit = Postit(
            id=self._ids.of(caller.world).postit(),
            world=caller.world,
            creator=creator,
            service=service,
            target=target,
            created=now,
            expires=_end(now, DEFAULT_LIFETIME),
            remaining=DEFAULT_USES,
        )
        postit = _limited(postit, given, now)
        with self._store.write() as tx:
            if creator != caller.username and tx.accounts.user(caller.world, creator) is None:
                raise NotFound(f"No user found matching {creator}")
            tx.postits.add(postit)
            self._note(tx, caller, postit, "CREATED")
        return postit

    def list(self, caller: Caller, status: PostitStatus | None, limit: int, offset: int = 0) -> list[Postit]:
        """The caller's own, newest first; None: of any status."""
        with self._store.read() as tx:
            return tx.postits.of_creator(
                caller.world, caller.username, status, self._clocks.of(caller.world).now(), limit, offset
            )

    def get(self, caller: Caller, key: str) -> Postit:
        """Any postit of the caller's tenant. Raises NotFound ``Unknown postit key.``"""
        with self._store.read() as tx:
            return self._postit(tx, caller, key)

    def update(self, caller: Caller, key: str, given: Mapping[str, Any]) -> Postit:
        """Change maxUses, lifetime (from now on) or unlimited. Raises NotFound, Forbidden, Invalid."""
        now = self._clocks.of(caller.world).now()
        with self._store.write() as tx:
            postit = self._postit(tx, caller, key)
            if caller.username != postit.creator and not caller.admin:
                raise Forbidden("User does not have permission to update this postit.")
            if postit.revoked:
                raise Forbidden(REVOKED)
            changed = _limited(postit, given, now)
            tx.postits.change(changed)
            self._note(tx, caller, changed, "UPDATED")
        return changed

    def revoke(self, caller: Caller, key: str) -> None:
        """For ever; doing it twice is fine. Raises NotFound, Forbidden."""
        with self._store.write() as tx:
            postit = self._postit(tx, caller, key)
            if caller.username != postit.creator and not caller.admin:
                raise Forbidden("User does not have permission to revoke this postit.")
            tx.postits.revoke(postit.id)
            self._note(tx, caller, replace(postit, revoked=True), "DELETED")

    def redeem(self, key: str, only: str | None = None) -> Redemption:
        """Count an attempt; whatever comes of it, it counts. Raises NotFound, Forbidden when it is not ACTIVE.

        ``only``: the one world whose postits are known here; None: those of all.
        """
        with self._store.write() as tx:
            postit = tx.postits.get(full_key(key))
            if postit is None or only not in (None, postit.world):
                raise NotFound(UNKNOWN)
            now = self._clocks.of(postit.world).now()
            if not tx.postits.use(postit.id, now):
                raise Forbidden(_NOT_REDEEMED[postit.status(now)])
        return Redemption(self._accounts.caller(postit.world, postit.creator), postit.target)

    def status(self, postit: Postit) -> PostitStatus:
        return postit.status(self._clocks.of(postit.world).now())

    def _note(self, tx: Transaction, caller: Caller, postit: Postit, event: str) -> None:
        self._journal.record(
            tx,
            world=postit.world,
            subject=postit.id,
            kind="postit",
            status=event,
            description=f"Postit was {event.lower()}",
            created_by=caller.username,
            resource=postit,
        )

    def _postit(self, tx: Transaction, caller: Caller, key: str) -> Postit:
        postit = tx.postits.get(full_key(key))
        if postit is None or postit.world != caller.world:
            raise NotFound(UNKNOWN)
        return postit

    def _target(self, caller: Caller, given: Mapping[str, Any], bases: Iterable[str]) -> tuple[str, str]:
        url = given.get("url")
        if url is None or url == "":
            raise Invalid("Bad request. No url specified.")
        try:
            if not isinstance(url, str):
                raise BadUrl
            return target_of(url, bases)
        except BadUrl as error:
            raise Invalid("Bad url") from error
        except ForeignUrl as error:
            raise Invalid(
                f"Invalid URL. Only URLs from the {caller.tenant_id} tenant may be posted."
            ) from error


def full_key(key: str) -> str:
    """The key of a postit, also from its 32 digits alone."""
    digits = _DIGITS.fullmatch(key)
    return "-".join((*digits.groups(), "010")) if digits else key


def _limited(postit: Postit, given: Mapping[str, Any], now: datetime) -> Postit:
    """The postit with the limits that are given; what is left out stays. Raises Invalid."""
    changed = postit
    uses, lifetime = given.get("maxUses"), given.get("lifetime")
    if uses is not None:
        count = _whole(uses)
        if count is None or (count != _NO_LIMIT and not 1 <= count <= MOST_USES):
            raise Invalid("Invalid value for max uses.")
        no_limit = count == _NO_LIMIT
        changed = replace(changed, unlimited=True) if no_limit else replace(changed, remaining=count)
    if lifetime is not None:
        seconds = _whole(lifetime)
        if seconds is None or seconds < 1:
            raise Invalid("Invalid value for token lifetime.")
        changed = replace(changed, expires=_end(now, seconds))
    if given.get("unlimited") is not None:
        changed = replace(changed, unlimited=_flag(given, "unlimited"))
    return changed


def _end(now: datetime, seconds: int) -> datetime:
    left = (LAST_MOMENT - now).total_seconds()
    if seconds >= left:
        raise Invalid("Invalid value for token lifetime.")
    return now + timedelta(seconds=seconds)


def _whole(value: Any) -> int | None:
    """A whole number, also as text; None for anything else."""
    if isinstance(value, str) and _WHOLE.fullmatch(value.strip()):
        return int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _flag(given: Mapping[str, Any], name: str) -> bool:
    value = given.get(name)
    words = {"true": True, "1": True, "false": False, "0": False, "": False, "none": False}
    found = words.get(str(value).strip().lower())
    if found is None:
        raise Invalid(f"Invalid value for {name}. Please specify true or false.")
    return found


def _check_method(given: Mapping[str, Any]) -> None:
    method = given.get("method")
    if method is None or (isinstance(method, str) and method.upper() in _METHODS):
        return
    text = "Invalid http method. Supported methods are GET, PUT, POST, and DELETE."
    raise Invalid(text, service_status=501)
