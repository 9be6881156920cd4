"""CiviCRM's APIv4 as https://docs.civicrm.org/dev/en/latest/api/v4/rest/ and .../api/v4/actions/ describe it.

Who asks: https://docs.civicrm.org/dev/en/latest/framework/authx/
"""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from flask import Flask, Response, request

from recipes.book import Book, Person, Product, part

SECRETS = {"CIVICRM_API_KEY": "right"}
FORM = "%Y-%m-%d %H:%M:%S"  # by the clock of the site, here UTC


def make_app(book: Book) -> Flask:
    app = Flask(__name__)

    @app.post("/civicrm/ajax/api4/Contact/get")
    def get() -> Any:
        if request.headers.get("X-Civi-Auth") != f"Bearer {SECRETS['CIVICRM_API_KEY']}":
            return Response("HTTP 401 Invalid credential", 401, content_type="text/plain")
        if request.headers.get("X-Requested-With") != "XMLHttpRequest":
            return {"error_code": 400, "error_message": "SECURITY ALERT: Ajax requests can only be issued by ..."}, 400
        params = json.loads(request.form["params"])
        conditions = {(field, sign): value for field, sign, value in params["where"]}
        if conditions.keys() != {("contact_type", "="), ("modified_date", ">=")}:
            return {"error_code": 0, "error_message": "Illegal operator", "status": 500}, 500
        since = datetime.strptime(conditions["modified_date", ">="], FORM).replace(tzinfo=UTC)
        if not params["offset"]:
            book.begin(since if since.year > 1970 else None)
        people = book.changed_since(since)
        given = book.give(part(people, params["offset"], min(params["limit"] or len(people), book.page)))
        values = [record(person) for person in given]
        chosen = [{name: whole[name] for name in params["select"] if name != "row_count"} for whole in values]
        answer = {
            "values": chosen,
            "entity": "Contact",
            "action": "get",
            "count": len(chosen),
            "countFetched": len(chosen),
        }
        return answer | ({"countMatched": len(people)} if "row_count" in params["select"] else {})

    return app


def record(person: Person) -> Mapping[str, object]:
    return {
        "id": person.number,
        "prefix_id:label": person.salutation,
        "first_name": person.given,
        "last_name": person.family,
        "email_primary.email": person.email,
        "phone_primary.phone": person.phone,
        "address_primary.street_address": person.street,
        "address_primary.postal_code": person.zip,
        "address_primary.city": person.city,
        "address_primary.country_id:abbr": person.country,
        "birth_date": person.born,
        "is_deleted": person.deleted,
        "modified_date": person.changed.strftime(FORM),
    }


CIVICRM = Product(
    page="civicrm",
    make_app=make_app,
    secrets=SECRETS,
    foreign_id=lambda number: f"CIVI-{number}",
    bin=True,
)
