"""Whether all is well after a bad day: everything is asked for again, and looked at."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from time import monotonic, sleep, time
from typing import Protocol

from crowd import Crowd
from watching import State

PATIENCE = 240.0  # seconds for a round of all museums
ROUNDS = 3  # the one under way, and at most two more


class Exports(Protocol):
    @property
    def editions(self) -> Mapping[str, int]: ...

    def publish(self, sync: str) -> None: ...

    def expected(self, sync: str) -> dict[str, str]: ...


@dataclass(frozen=True)
class Row:
    what: str
    seen: str
    wanted: str
    is_well: bool

    def __str__(self) -> str:
        return f"  {'ok ' if self.is_well else 'BAD'}  {self.what:<64} {self.seen:<44} wanted: {self.wanted}"


@dataclass
class Evening:
    exports: Exports
    crowd: Crowd
    state: State
    note: Callable[..., None]
    concurrency: int

    def judge(self) -> None:
        self._await_answers()
        unanswered = sorted(self.state.asked_for())
        self.note("requests left without an answer", unanswered or 0, "0", is_well=not unanswered)
        self._run_all_again()
        self._look_at_intents()
        self._look_at_customers()
        self.state.count(self.exports.editions)
        most = self.state.most
        self.note("most calls at once of an instance", most, f"<= {self.concurrency}", is_well=most <= self.concurrency)
        crashed = [str(one.get("error", one)) for one in self.crowd.named("crashed")]
        self.note("crashes", crashed[:3] or 0, "0", is_well=not crashed)

    def _await_answers(self) -> None:
        give_up_at = monotonic() + PATIENCE
        while self.state.asked_for() and monotonic() < give_up_at:
            sleep(0.5)

    def _run_all_again(self) -> None:
        since = time()
        for sync in self.exports.editions:
            self.exports.publish(sync)
            self.state.ask(sync)
        self._await_answers()
        query = "select sync, status from run where started_at > to_timestamp(%s) order by started_at"
        done = dict(self.state.rows(query, since))
        others = {sync: done.get(sync, "never") for sync in self.exports.editions if done.get(sync) != "done"}
        self.note("syncs that do not run well when asked again", others or 0, "0", is_well=not others)

    def _look_at_intents(self) -> None:
        left = 0
        for number in range(ROUNDS):
            [(left,)] = self.state.rows("select count(*) from journal where settled_at is null")
            if not left or number == ROUNDS - 1:
                break
            for (sync,) in self.state.rows("select distinct sync from journal where settled_at is null"):
                self.state.ask(sync)
            self._await_answers()
        self.note("intents open after two more runs", left, "0", is_well=not left)

    def _look_at_customers(self) -> None:
        missing = strange = stale = 0
        twice = list[str]()
        for sync in self.exports.editions:
            shown, expected = self.state.shown(sync), self.exports.expected(sync)
            found = {one["foreign_id"]: one["notes"] for one in shown["customers"]}
            strange += len(shown["customers"]) - len(found.keys() & expected.keys())
            missing += len(expected.keys() - found.keys())
            stale += sum(expected[one] != notes for one, notes in found.items() if one in expected)
            twice += shown["twice"]
        self.note("customers of the last exports that are missing", missing, "0", is_well=not missing)
        self.note("customers that should not be there", strange, "0", is_well=not strange)
        self.note("customers with values of an older export", stale, "0", is_well=not stale)
        self.note("foreign_ids that were ever given to two customers", twice[:5] or 0, "0", is_well=not twice)
