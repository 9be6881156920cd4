"""CSV as exports really are: what is read, and what is not taken for a complete read."""

import csv
import io
import os
import re
import time
from datetime import UTC, datetime, timedelta
from itertools import chain
from pathlib import Path

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from pydantic import ValidationError
from source_contract import SourceContract, read
from stop import interrupted

from syncd.errors import IncompleteRead, Stopped
from syncd.example.make import FILE as EXAMPLE
from syncd.sources.files.csv import CsvOptions, CsvSource

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
LONG_AGO = NOW - timedelta(days=1)
ROOT = getattr(os, "geteuid", lambda: 0)() == 0


def no_sleep(seconds):
    pytest.fail("waited for a file that was settled")


def write(path, content, *, modified=LONG_AGO):
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    os.utime(path, (modified.timestamp(), modified.timestamp()))
    return path


def source(base, path="members.csv", *, sleep=no_sleep, **options):
    return CsvSource(CsvOptions(path=str(path), **options), base=base, sleep=sleep, clock=lambda: NOW)


@pytest.fixture
def table(tmp_path):
    """Reads a file with this content: the rows, its header first."""

    def table(content, **options):
        write(tmp_path / "members.csv", content)
        with source(tmp_path, **options).open() as reading:
            return [reading.columns, *(tuple(record.values.values()) for record in reading)]

    return table


@pytest.fixture
def lines(tmp_path):
    """Reads a file with this content: the line of each record."""

    def lines(content, **options):
        write(tmp_path / "members.csv", content)
        return [record.position.line for record in read(source(tmp_path, **options))]

    return lines


@pytest.fixture
def doubt(tmp_path):
    """Reads a file with this content to its end; it must not be taken for complete: in which words?"""

    def doubt(content, **options):
        write(tmp_path / "members.csv", content)
        with pytest.raises(IncompleteRead) as error:
            read(source(tmp_path, **options))
        assert error.value.remedy
        return error.value.message

    return doubt


class TestContract(SourceContract):
    @pytest.fixture
    def source_of(self, tmp_path):
        def source_of(rows, columns=()):
            text = io.StringIO()
            writer = csv.DictWriter(text, columns or list(rows[0]), delimiter=";", quoting=csv.QUOTE_ALL)
            writer.writeheader()
            writer.writerows(rows)
            write(tmp_path / "members.csv", text.getvalue())
            return source(tmp_path)

        return source_of

    @pytest.fixture
    def cut_short(self, tmp_path, source_of):
        def cut_short(rows):
            found = source_of(rows)
            content = (tmp_path / "members.csv").read_bytes()
            write(tmp_path / "members.csv", content[:-10])
            return found

        return cut_short

    @pytest.fixture
    def nowhere(self, tmp_path):
        return source(tmp_path, "nowhere.csv")


# --- tables

SIMPLE = [("Nr", "Name"), ("1", "Anna"), ("2", "Jörg Weiß")]


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "windows-1252", "utf-16", "utf-16-le"])
def test_encoding_delimiter_and_line_end_are_recognized(table, encoding, delimiter, end):
    text = "".join(delimiter.join(row) + end for row in SIMPLE)
    assert table(text.encode(encoding)) == SIMPLE


def test_utf_16_with_the_other_byte_order_is_recognized_by_its_mark(table):
    assert table("\ufeffNr;Name\r\n1;Anna\r\n2;Jörg Weiß\r\n".encode("utf-16-be")) == SIMPLE


def test_the_example_export_is_read_whole():
    example = CsvSource(
        CsvOptions(path=EXAMPLE.name), base=EXAMPLE.parent, sleep=time.sleep, clock=lambda: datetime.now(UTC)
    )
    with example.open() as reading:
        assert reading.description == "members.csv (windows-1252, ';')"
        rows = list(reading)
    with EXAMPLE.open(encoding="windows-1252", newline="") as file:
        assert [dict(row.values) for row in rows] == list(csv.DictReader(file, delimiter=";"))


NAMES = st.lists(st.text("abcXYZäöüß _-.", min_size=1).map(str.strip).filter(bool), min_size=1, max_size=5, unique=True)


def rows_of(width, cells):
    row = st.tuples(*[cells] * width).filter(lambda row: any(sign.isalnum() for cell in row for sign in cell))
    return st.lists(row, min_size=1, max_size=6)


LOOKS_QUOTED = re.compile(r'\s*[^\S ]\s*"')  # a quote behind a blank that is no quote to CSV


def fold(text):
    """Of a name that stands below the header once more, in whatever spelling."""
    return "".join(filter(str.isalnum, text.casefold()))


def written(header, rows, *, delimiter, end, quoting):
    text = io.StringIO()
    writer = csv.writer(text, delimiter=delimiter, lineterminator=end, quoting=quoting)
    writer.writerow(header)
    writer.writerows(rows)
    return text.getvalue()


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("csv")


LINE_ENDS = st.sampled_from(["\n", "\r\n", "\r"])
DELIMITERS = st.sampled_from(",;\t|")
CODECS = {"utf-8": "utf-8", "utf-8-sig": "utf-8", "utf-16": "utf-8", "utf-16-be": "utf-8", "windows-1252": "cp1252"}
WORDS = ["Anna", "Jörg", "Weiß", "Café", "Ö", "12", " ", ",", ";", "\t", "|", "\n", '"', "O'N", ""]


@given(data=st.data(), header=NAMES, form=st.tuples(DELIMITERS, LINE_ENDS, st.sampled_from(sorted(CODECS))))
def test_any_table_reads_back_exactly(folder, data, header, form):
    delimiter, end, encoding = form
    letters = st.characters(codec=CODECS[encoding], exclude_characters="\0")
    rows = data.draw(rows_of(len(header), st.text(letters, max_size=12)))
    assume(not {fold(cell) for row in rows for cell in row if fold(cell)} & {fold(name) for name in header})
    assume(not any(map(LOOKS_QUOTED.match, chain(*rows))))
    text = written(header, rows, delimiter=delimiter, end=end, quoting=csv.QUOTE_ALL)
    write(folder / "members.csv", text.encode(encoding))
    with source(folder, encoding=encoding, delimiter=delimiter).open() as reading:
        assert reading.columns == tuple(header)
        assert [tuple(record.values.values()) for record in reading] == rows


@given(
    data=st.data(),
    width=st.integers(2, 6),
    form=st.tuples(DELIMITERS, LINE_ENDS, st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "windows-1252"])),
)
def test_what_people_write_reads_back_with_nothing_named(folder, data, width, form):
    delimiter, end, encoding = form
    rows = data.draw(rows_of(width, st.lists(st.sampled_from(WORDS), max_size=6).map(" ".join)))
    assume(not any(map(LOOKS_QUOTED.match, chain(*rows))))
    # With \r as line end, Python's writer leaves \n without quotes.
    quoting = csv.QUOTE_ALL if end == "\r" else csv.QUOTE_MINIMAL
    text = written(
        [f"Spalte {letter}" for letter in "ABCDEF"[:width]], rows, delimiter=delimiter, end=end, quoting=quoting
    )
    write(folder / "members.csv", text.encode(encoding))
    bare = [tuple(cell.lstrip(" ") for cell in row) for row in rows]  # blanks before a quote are no part of a cell
    assert [tuple(cell.lstrip(" ") for cell in record.values.values()) for record in read(source(folder))] == bare


@given(data=st.data(), notes=st.text("abc äöü;\n", min_size=1))
def test_cut_off_within_quotes_is_never_complete(folder, data, notes):
    before = b'Nr;Notiz\r\n1;"x"\r\n2;"'
    whole = before + notes.encode()
    write(folder / "members.csv", whole[: data.draw(st.integers(len(before), len(whole)))])
    with pytest.raises(IncompleteRead):
        read(source(folder))


def test_line_ends_may_be_mixed_and_stand_in_quotes(table):
    assert table('Nr;Name\r\n1;"A\nB"\n2;"C\r\nD"\r3;"E\rF"\n') == [
        ("Nr", "Name"), ("1", "A\nB"), ("2", "C\r\nD"), ("3", "E\rF"),
    ]  # fmt: skip


def test_a_doubled_quote_is_a_quote_and_one_within_bare_text_stays(table):
    assert table('Nr;Name\n1;"Zum ""Löwen"""\n2;Zum "Löwen"\n')[1:] == [("1", 'Zum "Löwen"'), ("2", 'Zum "Löwen"')]


def test_values_stay_as_they_are_and_names_of_columns_are_stripped(table):
    assert table("\ufeff Nr ;\xa0Name\n007 ;\xa0Anna \n") == [("Nr", "Name"), ("007 ", "\xa0Anna ")]


def test_a_quoted_first_name_behind_a_mark_is_no_text(table):
    assert table('\ufeff"Nr";"Name"\n1;Anna\n')[0] == ("Nr", "Name")


@pytest.mark.parametrize("first", ["sep=;", "SEP=;", '"sep=;"'])
def test_the_line_that_names_the_delimiter_to_excel_is_no_header(table, lines, first):
    assert table(f"{first}\r\nNr;Name, Vorname\r\n1;Anna\r\n") == [("Nr", "Name, Vorname"), ("1", "Anna")]
    assert lines(f"{first}\r\nNr;Name, Vorname\r\n1;Anna\r\n") == [3]


def test_the_line_for_excel_may_name_what_we_would_not_guess(table):
    assert table("sep=^\nNr^Name\n1^Anna\n") == [("Nr", "Name"), ("1", "Anna")]


def test_blank_rows_are_skipped(table):
    assert table("\n\nNr;Name\n\n1;Anna\n;\n  \n2;Bea\n;;;\n\n")[1:] == [("1", "Anna"), ("2", "Bea")]


def test_empty_columns_and_trailing_delimiters_do_no_harm(table):
    assert table("Nr;;Name;;\n1;;Anna\n2;;Bea;;;;\n") == [("Nr", "Name"), ("1", "Anna"), ("2", "Bea")]


def test_a_column_without_a_name_is_left_out(table):
    assert table(",Nr,Name\n0,1,Anna\n1,2,Bea\n") == [("Nr", "Name"), ("1", "Anna"), ("2", "Bea")]


def test_one_column_is_a_table(table):
    assert table("Nr\n1\n2\n") == [("Nr",), ("1",), ("2",)]


def test_the_last_row_needs_no_line_end(table):
    assert table("Nr;Name\n1;Anna")[1:] == [("1", "Anna")]


@pytest.mark.parametrize(
    ("text", "second"),
    [
        ("Nr;Name, Vorname;Ort\n1;Quandt, Anna;Köln\n", ("1", "Quandt, Anna", "Köln")),
        ("Name, Vorname;Ort\nQuandt;Köln\nKlein;Bonn, Rhein\n", ("Quandt", "Köln")),
        ('"Nr, alt","Name; Titel"\n"1","Anna; Dr."\n', ("1", "Anna; Dr.")),
        ("Nr;Beitrag\n1;2,50\n2;3,50\n", ("1", "2,50")),
        ("Nr,Notiz\n1,a;b;c\n2,d|e|f\n", ("1", "a;b;c")),
        ('Nr;Notiz\n1;"a,b\nc,d\ne,f\ng,h"\n', ("1", "a,b\nc,d\ne,f\ng,h")),
        ("Nr;Name;;;\n1;Anna\n2;Bea\n", ("1", "Anna")),
    ],
)  # fmt: skip
def test_other_delimiters_in_cells_do_not_mislead(table, text, second):
    assert table(text)[1] == second


def test_two_delimiters_that_fit_alike_are_not_guessed_at(doubt, table):
    text = "Nr;Name,Ort\n1;Anna,Bonn\n"
    assert doubt(text) == "members.csv: the delimiter may be ';' or ','"
    assert table(text, delimiter=",") == [("Nr;Name", "Ort"), ("1;Anna", "Bonn")]


@pytest.mark.parametrize("name", ["tab", "\t"])
def test_the_tab_has_two_names(table, name):
    assert table("Nr\tName;X\n1\ta;b\n", delimiter=name)[1:] == [("1", "a;b")]


def test_a_cell_may_be_long(table):
    assert table(f'Nr,Name\n1,"{"a" * 500_000}"\n')[1] == ("1", "a" * 500_000)


# --- positions


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_a_record_is_told_by_file_name_and_first_line(lines, tmp_path, end):
    text = 'Nr;Name|1;"a|b"||2;c|3;"d||e"|4;f|'.replace("|", end)
    assert lines(text) == [2, 5, 6, 9]
    assert str(read(source(tmp_path))[0].position) == "members.csv line 2"


# --- letters


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"Nr;Name\r\n1;M\x81ller\r\n", "a byte that Windows-1252 lacks where cp850 has 'ü'"),
        ("Nr;Name\n1;Müller\n2;Weiß\n3;Mäder\n".encode("mac-roman"), "'§' where mac-roman has 'ß'"),
        ("Nr;Name\n1;Jörg\n2;Bäcker\n".encode("cp850"), "'”' where cp850 has 'ö'"),
        ("Nr;Name\n1;Иванов\n".encode("windows-1251"), "'È' where windows-1251 has 'И'"),
        ("Nr;Name\n1;Małgorzata\n".encode("windows-1250"), "'³' where windows-1250 has 'ł'"),
    ],
)
def test_letters_that_fit_no_encoding_are_not_guessed_at(doubt, content, message):
    assert doubt(content).endswith(f"is not UTF-8, and as Windows-1252 a word here has {message}")


def test_a_line_of_another_encoding_in_a_file_of_utf_8_is_named(doubt):
    content = "Nr;Name\n1;Müller\n2;Weiß\n".encode() + b"3;J\xf6rg\n"
    assert doubt(content) == (
        "members.csv line 4: byte 29 is not UTF-8, and other lines are: two exports in one, or a line that was edited"
    )


def test_a_wrong_guess_is_answered_by_naming_the_encoding(table):
    for encoding in ("mac-roman", "cp850", "windows-1251"):
        name = "Иван" if encoding == "windows-1251" else "Müller"
        assert table(f"Nr;Name\n1;{name}\n".encode(encoding), encoding=encoding)[1] == ("1", name)


def test_signs_of_windows_1252_are_read_as_such(table):
    name = "D’Angelo – Œuvre „Café“ 5 € Škoda, Côté »Straße« HAŠEK"
    assert table(f"Nr;Name\n1;{name}\n".encode("windows-1252"))[1] == ("1", name)


def test_what_is_utf_8_by_chance_does_not_mislead_in_a_longer_file(table):
    rows = "".join(f"{number};Jörg Weiß\n" for number in range(100))
    assert table(f"Nr;Name\n{rows}x;Viel „Spaß“\n".encode("windows-1252"))[-1] == ("x", "Viel „Spaß“")


def test_two_encodings_in_one_file_are_an_error_however_long_it_is(doubt):
    rows = "".join(f"{number};Jörg Weiß\n" for number in range(1000)).encode("windows-1252")
    assert "byte 11 is not UTF-8" in doubt(b"Nr;Name\n" + rows + "x;Müller\n".encode())


def test_a_file_that_ends_within_a_letter_is_cut_short(doubt):
    assert doubt("Nr;Name\n1;Mü".encode()[:-1]) == "members.csv: ends in the middle of a letter"


@pytest.mark.parametrize(
    ("content", "encoding", "message"),
    [
        (b"\xef\xbb\xbfNr;Name\n1;M\xfcller\n", "auto", "line 2: byte 14 is not utf-8"),
        (b"Nr;Name\n1;M\xfcller\n", "utf-8", "line 2: byte 11 is not utf-8"),
        (b"Nr;Name\n1;M\x81ller\n", "windows-1252", "line 2: byte 11 is not windows-1252"),
        ("\ufeffNr;Name\n1;Anna\n".encode("utf-16-le")[:-1], "auto", "line 2: byte 30 is not utf-16-le"),
        (b"Nr;Name\r\n" + b"1;x\r\n" * 20_000 + b"2;\xfc\r\n", "utf-8", "line 20002: byte 100011 is not utf-8"),
    ],
)
def test_an_encoding_that_is_certain_is_decoded_strictly(doubt, content, encoding, message):
    assert doubt(content, encoding=encoding) == f"members.csv {message}"


def test_a_mark_is_no_text_even_where_the_encoding_is_named(table):
    for encoding, name in (("utf-8-sig", "utf-8"), ("utf-16", "utf-16"), ("utf-16", "utf-16-le")):
        assert table("Nr;Name\n1;Müller\n".encode(encoding), encoding=name) == [("Nr", "Name"), ("1", "Müller")]


# --- what is not complete

HEADER = "Nr;Name;Ort\n"
OPEN = "the quote that opens a cell here is not closed where the cell ends"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", ": is empty"),
        (b"\xef\xbb\xbf", ": is empty"),
        ("\n\n \n;;\n", ": is empty"),
        (HEADER, ": has a header but no records"),
        (HEADER + ";;\n\n", ": has a header but no records"),
        (b"PK\x03\x04rest", ": is an Excel workbook or an archive, not text"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1rest", ": is an Excel workbook or an archive, not text"),
        (b"%PDF-1.7\nrest", ": is a PDF, not a table"),
        (b"\x1f\x8b\x08rest", ": is compressed"),
        ("\n <!DOCTYPE html><title>Anmelden</title>", ": is a web page or XML, not a table"),
        ("\ufeff<html><body>Login</body></html>", ": is a web page or XML, not a table"),
        (HEADER + "1;A\0;B\n", " line 2: has a NUL byte"),
        (HEADER + "1;A;B\n" + "x" * (2 << 20), " line 3: is longer than 1048576 characters"),
        ("Nr;Name;Nr\n1;A;2\n", " line 1: the columns 1 and 3 have the same name"),
        (HEADER + "1;A;B\n2;C;D;E\n", " line 3: the row has 4 cells, the header 3"),
        ("Nr;Name;Ort;\n1;A;B;\n2;C; D;E;\n", " line 3: the row has 5 cells, the header 3"),
        (HEADER + '1;A;B\n2;"C;D\n3;E;F\n', " line 3: the file ends within a cell whose quote opens here"),
        (HEADER + '1;"A\nA";"B\n2;C;D\n', " line 3: the file ends within a cell whose quote opens here"),
        (HEADER + '1;"', " line 2: the file ends within a cell whose quote opens here"),
        (HEADER + '1;"A"x;B\n', f" line 2: {OPEN}"),
        (HEADER + '1;A;B\n2;"C;D\n3;"E";F\n', f" line 3: {OPEN}"),
        (HEADER + '1;A;B\n2;"C;D\n' + "3;E;F\n" * 300_000, f" line 3: {OPEN}"),
    ],
)  # fmt: skip
def test_what_is_doubtful_is_no_complete_read(doubt, content, message):
    assert doubt(content) == f"members.csv{message}"


SHORT = "cells: cut short, or split by a line break without quotes"


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ("1;A;B\n2;C\n3;D;E\n", f"line 3: the row has 2 of 3 {SHORT}"),
        ("1;A;B\n2;C;D\n3;E", f"line 4: the row has 2 of 3 {SHORT}"),
        ("1;A;B\n2\n3;D;E\n", f"line 3: the row has 1 of 3 {SHORT}"),
        ("1;A;B\n2", f"line 3: the row has 1 of 3 {SHORT}"),
        ("1;first\nsecond;B\n", f"line 2: the row has 2 of 3 {SHORT}"),
    ],
)
def test_a_short_row_is_not_filled_up_for_empty_cells_clear_fields(doubt, rows, message):
    assert doubt(HEADER + rows) == f"members.csv {message}"


def numbered(count, first, *cells):
    return [";".join([str(number), *cells]) for number in range(first, first + count)]


def test_whole_blocks_of_rows_may_lack_empty_cells_at_the_end_as_excel_writes_them(table):
    rows = [*numbered(15, 1, "A", "B"), *numbered(16, 16, "A"), *numbered(16, 32, "A", ""), *numbered(3, 48, "A")]
    read_back = table(HEADER + "".join(f"{row}\r\n" for row in rows))
    assert [row[2] for row in read_back[1:]] == ["B"] * 15 + [""] * 35


@pytest.mark.parametrize(
    ("rows", "line"),
    [
        ([*numbered(16, 1, "A", "B"), *numbered(16, 17, "A")], 18),
        ([*numbered(15, 1, "A", "B"), *numbered(15, 16, "A"), *numbered(5, 31, "A", "B")], 31),
        ([*numbered(15, 1, "A", "B"), *numbered(8, 16, "A"), "x", *numbered(7, 25, "A")], 25),
    ],
)
def test_short_rows_that_make_no_block_are_not_filled_up(doubt, rows, line):
    assert doubt(HEADER + "\n".join(rows) + "\n").startswith(f"members.csv line {line}: the row has ")


def test_a_short_row_without_a_line_end_is_cut_short_even_where_a_block_begins(doubt):
    rows = [*numbered(15, 1, "A", "B"), "16;A"]
    assert doubt(HEADER + "\n".join(rows)) == f"members.csv line 17: the row has 2 of 3 {SHORT}"


def test_no_message_quotes_a_cell(doubt):
    for broken in (
        '1;"Quandt',
        '1;"Quandt"x;B\n',
        "1;Quandt\n",
        "1;A;B;Quandt\n",
        b"1;Quandt;\x81\n",
        "1;Quandt\0;A\n",
    ):
        assert "Quandt" not in doubt(HEADER.encode() + (broken if isinstance(broken, bytes) else broken.encode()))


# --- which file


def test_the_newest_of_several_files_is_read(tmp_path):
    (tmp_path / "export").mkdir()
    (tmp_path / "export" / "members-folder.csv").mkdir()
    for day, name in ((2, "b"), (9, "a"), (1, "c")):
        write(
            tmp_path / "export" / f"members-{name}.csv", f"Nr;N\n{name};x\n", modified=LONG_AGO + timedelta(minutes=day)
        )
    with source(tmp_path, "export/members-*.csv").open() as reading:
        assert reading.description.startswith("members-a.csv ")


def test_of_files_of_the_same_age_the_last_by_name_is_read(tmp_path):
    for name in ("2026-10", "2026-11", "2026-09"):
        write(tmp_path / f"{name}.csv", f"Nr;N\n{name};x\n")
    assert read(source(tmp_path, "*.csv"))[0].position.source == "2026-11.csv"


def test_brackets_in_a_name_are_no_pattern_where_such_a_file_is_there(tmp_path):
    write(tmp_path / "Export [neu].csv", "Nr;N\n1;x\n")
    assert len(read(source(tmp_path, "Export [neu].csv"))) == 1


def test_an_absolute_path_and_a_link_lead_to_the_file(tmp_path):
    write(tmp_path / "real.csv", "Nr;N\n1;x\n")
    (tmp_path / "link.csv").symlink_to("real.csv")
    assert len(read(source(Path("/"), tmp_path / "link.csv"))) == 1


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("none.csv", "there is no such file"),
        ("none-*.csv", "no file matches"),
        ("folder", "is a folder"),
        ("pipe", "is not a regular file"),
        ("broken.csv", "there is no such file"),
        ("loop.csv", "can't be read (Too many levels of symbolic links)"),
    ],
)
def test_what_is_no_file_is_no_complete_read(tmp_path, path, message):
    (tmp_path / "folder").mkdir()
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "broken.csv").symlink_to("nowhere.csv")
    (tmp_path / "loop.csv").symlink_to("loop.csv")
    with pytest.raises(IncompleteRead) as error:
        read(source(tmp_path, path))
    assert error.value.message == f"{tmp_path / path}: {message}"
    assert error.value.remedy


def test_a_file_that_may_not_be_read_is_no_complete_read(tmp_path):
    write(tmp_path / "members.csv", "Nr;N\n1;x\n").chmod(0)
    if ROOT:
        tmp_path.chmod(0o755)
        os.seteuid(65534)
    try:
        with pytest.raises(IncompleteRead, match="syncd may not read it"):
            read(source(tmp_path))
    finally:
        if ROOT:
            os.seteuid(0)


# --- while it is written


class World:
    """A clock that moves only while somebody sleeps, and a file that something is done to then."""

    def __init__(self, path, *, age=timedelta(), act=lambda: None):
        self.now = NOW
        self.naps = []
        self.path, self.act = path, act
        write(path, "Nr;N\n1;x\n", modified=NOW - age)

    def sleep(self, seconds):
        self.naps.append(seconds)
        self.now += timedelta(seconds=seconds)
        self.act()

    def grow(self):
        content = self.path.read_bytes() + b"1;x\n"
        write(self.path, content, modified=self.now)

    def read(self, settled="5s"):
        options = CsvOptions(path=self.path.name, settled=settled)
        return read(CsvSource(options, base=self.path.parent, sleep=self.sleep, clock=lambda: self.now))


@pytest.fixture
def file(tmp_path):
    return tmp_path / "members.csv"


def test_a_young_file_is_waited_for(file):
    world = World(file, age=timedelta(seconds=2))
    assert len(world.read()) == 1
    assert world.naps == [3]


def test_an_old_file_is_read_at_once(file):
    world = World(file, age=timedelta(seconds=5))
    assert len(world.read()) == 1
    assert world.naps == []


def test_a_file_that_grows_is_waited_for_until_it_rests(file):
    world = World(file)
    world.act = lambda: len(world.naps) < 4 and world.grow()
    assert len(world.read()) == 4
    assert world.naps == [5, 5, 5, 5]


def test_a_file_that_never_rests_is_given_up_after_some_minutes(file):
    world = World(file)
    world.act = world.grow
    with pytest.raises(IncompleteRead, match=r"members.csv: is still being written to"):
        world.read()
    assert timedelta(minutes=10) < timedelta(seconds=sum(world.naps)) < timedelta(minutes=11)


def test_a_file_from_the_future_is_waited_for_only_once(file):
    world = World(file, age=timedelta(days=-365))
    assert len(world.read()) == 1
    assert world.naps == [5]


def test_a_long_rest_may_be_longer_than_our_patience_with_a_growing_file(file):
    world = World(file)
    assert len(world.read(settled="1h")) == 1
    assert world.naps == [3600]


def test_a_wait_that_is_cut_short_is_no_proof_of_rest(file):
    world = World(file)
    world.sleep = interrupted
    with pytest.raises(Stopped):
        world.read()


def test_a_newer_file_that_comes_meanwhile_is_read_instead(tmp_path):
    world = World(tmp_path / "a.csv", age=timedelta(seconds=1))
    world.act = lambda: write(tmp_path / "b.csv", "Nr;N\n2;x\n", modified=NOW + timedelta(seconds=1))
    options = CsvOptions(path="*.csv")
    records = read(CsvSource(options, base=tmp_path, sleep=world.sleep, clock=lambda: world.now))
    assert [record.values["Nr"] for record in records] == ["2"]


@pytest.mark.parametrize("how", ["written to", "touched", "replaced", "deleted", "cut"])
def test_a_file_that_changes_while_it_is_read_is_no_complete_read(file, how):
    write(file, "Nr;N\n" + "1;x\n" * 10)
    with source(file.parent).open() as reading:
        records = iter(reading)
        next(records)
        if how == "written to":
            write(file, file.read_bytes() + b"2;y\n")
        elif how == "touched":
            os.utime(file, (NOW.timestamp(), NOW.timestamp()))
        elif how == "replaced":
            write(file.with_suffix(".new"), file.read_bytes()).replace(file)
        elif how == "deleted":
            file.unlink()
        else:
            write(file, "Nr;N\n")
        with pytest.raises(IncompleteRead, match="there is no such file" if how == "deleted" else "was changed"):
            list(records)


# --- options


@pytest.mark.parametrize(
    "wrong",
    [
        {"path": ""},
        {"encoding": "klingon"},
        {"encoding": "hex"},
        {"delimiter": "x"},
        {"delimiter": ""},
        {"settled": "5"},
        {"colour": "red"},
        {"type": "excel"},
    ],
)
def test_wrong_options_are_refused(wrong):
    with pytest.raises(ValidationError):
        CsvOptions.model_validate({"path": "members.csv", **wrong})


def test_options_left_out_are_those_of_the_contract():
    options = CsvOptions(path="members.csv")
    assert (options.encoding, options.delimiter, options.settled) == ("auto", "auto", timedelta(seconds=5))


def test_memory_does_not_grow_with_the_file(tmp_path):
    import tracemalloc

    write(tmp_path / "members.csv", b"Nr;Name;Ort\n" + b"1;" + b"M\xfcller;K\xf6ln\n1;" * 100_000 + b"x;y\n")
    tracemalloc.start()
    try:
        with source(tmp_path).open() as reading:
            assert sum(1 for _ in reading) == 100_001
        assert tracemalloc.get_traced_memory()[1] < 8 << 20
    finally:
        tracemalloc.stop()
