"""Every open point of the API, turned: pairs of answers together, with bad records in the batches."""

from collections.abc import Iterator
from itertools import combinations
from pathlib import Path
from typing import TypeAlias

import pytest
from museum import Museum

from syncd.domain.runs import Status
from syncd.sandbox.customers import Customer
from syncd.sandbox.switches import Switches, positions

SETTLE = 700.0  # seconds; longer than a create of unknown fate waits
# The ruder habits have tests of their own, with what is right for each
LEFT_OUT = {
    "email_unique",
    "bad_single",
    "blank_dates",
    "busy",
    "delete_key",
    "dotted_ids",
    "email_form",
    "errors_tell",
    "foreign_id_form",
    "foreign_id_found",
    "hides_category",
    "login_email",
    "merged",
    "name_form",
    "notes_form",
    "order_keys",
    "proxy",
    "reads",
    "tel_form",
}
POSITIONS = {name: values for name, values in positions().items() if name not in LEFT_OUT}

Setting: TypeAlias = tuple[str, object]


def pairwise() -> Iterator[dict[str, object]]:
    """Few settings that together hold every pair of positions of any two switches; greedily, so not the fewest."""
    names = list(POSITIONS)
    open_pairs = {
        _pair((one, a), (other, b))
        for one, other in combinations(names, 2)
        for a in POSITIONS[one]
        for b in POSITIONS[other]
    }
    while open_pairs:
        chosen: dict[str, object] = dict(min(open_pairs, key=repr))
        for name in names:
            if name not in chosen:
                chosen[name] = max(
                    POSITIONS[name],
                    key=lambda value, name=name: sum(  # type: ignore[misc]  # the name of this round
                        _pair((name, value), pair) in open_pairs for pair in chosen.items()
                    ),
                )
        open_pairs -= {_pair(*pair) for pair in combinations(chosen.items(), 2)}
        yield chosen


def _pair(one: Setting, other: Setting) -> tuple[Setting, Setting]:
    return (one, other) if one[0] < other[0] else (other, one)


SETTINGS = list(pairwise())


@pytest.fixture
def museum(tmp_path: Path) -> Iterator[Museum]:
    museum = Museum(state_url=f"sqlite:///{tmp_path / 'state.db'}", batch_size=10)
    yield museum
    museum.close()


@pytest.mark.in_part(4)
@pytest.mark.parametrize("setting", SETTINGS, ids=[str(number) for number in range(len(SETTINGS))])
def test_the_good_arrive_and_the_bad_are_listed(museum: Museum, setting: dict[str, object]) -> None:
    museum.sandbox.switches = Switches(**{**setting, "batch_cap": 7})  # type: ignore[arg-type]
    museum.fill(25)
    for number in (3, 4, 17):
        museum.row(number)["family"] = ""
    assert museum.run().status is Status.PROBLEMS
    expected = {f"M-{number:04d}" for number in range(1, 26)} - {"M-0003", "M-0004", "M-0017"}
    assert held(museum) == (expected, {"M-0003", "M-0004", "M-0017"})

    for number in (1, 2, 5, 6):
        museum.row(number)["phone"] = "" if number % 2 else "+493023125777"
    museum.row(8)["family"] = ""
    museum.remove(9)
    assert held(museum) == (expected - {"M-0009"}, {"M-0003", "M-0004", "M-0008", "M-0017"})
    phones = {number: customer(museum, number)["tel"] or "" for number in (1, 2, 5, 6)}
    assert phones == {1: "", 2: "+493023125777", 5: "", 6: "+493023125777"}
    assert not [c for c in museum.sandbox.deleted if "muster" in str(c["surname"]).casefold() or c["tel"]]

    museum.run()
    museum.run()
    assert museum.calls() == []


def customer(museum: Museum, number: int) -> Customer:
    names = (f"M-{number:04d}", f"m-{number:04d}")
    [found] = [one for name in names for one in museum.sandbox.by_foreign_id(name)]
    return found


def held(museum: Museum) -> tuple[set[str], set[str]]:
    """Who is in go~mus, and who is listed as refused; once what is late has come, and what was lost was sent again."""
    for _ in range(3):
        museum.run()
        museum.clock.sleep(SETTLE)
        museum.sandbox.apply_accepted()
    assert museum.sandbox.duplicates() == []
    assert museum.sandbox.touched_strangers() == []
    present = {str(one.foreign_id).upper() for one in museum.sandbox.customers if one.foreign_id}
    return present, {row.foreign_id for row in museum.store.failures.refused("members")}
