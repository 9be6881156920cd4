"""The first customer and the second: how they are made, what answers look like, and when reads show them."""

from collections.abc import Mapping
from dataclasses import replace

from syncd.domain.records import RemoteCustomer, Value
from syncd.errors import Fatal
from syncd.gomus.wire import WriteAnswer
from syncd.probing.bench import Bench, refusal_of
from syncd.probing.findings import FORMS
from syncd.probing.hearing import Heard
from syncd.probing.invented import Person
from syncd.probing.shapes import (
    NOTHING,
    Shown,
    address_shape,
    batch_shape,
    customers_in,
    form_of,
    keys_of_orders,
    order_of,
    salutation_shape,
    single_shape,
    unknown_keys,
)

FEWEST = ("name", "surname", "email")


def make_first(bench: Bench, person: Person) -> Person:
    """The customer as it was taken. Raises Fatal where an instance takes none, however little is said of it."""
    fewest = {name: value for name, value in person.fields.items() if name in FEWEST or name.endswith("_id")}
    for fields in (person.fields, fewest):
        heard = bench.make(person, fields)
        _tell_single(bench, heard)
        if not heard.is_refused:
            break
        if bench.appears(person, later=False) is None:
            bench.was_not_made(person)
    if heard.is_refused and person.foreign_id not in bench.numbers:
        words = refusal_of(heard) or "without a reason that is known"
        raise Fatal(f"go~mus takes no invented customer ({words})", remedy="ask its operator what a customer needs")
    _wait_for_first(bench, person, heard)
    return replace(person, fields=fields)


def _wait_for_first(bench: Bench, person: Person, heard: Heard[WriteAnswer]) -> None:
    """Until reads show it, which tells how far they lag, and in which letters ids are kept."""
    delivery, began = bench.delivery, bench.delivery.clock()
    shown = delivery.shown_in(heard.taken, person.foreign_id, is_new=True) if heard.taken else None
    if shown:
        bench.numbers[person.foreign_id] = shown.gomus_id
        bench.leftovers.number(person.foreign_id, shown.gomus_id)
        delivery.read_back(person.foreign_id, shown.gomus_id)
    elif remote := bench.appears(person, later=True):
        if not delivery.is_same_id(remote.foreign_id, person.foreign_id):
            delivery.habits.saw_folded(remote.foreign_id)
        delivery.habits.saw_lag(delivery.seconds_since(began))
        delivery.saw(remote, person.foreign_id)
    bench.tell("writes", "accepted" if heard.is_later else "at_once")
    lag = delivery.habits.lag
    if person.foreign_id not in bench.numbers or lag is None:
        bench.lose("reads")
    elif lag.reads or lag.seconds > 1.0:
        bench.tell("reads", "later", seconds=f"{lag.seconds / 2:.1f}", reads=lag.reads)
    else:
        bench.tell("reads", "at_once")


def make_second(bench: Bench, person: Person) -> None:
    """As a batch of one."""
    heard = bench.make(person, person.fields, is_batch=True)
    if heard.is_lost or heard.is_refused:
        bench.lose("batch_create")
    else:
        bench.tell("batch_create", batch_shape(heard.body))
    if bench.appears(person, later=heard.is_lost or heard.is_later) is None and heard.is_refused:
        bench.was_not_made(person)


def change_both(bench: Bench, first: Person, second: Person) -> None:
    """A batch of two, in which nothing is wrong; once more where it shows nobody."""
    for number in (301, 302):
        heard = bench.put_batch([(one, {"fax": f"+49 30 23125 {number}"}) for one in (first, second)])
        if heard.is_lost or heard.is_refused:
            bench.lose("batch_answer", "batch_order")
            return
        _tell_batch(bench, heard.body, first, second)
        if bench.found["batch_answer"].answer != NOTHING:
            return


def _tell_batch(bench: Bench, body: object, first: Person, second: Person) -> None:
    bench.tell("batch_answer", batch_shape(body))
    order = order_of(body, [first.foreign_id, second.foreign_id])
    bench.tell("batch_order", order or "not_shown")


def _tell_single(bench: Bench, heard: Heard[WriteAnswer]) -> None:
    if heard.is_lost or heard.is_refused:
        bench.lose("single_answer")
        return
    tell_single(bench, heard.body)


def tell_single(bench: Bench, body: object) -> None:
    shape = single_shape(body)
    known = bench.found.get("single_answer")
    if shape != NOTHING or known is None or known.answer == "lost":
        bench.tell("single_answer", shape)


# --- one that is read ---


def look_at_first(bench: Bench, person: Person) -> None:
    """What a read shows: which keys, and in which form."""
    number = bench.numbers.get(person.foreign_id)
    heard = bench.ask_again(lambda: bench.delivery.client.read(number) if number else None)
    shown = customers_in(heard.body)
    codes = ("address", "reference_keys", "order_keys", "unknown_fields", "id_form", *FORMS)
    if heard.taken is None or not shown or not person.has(heard.taken.foreign_id):
        bench.lose(*codes)
        return
    _tell_keys(bench, shown[0])
    _tell_forms(bench, person.fields, heard.taken)
    bench.tell("foreign_id_form", form_of(person.foreign_id, heard.taken.foreign_id))


def _tell_keys(bench: Bench, shown: Shown) -> None:
    bench.tell("address", address_shape(shown))
    bench.tell("reference_keys", salutation_shape(shown))
    of_orders = keys_of_orders(shown)
    bench.tell("order_keys", "some" if of_orders else "none", keys=", ".join(of_orders))
    names, count = unknown_keys(shown)
    bench.tell("unknown_fields", "some" if count else "none", keys=", ".join(names) or "–", count=count)
    bench.tell("id_form", "number" if isinstance(shown["id"], int) else "text")


def _tell_forms(bench: Bench, sent: Mapping[str, Value], remote: RemoteCustomer) -> None:
    """Names come back in one form: the given name stands for both."""
    for name in ("name", "tel", "email", "notes"):
        if name in sent:
            bench.tell(f"{name}_form", form_of(str(sent[name]), remote.fields.get(name)))
        else:
            bench.lose(f"{name}_form")
