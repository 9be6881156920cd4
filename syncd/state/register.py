"""Where the ledger of erasures is kept: a file, or a table of its own in a database. Lines are only ever added."""

import os
import re
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from pathlib import Path

import sqlalchemy as sa

from syncd.errors import Fatal, Misconfigured, Problem, StateUnusable
from syncd.machine import files, locks
from syncd.state.connect import open_engine, translate_errors, unwritable

WHAT = "the ledger of erasures"
HEX = "[0-9a-f]{32}"
LINE = re.compile(rf"(\S+) ([a-z]+) ({HEX}) ({HEX}) ({HEX}) ({HEX})")


class Word(Enum):
    """What a line says of a person."""

    ERASED = "erased"
    UNDONE = "undone"  # may be created again
    LINKED = "linked"  # go~mus had the customer before it got its foreign_id
    CREATED = "created"  # another customer has that foreign_id now


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """`key` is the check of the key that made the other digests; all of them in hexadecimal digits."""

    at: datetime
    word: Word
    key: str
    instance: str
    address: str
    person: str

    def __str__(self) -> str:
        return f"{self.at.isoformat()} {self.word.value} {self.key} {self.instance} {self.address} {self.person}"

    @classmethod
    def parse(cls, text: str) -> "Line | None":
        with suppress(ValueError):
            if found := LINE.fullmatch(text):
                at, word, key, instance, address, person = found.groups()
                moment = datetime.fromisoformat(at)
                return cls(at=moment, word=Word(word), key=key, instance=instance, address=address, person=person)
        return None


class Register(ABC):
    """Its name in words is `str`."""

    @abstractmethod
    def read(self) -> Sequence[Line]:
        """All lines, the oldest first; none where nothing was written yet.

        Raises Misconfigured where one can't be understood, and Fatal where the register can't be read.
        """

    @abstractmethod
    def append(self, lines: Iterable[Line]) -> None:
        """Add lines; they are safe from a crash when this returns. Raises Fatal where they can't be written."""


@dataclass(frozen=True, slots=True)
class RegisterFile(Register):
    """One line of text for each. Where a crash has cut the last line short, it was never relied on, and goes."""

    path: Path

    def __str__(self) -> str:
        return str(self.path)

    def read(self) -> Sequence[Line]:
        try:
            content = self.path.read_bytes()
        except FileNotFoundError:
            self._require_folder()
            return []
        except OSError as error:
            raise Fatal(f"{WHAT}, {self.path}, can't be read ({error.strerror})", remedy=OWNER) from None
        whole, last = _split(content)
        lines = [_parse(text, f"{self.path} line {n}", "the file") for n, text in enumerate(whole, start=1)]
        return [*lines, last] if last else lines

    def _require_folder(self) -> None:
        if not self.path.parent.is_dir():
            raise Fatal(f"the folder of {WHAT}, {self.path.parent}, does not exist", remedy=FOLDER)

    def append(self, lines: Iterable[Line]) -> None:
        text = "".join(f"{line}\n" for line in lines).encode()
        try:
            with self._locked() as descriptor:
                _mend_end(descriptor, self.path.read_bytes())
                _write_whole(descriptor, text)
            files.sync_folder(self.path.parent)
        except OSError as error:
            failure = unwritable(f"{WHAT}, {self.path},", error)
            raise Fatal(failure.message, remedy=failure.remedy) from None

    @contextmanager
    def _locked(self) -> Iterator[int]:
        self._require_folder()
        with ExitStack() as stack:
            opened = [
                files.open_own(file, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
                for file in (self.path, locks.locked_for(self.path))
            ]
            for one in opened:
                stack.callback(os.close, one)
            descriptor, held = opened
            locks.wait_for(held)
            files.make_private(descriptor)
            yield descriptor


OWNER = "let the user that runs syncd read it"
FOLDER = "make it, or mount what belongs there; the ledger must not be begun anew where an older one exists"


def _parse(text: str, where: str, what: str) -> Line:
    line = Line.parse(text)
    if line is None:
        message = f"{where} is no line of a ledger: restore {what} from a backup"
        raise Misconfigured([Problem(path="state.ledger", message=message)])
    return line


def _split(content: bytes) -> tuple[list[str], Line | None]:
    """The lines that end, and the last one if only its end is missing."""
    *whole, last = content.decode("utf-8", "replace").split("\n")
    return [line.removesuffix("\r") for line in whole], Line.parse(last)


def _mend_end(descriptor: int, content: bytes) -> None:
    _, last = _split(content)
    if last:
        os.write(descriptor, b"\n")
    else:
        os.ftruncate(descriptor, content.rfind(b"\n") + 1)


def _write_whole(descriptor: int, text: bytes) -> None:
    """All or nothing: half of it would list people whose erasure has failed."""
    size = os.fstat(descriptor).st_size
    try:
        while text:
            text = text[os.write(descriptor, text) :]
        os.fsync(descriptor)
    except OSError:
        with suppress(OSError):
            os.ftruncate(descriptor, size)
        raise


metadata = sa.MetaData()
table = sa.Table(
    "syncd_ledger",
    metadata,
    sa.Column("number", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True, autoincrement=True),
    sa.Column("line", sa.Text, nullable=False),
)


@dataclass(frozen=True, slots=True)
class RegisterTable(Register):
    """A table in a database, made where it is missing; each line as a file would have it."""

    url: str

    def __str__(self) -> str:
        return "the ledger's table syncd_ledger"

    def read(self) -> Sequence[Line]:
        file = sa.make_url(self.url).database if self.url.startswith("sqlite") else None
        if file and not Path(file).exists():
            return []
        with self._connected() as connection:
            if not sa.inspect(connection).has_table(table.name):
                return []
            texts = connection.execute(sa.select(table.c.line).order_by(table.c.number)).scalars().all()
        return [_parse(text, f"row {number} of {self}", "it") for number, text in enumerate(texts, start=1)]

    def append(self, lines: Iterable[Line]) -> None:
        with self._connected() as connection:
            metadata.create_all(connection)
            connection.execute(table.insert(), [{"line": str(line)} for line in lines])

    @contextmanager
    def _connected(self) -> Iterator[sa.Connection]:
        """One transaction. A connection of its own: the ledger may be where the state is not."""
        try:
            engine = open_engine(self.url)
            try:
                with translate_errors(engine), engine.begin() as connection:
                    yield connection
            finally:
                engine.dispose()
        except StateUnusable as error:
            remedy = (error.remedy or "").replace("state.url", "state.ledger")
            raise Fatal(error.message.replace("the state database", WHAT), remedy=remedy or None) from None


def open_register(place: str) -> Register:
    """A URL is that of a database, everything else a path."""
    return RegisterTable(place) if "://" in place else RegisterFile(Path(place))
