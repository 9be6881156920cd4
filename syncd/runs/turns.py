"""Runs of lists that have the same people go one after the other: nobody gets a customer from two of them."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from hashlib import blake2b

from syncd.errors import LeaseTaken
from syncd.runs.world import Sync, World
from syncd.state.lease import take_lease

PAUSE = 1.0  # seconds between two tries
WAITING = "waiting for the run of a list that has the same people"


@contextmanager
def taking_turn(sync: Sync, world: World) -> Iterator[None]:
    """For the block no other sync of these runs. Raises Stopped while it waits."""
    with ExitStack() as stack:
        while len(sync.kin) > 1:
            try:
                stack.enter_context(take_lease(world.store.engine, _name(sync)))
                break
            except LeaseTaken:
                world.progress(WAITING, 0, None)
                world.sleep(PAUSE)
        yield


def _name(sync: Sync) -> str:
    """No sync is called so."""
    return f"kin={blake2b(' '.join(sorted(sync.kin)).encode(), digest_size=8).hexdigest()}"
