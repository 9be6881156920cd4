"""A first configuration, guessed from the columns of a real export. A person reads it before anything runs."""

import json
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice

from syncd.domain.nearest import bare_name
from syncd.gomus.fields import FIELDS

Row = Mapping[str, object]

# go~mus field → what its column is called, in exports of museums, letters and digits only
COLUMNS: Mapping[str, tuple[str, ...]] = {
    "customer_salutation_id": ("anrede", "salutation"),
    "customer_title_id": ("titel", "akademischertitel", "title"),
    "name": ("vorname", "firstname", "givenname", "prenom", "rufname"),
    "surname": ("nachname", "familienname", "zuname", "lastname", "surname", "familyname", "nom", "name"),
    "institution": ("firma", "institution", "organisation", "organization", "unternehmen", "company", "schule"),
    "email": ("email", "emailadresse", "mail", "mailadresse", "emailaddress", "courriel"),
    "tel": ("telefon", "telefonnummer", "tel", "festnetz", "phone", "telephone", "phonenumber", "telefonprivat"),
    "mobile": ("mobil", "mobiltelefon", "handy", "mobile", "mobilephone", "mobilnummer", "handynummer"),
    "fax": ("fax", "telefax", "faxnummer"),
    "addr_street": (
        "strasse",
        "straße",
        "strassehausnummer",
        "straßehausnummer",
        "street",
        "adresse",
        "address",
        "rue",
    ),
    "addr_zip": ("plz", "postleitzahl", "zip", "zipcode", "postcode", "postalcode", "codepostal"),
    "addr_city": ("ort", "stadt", "wohnort", "city", "town", "ville"),
    "addr_country_id": ("land", "staat", "country", "ländercode", "landescode", "countrycode", "pays"),
    "date_of_birth": ("geburtsdatum", "geburtstag", "geboren", "geborenam", "dateofbirth", "birthday", "birthdate"),
    "vat_number": ("ustid", "ustidnr", "umsatzsteuerid", "vatnumber", "vatid", "vat"),
    "notes": ("bemerkung", "bemerkungen", "notiz", "notizen", "kommentar", "notes", "note", "comment", "remarks"),
}
PHONE = '{{ from = {}, transform = [{{ phone = "DE" }}] }}'
# go~mus field → how its column is taken; a date in the form that fits, any other as it is
SPECS: Mapping[str, str] = {
    "customer_salutation_id": '{{ from = {}, lookup = "salutation" }}',
    "customer_title_id": '{{ from = {}, lookup = "title" }}',
    "addr_country_id": '{{ from = {}, lookup = "country", default = "DE" }}',
    "email": '{{ from = {}, transform = ["strip", "lower"] }}',
    "tel": PHONE,
    "mobile": PHONE,
    "fax": PHONE,
}
IDS = re.compile(
    r"(mitglied|kunden?|adress|kontakt|member|customer|contact|record|foreign|crm)?(s?)(id|nr|nummer|number|no)"
)
DATES = ("%d.%m.%Y", "%Y-%m-%d", "%d/%m/%Y", "%d-%m-%Y", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M:%S")
SAMPLE = 10_000  # rows that are looked at
TOLERATED = 20  # one record in so many may lack an id or share it


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """`fields` maps each go~mus field to its value in TOML; `unused` are the columns that became none.

    `without_id` counts the records that lack an id or share one.
    """

    foreign_id: str
    without_id: int
    fields: Mapping[str, str]
    unused: Sequence[str]
    rows: int


@dataclass(frozen=True, slots=True, kw_only=True)
class _Column:
    """How often each text stands in it; in `empty` records stands none."""

    values: Counter[str]
    empty: int

    @property
    def without_id(self) -> int:
        """How many records lack a value or share theirs, if this were the id."""
        return self.empty + self.values.total() - len(self.values)

    @property
    def can_be_id(self) -> bool:
        """With a few mistakes, as in real exports: their records become invalid."""
        return bool(self.values) and self.without_id * TOLERATED <= len(self.values)


def draw_draft(columns: Sequence[str], rows: Iterable[Row], *, foreign_id: str | None) -> Draft:
    """Recognize what can be recognized; `foreign_id` names the column of the id, otherwise it is guessed.

    Raises LookupError where no column can be the id, or the named one can't.
    """
    sample = list(islice(rows, SAMPLE))
    seen = {name: _count(row.get(name) for row in sample) for name in columns}
    key = foreign_id if foreign_id is not None else _find_id(seen)
    _check_id(key, seen)
    fields: dict[str, str] = {}
    for target, spellings in COLUMNS.items():
        found = next(
            (name for spelling in spellings for name in columns if bare_name(name) == spelling and name != key), None
        )
        if found is not None and found not in fields.values() and seen[found].values:
            fields[target] = found
    used = {key, *fields.values()}
    return Draft(
        foreign_id=key,
        without_id=seen[key].without_id,
        fields={target: _spec(target, name, seen[name]) for target, name in fields.items()},
        unused=[name for name in columns if name not in used],
        rows=len(sample),
    )


def _count(cells: Iterable[object]) -> _Column:
    values = Counter(str(cell if cell is not None else "").strip() for cell in cells)
    empty = values.pop("", 0)
    return _Column(values=values, empty=empty)


def _find_id(seen: Mapping[str, _Column]) -> str:
    named = [name for name, column in seen.items() if IDS.fullmatch(bare_name(name)) and column.can_be_id]
    if not named:
        raise LookupError("no column looks like an id that every record has and no two share; name it with --id")
    return named[0]


def _check_id(name: str, seen: Mapping[str, _Column]) -> None:
    if name not in seen:
        raise LookupError(f"there is no column {name!r}; there are {', '.join(map(repr, seen))}")
    if not seen[name].can_be_id:
        what = f"{seen[name].without_id} records have nothing in the column {name!r}, or the same as another"
        raise LookupError(f"{what}, so it is no id; name another with --id")


def _spec(target: str, name: str, column: _Column) -> str:
    if target == "date_of_birth":
        return f"{{ from = {_quote(name)}, transform = [{{ date = {_quote(_date_form(column))} }}] }}"
    return SPECS.get(target, "{}").format(_quote(name))


def _date_form(column: _Column) -> str:
    """The form that fits most of the values."""
    return max(DATES, key=lambda form: sum(n for text, n in column.values.items() if _fits(text, form)))


def _fits(text: str, form: str) -> bool:
    try:
        datetime.strptime(text, form)  # noqa: DTZ007 - only whether it fits
    except ValueError:
        return False
    return True


def _quote(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


def _in_toml(value: object) -> str:
    if isinstance(value, Mapping):
        return f"{{ {', '.join(f'{key} = {_in_toml(one)}' for key, one in value.items())} }}"
    return _quote(str(value))


def write_draft(draft: Draft, *, sync: str, url: str, source: Mapping[str, object]) -> str:
    """The configuration as text; `source` are the lines of its source table."""
    width = max((len(name) for name in draft.fields), default=0)
    lines = [
        "# Written by `syncd init`. Read it through: above all the id, and which name is the family name.",
        "# Then: `syncd check`, `syncd plan`, and `syncd --once`.",
        "",
        "[state]",
        'url = "sqlite:///syncd.db"',
        "",
        "[gomus.main]",
        f"url = {_quote(url)}",
        'token = { env = "GOMUS_TOKEN" }       # the token stands in this environment variable, never in this file',
        "",
        f"[sync.{sync}]",
        '# schedule = "*/15 * * * *"           # for the daemon, `syncd` without arguments',
        "",
        f"[sync.{sync}.source]",
        *(f"{key} = {_in_toml(value)}" for key, value in source.items()),
        "",
        f"[sync.{sync}.foreign_id]",
        f"from = {_quote(draft.foreign_id)}",
        f"prefix = {_quote(sync.upper() + '-')}",
        "",
        f"[sync.{sync}.fields]",
        *(f"{name.ljust(width)} = {spec}" for name, spec in draft.fields.items()),
        *(f"# not used: {_quote(name)}" for name in draft.unused),
        "",
        f"[sync.{sync}.delete]",
        'mode = "anonymize-then-delete"        # or "anonymize", "ignore"',
        'grace = "30d"                         # absent this long before anything happens',
        "",
    ]
    return "\n".join(lines)


assert COLUMNS.keys() <= FIELDS.keys()  # noqa: S101 - a field that go~mus lacks would make every draft invalid
