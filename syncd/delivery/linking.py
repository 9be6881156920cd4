"""Giving a customer that go~mus has already, under a number that the source or a person has named, its foreign_id.

The number is used only right after a read of it that showed the person without a foreign_id. Only what is empty in
go~mus is sent with it; where it shows another value, that is a first contact as with whoever is adopted.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from itertools import count

from syncd import reasons
from syncd.delivery.delivery import UNKNOWN_LAG, Delivery
from syncd.delivery.looking import is_folded, is_same_letters
from syncd.delivery.meeting import adopt, meet
from syncd.delivery.outcomes import failed, refused_in, unsettled
from syncd.domain.changes import Action, Create, Outcome
from syncd.domain.person import find_differences
from syncd.domain.records import Digests, RemoteCustomer, Value
from syncd.errors import CallFailed, Refused, Retryable, Unclear
from syncd.gomus.wire import WriteAnswer

NO_ANSWER = WriteAnswer(status=0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Linking:
    """`create` has the number of the customer; one that an earlier run has sent is `is_unmet`."""

    delivery: Delivery
    create: Create

    # --- before ---

    def look(self) -> Outcome | Create:
        """The link with the fields that are to be filled; an outcome where it is not to be made, or was made."""
        try:
            named = self._named()
            if named is not None:
                return self._met(named)
            remote = self._fit(self.delivery.client.read(self._number))
        except CallFailed as failure:
            return failed(self.create, failure)
        if self._is_ours(remote):  # its id can't be read; its number can
            return self._met(remote)
        return replace(self.create, is_unmet=True, filled=tuple(self._fillable(remote)))

    @property
    def _number(self) -> int:
        assert self.create.gomus_id is not None  # noqa: S101 - otherwise it is no link
        return self.create.gomus_id

    def _named(self) -> RemoteCustomer | None:
        """Whoever has the foreign_id, in whatever letters."""
        foreign_id = self.create.foreign_id
        remote = self.delivery.read(foreign_id)
        if remote is None and self.delivery.habits.may_fold(foreign_id):
            remote = self.delivery.read_in_other_letters(foreign_id)
        return meet(self.delivery, self.create, remote)

    def _met(self, remote: RemoteCustomer) -> Outcome:
        """Somebody has the foreign_id: adopted as ever, unless an earlier run has given it to this one."""
        if self.create.is_unmet and remote.gomus_id == self._number:
            return self._linked(remote)
        return adopt(self.delivery, self.create, remote)

    def _fit(self, remote: RemoteCustomer | None) -> RemoteCustomer:
        """Raises Refused where the number does not show the person, free to get the foreign_id."""
        if remote is None:
            raise Refused(reasons.NUMBER_UNKNOWN.tell(), status=404)
        if remote.gomus_id != self._number:
            raise Refused(reasons.NUMBER_OF_ANOTHER.tell())
        if remote.foreign_id is not None and not self._is_ours(remote):
            raise Refused(reasons.LINKED_OTHERWISE.tell())
        if not self.create.is_decided and (differing := find_differences(self.create.wanted, remote.fields)):
            raise Refused(reasons.OTHER_PERSON.tell(fields=", ".join(differing)))
        return remote

    def _is_ours(self, remote: RemoteCustomer) -> bool:
        foreign_id = self.create.foreign_id
        return is_same_letters(remote.foreign_id, foreign_id) or is_folded(remote.foreign_id, foreign_id)

    def _fillable(self, remote: RemoteCustomer) -> Mapping[str, Value]:
        """What is due, and empty in go~mus."""
        due = adopt(self.delivery, self.create, remote).differing
        return {name: value for name, value in due.items() if self.delivery.shows_empty(remote, [name])}

    # --- the call ---

    def link(self) -> Outcome:
        """Raises Fatal where no call can work, and Stopped; then its fate is not known."""
        sent, lost = dict[str, Value](), Unclear("go~mus answered, and does not show the foreign_id yet")
        try:
            answer = self._put(sent)
        except Unclear as failure:
            answer, lost = NO_ANSWER, failure
        except CallFailed as failure:
            return failed(self.create, failure)
        after = replace(self, create=replace(self.create, filled=tuple(sent)))
        is_late = answer.later or answer is NO_ANSWER
        settled, missing = self.delivery.look_for([after.create], after.look_again, later=is_late)
        if missing:
            return after.not_shown(answer, lost)
        return replace(settled[0], status=settled[0].status or answer.status or None, attempts=answer.attempts)

    def _put(self, sent: dict[str, Value]) -> WriteAnswer:
        """Each try comes right after a look of its own; `sent` takes what is filled."""
        for tries in count(1):
            filling = self._fillable(self._read_again())
            sent.clear()
            sent |= {name: value for name, value in filling.items() if name in self.create.filled}
            fields = {"foreign_id": self.create.foreign_id, **sent}
            try:
                return self.delivery.client.update_numbered(self._number, fields)
            except Retryable as turned_away:
                self.delivery.wait_as_asked(tries, turned_away)
        raise AssertionError  # it is left by an answer or a failure

    def _read_again(self) -> RemoteCustomer:
        """As far as reads have come: who was just deleted may still be shown, while the number reaches another."""
        remote = None
        for pause in (self.delivery.habits.lag or UNKNOWN_LAG).pauses:
            self.delivery.sleep(pause)
            remote = self.delivery.client.read(self._number)
        return self._fit(remote)

    # --- after ---

    def look_again(self, create: Create) -> Outcome | Create:
        try:
            remote = self._find()
        except CallFailed as failure:
            return unsettled(create, failure)
        return create if remote is None else self._linked(remote)

    def _find(self) -> RemoteCustomer | None:
        """By its foreign_id, and where that does not show it, by the number."""
        foreign_id = self.create.foreign_id
        for key in (self.delivery.habits.spell_id(foreign_id), self._number):
            remote = self.delivery.client.read(key)
            if remote is None or remote.gomus_id != self._number or not self._is_ours(remote):
                continue
            if not is_same_letters(remote.foreign_id, foreign_id):
                self.delivery.habits.saw_folded(remote.foreign_id)
            elif key != self._number:
                self.delivery.saw(remote, foreign_id)
            elif self.delivery.habits.can_read(foreign_id) is None:
                self.delivery.read_back(foreign_id, self._number)
            return remote
        return None

    def _linked(self, remote: RemoteCustomer) -> Outcome:
        """What was filled is ours, in whatever form go~mus keeps it; everything else is as with an adopted customer."""
        outcome, wanted = adopt(self.delivery, self.create, remote), self.create.digests
        filled = {name: self.create.wanted[name] for name in self.create.filled}
        taken = {name: value for name, value in filled.items() if not self.delivery.shows_empty(remote, [name])}
        ours = replace(wanted, fields={name: wanted.fields[name] for name in taken}, shown={})
        ours = self.delivery.accepted(self.create.foreign_id, ours, taken, remote)
        known = outcome.known or Digests()
        others = {name: digest for name, digest in known.shown.items() if name not in taken}
        return replace(
            outcome,
            action=Action.LINK,
            known=replace(known, fields={**known.fields, **ours.fields}, shown={**others, **ours.shown}),
            differing={name: value for name, value in outcome.differing.items() if name not in taken},
        )

    def not_shown(self, answer: WriteAnswer, lost: Unclear) -> Outcome:
        """Neither the foreign_id nor the number shows that it was done."""
        if answer.errors:
            return failed(self.create, refused_in(answer))
        is_shown = any(one.gomus_id == self._number and self._is_ours(one) for one in answer.saved)
        if answer.later or is_shown or not answer.saved:
            return failed(self.create, lost)
        return failed(self.create, Refused(reasons.ID_NOT_CHANGED.tell(), status=answer.status))
