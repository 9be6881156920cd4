"""The guarantees as a machine tries to break them: edits, faults, kills, lost state, in any order, on any instance.

Each rule is something that happens in a museum; the invariants hold after each. `SYNCD_TEST_MACHINE_EXAMPLES` says how
many histories are tried; without it they are the same in each run.
"""

import os
import shutil
import tempfile
import traceback
from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from itertools import count, pairwise
from pathlib import Path
from typing import Any, Literal, TypeAlias

import httpx
import pytest
from faults import Fault, Killed
from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)
from museum import DEFAULT_LIMITS, FIELDS_MAPPED, FileShelf, Museum, Shelf, WatchfulFeed, member, mortal

import syncd.runs.drawing
from syncd.delivery.blanking import Blanking
from syncd.delivery.creating import Creating
from syncd.delivery.delivery import Delivery
from syncd.delivery.habits import TEXTS, Habits
from syncd.delivery.leaver import Leaver
from syncd.domain.changes import Cause, Create
from syncd.domain.diff import DeleteMode
from syncd.domain.digest import is_same_but_for_form
from syncd.domain.guards import Word
from syncd.domain.records import Field
from syncd.domain.runs import Status
from syncd.errors import IncompleteRead
from syncd.gomus.fields import FIELDS
from syncd.plan.reading import Snapshot
from syncd.sandbox.customers import Customer
from syncd.sandbox.switches import Switches, positions
from syncd.state.known import KnownRow
from syncd.state.ledger import Ledger

pytestmark = pytest.mark.long
IS_LONG = "SYNCD_TEST_MACHINE_EXAMPLES" in os.environ
EXAMPLES = int(os.environ.get("SYNCD_TEST_MACHINE_EXAMPLES", "15"))
STEPS = 30
SHRINK = () if os.environ.get("SYNCD_TEST_MACHINE_RAW") else (Phase.shrink,)  # raw: a failure is told as it was met
PEOPLE = 12
SHARED_MEMORY = Path("/dev/shm")  # noqa: S108 - what is synced to disk there costs nothing
MARKS = ("Muster", "example.org", "+49302312", "Mitglied", "1980-12-31")

LIMITS = replace(DEFAULT_LIMITS, delete_percent=10, delete_count=2)  # so that a dozen people can trip it

numbers = st.integers(1, PEOPLE)
# The n-th call of a method meets a fault: so that every step of every sequence is met, and not only the first calls,
# though most runs make no more than those
Plan: TypeAlias = dict[tuple[str, int], Fault]
plans = st.dictionaries(
    st.tuples(st.sampled_from(["GET", "POST", "PUT", "DELETE"]), st.sampled_from([0, 0, 0, 1, 1, 2, 3, 4, 5, 6])),
    st.sampled_from(list(Fault)),
    max_size=4,
)


def choose(plan: Plan) -> Callable[[httpx.Request, int], Fault | None]:
    counts: Counter[str] = Counter()

    def fault(request: httpx.Request, _number: int) -> Fault | None:
        counts[request.method] += 1
        return plan.get((request.method, counts[request.method] - 1))

    return fault


# A server that keeps ids unique hides our duplicates, so mostly it does not
any_switches = st.fixed_dictionaries(
    {"foreign_ids": st.sampled_from(["repeatable", "repeatable", "unique"])},
    optional={name: st.sampled_from(values) for name, values in positions().items() if name != "foreign_ids"},
).map(lambda turned: Switches(**{"batch_cap": 5, **turned}))  # type: ignore[arg-type]


class Guarantees(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(
            tempfile.mkdtemp(prefix="syncd-machine-", dir=SHARED_MEMORY if SHARED_MEMORY.is_dir() else None)
        )
        self.violations: list[str] = []
        self.removed_at: dict[str, datetime] = {}
        self.asked_to_erase: set[str] = set()
        self.strange: set[str] = set()  # who may have values in go~mus that the state has never known of
        self.corrected: set[str] = set()  # by staff, since their record was last read perhaps
        self.lost_to_staff: set[str] = set()  # merged into somebody, or renamed: nothing is written for them any more
        self.once_lost: set[str] = set()  # erased or let go of, at some time
        self.is_stale = False  # a state of former days may take whoever was erased since for still there
        self.donors = Shelf()
        self.backup: bytes | None = None

    @initialize(
        switches=any_switches,
        grace=st.sampled_from([timedelta(0), timedelta(days=7)]),
        late_by=st.integers(1, 2),
        shelf=st.sampled_from(
            [
                Shelf,
                FileShelf,
                FileShelf,
                partial(WatchfulFeed, tells_deletions=True),
                partial(WatchfulFeed, tells_deletions=False),
            ]
        ),
        on_incomplete=st.sampled_from(["stop", "apply"]),
        has_ledger=st.booleans(),
        is_told_unique=st.booleans(),
    )
    def open(  # noqa: PLR0917 - hypothesis draws each of them
        self,
        switches: Switches,
        grace: timedelta,
        late_by: int,
        shelf: Callable[[], Shelf],
        on_incomplete: Literal["stop", "apply"],
        has_ledger: bool,
        is_told_unique: bool,
    ) -> None:
        self.museum = Museum(
            state_url=f"sqlite:///{self.folder / 'state.db'}",
            switches=switches,
            batch_size=6,
            grace=grace,
            concurrency=1,
            limits=LIMITS,
            shelf=FileShelf(self.folder) if shelf is FileShelf else shelf(),
            ledger=str(self.folder / "erasures") if has_ledger else None,
            is_unique=is_told_unique and switches.foreign_ids == "unique",
        )
        self.is_seen_unique = self.museum.is_unique and has_ledger  # otherwise the first ones are looked for
        self.museum.shelf.options = self.museum.shelf.options.model_copy(update={"on_incomplete": on_incomplete})
        self.museum.transport._late_by = late_by
        self.museum.fill(PEOPLE // 2)
        self.donors.rows[:] = [member(number, mail=f"donor{number}@example.org") for number in range(1, 4)]

    def teardown(self) -> None:
        if hasattr(self, "museum"):
            self.make_good_and_compare()
            self.museum.close()
        shutil.rmtree(self.folder, ignore_errors=True)

    # --- what people do to the source ---

    def rows_of(self, number: int) -> list[dict[str, object]]:
        return [row for row in self.museum.rows if row["id"] == f"{number:04d}"]

    @rule(number=numbers, phone=st.sampled_from(["+493023125001", "+493023125002", "", None]))
    def put(self, number: int, phone: str | None) -> None:
        self.museum.remove(number)
        self.museum.rows.append(member(number, phone=phone))
        self.removed_at.pop(f"M-{number:04d}", None)

    @rule(number=numbers)
    def remove(self, number: int) -> None:
        if self.rows_of(number):
            self.museum.remove(number)
            self.removed_at[f"M-{number:04d}"] = self.museum.clock.now

    @rule(number=numbers)
    def spoil(self, number: int) -> None:
        for row in self.rows_of(number):
            row["mail"] = "not an address"

    @rule(number=numbers)
    def make_refused(self, number: int) -> None:
        for row in self.rows_of(number):
            row["family"] = ""

    @rule(number=numbers)
    def double(self, number: int) -> None:
        self.museum.rows.extend(dict(row) for row in self.rows_of(number)[:1])

    @rule(number=numbers)
    def contradict(self, number: int) -> None:
        self.museum.rows.extend(dict(row, phone="+493023125009") for row in self.rows_of(number)[:1])

    @rule(number=numbers, other=numbers)
    def rename(self, number: int, other: int) -> None:
        """An id changes: whose number it was is gone, and somebody unknown has appeared."""
        if self.rows_of(number) and not self.rows_of(other):
            self.put(other, "+493023125003")
            self.remove(number)

    @rule()
    def reorder(self) -> None:
        self.museum.rows.reverse()

    # --- what staff do in go~mus, and whoever keeps the configuration ---

    def customer_of(self, number: int) -> Customer | None:
        return next((one for one in self.museum.sandbox.customers if name_of(one) == f"M-{number:04d}"), None)

    @rule(number=numbers, phone=st.sampled_from(["+493023125004", "+493023125005", None]))
    def correct(self, number: int, phone: str | None) -> None:
        if customer := self.customer_of(number):
            self.museum.sandbox.save({"tel": phone}, customer)
            self.corrected.add(f"M-{number:04d}")

    @rule(number=numbers, into=st.none() | numbers)
    def merge(self, number: int, into: int | None) -> None:
        """Into another one of ours, or into somebody whom nobody of us may touch."""
        survivor = self.customer_of(into) if into else self.museum.sandbox.strangers[0]
        loser = self.customer_of(number)
        if loser and survivor and loser.id != survivor.id:
            self.museum.sandbox.merge(loser.id, survivor.id)
            self.lost_to_staff.add(f"M-{number:04d}")

    @rule(number=numbers, has_id=st.booleans())
    def rename_in_gomus(self, number: int, has_id: bool) -> None:
        if customer := self.customer_of(number):
            self.museum.sandbox.rename(customer.id, f"DESK-{customer.id}" if has_id else None)
            self.lost_to_staff.add(f"M-{number:04d}")

    @rule(number=numbers)
    def enter_anew(self, number: int) -> None:
        if customer := self.customer_of(number):
            self.museum.sandbox.recreate(customer.id, tel="+493023125006")
            self.corrected.add(f"M-{number:04d}")

    @rule(mode=st.sampled_from(list(DeleteMode)))
    def change_the_mode(self, mode: DeleteMode) -> None:
        self.museum.mode = mode

    @rule(name=st.sampled_from(["members", "people"]))
    def rename_the_sync(self, name: str) -> None:
        self.forget_whom_we_filled()
        self.is_stale = True
        self.museum.name = name

    def forget_whom_we_filled(self) -> None:
        """It takes somebody a while, in which go~mus comes to rest."""
        self.museum.let_late_writes_come()
        self.strange |= {f"M-{number:04d}" for number in range(1, PEOPLE + 1)}

    @rule(number=st.integers(1, 3), phone=st.sampled_from(["+493023125001", ""]))
    def run_the_other_sync(self, number: int, phone: str) -> None:
        self.donors.rows[number - 1]["phone"] = phone
        self.museum.let_late_writes_come()
        before = self.customers_of("M-")
        self.museum.beside("donors", "D-", self.donors).run()
        self.museum.let_late_writes_come()
        if self.customers_of("M-") != before:
            self.violations.append("a run of the donors changed members")

    def customers_of(self, prefix: str) -> dict[int, Mapping[str, object]]:
        customers = self.museum.sandbox.customers
        return {one.id: one.fields for one in customers if name_of(one).startswith(prefix)}

    # --- what time and machines do ---

    @rule(days=st.sampled_from([1, 8]))
    def wait(self, days: int) -> None:
        self.museum.clock.sleep(days * 86400)

    @rule(plan=plans)
    def run_among_faults(self, plan: Plan) -> None:
        self.run(plan)

    @rule()
    def run_well(self) -> None:
        self.run({})

    @rule(commits=st.integers(0, 12), plan=plans)
    def run_killed_at_a_commit(self, commits: int, plan: Plan) -> None:
        self.run(plan, commits=commits)

    @rule(moment=st.integers(0, 20), plan=plans)
    def run_stopped_at_a_call_or_a_wait(self, moment: int, plan: Plan) -> None:
        self.run(plan, moments=moment)

    @rule()
    def approve(self) -> None:
        self.museum.approve()

    @rule(number=numbers, plan=plans)
    def erase_on_request(self, number: int, plan: Plan) -> None:
        name = f"M-{number:04d}"
        self.asked_to_erase.add(name)
        try:
            with mortal(self.museum, 10_000):
                self.museum.erase(name, choose(plan))
        except Killed:
            self.museum.reopen()
        self.museum.transport.flush()
        self.museum.sandbox.apply_accepted()

    @rule(after=st.integers(0, 10))
    def run_on_a_broken_read(self, after: int) -> None:
        before = len(self.museum.sandbox.deleted)
        due = {known.foreign_id for known in self.museum.store.known.unfinished(self.museum.name)}
        self.museum.shelf.breaks_after = after
        status = self.run({})
        self.museum.shelf.breaks_after = None
        if status is Status.FAILED and len(self.museum.sandbox.deleted) > before + len(due):
            self.violations.append("a broken read deleted somebody")

    @rule()
    def lose_the_state(self) -> None:
        self.forget_whom_we_filled()
        self.museum.engine.dispose()
        for file in self.folder.glob("state.db*"):
            file.unlink()
        self.museum.reopen()

    @rule()
    def back_up(self) -> None:
        self.backup = self.museum.back_up()
        self.museum.reopen()

    @rule()
    def restore_the_backup(self) -> None:
        if self.backup is None:
            return
        self.forget_whom_we_filled()
        self.is_stale = True
        self.museum.restore(self.backup)

    def run(self, plan: Plan, *, commits: int = 10_000, moments: int = 10_000) -> Status | None:
        museum = self.museum
        if self.is_seen_unique:
            museum.store.instances.learn("main", {"unique": "yes"})
        donors = self.customers_of("D-")
        begun = {known.foreign_id for known in museum.store.known.unfinished(museum.name)}
        before = [one for one in museum.sandbox.customers if one.id not in donors]
        is_approved = any(said.word is Word.APPROVED for said in museum.store.held.said(museum.name))
        status = None
        try:
            with mortal(museum, commits):
                passed = count()
                status = museum.run(choose(plan), stops=lambda: next(passed) >= moments).status
        except Killed:
            museum.reopen()
        museum.transport.flush()
        museum.sandbox.apply_accepted()
        after = {customer.id: customer for customer in museum.sandbox.customers}
        lost = [one for one in before if is_lost(one, after.get(one.id))]
        self.once_lost |= set(map(name_of, lost))
        for customer in lost:
            self.judge_loss(customer, is_begun=name_of(customer) in begun)
        sudden = [one for one in lost if name_of(one) not in begun | self.asked_to_erase]
        is_many = len(sudden) > LIMITS.delete_count and len(sudden) * 100 > len(before) * LIMITS.delete_percent
        if is_many and not is_approved:
            self.violations.append(f"{len(sudden)} of {len(before)} were erased without approval")
        if self.customers_of("D-") != donors:
            self.violations.append("a run of the members changed donors")
        return status

    def judge_loss(self, customer: Customer, *, is_begun: bool) -> None:
        """Somebody is not there any more, or is empty, or is let go."""
        name = name_of(customer)
        if is_anonymous(customer) or name in self.asked_to_erase:
            return
        if not name.startswith("M-"):
            self.violations.append(f"{name} is not ours any more and was erased")
        elif any(f"M-{row['id']}" == name for row in self.museum.rows):
            self.violations.append(f"{name} is in the source and was erased")
        elif not is_begun and self.museum.clock.now - self.removed_at[name] < self.museum.grace:
            self.violations.append(f"{name} was erased within grace")

    def has_tombstone(self, name: str) -> bool:
        """Still: a state that was lost has forgotten its tombstones too."""
        found = self.museum.store.tombstones.find(self.museum.instance, [self.museum.digester.name(name)])
        return Cause.REQUEST in found.values()

    # --- the guarantees ---

    @invariant()
    def one_customer_for_one_foreign_id(self) -> None:
        if hasattr(self, "museum"):
            assert self.museum.sandbox.duplicates() == []

    @invariant()
    def nobody_else_is_touched(self) -> None:
        if hasattr(self, "museum"):
            assert self.museum.sandbox.touched_strangers() == []

    @invariant()
    def absence_deletes_only_when_it_is_sure(self) -> None:
        assert self.violations == []

    @invariant()
    def who_was_deleted_held_nothing_personal(self) -> None:
        if hasattr(self, "museum"):
            # Where null empties nothing, a date can't be emptied: an empty text is none. It is named then
            is_stuck = self.museum.sandbox.switches.cleared_by == "empty"
            for customer in self.museum.sandbox.deleted:
                kept = ("foreign_id", "date_of_birth") if is_stuck else ("foreign_id",)
                values = [str(v) for n, v in customer.fields.items() if n not in kept and v is not None]
                assert not any(mark in value for value in values for mark in MARKS)

    @invariant()
    def a_number_is_used_only_right_after_it_was_read(self) -> None:
        if hasattr(self, "museum"):
            calls = self.museum.transport.happened
            for before, call in pairwise(calls):
                if call.method != "GET" and call.path.rpartition("/")[2].isdigit():
                    assert (before.method, before.path) == ("GET", call.path)

    @invariant()
    def no_id_and_no_date_is_sent_as_an_empty_text(self) -> None:
        if hasattr(self, "museum"):
            sent = [one for call in self.museum.sandbox.calls for one in call.customers]
            empty = {name for one in sent for name, value in one.items() if value == ""}
            assert not [name for name in empty - {"foreign_id"} if FIELDS[name].kind not in TEXTS]

    @invariant()
    def the_state_holds_nothing_personal(self) -> None:
        for file in self.folder.glob("state.db*"):
            content = file.read_bytes()
            assert not any(mark.encode() in content for mark in MARKS), file.name

    @rule()
    def make_good_and_compare(self) -> None:
        """Nothing lost, one bad record stops only itself, and an unchanged customer costs no call."""
        museum = self.museum
        whole = {str(row["id"]): row for row in museum.rows}
        museum.rows[:] = [dict(row, **good(row)) for row in whole.values()]
        calm = {"writes": "at-once", "reads": "at-once", "proxy": "none", "busy": "none"}
        museum.sandbox.switches = replace(museum.sandbox.switches, **calm)  # type: ignore[arg-type]  # of its fields
        museum.mode = DeleteMode.ANONYMIZE_THEN_DELETE
        museum.audit_per_run, museum.fix_drift = 2 * PEOPLE, True
        for _ in range(4):
            museum.clock.sleep(8 * 86400)
            self.run({})
            self.approve()
            self.run({})
        museum.audit_per_run, museum.fix_drift = 0, False
        last = self.run({})
        assert museum.calls() == []
        held = {name_of(customer): customer for customer in museum.sandbox.customers}
        erased = (
            self.asked_to_erase if museum.ledger else {one for one in self.asked_to_erase if self.has_tombstone(one)}
        )
        assert not erased & held.keys()
        present = {f"M-{row['id']}" for row in museum.rows}
        known = {one.foreign_id for one in museum.store.known.each(museum.name)}
        missed = (present & (self.once_lost | self.asked_to_erase)) - held.keys() if self.is_stale else set()
        assert missed - erased <= museum.listed().keys() or isinstance(museum.shelf, WatchfulFeed)
        not_written = erased | missed | self.lost_to_staff
        assert known <= present | self.lost_to_staff
        assert last is Status.DONE or (last is Status.PROBLEMS and (present | known) & not_written)
        # a record that has not changed since is not read again, and so not listed
        assert last is Status.PROBLEMS or not present & erased or isinstance(museum.shelf, WatchfulFeed)
        for row in museum.rows:
            name = f"M-{row['id']}"
            if name in not_written:
                continue
            assert name in held
            for field, column in FIELDS_MAPPED.items():
                if not self.may_differ(name, row[column]):
                    assert is_kept(held[name][field] or "", row[column] or ""), field

    def may_differ(self, name: str, wanted: object) -> bool:
        """What is not known to be ours is not emptied; what staff corrected waits until the record is read again."""
        if name in self.corrected and isinstance(self.museum.shelf, WatchfulFeed):
            return True
        return name in self.strange | self.corrected and not wanted


def name_of(customer: Customer) -> str:
    """In the source's letters: some instances keep small ones."""
    return str(customer.foreign_id).upper()


def is_lost(before: Customer, after: Customer | None) -> bool:
    """Whoever gets a first foreign_id is linked."""
    if after is None or is_anonymous(after) > is_anonymous(before):
        return True
    return before.foreign_id is not None and after.foreign_id != before.foreign_id


def is_anonymous(customer: Customer) -> bool:
    return str(customer["surname"]).casefold() == "anonymisiert"


def is_kept(shown: object, wanted: object) -> bool:
    """In whatever form the server keeps it."""
    return shown == wanted or is_same_but_for_form(str(shown), str(wanted))


def good(row: dict[str, object]) -> dict[str, object]:
    number = int(str(row["id"]))
    return {name: value for name, value in member(number).items() if name in ("mail", "family")}


# --- what the machine must catch ---


def resend_after_a_time_out(creating: Creating, lost: Any) -> Any:
    return replace(creating, tries=creating.tries - 1).post() if creating.tries > 1 else give_up(creating, lost)


def resend_after_an_answer(creating: Creating, lost: Any) -> Any:
    return resend_after_a_time_out(creating, lost) if lost.status in (200, 201, 202) else give_up(creating, lost)


give_up = Creating._lost


def know_before_acceptance(ledger: Ledger, changes: Any, action: Any) -> Any:
    with ledger.store.runs.writing(ledger.sync, ledger.fence):
        creates = [change for change in changes if isinstance(change, Create)]
        rows = [KnownRow(foreign_id=one.foreign_id, gomus_id=1, digests=one.digests) for one in creates]
        ledger.store.known.put(ledger.sync, rows)
    return begin(ledger, changes, action)


begin = Ledger.begin


def take_a_broken_read_for_whole(comparison: Any, **_: Any) -> Any:
    with suppress(IncompleteRead):
        for record in comparison.reading:
            comparison.take([record])
    return Snapshot(comparison)


def believe_without_reading_back(blanking: Blanking, _names: Any, **_stuck: Any) -> None:
    blanking.shown = None


def send_empty_texts(_habits: Habits, _field: Field) -> tuple[str]:
    return ("",)


def take_a_change_for_a_form(_delivery: Delivery, _known: Any, _remote: Any) -> tuple[()]:
    return ()


def trust_a_number(_leaver: Leaver, _number: int, **_for_sure: bool) -> bool:
    return True


@dataclass(frozen=True, slots=True)
class Broken:
    """A version with one part replaced, the invariant that notices, and a seed of histories that show it early."""

    invariant: str
    place: object
    name: str
    by: Callable[..., object]
    seed: int


BROKEN = [
    Broken("one_customer_for_one_foreign_id", Creating, "_lost", resend_after_an_answer, 6),
    Broken("a_number_is_used_only_right_after_it_was_read", Leaver, "is_at", trust_a_number, 3),
    Broken("no_id_and_no_date_is_sent_as_an_empty_text", Habits, "blanks_for", send_empty_texts, 1),
    Broken("make_good_and_compare", Delivery, "drifted", take_a_change_for_a_form, 2),
    Broken("duplicates", Creating, "_lost", resend_after_a_time_out, 1),
    Broken("make_good_and_compare", Ledger, "begin", know_before_acceptance, 2),
    Broken("absence_deletes_only_when_it_is_sure", syncd.runs.drawing, "read_whole", take_a_broken_read_for_whole, 4),
    Broken("who_was_deleted_held_nothing_personal", Blanking, "_look", believe_without_reading_back, 3),
]


@pytest.mark.in_part(4)
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("broken", BROKEN, ids=[broken.by.__name__ for broken in BROKEN])
def test_the_machine_catches_a_broken_version(monkeypatch: pytest.MonkeyPatch, broken: Broken) -> None:
    monkeypatch.setattr(broken.place, broken.name, broken.by)
    with pytest.raises(AssertionError) as caught:
        run_state_machine_as_test(
            seed(broken.seed)(type("Seeded", (Guarantees,), {})),
            settings=settings(
                TestGuarantees.settings,
                max_examples=1000,
                phases=[Phase.generate],
                derandomize=False,
                database=None,
                report_multiple_bugs=False,
            ),
        )
    told = "".join(traceback.format_exception(caught.value))
    assert broken.invariant in told


TestGuarantees = pytest.mark.timeout(0)(Guarantees.TestCase)
TestGuarantees.settings = settings(
    max_examples=EXAMPLES,
    derandomize=not IS_LONG,  # the same histories in each short run, others in each long one
    stateful_step_count=STEPS,
    suppress_health_check=list(HealthCheck),
    report_multiple_bugs=False,
    print_blob=True,
    phases=(Phase.explicit, Phase.reuse, Phase.generate, *SHRINK),
)
