"""A run that could not even begin: it is in the database all the same, for whoever looks there only."""

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime

from syncd.domain.runs import Trigger, failed_summary
from syncd.errors import Misconfigured
from syncd.state.store import Store


def run_id_at(moment: datetime) -> str:
    """The time comes first, so that ids sort by it."""
    return f"{moment:%Y%m%dT%H%M%S}-{secrets.token_hex(5)}"


@contextmanager
def recording_unbegun(store: Store, sync: str, instance: str, trigger: Trigger, at: datetime) -> Iterator[None]:
    """Record the run as failed where the block raises Misconfigured."""
    try:
        yield
    except Misconfigured as error:
        run_id = run_id_at(at)
        store.runs.begin(run_id, sync, instance, trigger, at)
        store.runs.finish(replace(failed_summary(sync, error.message, error.remedy), run_id=run_id), at)
        raise
