"""Delivering changes to go~mus: what is sent, and how every kind of answer is settled.

Runs in the threads of the executor's pool and touches no database. A write whose answer is lost is looked up, never
repeated blindly; a refused batch is looked at, then halved down to the records that are refused by themselves.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TypeVar

from syncd.domain.changes import Action, Create, Erase, Outcome, Result, Update
from syncd.domain.digest import Digester
from syncd.domain.records import Digests, Field, KnownCustomer, RemoteCustomer, Value
from syncd.errors import CallFailed, Missing, Refused, Retryable, Unclear
from syncd.gomus.client import Client
from syncd.gomus.wire import WriteAnswer

FIRST_PAUSE, LONGEST_PAUSE = 0.5, 30.0
C = TypeVar("C", Create, Update)


@dataclass(slots=True)
class Habits:
    """What is learned of an instance while talking to it. Written by any thread; each value stands alone."""

    cap: int  # batches over this size are refused
    blank: Value = None  # what clears a field: null or empty text
    is_immediate: bool = False  # a write has been seen to be done when it was answered


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """One instance; `timeout` is how long a call may still take effect after its answer was lost."""

    client: Client
    digester: Digester
    catalogue: Mapping[str, Field]
    habits: Habits
    attempts: int
    timeout: timedelta
    sleep: Callable[[float], None]
    is_stopping: Callable[[], bool]  # sleeps are cut short then, so that no conclusion may rest on them

    # --- looking ---

    def look(self, foreign_id: str) -> RemoteCustomer | None:
        """Read a customer by foreign_id; refused where go~mus answers somebody else's."""
        remote = self.client.read(foreign_id)
        if remote is not None and remote.foreign_id != foreign_id:
            # go~mus tries ids as numbers first, and some servers read '12abc' as 12.
            raise Refused("go~mus answers another customer under this foreign_id; give the ids a prefix")
        return remote

    def holds(self, remote: RemoteCustomer, fields: Mapping[str, Value]) -> bool:
        return not self.differing(remote, fields)

    def differing(self, remote: RemoteCustomer, fields: Mapping[str, Value]) -> dict[str, Value]:
        digest = self.digester.field
        return {n: value for n, value in fields.items() if digest(n, remote.fields.get(n)) != digest(n, value)}

    def drifted(self, known: KnownCustomer, remote: RemoteCustomer | None) -> tuple[str, ...]:
        """The fields in which go~mus no longer shows what it accepted; all of them where the customer is gone."""
        shown = remote.fields if remote else {}
        digest = self.digester.field
        is_gone = remote is None
        return tuple(
            name for name, kept in known.digests.fields.items() if is_gone or digest(name, shown.get(name)) != kept
        )

    def memory_of(self, remote: RemoteCustomer, names: Sequence[str]) -> Digests:
        """What we know of a customer that was read: each field, but no record that it came from."""
        fields = {name: self.digester.field(name, remote.fields.get(name)) for name in names}
        return Digests(fields=fields)

    # --- creating ---

    def probe(self, creates: Sequence[Create]) -> list[Outcome | Create]:
        """Look each one up before it is created: an outcome where it exists, the change itself where it does not."""
        return [self._probe_one(create) for create in creates]

    def _probe_one(self, create: Create) -> Outcome | Create:
        try:
            remote = self.look(create.foreign_id)
        except CallFailed as failure:
            return _failed(create, failure)
        return create if remote is None else self._found(create, remote, Action.ADOPT)

    def _found(self, create: Create, remote: RemoteCustomer, action: Action) -> Outcome:
        wanted = {name: create.fields.get(name) for name in create.digests.fields}
        differing = self.differing(remote, wanted)
        known = self.memory_of(remote, list(wanted)) if differing else create.digests
        return Outcome(
            change=create,
            action=action,
            result=Result.OK,
            gomus_id=remote.gomus_id,
            known=known,
            differing=differing,
        )

    def create(self, creates: Sequence[Create]) -> list[Outcome]:
        return [o for part in self._parts(creates) for o in self._create_part(part, tries=self.attempts)]

    def _create_part(self, creates: Sequence[Create], *, tries: int) -> list[Outcome]:
        bodies = [{"foreign_id": create.foreign_id, **create.fields} for create in creates]
        try:
            answer = self.client.create(bodies)
        except Refused as refusal:
            return self._create_refused(creates, refusal)
        except Unclear as lost:
            return self._create_lost(creates, lost, tries=tries)
        except Retryable as turned_away:
            return [_failed(create, turned_away) for create in creates]
        return self._create_answered(creates, answer)

    def _create_answered(self, creates: Sequence[Create], answer: WriteAnswer) -> list[Outcome]:
        saved = {remote.foreign_id: remote for remote in answer.saved}
        self.habits.is_immediate |= bool(saved) and not answer.later
        outcomes = [
            Outcome(
                change=create,
                action=Action.CREATE,
                result=Result.OK,
                gomus_id=saved[create.foreign_id].gomus_id,
                status=answer.status,
                attempts=answer.attempts,
                known=create.digests,
            )
            for create in creates
            if create.foreign_id in saved
        ]
        unconfirmed = [create for create in creates if create.foreign_id not in saved]
        settled, missing = self._look_for(unconfirmed, self._waits(answer))
        outcomes += settled
        if missing and len(creates) > 1 and not answer.later:
            return outcomes + self._create_in_halves(missing)
        failure: CallFailed = Unclear("accepted, but not to be found", status=answer.status, attempts=answer.attempts)
        if answer.later:
            failure = _not_done_in_time(answer)
        elif answer.errors:
            failure = Refused("refused", reasons=answer.errors, status=answer.status, attempts=answer.attempts)
        return outcomes + [_failed(create, failure) for create in missing]

    def _create_refused(self, creates: Sequence[Create], refusal: Refused) -> list[Outcome]:
        settled, missing = self._look_for(creates, [0.0])
        if len(creates) == 1:
            # "has already been taken": somebody created it since we looked, or it was not looked for.
            adopted = [replace(outcome, action=Action.ADOPT) for outcome in settled if outcome.result is Result.OK]
            return adopted or [_failed(create, refusal) for create in missing] or settled
        outcomes = settled + self._create_in_halves(missing, refusal.named)
        self._learn_cap(len(creates), outcomes, refused_whole=not settled)
        return outcomes

    def _create_in_halves(self, creates: Sequence[Create], named: frozenset[str] = frozenset()) -> list[Outcome]:
        """Those that the refusal names each alone, the others together; where it names nobody, half and half."""
        return [
            outcome
            for group in _groups(creates, named)
            for part in self._parts(group)
            for outcome in self._create_part(part, tries=self.attempts)
        ]

    def _create_lost(self, creates: Sequence[Create], lost: Unclear, *, tries: int) -> list[Outcome]:
        # A 500 is an answer: where writes are done at once, whatever was to happen has happened by then.
        is_over = lost.status == 500 and self.habits.is_immediate
        outcomes, missing = self._look_for(creates, [0.0] if is_over else self._pauses_after_loss())
        if missing and self.is_stopping():
            return outcomes + [_failed(create, lost) for create in missing]
        if missing and tries <= 1:
            return outcomes + [_given_up(create, lost, is_alone=len(creates) == 1) for create in missing]
        if missing:
            self._pause(self.attempts - tries)
            # In halves, for one of them may be what the server stumbles over.
            outcomes += [o for half in _groups(missing) for o in self._create_part(half, tries=tries - 1)]
        return outcomes

    def _look_for(self, creates: Sequence[Create], waits: Sequence[float]) -> tuple[list[Outcome], list[Create]]:
        """Read each one after each wait until it is there: what is settled, and what is certainly not there."""
        outcomes: list[Outcome] = []
        missing = list(creates)
        for wait in waits:
            if not missing:
                break
            self.sleep(wait)
            looked = [self._look_again(create) for create in missing]
            outcomes += [found for found in looked if isinstance(found, Outcome)]
            missing = [create for create in looked if isinstance(create, Create)]
        return outcomes, missing

    def _look_again(self, create: Create) -> Outcome | Create:
        try:
            remote = self.look(create.foreign_id)
        except Refused as refusal:
            return _failed(create, refusal)
        except CallFailed as failure:
            return replace(_failed(create, failure), settled=False)
        return create if remote is None else self._found(create, remote, Action.CREATE)

    # --- updating ---

    def update(self, updates: Sequence[Update]) -> list[Outcome]:
        return [o for part in self._parts(updates) for o in self._update_part(part)]

    def _update_part(self, updates: Sequence[Update]) -> list[Outcome]:
        if len(updates) == 1:
            return [self._update_alone(updates[0], tries=self.attempts)]
        bodies = [{"foreign_id": update.foreign_id, **self._form(update.fields)} for update in updates]
        try:
            answer = self.client.update(bodies)
        except Refused as refusal:
            groups = _groups(updates, refusal.named)
            outcomes = [o for group in groups for part in self._parts(group) for o in self._update_part(part)]
            self._learn_cap(len(updates), outcomes, refused_whole=refusal.status in BATCH_REFUSALS)
            return outcomes
        except Unclear:
            answer = WriteAnswer(status=0)
        except Retryable as turned_away:
            return [_failed(update, turned_away) for update in updates]
        saved = {remote.foreign_id: remote for remote in answer.saved}
        return [self._settle_update(update, saved.get(update.foreign_id), answer) for update in updates]

    def _settle_update(self, update: Update, remote: RemoteCustomer | None, answer: WriteAnswer) -> Outcome:
        """One member of an answered batch: confirmed by the answer, or else by a look, or else sent alone."""
        is_confirmed = remote is not None and self.holds(remote, dict.fromkeys(update.cleared))
        if is_confirmed:
            return self._updated(update, status=answer.status, attempts=answer.attempts)
        return self._look_at_update(update) or self._update_alone(update, tries=self.attempts)

    def _look_at_update(self, update: Update) -> Outcome | None:
        """None where the customer does not hold what was sent."""
        try:
            remote = self.client.read(update.gomus_id)
        except CallFailed as failure:
            return replace(_failed(update, failure), settled=False)
        if remote is None:
            return _vanished(update)
        return self._updated(update) if self.holds(remote, update.fields) else None

    def _update_alone(self, update: Update, *, tries: int) -> Outcome:
        body = {"foreign_id": update.foreign_id, **self._form(update.fields)}
        try:
            answer = self.client.update_one(update.gomus_id, body)
        except Missing:
            return self._find_again(update)
        except (Refused, Retryable) as failure:
            return _failed(update, failure)
        except Unclear as lost:
            return self._update_lost(update, lost, tries=tries)
        if answer.later:
            return self._await_update(update, answer)
        if update.cleared:
            return self._see_cleared(update, answer)
        return self._updated(update, status=answer.status, attempts=answer.attempts)

    def _find_again(self, update: Update) -> Outcome:
        """Not under the id that we know: perhaps somebody created the customer anew under its foreign_id."""
        try:
            remote = self.look(update.foreign_id)
        except CallFailed as failure:
            return _failed(update, failure)
        if remote is None or remote.gomus_id == update.gomus_id:
            return _vanished(update)
        known = self.memory_of(remote, list(update.digests.fields))
        return Outcome(
            change=update, action=Action.ADOPT, result=Result.OK, gomus_id=remote.gomus_id, known=known, stale=True
        )

    def _update_lost(self, update: Update, lost: Unclear, *, tries: int) -> Outcome:
        looked = self._look_at_update(update)
        if looked:
            return looked
        if tries <= 1:
            return _given_up(update, lost, is_alone=True)
        self._pause(self.attempts - tries)
        return self._update_alone(update, tries=tries - 1)

    def _await_update(self, update: Update, answer: WriteAnswer) -> Outcome:
        for wait in self._pauses_after_loss():
            self.sleep(wait)
            if looked := self._look_at_update(update):
                return looked
        is_cleared = bool(update.cleared) and self._see_cleared(update, answer).result is Result.OK
        return (is_cleared and self._look_at_update(update)) or _failed(update, _not_done_in_time(answer))

    def _see_cleared(self, update: Update, answer: WriteAnswer) -> Outcome:
        """Some servers clear by null and others by empty text: look which, and remember."""
        try:
            remote = answer.saved[0] if answer.saved else self.client.read(update.gomus_id)
            left = self._still_filled(remote, update.cleared)
            if left:
                remote = self._clear_otherwise(update.gomus_id, left)
                left = self._still_filled(remote, left)
        except Missing:
            return _vanished(update)
        except Refused as refusal:
            return _failed(update, refusal)
        except CallFailed as failure:
            return replace(_failed(update, failure), settled=False)
        if left:
            return _failed(update, Refused(f"go~mus does not empty {', '.join(left)}", status=answer.status))
        return self._updated(update, status=answer.status, attempts=answer.attempts)

    def _still_filled(self, remote: RemoteCustomer | None, names: Sequence[str]) -> tuple[str, ...]:
        return () if remote is None else tuple(self.differing(remote, dict.fromkeys(names)))

    def _clear_otherwise(self, gomus_id: int, names: Sequence[str]) -> RemoteCustomer | None:
        other: Value = "" if self.habits.blank is None else None
        answer = self.client.update_one(gomus_id, dict.fromkeys(names, other))
        for wait in self._waits(answer):
            self.sleep(wait)
            remote = answer.saved[0] if answer.saved else self.client.read(gomus_id)
            if not self._still_filled(remote, names):
                self.habits.blank = other
                break
        return remote

    def _updated(self, update: Update, *, status: int | None = None, attempts: int = 1) -> Outcome:
        return Outcome(
            change=update,
            action=Action.UPDATE,
            result=Result.OK,
            gomus_id=update.gomus_id,
            status=status,
            attempts=attempts,
            known=update.digests,
        )

    def _form(self, fields: Mapping[str, Value]) -> dict[str, Value]:
        return {name: self.habits.blank if value is None else value for name, value in fields.items()}

    # --- erasing ---

    def anonymize(self, erase: Erase) -> Outcome:
        """Read, overwrite every personal field, and read back to see it."""
        try:
            remote = self.client.read(erase.gomus_id)
            if remote is None:
                return self._erased(erase, Action.ANONYMIZE, Result.SKIPPED, error="is no longer in go~mus")
            if remote.foreign_id not in (erase.foreign_id, None):
                raise Refused("go~mus shows another foreign_id under this customer's id; nothing was changed")
            return self._anonymize(erase, remote)
        except CallFailed as failure:
            return _failed(erase, failure, Action.ANONYMIZE)

    def _anonymize(self, erase: Erase, remote: RemoteCustomer) -> Outcome:
        blank = self.blank_customer(erase.foreign_id)
        answer = WriteAnswer(status=0)
        with suppress(Unclear):  # reading back tells
            answer = self.client.update_one(erase.gomus_id, self._form(blank))
        for wait in self._waits(answer):
            self.sleep(wait)
            left = self._left_personal(erase.gomus_id, blank)
            if not left:
                break
        if left:
            self._clear_otherwise(erase.gomus_id, [name for name in left if blank[name] is None])
            left = self._left_personal(erase.gomus_id, blank)
        if left:
            raise Retryable(f"still holds {', '.join(left)} after being anonymized")
        if erase.keep:
            self.detach(erase)
        notice = None
        if remote.addresses > 1:
            notice = f"has {remote.addresses} addresses; the API reaches the first only, clear the others by hand"
        return replace(self._erased(erase, Action.ANONYMIZE, Result.OK, error=notice), attempts=answer.attempts)

    def blank_customer(self, foreign_id: str) -> dict[str, Value]:
        """Every personal field, emptied or under a placeholder; the address is unique, for orders are found by it."""
        fields: dict[str, Value] = {f.name: f.placeholder for f in self.catalogue.values() if f.personal}
        return fields | {"email": f"{self.digester.name(foreign_id).hex()}@anonymized.invalid"}

    def _left_personal(self, gomus_id: int, blank: Mapping[str, Value]) -> tuple[str, ...]:
        remote = self.client.read(gomus_id)
        return () if remote is None else tuple(self.differing(remote, blank))

    def delete(self, erase: Erase) -> Outcome:
        for attempt in range(self.attempts):
            try:
                self.client.delete(erase.gomus_id)
                return self._erased(erase, Action.DELETE, Result.OK)
            except Refused as refusal:
                self.detach(erase)
                kept = f"go~mus keeps the anonymized customer: {_words(refusal)}"
                return replace(self._erased(erase, Action.DELETE, Result.SKIPPED, error=kept), status=refusal.status)
            except Retryable as turned_away:
                return _failed(erase, turned_away)
            except Unclear as lost:
                last = lost
                self._pause(attempt)  # a repeated delete is harmless: it answers 404 or 410
        return _failed(erase, last)

    def detach(self, erase: Erase) -> None:
        """Where the anonymized customer stays, its foreign_id goes: whoever returns under it must not find a ghost."""
        with suppress(CallFailed):  # an instance that insists on the foreign_id keeps it
            self.client.update_one(erase.gomus_id, {"foreign_id": self.habits.blank})

    def _erased(self, erase: Erase, action: Action, result: Result, *, error: str | None = None) -> Outcome:
        return Outcome(change=erase, action=action, result=result, gomus_id=erase.gomus_id, error=error)

    # --- shared ---

    def _parts(self, changes: Sequence[C]) -> Iterator[Sequence[C]]:
        """Cut to the cap, as it is known by then."""
        start = 0
        while start < len(changes):
            size = max(1, self.habits.cap)
            yield changes[start : start + size]
            start += size

    def _learn_cap(self, size: int, outcomes: Sequence[Outcome], *, refused_whole: bool) -> None:
        """A batch that was refused although none of its members is refused by itself was too large."""
        if refused_whole and all(outcome.result is Result.OK for outcome in outcomes):
            self.habits.cap = min(self.habits.cap, (size + 1) // 2)

    def _waits(self, answer: WriteAnswer) -> list[float]:
        """When to look: at once, but for what was only accepted."""
        return self._pauses_after_loss() if answer.later else [0.0]

    def _pauses_after_loss(self) -> list[float]:
        """Looks at growing distances, over as long again as the call was given."""
        whole = self.timeout.total_seconds()
        return [0.0, whole / 8, whole * 3 / 8, whole / 2]

    def _pause(self, tries_made: int) -> None:
        self.sleep(min(LONGEST_PAUSE, FIRST_PAUSE * 2**tries_made))


BATCH_REFUSALS = (413, 422)


def _groups(changes: Sequence[C], named: frozenset[str] = frozenset()) -> tuple[Sequence[C], ...]:
    """Smaller than the whole in any case, so that it comes to an end."""
    innocent = [change for change in changes if change.foreign_id not in named]
    if len(innocent) < len(changes):
        groups: list[Sequence[C]] = [[change] for change in changes if change.foreign_id in named]
        groups.append(innocent)
        return tuple(group for group in groups if group)
    middle = (len(changes) + 1) // 2
    return tuple(half for half in (changes[:middle], changes[middle:]) if half)


def _failed(change: Create | Update | Erase, failure: CallFailed, action: Action | None = None) -> Outcome:
    return Outcome(
        change=change,
        action=action or change.action,
        result=Result.FAILED,
        gomus_id=None if isinstance(change, Create) else change.gomus_id,
        status=failure.status,
        attempts=failure.attempts,
        error=_words(failure),
        settled=not isinstance(failure, Unclear),
        refused=isinstance(failure, Refused),
    )


def _given_up(change: Create | Update, lost: Unclear, *, is_alone: bool) -> Outcome:
    """A server that stumbles over one record again and again, and answers in between, will do so tomorrow."""
    return replace(_failed(change, lost), refused=is_alone and lost.status == 500)


def _not_done_in_time(answer: WriteAnswer) -> Refused:
    """A 202 that came to nothing: whether late or refused in silence, the record rests, and is looked up before it is
    sent again.
    """
    return Refused("go~mus accepted it for later, but has not done it in time", status=answer.status)


def _vanished(update: Update) -> Outcome:
    return _failed(update, Missing("is no longer in go~mus", status=404))


def _words(failure: CallFailed) -> str:
    reasons = failure.reasons if isinstance(failure, Refused) else ()
    return "; ".join(reasons) if reasons else str(failure)
