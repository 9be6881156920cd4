"""Which ids may be one."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from syncd.domain.spelling import check_of, spelling_of

ONE = [
    ["47", "047", "000047", "47.0", "47,00", "4.7E+01", "4,7e1", "\u200e47", "4\u00ad7", "47\ufeff", " 47 ", "４７"],
    ["100000", "1E+05", "1,0E+05", "100000.0"],
    ["A-12", "a-12", "A-0012", "A -12", "A-12\u00a0"],
    ["003xx000004TmiQ", "003xx000004TmiQAAS"],
    ["Straße", "STRASSE"],
]


@pytest.mark.parametrize("ids", ONE)
def test_these_are_one(ids: list[str]) -> None:
    assert len({spelling_of(one) for one in ids}) == 1


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("47", "470"),
        ("47", "4.7"),
        ("47.5", "475"),
        ("1,5E+00", "15"),
        ("A-1", "A1"),
        ("10-20", "1-2"),
        ("003xx000004TmiQ", "003xx000004TmiQAAB"),
        ("0", "00A"),
    ],
)
def test_these_are_two(one: str, other: str) -> None:
    assert spelling_of(one) != spelling_of(other)


def test_the_check_of_an_id_of_salesforce_is_theirs() -> None:
    assert check_of("a0D300000008Vqu") == "EAE"


@given(st.text(st.characters(max_codepoint=0x17F), max_size=20))
def test_no_text_makes_it_fail(text: str) -> None:
    assert isinstance(spelling_of(text), str)
