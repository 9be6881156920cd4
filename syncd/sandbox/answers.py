"""What the instance answers, in the shapes that the switches choose. Pure: no store, no HTTP."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from .customers import ADDRESS_FIELDS, FIELDS, Complaint, Customer, Kind, Value
from .switches import Switches

Body: TypeAlias = dict[str, object] | list[dict[str, object]] | None

ONE_NOT_SAVED = "customer could not be saved"
BATCH_NOT_SAVED = "customer(s) could not be saved"


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """`body` None is an answer without one."""

    status: int
    body: Body = None


def refusal(status: int, error: str, errors: Sequence[str] | None = None) -> Answer:
    return Answer(status=status, body={"error": error} if errors is None else {"error": error, "errors": list(errors)})


def customer_body(customer: Customer, switches: Switches) -> dict[str, object]:
    plain = [name for name in FIELDS if name not in ADDRESS_FIELDS]
    body: dict[str, object] = {"id": customer.id}
    body |= {_answered_name(name, switches): _answered_value(name, customer[name], switches) for name in plain}
    if switches.address == "flat":
        body |= {name: _answered_value(name, customer[name], switches) for name in _shown_of_address(switches)}
    if switches.address == "nested" or switches.order_keys:
        body["addresses"] = _addresses(customer, switches)
    if switches.order_keys:
        body |= _keys_of_orders(customer)
    if switches.unknown_fields:
        body |= {
            "newsletter": False,
            "created_at": customer.created_at.isoformat(),
            "updated_at": customer.updated_at.isoformat(),
        }
    return body


def single_body(customer: Customer, switches: Switches) -> dict[str, object]:
    body = customer_body(customer, switches)
    return {"customer": body} if switches.single_answer == "wrapped" else body


def batch_body(customers: Sequence[Customer], switches: Switches) -> Body:
    bodies = [customer_body(customer, switches) for customer in customers]
    if switches.batch_order == "reversed":
        bodies.reverse()
    match switches.batch_answer:
        case "nothing":
            return {}
        case "list":
            return bodies
        case key:
            return {key: bodies}


def partial_body(customers: Sequence[Customer], errors: Sequence[str], switches: Switches) -> dict[str, object]:
    """A bare list has no place for errors, so it is wrapped here."""
    body = batch_body(customers, switches)
    wrapped = body if isinstance(body, dict) else {"customers": body}
    return {**wrapped, "errors": list(errors)}


def entry_error(position: int, foreign_id: object, complaint: Complaint, switches: Switches) -> str:
    words = complaint.words(switches)
    match switches.errors_name:
        case "nothing":
            return words
        case "position":
            return f"Customer {position}: {words}"
        case "foreign_id":
            return f"Customer {foreign_id}: {words}"


def list_page(key: str, entries: Sequence[dict[str, object]], page: int, per_page: int) -> dict[str, object]:
    start = (page - 1) * per_page
    meta = {"total_count": len(entries), "page": page, "per_page": per_page}
    return {key: list(entries[start : start + per_page]), "meta": meta}


def lookup_body(kind: str, entries: Mapping[int, str], page: int, switches: Switches) -> Body:
    """`kind` is salutations or titles."""
    bodies: list[dict[str, object]] = [{"id": id_, switches.lookup_name: text} for id_, text in entries.items()]
    if switches.lookup_key == "bare":
        return bodies
    key = kind if switches.lookup_key == "short" else f"customer_{kind}"
    return {key: bodies} if switches.lookup_pages == "whole" else list_page(key, bodies, page, switches.per_page)


def _answered_name(name: str, switches: Switches) -> str:
    return name.removeprefix("customer_") if switches.reference_keys == "short" else name


def _answered_value(name: str, value: Value, switches: Switches) -> Value:
    is_text = FIELDS[name] is Kind.TEXT and name != "foreign_id"
    return "" if value is None and is_text and switches.cleared_fields == "empty" else value


def _shown_of_address(switches: Switches) -> list[str]:
    return [name for name in ADDRESS_FIELDS if name != "addr_category" or not switches.hides_category]


def _keys_of_orders(customer: Customer) -> dict[str, object]:
    """As the pages about orders and annual tickets show a customer."""
    return {
        "salutation_id": customer["customer_salutation_id"],
        "title_id": customer["customer_title_id"],
        "level": None,
        "price_target_audience_id": None,
        "wants_newsletter": False,
    }


def _addresses(customer: Customer, switches: Switches) -> list[dict[str, object]]:
    shown = _shown_of_address(switches)
    first = {name.removeprefix("addr_"): _answered_value(name, customer[name], switches) for name in shown}
    is_there = any(customer[name] is not None for name in ADDRESS_FIELDS) or customer.further_addresses
    addresses = [first, *customer.further_addresses] if is_there else []
    return [{"id": customer.id * 10 + place, **address} for place, address in enumerate(addresses)]
