"""How an instance takes ids: in a path, in other letters, with a dot or an accent in them."""

from syncd.probing.bench import Bench
from syncd.probing.invented import Person
from syncd.probing.leftovers import rename
from syncd.probing.shapes import form_of


def read_otherwise(bench: Bench, person: Person) -> None:
    """Reads by ids that are near the customer's own: none of them is anybody's."""
    number = bench.numbers[person.foreign_id]
    kept = bench.delivery.habits.spell_id(person.foreign_id)
    found = _finds(bench, person, f"{number}-{person.foreign_id}")
    _tell(bench, "lenient_numeric", is_so=found, yes="lenient", no="whole")
    found = _finds(bench, person, kept.swapcase())
    _tell(bench, "foreign_id_found", is_so=found, yes="in_any_form", no="as_kept")
    if _finds(bench, person, f"{kept}.a"):
        bench.tell("dotted_ids", "cut")


def rename_twice(bench: Bench, person: Person) -> None:
    """The customer gets an id with a dot, one with an accent, and its own again. Each is put by its number."""
    codes = ("dotted_ids", "accented_ids", "renaming")
    if person.foreign_id not in bench.numbers:
        bench.lose(*codes)
        return
    is_readable = _rename(bench, person, person.dotted_id)
    if is_readable is not None:
        bench.tell("renaming", "possible")
        if bench.found.get("dotted_ids") is None or is_readable:
            bench.tell("dotted_ids", "whole" if is_readable else "no_route")
        is_readable = _rename(bench, person, person.accented_id)
        _tell(bench, "accented_ids", is_so=is_readable, yes="found", no="not_found")
        _rename(bench, person, person.foreign_id)
    bench.lose(*codes)


def _rename(bench: Bench, person: Person, foreign_id: str) -> bool | None:
    """Whether it can be read under its new id; None where it has not got it."""
    before = bench.see(person, lambda _remote: True)
    if before is None:
        return None
    heard = bench.ask_again(lambda: rename(bench.delivery, before, foreign_id))
    if heard.is_refused:
        bench.tell("renaming", "refused", status=heard.status or 0)
        return None
    is_same, is_open = bench.delivery.is_same_id, heard.is_lost or heard.is_later
    seen = bench.see(person, lambda remote: is_same(remote.foreign_id, foreign_id), later=is_open)
    if seen is None or not is_same(seen.foreign_id, foreign_id):
        if not heard.is_lost:
            bench.tell("renaming", "ignored")
        return None
    if foreign_id == person.accented_id:
        _tell_form(bench, foreign_id, seen.foreign_id)
    return _is_readable(bench, person, str(seen.foreign_id))


def _is_readable(bench: Bench, person: Person, foreign_id: str) -> bool | None:
    """As the instance itself spells it."""
    for _ in bench.delivery.looks(later=False):
        heard = bench.ask_again(lambda: bench.delivery.client.read(foreign_id))
        if heard.taken is not None and person.has(heard.taken.foreign_id):
            bench.delivery.habits.saw_read(foreign_id, is_shown=True)
            return True
    if heard.is_lost:
        return None
    bench.delivery.habits.saw_read(foreign_id, is_shown=False)
    return False


def _tell_form(bench: Bench, sent: str, shown: str | None) -> None:
    """Small letters or capitals are told by the first id."""
    known = bench.found.get("foreign_id_form")
    if shown is not None and (known is None or known.answer in ("as_sent", "lost")):
        bench.tell("foreign_id_form", form_of(sent, shown))


def _finds(bench: Bench, person: Person, foreign_id: str) -> bool | None:
    """Whether this id leads to the customer; None where nobody says so."""
    heard = bench.ask_again(lambda: bench.delivery.client.read(foreign_id))
    if heard.is_lost:
        return None
    return heard.taken is not None and person.has(heard.taken.foreign_id)


def _tell(bench: Bench, code: str, *, is_so: bool | None, yes: str, no: str) -> None:
    if is_so is None:
        bench.lose(code)
    else:
        bench.tell(code, yes if is_so else no)
