"""Emptying the personal fields of one customer: all at once, then what is left of them, and always read back.

What go~mus refuses as a whole is sent in halves, down to the fields that are refused by themselves. A call whose answer
is lost is looked at, and sent again as it was: nothing is learned from silence.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field

from syncd import reasons
from syncd.delivery.leaver import Leaver
from syncd.delivery.looking import Whereabouts
from syncd.delivery.outcomes import refused_as
from syncd.delivery.placeholders import Placeholders
from syncd.domain.digest import is_same_but_for_form
from syncd.domain.records import RemoteCustomer, Value
from syncd.domain.trail import What
from syncd.errors import Missing, Refused, Unclear
from syncd.gomus.wire import WriteAnswer


@dataclass(slots=True, kw_only=True)
class Blanking:
    """`old` is the customer as it was read first: a value is gone where go~mus shows another one, or none.

    `shown` is the customer as it was read last, None where it is gone. `is_touched` says that something has changed, or
    may have.
    """

    leaver: Leaver
    old: RemoteCustomer
    placeholders: Placeholders
    is_touched: bool = False
    attempts: int = 1
    shown: RemoteCustomer | None = field(init=False)
    _replaced: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.shown = self.old
        self.is_touched |= self.placeholders.stand_in(self.old.fields)

    def empty(self) -> tuple[str, ...]:
        """The names of the fields that go~mus will not let go.

        Raises Refused where it lets none go, otherwise as `Leaver.write` and `find` do.
        """
        first = left = self.left(self.placeholders.values)
        spellings = {name: self.placeholders.spellings(name) for name in self.placeholders.values}
        names: Iterable[str] = spellings if first else ()
        if first:
            self.leaver.trail.note(What.EMPTYING, number=len(spellings))
        while sent := {name: spellings[name].pop(0) for name in names if spellings[name]}:
            self._send(sent)
            names = left = self.left(self.placeholders.values)
        self._note(first, left)
        if left and len(left) == len(first) and not self.is_touched:
            raise Refused(reasons.NOT_LET_GO.tell(fields=", ".join(left)))
        return left

    def _note(self, first: Collection[str], left: Collection[str]) -> None:
        """`first` held something personal before, `left` still does."""
        trail, values = self.leaver.trail, self.placeholders.values
        if self.shown is None:
            trail.note(What.GONE)
            return
        trail.note(What.EMPTIED, fields=[name for name in first if name not in left])
        if replaced := [name for name in values if self.placeholders.is_one(name, self.shown.fields.get(name))]:
            trail.note(What.REPLACED, fields=replaced)
        if left:
            trail.note(What.KEPT, fields=left)
        else:
            trail.note(What.READ_BACK, number=len(values))

    def left(self, names: Iterable[str]) -> tuple[str, ...]:
        """Those of the fields that still show something personal."""
        fields = {} if self.shown is None else self.shown.fields
        return tuple(name for name in names if self._is_left(name, fields.get(name)))

    def _is_left(self, name: str, value: Value) -> bool:
        if not self.placeholders.is_personal(name, value):
            return False
        before = self.old.fields.get(name)
        is_same = self.leaver.delivery.digester.is_same
        if is_same(name, before, None):
            return name not in self._replaced
        return is_same(name, value, before) or is_same_but_for_form(value, before)

    @property
    def insisted(self) -> tuple[str, ...]:
        """The fields in which go~mus takes no empty value: a placeholder stands there."""
        return tuple(sorted(self._replaced - self.placeholders.preferred - set(self.left(self._replaced))))

    # --- sending ---

    def _send(self, fields: Mapping[str, Value]) -> None:
        if self._put(fields):
            return
        left = {name: fields[name] for name in self.left(fields)}
        parts = _halves(left) if len(left) == len(fields) else (left,)
        for part in filter(None, parts):
            self._send(part)

    def _put(self, fields: Mapping[str, Value]) -> bool:
        """Whether it was taken; False where it was refused."""
        delivery = self.leaver.delivery
        for tries in range(1, delivery.attempts + 1):
            lost: Unclear | None = None
            try:
                answer = self.leaver.write(self.old, fields)
            except Missing:
                self._look(fields, later=False)
                if self.left(fields):
                    raise
                return True
            except Refused:
                return False
            except Unclear as unclear:
                lost = unclear
                self.is_touched = True
                self.leaver.trail.note(What.EMPTYING_LOST)
                self._look(fields, later=False)  # to send it twice does no harm, whenever the first one comes
                self.leaver.trail.note_effect(is_there=not self.left(fields))
            else:
                shown = delivery.shown_in(answer, self.leaver.foreign_id)
                is_taken = self._take(fields, answer, shown)
                if shown is not None or answer.errors:
                    return is_taken
            if not self.left(fields):
                return True
            delivery.pause(tries)
        if lost:
            raise lost
        return True

    def _take(self, fields: Mapping[str, Value], answer: WriteAnswer, shown: RemoteCustomer | None) -> bool:
        """A 2xx that shows nobody proves nothing; one that shows the fields emptied has to be seen in a read too."""
        was_touched, self.is_touched = self.is_touched, True
        before = self.left(fields)
        self.attempts = answer.attempts
        self._replaced |= {name for name, value in fields.items() if value not in (None, "")}
        told = {} if shown is None or answer.later else {n: shown.fields[n] for n in fields if n in shown.fields}
        stuck = {name for name, value in told.items() if self._is_left(name, value)}
        self._look(fields, later=answer.later or shown is not None, stuck=stuck)
        left = self.left(fields)
        if unseen := [name for name in left if name in told.keys() - stuck]:
            raise Unclear(f"go~mus has emptied {', '.join(unseen)}, but does not show it yet", status=answer.status)
        self.is_touched = was_touched or len(left) < len(before) or not before
        if shown is not None:
            self._learn({name: fields[name] for name in before if name not in left})
        return not (answer.errors and left)

    def _learn(self, emptied: Mapping[str, Value]) -> None:
        """From a call that was answered, and seen to have emptied a field that held something."""
        delivery, shown = self.leaver.delivery, self.shown
        for name, value in emptied.items():
            is_empty = shown is not None and delivery.digester.is_same(name, shown.fields.get(name), None)
            if value in (None, "") and is_empty and delivery.habits.blanks.get(name) != value:
                delivery.habits.blanks[name] = value

    # --- looking ---

    def _look(self, names: Collection[str], *, later: bool, stuck: Collection[str] = ()) -> None:
        """Until nothing more is left of the fields than is stuck, or the time is over."""
        for _ in self.leaver.delivery.looks(later=later):
            sighting = self.leaver.find()
            is_elsewhere = sighting.here is None and sighting.whereabouts is not Whereabouts.GONE
            if is_elsewhere:
                continue
            self.shown = sighting.here
            if set(self.left(names)) <= set(stuck):
                return
        if is_elsewhere:
            raise refused_as(sighting)


def _halves(fields: Mapping[str, Value]) -> tuple[dict[str, Value], ...]:
    """Nothing of what is one field."""
    names = list(fields)
    middle = len(names) // 2
    halves = (names[:middle], names[middle:]) if middle else ()
    return tuple({name: fields[name] for name in half} for half in halves)
