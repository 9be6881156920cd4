"""A list whose letters were misread before it came here is held, and only those whom it concerns."""

import pytest
from museum import Museum, member

from syncd.domain.runs import Status

RIGHT = "Müller Weiß Jörg Schäfer Köhler Krüger".split()


def misread(name: str) -> str:
    return name.encode("cp1252").decode("cp850")


@pytest.fixture
def museum(here: Museum) -> Museum:
    here.rows[:] = [member(number, family=name) for number, name in enumerate(RIGHT, start=1)]
    return here


def surnames(museum: Museum) -> list[str]:
    return sorted(str(one["surname"]) for one in museum.sandbox.customers)


def spoil(museum: Museum, *numbers: int) -> None:
    for number in numbers:
        museum.row(number)["family"] = misread(RIGHT[number - 1])


def test_a_first_list_that_was_misread_creates_nobody_it_concerns(museum):
    spoil(museum, 1, 2, 3, 4, 5, 6)
    museum.rows.append(member(7, family="Anna"))
    assert (museum.run().status, surnames(museum)) == (Status.HELD, ["Anna"])


def test_right_names_are_not_overwritten_and_other_changes_go_on(museum):
    museum.run()
    spoil(museum, 1, 4)
    museum.row(2)["phone"] = "+493023125777"
    summary = museum.run()
    assert (summary.status, surnames(museum)) == (Status.HELD, sorted(RIGHT))
    assert [held.guard.value for held in summary.held] == ["letters"]
    assert "cp1252" in summary.held[0].reason
    assert museum.sandbox.by_foreign_id("M-0002")[0]["tel"] == "+493023125777"


def test_once_the_list_is_right_again_nothing_is_held(museum):
    museum.run()
    spoil(museum, 1, 4)
    museum.run()
    for number in (1, 4):
        museum.row(number)["family"] = RIGHT[number - 1]
    assert (museum.run().status, museum.writes()) == (Status.DONE, [])


def test_a_person_may_say_that_the_letters_are_right(museum):
    spoil(museum, 1, 4)
    museum.run()
    assert museum.approve()
    assert museum.run().status is Status.DONE
    assert misread("Müller") in surnames(museum)
    assert museum.run().status is Status.DONE
