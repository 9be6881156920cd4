"""Many workers on one PostgreSQL, by the queue that procrastinate keeps there.

`jobs` is the scheduler's side: it defers a run that is due now, and follows what becomes of it. `working` is that of a
worker: it carries jobs out. `schema` makes the queue's own tables, `app` connects. Nothing is deferred into the future,
and nothing is tried again by the queue: what is due the agenda decides. Whether a run may write its lease decides.
"""

from syncd.cluster.jobs import Jobs, opening_jobs
from syncd.cluster.outcome import Outcome
from syncd.cluster.working import Places, carry_out_jobs

__all__ = ["Jobs", "Outcome", "Places", "carry_out_jobs", "opening_jobs"]
