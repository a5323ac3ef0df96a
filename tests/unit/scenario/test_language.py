"""The language: what is understood, and what is said of what is not; always all of it, with its line."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from emulator.domain.scenario import Flap, Match, Rule, Scenario, Turns
from emulator.scenario.load import MOST_RULES, read_scenario
from emulator.scenario.mistakes import BadScenario
from emulator.scenario.timeline import timeline
from tests.unit.scenario.armed import POINTS


def read(text: str | bytes) -> Scenario:
    return read_scenario(text, "f.yaml", POINTS)


def rule(text: str) -> Rule:
    return read(f"name: n\nrules:\n- {{at: transfer.file, do: read-error, {text}}}").rules[0]


def mistakes(text: str | bytes) -> list[str]:
    with pytest.raises(BadScenario) as caught:
        read(text)
    return caught.value.message.splitlines()


def test_all_there_is() -> None:
    scenario = read(
        """
# what teachers read
name: storage-flaps
description: |
  Two
  lines.
seed: 7
expires: 2h
rules:
  - name: the second picture
    at: transfer.file
    when: {app: "classifier-*", path: ["*.jpg", "!*/keep/*"], user: "!admin", nth: 2}
    do: {slow: {rate: 10KB/s}}
    times: twice
    per: job
    chance: 30%
    from: +10m
    until: 2026-12-01T10:00:00+01:00
    flap: 30s/10s
    expires: 1h
  - at: [host, "http.jobs.*"]
    do: hold
    after: the second picture
"""
    )
    first, second = scenario.rules
    assert (scenario.name, scenario.description, scenario.seed) == ("storage-flaps", "Two\nlines.\n", 7)
    assert scenario.expires == timedelta(hours=2)
    assert first.facts == {
        "app": Match(("classifier-*",)),
        "path": Match(("*.jpg",), ("*/keep/*",)),
        "user": Match((), ("admin",)),
    }
    assert first.action.kind == "slow" and first.action.args["rate"] == 10_000
    assert (first.turns, first.times, first.per, first.chance) == (Turns(((2, 2),)), 2, "job", 0.3)
    assert first.start == timedelta(minutes=10) and first.until == datetime(2026, 12, 1, 9, tzinfo=UTC)
    assert first.flap == Flap(timedelta(seconds=30), timedelta(seconds=10)) and first.line == 10
    assert (second.name, second.points, second.after) == ("rule 2", ("host.*", "http.jobs.*"), first.name)
    assert second.action.args == {"for": None}


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("90", 90),
        ("1.5s", 1.5),
        ("250ms", 0.25),
        ("10m", 600),
        ("48h", 172800),
        ("7d", 604800),
        ("1h30m", 5400),
    ],
)
def test_durations(text: str, seconds: float) -> None:
    found = read(f"name: n\nrules: [{{at: transfer.file, do: {{delay: {text}}}}}]").rules[0]
    assert found.action.args == {"for": seconds}


def test_json_is_yaml() -> None:
    text = '{"name": "n", "rules": [{"at": "job.staged", "do": {"delay": {"for": 3}}, "times": null, "chance": 0.5}]}'
    found = read(text).rules[0]
    assert found.action.args == {"for": 3} and found.times is None and found.chance == 0.5


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ("tmes: 2", "unknown key of a rule `tmes`; did you mean `times`?"),
        ("times: 0", "`times` cannot be `0`: it is a number from 1 on, once, twice or forever"),
        ("times: often", "`times` cannot be `often`"),
        ("times: [1, 2]", "`times` is a plain value"),
        ("chance: 2", "`chance` cannot be `2`: it is a share from 0 to 1"),
        ("chance: -0.5", "`chance` cannot be `-0.5`"),
        ("chance: nan", "`chance` cannot be `nan`"),
        ("flap: 30s", "`flap` cannot be `30s`: it is how long it strikes"),
        ("flap: 0s/10s", "`flap` cannot be `0s/10s`"),
        ("from: soon", "`from` cannot be `soon`: it is a time after arming such as +10m"),
        ("from: +2h, until: +1h", "`until` is not later than `from`"),
        ("from: +2h, expires: 2h", "`expires` is not later than `from`"),
        ("expires: 0", "`expires` cannot be `0`: it is later than arming"),
        ("until: +0s", "`until` cannot be `+0s`: it is later than arming"),
        ("expires: 10 weeks", "`expires` cannot be `10 weeks`"),
        ("expires: 999999999d", "`expires` cannot be `999999999d`"),
        ("when: {nth: 0}", "`nth` cannot be `0`: it is which occasions are meant"),
        ("when: {nth: 5..2}", "`nth` cannot be `5..2`"),
        ("when: {nth: []}", "`nth` is an empty list"),
        ("when: {usr: x}", "unknown key of `when` `usr`; did you mean `user`?"),
        (
            "when: {event: x}",
            "nothing is known of `event` at `transfer.file`; what can be asked there: `user`",
        ),
        ("when: {transfer: [input, archiv]}", "unknown transfer `archiv`; did you mean `archive`?"),
        ("when: {transfer: '!*load?'}", "unknown transfer `*load?`"),
        ("when: {app: ''}", "`app` is empty: nothing would fit"),
        ("when: {app: [a, '!']}", "`app` is empty: nothing would fit"),
        ("when: [user]", "`when` is a mapping with `user`"),
        ("after: it", "unknown rule `it`"),
        ("after: rule 1", "`after` names the rule itself"),
        ("per: jb, times: 1", "unknown fact `jb`; did you mean `job`?"),
        ("per: event, times: 1", "nothing is known of `event` at `transfer.file`"),
        ("per: job", "`per` says for what `times` or `nth` count apart: neither is there"),
        ("times: 1, times: 2", "`times` stands in a rule twice"),
        ("name: 'a\tb'", "`name` has at most 128 characters and is on one line"),
        ("times: !!python/object/apply:os.system [x]", "tags are not understood here"),
    ],
)
def test_what_is_said_of_a_rule(wrong: str, said: str) -> None:
    found = mistakes(f"name: n\nrules:\n- {{at: transfer.file, do: read-error, {wrong}}}")
    assert found[0].startswith("f.yaml:3: ") and said in found[0], found


@pytest.mark.parametrize(
    ("at", "do", "said"),
    [
        (
            "job.stagng",
            "hold",
            "unknown point `job.stagng`; did you mean `job.staging_inputs` or `job.staging_job`?",
        ),
        ("http.jobs.sumbit", "hold", "unknown point `http.jobs.sumbit`; did you mean `http.jobs.submit`"),
        ("http.nothing.*", "hold", "unknown point `http.nothing.*`"),
        ("host.conect", "hold", "unknown point `host.conect`; did you mean `host.connect`?"),
        ("[]", "hold", "`at` is an empty list"),
        ("job.staged", "hld", "unknown action `hld`; did you mean `hold`?"),
        (
            "job.staged",
            "read-error",
            "`read-error` makes no sense at `job.staged`: it can be done at `transfer.file`",
        ),
        ("job.*", "partial", "`partial` makes no sense at `job.pending`"),
        (
            "[transfer.file, host.exec]",
            "drop",
            "`drop` is something else at each of these points: write a rule for each",
        ),
        (
            "job.staged",
            "{delay: 30 parsecs}",
            "`for` of `delay` cannot be `30 parsecs`: it is a duration such as 90",
        ),
        ("job.staged", "{delay: 1, hold: 1}", "`do` is one action"),
        ("job.staged", "[delay]", "`do` is one action"),
        ("job.staged", "delay", "`delay` needs `for`: how long"),
        (
            "job.staged",
            "{delay: {fr: 3}}",
            "unknown key of the arguments of `delay` `fr`; did you mean `for`?",
        ),
        ("job.staged", "{stop-emulator: now}", "`stop-emulator` takes no arguments"),
        ("app.run", "{exit: -1}", "`code` of `exit` cannot be `-1`: it is a whole number, 0 or more"),
        ("app.run", "{flood: 11GiB}", "`flood`: bytes is at most 10GiB"),
        ("http.jobs.submit", "{status: 99}", "code is a status of HTTP"),
    ],
)
def test_what_is_said_of_points_and_actions(at: str, do: str, said: str) -> None:
    found = mistakes(f"name: n\nrules:\n- at: {at}\n  do: {do}")
    assert any(said in each for each in found), found


@pytest.mark.parametrize(
    ("text", "line", "said"),
    [
        ("", 1, "there is nothing in it"),
        ("# nothing\n", 1, "there is nothing in it"),
        ("- a", 1, "a scenario is a mapping with `name`, `description`"),
        ("name: n", 1, "`rules` is missing in a scenario"),
        ("name: n\nrules:", 1, "`rules` is empty in a scenario"),
        ("name: n\nrules: []", 2, "`rules` is a list of at least one rule"),
        ("name: n\nrules: [x]", 2, "a rule is a mapping with `name`, `at`"),
        ("name: n\nrules: [{}]", 2, "`at` is missing in a rule"),
        ("name: a b\nrules: [{at: job, do: hold}]", 1, "`name` cannot be `a b`"),
        ("name: n\nseed: -1\nrules: [{at: job, do: hold}]", 2, "`seed` cannot be `-1`"),
        ("name: n\nrules:\n- at: [\n", 4, "no YAML: "),
        ("name: n\n\tx", 2, "no YAML: "),
        ("---\nname: n\n---\nname: m", 3, "a second document"),
        ("a: &x [1]\nb: *x", 2, "anchors and aliases are not understood here"),
        ("path: *.jpg", 1, "what begins with `*` goes in quotes"),
        ("app: *foo", 1, "what begins with `*` goes in quotes"),
        ("{user: !admin}", 1, "what begins with `!` goes in quotes"),
        ("user: !admin", 1, "what begins with `!` goes in quotes"),
        (b"name: \xff", 1, "not UTF-8"),
        (b"name: x\n\n\xe9", 3, "not UTF-8"),
        ("name: \x00", 1, "no YAML: "),
        ('name: "\\ud800"', 1, ""),
        ("[" * 10_000, 1, "nested too deeply"),
        ("- " * 10_000, 1, "nested too deeply"),
        ("x" * 200_001, 1, "a scenario has at most 200,000 characters"),
        (b"\xc3\xa9" * 500_000, 1, "a scenario has at most 200,000 characters"),
        ("[" + "1," * 30_000 + "]", 1, "more than 20,000 parts"),
        (
            "name: n\nrules:\n" + "- {at: job, do: hold}\n" * (MOST_RULES + 1),
            MOST_RULES + 3,
            "at most 500 rules",
        ),
    ],
)
def test_what_is_said_of_a_file(text: str | bytes, line: int, said: str) -> None:
    found = mistakes(text)
    assert any(each.startswith(f"f.yaml:{line}: ") and said in each for each in found), found


def test_a_bomb_of_aliases_does_not_go_off() -> None:
    lines = ["a0: &a0 [x, x]"] + [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 12)]
    assert all("anchors and aliases" in each for each in mistakes("\n".join(lines)))


def test_all_mistakes_are_told_at_once_in_the_order_of_lines() -> None:
    found = mistakes(
        "nam: n\nrules:\n- at: job.stagd\n  do: hold\n- {name: a, at: job.staged, do: hold, after: b}\n"
        "- {name: b, at: job.staged, do: hold, after: a}\n- {name: a, at: job.staged, do: {delay: x}}"
    )
    lines = [int(each.split(":")[1]) for each in found]
    assert lines == sorted(lines) and set(lines) == {1, 3, 5, 6, 7}
    assert sum("leads back to this rule" in each for each in found) == 2
    assert any("the name `a` has been given to the rule in line 5" in each for each in found)


@pytest.mark.parametrize(("end", "start"), [("1h", "+1h"), ("2026-12-01", "2026-12-02")])
def test_what_begins_after_its_scenario_has_expired(end: str, start: str) -> None:
    text = f"name: n\nexpires: {end}\nrules:\n- at: job.staged\n  do: hold\n  from: {start}"
    assert mistakes(text) == ["f.yaml:6: `from` is when the scenario has expired: it would never strike"]


def test_words_that_are_texts_stay_texts() -> None:
    found = rule("name: 2026-01-01, when: {user: yes, queue: 010, app: ~}")
    assert found.name == "2026-01-01"
    assert found.facts == {"user": Match(("yes",)), "queue": Match(("010",))}


@given(st.binary(max_size=300) | st.text(max_size=300).map(str.encode))
@settings(max_examples=200, deadline=None)
def test_whatever_comes_is_understood_or_told(data: bytes) -> None:
    try:
        read(data)
    except BadScenario as error:
        assert error.mistakes and error.message


json_like: Any = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=8)
    | st.sampled_from(["hold", "job.*"]),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(["name", "rules", "at", "do", "when", "nth", "times", "after", "per", "x"]),
            inner,
            max_size=6,
        )
    ),
    max_leaves=25,
)


@given(json_like)
@settings(max_examples=200, deadline=None)
def test_whatever_is_in_it_is_understood_or_told(document: Any) -> None:
    import yaml

    text = yaml.safe_dump({"name": "n", "rules": [document, {"at": "job.staged", "do": document}]})
    try:
        assert timeline(read(text), POINTS)
    except BadScenario as error:
        assert all(mistake.line >= 1 and mistake.text for mistake in error.mistakes)


def test_a_timeline_in_plain_words() -> None:
    scenario = read(
        """
name: bad-hour
description: The queue stands still, then the storage flaps.
seed: 3
expires: 2h
rules:
  - {name: queue, at: scheduler.submit, do: {hold-queue: 48h}, times: once, when: {queue: "!debug", user: [a, b]}}
  - {at: transfer.file, when: {nth: 2.., path: "*.jpg"}, per: job, do: read-error, after: queue, chance: 0.25,
     from: +90s, until: +1h, flap: 30s/10s, times: 3}
  - {at: transfer, do: {slow: 64KiB/s}}
  - {at: "http.*", do: {status: {code: 503, body: "<p>\\n</p>"}}}
"""
    )
    told = timeline(scenario, POINTS)
    for words in (
        "bad-hour\nThe queue stands still, then the storage flaps.\nDisarms itself 2 h after arming.",
        "Chances are drawn from the seed 3.",
        "1. queue\n   at:    scheduler.submit (",
        "where: queue is anything but debug",
        "where: user is a or b",
        "does:  hold-queue (for: 48 h",
        "times: once",
        "2. rule 2\n   when:  from 1 m 30 s after arming on; until 1 h after arming; for 30 s, then not for 10 s, "
        "and so on; once `queue` has struck",
        "which: the 2nd and all later of each job; by chance, 25 % of them",
        "times: 3 times for each job",
        "does:  slow (rate: 65536 bytes a second)",
        r'body: "<p>\n</p>"',
    ):
        assert words in told, told
