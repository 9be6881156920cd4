"""How a customer is reached: e-mail, telephones, address."""

import re
from collections.abc import Iterator, Sequence

from syncd.config.drafting.cells import EMAIL, MOST, PHONE, Column, passes
from syncd.config.drafting.lines import RIGHT, Line, Table, in_toml, line, named, null_if
from syncd.config.drafting.names import Meaning
from syncd.config.drafting.vocabulary import COUNTRIES, find_word
from syncd.mapping.lookups import fold
from syncd.mapping.transforms import compile_transform

NEARLY_ALL = 0.98
TELEPHONES = (("tel", Meaning.TEL), ("mobile", Meaning.MOBILE), ("fax", Meaning.FAX))
WHOLE_ADDRESS = re.compile(r"\D.*\d.*,\s*(?:[A-Z]{1,3}-)?\d{4,5}\s+\D.*")
ENDS_WITH_NUMBER = re.compile(r".*\D\s*\d+\s*[a-zA-Z]?")
GERMAN_CODE = re.compile(r"(?:D-?)?\s*\d{5}\b")
WITH_CODE = re.compile(r"\(?(?:\+|00)")
OF_GERMANY = re.compile(r"\(?(?:\+|00)\s*49")
ABROAD = re.compile(
    r"(?:wien|graz|linz(?! am rhein)|salzburg|innsbruck|klagenfurt|villach|wels|st\. pölten|sankt pölten|dornbirn|"
    r"bregenz|feldkirch|kufstein|zürich|genf|genève|basel|bern|lausanne|winterthur|luzern|st\. gallen|lugano|biel|"
    r"schaffhausen|chur|vaduz|luxemb\w+|brüssel|antwerpen|eupen|kopenhagen|københavn|aarhus|oslo)\b"
)  # where postcodes have four digits
SEVERAL = 5
ENGLISH = re.compile("phone|cell|landline|mobile")
ZIP_CITY = re.compile(r"(?:[A-Z]{1,3}[- ])?\d{4,5}\s+\D.*")


def draft_reach(table: Table) -> Iterator[Line]:
    yield from _draft_email(table)
    for key, meaning in TELEPHONES:
        yield from _draft_telephone(table, key, meaning)


def is_german(table: Table) -> bool:
    """By the countries, where there are any; otherwise by postcodes, some of which may have lost their zero."""
    country, codes = table.first(Meaning.COUNTRY), table.first(Meaning.ZIP) or table.first(Meaning.ZIP_CITY)
    if country and country.values:
        return all(find_word(text, COUNTRIES) == "DE" for text, _ in country.texts())
    return codes is None or codes.share(GERMAN_CODE.match) > 0


def _has_german_numbers(table: Table, columns: Sequence[Column]) -> bool:
    """Without a column of countries, five digits of a postcode are not enough: other countries have as many.

    The numbers that are written with a country's code tell it where all of them have that of Germany.
    """
    if table.first(Meaning.COUNTRY):
        return is_german(table)
    codes = table.first(Meaning.ZIP) or table.first(Meaning.ZIP_CITY)
    are_english = any(ENGLISH.search(column.name.casefold()) for column in columns)
    if not are_english and (codes is None or codes.share(GERMAN_CODE.match) >= MOST):
        return True
    with_code = [text for column in columns for text, _ in column.texts() if WITH_CODE.match(text)]
    return len(with_code) >= SEVERAL and all(map(OF_GERMANY.match, with_code))


def _draft_email(table: Table) -> Iterator[Line]:
    notes = _guess(table, Meaning.EMAIL, EMAIL, "e-mail addresses")
    columns = table.all(Meaning.EMAIL)
    if columns:
        several = [sign for sign in ";," if any(_has_two(text, sign) for one in columns for text in one.values)]
        steps: list[object] = [{"split": sign, "take": 1} for sign in several]
        if several:
            notes = [*notes, "where there are several addresses in a cell, the first"]
        yield line("email", columns, [*steps, "lower"], *notes, *_order(columns))


def _has_two(text: str, sign: str) -> bool:
    return text.count("@") > 1 and sign in text


def _guess(table: Table, meaning: Meaning, shape: re.Pattern[str], words: str) -> list[str]:
    """Take the one column that looks so, where no name says it."""
    if table.all(meaning):
        return []
    alike = [
        column for column in table.unknown() if (column.holds_telephones if shape is PHONE else column.is_mostly(shape))
    ]
    if len(alike) != 1:
        return []
    table.move(alike[0], meaning)
    return [f"guessed by its values: {alike[0].name!r} holds {words}"]


def _order(columns: Sequence[Column]) -> list[str]:
    return [f"the first that is not empty, of {named(columns)}"] if len(columns) > 1 else []


def _draft_telephone(table: Table, key: str, meaning: Meaning) -> Iterator[Line]:
    reached = any(table.all(one) for _, one in TELEPHONES)
    notes = [] if reached or key != "tel" else _guess(table, meaning, PHONE, "telephone numbers")
    columns = table.all(meaning)
    if not columns:
        return
    in_germany = _has_german_numbers(table, columns)
    reads = passes(compile_transform({"phone": "DE"}))
    takes = lambda text: reads(text) and not any(map(str.isalpha, text))  # noqa: E731 - letters count as digits there
    if in_germany and min(column.share(takes) for column in columns) >= NEARLY_ALL:
        yield line(key, columns, [{"phone": "DE"}], *notes, *_order(columns))
        return
    why = "not all of them are numbers alone" if in_germany else "they may be of several countries"
    note = f'sent as they stand, for {why}: {{ phone = "DE" }} would write those of Germany in one form'
    yield line(key, columns, [], *notes, *_order(columns), note)


# --- address ---


def draft_address(table: Table) -> Iterator[Line]:
    street = table.first(Meaning.STREET)
    if street is not None and street.share(WHOLE_ADDRESS.fullmatch) >= RIGHT:
        yield from _take_apart(table, street)
        return
    if street is not None:
        yield _draft_street(table, street)
    codes, city = table.first(Meaning.ZIP), table.first(Meaning.CITY)
    for column in table.all(Meaning.ZIP_CITY)[:1]:
        if column.share(ZIP_CITY.fullmatch) < MOST:
            table.refuse(column, "does not hold a postcode and a place throughout")
            continue
        if codes is None:
            yield line("addr_zip", [column], [{"match": r"^(?:[A-Z]{1,3}[- ])?(\d{4,5})\b"}])
        if city is None:
            yield line("addr_city", [column], [{"match": r"^(?:(?:[A-Z]{1,3}[- ])?\d{4,5}\s+)?(\D.*)$"}])
    if codes is not None:
        yield _draft_zip(table, codes)
    if city is not None:
        yield line("addr_city", [city])


def _take_apart(table: Table, column: Column) -> Iterator[Line]:
    if column.share(WHOLE_ADDRESS.fullmatch) < MOST:
        table.refuse(column, "holds whole addresses in several forms")
        return
    tail = r",\s*(?:[A-Z]{1,3}-)?"
    yield line(
        "addr_street", [column], [{"match": rf"^(.*?){tail}\d{{4,5}}\s"}], f"{column.name!r} holds whole addresses"
    )
    yield line("addr_zip", [column], [{"match": rf"{tail}(\d{{4,5}})\s"}])
    yield line("addr_city", [column], [{"match": rf"{tail}\d{{4,5}}\s+(.*)$"}])


def _draft_street(table: Table, street: Column) -> Line:
    house = table.first(Meaning.HOUSE)
    if house is None or any(set(part.name) & set("{}") for part in (street, house)):
        return line("addr_street", [street])
    if street.share(ENDS_WITH_NUMBER.fullmatch) > RIGHT:
        table.refuse(house, f"stands in {street.name!r} already")
        return line("addr_street", [street])
    suffixes = [one for one in table.all(Meaning.HOUSE_SUFFIX)[:1] if not set(one.name) & set("{}")]
    template = f"{{{street.name}}} {{{house.name}}}" + "".join(f"{{{one.name}}}" for one in suffixes)
    steps = null_if([street])
    value = in_toml({"template": template, **({"transform": steps} if steps else {})})
    return Line(key="addr_street", value=value, columns=tuple(one.name for one in (street, house, *suffixes)))


def _may_be_abroad(table: Table, codes: Sequence[str]) -> bool:
    """Without countries: by a code that Germany has not, by towns abroad, or by telephones of another country."""
    if table.first(Meaning.COUNTRY):
        return False
    towns = [text for column in table.all(Meaning.CITY) for text, _ in column.texts()]
    numbers = [text for _, one in TELEPHONES for column in table.all(one) for text, _ in column.texts()]
    is_called_abroad = any(WITH_CODE.match(text) and not OF_GERMANY.match(text) for text in numbers)
    has_strange_code = any(len(text) == 4 and text.startswith("5") for text in codes)  # none begins with 05
    return is_called_abroad or has_strange_code or any(ABROAD.match(fold(text)) for text in towns)


def _draft_zip(table: Table, codes: Column) -> Line:
    texts = [text for text, _ in codes.texts()]
    short = sum(text.isdecimal() and len(text) < 5 for text in texts)
    if short and is_german(table) and all(text.isdecimal() and 4 <= len(text) <= 5 for text in texts):
        if _may_be_abroad(table, texts):
            note = f"{short} of them may be of Austria or Switzerland: {{ pad = 5 }} would give German ones their zero"
            return line("addr_zip", [codes], [], note)
        doubt = "" if table.first(Meaning.COUNTRY) else ": no column of countries tells whether all are of Germany"
        return line("addr_zip", [codes], [{"pad": 5}], f"postcodes of Germany that have lost a zero get it back{doubt}")
    return line("addr_zip", [codes])
