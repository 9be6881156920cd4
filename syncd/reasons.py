"""Why a record can't be synced: each reason once, with the code by which the catalogue of reasons explains it.

A sentence is kept and told in English; `read` tells which reason it was. It names columns, fields and forms, never a
value of a record.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import NewType

Told = NewType("Told", str)
"""The sentence of a reason."""

_PLACE = re.compile(r"\{(\w+)\}")


@dataclass(frozen=True, slots=True)
class Reason:
    """`template` has places such as `{limit}`, which `tell` fills; what they stand for is never a record's value."""

    code: str
    template: str
    pattern: re.Pattern[str] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        parts = _PLACE.split(self.template)
        literals = [re.escape(part) if number % 2 == 0 else f"(?P<{part}>.+?)" for number, part in enumerate(parts)]
        object.__setattr__(self, "pattern", re.compile("".join(literals), re.DOTALL))

    @property
    def places(self) -> tuple[str, ...]:
        return tuple(_PLACE.findall(self.template))

    def tell(self, **parts: object) -> Told:
        return Told(_PLACE.sub(lambda place: str(parts[place[1]]), self.template))


def read(text: str) -> tuple[Reason, Mapping[str, str]] | None:
    """Which reason a sentence tells, and what stands in its places; None for the words of somebody else."""
    for reason in _by_length():
        found = reason.pattern.fullmatch(text)
        if found and (reason is not UNJUDGED or read(found["why"])):
            return reason, found.groupdict()
    return None


@cache
def _by_length() -> tuple[Reason, ...]:
    """The ones that say most first: what fits them fits a shorter one, too."""
    return tuple(sorted(each(), key=lambda reason: -len(_PLACE.sub("", reason.template))))


def each() -> Iterator[Reason]:
    yield from (one for one in globals().values() if isinstance(one, Reason))


_NAMED = "or say what it stands for with 'null-if' or 'replace'"

# --- a cell that holds no value ---

SHORTENED_ID = Reason(
    "id-shortened", "was shortened by Excel (as in 1,2E+11): format the column as text, and export it again"
)
SHORTENED = Reason(
    "shortened",
    f"was shortened by Excel (as in 1,2E+11): format the column as text, and export it again; {_NAMED}",
)
ERROR_CELL = Reason("error-cell", f"is an error of a spreadsheet and no value: mend the cell, {_NAMED}")
BECAME_A_DAY = Reason(
    "became-a-day",
    "is a date cell, where a text belongs: what was typed as 1-2 has become a day. Format the column as text and type "
    'it again; if a day is meant, allow it with { date = "%Y-%m-%d" }',
)
WORD_FOR_NOTHING = Reason(
    "word-for-nothing", f"is a database's word for nothing: leave the cell empty in the export, {_NAMED}"
)
ENCODED_TWICE = Reason(
    "encoded-twice",
    "holds signs in the place of a letter, as in 'Ã¼' for 'ü': UTF-8 that was taken for another encoding. "
    f"Mend it in the source, and export it as UTF-8, {_NAMED}",
)
ESCAPED = Reason(
    "escaped",
    "has letters that were written for a web page or another program, as in 'Sch&auml;fer': let the source write them "
    "as they are; or say what each stands for with 'replace'",
)
LOST_IN_WORD = Reason(
    "letter-lost",
    "has a question mark within a word, as where a letter was lost (M?ller): mend it in the source, and export it as "
    "UTF-8; or say what it stands for with 'replace'",
)
LOST = Reason(
    "letter-replaced",
    "holds a sign that stands where a letter was lost: mend it in the source, and export it as UTF-8; or say what it "
    "stands for with 'replace'",
)
CONTROL = Reason("control-character", "holds a control character")
ENDLESS = Reason("endless-number", "is a number without an end, or none at all")
TOO_MANY_DIGITS = Reason("too-many-digits", "is a number of too many digits")
NO_SINGLE_VALUE = Reason("no-single-value", "is a list or an object, not a single value")
NO_FIT = Reason("expression-unfit", "the expression {path} does not fit this record")

# --- a value that its field does not take ---

TOO_LONG = Reason("too-long", "is longer than {limit} characters")
NO_EMAIL = Reason("no-email", "is not an e-mail address")
NO_ISO_DATE = Reason(
    "no-iso-date",
    'is not a date such as 1980-12-31; give the source\'s form with transform = [{ date = "%d.%m.%Y" }]',
)
NO_DATE = Reason("no-date", "is not a date in the form {forms}")
SHORT_YEAR = Reason("short-year", "is not a date in the form {forms}; years of two digits take {fix}")
NO_DAY = Reason("no-day", "is not a date of the calendar")
YEAR_OUT_OF_RANGE = Reason("year-out-of-range", "is not between the years {oldest} and {youngest}")
WITH_TIME = Reason(
    "with-time",
    "holds a time of the day, which may be another day elsewhere: say where the day is meant, as in transform = "
    '[{ date = "{form}", zone = "Europe/Berlin" }]',
)
NO_BOOLEAN = Reason("no-boolean", "is neither true nor false; say which it is with 'map'")
NO_NUMBER = Reason("no-number", "is not the number of an id; find it by name with 'lookup', or with 'map'")
PHONE_WITH_LETTERS = Reason("phone-with-letters", "is not a telephone number alone: it holds letters")
NO_PHONE = Reason("no-phone", "is not a telephone number")
NOT_IN_LIST = Reason("not-in-list", "is not a {list} of this instance")
NOT_IN_MAP = Reason("not-in-map", "is not one of the values in 'map'")
DEFAULT_NOT_IN_LIST = Reason("default-not-in-list", "the default is not a {list} of this instance")

UNJUDGED = Reason("unjudged", "'{column}' {why}")  # why `where` can't tell whether the record counts

# --- an id that can't be used, and what is nobody's record ---

NO_ID = Reason("no-id", "'{column}' is empty")
NOBODYS_ID = Reason("nobodys-id", "is nobody's id: it stands for nothing")
BOOLEAN_ID = Reason("boolean-id", "is true or false, which is nobody's id")
LOST_DIGITS = Reason("id-lost-digits", "is a number whose last digits are lost: let the source give the id as text")
DIGITS_ALONE = Reason(
    "id-digits-alone", "is all digits, which go~mus would take for an id of its own: set foreign_id.prefix"
)
UNFIT_ID = Reason(
    "id-unfit",
    "holds a space or one of / ? # % \\, which can't stand in the address of a call: make it fit with "
    "foreign_id.transform, as in [{ replace = { '/' = '-' } }]",
)
NOBODY = Reason(
    "nobody",
    "looks like a total or a footer, for no name stands beside it, or the id is such a word: remove the row, or, where "
    'it ends a file, name how it begins: complete = { trailer = "..." }',
)
NO_OBJECT = Reason("no-object", "stands in the list of records, and is no object")
OPEN_END = Reason(
    "open-end",
    "the file ends here without a line end, so the record may be cut off: it is sent once a later file shows it again, "
    'and nobody counts as absent. If the export always ends so: complete = { end = "any" }',
)
TWICE = Reason("id-twice", "stands more than once, with different contents (first: {first})")
OF_ANOTHER_SYNC = Reason(
    "of-another-list",
    "belongs to the sync '{sync}' of the same instance: take it out of one list, or change a prefix",
)
EMAIL_TAKEN = Reason(
    "email-taken", "another customer of the instance has this address; it is sent by itself once the address is free"
)
MERGED_IN_A_CIRCLE = Reason(
    "merged-in-a-circle",
    "went into itself, or into one that went into it again: nobody can tell which one is left; mend the column that "
    "foreign_id.merged_into names",
)
MERGED_INTO_NOBODY = Reason(
    "merged-into-nobody",
    "went into a record that is neither in the list nor known: mend the column that foreign_id.merged_into names",
)
ERASED = Reason("erased", "was erased on request and is not sent again: take the record out of the source")

# --- which customer of go~mus a record is ---

NO_CUSTOMER_NUMBER = Reason(
    "no-customer-number", "is not the number of a customer in go~mus: write its digits alone, or nothing"
)
NUMBER_TWICE = Reason("number-twice", "is the number of another record, too: of one customer at most (first: {first})")
UNDECIDED = Reason(
    "undecided",
    "may be a customer whom go~mus has already: a person has to say whether it is, and which one (`syncd link "
    "--decide`)",
)
NUMBER_UNKNOWN = Reason(
    "number-unknown",
    "go~mus has no customer with the number that the record names, or that was found for it: mend the number, or say "
    "who it is (`syncd link NAME --decide ID=NUMBER`, or `ID=new`)",
)
NUMBER_OF_ANOTHER = Reason(
    "number-of-another",
    "go~mus answers another customer under the number that the record names, or that was found for it: it was deleted, "
    "or merged into that one; say who it is (`syncd link NAME --decide ID=NUMBER`)",
)
LINKED_OTHERWISE = Reason(
    "linked-otherwise",
    "the customer with the number that the record names, or that was found for it, has another foreign_id already; say "
    "who it is (`syncd link NAME --decide ID=NUMBER`, or `ID=new`)",
)
OTHER_PERSON = Reason(
    "other-person",
    "the customer with the number that the record names, or that was found for it, is somebody else, by {fields}: mend "
    "the number, or say that it is so (`syncd link NAME --decide ID=NUMBER`)",
)

# --- what go~mus refuses ---

REFUSED = Reason("refused", "go~mus refused ({status})")
REFUSED_IN_PASSING = Reason("refused-silently", "go~mus refused it")
UNKNOWN_WORDS = Reason("refused-in-other-words", "go~mus refused it in words that are not in the catalogue ({status})")
UNKNOWN_WORDS_OF = Reason(
    "refused-for-fields", "go~mus refused it in words that are not in the catalogue ({status}); it names {fields}"
)
TURNED_AWAY = Reason("gomus-busy", "go~mus turned the call away ({status})")
FAILED = Reason("gomus-failed", "go~mus failed ({status})")
NO_CUSTOMER = Reason("no-customer", "go~mus has no such customer")
VANISHED = Reason("vanished", "is no longer in go~mus")
MERGED = Reason(
    "merged-in-gomus",
    "was merged into another customer in go~mus; nothing more is written: keep one of the two records",
)
RENAMED = Reason(
    "renamed-in-gomus",
    "has another foreign_id in go~mus, or none; nothing more is written: set its foreign_id there again",
)
ANOTHER = Reason("another-customer", "go~mus answers another customer under this foreign_id; give the ids a prefix")
ALIKE_IN_GOMUS = Reason(
    "perhaps-another",
    "go~mus shows a customer whose id differs in capital letters alone; whether it is the same one is not known yet",
)
ALIKE = Reason(
    "ids-alike", "this go~mus keeps no capital letters in ids, and another id of the source differs in nothing else"
)
UNREADABLE_ID = Reason(
    "id-cannot-be-asked", "this go~mus can't be asked for an id with {signs} in it; let foreign_id.transform replace it"
)
OTHER_IDS = "go~mus keeps another foreign_id for a new customer than was sent"
KEEP_IDS = "the API user must be allowed to set it, and ids must be short and plain; nobody is sent again"
UNKEPT_ID = Reason("id-not-kept", f"{OTHER_IDS}; {KEEP_IDS} before foreign_id or its prefix is changed")
NEVER_FOUND = Reason(
    "never-found",
    "was sent several times, was not answered, and never appeared in go~mus; look there what stands against it",
)
KEPT = Reason("kept-as-it-was", "go~mus keeps {fields} as it was")
NOT_EMPTIED = Reason("not-emptied", "go~mus does not empty {fields}")
NOT_IN_TIME = Reason("not-in-time", "go~mus accepted it for later, but has not done it in time")
NOT_LET_GO = Reason("not-let-go", "go~mus does not let go of {fields}")
NOT_RELEASED = Reason("not-released", "go~mus does not let go of the foreign_id")
FURTHER_ADDRESSES = Reason(
    "further-addresses",
    "has {number} addresses, of which the API reaches the first only; clear the others in go~mus, or set "
    'delete.further_addresses = "delete"',
)
NEW_ID_TAKEN = Reason("new-id-taken", "another customer in go~mus has the new id already: keep one of the two there")
ID_NOT_CHANGED = Reason("id-not-changed", "go~mus keeps the foreign_id as it was")
