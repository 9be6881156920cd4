"""An instance's budget over several processes: real ones, both databases."""

import os
import queue
import signal
import stat
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from itertools import pairwise
from multiprocessing.sharedctypes import Synchronized
from pathlib import Path
from typing import Any

import pytest
from meter import most_in_a_second
from real_processes import processes_with

from syncd.errors import Fatal, Stopped
from syncd.gomus import keeper
from syncd.gomus.budget import Budget
from syncd.state import session
from syncd.state.connect import database_file, is_on_server
from syncd.state.slots import sharing

ADDRESS = "https://demo.gomus.de"
processes = processes_with("syncd.state.slots", "syncd.gomus.budget")


@pytest.fixture(autouse=True)
def _database(state_url: str) -> None:
    """There is one before anybody calls."""


def open_budget(url: str, slots: int, rate: float | None = None, **more: Any) -> Budget:
    return Budget(slots, rate, sharing=sharing(url, ADDRESS), **more)


def work(opening: tuple[str, int, float | None], threads: int, *call: Any) -> None:
    """Call without a pause until killed."""
    budget = open_budget(*opening)
    for _ in range(threads):
        threading.Thread(target=_call_on, args=(budget, *call), daemon=True).start()
    time.sleep(120)


def _call_on(budget: Budget, seconds: float, under_way: "Synchronized[int]", seen: Any) -> None:
    """Tells of each call how many were under way, and when it began."""
    while True:
        with budget.turn():
            began = time.monotonic()
            with under_way.get_lock():
                under_way.value += 1
                now = under_way.value
            time.sleep(seconds)
            with under_way.get_lock():
                under_way.value -= 1
        seen.put((os.getpid(), now, began))


def _shared_number() -> "Synchronized[int]":
    try:
        return processes.Value("i", 0)
    except OSError:
        pytest.skip("no memory that processes share: mount a tmpfs at /dev/shm")


class Crowd:
    """Processes that call one instance, and what became of their calls."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._under_way = _shared_number()
        self._seen = processes.Queue()
        self.running: list[Any] = []
        self.calls: list[tuple[int, int, float]] = []

    def join(self, slots: int, *, rate: float | None = None, threads: int = 4, seconds: float = 0.02) -> Any:
        arguments = ((self._url, slots, rate), threads, seconds, self._under_way, self._seen)
        process = processes.Process(target=work, args=arguments)
        process.start()
        self.running.append(process)
        return process

    def watch(self, seconds: float) -> None:
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0:
            with suppress(queue.Empty):
                self.calls.append(self._seen.get(timeout=left))

    def wait_until_under_way(self, calls: int = 1) -> None:
        until = time.monotonic() + 30
        while self._under_way.value < calls:
            assert time.monotonic() < until
            time.sleep(0.01)

    def wait_for_a_call(self) -> None:
        self.calls.append(self._seen.get(timeout=30))

    @property
    def busiest(self) -> int:
        return max(now for _, now, _ in self.calls)

    def by(self, process: Any) -> list[float]:
        return [began for pid, _, began in self.calls if pid == process.pid]


@pytest.fixture
def crowd(state_url: str) -> Iterator[Crowd]:
    made = Crowd(state_url)
    yield made
    for process in made.running:
        process.kill()
        process.join()


@contextmanager
def opened(budget: Budget) -> Iterator[Budget]:
    try:
        yield budget
    finally:
        budget.close()


def longest_wait(starts: Sequence[float]) -> float:
    return max(after - before for before, after in pairwise(starts))


def test_several_processes_make_no_more_calls_at_once_than_one(crowd: Crowd) -> None:
    workers = [crowd.join(2) for _ in range(4)]
    crowd.wait_for_a_call()
    crowd.watch(4)
    assert crowd.busiest == 2
    assert all(crowd.by(worker) for worker in workers)


def test_several_processes_make_no_more_calls_a_second_than_one(crowd: Crowd) -> None:
    for _ in range(3):
        crowd.join(3, rate=20, seconds=0.0)
    crowd.wait_for_a_call()
    crowd.watch(5)
    starts = sorted(began for _, _, began in crowd.calls)
    assert most_in_a_second(starts) <= 20
    assert len(starts) > 5 * 20 * 0.6


def test_one_process_alone_has_the_whole_pace(crowd: Crowd) -> None:
    crowd.join(4, rate=40, threads=1, seconds=0.0)
    crowd.wait_for_a_call()
    crowd.watch(3)
    assert len(crowd.calls) > 3 * 40 * 0.7


def test_a_host_that_may_less_takes_no_more_beside_one_that_may_more(crowd: Crowd) -> None:
    small = crowd.join(1)
    crowd.join(3)
    crowd.wait_for_a_call()
    crowd.watch(3)
    assert crowd.busiest == 3
    assert crowd.by(small)


def test_who_has_none_is_given_one_within_a_second(crowd: Crowd, state_url: str) -> None:
    for _ in range(3):
        crowd.join(2)
    crowd.wait_for_a_call()
    crowd.watch(1)
    waits = []
    for _ in range(5):
        with opened(open_budget(state_url, 2)) as late:
            began = time.monotonic()
            with late.turn():
                waits.append(time.monotonic() - began)
    assert max(waits) < 3
    assert sorted(waits)[2] < 1


def test_each_of_many_has_its_turn(crowd: Crowd) -> None:
    workers = [crowd.join(1, threads=2) for _ in range(4)]
    crowd.wait_for_a_call()
    crowd.watch(12)
    assert crowd.busiest == 1
    assert max(longest_wait(crowd.by(worker)) for worker in workers) < 10


def test_a_killed_process_frees_its_slots_at_once(crowd: Crowd, state_url: str) -> None:
    holder = crowd.join(2, seconds=60)
    crowd.wait_until_under_way()
    os.kill(holder.pid, signal.SIGKILL)
    began = time.monotonic()
    with opened(open_budget(state_url, 2)) as budget, budget.turn():
        assert time.monotonic() - began < 1


def test_a_frozen_process_leaves_the_others_the_rest(crowd: Crowd) -> None:
    frozen = crowd.join(2, threads=1, seconds=60)
    crowd.wait_until_under_way()
    os.kill(frozen.pid, signal.SIGSTOP)
    try:
        other = crowd.join(2)
        crowd.wait_for_a_call()
        crowd.watch(2)
        assert len(crowd.by(other)) > 20
    finally:
        os.kill(frozen.pid, signal.SIGCONT)


def test_on_a_server_a_frozen_process_loses_its_slots(cloned_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(session, "HANGING", 3.0)
    crowd = Crowd(cloned_url)
    frozen = crowd.join(1, threads=1, seconds=60)
    try:
        crowd.wait_until_under_way()
        os.kill(frozen.pid, signal.SIGSTOP)
        began = time.monotonic()
        with opened(open_budget(cloned_url, 1)) as budget, budget.turn():
            assert 1 < time.monotonic() - began < 8
    finally:
        frozen.kill()
        frozen.join()


def test_a_signal_to_stop_is_heard_while_there_is_no_slot(crowd: Crowd, state_url: str) -> None:
    crowd.join(1, threads=1, seconds=60)
    crowd.wait_until_under_way()
    stopping = threading.Event()

    def sleep(seconds: float) -> None:
        if stopping.wait(seconds):
            raise Stopped

    threading.Timer(1.0, stopping.set).start()
    began = time.monotonic()
    with opened(open_budget(state_url, 1, sleep=sleep)) as budget, pytest.raises(Stopped), budget.turn():
        pytest.fail("nobody has given it a slot")
    assert time.monotonic() - began < 2


def test_who_waits_for_ever_is_told_so_in_the_end(
    crowd: Crowd, state_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keeper, "MOST", 2.0)
    crowd.join(1, threads=1, seconds=60)
    crowd.wait_until_under_way()
    with (
        opened(open_budget(state_url, 1)) as budget,
        pytest.raises(Fatal, match="other processes have all 1 calls at once"),
        budget.turn(),
    ):
        pass


def test_two_budgets_of_one_process_share_as_well(state_url: str) -> None:
    one, other = open_budget(state_url, 1), open_budget(state_url, 1)
    with opened(one), opened(other):
        with one.turn():
            waiting = threading.Thread(target=_turn, args=(other,))
            waiting.start()
            waiting.join(0.5)
            assert waiting.is_alive()
        waiting.join(2)
        assert not waiting.is_alive()


def _turn(budget: Budget) -> None:
    with budget.turn():
        pass


def test_instances_do_not_hinder_each_other(state_url: str) -> None:
    elsewhere = Budget(1, None, sharing=sharing(state_url, "https://other.gomus.de"))
    with opened(open_budget(state_url, 1)) as one, opened(elsewhere), one.turn(), elsewhere.turn():
        pass


@pytest.mark.parametrize("address", ["https://DEMO.gomus.de", "https://demo.gomus.de:443", "https://demo.gomus.de/"])
def test_an_instance_is_the_same_however_its_address_is_written(state_url: str, address: str) -> None:
    one, other = (sharing(state_url, each) for each in (ADDRESS, address))
    assert one
    assert other
    mine, theirs = one(), other()
    assert mine.take(0)
    assert not theirs.take(0)
    mine.close()
    theirs.close()


def test_files_are_private(state_url: str) -> None:
    file = database_file(state_url)
    if file is None:
        assert is_on_server(state_url)
        return
    with opened(open_budget(state_url, 1)) as budget, budget.turn():
        pass
    locks = list(file.parent.glob("*.lock"))
    assert {stat.S_IMODE(lock.stat().st_mode) for lock in locks} == {0o600}


def test_a_lock_that_was_removed_is_made_anew(sqlite_url: str, tmp_path: Path) -> None:
    Path(tmp_path, "state.db").touch()
    opening: Callable[[], Any] | None = sharing(sqlite_url, ADDRESS)
    assert opening
    ours, theirs = opening(), opening()
    assert not (ours.take(0) and theirs.take(0))
    ours.give_back(0)
    next(tmp_path.glob("*.0.lock")).unlink()
    assert ours.take(0)
    assert not theirs.take(0)
    ours.close()
    theirs.close()
