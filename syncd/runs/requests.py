"""Asking for an erasure, and taking it back: the ledger first, then the state, whoever holds the lease."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace
from itertools import chain

from syncd.domain.changes import Cause
from syncd.domain.chunks import chunks
from syncd.runs.world import Sync, World
from syncd.state.erasures import Place
from syncd.state.likeness import Person
from syncd.state.recall import Recall
from syncd.state.store import Store
from syncd.state.tombstones import Instance, Tombstone


def instance_of(sync: Sync, world: World) -> Instance:
    return Instance.at(sync.instance, sync.gomus.url, world.digester)


def place_of(sync: Sync) -> Place:
    return Place(sync.instance, sync.gomus.url)


def request_erasure(
    sync: Sync, world: World, foreign_ids: Sequence[str], *, by: str | None = None, why: str | None = None
) -> None:
    """From now on nobody is created under these ids, and the next run, or the one under way, erases who is there.

    The same people of other lists are erased by the next runs of those.

    Raises Misconfigured or Fatal where the ledger can't be written, and StateUnusable; then nothing has happened.
    """
    if not foreign_ids:
        return
    now, instance = world.clock(), instance_of(sync, world)
    persons = dict(with_kin(world.store, sync.name, sync.kin, foreign_ids))
    digests = dict.fromkeys(persons, "") | world.erasures.add(place_of(sync), list(persons), now)
    with world.store.transaction():
        for foreign_id, digest in digests.items():
            asked = Tombstone(
                name=world.digester.name(foreign_id),
                sync=persons[foreign_id],
                cause=Cause.REQUEST,
                at=now,
                by=by,
                why=why,
                foreign_id=foreign_id,
                ledger=bytes.fromhex(digest) or None,
            )
            world.store.tombstones.put(instance, _with_what_was_before(world, instance, asked))
        for foreign_id, name in persons.items():
            world.store.failures.lift(name, [foreign_id])  # who was refused is tried again at once


def with_kin(store: Store, sync: str, kin: Collection[str], foreign_ids: Sequence[str]) -> Iterator[tuple[str, str]]:
    """These ids and those of the same people in the lists `kin`, each with its sync."""
    start: dict[Person, Person | None] = {(sync, one): None for one in foreign_ids}
    found_kin = store.likeness.kin(start, kin, is_fresh=False) if len(kin) > 1 else {}
    for person in {*start, *chain.from_iterable(found.all for found in found_kin.values())}:
        yield person[1], person[0]


def _with_what_was_before(world: World, instance: Instance, asked: Tombstone) -> Tombstone:
    """Whoever asks once more wipes out neither what was done before, nor who had asked, when and why.

    Only where the person has a customer again it is another request.
    """
    before = world.store.tombstones.find_requested(instance, asked.name)
    if before is None:
        return asked
    is_over = before.foreign_id is None
    if is_over and asked.foreign_id and world.store.known.find(asked.sync, [asked.foreign_id]):
        return replace(asked, steps=before.steps)
    first = asked if before.by is None else before  # one that a ledger has brought back names nobody
    return replace(asked, at=before.at, by=first.by, why=first.why, steps=before.steps)


def request_forgotten(sync: Sync, world: World, recall: Recall) -> None:
    """Ask again to erase those whom the ledger lists and a restored state still knows, once the ledger has changed.

    Raises what `request_erasure` does.
    """
    note, mark = f"ledger {sync.name}", recall.erased.mark
    if world.store.meta(note) == mark:
        return
    for page in chunks(world.store.known.each(sync.name)):
        request_erasure(sync, world, recall.forgotten([known.foreign_id for known in page]))
    world.store.set_meta(note, mark)


def open_requests(sync: Sync, world: World, foreign_ids: Sequence[str]) -> list[str]:
    """Those of them whose erasure is not over."""
    instance, digester = instance_of(sync, world), world.digester
    found = {one: world.store.tombstones.find_requested(instance, digester.name(one)) for one in foreign_ids}
    return [foreign_id for foreign_id, tombstone in found.items() if tombstone and tombstone.foreign_id]


def undo_erasure(sync: Sync, world: World, foreign_id: str) -> bool:
    """Let the person be created again by the next run; False where nobody has asked to erase them.

    Raises Misconfigured or Fatal where the ledger can't be written, and StateUnusable.
    """
    instance, name = instance_of(sync, world), world.digester.name(foreign_id)
    is_listed = world.erasures.undo(place_of(sync), foreign_id, world.clock())
    is_known = world.store.tombstones.find_requested(instance, name) is not None
    if is_listed or is_known:
        with world.store.transaction():
            world.store.tombstones.lift(instance, [name], Cause.REQUEST)
            for one in {sync.name, *world.store.runs.syncs_at(instance.address)}:
                world.store.forget_erasure(one, foreign_id, name)
    return is_listed or is_known
