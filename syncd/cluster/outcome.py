"""The names that scheduler and workers share, and what became of a job, as the queue keeps it."""

from enum import Enum

RUN = "syncd.run"
SHORT, LONG = "short", "long"  # queues, by how long a run is expected to take


class Outcome(Enum):
    ENDED = "succeeded"
    CUT = "failed"  # with its worker, or for want of the database
    BUSY = "aborted"  # somebody runs the sync by hand
