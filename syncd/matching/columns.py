"""Which columns of an export of go~mus say who a customer is, by their names or as they are named."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from syncd.config.drafting.names import SURE_OF_NAMES, Meaning, recognize, share_of_names, split_name
from syncd.domain.nearest import suggest

ROLES = ("id", "email", "name", "surname", "foreign_id")
BY = ("email", "name", "surname")
_NUMBERS = frozenset(
    "id nr nummer number no kundennr kundennummer kundenid kdnr kdnummer customerid customernumber customerno "
    "customernr gomusid gomusnr gomusnummer".split()
)
_FOREIGN = frozenset(
    "foreignid fremdid fremdnummer fremdnr fremdschluessel externeid externenummer externenr externid externalid "
    "externalnumber".split()
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Columns:
    """`surname` may be a column that holds all names of a person; `foreign_id` is None where it was not exported."""

    id: str
    email: str | None
    name: str | None
    surname: str | None
    foreign_id: str | None


def find_columns(header: Sequence[str], named: Mapping[str, str], by: Iterable[str]) -> Columns:
    """Raises LookupError, with what to do, where a column is missing, or several may be meant."""
    for role, column in named.items():
        if column not in header:
            raise LookupError(f"--columns {role}={column}: there is no such column{suggest(column, header)}")
    found = {role: named[role] if role in named else _one(role, _SEEKING[role](header), header) for role in ROLES}
    wanted = {"id", *by}
    if _holds_all_names(found["surname"], named):
        wanted -= {"name"}
    missing = [role for role in ROLES if role in wanted and found[role] is None]
    if missing:
        example = ",".join(f"{role}=..." for role in missing)
        raise LookupError(
            f"no column is known as {' and '.join(_CALLED[role] for role in missing)}: name it with --columns "
            f"{example}, or say with --by what is compared. {_listed(header)}"
        )
    return Columns(
        id=found["id"] or "",
        email=found["email"],
        name=found["name"],
        surname=found["surname"],
        foreign_id=found["foreign_id"],
    )


def _one(role: str, candidates: Sequence[str], header: Sequence[str]) -> str | None:
    if len(candidates) > 1:
        raise LookupError(
            f"several columns may be {_CALLED[role]} ({_quoted(candidates, header)}): name it with --columns {role}=..."
        )
    return candidates[0] if candidates else None


def _of(meaning: Meaning) -> Callable[[Sequence[str]], list[str]]:
    """The columns of a meaning: a person's own before further ones."""

    def find(header: Sequence[str]) -> list[str]:
        ranks = {name: seen.rank for name in header if (seen := recognize(name)) and seen.meaning is meaning}
        return [name for name, rank in ranks.items() if rank == min(ranks.values())]

    return find


def _name(header: Sequence[str]) -> list[str]:
    """Beside a surname, `name` is the first name, as go~mus calls it."""
    return _of(Meaning.GIVEN)(header) or (_of(Meaning.NAME)(header) if _of(Meaning.FAMILY)(header) else [])


def _surname(header: Sequence[str]) -> list[str]:
    """Beside a first name, `Name` is the surname; alone it holds both."""
    return next(filter(None, (_of(one)(header) for one in (Meaning.FAMILY, Meaning.NAME, Meaning.BOTH))), [])


def _holds_all_names(column: str | None, named: Mapping[str, str]) -> bool:
    """Where nobody has named a column for the first name, the one for the surname says whether it holds both."""
    seen = recognize(column) if column and "name" not in named else None
    return seen is not None and seen.meaning in (Meaning.NAME, Meaning.BOTH)


def _called(names: Iterable[str]) -> Callable[[Sequence[str]], list[str]]:
    return lambda header: [name for name in header if "".join(split_name(name)) in names]


_SEEKING: Mapping[str, Callable[[Sequence[str]], list[str]]] = {
    "id": _called(_NUMBERS),
    "email": _of(Meaning.EMAIL),
    "name": _name,
    "surname": _surname,
    "foreign_id": _called(_FOREIGN),
}
_CALLED = {
    "id": "the number of a customer",
    "email": "the e-mail address",
    "name": "the first name",
    "surname": "the surname",
    "foreign_id": "the foreign_id",
}


def _quoted(names: Sequence[str], header: Sequence[str]) -> str:
    """How many, where the header may be a customer, whose cells are not shown."""
    return ", ".join(map(repr, names)) if share_of_names(list(header)) >= SURE_OF_NAMES else f"{len(names)}"


def _listed(header: Sequence[str]) -> str:
    if share_of_names(list(header)) >= SURE_OF_NAMES:
        return f"The columns are: {_quoted(header, header)}"
    return f"The file has {len(header)} columns, and few or none of their names are known: is the first row the header?"
