"""Customers whom another list has given up, or has had so far, get the foreign_id that they have in this one."""

from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from itertools import groupby

import structlog

from syncd.delivery.delivery import STREAK
from syncd.delivery.requests import Requests
from syncd.domain.changes import Create
from syncd.errors import LeaseTaken
from syncd.runs.renaming import Renamer
from syncd.runs.world import World
from syncd.state.lease import take_lease
from syncd.state.likeness import Person

log = structlog.get_logger()


def take_over(world: World, renamer: Renamer, requests: Requests, claims: Iterable[tuple[Create, Person]]) -> None:
    """`claims` are records, each with whose customer it gets, by list.

    While an erasure on request is under way in the other list, its customers wait for the next run.
    """
    unreached = 0
    for create, taken in _while_theirs_are_free(world, claims):
        if world.stopping.is_set():
            return
        requests.look()
        if requests.is_withdrawn(create):
            continue
        outcome = renamer.rename(create, taken)
        if isinstance(outcome, str):
            continue
        unreached = 0 if outcome.reached else unreached + 1
        if unreached == STREAK:
            return


def _while_theirs_are_free(world: World, claims: Iterable[tuple[Create, Person]]) -> Iterator[tuple[Create, Person]]:
    for sync, page in groupby(claims, key=lambda claim: claim[1][0]):
        with ExitStack() as stack:
            try:
                stack.enter_context(take_lease(world.store.engine, sync))
            except LeaseTaken as taken:
                log.warning("takeover.waits", error=taken.message, remedy="the next run goes on")
                continue
            yield from page
