"""A run that would only repeat the last one ends at once, and as the whole run would have ended."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import openpyxl
import pytest
import sqlalchemy as sa
import structlog
from hypothesis import given, settings
from hypothesis import strategies as st
from museum import DEFAULT_LIMITS, FIELDS_MAPPED, FileShelf, Museum, Shelf, member, mortal, sqlite_url
from structlog.testing import LogCapture

from syncd.domain.changes import Action, Cause, Create
from syncd.domain.diff import DeleteMode
from syncd.domain.guards import Guard, Held, Word
from syncd.domain.records import Digests, Stage
from syncd.domain.runs import Status
from syncd.errors import LeaseTaken
from syncd.runs import repetition
from syncd.runs.requests import place_of, request_erasure
from syncd.sources.files import csv as adapter
from syncd.sources.files.excel import ExcelOptions, ExcelSource
from syncd.state import tables as t
from syncd.state.columns import Moment
from syncd.state.failures import Quarantined
from syncd.state.held import HeldChange, Signature
from syncd.state.known import KnownRow
from syncd.state.lease import take_lease
from syncd.state.store import Store
from syncd.state.tombstones import Instance, Tombstone

EXAMPLES = int(os.environ.get("SYNCD_TEST_SAME_FILE_EXAMPLES", "8"))
DAY = 86_400


@pytest.fixture
def museum(tmp_path: Path) -> Iterator[Museum]:
    """It has nothing to do, and the next run would end at once."""
    museum = make_museum(tmp_path)
    museum.fill(6)
    museum.run()
    museum.run()
    yield museum
    museum.close()


def make_museum(folder: Path, **options: Any) -> Museum:
    shelf = FileShelf(folder)
    return Museum(state_url=sqlite_url(folder), shelf=shelf, **{"grace": timedelta(days=7), **options})


@contextmanager
def counting_reads() -> Iterator[list[str]]:
    """One entry for each file that is taken apart, whatever is recognised in it."""
    read, begun = list[str](), adapter.CsvReading.__init__

    def init(self: adapter.CsvReading, text: Any, *args: Any) -> None:
        read.append(text.file.name)
        begun(self, text, *args)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(adapter.CsvReading, "__init__", init)
        yield read


def ends_at_once(museum: Museum, run: Callable[[], object] | None = None) -> bool:
    with counting_reads() as read:
        (run or museum.run)()
    return not read


# --- claims ---


def test_the_same_file_is_not_taken_apart_again(museum):
    assert ends_at_once(museum)
    assert ends_at_once(museum)


def test_it_makes_no_call_and_counts_what_the_whole_run_counts(museum):
    summary = museum.run()
    assert (summary.status, summary.counts, museum.calls()) == (Status.DONE, {"records": 6, "unchanged": 6}, [])


def test_it_is_told_as_the_whole_run_is(museum):
    log = LogCapture()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger("info"), processors=[log])
    assert ends_at_once(museum)
    with always_whole():
        museum.run()
    lines = [{**line, "duration": 0} for line in log.entries]
    assert [line["event"] for line in lines] == ["run.started", "run.planned", "run.finished"] * 2
    assert lines[:3] == lines[3:]


def test_the_same_content_under_another_name_is_the_same(museum):
    museum.shelf.file.write_bytes(museum.shelf.file.read_bytes())
    assert ends_at_once(museum)


def test_a_run_that_had_something_to_do_is_followed_by_a_whole_one(museum):
    museum.row(2)["notes"] = "neu"
    assert not ends_at_once(museum)
    assert not ends_at_once(museum)
    assert ends_at_once(museum)


def test_one_other_byte_is_another_file(museum):
    museum.row(2)["notes"] = "Mitglied 8"
    assert not ends_at_once(museum)
    assert museum.sandbox.by_foreign_id("M-0002")[0].fields["notes"] == "Mitglied 8"


def test_the_same_size_and_time_are_no_proof(museum):
    before = museum.shelf.file.stat()
    museum.row(2)["notes"] = "Mitglied 8"
    museum.shelf.file.write_text(museum.shelf.write_rows(), newline="")
    os.utime(museum.shelf.file, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert museum.run().counts["update"] == 1


def test_a_file_that_changes_while_it_is_looked_at_is_not_believed(museum, monkeypatch):
    holds_for = repetition.Repetition.holds_for

    def meanwhile(self: Any, content: bytes) -> bool:
        museum.shelf.file.write_text("id;given\r\n")
        return holds_for(self, content)

    monkeypatch.setattr(repetition.Repetition, "holds_for", meanwhile)
    summary = museum.run()
    assert (summary.status, "was changed while it was being read" in str(summary.error)) == (Status.FAILED, True)


def test_an_earlier_file_is_not_the_last_one(museum):
    museum.remove(3)
    museum.run()
    museum.rows.append(member(3))
    museum.rows.sort(key=lambda row: str(row["id"]))
    assert not ends_at_once(museum)
    assert museum.store.known.find("members", ["M-0003"])["M-0003"].absent_since is None


def test_a_stop_is_heard(museum):
    with museum.world() as world:
        world.stopping.set()
        museum.shelf._source.sleep = world.sleep
        assert museum.run(stops=lambda: True).status in (Status.STOPPED, Status.DONE)


# --- what falls due ---


def test_an_absence_within_its_grace_is_counted_without_a_look_at_the_file(museum):
    museum.remove(3)
    museum.run()
    museum.run()
    assert ends_at_once(museum)
    assert museum.run().counts == {"absent": 1, "records": 5, "unchanged": 5}


def test_grace_that_is_over_ends_it(museum):
    museum.remove(3)
    museum.run()
    museum.run()
    museum.clock.sleep(7 * DAY)
    assert museum.run().counts["delete"] == 1


def test_the_first_of_several_absences_counts(museum):
    museum.remove(3)
    museum.run()
    museum.clock.sleep(3 * DAY)
    museum.remove(4)
    museum.run()
    museum.run()
    museum.clock.sleep(4 * DAY)
    assert museum.run().counts["delete"] == 1


def test_who_is_absent_and_never_erased_never_falls_due(museum):
    museum.mode = DeleteMode.IGNORE
    museum.remove(3)
    museum.run()
    museum.run()
    museum.clock.sleep(70 * DAY)
    assert ends_at_once(museum)


def test_a_pause_that_is_over_is_tried_again(museum):
    museum.sandbox.switches = replace(museum.sandbox.switches, email_unique=True)
    museum.row(2)["mail"] = museum.row(3)["mail"]
    assert museum.run().status is Status.PROBLEMS
    museum.run()
    museum.sandbox.switches = replace(museum.sandbox.switches, email_unique=False)
    museum.clock.sleep(DAY)
    assert museum.run().counts["update"] == 1


def break_some(museum: Museum) -> None:
    """One is invalid, and two are refused."""
    museum.sandbox.switches = replace(museum.sandbox.switches, email_unique=True)
    museum.row(2)["family"] = ""
    museum.row(3)["mail"] = "kein@ort"
    museum.row(4)["mail"] = museum.row(5)["mail"]


def test_a_list_with_mistakes_is_not_taken_apart_again(museum):
    break_some(museum)
    assert museum.run().status is Status.PROBLEMS
    museum.run()
    museum.run()
    assert ends_at_once(museum)
    summary = museum.run()
    assert (summary.status, summary.counts["invalid"], summary.counts["quarantined"]) == (Status.PROBLEMS, 1, 2)


def test_who_is_invalid_is_told_and_listed_as_by_the_whole_run(museum):
    break_some(museum)
    for _ in range(3):
        museum.run()
    listed, log = museum.listed(), LogCapture()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger("info"), processors=[log])
    with counting_reads() as read:
        run_id = museum.run().run_id
    assert {row.run_id for row in museum.store.failures.invalid("members")} == {run_id}
    with always_whole():
        museum.run()
    assert len(read) == 0
    lines = [{**line, "duration": 0} for line in log.entries]
    assert [line["event"] for line in lines].count("source.invalid_record") == 2
    assert lines[: len(lines) // 2] == lines[len(lines) // 2 :]
    assert museum.listed() == listed


def test_a_list_of_invalid_records_that_was_cleared_meanwhile_is_made_anew(museum):
    break_some(museum)
    for _ in range(4):
        museum.run()
    museum.store.failures.replace_invalid("members", "run", [])
    assert not ends_at_once(museum)
    assert museum.store.failures.count("members") == 3


def test_who_was_invalid_and_is_in_order_is_seen(museum):
    break_some(museum)
    for _ in range(3):
        museum.run()
    museum.row(3)["mail"] = "ada3@example.org"
    assert "invalid" not in museum.run().counts


def test_a_pause_that_ends_is_seen_however_often_the_file_was_passed_over(museum):
    break_some(museum)
    for _ in range(4):
        museum.run()
    museum.clock.sleep(3600)
    assert not ends_at_once(museum)


def test_a_person_who_wants_it_tried_again_is_heard(museum):
    break_some(museum)
    for _ in range(4):
        museum.run()
    museum.store.failures.make_due("members", museum.clock())
    assert not ends_at_once(museum)


def test_who_is_listed_without_an_id_is_looked_at_each_time(museum):
    museum.row(2)["id"] = ""
    for _ in range(3):
        museum.run()
    assert not ends_at_once(museum)


def test_a_row_that_is_left_out_is_told_each_time(museum):
    museum.shelf.text = museum.shelf.write_rows() + "---;;;;;;\r\n"
    museum.run()
    assert museum.run().counts["left_out"] == 1
    assert not ends_at_once(museum)


def test_a_record_without_a_line_end_is_looked_at_each_time(museum):
    museum.shelf.text = museum.shelf.write_rows().rstrip("\r\n")
    museum.run()
    museum.run()
    assert not ends_at_once(museum)


def test_what_is_held_is_planned_each_time(museum):
    museum.limits = replace(museum.limits, delete_count=0)
    museum.grace = timedelta(0)
    museum.remove(3)
    museum.run()
    assert museum.run().status is Status.HELD
    assert not ends_at_once(museum)


def test_what_was_rejected_is_looked_at_each_time(museum):
    museum.limits = replace(museum.limits, delete_count=0)
    museum.grace = timedelta(0)
    museum.remove(3)
    museum.run()
    museum.approve(Word.REJECTED)
    museum.run()
    museum.run()
    assert not ends_at_once(museum)


def test_another_day_ends_a_condition_on_today(museum):
    museum.where = [{"from": "born", "date": "%Y-%m-%d", "before": "today"}]
    museum.run()
    museum.run()
    assert ends_at_once(museum)
    museum.clock.sleep(DAY)
    assert not ends_at_once(museum)


def test_the_audit_looks_all_the_same(museum):
    museum.audit_per_run = 2
    assert ends_at_once(museum)
    assert (museum.run().counts["audited"], len(museum.calls())) == (2, 2)


def test_drift_that_is_to_be_mended_is_mended_by_the_next_run(museum):
    museum.audit_per_run, museum.fix_drift = 6, True
    museum.change_remotely(2, notes="von Hand")
    assert ends_at_once(museum)
    assert museum.run().counts["update"] == 1


# --- what somebody did meanwhile ---


def test_an_erasure_on_request_is_carried_out(museum):
    with museum.world() as world:
        request_erasure(museum.sync, world, ["M-0003"])
    summary = museum.run()
    assert (summary.status, summary.counts["delete"]) == (Status.PROBLEMS, 1)


def test_an_erasure_that_is_asked_for_while_the_file_is_looked_at_is_carried_out(museum, monkeypatch):
    holds_for = repetition.Repetition.holds_for

    def meanwhile(self: Any, content: bytes) -> bool:
        with museum.world() as world:
            request_erasure(museum.sync, world, ["M-0003"])
        return holds_for(self, content)

    monkeypatch.setattr(repetition.Repetition, "holds_for", meanwhile)
    assert museum.run().counts["delete"] == 1


def test_an_erasure_that_was_carried_out_between_is_seen(museum):
    museum.erase("M-0003")
    assert not ends_at_once(museum)


def test_an_erasure_that_was_taken_back_is_seen(museum):
    museum.remove(3)
    museum.run()
    museum.erase("M-0003")
    museum.run()
    museum.run()
    assert ends_at_once(museum)
    museum.undo("M-0003")
    assert not ends_at_once(museum)


@pytest.mark.parametrize(
    "act",
    [
        lambda museum: museum.verify(),
        lambda museum: museum.verify(fix=True),
        lambda museum: museum.link({"0009": "0002"}),
        lambda museum: museum.store.forget_sync("members"),
        lambda museum: museum.store.forget_absence("members"),
    ],
    ids=["verify", "verify --fix", "link", "forget", "forget absence"],
)
def test_whatever_else_takes_the_sync_is_followed_by_a_whole_run(museum, act):
    act(museum)
    assert not ends_at_once(museum)


NOW = datetime(2026, 3, 1, 8, 0, tzinfo=UTC)
CHANGE = Create(foreign_id="M-0009", fields={}, digests=Digests(), source_digest=b"")
REFUSED = Quarantined(
    foreign_id="M-0009",
    content=b"",
    action="create",
    reason="refused",
    status=422,
    tries=1,
    since=NOW,
    next_try_at=NOW + timedelta(days=9),
)
HELD = Held(guard=Guard.DELETE, reason="too many")


def decide(store: Store) -> None:
    """A person's word, on what is not held any more."""
    store.held.put("members", "run", [HELD], [HeldChange(foreign_id="M-0009", action="delete", content=b"")], NOW)
    store.held.decide("members", "run", Word.REJECTED, but=(), said=Signature(by="somebody", why=None, at=NOW))
    store.held.clear("members")


@pytest.mark.parametrize(
    "write",
    [
        decide,
        lambda store: store.tombstones.put(
            Instance("main", b"elsewhere"), Tombstone(name=b"n" * 16, sync="donors", cause=Cause.REQUEST, at=NOW)
        ),
        lambda store: store.failures.set_aside("members", REFUSED),
        lambda store: store.failures.replace_nameless("members", {b"n" * 16: NOW}),
        lambda store: store.journal.begin("run", "members", [CHANGE], Action.CREATE, NOW),
        lambda store: store.known.set_stage("members", ["M-0002"], Stage.ANONYMIZED),
        lambda store: store.held.put("members", "run", [HELD], [], NOW),
        lambda store: store.absences.judged_for("members", b""),
        lambda store: store.absences.accept("members", NOW),
    ],
    ids=["decided", "requested", "refused", "nameless", "open", "begun", "held", "judged", "accepted"],
)
def test_whatever_stands_in_the_state_meanwhile_is_compared_whole(museum, write):
    write(museum.store)
    assert not ends_at_once(museum)


def test_a_run_that_was_killed_is_followed_by_a_whole_one(museum):
    with pytest.raises(BaseException), mortal(museum, 1):  # noqa: B017 - however it dies
        museum.run()
    museum.reopen()
    assert not ends_at_once(museum)


def test_a_run_that_failed_is_followed_by_a_whole_one(museum):
    content = museum.shelf.file.read_bytes()
    museum.shelf.text = ""
    assert museum.run().status is Status.FAILED
    museum.shelf.text = content.decode()
    assert not ends_at_once(museum)


def test_a_start_that_found_the_sync_taken_changes_nothing(museum):
    with take_lease(museum.engine, "members"), pytest.raises(LeaseTaken):
        museum.run()
    assert ends_at_once(museum)


def test_an_older_state_is_compared_whole(museum):
    backup = museum.back_up()
    museum.row(2)["notes"] = "neu"
    museum.run()
    museum.row(2)["notes"] = "Mitglied 2"
    museum.restore(backup)
    assert not ends_at_once(museum)
    assert museum.run().status is Status.DONE


def test_the_same_workbook_is_not_taken_apart_again(museum, tmp_path, monkeypatch):
    workbook = openpyxl.Workbook()
    workbook.active.append(list(member(1)))
    workbook.active.append([str(cell) for cell in member(1).values()])
    workbook.save(tmp_path / "list.xlsx")
    options = ExcelOptions(path="list.xlsx", settled=timedelta(0))
    museum.shelf = ExcelSource(options, base=tmp_path, sleep=lambda _: None, clock=museum.clock)
    museum.grace = timedelta(days=9)
    museum.limits = replace(museum.limits, delete_percent=100)
    museum.run()
    museum.run()
    monkeypatch.setattr(ExcelSource, "read", None)
    assert museum.run().counts == {"absent": 5, "records": 1, "unchanged": 1}


def test_an_empty_state_is_compared_whole(museum):
    museum.lose_state()
    assert not ends_at_once(museum)


def test_another_instance_is_compared_whole(museum):
    museum.address = "https://other.gomus.de"
    assert not ends_at_once(museum)


def test_another_name_of_the_instance_is_compared_whole(museum):
    museum.instance_name = "other"
    assert not ends_at_once(museum)


def test_a_ledger_that_grew_is_compared_whole(museum, tmp_path):
    museum.ledger = str(tmp_path / "ledger")
    museum.run()
    museum.run()
    assert ends_at_once(museum)
    with museum.world() as world:
        world.erasures.add(place_of(museum.sync), ["M-0099"], museum.clock())
    assert not ends_at_once(museum)


@pytest.mark.parametrize(
    "change",
    [
        lambda museum: museum.who_wins.update(notes="create"),
        lambda museum: museum.where.append({"from": "given", "is_not": "Ada3"}),
        lambda museum: setattr(museum, "grace", timedelta(days=8)),
        lambda museum: setattr(museum, "mode", DeleteMode.RELEASE),
        lambda museum: setattr(museum, "releases_linked", False),
        lambda museum: setattr(museum, "path", "other.csv"),
        lambda museum: setattr(museum, "prefix", "N-"),
    ],
    ids=["write", "where", "grace", "mode", "linked", "source", "prefix"],
)
def test_another_configuration_is_compared_whole(museum, change):
    change(museum)
    assert not ends_at_once(museum)


def test_another_encoding_is_compared_whole(museum, tmp_path):
    rows = museum.rows
    museum.shelf = FileShelf(tmp_path, encoding="windows-1252")
    museum.shelf.rows[:] = rows
    assert not ends_at_once(museum)


def test_another_version_of_syncd_compares_whole(museum, monkeypatch):
    monkeypatch.setattr(repetition, "__version__", "99.0")
    assert not ends_at_once(museum)


# --- other syncs ---


def test_another_sync_of_the_instance_does_no_harm(museum):
    donors = museum.beside("donors", "D-", Shelf())
    donors.fill(3)
    donors.run()
    museum.run()
    museum.run()
    assert ends_at_once(museum)
    donors.row(2)["notes"] = "neu"
    donors.run()
    assert ends_at_once(museum)


def test_whom_another_sync_knows_too_is_compared(museum):
    museum.beside("donors", "D-", Shelf()).run()
    museum.run()
    museum.run()
    museum.store.known.put("donors", [KnownRow(foreign_id="M-0002", gomus_id=99)])
    assert museum.run().counts["invalid"] == 1


def test_a_prefix_of_letters_may_be_anybodys_beside_another_sync(museum):
    museum.prefix = "M"
    museum.beside("donors", "D-", Shelf()).run()
    museum.run()
    museum.run()
    assert not ends_at_once(museum)


# --- whatever happens ---


@dataclass
class Twins:
    """Two museums to which the same happens; in one of them no run ends at once."""

    quick: Museum
    careful: Museum

    def both(self, act: Callable[[Museum], object]) -> tuple[object, object]:
        self.careful.clock.now = self.quick.clock.now
        one = act(self.quick)
        with always_whole():
            return one, act(self.careful)

    def run(self) -> None:
        quick, careful = self.both(told_run)
        assert quick == careful
        assert remembered(self.quick) == remembered(self.careful)
        assert self.quick.listed() == self.careful.listed()
        assert shown(self.quick) == shown(self.careful)


def told_run(museum: Museum) -> object:
    """What a run comes to, and what is told of it, line by line."""
    log = LogCapture()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger("info"), processors=[log])
    summary = museum.run()
    return summed_up(summary), [{**line, "duration": 0, "until": None} for line in log.entries]


@contextmanager
def always_whole() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(repetition.Repetition, "holds_for", lambda *_: False)
        yield


def summed_up(summary: Any) -> object:
    return summary.status, summary.counts, summary.outcomes, summary.held, summary.error, summary.remedy


def remembered(museum: Museum) -> dict[str, list[tuple[object, ...]]]:
    """The state, but for moments and the names of runs."""
    found = {}
    with museum.engine.connect() as connection:
        for table in t.metadata.sorted_tables:
            if table in (t.standstill, t.meta):
                continue
            columns = [c for c in table.c if not isinstance(c.type, Moment) and c.name not in ("run_id", "id")]
            moments = [c.is_(None) for c in table.c if isinstance(c.type, Moment)]
            rows = connection.execute(sa.select(*columns, *moments))
            found[table.name] = sorted((tuple(row) for row in rows), key=repr)
    return found


def shown(museum: Museum) -> object:
    """What go~mus has."""
    return sorted(sorted(map(repr, one.fields.items())) for one in museum.sandbox.customers)


CELLS = st.sampled_from(["", "Anna", 'a "b" c', "eins\nzwei", "x;y", "0001", " ", "kein@ort", "neu"])
NAMES = st.sampled_from([*FIELDS_MAPPED.values(), "id"])
TIGHT = replace(DEFAULT_LIMITS, delete_count=0)


@dataclass(frozen=True)
class Draw:
    """What an act is given: numbers, the name of a column, and a cell."""

    place: int
    other: int
    name: str
    cell: str

    @property
    def who(self) -> str:
        return f"M-{self.place:04d}"

    def row(self, museum: Museum) -> dict[str, object]:
        return museum.rows[self.place % len(museum.rows)] if museum.rows else {}

    def text(self, museum: Museum) -> str | None:
        text = museum.shelf.write_rows()
        return [text[: self.place * 60], text + "---;;;\r\n", text.rstrip(), None][self.other]

    def conditions(self) -> list[dict[str, object]]:
        today: dict[str, object] = {"from": "born", "date": "%Y-%m-%d", "before": "today"}
        return [[], [{"from": "given", "is_not": self.cell.strip() or "x"}], [today], []][self.other]


def change_remotely(museum: Museum, draw: Draw) -> None:
    if museum.sandbox.by_foreign_id(draw.who):
        museum.change_remotely(draw.place, notes=draw.cell)


ACTS: dict[str, Callable[[Museum, Draw], object]] = {
    "nothing": lambda _museum, _draw: None,
    "remove": lambda museum, draw: museum.remove(draw.place),
    "add": lambda museum, draw: museum.rows.insert(draw.other, member(draw.place) | {draw.name: draw.cell}),
    "change": lambda museum, draw: draw.row(museum).update({draw.name: draw.cell}),
    "twice": lambda museum, draw: museum.rows.insert(draw.other, dict(draw.row(museum))),
    "text": lambda museum, draw: setattr(museum.shelf, "text", draw.text(museum)),
    "wait": lambda museum, draw: museum.clock.sleep([3600, 6 * 3600, DAY, 4 * DAY][draw.other]),
    "clock back": lambda museum, draw: museum.clock.sleep(-3600 * draw.other),
    "mapping": lambda museum, draw: setattr(museum, "who_wins", {"notes": "create"} if draw.place % 2 else {}),
    "where": lambda museum, draw: setattr(museum, "where", draw.conditions()),
    "grace": lambda museum, draw: setattr(museum, "grace", timedelta(days=draw.other)),
    "mode": lambda museum, draw: setattr(museum, "mode", list(DeleteMode)[draw.other]),
    "limits": lambda museum, draw: setattr(museum, "limits", TIGHT if draw.place % 2 else DEFAULT_LIMITS),
    "erase": lambda museum, draw: museum.erase(draw.who).status,
    "undo": lambda museum, draw: museum.undo(draw.who),
    "approve": lambda museum, _draw: museum.approve(),
    "reject": lambda museum, _draw: museum.approve(Word.REJECTED),
    "retry": lambda museum, _draw: museum.store.failures.make_due("members", museum.clock()),
    "verify": lambda museum, draw: museum.verify(fix=bool(draw.place % 2)).compared,
    "link": lambda museum, draw: museum.link({f"{draw.other + 6:04d}": f"{draw.place:04d}"}).summary.counts,
    "remotely": change_remotely,
    "audit": lambda museum, draw: vars(museum).update(audit_per_run=draw.other, fix_drift=bool(draw.place % 2)),
    "forget": lambda museum, _draw: museum.store.forget_absence("members"),
    "another sync": lambda museum, _draw: museum.beside("donors", "D-", Shelf()).run().status,
}
DRAWS = st.builds(Draw, st.integers(1, 5), st.integers(0, 3), NAMES, CELLS)
OFTEN = [*ACTS, *["nothing", "wait", "remove", "text"] * 2]


def test_a_twin_ends_at_once_and_the_other_never(tmp_path):
    for name in ("quick", "careful"):
        (tmp_path / name).mkdir()
    twins = Twins(make_museum(tmp_path / "quick"), make_museum(tmp_path / "careful"))
    for museum in (twins.quick, twins.careful):
        museum.fill(3)
    twins.run()
    twins.run()
    assert ends_at_once(twins.quick)
    with always_whole():
        assert not ends_at_once(twins.careful)
    for museum in (twins.quick, twins.careful):
        museum.close()


@settings(max_examples=EXAMPLES)
@given(st.lists(st.tuples(st.sampled_from(OFTEN), DRAWS, st.integers(1, 3)), max_size=7))
def test_a_run_always_ends_as_the_whole_one(steps):
    with TemporaryDirectory() as one, TemporaryDirectory() as other:
        twins = Twins(make_museum(Path(one)), make_museum(Path(other)))
        try:
            twins.quick.fill(5)
            twins.careful.fill(5)
            twins.run()
            twins.run()
            for name, drawn, runs in steps:
                quick, careful = twins.both(lambda museum, act=ACTS[name], draw=drawn: act(museum, draw))
                assert quick == careful
                for _ in range(runs):
                    twins.run()
        finally:
            twins.quick.close()
            twins.careful.close()
