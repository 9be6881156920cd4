"""What an answer looks like: which keys it has, and in which form a value comes back. Pure.

Of a server's own words only names of fields pass, and only those that are spelt as such.
"""

import html
import re
import unicodedata
from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

from syncd.domain.records import Value
from syncd.gomus.fields import FIELDS

Shown: TypeAlias = Mapping[str, Any]

NOTHING = "nothing"
OWN_KEYS = {*FIELDS, "id", "foreign_id", "addresses"}
SALUTATIONS = {"prefixed": "customer_salutation_id", "short": "salutation_id", "nested": "salutation"}
TITLES = {"customer_title_id", "title_id", "title"}
OF_ORDERS = {"level", "price_target_audience_id", "wants_newsletter"}
KEY = re.compile(r"[a-z][a-z0-9_]{0,39}")
MOST_KEYS = 20
TEXT_KEYS = ("name", "title", "label", "text", "value")


def customers_in(body: object) -> list[Shown]:
    """All that are shown, in their order."""
    if isinstance(body, Mapping):
        body = next((body[key] for key in ("customers", "customer") if key in body), body)
    listed = body if isinstance(body, list) else [body]
    return [one for one in listed if isinstance(one, Mapping) and "id" in one]


def single_shape(body: object) -> str:
    if not customers_in(body):
        return NOTHING
    return "wrapped" if isinstance(body, Mapping) and "id" not in body else "bare"


def batch_shape(body: object) -> str:
    if not customers_in(body):
        return NOTHING
    if isinstance(body, Mapping):
        return next((key for key in ("customers", "customer") if key in body), "bare")
    return "list"


def order_of(body: object, foreign_ids: Sequence[str]) -> str | None:
    """None where the answer does not show all of them, under their ids."""
    shown = [_folded(one.get("foreign_id")) for one in customers_in(body)]
    sent = [_folded(one) for one in foreign_ids]
    if sorted(shown) != sorted(sent):
        return None
    return "as_sent" if shown == sent else "reversed" if shown == sent[::-1] else "other"


def address_shape(customer: Shown) -> str:
    is_flat = any(key.startswith("addr_") for key in customer)
    is_nested = isinstance(customer.get("addresses"), list)
    return "both" if is_flat and is_nested else "flat" if is_flat else "nested" if is_nested else NOTHING


def salutation_shape(customer: Shown) -> str:
    found = [shape for shape, key in SALUTATIONS.items() if key in customer]
    return "both" if {"prefixed", "short"} <= {*found} else found[0] if found else NOTHING


def keys_of_orders(customer: Shown) -> list[str]:
    return sorted(OF_ORDERS & customer.keys())


def unknown_keys(customer: Shown) -> tuple[list[str], int]:
    """Those that no page names: the names that are spelt as names, and how many there are in all."""
    unknown = [key for key in customer if key not in OWN_KEYS | OF_ORDERS | TITLES | {*SALUTATIONS.values()}]
    return sorted(key for key in unknown if KEY.fullmatch(key))[:MOST_KEYS], len(unknown)


# --- lists ---


def list_key(body: object, kind: str) -> str:
    """`kind` is salutations or titles."""
    if isinstance(body, list):
        return "bare"
    keys = [key for key, value in body.items() if isinstance(value, list)] if isinstance(body, Mapping) else []
    return {kind: "short", f"customer_{kind}": "prefixed"}.get(keys[0], "other") if keys else NOTHING


def entries_in(body: object) -> list[object]:
    if isinstance(body, Mapping):
        body = next((value for value in body.values() if isinstance(value, list)), None)
    return body if isinstance(body, list) else []


def text_key(body: object) -> str:
    """Under which key an entry has its text."""
    first = next((one for one in entries_in(body) if isinstance(one, Mapping)), {})
    return next((key for key in TEXT_KEYS if isinstance(first.get(key), str)), NOTHING)


def meta_of(body: object) -> Mapping[str, object] | None:
    meta = body.get("meta") if isinstance(body, Mapping) else None
    return meta if isinstance(meta, Mapping) else None


# --- values ---


def form_of(sent: str, shown: Value) -> str:
    """What has become of a text that was sent."""
    text = "" if shown is None else str(shown)
    forms = {
        "as_sent": sent,
        "nothing": "",
        "lower": sent.lower(),
        "upper": sent.upper(),
        "nfc": unicodedata.normalize("NFC", sent),
        "trimmed": sent.strip(),
        "capitalised": " ".join(word[:1].upper() + word[1:] for word in sent.split(" ")),
        "compact": "".join(sign for sign in sent if sign.isalnum() or sign == "+"),
        "escaped": html.escape(sent),
    }
    return next((form for form, spelt in forms.items() if text == spelt), "other")


def is_said(text: str, words: str) -> bool:
    """Whether a server repeats these plain letters, in whatever spelling."""
    return words.casefold() in text.casefold()


def _folded(foreign_id: object) -> str:
    return unicodedata.normalize("NFC", str(foreign_id)).casefold()
