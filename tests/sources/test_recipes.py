"""The recipes in docs/recipes/, each as it stands there, against a stand-in for its product and the sandbox."""

import json
import os
import re
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest
from recipes import hubspot
from recipes.airtable import AIRTABLE
from recipes.book import COUNT, COUNTRIES, DECEASED, NO_CONTACT, NO_MEMBER, Book, Person, Product
from recipes.brevo import BREVO
from recipes.civicrm import CIVICRM
from recipes.dataverse import DATAVERSE
from recipes.espocrm import ESPOCRM
from recipes.hubspot import HUBSPOT
from recipes.salesforce import SALESFORCE

from syncd.assembly import make_sync, opening_state, opening_world
from syncd.config import load
from syncd.domain.guards import Word
from syncd.domain.runs import Status, Summary, Trigger
from syncd.runs.run import run
from syncd.sandbox import TOKEN, Customer, Sandbox, create_app, serve
from syncd.sources.rest.options import RestOptions
from syncd.state.held import Signature

PAGES = Path(__file__).parents[2] / "docs/recipes"
PRODUCTS = (SALESFORCE, HUBSPOT, BREVO, CIVICRM, DATAVERSE, AIRTABLE, ESPOCRM)
every_product = pytest.mark.parametrize("product", PRODUCTS, ids=lambda product: product.page)
every_bin = pytest.mark.parametrize(
    "product", [product for product in PRODUCTS if product.bin], ids=lambda product: product.page
)


def blocks(page: str) -> list[str]:
    return re.findall(r"(?ms)^```toml\n(.*?)^```", (PAGES / f"{page}.md").read_text(encoding="utf-8"))


def with_other_source(whole: str, source: str) -> str:
    """The configuration with all tables of its source replaced, as the page says to do it."""
    tables = re.split(r"(?m)^(?=\[)", whole)
    return "".join(table for table in tables if ".source" not in table.partition("\n")[0]) + source


def moved(text: str, product: str, gomus: str) -> str:
    """With other hosts, and else as it stands."""
    hosts = re.compile(r'(?<=url = ")https://[^/"]+')
    return hosts.sub(lambda found: gomus if "gomus" in found[0] else product, text)


@dataclass
class Desk:
    """Where a recipe is tried: a folder with its configuration, the product's book, a sandbox; both over HTTP."""

    folder: Path
    product: Product
    book: Book
    sandbox: Sandbox
    addresses: Mapping[str, str]
    secrets: dict[str, str]

    def configure(self, text: str, **values: str) -> None:
        """As the page has it but for the hosts, and the keys that are given."""
        for key, value in values.items():
            text, count = re.subn(rf'\b{key} = "\w+"', f'{key} = "{value}"', text)
            assert count == 1, key
        (self.folder / "config.toml").write_text(moved(text, **self.addresses), encoding="utf-8")

    def run(self) -> Summary:
        """One run, in this process; go~mus is known to hold nobody else."""
        self.sandbox.reset_calls()
        config = load(self.folder / "config.toml", self.secrets)
        [sync] = config.syncs.values()
        with (
            opening_state(config) as state,
            opening_world(config, sync, state, stopping=threading.Event(), progress=lambda *_: None) as world,
        ):
            return run(make_sync(config, sync, world.sleep), world, trigger=Trigger.COMMAND_LINE, probe=False)

    def approve(self) -> None:
        config = load(self.folder / "config.toml", self.secrets)
        [sync] = config.syncs.values()
        with opening_state(config) as state:
            held, said = state.store.held.find(sync.name), Signature(by="somebody", why=None, at=datetime.now(UTC))
            assert held
            assert state.store.held.decide(sync.name, held.run_id, Word.APPROVED, but=(), said=said)

    def writes(self) -> list[str]:
        return [call.method for call in self.sandbox.calls if call.method != "GET"]

    def customers(self) -> dict[str, dict[str, object]]:
        """What the instance holds, without what is empty or beside the point."""
        return {
            str(customer.foreign_id): {
                name: value for name, value in customer.fields.items() if value not in (None, False)
            }
            for customer in self.sandbox.customers
        }

    def expected(self, person: Person) -> dict[str, object]:
        countries = {name: number for number, (_, name) in self.sandbox.countries.items()}
        salutations = {names["de"]: number for number, names in self.sandbox.salutations.items()}
        fields: dict[str, object] = {
            "foreign_id": self.product.foreign_id(person.number),
            "name": person.given,
            "surname": person.family,
            "email": person.email.lower(),
            self.product.phone_field: person.phone,
            "addr_street": person.street,
            "addr_zip": person.zip,
            "addr_city": person.city,
            "addr_country_id": countries[COUNTRIES[person.country]],
            "date_of_birth": person.born,
            "customer_salutation_id": salutations[person.salutation] if person.salutation else None,
            "notes": self.product.notes(person),
        }
        return _filled(fields)

    def everybody(self) -> dict[str, dict[str, object]]:
        wanted = (person for person in self.book.people.values() if person.is_wanted)
        return {self.product.foreign_id(person.number): self.expected(person) for person in wanted}

    def customer(self, number: int) -> Customer:
        [customer] = self.sandbox.by_foreign_id(self.product.foreign_id(number))
        return customer

    def edit(self, number: int, **fields: str) -> None:
        """As the museum's desk does it, in go~mus."""
        self.sandbox.save(fields, self.customer(number))

    def bring_forward(self) -> None:
        """As if the day and grace were over, with a person's approval."""
        self.configure(blocks(self.product.page)[0], full_every="0s", grace="0s")
        assert self.run().status is Status.HELD  # for the configuration has changed
        self.approve()


def _filled(fields: Mapping[str, object]) -> dict[str, object]:
    return {name: value for name, value in fields.items() if value not in (None, False)}


@pytest.fixture
def desk(product: Product, tmp_path: Path) -> Iterator[Desk]:
    book, sandbox = Book(), Sandbox()
    with ExitStack() as stack:
        addresses = {
            "product": stack.enter_context(product.open(book)),
            "gomus": stack.enter_context(serve(create_app(sandbox))),
        }
        yield Desk(tmp_path, product, book, sandbox, addresses, {"GOMUS_TOKEN": TOKEN, **product.secrets})


# --- the pages ---


def test_every_page_is_tried_and_listed() -> None:
    pages = {page.stem for page in PAGES.glob("*.md")} - {"README"}
    assert pages - {"association"} == {product.page for product in PRODUCTS}  # that one is of a file
    index = (PAGES / "README.md").read_text(encoding="utf-8")
    assert {page for page in pages if f"]({page}.md)" not in index} == set()


@every_product
def test_a_recipe_is_a_valid_configuration_as_it_stands(product: Product, tmp_path: Path) -> None:
    secrets = {"GOMUS_TOKEN": TOKEN, **product.secrets}
    whole, *others = blocks(product.page)
    for text in [whole, *(with_other_source(whole, other) for other in others)]:
        (tmp_path / "config.toml").write_text(text, encoding="utf-8")
        [sync] = load(tmp_path / "config.toml", secrets).syncs.values()
        assert isinstance(sync.source, RestOptions)
        assert sync.schedule


@every_product
def test_a_page_names_every_secret_and_the_documentation(product: Product) -> None:
    page = (PAGES / f"{product.page}.md").read_text(encoding="utf-8")
    assert [name for name in product.secrets if f"export {name}=" not in page] == []
    assert "## Documentation" in page


# --- what comes of them ---


@pytest.mark.in_part(2)
@every_product
def test_the_members_are_created_as_the_page_maps_them_and_then_left_alone(desk: Desk, product: Product) -> None:
    desk.configure(blocks(product.page)[0])
    assert desk.run().status is Status.DONE
    assert desk.book.asked == [None]
    assert desk.customers() == desk.everybody()
    assert len(desk.customers()) == COUNT - len((DECEASED, NO_MEMBER, NO_CONTACT))
    assert desk.run().status is Status.DONE
    assert desk.writes() == []


@pytest.mark.in_part(2)
@every_product
def test_changes_are_asked_for_and_nothing_else(desk: Desk, product: Product) -> None:
    desk.configure(blocks(product.page)[0])
    desk.run()
    desk.book.change(7, street="Neue Gasse 1", phone=None)
    assert desk.run().status is Status.DONE
    assert desk.book.asked[-1] is not None
    assert desk.book.given[-1] < 5
    assert desk.writes() == ["PUT"]
    assert desk.customers() == desk.everybody()


@pytest.mark.in_part(2)
@every_product
def test_who_is_deleted_is_anonymized_and_deleted_after_grace(desk: Desk, product: Product) -> None:
    whole = blocks(product.page)[0]
    desk.configure(whole)
    desk.run()
    before = desk.customer(7)
    if product.bin:
        desk.book.throw_away(7)
        desk.configure(whole)
    else:
        desk.book.destroy(7)
        desk.configure(whole, full_every="0s")  # as if the day were over
    waiting = desk.run()
    assert (waiting.status, desk.writes(), waiting.counts["absent"]) == (Status.DONE, [], 1)
    assert (desk.book.asked[-1] is not None) == product.bin
    desk.bring_forward()
    assert desk.run().status is Status.DONE
    assert desk.writes() == ["PUT", "DELETE"]
    [gone] = desk.sandbox.deleted
    assert (gone.id, gone.foreign_id) == (before.id, before.foreign_id)
    personal = {before[field] for field in ("name", "surname", "email", product.phone_field, "addr_street")}
    assert personal.isdisjoint(gone.fields.values())
    assert desk.customers() == desk.everybody()


@every_bin
def test_who_is_taken_out_of_the_bin_again_stays(desk: Desk, product: Product) -> None:
    whole = blocks(product.page)[0]
    desk.configure(whole)
    desk.run()
    desk.book.throw_away(7)
    assert desk.run().counts["absent"] == 1
    desk.book.change(7, deleted=False)
    desk.configure(whole, grace="0s")
    assert desk.run().status is Status.DONE
    assert desk.writes() == []
    assert desk.customers() == desk.everybody()


# --- who counts, and who wins ---

ENTERED = {  # by the museum's desk, in go~mus
    "tel": "+493023125999",
    "mobile": "+4917123125999",
    "date_of_birth": "1970-01-31",
    "notes": "Hund dabei",
}

ONLY_MEMBERS = {  # what a page says to leave out for all contacts
    "brevo": "/lists/7/contacts",
    "civicrm": r'  \["membership\..*\n|(join|groupBy|notes) = .*\n| "MIN\(.* AS member_since",',
    "airtable": r"view = .*\n",
    "espocrm": r'"where\[1\].*\n',
}


@every_product
def test_as_the_page_says_it_is_all_contacts_but_those_whom_where_leaves_out(desk: Desk, product: Product) -> None:
    whole = blocks(product.page)[0]
    desk.configure(re.sub(ONLY_MEMBERS.get(product.page, ".*# members; .*\n"), "", whole))
    assert desk.run().status is Status.DONE
    left_out = {product.foreign_id(number) for number in range(1, COUNT + 1)} - desk.customers().keys()
    assert left_out == {product.foreign_id(DECEASED), product.foreign_id(NO_CONTACT)}


@pytest.mark.in_part(2)
@every_product
def test_who_dies_leaves_or_wants_no_contact_is_erased_after_grace_and_who_opts_out_stays(
    desk: Desk, product: Product
) -> None:
    whole = blocks(product.page)[0]
    desk.configure(whole)
    desk.run()
    leaving = {7: "deceased", 8: "no_contact", 9: "member"}
    before = {desk.customer(number).id for number in leaving}
    for number, name in leaving.items():
        desk.book.change(number, **{name: name != "member"})
    desk.book.change(10, opted_out=True)
    assert desk.run().counts["absent"] == len(set(leaving.values()) - set(product.untold))
    assert desk.book.asked[-1] is not None
    desk.configure(whole, full_every="0s")  # as if the day were over
    assert desk.run().counts["absent"] == len(leaving)
    assert desk.writes() == []
    desk.bring_forward()
    assert desk.run().status is Status.DONE
    assert {gone.id for gone in desk.sandbox.deleted} == before
    assert desk.customers() == desk.everybody()


@pytest.mark.in_part(2)
@every_product
def test_what_the_desk_has_entered_stays_and_the_rest_follows_the_product(desk: Desk, product: Product) -> None:
    desk.configure(blocks(product.page)[0])
    desk.run()
    entered = {name: value for name, value in ENTERED.items() if name in product.owned}
    desk.edit(7, **entered)
    for number in (7, 8):
        desk.book.change(number, phone="+493023125888", born="1980-12-31", street="Neue Gasse 1")
    assert desk.run().status is Status.DONE
    followed = {"addr_street": "Neue Gasse 1", "date_of_birth": "1980-12-31"}
    assert desk.customer(7).fields.items() >= (followed | entered).items()
    assert desk.customer(8)[product.phone_field] == "+493023125888"


# --- all of them in one museum, by the command ---


@dataclass(frozen=True)
class Together:
    folder: Path
    sandbox: Sandbox

    def syncd(self, *arguments: str, **secrets: str) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            [sys.executable, "-m", "syncd", "--config", "config.toml", *arguments],
            cwd=self.folder,
            env=os.environ | {"GOMUS_TOKEN": TOKEN} | SECRETS | secrets,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )


SECRETS = {name: value for product in PRODUCTS for name, value in product.secrets.items()}


@pytest.fixture
def together(tmp_path: Path) -> Iterator[Together]:
    sandbox = Sandbox()
    with ExitStack() as stack:
        gomus = stack.enter_context(serve(create_app(sandbox)))
        texts = [
            moved(blocks(product.page)[0], stack.enter_context(product.open(Book())), gomus) for product in PRODUCTS
        ]
        first, *others = (text.partition("[sync.") for text in texts)
        whole = "".join(first) + "".join(start + rest for _, start, rest in others)
        (tmp_path / "config.toml").write_text(whole, encoding="utf-8")
        yield Together(tmp_path, sandbox)


def test_the_check_that_the_pages_recommend_is_content_with_all(together: Together) -> None:
    ended = together.syncd("check")
    assert ended.returncode == 0, ended.stdout


def test_a_wrong_secret_ends_each_run_with_a_remedy_and_1(together: Together) -> None:
    wrong = {list(product.secrets)[-1]: "wr0ng" for product in PRODUCTS}
    ended = together.syncd("--once", **wrong)
    assert ended.returncode == 1
    events = [json.loads(line) for line in ended.stdout.splitlines()]
    failed = {event["sync"]: event for event in events if event["event"] == "run.failed"}
    assert len(failed) == len(PRODUCTS)
    assert {name: event["error"] for name, event in failed.items() if "refuses" not in event["error"]} == {}
    assert {name for name, event in failed.items() if not re.search("new one|client_secret", event["remedy"])} == set()
    assert "wr0ng" not in ended.stdout + ended.stderr
    assert [call.method for call in together.sandbox.calls if call.method != "GET"] == []


# --- HubSpot: where the search does not reach ---

HUBSPOT_ALONE = pytest.mark.parametrize("product", [HUBSPOT], ids=["hubspot"])


@HUBSPOT_ALONE
def test_the_plain_list_gives_the_same_customers(desk: Desk, product: Product) -> None:
    search, plain = blocks(product.page)
    desk.configure(search)
    desk.run()
    desk.configure(with_other_source(search, plain))
    assert desk.run().status is Status.DONE
    assert desk.writes() == []
    assert desk.customers() == desk.everybody()


@HUBSPOT_ALONE
def test_a_search_that_ends_too_early_deletes_nobody(
    desk: Desk, product: Product, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk.configure(blocks(product.page)[0])
    desk.run()
    monkeypatch.setattr(hubspot, "SEARCHED", 200)
    desk.configure(blocks(product.page)[0], full_every="0s", grace="0s")
    failed = desk.run()
    assert (failed.status, desk.writes()) == (Status.FAILED, [])
    assert "400" in str(failed.error)
