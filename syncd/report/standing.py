"""How a sync stands, for `status`, `history` and the status page."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, tzinfo

from syncd.config.model import SyncConfig
from syncd.domain.changes import Action
from syncd.domain.guards import how_to_release
from syncd.domain.runs import Trigger
from syncd.report.words import iso, local
from syncd.state.held import HeldRow, Said
from syncd.state.runs import RunRow
from syncd.state.store import Store, Tally

UNFINISHED = "unfinished"
WRITTEN = tuple(action.value for action in Action)


@dataclass(frozen=True, slots=True, kw_only=True)
class SyncStanding:
    """`next_run` is None where the sync runs on demand only."""

    sync: str
    instance: str
    zone: tzinfo
    last: RunRow | None
    next_run: datetime | None
    tally: Tally
    held: HeldRow | None
    said: Sequence[Said]


def standings(
    syncs: Iterable[SyncConfig], store: Store, next_run: Callable[[SyncConfig], datetime | None]
) -> Iterator[SyncStanding]:
    tallies = store.tally()
    for sync in syncs:
        yield SyncStanding(
            sync=sync.name,
            instance=sync.gomus,
            zone=sync.timezone,
            last=next(iter(store.runs.latest(sync.name, limit=1, but=Trigger.ONLY)), None),
            next_run=next_run(sync),
            tally=tallies.get(sync.name, Tally()),
            held=store.held.find(sync.name),
            said=store.held.said(sync.name),
        )


def standing_as_json(standing: SyncStanding) -> dict[str, object]:
    held, tally, zone = standing.held, standing.tally, standing.zone
    return {
        "sync": standing.sync,
        "instance": standing.instance,
        "last_run": run_as_json(standing.last, zone) if standing.last else None,
        "next_run": standing.next_run and iso(standing.next_run, zone),
        "known_customers": tally.known,
        "open_intents": tally.open_intents,
        "invalid_records": tally.invalid,
        "undecided": tally.undecided,
        "failures": tally.refused,
        "held": held
        and {
            "since": iso(held.held_at, zone),
            "reasons": list(held.guards.values()),
            "changes": tally.held,
        },
        "decided": [_said_as_json(said, zone) for said in standing.said],
    }


def standing_as_lines(standing: SyncStanding) -> Iterator[str]:
    name, zone, last, held, tally = standing.sync, standing.zone, standing.last, standing.held, standing.tally
    yield f"{name} → {standing.instance}"
    if last:
        error = f"  {last.error}" if last.error else ""
        yield f"  last run: {local(last.started_at, zone)}  {last.status or UNFINISHED}{_counted(last.counts)}{error}"
        if last.remedy:
            yield f"    what to do: {last.remedy}"
    else:
        yield "  last run: none yet"
    due = local(standing.next_run, zone) if standing.next_run else f"on demand only (`syncd trigger {name}`)"
    yield f"  next run due: {due}"
    yield f"  known customers: {tally.known}"
    if last and (drifted := last.counts.get("drifted")):
        yield f"  drift: {drifted} of the customers read back were changed in go~mus (`syncd verify {name}`)"
    if tally.open_intents:
        yield f"  begun and not ended: {tally.open_intents} (the next run looks first)"
    if tally.refused or tally.invalid:
        yield f"  failures: {tally.refused} refused, {tally.invalid} invalid (`syncd failures {name}`)"
    if tally.undecided:
        yield f"  {tally.undecided} may be in go~mus already: a person decides who it is (`syncd worklist {name}`)"
    if held:
        for reason in held.guards.values():
            yield f"  HELD since {local(held.held_at, zone)}: {reason}"
        yield f"    {how_to_release(name)}"
    yield from (_said_as_line(said, zone) for said in standing.said)


def _said_as_json(said: Said, zone: tzinfo) -> dict[str, object]:
    signature = {"by": said.signature.by, "why": said.signature.why, "at": iso(said.signature.at, zone)}
    return {"word": said.word.value, "changes": said.number, **signature}


def _said_as_line(said: Said, zone: tzinfo) -> str:
    why = f" ({said.signature.why})" if said.signature.why else ""
    at = local(said.signature.at, zone)
    return f"  {said.number} held change(s) {said.word.value} by {said.signature.by} at {at}{why}"


# --- one run ---


def run_as_json(row: RunRow, zone: tzinfo) -> dict[str, object]:
    return {
        "run": row.id,
        "sync": row.sync,
        "trigger": row.trigger,
        "started_at": iso(row.started_at, zone),
        "finished_at": row.finished_at and iso(row.finished_at, zone),
        "status": row.status or UNFINISHED,
        "counts": row.counts,
        "error": row.error,
        "remedy": row.remedy,
    }


def run_as_line(row: RunRow, zone: tzinfo) -> str:
    words = f"{local(row.started_at, zone)}  {row.sync}  {row.status or UNFINISHED}"
    return words + _counted(row.counts) + (f"  {row.error}" if row.error else "")


def _counted(counts: Mapping[str, int]) -> str:
    return f"  ({', '.join(f'{name} {count}' for name, count in counts.items())})" if counts else ""


def written(counts: Mapping[str, int]) -> int:
    """How many changes go~mus accepted."""
    return sum(counts.get(name, 0) for name in WRITTEN)
