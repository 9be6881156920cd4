"""Who is recognised by the record as it came is decided on as who is taken apart and mapped."""

import os
import sqlite3
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import given, settings
from hypothesis import strategies as st
from museum import FileShelf, Museum, Shelf, member, sqlite_url
from shelves import SHELVES, RestShelf

from syncd.domain.changes import Create, Erase, Update
from syncd.domain.chunks import chunks
from syncd.domain.runs import Status
from syncd.errors import IncompleteRead
from syncd.plan import comparison, reading, recognising
from syncd.plan.plan import Plan
from syncd.runs.drawing import drawing_up
from syncd.runs.run import opening
from syncd.state.known import KnownRow

Drawing = dict[str, object]
EXAMPLES = int(os.environ.get("SYNCD_TEST_RECOGNISING_EXAMPLES", "7"))


@pytest.fixture
def museum(tmp_path: Path) -> Iterator[Museum]:
    museum = make_museum(tmp_path)
    museum.fill(6)
    yield museum
    museum.close()


@pytest.fixture(params=[*SHELVES, "csv in parts"])
def any_museum(tmp_path: Path, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Museum]:
    monkeypatch.setattr(reading, "chunks", partial(chunks, size=2))
    museum = make_museum(tmp_path, request.param)
    museum.fill(6)
    yield museum
    museum.close()


def make_museum(folder: Path, kind: str = "csv", **options: Any) -> Museum:
    """A source "in parts" counts as far as it came."""
    name, _, in_parts = kind.partition(" ")
    shelf = SHELVES[name](folder, **options, **({"on_incomplete": "apply"} if in_parts else {}))
    return Museum(state_url=sqlite_url(folder), shelf=shelf, grace=timedelta(days=7))


def draw(museum: Museum, *, recognises: bool) -> Drawing:
    """Everything that follows from a read, and how many records were recognised."""
    with pytest.MonkeyPatch.context() as patch, museum.world() as world:
        if not recognises:
            patch.setattr(comparison.Comparison, "recognise", lambda *_, **__: None)
        with opening(museum.sync, world, trigger=None) as run:  # type: ignore[arg-type] - none is recorded
            recall = run.recall(museum.clock.now)
            try:
                with drawing_up(museum.sync, recall, {}, progress=lambda _: None) as drawn:
                    return tell(drawn.plan)
            except IncompleteRead as failure:
                return {"failure": str(failure), "remedy": failure.remedy}


def tell(plan: Plan) -> Drawing:
    found, recognised = plan.found, count_recognised(plan.read.comparison)
    ids = [f"M-{number:04d}" for number in range(20)]
    seen = plan.read.comparison.seen_among(ids)
    return {
        "recognised": recognised,
        "counts": plan.counts,
        "changes": [sorted(map(repr, plan.spool.changes(kind))) for kind in (Create, Update, Erase)],
        "invalid": sorted({str(one.foreign_id) for one in plan.spool.invalid()}),
        "contradictions": sum("stands more than once" in str(one.problems) for one in plan.spool.invalid()),
        "absent": (plan.absent, plan.absent_since, sorted(found.newly_absent), sorted(found.left_to_others)),
        "found": (sorted(found.returned), sorted(found.mended), sorted(found.nameless), found.unsure),
        "relearned": sorted(map(repr, found.relearned)),
        "skipped": plan.skipped,
        "seen": {one: some.verdict for one, some in seen.items()},
    }


def count_recognised(compared: comparison.Comparison) -> int:
    """Also those of the records of a file who are in the spool meanwhile."""
    return compared.reading.passed or (len(compared.recognition.marks) if compared.recognition else 0)


def draw_both(museum: Museum) -> Drawing:
    """Of three records that contradict each other, which two are told to be alike depends on their order."""
    quick, careful = draw(museum, recognises=True), draw(museum, recognises=False)
    assert comparable(quick) == comparable(careful)
    return quick


def comparable(drawing: Drawing) -> Drawing:
    counts = dict(drawing.get("counts", {}))  # type: ignore[call-overload] - of a plan
    if drawing.get("contradictions"):
        counts |= {"invalid": 0, "duplicates": 0}
    return {**drawing, "counts": counts, "contradictions": 0, "recognised": 0}


# --- claims ---


def test_an_unchanged_file_is_recognised_whole(museum):
    museum.run()
    assert draw_both(museum)["recognised"] == 6


def test_the_order_makes_no_difference(museum):
    museum.run()
    museum.rows.reverse()
    assert draw_both(museum)["recognised"] == 6


def test_a_run_in_which_all_are_recognised_makes_no_call_and_writes_no_customer(museum):
    museum.run()
    summary = museum.run()
    assert (summary.counts, museum.writes()) == ({"records": 6, "unchanged": 6}, [])


def test_a_record_of_several_lines_is_recognised(museum):
    museum.row(2)["notes"] = 'eins\nzwei "drei"\n'
    museum.run()
    assert draw_both(museum)["recognised"] == 6


def test_whoever_is_gone_is_absent_and_whoever_is_new_is_made(museum):
    museum.run()
    museum.remove(3)
    museum.rows.append(member(9))
    drawn = draw_both(museum)
    assert (drawn["recognised"], drawn["counts"]) == (5, {"absent": 1, "create": 1, "records": 6, "unchanged": 5})


def test_the_same_record_twice_is_told_as_such(museum):
    museum.run()
    museum.rows.append(dict(museum.row(3)))
    drawn = draw_both(museum)
    assert (drawn["recognised"], drawn["counts"]) == (6, {"duplicates": 1, "records": 7, "unchanged": 6})


def test_a_record_that_contradicts_one_that_was_recognised_makes_both_invalid(museum):
    museum.run()
    museum.rows.append(museum.row(3) | {"given": "Berta"})
    drawn = draw_both(museum)
    assert (drawn["recognised"], drawn["counts"]["invalid"], drawn["invalid"]) == (6, 2, ["M-0003"])  # type: ignore[index]


def test_a_record_within_the_cell_of_another_is_none(museum):
    museum.run()
    head, one, two, three, *others = museum.shelf.write_rows().splitlines(keepends=True)
    begun = two.replace("Ada2", '5" Rohr').replace("Mitglied 2;1980-12-31", '"davor')  # an even number of quotes
    museum.shelf.text = "".join([head, one, begun, three, 'danach";1980-12-31\r\n', *others])
    drawn = draw_both(museum)
    assert (drawn["recognised"], drawn["counts"]) == (0, {"absent": 1, "records": 5, "unchanged": 4, "update": 1})


def test_another_column_or_mapping_recognises_nobody(museum):
    museum.run()
    museum.rows[:] = [row | {"more": "x"} for row in museum.rows]
    assert draw_both(museum)["recognised"] == 0
    museum.run()
    assert draw_both(museum)["recognised"] == 6
    museum.who_wins = {"notes": "create"}
    assert draw_both(museum)["recognised"] == 0


def test_a_condition_on_today_recognises_nobody_on_another_day(museum):
    museum.where = [{"from": "born", "date": "%Y-%m-%d", "before": "today"}]
    museum.run()
    assert draw_both(museum)["recognised"] == 6
    museum.clock.sleep(86_400)
    assert draw_both(museum)["recognised"] == 0


def test_whom_another_sync_knows_too_is_not_recognised(museum):
    museum.run()
    museum.beside("donors", "D-", Shelf()).run()
    known = museum.store.known.find("members", ["M-0002"])["M-0002"]
    museum.store.known.put("donors", [KnownRow(foreign_id="M-0002", gomus_id=known.gomus_id)])
    drawn = draw_both(museum)
    assert (drawn["recognised"], drawn["counts"]["invalid"]) == (5, 1)  # type: ignore[index]


def test_the_last_record_without_a_line_end_is_not_recognised(museum):
    museum.run()
    museum.shelf.text = museum.shelf.write_rows().rstrip("\r\n")
    drawn = draw_both(museum)
    assert (drawn["recognised"], drawn["counts"]["invalid"]) == (5, 1)  # type: ignore[index]


def test_a_record_behind_a_short_row_is_no_footer(museum):
    museum.run()
    lines = museum.shelf.write_rows().splitlines(keepends=True)
    museum.shelf.text = "".join([*lines[:3], "Summe;;\r\n", *lines[3:]])
    assert "cut short" in str(draw_both(museum)["failure"])


def test_a_refused_record_that_is_as_before_is_over(museum):
    museum.run()
    museum.row(2)["family"] = ""
    museum.sandbox.switches = replace(museum.sandbox.switches)
    museum.run()
    museum.row(2)["family"] = "Muster2"
    museum.run()
    assert museum.run().status is Status.DONE
    assert museum.listed() == {}


def test_piles_may_lie_on_disk(museum, monkeypatch):
    monkeypatch.setattr(recognising, "_IN_MEMORY", 1)
    monkeypatch.setattr(recognising, "_AT_ONCE", 1)
    museum.run()
    museum.remove(3)
    drawn = draw_both(museum)
    assert (drawn["recognised"], drawn["counts"]) == (5, {"absent": 1, "records": 5, "unchanged": 5})


# --- claims about sources of every kind, read in chunks of two ---


def test_an_unchanged_source_is_recognised_whole(any_museum):
    any_museum.run()
    assert draw_both(any_museum)["recognised"] == 6
    summary = any_museum.run()
    assert (summary.counts, any_museum.writes()) == ({"records": 6, "unchanged": 6}, [])


def test_in_another_order_too(any_museum):
    any_museum.run()
    any_museum.rows.reverse()
    assert draw_both(any_museum)["recognised"] == 6


def test_whoever_came_left_or_changed_is_not(any_museum):
    any_museum.run()
    any_museum.remove(3)
    any_museum.row(4)["given"] = "Berta"
    any_museum.rows.append(member(9))
    drawn = draw_both(any_museum)
    counts = {"absent": 1, "create": 1, "records": 6, "unchanged": 4, "update": 1}
    assert (drawn["recognised"], drawn["counts"]) == (4, counts)


def test_whoever_is_back_is_taken_apart_and_present(any_museum):
    any_museum.run()
    row = any_museum.row(3)
    any_museum.remove(3)
    any_museum.run()
    any_museum.rows.append(row)
    drawn = draw_both(any_museum)
    assert (drawn["recognised"], len(drawn["found"][0])) == (5, 1)  # type: ignore[index]


@pytest.mark.parametrize("place", [0, 6])
def test_a_contradiction_before_or_behind_the_record_is_found(any_museum, place):
    any_museum.run()
    any_museum.rows.insert(place, any_museum.row(3) | {"given": "Berta"})
    drawn = draw_both(any_museum)
    assert (drawn["counts"]["invalid"], drawn["invalid"]) == (2, ["M-0003"])  # type: ignore[index]


def test_the_known_are_looked_up_by_index(tmp_path):
    museum = make_museum(tmp_path, "sql")
    asked = list[tuple[str, object]]()
    sa.event.listen(museum.engine, "before_cursor_execute", lambda *call: asked.append((call[2], call[3])))
    museum.store.known.settled_among("members", [b"one", b"two"])
    ((query, values),) = [one for one in asked if one[0].startswith("SELECT")]
    with museum.engine.connect() as connection:
        plan = connection.exec_driver_sql(f"explain query plan {query}", values).all()
    assert "USING INDEX ix_known_settled (sync=? AND source_digest=?)" in plan[0].detail
    museum.close()


def test_digests_of_an_older_scheme_recognise_nobody(tmp_path):
    museum = make_museum(tmp_path, "sql")
    museum.fill(6)
    museum.run()
    with sqlite3.connect(tmp_path / "state.db") as base:
        base.execute("update known set scheme = scheme - 1 where foreign_id = 'M-0002'")
    assert draw_both(museum)["recognised"] == 5
    museum.close()


def test_who_is_told_deleted_is_not_recognised(tmp_path):
    museum = make_museum(tmp_path, "rest")
    museum.fill(6)
    museum.run()
    museum.row(2)["gone"] = True
    drawn = draw_both(museum)
    assert (drawn["recognised"], drawn["counts"]["absent"]) == (5, 1)  # type: ignore[index]
    museum.close()


def test_a_record_that_slips_from_page_to_page_ends_the_read(tmp_path):
    museum = make_museum(tmp_path, "rest")
    museum.fill(6)
    museum.run()
    museum.rows.append(dict(museum.row(3)))
    drawn = draw_both(museum)
    assert "stands at pages page 2 record 1 too" in str(drawn["failure"])
    museum.close()


# --- any source after any source ---

CELLS = st.sampled_from(["", "Anna", "Muster2", 'a "b" c', "eins\nzwei", "x;y", "0001", "0002", "id", " ", "-"])
NAMES = st.sampled_from(["given", "family", "notes", "mail", "id"])


@st.composite
def edits(draw_: st.DrawFn) -> Callable[[Museum], None]:  # noqa: C901 - one branch for each edit
    kind = draw_(
        st.sampled_from(
            ["remove", "add", "change", "twice", "swap", "text", "mapping", "column", "where", "gone", "break"]
        )
    )
    place, other = draw_(st.integers(0, 5)), draw_(st.integers(0, 5))
    name, cell = draw_(NAMES), draw_(CELLS)
    cut = draw_(st.integers(0, 700))

    def edit(museum: Museum) -> None:  # noqa: C901 - one branch for each edit
        rows = museum.rows
        row = rows[place % len(rows)] if rows else member(1)
        match kind:
            case "remove":
                rows[:] = [one for one in rows if one is not row]
            case "add":
                rows.insert(other, member(place + 4) | {name: cell})
            case "change":
                row[name] = cell
            case "twice":
                rows.insert(other, dict(row) | ({name: cell} if place % 2 else {}))
            case "swap":
                rows.reverse()
            case "column":
                rows[:] = [one | {"more": cell} for one in rows]
            case "mapping":
                museum.who_wins = {"notes": "create"} if place % 2 else {}
            case "where":
                museum.where = [{"from": "given", "is_not": cell.strip() or "x"}]
            case "gone":
                row["gone"] = True
            case "break":
                museum.shelf.breaks_after = place if isinstance(museum.shelf, RestShelf) else None
            case _ if isinstance(museum.shelf, FileShelf):
                text = museum.shelf.write_rows()
                lines = text.splitlines(keepends=True)
                spoilt = {
                    0: text[:cut],
                    1: "".join([*lines[:place], *lines]),
                    2: "".join([*lines[: place + 1], cell + "\n", *lines[place + 1 :]]),
                    3: text + cell,
                    4: text.replace("\r\n", "\n", cut % 5),
                    5: text + '"' + text,
                }
                museum.shelf.text = spoilt[other]

    return edit


KINDS = ["csv", "csv in parts", "sql", "rest", "rest in parts", "excel"]
SOME = st.lists(edits(), max_size=3)


@pytest.mark.in_part(3)
@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=EXAMPLES)
@given(before=SOME, then=SOME, later=st.lists(edits(), max_size=2), size=st.sampled_from([1, 2, 1_000]))
def test_both_ways_always_decide_alike(kind, before, then, later, size):
    with TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        patch.setattr(reading, "chunks", partial(chunks, size=size))
        museum = make_museum(Path(folder), kind)
        try:
            museum.fill(5)
            for step in (before, then, later):
                museum.shelf.text = museum.shelf.breaks_after = None
                for edit in step:
                    edit(museum)
                draw_both(museum)
                museum.run()
        finally:
            museum.close()
