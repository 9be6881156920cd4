"""What goes live beside a shop and other lists, together: links, shared addresses and lists of the same people."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from museum import FileShelf, Museum, Shelf, member, sqlite_url

from syncd.domain.matches import Match, Word
from syncd.domain.runs import Status
from syncd.mapping.spec import ForeignIdSpec
from syncd.state.emails import Holder


@pytest.fixture
def members(tmp_path: Path) -> Iterator[Museum]:
    kin = frozenset({"members", "newsletter"})
    museum = Museum(state_url=sqlite_url(tmp_path), shelf=FileShelf(tmp_path), kin=kin, shared_email="refuse")
    museum.fill(3)
    yield museum
    museum.close()


@pytest.fixture
def letters(members: Museum) -> Museum:
    """The first member is in it too, with the same address."""
    letters = members.beside("newsletter", "N-", Shelf())
    letters.shared_email = "refuse"
    letters.ids = {"same_as": {"sync": "members", "from": "member"}}
    letters.twin = ForeignIdSpec.model_validate({"from": "id", "prefix": "M-"})
    letters.rows[:] = [member(1) | {"member": "0001"}, member(9, mail="nine@example.org") | {"member": ""}]
    return letters


def owners(museum: Museum) -> set[str | None]:
    return {one.foreign_id for one in museum.sandbox.customers}


def test_a_person_of_two_lists_shares_an_address_with_nobody(members: Museum, letters: Museum) -> None:
    assert [members.run().status, letters.run().status] == [Status.DONE, Status.DONE]
    assert (letters.listed(), letters.store.emails.count_shared()) == ({}, {})


def test_the_address_goes_with_who_is_handed_over(members: Museum, letters: Museum) -> None:
    members.run()
    letters.run()
    members.remove(1)
    members.run()
    assert letters.run().status is Status.DONE
    assert (owners(members), letters.listed()) == ({"N-0001", "M-0002", "M-0003", "N-0009"}, {})
    members.rows.append(member(4, mail=str(member(1)["mail"])))
    assert members.run().status is Status.PROBLEMS
    assert members.store.emails.shared_with("members", "M-0004") == [Holder("newsletter", "N-0001")]


def test_an_address_that_comes_with_a_link_is_known(members: Museum) -> None:
    entered = members.sandbox.add_customer(name="Anna", surname="Muster2", email=member(2)["mail"])  # type: ignore[arg-type]
    match = Match(foreign_id="M-0002", word=Word.LINK, gomus_id=entered.id, by="Ada", at=members.clock())
    members.store.matches.put("members", [match])
    members.run()
    members.rows.append(member(4, mail=str(member(2)["mail"])))
    assert members.run().status is Status.PROBLEMS
    assert "M-0004" in members.listed()
    assert "M-0004" not in owners(members)
