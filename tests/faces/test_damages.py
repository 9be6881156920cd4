"""What a damaged export leads to: of some sixty damages, what was sent, how the command ended and what it said.

Each is met twice: before anybody is known, and when everybody is. After each the export is whole again. `damages.txt`
holds what came of it; with `SYNCD_TEST_WRITE_DAMAGES` in the environment it is written anew: read what has changed
before it is committed.
"""

import os
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

import pytest
from damages import COLUMNS, COUNT, DAMAGES, OTHERS, as_bytes, people, person
from office import Ended, Office, open_office

pytestmark = pytest.mark.long
OUTCOMES = Path(__file__).with_name("damages.txt")
CONFIG = """
[state]
url = "sqlite:///state/syncd.db"
[gomus.main]
url = "{url}"
token = {{ env = "GOMUS_TOKEN" }}
[sync.members]
[sync.members.source]
type = "csv"
path = "members.csv"
settled = "0s"
[sync.members.foreign_id]
from = "Mitgl.-Nr."
prefix = "M-"
[sync.members.fields]
customer_salutation_id = {{ from = "Anrede", lookup = "salutation" }}
name = "Vorname"
surname = "Nachname"
email = "E-Mail"
tel = {{ from = "Telefon privat", transform = [{{ phone = "DE" }}] }}
date_of_birth = {{ from = "Geburtsdatum", transform = [{{ date = "%d.%m.%Y" }}] }}
addr_street = "Strasse"
addr_zip = {{ from = "PLZ", transform = [{{ pad = 5 }}] }}
addr_city = "Ort"
addr_country_id = {{ from = "Land", lookup = "country", default = "DE" }}
notes = "Bemerkung"
[sync.members.delete]
grace = "0s"
"""
MAPPED = ("name", "surname", "email", "tel", "date_of_birth", "addr_street", "addr_zip", "addr_city", "notes")
HELD = 4
LONGEST = 250  # letters of a message
# Nothing tells it while nobody is known: such a file could have been written so.
UNTOLD = {
    ("first", "two columns have exchanged their names"),
    ("first", "the surnames are sorted alone"),
    ("first", "ids without leading zeros"),
}


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    with open_office(tmp_path) as office:
        office.configure(CONFIG.format(url=office.url))
        yield office


def shown(office: Office) -> dict[str, tuple[Any, ...]]:
    return {str(one["foreign_id"]): tuple(one[name] for name in MAPPED) for one in office.sandbox.customers}


def meant() -> dict[str, tuple[Any, ...]]:
    """What go~mus should show, those of another list included; made without any of syncd."""
    found = {}
    for cells in (person(number) for number in [*range(1, COUNT + 1), *OTHERS]):
        of = dict(zip(COLUMNS, cells, strict=True))
        day, month, year = of["Geburtsdatum"].split(".")
        found[f"M-{of['Mitgl.-Nr.']}"] = (
            *(of["Vorname"], of["Nachname"], of["E-Mail"]),
            "+49" + of["Telefon privat"].replace(" ", "")[1:],
            f"{year}-{month}-{day}",
            *(of["Strasse"], of["PLZ"], of["Ort"], of["Bemerkung"] or None),
        )
    return found


def is_wrong(found: Sequence[object], right: Sequence[object] | None) -> bool:
    """Whether a value is there that is not this person's."""
    return right is None or any(value not in (None, meant) for value, meant in zip(found, right, strict=True))


def run(office: Office, export: bytes) -> tuple[Ended, str]:
    """One run of the export; how it ended, and what it did: `0 create 60`, `4 -`."""
    (office.folder / "members.csv").write_bytes(export)
    ended = office.syncd("--once")
    did = Counter(event["action"] for event in ended.named("record.outcome") if event["result"] == "ok")
    return ended, f"{ended.code} {', '.join(f'{action} {count}' for action, count in sorted(did.items())) or '-'}"


def words_of(ended: Ended) -> str:
    """What is said of the file, or of its first invalid record; numbers of runs and places left as they are."""
    for name in ("run.failed", "run.held", "source.invalid_record", "source.skipped_row"):
        for event in ended.named(name):
            parts = [event.get(key) for key in ("position", "error", "reason", "remedy")] + event.get("problems", [])
            if name == "run.held":
                parts = [f"{event.get('guard', '')} {event.get('reason', '')}"]
            return re.sub(r"\s+", " ", f"{name}: {'; '.join(map(str, filter(None, parts)))}")[:LONGEST]
    return "-"


def outcome_of(office: Office, name: str, when: str) -> Iterator[str]:
    whole, right = as_bytes(people()), meant()
    if when == "later":
        assert run(office, whole)[1] == f"0 create {COUNT}"
    before = shown(office)
    ended, did = run(office, DAMAGES[name](people()))
    after = shown(office)
    wrong = [one for one in after if after[one] != before.get(one) and is_wrong(after[one], right.get(one))]
    assert not wrong or (when, name) in UNTOLD, [after[one] for one in wrong[:3]]
    assert not set(before) - set(after), "somebody was deleted"
    assert not any(str(cell) in ended.out + ended.err for row in people()[1:3] for cell in row[2:6])
    yield f"{when}: {name}"
    yield f"  {did}{f', {len(wrong)} wrong' if wrong else ''} {words_of(ended)}"
    ended, did = run(office, whole)
    yield f"  whole again: {did}"
    assert ended.code == HELD or {one: shown(office)[one] for one in islice(right, COUNT)} == dict(
        islice(right.items(), COUNT)
    )


@pytest.mark.in_part(6)
@pytest.mark.parametrize("when", ["first", "later"])
@pytest.mark.parametrize("name", DAMAGES)
def test_a_damaged_export_sends_nothing_wrong_and_is_told(office, name, when):
    outcome = list(outcome_of(office, name, when))
    if os.environ.get("SYNCD_TEST_WRITE_DAMAGES"):
        with OUTCOMES.open("a", encoding="utf-8") as file:
            file.write("".join(line + "\n" for line in outcome))
    assert outcome == expected(outcome[0])


def expected(first: str) -> Sequence[str]:
    lines = OUTCOMES.read_text(encoding="utf-8").splitlines()
    start = lines.index(first)
    return lines[start : start + 3]
