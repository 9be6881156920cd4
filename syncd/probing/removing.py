"""How a customer is deleted, and whether a second one may have the foreign_id of another."""

from collections.abc import Collection
from functools import partial

from syncd.delivery.leaver import Leaver
from syncd.errors import CallFailed, Missing, Refused
from syncd.probing.bench import Bench
from syncd.probing.hearing import Heard
from syncd.probing.invented import Person


def delete(bench: Bench, person: Person) -> None:
    """By its foreign_id, and once more when it is gone; by its number it goes in the end, where that does not do."""
    codes = ("delete_key", "delete_answer", "deleted_again")
    if person.foreign_id not in bench.numbers or not _has_plain_id(bench, person):
        bench.lose(*codes)
        return
    spelt = bench.delivery.habits.spell_id(person.foreign_id)
    heard = bench.ask(lambda: bench.delivery.client.delete(spelt))
    if isinstance(heard.failure, Refused) and not isinstance(heard.failure, Missing):
        bench.tell("delete_key", "refused", status=heard.status or 0)
        bench.lose(*codes)
        return
    is_gone = _is_gone(bench, person, later=heard.failure is None or heard.is_lost)
    if heard.failure is None:
        _tell_answer(bench, heard)
    if is_gone and not isinstance(heard.failure, Missing):
        bench.tell("delete_key", "foreign_id")
        again = bench.ask(lambda: bench.delivery.client.delete(spelt))
        _tell_again(bench, again)
    elif isinstance(heard.failure, Missing) and not is_gone:
        bench.tell("delete_key", "number_only")
        _delete_by_number(bench, person)
    bench.lose(*codes)


def _has_plain_id(bench: Bench, person: Person) -> bool:
    remote = bench.see(person, lambda remote: bench.delivery.is_same_id(remote.foreign_id, person.foreign_id))
    return remote is not None and bench.delivery.is_same_id(remote.foreign_id, person.foreign_id)


def _is_gone(bench: Bench, person: Person, *, later: bool) -> bool:
    """Once a look finds nobody."""
    for _ in bench.delivery.looks(later=later):
        try:
            if bench.read(person) is None:
                return True
        except CallFailed:
            continue
    return False


def _tell_answer(bench: Bench, heard: Heard[None]) -> None:
    answer = "empty" if heard.is_empty else "with_body"
    bench.tell("delete_answer", answer, status=heard.status or 0)


def _tell_again(bench: Bench, again: Heard[None]) -> None:
    if again.is_lost:
        bench.lose("deleted_again")
    elif again.failure is None:
        bench.tell("deleted_again", "taken", status=again.status or 0)
    else:
        bench.tell("deleted_again", "missing", status=again.status or 0)


def _delete_by_number(bench: Bench, person: Person) -> None:
    """Once: a second time the number might be the foreign_id of somebody else."""
    number = bench.numbers[person.foreign_id]
    leaver = Leaver.of(bench.delivery, person.foreign_id, number)
    is_at = partial(leaver.is_at, number, for_sure=True)
    client = bench.delivery.client
    heard = bench.ask(lambda: bench.delivery.write_by_number(number, is_at, client.delete))
    if heard.failure is None:
        bench.delivery.habits.deletes_by_number = True
        _tell_answer(bench, heard)
        if _is_gone(bench, person, later=True):
            read = bench.ask(lambda: client.read(person.foreign_id))
            bench.tell("deleted_again", "not_sent", status=read.status or 0)


# --- a second one of the same id ---


def make_twin(bench: Bench, first: Person, third: Person) -> None:
    """The last customer that may be made has the foreign_id of the first."""
    if not bench.may_make_one or first.foreign_id not in bench.numbers:
        bench.lose("foreign_ids")
        return
    twin = Person(foreign_id=first.foreign_id, fields=third.fields)
    heard = bench.make(twin, twin.fields)
    habits = bench.delivery.habits
    if heard.is_refused:
        bench.was_not_made(twin)
        says_taken = isinstance(heard.failure, Refused) and heard.failure.says_taken
        habits.is_seen_unique |= says_taken
        bench.tell("foreign_ids", "unique" if says_taken else "refused", status=heard.status or 0)
        return
    if heard.taken and heard.taken.saved:
        is_same = heard.taken.saved[0].gomus_id == bench.numbers[first.foreign_id]
        bench.tell("foreign_ids", "updates" if is_same else "repeatable")


def tell_twins(bench: Bench, numbers: Collection[int]) -> None:
    """After both were taken away: under which numbers the id was seen."""
    if len(numbers) > 1:
        bench.tell("foreign_ids", "repeatable")
    bench.lose("foreign_ids")
