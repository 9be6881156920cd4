"""From a real export to a right first sync: `init`, at most five lines by hand, `check`, and a run.

What is right stands beside the exports, and was written without a look at what `init` makes of them.
"""

import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest
from office import Office, open_office
from office_lists import Fields, OfficeList, donors, jverein, linear, members, schools

from syncd.sandbox.reference import COUNTRIES, SALUTATIONS, TITLES

MOST_BY_HAND = 5
WORDS: Mapping[str, Mapping[int, str]] = {
    "customer_salutation_id": {number: names["de"] for number, names in SALUTATIONS.items()},
    "customer_title_id": {number: names["de"] for number, names in TITLES.items()},
    "addr_country_id": {number: code for number, (code, _) in COUNTRIES.items()},
}


@dataclass(frozen=True)
class Start:
    """What a person does: the options of `init`, and what is written in the place of what in the draft, a line each."""

    one: OfficeList
    options: tuple[str, ...] = ()
    by_hand: tuple[tuple[str, str], ...] = ()


STARTS = {
    "members of Excel": Start(
        members(),
        by_hand=(('"DE" }, lookup = "country" }', '"DE" }, lookup = "country", default = "DE" }'),),
    ),
    "a workbook of schools": Start(schools(), options=("--sheet", "Schulen")),
    "donors": Start(donors(), by_hand=(('is_not = ["verstorben"]', 'is_not = ["verstorben", "gesperrt"]'),)),
    "JVerein": Start(
        jverein(),
        by_hand=(('"mitglied_staat", lookup = "country"', '"mitglied_staat", lookup = "country", default = "DE"'),),
    ),
    "Linear Vereinsverwaltung": Start(
        linear(),
        by_hand=(
            (
                '#   { from = "Kennung 1", is_not = ["verstorben"] },',
                '  { from = "Kennung 1", is_not = ["verstorben"] },',
            ),
            ("# date_of_birth = ", "date_of_birth = "),
        ),
    ),
}


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    with open_office(tmp_path) as office:
        (tmp_path / "config.toml").unlink()
        yield office


def customers(office: Office) -> dict[str, Fields]:
    """By the list's own id, with words for numbers, and without what is empty."""
    (sync,) = tomllib.loads((office.folder / "config.toml").read_text(encoding="utf-8"))["sync"].values()
    return {
        str(customer.foreign_id).removeprefix(sync["foreign_id"]["prefix"]): {
            name: WORDS[name][value] if name in WORDS else value
            for name, value in customer.fields.items()
            if value and name != "foreign_id"
        }
        for customer in office.sandbox.customers
    }


@pytest.mark.parametrize("start", STARTS.values(), ids=STARTS)
def test_the_first_sync_of_a_real_export_is_right(office: Office, start: Start) -> None:
    (office.folder / start.one.file).write_bytes(start.one.content)
    office.age(start.one.file)
    begun = office.syncd("init", start.one.file, *start.options, "--url", office.url, "--yes")
    assert (begun.code, begun.err) == (0, "")
    office.reconfigure("requests_per_second = 10\n", "")  # a test does not wait
    for line, written in start.by_hand:
        office.reconfigure(line, written)
    assert office.syncd("check").code == 0
    assert office.syncd("--once").code == 0
    assert customers(office) == start.one.expected
    second = office.syncd("--once")
    assert (second.code, second.named("record.outcome")) == (0, [])


def test_no_start_takes_more_lines_by_hand_than_it_may() -> None:
    assert max(len(start.by_hand) for start in STARTS.values()) <= MOST_BY_HAND
    assert not any("\n" in text for start in STARTS.values() for pair in start.by_hand for text in pair)


def test_what_is_by_hand_stands_in_the_draft_with_a_remark(office: Office) -> None:
    for start in STARTS.values():
        (office.folder / start.one.file).write_bytes(start.one.content)
        assert office.syncd("init", start.one.file, *start.options, "--url", office.url).code == 0
        lines = (office.folder / "config.toml").read_text(encoding="utf-8").splitlines()
        for line, _ in start.by_hand:
            (place,) = [number for number, text in enumerate(lines) if line in text]
            assert lines[place - 1].lstrip().startswith("# ")
        (office.folder / "config.toml").unlink()
