"""The story of a probe: what reading tells, then three invented customers, and nothing of them in the end."""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace

from syncd.delivery.delivery import Delivery
from syncd.errors import Fatal, SyncdError
from syncd.gomus.options import GomusOptions
from syncd.probing import clearing, naming, reading, refusing, removing, shaping
from syncd.probing.bench import Bench
from syncd.probing.findings import OUT_OF_REACH, POINTS, UNTRIED, Finding, in_order
from syncd.probing.hearing import Ear
from syncd.probing.invented import invent
from syncd.probing.leftovers import Left, Leftovers, Sweep


@dataclass(frozen=True, slots=True, kw_only=True)
class Probed:
    """`made` customers were made, of whom `left` are still there; `failure` is why it ended early."""

    findings: Sequence[Finding]
    made: int = 0
    left: Sequence[Left] = ()
    failure: SyncdError | None = None


@dataclass(slots=True, kw_only=True)
class Probe:
    """`tidying` is a block in which waiting goes on although it is time to stop, for a few seconds.

    `step` is told of each step. What is learned is in the habits of `delivery`.
    """

    delivery: Delivery
    leftovers: Leftovers
    gomus: GomusOptions
    token: str
    tidying: Callable[[], AbstractContextManager[None]]
    step: Callable[[str], None] = lambda _name: None
    bench: Bench = field(init=False)

    def __post_init__(self) -> None:
        self.bench = Bench(
            delivery=self.delivery,
            ear=Ear(self.delivery.client),
            leftovers=self.leftovers,
            people=invent(self.token),
        )

    def read(self) -> Probed:
        """What reading alone tells. Raises Fatal, and CallFailed where nothing answers."""
        self._begin()
        return Probed(findings=in_order(self.bench.found))

    def write(self) -> Probed:
        """All of it. What an earlier probe has left is taken away first; while it stays, nobody is made.

        Raises Fatal and CallFailed as `read` does, before anybody is made.
        """
        ids = self._begin()
        failure: SyncdError | None = None
        sweep = Sweep(delivery=self.delivery, leftovers=self.leftovers, settle=self.gomus.patience)
        if left := sweep.clear():
            return Probed(findings=in_order(self.bench.found), left=left)
        try:
            self._go_through(ids)
        except SyncdError as failed:
            failure = failed
        finally:
            with self.tidying():
                self.step("leftovers")
                left = sweep.clear()
        self._end(sweep)
        return Probed(findings=in_order(self.bench.found), made=self.bench.made, left=left, failure=failure)

    def _begin(self) -> dict[str, int]:
        self.step("reading")
        self.bench.tell("access", reading.check_token(self.delivery.client))
        reading.look_for_nobody(self.bench)
        return reading.read_lists(self.bench)

    def _go_through(self, ids: dict[str, int]) -> None:
        bench = self.bench
        first, second, third = (replace(one, fields={**one.fields, **ids}) for one in bench.people)
        self.step("creating")
        first = shaping.make_first(bench, first)
        if first.foreign_id not in bench.numbers:
            raise Fatal("go~mus does not show the first invented customer", remedy="probe it again in ten minutes")
        shaping.look_at_first(bench, first)
        naming.read_otherwise(bench, first)
        shaping.make_second(bench, second)
        self.step("changing")
        if second.foreign_id in bench.numbers:
            shaping.change_both(bench, first, second)
            refusing.send_bad(bench, first, second)
            refusing.share_email(bench, first, second)
            naming.rename_twice(bench, second)
        refusing.name_nobody(bench, first, third)
        self.step("clearing")
        clearing.write_category(bench, first)
        clearing.clear(bench, first)
        clearing.empty_each(bench, first)
        clearing.anonymize(bench, first)
        self.step("deleting")
        removing.delete(bench, second)
        removing.make_twin(bench, first, third)

    def _end(self, sweep: Sweep) -> None:
        """What could not be told for want of an answer is told as such, and how often that was."""
        first = self.bench.people[0].foreign_id
        removing.tell_twins(self.bench, sweep.seen.get(first, ()))
        for code in OUT_OF_REACH:
            self.bench.tell(code, UNTRIED)
        self.bench.tell("between", "some" if self.bench.lost else "none", count=self.bench.lost)
        self.bench.lose(*POINTS)
