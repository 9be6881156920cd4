"""The source `excel`, on workbooks that other programs' libraries wrote."""

import zipfile
from collections.abc import Callable
from datetime import UTC, date, datetime, time
from pathlib import Path
from typing import Any

import openpyxl
import pytest
import xlwt
from odf import opendocument, table, text
from source_contract import SourceContract, read

from syncd.errors import IncompleteRead
from syncd.sources.files.excel import ExcelOptions, ExcelSource

Edit = Callable[[Any], None]


@pytest.fixture
def workbook(tmp_path: Path) -> Callable[..., ExcelSource]:
    """A workbook with these rows in its first sheet; `edit` gets the whole of it before it is saved."""

    def workbook(*rows: list[Any], edit: Edit = lambda _book: None, **options: Any) -> ExcelSource:
        book = openpyxl.Workbook()
        book.active.title = "Kontakte"
        for row in rows:
            book.active.append(row)
        edit(book)
        book.save(tmp_path / "schools.xlsx")
        return source_of_file(tmp_path, "schools.xlsx", **options)

    return workbook


def source_of_file(folder: Path, name: str, **options: Any) -> ExcelSource:
    parsed = ExcelOptions.model_validate({"type": "excel", "path": name, "settled": "0s", **options})
    return ExcelSource(parsed, base=folder, sleep=lambda _: None, clock=lambda: datetime.now(UTC))


def refused(source: ExcelSource) -> str:
    with pytest.raises(IncompleteRead) as caught:
        read(source)
    assert caught.value.remedy
    assert "Zz" not in str(caught.value)
    return caught.value.shown


def values(source: ExcelSource) -> list[dict[str, object]]:
    return [dict(record.values) for record in read(source)]


class TestContract(SourceContract):
    @pytest.fixture
    def source_of(self, workbook):
        def source_of(rows, columns=None):
            return workbook(list(columns or rows[0]), *(list(row.values()) for row in rows))

        return source_of

    @pytest.fixture
    def cut_short(self, source_of, tmp_path):
        def cut_short(rows):
            source, file = source_of(rows), tmp_path / "schools.xlsx"
            file.write_bytes(file.read_bytes()[:-100])
            return source

        return cut_short

    @pytest.fixture
    def nowhere(self, tmp_path):
        return source_of_file(tmp_path, "nowhere.xlsx")


# --- values ---

CELLS: dict[str, tuple[object, object]] = {
    "a whole number": (17, "17"),
    "a long number": (123_457_000_000_000, "123457000000000"),
    "a huge number": (1e20, "1.00000000000000E+20"),
    "a fraction": (0.1, "0.1"),
    "a small fraction": (0.0000001, "0.0000001"),
    "a negative number": (-5.5, "-5.5"),
    "text with zeros": ("00017", "00017"),
    "text with spaces": (" x ", " x "),
    "a day": (date(1980, 12, 31), "1980-12-31"),
    "a moment": (datetime(1980, 12, 31, 10, 30), "1980-12-31T10:30:00"),  # noqa: DTZ001 - Excel knows no zones
    "a time": (time(10, 30), "10:30:00"),
    "true": (True, True),
    "nothing": (None, ""),
}


@pytest.mark.parametrize(("cell", "shown"), CELLS.values(), ids=CELLS)
def test_a_value_is_as_a_person_sees_it(workbook: Any, cell: object, shown: object) -> None:
    assert values(workbook(["Nr", "x"], [1, cell])) == [{"Nr": "1", "x": shown}]


def test_hidden_rows_and_columns_count(workbook: Any) -> None:
    def hide(book: Any) -> None:
        book.active.row_dimensions[2].hidden = True
        book.active.column_dimensions["B"].hidden = True

    assert len(values(workbook(["Nr", "x"], [1, "a"], [2, "b"], edit=hide))) == 2


def test_the_table_may_begin_anywhere(workbook: Any) -> None:
    rows: list[list[Any]] = [[], [None, None], [None, "Nr", "x"], [None, 1, "a"], [], [None, 2, "b"]]
    records = read(workbook(*rows))
    assert [dict(record.values) for record in records] == [{"Nr": "1", "x": "a"}, {"Nr": "2", "x": "b"}]
    assert str(records[1].position) == "schools.xlsx row 6"


def test_a_column_without_a_name_is_not_read(workbook: Any) -> None:
    assert values(workbook(["Nr", None, "x"], [1, "Zz", "a"])) == [{"Nr": "1", "x": "a"}]


# --- what would clear a field ---


def put(cell: str, content: object) -> Edit:
    def edit(book: Any) -> None:
        book.active[cell] = content

    return edit


@pytest.mark.parametrize("error", ["#N/A", "#REF!", "#DIV/0!"])
def test_an_error_in_a_cell_is_not_taken_for_empty(workbook: Any, error: str) -> None:
    source = workbook(["Nr", "x"], [1, "a"], [2, "b"], edit=put("B3", error))
    assert refused(source) == "schools.xlsx cell B3: shows an error"


def test_a_formula_without_a_result_is_not_taken_for_empty(workbook: Any) -> None:
    source = workbook(["Nr", "x"], [1, "a"], [2, "b"], edit=put("B3", "=1+1"))
    assert refused(source) == "schools.xlsx cell B3: has a formula without a result"


@pytest.mark.parametrize(("xml", "shown"), [("<f>1+1</f><v>2</v>", "2"), ('" t="str"><f>A1</f><v></v>', "")])
def test_a_formula_with_a_result_is_its_result(workbook: Any, tmp_path: Path, xml: str, shown: str) -> None:
    source = workbook(["Nr", "x"], [1, "PLACE"])
    rewrite(tmp_path / "schools.xlsx", xml)
    assert values(source) == [{"Nr": "1", "x": shown}]


def rewrite(file: Path, xml: str) -> None:
    """Put a cell of our own in the place of B2."""
    with zipfile.ZipFile(file) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    sheet = parts["xl/worksheets/sheet1.xml"].decode()
    before, _, rest = sheet.partition('<c r="B2"')
    _, _, after = rest.partition("</c>")
    cell = f'<c r="B2{xml}' if xml.startswith('"') else f'<c r="B2">{xml}'
    parts["xl/worksheets/sheet1.xml"] = f"{before}{cell}</c>{after}".encode()
    with zipfile.ZipFile(file, "w") as archive:
        for name, part in parts.items():
            archive.writestr(name, part)


def test_merged_cells_below_the_header_are_refused(workbook: Any) -> None:
    def merge(book: Any) -> None:
        book.active.merge_cells("B2:B3")

    assert "merged" in refused(workbook(["Nr", "x"], [1, "a"], [2, None], edit=merge))


def test_a_value_beyond_the_header_is_refused(workbook: Any) -> None:
    assert "beyond the last of the 2 columns" in refused(workbook(["Nr", "x"], [1, "a", "Zz"]))


def test_two_columns_of_one_name_are_refused(workbook: Any) -> None:
    assert "have the same name" in refused(workbook(["Nr", "Nr"], [1, 2]))


# --- sheets ---


def add_sheet(book: Any, name: str, *rows: list[Any], state: str = "visible") -> None:
    sheet = book.create_sheet(name)
    sheet.sheet_state = state
    for row in rows:
        sheet.append(row)


def test_empty_and_hidden_sheets_leave_no_choice(workbook: Any) -> None:
    def edit(book: Any) -> None:
        add_sheet(book, "leer")
        add_sheet(book, "alt", ["Nr"], [9], state="hidden")

    assert values(workbook(["Nr"], [1], edit=edit)) == [{"Nr": "1"}]


def test_of_several_sheets_one_must_be_named(workbook: Any) -> None:
    def edit(book: Any) -> None:
        add_sheet(book, "Schulen", ["Nr"], [2])

    assert "several sheets ('Kontakte', 'Schulen')" in refused(workbook(["Nr"], [1], edit=edit))
    assert values(workbook(["Nr"], [1], edit=edit, sheet="Schulen")) == [{"Nr": "2"}]


def test_a_sheet_that_is_not_there_is_told_with_those_that_are(workbook: Any) -> None:
    assert refused(workbook(["Nr"], [1], sheet="Kontakt")).endswith("it has 'Kontakte'; did you mean 'Kontakte'?")


@pytest.mark.parametrize("named", [{"sheet": "Zz"}, {}])
def test_sheets_are_named_to_whoever_asks_and_kept_nowhere(workbook: Any, named: dict[str, str]) -> None:
    with pytest.raises(IncompleteRead) as caught:
        read(workbook(["Nr"], [1], edit=lambda book: add_sheet(book, "Schulen", ["Nr"], [2]), **named))
    assert ("Schulen" in caught.value.shown, "Schulen" in str(caught.value)) == (True, False)


# --- files ---


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "is empty"),
        (b"Nr;Name\n1;Zz\n", "is no workbook"),
        (b"<html><table><tr><td>Zz</td></tr></table></html>", "is a web page or XML"),
        (b"PK\x03\x04Zz", "is no workbook, or is cut short"),
        (b"\xd0\xcf\x11\xe0Zz", "is no workbook, or is cut short"),
    ],
)
def test_what_only_looks_like_a_workbook_is_told(tmp_path: Path, content: bytes, words: str) -> None:
    (tmp_path / "x.xlsx").write_bytes(content)
    assert words in refused(source_of_file(tmp_path, "x.xlsx"))


def test_the_old_format_is_read_too(tmp_path: Path) -> None:
    book = xlwt.Workbook()
    sheet = book.add_sheet("Kontakte")
    for number, row in enumerate([["Nr", "Name"], [17, "Rößler"]]):
        for place, cell in enumerate(row):
            sheet.write(number, place, cell)
    book.save(tmp_path / "old.xls")
    assert values(source_of_file(tmp_path, "old.xls")) == [{"Nr": "17", "Name": "Rößler"}]


def test_a_workbook_of_libre_office_is_read_too(tmp_path: Path) -> None:
    document = opendocument.OpenDocumentSpreadsheet()
    sheet = table.Table(name="Kontakte")
    for row in (["Nr", "Name"], ["17", "Rößler"]):
        line = table.TableRow()
        for value in row:
            cell = table.TableCell(valuetype="string")
            cell.addElement(text.P(text=value))
            line.addElement(cell)
        sheet.addElement(line)
    document.spreadsheet.addElement(sheet)
    document.save(str(tmp_path / "members.ods"))
    assert values(source_of_file(tmp_path, "members.ods")) == [{"Nr": "17", "Name": "Rößler"}]


def test_the_newest_of_several_is_taken(tmp_path: Path, workbook: Any) -> None:
    workbook(["Nr"], [1])
    (tmp_path / "schools.xlsx").rename(tmp_path / "a-1.xlsx")
    workbook(["Nr"], [2])
    (tmp_path / "schools.xlsx").rename(tmp_path / "a-2.xlsx")
    assert values(source_of_file(tmp_path, "a-*.xlsx")) == [{"Nr": "2"}]
