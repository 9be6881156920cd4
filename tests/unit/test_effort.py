"""How many calls a plan takes, as it is told."""

from datetime import UTC, datetime, timedelta

import pytest
from pydantic import SecretStr

from syncd.delivery.habits import Habits
from syncd.gomus.options import GomusOptions
from syncd.report.effort import Effort, estimate

NOW = datetime(2026, 11, 27, tzinfo=UTC)
URL = "https://demo.gomus.de"


def told(counts: dict[str, int], *, is_unique: bool = False, **options: object) -> Effort:
    habits = Habits.recalled({}, batch_size=100, is_unique=is_unique, now=NOW)
    return estimate(counts, habits, GomusOptions(url=URL, token=SecretStr("token"), **options))  # type: ignore[arg-type]  # it checks


@pytest.mark.parametrize(
    ("counts", "calls"),
    [
        ({}, 0),
        ({"unchanged": 500, "invalid": 3}, 0),
        ({"create": 250}, 253),  # each looked up, and three batches
        ({"update": 101}, 2),
        ({"link": 3}, 15),
        ({"delete": 2, "anonymize": 1, "release": 1}, 24),
    ],
)
def test_the_calls_of_each_way_are_counted(counts: dict[str, int], calls: int) -> None:
    assert told(counts).calls == calls


def test_nobody_is_looked_up_where_ids_are_unique() -> None:
    assert told({"create": 250}, is_unique=True).calls == 3


def test_calls_last_as_long_as_the_instance_lets_them() -> None:
    assert told({"create": 2000}, concurrency=4).lasts == timedelta(seconds=101)
    assert told({"create": 2000}, concurrency=4, requests_per_second=2).lasts == timedelta(seconds=1010)
