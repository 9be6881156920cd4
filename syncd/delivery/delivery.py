"""What all of a run's calls to one instance share: looking, comparing, waiting, and what was learned of the instance.

`writing` and `erasing` change customers with it; `recovery` settles with it what an earlier run left open.
"""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from itertools import count
from typing import TypeVar

from syncd import reasons
from syncd.delivery.habits import Lag
from syncd.delivery.looking import Looking, Sighting, Whereabouts
from syncd.delivery.outcomes import C, changes_in, outcomes_in
from syncd.domain.backoff import Backoff
from syncd.domain.changes import Outcome, Result, Update
from syncd.domain.digest import is_same_but_for_form
from syncd.domain.records import NEVER_COMPARED, Digests, FieldKind, KnownCustomer, RemoteCustomer, Value
from syncd.domain.winner import Write, is_drift
from syncd.errors import CallFailed, Missing, Refused, Retryable, Stopped

BACKOFF = Backoff()
STREAK = 3  # so many calls in a row that failed through no fault of a record: go~mus is out of reach
T = TypeVar("T")
UNKNOWN_LAG = Lag(seconds=10.0, reads=3)  # of an instance that has shown none yet


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery(Looking):
    """One instance; its methods run in the threads of the executor's pool and touch no database.

    `writes` says of each mapped field who wins; `placeholder` is what an erasure leaves in a field, where it is
    configured. `timeout` is how long a look waits for what may still take effect after its answer was lost. `sleep`
    raises Stopped where it is cut short, so that no conclusion may rest on it.
    """

    writes: Mapping[str, Write]
    attempts: int
    timeout: timedelta
    clock: Callable[[], datetime]
    placeholder: Mapping[str, Value] = field(default_factory=dict)
    sleep: Callable[[float], None]
    is_stopping: Callable[[], bool]

    # --- waiting ---

    def looks(self, *, later: bool, lag: Lag | None = None) -> Iterator[None]:
        """When to look: until the read lag is over; for an effect that may still come, as long as a call may take.

        The lag is the one that is known, where none is given. Raises Stopped.
        """
        pauses = (lag or self.habits.lag or Lag()).pauses
        timeout = self.timeout.total_seconds()
        for pause in (0.0, *pauses, timeout / 8, timeout * 3 / 8, timeout / 2) if later else pauses:
            if pause:
                self.sleep(pause)
            yield

    def look_for(
        self,
        changes: Sequence[C],
        look: Callable[[C], Outcome | C],
        *,
        later: bool,
        sent_at: datetime | None = None,
        lag: Lag | None = None,
    ) -> tuple[list[Outcome], list[C]]:
        """Read each one until it is there: what is settled, and what is not to be found. Learns how far reads lag."""
        outcomes: list[Outcome] = []
        if not changes:
            return outcomes, []
        missing, habits = list(changes), self.habits
        is_new, began = habits.lag is None, sent_at or self.clock()
        for reads, _ in enumerate(self.looks(later=later, lag=lag)):
            looked = [look(change) for change in missing]
            outcomes += outcomes_in(looked)
            missing = changes_in(looked)
            if any(one.result is Result.OK for one in outcomes_in(looked)) and (is_new or (reads and not later)):
                habits.saw_lag(self.seconds_since(began), reads if is_new else 0)
            if not missing:
                break
        return outcomes, missing

    def seconds_since(self, moment: datetime) -> float:
        return (self.clock() - moment).total_seconds()

    def find_in_time(
        self, foreign_id: str, gomus_id: int | None, digests: Digests | None = None, *, mark: str = ""
    ) -> Sighting:
        """As `find`; that somebody is gone is believed once no read can be from before they came. Raises Stopped.

        Where every read so far has shown what was written the first look is at once: whom it shows is there.
        """
        lag = self.habits.lag or Lag()
        for pause in lag.pauses if lag.reads or not lag.seconds else (0.0, *lag.pauses):
            if pause:
                self.sleep(pause)
            sighting = self.find(foreign_id, gomus_id, digests, mark=mark)
            if sighting.whereabouts is not Whereabouts.GONE:
                break
        return sighting

    def read_back(self, foreign_id: str, gomus_id: int) -> None:
        """Read a new customer until it shows, which tells how far reads lag, and whether such an id can be read at all.

        Where its number shows it and its foreign_id never does, nobody with such an id can be looked for.
        """
        began, there_after, is_odd = self.clock(), None, False
        with suppress(CallFailed, Stopped):  # then another one will tell
            for reads in count():
                is_shown, is_another = self._shows_under_id(foreign_id)
                waited = self.seconds_since(began)
                if not is_shown and there_after is None and self.number_shows(gomus_id, foreign_id):
                    there_after = waited
                is_odd = there_after is not None and self.habits.can_read(foreign_id) is None
                if is_shown or is_another or waited > (self.timeout.total_seconds() if is_odd else BACKOFF.patience):
                    break
                self.sleep(BACKOFF.pause(reads + 1))
            if is_odd:
                self.habits.saw_read(foreign_id, is_shown=False)
                self.habits.saw_lag(there_after or 0.0)
            else:
                self.habits.saw_lag(waited, reads)

    def shows_by_number(self, foreign_id: str, gomus_id: int, *, mark: str = "") -> bool:
        """Whether the number shows the customer itself: the one look after which the number may be used.

        It waits until the read lag is over: who was just deleted may still be shown, while the number is free for
        whoever has it for a foreign_id. Raises Stopped, otherwise as `Client.read` does.
        """
        is_shown = False
        for pause in (self.habits.lag or UNKNOWN_LAG).pauses:
            self.sleep(pause)
            is_shown = self.number_shows(gomus_id, foreign_id, mark=mark)
        return is_shown

    def write_by_number(self, gomus_id: int, is_at: Callable[[], bool], write: Callable[[int], T]) -> T:
        """Each try comes right after a look of its own: the number may mean somebody else by then.

        Raises Missing where the number does not show the customer, Stopped, and what `is_at` and `write` raise.
        """
        for tries in count(1):
            if not is_at():
                break
            try:
                return write(gomus_id)
            except Retryable as turned_away:
                self.wait_as_asked(tries, turned_away)
        raise Missing(reasons.VANISHED.tell(), status=404)

    def _shows_under_id(self, foreign_id: str) -> tuple[bool, bool]:
        """Whether the id shows its customer, and whether it shows another one."""
        try:
            return self.look(foreign_id) is not None, False
        except Refused:
            return False, True

    def pause(self, tries: int) -> None:
        """Wait before another try, after `tries` of them. Raises Stopped."""
        self.sleep(BACKOFF.pause(tries))

    def wait_as_asked(self, tries: int, turned_away: Retryable) -> None:
        """Wait before another try, after `tries` of them. Raises the failure after the last one, and Stopped."""
        turned_away.attempts = tries
        pause = BACKOFF.pause_as_asked(tries, turned_away.retry_after, chance=1.0)
        if tries >= self.attempts or pause is None:
            raise turned_away
        self.sleep(pause)

    # --- comparing ---

    def write_of(self, name: str) -> Write:
        """Also of a field that is known and not mapped any more."""
        return self.writes.get(name, Write.ALWAYS)

    def differing(self, remote: RemoteCustomer, fields: Mapping[str, Value]) -> dict[str, Value]:
        """Those of the fields in which go~mus shows something else."""
        is_same = self.digester.is_same
        return {
            name: value
            for name, value in fields.items()
            if name in remote.fields and not is_same(name, remote.fields[name], value)
        }

    def drifted(self, known: KnownCustomer, remote: RemoteCustomer | None) -> tuple[str, ...]:
        """The fields in which go~mus is to show again what it accepted; all of them where the customer is gone."""
        if remote is None:
            return tuple(known.digests.fields)
        digester = self.digester.of(known.foreign_id, known.digests.scheme)
        return tuple(
            name
            for name in known.digests.fields
            if name in remote.fields
            and is_drift(
                self.write_of(name),
                digester.field(name, remote.fields[name]),
                digester.trace(name, known.digests),
            )
        )

    def as_shown(self, known: KnownCustomer, remote: RemoteCustomer, names: Collection[str]) -> Digests:
        """What is known of a customer once these fields of it have turned out to be as go~mus shows them."""
        digests, digester = known.digests, self.digester.of(known.foreign_id, known.digests.scheme)
        now = digester.fields({name: remote.fields.get(name) for name in names})
        forms = {name: digest for name, digest in digests.shown.items() if name not in names}
        return replace(digests, record=NEVER_COMPARED, fields={**digests.fields, **now}, shown=forms)

    def memory_of(self, foreign_id: str, remote: RemoteCustomer, names: Sequence[str]) -> Digests:
        """What we know of a customer that was read: each field, but no record that it came from."""
        values = {name: remote.fields.get(name) for name in names}
        return Digests(fields=self.digester.of(foreign_id).fields(values))

    # --- the server's own form ---

    def accepted(self, foreign_id: str, digests: Digests, sent: Mapping[str, Value], remote: RemoteCustomer) -> Digests:
        """What is known once `remote` was shown after our own write of `sent`: where it differs, that is its form."""
        differing = {name: remote.fields.get(name) for name in self.differing(remote, sent)}
        if not differing:
            return digests
        forms = self.digester.of(foreign_id, digests.scheme).fields(differing)
        return replace(digests, shown={**digests.shown, **forms})

    def left_as_before(self, update: Update, remote: RemoteCustomer) -> tuple[str, ...]:
        """The fields of an update that show what they showed before it."""
        before, digester = update.before, self.digester.of(update.foreign_id, update.before.scheme)
        return tuple(
            name
            for name, value in self.differing(remote, update.fields).items()
            if digester.field(name, remote.fields.get(name)) == before.shown.get(name, before.fields.get(name))
            and not self._is_form(name, value, remote.fields.get(name))
        )

    def other_than_sent(self, update: Update, remote: RemoteCustomer) -> tuple[str, ...]:
        return tuple(self.other_than(remote, update.fields))

    def other_than(self, remote: RemoteCustomer, fields: Mapping[str, Value]) -> dict[str, Value]:
        """Those of the fields in which go~mus shows something that is no mere form of it."""
        return {
            name: value
            for name, value in self.differing(remote, fields).items()
            if not self._is_form(name, value, remote.fields.get(name))
        }

    def _is_form(self, name: str, sent: Value, shown: Value) -> bool:
        is_text = self.catalogue[name].kind in (FieldKind.TEXT, FieldKind.EMAIL)
        return is_text and is_same_but_for_form(sent, shown)

    # --- clearing ---

    def shows_empty(self, remote: RemoteCustomer, names: Collection[str]) -> bool:
        return all(name in remote.fields for name in names) and not self.still_filled(remote, names)

    def still_filled(self, remote: RemoteCustomer | None, names: Collection[str]) -> tuple[str, ...]:
        return () if remote is None else tuple(self.differing(remote, dict.fromkeys(names)))

    def clear_otherwise(self, foreign_id: str, names: Sequence[str]) -> RemoteCustomer | None:
        """Clear texts by empty text where null did not, or the other way round; what helps becomes a habit of a field.

        The customer as it is then. Raises as `Client.update_one` and `look` do.
        """
        spellings = {name: self.habits.blanks_for(self.catalogue[name]) for name in names}
        others = {name: blanks[1] for name, blanks in spellings.items() if len(blanks) > 1}
        if not others:
            return self.look(foreign_id)
        answer = self.client.update_one(self.habits.spell_id(foreign_id), others)
        for _ in self.looks(later=answer.later):
            remote = self.look(foreign_id)
            left = self.still_filled(remote, others)
            if not left:
                break
        self.habits.blanks |= {name: blank for name, blank in others.items() if remote and name not in left}
        return remote
