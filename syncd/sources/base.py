"""What an adapter is: it opens a read of its source and hands out records, in the source's own terms.

Adapters are registered as entry points (`syncd.sources`) and know nothing of go~mus, mapping or state.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from datetime import datetime
from enum import Enum
from pathlib import Path
from typing import ClassVar

from pydantic import BaseModel, ConfigDict

from syncd.records import SourceRecord


class ReadKind(Enum):
    SNAPSHOT = "snapshot"  # all customers: who is not in it is absent
    CHANGES = "changes"  # what changed since the last read: absence means nothing


class SourceOptions(BaseModel):
    """`[sync.NAME.source]`; every adapter declares its own beside itself, and `type` says which adapter."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    type: str


class Reading(ABC):
    """One read under way; it can be iterated once.

    That the iteration ends by itself asserts that the read was complete. Whatever casts doubt on it (broken off, cut
    short, changed meanwhile, not a single record) raises IncompleteRead instead, if need be after the last record.
    """

    kind: ReadKind
    columns: tuple[str, ...] | None  # the header of a table; None where records are nested
    description: str  # for messages: "members-2026-11.csv (windows-1252, ';')"

    @abstractmethod
    def __iter__(self) -> Iterator[SourceRecord]: ...


class Source(ABC):
    """Where customers come from, read-only. `base` is the folder that relative paths start from."""

    Options: ClassVar[type[SourceOptions]]

    def __init__(
        self,
        options: SourceOptions,
        *,
        base: Path,
        sleep: Callable[[float], None],
        clock: Callable[[], datetime],
    ) -> None:
        self.options = options
        self.base = base
        self.sleep = sleep
        self.clock = clock

    @abstractmethod
    def open(self) -> AbstractContextManager[Reading]:
        """Begin a new read; leaving the block lets go of everything, however far the read has come.

        The contract of an adapter:

        - Each call reads afresh. A source that can't be read raises IncompleteRead, here or while it is iterated, and
          says where it broke and what to do about it.
        - Records come one by one, in memory that does not grow with the source, values as the source has them: text
          from tables, any JSON value from APIs. Trimming and converting is the mapping's business.
        - `position` leads a person to the record: the file (its name) and first line, or the page and number.
        - A record is never left out because something is wrong with it, nor made up to fill a gap: left out, it would
          count as absent, and a value that is made up to be empty clears a field.
        - No message holds a value: files, lines, columns and keys are all it may name. An adapter logs nothing.
        """
