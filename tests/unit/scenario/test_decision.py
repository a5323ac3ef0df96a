"""What must hold for any rules and occasions: the decision is pure, counted, and the same whatever the order."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from fnmatch import fnmatchcase

from hypothesis import given, settings
from hypothesis import strategies as st

from emulator.domain.fault import Action, Occasion
from emulator.domain.scenario import Arming, Count, Flap, Match, Rule, Scenario, Turns, draw, subject, weigh
from emulator.engine.armed import Armed

SINCE = datetime(2026, 1, 1, tzinfo=UTC)
HOLD = Action("hold")
moments = st.integers(0, 500).map(lambda seconds: timedelta(seconds=seconds))
maybe = st.none() | moments
paths = st.sampled_from(["/a/x.jpg", "/a/b/x.jpg", "/x.png", "x.jpg", ""])


def armed(*rules: Rule, seed: int = 7) -> Armed:
    scenario = Scenario(name="s", rules=rules)
    return Armed(Arming(number=1, world="w", scenario=scenario, since=SINCE, seed=seed), "", "")


def ask(it: Armed, rule: Rule, occasion: Occasion, now: datetime = SINCE) -> bool:
    """Weigh, and count as the gate does."""
    said = weigh(it.arming, rule, occasion, now, it.counted)
    if said is None:
        return False
    struck = [(rule.name, key) for key in {"", rule.key(occasion)}] if said.strikes else []
    it.counts |= it.raised([(rule.name, key) for key in said.met], struck)
    return said.strikes


@given(
    times=st.none() | st.integers(1, 9),
    first=st.integers(1, 9),
    every=st.integers(0, 4),
    asked=st.integers(0, 40),
)
def test_counts_are_what_they_say(times: int | None, first: int, every: int, asked: int) -> None:
    turns = Turns(every=every) if every else Turns(ranges=((first, None),))
    rule = Rule(name="r", points=("transfer.file",), action=HOLD, times=times, turns=turns)
    it = armed(rule)
    struck = [n for n in range(1, asked + 1) if ask(it, rule, Occasion(world="w", point="transfer.file"))]
    meant = [n for n in range(1, asked + 1) if (n % every == 0 if every else n >= first)]
    assert struck == meant[: len(meant) if times is None else times]
    assert it.counted("r", "").struck == len(struck)


@given(start=maybe, until=maybe, expires=maybe, now=moments, on=moments, off=moments)
def test_outside_its_time_no_rule_strikes(
    start: timedelta | None,
    until: timedelta | None,
    expires: timedelta | None,
    now: timedelta,
    on: timedelta,
    off: timedelta,
) -> None:
    flap = Flap(on, off) if on and off else None
    rule = Rule(name="r", points=("*",), action=HOLD, start=start, until=until, expires=expires, flap=flap)
    strikes = ask(armed(rule), rule, Occasion(world="w", point="job.staged"), SINCE + now)
    begun = now - (start or timedelta())
    within = begun >= timedelta() and all(end is None or now < end for end in (until, expires))
    if flap and within:
        passed = begun.total_seconds() % (on + off).total_seconds()
        within = passed < on.total_seconds()
    assert strikes is within


@given(
    wanted=st.lists(st.sampled_from(["*.jpg", "b/*.jpg", "/a/*", "*"])),
    unwanted=st.sampled_from(["", "/x*"]),
    path=paths,
)
def test_patterns_of_paths(wanted: list[str], unwanted: str, path: str) -> None:
    match = Match(tuple(wanted), (unwanted,) if unwanted else ())
    fits = match.fits(path, is_path=True)
    if not path or (unwanted and fnmatchcase(path, unwanted)):
        assert not fits
    elif not wanted or "*" in wanted:
        assert fits
    if fits and wanted == ["b/*.jpg"]:
        assert path == "/a/b/x.jpg"


@given(st.permutations([(subject_, n) for subject_ in "abcd" for n in range(6)]), st.integers(0, 2**63 - 1))
@settings(max_examples=50)
def test_chance_does_not_depend_on_who_comes_first(order: Sequence[tuple[str, int]], seed: int) -> None:
    rule = Rule(name="r", points=("transfer.file",), action=HOLD, chance=0.5)

    def struck(names: Sequence[str]) -> dict[str, list[bool]]:
        it, found = armed(rule, seed=seed), {name: list[bool]() for name in "abcd"}
        for name in names:
            found[name].append(ask(it, rule, Occasion(world="w", point="transfer.file", path=f"/{name}")))
        return found

    assert struck([name for name, _ in order]) == struck([name for name in "abcd" for _ in range(6)])


def test_chance_is_about_what_it_says_and_differs_between_worlds_and_seeds() -> None:
    rule = Rule(name="r", points=("transfer.file",), action=HOLD, chance=0.3)
    drawn = {
        (seed, world): [
            draw(
                Arming(
                    number=1, world=world, scenario=Scenario(name="s", rules=(rule,)), since=SINCE, seed=seed
                ),
                "r",
                "~x",
                n,
            )
            for n in range(2000)
        ]
        for seed in (1, 2)
        for world in ("w", "v")
    }
    shares = [sum(each < 0.3 for each in found) / 2000 for found in drawn.values()]
    assert all(0.25 < share < 0.35 for share in shares)
    assert len({tuple(found) for found in drawn.values()}) == 4
    assert all(0 <= each < 1 for found in drawn.values() for each in found)


def test_what_differs_between_runs_is_not_part_of_the_subject() -> None:
    one = Occasion(world="a", point="notify.deliver", job="1", url="http://127.0.0.1:1/", job_name="n")
    two = Occasion(world="b", point="notify.deliver", job="2", url="http://127.0.0.1:2/", job_name="n")
    assert subject(one, with_job=False) == subject(two, with_job=False)
    assert subject(one, with_job=True) != subject(two, with_job=True)


def test_a_rule_counts_only_what_it_must() -> None:
    rule = Rule(name="r", points=("*",), action=HOLD)
    it = armed(rule)
    assert ask(it, rule, Occasion(world="w", point="job.staged"))
    assert it.counts == {("r", ""): Count(0, 1)}
