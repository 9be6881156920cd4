"""A last row that sums up is no record; any other is one."""

import pytest

from syncd.config.drafting import Totals

RECORD = {"Schule": "Goethe-Schule", "Nr": "7", "Ort": "Bonn", "Schüler": "120"}


def read(last: dict[str, str]) -> tuple[int, dict[str, str] | None]:
    totals = Totals(list(RECORD))
    return len(list(totals.without([RECORD, last]))), totals.complete


@pytest.mark.parametrize(
    ("cell", "word"),
    [("Summe", "Summe"), ("Gesamt: 64", "Gesamt"), ("Gesamtsumme", "Gesamtsumme"), ("Anzahl der Schulen", "Anzahl")],
)
def test_a_row_of_totals_is_the_trailer(cell: str, word: str) -> None:
    assert read({"Schule": cell, "Schüler": "7600"}) == (1, {"trailer": word})


@pytest.mark.parametrize(
    "last",
    [
        RECORD,
        {**RECORD, "Schule": "Gesamtschule Bonn"},
        {**RECORD, "Schule": "Total Dance e. V."},
        {"Schule": "", "Schüler": "7600"},
        {"Schule": "Gesamtschule"},
    ],
)
def test_what_may_be_a_record_stays_one(last: dict[str, str]) -> None:
    assert read(last) == (2, None)


def test_a_list_of_nothing_has_no_totals() -> None:
    assert list(Totals(list(RECORD)).without([])) == []
