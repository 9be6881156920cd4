"""Who no longer belongs to the list: conditions of `where`, drafted from the columns and words that are there."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date

from syncd.config.drafting.cells import Column, DateForm, find_form
from syncd.config.drafting.lines import Table, in_toml
from syncd.config.drafting.names import Meaning
from syncd.config.drafting.vocabulary import LEAVERS, NO, YES
from syncd.mapping.lookups import fold

MOST_WORDS = 20
OPPOSITES = {"yes": "no", "true": "false", "wahr": "falsch", "1": "0", "j": "n", "y": "n"}
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
        yield _leaving(column, today)
    for column in table.all(Meaning.DECEASED):
        yield _marked(column, "died", today)
    for column in table.all(Meaning.STATUS):
        yield from _by_status(table, column)
    for column in table.all(Meaning.ACTIVE):
        yield from _by_activity(table, column)
    for column in table.all(Meaning.OPTED_OUT):
        yield _opted_out(column, today)
    for column in (*table.all(Meaning.KIND), *table.unknown()):
        yield from _by_chance(column)


def _leaving(column: Column, today: date) -> Condition:
    form = find_form(column)
    if form is None:
        return _marked(column, "left", today)
    condition = _dated(column, form, today)
    note = f"who has left by the date in {column.name!r}"
    if not form.is_sure:
        note += ": day and month may stand in either order, so look at the form before you take the # away"
    return Condition(value=in_toml(condition), column=column.name, note=note, is_off=not form.is_sure)


def _dated(column: Column, form: DateForm, today: date) -> dict[str, object]:
    steps = _day_steps(column, form, today)
    given: str | list[str] = "%Y-%m-%d" if steps else form.forms[0] if len(form.forms) == 1 else list(form.forms)
    return {"from": column.name, **steps, "date": given, "after": "today", "or_empty": True}


def _day_steps(column: Column, form: DateForm, today: date) -> dict[str, object]:
    """The step before the test: for date cells of a workbook, years of two digits, and what stands for nothing."""
    steps: list[object] = [{"null-if": column.nothings}] if column.nothings else []
    if form.has_short_years or column.has_days or steps:
        steps.append(date_step(form, today.year + YEARS_AHEAD))
    return {"transform": steps} if steps else {}


def date_step(form: DateForm, pivot: int) -> dict[str, object]:
    """The step that reads the dates of a column."""
    forms = form.forms[0] if len(form.forms) == 1 else list(form.forms)
    return {
        "date": forms,
        **({"pivot": pivot} if form.has_short_years else {}),
        **({"zone": "Europe/Berlin"} if any("%H" in one for one in form.forms) else {}),
    }


def _marked(column: Column, what: str, today: date) -> Condition:
    """A mark, words for yes and no, or the day of it."""
    note = f"who has {what}, by {column.name!r}"
    words = _words(column)
    if words and all(fold(word) in YES | NO for word in words):
        return _is_not(column, [word for word in words if fold(word) in YES], note)
    form = find_form(column)
    steps = _day_steps(column, form, today) if form else {}
    is_clear = form is not None or len(words) == 1
    condition = {"from": column.name, **steps, "empty": True}
    if not is_clear:
        note += ": whoever has anything there; look before you take the # away"
    return Condition(value=in_toml(condition), column=column.name, note=note, is_off=not is_clear)


def _is_not(column: Column, words: Sequence[str], note: str) -> Condition:
    """With no such word in it today, the usual one, commented out: it is for the day when there is one."""
    value = in_toml({"from": column.name, "is_not": list(words) or ["ja"]})
    return Condition(value=value, column=column.name, note=note, is_off=not words)


def _by_status(table: Table, column: Column) -> Iterator[Condition]:
    words = _words(column)
    if not words or len(column.values) * 2 > column.values.total():  # else each may be one person's own
        table.refuse(column, f"has {len(column.values)} different texts, too many to tell who has left")
        return
    leaving = _leaving_words(words)
    found = f"by {column.name!r}; its words: {', '.join(words)}"
    note = f"who is {' or '.join(leaving)}, {found}" if leaving else f"who has left, perhaps {found}"
    value = in_toml({"from": column.name, "is_not": leaving or words[:1]})
    yield Condition(value=value, column=column.name, note=note, is_off=not leaving)


def _by_chance(column: Column) -> Iterator[Condition]:
    """Of a column that is there for something else, such as `Kennung`, and has a word for leavers among its few."""
    words = _words(column) if column.has_few_words else []
    if leaving := _leaving_words(words):
        note = f"who is {' or '.join(leaving)}, by {column.name!r}; its words: {', '.join(words)}"
        yield Condition(
            value=in_toml({"from": column.name, "is_not": leaving}),
            column=column.name,
            note=f"{note}: take the # away where they have left",
            is_off=True,
        )


def _leaving_words(words: Sequence[str]) -> list[str]:
    return [word for word in words if LEAVERS.search(fold(word))]


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


def _opted_out(column: Column, today: date) -> Condition:
    condition = _marked(column, "opted out of something", today)
    note = f"{condition.note}: a customer of the shop all the same? If not, take the # away"
    return Condition(value=condition.value, column=column.name, note=note, is_off=True)


def _words(column: Column) -> list[str]:
    """Its words, in one spelling each, where they come so often that none is one person's own."""
    if len(column.values) > MOST_WORDS:
        return []
    nothings = set(column.nothings)
    return list({fold(word): word for word in sorted(column.values) if word not in nothings}.values())
