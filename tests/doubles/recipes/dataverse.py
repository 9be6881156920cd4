"""Dataverse, in which Dynamics 365 keeps its contacts.

Pages: https://learn.microsoft.com/power-apps/developer/data-platform/webapi/query/page-results. Who asks:
https://learn.microsoft.com/power-apps/developer/data-platform/authenticate-oauth and
https://learn.microsoft.com/entra/identity-platform/v2-oauth2-client-creds-grant-flow
"""

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any
from urllib.parse import quote
from uuid import UUID

from flask import Flask, request

from recipes.book import COUNT, COUNTRIES, Book, Person, Product, part

SECRETS = {"DATAVERSE_CLIENT_ID": "app", "DATAVERSE_CLIENT_SECRET": "right"}
TOKEN = "eyJ0-session"
FILTER = re.compile(r"statecode eq 0|modifiedon ge (?P<since>\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z)")


def identity(number: int) -> str:
    return str(UUID(int=number))


def make_app(book: Book) -> Flask:
    app = Flask(__name__)

    @app.post("/<tenant>/oauth2/v2.0/token")
    def token(tenant: str) -> Any:
        if not request.form["scope"].endswith("/.default"):
            return {"error": "invalid_scope", "error_description": "AADSTS1002012"}, 400
        if (request.form["client_id"], request.form["client_secret"]) != tuple(SECRETS.values()):
            return {"error": "invalid_client", "error_description": "AADSTS7000215"}, 401
        return {"token_type": "Bearer", "expires_in": 3599, "ext_expires_in": 3599, "access_token": TOKEN}

    @app.get("/api/data/v9.2/contacts")
    def contacts() -> Any:
        if request.headers.get("Authorization") != f"Bearer {TOKEN}":
            return "", 401
        parsed = FILTER.fullmatch(request.args["$filter"])
        if not parsed:
            return {"error": {"code": "0x80060888", "message": "Syntax error in $filter"}}, 400
        since = datetime.fromisoformat(parsed["since"]) if parsed["since"] else None
        start = _start_of(request.args.get("$skiptoken"))
        if not start:
            book.begin(since)
        people = book.changed_since(since) if since else book.kept()
        asked = re.fullmatch(r"odata\.maxpagesize=(\d+)", request.headers.get("Prefer", ""))
        size = min(int(asked[1]) if asked else 5000, book.page)
        given = book.give(part(people, start, size))
        names = request.args["$select"].split(",")
        answer = {
            "@odata.context": f"{request.host_url}api/data/v9.2/$metadata#contacts",
            "value": [_chosen(record(person), names) for person in given],
        }
        if start + size < len(people):
            query = {**request.args, "$skiptoken": _cookie(start + size)}
            following = "&".join(f"{name}={quote(value, safe='=')}" for name, value in query.items())
            answer["@odata.nextLink"] = f"{request.base_url}?{following}"
        return answer

    return app


def _last(start: int) -> str:
    return f'<cookie page="1"><contactid last="{{{identity(start)}}}" /></cookie>'


def _cookie(start: int) -> str:
    """Encoded within the address's own encoding, as Dataverse does it."""
    return f'<cookie pagenumber="2" pagingcookie="{quote(_last(start))}" />'


def _start_of(cookie: str | None) -> int:
    return next(start for start in range(COUNT) if cookie == _cookie(start)) if cookie else 0


def record(person: Person) -> Mapping[str, object]:
    return {
        "contactid": identity(person.number),
        "salutation": person.salutation,
        "firstname": person.given,
        "lastname": person.family,
        "emailaddress1": person.email,
        "telephone1": person.phone,
        "address1_line1": person.street,
        "address1_postalcode": person.zip,
        "address1_city": person.city,
        "address1_country": COUNTRIES[person.country],
        "birthdate": person.born,
        "new_ismember": person.member,
        "new_deceased": person.deceased,
        "donotbulkemail": person.opted_out,
        "donotemail": person.opted_out or person.no_contact,
        "donotphone": person.no_contact,
        "donotpostalmail": person.no_contact,
        "statecode": 1 if person.deleted else 0,
        "modifiedon": f"{person.changed:%Y-%m-%dT%H:%M:%SZ}",
    }


def _chosen(whole: Mapping[str, object], names: list[str]) -> Mapping[str, object]:
    return {"@odata.etag": f'W/"{whole["modifiedon"]}"', **{name: whole[name] for name in names}}


DATAVERSE = Product(
    page="dataverse",
    make_app=make_app,
    secrets=SECRETS,
    foreign_id=lambda number: f"D365-{identity(number)}",
    bin=True,
)
