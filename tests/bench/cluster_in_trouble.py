"""A bad day of the cluster, and whether all is well in the evening: `make bench-bad-day POSTGRES=URL CONTAINER=NAME`.

Museums whose exports change take run after run, by real processes, while workers and schedulers are killed, one worker
is frozen, PostgreSQL is restarted (where its container is named) and everybody is replaced. Every go~mus here accepts a
second customer with the same foreign_id, and counts them. It ends with 1 where anything is not as wanted.
`cluster_in_trouble.py MUSEUMS KILLS SEED CUSTOMERS`
"""

import os
import random
import signal
import subprocess
import sys
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from shutil import rmtree
from statistics import median
from tempfile import mkdtemp
from time import monotonic, sleep, time

from calls import write
from cluster import CONCURRENCY, configure, new_database
from crowd import SCHEDULER, SYNCD, WORKER, Crowd, Member, gathered
from evening import Evening, Row
from measuring import timed_instances
from watching import State

MILLISECONDS, WORKERS, SCHEDULERS = 500, 4, 2
UNDER_WAY = 6  # runs that are asked for at once: what is left of the places after a kill is enough for them
TAKEN_OVER, GIVEN_UP = 10.0, 40.0  # seconds: what is wanted, and when nobody waits any more
FROZEN, QUIET = 60.0, 15.0
LEAVES_WITHIN = 60.0  # seconds after SIGTERM
INSTANCE = 'settle = "20s"\ntimeout = "5s"'
LIMITS = """
[sync.m{number}.delete]
grace = "0s"
max_percent = 100
max_count = 1000000
[sync.m{number}.guards]
update_percent = 100
identity_percent = 100
"""


@dataclass
class World:
    """The exports. An edition leaves out some customers for good, adds some, and changes all the others."""

    folder: Path
    rows: int
    editions: dict[str, int]

    def publish(self, sync: str) -> None:
        """As a whole: a run reads one edition or the other."""
        self.editions[sync] += 1
        write(self.folder, self.numbers(sync), notes=self.notes(sync))
        (self.folder / "members.csv").rename(self.folder / f"export-{sync}.csv")

    def numbers(self, sync: str) -> range:
        past = self.editions[sync] * (max(1, self.rows // 50))
        return range(past, past + self.rows)

    def notes(self, sync: str) -> str:
        return f"edition {self.editions[sync]}"

    def expected(self, sync: str) -> dict[str, str]:
        return {f"{sync.upper()}-{number}": self.notes(sync) for number in self.numbers(sync)}


@dataclass
class Day:
    world: World
    crowd: Crowd
    state: State
    chance: random.Random
    spared: set[str] = field(default_factory=set)  # syncs that nobody asks for just now
    rows: list[Row] = field(default_factory=list)
    takeovers: list[float] = field(default_factory=list)
    successions: list[float] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)
    given_up: int = 0

    def note(self, what: str, seen: object, wanted: str, *, is_well: bool) -> None:
        self.rows.append(Row(what, str(seen), wanted, is_well))
        print(self.rows[-1], flush=True)

    def until(self, happened: Callable[[], object], seconds: float) -> bool:
        """Meanwhile the museums go on."""
        give_up_at = monotonic() + seconds
        while not happened():
            if monotonic() > give_up_at:
                return False
            self.ask_some()
            sleep(0.2)
        return True

    def ask_some(self) -> None:
        asked = self.state.asked_for()
        idle = [sync for sync in self.world.editions if sync not in asked | self.spared]
        for sync in self.chance.sample(idle, max(0, min(len(idle), UNDER_WAY - len(asked)))):
            self.world.publish(sync)
            self.state.ask(sync)

    def gather(self) -> None:
        for role in [SCHEDULER] * SCHEDULERS + [WORKER] * WORKERS:
            self.replace(role)

    def replace(self, role: str) -> None:
        new = self.crowd.start(role)
        if not self.until(lambda: new.is_ready, 60):
            self.lost.append(f"a {role} that was not ready within a minute ({new.log.name})")

    # --- what happens ---

    def kill(self) -> None:
        """A worker that is at work, and at times the scheduler that is."""
        self.until(self._busy, GIVEN_UP)
        leader = self.state.leader(self.crowd.of(SCHEDULER))
        if leader and self.chance.random() < 0.25:
            self._kill_leader(leader)
        else:
            self._kill_worker(self.chance.choice(self._busy() or list(self.crowd.of(WORKER))))

    def _busy(self) -> list[Member]:
        return [worker for worker in self.crowd.of(WORKER) if worker.under_way()]

    def _kill_leader(self, leader: Member) -> None:
        killed_at = time()
        self.crowd.kill(leader)
        self.until(lambda: self.state.leader(self.crowd.of(SCHEDULER), since=killed_at), GIVEN_UP)
        self.successions.append(time() - killed_at)
        print(f"  the scheduler at work was killed: the next is after {self.successions[-1]:.1f} s", flush=True)
        self.replace(SCHEDULER)

    def _kill_worker(self, worker: Member) -> None:
        cut = worker.under_way()
        killed_at = time()
        self.crowd.kill(worker)
        cut &= worker.under_way()
        self._await_takeover(cut, killed_at, self.chance.uniform(1, 5))
        print(f"  a worker was killed that ran {sorted(cut)}: {self.takeovers[-len(cut) :] if cut else []}", flush=True)

    def _await_takeover(self, cut: set[str], since: float, replaced_after: float) -> None:
        begun: dict[str, float] = {}
        answered: set[str] = set()
        self.until(lambda: time() > since + replaced_after, 10)
        new = self.crowd.start(WORKER)

        def is_over() -> bool:
            begun.update(self.state.first_starts(cut - answered, since))
            answered.update(self.state.given_up(cut - begun.keys(), since))
            return cut <= begun.keys() | answered

        self.until(is_over, GIVEN_UP)
        self.takeovers += [round(begun[sync] - since, 1) for sync in cut & begun.keys()]
        self.given_up += len(answered)
        self.lost += [f"{sync}, cut short at {since:.0f}" for sync in cut - begun.keys() - answered]
        self.until(lambda: new.is_ready, 60)

    def freeze(self) -> None:
        self.until(self._busy, GIVEN_UP)
        worker = self.chance.choice(self._busy())
        worker.send(signal.SIGSTOP)
        syncs, since = worker.under_way(), time()
        self.spared = set(syncs)
        self.until(lambda: time() > since + FROZEN, FROZEN + 5)
        self.until(lambda: not self.state.asked_for() & syncs, 3 * GIVEN_UP)
        gone_on = set(self.state.first_starts(syncs, since))
        self.state.count(syncs)
        worker.send(signal.SIGCONT)
        self.until(lambda: time() > since + FROZEN + QUIET and not worker.under_way(), FROZEN)
        written = sum(self.state.count(syncs).values())
        self.spared = set()
        self.note(
            "syncs of a frozen worker gone on with elsewhere",
            f"{len(gone_on)}/{len(syncs)}",
            "all",
            is_well=gone_on == syncs,
        )
        self.note("what it wrote to go~mus after it woke", written, "0 calls", is_well=not written)

    def restart(self, container: str) -> None:
        commands = [[*SYNCD, "trigger", sync, "--wait", "--json"] for sync in list(self.world.editions)[:3]]
        self.until(lambda: len(self._busy()) > 1, GIVEN_UP)
        waiting = [
            subprocess.Popen(
                one,
                cwd=self.crowd.folder,
                env=self.crowd.environment,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
            )
            for one in commands
        ]
        self.until(lambda: False, 6)  # so that they have asked
        began = time()
        subprocess.run(["docker", "restart", "-t", "5", container], check=True, stdout=subprocess.DEVNULL)
        back = time()
        self.until(lambda: self.state.first_starts(set(self.world.editions), back), 3 * GIVEN_UP)
        self.note(
            "PostgreSQL is restarted: away, and the next run begins after",
            f"{back - began:.1f} s, {time() - back:.1f} s",
            "a minute",
            is_well=time() - back < 60,
        )
        self._await_answers(waiting)

    def _await_answers(self, waiting: "list[subprocess.Popen[str]]") -> None:
        self.until(lambda: all(one.poll() is not None for one in waiting), 3 * GIVEN_UP)
        told = []
        for one in waiting:
            if one.poll() is None:
                one.kill()
            out, error = one.communicate()
            is_told = one.returncode >= 0 and bool(out.strip() or error.strip()) and "Traceback" not in error
            told.append(is_told)
            print(f"  trigger --wait: {one.returncode} {out.strip()[:150]} {error.strip()[:300]}", flush=True)
        self.note("`trigger --wait` answered, or told why not", f"{sum(told)}/{len(told)}", "all", is_well=all(told))

    def roll(self) -> None:
        """New and old side by side; nobody is left without."""
        codes, longest = [], 0.0
        for member in list(self.crowd.present):
            self.replace(member.role)
            member.send(signal.SIGTERM)
            began = monotonic()
            if self.until(lambda member=member: member.process.poll() is not None, LEAVES_WITHIN):
                codes.append(self.crowd.drop(member))
            else:
                codes.append(-9)
                self.crowd.kill(member)
            longest = max(longest, monotonic() - began)
        self.note(
            "a rolling update: exit codes, longest farewell",
            f"{set(codes)}, {longest:.1f} s",
            f"0, {LEAVES_WITHIN:.0f} s",
            is_well=set(codes) == {0} and longest < LEAVES_WITHIN,
        )

    def sum_up(self) -> None:
        for what, took in (("runs taken over", self.takeovers), ("schedulers taken over", self.successions)):
            seen = f"{len(took)}, median {median(took):.1f} s, worst {max(took):.1f} s" if took else "none"
            self.note(what, seen, f"<= {TAKEN_OVER:.0f} s", is_well=not took or max(took) <= TAKEN_OVER)
        self.note("runs cut twice, and told so", self.given_up, "any", is_well=True)
        self.note("lost on the way", self.lost or 0, "0", is_well=not self.lost)


def main(server: str, museums: int, kills: int, seed: int, rows: int) -> bool:
    container = os.environ.get("CONTAINER")
    with ExitStack() as stack:
        folder = Path(mkdtemp(prefix="bad-day-"))
        urls = stack.enter_context(timed_instances(MILLISECONDS, museums, is_unique=False))
        state_url = stack.enter_context(new_database(server))
        syncs = [f"m{number}" for number in range(museums)]
        world = World(folder, rows, dict.fromkeys(syncs, -1))
        configure(folder, urls, [f"export-{sync}.csv" for sync in syncs], instance=INSTANCE, more=LIMITS)
        keys = {"GOMUS_TOKEN": "of-nobody", "SYNCD_DIGEST_KEY": "of nobody but a bench", "STATE_URL": state_url}
        subprocess.run(
            [*SYNCD, "db", "upgrade"], cwd=folder, env={**os.environ, **keys}, check=True, stdout=subprocess.DEVNULL
        )
        crowd = stack.enter_context(gathered(folder, keys))
        state = stack.enter_context(State.open(folder, keys, dict(zip(syncs, urls, strict=True))))
        day = Day(world, crowd, state, random.Random(seed))
        spend(day, kills, container)
        Evening(day.world, day.crowd, state, day.note, CONCURRENCY).judge()
        day.sum_up()
        print(f"\n{museums} museums of {rows} customers, {kills} kills, seed {seed}")
        print(*sorted(day.rows, key=lambda row: row.is_well), sep="\n", flush=True)
        is_well = all(row.is_well for row in day.rows)
        if not is_well:
            state.keep(folder)
            print(f"logs and tables are left in {folder}", flush=True)
    if is_well:
        rmtree(folder)
    return is_well


def spend(day: Day, kills: int, container: str | None) -> None:
    day.gather()
    for number in range(kills):
        if number == kills // 2:
            day.freeze()
        day.kill()
    if container:
        day.restart(container)
    else:
        print("PostgreSQL was not restarted: no container is named (CONTAINER=NAME)", flush=True)
    day.roll()


if __name__ == "__main__":
    given = [int(one) for one in sys.argv[1:]]
    sys.exit(not main(os.environ["POSTGRES"], *given, *(24, 20, 1, 300)[len(given) :]))
