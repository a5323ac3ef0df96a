"""What worlds draw by chance: with a seed the same in every run, whoever draws in between."""

from __future__ import annotations

import threading
from pathlib import Path

from emulator.domain.uuids import type_of
from emulator.engine.ids import WorldIds
from emulator.store import Store


def drawn(ids: WorldIds, world: str = "w") -> list[object]:
    chance = ids.of(world)
    return [
        *(chance.job() for _ in range(3)),
        *(chance.legacy("007", subject=f"job {n % 2}") for n in range(6)),
        *(chance.legacy("011") for _ in range(3)),
        chance.postit(),
        chance.token(),
        chance.key(),
        chance.fraction("rule"),
        chance.fraction("rule"),
    ]


def seeded(seed: int | None, generation: int = 0, world: str = "w") -> WorldIds:
    ids = WorldIds()
    ids.begin(world, seed, generation)
    return ids


def test_one_seed_draws_the_same_and_another_one_does_not() -> None:
    first = drawn(seeded(7))
    assert first == drawn(seeded(7))
    assert len(set(first)) == len(first)
    for other in (seeded(8), seeded(7, generation=1), seeded(None)):
        assert set(drawn(other)).isdisjoint(first)
    assert set(drawn(seeded(7, world="v"), "v")).isdisjoint(first)


def test_streams_do_not_depend_on_what_others_draw() -> None:
    alone, among = seeded(7).of("w"), seeded(7).of("w")
    expected = [alone.legacy("007", subject="mine") for _ in range(50)]

    def disturb() -> None:
        for number in range(200):
            among.legacy("007", subject=f"other {number % 3}")
            among.job()

    threads = [threading.Thread(target=disturb) for _ in range(4)]
    for thread in threads:
        thread.start()
    found = [among.legacy("007", subject="mine") for _ in range(50)]
    for thread in threads:
        thread.join()
    assert found == expected


def test_a_restart_draws_nothing_a_second_time(tmp_path: Path) -> None:
    store = Store.at(tmp_path)
    ids = WorldIds(store)
    ids.begin("w", 7)
    seen = set(drawn(ids))
    for start in range(1, 4):
        again = WorldIds(store)
        assert again.seed_of("w") == (7, start)
        more = set(drawn(again))
        assert more.isdisjoint(seen)
        seen |= more
    ids.begin("w", 7)
    assert set(drawn(ids)) <= seen, "a world that begins anew draws what it drew the first time"
    ids.forget("w")
    assert WorldIds(store).seed_of("w") is None
    store.close()


def test_ids_have_the_forms_of_their_types() -> None:
    for ids in (seeded(7), seeded(None)):
        chance = ids.of("w")
        assert type_of(chance.job()) == "JOB" and len(chance.job()) == 40
        assert type_of(chance.legacy("011")) == type_of(chance.legacy("011", subject="s")) == "NOTIFICATION"
        assert chance.legacy("011") < chance.legacy("011"), "later ones are greater"
        assert len(chance.token()) == 32 and len(chance.key()) == 28
        assert 0 <= chance.fraction("s") < 1


def test_fractions_of_a_seed_of_their_own_depend_on_nothing_else() -> None:
    one, other = seeded(7).of("w"), seeded(None).of("w")
    assert one.fraction("rule 1 #3", seed=5) == other.fraction("rule 1 #3", seed=5)
    assert one.fraction("rule 1 #3", seed=5) != one.fraction("rule 1 #4", seed=5)
    many = [one.fraction(f"n {n}", seed=5) for n in range(2000)]
    assert 0.45 < sum(many) / len(many) < 0.55
