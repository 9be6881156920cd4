"""The example export is what its script writes, and as a German association's Excel would write it."""

import csv
import io
import re

from syncd.example.make import COLUMNS, FILE, example

FREE_FOR_FILMS = re.compile(
    r"(30)?23125\d{3}|6990009\d{3}|4066969\d{3}|2214710\d{3}|8999998\d{3}|17139200?\d{2}|176040690\d{2}"
)


def rows():
    text = FILE.read_bytes().decode("windows-1252")
    return list(csv.DictReader(io.StringIO(text, newline=""), delimiter=";"))


def test_is_what_the_script_writes():
    assert FILE.read_bytes() == example()


def test_is_windows_1252_with_crlf_and_line_feeds_in_cells_only():
    raw = FILE.read_bytes()
    assert not raw.isascii()
    assert raw.count(b"\r\n") == 501
    assert all(b'"' in line for line in raw.split(b"\r\n") if b"\n" in line)


def test_has_500_rows_with_every_member_number_and_its_leading_zeros():
    assert tuple(rows()[0]) == COLUMNS
    assert [row["Mitgliedsnummer"] for row in rows() if not re.fullmatch(r"0\d{5}", row["Mitgliedsnummer"])] == []
    assert len(rows()) == 500


def test_repeats_one_row_and_gives_one_number_twice():
    by_number = {}
    for row in rows():
        by_number.setdefault(row["Mitgliedsnummer"], []).append(row)
    repeated = [found for found in by_number.values() if len(found) > 1]
    assert sorted(one == other for one, other in repeated) == [False, True]


def test_reaches_nobody():
    digits = [re.sub(r"\D", "", row[column]) for row in rows() for column in ("Telefon", "Mobil")]
    national = [re.sub(r"^(0049|49|0)0?", "", number) for number in digits if len(number) > 7]
    assert [number for number in national if not FREE_FOR_FILMS.fullmatch(number)] == []
    hosts = {host for row in rows() for host in re.findall(r"@([\w.-]+)", row["E-Mail"])}
    assert hosts == {"example.org", "example.com", "example.net"}
