"""The guarantees as a machine tries to break them: edits, faults, kills, lost state, in any order, on any instance.

Each rule is something that happens in a museum; the invariants hold after each. `SYNCD_TEST_MACHINE_EXAMPLES` sets how
many histories are tried.
"""

import os
import shutil
import tempfile
from datetime import timedelta
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule, run_state_machine_as_test

from faults import Fault, Killed
from museum import Museum, member
from syncd.run import Status
from syncd.sandbox.switches import Switches, positions

EXAMPLES = int(os.environ.get("SYNCD_TEST_MACHINE_EXAMPLES", "60"))
STEPS = 30
PEOPLE = 12
MARKS = ("Ada", "Muster", "example.org", "4930", "Mitglied", "1980")

numbers = st.integers(1, PEOPLE)
faults = st.lists(st.one_of(st.none(), st.none(), st.sampled_from(sorted(Fault, key=lambda fault: fault.name))), max_size=40)


def any_switches() -> st.SearchStrategy[Switches]:
    return st.fixed_dictionaries({}, optional={name: st.sampled_from(values) for name, values in positions().items()}).map(
        lambda turned: Switches(**turned, batch_cap=5)
    )


class Guarantees(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp(prefix="syncd-machine-"))
        self.removed: set[str] = set()  # ids whose absence a complete read may have shown
        self.last: Status | None = None

    @initialize(switches=any_switches(), grace=st.sampled_from([timedelta(0), timedelta(days=7)]))
    def open(self, switches: Switches, grace: timedelta) -> None:
        self.museum = Museum(
            state_url=f"sqlite:///{self.folder / 'state.db'}", switches=switches, batch_size=6, grace=grace, concurrency=1
        )
        self.museum.fill(PEOPLE // 2)
        self.deleted_wrongly: list[str] = []

    def teardown(self) -> None:
        if hasattr(self, "museum"):
            self.museum.close()
        shutil.rmtree(self.folder, ignore_errors=True)

    # --- what people do to the source ---

    def _present(self) -> set[str]:
        return {str(row["id"]) for row in self.museum.rows}

    @rule(number=numbers, phone=st.sampled_from(["+493023125001", "+493023125002", "", None]))
    def put(self, number: int, phone: str | None) -> None:
        self.museum.remove(number)
        self.museum.rows.append(member(number, phone=phone))

    @rule(number=numbers)
    def remove(self, number: int) -> None:
        self.museum.remove(number)

    @rule(number=numbers)
    def spoil(self, number: int) -> None:
        for row in self.museum.rows:
            if row["id"] == f"{number:04d}":
                row["mail"] = "not an address"

    @rule(number=numbers)
    def make_refused(self, number: int) -> None:
        for row in self.museum.rows:
            if row["id"] == f"{number:04d}":
                row["family"] = ""

    @rule(number=numbers)
    def double(self, number: int) -> None:
        self.museum.rows.extend([row for row in self.museum.rows if row["id"] == f"{number:04d}"][:1])

    @rule()
    def reorder(self) -> None:
        self.museum.rows.reverse()

    # --- what time and machines do ---

    @rule(days=st.sampled_from([1, 8]))
    def wait(self, days: int) -> None:
        self.museum.clock.sleep(days * 86400)

    @rule(plan=faults)
    def run(self, plan: list[Fault | None]) -> None:
        self._run(plan)

    @rule()
    def run_well(self) -> None:
        self._run([])

    @rule(after=st.integers(0, 10))
    def run_on_a_broken_read(self, after: int) -> None:
        deleted = len(self.museum.sandbox.deleted)
        self.museum.shelf.breaks_after = after
        try:
            self._run([])
        finally:
            self.museum.shelf.breaks_after = None
        self._seen_now = deleted

    @rule()
    def lose_the_state(self) -> None:
        self.museum.engine.dispose()
        for file in self.folder.glob("state.db*"):
            file.unlink()
        sandbox, shelf, transport, clock = (
            self.museum.sandbox,
            self.museum.shelf,
            self.museum.transport,
            self.museum.clock,
        )
        old = self.museum
        self.museum = Museum(
            state_url=old.state_url, batch_size=6, grace=old.grace, concurrency=1, shelf=shelf, clock=clock
        )
        self.museum.sandbox, self.museum.transport = sandbox, transport

    def _run(self, plan: list[Fault | None]) -> None:
        present = self._present()
        living = {customer.foreign_id for customer in self.museum.sandbox.customers}
        self.last = None
        try:
            self.last = self.museum.run(plan).status
        except Killed:
            self.museum.transport.revive()
        self.museum.sandbox.apply_accepted()
        gone = living - {customer.foreign_id for customer in self.museum.sandbox.customers}
        self.deleted_wrongly += [name for name in gone if name and name.removeprefix("M-") in present and name not in self.resurrected()]

    def resurrected(self) -> set[str]:
        return set()

    # --- the guarantees ---

    @invariant()
    def one_customer_for_one_foreign_id(self) -> None:
        if hasattr(self, "museum"):
            assert self.museum.sandbox.duplicates() == []

    @invariant()
    def who_was_deleted_held_nothing_personal(self) -> None:
        if hasattr(self, "museum"):
            for customer in self.museum.sandbox.deleted:
                values = [str(v) for n, v in customer.fields.items() if n != "foreign_id" and v is not None]
                assert not any(mark in value for value in values for mark in MARKS), customer.id

    @invariant()
    def nobody_present_is_deleted(self) -> None:
        if hasattr(self, "museum"):
            assert self.deleted_wrongly == []
