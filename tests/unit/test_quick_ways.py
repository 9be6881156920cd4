"""What is read without a library is read as the library would read it: telephone numbers, days, addresses."""

from collections.abc import Callable
from datetime import datetime

import phonenumbers
import pytest
from email_validator import EmailNotValidError, validate_email
from hypothesis import example, given
from hypothesis import strategies as st

from syncd.gomus.fields import FIELDS
from syncd.mapping.checks import CHECKS, ValueProblem
from syncd.mapping.telephones import phone
from syncd.mapping.transforms import date

REGIONS = sorted(phonenumbers.SUPPORTED_REGIONS)


def or_problem(read: Callable[[], object]) -> object:
    try:
        return read()
    except (ValueProblem, ValueError, EmailNotValidError, phonenumbers.NumberParseException):
        return "a problem"


# --- telephone numbers ---


def as_the_library_reads(text: str, region: str) -> str:
    number = phonenumbers.parse(text, region)
    if not phonenumbers.is_possible_number(number) or number.extension:
        raise ValueProblem("not possible")
    return str(phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164))


@st.composite
def numbers(draw: st.DrawFn) -> tuple[str, str]:
    """As people of a region may write them, with signs between the digits."""
    region = draw(st.sampled_from(["DE", "AT", "CH", *REGIONS]))
    country = str(phonenumbers.country_code_for_region(region))
    before = ("", "0", "00", f"+{country}", f"00{country}", f"+{country}0", f"+{country}(0)", country, "+49", "(0)")
    digits = draw(st.text("0123456789", min_size=1, max_size=16))
    parts = draw(st.lists(st.sampled_from(["", "", "", " ", "/", "-", ".", "(", ")", " / ", "  "]), max_size=24))
    text = draw(st.sampled_from(before)) + digits
    return "".join(sign + (parts[at] if at < len(parts) else "") for at, sign in enumerate(text)), region


@given(numbers())
@example(("0351/2054-0", "DE"))
@example(("+49 (0)30 23125123", "DE"))
@example(("004930 23125123", "DE"))
@example(("06 698 1234567", "IT"))
@example(("8 (495) 123-45-67", "RU"))
def test_a_telephone_number_is_read_as_the_library_reads_it(written: tuple[str, str]) -> None:
    text, region = written
    assert or_problem(lambda: phone(region)(text)) == or_problem(lambda: as_the_library_reads(text, region))


def test_plain_numbers_need_no_library(monkeypatch: pytest.MonkeyPatch) -> None:
    read = phone("DE")
    monkeypatch.setattr(phonenumbers, "parse", None)
    assert [read(one) for one in ("030 23125-123", "+49 (0)171/3920012", "0049 89 99998123")] == [
        "+493023125123",
        "+491713920012",
        "+498999998123",
    ]


# --- days ---

FORMS = ("%d.%m.%Y", "%Y-%m-%d", "%m/%d/%Y", "%d%m%Y", "%Y%m%d", "%d-%m.%Y")


def as_strptime_reads(text: str, form: str) -> str:
    return datetime.strptime(text.strip(), form).date().isoformat()  # noqa: DTZ007 - a day has no zone


@given(
    st.sampled_from(FORMS),
    st.integers(0, 40),
    st.integers(0, 14),
    st.integers(0, 10_000),
    st.text("0123456789 ٣", max_size=2),
)
def test_a_day_is_read_as_strptime_reads_it(form: str, day: int, month: int, year: int, odd: str) -> None:
    for d, m, y in ((f"{day:02}", f"{month:02}", f"{year:04}"), (str(day), str(month), str(year)), (odd, "12", "1980")):
        text = form.replace("%d", d).replace("%m", m).replace("%Y", y)
        assert or_problem(lambda: date(form)(text)) == or_problem(lambda: as_strptime_reads(text, form))  # noqa: B023 - called at once


# --- addresses ---

labels = st.text("ab1-", min_size=1, max_size=8)
ends = st.sampled_from(["de", "com", "museum", "test", "example", "invalid", "a1", "x-y"])


def as_email_validator_reads(text: str) -> str:
    validate_email(text, check_deliverability=False, test_environment=True)
    return text


@given(st.text("ab.+_-'", min_size=1, max_size=8), st.lists(labels, min_size=1, max_size=4), ends)
@example("anna", ["stadt-museum"], "de")
@example("anna", ["stadt-museum"], "local")
@example("anna", ["stadt-museum"], "LOCAL")
@example("anna", ["a--b"], "de")
def test_an_address_is_judged_as_the_library_judges_it(who: str, domain: list[str], end: str) -> None:
    text = f"{who}@{'.'.join([*domain, end])}"
    field = FIELDS["email"]
    assert or_problem(lambda: CHECKS[field.kind](text, field)) == or_problem(lambda: as_email_validator_reads(text))


def test_an_address_with_a_hyphen_needs_no_library(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("email_validator.validate_email", None)
    field = FIELDS["email"]
    assert CHECKS[field.kind]("anna@stadt-museum.example.org", field) == "anna@stadt-museum.example.org"
