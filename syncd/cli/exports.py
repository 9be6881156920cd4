"""Tables in files that are named on the command line: opened as a source reads them, but for no configured columns."""

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from pydantic import ValidationError

from syncd.assembly import now
from syncd.cli.exits import USAGE, stop
from syncd.config.drafting import share_of_names
from syncd.errors import IncompleteRead
from syncd.sources import find_source
from syncd.sources.base import Reading, Source

TYPES = dict.fromkeys((".xlsx", ".xlsm", ".xltx", ".xls", ".ods", ".fods"), "excel")  # anything else is CSV
_OPTIONS: Mapping[str, Mapping[str, object]] = {"csv": {"complete": {"end": "any"}}, "excel": {}}


@contextmanager
def opening_export(file: Path, encoding: str | None) -> Iterator[tuple[Reading, tuple[str, ...]]]:
    """The reading with its columns. Raises IncompleteRead where the file is no table."""
    if not file.is_file():
        stop(f"There is no file {file}.", USAGE)
    kind = TYPES.get(file.suffix.lower(), "csv")
    adapter = find_source(kind)
    if encoding and kind != "csv":
        stop(f"--encoding goes with text; {file} is a workbook.", USAGE)
    given = {"type": kind, "path": str(file.absolute()), "settled": "0s", **_OPTIONS[kind]}
    try:
        options = adapter.Options.model_validate(given | ({"encoding": encoding} if encoding else {}))
    except ValidationError:
        stop(f"--encoding {encoding}: there is no such encoding. Examples: cp850, cp1252, utf-8.", USAGE)
    source: Source = adapter(options, base=Path.cwd(), sleep=time.sleep, clock=now)
    source.share = lambda names: share_of_names(list(names))
    with source.open() as reading:
        if reading.columns is None:
            raise IncompleteRead(reading.description, "has no columns", remedy="name a CSV file or a workbook")
        yield reading, reading.columns
