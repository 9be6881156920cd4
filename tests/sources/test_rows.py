"""Which rows of a table are records, where the table begins, and what proves that it is whole."""

import os
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from pydantic import ValidationError

from syncd.domain.records import Customer, InvalidRecord, Position
from syncd.errors import IncompleteRead
from syncd.gomus.fields import FIELDS
from syncd.mapping.columns import Column, measure, require_columns
from syncd.mapping.mapper import NOBODY, Mapper
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


@pytest.mark.parametrize(
    "row",
    [
        ["NR", "VORNAME", "ORT"],
        ["nr", "vorname", "ort"],
        ["Nr.", "Vorname:", "Ort"],
        ["Nr", "Vorname", "Wohnort"],
        ["int", "varchar(50)", "text"],
        ["INTEGER", "VARCHAR", "DATE"],
        ["member_id", "first_name", "city"],
        ["member_id", "first_name", "address_line_1"],
    ],
)
def test_names_written_otherwise_types_and_keys_are_no_record(table, row):
    reading, _ = found = read(table([HEADER, ANNA, row, BODO]))
    assert (cells(found), [row.position.line for row in reading.skipped]) == ([ANNA, BODO], [3])


@pytest.mark.parametrize(
    "row", [["Vorname", "Anna", "Wien"], ["3", "Vorname", "Ort"], ["Text", "Anna", "Wien"], ["a_b", "c", "d"]]
)
def test_a_row_that_shares_some_words_with_the_header_is_a_record(table, row):
    assert cells(read(table([HEADER, row]))) == [row]


@pytest.mark.parametrize("row", [["a_0", "a_0"], ["m_1", "full_price"], ["m_1", "super_user_2"]])
def test_ids_and_words_of_programs_are_a_record(table, row):
    assert cells(read(table([["Nr", "Gruppe"], row]))) == [row]


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
@pytest.mark.parametrize("after", ["", "\n---\n;;\n"])
def test_a_last_row_of_one_cell_may_be_a_footer(tmp_path, footer, after):
    """Or the rest of the record before it, which would be sent with half a cell."""
    error = doubt(csv_text(tmp_path, f"Nr;Vorname;Ort\n1;Anna;Wien\n{footer}\n{after}"))
    assert "the last row has one of 3 cells: a footer" in error.message
    assert 'complete = { trailer = "..." }' in str(error.remedy)


@pytest.mark.parametrize("end", ["Ende", "Ende\n2;Bodo;Linz\n", "Ende\nnoch eine\n", "Ende;Summe\n"])
def test_what_else_is_short_ends_the_read(tmp_path, end):
    assert "of 3 cells" in doubt(csv_text(tmp_path, f"Nr;Vorname;Ort\n1;Anna;Wien\n{end}")).message


def test_a_source_without_a_doubtful_row_doubts_none(table):
    reading, records = read(table([HEADER, ANNA, BODO]))
    assert [reading.doubt_about(record) for record in records] == [None, None]


# --- an id, and nobody beside it ---


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
    [{}, {"Vorname": " ", "PLZ": "", "Ort": None}, {"Vorname": "", "Ort": "60"}, {"Vorname": [], "Summe": 3}],
)
def test_a_record_with_an_id_and_no_name_is_invalid(values):
    found = mapped(TWO, {"Nr": "Gesamt", **values})
    assert isinstance(found, InvalidRecord)
    assert (found.foreign_id, found.problems) == ("M-Gesamt", (NOBODY,))


@pytest.mark.parametrize(
    "values", [{"Vorname": "Anna"}, {"Nachname": "Ost"}, {"Firma": "Ost AG"}, {"E-Mail": "a@b.de"}]
)
def test_any_name_makes_it_a_record_and_so_does_an_address(values):
    fields = TWO | {"surname": "Nachname", "institution": "Firma", "email": "E-Mail"}
    assert isinstance(mapped(fields, {"Nr": "1", **values}), Customer)


@pytest.mark.parametrize("values", [{"Ort": "Wien"}, {"PLZ": 0}])
def test_where_no_name_is_mapped_any_value_makes_it_a_record(values):
    fields = {"tel": "Telefon", "addr_city": TWO["addr_city"]}
    assert isinstance(mapped(fields, {"Nr": "1", **values}), Customer)
    assert isinstance(mapped(fields, {"Nr": "1"}), InvalidRecord)


THREE = TWO | {"surname": "Nachname"}


@pytest.mark.parametrize(
    "values",
    [
        {"Nr": "Gesamt", "Vorname": "12"},
        {"Nr": "Stand", "Vorname": "27.11.2026"},
        {"Nr": "007", "Vorname": "-----", "Nachname": "----"},
        {"Nr": "Summe", "Vorname": "12 Mitglieder"},
        {"Nr": "Anzahl:", "Vorname": "Mitglieder", "Nachname": "12"},
        {"Nr": "ZWISCHENSUMME", "Vorname": "Aktive"},
        {"Nr": "12 Mitglieder", "Vorname": ""},
        {"Nr": "Ende der Liste"},
    ],
)
def test_a_total_and_a_footer_are_told_as_such(values):
    found = mapped(THREE, values)
    assert isinstance(found, InvalidRecord)
    assert found.problems[0] == NOBODY


@pytest.mark.parametrize(
    "values",
    [{"Nr": "Stand-5", "Vorname": "Ada"}, {"Nr": "7", "Vorname": "Ö"}, {"Nr": "Total42", "Nachname": "1860 e.V."}],
)
def test_who_has_a_name_is_somebody(values):
    assert isinstance(mapped(THREE, values), Customer)


def test_an_address_alone_may_be_emptied():
    assert isinstance(mapped({"email": "E-Mail", "tel": "Telefon"}, {"Nr": "1", "Telefon": "030"}), Customer)


def test_where_one_field_alone_comes_from_the_record_it_may_be_empty():
    assert isinstance(mapped({"name": {"from": "Vorname"}, "notes": {"value": "x"}}, {"Nr": "1"}), Customer)


# --- where the header is ---


def wanting(source: TableSource, *names: str) -> TableSource:
    source.share = measure([Column(path=name, used_by="fields.x") for name in names])
    return source


def missing(source: TableSource, *names: str) -> IncompleteRead:
    wanted = [Column(path=name, used_by="fields.x") for name in names]
    with wanting(source, *names).open() as reading, pytest.raises(IncompleteRead) as caught:
        require_columns(wanted, reading.columns, reading.description, reading.hint)
    return caught.value


TITLES = {
    "one": [["Mitglieder"]],
    "several, with a blank row": [["Mitgliederliste", "", ""], ["Stand: 3. Mai 2026"], [], ["Seite 1"]],
    "two cells": [["Stand", "3.5.2026"]],
    "groups of columns": [["", "Person", ""], ["Person", "", "Adresse"]],
    "other words": [["Verein der Freunde, Sitz: Wien"]],
    "a row of numbers, but few": [["2026", "", ""]],
}


@pytest.mark.parametrize("titles", TITLES.values(), ids=TITLES)
def test_titles_above_the_header_are_passed_over(table, titles):
    reading, records = read(wanting(table([*titles, HEADER, ANNA, BODO]), *HEADER))
    assert (reading.columns, [list(record.values.values()) for record in records]) == (tuple(HEADER), [ANNA, BODO])
    assert [record.position.line for record in records] == [len(titles) + 2, len(titles) + 3]


@pytest.mark.parametrize("titles", [["Liste, Stand 2026, intern, geheim"], ["a|b|c", "", "x\ty"], ['Liste "Alle', ""]])
@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_the_delimiter_is_that_of_the_row_that_fits(tmp_path, titles, delimiter):
    rows = [delimiter.join(row) for row in (HEADER, ANNA, BODO)]
    text = "\n".join([*titles, *rows]) + "\n"
    assert cells(read(wanting(csv_text(tmp_path, text), *HEADER))) == [ANNA, BODO]


def test_merged_titles_of_a_workbook_do_no_harm(tmp_path):
    source = excel_source(tmp_path, [["Mitglieder"], ["Stand Mai"], HEADER, ANNA])
    book = openpyxl.load_workbook(tmp_path / "list.xlsx")
    book.active.merge_cells("A1:C1")
    book.active.merge_cells("A2:B2")
    book.save(tmp_path / "list.xlsx")
    assert cells(read(wanting(source, *HEADER))) == [ANNA]


@pytest.mark.parametrize("above", [[], [[]], [["Liste"], []], [["a", "b", "c"], ["7", "8", "9"]]])
def test_the_row_of_the_header_may_be_named(table, above):
    assert cells(read(table([*above, HEADER, ANNA], header_row=len(above) + 1))) == [ANNA]


@pytest.mark.parametrize("row", [2, 5, 400])
def test_a_named_row_without_names_ends_the_read(table, row):
    assert f"no names in row {row}" in doubt(table([HEADER, [], ANNA], header_row=row)).message


@pytest.mark.parametrize("row", [0, -1, "first", 1.5, "3"])
def test_the_row_is_a_number_from_1(table, row):
    with pytest.raises(ValidationError):
        table([HEADER, ANNA], header_row=row)


def test_the_line_for_excel_counts_as_a_row(tmp_path):
    assert cells(read(csv_text(tmp_path, "sep=;\nListe\nNr;Ort\n1;Wien\n", header_row=3))) == [["1", "Wien"]]


def test_without_a_row_that_fits_the_first_is_the_header(table):
    failure = missing(table([[], HEADER, ANNA]), "Nr", "Nachname")
    assert "no column 'Nachname'" in failure.message


def test_a_header_far_down_is_not_looked_for(table):
    missing(table([*[["Titel"]] * 50, HEADER, ANNA]), *HEADER)


@pytest.mark.parametrize("titles", [[["Liste"]], [["Liste", "2026"], [], ["Stand Mai"]], [[], ["Für Anna", "Wien"]]])
def test_a_row_with_most_of_the_columns_is_pointed_to(table, titles):
    failure = missing(table([*titles, HEADER, ANNA]), *HEADER, "PLZ")
    row = len(titles) + 1
    assert failure.remedy == f"row {row} looks like the header: header_row = {row}"


@pytest.mark.parametrize(("written", "named", "shown"), [(";", ",", "';'"), (",", "|", "','"), ("\t", ";", "tab")])
def test_a_wrong_delimiter_is_told(tmp_path, written, named, shown):
    text = "\n".join(written.join(row) for row in (HEADER, ANNA)) + "\n"
    assert missing(csv_text(tmp_path, text, delimiter=named), *HEADER).remedy == f"1 column: is the delimiter {shown}?"


@pytest.mark.parametrize(
    "row",
    [["17", "Nachnam", "Zzort"], ["A-0017", "zz@example.org", "Vornam"], ["Zzname", "03.04.1971", "0171 55 55"]],
)
def test_a_file_without_a_header_says_so_and_shows_no_cell(table, row):
    failure = missing(table([row, row]), "Nr", "Vorname", "Nachname")
    assert "does not look like names" in failure.remedy
    assert not any(
        cell in f"{failure} {failure.shown}".replace("'Vorname'", "").replace("'Nachname'", "") for cell in row
    )


@pytest.mark.parametrize("above", [[ANNA], [["Liste"], BODO], [ANNA, ["", "", ""], BODO]])
def test_a_header_that_was_sorted_below_records_ends_the_read(table, above):
    failure = doubt(wanting(table([*above, HEADER, ["3", "Carla", "Graz"]]), *HEADER))
    assert ("above the names" in failure.message, "header_row" in failure.remedy) == (True, True)


# --- where the table ends ---

OPEN = ["Nr;Ort\n1;Wien\n2;Li", "Nr;Ort\r\n1;Wien\r\n2;'Linz'", "Nr;Ort\n1;Wien\n2;", 'Nr;Ort\n1;Wien\n2;"Li"']


@pytest.mark.parametrize("text", [*OPEN, "Nr;Ort\n1;Wien\n;", "Nr;Ort\n1;Wien\n -"])
def test_the_last_row_without_a_line_end_is_a_doubtful_record(tmp_path, text):
    reading, records = read(csv_text(tmp_path, text))
    assert (len(records), reading.unsure.position, bool(reading.unsure.version)) == (2, records[1].position, True)
    assert 'complete = { end = "any" }' in reading.doubt_about(records[1]).reason


@pytest.mark.parametrize(
    "text", ["Nr;Ort\n1;Wien\n", "Nr;Ort\r1;Wien\r", "Nr;Ort\n1;Wien\n\n\n", "Nr;Ort\n1;Wien\n;\n"]
)
def test_a_file_with_a_last_line_end_is_not_in_doubt(tmp_path, text):
    reading, records = read(csv_text(tmp_path, text, complete={"end": "newline"}))
    assert (len(records), reading.unsure) == (1, None)


@pytest.mark.parametrize("text", OPEN)
def test_a_last_line_end_may_be_demanded(tmp_path, text):
    assert "without a line end" in doubt(csv_text(tmp_path, text, complete={"end": "newline"})).message


@pytest.mark.parametrize("text", OPEN)
def test_any_end_may_be_believed(tmp_path, text):
    reading, records = read(csv_text(tmp_path, text, complete={"end": "any"}))
    assert (len(records), reading.unsure) == (2, None)


@pytest.mark.parametrize("end", ["newline", "any"])
def test_a_short_row_without_a_line_end_is_cut_whatever_the_end(tmp_path, end):
    assert "of 2 cells" in doubt(csv_text(tmp_path, "Nr;Ort\n1;Wien\n2", complete={"end": end})).message


def test_another_time_or_size_makes_another_version(tmp_path):
    versions = []
    for text, modified in [("Nr;Ort\n1;W", 1), ("Nr;Ort\n1;W", 1), ("Nr;Ort\n1;W", 2), ("Nr;Ort\n1;Wi", 2)]:
        source = csv_text(tmp_path, text)
        os.utime(tmp_path / "list.csv", (modified, modified))
        versions.append(read(source)[0].unsure.version)
    assert len(set(versions)) == 3
    assert versions[0] == versions[1]


@pytest.mark.parametrize("trailer", [["Summe", "", "2"], ["Ende der Liste", "", ""], [" Total: 2 "]])
@pytest.mark.parametrize("after", [[], [["", "", ""]], [["--", "", ""]]])
def test_a_trailer_is_no_record(table, trailer, after):
    source = table([HEADER, ANNA, trailer, *after], complete={"trailer": trailer[0].strip()[:4]})
    assert cells(read(source)) == [ANNA]


@pytest.mark.parametrize("trailer", [["Summe", "", "2"], ["", "Summe", "2"]])
def test_a_trailer_may_stand_in_a_column_without_a_name_or_behind_it(table, trailer):
    source = table([["", *HEADER], ["", *ANNA], [*trailer, *[""] * (len(HEADER) - 2)]], complete={"trailer": "Summe"})
    assert len(read(source)[1]) == 1


@pytest.mark.parametrize(
    "rows",
    [[ANNA], [ANNA, ["Sum", "", ""]], [["Summe", "", ""], ANNA], [ANNA, ["", "Summe", ""]], [["Summe"], ["Summe"]]],
)
def test_without_its_trailer_at_the_end_a_file_is_not_whole(table, rows):
    assert "Summe" in doubt(table([HEADER, *rows], complete={"trailer": "Summe"})).message


def test_a_trailer_needs_no_line_end(tmp_path):
    reading, records = read(csv_text(tmp_path, "Nr;Ort\n1;Wien\nEnde", complete={"trailer": "Ende"}))
    assert (len(records), reading.unsure) == (1, None)


@pytest.mark.parametrize(("minimum", "is_whole"), [(1, True), (2, True), (3, False), (500, False)])
def test_so_many_records_may_be_demanded(table, minimum, is_whole):
    source = table([HEADER, ANNA, ["-", "-", "-"], BODO], complete={"minimum": minimum})
    if is_whole:
        assert len(read(source)[1]) == 2
    else:
        assert f"has 2 records, and complete.minimum is {minimum}" in doubt(source).message


def mark(folder: Path, file: str, *, seconds: float) -> None:
    (folder / "list.done").touch()
    at = (folder / file).stat().st_mtime + seconds
    os.utime(folder / "list.done", (at, at))


@pytest.mark.parametrize(("seconds", "is_whole"), [(60, True), (-1, False), (-86400, False)])
def test_a_marker_must_not_be_older_than_the_file(table, tmp_path, seconds, is_whole):
    source = table([HEADER, ANNA], complete={"marker": "list.done"})
    mark(tmp_path, source.options.path, seconds=seconds)
    if is_whole:
        assert cells(read(source)) == [ANNA]
    else:
        assert "younger than 'list.done'" in doubt(source).message


def test_a_marker_of_the_same_time_will_do(table, tmp_path):
    source = table([HEADER, ANNA], complete={"marker": "list.done"})
    (tmp_path / "list.done").touch()
    for name in ("list.done", source.options.path):
        os.utime(tmp_path / name, (1_700_000_000, 1_700_000_000))
    assert cells(read(source)) == [ANNA]


def test_a_marker_that_is_not_there_ends_the_read(table):
    assert "no 'list.done' beside it" in doubt(table([HEADER, ANNA], complete={"marker": "list.done"})).message


def test_all_that_are_given_must_hold(tmp_path):
    text = "Nr;Ort\n1;Wien\nEnde\n"
    assert "minimum" in doubt(csv_text(tmp_path, text, complete={"trailer": "Ende", "minimum": 2})).message
    assert "line end" in doubt(csv_text(tmp_path, "Nr;Ort\n1;Wien", complete={"end": "newline", "minimum": 1})).message


WRONG = [{}, {"end": "crlf"}, {"minimum": 0}, {"minimum": "9"}, {"trailer": " "}, {"marker": "../x"}, {"ende": "any"}]


@pytest.mark.parametrize("wrong", WRONG)
def test_what_proves_nothing_is_refused(table, wrong):
    with pytest.raises(ValidationError):
        table([HEADER, ANNA], complete=wrong)


def test_a_marker_is_of_no_use_with_a_url():
    with pytest.raises(ValidationError, match="marker is for a file on this machine"):
        CsvOptions.model_validate({"url": "https://crm.example/list.csv", "complete": {"marker": "list.done"}})


@pytest.mark.parametrize("end", ["newline", "any"])
def test_a_workbook_has_no_line_end(tmp_path, end):
    with pytest.raises(ValidationError, match="end is for CSV"):
        excel_source(tmp_path, [HEADER, ANNA], complete={"end": end})


def test_what_is_left_out_changes_nothing_that_absence_is_counted_by():
    assert CsvOptions(path="list.csv").model_dump_json(exclude_defaults=True) == '{"path":"list.csv"}'
