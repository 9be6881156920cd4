"""Whether a record and a customer of go~mus may be one person."""

from collections.abc import Mapping

import pytest

from syncd.domain.person import find_differences
from syncd.domain.records import Value

ADA = {"name": "Ada", "surname": "Müller", "email": "ada@example.org", "date_of_birth": "1980-02-02"}
FIRM = {"name": None, "surname": None, "institution": "Müller GmbH"}


@pytest.mark.parametrize(
    "shown",
    [
        {},
        {"name": "Müller", "surname": "Ada"},
        {"name": "ADA", "surname": " mueller "},
        {"surname": "Mu\u0308ller"},
        {"email": None},
        {"email": "Ada@Example.org"},
        {"institution": "Museum"},
        {"date_of_birth": None},
    ],
)
def test_names_in_either_order_however_written_are_one_person(shown: Mapping[str, Value]) -> None:
    assert find_differences(ADA, {**ADA, **shown}) == ()


@pytest.mark.parametrize(
    ("shown", "differing"),
    [
        ({"surname": "Muller"}, ("name", "surname")),
        ({"name": None}, ("name", "surname")),
        ({"email": "b@example.org"}, ("email",)),
        ({"date_of_birth": "1950-01-01"}, ("date_of_birth",)),
        ({"email": "mueller@example.org"}, ("email",)),
        ({"name": "Ida", "email": "b@example.org"}, ("name", "surname", "email")),
    ],
)
def test_another_name_or_address_is_somebody_else(shown: Mapping[str, Value], differing: tuple[str, ...]) -> None:
    assert find_differences(ADA, {**ADA, **shown}) == differing


@pytest.mark.parametrize(
    ("wanted", "shown", "differing"),
    [
        ({"surname": "Müller"}, ADA, ()),
        ({"surname": "Meier"}, ADA, ("surname",)),
        ({**ADA, "name": None}, ADA, ("name", "surname")),
        ({"name": None, "surname": None}, {}, ("name", "surname")),
        ({"email": "ada@example.org"}, ADA, ("institution",)),
        (FIRM, FIRM, ()),
        (FIRM, {**FIRM, "institution": "Meier KG"}, ("institution",)),
        (FIRM, ADA, ("name", "surname", "institution")),
        ({**ADA, "institution": "Müller GmbH"}, ADA, ()),
        ({**ADA, "institution": "Müller GmbH"}, {**ADA, "institution": "Meier KG"}, ("institution",)),
    ],
)
def test_what_the_record_does_not_name_says_nothing_and_one_without_a_name_is_nobody(
    wanted: Mapping[str, Value], shown: Mapping[str, Value], differing: tuple[str, ...]
) -> None:
    assert find_differences(wanted, shown) == differing
