"""A first load of many on an instance on which every batch of 100 takes longer than syncd waits, and is done later.

How many runs it takes, and whether anybody is there twice; by a clock of its own: `make bench-slow-batches`.
"""

import logging
import sys
from collections import Counter
from itertools import product
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter

import structlog
from museum import Museum, sqlite_url

from syncd.domain.runs import Status
from syncd.sandbox.switches import Switches

MOST_RUNS = 10
BETWEEN_RUNS = 700.0  # seconds; longer than a create of unknown fate waits
SECONDS_A_BATCH = (35, 300)  # where syncd waits for 30


def load(museum: Museum) -> tuple[int, Counter[int]]:
    """How many runs it takes until nothing is left to do, and how often how many customers were sent together."""
    runs, sent, status = 0, Counter[int](), None
    while status is not Status.DONE and runs < MOST_RUNS:
        museum.clock.sleep(BETWEEN_RUNS if runs else 0.0)
        runs, status = runs + 1, museum.run().status
        sent.update(len(call.customers) for call in museum.sandbox.calls if call.method == "POST")
    return runs, sent


def main(rows: int) -> None:
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    for seconds, foreign_ids in product(SECONDS_A_BATCH, ("unique", "repeatable")):
        switches = Switches(foreign_ids=foreign_ids, milliseconds_a_member=seconds * 10)  # type: ignore[arg-type]
        with TemporaryDirectory() as folder:
            museum = Museum(state_url=sqlite_url(Path(folder)), switches=switches)
            museum.fill(rows)
            begun, first_moment = perf_counter(), museum.clock.now
            runs, sent = load(museum)
            there, twice = len(museum.sandbox.customers), len(museum.sandbox.duplicates())
            print(f"{rows:,} rows, a batch of 100 takes {seconds} s, foreign_ids {foreign_ids}: {runs} runs")
            print(f"  {there:,} customers, {twice} twice; {sent.total()} POSTs, by size {dict(sorted(sent.items()))}")
            print(f"  {museum.clock.now - first_moment} for syncd, {perf_counter() - begun:.0f} s here", flush=True)
            museum.close()


if __name__ == "__main__":
    main(int(sys.argv[1]) if sys.argv[1:] else 10_000)
