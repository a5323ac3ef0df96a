"""Why a rule said nothing at an occasion: in words, for whoever wonders why it never strikes."""

from __future__ import annotations

from datetime import datetime

from emulator.domain.fault import Occasion
from emulator.domain.scenario import Arming, Counted, Match, Rule, awaits, fact, moment


def reason(arming: Arming, rule: Rule, occasion: Occasion, now: datetime, counted: Counted) -> str:
    """The first thing that stood in the way; "" where nothing did. The occasion is at a point of the rule's."""
    for name, match in rule.facts.items():
        value = fact(occasion, name)
        if not match.fits(value, is_path=name == "path"):
            return f"{name} is {value!r}, not {words(match)}" if value else f"it has no {name}"
    if rule.start is not None and now < moment(rule.start, arming.since):
        return "its time has not come"
    if rule.ended(now, arming.since):
        return "its time is over"
    if not rule.in_force(now, arming.since):
        return "it is in a silent part of its flapping"
    if awaits(arming, rule, occasion, counted):
        return f"{rule.after!r} has not struck"
    count = counted(rule.name, rule.key(occasion))
    if rule.times is not None and count.struck >= rule.times:
        return "it has struck as often as it may"
    return "its turn is over" if rule.done(count) else ""


def words(match: Match) -> str:
    """``*.jpg or *.png, but not /keep/*``; ``anything but debug``"""
    unwanted = " or ".join(match.unwanted)
    if not match.wanted:
        return f"anything but {unwanted}"
    return " or ".join(match.wanted) + (f", but not {unwanted}" if unwanted else "")
