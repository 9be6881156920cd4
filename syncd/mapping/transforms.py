"""Small pure steps from a source's text to the text that go~mus should have."""

import re
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime, time
from itertools import product
from typing import Any, TypeAlias
from unicodedata import normalize
from zoneinfo import ZoneInfo, available_timezones

from syncd import reasons
from syncd.domain.nearest import suggest
from syncd.mapping.checks import ValueProblem
from syncd.mapping.lookups import fold
from syncd.mapping.remedies import reads, remedy
from syncd.mapping.telephones import phone

Transform: TypeAlias = Callable[[str], str | None]
"""Text to text, None for nothing. Raises ValueProblem with a reason that does not quote the text."""


def collapse_spaces(text: str) -> str:
    return " ".join(text.split())


def digits(text: str) -> str:
    return "".join(character for character in text if character.isdecimal() and character.isascii())


def title(text: str) -> str:
    """A capital at the start of each word and after a hyphen or an apostrophe, small letters elsewhere."""
    return re.sub(r"[^\W\d_]+", lambda word: word.group()[0].upper() + word.group()[1:].lower(), text)


_FRACTION = re.compile(r"(:\d\d)[.,]\d+(?=\s?(?:Z|[+-]\d\d:?\d\d)?$)")
# Behind a day it says nothing, where no form has a time of its own.
_MIDNIGHT = re.compile(r"[T ]+0?0:00(?::00(?:[.,]0+)?)?$")


def date(formats: str | Sequence[str], zone: str | None = None, pivot: int | None = None) -> Transform:
    """From the source's form, or the first that fits of several, to `1980-12-31`, the day that it is in the zone.

    A time that says of itself no zone is one of `zone`. Without `zone` a day has no time but midnight. `pivot` is the
    last year that two digits may mean.
    """
    where = ZoneInfo(zone) if zone else None
    forms = [formats] if isinstance(formats, str) else list(formats)
    if any("%y" in form for form in forms) != (pivot is not None):
        raise ValueError(
            "date with %y takes pivot beside it, the last year that is meant as 20xx: { date = '%d.%m.%y', pivot = "
            "2030 }; and pivot stands beside %y only"
        )

    read_plain = _plain_reader(forms[0])

    def to_iso(text: str) -> str:
        text = text.strip()
        if plain := read_plain(text):
            return plain
        whole = _FRACTION.sub(r"\1", text)  # of a second
        for written, form in product(dict.fromkeys((text, whole, _MIDNIGHT.sub("", whole))), forms):
            try:
                moment = datetime.strptime(written, form)  # noqa: DTZ007 - a day has no zone
                if pivot is not None and "%y" in form:
                    moment = moment.replace(year=pivot - (pivot - moment.year) % 100)
            except ValueError:
                continue
            return _day(moment.replace(tzinfo=UTC) if form.endswith("Z") else moment, where, form)
        examples = [datetime(1980, 12, 31).strftime(form) for form in forms]  # noqa: DTZ001 - a day has no zone
        told = " or ".join(examples)
        if short := _find_short_year(text, forms):
            raise ValueProblem(reasons.SHORT_YEAR.tell(forms=told, fix=f"{{ date = {short!r}, pivot = 2030 }}"))
        raise ValueProblem(reasons.NO_DATE.tell(forms=told))

    return to_iso


_PLAIN_FORM = re.compile(r"%[dmY]([./-]?)%[dmY]([./-]?)%[dmY]")


def _plain_reader(form: str) -> Callable[[str], str | None]:
    """Reads days whose parts all have as many digits as can be, where the form has nothing else; None for all others.

    `strptime` would say the same of them, and takes its time.
    """
    if not _PLAIN_FORM.fullmatch(form) or not all(part in form for part in ("%d", "%m", "%Y")):
        return lambda _text: None
    pattern = re.escape(form).replace("%d", "(?P<d>[0-9]{2})").replace("%m", "(?P<m>[0-9]{2})")
    find = re.compile(pattern.replace("%Y", "(?P<Y>[0-9]{4})")).fullmatch

    def read_plain(text: str) -> str | None:
        if not (found := find(text)):
            return None
        year, month, day = found.group("Y", "m", "d")
        with suppress(ValueError):
            datetime(int(year), int(month), int(day))  # noqa: DTZ001 - a day has no zone
            return f"{year}-{month}-{day}"
        return None

    return read_plain


def _find_short_year(text: str, forms: Sequence[str]) -> str | None:
    """The form in which the text would be a date, if its year might have two digits."""
    for form in forms:
        with suppress(ValueError):
            short = form.replace("%Y", "%y")
            datetime.strptime(text.strip(), short)  # noqa: DTZ007 - it is not used
            return short if short != form else None
    return None


def _day(moment: datetime, zone: ZoneInfo | None, form: str) -> str:
    if zone is None:
        if moment.time() != time():
            raise ValueProblem(reasons.WITH_TIME.tell(form=form))
        return moment.date().isoformat()
    try:
        return (moment.astimezone(zone) if moment.tzinfo else moment).date().isoformat()
    except OverflowError:
        raise ValueProblem(reasons.NO_DAY.tell()) from None


def truncate(length: int) -> Transform:
    return lambda text: text[:length].rstrip()


def null_if(values: str | Sequence[str]) -> Transform:
    """None where the text is one of the values, whatever its case."""
    nothing = {fold(value) for value in ([values] if isinstance(values, str) else values)}
    return lambda text: None if fold(text) in nothing else text


def pad(length: int) -> Transform:
    """Zeros before a number that has lost them; anything but digits stays as it is."""
    return lambda text: text.strip().zfill(length) if text.isascii() and text.strip().isdecimal() else text


def replace(parts: Mapping[str, str]) -> Transform:
    """Each part by another, where several begin at one place the longest; what was replaced is not replaced again."""
    new = {normalize("NFC", old): new for old, new in parts.items()}
    old = re.compile("|".join(re.escape(one) for one in sorted(new, key=len, reverse=True)))
    return lambda text: old.sub(lambda found: new[found.group()], text)


def match(pattern: str) -> Transform:
    """What the first group of the pattern finds, or all of it where it has no group; None where it finds nothing."""
    search = re.compile(pattern).search
    return lambda text: found[found.re.groups and 1] if (found := search(text)) else None


def split(separator: str, take: int | None = None) -> Transform:
    """One part of the text; the first is 1, and what is beyond the last is None."""
    if take is None:
        raise ValueError("split takes take beside it, which part is meant: { split = ',', take = 1 }")

    def part(text: str) -> str | None:
        parts = text.split(separator)
        return parts[take - 1].strip() or None if take <= len(parts) else None

    return part


# Words within names that are no names, and how firms are called: they stay as they stand
NO_NAMES = frozenset(
    "von van vom zu zum zur de der den dem des del della di da du do dos das le la les el al und y e i "
    "ten ter te op af av bin ibn gmbh ag kg kgaa ohg gbr mbh ug se ev e.v. e.k. eg e.g. co co. ltd ltd. inc inc. sa "
    "s.a. bv b.v. nv n.v. ii iii iv".split()
)


def name(text: str) -> str:
    """Words all in capitals or all small as names are written: a capital first, also after a hyphen or apostrophe."""
    return re.sub(r"\S+", lambda found: _as_name(found[0]), text)


def _as_name(word: str) -> str:
    if word.casefold().strip(",;()") in NO_NAMES or not (word.isupper() or word.islower()):
        return word
    return title(word).replace("i\u0307", "i")  # what becomes of a Turkish capital with its dot


LONGEST_PAD = 50
# Known without the library.
USUAL_REGIONS = ("DE", "AT", "CH", "LI", "LU", "NL", "BE", "FR", "DK", "PL", "CZ", "IT", "GB")

PLAIN: Mapping[str, Transform] = {
    "strip": str.strip,
    "lower": str.lower,
    "upper": str.upper,
    "title": title,
    "name": name,
    "digits": digits,
    "collapse-spaces": collapse_spaces,
}


def _text_or_texts(value: object) -> bool:
    return isinstance(value, str) or (
        isinstance(value, list) and bool(value) and all(isinstance(one, str) for one in value)
    )


def _is_region(value: object) -> bool:
    if value in USUAL_REGIONS:
        return True
    import phonenumbers

    return isinstance(value, str) and value in phonenumbers.SUPPORTED_REGIONS


def _is_date_form(value: object) -> bool:
    """Complete: with day, month and year."""
    forms = [value] if isinstance(value, str) else value if isinstance(value, list) else []
    return _text_or_texts(value) and all(
        re.search("%[Yy]", form) and "%d" in form and re.search("%[mbB]", form) and reads(form) for form in forms
    )


def _is_pattern(value: object) -> bool:
    try:
        return isinstance(value, str) and bool(value) and bool(re.compile(value))
    except re.error:
        return False


def _is_year(value: object) -> bool:
    return isinstance(value, int) and 1900 <= value <= 2199


def _is_length(value: object, longest: int | None = None) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 < value <= (longest or value)


def _is_replacing(value: object) -> bool:
    return (
        isinstance(value, Mapping)
        and bool(value)
        and all(value)
        and all(isinstance(one, str) for one in value.values())
    )


def _is_zone(value: object) -> bool:
    """A name alone: a path would be opened."""
    return isinstance(value, str) and value in available_timezones()


# name → what makes it, whether its argument will do, and what is expected
WITH_ARGUMENT: Mapping[str, tuple[Callable[[Any], Transform], Callable[[object], bool], str]] = {
    "date": (date, _is_date_form, "a form with day, month and year, such as '%d.%m.%Y', or several"),
    "phone": (phone, _is_region, "a region of two capital letters such as 'DE'"),
    "truncate": (truncate, _is_length, "a length such as 255"),
    "null-if": (null_if, _text_or_texts, "a text, or a list of texts"),
    "pad": (
        pad,
        lambda n: _is_length(n, LONGEST_PAD),
        f"a number of digits such as 5, {LONGEST_PAD} at the most",
    ),
    "match": (match, _is_pattern, "a regular expression in single quotes, such as '(\\d+)$'"),
    "split": (split, lambda one: isinstance(one, str) and bool(one), "what stands between the parts, such as ','"),
    "replace": (replace, _is_replacing, "a table of texts such as { '/' = '-' }"),
}
BESIDE: Mapping[str, tuple[str, Callable[[object], bool], str]] = {
    "zone": ("date", _is_zone, "a time zone such as 'Europe/Berlin'"),
    "pivot": ("date", _is_year, "the last year that is meant as 20xx, such as 2030"),
    "take": ("split", _is_length, "the number of the part that is meant; the first is 1"),
}
NAMES = (*PLAIN, *WITH_ARGUMENT)


def compile_transform(spec: object) -> Transform:
    """From its form in the configuration: `"lower"` or `{ date = "%d.%m.%Y" }`.

    Raises ValueError, in words for the configuration, where it is no transform or has an unfit argument.
    """
    if isinstance(spec, str) and spec in PLAIN:
        return PLAIN[spec]
    if isinstance(spec, Mapping) and len(named := [name for name in spec if name not in BESIDE]) == 1:
        (name,) = named
        if name in WITH_ARGUMENT:
            make, will_do, expected = WITH_ARGUMENT[name]
            if not will_do(spec[name]):
                raise ValueError(f"{name} takes {expected}{remedy(name, spec[name])}")
            return make(spec[name], **_beside(name, spec))
        raise ValueError(f'{name} takes nothing: write "{name}"' if name in PLAIN else _unknown(str(name)))
    if isinstance(spec, str) and spec in WITH_ARGUMENT:
        raise ValueError(f"{spec} takes {WITH_ARGUMENT[spec][2]}: {{ {spec} = ... }}")
    raise ValueError(_unknown(spec) if isinstance(spec, str) else f"is not a transform; there are {', '.join(NAMES)}")


def _beside(name: str, spec: Mapping[str, object]) -> dict[str, Any]:
    further = {key: value for key, value in spec.items() if key != name}
    for key, value in further.items():
        owner, will_do, expected = BESIDE[key]
        if owner != name:
            raise ValueError(f"{key} stands beside {owner} only")
        if not will_do(value):
            raise ValueError(f"{key} takes {expected}")
    return further


def _unknown(name: str) -> str:
    return f"there is no transform {name!r}" + (suggest(name, NAMES) or f"; there are {', '.join(NAMES)}")


def transformed(text: str | None, transforms: Sequence[Transform]) -> str | None:
    """The text after all steps; None where it was empty, or one of them has left nothing."""
    for transform in transforms:
        if text is None or not text.strip():
            return None
        text = transform(text)
    return text
