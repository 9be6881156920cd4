"""The instance's memory: its customers, the deleted ones, the lists it offers, and every call it was sent.

`calls` reads and writes it, under one lock for each call; tests look into it and prepare it.
"""

import re
import time
from collections import deque
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from threading import Lock, RLock

from .answers import Answer
from .customers import ADDRESS_FIELDS, BLANK, Complaint, Customer, Value, broken_rules, revise
from .reference import COUNTRIES, SALUTATIONS, TITLES
from .switches import Switches

TOKEN = "sandbox-token"  # noqa: S105 - the fake instance's own, good nowhere else

_PATIENCE = timedelta(seconds=1)  # an accepted write takes effect after this, however few calls follow
_CALLS_KEPT = 100_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One call as it arrived: `route` has `:id` where `path` has the id, and is "" where there is no such call."""

    method: str
    path: str
    route: str
    query: Mapping[str, str]
    body: object = field(repr=False)
    status: int

    @property
    def customers(self) -> list[dict[str, object]]:
        """The customers in the body, as they were sent; of a single one too."""
        sent = self.body.get("customer") if isinstance(self.body, dict) else None
        return [one for one in (sent if isinstance(sent, list) else [sent]) if isinstance(one, dict)]

    def __str__(self) -> str:
        return f"{self.method} {self.route or self.path}"


@dataclass(slots=True, kw_only=True)
class _Accepted:
    """A write that was answered 202 and has not taken effect; `calls_left` calls still see the world before it."""

    act: Callable[[], Answer]
    calls_left: int
    since: datetime


def _now() -> datetime:
    return datetime.now(UTC)


class Sandbox:
    """A fake go~mus. `switches`, `tokens` and the lists may be changed at any time, as an instance's may.

    `latency` is in seconds, for each call; `busiest` is the most calls there were under way at once.
    """

    def __init__(
        self,
        switches: Switches | None = None,
        *,
        tokens: Collection[str] = (TOKEN,),
        latency: float = 0.0,
        clock: Callable[[], datetime] = _now,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.switches = switches or Switches()
        self.tokens = set(tokens)
        self.latency = latency
        self.salutations = dict(SALUTATIONS)
        self.titles = dict(TITLES)
        self.countries = dict(COUNTRIES)
        self.lock = RLock()
        self.calls: deque[Call] = deque(maxlen=_CALLS_KEPT)
        self.busiest = 0
        self._clock = clock
        self._sleep = sleep
        self._counting = Lock()
        self._under_way = 0
        self._living: dict[int, Customer] = {}
        self._dead: dict[int, Customer] = {}
        self._ids: dict[str, set[int]] = {}  # of the living, by foreign_id
        self._next_id = 1001
        self._undo: list[tuple[int, Customer | None]] = []  # what this call has changed, to take it back
        self._accepted: list[_Accepted] = []

    # What a test looks at

    @property
    def customers(self) -> list[Customer]:
        """The living, by id."""
        with self.lock:
            return [self._living[id_] for id_ in sorted(self._living)]

    @property
    def deleted(self) -> list[Customer]:
        """As they were when they were deleted."""
        with self.lock:
            return list(self._dead.values())

    def by_foreign_id(self, foreign_id: str) -> list[Customer]:
        with self.lock:
            return [self._living[id_] for id_ in sorted(self._ids.get(foreign_id, ()))]

    def duplicates(self) -> list[str]:
        """The foreign_ids that more than one living customer has."""
        with self.lock:
            return sorted(foreign_id for foreign_id, ids in self._ids.items() if len(ids) > 1)

    def calls_to(self, method: str, route: str | None = None) -> list[Call]:
        """`route` as in the vendor's pages: `/api/v4/customers/:id`."""
        with self.lock:
            return [call for call in self.calls if call.method == method and route in (None, call.route)]

    # What a test prepares

    def add_customer(self, *, id: int | None = None, **fields: Value) -> Customer:
        """Past all rules, as customers from before them are; `id` to place it at will."""
        if unknown := fields.keys() - BLANK.keys():
            raise ValueError(f"no such customer fields: {', '.join(sorted(unknown))}")
        with self.lock:
            now = self._clock()
            added = Customer(id=id or self._new_id(), fields={**BLANK, **fields}, created_at=now, updated_at=now)
            self._set(added.id, added)
            return added

    def add_order(self, id: int) -> None:
        self._change(id, lambda customer: replace(customer, orders=customer.orders + 1))

    def add_address(self, id: int, **address: Value) -> None:
        """A further one, which no update reaches; `street`, `zip`, `city`, `country_id` and so on."""
        blank: dict[str, Value] = {name.removeprefix("addr_"): None for name in ADDRESS_FIELDS}
        if unknown := address.keys() - blank.keys():
            raise ValueError(f"no such address fields: {', '.join(sorted(unknown))}")
        self._change(id, lambda it: replace(it, further_addresses=(*it.further_addresses, {**blank, **address})))

    def reset_calls(self) -> None:
        with self.lock:
            self.calls.clear()
            self.busiest = 0

    def apply_accepted(self) -> None:
        """Let every write that was answered 202 take effect now."""
        with self.lock:
            while self._accepted:
                self._carry_out(self._accepted.pop(0).act)

    # What the calls do; each under the lock

    @contextmanager
    def under_way(self) -> Iterator[None]:
        with self._counting:
            self._under_way += 1
            self.busiest = max(self.busiest, self._under_way)
        try:
            if self.latency:
                self._sleep(self.latency)
            yield
        finally:
            with self._counting:
                self._under_way -= 1

    def perform(self, act: Callable[[], Answer], *, writes: bool) -> Answer:
        """A call's effect and answer; where writes are only accepted, its effect waits until further calls came."""
        self._apply_due()
        answer = self._carry_out(act)
        if writes and self.switches.writes == "accepted" and answer.status < 300:
            self.roll_back()
            self._accepted.append(_Accepted(act=act, calls_left=self.switches.accepted_for, since=self._clock()))
            return Answer(status=202, body={"status": "accepted"})
        return answer

    def find(self, key: str) -> Customer | None:
        """By numeric id first, then by foreign_id."""
        number = self._number(key)
        if number in self._living:
            return self._living[number]
        return next(iter(self.by_foreign_id(key)), None)

    def was_deleted(self, key: str) -> bool:
        return self._number(key) in self._dead or any(dead.foreign_id == key for dead in self._dead.values())

    def save(self, sent: Mapping[str, object], customer: Customer | None = None) -> Customer | list[Complaint]:
        """Creates, or changes the customer given; what stands against it where it can't."""
        fields, complaints = revise(customer.fields if customer else BLANK, sent, self.switches)
        complaints += broken_rules(fields, self._known_ids(), self.switches)
        complaints += self._taken(fields, None if customer is None else customer.id)
        if complaints:
            return complaints
        now = self._clock()
        saved = (
            replace(customer, fields=fields, updated_at=now)
            if customer
            else Customer(id=self._new_id(), fields=fields, created_at=now, updated_at=now)
        )
        self._set(saved.id, saved)
        return saved

    def remove(self, customer: Customer) -> None:
        self._set(customer.id, None)

    def roll_back(self) -> None:
        """Take back what this call has changed; ids that it drew are lost, as a database's sequence loses them."""
        for id_, before in reversed(self._undo[:]):
            self._set(id_, before)
            if before is None:
                self._dead.pop(id_, None)
        self._undo.clear()

    def _carry_out(self, act: Callable[[], Answer]) -> Answer:
        """Each act has an undo of its own: rolled back, it must not take back the one before."""
        self._undo.clear()
        return act()

    def _set(self, id_: int, customer: Customer | None) -> None:
        before = self._living.pop(id_, None)
        self._undo.append((id_, before))
        if before and before.foreign_id is not None:
            self._ids[before.foreign_id].discard(id_)
        if customer is None:
            if before:
                self._dead[id_] = before
            return
        self._dead.pop(id_, None)
        self._living[id_] = customer
        if customer.foreign_id is not None:
            self._ids.setdefault(customer.foreign_id, set()).add(id_)

    def _change(self, id_: int, change: Callable[[Customer], Customer]) -> None:
        with self.lock:
            self._set(id_, change(self._living[id_]))

    def _new_id(self) -> int:
        while self._next_id in self._living or self._next_id in self._dead:
            self._next_id += 1
        self._next_id += 1
        return self._next_id - 1

    def _number(self, key: str) -> int | None:
        pattern = r"\d{1,18}" if self.switches.lenient_numeric else r"\d{1,18}$"
        digits = re.match(pattern, key, re.ASCII)
        return int(digits.group()) if digits else None

    def _known_ids(self) -> dict[str, Collection[int]]:
        return {
            "customer_salutation_id": self.salutations.keys(),
            "customer_title_id": self.titles.keys(),
            "addr_country_id": self.countries.keys(),
        }

    def _taken(self, fields: Mapping[str, Value], own_id: int | None) -> Iterable[Complaint]:
        taken = "has already been taken"
        foreign_id, email = fields["foreign_id"], fields["email"]
        if self.switches.foreign_ids == "unique" and self._ids.get(str(foreign_id), set()) - {own_id}:
            yield Complaint(field="foreign_id", text=taken, value=foreign_id)
        others = (other for other in self._living.values() if other.id != own_id)
        if self.switches.email_unique and email is not None and any(other["email"] == email for other in others):
            yield Complaint(field="email", text=taken, value=email)

    def _apply_due(self) -> None:
        now, waiting = self._clock(), []
        for accepted in self._accepted:
            accepted.calls_left -= 1
            if accepted.calls_left < 0 or now - accepted.since >= _PATIENCE:
                self._carry_out(accepted.act)
            else:
                waiting.append(accepted)
        self._accepted = waiting
