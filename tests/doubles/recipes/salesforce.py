"""Salesforce as https://developer.salesforce.com/docs/atlas.en-us.api_rest.meta/api_rest/ describes it.

`resources_queryall.htm` (batches, `nextRecordsUrl`, deleted records), `errorcodes.htm`; the spelling of times in SOQL:
https://developer.salesforce.com/docs/atlas.en-us.soql_sosl.meta/soql_sosl/sforce_api_calls_soql_select_dateformats.htm
"""

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from flask import Flask, Response, jsonify, request

from recipes.book import Book, Person, Product, part, since_when

SECRETS = {"SALESFORCE_CLIENT_ID": "3MVG9", "SALESFORCE_CLIENT_SECRET": "right"}
TOKEN = "00D!session"
DATA = "/services/data/v62.0"
SOQL = re.compile(r"SELECT (?P<fields>[\w, ]+) FROM Contact WHERE SystemModstamp >= (?P<since>\S+)")
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(Z|[+-]\d\d:\d\d)")  # no other spelling is documented


def foreign_id(number: int) -> str:
    return f"SF-003{number:012d}AAA"


def make_app(book: Book) -> Flask:
    app = Flask(__name__)
    cursors: dict[str, tuple[list[Person], list[str]]] = {}

    @app.post("/services/oauth2/token")
    def token() -> Any:
        sent = (request.form["grant_type"], request.form["client_id"], request.form["client_secret"])
        if sent != ("client_credentials", *SECRETS.values()):
            return {"error": "invalid_client", "error_description": "invalid client credentials"}, 400
        return {"access_token": TOKEN, "token_type": "Bearer", "instance_url": request.host_url.rstrip("/")}

    @app.before_request
    def check() -> Any:
        if request.path.startswith(DATA) and request.headers.get("Authorization") != f"Bearer {TOKEN}":
            return _error(401, "INVALID_SESSION_ID", "Session expired or invalid")
        return None

    @app.get(f"{DATA}/queryAll")
    def query_all() -> Any:
        parsed = _parse(request.args["q"])
        if isinstance(parsed, str):
            return _error(400, "MALFORMED_QUERY", parsed)
        names, since = parsed
        book.begin(since if since.year > 1970 else None)
        cursors[f"01g{len(cursors)}"] = (book.changed_since(since), names)
        return batch(f"01g{len(cursors) - 1}", 0)

    @app.get(f"{DATA}/query/<locator>")  # the rest of a queryAll is under `query` too
    def more(locator: str) -> Any:
        cursor, _, start = locator.rpartition("-")
        return batch(cursor, int(start))

    def batch(cursor: str, start: int) -> Any:
        people, names = cursors[cursor]
        given = book.give(part(people, start, book.page))
        answer = {"totalSize": len(people), "done": start + book.page >= len(people)}
        if not answer["done"]:
            answer["nextRecordsUrl"] = f"{DATA}/query/{cursor}-{start + book.page}"
        return answer | {"records": [_chosen(record(person), names) for person in given]}

    return app


def _parse(soql: str) -> tuple[list[str], datetime] | str:
    parsed = SOQL.fullmatch(" ".join(soql.split()))
    if not parsed or not TIME.fullmatch(parsed["since"]):
        return "unexpected token"
    return parsed["fields"].replace(" ", "").split(","), datetime.fromisoformat(parsed["since"])


def record(person: Person) -> Mapping[str, object]:
    return {
        "Id": foreign_id(person.number).removeprefix("SF-"),
        "Salutation": person.salutation,
        "FirstName": person.given,
        "LastName": person.family,
        "Email": person.email,
        "Phone": person.phone,
        "MailingStreet": person.street,
        "MailingPostalCode": person.zip,
        "MailingCity": person.city,
        "MailingCountryCode": person.country,
        "Birthdate": person.born,
        "npo02__MembershipJoinDate__c": person.joined,
        "npo02__MembershipEndDate__c": "2099-12-31" if person.member else "2020-12-31",
        "npsp__Deceased__c": person.deceased,
        "npsp__Do_Not_Contact__c": person.no_contact,
        "HasOptedOutOfEmail": person.opted_out,
        "IsDeleted": person.deleted,
        "SystemModstamp": f"{person.changed:%Y-%m-%dT%H:%M:%S}.{person.changed.microsecond // 1000:03d}+0000",
    }


def _chosen(whole: Mapping[str, object], names: list[str]) -> Mapping[str, object]:
    url = f"{DATA}/sobjects/Contact/{whole['Id']}"
    return {"attributes": {"type": "Contact", "url": url}, **{name: whole[name] for name in names}}


def _error(status: int, code: str, message: str) -> tuple[Response, int]:
    return jsonify([{"message": message, "errorCode": code}]), status


SALESFORCE = Product(
    page="salesforce",
    make_app=make_app,
    secrets=SECRETS,
    foreign_id=foreign_id,
    bin=True,
    notes=since_when,
    owned=("tel", "notes"),
)
