"""API clients: the keys that tokens are asked for with, and what they may call [auth §3]."""

from __future__ import annotations

from dataclasses import replace

from emulator.domain.apis import APIS, TIERS, VERSION, api_of, tier_of
from emulator.domain.errors import Invalid, NotFound
from emulator.domain.identity import ApiClient, Caller
from emulator.domain.ports import Ids
from emulator.store import Store, Transaction

EVERY_API = "*"
_LONGEST = {"clientName": 128, "description": 4096, "callbackUrl": 2048}


class ApiClientService:
    """Everything here is about the caller's own clients; those of others are as if they were not there."""

    def __init__(self, *, store: Store, ids: Ids) -> None:
        self._store = store
        self._ids = ids

    def list(self, caller: Caller) -> list[ApiClient]:
        with self._store.read() as tx:
            return tx.clients.of_owner(caller.world, caller.username)

    def get(self, caller: Caller, name: str) -> ApiClient:
        """Raises NotFound ``Application not found``."""
        with self._store.read() as tx:
            return self._client(tx, caller, name)

    def create(
        self, caller: Caller, name: str, description: str = "", tier: str = "", callback_url: str = ""
    ) -> ApiClient:
        """Register an API client, subscribed to every API. Raises Invalid, naming the field [auth §3]."""
        if not name.strip():
            raise Invalid("clientName is required")
        for field, text in (
            ("clientName", name),
            ("description", description),
            ("callbackUrl", callback_url),
        ):
            if len(text) > _LONGEST[field]:
                raise Invalid(f"{field} must be at most {_LONGEST[field]} characters")
        # no URL could name these
        if "/" in name or not name.isprintable():
            raise Invalid("clientName must not contain slashes or control characters")
        if name in (".", ".."):
            raise Invalid("clientName must be more than dots")
        if not callback_url.isprintable():
            raise Invalid("callbackUrl must not contain control characters")
        client = ApiClient(
            world=caller.world,
            owner=caller.username,
            name=name,
            key=self._ids.of(caller.world).key(),
            secret=self._ids.of(caller.world).key(),
            description=description,
            tier=_tier(tier),
            callback_url=callback_url.strip(),
        )
        with self._store.write() as tx:
            if tx.clients.get(caller.world, caller.username, name) is not None:
                raise Invalid("Application already exists")
            tx.clients.add(client)
        return client

    def delete(self, caller: Caller, name: str) -> None:
        """Remove a client and the tokens issued for it."""
        with self._store.write() as tx:
            tx.clients.remove(self._client(tx, caller, name))

    def subscribe(self, caller: Caller, name: str, api: str, version: str = "", tier: str = "") -> ApiClient:
        """Subscribe a client to an API, or to all by ``*``; in the client's tier unless another is given.

        Raises NotFound for the client, Invalid for an API, version or tier that there is not.
        """
        if not api.strip():
            raise Invalid("apiName is required")
        wanted = list(APIS) if api.strip() == EVERY_API else [_api(api)]
        if version and version != VERSION:
            raise Invalid(f"No API found with name {api} and apiVersion {version}")
        with self._store.write() as tx:
            client = self._client(tx, caller, name)
            chosen = _tier(tier) if tier else client.tier
            changed = replace(client, subscriptions=client.tiers() | dict.fromkeys(wanted, chosen))
            tx.clients.save(changed)
        return changed

    def unsubscribe(self, caller: Caller, name: str, api: str = EVERY_API) -> None:
        """End all subscriptions of a client, or that to one API. Raises as :meth:`subscribe`."""
        gone = set(APIS) if api.strip() == EVERY_API else {_api(api)}
        with self._store.write() as tx:
            client = self._client(tx, caller, name)
            left = {name: tier for name, tier in client.tiers().items() if name not in gone}
            tx.clients.save(replace(client, subscriptions=left))

    def _client(self, tx: Transaction, caller: Caller, name: str) -> ApiClient:
        client = tx.clients.get(caller.world, caller.username, name)
        if client is None:
            raise NotFound("Application not found")
        return client


def _api(word: str) -> str:
    found = api_of(word)
    if found is None:
        raise Invalid(f"No API found with name {word}")
    return found


def _tier(word: str) -> str:
    if not word.strip():
        return TIERS[0]
    found = tier_of(word)
    if found is None:
        raise Invalid(f"Invalid tier {word}. Please specify one of: {', '.join(TIERS)}")
    return found
