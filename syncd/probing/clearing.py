"""What empties a field, which fields may be empty, and what an erasure leaves."""

from collections.abc import Collection, Mapping, Sequence

from syncd.delivery.blanking import Blanking
from syncd.delivery.leaver import Leaver
from syncd.delivery.placeholders import Placeholders
from syncd.domain.records import FieldKind, RemoteCustomer, Value
from syncd.errors import CallFailed
from syncd.gomus.fields import FIELDS
from syncd.gomus.wire import WriteAnswer
from syncd.probing.bench import Bench
from syncd.probing.hearing import Heard
from syncd.probing.invented import Person
from syncd.probing.shapes import customers_in
from syncd.probing.shaping import tell_single

CATEGORY = "syncd-probe"


def clear(bench: Bench, person: Person) -> None:
    """One text by null, another by empty text, a day by empty text."""
    nulled = _clears(bench, person, "mobile", None)
    emptied = _clears(bench, person, "tel", "")
    if nulled is None or emptied is None:
        bench.lose("cleared_by")
    else:
        answers = {(True, True): "both", (True, False): "null", (False, True): "empty", (False, False): "neither"}
        bench.tell("cleared_by", answers[nulled, emptied])
    name = "mobile" if nulled else "tel"
    heard = bench.ask_again(lambda: bench.read(person))
    shown = customers_in(heard.body)
    if shown and name in shown[0] and (nulled or emptied):
        bench.tell("cleared_fields", "empty" if shown[0][name] == "" else "null")
    bench.lose("cleared_fields")
    _clear_day(bench, person)


def _clear_day(bench: Bench, person: Person) -> None:
    if "date_of_birth" not in person.fields:
        bench.lose("blank_dates")
        return
    heard = bench.put(person, {"date_of_birth": ""})
    if heard.is_lost:
        bench.lose("blank_dates")
    elif heard.is_refused:
        bench.tell("blank_dates", "refused")
    else:
        is_gone = _is_cleared(bench, person, "date_of_birth", heard)
        bench.tell("blank_dates", "cleared" if is_gone else "ignored")


def _clears(bench: Bench, person: Person, name: str, blank: Value) -> bool | None:
    heard = bench.put(person, {name: blank})
    if heard.is_lost:
        return None
    tell_single(bench, heard.body)
    is_cleared = not heard.is_refused and _is_cleared(bench, person, name, heard)
    if is_cleared:
        bench.delivery.habits.blanks[name] = blank
    return is_cleared


def _is_cleared(bench: Bench, person: Person, name: str, heard: Heard[WriteAnswer]) -> bool:
    seen = bench.see(person, lambda remote: _is_empty(remote, name), later=heard.is_later)
    return seen is not None and _is_empty(seen, name)


def _is_empty(remote: RemoteCustomer, name: str) -> bool:
    return remote.fields.get(name) in (None, "")


# --- each field ---


def empty_each(bench: Bench, person: Person) -> None:
    """Which fields may be emptied: all at once, and one by one where that is refused."""
    bench.put(person, person.fields)
    filled = bench.see(person, lambda remote: not any(_is_empty(remote, name) for name in person.fields))
    names = [name for name in person.fields if filled is not None and not _is_empty(filled, name)]
    if not names:
        bench.lose("emptied")
        return
    insisted: set[str] = set()
    for blank in (None, ""):
        texts = [n for n in names if blank is None or FIELDS[n].kind in (FieldKind.TEXT, FieldKind.EMAIL)]
        insisted |= _send_blanks(bench, person, dict.fromkeys(texts, blank))
        left = _left(bench, person, names, insisted)
        bench.delivery.habits.blanks |= {name: blank for name in texts if name not in left}
        names = left
        if not names:
            break
    bench.tell("emptied", "but" if names else "all", fields=", ".join(names))


def _left(bench: Bench, person: Person, names: Sequence[str], insisted: Collection[str]) -> list[str]:
    """Those that are not empty once the read lag is over."""
    emptied = [name for name in names if name not in insisted]
    seen = bench.see(person, lambda remote: all(_is_empty(remote, name) for name in emptied))
    return [name for name in names if seen is None or not _is_empty(seen, name)]


def _send_blanks(bench: Bench, person: Person, fields: Mapping[str, Value]) -> set[str]:
    """The fields that are refused by themselves."""
    if not fields or not bench.put(person, fields).is_refused:
        return set()
    return {name for name, blank in fields.items() if bench.put(person, {name: blank}).is_refused}


# --- an erasure ---


def anonymize(bench: Bench, person: Person) -> None:
    """As an erasure does it; of a customer that is filled again."""
    bench.put(person, person.fields)
    remote = bench.see(person, lambda remote: not any(_is_empty(remote, name) for name in person.fields))
    if remote is None:
        bench.lose("anonymized")
        return
    leaver = Leaver.of(bench.delivery, person.foreign_id, remote.gomus_id)
    placeholders = Placeholders.of(bench.delivery, person.foreign_id)
    blanking = Blanking(leaver=leaver, old=remote, placeholders=placeholders)
    try:
        kept = blanking.empty()
    except CallFailed:
        bench.lose("anonymized")
        return
    answer = "kept" if kept else "insisted" if blanking.insisted else "all"
    bench.tell("anonymized", answer, fields=", ".join(kept or blanking.insisted))


# --- the category ---


def write_category(bench: Bench, person: Person) -> None:
    heard = bench.put(person, {"addr_category": CATEGORY})
    if heard.is_lost:
        bench.lose("category")
        return
    if heard.is_refused:
        bench.tell("category", "refused")
        return
    bench.see(person, lambda remote: remote.fields.get("addr_category") == CATEGORY, later=heard.is_later)
    heard_read = bench.ask_again(lambda: bench.read(person))
    if heard_read.taken is None:
        bench.lose("category")
        return
    shown = heard_read.taken.fields.get("addr_category", "hidden")
    bench.tell("category", "shown" if shown == CATEGORY else "hidden" if shown == "hidden" else "dropped")
