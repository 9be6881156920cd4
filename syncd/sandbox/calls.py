"""The calls of the customers API, one function each, and the table of them; `app` puts them on HTTP."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import TypeAlias

from .answers import (
    BATCH_NOT_SAVED,
    ONE_NOT_SAVED,
    Answer,
    batch_body,
    entry_error,
    list_page,
    lookup_body,
    partial_body,
    refusal,
    single_body,
)
from .customers import Complaint, Customer
from .reference import LOCALES
from .store import Sandbox

Sent: TypeAlias = Mapping[str, object]


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What a call brings: `key` is the `:id` of its path, `body` its JSON, None where that could not be read."""

    query: Mapping[str, str] = field(default_factory=dict)
    key: str = ""
    body: object = None

    @property
    def customer(self) -> object:
        return self.body.get("customer") if isinstance(self.body, dict) else None

    @property
    def page(self) -> int:
        text = self.query.get("page", "")
        return max(1, int(text)) if text.isascii() and text.isdecimal() and len(text) < 10 else 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """`needs` is nothing (public), a token, or a permission of an API user."""

    method: str
    path: str
    needs: str
    act: Callable[[Sandbox, Asked], Answer]


def whoami(sandbox: Sandbox, _asked: Asked) -> Answer:
    switches = sandbox.switches
    return Answer(status=200, body={"access": switches.access, "museums": list(switches.museums)})


def salutations(sandbox: Sandbox, asked: Asked) -> Answer:
    return _lookup("salutations", sandbox.salutations, sandbox, asked)


def titles(sandbox: Sandbox, asked: Asked) -> Answer:
    return _lookup("titles", sandbox.titles, sandbox, asked)


def countries(sandbox: Sandbox, asked: Asked) -> Answer:
    entries: list[dict[str, object]] = [
        {"id": id_, "name": name, "code": code} for id_, (code, name) in sandbox.countries.items()
    ]
    return Answer(status=200, body=list_page("countries", entries, asked.page, sandbox.switches.per_page))


def locales(_sandbox: Sandbox, _asked: Asked) -> Answer:
    return Answer(status=200, body={"locales": list(LOCALES)})


def show(sandbox: Sandbox, asked: Asked) -> Answer:
    customer = sandbox.see(asked.key)
    if customer is None:
        return _not_there(sandbox, asked.key)
    return Answer(status=200, body=single_body(customer, sandbox.switches))


def create(sandbox: Sandbox, asked: Asked) -> Answer:
    match asked.customer:
        case dict(sent) if sent:
            return _answer_one(sandbox, sandbox.save(sent), done=201)
        case list(entries) if entries:
            return _save_batch(sandbox, entries, sandbox.save, done=201)
        case _:
            return _NO_CUSTOMER


def update(sandbox: Sandbox, asked: Asked) -> Answer:
    customer = sandbox.find(asked.key)
    if customer is None:
        return _not_there(sandbox, asked.key)
    if not isinstance(asked.customer, dict):
        return _NO_CUSTOMER
    sandbox.note_write("PUT", customer)
    return _answer_one(sandbox, sandbox.save(asked.customer, customer), done=200)


def update_batch(sandbox: Sandbox, asked: Asked) -> Answer:
    entries = asked.customer
    if not isinstance(entries, list) or not entries:
        return _NO_CUSTOMER
    if any(_is_unknown(sandbox, sent) for sent in entries):
        match sandbox.switches.unknown_update:
            case "batch":
                return refusal(422, BATCH_NOT_SAVED, [_NOT_FOUND])
            case "batch-404":
                return refusal(404, _NOT_FOUND)
    return _save_batch(sandbox, entries, lambda sent: _update_by_foreign_id(sandbox, sent), done=200)


def delete(sandbox: Sandbox, asked: Asked) -> Answer:
    switches = sandbox.switches
    customer = sandbox.find(asked.key, key=switches.delete_key)
    if customer is None:
        return _not_there(sandbox, asked.key)
    sandbox.note_write("DELETE", customer)
    if customer.orders and switches.delete_with_orders != "done":
        status = 409 if switches.delete_with_orders == "refused-409" else 422
        return refusal(status, "customer could not be deleted", ["Cannot delete record because dependent orders exist"])
    sandbox.remove(customer)
    match switches.delete_answer:
        case "204":
            return Answer(status=204)
        case "200-empty":
            return Answer(status=200)
        case "200-body":
            return Answer(status=200, body=single_body(customer, switches))


ROUTES = (
    Route(method="GET", path="/api/v4/whoami", needs="token", act=whoami),
    Route(method="GET", path="/api/v4/customers/salutations", needs="nothing", act=salutations),
    Route(method="GET", path="/api/v4/customers/titles", needs="nothing", act=titles),
    Route(method="GET", path="/api/v4/countries", needs="nothing", act=countries),
    Route(method="GET", path="/api/v4/locales", needs="nothing", act=locales),
    Route(method="POST", path="/api/v4/customers", needs="create", act=create),
    Route(method="PUT", path="/api/v4/customers", needs="update", act=update_batch),
    Route(method="GET", path="/api/v4/customers/:id", needs="read", act=show),
    Route(method="PUT", path="/api/v4/customers/:id", needs="update", act=update),
    Route(method="DELETE", path="/api/v4/customers/:id", needs="delete", act=delete),
)


def answer(sandbox: Sandbox, route: Route, asked: Asked, *, token: str | None) -> Answer:
    """The whole of a call but its HTTP; the caller holds the sandbox's lock."""
    if denied := _denial(sandbox, route.needs, token):
        return denied
    if "." in asked.key:
        match sandbox.switches.dotted_ids:
            case "no-route":
                return refusal(404, "Not Found")
            case "cut":  # what follows the dot is taken for a format, such as .json
                asked = replace(asked, key=asked.key.partition(".")[0])
    return sandbox.perform(lambda: route.act(sandbox, asked), writes=route.method != "GET")


def _denial(sandbox: Sandbox, needs: str, token: str | None) -> Answer | None:
    if needs == "nothing":
        return None
    if token not in sandbox.tokens:
        return refusal(401, "Unauthorized")
    if needs == "token":
        return None
    allowed = sandbox.switches.permissions if sandbox.switches.access == "user" else frozenset()
    return None if needs in allowed else refusal(403, "Forbidden")


_NOT_FOUND = "Customer not found"
_NO_CUSTOMER = refusal(400, "param is missing or the value is empty: customer")


def _lookup(kind: str, entries: Mapping[int, Mapping[str, str]], sandbox: Sandbox, asked: Asked) -> Answer:
    locale = asked.query.get("locale", "")
    texts = {id_: names.get(locale, names["de"]) for id_, names in entries.items()}
    return Answer(status=200, body=lookup_body(kind, texts, asked.page, sandbox.switches))


def _not_there(sandbox: Sandbox, key: str) -> Answer:
    return refusal(sandbox.switches.deleted_status if sandbox.was_deleted(key) else 404, _NOT_FOUND)


def _answer_one(sandbox: Sandbox, result: Customer | list[Complaint], *, done: int) -> Answer:
    switches = sandbox.switches
    if isinstance(result, Customer):
        return Answer(status=done, body=single_body(result, switches))
    errors = [complaint.words(switches) for complaint in result]
    return (
        Answer(status=200, body={"errors": errors})
        if switches.bad_single == "200"
        else refusal(422, ONE_NOT_SAVED, errors)
    )


def _save_batch(
    sandbox: Sandbox, entries: list[object], save: Callable[[Sent], Customer | list[Complaint]], *, done: int
) -> Answer:
    switches = sandbox.switches
    if len(entries) > switches.batch_cap:
        return refusal(422, BATCH_NOT_SAVED, [f"Too many customers (maximum is {switches.batch_cap})"])
    saved: list[Customer] = []
    errors: list[str] = []
    for position, entry in enumerate(entries, start=1):
        sent = entry if isinstance(entry, dict) else {}
        result = save(sent)
        if isinstance(result, Customer):
            saved.append(result)
        else:
            errors += [entry_error(position, sent.get("foreign_id"), complaint, switches) for complaint in result]
    if not errors:
        return Answer(status=done, body=batch_body(saved, switches))
    if switches.bad_entry == "partial-200":
        return Answer(status=200, body=partial_body(saved, errors, switches))
    if switches.bad_entry == "atomic":
        sandbox.roll_back()
    return refusal(422, BATCH_NOT_SAVED, errors)


def _is_unknown(sandbox: Sandbox, sent: object) -> bool:
    return _named(sent) is not None and sandbox.find_by_foreign_id(str(_named(sent))) is None


def _named(sent: object) -> object:
    """The foreign_id by which a batch update names its customer."""
    return sent.get("foreign_id") if isinstance(sent, dict) else None


def _update_by_foreign_id(sandbox: Sandbox, sent: Sent) -> Customer | list[Complaint]:
    if _named(sent) is None:
        return [Complaint(field="foreign_id", text="can't be blank")]
    customer = sandbox.find_by_foreign_id(str(_named(sent)))
    if customer is None:
        is_silent = sandbox.switches.unknown_update == "silence"
        return [] if is_silent else [Complaint(field="customer", text="not found")]
    sandbox.note_write("PUT", customer)
    return sandbox.save(sent, customer)
