"""A rehearsal as people and scripts see it: counts, field names, guards; never a value."""

from collections.abc import Iterator, Mapping

from syncd.config.model import DeleteOptions, SyncConfig
from syncd.domain.durations import format_duration
from syncd.rehearsal.rehearsal import FirstRun, Outcome, Rehearsed
from syncd.rehearsal.stage import Effect

MARKS = {Outcome.NOT_STOPPED: "✗", Outcome.UNTOLD: "!", Outcome.PARTLY: "!", Outcome.UNFIT: "-"}  # else ✓
LISTED = 20
LONGEST = 200  # letters of an error: a header that is gone lacks every column


def first_as_lines(first: FirstRun, sync: SyncConfig) -> Iterator[str]:
    counts = first.counts
    yield f"{sync.name}: {first.description}"
    left_out = f", {counts['filtered']} left out by where" if counts.get("filtered") else ""
    invalid = counts.get("invalid", 0)
    yield (
        f"  a first run: {counts.get('records', 0)} records, {counts.get('create', 0)} to be created, {invalid} invalid"
        f"{left_out}"
    )
    if first.every > 1:
        yield (
            f"  of so long a list one record in {first.every} takes part from here on, and max_count counts for as many"
        )
    yield f"  loaded into the sandbox: {first.loaded} customers"
    for group in first.failures[:LISTED]:
        yield f"    {group.kind} {group.count}: {': '.join(filter(None, (group.field, group.reason)))}"
    if len(first.failures) > LISTED:
        yield f"    and for {len(first.failures) - LISTED} further reasons"
    yield from (f"  held: {reason}" for reason in first.held)
    yield f"  the next run, nothing changed: {first.calls} calls"
    if undone := [name for name in ("create", "update", "erase") if name not in sync.actions]:
        yield f"  actions leaves out {', '.join(undone)}: so does every run below"
    if not first.loaded and 0 < first.tried < counts.get("records", 0) // first.every:
        yield f"  {first.tried} records were tried, from all over the list, and all refused alike: the others were not"
    if not first.loaded:
        is_empty = counts.get("filtered", 0) == counts.get("records", 0) > 0
        cause = "where leaves out all of them: mend where" if is_empty else "mend the list or the mapping"
        yield f"  nobody could be loaded, so that no copy can be tried: {cause} first"


def as_lines(one: Rehearsed, sync: SyncConfig) -> Iterator[str]:
    yield f"{MARKS.get(one.outcome, '✓')} {one.copy}: {_in_words(one, sync)}"
    if remedy := _remedy(one, sync):
        yield f"    what to do: {remedy}"


def _in_words(one: Rehearsed, sync: SyncConfig) -> str:
    match one.outcome:
        case Outcome.UNFIT:
            return f"does not apply: {one.unfit}"
        case Outcome.HARMLESS:
            return "harmless: read, and nothing would change"
        case Outcome.STOPPED:
            return f"stopped: {_stops(one, sync)}"
        case Outcome.NOT_STOPPED:
            return f"NOT STOPPED: would {_tell(one, sync)}"
        case Outcome.PARTLY:
            return f"partly stopped: would {_tell(one, sync)}; the rest: {_stops(one, sync)}"
        case Outcome.UNTOLD:
            return f"nothing can tell: would {_tell(one, sync)}"


def _stops(one: Rehearsed, sync: SyncConfig) -> str:
    told = [f"the read is incomplete: {_shortened(one.error)}"] if one.error else []
    if one.invalid:
        told.append(f"{one.invalid} records more than before are invalid, and not sent")
    if one.absent:
        grace, hidden = sync.delete.grace, "who may be behind records that can't be read"
        told.append(
            f"{one.absent} absent, " + (f"to whom nothing happens for {format_duration(grace)}" if grace else hidden)
        )
    told += [f"held by the guard '{held.guard.value}': {held.reason}" for held in one.holds]
    return "; ".join(told)


def _shortened(error: str) -> str:
    return error if len(error) <= LONGEST else f"{error[:LONGEST].rsplit(' ', 1)[0]} …"


def _tell(one: Rehearsed, sync: SyncConfig) -> str:
    effect, told = one.effect, []
    if effect.created:
        told.append(f"create {effect.created}")
    if effect.changed:
        told.append(f"change {effect.changed} ({_counts(effect.fields)})")
    if effect.emptied:
        told.append(f"empty fields ({_counts(effect.emptied)})")
    if effect.erased:
        later = effect.erased > one.at_once.erased and sync.delete.grace
        told.append(f"erase {effect.erased}" + (f" after {format_duration(sync.delete.grace)}" if later else ""))
    return ", ".join(told)


def _remedy(one: Rehearsed, sync: SyncConfig) -> str:
    if one.outcome is Outcome.NOT_STOPPED:
        keys = ", ".join(f"sync.{sync.name}.{key}" for key in one.opened)
        return f"take out {keys}, or lower them: by default it is stopped"
    if one.opened:
        usual = format_duration(DeleteOptions().grace)
        return f"take out sync.{sync.name}.{one.opened[0]}: by default somebody has {usual} to notice; and {one.advice}"
    return one.advice


def _counts(fields: Mapping[str, int]) -> str:
    return ", ".join(f"{name} {count}" for name, count in sorted(fields.items()))


# --- for scripts ---


def first_as_json(first: FirstRun, sync: SyncConfig) -> dict[str, object]:
    return {
        "sync": sync.name,
        "copy": None,
        "outcome": "loaded" if first.loaded else "nobody loaded",
        "source": first.description,
        "counts": first.counts,
        "every": first.every,
        "loaded": first.loaded,
        "failures": [
            {"kind": one.kind, "field": one.field, "reason": one.reason, "count": one.count} for one in first.failures
        ],
        "calls_unchanged": first.calls,
    }


def as_json(one: Rehearsed, sync: SyncConfig) -> dict[str, object]:
    return {
        "sync": sync.name,
        "copy": one.copy,
        "outcome": one.outcome.value,
        "text": _in_words(one, sync),
        "remedy": _remedy(one, sync) or None,
        "guards": sorted({held.guard.value for held in one.holds}),
        "error": one.error,
        "invalid": one.invalid,
        "absent": one.absent,
        **_figures(one.effect),
    }


def _figures(effect: Effect) -> dict[str, object]:
    figures = {"created": effect.created, "changed": effect.changed, "erased": effect.erased}
    return {**figures, "fields": dict(effect.fields), "emptied": dict(effect.emptied)}
