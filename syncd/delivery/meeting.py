"""Meeting what is not ours: customers that go~mus had before, and values that staff may have put there since.

It only looks; what it answers is sent by `writing`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from syncd import reasons
from syncd.delivery.delivery import Delivery
from syncd.delivery.looking import is_folded, is_same_letters
from syncd.delivery.outcomes import adopted, failed, left_alone, not_here
from syncd.domain.changes import Action, Create, Outcome, Result, Update
from syncd.domain.digest import PersonDigester
from syncd.domain.records import Digests, RemoteCustomer
from syncd.domain.winner import Write, is_due, is_free
from syncd.errors import CallFailed, Refused
from syncd.gomus.wire import WriteAnswer

NAMES = ("name", "surname", "institution")


def meet(delivery: Delivery, create: Create, remote: RemoteCustomer | None) -> RemoteCustomer | None:
    """The one that was read under the id of a customer that is to be created, if it is that customer.

    Whose id differs in capital letters is the customer itself if it has its name: then the instance keeps ids so.
    Raises Refused where it is another one.
    """
    if remote is None:
        return None
    if not is_same_letters(remote.foreign_id, create.foreign_id):
        if not (is_folded(remote.foreign_id, create.foreign_id) and _has_name_of(delivery, create, remote)):
            raise Refused(reasons.ANOTHER.tell())
        delivery.habits.saw_folded(remote.foreign_id)
    delivery.saw(remote, create.foreign_id)
    return remote


def _has_name_of(delivery: Delivery, create: Create, remote: RemoteCustomer) -> bool:
    names = {name: create.wanted[name] for name in NAMES if create.wanted.get(name) is not None}
    return bool(names) and names.keys() <= remote.fields.keys() and not delivery.other_than(remote, names)


def under_own_ids(delivery: Delivery, creates: Sequence[Create], answer: WriteAnswer) -> dict[str, RemoteCustomer]:
    """Those whom a 2xx shows as they were sent, or in the letters in which the instance keeps ids."""
    shown = {one.foreign_id: delivery.shown_in(answer, one.foreign_id, is_new=True) for one in creates}
    return {foreign_id: remote for foreign_id, remote in shown.items() if remote is not None}


def under_other_ids(
    delivery: Delivery, creates: Sequence[Create], answer: WriteAnswer, shown: Mapping[str, RemoteCustomer]
) -> dict[str, RemoteCustomer]:
    """Those whom a 2xx shows by name, but under another foreign_id or none: they are there all the same."""
    numbers = {remote.gomus_id for remote in shown.values()}
    left = [remote for remote in answer.saved if remote.gomus_id not in numbers]
    missing = [create for create in creates if create.foreign_id not in shown] if left else []
    found = {one.foreign_id: [remote for remote in left if _has_name_of(delivery, one, remote)] for one in missing}
    return {foreign_id: remotes[0] for foreign_id, remotes in found.items() if len(remotes) == 1}


def adopt(delivery: Delivery, create: Create, remote: RemoteCustomer) -> Outcome:
    """Take over a customer that is there already; the outcome says which fields it still needs."""
    digester = delivery.digester.of(create.foreign_id, create.digests.scheme)
    known = _taken_over(delivery, digester, create, remote)
    needed = {
        name: value
        for name, value in create.wanted.items()
        if is_due(delivery.write_of(name), create.digests.fields[name], digester.trace(name, known))
    }
    kept = [n for n in known.shown if create.wanted[n] is not None and delivery.write_of(n) is Write.UNLESS_CHANGED]
    return adopted(create, remote, known, needed, kept)


def _taken_over(delivery: Delivery, digester: PersonDigester, create: Create, remote: RemoteCustomer) -> Digests:
    """What is known once it is met: values of others are `shown` alone; a field that is not shown is taken for ours."""
    shows = digester.fields({name: remote.fields.get(name, value) for name, value in create.wanted.items()})
    other = delivery.other_than(remote, create.wanted)
    theirs = {name: shows[name] for name in other if shows[name] != digester.field(name, None)}
    ours = {name: digest for name, digest in shows.items() if name not in theirs}
    return Digests(record=create.digests.record, fields=ours, shown=theirs, scheme=digester.scheme)


def completing(create: Create, outcome: Outcome, gomus_id: int) -> Update:
    """The update that brings a customer who was found what it still needs."""
    known, needed = outcome.known or Digests(), outcome.differing
    digests = replace(
        known,
        record=create.digests.record,
        fields={**known.fields, **{name: create.digests.fields[name] for name in needed}},
        shown={name: digest for name, digest in known.shown.items() if name not in needed},
    )
    return Update(
        foreign_id=create.foreign_id,
        gomus_id=gomus_id,
        fields=needed,
        digests=digests,
        source_digest=create.source_digest,
        before=known,
        is_adopted=outcome.action in (Action.ADOPT, Action.LINK),
    )


def needs_look(delivery: Delivery, update: Update) -> bool:
    """Whether what go~mus shows at the moment decides about one of the fields."""
    return any(delivery.write_of(name).needs_look for name in update.fields)


def look_before(delivery: Delivery, update: Update) -> Outcome | Update:
    """What of an update is to be sent, now that the customer has been read; an outcome where that is nothing."""
    if not needs_look(delivery, update):
        return update
    try:
        sighting = delivery.find(update.foreign_id, update.gomus_id, update.digests)
    except CallFailed as failure:
        return failed(update, failure)
    if sighting.here is None:
        return not_here(update, sighting)
    if sighting.here.gomus_id != update.gomus_id:
        return made_anew(delivery, update, sighting.here)
    rest = _still_needed(delivery, update, sighting.here)
    return rest if rest.fields else left_alone(rest)


def _still_needed(delivery: Delivery, update: Update, remote: RemoteCustomer) -> Update:
    before = delivery.digester.of(update.foreign_id, update.before.scheme)
    shows = before.fields({name: remote.fields[name] for name in update.fields if name in remote.fields})
    differing = delivery.differing(remote, update.fields)
    needed = {name: value for name, value in update.fields.items() if name in differing or name not in shows}
    theirs = {
        name: remote.fields.get(name)
        for name in needed
        if not is_free(delivery.write_of(name), shows.get(name), before.trace(name, update.before))
    }
    digester = delivery.digester.of(update.foreign_id, update.digests.scheme)
    return replace(update, fields=needed).keeping(digester.fields(theirs))


def made_anew(delivery: Delivery, update: Update, remote: RemoteCustomer) -> Outcome:
    """Staff have entered the customer again, under another number: all is compared anew, and nothing of it emptied."""
    digester = delivery.digester.of(update.foreign_id, update.digests.scheme)
    memory = delivery.memory_of(update.foreign_id, remote, list(update.digests.fields))
    theirs = {
        name: shown
        for name, shown in memory.fields.items()
        if delivery.write_of(name) is Write.UNLESS_CHANGED or not digester.trace(name, update.digests).is_filled_by_us
    }
    known = replace(memory, fields={n: d for n, d in memory.fields.items() if n not in theirs}, shown=theirs)
    return Outcome(
        change=update, action=Action.ADOPT, result=Result.OK, gomus_id=remote.gomus_id, known=known, stale=True
    )
