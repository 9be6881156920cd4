"""An export that is cut at any byte: no value is sent that is not in the whole file, and nobody is deleted."""

import csv
import io
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from extent import IS_WHOLE
from museum import FIELDS_MAPPED, Museum

from syncd.domain.changes import Create, Erase, Update
from syncd.domain.runs import Trigger
from syncd.errors import IncompleteRead
from syncd.mapping.columns import measure
from syncd.runs.drawing import drawing_up
from syncd.runs.run import Run, opening
from syncd.sources.files.csv import CsvOptions, CsvSource
from syncd.sources.files.excel import ExcelOptions, ExcelSource

COUNT = 40
COLUMNS = ["id", "born", "mail", "given", "family", "phone", "notes"]
assert {*COLUMNS[1:]} == {*FIELDS_MAPPED.values()}
VALUES = {
    f"M-{n:04d}": [f"1971-04-{n % 28 + 1:02}", f"z{n}@e.de", f"V{n}", f"N{n}", f"+4930{n}00", f"ab {n}0"]
    for n in range(1, COUNT + 1)
}
FORMS: dict[str, dict[str, Any]] = {
    "plain": {},
    "id in the last column": {"is_reversed": True},
    "in quotes, with line breaks": {"quoting": csv.QUOTE_ALL, "blank": "\n"},
    "unix, UTF-16": {"end": "\n", "encoding": "utf-16"},
    "titles above": {"before": "Mitglieder\r\n\r\n"},
}


def export(
    *,
    is_reversed: bool = False,
    quoting: Any = csv.QUOTE_MINIMAL,
    blank: str = " ",
    end: str = "\r\n",
    encoding: str = "utf-8",
    before: str = "",
) -> bytes:
    text = io.StringIO()
    writer = csv.writer(text, delimiter=";", lineterminator=end, quoting=quoting)
    for row in [COLUMNS, *([name.removeprefix("M-"), *values] for name, values in VALUES.items())]:
        cells = [cell.replace(" ", blank) for cell in row]
        writer.writerow(cells[::-1] if is_reversed else cells)
    return (before + text.getvalue()).encode(encoding)


@pytest.fixture(params=FORMS)
def form(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def whole(form: str) -> bytes:
    return export(**FORMS[form])


@pytest.fixture
def museum(tmp_path: Path) -> Iterator[Museum]:
    museum = Museum(state_url=f"sqlite:///{tmp_path / 'state.db'}")
    museum.shelf = csv_source(tmp_path)  # type: ignore[assignment]  # any source will do
    yield museum
    museum.close()


def csv_source(folder: Path, **options: Any) -> CsvSource:
    parsed = CsvOptions.model_validate({"path": "members.csv", "settled": "0s", **options})
    return CsvSource(parsed, base=folder, sleep=lambda _: None, clock=lambda: datetime.now(UTC))


@pytest.fixture(params=["first run", "everybody known"])
def run(request: pytest.FixtureRequest, museum: Museum, tmp_path: Path, whole: bytes) -> Iterator[Run]:
    museum.shelf.share = measure(museum.sync.mapper.columns)
    if request.param == "everybody known":
        (tmp_path / "members.csv").write_bytes(whole)
        museum.run()
        assert len(museum.sandbox.customers) == COUNT
    with museum.world() as world, opening(museum.sync, world, trigger=Trigger.COMMAND_LINE) as run:
        yield run


def planned(run: Run, source: CsvSource) -> tuple[list[Create | Update], int]:
    """What would be sent, and how many would be deleted; nothing where the read is incomplete."""
    sync = replace(run.sync, source=source)
    try:
        with drawing_up(sync, run.recall(run.world.clock()), {}, progress=lambda _count: None) as drawn:
            spool = drawn.plan.spool
            return [*spool.changes(Create), *spool.changes(Update)], sum(1 for _ in spool.changes(Erase))
    except IncompleteRead:
        return [], 0


def is_at_a_line_end(whole: bytes, length: int) -> bool:
    """The row is there to its last letter; of UTF-16 too, and between \\r and \\n."""
    return whole[:length].rstrip(b"\0")[-1:] in (b"\r", b"\n")


@pytest.mark.in_part(3)
@pytest.mark.parametrize("on_incomplete", ["stop", "apply"])
def test_no_cut_sends_a_wrong_value_or_deletes_anybody(run, form, whole, tmp_path, on_incomplete):
    source = csv_source(tmp_path, on_incomplete=on_incomplete)
    source.share = measure(run.sync.mapper.columns)
    is_known = run.world.store.known.count("members") > 0
    file, sent = tmp_path / "members.csv", 0
    step = 1 if IS_WHOLE else 29 if (form, on_incomplete) == ("plain", "stop") else 131
    for length in [*range(0, len(whole), step), *range(len(whole) - 50, len(whole))]:
        file.write_bytes(whole[:length])
        changes, erased = planned(run, source)
        assert erased == 0 or is_at_a_line_end(whole, length), f"cut at {length}"
        sent = max(sent, len(changes))
        for change in changes:
            found = [str(value).replace("\n", " ") for value in change.fields.values()]
            assert set(found) <= set(VALUES[change.foreign_id]), f"cut at {length}"
    assert sent == 0 if is_known else sent >= COUNT - 1


@pytest.mark.parametrize("complete", [{"minimum": COUNT}, {"trailer": "Ende"}, {"marker": "members.done"}])
def test_a_cut_at_a_line_end_is_told_by_what_proves_that_a_file_is_whole(tmp_path, complete):
    whole = export() + b"Ende;40\r\n"
    source = csv_source(tmp_path, complete=complete)
    for length in (place + 2 for place in range(len(whole) - 9) if whole.startswith(b"\r\n", place)):
        (tmp_path / "members.csv").write_bytes(whole[:length])
        if length < len(whole) - 9 or "minimum" not in complete:
            with pytest.raises(IncompleteRead), source.open() as reading:
                list(reading)


def test_a_workbook_that_is_cut_anywhere_is_none(tmp_path):
    book = openpyxl.Workbook()
    for row in [COLUMNS, *([name, *values] for name, values in VALUES.items())]:
        book.active.append(row)
    book.save(tmp_path / "whole.xlsx")
    whole, file = (tmp_path / "whole.xlsx").read_bytes(), tmp_path / "members.xlsx"
    options = ExcelOptions(path=file.name, settled="0s")
    source = ExcelSource(options, base=tmp_path, sleep=lambda _: None, clock=lambda: datetime.now(UTC))
    for length in range(len(whole)):
        file.write_bytes(whole[:length])
        with pytest.raises(IncompleteRead), source.open() as reading:
            list(reading)


def runs_at(museum: Museum, file: Path, whole: bytes, lengths: Sequence[int]) -> Iterator[tuple[int, list[str]]]:
    """What each whole run sends, of the file cut at each of these lengths."""
    museum.shelf.share = measure(museum.sync.mapper.columns)
    for length in lengths:
        file.write_bytes(whole[:length])
        museum.sandbox.reset_calls()
        with suppress(IncompleteRead):
            museum.run()
        yield length, [call.method for call in museum.sandbox.calls if call.method != "GET"]


def step_of(form: str) -> int:
    return 7 if form == "plain" else 41


@pytest.mark.long
def test_an_export_that_grows_from_run_to_run_sends_nothing_that_is_not_in_it(museum, form, whole, tmp_path):
    lengths = [*range(0, len(whole), step_of(form)), len(whole)]
    for length, calls in runs_at(museum, tmp_path / "members.csv", whole, lengths):
        assert "DELETE" not in calls, f"cut at {length}"
        for customer in museum.sandbox.customers if calls else ():
            shown = {str(customer[name]).replace("\n", " ") for name in FIELDS_MAPPED if customer[name] is not None}
            assert shown == set(VALUES[str(customer["foreign_id"])]), f"cut at {length}"
    assert len(museum.sandbox.customers) == COUNT


@pytest.mark.long
def test_of_an_export_of_people_who_are_known_no_cut_sends_anything(museum, form, whole, tmp_path):
    (tmp_path / "members.csv").write_bytes(whole)
    museum.shelf.share = measure(museum.sync.mapper.columns)
    museum.run()
    lengths = [one for one in range(0, len(whole), step_of(form)) if not is_at_a_line_end(whole, one)]
    sent = {length: calls for length, calls in runs_at(museum, tmp_path / "members.csv", whole, lengths) if calls}
    assert (sent, len(museum.sandbox.customers)) == ({}, COUNT)
