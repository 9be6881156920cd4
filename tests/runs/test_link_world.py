"""A list goes live beside a shop: who is whom is found, nobody is linked wrongly, and nobody comes a second time.

`SYNCD_TEST_LINK_WORLD` makes it as large as a museum: 5,000 customers, 3,000 members, 1,900 of them both.
"""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from museum import Museum, sqlite_url
from shop import Shop

from syncd.domain.folding import fold_email
from syncd.domain.matches import Word
from syncd.domain.runs import Summary
from syncd.matching.columns import BY, find_columns
from syncd.matching.comparing import comparing, keep_matches
from syncd.matching.index import Index
from syncd.matching.plan import MatchPlan
from syncd.runs.drawing import drawing_up
from syncd.runs.link import link_matched
from syncd.state.recall import Recall

IS_LARGE = bool(os.environ.get("SYNCD_TEST_LINK_WORLD"))
SIZES = (
    {"customers": 5000, "members": 3000, "both": 1900} if IS_LARGE else {"customers": 300, "members": 200, "both": 125}
)
LEAVERS = 100 if IS_LARGE else 6
HEADER = ("Kundennummer", "Vorname", "Nachname", "E-Mail", "Fremd-ID")


@contextmanager
def matching(museum: Museum) -> Iterator[MatchPlan]:
    """As `link NAME FILE` compares, with an export of this moment."""
    columns = find_columns(HEADER, {}, BY)
    sync = replace(museum.sync, only=frozenset())
    recall = Recall(
        store=museum.store,
        digester=museum.digester,
        sync=museum.name,
        instance=museum.instance,
        now=museum.clock(),
    )
    with Index(columns, BY) as index, drawing_up(sync, recall, {}, progress=lambda _count: None) as drawn:
        index.take(export(museum))
        with comparing(index, drawn.plan, sync.source, {}) as found:
            yield found


def export(museum: Museum) -> Iterator[Mapping[str, object]]:
    for one in museum.sandbox.customers:
        fields = (one.fields[name] for name in ("name", "surname", "email", "foreign_id"))
        yield dict(zip(HEADER, (str(one.id), *fields), strict=True))


def link(museum: Museum) -> Summary:
    with matching(museum) as found:
        keep_matches(museum.store, museum.name, found, museum.clock())
    ids = [match.foreign_id for match in museum.store.matches.each(museum.name, Word.LINK)]
    with museum.world() as world:
        return link_matched(museum.sync, world, ids, takes_source=False)


@dataclass
class World:
    """The museum once its shop's customers were linked, and after its first run."""

    museum: Museum
    shop: Shop
    linked: Mapping[int, int]  # place of the member → number
    waiting: set[int]
    open_before: set[int]

    @property
    def created(self) -> set[int]:
        shops = {number for numbers in self.shop.numbers.values() for number in numbers}
        return {place_of(str(one.fields["foreign_id"])) for one in self.museum.sandbox.customers if one.id not in shops}


def place_of(foreign_id: str) -> int:
    return int(foreign_id.removeprefix("M-"))


def open_museum(folder: Path) -> tuple[Museum, Shop]:
    museum, shop = Museum(state_url=sqlite_url(folder)), Shop(**SIZES)
    shop.fill(museum.sandbox)
    museum.rows[:] = [dict(row) for row in shop.rows()]
    return museum, shop


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    museum, shop = open_museum(tmp_path_factory.mktemp("linked"))
    summary = link(museum)
    linked = {
        place_of(str(one.fields["foreign_id"])): one.id for one in museum.sandbox.customers if one.fields["foreign_id"]
    }
    open_before = {place_of(match.foreign_id) for match in museum.store.matches.each(museum.name, Word.OPEN)}
    museum.run()
    waiting = {place_of(foreign_id) for foreign_id in museum.listed()}
    print(f"\nlink: {summary.counts}; plain {len(shop.plain)}, linked {len(linked)}, open {len(open_before)}")
    yield World(museum, shop, linked, waiting, open_before)
    museum.close()


def test_nobody_is_linked_to_somebody_else(world: World) -> None:
    assert {place: number for place, number in world.linked.items() if number not in world.shop.numbers[place]} == {}


def test_nearly_all_are_linked_who_can_be_told(world: World) -> None:
    assert len(world.shop.plain & world.linked.keys()) >= 0.95 * len(world.shop.plain)


def test_whoever_may_be_a_customer_waits_for_a_person(world: World) -> None:
    both = {place for place in world.shop.listed if place in world.shop.numbers}
    assert both - world.linked.keys() - world.waiting == set()


def test_no_customer_comes_a_second_time(world: World) -> None:
    created = world.created
    addresses = {fold_email(world.shop.people[place].mail) for place in created}
    others = {
        fold_email(str(one.fields["email"] or ""))
        for one in world.museum.sandbox.customers
        if place_of(str(one.fields["foreign_id"] or "M-0")) not in created
    }
    assert (addresses & others) - {""} == set()
    assert created & world.shop.numbers.keys() == set()


def test_who_is_nobody_of_the_shop_is_created(world: World) -> None:
    new = {place for place in world.shop.listed if place not in world.shop.numbers}
    assert new - world.waiting <= world.created


def test_no_customer_of_the_shop_alone_is_touched(world: World) -> None:
    alone = {number for place, some in world.shop.numbers.items() if place not in world.shop.listed for number in some}
    assert {one.fields["foreign_id"] for one in world.museum.sandbox.customers if one.id in alone} == {None}


def test_linked_members_who_leave_are_released_and_not_erased(world: World) -> None:
    leaving = sorted(world.linked)[:LEAVERS]
    before = {one.id: dict(one.fields) for one in world.museum.sandbox.customers}
    world.museum.rows[:] = [row for row in world.museum.rows if int(str(row["id"])) not in leaving]
    for _ in range(2):
        world.museum.run()
        world.museum.clock.sleep(86_400 * 2)
    left = {
        one.id: one.fields for one in world.museum.sandbox.customers if one.id in {world.linked[at] for at in leaving}
    }
    assert len(left) == LEAVERS
    assert [one["foreign_id"] for one in left.values()] == [None] * LEAVERS
    assert all(one["surname"] == before[number]["surname"] for number, one in left.items())


def test_without_it_they_come_a_second_time(tmp_path: Path) -> None:
    museum, shop = open_museum(tmp_path)
    museum.run()
    shops = {number for some in shop.numbers.values() for number in some}
    twice = [
        one
        for one in museum.sandbox.customers
        if one.id not in shops and place_of(str(one.fields["foreign_id"])) in shop.numbers
    ]
    print(f"\nwithout link: {len(twice)} are there twice")
    assert len(twice) == SIZES["both"]
    museum.close()
