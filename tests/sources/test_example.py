"""The example export is what its script writes, and as a German association's Excel would write it."""

import csv
import io
import re
from collections import Counter
from datetime import UTC, datetime

from syncd.config import load
from syncd.domain.records import Customer, InvalidRecord, LookupEntry
from syncd.example.make import COLUMNS, FILE, example
from syncd.gomus.fields import FIELDS
from syncd.mapping.columns import find_missing
from syncd.mapping.lookups import Lookup
from syncd.mapping.mapper import Mapper
from syncd.sandbox.reference import COUNTRIES, SALUTATIONS, TITLES
from syncd.sources.files.csv import CsvSource

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
    cells = [number for row in rows() for number in (row["Telefon"], *row["Mobil"].split("oder"))]
    digits = [re.sub(r"\D", "", cell) for cell in cells]
    national = [re.sub(r"^(0049|49|0)0?", "", number) for number in digits if number]
    assert [number for number in national if not FREE_FOR_FILMS.fullmatch(number)] == []
    hosts = {host for row in rows() for host in re.findall(r"@([\w.-]+)", row["E-Mail"])}
    assert hosts == {"example.org", "example.com", "example.net"}


def lookups():
    lists = {
        "salutation": {number: tuple(names.values()) for number, names in SALUTATIONS.items()},
        "title": {number: tuple(names.values()) for number, names in TITLES.items()},
        "country": COUNTRIES,
    }
    return {
        kind: Lookup(kind, [LookupEntry(id=number, names=names) for number, names in entries.items()])
        for kind, entries in lists.items()
    }


def test_maps_but_for_nine_rows_spoilt_in_nine_ways():
    config = load(FILE.with_name("config.toml"), {"GOMUS_URL": "http://127.0.0.1:1", "GOMUS_TOKEN": "of nobody"})
    sync = config.syncs["members"]
    mapper = Mapper(foreign_id=sync.foreign_id, fields=sync.fields, catalogue=FIELDS)
    source = CsvSource(sync.source, base=config.base, sleep=lambda _: None, clock=lambda: datetime.now(UTC))
    with source.open() as reading:
        assert find_missing(mapper.columns, reading.columns) == {}
        mapped = [mapper.customer(record, lookups()) for record in reading]
    assert sum(isinstance(one, Customer) for one in mapped) == 491
    problems = [problem for one in mapped if isinstance(one, InvalidRecord) for problem in one.problems]
    assert Counter(problem.field for problem in problems) == {
        "email": 3,
        "date_of_birth": 2,
        "tel": 1,
        "mobile": 1,
        "customer_salutation_id": 1,
        "customer_title_id": 1,
    }
