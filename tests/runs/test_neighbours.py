"""Several syncs of one instance: an id belongs to one of them, and no other writes to, or erases, that customer."""

import unicodedata
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from faults import Fault
from museum import Feed, Museum, Shelf, member, sqlite_url

from syncd.domain.diff import DeleteMode
from syncd.domain.runs import Status


@pytest.fixture
def members(tmp_path: Path) -> Iterator[Museum]:
    museum = Museum(state_url=sqlite_url(tmp_path))
    museum.fill(4)
    yield museum
    museum.close()


def beside(museum: Museum, *numbers: int, prefix: str = "M-", name: str = "friends") -> Museum:
    other = museum.beside(name, prefix, Shelf())
    other.rows[:] = [member(number, family=f"Other{number}") for number in numbers]
    return other


def surnames(museum: Museum) -> dict[str, object]:
    return {str(one.foreign_id): one["surname"] for one in museum.sandbox.customers}


OURS = {f"M-{number:04d}": f"Muster{number}" for number in range(1, 5)}


def know_both(museum: Museum, *numbers: int, mode: DeleteMode = DeleteMode.ANONYMIZE_THEN_DELETE) -> Museum:
    """A state from before: two syncs that know the same customers."""
    museum.mode = mode
    museum.run()
    other = beside(museum, *numbers)
    with museum.engine.begin() as connection:
        columns = "foreign_id, gomus_id, record, source_digest, fields, told_gone, stage, scheme, shown, origin"
        copied = f"insert into known (sync, {columns}) select 'friends', {columns} from known"  # noqa: S608 - our own words
        connection.execute(sa.text(copied))
        connection.execute(
            sa.text("insert into sync (name, address, fence) select 'friends', address, 1 from sync where name=:name"),
            {"name": "members"},
        )
    return other


# --- an id that another sync knows ---


@pytest.mark.parametrize("numbers", [(1,), (2, 5), (1, 2, 3, 4)])
def test_an_id_that_another_sync_knows_is_invalid(members: Museum, numbers: tuple[int, ...]) -> None:
    members.run()
    other = beside(members, *numbers)
    summary = other.run()
    shared = {f"M-{number:04d}" for number in numbers if number < 5}
    assert summary.status is Status.PROBLEMS
    assert other.listed().keys() == shared
    assert all("members" in reason and "foreign_id" in reason for reason in other.listed().values())
    assert {name: surname for name, surname in surnames(members).items() if name in OURS} == OURS


def test_its_owner_goes_on_as_before(members: Museum) -> None:
    members.run()
    beside(members, 1, 2).run()
    members.row(1)["family"] = "Neu"
    members.remove(2)
    assert members.run().status is Status.DONE
    assert surnames(members) == {"M-0001": "Neu", "M-0003": "Muster3", "M-0004": "Muster4"}


def test_a_nested_prefix_makes_the_same_id(members: Museum) -> None:
    members.run()
    other = beside(members, prefix="M-0")
    other.rows[:] = [member(1, id="001"), member(9, id="009")]
    assert other.run().status is Status.PROBLEMS
    assert other.listed().keys() == {"M-0001"}
    assert surnames(members) == OURS | {"M-0009": "Muster9"}


@pytest.mark.parametrize("form", ["NFC", "NFD"])
def test_an_id_is_the_same_in_another_unicode_form(members: Museum, form: str) -> None:
    members.rows[:] = [member(1, id=unicodedata.normalize("NFD" if form == "NFC" else "NFC", "Köln-1"))]
    members.run()
    other = beside(members, prefix="M-")
    other.rows[:] = [member(2, id=unicodedata.normalize(form, "Köln-1"))]
    assert other.run().status is Status.PROBLEMS
    assert [one["surname"] for one in members.sandbox.customers] == ["Muster1"]


@pytest.mark.parametrize("fault", [Fault.LATE, Fault.SERVER_ERROR, Fault.UNAVAILABLE])
def test_an_id_whose_create_is_still_open_in_another_sync_is_invalid(members: Museum, fault: Fault) -> None:
    members.rows[:] = [member(1)]
    members.transport.late_for = timedelta(minutes=5)
    members.run(lambda request, _number: fault if request.method == "POST" else None)
    assert members.store.journal.unclear("members") == {"M-0001"}
    other = beside(members, 1, 2)
    assert other.run().status is Status.PROBLEMS
    assert "members" in other.listed()["M-0001"]
    members.clock.sleep(700)
    members.run()
    assert surnames(members) == {"M-0001": "Muster1", "M-0002": "Other2"}


def test_an_instance_of_its_own_has_ids_of_its_own(members: Museum) -> None:
    members.run()
    other = beside(members, 1)
    other.others = ()
    other.rows[:] = [member(1)]
    assert other.run().status is Status.DONE


def elsewhere(museum: Museum, *numbers: int) -> Museum:
    """A sync of another configuration, on the same state; both have gone on for a while."""
    other = beside(museum, *numbers)
    museum.others = other.others = ()
    for sync in (museum, other, museum, other):
        museum.clock.sleep(3600)
        sync.run()
    return other


def test_an_id_that_a_sync_of_another_configuration_knows_is_invalid_in_both(members: Museum) -> None:
    other = elsewhere(members, 1, 11)
    members.row(1)["family"] = "Neu"
    for sync in (members, other):
        members.clock.sleep(3600)
        sync.run()
        assert (sync.listed().keys(), sync.writes()) == ({"M-0001"}, [])


def test_who_has_left_one_list_and_stands_in_that_of_another_configuration_is_kept(members: Museum) -> None:
    other = elsewhere(members, 1, 11)
    members.remove(1)
    for sync in (members, other):
        members.clock.sleep(3600)
        sync.run()
    assert "M-0001" in surnames(members)


@pytest.mark.parametrize("back", [False, True])
def test_a_sync_that_was_renamed_owns_nobody_any_more(members: Museum, back: bool) -> None:
    other = beside(members, 1, 2, 3, 4)
    members.others = other.others = ()
    for sync in (members, members, other, other, *((members, members) if back else ())):
        members.clock.sleep(3600)
        assert sync.run().status is Status.DONE


def test_an_id_is_free_once_the_other_sync_has_erased_its_customer(members: Museum) -> None:
    members.run()
    other = beside(members, 1)
    other.run()
    members.remove(1)
    members.run()
    assert other.run().status is Status.DONE
    assert surnames(members) == OURS | {"M-0001": "Other1"}


def test_who_was_erased_on_request_is_listed_without_an_id_all_the_same(members: Museum) -> None:
    members.run()
    other = beside(members, 1)
    members.erase("M-0001")
    other.run()
    assert other.listed().keys() == {"None"}


def test_a_sync_alone_asks_nothing_more(members: Museum) -> None:
    asked: list[str] = []
    sa.event.listen(members.engine, "before_cursor_execute", lambda *event: asked.append(event[2]))
    members.run()
    assert not [statement for statement in asked if "UNION ALL" in statement]


def test_beside_another_one_each_chunk_costs_one_question(members: Museum) -> None:
    members.run()
    other = beside(members, *range(11, 61))
    asked: list[str] = []
    sa.event.listen(members.engine, "before_cursor_execute", lambda *event: asked.append(event[2]))
    other.run()
    assert len([statement for statement in asked if "UNION ALL" in statement]) == 1


def test_the_question_is_answered_by_indexes(members: Museum) -> None:
    asked: list[tuple[str, object]] = []
    sa.event.listen(members.engine, "before_cursor_execute", lambda *event: asked.append(event[2:4]))
    members.store.owners(["friends", "members"], ["M-0001", "M-0002"])
    statement, parameters = asked[-1]
    with members.engine.connect() as connection:
        plan = [row[-1] for row in connection.exec_driver_sql(f"explain query plan {statement}", parameters)]
    assert not [step for step in plan if step.startswith("SCAN")]


# --- an id that two syncs know from before ---


@pytest.mark.parametrize("mode", [DeleteMode.ANONYMIZE_THEN_DELETE, DeleteMode.ANONYMIZE, DeleteMode.RELEASE])
def test_who_has_left_one_of_two_lists_belongs_to_the_other_one(members: Museum, mode: DeleteMode) -> None:
    other = know_both(members, 1, 2, 3, 4, mode=mode)
    members.remove(1)
    assert members.run().status is not Status.FAILED
    assert (members.writes(), surnames(members)) == ([], OURS)
    assert [one.foreign_id for one in members.store.known.each("members")] == ["M-0002", "M-0003", "M-0004"]
    other.run()
    assert other.listed().keys() == {"M-0002", "M-0003", "M-0004"}
    assert surnames(members) == OURS | {"M-0001": "Other1"}


def test_who_stands_in_both_lists_is_written_by_neither(members: Museum) -> None:
    other = know_both(members, 1, 2, 3, 4)
    members.row(1)["family"] = "Neu"
    for sync in (members, other, members):
        assert sync.run().status is Status.PROBLEMS
        assert sync.writes() == []
    assert surnames(members) == OURS
    assert "friends" in members.listed()["M-0001"]


def test_who_has_left_both_lists_is_erased_by_the_last_that_knows_it(members: Museum) -> None:
    other = know_both(members, 2, 3, 4)
    members.remove(1)
    members.run()
    assert "M-0001" in surnames(members)
    other.run()
    assert "M-0001" not in surnames(members)


def test_grace_is_given_before_anybody_is_left_to_the_other_sync(members: Museum) -> None:
    know_both(members, 1, 2, 3, 4)
    members.grace = timedelta(days=7)
    members.remove(1)
    members.run()
    assert members.store.known.count("members") == 4


def test_who_is_told_to_be_gone_belongs_to_the_other_one(members: Museum) -> None:
    feed = Feed()
    members.shelf = feed
    for number in range(1, 5):
        feed.put(member(number))
    know_both(members, 1, 2, 3, 4)
    feed.delete(1)
    members.run()
    assert (members.writes(), surnames(members)) == ([], OURS)


def test_an_erasure_that_was_begun_before_is_taken_back(members: Museum) -> None:
    know_both(members, 1, 2, 3, 4)
    with members.engine.begin() as connection:
        connection.execute(sa.text("update known set stage='anonymized' where sync='members' and foreign_id='M-0001'"))
    members.remove(1)
    members.run()
    assert (members.writes(), surnames(members)) == ([], OURS)


def test_drift_is_mended_by_neither(members: Museum) -> None:
    other = know_both(members, 1, 2, 3, 4)
    members.change_remotely(1, surname="By hand")
    for sync in (members, other):
        sync.verify(fix=True)
        sync.fix_drift, sync.audit_per_run = True, 10
        sync.run()
        assert sync.writes() == []
    assert surnames(members)["M-0001"] == "By hand"
