"""Erasures on request: they hold for the instance, at once, whoever runs, and longer than the state."""

import threading
import time
import unicodedata
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from faults import Fault, Killed
from museum import Feed, Museum, Shelf, WatchfulFeed, member, sqlite_url
from werkzeug.wrappers import Response

from syncd.domain.changes import Action, Cause, Create
from syncd.domain.diff import DeleteMode
from syncd.domain.records import Digests, SourceRecord
from syncd.domain.runs import Status, Trigger
from syncd.errors import Fatal, Misconfigured
from syncd.gomus.client import Client
from syncd.runs.requests import request_erasure
from syncd.runs.run import opening
from syncd.runs.world import World
from syncd.sandbox.proxy import Passing, in_json
from syncd.sandbox.switches import Switches
from syncd.sources.base import Reading, ReadKind
from syncd.state.connect import open_engine
from syncd.state.store import Store
from syncd.state.tables import metadata
from syncd.state.tombstones import Instance, Tombstone, Tombstones


@pytest.fixture
def museum(state_url: str) -> Iterator[Museum]:
    museum = Museum(state_url=state_url)
    museum.fill(4)
    yield museum
    museum.close()


@pytest.fixture
def here(tmp_path: Path) -> Iterator[Museum]:
    (tmp_path / "state").mkdir()
    museum = Museum(state_url=sqlite_url(tmp_path / "state"), ledger=str(tmp_path / "erasures.ledger"))
    museum.fill(4)
    yield museum
    museum.close()


def there(museum: Museum) -> list[str]:
    assert museum.sandbox.duplicates() == []
    assert museum.sandbox.touched_strangers() == []
    return sorted(str(customer.foreign_id) for customer in museum.sandbox.customers if customer.foreign_id)


def ids(*numbers: int) -> list[str]:
    return [f"M-{number:04d}" for number in numbers]


def is_open(museum: Museum, foreign_id: str) -> bool:
    found = museum.store.tombstones.find_requested(museum.instance, museum.digester.name(foreign_id))
    assert found is not None
    return found.foreign_id is not None


def ask(museum: Museum, foreign_id: str) -> None:
    """As another process does, whoever holds the lease."""
    engine = open_engine(museum.state_url)
    world = World(
        store=Store(engine, pack=museum.digester.pack, unpack=museum.digester.unpack),
        erasures=museum.erasures,
        digester=museum.digester,
        client=Client(museum.options, transport=httpx.MockTransport(lambda _request: pytest.fail("it needs no call"))),
        clock=museum.clock,
        sleep=museum.clock.sleep,
    )
    request_erasure(museum.sync, world, [foreign_id])
    engine.dispose()


def rows_of(museum: Museum, foreign_id: str) -> list[str]:
    """The tables that name somebody."""
    with museum.engine.connect() as connection:
        tables = [table for table in metadata.sorted_tables if "foreign_id" in table.c]
        return [
            table.name
            for table in tables
            if connection.execute(table.select().where(table.c.foreign_id == foreign_id)).first()
        ]


# --- a tombstone belongs to the instance ---


def rename_sync(museum: Museum) -> None:
    museum.name = "friends"


def rename_instance(museum: Museum) -> None:
    museum.instance_name = "museum"


def move(museum: Museum) -> None:
    museum.address = "https://museum.gomus.de"


CHANGES: dict[str, list[Callable[[Museum], None]]] = {
    "sync": [rename_sync],
    "instance": [rename_instance],
    "address": [move],
    "sync and instance": [rename_sync, rename_instance],
    "instance, later address": [rename_instance, move],
    "address, later instance": [move, rename_instance],
    "all, one by one": [move, rename_sync, rename_instance],
}


@pytest.mark.in_part(4)
@pytest.mark.parametrize("changes", CHANGES.values(), ids=CHANGES)
def test_who_was_erased_is_not_created_again_whatever_is_renamed(
    museum: Museum, changes: list[Callable[[Museum], None]]
) -> None:
    museum.run()
    museum.erase("M-0002")
    for change in changes:
        change(museum)
        assert museum.run().status is Status.PROBLEMS
    assert there(museum) == ids(1, 3, 4)


def test_two_syncs_of_one_instance_share_it(museum: Museum) -> None:
    museum.erase("M-0002")
    museum.name = "friends"
    museum.run()
    assert there(museum) == ids(1, 3, 4)


def test_another_instance_has_nothing_to_do_with_it(museum: Museum) -> None:
    museum.erase("M-0002")
    museum.name, museum.instance_name, museum.address = "friends", "other", "https://other.gomus.de"
    assert museum.run().status is Status.DONE
    assert there(museum) == ids(1, 2, 3, 4)


@pytest.mark.parametrize("change", [rename_sync, rename_instance, move])
def test_a_request_that_is_open_is_carried_out_whatever_is_renamed(
    museum: Museum, change: Callable[[Museum], None]
) -> None:
    museum.run()
    ask(museum, "M-0002")
    change(museum)
    museum.run()
    assert (there(museum), is_open(museum, "M-0002")) == (ids(1, 3, 4), False)


def test_a_request_of_this_sync_is_carried_out_whatever_prefix_it_has_now(here: Museum) -> None:
    here.run()
    ask(here, "M-0002")
    here.prefix = "N-"
    here.run()
    assert is_open(here, "M-0002") is False
    assert here.sandbox.by_foreign_id("M-0002") == []


def test_of_an_erased_person_no_sync_keeps_the_id(museum: Museum) -> None:
    museum.run()
    museum.name = "friends"
    museum.run()
    museum.erase("M-0002")
    assert rows_of(museum, "M-0002") == []


# --- while a run is under way ---


@dataclass
class Asking:
    """Somebody asks while call `number` is under way, or after the last one."""

    museum: Museum
    number: int
    foreign_id: str
    is_asked: bool = False

    def __call__(self, _request: httpx.Request, call: int) -> Fault | None:
        if call == self.number:
            self.ask()
        self.museum.clock.sleep(2)
        return None

    def ask(self) -> None:
        if not self.is_asked:
            self.is_asked = True
            ask(self.museum, self.foreign_id)


def run_while_asked(museum: Museum, number: int, foreign_id: str, *, probe: bool = True) -> None:
    asking = Asking(museum, number, foreign_id)
    museum.run(asking, probe=probe)
    asking.ask()


@pytest.mark.in_part(6)
@pytest.mark.parametrize("number", range(12))
@pytest.mark.parametrize("foreign_id", ids(1, 3, 4))
@pytest.mark.parametrize("probe", [True, False])
def test_the_run_under_way_creates_nobody_who_asked_meanwhile(
    here: Museum, number: int, foreign_id: str, probe: bool
) -> None:
    here.batch_size, here.concurrency = 2, 1
    run_while_asked(here, number, foreign_id, probe=probe)
    here.run()
    assert there(here) == [one for one in ids(1, 2, 3, 4) if one != foreign_id]
    assert (is_open(here, foreign_id), rows_of(here, foreign_id)) == (False, [])


CHANGED = {
    "updated": lambda museum, number: museum.row(number).update(phone="+49 30 1"),
    "unchanged": lambda _museum, _number: None,
    "gone": lambda museum, number: museum.remove(number),
    "invalid": lambda museum, number: museum.row(number).update(mail="not an address"),
    "refused": lambda museum, number: museum.row(number).update(family=""),
}


@pytest.mark.in_part(6)
@pytest.mark.parametrize("number", range(6))
@pytest.mark.parametrize("change", CHANGED.values(), ids=CHANGED)
@pytest.mark.parametrize("concurrency", [1, 3])
def test_the_run_under_way_erases_whom_it_would_have_treated_otherwise(
    here: Museum, number: int, change: Callable[[Museum, int], None], concurrency: int
) -> None:
    here.batch_size, here.concurrency = 2, concurrency
    here.run()
    for one in (1, 2, 3):
        here.row(one)["notes"] = "changed"
    change(here, 2)
    run_while_asked(here, number, "M-0002")
    here.run()
    assert there(here) == ids(1, 3, 4)
    assert (is_open(here, "M-0002"), rows_of(here, "M-0002")) == (False, [])
    assert not [one for one in here.sandbox.deleted if one["surname"] == "Muster2"]


def test_who_asks_while_a_batch_is_under_way_is_not_sent_again_with_its_parts(here: Museum) -> None:
    """The refused batch comes back after the run has taken notice of the request."""
    here.batch_size, here.concurrency = 2, 2
    here.run()
    for row in here.rows:
        row["notes"] = "changed"
    here.row(1)["family"] = ""
    noticed = threading.Event()

    def hold_the_first_batch(call: Passing) -> Response:
        sent = {one.get("foreign_id") for one in call.customers}
        if call.method == "PUT" and "M-0002" in sent:
            noticed.wait(10)
            time.sleep(0.3)  # the run takes what comes next
        elif call.method == "PUT" and "M-0003" in sent:
            ask(here, "M-0002")
            here.clock.sleep(2)
            noticed.set()
        return call.act()

    here.sandbox.hook = hold_the_first_batch
    here.run()
    here.sandbox.hook = None
    assert here.store.journal.open_intents("members") == []
    alone = [call for call in here.writes() if call.path.endswith("/M-0002") and call.method == "PUT"]
    assert not [one for call in alone for one in call.customers if one.get("notes") == "changed"]
    here.run()
    assert (there(here), is_open(here, "M-0002"), rows_of(here, "M-0002")) == (ids(1, 3, 4), False, [])


@pytest.mark.parametrize("number", range(4))
def test_on_either_database_and_without_a_ledger(museum: Museum, number: int) -> None:
    museum.batch_size, museum.concurrency = 2, 1
    run_while_asked(museum, number, "M-0003", probe=False)
    museum.run()
    assert (there(museum), is_open(museum, "M-0003")) == (ids(1, 2, 4), False)


def test_it_is_erased_before_what_is_left(here: Museum) -> None:
    here.batch_size, here.concurrency = 1, 1
    here.run()
    for one in (1, 2, 3, 4):
        here.row(one)["notes"] = "changed"
    run_while_asked(here, 0, "M-0004")
    calls = [str(call) for call in here.writes()]
    assert [call.split()[0] for call in calls] == ["PUT", "PUT", "DELETE", "PUT", "PUT"]


def test_a_request_of_another_sync_is_heeded_too(here: Museum) -> None:
    """It is withdrawn from what this run would send, whoever erases."""
    here.batch_size, here.concurrency = 1, 1
    other = Museum(state_url=here.state_url, name="friends", clock=here.clock)
    other.sandbox, other.transport = here.sandbox, here.transport

    def choose(_request: httpx.Request, call: int) -> Fault | None:
        if call == 2:
            here.store.tombstones.put(here.instance, tombstone_of(here, "M-0004"))
        here.clock.sleep(2)
        return None

    here.run(choose)
    assert there(here) == ids(1, 2, 3)
    other.close()


def tombstone_of(museum: Museum, foreign_id: str) -> Tombstone:
    name = museum.digester.name(foreign_id)
    return Tombstone(name=name, sync="friends", cause=Cause.REQUEST, at=museum.clock.now)


@pytest.mark.parametrize("number", [1, 4, 8])
@pytest.mark.parametrize("is_erased_here", [True, False])
def test_who_asks_between_the_parts_of_a_refused_batch_is_sent_no_more(
    here: Museum, number: int, is_erased_here: bool
) -> None:
    here.concurrency = 1
    here.run()
    here.fill(10)
    here.row(7)["family"] = ""
    tombstone = replace(tombstone_of(here, "M-0010"), foreign_id="M-0010" if is_erased_here else None)

    def choose(_request: httpx.Request, call: int) -> Fault | None:
        if call == number:
            here.store.tombstones.put(here.instance, tombstone)
        here.clock.sleep(2)
        return None

    assert here.run(choose, probe=False).status is Status.PROBLEMS
    assert there(here) == ids(1, 2, 3, 4, 5, 6, 8, 9)
    assert here.store.journal.open_intents("members") == []


def test_who_is_withdrawn_at_last_is_no_sign_of_an_outage(here: Museum) -> None:
    here.concurrency = 1
    here.run()
    here.rows.extend([member(5, family=""), member(6)])

    def choose(_request: httpx.Request, call: int) -> Fault | None:
        if call == 3:  # the first part of the batch is on its way
            here.store.tombstones.put(here.instance, tombstone_of(here, "M-0006"))
        here.clock.sleep(2)
        return None

    assert here.run(choose, probe=False).status is Status.PROBLEMS
    assert (len(here.writes()), there(here)) == (2, ids(1, 2, 3, 4))


class InterruptedShelf(Shelf):
    """Somebody asks between the first thousand of its records and the rest; `left` are who is there at the end."""

    def __init__(self, museum: Museum, foreign_id: str, *, more: int = 1100) -> None:
        super().__init__()
        self.rows = [*museum.rows, *(member(1000 + number, mail="no address") for number in range(more))]
        self.left: list[str] = []
        self._museum, self._foreign_id = museum, foreign_id

    @contextmanager
    def open(self, cursor: str | None = None) -> Iterator[Reading]:
        with super().open(cursor) as reading:
            yield _Interrupted(reading, self._ask, self._note)

    def _note(self) -> None:
        self.left = there(self._museum)

    def _ask(self) -> None:
        ask(self._museum, self._foreign_id)
        self._museum.clock.sleep(2)


class _Interrupted(Reading):
    kind, columns, description = ReadKind.SNAPSHOT, None, "shelf"

    def __init__(self, inner: Reading, interrupt: Callable[[], None], note: Callable[[], None]) -> None:
        self._inner, self._interrupt, self._note = inner, interrupt, note

    def __iter__(self) -> Iterator[SourceRecord]:
        for number, record in enumerate(self._inner):
            if number == 1050:
                self._interrupt()
            yield record
        self._note()


READ_AS = {
    "new": lambda museum: museum.rows.insert(0, member(99)),
    "new and invalid": lambda museum: museum.rows.insert(0, member(99, mail="no address")),
    "changed": lambda museum: museum.row(2).update(notes="changed"),
    "invalid": lambda museum: museum.row(2).update(mail="no address"),
    "gone": lambda museum: museum.remove(2),
}


@pytest.mark.in_part(4)
@pytest.mark.parametrize("change", READ_AS.values(), ids=READ_AS)
@pytest.mark.parametrize("is_held", [False, True])
def test_a_request_that_comes_while_the_source_is_read_counts(
    here: Museum, change: Callable[[Museum], None], is_held: bool
) -> None:
    here.limits = replace(here.limits, invalid_percent=100)
    here.fill(40)
    here.run()
    change(here)
    if is_held:
        for row in here.rows:
            row["notes"] = "changed"
    foreign_id = "M-0099" if len(here.rows) > 40 else "M-0002"
    here.shelf = InterruptedShelf(here, foreign_id)
    summary = here.run()
    assert (summary.status is Status.HELD) is is_held
    assert rows_of(here, foreign_id) == []
    assert there(here) == [one for one in ids(*range(1, 41)) if one != foreign_id]


def test_a_request_is_carried_out_while_the_source_is_read(here: Museum) -> None:
    here.limits = replace(here.limits, invalid_percent=100)
    here.run()
    here.shelf = shelf = InterruptedShelf(here, "M-0002", more=2100)
    here.run()
    assert shelf.left == ids(1, 3, 4)


def test_the_state_is_not_asked_for_requests_before_every_call(here: Museum, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[object] = []
    ask_state = Tombstones.requested_lately

    def note(self: Tombstones, instance: Instance, since: datetime) -> list[Tombstone]:
        asked.append(since)
        return ask_state(self, instance, since)

    here.fill(30)
    here.batch_size = here.concurrency = 1
    monkeypatch.setattr(Tombstones, "requested_lately", note)
    here.run()
    assert len(asked) < len(here.calls()) / 10


# --- an erasure that is cut off ---


@pytest.mark.in_part(6)
@pytest.mark.parametrize("step", range(6))
@pytest.mark.parametrize("fault", [Fault.KILLED_BEFORE, Fault.KILLED_AFTER, Fault.READ_TIMEOUT, Fault.SERVER_ERROR])
@pytest.mark.parametrize("is_known", [True, False])
def test_whatever_cuts_it_off_the_next_runs_finish_it(here: Museum, step: int, fault: Fault, is_known: bool) -> None:
    here.run()
    if not is_known:
        here.lose_state()
    try:
        here.erase("M-0002", [None] * step + [fault])
    except Killed:
        here.reopen()
    for _ in range(2):
        here.clock.sleep(7200)
        here.run()
    assert (there(here), is_open(here, "M-0002"), rows_of(here, "M-0002")) == (ids(1, 3, 4), False, [])
    assert not [one for one in here.sandbox.deleted if one["surname"] == "Muster2"]


def test_it_is_written_down_before_anything_is_settled(here: Museum) -> None:
    here.run()
    begin_create(here, "M-0009")
    with pytest.raises(Killed):
        here.erase("M-0009", [Fault.KILLED_BEFORE])
    assert is_open(here, "M-0009")


def begin_create(museum: Museum, foreign_id: str) -> int:
    """An intent whose call may have been sent, by a run that was killed."""
    change = Create(foreign_id=foreign_id, fields={}, digests=Digests(), source_digest=b"")
    number: int
    [number] = museum.store.journal.begin("run", museum.name, [change], Action.CREATE, museum.clock.now)
    return number


def test_what_others_began_does_not_hold_it_up(here: Museum) -> None:
    here.run()
    begin_create(here, "M-0009")
    here.erase("M-0002")
    assert there(here) == ids(1, 3, 4)
    assert [one.path for one in here.transport.happened if "M-0009" in one.path] == []


def test_it_is_done_though_somebody_elses_create_is_open(here: Museum) -> None:
    here.run()
    begin_create(here, "M-0009")
    assert here.erase("M-0002").status is Status.DONE


def test_it_stays_open_while_a_create_of_the_id_may_come_to_pass(here: Museum) -> None:
    here.run()
    with here.world() as world:
        request_erasure(here.sync, world, ["M-0009"])
    begin_create(here, "M-0009")
    carry_out_requests(here)
    assert (is_open(here, "M-0009"), here.store.journal.has_open_write(["members"], "M-0009")) == (True, True)


def carry_out_requests(museum: Museum) -> None:
    """Carry out requests, and leave open what is open."""
    with museum.world() as world, opening(museum.sync, world, trigger=Trigger.ERASE) as run:
        run.erase_requested()


def test_a_create_of_a_sync_that_is_gone_holds_it_up_for_its_time_alone(here: Museum) -> None:
    here.name = "former"
    here.run()
    begin_create(here, "M-0002")
    here.name = "members"
    here.erase("M-0002")
    assert is_open(here, "M-0002")
    here.clock.sleep(601)
    here.run()
    assert (there(here), is_open(here, "M-0002"), rows_of(here, "M-0002")) == (ids(1, 3, 4), False, [])


def test_while_somebody_who_is_not_known_is_still_to_be_erased_no_run_says_that_it_is_done(here: Museum) -> None:
    here.run()
    other = here.sandbox.customers[0]
    here.sandbox.add_customer(foreign_id="M-0077", surname="Muster77")
    here.sandbox.hook = lambda _call: in_json(200, {"customer": {"id": other.id, **other.fields}})
    here.erase("M-0077")
    here.sandbox.hook = None
    assert [here.run().status for _ in range(3)] == [Status.PROBLEMS] * 3
    here.clock.sleep(7200)
    assert (here.run().status, is_open(here, "M-0077"), there(here)) == (Status.DONE, False, ids(1, 2, 3, 4))


@pytest.mark.parametrize("form", ["as-sent", "lower"])
def test_who_may_be_there_in_small_letters_is_erased_once_that_is_known(here: Museum, form: Any) -> None:
    here.sandbox.switches = Switches(foreign_id_form=form, foreign_ids="repeatable")
    here.sandbox.add_customer(foreign_id="m-0001", surname="Muster1")
    here.erase("M-0001")
    assert (is_open(here, "M-0001"), there(here)) == (True, ["m-0001"])
    here.clock.sleep(7200)
    here.remove(1)
    here.run()
    here.clock.sleep(86_400)
    here.run()
    assert (is_open(here, "M-0001"), "m-0001" in there(here)) == (False, form == "as-sent")


def test_a_create_that_comes_to_pass_later_is_erased(here: Museum) -> None:
    here.run()
    with here.world() as world:
        request_erasure(here.sync, world, ["M-0009"])
    begin_create(here, "M-0009")
    carry_out_requests(here)
    here.sandbox.add_customer(foreign_id="M-0009", surname="Muster9")
    here.clock.sleep(60)
    here.run()
    assert (there(here), is_open(here, "M-0009"), rows_of(here, "M-0009")) == (ids(1, 2, 3, 4), False, [])


def test_what_was_done_is_kept_step_by_step_without_an_id(here: Museum) -> None:
    here.run()
    here.erase("M-0002")
    found = here.store.tombstones.find_requested(here.instance, here.digester.name("M-0002"))
    assert found is not None
    assert [(step.action, step.result) for step in found.steps] == [("anonymize", "ok"), ("delete", "ok")]


# --- taken back ---


@pytest.mark.parametrize("feed", [None, False, True])
def test_who_is_taken_back_is_created_by_the_next_run(here: Museum, feed: bool | None) -> None:
    if feed is not None:
        here.shelf = WatchfulFeed(tells_deletions=feed)
        here.fill(4)
    here.run()
    here.erase("M-0002")
    here.run()
    assert here.undo("M-0002")
    assert here.run().status is Status.DONE
    assert there(here) == ids(1, 2, 3, 4)
    here.lose_state()
    here.run()
    assert there(here) == ids(1, 2, 3, 4)


def test_there_is_nothing_to_take_back_where_nobody_asked(here: Museum) -> None:
    here.run()
    here.remove(2)
    here.run()
    assert not here.undo("M-0001")
    assert not here.undo("M-0002")  # erased for absence


def test_who_is_taken_back_before_it_was_carried_out_stays(here: Museum) -> None:
    here.run()
    with pytest.raises(Killed):
        here.erase("M-0002", [Fault.KILLED_BEFORE])
    here.reopen()
    here.undo("M-0002")
    here.run()
    assert (there(here), here.sandbox.deleted) == (ids(1, 2, 3, 4), [])
    assert here.sandbox.by_foreign_id("M-0002")[0]["surname"] == "Muster2"


def test_who_was_emptied_before_it_was_taken_back_is_filled_again(here: Museum) -> None:
    here.run()
    with pytest.raises(Killed):
        here.erase("M-0002", [None, Fault.KILLED_AFTER])
    here.reopen()
    here.undo("M-0002")
    here.run()
    assert here.sandbox.by_foreign_id("M-0002")[0]["surname"] == "Muster2"


def test_only_who_is_taken_back_is(here: Museum) -> None:
    for foreign_id in ids(1, 2, 3):
        here.erase(foreign_id)
    here.undo("M-0002")
    here.run()
    assert there(here) == ids(2, 4)


# --- tombstones are lifted for whom they are lifted ---


def test_who_comes_back_lifts_the_tombstone_of_their_own_absence_alone(here: Museum) -> None:
    here.run()
    gone = [here.row(number) for number in (1, 2)]
    here.remove(1, 2)
    here.run()
    here.rows.append(gone[0])
    here.run()
    names = [here.digester.name(foreign_id) for foreign_id in ids(1, 2)]
    assert here.store.tombstones.find(here.instance, names) == {names[1]: Cause.ABSENCE}


def test_a_create_that_was_cut_off_lifts_it_too(here: Museum) -> None:
    here.run()
    gone = here.row(2)
    here.remove(2)
    here.run()
    here.rows.append(gone)
    with pytest.raises(Killed):
        here.run([None, Fault.KILLED_AFTER])
    here.reopen()
    here.run()
    assert here.store.tombstones.find(here.instance, [here.digester.name("M-0002")]) == {}


# --- the ledger outlives the state ---


def test_a_lost_state_forgets_no_erasure(here: Museum) -> None:
    here.run()
    here.erase("M-0002")
    here.lose_state()
    assert here.run().status is Status.PROBLEMS
    assert there(here) == ids(1, 3, 4)
    assert [row.foreign_id for row in here.store.failures.invalid("members")] == [None]
    assert rows_of(here, "M-0002") == []
    here.run()
    assert (here.run().status, here.calls()) == (Status.PROBLEMS, [])


@pytest.mark.parametrize("changes", CHANGES.values(), ids=CHANGES)
def test_a_lost_state_forgets_none_whatever_is_renamed(here: Museum, changes: list[Callable[[Museum], None]]) -> None:
    here.erase("M-0002")
    for change in changes:
        here.lose_state()
        change(here)
        here.run()
    assert there(here) == ids(1, 3, 4)


@pytest.mark.parametrize("is_in_source", [True, False])
def test_a_state_lost_before_the_erasure_was_over_lets_nobody_be(here: Museum, is_in_source: bool) -> None:
    here.run()
    ask(here, "M-0002")
    here.lose_state()
    if not is_in_source:
        here.rows.append(here.row(2))
    here.run()
    assert there(here) == ids(1, 3, 4)


def test_an_invalid_record_of_an_erased_person_is_listed_without_its_id(here: Museum) -> None:
    here.erase("M-0002")
    here.row(2)["mail"] = "not an address"
    for state in ("there", "lost"):
        if state == "lost":
            here.lose_state()
        here.run()
        assert [row.foreign_id for row in here.store.failures.invalid("members")] == [None]


@pytest.mark.parametrize("first", ["ada2@example.org", "not an address"])
def test_an_erased_person_who_stands_twice_is_listed_without_an_id(here: Museum, first: str) -> None:
    here.erase("M-0002")
    here.row(2)["mail"] = first
    here.rows.append(member(2, mail="other@example.org"))
    here.rows.append(member(2, mail="not an address"))
    here.run()
    assert [row.foreign_id for row in here.store.failures.invalid("members")] == [None]
    assert there(here) == ids(1, 3, 4)


def test_a_refused_person_who_is_erased_leaves_no_id(here: Museum) -> None:
    here.row(2)["family"] = ""
    here.run()
    assert rows_of(here, "M-0002") != []
    here.erase("M-0002")
    assert rows_of(here, "M-0002") == []


def test_a_former_key_is_read_and_an_unknown_one_refused(here: Museum) -> None:
    here.erase("M-0002")
    here.lose_state()
    here.ledger_keys = ("another",)
    with pytest.raises(Misconfigured, match=r"ledger_old_keys: .*erasures\.ledger line 1 was written under a key"):
        here.run()
    assert here.sandbox.customers == []
    here.ledger_keys = ("another", "the ledger's key")
    here.erase("M-0003")
    here.lose_state()
    here.run()
    assert there(here) == ids(1, 4)
    assert here.undo("M-0002")
    assert here.undo("M-0003")
    here.run()
    assert there(here) == ids(1, 2, 3, 4)


def test_where_the_ledger_can_not_be_written_nothing_is_erased(here: Museum) -> None:
    here.run()
    here.ledger = str(Path(str(here.ledger)).parent / "nowhere" / "erasures.ledger")
    with pytest.raises(Fatal, match="does not exist"):
        here.erase("M-0002")
    assert (here.writes(), there(here)) == ([], ids(1, 2, 3, 4))
    here.ledger = None
    assert here.run().status is Status.DONE


def test_the_ledger_holds_no_id(here: Museum) -> None:
    here.run()
    here.erase("M-0002")
    assert b"0002" not in Path(str(here.ledger)).read_bytes()


# --- a restored state ---


def test_a_restored_state_goes_on_with_no_erasure_for_absence(here: Museum) -> None:
    here.run()
    here.remove(2, 3)
    with pytest.raises(Killed):
        here.run([None] * 2 + [Fault.KILLED_AFTER])
    here.reopen()
    assert here.store.known.unfinished("members")
    kept = here.back_up()
    here.rows.extend([member(2), member(3)])
    here.run()
    here.remove(2, 3)
    before = len(here.sandbox.deleted)
    here.restore(kept)
    here.run()
    assert (len(here.sandbox.deleted), here.writes()) == (before, [])


@pytest.mark.parametrize("is_in_source", [True, False])
def test_a_restored_state_forgets_no_erasure_on_request(here: Museum, is_in_source: bool) -> None:
    here.run()
    kept = here.back_up()
    here.reopen()
    ask(here, "M-0002")
    if not is_in_source:
        here.remove(2)
    here.restore(kept)
    here.run()
    assert there(here) == ids(1, 3, 4)
    assert (is_open(here, "M-0002"), rows_of(here, "M-0002")) == (False, [])


@pytest.mark.parametrize("step", range(1, 4))
def test_an_erasure_begun_under_a_mode_is_not_continued_under_ignore(here: Museum, step: int) -> None:
    here.run()
    here.remove(2)
    with pytest.raises(Killed):
        here.run([None] * step + [Fault.KILLED_BEFORE])
    here.reopen()
    here.mode = DeleteMode.IGNORE
    before = here.sandbox.deleted
    here.run()
    assert here.sandbox.deleted == before
    assert not [call for call in here.calls() if call.startswith("DELETE")]


# --- a feed ---


@pytest.fixture
def feed(here: Museum) -> Feed:
    feed = Feed()
    here.shelf = feed
    for number in range(1, 5):
        feed.put(member(number))
    return feed


def listed(museum: Museum) -> list[str | None]:
    return [row.foreign_id for row in museum.store.failures.invalid("members")]


@pytest.mark.parametrize("mail", ["ada2@example.org", "not an address"])
def test_who_was_erased_is_listed_until_the_feed_tells_their_deletion(here: Museum, feed: Feed, mail: str) -> None:
    here.run()
    here.erase("M-0002")
    feed.put(member(2, mail=mail))
    feed.put(member(3, mail="not an address"))
    for _ in range(3):
        assert here.run().status is Status.PROBLEMS
        assert sorted(listed(here), key=str) == ["M-0003", None]
    feed.delete(2)
    here.run()
    assert listed(here) == ["M-0003"]
    feed.put(member(3))
    assert here.run().status is Status.DONE


def test_who_was_erased_and_changes_again_is_listed_once(here: Museum, feed: Feed) -> None:
    here.run()
    here.erase("M-0002")
    for phone in ("1", "2", "3"):
        feed.put(member(2, phone=f"+49 30 {phone}"))
        feed.told_twice = [(member(2, phone="+49 30 9"), False)]
        here.run()
    assert listed(here) == [None]


def test_who_was_erased_hides_nobody_who_is_absent(here: Museum, feed: Feed) -> None:
    here.grace = timedelta(0)
    here.run()
    here.erase("M-0002")
    feed.put(member(2, notes="still told"))
    here.run()
    feed.delete(4)
    here.run()
    assert there(here) == ids(1, 3)


@pytest.mark.parametrize("name", ["Jürgen", "Zoë-1", "한국2"])
@pytest.mark.parametrize("form", ["NFD", "NFC"])
def test_who_is_known_to_go_mus_alone_is_found_in_the_form_that_it_keeps(here: Museum, name: str, form: Any) -> None:
    here.sandbox.switches = Switches(foreign_id_form="nfc")
    here.rows.append(member(9, id=unicodedata.normalize(form, name)))
    here.run()
    here.lose_state()
    here.erase("M-" + unicodedata.normalize(form, name))
    assert there(here) == ids(1, 2, 3, 4)
