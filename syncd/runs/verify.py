"""Finds drift, a difference in go~mus that syncd did not cause, and sets it right on demand.

`verify` compares with the source, field by field. The audit of a run needs no source: it compares a few of the longest
unverified customers with the digests of what go~mus accepted last.
"""

import random as chance
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime

import structlog

from syncd.delivery.looking import Sighting, Whereabouts
from syncd.domain.changes import Update
from syncd.domain.chunks import chunks, until_stopped
from syncd.domain.records import Customer, KnownCustomer, Stage, Value
from syncd.domain.runs import Status, Summary, Trigger
from syncd.mapping.columns import require_columns
from syncd.plan.identity import Identities
from syncd.runs.lookups import find_lookups
from syncd.runs.run import Run, opening
from syncd.runs.world import Sync, World

log = structlog.get_logger()
PAGE = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Drift:
    """One customer that differs; `fields` is empty where it is not to be found under its foreign_id any more.

    `values` are those of the source and of go~mus, by field.
    """

    foreign_id: str
    fields: tuple[str, ...] = ()
    where: Whereabouts = Whereabouts.HERE
    values: Mapping[str, tuple[Value, Value]] = field(default_factory=dict, repr=False)

    @property
    def is_missing(self) -> bool:
        return self.where is Whereabouts.GONE


@dataclass(frozen=True, slots=True, kw_only=True)
class Verification:
    summary: Summary
    compared: int
    drifts: tuple[Drift, ...]


@dataclass(frozen=True, slots=True)
class Pair:
    """A customer as the source has it, and as it is known."""

    customer: Customer
    known: KnownCustomer


def verify(sync: Sync, world: World, *, sample: int | None, fix: bool) -> Verification:
    """Compare a sample of the customers, or all of them; with `fix`, send what drifted.

    Raises LeaseTaken where another process runs this sync, and StateUnusable.
    """
    compared: list[int] = []
    drifts: list[Drift] = []
    with opening(sync, world, trigger=Trigger.VERIFY, may_move=False) as run:

        def body(now: datetime) -> Summary:
            run.settle_what_was_begun()
            for page in chunks(_choose(_pairs(run, now), sample), PAGE):
                found = list(_compare(run, page))
                compared.append(len(page))
                drifts.extend(drift for drift, _ in found)
                drifted = {drift.foreign_id: drift.fields or (drift.where.mark,) for drift, _ in found}
                ids = (pair.known.foreign_id for pair in page)
                run.ledger.note_drift({one: drifted.get(one, ()) for one in ids})
                if fix:
                    with run.executor() as executor:
                        executor.update(update for _, update in found if update)
                world.stop_if_asked()
            is_left = any(not fix or drift.where is not Whereabouts.HERE for drift in drifts)
            status = Status.PROBLEMS if is_left else run.status_of_outcomes()
            return run.summary(status, counts={"compared": sum(compared), "drifted": len(drifts)})

        summary = run.conduct(body)
    return Verification(summary=summary, compared=sum(compared), drifts=tuple(drifts))


def _pairs(run: Run, now: datetime) -> Iterator[Pair]:
    """Every known customer for whom the source has a valid record."""
    lookups, mapper, recall = find_lookups(run.sync, run.world, now), run.sync.mapper, run.recall(now)
    identities = Identities(mapper, recall)
    with run.sync.source.open() as records:
        require_columns(mapper.columns, records.columns, records.description, records.hint)
        for chunk in chunks(until_stopped(records, run.world.stop_if_asked)):
            today = run.sync.today(now)
            present = [record for record in chunk if not record.deleted and mapper.counts(record, today) is True]
            mapped = [
                mapper.customer(record, lookups, known_as=foreign_id)
                for record, foreign_id in zip(present, identities.of(present), strict=True)
                if isinstance(foreign_id, str)
            ]
            customers = {one.foreign_id: one for one in mapped if isinstance(one, Customer)}
            known = run.world.store.known.find(run.sync.name, list(customers))
            own = known.keys() - recall.owners(list(known))
            yield from (
                Pair(customers[name], known[name])
                for name in known
                if name in own and known[name].stage is Stage.ACTIVE and not recall.is_merging(name)
            )


def _choose(pairs: Iterable[Pair], sample: int | None) -> Iterable[Pair]:
    """All pairs, or a random sample of them (reservoir sampling)."""
    if sample is None:
        return pairs
    chosen: list[Pair] = []
    for number, pair in enumerate(pairs):
        if len(chosen) < sample:
            chosen.append(pair)
        elif (place := chance.randrange(number + 1)) < sample:  # noqa: S311 - a sample, no secret
            chosen[place] = pair
    return chosen


def _compare(run: Run, pairs: Sequence[Pair]) -> Iterator[tuple[Drift, Update | None]]:
    def find(pair: Pair) -> Sighting:
        run.world.stop_if_asked()
        return run.delivery.find(pair.known.foreign_id, pair.known.gomus_id, pair.known.digests)

    with ThreadPoolExecutor(run.sync.gomus.concurrency, thread_name_prefix="gomus") as pool:
        sightings = pool.map(find, pairs)
        for pair, sighting in zip(pairs, sightings, strict=True):
            if found := _drift(run, pair, sighting):
                log.warning("record.drift", foreign_id=found[0].foreign_id, fields=list(found[0].fields))
                yield found


def _drift(run: Run, pair: Pair, sighting: Sighting) -> tuple[Drift, Update | None] | None:
    """A field has drifted where go~mus once accepted what the source still says, and now shows something else."""
    known, customer = pair.known, pair.customer
    remote = sighting.here
    if remote is None:
        return Drift(foreign_id=known.foreign_id, where=sighting.whereabouts), None
    digester = run.ledger.digester.of(known.foreign_id, known.digests.scheme)
    values = digester.as_held(customer.fields, known.digests.fields)
    wanted = digester.fields(values)
    drifted_names = run.delivery.drifted(known, remote)
    settled = {name: value for name, value in values.items() if known.digests.fields.get(name) == wanted[name]}
    drifted = {name: value for name, value in settled.items() if name in drifted_names}
    if not drifted:
        return None
    update = Update(
        foreign_id=known.foreign_id,
        gomus_id=known.gomus_id or 0,
        fields=drifted,
        digests=known.digests,
        source_digest=known.source_digest or b"",
        before=run.delivery.as_shown(known, remote, drifted),
    )
    both = {name: (value, remote.fields.get(name)) for name, value in drifted.items()}
    return Drift(foreign_id=known.foreign_id, fields=tuple(sorted(drifted)), values=both), update
