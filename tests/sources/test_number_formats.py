"""A number is read as a person sees it, in every form of workbook that keeps formats."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeAlias
from xml.sax.saxutils import quoteattr

import openpyxl
import pytest
import xlwt
from odf import number, opendocument, style, table
from source_contract import read

from syncd.domain.records import DateCell
from syncd.sources.files.excel import ExcelOptions, ExcelSource
from syncd.sources.files.workbook.formats import compile_format

Write: TypeAlias = Callable[[Path, str, list[Any]], None]
"""Writes a workbook with the header `x` and below it these numbers in this format."""

# In the English form in which files hold formats: format, number, what is seen.
SEEN = [
    ("00000", 1067, "01067"),
    ("* 00000", 1067, "01067"),
    ("000000", 47, "000047"),
    ("0000", 12345, "12345"),
    ("0000000000", 1.7e9, "1700000000"),
    ("[$-407]00000", 1067, "01067"),
    ("[Red]00000", 17, "00017"),
    ("00000_)", 1067, "01067"),
    ("00000;-00000", 1067, "01067"),
    ("00000;@", 1067, "01067"),
    ("00000", 0, "00000"),
    ("00000", -5, "-00005"),
    ("00000", 1066.7, "01067"),
    ("0000-0000", 12345678, "1234-5678"),
    ("00000-0000", 10670001, "01067-0001"),
    (r"0\-00", 147, "1-47"),
    ('"M-"0000', 47, "M-0047"),
    ('"D-"00000', 1067, "D-01067"),
    ("D-00000", 1067, "D-01067"),
    (r"\C\H\-0000", 8001, "CH-8001"),
    ('0" kg"', 5, "5 kg"),
    ('"Nr. "General', 17, "Nr. 17"),
    ('"M-"@', 17, "M-17"),
    ("00 000", 1067, "01 067"),
    (r"000\ 000", 47, "000 047"),
    ("00/000", 1067, "01/067"),
    ('000"."00"."000"."000', 75612345678, "756.12.345.678"),
    (r"000\.0000\.0000\.00", 7561234567890, "756.1234.5678.90"),
    ("0##-####", 301234, "030-1234"),
    ("0# ## ## ## ##", 123456789, "01 23 45 67 89"),
    ("+00 000 0000000", 491721234567, "+49 172 1234567"),
    (r"[<=9999999]###\-####;\(###\)\ ###\-####", 5551234, "555-1234"),
    (r"[<=9999999]###\-####;\(###\)\ ###\-####", 2025551234, "(202) 555-1234"),
    ('"ja";"ja";"nein"', 0, "nein"),
    ("0%", 0.5, "50%"),
    ("0.0%", 0.125, "12.5%"),
]
PLAIN = [
    ("General", 1067),
    ("0", 17),
    ("@", 17),
    ("#,##0", 1234567),
    ("# ##0", 1234567),
    ("#,##0.00", 1234.5),
    ("0.00", 12.5),
    ('#,##0.00 "€"', 1234.5),
    ("#,##0.00 [$€-407]", 1234.5),
    ("[$CHF-807] 0", 50),
    ("[$€-2] #,##0", 50),
    (r"_-* #,##0.00\ _€_-;\-* #,##0.00\ _€_-;_-* \-??\ _€_-;_-@_-", 0),
    ("0;-0;;@", 0),
    (";;;", 17),
    ("0.00E+00", 123456),
    ("# ?/?", 0.5),
    ("#,##0,", 5000),
]


@pytest.mark.parametrize(("code", "value", "seen"), SEEN)
def test_a_format_shows_more_than_the_number(code: str, value: float, seen: str) -> None:
    show = compile_format(code).number
    assert show is not None
    assert show(value) == seen


@pytest.mark.parametrize(("code", "value"), PLAIN)
def test_an_amount_is_its_number(code: str, value: float) -> None:
    assert compile_format(code).number is None


DAYS = [
    ("yyyy-mm-dd", 29221, "1980-01-01"),
    ("dd/mm/yyyy", 1, "1900-01-01"),
    ("dd/mm/yyyy", 59, "1900-02-28"),
    ("dd/mm/yyyy", 61, "1900-03-01"),
    ("dd/mm/yyyy", 60, "########"),
    ("dd/mm/yyyy", -1, "########"),
    ("dd/mm/yyyy", 0, "########"),
    ("dd/mm/yyyy", 2958466, "########"),
    ("d-mmm", 46054, "2026-02-01"),
    ("mmm-yy", 46054, "2026-02-01"),
    ("[$-407]d. mmmm yyyy;@", 46054, "2026-02-01"),
    ("dd.mm.yyyy", 46054.75, "2026-02-01"),
    ("dd.mm.yyyy hh:mm", 46054.75, "2026-02-01T18:00:00"),
    ("dd.mm.yyyy hh:mm", 46054, "2026-02-01"),
    ("h:mm AM/PM", 0.75, "18:00:00"),
    ("hh:mm:ss", 46054.75, "18:00:00"),
    ("[h]:mm:ss", 1.25, "30:00:00"),
    ("mm:ss.0", 0.01, "00:14:24"),
]


@pytest.mark.parametrize(("code", "value", "seen"), DAYS)
def test_a_day_is_iso_text(code: str, value: float, seen: str) -> None:
    show = compile_format(code).number
    assert show is not None
    assert show(value) == seen


def test_days_may_count_from_1904() -> None:
    show = compile_format("yyyy-mm-dd", is_1904=True).number
    assert show is not None
    assert [show(0), show(29221 - 1462)] == ["1904-01-01", "1980-01-01"]


# --- in the forms of workbooks ---


def write_xlsx(file: Path, code: str, cells: list[Any]) -> None:
    book = openpyxl.Workbook()
    book.active.append(["x"])
    for row, cell in enumerate(cells, start=2):
        book.active.cell(row, 1, cell).number_format = code
    book.save(file)


def write_xls(file: Path, code: str, cells: list[Any]) -> None:
    book = xlwt.Workbook()
    sheet = book.add_sheet("x")
    shown = xlwt.easyxf(num_format_str=code)
    sheet.write(0, 0, "x")
    for row, cell in enumerate(cells, start=1):
        sheet.write(row, 0, cell, shown)
    book.save(str(file))


def write_xml(file: Path, code: str, cells: list[Any]) -> None:
    rows = "".join(
        f'<Row><Cell ss:StyleID="s1"><Data ss:Type="{"String" if isinstance(cell, str) else "Number"}">{cell}</Data>'
        "</Cell></Row>"
        for cell in cells
    )
    file.write_text(
        '<?xml version="1.0"?><?mso-application progid="Excel.Sheet"?>'
        '<Workbook xmlns="urn:schemas-microsoft-com:office:spreadsheet"'
        ' xmlns:ss="urn:schemas-microsoft-com:office:spreadsheet">'
        f'<Styles><Style ss:ID="s1"><NumberFormat ss:Format={quoteattr(code)}/></Style></Styles>'
        '<Worksheet ss:Name="x"><Table><Row><Cell><Data ss:Type="String">x</Data></Cell></Row>'
        f"{rows}</Table></Worksheet></Workbook>"
    )


def shown_in(file: Path) -> list[object]:
    options = ExcelOptions.model_validate({"path": file.name, "settled": "0s"})
    source = ExcelSource(options, base=file.parent, sleep=lambda _: None, clock=lambda: datetime.now(UTC))
    return [record.values["x"] for record in read(source)]


FORMS = {"xlsx": write_xlsx, "xls": write_xls, "xml": write_xml}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize(("code", "value", "seen"), SEEN)
def test_each_form_shows_it(tmp_path: Path, form: str, code: str, value: float, seen: str) -> None:
    FORMS[form](tmp_path / "list", code, [value])
    assert shown_in(tmp_path / "list") == [seen]


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize(("code", "value"), PLAIN)
def test_each_form_gives_amounts_as_numbers(tmp_path: Path, form: str, code: str, value: float) -> None:
    FORMS[form](tmp_path / "list", code, [value])
    assert shown_in(tmp_path / "list") == [f"{value:.10g}"]


@pytest.mark.parametrize("form", FORMS)
def test_a_format_may_add_to_a_text(tmp_path: Path, form: str) -> None:
    FORMS[form](tmp_path / "list", '0;-0;0;"M-"@', ["a7", 5])
    assert shown_in(tmp_path / "list") == ["M-a7", "5"]


@pytest.mark.parametrize("form", ["xlsx", "xls"])
@pytest.mark.parametrize(("code", "value", "seen"), [("D. MMM", 46054, "2026-02-01"), ("h:mm", 0.75, "18:00:00")])
def test_a_day_is_a_date_cell(tmp_path: Path, form: str, code: str, value: float, seen: str) -> None:
    FORMS[form](tmp_path / "list", code, [value])
    [cell] = shown_in(tmp_path / "list")
    assert (cell, isinstance(cell, DateCell)) == (seen, "-" in seen)


@pytest.mark.parametrize("form", ["xlsx", "xls"])
def test_a_workbook_may_count_its_days_from_1904(tmp_path: Path, form: str) -> None:
    if form == "xlsx":
        book = openpyxl.Workbook()
        book.epoch = openpyxl.utils.datetime.CALENDAR_MAC_1904
        book.active.append(["x"])
        book.active.append([datetime(1980, 1, 1)])  # noqa: DTZ001 - Excel knows no zones
        book.save(tmp_path / "list")
    else:
        old = xlwt.Workbook()
        old.dates_1904 = True
        sheet = old.add_sheet("x")
        sheet.write(0, 0, "x")
        sheet.write(1, 0, 29221 - 1462, xlwt.easyxf(num_format_str="dd.mm.yyyy"))
        old.save(str(tmp_path / "list"))
    assert shown_in(tmp_path / "list") == ["1980-01-01"]


ODS: dict[str, tuple[Callable[[], list[Any]], float, str]] = {
    "post code": (lambda: [number.Number(minintegerdigits=5)], 1067, "01067"),
    "prefix": (lambda: [number.Text(text="M-"), number.Number(minintegerdigits=4)], 47, "M-0047"),
    "suffix": (lambda: [number.Number(minintegerdigits=1), number.Text(text=" kg")], 5, "5 kg"),
    "grouped": (lambda: [number.Number(minintegerdigits=1, grouping="true")], 1234567, "1234567"),
    "decimals": (lambda: [number.Number(minintegerdigits=1, decimalplaces=2)], 12.5, "12.5"),
    "plain": (lambda: [number.Number(minintegerdigits=1)], 17, "17"),
    "currency": (lambda: [number.CurrencySymbol(text="€"), number.Number(minintegerdigits=3)], 5, "5"),
}


def write_ods(file: Path, pieces: list[Any], cell: float, *, by_column: bool = False, embedded: Any = None) -> None:
    document = opendocument.OpenDocumentSpreadsheet()
    is_amount = any(piece.tagName == "number:currency-symbol" for piece in pieces)
    shown = (number.CurrencyStyle if is_amount else number.NumberStyle)(name="N1")
    for piece in pieces:
        shown.addElement(piece)
    if embedded is not None:
        pieces[-1].addElement(embedded)
    styles = document.styles if by_column else document.automaticstyles
    styles.addElement(shown)
    styles.addElement(style.Style(name="ce1", family="table-cell", datastylename="N1"))
    document.automaticstyles.addElement(style.Style(name="ce2", family="table-cell", parentstylename="ce1"))
    sheet = table.Table(name="x")
    sheet.addElement(table.TableColumn(defaultcellstylename="ce2" if by_column else "Default"))
    for value in ("x", cell):
        row = table.TableRow()
        if isinstance(value, str):
            row.addElement(table.TableCell(valuetype="string", stringvalue=value))
        else:
            named = {} if by_column else {"stylename": "ce1"}
            row.addElement(table.TableCell(valuetype="float", value=value, **named))
        sheet.addElement(row)
    document.spreadsheet.addElement(sheet)
    document.save(str(file))


@pytest.mark.parametrize("by_column", [True, False])
@pytest.mark.parametrize(("pieces", "cell", "seen"), ODS.values(), ids=ODS)
def test_a_style_of_libre_office_shows_it(
    tmp_path: Path, pieces: Callable[[], list[Any]], cell: float, seen: str, by_column: bool
) -> None:
    write_ods(tmp_path / "list", pieces(), cell, by_column=by_column)
    assert shown_in(tmp_path / "list") == [seen]


def test_a_style_of_libre_office_may_put_text_between_digits(tmp_path: Path) -> None:
    embedded = number.EmbeddedText(position=3, text="-")
    write_ods(tmp_path / "list", [number.Number(minintegerdigits=6)], 1067, embedded=embedded)
    assert shown_in(tmp_path / "list") == ["001-067"]
