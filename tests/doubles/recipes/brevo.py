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

    @app.get("/v3/contacts", defaults={"list_id": None, "most": 1000})
    @app.get("/v3/contacts/lists/<int:list_id>/contacts", defaults={"most": 500})
    def contacts(list_id: int | None, most: int) -> Any:
        if request.headers.get("api-key") != SECRETS["BREVO_API_KEY"]:
            return {"message": "Key not found", "code": "unauthorized"}, 401
        limit, offset = int(request.args.get("limit", 50)), int(request.args.get("offset", 0))
        if limit > most:
            return {"message": "Limit exceeds max value", "code": "out_of_range"}, 400
        wanted = request.args.get("modifiedSince")
        since = datetime.fromisoformat(wanted) if wanted else None
        if since and not since.tzinfo:
            return {"message": "modifiedSince is not valid", "code": "invalid_parameter"}, 400
        if not offset:
            book.begin(since)
        people = [person for person in book.kept(since) if list_id in (None, *lists(person))]
        if request.args.get("sort", "desc") == "desc":
            people.reverse()
        given = book.give(part(people, offset, min(limit, book.page)))
        return {"contacts": [record(person) for person in given], "count": len(people)}

    return app


def lists(person: Person) -> list[int]:
    return [7] if person.member else []


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
        "VERSTORBEN": person.deceased or None,
        "KEIN_KONTAKT": person.no_contact,
        "GEBURTSTAG": person.born and f"{person.born}T00:00:00.000Z",
    }
    return {
        "id": person.number,
        "email": person.email.lower(),
        "emailBlacklisted": person.opted_out,
        "smsBlacklisted": False,
        "createdAt": "2020-01-01T10:00:00.000+01:00",
        "modifiedAt": f"{person.changed:%Y-%m-%dT%H:%M:%S}.{person.changed.microsecond // 1000:03d}Z",
        "listIds": lists(person),
        "attributes": {name: value for name, value in attributes.items() if value is not None},
    }


BREVO = Product(
    page="brevo",
    make_app=make_app,
    secrets=SECRETS,
    foreign_id=lambda number: f"BREVO-{number}",
    bin=False,
    untold=("member",),
    phone_field="mobile",
    owned=("mobile", "date_of_birth"),
)
