"""The APIs that the gateway knows by name, and that clients are subscribed to [auth §3]."""

from __future__ import annotations

APIS: dict[str, tuple[str, ...]] = {
    "Apps": ("apps",),
    "Files": ("files",),
    "Jobs": ("jobs",),
    "Metadata": ("meta",),
    "Notifications": ("notifications",),
    "PostIts": ("postits",),
    "Profiles": ("profiles",),
    "Systems": ("systems",),
    "Transfers": ("transfers",),
    "UUIDs": ("uuid", "uuids"),
}
"""The first parts of each API's URLs, by its name; the first of them is the one links are made with."""

VERSION = "v2"
PROVIDER = "admin"
"""Who has registered the APIs, as subscriptions show it."""

TIERS = ("Unlimited", "Gold", "Silver", "Bronze")


def named(context: str) -> str | None:
    """The name of the API at ``/<context>``; None where no API is."""
    return next((name for name, contexts in APIS.items() if context in contexts), None)


def api_of(word: str) -> str | None:
    """The API that a client means by a name in any case, or by its context; None for none."""
    wanted = word.strip().strip("/").lower()
    by_name = next((name for name in APIS if name.lower() == wanted), None)
    return by_name or named(wanted)


def tier_of(word: str) -> str | None:
    """A tier in any case, as answers write it; None for none."""
    return next((tier for tier in TIERS if tier.lower() == word.strip().lower()), None)
