"""HubSpot as https://developers.hubspot.com/docs/api/crm/search and .../docs/api/crm/contacts describe it.

Times in questions are milliseconds: https://developers.hubspot.com/docs/faq/how-should-timestamps-be-formatted-for-hubspots-apis
"""

import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

from flask import Flask, request

from recipes.book import COUNTRIES, Book, Person, Product, part

SECRETS = {"HUBSPOT_TOKEN": "pat-eu1-right"}
CONTACTS = "/crm/v3/objects/contacts"
ALWAYS = ("hs_object_id", "createdate", "lastmodifieddate")
SEARCHED = 10_000  # results of one search, however many there are


def make_app(book: Book) -> Flask:
    app = Flask(__name__)

    @app.before_request
    def check() -> Any:
        if request.headers.get("Authorization") != f"Bearer {SECRETS['HUBSPOT_TOKEN']}":
            return _error(401, "INVALID_AUTHENTICATION", "Authentication credentials not found")
        return None

    @app.post(f"{CONTACTS}/search")
    def search() -> Any:
        body, after = request.get_json(), int(request.get_json().get("after", 0))
        [chosen] = body["filterGroups"][0]["filters"]
        if (chosen["propertyName"], chosen["operator"]) != ("lastmodifieddate", "GTE"):
            return _error(400, "VALIDATION_ERROR", "no such filter")
        if body["limit"] > 200 or after + body["limit"] > SEARCHED or not re.fullmatch(r"\d+", chosen["value"]):
            return _error(400, "VALIDATION_ERROR", "There was a problem with the request.")
        since = datetime.fromtimestamp(int(chosen["value"]) / 1000, UTC)
        if not after:
            book.begin(since if since.year > 1970 else None)
        people = book.kept(since)
        size = min(body["limit"], book.page)
        return _page(book, people, after, size, body["properties"]) | {"total": len(people)}

    @app.get(CONTACTS)
    def contacts() -> Any:
        limit, after = int(request.args.get("limit", 10)), int(request.args.get("after", 0))
        if limit > 100:
            return _error(400, "VALIDATION_ERROR", "limit must be at most 100")
        if not after:
            book.begin(None)
        return _page(book, book.kept(), after, min(limit, book.page), request.args["properties"].split(","))

    return app


def _page(book: Book, people: list[Person], after: int, size: int, names: Iterable[str]) -> dict[str, object]:
    results = [record(person, names) for person in book.give(part(people, after, size))]
    if after + size >= len(people):
        return {"results": results}
    return {"results": results, "paging": {"next": {"after": str(after + size)}}}


def record(person: Person, names: Iterable[str]) -> Mapping[str, object]:
    changed = f"{person.changed:%Y-%m-%dT%H:%M:%S}.{person.changed.microsecond // 1000:03d}Z"
    properties = {
        "hs_object_id": str(100_000 + person.number),
        "createdate": "2020-01-01T00:00:00.000Z",
        "lastmodifieddate": changed,
        "salutation": person.salutation,
        "firstname": person.given,
        "lastname": person.family,
        "email": person.email.lower(),  # HubSpot keeps them so
        "phone": person.phone,
        "address": person.street,
        "zip": person.zip,
        "city": person.city,
        "country": COUNTRIES[person.country],
        "date_of_birth": person.born,
        "mitgliedschaft": "aktiv" if person.member else "gekuendigt",
        "verstorben": "true" if person.deceased else None,
        "kein_kontakt": "true" if person.no_contact else "false",
        "hs_email_optout": "true" if person.opted_out else None,
    }
    return {
        "id": properties["hs_object_id"],
        "properties": {name: properties.get(name) for name in (*names, *ALWAYS)},
        "createdAt": properties["createdate"],
        "updatedAt": changed,
        "archived": False,
    }


def _error(status: int, category: str, message: str) -> tuple[dict[str, str], int]:
    return {"status": "error", "message": message, "correlationId": "0-0", "category": category}, status


HUBSPOT = Product(
    page="hubspot",
    make_app=make_app,
    secrets=SECRETS,
    foreign_id=lambda number: f"HUBSPOT-{100_000 + number}",
    bin=False,
    owned=("tel", "date_of_birth"),
)
