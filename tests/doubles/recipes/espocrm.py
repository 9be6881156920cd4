"""EspoCRM as https://docs.espocrm.com/development/api/crud/ and .../development/api-search-params/ describe it.

Times: https://docs.espocrm.com/development/api/#date-and-time-values
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from flask import Flask, request

from recipes.book import COUNTRIES, Book, Person, Product, part

SECRETS = {"ESPOCRM_API_KEY": "right"}
FORM = "%Y-%m-%d %H:%M:%S"
TARGET_LIST = "64b7e1f0c2a9d8e35"
SALUTATIONS = {"Frau": "Ms.", "Herr": "Mr.", None: None}


def identity(number: int) -> str:
    return f"{number:017x}"


def make_app(book: Book) -> Flask:
    app = Flask(__name__)

    @app.get("/api/v1/Contact")
    def contacts() -> Any:
        if request.headers.get("X-Api-Key") != SECRETS["ESPOCRM_API_KEY"]:
            return "", 401
        size, offset = int(request.args["maxSize"]), int(request.args["offset"])
        if size > 200:
            return "", 403, {"X-Status-Reason": "Max size should not exceed 200. Use offset and limit."}
        where = {name: request.args[f"where[0][{name}]"] for name in ("type", "attribute", "value")}
        if (where["type"], where["attribute"]) != ("greaterThanOrEquals", "modifiedAt"):
            return "", 400, {"X-Status-Reason": "Bad where item."}
        since = datetime.strptime(where["value"], FORM).replace(tzinfo=UTC)
        if not offset:
            book.begin(since if since.year > 1970 else None)
        people = [person for person in book.kept(since) if _is_linked(person, request.args)]
        given = book.give(part(people, offset, min(size, book.page)))
        names = request.args["select"].split(",")
        return {"total": len(people), "list": [{name: record(one)[name] for name in names} for one in given]}

    return app


def _is_linked(person: Person, asked: Mapping[str, str]) -> bool:
    if "where[1][type]" not in asked:
        return True
    link = (asked["where[1][type]"], asked["where[1][attribute]"], asked["where[1][value][]"])
    return person.member and link == ("linkedWith", "targetLists", TARGET_LIST)


def record(person: Person) -> Mapping[str, object]:
    return {
        "id": identity(person.number),
        "salutationName": SALUTATIONS[person.salutation],
        "firstName": person.given,
        "lastName": person.family,
        "emailAddress": person.email,
        "phoneNumber": person.phone,
        "addressStreet": person.street,
        "addressPostalCode": person.zip,
        "addressCity": person.city,
        "addressCountry": COUNTRIES[person.country],
        "cGeburtsdatum": person.born,
        "cVerstorben": person.deceased,
        "cKeinKontakt": person.no_contact,
        "emailAddressIsOptedOut": person.opted_out,
        "modifiedAt": person.changed.strftime(FORM),
    }


ESPOCRM = Product(
    page="espocrm",
    make_app=make_app,
    secrets=SECRETS,
    foreign_id=lambda number: f"ESPO-{identity(number)}",
    bin=False,
    untold=("member",),
)
