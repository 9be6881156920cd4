"""The source `singer`: any Singer tap, run as a process of its own, one message a line."""

import json
import os
import queue
import shutil
import signal
import subprocess
import tempfile
import threading
import time
from codecs import BOM_UTF8
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from datetime import timedelta
from pathlib import Path
from typing import IO, Any, Literal, TypeAlias

import structlog
from pydantic import BaseModel, ConfigDict, Field

from syncd.domain.durations import Duration
from syncd.domain.records import Position, SourceRecord
from syncd.errors import IncompleteRead
from syncd.machine.processes import OWN_GROUP, ask_group_to_end, end_group
from syncd.sources.base import NO_OBJECT, Reading, ReadKind, Source, SourceOptions
from syncd.sources.json_text import read_json
from syncd.sources.singer_schema import find_columns, properties_of

log = structlog.get_logger()
Message: TypeAlias = Mapping[str, Any]

AT_ONCE, AHEAD = 1 << 16, 4  # bytes that are read at once, and how often before somebody wants them
LONGEST_LINE = 16 << 20
LONGEST_STATE = 1 << 16
A_WHILE = 0.5  # seconds that a tap is listened to before it is asked whether to go on
LOOK = 0.02
LAST_WORDS = 1.0  # seconds between asking a tap to end and ending it
DELETED_AT = "_sdc_deleted_at"  # where taps that see deletions put their time
SLASHES = {"/", os.path.sep}
OURS = ("SYNCD_", "GOMUS_")  # variables that are no tap's business
BY_HAND = "run the tap by hand in the folder of the configuration, and see what it says"


class Complete(BaseModel):
    """What proves that a snapshot is whole, beside the tap's exit code."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    minimum: int = Field(ge=1, description="So many records at least.")


class SingerOptions(SourceOptions):
    type: Literal["singer"] = Field(default="singer", description="A Singer tap.")
    command: tuple[str, ...] = Field(min_length=1, description="The tap and its arguments.")
    stream: str = Field(min_length=1, description="The name of the stream.")
    replication: Literal["auto", "full-table", "incremental"] = Field(
        default="auto", description="Whether the stream is replicated whole or tells changes; else as its schema says."
    )
    full_every: Duration = Field(
        default=timedelta(days=7), description="An incremental stream is read again without its state after this time."
    )
    timeout: Duration = Field(
        default=timedelta(minutes=10), gt=timedelta(), description="How long the tap may be silent."
    )
    complete: Complete | None = Field(default=None, description="What proves a whole list, beside the exit code.")


class SingerSource(Source):
    """A stream that is replicated whole (FULL_TABLE) is a snapshot if the tap exits with 0; an INCREMENTAL one is not.

    Where the configuration does not say which it is, the stream's SCHEMA does: only an incremental one has bookmarks.
    """

    Options = SingerOptions
    options: SingerOptions

    @property
    def full_every(self) -> timedelta | None:  # type: ignore[override]  # it depends on the options
        return None if self.options.replication == "full-table" else self.options.full_every

    @property
    def fingerprint(self) -> bytes:
        """Of what is read; what is demanded of it does not count."""
        return self.options.model_dump_json(exclude={"complete"}).encode()

    @contextmanager
    def open(self, cursor: str | None = None) -> Iterator[Reading]:
        options = self.options
        name = Path(options.command[0]).name
        with ExitStack() as stack:
            command = [_find(options.command[0], self.base), *options.command[1:]]
            if cursor is not None:
                command += ["--state", stack.enter_context(_state_file(cursor))]
            tap = Tap(name, _start(command, self.base, name), options.timeout.total_seconds(), self.sleep)
            stack.callback(tap.stop)
            yield SingerReading(tap, options, cursor)


class SingerReading(Reading):
    hint = "select it in the tap's catalog, or write it as the tap's SCHEMA does"

    def __init__(self, tap: "Tap", options: SingerOptions, before: str | None) -> None:
        self._tap = tap
        self._options = options
        self._messages = tap.messages()
        self._state: str | None = before
        self._version: object = None
        self._number, self._objects = 0, 0
        schema = self._find_schema()
        bookmarks = schema.get("bookmark_properties")
        is_incremental = bool(bookmarks) if options.replication == "auto" else options.replication == "incremental"
        self.kind = ReadKind.CHANGES if is_incremental else ReadKind.SNAPSHOT
        self.description = f"{tap.name} {options.stream}" + (" (changes)" if is_incremental else "")
        self._properties = properties_of(schema.get("schema"))
        self._first = next(self._records(), None)
        self.columns = find_columns(schema.get("schema"), self._first.get("record") if self._first else None)

    def __iter__(self) -> Iterator[SourceRecord]:
        if self._first is not None:
            yield self._record(self._first)
        yield from map(self._record, self._records())
        self._tap.check_end()
        if self.kind is ReadKind.SNAPSHOT:
            self._check_number()
        self.cursor = self._state if self.kind is ReadKind.CHANGES else None

    def _records(self) -> Iterator[Message]:
        for message in self._messages:
            if message.get("type") == "STATE":
                self._note_state(message)
            elif message.get("stream") != self._options.stream:
                continue
            elif message.get("type") == "RECORD":
                yield message
            elif message.get("type") == "SCHEMA":
                self._check_schema(message)
            elif message.get("type") == "BATCH":
                raise self._tap.broken("gives batches in files", "switch its batch mode off")

    def _check_schema(self, message: Message) -> None:
        """A SCHEMA may come again; what it no longer lists is missing in the records that follow."""
        properties = properties_of(message.get("schema"))
        if self._properties - properties:
            raise self._tap.broken(
                "takes properties out of the stream's SCHEMA midway", f"the next run reads anew; {BY_HAND}"
            )
        self._properties = properties

    def _check_number(self) -> None:
        if not self._number:
            raise self._tap.broken("gives no records", f"an empty list deletes nobody; {BY_HAND}")
        if not self._objects:
            raise self._tap.broken("gives records that are no objects", BY_HAND)
        complete = self._options.complete
        if complete and self._number < complete.minimum:
            what = f"gives {self._number} records, and complete.minimum is {complete.minimum}"
            raise self._tap.broken(what, f"{BY_HAND}; lower the minimum where the list is meant to be so short")

    def _find_schema(self) -> Message:
        """Read up to the schema of the stream, which comes before its records."""
        stream, others = self._options.stream, set[str]()
        for message in self._messages:
            if message.get("type") == "STATE":
                self._note_state(message)
            elif message.get("stream") != stream:
                others.add(str(message.get("stream")))
            elif message.get("type") == "SCHEMA":
                return message
            elif message.get("type") == "RECORD":
                raise self._tap.broken(f"gives records of {stream!r} before their schema", BY_HAND)
        self._tap.check_end()
        what, given = f"gives no stream {stream!r}", ", ".join(sorted(others)) or "none"
        remedy = "check stream, and that the tap's catalog selects it"
        raise IncompleteRead(self._tap.name, what, remedy=remedy, shown=f"{what} (it gives: {given})")

    def _note_state(self, message: Message) -> None:
        text = json.dumps(message.get("value"), separators=(",", ":"))
        if len(text) > LONGEST_STATE:
            raise self._tap.broken("gives a state that is too large to be bookmarks", BY_HAND)
        self._state = text

    def _record(self, message: Message) -> SourceRecord:
        self._number += 1
        position = Position(source=self._options.stream, line=self._number, unit="record")
        values, version = message.get("record"), message.get("version")
        if self._version not in (None, version):
            raise self._tap.broken("gives records of two versions of the table", "the next run reads anew")
        self._version = version
        if not isinstance(values, dict):
            return SourceRecord(values=NO_OBJECT, position=position)
        self._objects += 1
        return SourceRecord(values=values, position=position, deleted=values.get(DELETED_AT) is not None)


class Tap:
    """A tap that runs. It is heard until it is silent for more than `patience` seconds, or `sleep` raises Stopped."""

    def __init__(
        self, name: str, process: "subprocess.Popen[bytes]", patience: float, sleep: Callable[[float], None]
    ) -> None:
        assert process.stdout is not None  # noqa: S101 - it was started with pipes
        assert process.stderr is not None  # noqa: S101
        self.name = name
        self._process = process
        self._parts: queue.Queue[bytes] = queue.Queue(AHEAD)
        self._heard = b""
        self._patience = patience
        self._sleep = sleep
        self._said = 0
        self._listeners = [
            threading.Thread(target=hear, args=(pipe,), daemon=True)
            for hear, pipe in ((self._read_on, process.stdout), (self._count_lines, process.stderr))
        ]
        for listener in self._listeners:
            listener.start()

    def broken(self, what: str, remedy: str) -> IncompleteRead:
        return IncompleteRead(self.name, what, remedy=remedy)

    def messages(self) -> Iterator[Message]:
        for number, line in enumerate(self._lines(), start=1):
            if not line.strip():
                continue
            message = self._read(line, number)
            if not isinstance(message, dict) or not _is_message(message):
                raise self.broken(f"says something on line {number} that is no Singer message", BY_HAND)
            if not line.endswith(b"\n"):
                raise self.broken(f"breaks off at the end of line {number}", f"the next run reads anew; {BY_HAND}")
            yield message

    def _read(self, line: bytes, number: int) -> object:
        try:
            return read_json(line.removeprefix(BOM_UTF8).decode())
        except UnicodeDecodeError:
            remedy = "let the tap write UTF-8, as with PYTHONIOENCODING=utf-8 in its environment"
            raise self.broken(f"says something on line {number} that is not UTF-8", remedy) from None
        except (ValueError, RecursionError):
            return None

    def _lines(self) -> Iterator[bytes]:
        rest = b""
        while part := self._hear():
            *lines, rest = (rest + part).split(b"\n")
            yield from (line + b"\n" for line in lines)
            if len(rest) > LONGEST_LINE:
                raise self.broken("says a line that is too long", BY_HAND)
        if rest:
            yield rest

    def _hear(self) -> bytes:
        if not self._happens(self._says):
            raise self.broken("has been silent for too long", f"raise timeout, or {BY_HAND}")
        return self._heard

    def _says(self, seconds: float) -> bool:
        with suppress(queue.Empty):
            self._heard = self._parts.get(timeout=seconds)
            return True
        return False

    def _read_on(self, stdout: IO[bytes]) -> None:
        """In a thread: not every system can wait for a pipe and a time at once. Nothing is the end of it."""
        while part := os.read(stdout.fileno(), AT_ONCE):
            self._parts.put(part)
        self._parts.put(b"")

    def check_end(self) -> None:
        """Only a tap that exits with 0 has told everything."""
        if not self._happens(self._ends):
            raise self.broken("does not end", BY_HAND)
        if code := self._process.returncode:
            how = f"was killed by {signal.Signals(-code).name}" if code < 0 else f"failed with exit code {code}"
            raise self.broken(how, BY_HAND)

    def _ends(self, seconds: float) -> bool:
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(seconds)
        return self._process.returncode is not None

    def _happens(self, within: Callable[[float], bool]) -> bool:
        """Whether something does within our patience; asked for a while at a time, so that a stop is noticed."""
        until = time.monotonic() + self._patience
        while (left := until - time.monotonic()) > 0:
            self._sleep(0.0)
            if within(min(A_WHILE, left)):
                return True
        return False

    def _count_lines(self, stderr: IO[bytes]) -> None:
        """Standard error may hold anything, so its lines are only counted."""
        with suppress(ValueError, OSError):  # closed under its hands
            for _ in stderr:
                self._said += 1

    def stop(self) -> None:
        """Ends the tap and every process that it started."""
        ask_group_to_end(self._process)
        until = time.monotonic() + LAST_WORDS
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(max(0.0, until - time.monotonic()))
        end_group(self._process)
        self._process.wait()
        while any(listener.is_alive() for listener in self._listeners):
            self._says(LOOK)  # nobody wants it any more, but it is in the way of the rest
        for pipe in (self._process.stdout, self._process.stderr):
            if pipe is not None:
                pipe.close()
        if self._said:
            log.info("source.tap_spoke", source=self.name, count=self._said)


def _is_message(message: Message) -> bool:
    """A log line in JSON is none, and what tells no stream might be of ours."""
    kind, stream = message.get("type"), message.get("stream")
    return isinstance(kind, str) and (isinstance(stream, str) or kind not in ("SCHEMA", "RECORD", "BATCH"))


def _start(command: Sequence[str], base: Path, name: str) -> "subprocess.Popen[bytes]":
    environment = {key: value for key, value in os.environ.items() if not key.startswith(OURS)}
    try:
        return subprocess.Popen(  # noqa: S603 - it is the operator's own command
            command,
            cwd=base,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
            creationflags=OWN_GROUP,
        )
    except OSError as error:
        raise IncompleteRead(name, f"can't be started ({error.strerror})", remedy="check command") from None


def _find(program: str, base: Path) -> str:
    """From the PATH, or, for a name with a slash, from the folder of the configuration."""
    found = shutil.which(str(base / program) if set(program) & SLASHES else program)
    if found is None:
        raise IncompleteRead(
            Path(program).name, "there is no such program", remedy="install the tap, or give its whole path in command"
        )
    return found


@contextmanager
def _state_file(state: str) -> Iterator[str]:
    with tempfile.TemporaryDirectory(prefix="syncd-") as folder:
        file = Path(folder) / "state.json"
        file.write_text(state, encoding="utf-8")
        yield str(file)
