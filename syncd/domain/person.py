"""Whether a record and a customer of go~mus are one person, as far as names, addresses and days of birth tell."""

from collections import Counter
from collections.abc import Iterator, Mapping

from syncd.domain.folding import fold_names
from syncd.domain.records import Value

NAMES = ("name", "surname")
FIRM, EMAIL, BORN = "institution", "email", "date_of_birth"


def plain(value: Value) -> str:
    """What is left of a name where its spelling makes no difference."""
    return fold_names(str(value or ""))


def find_differences(wanted: Mapping[str, Value], shown: Mapping[str, Value]) -> tuple[str, ...]:
    """The fields that speak against it: none where all names agree, in either order, and so do the addresses.

    `wanted` has every field that is mapped. A name that is not mapped says nothing, an address and a day of birth only
    where both have one; where the record has no name at all, nothing speaks for it.
    """
    return (*_names_that_differ(wanted, shown), *_what_both_have(wanted, shown))


def _names_that_differ(wanted: Mapping[str, Value], shown: Mapping[str, Value]) -> Iterator[str]:
    mapped = [name for name in NAMES if name in wanted]
    ours, theirs = _names_in(wanted), _names_in(shown)
    firm, their_firm = plain(wanted.get(FIRM)), plain(shown.get(FIRM))
    is_anybody = not (ours or firm)
    if is_anybody or not (_words_in(wanted) == _words_in(shown) if len(mapped) == len(NAMES) else ours <= theirs):
        yield from mapped
    if firm and firm != their_firm and (their_firm or not ours):
        yield FIRM
    if is_anybody and not mapped:
        yield FIRM


def _names_in(fields: Mapping[str, Value]) -> Counter[str]:
    return Counter(text for name in NAMES if (text := plain(fields.get(name))))


def _words_in(fields: Mapping[str, Value]) -> str:
    return fold_names(*(str(fields.get(name) or "") for name in NAMES))


def _what_both_have(wanted: Mapping[str, Value], shown: Mapping[str, Value]) -> Iterator[str]:
    for name in (EMAIL, BORN):
        ours, theirs = (str(fields.get(name) or "").strip().casefold() for fields in (wanted, shown))
        if ours and theirs and ours != theirs:
            yield name
