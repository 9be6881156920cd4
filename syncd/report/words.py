"""Times, spans and figures as a person reads them, in answers of commands, on the status page and in a report."""

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta, tzinfo

from syncd.domain.guards import Word
from syncd.state.runs import RunRow

ENDED = {
    "done": "Done",
    "done with problems": "Done, with problems",
    "held": "Held by a guard",
    "failed": "Failed",
    "stopped": "Stopped early",
    None: "Not finished",
}
DONE = {
    "create": "created",
    "update": "updated",
    "adopt": "adopted",
    "anonymize": "anonymized",
    "delete": "deleted",
    "release": "released",
    "link": "linked",
    "failed": "refused or failed",
    "skipped": "skipped",
    "drifted": "found changed in go~mus",
    "unclear": "sent, and not yet to be found",
    "invalid": "invalid",
    "quarantined": "resting since a refusal",
}
KINDS = {"done": "done", "done with problems": "problems", "held": "held", "failed": "failed", "stopped": "stopped"}
RESULTS = (("ok", "Done"), ("failed", "Failed"), ("skipped", "Skipped"), ("open", "Not ended"))

COUNTED = {
    "records": "records read",
    "unchanged": "unchanged, no call",
    "absent": "absent, within grace",
    "hidden": "absent, but perhaps behind a record whose id can't be read",
    "ignored": 'absent, left alone (delete.mode = "ignore")',
    "erased": "erased on request, never sent again",
    "waiting": "waiting for an erasure to end",
    "duplicates": "repeated rows, counted once",
    "left_out": "rows that can't be records, left out",
    "filtered": "left out by where",
    "shown_only": "planned, and not done, for actions does not name it",
    "audited": "read back from go~mus",
}
PLANNED = {
    "create": "to create (or to adopt, where go~mus has them already)",
    "update": "to update",
    "delete": "to anonymize and delete",
    "release": "to release: only the foreign_id is taken off",
    "unclear": "sent before, not answered, and looked for",
    "invalid": "invalid, not sent",
    "quarantined": "refused before, resting until they change or their pause is over",
}
DECIDED = {
    Word.APPROVED: "approved, so that the next run does it",
    Word.REJECTED: "rejected, and left as it is",
}
IN_PLAN = [
    *"records unchanged create update delete release".split(),
    *"absent hidden ignored unclear invalid quarantined erased waiting duplicates left_out filtered".split(),
]
DAYS = "Mon Tue Wed Thu Fri Sat Sun".split()
MONTHS = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split()
UNITS = (("day", timedelta(days=1)), ("hour", timedelta(hours=1)), ("minute", timedelta(minutes=1)))


def capitalized(text: str) -> str:
    """With a capital first letter, and the others as they are."""
    return text[:1].upper() + text[1:]


def moment(at: datetime, zone: tzinfo) -> str:
    """In the time of the zone and always in English: Mon 23 Nov 2026, 14:05 CET."""
    told = at.astimezone(zone)
    return f"{DAYS[told.weekday()]} {told.day} {MONTHS[told.month - 1]} {told.year}, {told:%H:%M} {told.tzname()}"


def local(at: datetime, zone: tzinfo) -> str:
    """In the time of the zone, to the second: 2026-11-23 14:05:09 CET."""
    return f"{at.astimezone(zone):%Y-%m-%d %H:%M:%S %Z}"


def iso(at: datetime, zone: tzinfo) -> str:
    """For scripts, in the time of the zone, to the second: 2026-11-23T14:05:09+01:00."""
    return at.astimezone(zone).isoformat(timespec="seconds")


def plain(told: str) -> str:
    """What `iso` tells, without its signs for scripts: 2026-11-23 14:05:09."""
    return f"{datetime.fromisoformat(told):%Y-%m-%d %H:%M:%S}"


def ago(at: datetime, now: datetime) -> str:
    """12 minutes ago, or in 12 minutes."""
    span = abs(now - at)
    for name, unit in UNITS:
        if count := span // unit:
            words = f"{count} {name}{'' if count == 1 else 's'}"
            return f"{words} ago" if at <= now else f"in {words}"
    return "just now" if at <= now else "in a moment"


def span(duration: timedelta) -> str:
    """3 h 20 min, 2 min 5 s, 0.4 s."""
    seconds = duration.total_seconds()
    if seconds < 60:
        return f"{seconds:.1f} s" if seconds < 10 else f"{seconds:.0f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest} s" if rest else f"{minutes} min"
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if minutes else f"{hours} h"


def number(count: int) -> str:
    """With a narrow space every three digits, which is right in English and in German."""
    return f"{count:,}".replace(",", "\N{NARROW NO-BREAK SPACE}")


def took(run: RunRow) -> str | None:
    return span(run.finished_at - run.started_at) if run.finished_at else None


def how_ended(run: RunRow) -> str:
    return ENDED.get(run.status, run.status or "")


def done(run: RunRow) -> str:
    """What a run did: 3 updated, 1 deleted; or that there was nothing to do."""
    return ", ".join(_done(run.counts)) or ("nothing to do" if run.status == "done" else "nothing written")


def _done(counts: Mapping[str, int]) -> Iterator[str]:
    for name, words in DONE.items():
        if counts.get(name):
            yield f"{number(counts[name])} {words}"


def kind(run: RunRow) -> str:
    """The mark of a run on a page; "open" where it has not ended."""
    return KINDS.get(run.status or "", "open")


def result(name: str | None) -> str:
    return dict(RESULTS)[name or "open"].lower()


def counted_as(name: str) -> str:
    """A count's name as words: create → created."""
    return capitalized(DONE.get(name) or COUNTED.get(name, name))


def planned_as(name: str) -> str:
    """A plan's count as words: create → to create."""
    return PLANNED.get(name) or COUNTED[name]


def in_order(counts: Mapping[str, int]) -> list[tuple[str, int]]:
    """What was read first, then what was done, then what was left."""
    order = ["records", "unchanged", *DONE, *COUNTED]
    return sorted(counts.items(), key=lambda count: order.index(count[0]) if count[0] in order else len(order))


def sentence(run: RunRow) -> str:
    """3 updated, 1 deleted; 500 records read."""
    told = capitalized(done(run))
    return f"{told}; {number(run.counts['records'])} records read." if run.counts.get("records") else f"{told}."
