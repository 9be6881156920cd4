"""Turns at an instance: pace, and what becomes of those who wait for a slot that others have."""

import threading
from itertools import pairwise

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from stop import interrupted

from syncd.errors import Fatal, NoTurn, Stopped
from syncd.gomus.budget import Budget
from syncd.gomus.client import Client
from syncd.gomus.options import GomusOptions
from syncd.gomus.pace import SLACK, Pace
from syncd.sandbox import TOKEN
from syncd.state.slots import NoLocks

moments = st.floats(min_value=1.0, max_value=1e6)


class Taken(NoLocks):
    """Others have every slot."""

    def take(self, slot: int) -> bool:  # noqa: ARG002 - none
        return False


class Broken(NoLocks):
    def take(self, slot: int) -> bool:
        raise ZeroDivisionError(slot)


@given(slots=st.integers(1, 8), rate=st.floats(0.1, 100), now=moments)
def test_no_two_slots_have_their_time_together(slots: int, rate: float, now: float) -> None:
    pace = Pace(slots, rate)
    for slot in range(slots):
        pace.begin(slot, now)
    starts = sorted(pace.wait(slot, now) for slot in range(slots))
    assert all(after - before > SLACK / rate / 2 for before, after in pairwise(starts))


@given(slots=st.integers(1, 8), rate=st.floats(0.1, 100), now=moments)
def test_a_slot_has_its_time_once_a_round(slots: int, rate: float, now: float) -> None:
    pace = Pace(slots, rate)
    now += pace.wait(0, now)
    pace.use(0, now)
    assert pace.wait(0, now) == pytest.approx(slots * SLACK / rate, abs=0.021)


@given(slots=st.integers(1, 8), rate=st.floats(0.1, 100), now=moments)
def test_who_takes_a_slot_over_waits_for_its_next_time(slots: int, rate: float, now: float) -> None:
    before, after = Pace(slots, rate), Pace(slots, rate)
    now += before.wait(0, now) + 0.001 / rate
    after.begin(0, now)
    assert after.wait(0, now) > 0


def client(budget: type[NoLocks], **options: object) -> Client:
    made = GomusOptions.model_validate({"url": "https://demo.gomus.de", "token": TOKEN, **options})
    transport = httpx.MockTransport(lambda _request: pytest.fail("it has no turn"))
    return Client(made, transport=transport, sharing=budget)


def test_a_create_does_not_wait_long_for_its_turn() -> None:
    with client(Taken, settle="1s") as calling, pytest.raises(NoTurn):
        calling.create([{"foreign_id": "M-1", "surname": "Muster"}])


def test_who_waits_hears_that_it_is_time_to_stop() -> None:
    budget = Budget(1, None, sharing=Taken, sleep=interrupted)
    with pytest.raises(Stopped), budget.turn():
        pass
    budget.close()


def test_a_mistake_of_ours_leaves_nobody_waiting() -> None:
    budget = Budget(1, None, sharing=Broken)
    with pytest.raises(Fatal, match="ZeroDivisionError"), budget.turn():
        pass


def test_a_budget_that_was_never_used_starts_no_thread() -> None:
    before = threading.active_count()
    Budget(4, None, sharing=Taken).close()
    assert threading.active_count() == before
