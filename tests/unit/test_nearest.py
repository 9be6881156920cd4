"""What may have been meant by a name that nobody knows."""

import pytest

from syncd.domain.nearest import find_nearest, suggest


@pytest.mark.parametrize(
    ("name", "nearest"),
    [
        ("EMail", "E-Mail"),
        ("e_mail", "E-Mail"),
        ("Vornam", "Vorname"),
        ("Nachname", "Nachname"),
        ("Kundennummer", None),
    ],
)
def test_the_nearest_name_is_found_whatever_its_case_and_punctuation(name: str, nearest: str | None) -> None:
    assert find_nearest(name, ["E-Mail", "Vorname", "Nachname"]) == nearest


def test_a_suggestion_is_the_end_of_a_message_or_nothing() -> None:
    assert suggest("csw", {"csv": 1, "rest": 2}) == "; did you mean 'csv'?"
    assert suggest("planet", ["csv", "rest"]) == ""
