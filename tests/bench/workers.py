"""How many workers some museums take, and how long short runs wait: `make bench-workers MUSEUMS=5000`.

Nothing is run: an hour is reckoned event by event. Each museum has one run an hour, on the grid of the hour, spread
over the jitter. A run first uses the CPU of its worker, which all its runs share, for Python computes one thing at a
time; then it waits for go~mus. A hundredth of the museums take a long run. What a run needs is measured by
`make bench-idle`, with 500 customers; go~mus is taken to answer in 400 ms.
"""

import heapq
import random
import sys
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import count

SHORT, LONG = (0.4, 2.0), (60.0, 540.0)  # seconds of CPU, and of waiting for calls
OF_LONG = 100  # one museum in so many
STARTS = 30  # a second that a scheduler puts into the queue: a hundred a look, 21 ms each, and a second between looks
HOUR = 3600.0


@dataclass(eq=False, slots=True)
class Run:
    at: float
    is_long: bool
    cpu: float
    waits: float
    began: float = 0.0


@dataclass(eq=False, slots=True)
class Worker:
    """Of `places` a quarter is for short runs alone. `computing` share its CPU; `used` is how much until `now`."""

    places: int
    computing: list[Run] = field(default_factory=list)
    long: int = 0
    busy: int = 0
    now: float = 0.0
    used: float = 0.0

    def takes(self, run: Run) -> bool:
        return self.busy < self.places and not (run.is_long and self.long >= self.places - self.places // 4)

    def advance(self, now: float) -> None:
        """Until then none of its runs has ended its computing."""
        if self.computing:
            share = (now - self.now) / len(self.computing)
            self.used += now - self.now
            for run in self.computing:
                run.cpu -= share
        self.now = now

    def next_end(self) -> tuple[float, Run] | None:
        if not self.computing:
            return None
        run = min(self.computing, key=lambda one: one.cpu)
        return self.now + run.cpu * len(self.computing), run


def make_runs(museums: int, jitter: float, chance: random.Random) -> list[Run]:
    """In the order in which a scheduler puts them into the queue."""
    moments = sorted((chance.uniform(0, max(jitter, 1.0)), n % OF_LONG == 0) for n in range(museums))
    free_at, runs = 0.0, []
    for at, is_long in moments:
        free_at = max(at, free_at) + 1 / STARTS
        cpu, waits = LONG if is_long else SHORT
        runs.append(Run(at=free_at, is_long=is_long, cpu=cpu, waits=waits * chance.uniform(0.5, 1.5)))
    return runs


class Hour:
    """The queues and the workers; `waited` has, for each short run, how long it stood in the queue."""

    def __init__(self, runs: list[Run], workers: int, places: int) -> None:
        self.coming = deque(runs)
        self.queues: tuple[deque[Run], deque[Run]] = (deque(), deque())
        self.workers = [Worker(places) for _ in range(workers)]
        self.calling: list[tuple[float, int, Worker, Run]] = []
        self.numbers = count()
        self.waited: list[float] = []
        self.last = 0.0

    def pass_by(self) -> None:
        while event := min(self._events(), default=None, key=lambda one: one[0]):
            self._happen(*event)

    def _events(self) -> Iterator[tuple[float, Worker | None, Run | None]]:
        if self.coming:
            yield self.coming[0].at, None, None
        if self.calling:
            yield self.calling[0][0], None, self.calling[0][3]
        for worker in self.workers:
            if end := worker.next_end():
                yield end[0], worker, end[1]

    def _happen(self, now: float, worker: Worker | None, run: Run | None) -> None:
        self.last = now
        if worker and run:
            worker.advance(now)
            worker.computing.remove(run)
            heapq.heappush(self.calling, (now + run.waits, next(self.numbers), worker, run))
        elif run:
            _, _, freed, _ = heapq.heappop(self.calling)
            freed.busy -= 1
            freed.long -= run.is_long
        else:
            run = self.coming.popleft()
            self.queues[run.is_long].append(run)
        self._give_out(now)

    def _give_out(self, now: float) -> None:
        """The earliest first, to whoever has most room."""
        for queue in sorted(filter(None, self.queues), key=lambda one: one[0].at):
            while queue and (free := [one for one in self.workers if one.takes(queue[0])]):
                run, worker = queue.popleft(), min(free, key=lambda one: one.busy)
                worker.advance(now)
                worker.computing.append(run)
                worker.busy += 1
                worker.long += run.is_long
                if not run.is_long:
                    self.waited.append(now - run.at)


def main(museums: int) -> None:
    print(f"{museums:,} museums, a run of each an hour. Seconds that short runs wait in the queue:")
    print("jitter  places  workers     mean  95 of 100  longest  all done  CPU of each")
    for jitter, places in ((2.0, 4), (360.0, 4), (360.0, 16)):
        for workers in (1, 2, 4, 8, 16, 24):
            hour = Hour(make_runs(museums, jitter, random.Random(1)), workers, places)
            hour.pass_by()
            waited = sorted(hour.waited)
            figures = sum(waited) / len(waited), waited[len(waited) * 95 // 100], waited[-1], hour.last
            told = "  ".join(f"{one:7.0f}" for one in figures)
            used = sum(worker.used for worker in hour.workers) / workers / HOUR
            print(f"{jitter:4.0f} s  {places:6}  {workers:7}  {told}  {used:7.0%}", flush=True)


if __name__ == "__main__":
    main(int(sys.argv[1]) if sys.argv[1:] else 5000)
