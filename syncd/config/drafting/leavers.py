"""Who no longer belongs to the list: conditions of `where`, drafted from the columns and words that are there."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date

from syncd.config.drafting.cells import MOST, Column, DateForm, find_form, fits_form, is_short_word
from syncd.config.drafting.lines import RIGHT, Table, in_toml
from syncd.config.drafting.names import Meaning, split_name
from syncd.config.drafting.vocabulary import DOUBTFUL, LEAVERS, NO, UNKNOWN, YES
from syncd.mapping.lookups import fold

MOST_WORDS = 20
OPPOSITES = {"yes": "no", "true": "false", "wahr": "falsch", "1": "0", "j": "n", "y": "n"}
MEMBERS = {"mitglied", "member", "ismember", "mitgliedschaft"}
ENDS = re.compile("(?:bis|ende|until|ends?|enddate)$")  # without a known end somebody has not left
YEARS_AHEAD = 30  # in which somebody may have said to leave


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """A condition of `where`. What `is_off` is commented out."""

    value: str
    column: str
    note: str
    is_off: bool = False


def draft_where(table: Table, today: date) -> Iterator[Condition]:
    for column in table.all(Meaning.LEFT):
        yield from _leaving(column, today)
    for column in table.all(Meaning.DECEASED):
        yield _deceased(column)
    for column in table.all(Meaning.PERHAPS_GONE):
        for one in _leaving(column, today):
            yield _off(one, "look whether they no longer count, and take the # away where they do not")
    for column in table.all(Meaning.STATUS):
        yield from _by_status(table, column)
    for column in table.all(Meaning.ACTIVE):
        yield from _by_activity(table, column)
    for column in table.all(Meaning.OPTED_OUT):
        yield _off(
            _marked(column, "opted out of something"), "a customer of the shop all the same? If not, take the # away"
        )
    for column in (*table.all(Meaning.KIND), *table.unknown()):
        yield from _by_chance(table, column)


def _off(one: Condition, why: str) -> Condition:
    return Condition(value=one.value, column=one.column, note=f"{one.note}: {why}", is_off=True)


def _leaving(column: Column, today: date) -> Iterator[Condition]:
    """By the day, and by the words that stand beside days: a cell that is neither makes its record invalid."""
    form = find_form(column, misfits=RIGHT)
    if form is None:
        yield _marked(column, "left")
        return
    texts = dict(column.texts())
    odd = {text: n for text, n in texts.items() if not any(fits_form(text, one) for one in form.forms)}
    words = [text for text in column.values if fold(text) in UNKNOWN]
    words += [text for text in odd if fold(text) in YES or LEAVERS.fullmatch(fold(text))]
    misfits = sum(n for text, n in odd.items() if text not in words)
    note, is_off = f"who has left by the date in {column.name!r}", not form.is_sure
    if misfits:
        note += f"; {misfits} of its {sum(texts.values())} texts are no dates, and their records invalid until mended"
        if misfits > sum(texts.values()) * (1 - MOST):
            note, is_off = f"{note}: look before you take the # away", True
    if not form.is_sure:
        note += ": day and month may stand in either order, so look at the form before you take the # away"
    yield Condition(value=in_toml(_dated(column, form, today)), column=column.name, note=note, is_off=is_off)
    if words:
        is_end = ENDS.search("".join(split_name(column.name))) is not None
        note = f"who has left without a date, by {column.name!r}" + (
            ": take the # away where that is so" if is_end else ""
        )
        value = in_toml({"from": column.name, "is_not": words})
        yield Condition(value=value, column=column.name, note=note, is_off=is_end)


def _dated(column: Column, form: DateForm, today: date) -> dict[str, object]:
    """Date cells of a workbook, years of two digits and what stands for nothing need a step before the test."""
    steps = _emptied(column)
    if form.has_short_years or column.has_days or steps:
        steps.append(date_step(form, today.year + YEARS_AHEAD))
    given: str | list[str] = "%Y-%m-%d" if steps else form.forms[0] if len(form.forms) == 1 else list(form.forms)
    further = {"transform": steps} if steps else {}
    return {"from": column.name, **further, "date": given, "after": "today", "or_empty": True}


def _emptied(column: Column, *further: str) -> list[object]:
    """The step for what stands for nothing. `unbekannt` does not: there is a day, and nobody knows it."""
    nothings = [text for text in column.nothings if fold(text) not in UNKNOWN]
    return [{"null-if": [*nothings, *further]}] if nothings or further else []


def date_step(form: DateForm, pivot: int) -> dict[str, object]:
    """The step that reads the dates of a column."""
    forms = form.forms[0] if len(form.forms) == 1 else list(form.forms)
    return {
        "date": forms,
        **({"pivot": pivot} if form.has_short_years else {}),
        **({"zone": "Europe/Berlin"} if any("%H" in one for one in form.forms) else {}),
    }


def _marked(column: Column, what: str) -> Condition:
    """A mark, words for yes and no, or the day of it."""
    note = f"who has {what}, by {column.name!r}"
    if condition := _by_yes(column, note):
        return condition
    steps = _emptied(column)
    value = in_toml({"from": column.name, **({"transform": steps} if steps else {}), "empty": True})
    count = column.values.total()
    if find_form(column) or (len(_words(column)) == 1 and not _has_unknown(column)):
        return Condition(value=value, column=column.name, note=note)
    note += f": its {count} texts are no dates, so it is whoever has anything there, and who will leave in future too"
    return Condition(value=value, column=column.name, note=f"{note}; look before you take the # away", is_off=True)


def _deceased(column: Column) -> Condition:
    """Whatever stands there says so: a date, a sign, or a word such as `unbekannt` for the day."""
    note = f"who has died, by {column.name!r}"
    if condition := _by_yes(column, note):
        return condition
    steps = _emptied(column, *(text for text in column.values if fold(text) in NO))
    value = in_toml({"from": column.name, **({"transform": steps} if steps else {}), "empty": True})
    unknown = sum(n for text, n in column.values.items() if fold(text) in UNKNOWN)
    is_off = unknown * 2 > column.values.total() + column.empty
    if is_off:
        note += f": {unknown} records have a word for unknown there; take the # away where it means that they have died"
    return Condition(value=value, column=column.name, note=note, is_off=is_off)


def _by_yes(column: Column, note: str) -> Condition | None:
    """Beside a no, `unbekannt` is none of both; otherwise it is a day that nobody knows."""
    words = _words(column)
    if not words or not all(fold(word) in YES | NO for word in words):
        return None
    yes = [word for word in words if fold(word) in YES]
    if len(yes) < len(words) or not _has_unknown(column):
        return _is_not(column, yes, note)
    return None


def _has_unknown(column: Column) -> bool:
    return any(fold(text) in UNKNOWN for text in column.values)


def _is_not(column: Column, words: Sequence[str], note: str) -> Condition:
    """With no such word in it today, the usual one, commented out: it is for the day when there is one."""
    value = in_toml({"from": column.name, "is_not": list(words) or ["ja"]})
    return Condition(value=value, column=column.name, note=note, is_off=not words)


def _by_status(table: Table, column: Column) -> Iterator[Condition]:
    words = _words(column)
    if not words or len(column.values) * 2 > column.values.total():  # else each may be one person's own
        table.refuse(column, f"has {len(column.values)} different texts, too many to tell who has left")
        return
    leaving = _leaving_words(column, words)
    perhaps = [
        word for word in words if DOUBTFUL.search(fold(word)) and word not in leaving and _may_be_named(column, word)
    ]
    found = f"by {column.name!r}; {_list(column, words)}"
    if leaving:
        value = in_toml({"from": column.name, "is_not": leaving})
        yield Condition(value=value, column=column.name, note=f"who is {' or '.join(leaving)}, {found}")
    if perhaps or not leaving:
        one = perhaps or [word for word in words if _may_be_named(column, word)][:1] or ["..."]
        value = in_toml({"from": column.name, "is_not": one})
        yield Condition(value=value, column=column.name, note=f"who has left, perhaps {found}", is_off=True)


def _by_chance(table: Table, column: Column) -> Iterator[Condition]:
    """Of a column that is there for something else, such as `Kennung`, and has a word for leavers among its few."""
    words = _words(column) if column.has_few_words else []
    if "".join(split_name(column.name)) in MEMBERS and words and all(fold(word) in YES | NO for word in words):
        for one in _by_activity(table, column):
            yield _off(one, "take the # away where they no longer count")
    elif leaving := _leaving_words(column, words):
        note = f"who is {' or '.join(leaving)}, by {column.name!r}; {_list(column, words)}"
        yield Condition(
            value=in_toml({"from": column.name, "is_not": leaving}),
            column=column.name,
            note=f"{note}: take the # away where they have left",
            is_off=True,
        )


def _leaving_words(column: Column, words: Sequence[str]) -> list[str]:
    return [word for word in words if LEAVERS.search(fold(word)) and _may_be_named(column, word)]


def _may_be_named(column: Column, word: str) -> bool:
    """Not what was written of one person, such as `Sohn Otto gestorben 3.4.2020`."""
    is_code = is_short_word(word) and not any(map(str.isdigit, word))
    return is_code and (len(word.split()) == 1 or column.values[word] > 1)


def _list(column: Column, words: Sequence[str]) -> str:
    """Its words, unless they may be what was written of a person."""
    if column.holds_codes:
        return f"its words: {', '.join(words)}"
    further = sum(bool(LEAVERS.search(fold(word))) and not _may_be_named(column, word) for word in words)
    beside = f", of which {further} more may be of leavers" if further else ""
    return f"it has {len(column.values)} different words{beside}"


def _by_activity(table: Table, column: Column) -> Iterator[Condition]:
    words = _words(column)
    if not words or not all(fold(word) in YES | NO for word in words):
        table.refuse(column, "holds other words than yes and no")
        return
    note = f"who is not active, by {column.name!r}"
    if all(fold(word) == "x" for word in words):
        yield Condition(value=in_toml({"from": column.name, "empty": False}), column=column.name, note=note)
        return
    against = [word for word in words if fold(word) in NO] or [OPPOSITES.get(fold(word), "nein") for word in words]
    yield Condition(value=in_toml({"from": column.name, "is_not": against}), column=column.name, note=note)


def _words(column: Column) -> list[str]:
    """Its words, in one spelling each, where they come so often that none is one person's own."""
    if len(column.values) > MOST_WORDS:
        return []
    nothings = set(column.nothings)
    return list({fold(word): word for word in sorted(column.values) if word not in nothings}.values())
