"""Telephone numbers as go~mus has them, in the form E.164.

The library `phonenumbers` decides; plain numbers of a region that is dialled in a plain way are told without it, for it
takes its time. A test holds that it would say the same of them.
"""

import re
from collections.abc import Callable
from functools import cache
from typing import Any

from syncd import reasons
from syncd.mapping.checks import ValueProblem

_SPACING = str.maketrans("", "", " ()/.-")  # what stands between digits and means nothing
_LONGEST = 100  # characters; the library has a limit, too


def phone(region: str) -> Callable[[str], str]:
    """To E.164 (`+49301234567`); numbers without a country belong to `region`."""

    def to_e164(text: str) -> str:
        import phonenumbers  # by the first number, for a run may have none

        if plain := _plain_reader(region)(text):
            return plain
        if any(map(str.isalpha, text)):  # the library takes them for the keys of a telephone
            raise ValueProblem(reasons.PHONE_WITH_LETTERS.tell())
        try:
            number = phonenumbers.parse(text, region)
        except phonenumbers.NumberParseException:
            raise ValueProblem(reasons.NO_PHONE.tell()) from None
        if not phonenumbers.is_possible_number(number) or number.extension:
            raise ValueProblem(reasons.NO_PHONE.tell())
        return str(phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164))

    return to_e164


@cache
def _plain_reader(region: str) -> Callable[[str], str | None]:
    """Reads numbers of the region as they are dialled there, with 0 before them, or with its country before them.

    None for all others: there the library is to be asked.
    """
    import phonenumbers

    form: Any = phonenumbers.PhoneMetadata.metadata_for_region(region)
    is_of_region = phonenumbers.region_code_for_country_code(form.country_code) == region
    prefixes = (form.international_prefix, form.national_prefix, form.national_prefix_for_parsing)
    if not is_of_region or prefixes != ("00", "0", "0") or form.national_prefix_transform_rule:
        return lambda _text: None
    country = str(form.country_code)
    find = re.compile(rf"(?:(?:\+|00){country}0?|0)([1-9][0-9]+)").fullmatch
    is_number = re.compile(form.general_desc.national_number_pattern).fullmatch
    lengths = frozenset(form.general_desc.possible_length) - set(form.general_desc.possible_length_local_only)

    def read_plain(text: str) -> str | None:
        found = find(text.translate(_SPACING)) if len(text) <= _LONGEST else None
        if found is None or len(found[1]) not in lengths or not is_number(found[1]):
            return None
        return f"+{country}{found[1]}"

    return read_plain
