"""The gate: which rule speaks up, how often, when; what it counts, and what survives the program's end."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import text

from emulator.domain.clock import FIRST_MOMENT
from emulator.domain.errors import NotFound, PreconditionFailed, Unavailable
from emulator.domain.fault import Action, Occasion, Strike
from emulator.engine.armed import Standing
from emulator.engine.stops import Stops
from tests.unit.scenario.armed import WORLD, Bench, bench


@pytest.fixture
def gate(tmp_path: Path) -> Iterator[Bench]:
    with bench(tmp_path) as started:
        yield started


def test_nothing_armed_nothing_asked(gate: Bench) -> None:
    assert not gate.gate.armed(WORLD, "transfer")
    assert gate.strike() is None


def test_only_the_families_of_its_rules_listen(gate: Bench) -> None:
    gate.arm("- {at: http.jobs.*, do: hold}\n- {at: [host.connect, scheduler], do: {delay: 1}}")
    listening = [
        f for f in ("http", "host", "scheduler", "job", "transfer", "token") if gate.gate.armed(WORLD, f)
    ]
    assert listening == ["http", "host", "scheduler"]
    assert not gate.gate.armed("other", "http")
    assert gate.strike("http.jobs.list", world="other") is None


@pytest.mark.parametrize(
    ("at", "point", "quiet"),
    [
        ("*submit", "http.jobs.submit", ""),
        ("*submit", "scheduler.submit", ""),
        ("h*t*", "host.connect", "token"),
        ("[ht]o*", "token.check", ""),
        ("?ob.staged", "job.staged", "http"),
        ("http", "http.jobs.list", "job"),
    ],
)
def test_patterns_reach_over_the_dot(gate: Bench, at: str, point: str, quiet: str) -> None:
    gate.arm(f"- {{at: '{at}', do: hold}}")
    assert gate.strike(point) is not None
    assert not quiet or not gate.gate.armed(WORLD, quiet)


def test_the_first_rule_that_matches_speaks_and_scenarios_go_in_the_order_of_arming(gate: Bench) -> None:
    gate.arm(
        "- {name: early, at: transfer.file, when: {path: '*.jpg'}, do: read-error, times: 1}", name="one"
    )
    gate.arm("- {name: late, at: transfer.file, do: vanish}", name="two")
    assert gate.struck(3, path="/a.jpg") == ["early", "late", "late"]
    assert gate.struck(1, path="/a.png") == ["late"]


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        ("times: once", "x......"),
        ("times: 3", "xxx...."),
        ("when: {nth: 2}", ".x....."),
        ("when: {nth: [1, 4]}", "x..x..."),
        ("when: {nth: 2..3}", ".xx...."),
        ("when: {nth: 5..}", "....xxx"),
        ("when: {nth: every 3}", "..x..x."),
        ("when: {nth: 2..}, times: 2", ".xx...."),
        ("chance: 0", "......."),
        ("chance: 100%", "xxxxxxx"),
        ("times: forever", "xxxxxxx"),
    ],
)
def test_how_often(gate: Bench, rule: str, expected: str) -> None:
    gate.arm(f"- {{at: transfer.file, do: read-error, {rule}}}")
    assert gate.pattern(7) == expected


def test_nth_counts_what_other_rules_spoke_up_at(gate: Bench) -> None:
    gate.arm(
        "- {name: a, at: transfer.file, when: {nth: 1}, do: read-error}\n"
        "- {name: b, at: transfer.file, when: {nth: 2}, do: vanish}\n"
        "- {name: c, at: transfer.file, when: {nth: 3}, do: deny}"
    )
    assert gate.struck(4) == ["a", "b", "c", None]


def test_each_job_has_counters_of_its_own(gate: Bench) -> None:
    gate.arm("- {at: transfer.file, do: read-error, when: {nth: 2..}, times: 2, per: job}")
    assert [gate.pattern(5, job="1"), gate.pattern(5, job="2")] == [".xx..", ".xx.."]


def test_after_another_rule(gate: Bench) -> None:
    gate.arm(
        "- {name: second, at: job.archiving, do: hold, after: first}\n"
        "- {name: first, at: transfer.file, do: read-error, times: 1}"
    )
    assert gate.struck(1, "job.archiving", job="1") == [None]
    assert gate.struck(1) == ["first"]
    assert gate.struck(1, "job.archiving", job="1") == ["second"]


def test_after_in_each_job(gate: Bench) -> None:
    gate.arm(
        "- {name: first, at: transfer.file, do: read-error, times: 1, per: job}\n"
        "- {name: second, at: job.archiving, do: {delay: 1}, times: 1, per: job, after: first}"
    )
    assert gate.struck(1, job="1") == ["first"]
    assert gate.struck(1, "job.archiving", job="2") == [None]
    assert gate.struck(1, "job.archiving", job="1") == ["second"]


def test_windows_and_flapping_by_the_worlds_clock(gate: Bench) -> None:
    gate.arm("- {at: transfer.file, do: read-error, from: +10s, until: +40s, flap: 10s/5s}")
    seen = ""
    for _ in range(10):
        seen += gate.pattern(1)
        gate.advance(5)
    assert seen == "..xx.xx..."
    assert not gate.gate.armed(WORLD, "transfer")


def test_absolute_times(gate: Bench) -> None:
    gate.arm("- {at: transfer.file, do: read-error, from: 2026-01-01T00:01:00Z, until: 2026-01-01 00:02:00}")
    seen = ""
    for _ in range(4):
        seen += gate.pattern(1)
        gate.advance(30)
    assert seen == "..xx" and gate.pattern(1) == "."


def test_an_expired_scenario_goes_by_itself_and_lets_go_what_it_holds(gate: Bench) -> None:
    gate.arm("- {at: job.running, do: hold}", head="expires: 1h")
    strike = gate.strike("job.running", job="1")
    assert strike is not None
    woken = threading.Event()
    gate.gate.on_release(strike, woken.set)
    gate.advance(3599)
    assert not gate.gate.released(strike) and not woken.is_set()
    gate.advance(1)
    assert gate.gate.released(strike) and woken.is_set()
    assert not gate.gate.armed(WORLD, "job")
    assert [state.standing for state in gate.armory.states(WORLD)] == [Standing.EXPIRED]
    gate.arm("- {at: job.running, do: hold}")  # gives way
    assert gate.strike("job.running", job="1") is not None


def test_a_hold_holds_until_it_is_released_and_each_job_once(gate: Bench) -> None:
    gate.arm("- {name: stop, at: job.running, do: hold}\n- {name: other, at: job.running, do: {delay: 1}}")
    first, again = gate.strike("job.running", job="1"), gate.strike("job.running", job="1")
    assert first is not None and first == again and first.rule == "stop"
    woken: list[str] = []
    gate.gate.on_release(first, lambda: woken.append("first"))
    take_back = gate.gate.on_release(first, lambda: woken.append("second"))
    take_back()
    assert [strike.occasion.job for strike in gate.armory.release(WORLD, "test", "stop")] == ["1"]
    assert woken == ["first"] and gate.gate.released(first)
    gate.gate.on_release(first, lambda: woken.append("at once"))
    assert woken == ["first", "at once"]
    assert gate.struck(1, "job.running", job="1") == ["other"]  # passed the one, met by the next
    assert gate.struck(1, "job.running", job="2") == ["stop"]
    assert len(gate.armory.release(WORLD)) == 2


@pytest.mark.parametrize(
    ("at", "facts"),
    [
        ("http.jobs.list", {"user": "u"}),
        ("transfer.file", {"job": "1", "path": "/out.txt", "transfer": "download"}),  # of a job's output
    ],
)
def test_requests_are_each_held_for_themselves(gate: Bench, at: str, facts: dict[str, str]) -> None:
    gate.arm(f"- {{at: {at}, do: hold, times: 2}}")
    strikes = [gate.strike(at, **facts) for _ in range(3)]
    assert [strike and strike.number for strike in strikes] == [1, 2, None]
    assert strikes[0] is not None
    gate.gate.on_release(strikes[0], lambda: None)()  # the client has gone
    holding = gate.armory.states(WORLD)[0].rules[0].holding
    assert [strike.number for strike in holding] == [2]
    assert gate.armory.disarm(WORLD) == 1
    assert all(strike is None or gate.gate.released(strike) for strike in strikes)


def test_a_delay_ends_by_the_clock(gate: Bench) -> None:
    gate.arm("- {at: job.staged, do: {delay: 48h}}")
    strike = gate.strike("job.staged", job="1")
    assert strike is not None and strike.until is not None
    woken: list[None] = []
    gate.gate.on_release(strike, lambda: woken.append(None))
    gate.advance(48 * 3600 - 1)
    assert gate.strike("job.staged", job="1") == strike and not woken
    gate.advance(1)
    assert woken == [None] and gate.gate.released(strike)
    assert gate.strike("job.staged", job="1") is None
    assert gate.armory.states(WORLD)[0].rules[0].struck == 1


def test_what_is_spent_is_asked_no_more(gate: Bench) -> None:
    gate.arm("- {at: transfer.file, do: read-error, times: 2}")
    assert gate.pattern(2) == "xx"
    assert not gate.gate.armed(WORLD, "transfer")
    assert gate.armory.states(WORLD)[0].standing is Standing.SPENT


@pytest.mark.parametrize("action", ["hold", "{hold: 3h}", "{delay: 48h}"])
def test_what_waits_knows_when_its_scenario_expires(gate: Bench, action: str) -> None:
    """Else nobody could let time pass up to there."""
    gate.arm(f"- {{at: job.staged, do: {action}}}", head="expires: 2h")
    strike = gate.strike("job.staged", job="1")
    assert strike is not None and strike.until == gate.clocks.of(WORLD).now() + timedelta(hours=2)


@pytest.mark.parametrize("nth", ["2", "[1, 2]", "1..2"])
def test_what_has_had_its_turn_is_asked_and_counted_no_more(gate: Bench, nth: str) -> None:
    gate.arm(f"- {{at: transfer.file, when: {{nth: {nth}}}, do: read-error}}")
    gate.struck(2)
    assert not gate.gate.armed(WORLD, "transfer")
    assert gate.armory.states(WORLD)[0].standing is Standing.SPENT


def test_whose_forerunner_has_struck_for_another_job_says_so(gate: Bench) -> None:
    gate.arm(
        "- {name: a, at: job.staged, when: {job: '1'}, per: job, times: 1, do: hold}\n"
        "- {name: b, at: job.queued, per: job, times: 1, after: a, do: hold}"
    )
    assert gate.struck(1, "job.staged", job="1") == ["a"]
    assert gate.struck(1, "job.queued", job="2") == [None]
    assert gate.armory.states(WORLD)[0].rules[1].silence == "'a' has not struck"


def test_turns_of_each_job_are_over_for_that_job(gate: Bench) -> None:
    gate.arm("- {at: transfer.file, when: {nth: 2}, per: job, do: read-error}")
    assert gate.struck(4, job="1") == [None, "rule 1", None, None]
    state = gate.armory.states(WORLD)[0].rules[0]
    assert (state.met, state.silence) == (2, "its turn is over")
    assert gate.struck(2, job="2") == [None, "rule 1"]


def test_a_held_job_still_finds_a_spent_rule(gate: Bench) -> None:
    gate.arm("- {at: job.running, do: hold, times: 1}")
    held = gate.strike("job.running", job="1")
    assert gate.gate.armed(WORLD, "job") and gate.strike("job.running", job="1") == held
    assert gate.strike("job.running", job="2") is None
    gate.armory.release(WORLD)
    assert not gate.gate.armed(WORLD, "job")


def test_one_of_a_name(gate: Bench) -> None:
    gate.arm("- {at: transfer.file, do: read-error, times: 2}")
    gate.strike()
    with pytest.raises(PreconditionFailed, match="armed in world default already"):
        gate.arm("- {at: transfer.file, do: vanish}")
    assert gate.struck(1) == ["rule 1"]
    gate.arm("- {name: new, at: transfer.file, do: vanish}", again=True)
    assert gate.struck(1) == ["new"]
    with pytest.raises(NotFound, match="'nope' is armed in world default; armed are test"):
        gate.armory.disarm(WORLD, "nope")
    with pytest.raises(NotFound, match="no rule 'nope'; it has new"):
        gate.armory.release(WORLD, "test", "nope")


def test_the_journal_has_every_strike(gate: Bench) -> None:
    gate.arm("- {name: r, at: transfer.file, do: {slow: 1KiB}}")
    gate.strike(path="/a", user="u")
    with gate.store.read() as tx:
        (entry,) = tx.scenarios.journal(WORLD)
    assert (entry.scenario, entry.rule, entry.number, entry.point) == ("test", "r", 1, "transfer.file")
    assert entry.facts == {"path": "/a", "user": "u"} and entry.action == "slow"
    assert entry.at == gate.clocks.of(WORLD).now()


def test_what_cannot_be_kept_has_not_happened(gate: Bench) -> None:
    gate.arm("- {at: transfer.file, do: read-error, times: 1}")
    with gate.store.write() as tx:
        tx.scenarios._connection.execute(text("DROP TABLE strikes"))
    with pytest.raises(Unavailable):
        gate.strike()
    assert gate.armory.states(WORLD)[0].rules[0].struck == 0


def test_many_threads_count_to_the_right_number(gate: Bench) -> None:
    gate.arm("- {at: transfer.file, do: read-error, times: 20}")
    found: list[str] = []
    threads = [
        threading.Thread(target=lambda n=n: found.append(gate.pattern(10, path=f"/{n}"))) for n in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert "".join(found).count("x") == 20
    with gate.store.read() as tx:
        assert sorted(each.number for each in tx.scenarios.journal(WORLD)) == list(range(1, 21))


def test_everything_goes_on_where_it_was(tmp_path: Path) -> None:
    rules = (
        "- {name: few, at: transfer.file, do: read-error, times: 3}\n"
        "- {name: third, at: transfer.file, when: {nth: 5}, do: vanish}\n"
        "- {name: stop, at: job.running, do: hold, times: 1}\n"
        "- {name: wait, at: job.staged, do: {delay: 1h}}"
    )
    with bench(tmp_path) as first:
        first.arm(rules, head="expires: 2h")
        assert first.struck(2) == ["few", "few"]
        held, delayed = first.strike("job.running", job="1"), first.strike("job.staged", job="1")
        seed = first.armory.states(WORLD)[0].seed
    with bench(tmp_path) as second:
        assert second.struck(4) == ["few", None, "third", None]
        assert second.strike("job.running", job="1") == held
        assert second.strike("job.running", job="2") is None
        assert second.strike("job.staged", job="1") == delayed
        assert second.armory.states(WORLD)[0].seed == seed
        assert len(second.armory.release(WORLD, "test", "stop")) == 1
    with bench(tmp_path) as third:
        assert third.strike("job.running", job="1") is None
        third.advance(3600)
        assert third.strike("job.staged", job="1") is None
        third.advance(3600)
        assert [state.standing for state in third.armory.states(WORLD)] == [Standing.EXPIRED]
    with bench(tmp_path) as fourth:
        assert [state.standing for state in fourth.armory.states(WORLD)] == [Standing.EXPIRED]
        assert fourth.armory.disarm(WORLD) == 1
    with bench(tmp_path) as last:
        assert last.armory.states(WORLD) == []


def test_a_text_that_is_not_understood_any_more_is_told(tmp_path: Path) -> None:
    with bench(tmp_path) as first:
        first.arm("- {at: transfer.file, do: read-error}")
        with first.store.write() as tx:
            tx.scenarios._connection.execute(text("UPDATE armed_scenarios SET text = 'name: test'"))
    with bench(tmp_path) as second:
        (state,) = second.armory.states(WORLD)
        assert state.standing is Standing.BROKEN and "`rules` is missing" in state.problem
        assert not second.gate.armed(WORLD, "transfer")
        second.arm("- {at: transfer.file, do: read-error}")
        assert second.pattern(1) == "x"


def test_a_world_forgotten_in_the_store_is_forgotten_here(gate: Bench) -> None:
    gate.arm("- {at: job.running, do: hold}")
    held = gate.strike("job.running", job="1")
    assert held is not None
    with gate.store.write() as tx:
        tx.scenarios.forget_world(WORLD)
    gate.armory.load(WORLD)
    assert gate.gate.released(held) and not gate.gate.armed(WORLD, "job")
    assert gate.armory.states(WORLD) == []


def test_what_has_ended_by_itself_takes_no_room() -> None:
    stops, now = Stops(), FIRST_MOMENT
    for number in range(10_000):
        now += timedelta(seconds=1)
        occasion = Occasion(world=WORLD, point="http.jobs.list")
        until = now + timedelta(seconds=30)
        delay = Action("delay", {"for": 30})
        strike = Strike(scenario="s", rule="r", action=delay, occasion=occasion, number=number, until=until)
        stops.add(strike, now)
        assert stops.find(strike) is not None
    assert sum(1 for _ in stops.of(0)) <= 1001


@pytest.mark.parametrize(
    ("rule", "why"),
    [
        ("when: {path: '*.jpg'}", "path is '/a.png', not *.jpg"),
        ("when: {user: ['a*', '!ab']}", "it has no user"),
        ("when: {path: '!*.png'}", "path is '/a.png', not anything but *.png"),
        ("from: +1s", "its time has not come"),
        ("until: 2025-01-01", "its time is over"),
        ("flap: 10s/5s, from: 2025-12-31T23:59:48", "it is in a silent part of its flapping"),
        ("after: other", "'other' has not struck"),
        ("times: 1, per: path", "it has struck as often as it may"),
    ],
)
def test_a_rule_tells_why_it_said_nothing(gate: Bench, rule: str, why: str) -> None:
    gate.arm(f"- {{at: transfer.file, do: read-error, {rule}}}\n- {{name: other, at: job.*, do: hold}}")
    for _ in range(2):
        gate.strike(path="/a.png")
    state, other = gate.armory.states(WORLD)[0].rules
    if "until" in rule:  # over for good: it is not even asked
        assert state.standing is Standing.EXPIRED and not gate.gate.armed(WORLD, "transfer")
    else:
        assert state.silence == why and state.passed == (1 if "times" in rule else 2)
    assert (other.passed, other.silence) == (0, "")
