"""Who is left out by `where` is not in the list: absent, under grace and guards."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from museum import Feed, Museum, member, sqlite_url

from syncd.domain.runs import Status

ACTIVE = {"from": "status", "is": ["aktiv", "ruhend"]}
LEFT = {"from": "left", "date": "%d.%m.%Y", "after": "today", "or_empty": True}


@pytest.fixture
def museum(tmp_path: Path) -> Iterator[Museum]:
    museum = Museum(state_url=sqlite_url(tmp_path))
    museum.fill(6)
    for row in museum.rows:
        row |= {"status": "aktiv", "left": ""}
    museum.where = [ACTIVE, LEFT]
    yield museum
    museum.close()


def ids(museum: Museum) -> list[str]:
    return sorted(str(one["foreign_id"])[-1] for one in museum.sandbox.customers)


def test_who_is_left_out_is_not_created_and_is_counted(museum):
    museum.row(2)["status"] = "ausgetreten"
    museum.row(3)["left"] = "28.02.2026"
    museum.row(4)["left"] = "31.12.2030"
    summary = museum.run()
    assert (summary.status, ids(museum), summary.counts["filtered"]) == (Status.DONE, ["1", "4", "5", "6"], 2)


def test_who_falls_out_is_absent_and_erased_after_the_grace(museum):
    museum.grace = timedelta(days=30)
    museum.run()
    museum.row(2)["status"] = "ausgetreten"
    assert museum.run().counts["absent"] == 1
    museum.clock.sleep(31 * 86_400)
    museum.run()
    assert ids(museum) == ["1", "3", "4", "5", "6"]


def test_who_is_back_in_time_stays(museum):
    museum.grace = timedelta(days=30)
    museum.run()
    museum.row(2)["status"] = "ausgetreten"
    museum.run()
    museum.row(2)["status"] = "aktiv"
    museum.run()
    museum.clock.sleep(31 * 86_400)
    assert museum.run().status is Status.DONE
    assert len(ids(museum)) == 6


def test_a_day_that_passes_leaves_somebody_out_though_the_row_is_the_same(museum):
    museum.row(2)["left"] = "02.03.2026"
    museum.run()
    assert len(ids(museum)) == 6
    museum.clock.sleep(86_400)
    museum.run()
    assert ids(museum) == ["1", "3", "4", "5", "6"]


def test_many_who_fall_out_at_once_are_held(museum):
    museum.run()
    for number in range(1, 6):
        museum.row(number)["status"] = "Aktiv (alt)"
    assert museum.run().status is Status.HELD
    assert len(ids(museum)) == 6


def test_a_new_condition_deletes_nobody_at_once(museum):
    museum.where = []
    museum.row(2)["status"] = "ausgetreten"
    museum.run()
    museum.where = [ACTIVE]
    assert museum.run().status is Status.HELD
    assert len(ids(museum)) == 6


@pytest.mark.parametrize("value", ["unbekannt", "2026-02-28", "#NV"])
def test_what_can_not_be_judged_is_invalid_and_present(museum, value):
    museum.run()
    museum.row(2)["left"] = value
    summary = museum.run()
    assert (summary.status, summary.counts["invalid"]) == (Status.PROBLEMS, 1)
    assert "field='where'" in museum.listed()["M-0002"]
    museum.clock.sleep(100 * 86_400)
    museum.run()
    assert len(ids(museum)) == 6


def test_what_can_not_be_judged_of_an_unchanged_record_is_listed_too(museum):
    museum.where = []
    museum.row(2)["left"] = "bald"
    museum.run()
    museum.where = [LEFT]
    assert museum.run().status is Status.PROBLEMS
    assert "M-0002" in museum.listed()


def test_of_two_rows_of_one_person_the_one_that_counts_is_taken(museum):
    museum.rows.insert(0, member(2, family="Alt") | {"status": "ausgetreten", "left": ""})
    summary = museum.run()
    assert (summary.status, len(ids(museum))) == (Status.DONE, 6)
    assert "Alt" not in [one["surname"] for one in museum.sandbox.customers]


def test_an_id_that_is_none_does_no_harm_where_its_row_is_left_out(museum):
    museum.rows.append(member(7, id="") | {"status": "ausgetreten", "left": ""})
    assert museum.run().status is Status.DONE


def test_verify_passes_over_who_is_left_out(museum):
    museum.run()
    museum.row(2)["status"] = "ausgetreten"
    assert museum.verify().compared == 5


def test_who_falls_out_of_changes_is_gone(tmp_path):
    museum = Museum(state_url=sqlite_url(tmp_path), shelf=Feed(), where=[ACTIVE], grace=timedelta(days=30))
    for number in range(1, 7):
        museum.shelf.put(member(number) | {"status": "aktiv"})
    museum.run()
    museum.shelf.put(member(2) | {"status": "ausgetreten"})
    museum.run()
    museum.clock.sleep(3 * 86_400)
    assert museum.shelf.cursors[-1] is not None
    museum.run()
    assert len(ids(museum)) == 6
    museum.clock.sleep(28 * 86_400)
    museum.run()
    assert ids(museum) == ["1", "3", "4", "5", "6"]
    museum.close()


@pytest.mark.parametrize("where", [[LEFT], [ACTIVE]])
def test_changes_alone_do_where_no_condition_depends_on_the_day(tmp_path, where):
    museum = Museum(state_url=sqlite_url(tmp_path), shelf=Feed(), where=where)
    for number in range(1, 4):
        museum.shelf.put(member(number) | {"status": "aktiv", "left": "02.03.2026" if number == 2 else ""})
    museum.run()
    museum.clock.sleep(86_400)
    museum.run()
    assert ids(museum) == (["1", "3"] if where == [LEFT] else ["1", "2", "3"])
    assert (museum.shelf.cursors[-1] is None) is (where == [LEFT])
    museum.close()
