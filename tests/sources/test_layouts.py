"""How the cells of a CSV file stand beside each other: quotes of all kinds, delimiters, and what is no CSV at all."""

import pytest
from source_contract import read
from test_csv_source import source, write

from syncd.errors import IncompleteRead

ROWS = [("0001", "Anna", "01067"), ("0002", "Quandt, Bea; Dr.", "1067")]


@pytest.fixture
def rows(tmp_path):
    def rows(text, **options):
        write(tmp_path / "members.csv", text)
        return [tuple(record.values.values()) for record in read(source(tmp_path, **options))]

    return rows


@pytest.fixture
def refusal(tmp_path):
    def refusal(text, **options):
        write(tmp_path / "members.csv", text)
        with pytest.raises(IncompleteRead) as error:
            read(source(tmp_path, **options))
        return error.value

    return refusal


def quoted(opening, closing, between):
    lines = [("Nr", "Name", "PLZ"), *ROWS]
    return "".join(between.join(f"{opening}{cell}{closing}" for cell in line) + "\r\n" for line in lines)


@pytest.mark.parametrize("quote", ['"', "'"])
@pytest.mark.parametrize("between", [",", ", ", ";", ";  ", "\t", "| "])
def test_a_blank_before_a_quote_and_single_quotes_are_no_part_of_a_cell(rows, quote, between):
    assert rows(quoted(quote, quote, between)) == ROWS


def test_quotes_around_some_cells_only_are_no_part_of_them(rows):
    assert rows('Nr, Name, PLZ\n1, "Anna, B.", 01067\n2, Bea, 1\n') == [("1", "Anna, B.", "01067"), ("2", "Bea", "1")]
    assert rows("Nr,Name,PLZ\n1,'Anna, B.',01067\n2,'Bea',1\n") == [("1", "Anna, B.", "01067"), ("2", "Bea", "1")]


def test_an_apostrophe_in_a_name_is_no_quote(rows):
    assert rows("Nr;Name\n1;'t Hart\n2;O'Brien\n3;'s-Gravesande\n") == [
        ("1", "'t Hart"), ("2", "O'Brien"), ("3", "'s-Gravesande"),
    ]  # fmt: skip
    assert rows("'Nr';'Name'\n'1';'O''Brien'\n") == [("1", "O'Brien")]


@pytest.mark.parametrize("pair", ["„“", "„”", "“”", "«»", "»«", "‚‘", "‘’", "``", "´´"])
def test_quotes_of_a_text_around_the_cells_are_refused(refusal, pair):
    assert f"has its cells in {pair[0]}…{pair[1]}" in refusal(quoted(*pair, ";")).message


def test_a_name_in_quotes_of_a_text_is_a_name(rows):
    assert rows("Nr;Name;PLZ\n1;„Löwe“;1\n2;Anna;2\n3;Bea;3\n")[0] == ("1", "„Löwe“", "1")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (quoted('"', '"', ";\xa0"), "a tab or another blank between ';' and the quote"),
        (quoted('"', '"', ",\t"), "a tab or another blank between ',' and the quote"),
        (quoted('"', '"', " ;"), "line 1: a blank stands behind the quote that closes a cell"),
        ('Nr;Name;PLZ\n"1";"Zum \\"Löwen\\"";"2"\n', "line 2: a backslash stands before a quote"),
        ('"Nr;Name;PLZ"\n"1;Anna;2"\n"2;Bea;3"\n', "has whole lines in quotes, and so 1 column: ';'"),
        ('Nr,Name,PLZ\n"1,""Anna"",2"\n"2,""Bea"",3"\n', "has whole lines in quotes, and so 1 column: ','"),
        ("Nr    Name    PLZ\n1     Anna    2\n2     Bea     3\n", "columns of fixed width"),
        ("Nr^Name^PLZ\n1^Anna^2\n", "has 1 column: is the delimiter '^'?"),
        ("Nr~Name~PLZ\n1~Anna~2\n", "has 1 column: is the delimiter '~'?"),
        ("Nr\x1fName\x1fPLZ\n1\x1fAnna\x1f2\n", "has 1 column: is the delimiter '\\x1f'?"),
    ],
)
def test_what_can_not_be_split_for_certain_says_what_was_seen(refusal, text, message):
    assert message in refusal(text).message


@pytest.mark.parametrize(
    ("sign", "named"), [("^", "^"), ("~", "~"), ("#", "#"), ("\x1f", "\\u001f"), ("\\", "\\u005c")]
)
def test_the_remedy_for_an_unusual_delimiter_reads_the_file(rows, refusal, sign, named):
    text = f"Nr{sign}Name\n1{sign}Anna\n"
    assert f'delimiter = "{named}"' in refusal(text).remedy
    assert rows(text, delimiter=sign) == [("1", "Anna")]


def test_a_list_of_one_column_is_still_a_list(rows):
    assert rows("Nr\n1\n2\n") == [("1",), ("2",)]


@pytest.mark.parametrize(
    ("content", "message", "remedy"),
    [
        (b"PK\x03\x04" + b"\0" * 26 + b"[Content_Types].xml", "is an Excel workbook or an archive", 'type = "excel"'),
        (b"PK\x03\x04" + b"\0" * 26 + b"members.csv", "is an Excel workbook or an archive", "unpack"),
        ("\ufeff<html><body>".encode("utf-16"), "is a web page", "login or error page"),
        (b'<div class="login">', "is a web page", "login or error page"),
        (b'[{"id": 1}]', "is JSON", 'type = "rest"'),
        (b'{"data": [', "is JSON", 'type = "rest"'),
        (b"BEGIN:VCARD\nVERSION:3.0\n", "electronic cards", "as CSV"),
        (b"Return-Path: <a@b.example>\nReceived: from c\n", "is an e-mail", "attached"),
        (b"INSERT INTO members VALUES (1);\n", "is a dump of a database", 'type = "sql"'),
        (b"SQLite format 3\0rest", "is a database", 'type = "sql"'),
        (b"{\\rtf1 Anna}", "word processor", "as CSV"),
        (b"\x89PNG\r\n", "is a picture", "as CSV"),
    ],
)
def test_what_is_no_csv_at_all_is_called_by_its_name(refusal, content, message, remedy):
    error = refusal(content)
    assert message in error.message
    assert remedy in error.remedy


@pytest.mark.parametrize("header", ["From;To", "Date;Nr", "[Nr];[Name]", "<Nr>;<Name>", "Subject: A;Nr"])
def test_names_of_columns_that_look_alike_are_names(rows, header):
    assert rows(f"{header}\n1;2\n") == [("1", "2")]
