"""What may have been meant by a key that its table does not have: another table's, another name, or nothing near."""

from collections.abc import Iterator, Mapping

from syncd.config.places import KeyPath, find, find_table, spell
from syncd.config.schema import outline
from syncd.domain.nearest import find_nearest, suggest
from syncd.gomus.fields import FIELDS
from syncd.mapping.transforms import PLAIN, WITH_ARGUMENT
from syncd.sources import available_sources

# What other programs call it; of several the first that the table has
_SYNONYMS: Mapping[str, tuple[str, ...]] = {
    "column": ("from",),
    "field": ("from",),
    "spalte": ("from",),
    "equals": ("is",),
    "in": ("is",),
    "not": ("is_not",),
    "regex": ("matches",),
    "pattern": ("matches",),
    "host": ("url",),
    "address": ("url",),
    "base_url": ("url",),
    "server": ("url",),
    "key": ("token",),
    "api_key": ("token",),
    "apikey": ("token",),
    "cron": ("schedule",),
    "interval": ("schedule",),
    "tz": ("timezone",),
    "file": ("path",),
    "filename": ("path",),
    "separator": ("delimiter",),
    "sep": ("delimiter",),
    "charset": ("encoding",),
    "user": ("username",),
    "id": ("foreign_id",),
    "mapping": ("fields",),
    "days": ("grace",),
    "port": ("listen",),
    "database": ("url",),
}
_IN_SYNC = ("source", "foreign_id", "delete", "guards", "fields")


def meant(place: KeyPath, document: object) -> str | None:
    """The key of the same table that is near, if there is one."""
    known = outline().keys(document, place[:-1])
    synonym = next((one for one in _SYNONYMS.get(str(place[-1]).casefold(), ()) if one in known), None)
    return synonym or find_nearest(str(place[-1]), known)


def explain_unknown(place: KeyPath, document: object) -> str:
    known = sorted(outline().keys(document, place[:-1]))
    key = str(place[-1])
    if key in {*PLAIN, *WITH_ARGUMENT} and "transform" in known:
        return f"unknown key; it is a transform: transform = [{_as_step(key)}]"
    if near := find_nearest(key, known, cutoff=0.8):
        return f"unknown key; did you mean {near!r}?"
    if len(place) == 1 and (kind := _kind_of(find(document, place))):
        return f"unknown key; write [{kind}.{spell(place)}]"
    if table := next(_tables_with(key, place, document), None):
        return f"unknown key here; it belongs to {table}"
    if kinds := _kinds_with(key, place, document):
        return f"unknown key; it is for sources of type {' or '.join(kinds)}"
    if near := meant(place, document):
        return f"unknown key; did you mean {near!r}?"
    return f"unknown key; there are {', '.join(known)}" if known else "unknown key"


def explain_field(place: KeyPath, document: object) -> str:
    """For a key of `fields` that go~mus does not have."""
    key, value = str(place[-1]), find(document, place)
    if isinstance(value, dict) and len(value) == 1:  # a dot in the column's name
        ((rest, value),) = value.items()
        key = f"{key}.{rest}" if isinstance(value, str) and value in FIELDS else key
    if isinstance(value, str) and value in FIELDS:
        return f'go~mus has no customer field {key!r}: its field stands on the left, as in {value} = "{key}"'
    return f"go~mus has no customer field {key!r}" + (suggest(key, FIELDS) or f"; there are {', '.join(FIELDS)}")


def _kind_of(table: object) -> str | None:
    """Whether a table looks like a sync or like an instance."""
    keys = find_table(table).keys()
    return "sync" if keys & {"source", "foreign_id", "fields"} else "gomus" if keys >= {"url", "token"} else None


def explain_missing(place: KeyPath, document: object) -> str | None:
    """Where a sync lacks what another one has whose name is nearly the same."""
    match place:
        case ("sync", str(name), str(key)):
            near = _namesake(name, document)
            is_there = near and key in find_table(document, "sync", near)
            return f"there is [sync.{near}.{key}]; did you mean [sync.{name}.{key}]?" if is_there else None
        case _:
            return None


def is_stray(place: KeyPath, document: object) -> bool:
    """Whether it is of a sync that is nothing but some tables of another one, whose name is misspelt."""
    match place:
        case ("sync", str(name), *_):
            own, other = (_essential(one, document) for one in (name, _namesake(name, document) or name))
            return bool(own) and not own & other and len(own) < len(other)
        case _:
            return False


def _namesake(name: str, document: object) -> str | None:
    return find_nearest(name, find_table(document, "sync").keys() - {name}, cutoff=0.7)


def _essential(sync: str, document: object) -> set[str]:
    return {"source", "foreign_id", "fields"} & find_table(document, "sync", sync).keys()


def _as_step(name: str) -> str:
    return f'"{name}"' if name in PLAIN else f"{{ {name} = ... }}"


def _tables_with(key: str, place: KeyPath, document: object) -> Iterator[str]:
    """The headings of the tables around that have such a key, the nearest ones first."""
    syncs, instances = find_table(document, "sync"), find_table(document, "gomus")
    sync = place[1] if place[:1] == ("sync",) and len(place) > 2 else next(iter(syncs), "NAME")
    around: list[KeyPath] = [("sync", sync, table) for table in _IN_SYNC]
    around.append(("sync", sync))
    if place[0] != "sync":
        around = []
    tops: list[KeyPath] = [("gomus", next(iter(instances), "NAME")), ("state",), ("daemon",), ("notify",), ("web",)]
    for path in (*around, *(tops if len(place) <= 2 or not around else ())):
        if path != place[:-1] and key in outline().keys(document, path):
            yield f"[{spell(path)}]"
    if len(place) == 1 and key in outline().keys(document, ("sync", sync)):
        yield f"a sync: [sync.NAME.{key}]"


def _kinds_with(key: str, place: KeyPath, document: object) -> list[str]:
    """The kinds of source that have such a key, if it stands in one of another kind."""
    if place[2:3] != ("source",) or len(place) != 4:
        return []
    own = find_table(document, "sync", str(place[1]), "source")
    return [
        repr(kind)
        for kind in available_sources()
        if key in outline().keys({"sync": {place[1]: {"source": {**own, "type": kind}}}}, place[:-1])
    ]
