"""What became of a change, in the figures that are logged and decide what comes next."""

from collections.abc import Callable

import pytest
from rows import create

from syncd.delivery.outcomes import alike, failed, never_found, not_sent, unreadable
from syncd.domain.changes import Create, Outcome, Result
from syncd.errors import CallFailed, Missing, NotYet, Refused, Retryable, Unclear

ONE = create("M-1")


@pytest.mark.parametrize("fail", [not_sent, alike, never_found, lambda create: unreadable(create, ".")])
def test_what_is_not_sent_has_failed_without_a_try(fail: Callable[[Create], Outcome]) -> None:
    outcome = fail(ONE)
    assert (outcome.result, outcome.attempts) == (Result.FAILED, 0)


@pytest.mark.parametrize(
    ("failure", "settled", "refused", "reached"),
    [
        (Refused("no", status=422), True, True, True),
        (Missing("gone", status=404), True, True, True),
        (Unclear("who knows", status=500), False, False, True),
        (Retryable("no connection"), True, False, False),
        (Retryable("not now", status=503), True, False, False),
        (Retryable("too many", status=429), True, False, False),
        (NotYet("still shown"), True, False, True),
        (Retryable("somebody else is at it", status=423), True, False, True),
    ],
)
def test_a_failure_says_whether_it_is_over_refused_and_has_come_through(
    failure: CallFailed, settled: bool, refused: bool, reached: bool
) -> None:
    outcome = failed(ONE, failure)
    assert (outcome.settled, outcome.refused, outcome.reached) == (settled, refused, reached)
