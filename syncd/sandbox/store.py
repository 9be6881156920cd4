"""The instance: its customers, the lists it offers, the rules it has, and every call it was sent.

`calls` reads and writes it, under one lock for each call; tests look into it and prepare it.
"""

import time
from collections import deque
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from threading import Lock, RLock

from .answers import Answer
from .customers import ADDRESS_FIELDS, BLANK, Complaint, Customer, Value, broken_rules, full_name, kept_rules, revise
from .memory import Memory
from .proxy import SPOILT, Hook, Passing
from .reference import COUNTRIES, SALUTATIONS, TITLES
from .strangers import FOREIGN_IDS, make_strangers
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
        return sent_customers(self.body)

    def __str__(self) -> str:
        return f"{self.method} {self.route or self.path}"


@dataclass(slots=True, kw_only=True)
class _Accepted:
    """A write that was answered 202 and has not taken effect; `calls_left` calls still see the world before it."""

    act: Callable[[], Answer]
    calls_left: int
    since: datetime


def sent_customers(body: object) -> list[dict[str, object]]:
    """The customers in a call's body; a single one too."""
    sent = body.get("customer") if isinstance(body, dict) else None
    return [one for one in (sent if isinstance(sent, list) else [sent]) if isinstance(one, dict)]


def _now() -> datetime:
    return datetime.now(UTC)


class Sandbox:
    """A fake go~mus. `switches`, `tokens` and the lists may be changed at any time, as an instance's may.

    `latency` is in seconds, for each call; `busiest` is the most calls there were under way at once. `strangers` are
    foreign_ids of another system's customers, who are there from the beginning. A test may set `hook`, which decides
    about each call in a proxy's place, and `objects`, a rule of this instance's own.
    """

    def __init__(  # noqa: PLR0913 - each has a default, and most tests give one
        self,
        switches: Switches | None = None,
        *,
        tokens: Collection[str] = (TOKEN,),
        latency: float = 0.0,
        strangers: Iterable[int] = FOREIGN_IDS,
        clock: Callable[[], datetime] = _now,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.switches = switches or Switches()
        self.tokens = set(tokens)
        self.latency = latency
        self.salutations = dict(SALUTATIONS)
        self.titles = dict(TITLES)
        self.countries = dict(COUNTRIES)
        self.hook: Hook | None = None
        self.objects: Callable[[Mapping[str, Value]], Iterable[Complaint]] = lambda _fields: ()
        self.lock = RLock()
        self.calls: deque[Call] = deque(maxlen=_CALLS_KEPT)
        self.busiest = 0
        self._clock = clock
        self._sleep = sleep
        self._counting = Lock()
        self._under_way = 0
        self._writes_passed = 0
        self._memory = Memory(make_strangers(strangers, clock()), clock)
        self._touched: list[str] = []
        self._accepted: list[_Accepted] = []

    # What a test looks at

    @property
    def customers(self) -> list[Customer]:
        """The living, by id, without the strangers."""
        with self.lock:
            return [customer for customer in self._memory.living if customer.id not in self._memory.strangers]

    @property
    def strangers(self) -> list[Customer]:
        with self.lock:
            return [customer for customer in self._memory.living if customer.id in self._memory.strangers]

    @property
    def deleted(self) -> list[Customer]:
        """As they were when they were deleted, without the strangers."""
        with self.lock:
            return [one for one in self._memory.dead.values() if one.id not in self._memory.strangers]

    def touched_strangers(self) -> list[str]:
        """Every write that reached a stranger, even where it was refused or changed nothing. It should be empty."""
        with self.lock:
            return list(self._touched)

    def by_foreign_id(self, foreign_id: str) -> list[Customer]:
        """Those that have it as it is written here."""
        with self.lock:
            return self._memory.living.named(foreign_id)

    def duplicates(self) -> list[str]:
        """The foreign_ids that more than one living customer has."""
        with self.lock:
            return self._memory.living.shared()

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
            id_ = id or self._memory.new_id()
            added = Customer(id=id_, fields={**BLANK, **fields}, created_at=now, updated_at=now)
            self._memory.put(id_, added)
            return added

    def add_stranger(self, *, id: int | None = None, **fields: Value) -> Customer:
        """One more customer that nobody may touch."""
        added = self.add_customer(id=id, **fields)
        self._memory.strangers.add(added.id)
        return added

    def add_order(self, id: int) -> None:
        self._change(id, lambda customer: replace(customer, orders=customer.orders + 1))

    def add_address(self, id: int, **address: Value) -> None:
        """A further one, which no update reaches; `street`, `zip`, `city`, `country_id` and so on."""
        blank: dict[str, Value] = {name.removeprefix("addr_"): None for name in ADDRESS_FIELDS}
        if unknown := address.keys() - blank.keys():
            raise ValueError(f"no such address fields: {', '.join(sorted(unknown))}")
        self._change(id, lambda it: replace(it, further_addresses=(*it.further_addresses, {**blank, **address})))

    def give_login(self, id: int) -> None:
        """An account of the web shop; `Switches.login_email` says what follows from it."""
        self._change(id, lambda customer: replace(customer, has_login=True))

    def copy(
        self, *, clock: Callable[[], datetime] | None = None, sleep: Callable[[float], None] | None = None
    ) -> "Sandbox":
        """One more instance that has the same customers and lists, and was never called; by another clock, if given."""
        clock, sleep = clock or self._clock, sleep or self._sleep
        copied = Sandbox(self.switches, tokens=self.tokens, strangers=(), clock=clock, sleep=sleep)
        copied.salutations, copied.titles, copied.countries = self.salutations, self.titles, self.countries
        copied._memory = self._memory.copy(clock)
        return copied

    # What staff do in the back office

    def merge(self, loser: int, survivor: int) -> None:
        """Make one of two, by number."""
        with self.lock:
            self._memory.merge(loser, survivor)

    def rename(self, id: int, foreign_id: str | None) -> None:
        """Give a customer another foreign_id, or none."""
        self._change(id, lambda customer: replace(customer, fields={**customer.fields, "foreign_id": foreign_id}))

    def recreate(self, id: int, **changes: Value) -> Customer:
        """Delete a customer and enter it anew: the same foreign_id under another number."""
        with self.lock:
            fields = {**self._memory.take_out(id).fields, **changes}
            return self.add_customer(id=self._memory.new_id(), **fields)

    # What a test does between its steps

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

    def now(self) -> datetime:
        return self._clock()

    def hook_for(self, call: Passing) -> Hook | None:
        """What decides about a call in the proxy: the test's own hook, or a switch; None lets the call pass."""
        if self.hook or call.method == "GET":
            return self.hook
        with self._counting:
            self._writes_passed += 1
            left = -self._writes_passed % self.switches.spoilt_every
        return SPOILT.get({0: self.switches.proxy, 1: self.switches.busy}.get(left, "none"))

    @contextmanager
    def under_way(self, method: str, body: object) -> Iterator[None]:
        """A call at work, for as long as it takes."""
        members = 0 if method == "GET" else len(sent_customers(body))
        seconds = self.latency + members * self.switches.milliseconds_a_member / 1000
        with self._counting:
            self._under_way += 1
            self.busiest = max(self.busiest, self._under_way)
        try:
            if seconds:
                self._sleep(seconds)
            yield
        finally:
            with self._counting:
                self._under_way -= 1

    def perform(self, act: Callable[[], Answer], *, writes: bool) -> Answer:
        """A call's effect and answer; where writes are only accepted, its effect waits until further calls came."""
        self._memory.calls += 1
        self._apply_due()
        answer = self._carry_out(act)
        if writes and self.switches.writes == "accepted" and answer.status < 300:
            self.roll_back()
            self._accepted.append(_Accepted(act=act, calls_left=self.switches.accepted_for, since=self._clock()))
            return Answer(status=202, body={"status": "accepted"})
        return answer

    def see(self, id: str) -> Customer | None:
        """What a read finds, which may be older than what a write finds."""
        return self._memory.find(self._memory.as_read(self.switches), id, self.switches)

    def find(self, id: str, *, key: str = "number-first") -> Customer | None:
        """What a write finds; `key` as in `Switches.delete_key`."""
        return self._memory.find(self._memory.living, id, self.switches, key=key)

    def find_by_foreign_id(self, foreign_id: str) -> Customer | None:
        return self._memory.named(self._memory.living, foreign_id, self.switches)

    def note_write(self, method: str, customer: Customer) -> None:
        """A write that has reached a customer."""
        if customer.id in self._memory.strangers:
            self._touched.append(f"{method} of customer {customer.id} (foreign_id {customer.foreign_id})")

    def was_deleted(self, id: str) -> bool:
        return self._memory.was_deleted(id, self.switches)

    def save(self, sent: Mapping[str, object], customer: Customer | None = None) -> Customer | list[Complaint]:
        """Creates, or changes the customer given; what stands against it where it can't."""
        fields, complaints = revise(customer.fields if customer else BLANK, sent, self.switches)
        if customer and customer.has_login and self.switches.login_email == "kept":
            fields["email"] = customer["email"]
        complaints += broken_rules(fields, self._known_ids(), self.switches)
        complaints += kept_rules(customer, fields, self.switches) if customer else ()
        complaints += self._taken(fields, None if customer is None else customer.id)
        complaints += self.objects(fields)
        if complaints:
            return [replace(complaint, about=full_name(fields)) for complaint in complaints]
        now = self._clock()
        saved = (
            replace(customer, fields=fields, updated_at=now)
            if customer
            else Customer(id=self._memory.new_id(), fields=fields, created_at=now, updated_at=now)
        )
        self._memory.put(saved.id, saved)
        return saved

    def remove(self, customer: Customer) -> None:
        self._memory.put(customer.id, None)

    def roll_back(self) -> None:
        self._memory.roll_back()

    def _carry_out(self, act: Callable[[], Answer]) -> Answer:
        """Each act has an undo of its own: rolled back, it must not take back the one before."""
        self._memory.begin()
        return act()

    def _change(self, id_: int, change: Callable[[Customer], Customer]) -> None:
        with self.lock:
            self._memory.put(id_, change(self._memory.take_out(id_)))

    def _known_ids(self) -> dict[str, Collection[int]]:
        return {
            "customer_salutation_id": self.salutations.keys(),
            "customer_title_id": self.titles.keys(),
            "addr_country_id": self.countries.keys(),
        }

    def _taken(self, fields: Mapping[str, Value], own_id: int | None) -> Iterable[Complaint]:
        taken = "has already been taken"
        foreign_id, email = fields["foreign_id"], fields["email"]
        is_any_form = self.switches.foreign_id_found == "in-any-form"
        named = self._memory.living.named(str(foreign_id), in_any_form=is_any_form)
        if self.switches.foreign_ids == "unique" and any(other.id != own_id for other in named):
            yield Complaint(field="foreign_id", text=taken, value=foreign_id)
        others = (other for other in self._memory.living if other.id != own_id)
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
