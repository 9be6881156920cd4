"""What the vendor's pages leave open, one switch a question; the defaults are what they most plausibly mean."""

from dataclasses import dataclass, replace
from functools import cache
from typing import Any, Literal, TypeAlias, get_args, get_origin, get_type_hints

ErrorsTell: TypeAlias = Literal[
    "nothing", "name", "name-upper", "name-html", "name-percent", "name-unicode", "name-cut", "at-length"
]


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
    order_keys: bool = False  # customers are answered with the keys of orders too: addresses, salutation_id, level ...
    hides_category: bool = False  # addr_category can be written, but is in no answer

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
    bad_single: Literal["422", "200"] = "422"  # how a single one that breaks a rule is refused; 200 comes with `errors`
    milliseconds_a_member: int = 0  # that each customer in a write takes; the write is done at the end of them all
    required: frozenset[str] = frozenset({"surname"})  # fields that can't be blank
    unemptied: frozenset[str] = frozenset()  # fields that an update can't empty, though a new customer may lack them
    blank_dates: Literal["as-texts", "null-only"] = "as-texts"  # what empties ids and dates; null-only refuses ""
    # The e-mail address of who has a web log-in may change, can't be emptied, can't change (422), or stays in silence
    login_email: Literal["free", "required", "fixed", "kept"] = "free"
    email_unique: bool = False  # no two customers may have the same e-mail address
    errors_name: Literal["nothing", "position", "foreign_id"] = "nothing"  # how a batch's errors say whose they are
    errors_quote_values: bool = False  # errors repeat the value that was sent
    errors_tell: ErrorsTell = "nothing"  # the name of the customer as it is kept, in some spelling, or 20 kB of it

    # How values are kept, and when they are seen
    tel_form: Literal["as-sent", "compact"] = "as-sent"  # compact: no spaces and no signs but a plus
    name_form: Literal["as-sent", "capitalised", "upper"] = "as-sent"  # of name and surname
    email_form: Literal["as-sent", "lower"] = "as-sent"
    notes_form: Literal["as-sent", "trimmed", "escaped"] = "as-sent"  # escaped: as HTML
    foreign_id_form: Literal["as-sent", "nfc", "lower", "upper"] = "as-sent"
    foreign_id_found: Literal["as-kept", "in-any-form"] = "as-kept"  # in any case and Unicode form, and unique so
    reads: Literal["at-once", "seconds-later", "calls-later"] = "at-once"  # when a GET shows what a write has done
    lag: int = 2  # so many seconds or calls later

    # Ids, deletion, permission
    lenient_numeric: bool = False  # an id in a path that only begins with digits is read as that number
    dotted_ids: Literal["whole", "cut", "no-route"] = "whole"  # an id in a path is cut at its dot, or leads nowhere
    # Of a customer that was merged into another: its number, or to a read its foreign_id too, answers the other
    merged: Literal["gone", "by-number", "by-both"] = "gone"
    delete_key: Literal["number-first", "number-only", "foreign-id-first"] = "number-first"  # what DELETE's :id is
    delete_with_orders: Literal["done", "refused-422", "refused-409"] = "done"
    delete_answer: Literal["204", "200-body", "200-empty"] = "204"
    deleted_status: Literal[404, 410] = 404  # of any call that names a deleted customer
    access: Literal["user", "cashpoint", "reseller", "customer", "public"] = "user"  # only "user" may
    museums: tuple[int, ...] = ()
    permissions: frozenset[str] = frozenset({"read", "create", "update", "delete"})  # of the token; 403 without

    # What stands before the instance
    proxy: Literal["none", "502", "503", "504", "504-late", "404-html", "200-html", "empty-object", "cut"] = "none"
    # answers the last of each so many writes in the instance's place, after it was done (late: a minute before it is)
    busy: Literal["none", "408", "409", "423", "425"] = "none"  # the one before; 408 and 425 after it was done
    spoilt_every: int = 3

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
