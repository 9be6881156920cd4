"""Who a record is: names, institutions, salutations and titles."""

import re
from collections.abc import Iterator, Mapping, Sequence

from syncd.config.drafting.cells import Column
from syncd.config.drafting.lines import RIGHT, Line, Lists, Table, line, named, null_if, quote, take
from syncd.config.drafting.names import Meaning
from syncd.config.drafting.vocabulary import (
    COUNTRIES,
    LEGAL,
    LISTS_OF_INSTITUTIONS,
    NAMES_OF_INSTITUTIONS,
    SALUTATIONS,
    SURE,
    TITLES,
    find_word,
    is_institution,
    is_plain,
)
from syncd.mapping.lookups import Lookup, fold

MOST_SALUTATIONS, MOST_COUNTRIES = 15, 250  # different words
WHOLE = 0.95  # of the records name an institution: then all are institutions
MOSTLY = 0.8
PARTICLE = r"(?:von|van|vom|zu|zum|zur|de|der|den|del|della|di|da|du|la|le|ten|ter)\s+"
PARTICLES = f"(?:{PARTICLE})*"
FIRST_WORDS = rf"(?!{PARTICLE})(\S+(?:\s+\S+)*?)\s+{PARTICLES}\S+$"
LAST_WORD = rf"(?:.*?\s)??(?={PARTICLES}\S+$)"
FIRM = f"(?i:.*(?:{NAMES_OF_INSTITUTIONS.pattern}))"
JOINED = r"(?:&|\+|\b(?:und|and|u\.))"
WITH_PARTNERS = rf"(?i:[^,]*,.*{JOINED}\s*(?:partner|co|cie|söhne)\b)"
OF_SEVERAL = rf"(?i:[^,]*,.*\s{JOINED}\s)"
SEVERAL = re.compile(rf"\s+{JOINED}\s+", re.IGNORECASE)
CHECK = "instances differ in which of name and surname is the family name: `syncd check --customer ID` shows a customer"


def draft_people(table: Table, sync: str) -> Iterator[Line]:
    _settle_name(table, sync)
    kind = _find_kind(table)
    yield from _draft_names(table, kind)
    yield from _draft_institution(table, kind)


def _settle_name(table: Table, sync: str) -> None:
    """What a column that is just called `Name` holds."""
    name = table.first(Meaning.NAME)
    if name is None or table.first(Meaning.FAMILY):
        return
    if table.first(Meaning.GIVEN):
        table.move(name, Meaning.FAMILY)
    elif not table.first(Meaning.BOTH):
        firms = name.share(lambda text: NAMES_OF_INSTITUTIONS.search(text.casefold()))
        is_list = firms > (0.2 if LISTS_OF_INSTITUTIONS.search(sync.casefold()) else 0.5)
        table.move(name, Meaning.INSTITUTION if is_list and not table.first(Meaning.INSTITUTION) else Meaning.BOTH)


def _find_kind(table: Table) -> Column | None:
    """The column whose words tell institutions from people."""
    for column in table.all(Meaning.KIND):
        if column.has_few_words and (any(map(is_institution, column.values)) or set(map(fold, column.values)) == LEGAL):
            return column
    return None if table.first(Meaning.INSTITUTION) else _telling_salutation(table)


def _telling_salutation(table: Table) -> Column | None:
    """The column of salutations, where `Firma` is one of them."""
    column = table.first(Meaning.SALUTATION)
    is_telling = column and len(column.values) <= MOST_SALUTATIONS and any(map(is_institution, column.values))
    return column if is_telling else None


def _draft_names(table: Table, kind: Column | None) -> Iterator[Line]:
    given, family, both = (table.first(one) for one in (Meaning.GIVEN, Meaning.FAMILY, Meaning.BOTH))
    institution, contact = table.first(Meaning.INSTITUTION), table.first(Meaning.CONTACT)
    others = [one for one in (contact, institution) if one and (institution or kind)]
    if family is None and both is not None:
        yield from _split_both(both, others)
        return
    if given:
        yield line("name", [given], _as_names(given), CHECK)
    if family:
        is_whole = family.filled == 1 and not family.nothings
        yield _surname(table, [family, *([] if is_whole else others)], _as_names(family))
    elif others:
        yield _surname(table, others, [])
    elif contact:
        yield _surname(table, [contact], [])


def _surname(table: Table, columns: Sequence[Column], steps: Sequence[object]) -> Line:
    notes = ["go~mus refuses customers without a surname"]
    if len(columns) > 1:
        notes[0] += f": where {columns[0].name!r} is empty, {named(columns[1:])} stands in for it"
    elif columns[0].filled < 1 or columns[0].nothings:
        notes[0] += f": {columns[0].empty} records have none in {columns[0].name!r}"
    elif table.first(Meaning.FAMILY):
        notes = []
    return line("surname", columns, steps, *notes)


def _as_names(column: Column) -> list[object]:
    """The step for names that are written in capitals, or small, throughout."""
    is_throughout = any(column.share(is_so) >= MOSTLY for is_so in (_is_in_capitals, str.islower))
    return ["name"] if is_throughout else []


def _is_in_capitals(text: str) -> bool:
    return text.isupper() and len(text) > 1


def _split_both(both: Column, others: Sequence[Column]) -> Iterator[Line]:
    """First and family name in one column: `Müller, Anna`, or `Anna Müller`."""
    steps = _as_names(both)
    if both.share(lambda text: text.count(",") == 1) > RIGHT:
        yield from _split_at_comma(both, others, steps)
        return
    firms = both.share(lambda text: NAMES_OF_INSTITUTIONS.search(text.casefold()))
    if (both.filled < 1 and others) or firms > 0.1:
        note = f"{both.name!r} holds whole names, and not of people only: they are not taken apart"
        yield line("surname", [both, *others], steps, note)
        return
    note = f"{both.name!r} holds both names: the last word, with von, van and their like, is taken for the family name"
    first, last = f"^{FIRST_WORDS}", f"^{LAST_WORD}(.+)$"
    if firms:
        first, last = f"^(?!{FIRM}){FIRST_WORDS}", f"^(?:(?={FIRM})|{LAST_WORD})(.+)$"
        note += "; what is called as institutions are stays whole"
    yield line("name", [both], [{"match": first}, *steps], CHECK, note)
    yield line("surname", [both], [{"match": last}, *steps])


def _split_at_comma(both: Column, others: Sequence[Column], steps: Sequence[object]) -> Iterator[Line]:
    note = f"{both.name!r} holds 'family name, first name'; what has no comma stays whole"
    first, last = {"split": ",", "take": 2}, {"split": ",", "take": 1}
    firm = f"(?:{'|'.join([FIRM, WITH_PARTNERS, *([] if _has_couples(both) else [OF_SEVERAL])])})"
    if any("," in text and re.match(firm, text) for text in both.values):
        first, last = {"match": f"^(?!{firm})[^,]*,\\s*(.+)$"}, {"match": f"^((?={firm}).+|[^,]+)"}
        note += ", and so does what is called as institutions are"
    yield line("name", [both], [first, *steps], CHECK, note)
    yield line("surname", [both, *([] if both.filled == 1 else others)], [last, *steps])


def _has_couples(both: Column) -> bool:
    """As in `Groß, Anna und Otto`, where an Anna or an Otto stands alone in another record."""
    firsts = [text.partition(",")[2].strip() for text in both.values if text.count(",") == 1]
    alone = {first for first in firsts if not SEVERAL.search(first)}
    return any(alone.intersection(SEVERAL.split(first)) for first in firsts if SEVERAL.search(first))


def _draft_institution(table: Table, kind: Column | None) -> Iterator[Line]:
    column, family = table.first(Meaning.INSTITUTION), table.first(Meaning.FAMILY) or table.first(Meaning.BOTH)
    if kind is not None:
        yield _by_kind(kind)
        says_so = _says_institution(kind)
        if column is None and family is not None and says_so:
            path = f"{says_so} && {quote(family.name)} || ''"
            yield Line(key="institution", value=f"{{ from = {_literal(path)} }}", columns=(kind.name, family.name))
    elif column is not None and (column.filled >= WHOLE or family is None):
        note = f"each record names an institution in {column.name!r}"
        yield Line(key="is_institution", value="{ value = true }", columns=(column.name,), notes=(note,))
    elif column is not None and family is not None:
        yield _by_lack_of_name(column, family, _telling_salutation(table))
    if column is not None:
        yield line("institution", [column])


def _by_lack_of_name(column: Column, family: Column, salutation: Column | None) -> Line:
    path = f"{quote(column.name)} && !{quote(family.name)}"
    note = f"an institution is who has {column.name!r} and no {family.name!r}; people at a firm are people"
    names = [column.name, family.name]
    if salutation and (says_so := _says_institution(salutation)):
        path = f"{says_so} || {path}"
        note += f", unless {salutation.name!r} says otherwise"
        names.append(salutation.name)
    value = f"{{ from = {_literal(path)}, default = false }}"
    return Line(key="is_institution", value=value, columns=tuple(names), notes=(note,))


def _says_institution(kind: Column) -> str:
    """A condition of JMESPath; nothing where no word can be written in one."""
    words = {fold(word) for word, is_so in _by_word(kind).items() if is_so}
    spelt = [f"'{word}'" for word in sorted(kind.values) if fold(word) in words and not set(word) & set("'\\`")]
    return f"contains([{', '.join(spelt)}], {quote(kind.name)})" if spelt else ""


def _literal(path: str) -> str:
    return f"'{path}'" if "'" not in path and path.isprintable() else quote(path)


def _by_kind(kind: Column) -> Line:
    words = _by_word(kind)
    note = f"the words found in {kind.name!r}: are those with true institutions, and no others?"
    return line("is_institution", [kind], [], note, map=words)


def _by_word(kind: Column) -> dict[str, bool]:
    words = _once(kind)
    of_law = set(map(fold, words)) == LEGAL
    return {word: fold(word) == "j" if of_law else is_institution(word) for word in words}


def _once(column: Column) -> list[str]:
    """Its words, in one spelling each."""
    nothings = set(column.nothings)
    return list({fold(word): word for word in sorted(column.values) if word not in nothings}.values())


# --- words that go~mus looks up ---


def draft_words(table: Table, lists: Lists) -> Iterator[Line]:
    salutation, title = table.first(Meaning.SALUTATION), table.first(Meaning.TITLE)
    if salutation is None and title and title.share(lambda text: find_word(text, SALUTATIONS)) > 0.5:
        table.move(title, Meaning.SALUTATION)
        salutation, title = title, table.first(Meaning.TITLE)
    for key, column, kind, known in (
        ("customer_salutation_id", salutation, "salutation", SALUTATIONS),
        ("customer_title_id", title, "title", TITLES),
    ):
        if column is None:
            continue
        if len(column.values) > MOST_SALUTATIONS:
            table.refuse(column, f"has {len(column.values)} different texts, too many for a {kind}")
        else:
            yield _look_up(key, column, kind, known, lists)


def draft_country(table: Table, lists: Lists) -> Iterator[Line]:
    column = table.first(Meaning.COUNTRY)
    if column is None:
        return
    if len(column.values) > MOST_COUNTRIES:
        table.refuse(column, f"has {len(column.values)} different texts, too many for a country")
        return
    offered = Lookup("country", lists.get("country", ()))
    words = {word: _country(word, offered) for word in _once(column)}
    strange = [word for word, code in words.items() if code is None]
    notes = [f"{len(strange)} of its words may be no countries of go~mus: `syncd check` tells"] if strange else []
    if column.filled < 1:
        notes.append(f'{column.empty} records name none: default = "DE", or another, would stand in for it')
    are_plain = all(code is None or is_plain(word, code, COUNTRIES) or code == word for word, code in words.items())
    further = {} if are_plain else {"map": {word: code or word for word, code in words.items()}}
    yield line("addr_country_id", [column], [], *notes, **further, lookup="country")


def _country(word: str, offered: Lookup) -> str | None:
    """Its code, or the word itself where go~mus knows it so; None where nobody knows it."""
    if code := find_word(word, COUNTRIES):
        return code
    return word if offered.find(word) or re.fullmatch("[A-Za-z]{2}", word) else None


def _look_up(key: str, column: Column, kind: str, known: Mapping[str, str], lists: Lists) -> Line:
    """Each word to what the instance has; without its list only to what every instance is taken to have."""
    offered = Lookup(kind, lists.get(kind, ()))
    words: dict[str, str] = {}
    empty: list[str] = []
    for word in _once(column):
        found = find_word(word, known)
        is_there = bool(offered.find(found or word)) if kind in lists else found in SURE
        if kind in lists and offered.find(word):
            words[word] = word
        elif found and is_there:
            words[word] = found
        else:
            empty.append(word)
    notes = []
    if empty:
        has = ", ".join(one.names[0] for one in lists.get(kind, ())) if kind in lists else "not asked"
        notes = [f"no {kind} is sent for the words in null-if; those of go~mus: {has}"]
    mapped = {} if all(fold(word) == fold(to) for word, to in words.items()) else {"map": words}
    steps = [{"null-if": [*column.nothings, *empty]}] if empty or column.nothings else null_if([column])
    if not words:
        notes.append("none of its words is one of go~mus")
    value = take([column], steps, **mapped, lookup=kind)
    return Line(key=key, value=value, columns=(column.name,), notes=tuple(notes))
