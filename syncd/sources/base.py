"""What an adapter is: it opens a read of its source and hands out records, in the source's own terms.

Adapters are registered as entry points (`syncd.sources`) and know nothing of go~mus, mapping or state. This module and
`syncd.errors` are public: a plug-in needs nothing else of syncd, and everything else may move.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import datetime, timedelta
from enum import Enum
from pathlib import Path
from types import MappingProxyType
from typing import ClassVar, Literal, NamedTuple

from pydantic import BaseModel, ConfigDict, Field
from pydantic_core import InitErrorDetails, PydanticCustomError, ValidationError

from syncd import reasons
from syncd.domain.records import FieldProblem, Position, Skipped, SourceRecord, Unsure

__all__ = [
    "NO_OBJECT",
    "NotAsRecognised",
    "Position",
    "RawRecords",
    "ReadKind",
    "Reading",
    "Recognised",
    "Skipped",
    "Source",
    "SourceOptions",
    "SourceRecord",
    "Unsure",
    "error_at",
]


# The values of what stands in a list of records and is none, such as a null: somebody is there, nobody knows who.
NO_OBJECT: Mapping[str, object] = MappingProxyType({})


class ReadKind(Enum):
    SNAPSHOT = "snapshot"  # all customers: who is not in it is absent
    CHANGES = "changes"  # what changed since the last read: absence means nothing


class SourceOptions(BaseModel):
    """`[sync.NAME.source]`; every adapter declares its own beside itself, and `type` says which adapter.

    `on_incomplete` is what a run does with the records of a read that broke off. "apply" creates and updates from them;
    the run still counts as failed, and nobody is deleted.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    type: str = Field(description="Which kind of source it is.")
    on_incomplete: Literal["stop", "apply"] = Field(
        default="stop",
        description="What to do with the records of a read that broke off: nothing, or create and update.",
    )

    @property
    def files(self) -> tuple[str, ...]:
        """Files of this machine that are read, as configured; a pattern is one."""
        return ()


def error_at(key: str, message: str) -> ValidationError:
    """An error that names the key, for a validator that sees a whole table."""
    error = PydanticCustomError("table", "{message}", {"message": message})
    return ValidationError.from_exception_data("table", [InitErrorDetails(type=error, loc=(key,), input=None)])


class RawRecords(NamedTuple):
    """Neighbouring records as they stand in a file: the line where each begins, counted from 1, and what is in it.

    `end` is the first line behind them.
    """

    lines: range | Sequence[int]
    records: Sequence[bytes]
    end: int


class Recognised:
    """What each line of a file is to one who passes over records: `kinds` has one for each, from line 0 on."""

    NEW, KNOWN, CONTINUED = range(3)

    def __init__(self) -> None:
        self.kinds = bytearray()

    def add(self, block: RawRecords) -> None:
        """Note the lines of records that come after those that were noted before."""
        self.kinds += bytes([self.CONTINUED]) * (block.end - len(self.kinds))
        if isinstance(block.lines, range):
            self.kinds[block.lines.start :] = bytes(len(block.lines))
        else:
            for line in block.lines:
                self.kinds[line] = self.NEW

    def know(self, lines: Iterable[int]) -> None:
        """The records that begin in these lines are known."""
        kinds, known = self.kinds, self.KNOWN
        for line in lines:
            kinds[line] = known


class NotAsRecognised(Exception):
    """What was recognised as a record stands within another one: the source is to be read without recognising any."""


class Reading(ABC):
    """One read under way; it can be iterated once.

    An iteration that ends by itself asserts that the read was complete. It raises IncompleteRead instead where that is
    in doubt, if need be after the last record: the read broke off, was cut short, the source was changed meanwhile, or
    a snapshot has not a single record. There may be no changes; of several changes of one customer the last counts.
    """

    kind: ReadKind
    columns: tuple[str, ...] | None  # the header of a table; None where records are nested
    header: str | None = None  # where the names of the columns stand, as in "line 3"
    hint: str | None = None  # what to do about a header that lacks columns, where the table tells
    description: str  # for messages: "members-2026-11.csv (windows-1252, ';')"
    cursor: str | None = None  # once the iteration has ended: where the next read may go on; None: only from the start
    skipped: Sequence[Skipped] = ()  # the first rows that were left out, because they can't be records
    skips: int = 0  # how many were left out
    unsure: Unsure | None = None  # set before the last record is given, where it is not to be trusted
    dialect: bytes | None = (
        None  # stands for all that decides what a raw record says; None: there are none to recognise
    )
    shifts: bool = False  # records may slip from page to page while it reads: one that comes twice betrays another lost

    @abstractmethod
    def __iter__(self) -> Iterator[SourceRecord]: ...

    def raw_records(self) -> Iterator[RawRecords]:
        """Before the iteration: the records of a file as they stand there, so far as line ends and quotes tell."""
        return iter(())

    def pass_over(self, recognised: Recognised) -> None:
        """Leave out the records that were recognised. The iteration raises NotAsRecognised where they are none."""
        raise NotImplementedError

    @property
    def passed(self) -> int:
        """How many records were passed over."""
        return 0

    def position(self, line: int | None) -> Position:
        """Of the record that begins in a line."""
        return Position(source=self.description, line=line)

    def doubt_about(self, record: SourceRecord) -> FieldProblem | None:
        """Why this record, which was just read, is not to be trusted."""
        if record.values is NO_OBJECT:
            return FieldProblem(field="foreign_id", reason=reasons.NO_OBJECT.tell())
        if self.unsure is None or self.unsure.position != record.position:
            return None
        return FieldProblem(field="foreign_id", reason=self.unsure.reason)


class Source(ABC):
    """Where customers come from, read-only. `base` is the folder that relative paths start from.

    `sleep` raises Stopped where the run is asked to end meanwhile or before; to sleep for 0 s asks whether it is.

    `full_every` bounds how long changes alone are read, for a source that gives cursors: then it is read from the
    start again. None where it gives none. `share` answers which share of the columns that are wanted is among these
    names; it is for a source that must find its header.
    """

    Options: ClassVar[type[SourceOptions]]
    full_every: timedelta | None = None
    share: Callable[[Sequence[str]], float]

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
        self.share = lambda _names: 1.0

    @property
    def fingerprint(self) -> bytes:
        """Stands for all that decides what is read: a cursor is of use only while this is the same."""
        return self.options.model_dump_json().encode()  # secrets are not in it

    @abstractmethod
    def open(self, cursor: str | None = None) -> AbstractContextManager[Reading]:
        """Begin a new read. Leaving the block releases everything, however far the read has come.

        `cursor` is one that an earlier reading ended with, in the adapter's own spelling; every record of that read is
        done with, and what changed since is wanted. Without a cursor, or where the source has no changes, the adapter
        reads all there is.

        The contract of an adapter:

        - Each call reads afresh. Where the source can't be read, it raises IncompleteRead, here or while it is
          iterated, which says where the read broke and what to do about it.
        - Records come one by one, in memory that does not grow with the source. Values are as the source has them:
          text from tables, any JSON value from APIs. Trimming and converting is the mapping's business.
        - `position` leads a person to the record: the file (its name) and first line, or the page and number.
        - A record is never left out because something is wrong with it, since it would count as absent. Nor is a value
          made up to fill a gap, since an empty one clears a field. What can't be a record is left out and `skipped`;
          what stands in the place of one and is no object, such as a null, has NO_OBJECT for its values.
        - What changed at the very moment of a cursor comes again rather than never. A cursor holds no personal data.
        - A record that the source tells to be deleted comes with `deleted`; in a snapshot it may be missing instead.
        - It waits with `sleep` only, and lets Stopped pass: a wait that was cut short proves nothing.
        - No message holds a value: files, lines, columns and keys are all it may name. An adapter logs nothing.
        """

    def open_unless(
        self,
        is_known: Callable[[bytes], bool],  # noqa: ARG002 - for who can tell
    ) -> AbstractContextManager[Reading | None]:
        """As `open` without a cursor, but None where `is_known` answers so to a digest of all that would be read.

        Two reads with one digest give the same records, or fail alike. Who can't tell a digest beforehand never asks.
        """
        return self.open()
