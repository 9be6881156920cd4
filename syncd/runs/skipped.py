"""Tells which rows of a source were left out, because they can't be records."""

import structlog

from syncd.sources.base import Reading

log = structlog.get_logger()


def tell_skipped(reading: Reading) -> None:
    """One warning for each of the first rows, and one with the number of all where there are more."""
    for row in reading.skipped:
        log.warning("source.skipped_row", position=str(row.position), reason=row.reason)
    if reading.skips > len(reading.skipped):
        log.warning("source.skipped_rows", source=reading.description, count=reading.skips)
