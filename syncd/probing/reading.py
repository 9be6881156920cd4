"""What can be told by reading alone: the token, the lists, and how an instance says that nobody is there."""

import secrets
from functools import partial

from syncd.errors import TokenRefused
from syncd.gomus.client import Client
from syncd.gomus.wire import read_list
from syncd.probing.bench import Bench
from syncd.probing.shapes import entries_in, list_key, meta_of, text_key

REMEDY = "give syncd the token of an API user who may read, create, change and delete customers"


def check_token(client: Client) -> str:
    """What the token is. Raises TokenRefused where it is none of an API user's, otherwise as the client does."""
    access = client.whoami()
    if access != "user":
        raise TokenRefused(f"the token's access is {access or 'unknown'!r}", remedy=REMEDY)
    return access


def read_lists(bench: Bench) -> dict[str, int]:
    """By field, an id that a customer may have: of the first salutation, title and country."""
    ids: dict[str, int] = {}
    for kind, field in (
        ("salutation", "customer_salutation_id"),
        ("title", "customer_title_id"),
        ("country", "addr_country_id"),
    ):
        heard = bench.ask(partial(bench.delivery.client.lookup, kind))
        if heard.taken:
            ids[field] = heard.taken[0].id
        if kind == "salutation" and heard.taken is not None:
            _tell_list(bench, heard.body)
        if kind == "country" and (meta := meta_of(heard.body)):
            _tell_page(bench, meta)
    bench.lose("lookup_key", "lookup_name", "lookup_pages", "per_page")
    _read_languages(bench)
    return ids


def _tell_list(bench: Bench, body: object) -> None:
    bench.tell("lookup_key", list_key(body, "salutations"))
    bench.tell("lookup_name", text_key(body))
    bench.tell("lookup_pages", "pages" if meta_of(body) else "whole")


def _tell_page(bench: Bench, meta: object) -> None:
    size = meta.get("per_page") if isinstance(meta, dict) else None
    if isinstance(size, int):
        bench.tell("per_page", "figure", size=size)


def _read_languages(bench: Bench) -> None:
    heard = bench.ask(partial(bench.delivery.client.lookup, "language"))
    if heard.taken is None:
        bench.lose("languages")
        return
    page = read_list(heard.body)
    has_ids = page is not None and bool(page.entries)
    bench.tell("languages", "with_ids" if has_ids else "bare", count=len(entries_in(heard.body)))


def look_for_nobody(bench: Bench) -> None:
    """Under an id that nobody has."""
    heard = bench.ask(partial(bench.delivery.client.read, f"SYNCD-Probe-{secrets.token_hex(8)}"))
    if heard.is_lost or heard.failure:
        bench.tell("nobody", "not_json", status=heard.status or 0)
    elif heard.taken is not None:
        bench.tell("nobody", "somebody")
    else:
        bench.tell("nobody", "json", status=heard.status or 0)
