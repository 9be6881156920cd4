"""A probe tells each open point rightly, makes at most three customers, and leaves none of them."""

from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import httpx
import pytest
from probed import Laboratory
from werkzeug import Response

from syncd.errors import Outage, Stopped, TokenRefused
from syncd.sandbox import Switches, each_turned, positions
from syncd.sandbox.customers import Complaint
from syncd.sandbox.proxy import Passing, html

UNTOLD = None
TOLD: dict[str, tuple[str, str] | None] = {
    "single_answer=bare": ("single_answer", "bare"),
    "batch_answer=customer": ("batch_answer", "customer"),
    "batch_answer=list": ("batch_answer", "list"),
    "batch_answer=nothing": ("batch_answer", "nothing"),
    "batch_order=reversed": ("batch_order", "reversed"),
    "address=nested": ("address", "nested"),
    "reference_keys=short": ("reference_keys", "short"),
    "cleared_fields=empty": ("cleared_fields", "empty"),
    "unknown_fields=False": ("unknown_fields", "none"),
    "lookup_key=prefixed": ("lookup_key", "prefixed"),
    "lookup_key=bare": ("lookup_key", "bare"),
    "lookup_name=title": ("lookup_name", "title"),
    "lookup_name=label": ("lookup_name", "label"),
    "lookup_pages=pages": ("lookup_pages", "pages"),
    "order_keys=True": ("order_keys", "some"),
    "hides_category=True": ("category", "hidden"),
    "bad_entry=partial-422": ("bad_entry", "partial_422"),
    "bad_entry=partial-200": ("bad_entry", "partial_200"),
    "foreign_ids=repeatable": ("foreign_ids", "repeatable"),
    "unknown_update=batch": ("unknown_update", "whole"),
    "unknown_update=batch-404": ("unknown_update", "whole"),
    "unknown_update=silence": ("unknown_update", "silence"),
    "cleared_by=null": ("cleared_by", "null"),
    "cleared_by=empty": ("cleared_by", "empty"),
    "writes=accepted": ("writes", "accepted"),
    "bad_single=200": ("bad_single", "with_errors"),
    "blank_dates=null-only": ("blank_dates", "refused"),
    "login_email=required": ("login_email", "untried"),
    "login_email=fixed": ("login_email", "untried"),
    "login_email=kept": ("login_email", "untried"),
    "email_unique=True": ("email_unique", "unique"),
    "errors_name=position": ("errors_name", "position"),
    "errors_name=foreign_id": ("errors_name", "foreign_id"),
    "errors_quote_values=True": ("errors_tell", "values"),
    "errors_tell=name": ("errors_tell", "values"),
    "errors_tell=name-upper": ("errors_tell", "values"),
    "errors_tell=name-html": ("errors_tell", "values"),
    "errors_tell=name-percent": ("errors_tell", "values"),
    "errors_tell=name-unicode": ("errors_tell", "values"),
    "errors_tell=name-cut": ("errors_tell", "values"),
    "errors_tell=at-length": ("errors_tell", "values"),
    "tel_form=compact": ("tel_form", "compact"),
    "name_form=capitalised": ("name_form", "capitalised"),
    "name_form=upper": ("name_form", "upper"),
    "email_form=lower": ("email_form", "lower"),
    "notes_form=trimmed": ("notes_form", "trimmed"),
    "notes_form=escaped": ("notes_form", "escaped"),
    "foreign_id_form=nfc": ("foreign_id_form", "nfc"),
    "foreign_id_form=lower": ("foreign_id_form", "lower"),
    "foreign_id_form=upper": ("foreign_id_form", "upper"),
    "foreign_id_found=in-any-form": ("foreign_id_found", "in_any_form"),
    "reads=seconds-later": ("reads", "later"),
    "reads=calls-later": ("reads", "later"),
    "lenient_numeric=True": ("lenient_numeric", "lenient"),
    "dotted_ids=cut": ("dotted_ids", "cut"),
    "dotted_ids=no-route": ("dotted_ids", "no_route"),
    "merged=by-number": ("merged", "untried"),
    "merged=by-both": ("merged", "untried"),
    "delete_key=number-only": ("delete_key", "number_only"),
    "delete_key=foreign-id-first": ("delete_key", "foreign_id"),
    "delete_with_orders=refused-422": ("delete_with_orders", "untried"),
    "delete_with_orders=refused-409": ("delete_with_orders", "untried"),
    "delete_answer=200-body": ("delete_answer", "with_body"),
    "delete_answer=200-empty": ("delete_answer", "empty"),
    "deleted_status=410": ("deleted_again", "missing"),
    **{f"proxy={one}": ("between", "some") for one in "502 503 504 504-late 404-html 200-html cut".split()},
    "proxy=empty-object": UNTOLD,  # as an instance may answer that shows nobody
    **{f"busy={one}": ("between", "some") for one in ("408", "409", "423", "425")},
}
LOST = ("proxy", "busy")  # what is not told because its answer was lost, is told as lost
USUAL = {
    "single_answer": "wrapped",
    "batch_order": "as_sent",
    "bad_entry": "atomic",
    "errors_name": "nothing",
    "errors_tell": "nothing",
    "foreign_ids": "unique",
    "cleared_by": "both",
    "cleared_fields": "null",
    "blank_dates": "cleared",
    "delete_answer": "empty",
    "deleted_again": "missing",
    "address": "flat",
    "emptied": "but",
    "anonymized": "all",
    "reads": "at_once",
    "dotted_ids": "whole",
    "accented_ids": "found",
    "lenient_numeric": "whole",
    "delete_key": "foreign_id",
    "renaming": "possible",
    "email_unique": "shared",
}


@pytest.fixture
def laboratory(tmp_path: Path) -> Iterator[Callable[..., Laboratory]]:
    opened: list[Laboratory] = []

    def make(**switches: object) -> Laboratory:
        opened.append(Laboratory(tmp_path, replace(Switches(), **switches)))  # type: ignore[arg-type]  # each of its own
        return opened[-1]

    yield make
    for one in opened:
        one.close()


def made(laboratory: Laboratory) -> int:
    """How many customers there ever were, beside the strangers."""
    return len(laboratory.sandbox.customers) + len(laboratory.sandbox.deleted)


def answers(laboratory: Laboratory) -> dict[str, str]:
    return {one.code: one.answer for one in laboratory.probe().findings}


def test_each_switch_has_its_answer() -> None:
    assert {name for name, _ in each_turned()} == set(TOLD)


@pytest.mark.in_part(10)
@pytest.mark.parametrize(("name", "switches"), each_turned(), ids=[name for name, _ in each_turned()])
def test_each_switch_is_told_and_nobody_is_left(
    laboratory: Callable[..., Laboratory], name: str, switches: Switches
) -> None:
    lab = laboratory()
    lab.sandbox.switches = switches
    probed = lab.probe()
    found = {one.code: one.answer for one in probed.findings}
    code, answer = TOLD[name] or ("between", "none")
    assert found[code] == answer
    assert made(lab) <= 3
    assert lab.sandbox.touched_strangers() == []
    if not name.startswith(LOST):
        assert [probed.left, probed.failure, lab.sandbox.customers] == [[], None, []]
    if probed.left:
        lab.sandbox.switches = Switches()
        lab.clock.sleep(3600)
        assert [lab.probe().left, lab.sandbox.customers, lab.sandbox.touched_strangers()] == [[], [], []]


ALONE = {*LOST, "writes", "login_email", "delete_key"}  # what they spoil is more than their own answer


def rounds() -> list[dict[str, object]]:
    """All other positions in a few settings, each with one of each switch."""
    found: list[dict[str, object]] = []
    for name, allowed in positions().items():
        others = [value for value in allowed if value != getattr(Switches(), name) and name not in ALONE]
        for number, value in enumerate(others):
            if number == len(found):
                found.append({})
            found[number][name] = value
    return found


@pytest.mark.parametrize("turned", rounds())
def test_many_switches_are_told_at_once(laboratory: Callable[..., Laboratory], turned: dict[str, object]) -> None:
    lab = laboratory(**turned)
    found = answers(lab)
    told = {name: TOLD[f"{name}={value}"] for name, value in turned.items()}
    assert {one: found[one[0]] for one in told.values() if one} == {one: one[1] for one in told.values() if one}
    assert (lab.sandbox.customers, lab.sandbox.touched_strangers()) == ([], [])


def test_what_is_usual_is_told_as_such(laboratory: Callable[..., Laboratory]) -> None:
    assert USUAL.items() <= answers(laboratory()).items()


def test_several_switches_at_once(laboratory: Callable[..., Laboratory]) -> None:
    lab = laboratory(
        foreign_ids="repeatable",
        delete_key="number-only",
        cleared_by="empty",
        foreign_id_form="lower",
        reads="calls-later",
    )
    found = answers(lab)
    told = {code: found[code] for code in ("foreign_ids", "delete_key", "cleared_by", "foreign_id_form", "reads")}
    assert told == {
        "foreign_ids": "repeatable",
        "delete_key": "number_only",
        "cleared_by": "empty",
        "foreign_id_form": "lower",
        "reads": "later",
    }
    assert (lab.sandbox.customers, lab.sandbox.touched_strangers(), made(lab)) == ([], [], 3)


def test_fields_that_an_instance_insists_on_are_named(laboratory: Callable[..., Laboratory]) -> None:
    lab = laboratory(required=frozenset({"surname", "addr_city"}), unemptied=frozenset({"addr_zip"}))
    found = {one.code: one.values.get("fields") for one in lab.probe().findings}
    assert (found["emptied"], found["anonymized"]) == ("surname, addr_zip, addr_city", "addr_city, addr_zip")


# --- what is learned ---


def test_what_is_learned_is_there_for_the_next_run(laboratory: Callable[..., Laboratory]) -> None:
    lab = laboratory(delete_key="number-only", cleared_by="empty", dotted_ids="no-route")
    lab.probe()
    facts = ("unique", "deletes_by_number", "blank.notes", "id_letters", "unreadable", "readable")
    assert [lab.learned.get(name) for name in facts] == ["yes", "yes", "empty text", "as sent", ".", "é"]
    assert "read_lag" in lab.learned


def test_what_was_learned_of_another_instance_is_asked_anew(laboratory: Callable[..., Laboratory]) -> None:
    """The address behind the name may have changed; a number may be the foreign_id of somebody else there."""
    lab = laboratory(delete_key="foreign-id-first", foreign_ids="repeatable")
    lab.store.instances.learn("test", {"deletes_by_number": "yes", "unique": "yes"})
    lab.probe()
    assert (lab.sandbox.customers, lab.sandbox.touched_strangers()) == ([], [])
    assert {"deletes_by_number", "unique"}.isdisjoint(lab.learned)


def test_no_customer_of_a_probe_stays_in_the_state(laboratory: Callable[..., Laboratory]) -> None:
    lab = laboratory()
    lab.probe()
    assert [name for name in lab.learned if "SYNCD" in name] == []


def test_reading_alone_writes_nothing(laboratory: Callable[..., Laboratory]) -> None:
    lab = laboratory()
    lab.probe(writes=False)
    assert {call.method for call in lab.sandbox.calls} == {"GET"}


# --- at most three ---


def test_an_unknown_one_that_a_batch_update_makes_counts_as_the_third(laboratory: Callable[..., Laboratory]) -> None:
    lab = laboratory(foreign_ids="repeatable")

    def makes_the_unknown(call: Passing) -> Response:
        for sent in call.customers if call.method == "PUT" and call.route.endswith("customers") else ():
            if not lab.sandbox.by_foreign_id(str(sent["foreign_id"])):
                lab.sandbox.add_customer(**sent)  # type: ignore[arg-type]  # scalars
        return call.act()

    lab.sandbox.hook = makes_the_unknown
    found = answers(lab)
    assert (found["unknown_update"], found["foreign_ids"]) == ("created", "lost")
    assert (made(lab), lab.sandbox.customers) == (3, [])


def test_an_instance_that_refuses_everybody_is_said_so(laboratory: Callable[..., Laboratory]) -> None:
    lab = laboratory()
    lab.sandbox.objects = lambda _fields: [Complaint(field="vat_number", text="can't be blank")]
    probed = lab.probe()
    assert "Vat number can't be blank" in str(probed.failure)
    assert (probed.made, made(lab), probed.left) == (0, 0, [])


# --- nobody is left ---


def count_of(writes: Callable[[Passing], bool]) -> Callable[[Passing], int]:
    counted = iter(range(1, 1000))
    return lambda call: next(counted) if writes(call) else 0


def is_write(call: Passing) -> bool:
    return call.method != "GET"


RUDE = {"delete_key": "foreign-id-first", "dotted_ids": "no-route", "foreign_ids": "repeatable"}


@pytest.mark.in_part(12)
@pytest.mark.parametrize("number", range(1, 42))
def test_who_stops_it_anywhere_leaves_nobody(laboratory: Callable[..., Laboratory], number: int) -> None:
    lab = laboratory(**RUDE)
    count = count_of(is_write)

    def stops(call: Passing) -> Response:
        if count(call) == number:
            lab.stopping.set()
        return call.act()

    lab.sandbox.hook = stops
    probed = lab.probe()
    assert probed.failure is None or isinstance(probed.failure, Stopped)
    assert [probed.left, lab.sandbox.customers, lab.sandbox.touched_strangers()] == [[], [], []]


@pytest.mark.in_part(12)
@pytest.mark.parametrize("number", range(1, 42))
@pytest.mark.parametrize("acts", [True, False])
def test_any_write_whose_answer_is_lost_is_cleaned_up_after(
    laboratory: Callable[..., Laboratory], number: int, acts: bool
) -> None:
    lab = laboratory(**RUDE)
    count = count_of(is_write)

    def loses(call: Passing) -> Response:
        if count(call) == number:
            if acts:
                call.act()
            return html(502)
        return call.act()

    lab.sandbox.hook = loses
    first = lab.probe()
    assert made(lab) <= 3
    lab.clock.sleep(3600)
    lab.sandbox.hook = None
    later = lab.probe() if first.left else first
    assert [later.left, lab.sandbox.customers, lab.sandbox.touched_strangers()] == [[], [], []]


@pytest.mark.parametrize("writes", [1, 2, 9])
def test_whom_an_outage_leaves_the_next_probe_takes_away(laboratory: Callable[..., Laboratory], writes: int) -> None:
    lab = laboratory()
    line = Line(writes)
    lab.wrap = line.over
    probed = lab.probe()
    assert isinstance(probed.failure, Outage) or probed.failure
    assert probed.left[0].foreign_id == "SYNCD-Probe-5eed-1"
    line.left = 10_000
    lab.clock.sleep(3600)
    assert lab.probe().left == []
    assert (lab.sandbox.customers, lab.sandbox.touched_strangers()) == ([], [])


class Line:
    """Is cut after so many writes."""

    def __init__(self, writes: int) -> None:
        self.left = writes

    def over(self, inner: httpx.BaseTransport) -> httpx.BaseTransport:
        def pass_on(request: httpx.Request) -> httpx.Response:
            if self.left <= 0:
                raise httpx.ConnectError("cut")
            self.left -= request.method != "GET"
            return inner.handle_request(request)

        return httpx.MockTransport(pass_on)


def test_a_killed_probe_is_cleaned_up_by_the_next(laboratory: Callable[..., Laboratory]) -> None:
    lab = laboratory()
    count = count_of(is_write)

    def dies(call: Passing) -> Response:
        if count(call) >= 4:
            raise SystemExit
        return call.act()

    lab.sandbox.hook = dies
    with suppress(SystemExit):
        lab.probe()
    assert len(lab.sandbox.customers) == 2
    lab.sandbox.hook = None
    lab.token = "another"
    assert lab.probe().left == []
    assert lab.sandbox.customers == []


def test_nobody_is_made_while_somebody_is_left(laboratory: Callable[..., Laboratory]) -> None:
    lab = laboratory(permissions=frozenset({"read", "create", "update"}))
    first = lab.probe()
    before = made(lab)
    lab.token = "another"
    assert [one.why for one in lab.probe().left] == [one.why for one in first.left]
    assert {one.why for one in first.left} == {"permission"}
    assert made(lab) == before


def test_a_token_that_may_not_write_leaves_nobody(laboratory: Callable[..., Laboratory]) -> None:
    probed = laboratory(permissions=frozenset({"read"})).probe()
    assert isinstance(probed.failure, TokenRefused)
    assert probed.left == []


def test_a_customer_that_keeps_an_odd_id_is_named_and_not_deleted_by_number(
    laboratory: Callable[..., Laboratory],
) -> None:
    lab = laboratory(delete_key="foreign-id-first", dotted_ids="no-route")
    is_dotted: set[str] = set()

    def keeps(fields: dict[str, object]) -> list[Complaint]:
        foreign_id = str(fields["foreign_id"])
        if foreign_id.endswith(".a"):
            is_dotted.add(foreign_id.removesuffix(".a"))
        return [Complaint(field="foreign_id", text="is invalid")] if foreign_id in is_dotted else []

    lab.sandbox.objects = keeps  # type: ignore[assignment]  # narrower
    probed = lab.probe()
    assert [one.why for one in probed.left] == ["keeps_id"]
    assert lab.sandbox.touched_strangers() == []


def test_a_wait_that_is_over_is_no_create_to_wait_for(laboratory: Callable[..., Laboratory]) -> None:
    lab = laboratory()
    lab.sandbox.hook = lambda call: html(502) if call.method == "POST" else call.act()
    assert {one.why for one in lab.probe().left} == {"may_come"}
    lab.sandbox.hook = None
    lab.clock.sleep(timedelta(minutes=11).total_seconds())
    assert lab.probe().left == []
