"""A first sync, guessed from the columns of a real export. A person reads it before anything runs."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from syncd.config.drafting.cells import Column, describe, find_form
from syncd.config.drafting.contact import draft_address, draft_reach
from syncd.config.drafting.ids import Id, find_id
from syncd.config.drafting.leavers import Condition, date_step, draft_where
from syncd.config.drafting.lines import Line, Lists, Table, line
from syncd.config.drafting.names import Meaning, is_id_name
from syncd.config.drafting.people import draft_country, draft_people, draft_words
from syncd.gomus.fields import FIELDS

BIRTHDAY = "does go~mus need it? Data that nobody needs is better not sent: take the # away where it does"
HEADER = "; export the list with its header, or say where it is: --source header_row=3"
REMARKS = "remarks may hold what nobody at the till should read: take the # away only where all of them may"
NO_SURNAME = "no column for the surname was found, and go~mus refuses customers without one: name it in [fields]"


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """`left_out` are the columns that went nowhere, each with what it looks like."""

    sync: str
    source: Mapping[str, object]
    id: Id
    fields: Sequence[Line]
    where: Sequence[Condition]
    left_out: Mapping[str, str]
    missing: Sequence[str]
    records: int

    @property
    def left_out_by_looks(self) -> Mapping[str, Sequence[str]]:
        """What columns look like, with all that look so: some programs export a hundred, most of them empty."""
        found: dict[str, list[str]] = {}
        for name, looks in self.left_out.items():
            found.setdefault(looks, []).append(name)
        return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """`foreign_id` names the column of the id, otherwise it is guessed; `lists` are those of the instance.

    `shows_words`: what is left out may be described by words that stand in it.
    """

    foreign_id: str | None
    today: date
    lists: Lists
    shows_words: bool


def draw_draft(
    sync: str,
    columns: Sequence[str],
    rows: Iterable[Mapping[str, object]],
    *,
    source: Mapping[str, object],
    setting: Setting,
) -> Draft:
    """Recognize what can be recognized. Raises LookupError where nothing is, or no column can be the id."""
    counted = {name: Column(name) for name in columns}
    records = 0
    for row in rows:
        records += 1
        for name, column in counted.items():
            column.take(row.get(name))
    id_ = find_id(counted, setting.foreign_id)
    table = Table(counted, id_.column.name)
    where = list(draft_where(table, setting.today))
    fields = _draft_fields(table, sync, setting)
    if all(one.is_off for one in fields):
        raise LookupError(f"none of its {len(columns)} columns is known as one of a customer{HEADER}")
    return Draft(
        sync=sync,
        source=source,
        id=id_,
        fields=fields,
        where=where,
        left_out=dict(_list_left_out(table, fields, where, shows_words=setting.shows_words)),
        missing=[] if any(one.key == "surname" for one in fields) else [NO_SURNAME],
        records=records,
    )


def _draft_fields(table: Table, sync: str, setting: Setting) -> list[Line]:
    """In the order of go~mus's fields."""
    _find_house_number(table)
    order = list(FIELDS)
    lines = [
        *draft_words(table, setting.lists),
        *draft_people(table, sync),
        *draft_reach(table),
        *draft_address(table),
        *draft_country(table, setting.lists),
        *_draft_rest(table, setting.today),
    ]
    return sorted(lines, key=lambda one: order.index(one.key))


def _find_house_number(table: Table) -> None:
    """`Nr.` right behind the street is no id."""
    street = table.first(Meaning.STREET)
    if street is None or table.first(Meaning.HOUSE):
        return
    columns = list(table.columns)
    behind = columns[columns.index(street.name) + 1 :][:1]
    for name in behind:
        if name != table.key and is_id_name(name) and table.columns[name].share(lambda text: text[:1].isdigit()) > 0.5:
            table.move(table.columns[name], Meaning.HOUSE)


def _draft_rest(table: Table, today: date) -> Iterator[Line]:
    for column in table.all(Meaning.VAT)[:1]:
        yield line("vat_number", [column])
    for column in table.all(Meaning.BIRTH)[:1]:
        form = find_form(column)
        if form is None:
            table.refuse(column, "holds dates in no form that is known throughout")
            continue
        doubt = [] if form.is_sure else ["day and month may stand in either order"]
        yield _off(line("date_of_birth", [column], [date_step(form, today.year)], BIRTHDAY, *doubt))
    if notes := table.all(Meaning.NOTES):
        yield _off(line("notes", notes[:1], [], REMARKS))


def _off(one: Line) -> Line:
    return Line(key=one.key, value=one.value, columns=one.columns, notes=one.notes, is_off=True)


def _list_left_out(
    table: Table, fields: Sequence[Line], where: Sequence[Condition], *, shows_words: bool
) -> Iterator[tuple[str, str]]:
    used = {table.key, *(name for one in fields for name in one.columns), *(one.column for one in where)}
    for name, column in table.columns.items():
        if name not in used:
            looks = describe(column, shows_words=shows_words)
            yield name, f"{looks}; {table.refused[name]}" if name in table.refused else looks
