"""Which rows of a table are records, where the table begins, and what proves that it is whole."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from syncd.domain.records import Customer, InvalidRecord, Position
from syncd.errors import IncompleteRead
from syncd.gomus.fields import FIELDS
from syncd.mapping.mapper import NOTHING_BUT_AN_ID, Mapper
from syncd.mapping.spec import FieldSpec, ForeignIdSpec
from syncd.sources.base import Reading, SourceRecord
from syncd.sources.files.csv import CsvOptions, CsvSource
from syncd.sources.files.excel import ExcelOptions, ExcelSource
from syncd.sources.files.table import TableSource

Table = Sequence[Sequence[str]]
Read = tuple[Reading, list[SourceRecord]]
HEADER = ["Nr", "Vorname", "Ort"]
ANNA, BODO = ["1", "Anna", "Wien"], ["2", "Bodo", "Linz"]


def csv_source(folder: Path, rows: Table, **options: Any) -> TableSource:
    return csv_text(folder, "".join(";".join(row) + "\n" for row in rows), **options)


def csv_text(folder: Path, text: str, **options: Any) -> CsvSource:
    (folder / "list.csv").write_text(text, encoding="utf-8", newline="")
    parsed = CsvOptions.model_validate({"path": "list.csv", "settled": "0s", **options})
    return CsvSource(parsed, base=folder, sleep=lambda _: None, clock=lambda: datetime.now(UTC))


def excel_source(folder: Path, rows: Table, **options: Any) -> TableSource:
    book = openpyxl.Workbook()
    for row in rows:
        book.active.append(list(row))
    book.save(folder / "list.xlsx")
    parsed = ExcelOptions.model_validate({"path": "list.xlsx", "settled": "0s", **options})
    return ExcelSource(parsed, base=folder, sleep=lambda _: None, clock=lambda: datetime.now(UTC))


@pytest.fixture(params=[csv_source, excel_source], ids=["csv", "excel"])
def table(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[..., TableSource]:
    return lambda rows, **options: request.param(tmp_path, rows, **options)


def read(source: TableSource) -> Read:
    with source.open() as reading:
        return reading, list(reading)


def cells(read_: Read) -> list[list[object]]:
    return [list(record.values.values()) for record in read_[1]]


def doubt(source: TableSource) -> IncompleteRead:
    with pytest.raises(IncompleteRead) as caught:
        read(source)
    assert caught.value.remedy
    return caught.value


# --- what is no record ---


@pytest.mark.parametrize("header", [HEADER, ["Member no", "City"], ["id", "Straße", "", "E-Mail"]])
def test_the_header_in_the_middle_is_skipped(table, header):
    row = [f"x{number}" if name else "" for number, name in enumerate(header)]
    found = read(table([header, row, header, row]))
    assert len(found[1]) == 2
    assert [(row.position.line, row.reason) for row in found[0].skipped] == [
        (3, "the names of the columns stand here again")
    ]


def test_a_repeated_header_may_have_blanks_around_its_names(table):
    assert cells(read(table([HEADER, ANNA, [f" {name} " for name in HEADER], BODO]))) == [ANNA, BODO]


def test_the_header_of_another_order_ends_the_read(table):
    failure = doubt(table([HEADER, ANNA, ["Vorname", "Nr", "Ort"], ["Bodo", "2", "Linz"]]))
    assert "another order" in failure.message


@pytest.mark.parametrize("row", [["Nr", "Vorname", "Wien"], ["Vorname", "Anna", "Wien"], ["3", "Vorname", "Ort"]])
def test_a_row_that_shares_some_words_with_the_header_is_a_record(table, row):
    assert cells(read(table([HEADER, row]))) == [row]


@pytest.mark.parametrize(
    "row", [["--", "-----", "---"], ["~~~~", "", ""], ["*", "*", "*"], ["", "…", ""], ["│", "─", "┼"]]
)
def test_a_row_without_letter_and_digit_is_skipped(table, row):
    found = read(table([HEADER, row, ANNA, row, BODO]))
    assert cells(found) == [ANNA, BODO]
    assert [(row.position.line, row.reason) for row in found[0].skipped] == [
        (2, "has neither a letter nor a digit"),
        (4, "has neither a letter nor a digit"),
    ]


@pytest.mark.parametrize("ruler", ["---", "=====;==", "* * *", "-;-;-;-;-", ";;-"])
def test_a_ruler_of_any_width_is_skipped(tmp_path, ruler):
    found = read(csv_text(tmp_path, f"Nr;Vorname;Ort\n{ruler}\n1;Anna;Wien\n{ruler}\n"))
    assert (cells(found), found[0].skips) == ([ANNA], 2)


@pytest.mark.parametrize("row", [["山", "", ""], ["-", "é", "-"], ["", "", "7"]])
def test_one_letter_of_any_script_or_one_digit_makes_a_record(table, row):
    assert cells(read(table([HEADER, row]))) == [row]


def test_only_the_first_of_many_skipped_rows_are_kept(table):
    reading, _ = read(table([HEADER, *[["-", "-", "-"]] * 100, ANNA]))
    assert (reading.skips, len(reading.skipped)) == (100, 20)


def test_rulers_alone_are_no_table(table):
    assert "no records" in doubt(table([HEADER, ["-", "-", "-"]])).message


# --- a footer ---


@pytest.mark.parametrize("footer", ["Stand: 3. Mai", "17 Zeilen", "-- Ende --", "Ende;", ";Summe", '"Seite 1\nvon 1"'])
def test_a_last_row_of_one_cell_is_a_doubtful_record(tmp_path, footer):
    reading, records = read(csv_text(tmp_path, f"Nr;Vorname;Ort\n1;Anna;Wien\n{footer}\n"))
    assert (len(records), reading.unsure.position) == (2, records[1].position)
    assert reading.doubt_about(records[0]) is None
    assert 'complete = { trailer = "..." }' in reading.doubt_about(records[1]).reason


def test_blank_rows_and_rulers_after_a_footer_do_no_harm(tmp_path):
    reading, records = read(csv_text(tmp_path, "Nr;Vorname;Ort\n1;Anna;Wien\nEnde\n\n---\n;;\n"))
    assert (len(records), reading.skips) == (2, 1)


@pytest.mark.parametrize("end", ["Ende", "Ende\n2;Bodo;Linz\n", "Ende\nnoch eine\n", "Ende;Summe\n"])
def test_what_else_is_short_ends_the_read(tmp_path, end):
    assert "of 3 cells" in doubt(csv_text(tmp_path, f"Nr;Vorname;Ort\n1;Anna;Wien\n{end}")).message


def test_a_source_without_a_doubtful_row_doubts_none(table):
    reading, records = read(table([HEADER, ANNA, BODO]))
    assert [reading.doubt_about(record) for record in records] == [None, None]


# --- an id and nothing else ---


def mapped(fields: dict[str, Any], values: dict[str, object]) -> Customer | InvalidRecord:
    mapper = Mapper(
        foreign_id=ForeignIdSpec.model_validate({"from": "Nr", "prefix": "M-"}),
        fields={name: FieldSpec.model_validate(spec) for name, spec in fields.items()},
        catalogue=FIELDS,
    )
    return mapper.customer(SourceRecord(values=values, position=Position(source="list.csv", line=2)), {})


TWO = {"name": {"from": "Vorname"}, "addr_city": {"template": "{PLZ} {Ort}"}, "notes": {"value": "Mitglied"}}


@pytest.mark.parametrize(
    "values",
    [{}, {"Vorname": " ", "PLZ": "", "Ort": None}, {"Vorname": "", "Betrag": "60"}, {"Vorname": [], "Summe": 3}],
)
def test_a_record_with_an_id_and_nothing_else_that_is_mapped_is_invalid(values):
    found = mapped(TWO, {"Nr": "Gesamt", **values})
    assert isinstance(found, InvalidRecord)
    assert (found.foreign_id, found.problems) == ("M-Gesamt", (NOTHING_BUT_AN_ID,))


@pytest.mark.parametrize("values", [{"Vorname": "Anna"}, {"Ort": "Wien"}, {"PLZ": 0}])
def test_one_mapped_value_makes_it_a_record(values):
    assert isinstance(mapped(TWO, {"Nr": "1", **values}), Customer)


def test_where_one_field_alone_comes_from_the_record_it_may_be_empty():
    assert isinstance(mapped({"name": {"from": "Vorname"}, "notes": {"value": "x"}}, {"Nr": "1"}), Customer)
