"""Brevo as https://developers.brevo.com/reference/get-contacts describes it.

`count` heeds `modifiedSince`: https://developers.brevo.com/changelog/2021/5/7
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from flask import Flask, request

from recipes.book import COUNTRIES, Book, Person, Product, part

SECRETS = {"BREVO_API_KEY": "xkeysib-right"}


def make_app(book: Book) -> Flask:
    app = Flask(__name__)

    @app.get("/v3/contacts")
    def contacts() -> Any:
        if request.headers.get("api-key") != SECRETS["BREVO_API_KEY"]:
            return {"message": "Key not found", "code": "unauthorized"}, 401
        limit, offset = int(request.args.get("limit", 50)), int(request.args.get("offset", 0))
        if limit > 1000:
            return {"message": "Limit exceeds max value", "code": "out_of_range"}, 400
        wanted = request.args.get("modifiedSince")
        since = datetime.fromisoformat(wanted) if wanted else None
        if since and not since.tzinfo:
            return {"message": "modifiedSince is not valid", "code": "invalid_parameter"}, 400
        if not offset:
            book.begin(since)
        people = book.living(since)
        if request.args.get("sort", "desc") == "desc":
            people.reverse()
        given = book.give(part(people, offset, min(limit, book.page)))
        return {"contacts": [record(person) for person in given], "count": len(people)}

    return app


def record(person: Person) -> Mapping[str, object]:
    attributes = {
        "ANREDE": person.salutation,
        "VORNAME": person.given,
        "NACHNAME": person.family,
        "SMS": person.phone and person.phone.removeprefix("+"),
        "STRASSE": person.street,
        "PLZ": person.zip,
        "ORT": person.city,
        "LAND": COUNTRIES[person.country],
        "GEBURTSTAG": person.born and f"{person.born}T00:00:00.000Z",
    }
    return {
        "id": person.number,
        "email": person.email.lower(),
        "emailBlacklisted": person.number % 5 == 0,
        "smsBlacklisted": False,
        "createdAt": "2020-01-01T10:00:00.000+01:00",
        "modifiedAt": f"{person.changed:%Y-%m-%dT%H:%M:%S}.{person.changed.microsecond // 1000:03d}Z",
        "listIds": [7],
        "attributes": {name: value for name, value in attributes.items() if value is not None},
    }


BREVO = Product(
    page="brevo",
    make_app=make_app,
    secrets=SECRETS,
    foreign_id=lambda number: f"BREVO-{number}",
    bin=False,
    phone_field="mobile",
)
