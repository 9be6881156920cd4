"""CiviCRM's APIv4 as https://docs.civicrm.org/dev/en/latest/api/v4/rest/ and .../api/v4/actions/ describe it.

Who asks: https://docs.civicrm.org/dev/en/latest/framework/authx/
"""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from flask import Flask, Response, request

from recipes.book import Book, Person, Product, part, since_when

SECRETS = {"CIVICRM_API_KEY": "right"}
JOIN = ["Membership AS membership", "INNER", ["membership.contact_id", "=", "id"]]
IS_MEMBER = ("membership.status_id.is_current_member", "=")
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
        asks_for_members = conditions.pop(IS_MEMBER, False)
        is_joined = (params.get("join"), params.get("groupBy")) == ([JOIN], ["id"])
        if is_joined != asks_for_members or conditions.keys() != {("contact_type", "="), ("modified_date", ">=")}:
            return {"error_code": 0, "error_message": "Illegal operator", "status": 500}, 500
        since = datetime.strptime(conditions["modified_date", ">="], FORM).replace(tzinfo=UTC)
        if not params["offset"]:
            book.begin(since if since.year > 1970 else None)
        people = [one for one in book.changed_since(since) if is_current(one) or not asks_for_members]
        given = book.give(part(people, params["offset"], min(params["limit"] or len(people), book.page)))
        values = [record(person) for person in given]
        names = [name.rpartition(" AS ")[2] for name in params["select"] if name != "row_count"]
        chosen = [{name: whole[name] for name in names} for whole in values]
        answer = {
            "values": chosen,
            "entity": "Contact",
            "action": "get",
            "count": len(chosen),
            "countFetched": len(chosen),
        }
        return answer | ({"countMatched": len(people)} if "row_count" in params["select"] else {})

    return app


def is_current(person: Person) -> bool:
    """As the form of a contact leaves it: it gives the memberships of the deceased a status of their own."""
    return person.member and not person.deceased


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
        "member_since": person.joined,
        "is_deceased": person.deceased,
        "is_opt_out": person.opted_out,
        "do_not_email": person.opted_out or person.no_contact,
        "do_not_phone": person.no_contact,
        "do_not_mail": person.no_contact,
        "is_deleted": person.deleted,
        "modified_date": person.changed.strftime(FORM),
    }


CIVICRM = Product(
    page="civicrm",
    make_app=make_app,
    secrets=SECRETS,
    foreign_id=lambda number: f"CIVI-{number}",
    bin=True,
    untold=("member", "deceased"),
    notes=since_when,
    owned=("tel", "notes"),
)
