"""A sleep of a run that is told to stop."""

from syncd.errors import Stopped


def interrupted(_seconds: float) -> None:
    raise Stopped
