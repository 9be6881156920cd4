"""The one place that knows what go~mus's answers look like, in all the shapes that its pages allow."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from syncd.domain.records import LookupEntry, RemoteCustomer, Value
from syncd.gomus.fields import FIELDS

OTHER_KEYS = {"customer_salutation_id": "salutation", "customer_title_id": "title"}
ADDRESS = "addr_"
UNSAID = object()
LONGEST_READ, MOST_READ = 600, 5  # letters of a text, texts of an answer: a long word takes a long time
LONGEST_SENTENCE = 200


@dataclass(frozen=True, kw_only=True)
class WriteAnswer:
    """A write that go~mus took: `saved` is whatever customers the answer shows, perhaps none.

    `later` is a 202: the effect is still to come. `errors` beside a success are what the catalogue knows of them.
    """

    status: int
    saved: tuple[RemoteCustomer, ...] = ()
    errors: tuple[str, ...] = ()
    attempts: int = 1
    later: bool = False

    @cached_property
    def by_id(self) -> Mapping[str | None, RemoteCustomer]:
        """Of those with the very same foreign_id the first."""
        return {shown.foreign_id: shown for shown in reversed(self.saved)}


# --- customers ---


def read_customers(answer: object, *, is_whole: bool = False) -> tuple[RemoteCustomer, ...]:
    """Every customer in an answer: wrapped or bare, one or a list, under either key.

    `is_whole`: a field that is not named is empty; else nothing is said of it.
    """
    return tuple(customer for shown in _shown(answer) if (customer := _customer(shown, is_whole=is_whole)) is not None)


def _shown(answer: object) -> list[object]:
    if isinstance(answer, Mapping):
        answer = next((answer[key] for key in ("customers", "customer") if key in answer), answer)
    return list(answer) if isinstance(answer, list) else [answer]


def _customer(shown: object, *, is_whole: bool) -> RemoteCustomer | None:
    if not isinstance(shown, Mapping) or (gomus_id := _number(shown.get("id"))) is None:
        return None
    addresses = [one for one in _listed(shown.get("addresses")) if isinstance(one, Mapping)]
    first = addresses[0] if addresses else {}
    foreign_id = shown.get("foreign_id")
    return RemoteCustomer(
        gomus_id=gomus_id,
        foreign_id=None if foreign_id in (None, "") else str(foreign_id),
        fields={
            name: value if value is None or isinstance(value, str) else _plain(value)
            for name, field in FIELDS.items()
            if (value := shown[name] if name in shown else _field(shown, first, name)) is not UNSAID
            or (is_whole and not field.may_be_hidden)
        },
        addresses=max(1, len(addresses)),
    )


def _field(shown: Mapping[str, object], address: Mapping[str, object], name: str) -> object:
    """One that does not stand under its own name."""
    if name.startswith(ADDRESS):
        return address.get(name.removeprefix(ADDRESS), address.get(name, UNSAID))
    if short := OTHER_KEYS.get(name):
        nested = shown.get(short, shown.get(f"customer_{short}", UNSAID))
        return nested.get("id") if isinstance(nested, Mapping) else shown.get(f"{short}_id", nested)
    return UNSAID


def _plain(value: object) -> Value:
    if value is UNSAID:
        return None
    return value if isinstance(value, str | int | bool) else None if value is None else str(value)


def _number(value: object) -> int | None:
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    return int(value) if isinstance(value, str) and value.isdecimal() and value.isascii() else None


def _listed(value: object) -> Sequence[object]:
    return value if isinstance(value, list) else ()


# --- lists ---


@dataclass(frozen=True, slots=True, kw_only=True)
class ListPage:
    """One page of a list; `total` is None where the list comes whole."""

    entries: tuple[LookupEntry, ...]
    count: int
    total: int | None


def read_list(answer: object) -> ListPage | None:
    """A page of salutations, titles, countries or locales, under whatever key; None where there is no list."""
    meta = answer.get("meta") if isinstance(answer, Mapping) else None
    listed = answer if isinstance(answer, list) else _first_list(answer)
    if listed is None:
        return None
    meta = meta if isinstance(meta, Mapping) else {}
    return ListPage(
        entries=tuple(entry for one in listed if (entry := _entry(one)) is not None),
        count=len(listed),
        total=_number(meta.get("total_count")),
    )


def _first_list(answer: object) -> list[object] | None:
    if not isinstance(answer, Mapping):
        return None
    return next((value for value in answer.values() if isinstance(value, list)), None)


def _entry(one: object) -> LookupEntry | None:
    """Any text of an entry is a name or a code of it; without an id it can't be used."""
    if not isinstance(one, Mapping) or (number := _number(one.get("id"))) is None:
        return None
    return LookupEntry(id=number, names=tuple(text for text in one.values() if isinstance(text, str) and text.strip()))


# --- errors ---


def read_errors(answer: object) -> tuple[str, ...]:
    """The texts of an error answer, the detailed ones where there are any: to be looked at, never to be kept."""
    if not isinstance(answer, Mapping):
        return ()
    detailed = tuple(_texts(answer.get("errors")))
    return detailed or tuple(_texts(answer.get("error"))) or tuple(_texts(answer.get("message")))


def _texts(value: object, name: str = "") -> Iterator[str]:
    match value:
        case str():
            yield f"{name} {value}".strip()
        case list():
            for one in value:
                yield from _texts(one, name)
        case Mapping():
            for key, one in value.items():
                yield from _texts(one, str(key) if not str(key).isdecimal() else name)
        case _:
            return


def find_named(texts: Iterable[str], foreign_ids: Iterable[str]) -> frozenset[str]:
    """The foreign_ids of a batch that stand in the error texts, as words of their own."""
    whole = "\n".join(texts)
    return frozenset(name for name in foreign_ids if re.search(rf"(?<![\w-]){re.escape(name)}(?![\w-])", whole))


def find_number(texts: Sequence[str]) -> int | None:
    """The only number in the only sentence of an error, as in "at most 50 customers"; None where it is not so."""
    numbers = re.findall(r"(?<![\w.,-])[1-9]\d{0,4}(?![\w,-])", texts[0][:LONGEST_SENTENCE]) if len(texts) == 1 else []
    return int(numbers[0]) if len(numbers) == 1 else None


_TAKEN = re.compile(r"taken|vergeben|utilis|disponible|in gebruik|bezet", re.IGNORECASE)
_FOREIGN_ID = re.compile(r"\bforeign\b|(foreign|fremd)[\s_-]?(id|schl)", re.IGNORECASE)  # Rails leaves out "_id"


def is_taken(texts: Sequence[str]) -> bool:
    """Whether a refusal says that somebody has this foreign_id already: then go~mus keeps them unique."""
    read = [text[:LONGEST_READ] for text in texts[:MOST_READ]]
    return any(_TAKEN.search(text) and _FOREIGN_ID.search(text) for text in read)
