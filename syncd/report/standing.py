"""How a sync stands, for `status`, `history` and the status page."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from syncd.config.model import SyncConfig
from syncd.domain.changes import Action
from syncd.domain.guards import how_to_release
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
            last=next(iter(store.runs.latest(sync.name, limit=1)), None),
            next_run=next_run(sync),
            tally=tallies.get(sync.name, Tally()),
            held=store.held.find(sync.name),
            said=store.held.said(sync.name),
        )


def standing_as_json(standing: SyncStanding) -> dict[str, object]:
    held, tally = standing.held, standing.tally
    return {
        "sync": standing.sync,
        "instance": standing.instance,
        "last_run": run_as_json(standing.last) if standing.last else None,
        "next_run": standing.next_run.isoformat() if standing.next_run else None,
        "known_customers": tally.known,
        "open_intents": tally.open_intents,
        "invalid_records": tally.invalid,
        "failures": tally.refused,
        "held": held
        and {
            "since": held.held_at.isoformat(),
            "reasons": list(held.guards.values()),
            "changes": tally.held,
        },
        "decided": [_said_as_json(said) for said in standing.said],
    }


def standing_as_lines(standing: SyncStanding) -> Iterator[str]:
    name, last, held, tally = standing.sync, standing.last, standing.held, standing.tally
    yield f"{name} → {standing.instance}"
    if last:
        error = f"  {last.error}" if last.error else ""
        yield f"  last run: {last.started_at.isoformat()}  {last.status or UNFINISHED}{_counted(last.counts)}{error}"
        if last.remedy:
            yield f"    what to do: {last.remedy}"
    else:
        yield "  last run: none yet"
    due = standing.next_run.isoformat() if standing.next_run else f"on demand only (`syncd trigger {name}`)"
    yield f"  next run due: {due}"
    yield f"  known customers: {tally.known}"
    if last and (drifted := last.counts.get("drifted")):
        yield f"  drift: {drifted} of the customers read back were changed in go~mus (`syncd verify {name}`)"
    if tally.open_intents:
        yield f"  begun and not ended: {tally.open_intents} (the next run looks first)"
    if tally.refused or tally.invalid:
        yield f"  failures: {tally.refused} refused, {tally.invalid} invalid (`syncd failures {name}`)"
    if held:
        for reason in held.guards.values():
            yield f"  HELD since {held.held_at.isoformat()}: {reason}"
        yield f"    {how_to_release(name)}"
    yield from map(said_as_line, standing.said)


def _said_as_json(said: Said) -> dict[str, object]:
    signature = {"by": said.signature.by, "why": said.signature.why, "at": said.signature.at.isoformat()}
    return {"word": said.word.value, "changes": said.number, **signature}


def said_as_line(said: Said) -> str:
    why = f" ({said.signature.why})" if said.signature.why else ""
    at = f"{said.signature.at:%Y-%m-%d %H:%M} UTC"
    return f"  {said.number} held change(s) {said.word.value} by {said.signature.by} at {at}{why}"


# --- one run ---


def run_as_json(row: RunRow) -> dict[str, object]:
    return {
        "run": row.id,
        "sync": row.sync,
        "trigger": row.trigger,
        "started_at": row.started_at.isoformat(),
        "finished_at": row.finished_at.isoformat() if row.finished_at else None,
        "status": row.status or UNFINISHED,
        "counts": row.counts,
        "error": row.error,
        "remedy": row.remedy,
    }


def run_as_line(row: RunRow) -> str:
    started = row.started_at.astimezone().strftime("%Y-%m-%d %H:%M:%S")
    words = f"{started}  {row.sync}  {row.status or UNFINISHED}"
    return words + _counted(row.counts) + (f"  {row.error}" if row.error else "")


def _counted(counts: Mapping[str, int]) -> str:
    return f"  ({', '.join(f'{name} {count}' for name, count in counts.items())})" if counts else ""


def written(counts: Mapping[str, int]) -> int:
    """How many changes go~mus accepted."""
    return sum(counts.get(name, 0) for name in WRITTEN)
