"""Airtable as https://airtable.com/developers/web/api/list-records and .../web/api/errors describe it."""

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from flask import Flask, request

from recipes.book import COUNTRIES, Book, Person, Product, part

SECRETS = {"AIRTABLE_TOKEN": "patRight"}
VIEW = "Mitglieder"
FORMULA = re.compile(r"IS_AFTER\(\{Geändert\}, DATETIME_PARSE\('(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z)'\)\)")


def identity(number: int) -> str:
    return f"rec{number:014d}"


def make_app(book: Book) -> Flask:
    app = Flask(__name__)

    @app.post("/v0/<base>/<table>/listRecords")
    def list_records(base: str, table: str) -> Any:
        if request.headers.get("Authorization") != f"Bearer {SECRETS['AIRTABLE_TOKEN']}":
            return {"error": {"type": "AUTHENTICATION_REQUIRED", "message": "Authentication required"}}, 401
        body = request.get_json()
        formula = FORMULA.fullmatch(body.get("filterByFormula", ""))
        if "filterByFormula" in body and not formula:
            return _error("INVALID_FILTER_BY_FORMULA", "The formula for filtering records is invalid")
        if body.get("view", VIEW) != VIEW:
            return _error("VIEW_NAME_NOT_FOUND", f"View name {body['view']} not found")
        if body["pageSize"] > 100:
            return _error("INVALID_REQUEST_UNKNOWN", "Invalid request: parameter validation failed")
        if unknown := set(body["fields"]) - fields(book.people[1]).keys():
            return _error("UNKNOWN_FIELD_NAME", f'Unknown field name: "{min(unknown)}"')
        start = int(body.get("offset", "itr/0").rpartition("/")[2])
        since = datetime.fromisoformat(formula[1]) if formula else None
        if not start:
            book.begin(since)
        people = [person for person in book.kept(since) if person.member or "view" not in body]
        size = min(body["pageSize"], book.page)
        records = [record(person, body["fields"]) for person in book.give(part(people, start, size))]
        following = {"offset": f"itr/{start + size}"} if start + size < len(people) else {}
        return {"records": records, **following}

    return app


def fields(person: Person) -> Mapping[str, object]:
    return {
        "Anrede": person.salutation,
        "Vorname": person.given,
        "Nachname": person.family,
        "E-Mail": person.email,
        "Telefon": person.phone,
        "Straße": person.street,
        "PLZ": person.zip,
        "Ort": person.city,
        "Land": COUNTRIES[person.country],
        "Geburtsdatum": person.born,
        "Verstorben": person.deceased or None,  # an empty box is not in the answer
        "Kein Kontakt": person.no_contact or None,
        "Geändert": f"{person.changed:%Y-%m-%dT%H:%M:%S}.{person.changed.microsecond // 1000:03d}Z",
    }


def record(person: Person, names: list[str]) -> Mapping[str, object]:
    chosen = {name: value for name, value in fields(person).items() if name in names and value is not None}
    return {"id": identity(person.number), "createdTime": "2020-01-01T00:00:00.000Z", "fields": chosen}


def _error(kind: str, message: str) -> tuple[dict[str, dict[str, str]], int]:
    return {"error": {"type": kind, "message": message}}, 422


AIRTABLE = Product(
    page="airtable",
    make_app=make_app,
    secrets=SECRETS,
    foreign_id=lambda number: f"AIRTABLE-{identity(number)}",
    bin=False,
    untold=("member",),
)
