"""Every form in which a workbook comes: read right, or said what it is and what to do."""

import random
import re
import subprocess
import sys
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import openpyxl
import pytest
import xlwt
from source_contract import read
from workbook_parts import HEADER, NUMBER, STRICT, fods, ods, ods_row, ods_table, save, text_cell, xlsx, zipped

from syncd.errors import IncompleteRead
from syncd.sources.files.csv import CsvOptions, CsvSource
from syncd.sources.files.excel import ExcelOptions, ExcelSource


def source_of(file: Path, **options: Any) -> ExcelSource:
    parsed = ExcelOptions.model_validate({"path": file.name, "settled": "0s", **options})
    return ExcelSource(parsed, base=file.parent, sleep=lambda _: None, clock=lambda: datetime.now(UTC))


def values(file: Path, **options: Any) -> list[dict[str, object]]:
    return [dict(record.values) for record in read(source_of(file, **options))]


def refused(file: Path, **options: Any) -> tuple[str, str]:
    """What was seen, and the remedy."""
    with pytest.raises(IncompleteRead) as caught:
        read(source_of(file, **options))
    assert "Zz" not in str(caught.value)
    return caught.value.shown, str(caught.value.remedy)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "members.xls"


# --- Excel's own form ---


@pytest.mark.parametrize(
    ("cell", "text"),
    [
        ('<c r="B2" t="s"><v>0</v></c>', "Ödön"),
        ('<c r="B2" t="s"><v>1</v></c>', "bold and not"),
        ('<c r="B2" t="s"><v>2</v></c>', "東京"),
        ('<c r="B2" t="s"><v>3</v></c>', ""),
        ('<c r="B2" t="s"><v>4</v></c>', "a\rb _x000D_"),
        ('<c r="B2" t="s"><v>5</v></c>', " wide "),
        ('<c t="inlineStr"><is><r><t>in</t></r><r><t>line</t></r></is></c>', "inline"),
        ('<c r="B2" t="str"><f>A1</f><v>calculated</v></c>', "calculated"),
        ('<c r="B2" t="b"><v>1</v></c>', True),
        ('<c r="B2" t="b"><f>TRUE()</f><v>0</v></c>', False),
        ('<c r="B2" t="d"><v>1980-12-31T00:00:00</v></c>', "1980-12-31"),
        ('<c r="B2"><f>1+1</f><v>2</v></c>', "2"),
        ('<c r="B2" s="99"><v>1.0000000000000001E-2</v></c>', "0.01"),
        ('<c r="B2" s="0"/>', ""),
        ('<c r="B2"><v>0.30000000000000004</v></c>', "0.3"),
        ('<c r="B2"><v>9007199254740991</v></c>', "9007199254740991"),
        ('<c r="B2"><v>007</v></c>', "7"),
    ],
)
def test_a_cell_is_what_its_kind_says(file: Path, cell: str, text: object) -> None:
    texts = (
        "<si><t>Ödön</t></si><si><r><rPr><b/></rPr><t>bold</t></r><r><t xml:space='preserve'> and not</t></r></si>"
        "<si><t>東京</t><rPh sb='0' eb='2'><t>トウキョウ</t></rPh></si><si><t/></si>"
        "<si><t>a_x000D_b _x005F_x000D_</t></si><si><t xml:space='preserve'> wide </t></si>"
    )
    row = f'<row r="2"><c r="A2"><v>1</v></c>{cell}</row>'
    assert values(save(file, xlsx(HEADER + row, texts=texts))) == [{"Nr": "1", "x": text}]


def test_rows_and_cells_need_no_numbers(file: Path) -> None:
    rows = "<row><c t='inlineStr'><is><t>Nr</t></is></c></row><row/><row><c><v>17</v></c></row>"
    [record] = read(source_of(save(file, xlsx(rows))))
    assert (record.values, str(record.position)) == ({"Nr": "17"}, "members.xls row 3")


def test_the_strict_form_is_read(file: Path) -> None:
    assert values(save(file, xlsx(HEADER + NUMBER, namespace=STRICT))) == [{"Nr": "1", "x": ""}]


def test_a_prefix_before_the_names_of_elements_does_no_harm(file: Path) -> None:
    parts = xlsx("")
    parts["xl/worksheets/sheet1.xml"] = (
        '<x:worksheet xmlns:x="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><x:sheetData>'
        '<x:row r="1"><x:c r="A1" t="inlineStr"><x:is><x:t>Nr</x:t></x:is></x:c></x:row>'
        '<x:row r="2"><x:c r="A2"><x:v>17</x:v></x:c></x:row></x:sheetData></x:worksheet>'
    )
    assert values(save(file, parts)) == [{"Nr": "17"}]


def test_parts_may_be_spelt_otherwise(file: Path) -> None:
    parts = xlsx(HEADER + '<row r="2"><c r="A2" t="s"><v>0</v></c></row>', texts="<si><t>a</t></si>")
    parts["xl\\SharedStrings.xml"] = parts.pop("xl/sharedStrings.xml")
    assert values(save(file, parts)) == [{"Nr": "a", "x": ""}]


@pytest.mark.parametrize("extension", ["xlsm", "xltx", "xlsx", "xls"])
def test_the_name_of_a_workbook_says_nothing(tmp_path: Path, extension: str) -> None:
    assert len(values(save(tmp_path / f"members.{extension}", xlsx(HEADER + NUMBER)))) == 1


# --- bounds ---

STRAY = [("XFD", 1_048_000), ("T", 1_048_000), ("A", 1_048_576), ("XFD", 2)]


@pytest.mark.in_part(3)
@pytest.mark.parametrize(("column", "row"), STRAY)
def test_a_stray_cell_takes_no_room(file: Path, column: str, row: int) -> None:
    stray = f'<row r="{row}">{text_cell(f"{column}{row}", "Zz")}</row>'
    save(file, xlsx(HEADER + (NUMBER if row > 2 else "") + stray))
    program = (
        "import resource, sys; resource.setrlimit(resource.RLIMIT_AS, (400 << 20,) * 2)\n"
        "sys.path[:0] = sys.argv[1:3]\n"
        "from pathlib import Path; from test_workbook_forms import values\n"
        "try: print(len(values(Path(sys.argv[3]))))\n"
        "except Exception as error: print(error)\n"
    )
    here = Path(__file__).parent
    argv = [sys.executable, "-c", program, str(here), str(here.parent / "doubles"), str(file)]
    done = subprocess.run(argv, capture_output=True, text=True, check=False, timeout=60)
    expected = "2" if column == "A" else f"members.xls row {row}: the row has a value beyond the last of the 2 columns"
    assert (done.returncode, done.stdout.strip()[: len(expected)]) == (0, expected), done.stderr


def test_a_stray_cell_of_the_old_form_is_refused_before_it_takes_room(file: Path) -> None:
    book = xlwt.Workbook()
    sheet = book.add_sheet("x")
    for row, column in ((0, 0), (1, 0), (65_535, 255)):
        sheet.write(row, column, "Zz")
    book.save(str(file))
    what, remedy = refused(file)
    assert "3 cells that hold anything, strewn up to IV65536" in what
    assert "delete the cells" in remedy


@pytest.mark.parametrize("at", ["XFE1", "A1048577", "A0", "ZZZZ9"])
def test_a_cell_outside_of_every_sheet_is_refused(file: Path, at: str) -> None:
    row = at.lstrip("ABCDEFGHIJKLMNOPQRSTUVWXYZ")
    save(file, xlsx(f'<row r="{row}">{text_cell(at, "Zz")}</row>'))
    assert "is no workbook" in refused(file)[0]


@pytest.mark.parametrize("part", ["xl/worksheets/sheet1.xml", "xl/sharedStrings.xml", "xl/workbook.xml"])
def test_what_unpacks_to_hundreds_of_times_its_size_is_refused(file: Path, part: str) -> None:
    parts = xlsx(HEADER + '<row r="2"><c r="A2" t="s"><v>0</v></c></row>')
    parts[part] = str(parts[part]) + " " * (70 << 20)
    what, _ = refused(save(file, parts))
    assert "would unpack to 70 MiB" in what


def test_an_entity_that_grows_is_refused(file: Path) -> None:
    parts = xlsx(HEADER)
    entities = "".join(f'<!ENTITY a{n} "{f"&a{n - 1};" * 10}">' for n in range(1, 10))
    parts["xl/worksheets/sheet1.xml"] = (
        f'<!DOCTYPE x [<!ENTITY a0 "Zz">{entities}]><worksheet><sheetData><row r="1"><c r="A1" t="str"><v>&a9;</v></c>'
        "</row></sheetData></worksheet>"
    )
    assert "is no workbook" in refused(save(file, parts))[0]


# --- what would clear a field ---

ERRORS = ['<c r="B2" t="e"><v>#N/A</v></c>', '<c r="B2" t="e"><f>NA()</f><v>#N/A</v></c>']
NO_RESULT = [
    '<c r="B2"><f>1+1</f></c>',
    '<c r="B2"><f>1+1</f><v/></c>',
    '<c r="B2" s="1"><f t="shared" si="0"/><v> </v></c>',
    '<c r="B2" t="str"><f>A1</f></c>',
    '<c r="B2" t="s"/>',
    '<c r="B2" t="s"></c>',
]


@pytest.mark.parametrize(
    ("cell", "what"), [*((c, "shows an error") for c in ERRORS), *((c, "without") for c in NO_RESULT)]
)
def test_in_excels_form_nothing_is_emptied(file: Path, cell: str, what: str) -> None:
    save(file, xlsx(f'{HEADER}<row r="2"><c r="A2"><v>1</v></c>{cell}</row>'))
    shown, remedy = refused(file)
    assert shown.startswith("members.xls cell B2: ")
    assert what in shown
    assert "save it" in remedy


def test_a_text_that_a_formula_gives_may_be_empty(file: Path) -> None:
    save(file, xlsx(f'{HEADER}<row r="2"><c r="A2"><v>1</v></c><c r="B2" t="str"><f>""</f><v></v></c></row>'))
    assert values(file) == [{"Nr": "1", "x": ""}]


@pytest.mark.parametrize("cell", [ERRORS[0], NO_RESULT[0]])
def test_what_is_no_value_in_a_column_that_nobody_wants_does_no_harm(file: Path, cell: str) -> None:
    save(file, xlsx(f'{HEADER}<row r="2"><c r="A2"><v>1</v></c>{cell}</row>'))
    source = source_of(file)
    source.share = lambda names: float("Nr" in names)
    assert [record.values["Nr"] for record in read(source)] == ["1"]


def test_blanks_beyond_the_last_column_are_nothing(file: Path) -> None:
    save(file, xlsx(f'{HEADER}<row r="2"><c r="A2"><v>1</v></c>{text_cell("C2", "&#160; ")}</row>'))
    assert values(file) == [{"Nr": "1", "x": ""}]


@pytest.mark.parametrize(
    ("written", "seen"),
    [
        ("5.9E+17", "5.90000000000000E+17"),
        ("1234567890123450", "1.23456789012345E+15"),
        ("1234567890123456", "1234567890123456"),
    ],
)
def test_a_number_whose_digits_excel_has_lost_keeps_the_exponent_with_which_nobody_takes_it(
    file: Path, written: str, seen: str
) -> None:
    save(file, xlsx(f'{HEADER}<row r="2"><c r="A2"><v>1</v></c><c r="B2"><v>{written}</v></c></row>'))
    assert values(file)[0]["x"] == seen


def test_what_is_not_calculated_yet_is_not_taken_for_nought(file: Path) -> None:
    cell = '<row r="2"><c r="A2"><v>1</v></c><c r="B2"><f>1+1</f><v>{}</v></c></row>'
    pending = {"book": '<calcPr calcId="124519" fullCalcOnLoad="1"/>'}
    assert values(save(file, xlsx(HEADER + cell.format(0)))) == [{"Nr": "1", "x": "0"}]
    assert values(save(file, xlsx(HEADER + cell.format(2), **pending))) == [{"Nr": "1", "x": "2"}]
    assert "formula without a result" in refused(save(file, xlsx(HEADER + cell.format(0), **pending)))[0]


def test_in_the_old_form_an_error_is_not_taken_for_empty(file: Path) -> None:
    book = xlwt.Workbook()
    sheet = book.add_sheet("x")
    for column, name in enumerate(("Nr", "x")):
        sheet.write(0, column, name)
    sheet.write(1, 0, 1)
    sheet.row(1).set_cell_error(1, "#N/A!")
    book.save(str(file))
    assert refused(file)[0] == "members.xls cell B2: shows an error"


def test_in_the_old_form_a_formula_without_a_result_is_not_taken_for_empty(file: Path) -> None:
    book = xlwt.Workbook()
    sheet = book.add_sheet("x")
    for column, name in enumerate(("Nr", "x")):
        sheet.write(0, column, name)
    sheet.write(1, 0, 1)
    sheet.write(1, 1, xlwt.Formula("1+1"))
    book.save(str(file))
    shown, remedy = refused(file)
    assert shown == "members.xls cell B2: has a formula without a result"
    assert "save it anew as .xlsx" in remedy


ODS_CELLS = {
    "an error": (
        'table:formula="of:=NA()" office:value-type="string" office:string-value="" calcext:value-type="error"',
        "#N/A",
    ),
    "an error as text": ('table:formula="of:=NA()" office:value-type="string" office:string-value=""', "#NV"),
    "an error as a number": ('table:formula="of:=1/0" office:value-type="float" office:value="0"', "#DIV/0!"),
    "an error of Calc": ('table:formula="of:=X()" office:value-type="float" office:value="0"', "Err:508"),
}


@pytest.mark.parametrize(("attributes", "text"), ODS_CELLS.values(), ids=ODS_CELLS)
def test_in_libre_offices_form_an_error_is_not_taken_for_empty(file: Path, attributes: str, text: str) -> None:
    cell = f"<table:table-cell {attributes}><text:p>{text}</text:p></table:table-cell>"
    save(file, ods(ods_table(ods_row("Nr", "x") + ods_row("1", more=cell))))
    assert refused(file)[0] == "members.xls cell B2: shows an error"


@pytest.mark.parametrize("attributes", ["", 'office:value-type="float"'])
def test_in_libre_offices_form_a_formula_without_a_result_is_not_taken_for_empty(file: Path, attributes: str) -> None:
    cell = f'<table:table-cell table:formula="of:=1+1" {attributes}/>'
    save(file, ods(ods_table(ods_row("Nr", "x") + ods_row("1", more=cell))))
    assert refused(file)[0] == "members.xls cell B2: has a formula without a result"


# --- LibreOffice's form ---

ODS_VALUES = {
    "a number": ('office:value-type="float" office:value="17"', "17", "17"),
    "a long number": ('office:value-type="float" office:value="123457000000"', "1,23457E+11", "123457000000"),
    "a day": ('office:value-type="date" office:date-value="1980-12-31"', "31.12.80", "1980-12-31"),
    "a day at midnight": ('office:value-type="date" office:date-value="1980-12-31T00:00:00"', "x", "1980-12-31"),
    "a moment": ('office:value-type="date" office:date-value="1980-12-31T10:30:00.5"', "x", "1980-12-31T10:30:00"),
    "a time": ('office:value-type="time" office:time-value="PT10H30M00S"', "10:30", "10:30:00"),
    "true": ('office:value-type="boolean" office:boolean-value="true"', "WAHR", True),
    "an empty result": ('table:formula="of:=A1" office:value-type="string" office:string-value=""', "", ""),
    "a text result": ('table:formula="of:=A1" office:value-type="string"', "a", "a"),
    "lines": ('office:value-type="string"', "a</text:p><text:p>b<text:line-break/>c", "a\nb\nc"),
    "blanks": ('office:value-type="string"', 'a<text:s text:c="3"/>b<text:tab/><text:span>c</text:span>', "a   b\tc"),
    "a note": (
        'office:value-type="string"',
        "a</text:p><office:annotation><text:p>Zz</text:p></office:annotation><text:p>b",
        "a\nb",
    ),
}


@pytest.mark.parametrize(("attributes", "text", "value"), ODS_VALUES.values(), ids=ODS_VALUES)
def test_in_libre_offices_form_a_cell_is_what_its_kind_says(
    file: Path, attributes: str, text: str, value: object
) -> None:
    cell = f"<table:table-cell {attributes}><text:p>{text}</text:p></table:table-cell>"
    save(file, ods(ods_table(ods_row("Nr", "x") + ods_row("1", more=cell))))
    assert values(file) == [{"Nr": "1", "x": value}]


def test_a_million_styled_rows_and_columns_take_no_room(file: Path) -> None:
    wide = '<table:table-cell table:style-name="ce1" table:number-columns-repeated="16382"/>'
    end = f'<table:table-row table:number-rows-repeated="1048573">{wide}</table:table-row>'
    save(file, ods(ods_table(ods_row("Nr", "x", more=wide) + ods_row("1", "a", more=wide) + end)))
    assert values(file) == [{"Nr": "1", "x": "a"}]


def test_rows_and_cells_that_are_repeated_are_there(file: Path) -> None:
    same = ods_row("7", "7").replace("<table:table-row>", '<table:table-row table:number-rows-repeated="3">')
    both = ods_row("7").replace("<table:table-cell", '<table:table-cell table:number-columns-repeated="2"')
    empty = '<table:table-row table:number-rows-repeated="2"><table:table-cell/></table:table-row>'
    save(file, ods(ods_table(ods_row("Nr", "x") + same + empty + both)))
    records = read(source_of(file))
    assert [record.position.line for record in records] == [2, 3, 4, 7]
    assert {tuple(record.values.values()) for record in records} == {("7", "7")}


def test_merged_cells_of_libre_office_are_refused_below_the_header(file: Path) -> None:
    title = ods_row("Mitglieder").replace("<table:table-cell", '<table:table-cell table:number-columns-spanned="2"')
    merged = ods_row("1", "a").replace("<table:table-cell", '<table:table-cell table:number-rows-spanned="2"', 1)
    rows = title + ods_row("Nr", "x") + ods_row("1", "a")
    save(file, ods(ods_table(rows)))
    assert values(file, header_row=2) == [{"Nr": "1", "x": "a"}]
    save(file, ods(ods_table(rows + merged + ods_row("", "b"))))
    assert "row 5: has merged cells" in refused(file, header_row=2)[0]


def test_of_libre_offices_sheets_the_visible_one_is_read(file: Path) -> None:
    hidden = '<style:style style:name="ta2" style:family="table"><style:table-properties table:display="false"/>'
    hidden += "</style:style>"
    tables = ods_table(ods_row("Nr") + ods_row("9"), "alt", "ta2") + ods_table(ods_row("Nr") + ods_row("1"), "neu")
    save(file, ods(tables, styles=hidden))
    assert values(file) == [{"Nr": "1"}]
    assert values(file, sheet="alt") == [{"Nr": "9"}]


def test_the_flat_form_of_libre_office_is_read(file: Path) -> None:
    file.write_text(fods(ods_table(ods_row("Nr", "x") + ods_row("1", "Rößler"))), encoding="utf-8")
    assert values(file) == [{"Nr": "1", "x": "Rößler"}]


# --- what else is called a workbook ---

TABLE = (
    "<table border=1><tr><th>Nr</th><th>Name</th></tr><tr><td>0017</td><td>R&ouml;&szlig;ler &amp; Co</td></tr></table>"
)
PAGES = {
    "a table alone": TABLE,
    "a page": f"<html><head><meta charset='utf-8'><title>Zz</title><style>td {{}}</style></head>{TABLE}</html>",
    "a page of Excel": f"<html xmlns:x='urn:schemas-microsoft-com:office:excel'><body>{TABLE}</body></html>",
    "XHTML": f'<?xml version="1.0" encoding="utf-8"?>\n<!DOCTYPE html>\n<html><body>{TABLE}</body></html>',
    "tags that are not closed": "<TABLE><TR><TD>Nr<TD>Name<TR><TD>0017<TD>Rößler &amp; Co</TABLE>",
    "cells over lines": TABLE.replace("<td>", "<td>\n   <b>").replace("</td>", "</b>\n</td>"),
    "a title in a table of its own": f"<table><tr><td>Mitglieder</td></tr></table>{TABLE}",
    "a script beside": f"<html><script>Zz</script>{TABLE}<script>Zz</script></html>",
    "a blank line above": f"\r\n \ufeff{TABLE}".replace("\ufeff", ""),
}


@pytest.mark.parametrize("page", PAGES.values(), ids=PAGES)
def test_a_page_with_a_table_is_read(file: Path, page: str) -> None:
    file.write_text(page, encoding="utf-8")
    assert values(file) == [{"Nr": "0017", "Name": "Rößler & Co"}]


@pytest.mark.parametrize(
    ("encoding", "declared"),
    [
        ("windows-1252", "iso-8859-1"),
        ("windows-1252", "windows-1252"),
        ("cp1250", "windows-1250"),
        ("utf-16", "utf-16"),
    ],
)
def test_a_page_is_read_in_the_encoding_that_it_names(file: Path, encoding: str, declared: str) -> None:
    name = "Łódź" if encoding == "cp1250" else "Rößler"
    page = f'<html><meta http-equiv="Content-Type" content="text/html; charset={declared}">{TABLE}</html>'
    file.write_bytes(page.replace("R&ouml;&szlig;ler &amp; Co", name).encode(encoding))
    assert values(file) == [{"Nr": "0017", "Name": name}]


def test_a_page_in_another_encoding_than_it_names_is_refused(file: Path) -> None:
    file.write_bytes(TABLE.replace("R&ouml;", "Zzö").encode("windows-1252"))
    assert "not in the encoding that it names (utf-8)" in refused(file)[0]


def test_a_line_break_in_a_cell_of_a_page_is_one(file: Path) -> None:
    file.write_text(TABLE.replace("R&ouml;&szlig;ler", "a<br>b<br/>"), encoding="utf-8")
    assert values(file) == [{"Nr": "0017", "Name": "a\nb\n& Co"}]


@pytest.mark.parametrize("cut", [TABLE[:-8], TABLE[:100], TABLE[:70]])
def test_a_page_that_ends_within_its_table_is_refused(file: Path, cut: str) -> None:
    file.write_text(cut)
    assert "cut short" in refused(file)[0]


def test_of_several_tables_one_must_be_named(file: Path) -> None:
    file.write_text(TABLE + TABLE.replace("0017", "0018"))
    what, remedy = refused(file)
    assert "has several sheets ('table 1', 'table 2')" in what
    assert "sheet = " in remedy
    assert values(file, sheet="table 2")[0]["Nr"] == "0018"


@pytest.mark.parametrize("name", ["rowspan", "colspan"])
def test_merged_cells_of_a_page_are_refused(file: Path, name: str) -> None:
    file.write_text(TABLE.replace("<td>0017", f"<td {name}=2>0017"))
    assert "has merged cells" in refused(file)[0]


@pytest.mark.parametrize(
    ("tall", "told"), [("<td rowspan=2>0018", "row 3"), ("<td rowspan=0>0018", "row 3"), ("<th rowspan=3>Nr", "row 2")]
)
def test_a_cell_of_a_page_that_reaches_down_is_told_with_its_row(file: Path, tall: str, told: str) -> None:
    rows = "".join(f"<tr><td>{number:04}</td><td>Zz</td></tr>" for number in range(17, 30))
    page = f"<table><tr><th>Nr</th><th>Name</th></tr>{rows}</table>"
    file.write_text(page.replace(re.sub(" rowspan=.", "", tall), tall))
    assert f"{told}: has merged cells" in refused(file)[0]


def test_a_title_over_all_columns_of_a_page_does_no_harm(file: Path) -> None:
    file.write_text(TABLE.replace("<tr>", "<tr><td colspan=2>Mitglieder</td></tr><tr>", 1))
    assert values(file, header_row=2)[0]["Nr"] == "0017"


def test_a_table_in_a_table_is_refused(file: Path) -> None:
    file.write_text(f"<table><tr><td>{TABLE}</td></tr><tr><td>Zz</td></tr></table>")
    assert "a table in a cell of another" in refused(file)[0]


@pytest.mark.parametrize(
    "page",
    [
        f"<html><form><input name=password></form>{TABLE}</html>",
        "<!DOCTYPE html><html><body>Zz</body></html>",
        "<html><frameset><frame src=sheet001.htm></frameset></html>",
        '<?xml version="1.0"?><error>Zz</error>',
    ],
)
def test_a_page_that_is_no_export_is_told(file: Path, page: str) -> None:
    file.write_text(page)
    what, remedy = refused(file)
    assert "is a web page or XML, not a table" in what
    assert "login or error page" in remedy


def test_a_page_in_the_form_of_a_letter_is_read(file: Path) -> None:
    file.write_text(
        'MIME-Version: 1.0\nContent-Type: multipart/related; boundary="b"\n\n'
        '--b\nContent-Type: text/html; charset="utf-8"\n'
        f"Content-Transfer-Encoding: quoted-printable\n\n{TABLE.replace('=', '=3D')}\n"
        "--b\nContent-Type: text/css\n\ntd {}\n--b--\n"
    )
    assert values(file) == [{"Nr": "0017", "Name": "Rößler & Co"}]


XML = (
    '<?xml version="1.0" encoding="utf-8"?>\n<?mso-application progid="Excel.Sheet"?>\n'
    '<ss:Workbook xmlns:ss="urn:schemas-microsoft-com:office:spreadsheet">'
    '<ss:Worksheet ss:Name="alt"><ss:Table><ss:Row><ss:Cell><ss:Data ss:Type="String">Zz</ss:Data></ss:Cell></ss:Row>'
    "</ss:Table>"
    "<WorksheetOptions><Visible>SheetHidden</Visible></WorksheetOptions></ss:Worksheet>"
    '<ss:Worksheet ss:Name="neu"><ss:Table><ss:Row><ss:Cell><ss:Data ss:Type="String">Nr</ss:Data></ss:Cell>'
    '<ss:Cell><ss:Data ss:Type="String">x</ss:Data></ss:Cell></ss:Row>'
    '<ss:Row ss:Index="4"><ss:Cell><ss:Data ss:Type="Number">17</ss:Data>'
    "<ss:Comment><ss:Data>Zz</ss:Data></ss:Comment></ss:Cell>CELL</ss:Row></ss:Table></ss:Worksheet></ss:Workbook>"
)


@pytest.mark.parametrize(
    ("cell", "value"),
    [
        ("", ""),
        ('<ss:Cell ss:Index="2"><ss:Data ss:Type="String">Rößler</ss:Data></ss:Cell>', "Rößler"),
        ('<ss:Cell><ss:Data ss:Type="DateTime">1980-12-31T00:00:00.000</ss:Data></ss:Cell>', "1980-12-31"),
        ('<ss:Cell><ss:Data ss:Type="DateTime">1899-12-31T10:30:00.000</ss:Data></ss:Cell>', "10:30:00"),
        ('<ss:Cell><ss:Data ss:Type="Boolean">1</ss:Data></ss:Cell>', True),
        ('<ss:Cell><ss:Data ss:Type="String"><B>bo</B>ld</ss:Data></ss:Cell>', "bold"),
        ('<ss:Cell ss:Formula="=1+1"><ss:Data ss:Type="Number">2</ss:Data></ss:Cell>', "2"),
    ],
)
def test_the_xml_of_2003_is_read(file: Path, cell: str, value: object) -> None:
    file.write_text(XML.replace("CELL", cell), encoding="utf-8")
    [record] = read(source_of(file))
    assert (dict(record.values), record.position.line) == ({"Nr": "17", "x": value}, 4)


@pytest.mark.parametrize(
    ("cell", "what"),
    [
        ('<ss:Cell><ss:Data ss:Type="Error">#N/A</ss:Data></ss:Cell>', "cell B4: shows an error"),
        ('<ss:Cell ss:Formula="=1+1"/>', "cell B4: has a formula without a result"),
        ('<ss:Cell ss:MergeDown="1"/>', "row 5: has merged cells"),
    ],
)
def test_in_the_xml_of_2003_nothing_is_emptied(file: Path, cell: str, what: str) -> None:
    file.write_text(XML.replace("CELL", cell))
    assert what in refused(file)[0]


def ole(*streams: str) -> bytes:
    """A container with streams of these names, all of them empty."""
    free, end = b"\xff\xff\xff\xff", b"\xfe\xff\xff\xff"
    header = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(16) + b"\x3e\x00\x03\x00\xfe\xff\x09\x00\x06\x00" + bytes(10)
    header += (1).to_bytes(4, "little") + (1).to_bytes(4, "little") + bytes(4) + (4096).to_bytes(4, "little")
    header += end + bytes(4) + end + bytes(4) + bytes(4) + free * 108
    table = b"\xfd\xff\xff\xff" + end + free * 126
    directory = b""
    for kind, name in [(5, "Root Entry"), *((2, stream) for stream in streams)]:
        text = name.encode("utf-16-le") + b"\0\0"
        directory += (
            text.ljust(64, b"\0") + len(text).to_bytes(2, "little") + bytes([kind, 0]) + bytes(48) + end + bytes(8)
        )
    return header + table + directory.ljust(512, b"\0")


OTHERS: dict[str, tuple[bytes, str, str]] = {
    "a password": (ole("EncryptionInfo", "EncryptedPackage"), "is protected by a password", "save it without one"),
    "a text of Word": (ole("WordDocument"), "is a file of Office without a workbook", "save it anew as .xlsx"),
    "an encrypted ods": (
        zipped(ods("", manifest="<manifest:encryption-data/>")),
        "is protected by a password",
        "save it without one",
    ),
    "a wholly encrypted ods": (
        zipped({"encrypted-package": "Zz", "META-INF/manifest.xml": "<manifest:encryption-data/>"}),
        "is protected by a password",
        "save it without one",
    ),
    "Numbers": (zipped({"Index/Document.iwa": "Zz", "preview.jpg": ""}), "is a file of Apple Numbers", "export it"),
    "a binary workbook": (zipped(xlsx("", kind="bin")), "is a binary workbook (.xlsb)", "save it as .xlsx"),
    "a new text of Word": (zipped({"word/document.xml": "Zz"}), "is a text document", "export the list"),
    "a text of LibreOffice": (
        zipped({**ods(""), "mimetype": "application/vnd.oasis.opendocument.text"}),
        "is a document of LibreOffice, and no spreadsheet",
        "export the list",
    ),
    "a text that begins like a letter": (b"From: To\n1: Zz\n", "is no workbook", 'set type = "csv"'),
    "a zipped list": (zipped({"members.csv": "Zz"}), "is a zip with a text file in it", 'set type = "csv"'),
    "a zipped workbook": (zipped({"a/members.xlsx": "Zz"}), "is a zip with a workbook in it", "unpack it first"),
    "an archive": (zipped({"photo.jpg": "Zz"}), "is an archive without a workbook", "unpack it"),
    "text with tabs": (b"Nr\tName\r\n1\tZz\r\n", "is no workbook", 'it is text: set type = "csv"'),
    "text in Windows-1252": ("Nr;Name\n1;Zzö\n".encode("cp1252"), "is no workbook", 'set type = "csv"'),
    "unicode text": ("Nr\tName\n".encode("utf-16"), "is no workbook", 'set type = "csv"'),
    "an older workbook": (b"\x09\x04\x06\x00\x00\x00\x10\x00Zz", "is a workbook of Excel 4 or older", "as .xlsx"),
    "a PDF": (b"%PDF-1.7 Zz", "is a PDF", "export the list"),
    "a picture": (b"\x89PNG\r\n\x1a\n\x00\x00Zz", "is no workbook", "save it anew as .xlsx"),
    "nothing": (b"", "is empty", "an empty file deletes nobody"),
    "a part of a zip": (b"PK\x03\x04Zz", "is no workbook, or is cut short", "save it anew"),
}


@pytest.mark.parametrize(("content", "what", "remedy"), OTHERS.values(), ids=OTHERS)
def test_what_is_no_workbook_is_told(file: Path, content: bytes, what: str, remedy: str) -> None:
    file.write_bytes(content)
    shown, told = refused(file)
    assert (what in shown, remedy in told) == (True, True), (shown, told)


def test_the_old_form_with_a_password_is_told(file: Path) -> None:
    book = xlwt.Workbook()
    book.add_sheet("x").write(0, 0, "Zz")
    book.save(str(file))
    who_wrote, password = b"\x5c\x00\x70\x00", b"\x2f\x00\x70\x00"  # records of one length
    file.write_bytes(file.read_bytes().replace(who_wrote, password, 1))
    assert refused(file) == ("members.xls: is protected by a password", "save it without one")


def test_a_part_of_an_archive_with_a_password_is_told(file: Path) -> None:
    content = bytearray(zipped(xlsx(HEADER + NUMBER)))
    at = content.rindex(b"PK\x01\x02")
    for entry in range(content.count(b"PK\x01\x02")):
        at = content.index(b"PK\x01\x02", 0 if entry == 0 else at + 4)
        content[at + 8] |= 1
    file.write_bytes(content)
    assert refused(file)[0] == "members.xls: is protected by a password"


@pytest.mark.parametrize("name", ["members.csv", "a.TXT"])
def test_a_zipped_list_is_told_to_who_reads_text(tmp_path: Path, name: str) -> None:
    (tmp_path / "members.zip").write_bytes(zipped({name: "Zz"}))
    options = CsvOptions.model_validate({"path": "members.zip", "settled": "0s"})
    source = CsvSource(options, base=tmp_path, sleep=lambda _: None, clock=lambda: datetime.now(UTC))
    with pytest.raises(IncompleteRead, match="is a zip with a text file in it") as caught:
        read(source)
    assert caught.value.remedy == "unpack it first"


# --- cut short, or damaged ---


def grid() -> list[list[object]]:
    return [["Nr", "Name", "PLZ"], *([n, f"Name {n}", 1000 + n] for n in range(40))]


def whole(form: str, file: Path) -> bytes:
    if form == "xlsx":
        book = openpyxl.Workbook()
        for row in grid():
            book.active.append(row)
        book.save(file)
    elif form == "xls":
        old = xlwt.Workbook()
        sheet = old.add_sheet("x")
        for number, row in enumerate(grid()):
            for column, cell in enumerate(row):
                sheet.write(number, column, cell)
        old.save(str(file))
    elif form == "ods":
        save(file, ods(ods_table("".join(ods_row(*map(str, row)) for row in grid()))))
    elif form == "html":
        rows = "".join(f"<tr>{''.join(f'<td>{cell}</td>' for cell in row)}</tr>" for row in grid())
        file.write_text(f"<html><table>{rows}</table>")
    else:
        rows = "".join(f"<Row>{''.join(f'<Cell><Data>{cell}</Data></Cell>' for cell in row)}</Row>" for row in grid())
        head = '<?xml version="1.0"?><Workbook xmlns="urn:schemas-microsoft-com:office:spreadsheet">'
        file.write_text(f"{head}<Worksheet Name='x'><Table>{rows}</Table></Worksheet></Workbook>")
    return file.read_bytes()


@pytest.mark.in_part(2)
@pytest.mark.parametrize("form", ["xlsx", "xls", "ods", "html", "xml"])
def test_a_workbook_that_is_cut_anywhere_is_refused(file: Path, form: str) -> None:
    content = whole(form, file)
    assert len(values(file)) == 40
    for end in range(len(content)):
        file.write_bytes(content[:end])
        with pytest.raises(IncompleteRead):
            read(source_of(file))


@pytest.mark.parametrize("form", ["xlsx", "xls", "ods", "html", "xml"])
def test_a_damaged_workbook_is_read_or_refused_in_words(file: Path, form: str) -> None:
    content, chance = whole(form, file), random.Random(13)
    for _ in range(300):
        damaged = bytearray(content)
        for _ in range(chance.choice((1, 4, 30))):
            damaged[chance.randrange(len(damaged))] = chance.randrange(256)
        file.write_bytes(damaged)
        with suppress(IncompleteRead):
            read(source_of(file))
