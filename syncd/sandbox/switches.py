"""What the vendor's pages leave open, one switch a question; the defaults are what they most plausibly mean."""

from dataclasses import dataclass, replace
from functools import cache
from typing import Any, Literal, get_args, get_origin, get_type_hints


@dataclass(frozen=True, slots=True, kw_only=True)
class Switches:
    # What answers look like
    single_answer: Literal["wrapped", "bare"] = "wrapped"  # {"customer": {...}}, or the object itself
    batch_answer: Literal["customers", "customer", "list", "nothing"] = "customers"  # the key, a bare list, or {}
    batch_order: Literal["as-sent", "reversed"] = "as-sent"  # order of the customers in a batch's answer
    address: Literal["flat", "nested"] = "flat"  # addr_* keys, or `addresses: [{...}]` with all of them
    reference_keys: Literal["prefixed", "short"] = "prefixed"  # customer_salutation_id, or salutation_id; titles too
    cleared_fields: Literal["null", "empty"] = "null"  # an empty text field is answered as null, or as ""
    unknown_fields: bool = True  # answers hold fields that no page mentions
    lookup_key: Literal["short", "prefixed", "bare"] = "short"  # "salutations", "customer_salutations", or a bare list
    lookup_name: Literal["name", "title", "label"] = "name"  # the key of a salutation's or title's text
    lookup_pages: Literal["whole", "pages"] = "whole"  # pages come with `meta`; a bare list is always whole
    per_page: int = 25  # of every list that paginates

    # What writes do
    bad_entry: Literal["atomic", "partial-422", "partial-200"] = (
        "atomic"  # a bad one in a batch: none saved, or the rest
    )
    batch_cap: int = 100  # more than this at once: 422, nothing saved
    foreign_ids: Literal["unique", "repeatable"] = "unique"  # may two customers have the same one
    unknown_update: Literal["entry", "batch", "batch-404", "silence"] = "entry"  # what an unknown foreign_id spoils
    cleared_by: Literal["both", "null", "empty"] = "both"  # what empties a field; the other is ignored
    writes: Literal["at-once", "accepted"] = "at-once"  # accepted: 202 and no customer, the effect comes later
    accepted_for: int = 1  # further calls (or at most a second) that still see the world before an accepted write
    required: frozenset[str] = frozenset({"surname"})  # fields that can't be blank
    email_unique: bool = False  # no two customers may have the same e-mail address
    errors_name: Literal["nothing", "position", "foreign_id"] = "nothing"  # how a batch's errors say whose they are
    errors_quote_values: bool = False  # errors repeat the value that was sent

    # Ids, deletion, permission
    lenient_numeric: bool = False  # an id in a path that only begins with digits is read as that number
    delete_with_orders: Literal["done", "refused-422", "refused-409"] = "done"
    delete_answer: Literal["204", "200-body", "200-empty"] = "204"
    deleted_status: Literal[404, 410] = 404  # of any call that names a deleted customer
    access: Literal["user", "cashpoint", "reseller", "customer", "public"] = "user"  # only "user" may
    museums: tuple[int, ...] = ()
    permissions: frozenset[str] = frozenset({"create", "update", "delete"})  # of the token; 403 without

    def __post_init__(self) -> None:
        for name, allowed in _all_positions().items():
            if getattr(self, name) not in allowed:
                raise ValueError(f"{name} is one of {', '.join(map(repr, allowed))}, not {getattr(self, name)!r}")


def positions() -> dict[str, tuple[object, ...]]:
    """The open points that have a fixed set of answers, and these; `access` is no open point, it shuts everything."""
    return {name: allowed for name, allowed in _all_positions().items() if name != "access"}


def each_turned() -> list[tuple[str, Switches]]:
    """The defaults with one switch turned, for each position of each; with a name such as `bad_entry=partial-200`."""
    return [
        (f"{name}={value}", _turned(name, value))
        for name, allowed in positions().items()
        for value in allowed
        if value != getattr(Switches(), name)
    ]


def _turned(name: str, value: Any) -> Switches:  # noqa: ANN401 - of the type its switch has
    return replace(Switches(), **{name: value})


@cache
def _all_positions() -> dict[str, tuple[object, ...]]:
    hints = get_type_hints(Switches)
    literals = {name: get_args(hint) for name, hint in hints.items() if get_origin(hint) is Literal}
    return literals | {name: (False, True) for name, hint in hints.items() if hint is bool}
