"""Which ids may be one."""

from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from syncd.domain.spelling import check_of, spellings_of

ONE = [
    [
        "47",
        "047",
        "000047",
        "47.0",
        "47,00",
        "4.7E+01",
        "\u200e47",
        "4\u00ad7",
        "47\ufeff",
        " 47 ",
        "４７",
        "+47",
        "47.",
        "٤٧",
    ],
    ["100000", "1E+05", "1,0E+05", "100000.0", "100.000", "100,000", "100.000,00"],
    ["1234567", "1.234.567", "1,234,567.00", "1234567,0"],
    ["2019.10", "2019.1", "2019,1"],
    ["A-12", "a-12", "A-0012", "A -12", "A-12\u00a0", "A\u201112", "A\u201312"],
    ["003xx000004TmiQ", "003xx000004TmiQAAS"],
    ["Straße", "STRASSE"],
]


@pytest.mark.parametrize(("one", "other"), [pair for ids in ONE for pair in combinations(ids, 2)])
def test_these_may_be_one(one: str, other: str) -> None:
    assert spellings_of(one) & spellings_of(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("47", "470"),
        ("47", "4.7"),
        ("47.5", "475"),
        ("1,5E+00", "15"),
        ("A-1", "A1"),
        ("10-20", "1-2"),
        ("1.000", "1.001"),
        ("12.34", "1234"),
        ("003xx000004TmiQ", "003xx000004TmiQAAB"),
        ("0", "00A"),
    ],
)
def test_these_are_two(one: str, other: str) -> None:
    assert not spellings_of(one) & spellings_of(other)


def test_the_check_of_an_id_of_salesforce_is_theirs() -> None:
    assert check_of("a0D300000008Vqu") == "EAE"


@given(st.text())
def test_no_text_makes_it_fail(text: str) -> None:
    assert spellings_of(text)
