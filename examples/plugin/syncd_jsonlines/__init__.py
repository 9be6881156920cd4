"""A source of syncd: a list in JSON Lines, a record a line.

A template: keep its form, and put your system in the place of the file. The contract is the docstrings of
`syncd.sources.base`.
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pydantic import Field

from syncd.errors import IncompleteRead
from syncd.sources.base import NO_OBJECT, Position, Reading, ReadKind, Source, SourceOptions, SourceRecord


class JsonLinesOptions(SourceOptions):
    """`[sync.NAME.source]`; the descriptions are shown by editors and in the JSON Schema."""

    path: str = Field(description="The file; relative to the configuration.")
    minimum: int = Field(default=1, ge=1, description="With fewer records the list is not taken for whole.")

    @property
    def files(self) -> tuple[str, ...]:
        return (self.path,)


class JsonLinesReading(Reading):
    kind = ReadKind.SNAPSHOT  # whoever is not in it is absent
    columns = None  # each record has keys of its own

    def __init__(self, path: Path, minimum: int) -> None:
        self.path = path
        self.minimum = minimum
        self.description = path.name

    def __iter__(self) -> Iterator[SourceRecord]:
        number = 0
        try:
            with self.path.open("rb") as file:
                for number, line in enumerate(file, start=1):
                    yield self._record(number, line)
        except OSError:
            raise IncompleteRead(self.path.name, "can't be read", remedy="look whether it is there") from None
        if number < self.minimum:
            message = f"has {number} records of at least {self.minimum}"
            raise IncompleteRead(self.path.name, message, remedy="export it anew")

    def _record(self, number: int, line: bytes) -> SourceRecord:
        """A line that is broken ends the read: a record that was left out would count as absent."""
        position = Position(source=self.path.name, line=number)
        if not line.endswith(b"\n"):
            raise IncompleteRead(str(position), "has no end, so the list is cut short", remedy="export it anew")
        try:
            values = json.loads(line)
        except ValueError:
            raise IncompleteRead(str(position), "is no JSON", remedy="export it anew") from None
        return SourceRecord(values=values if isinstance(values, dict) else NO_OBJECT, position=position)


class JsonLinesSource(Source):
    Options = JsonLinesOptions
    options: JsonLinesOptions

    @contextmanager
    def open(self, cursor: str | None = None) -> Iterator[JsonLinesReading]:  # noqa: ARG002 - it has no changes
        """What has to be closed, such as a connection, is opened here and closed behind the `yield`."""
        yield JsonLinesReading(self.base / self.options.path, self.options.minimum)
