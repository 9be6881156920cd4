"""Which column identifies a record for ever, and why not another one."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from syncd.config.drafting.cells import EMAIL, ID, KEPT, Column, find_form
from syncd.config.drafting.names import SURE_OF_NAMES, is_id_name, is_row_number, recognize, share_of_names

LONGEST = 40  # signs of an id
UNFIT = " /?#%\\"  # what can't stand in the address of a call


@dataclass(frozen=True, slots=True, kw_only=True)
class Id:
    """`reasons` say why it is this column, and why it is none of its neighbours."""

    column: Column
    reasons: Sequence[str]

    @property
    def transform(self) -> list[object]:
        signs = [sign for sign in UNFIT if any(sign in text for text in self.column.values)]
        return [{"replace": dict.fromkeys(signs, "-")}] if signs else []


def find_id(columns: Mapping[str, Column], wanted: str | None) -> Id:
    """Raises LookupError where no column can be the id, or the one that is wanted can't."""
    column = _wanted(columns, wanted) if wanted is not None else _guess(columns)
    return Id(column=column, reasons=[_praise(column, wanted), *_neighbours(columns, column)])


def _wanted(columns: Mapping[str, Column], name: str) -> Column:
    if name not in columns:
        raise LookupError(f"there is no column {name!r}; there are {_list(columns, columns)}")
    if not columns[name].can_be_id:
        what = f"{columns[name].without_id} records have nothing in the column {name!r}, or the same as another"
        raise LookupError(f"{what}, so it is no id; name another with --id")
    return columns[name]


def _list(names: Collection[str], header: Collection[str]) -> str:
    """How many, where the header may be a record, whose cells are not shown."""
    return ", ".join(map(repr, names)) if share_of_names(list(header)) >= SURE_OF_NAMES else f"{len(names)}"


def _guess(columns: Mapping[str, Column]) -> Column:
    named = [one for one in columns.values() if is_id_name(one.name) and one.can_be_id]
    fitting = named or [one for one in columns.values() if _looks_like_id(one)]
    if not named and len(fitting) > 1:
        listed = _list([one.name for one in fitting], columns)
        raise LookupError(f"several columns may be the id ({listed}); name it with --id")
    if not fitting:
        damaged = [f"{one.name!r}: {_damage(one)}" for one in columns.values() if is_id_name(one.name)]
        why = f" ({'; '.join(damaged)})" if damaged else ""
        raise LookupError(
            f"no column looks like an id that every record has and no two share{why}; "
            "name it with --id, or let the program export its number of each record"
        )
    return min(fitting, key=lambda one: (one.counts_rows, one.without_id))


def _looks_like_id(column: Column) -> bool:
    """By its values alone: all different, each short and with a digit, and nothing that a person may change."""
    is_short = max(map(len, column.values), default=LONGEST) < LONGEST
    if not column.can_be_id or not is_short or not column.is_mostly(ID):
        return False
    return recognize(column.name) is None and not is_row_number(column.name) and _change(column) is None


def _change(column: Column) -> str | None:
    """What a column holds that is nobody's for ever."""
    if column.is_mostly(EMAIL):
        return "e-mail addresses, which change"
    if find_form(column):
        return "dates"
    return "telephone numbers, which change" if column.holds_telephones else None


def _praise(column: Column, wanted: str | None) -> str:
    how = "named with --id" if wanted is not None else ("by its name" if is_id_name(column.name) else "by its values")
    if column.without_id:
        return f"{how}; {_damage(column)}"
    if column.counts_rows:
        return f"{how}; it counts from 1 on without a gap: where that is the place in the list, name another with --id"
    which = "no two" if len(column.values) < KEPT else f"no two of the first {KEPT}"
    return f"{how}; full, and {which} are equal"


def _damage(column: Column) -> str:
    return f"{column.without_id} records lack it or share it, and would be invalid"


def _neighbours(columns: Mapping[str, Column], chosen: Column) -> list[str]:
    found = []
    for one in columns.values():
        if one is chosen or not one.values:
            continue
        if is_id_name(one.name):
            why = "it counts the rows from 1 on" if one.counts_rows else "full and different too: look"
            why = f"{one.without_id} records lack it or share it" if one.without_id else why
            found.append(f"not {one.name!r}: {why}")
        elif not one.without_id and is_row_number(one.name):
            found.append(f"not {one.name!r}: it numbers the rows, and changes when the list does")
        elif not one.without_id and (change := _change(one)):
            found.append(f"not {one.name!r}: it holds {change}")
    return found
