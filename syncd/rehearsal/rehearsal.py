"""A rehearsal, told from top to bottom: the real list, a night on which nothing has changed, then each broken copy."""

import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import Enum
from pathlib import Path

from syncd.assembly import judge_prefix, make_limits, make_recall, make_sync, now, sleeping
from syncd.config.model import Config, DeleteOptions, GuardOptions, SyncConfig
from syncd.domain.guards import ALL_KINDS, Guard, Held, Limits
from syncd.domain.runs import Status, Summary
from syncd.errors import Fatal
from syncd.rehearsal.copies import Copies, Copy, find_changes
from syncd.rehearsal.files import Files
from syncd.rehearsal.stage import Effect, HeardWords, Progress, Stage, compare, for_sandbox, without_numbers
from syncd.rehearsal.tape import Played, Recorded, Tape
from syncd.report.failures import FailureGroup
from syncd.runs.drawing import drawing_up
from syncd.runs.world import Sync
from syncd.sandbox import Customer
from syncd.sources.base import Source
from syncd.sources.copying import copy_file

TRIED_FIRST = 100  # records
MOST = 4_000  # records that take part in each run, to bound time and memory
ABSENT = {"absent", "hidden"}  # counts of those to whom nothing happens yet
NEXT_NIGHT = timedelta(hours=25)  # what the guards count within a day is over
GRACE = "delete.grace"
KEYS = {  # which decide what a guard holds
    Guard.DELETE: ("delete.max_percent", "delete.max_count"),
    Guard.UPDATE: ("guards.update_percent",),
    Guard.CLEAR: ("guards.clear_percent",),
    Guard.PERSON: ("guards.identity_percent",),
    Guard.INVALID: ("guards.invalid_percent",),
    Guard.FIRST_CONTACT: ("guards.first_contact",),
}
Showing = Callable[[str], Progress]


class Outcome(Enum):
    """What came of a broken copy; `NOT_STOPPED` is what the guards stop by default."""

    STOPPED = "stopped"
    HARMLESS = "harmless"  # read, and nothing follows from it
    NOT_STOPPED = "not stopped"
    PARTLY = "partly stopped"  # of what came through, the guards as they are by default would stop nothing more
    UNTOLD = "nothing can tell"  # by default neither
    UNFIT = "does not apply"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rehearsed:
    """What came of one broken copy: on the first night, and once grace was over with the damage still there.

    `effect` is what was changed wrongly in the end; `opened` are the keys that let it through, or let it through
    sooner. `holds` and `invalid`
    are what guards and checks had to do, beyond what they have with the list as it is.
    """

    copy: str
    outcome: Outcome
    nights: tuple[Summary, ...] = ()
    effect: Effect = field(default_factory=Effect)
    at_once: Effect = field(default_factory=Effect)
    holds: tuple[Held, ...] = ()
    invalid: int = 0
    unfit: str = ""
    advice: str = ""
    opened: tuple[str, ...] = ()

    @property
    def error(self) -> str | None:
        return next((night.error for night in self.nights if night.status is Status.FAILED), None)

    @property
    def absent(self) -> int:
        return max((night.counts.get(name, 0) for night in self.nights for name in ABSENT), default=0)

    @property
    def is_told(self) -> bool:
        """Whether a guard or a check had a hand in it."""
        return bool(self.error or self.holds or self.invalid)


@dataclass(frozen=True, slots=True, kw_only=True)
class FirstRun:
    """What a first run makes of the list. `every`: each so many of the records took part; `loaded`: so many customers.

    `calls` are those of the second run, in which nothing had changed. `tried` are the records of the loading: a few
    where those were all refused for one reason.
    """

    description: str
    counts: Mapping[str, int]
    every: int
    loaded: int
    failures: tuple[FailureGroup, ...]
    held: tuple[str, ...]
    calls: int
    tried: int


class Rehearsal:
    """One sync's. `folder` is private and thrown away by the caller; `showing` gives the progress of one step."""

    def __init__(self, config: Config, sync: SyncConfig, folder: Path, showing: Showing, *, most: int = MOST) -> None:
        sync = without_numbers(sync)
        self._config, self._sync, self._folder, self._showing = config, sync, folder, showing
        self._stopping = threading.Event()
        self._made = for_sandbox(make_sync(config, sync, sleeping(self._stopping)))
        self._tape = Tape(most, find_changes(sync))
        self._words = {kind: HeardWords(kind) for kind in self._made.mapper.lookups_needed}
        self._stage = Stage(config=config, sync=self._made, folder=folder, words=self._words, stopping=self._stopping)
        self._at = now()
        self._before: Mapping[str, Customer] = {}
        self._moving = frozenset[str]()  # what changes with the days alone, such as whom `where` counts

    def begin(self) -> FirstRun:
        """Load the list. Raises IncompleteRead where it can't be read, and Misconfigured."""
        self._whole = copy_file(self._made.source, self._folder)
        self._source = self._whole.reading(self._whole.path) if self._whole else self._made.source
        description, counts = self._read_whole()
        is_quick = self._whole and self._whole.encoding and self._tape.every == 1
        self._real = self._source if is_quick else Played(self._source, self._tape)
        self._limits = self._scaled(self._made.limits)
        is_tried_first = len(self._tape.records) > TRIED_FIRST
        if not (is_tried_first and self._all_refused_alike(self._tape.draw(TRIED_FIRST))):
            self._load(self._real)
        self._before = self._known.customers()
        return FirstRun(
            description=description,
            counts=counts,
            every=self._tape.every,
            loaded=len(self._before),
            failures=tuple(self._known.failures()),
            held=tuple(one.reason for one in self._loaded.held),
            calls=self._rest() if self._before else 0,
            tried=self._loaded.counts.get("records", 0),
        )

    def _load(self, source: Source) -> None:
        """As customers that the sandbox then has."""
        self._known = self._stage.open_first()
        loading = replace(self._with(source), limits=replace(self._limits, actions=ALL_KINDS))
        self._loaded = self._known.run(loading, self._at, self._showing("the list itself"), is_first=True)
        if self._loaded.status is Status.FAILED:
            raise Fatal(self._loaded.error or "the list can't be loaded", remedy=self._loaded.remedy)

    def _all_refused_alike(self, few: Tape) -> bool:
        """Whether all of a few records are refused for one reason: those of a long list, one by one, take minutes."""
        self._load(Played(self._source, few))
        failures = self._known.failures()
        if len(failures) == 1 and failures[0].kind != "invalid" and failures[0].count == TRIED_FIRST:
            return True
        self._known.end()
        return False

    def each(self) -> Iterator[Rehearsed]:
        """What comes of each broken copy, one by one."""
        folder = self._folder / "copies"
        folder.mkdir()
        files = Files(self._whole, folder, self._tape) if self._whole else None
        copies = Copies(sync=self._sync, source=self._source, tape=self._tape, files=files)
        for copy in copies.each() if self._before else ():
            yield self._rehearse(copy)

    # --- the list as it is ---

    def _read_whole(self) -> tuple[str, Mapping[str, int]]:
        """Read all of it as a plan does, and hear the words of its look-ups."""
        recorded, progress = Recorded(self._source, self._tape), self._showing("the whole list")
        night, lookups = self._stage.open_first(), {str(kind): words for kind, words in self._words.items()}
        with night.opening_state() as state:
            judge_prefix(self._config, self._sync, state)
            recall = make_recall(night.config, self._sync, state)
            read = lambda count: progress("reading", count, None)  # noqa: E731 - one line, used once
            with drawing_up(self._with(recorded), recall, lookups, progress=read) as drawn:
                found = drawn.plan.description, dict(drawn.plan.counts)
        night.end()
        return found

    def _rest(self) -> int:
        """The next night, on which nothing has changed: so many calls. And the one on which grace is over, if days
        alone change who counts.
        """
        night = self._known.branch("unchanged")
        night.run(self._with(self._real), self._at + NEXT_NIGHT, self._showing("nothing changed"))
        calls = sum("/customers" in call.route for call in night.sandbox.calls)
        if self._made.mapper.where.is_of_today:
            for grace in sorted({self._made.grace, DeleteOptions().grace}):
                night.run(self._with(self._real), self._over(grace), self._showing("nothing changed"))
        self._moving = compare(self._before, night.customers(), but=frozenset()).ids
        night.end()
        return calls

    # --- a broken copy ---

    def _rehearse(self, copy: Copy) -> Rehearsed:
        if copy.source is None:
            return Rehearsed(copy=copy.name, outcome=Outcome.UNFIT, unfit=copy.unfit)
        progress = self._showing(copy.name)
        found = self._try(copy.source, progress)
        if not found.effect:
            outcome = Outcome.STOPPED if found.is_told or found.absent else Outcome.HARMLESS
            return replace(found, copy=copy.name, outcome=outcome)
        lets_through: tuple[str, ...] = ()
        if opened := _opened(self._sync):
            limits = self._scaled(make_limits(DeleteOptions(), GuardOptions(), self._sync.actions))
            usual = self._try(copy.source, progress, replace(self._made, limits=limits, grace=DeleteOptions().grace))
            if not usual.effect:
                guards = {held.guard for held in usual.holds}
                meant = [key for guard, keys in KEYS.items() if guard in guards for key in keys if key in opened]
                opened = tuple(meant) or opened
                return replace(found, copy=copy.name, outcome=Outcome.NOT_STOPPED, opened=opened)
            if self._made.grace < DeleteOptions().grace and usual.at_once.erased < found.effect.erased:
                lets_through = (GRACE,)
        outcome = Outcome.PARTLY if found.is_told else Outcome.UNTOLD
        return replace(found, copy=copy.name, outcome=outcome, advice=copy.advice, opened=lets_through)

    def _try(self, source: Source, progress: Progress, sync: Sync | None = None) -> Rehearsed:
        """On the next night, and where somebody is absent then, once more when grace is over."""
        sync = replace(sync or replace(self._made, limits=self._limits), source=source)
        night = self._known.branch("broken")
        nights = [night.run(sync, self._at + NEXT_NIGHT, progress)]
        at_once = compare(self._before, night.customers(), but=self._moving)
        if ABSENT & nights[0].counts.keys():
            nights.append(night.run(sync, self._over(sync.grace), progress))
        effect = compare(self._before, night.customers(), but=self._moving)
        night.end()
        holds = {held.reason: held for one in nights for held in one.held if held not in self._loaded.held}
        invalid = max(one.counts.get("invalid", 0) for one in nights) - self._loaded.counts.get("invalid", 0)
        return Rehearsed(
            copy="",
            outcome=Outcome.STOPPED,
            nights=tuple(nights),
            effect=effect,
            at_once=at_once,
            holds=tuple(holds.values()),
            invalid=max(invalid, 0),
        )

    def _over(self, grace: timedelta) -> datetime:
        return self._at + NEXT_NIGHT + grace + NEXT_NIGHT

    def _with(self, source: Source) -> Sync:
        return replace(self._made, source=source)

    def _scaled(self, limits: Limits) -> Limits:
        """Of a sample as small a number is held as it stands for in the whole list."""
        return replace(limits, delete_count=limits.delete_count // self._tape.every)


def _opened(sync: SyncConfig) -> tuple[str, ...]:
    """The keys of guards, and grace, that are not as they are by default."""
    usual = {"delete": DeleteOptions(), "guards": GuardOptions()}
    given = {"delete": sync.delete, "guards": sync.guards}
    keys = [GRACE, *(key for some in KEYS.values() for key in some)]
    split = [key.split(".") for key in keys]
    return tuple(f"{table}.{key}" for table, key in split if getattr(given[table], key) != getattr(usual[table], key))
