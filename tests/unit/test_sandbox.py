"""The fake go~mus does what the vendor's pages say, and each switch changes what a client sees."""

from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from urllib.parse import quote

import httpx
import pytest

from syncd.sandbox import TOKEN, Sandbox, Switches, create_app, each_turned, positions, serve

CUSTOMERS = "/api/v4/customers"
ANNA = {"foreign_id": "M-1", "name": "Anna", "surname": "Müller", "email": "anna@example.org", "addr_city": "Köln"}
BERND = {"foreign_id": "M-2", "name": "Bernd", "surname": "Groß"}
NAMELESS = {"foreign_id": "M-3", "surname": " "}


@contextmanager
def instance(**switches):
    """A sandbox and a client of it, in process."""
    sandbox = Sandbox(Switches(**switches))
    with client_of(sandbox) as client:
        yield sandbox, client


def client_of(sandbox, token=TOKEN):
    transport = httpx.WSGITransport(app=create_app(sandbox))
    headers = {"Authorization": f"Bearer {token}"}
    return httpx.Client(transport=transport, base_url="http://sandbox", headers=headers)


def post(client, customer):
    return client.post(CUSTOMERS, json={"customer": customer})


def put(client, customer, key=None):
    return client.put(CUSTOMERS if key is None else f"{CUSTOMERS}/{key}", json={"customer": customer})


# What is documented


def test_a_customer_is_created_read_updated_and_deleted():
    with instance() as (sandbox, client):
        created = post(client, ANNA)
        id_ = created.json()["customer"]["id"]
        assert created.status_code == 201
        assert client.get(f"{CUSTOMERS}/M-1").json() == client.get(f"{CUSTOMERS}/{id_}").json() == created.json()
        assert put(client, {"tel": "0221 1"}, id_).json()["customer"].items() >= {**ANNA, "tel": "0221 1"}.items()
        assert client.delete(f"{CUSTOMERS}/{id_}").status_code == 204
        assert client.get(f"{CUSTOMERS}/M-1").status_code == 404
        assert sandbox.customers == []
        assert sandbox.deleted[0]["tel"] == "0221 1"


def test_an_update_leaves_unnamed_fields_alone():
    with instance() as (sandbox, client):
        post(client, ANNA)
        put(client, [{"foreign_id": "M-1", "tel": "0221 1"}])
        assert sandbox.by_foreign_id("M-1")[0].fields.items() >= {**ANNA, "tel": "0221 1"}.items()


def test_a_number_is_an_id_first_and_a_foreign_id_second():
    with instance() as (sandbox, client):
        sandbox.add_customer(id=5001, surname="Somebody else")
        sandbox.add_customer(foreign_id="5001", surname="Shadowed")
        sandbox.add_customer(foreign_id="5002", surname="In the clear")
        assert client.get(f"{CUSTOMERS}/5001").json()["customer"]["surname"] == "Somebody else"
        assert client.get(f"{CUSTOMERS}/5002").json()["customer"]["surname"] == "In the clear"


@pytest.mark.parametrize("foreign_id", ["M/1", "M//1", "M 1?", "Mü#1", "M%2F1", "M.1"])
def test_a_foreign_id_may_hold_what_a_path_must_escape(foreign_id):
    with instance() as (sandbox, client):
        sandbox.add_customer(foreign_id=foreign_id, surname="Müller")
        with serve(create_app(sandbox)) as url:
            answer = httpx.get(f"{url}{CUSTOMERS}/{quote(foreign_id, safe='')}", headers=client.headers)
        assert answer.json()["customer"]["foreign_id"] == foreign_id


def test_countries_come_a_page_at_a_time_and_all_in_the_end():
    with instance() as (_, client):
        pages = [client.get("/api/v4/countries", params={"page": page}).json() for page in range(1, 12)]
        assert pages[0]["meta"] == {"total_count": 249, "page": 1, "per_page": 25}
        assert [len(page["countries"]) for page in pages] == [25] * 9 + [24, 0]
        entries = [entry for page in pages for entry in page["countries"]]
        assert {"id": 60, "name": "Deutschland", "code": "DE"} in entries
        assert len({entry["id"] for entry in entries}) == len({entry["code"] for entry in entries}) == 249


def test_lookups_speak_the_locale_asked_for():
    with instance() as (_, client):
        german, english = (
            [entry["name"] for entry in client.get(f"{CUSTOMERS}/salutations?locale={locale}").json()["salutations"]]
            for locale in ("de", "en")
        )
        assert german == ["Herr", "Frau", "Divers", "Familie"]
        assert english == ["Mr", "Ms", "Mx", "Family"]
        assert client.get("/api/v4/locales").json() == {"locales": ["de", "en"]}


@pytest.mark.parametrize("method", ["GET", "DELETE", "PATCH"])
def test_nothing_lists_customers(method):
    with instance() as (sandbox, client):
        answer = client.request(method, CUSTOMERS)
        assert (answer.status_code, answer.json()) == (404, {"error": "Not Found"})
        assert [(call.route, call.status) for call in sandbox.calls] == [("", 404)]


@pytest.mark.parametrize("body", [None, {}, {"customer": []}, {"customer": {}}, [1], {"customer": "Anna"}])
def test_a_body_without_a_customer_is_refused(body):
    with instance() as (_, client):
        assert client.post(CUSTOMERS, json=body).status_code == 400


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"surname": ""}, "Surname can't be blank"),
        ({"surname": "x" * 256}, "Surname is too long (maximum is 255 characters)"),
        ({"email": "anna@example"}, "Email is invalid"),
        ({"email": "an na@example.org"}, "Email is invalid"),
        ({"date_of_birth": "31.12.1980"}, "Date of birth is invalid"),
        ({"date_of_birth": "1980-02-30"}, "Date of birth is invalid"),
        ({"customer_salutation_id": 999}, "Customer salutation must exist"),
        ({"customer_title_id": 999}, "Customer title must exist"),
        ({"addr_country_id": 999}, "Addr country must exist"),
        ({"language_id": 0}, "Language is invalid"),
        ({"foreign_id": "M-2"}, "Foreign has already been taken"),
    ],
)
def test_a_customer_that_breaks_a_rule_is_refused_in_active_records_words(fields, message):
    with instance() as (sandbox, client):
        post(client, BERND)
        answer = post(client, ANNA | fields)
        assert (answer.status_code, answer.json()) == (
            422,
            {"error": "customer could not be saved", "errors": [message]},
        )
        assert len(sandbox.customers) == 1


def test_a_batch_over_the_cap_saves_nothing():
    with instance(batch_cap=1) as (sandbox, client):
        answer = post(client, [ANNA, BERND])
        assert (answer.status_code, answer.json()["error"]) == (422, "customer(s) could not be saved")
        assert sandbox.customers == []


def test_two_of_one_batch_cannot_share_a_foreign_id():
    with instance(bad_entry="partial-422") as (sandbox, client):
        assert post(client, [ANNA, BERND | {"foreign_id": "M-1"}]).status_code == 422
        assert [customer["name"] for customer in sandbox.customers] == ["Anna"]


def test_a_deleted_customers_foreign_id_is_free_again():
    with instance() as (sandbox, client):
        post(client, ANNA)
        client.delete(f"{CUSTOMERS}/M-1")
        assert post(client, ANNA).status_code == 201
        assert (len(sandbox.customers), len(sandbox.deleted)) == (1, 1)


# Who may what


@pytest.mark.parametrize("token", ["", "another"])
def test_a_wrong_token_reads_only_what_is_public(token):
    with client_of(Sandbox(), token) as client:
        assert client.get("/api/v4/whoami").status_code == 401
        assert client.get(f"{CUSTOMERS}/1").status_code == 401
        assert client.get("/api/v4/countries").status_code == 200


@pytest.mark.parametrize(("access", "status"), [("user", 404), ("cashpoint", 403), ("public", 403)])
def test_only_an_api_user_reads_customers(access, status):
    with instance(access=access) as (_, client):
        assert client.get("/api/v4/whoami").json() == {"access": access, "museums": []}
        assert client.get(f"{CUSTOMERS}/1").status_code == status


def test_a_permission_that_is_missing_forbids_its_calls_alone():
    with instance(permissions=frozenset({"create"})) as (sandbox, client):
        assert post(client, ANNA).status_code == 201
        assert put(client, {"tel": "1"}, "M-1").status_code == 403
        assert put(client, [{"foreign_id": "M-1", "tel": "1"}]).status_code == 403
        assert client.delete(f"{CUSTOMERS}/M-1").status_code == 403
        assert sandbox.customers[0]["tel"] is None


def test_a_token_can_expire_at_any_time():
    with instance() as (sandbox, client):
        assert post(client, ANNA).status_code == 201
        sandbox.tokens.clear()
        assert post(client, BERND).status_code == 401


# The switches


def tour(switches):
    """What a client sees of every kind of call, and what is in the world after: any switch must show in it."""
    sandbox = Sandbox(switches, clock=lambda: datetime(2026, 11, 23, tzinfo=UTC))
    sandbox.add_customer(foreign_id="OLD", surname="Alt", email="alt@example.org", addr_city="Bonn", notes="x")
    sandbox.give_login(1001)
    seen = []
    with client_of(sandbox) as client:
        seen += [client.get(CUSTOMERS + path) for path in ("/salutations", "/titles", "/OLD", "/1001abc")]
        sandbox.add_order(1001)
        seen += [
            post(client, ANNA | {"customer_salutation_id": 7}),
            post(client, ANNA),
            post(client, [BERND, {"foreign_id": "M-4", "surname": "Vier"}]),
            post(client, [NAMELESS, {"foreign_id": "M-5", "surname": "Fünf", "email": "alt@example.org"}]),
            post(client, [{"foreign_id": "M-6", "surname": "Sechs", "email": "kein Platz"}]),
            put(client, [{"foreign_id": "M-9", "surname": "Neun"}, {"foreign_id": "OLD", "tel": "1"}]),
            put(client, {"email": None, "notes": ""}, "OLD"),
            put(client, {"email": "neu@example.org", "addr_category": "ermäßigt"}, 1001),
            put(client, {"date_of_birth": ""}, 1001),
            *[put(client, {name: value}, 1001) for name, value in FORMED.items()],
            *[client.get(f"{CUSTOMERS}/{id_}") for id_ in (1001, "OLD", "old", "OLD.json")],
            post(client, {"foreign_id": "M-u\u0308", "surname": "Ü"}),
            client.delete(f"{CUSTOMERS}/M-2"),
            client.delete(f"{CUSTOMERS}/M-2"),
            client.delete(f"{CUSTOMERS}/1003"),
            client.delete(f"{CUSTOMERS}/{sandbox.add_customer(id=1005, surname='Fünf').id}"),
            *_after_a_merger(sandbox, client),
            client.delete(f"{CUSTOMERS}/OLD"),
        ]
    sandbox.apply_accepted()
    return [(one.status_code, one.text) for one in seen], [one.fields for one in sandbox.customers]


FORMED = {"tel": "0221 / 1", "name": "von", "notes": " a & b ", "email": "A@example.org"}


def _after_a_merger(sandbox, client):
    lost, other = (sandbox.add_customer(id=id_, foreign_id=f"V-{id_}", surname="V") for id_ in (2001, 2002))
    sandbox.merge(lost.id, other.id)
    return [client.get(f"{CUSTOMERS}/{id_}") for id_ in (lost.id, lost.foreign_id)]


# Small pages and partial batches, for some switches show only beside these
BASE = Switches(per_page=2, bad_entry="partial-422")


@pytest.mark.parametrize(
    ("name", "value"),
    [(name, value) for name, all_ in positions().items() for value in all_ if value != getattr(BASE, name)],
)
def test_every_switch_shows(name, value):
    assert tour(replace(BASE, **{name: value})) != tour(BASE)


def test_each_turned_turns_every_switch_to_every_other_position():
    turned = dict(each_turned())
    assert turned["bad_entry=partial-200"] == Switches(bad_entry="partial-200")
    assert len(set(turned.values())) == len(turned) == sum(len(all_) - 1 for all_ in positions().values())
    assert "access" not in positions()


def test_a_position_that_no_switch_has_is_refused():
    with pytest.raises(ValueError, match="bad_entry is one of 'atomic', 'partial-422', 'partial-200', not 'partly'"):
        Switches(bad_entry="partly")
    assert positions()["lenient_numeric"] == (False, True)


def test_a_single_answer_is_wrapped_or_bare():
    for position, unwrap in {"wrapped": lambda body: body["customer"], "bare": lambda body: body}.items():
        with instance(single_answer=position) as (_, client):
            assert unwrap(post(client, ANNA).json())["foreign_id"] == "M-1"


@pytest.mark.parametrize(
    ("shape", "unwrap"),
    [
        ("customers", lambda body: body["customers"]),
        ("customer", lambda body: body["customer"]),
        ("list", lambda body: body),
        ("nothing", lambda body: [ANNA, BERND] if body == {} else body),
    ],
)
@pytest.mark.parametrize("order", ["as-sent", "reversed"])
def test_a_batch_is_answered_in_each_shape_and_order(shape, unwrap, order):
    with instance(batch_answer=shape, batch_order=order) as (sandbox, client):
        answered = [one["foreign_id"] for one in unwrap(post(client, [ANNA, BERND]).json())]
        assert answered == (["M-2", "M-1"] if order == "reversed" and shape != "nothing" else ["M-1", "M-2"])
        assert len(sandbox.customers) == 2


@pytest.mark.parametrize(
    ("position", "status", "saved"),
    [("atomic", 422, []), ("partial-422", 422, ["M-1", "M-2"]), ("partial-200", 200, ["M-1", "M-2"])],
)
def test_a_bad_entry_spoils_its_batch_or_only_itself(position, status, saved):
    with instance(bad_entry=position) as (sandbox, client):
        answer = post(client, [ANNA, NAMELESS, BERND])
        assert (answer.status_code, answer.json()["errors"]) == (status, ["Surname can't be blank"])
        assert [customer.foreign_id for customer in sandbox.customers] == saved
        assert sandbox.deleted == []


def test_an_atomic_batch_update_takes_back_what_it_had_done():
    with instance() as (sandbox, client):
        post(client, [ANNA, BERND])
        before = sandbox.customers
        entries = [{"foreign_id": "M-1", "tel": "1"}, {"foreign_id": "M-2", "email": "no"}]
        assert put(client, entries).status_code == 422
        assert sandbox.customers == before


@pytest.mark.parametrize(
    ("position", "message"),
    [
        ("nothing", "Email is invalid"),
        ("position", "Customer 2: Email is invalid"),
        ("foreign_id", "Customer M-2: Email is invalid"),
    ],
)
def test_a_batchs_errors_may_say_whose_they_are(position, message):
    with instance(errors_name=position) as (_, client):
        assert post(client, [ANNA, BERND | {"email": "no"}]).json()["errors"] == [message]


def test_errors_may_quote_what_was_sent():
    with instance(errors_quote_values=True) as (_, client):
        assert post(client, ANNA | {"email": "x@y"}).json()["errors"] == ["Email 'x@y' is invalid"]


def test_a_repeated_create_makes_a_duplicate_where_foreign_ids_are_repeatable():
    with instance(foreign_ids="repeatable") as (sandbox, client):
        post(client, ANNA)
        assert sandbox.duplicates() == []
        assert post(client, ANNA).status_code == 201
        assert sandbox.duplicates() == ["M-1"]
        assert len(sandbox.by_foreign_id("M-1")) == 2


@pytest.mark.parametrize(
    ("position", "status", "is_updated"),
    [("entry", 422, True), ("batch", 422, False), ("batch-404", 404, False), ("silence", 200, True)],
)
def test_an_unknown_foreign_id_in_a_batch_update(position, status, is_updated):
    with instance(unknown_update=position, bad_entry="partial-422") as (sandbox, client):
        post(client, ANNA)
        answer = put(client, [{"foreign_id": "M-1", "tel": "1"}, {"foreign_id": "M-9", "tel": "9"}])
        assert answer.status_code == status
        assert (sandbox.customers[0]["tel"] == "1") is is_updated
        assert len(sandbox.customers) == 1


@pytest.mark.parametrize(
    ("position", "null", "empty"), [("both", None, None), ("null", None, "2"), ("empty", "1", None)]
)
def test_what_clears_a_field(position, null, empty):
    with instance(cleared_by=position) as (sandbox, client):
        post(client, ANNA | {"tel": "1", "fax": "2"})
        put(client, {"tel": None, "fax": ""}, "M-1")
        assert (sandbox.customers[0]["tel"], sandbox.customers[0]["fax"]) == (null, empty)


@pytest.mark.parametrize(
    ("position", "status", "is_there"), [("done", 204, False), ("refused-422", 422, True), ("refused-409", 409, True)]
)
def test_deleting_a_customer_with_orders(position, status, is_there):
    with instance(delete_with_orders=position) as (sandbox, client):
        sandbox.add_order(sandbox.add_customer(foreign_id="M-1", surname="Müller").id)
        assert client.delete(f"{CUSTOMERS}/M-1").status_code == status
        assert bool(sandbox.customers) is is_there
        assert is_there or sandbox.deleted[0].orders == 1


@pytest.mark.parametrize(
    ("position", "status", "has_body"), [("204", 204, False), ("200-body", 200, True), ("200-empty", 200, False)]
)
@pytest.mark.parametrize("gone", [404, 410])
def test_a_delete_is_answered_and_a_repeated_one_too(position, status, has_body, gone):
    with instance(delete_answer=position, deleted_status=gone) as (sandbox, client):
        id_ = sandbox.add_customer(id=5001, foreign_id="M-1", surname="Müller").id
        answer = client.delete(f"{CUSTOMERS}/{id_}")
        assert (answer.status_code, bool(answer.content)) == (status, has_body)
        assert {client.delete(f"{CUSTOMERS}/{id_}").status_code, client.get(f"{CUSTOMERS}/M-1").status_code} == {gone}
        assert client.get(f"{CUSTOMERS}/M-2").status_code == 404


def test_nested_addresses_show_those_that_no_update_reaches():
    with instance(address="nested") as (sandbox, client):
        id_ = post(client, ANNA).json()["customer"]["id"]
        sandbox.add_address(id_, city="Wien")
        addresses = put(client, {"addr_city": None}, id_).json()["customer"]["addresses"]
        assert [address["city"] for address in addresses] == [None, "Wien"]
        assert "addr_city" not in client.get(f"{CUSTOMERS}/{id_}").json()["customer"]


@pytest.mark.parametrize(("position", "keys"), [("prefixed", "customer_{}_id"), ("short", "{}_id")])
def test_reference_keys(position, keys):
    with instance(reference_keys=position) as (_, client):
        answer = post(client, ANNA | {"customer_salutation_id": 3, "customer_title_id": 5}).json()["customer"]
        assert (answer[keys.format("salutation")], answer[keys.format("title")]) == (3, 5)


@pytest.mark.parametrize(("key", "answered"), [("short", "titles"), ("prefixed", "customer_titles")])
@pytest.mark.parametrize("name", ["name", "title", "label"])
def test_lookup_lists_page_or_come_whole(key, answered, name):
    with instance(lookup_key=key, lookup_name=name, per_page=4) as (sandbox, client):
        whole = client.get(f"{CUSTOMERS}/titles").json()
        assert whole.keys() == {answered}
        sandbox.switches = replace(sandbox.switches, lookup_pages="pages")
        first, second = (client.get(f"{CUSTOMERS}/titles?page={page}").json() for page in (1, 2))
        assert first["meta"] == {"total_count": 6, "page": 1, "per_page": 4}
        assert first[answered] + second[answered] == whole[answered]
        assert whole[answered][0] == {"id": 5, name: "Dr."}


def test_a_bare_lookup_list_is_always_whole():
    with instance(lookup_key="bare", lookup_pages="pages", per_page=1) as (_, client):
        assert len(client.get(f"{CUSTOMERS}/salutations").json()) == 4


def test_an_accepted_write_takes_effect_some_calls_later():
    with instance(writes="accepted", accepted_for=1) as (sandbox, client):
        assert post(client, ANNA).status_code == 202
        assert [client.get(f"{CUSTOMERS}/M-1").status_code for _ in range(2)] == [404, 200]
        assert post(client, NAMELESS).status_code == 422
        assert put(client, {"tel": "1"}, "M-1").status_code == 202
        assert sandbox.customers[0]["tel"] is None
        sandbox.apply_accepted()
        assert sandbox.customers[0]["tel"] == "1"


def test_an_accepted_write_takes_effect_after_a_second_at_most():
    now = datetime(2026, 11, 23, tzinfo=UTC)
    sandbox = Sandbox(Switches(writes="accepted", accepted_for=99), clock=lambda: now)
    with client_of(sandbox) as client:
        post(client, ANNA)
        assert client.get(f"{CUSTOMERS}/M-1").status_code == 404
        now += timedelta(seconds=1)
        assert client.get(f"{CUSTOMERS}/M-1").status_code == 200


def test_accepted_writes_that_clash_spoil_only_the_later_one():
    with instance(writes="accepted") as (sandbox, client):
        assert [post(client, [one]).status_code for one in (ANNA, ANNA | {"name": "Twin"})] == [202, 202]
        sandbox.apply_accepted()
        assert [customer["name"] for customer in sandbox.customers] == ["Anna"]


def test_leading_digits_may_be_read_as_an_id():
    for is_lenient, status in ((False, 404), (True, 200)):
        with instance(lenient_numeric=is_lenient) as (sandbox, client):
            sandbox.add_customer(id=12, surname="Somebody else")
            assert client.get(f"{CUSTOMERS}/12abc").status_code == status


def test_required_fields_and_unique_addresses_are_an_instances_choice():
    with instance(required=frozenset({"email"}), email_unique=True) as (_, client):
        assert post(client, {"name": "Anna"}).json()["errors"] == ["Email can't be blank"]
        assert post(client, ANNA).status_code == 201
        assert post(client, BERND | {"email": ANNA["email"]}).json()["errors"] == ["Email has already been taken"]


# What a test can see of it


def test_a_call_is_logged_as_it_was_sent():
    with instance() as (sandbox, client):
        post(client, [ANNA, NAMELESS])
        client.get(f"{CUSTOMERS}/M-1", params={"locale": "de"})
        (sent,) = sandbox.calls_to("POST", CUSTOMERS)
        assert (sent.customers, sent.status) == ([ANNA, NAMELESS], 422)
        assert [(str(call), call.path, call.query) for call in sandbox.calls_to("GET")] == [
            (f"GET {CUSTOMERS}/:id", f"{CUSTOMERS}/M-1", {"locale": "de"})
        ]
        assert "Anna" not in repr(sandbox.calls)
        sandbox.reset_calls()
        assert not sandbox.calls


def test_a_misspelt_field_is_not_prepared_silently():
    sandbox = Sandbox()
    with pytest.raises(ValueError, match="surname_"):
        sandbox.add_customer(surname_="Müller")


# Served


def test_it_is_served_on_a_real_port_to_several_clients_at_once():
    sandbox = Sandbox(latency=0.05)
    with (
        serve(create_app(sandbox)) as url,
        httpx.Client(base_url=url, headers={"Authorization": f"Bearer {TOKEN}"}) as client,
    ):
        with ThreadPoolExecutor(4) as pool:
            answers = list(pool.map(lambda n: post(client, ANNA | {"foreign_id": f"M-{n}"}), range(8)))
        assert [answer.status_code for answer in answers] == [201] * 8
        state = client.get("/_sandbox/state").json()
    assert {customer["foreign_id"] for customer in state["customers"]} == {f"M-{n}" for n in range(8)}
    assert (state["calls"], state["by_call"], state["deleted"]) == (8, {f"POST {CUSTOMERS}": 8}, [])
    assert 1 < sandbox.busiest <= 4
    with pytest.raises(httpx.ConnectError):
        httpx.get(url)


def test_the_page_escapes_html_and_keeps_umlauts():
    with instance() as (sandbox, client):
        sandbox.add_customer(foreign_id="M-1", surname="<script>alert(1)</script>", addr_city="Köln", notes="ß")
        client.get(f"{CUSTOMERS}/M-1")
        page = client.get("/")
        assert page.headers["Content-Type"] == "text/html; charset=utf-8"
        assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page.text
        assert "<script" not in page.text
        assert "Köln" in page.text
        assert "notes: ß" in page.text
        assert len(sandbox.calls) == 1
