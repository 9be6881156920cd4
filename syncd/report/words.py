"""Times, spans and figures as a person reads them, and the words of pages, which stand in a table for each language."""

import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo
from functools import cache
from importlib.resources import files
from typing import TypeAlias

from syncd.domain.languages import Language
from syncd.state.runs import RunRow

Table: TypeAlias = Mapping[str, Mapping[str, str | Mapping[str, str]]]

KINDS = {"done": "done", "done with problems": "problems", "held": "held", "failed": "failed", "stopped": "stopped"}
RESULTS = ("ok", "failed", "skipped", "open")
DONE = ("create update adopt anonymize delete release link failed skipped drifted unclear invalid quarantined").split()
COUNTED = (
    "records unchanged merged same handed_over absent hidden ignored erased waiting duplicates left_out filtered "
    "sharing shown_only audited"
).split()
IN_PLAN = [
    *"records unchanged create link taken_over update delete release".split(),
    *"merged same handed_over absent hidden ignored unclear invalid quarantined".split(),
    *"erased waiting duplicates left_out filtered sharing".split(),
]
UNITS = (("days", timedelta(days=1)), ("hours", timedelta(hours=1)), ("minutes", timedelta(minutes=1)))


def capitalized(text: str) -> str:
    """With a capital first letter, and the others as they are."""
    return text[:1].upper() + text[1:]


def uncapitalized(text: str) -> str:
    return text[:1].lower() + text[1:]


def local(at: datetime, zone: tzinfo) -> str:
    """In the time of the zone, to the second: 2026-11-23 14:05:09 CET."""
    return f"{at.astimezone(zone):%Y-%m-%d %H:%M:%S %Z}"


def iso(at: datetime, zone: tzinfo) -> str:
    """For scripts, in the time of the zone, to the second: 2026-11-23T14:05:09+01:00."""
    return at.astimezone(zone).isoformat(timespec="seconds")


def plain(told: str) -> str:
    """What `iso` tells, without its signs for scripts: 2026-11-23 14:05:09."""
    return f"{datetime.fromisoformat(told):%Y-%m-%d %H:%M:%S}"


def number(count: int) -> str:
    """With a narrow space every three digits, which is right in English and in German."""
    return f"{count:,}".replace(",", "\N{NARROW NO-BREAK SPACE}")


def kind(run: RunRow) -> str:
    """The mark of a run on a page; "open" where it has not ended."""
    return KINDS.get(run.status or "", "open")


def in_order(counts: Mapping[str, int]) -> list[tuple[str, int]]:
    """What was read first, then what was done, then what was left."""
    order = ["records", "unchanged", *DONE, *COUNTED]
    return sorted(counts.items(), key=lambda count: order.index(count[0]) if count[0] in order else len(order))


@cache
def words_in(language: Language) -> "Words":
    text = files(__package__).joinpath(f"languages/{language.value}.toml").read_text(encoding="utf-8")
    return Words(language, tomllib.loads(text))


@dataclass(frozen=True, slots=True)
class Words:
    """What pages say in one language; a key of `table` is a section and a name, as in "run.title"."""

    language: Language
    table: Table

    def say(self, key: str, n: int | None = None, **values: object) -> str:
        """The words under this key, in the form for `n` where they have two; figures are set as `number` does."""
        section, name = key.split(".", 1)
        words = self.table[section][name]
        if not isinstance(words, str):
            words = words["one" if n == 1 else "other"]
        given = values if n is None else {"n": n, **values}
        return words.format_map({key: number(one) if isinstance(one, int) else one for key, one in given.items()})

    def named(self, section: str, name: str) -> str:
        """The word for a name of ours; the name itself where the table has none, as of a later version of syncd."""
        return self.say(f"{section}.{name}") if name in self.table[section] else name

    # --- times ---

    def moment(self, at: datetime, zone: tzinfo) -> str:
        """In the time of the zone: Mon 23 Nov 2026, 14:05 CET."""
        told = at.astimezone(zone)
        return self.say(
            "page.moment",
            day=self.say("page.days").split()[told.weekday()],
            date=str(told.day),
            month=self.say("page.months").split()[told.month - 1],
            year=str(told.year),
            time=f"{told:%H:%M}",
            zone=self.named("zones", told.tzname() or ""),
        )

    def instant(self, at: datetime, zone: tzinfo) -> str:
        """To the second: 23 Nov 2026, 14:05:09 CET."""
        told = at.astimezone(zone)
        return self.say(
            "page.instant",
            date=str(told.day),
            month=self.say("page.months").split()[told.month - 1],
            year=str(told.year),
            time=f"{told:%H:%M:%S}",
            zone=self.named("zones", told.tzname() or ""),
        )

    def ago(self, at: datetime, now: datetime) -> str:
        """12 minutes ago, or in 12 minutes."""
        section, distance = ("ago" if at <= now else "in"), abs(now - at)
        for name, unit in UNITS:
            if count := distance // unit:
                return self.say(f"{section}.{name}", count)
        return self.say(f"{section}.now")

    def span(self, duration: timedelta) -> str:
        """3 h 20 min, 2 min 5 s, 0.4 s."""
        seconds = duration.total_seconds()
        if seconds < 60:
            return f"{seconds:.{1 if seconds < 10 else 0}f} s".replace(".", self.say("page.decimal"))
        minutes, rest = divmod(round(seconds), 60)
        if minutes < 60:
            return f"{minutes} min {rest} s" if rest else f"{minutes} min"
        hours, minutes = divmod(minutes, 60)
        return f"{hours} h {minutes} min" if minutes else f"{hours} h"

    def took(self, run: RunRow) -> str | None:
        return self.span(run.finished_at - run.started_at) if run.finished_at else None

    # --- runs ---

    def how_ended(self, run: RunRow) -> str:
        return self.say(f"kinds.{kind(run)}")

    def kinds(self, kinds: Sequence[str]) -> str:
        """How often each occurs: 25 done, 2 failed."""
        counted = {kind: kinds.count(kind) for kind in dict.fromkeys(kinds)}
        told = (
            self.say("chart.kinds", count, kind=uncapitalized(self.say(f"kinds.{kind}")))
            for kind, count in counted.items()
        )
        return ", ".join(told)

    def did(self, run: RunRow) -> str:
        """What a run did: 3 updated, 1 deleted; or that there was nothing to do."""
        if done := ", ".join(self._done(run.counts)):
            return done
        return self.say("did.nothing") if run.status == "done" else self.say("did.unwritten")

    def _done(self, counts: Mapping[str, int]) -> Iterator[str]:
        for name in DONE:
            if counts.get(name):
                yield f"{number(counts[name])} {self.say(f'done.{name}')}"

    def sentence(self, run: RunRow) -> str:
        """3 updated, 1 deleted; 500 records read."""
        did, count = capitalized(self.did(run)), run.counts.get("records")
        return self.say("did.sentence", did=did, records=self.say("did.records", count)) if count else f"{did}."

    def changes(self, counts: Mapping[str, int]) -> str:
        """3 × update, 1 × delete."""
        return self._times("actions", counts)

    def decisions(self, counts: Mapping[str, int]) -> str:
        """3 × approved, 1 × rejected."""
        return self._times("words", counts)

    def _times(self, section: str, counts: Mapping[str, int]) -> str:
        named = ((self.named(section, name), count) for name, count in counts.items())
        return ", ".join(self.say("held.times", count, what=what) for what, count in named)

    def guarded(self, guards: tuple[str, ...]) -> str:
        return ", ".join(self.named("guards", guard) for guard in guards)

    def failure(self, kind: str) -> str:
        """The kind of a group of failures: invalid, or refused (update)."""
        what, _, action = kind.rstrip(")").partition(" (")
        return self.say(f"failures.{what}", action=self.named("actions", action))

    def counted_as(self, name: str) -> str:
        """A count's name as words: create → created."""
        return capitalized(self.named("done" if name in DONE else "counted", name))

    def planned_as(self, name: str) -> str:
        """A plan's count as words: create → to create."""
        return self.named("planned" if name in self.table["planned"] else "counted", name)
