"""A file on its way in: found, opened once nobody writes to it, unchanged to its end. Others read what is in it."""

import os
import re
import stat
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from glob import escape, glob
from hashlib import sha256
from importlib.util import find_spec
from pathlib import Path, PurePath
from typing import BinaryIO, Protocol, Self, TypeAlias, TypeVar
from urllib.parse import SplitResult, urlsplit

from pydantic import Field, SecretStr, field_validator, model_validator

from syncd.domain.addresses import AT_HOME
from syncd.domain.durations import Duration
from syncd.errors import IncompleteRead, lacks_extra
from syncd.sources.base import SourceOptions, error_at

_NEEDS = {"https": None, "sftp": "paramiko", "s3": "obstore"}  # what of the extra `remote`
_LOGIN = {  # which keys are of use with which address
    "https": ("username", "password", "token"),
    "sftp": ("username", "password", "key_file", "known_hosts"),
    "s3": ("username", "password"),
}
_BLOCK = 1 << 20
_PATIENCE = timedelta(minutes=10)  # with a file that keeps growing
_AGAIN = "the next run reads it anew; a longer `settled` gives the writer more time"
_LEFT_BESIDE = re.compile(
    r"[.~].*|thumbs\.db|desktop\.ini|.*(?:\.(?:tmp|temp|part|partial|filepart|crdownload|swp|bak)|~)", re.IGNORECASE
)


def without_leftovers(names: Iterable[str], pattern: str) -> list[str]:
    """The names that a pattern means: no program's lock, nothing hidden, and nothing that is not yet whole.

    `~$members.xlsx` lies beside a workbook that somebody has open, `._members.csv` beside a file from a Mac. A pattern
    that begins or ends as such a name does asks for them.
    """
    if _LEFT_BESIDE.fullmatch(PurePath(pattern).name.replace("*", "x")):
        return list(names)
    return [name for name in names if not _LEFT_BESIDE.fullmatch(PurePath(name).name)]


Content: TypeAlias = tuple[bytes, str, str]
"""A pattern for the first bytes, what it says about the file, and the remedy."""
NO_TABLE: Sequence[Content] = (
    (rb"%PDF-", "is a PDF, not a table", "export the list as CSV or as a workbook"),
    (rb"\x1f\x8b", "is compressed", "unpack it first"),
    (rb"(?s)PK\x03\x04.{26}[^/\0]{1,99}?\.(csv|txt|tsv)", "is a zip with a text file in it", "unpack it first"),
    (
        rb"(\xef\xbb\xbf)?\s*<(!doctype|html|head|body|table|\?xml)",
        "is a web page or XML, not a table",
        "see whether the download has stored a login or error page instead of the export",
    ),
)


class FileOptions(SourceOptions):
    """Options of every source that reads a file: `path` on this machine, or `url` on another with its credentials."""

    path: str | None = Field(
        default=None, min_length=1, description="The file; with `*` in it the newest that matches."
    )
    url: str | None = Field(
        default=None, repr=False, description="A file on another machine in its place: https, sftp or s3."
    )
    username: str | None = Field(default=None, description="The user; for s3 the access key.")
    password: SecretStr | None = Field(
        default=None, description="The password; for s3 the secret key, beside `key_file` its passphrase."
    )
    token: SecretStr | None = Field(default=None, description="A bearer token for https.")
    key_file: str | None = Field(default=None, description="A private key for sftp.")
    known_hosts: str | None = Field(
        default=None, description="The keys of hosts for sftp; else those in ~/.ssh/known_hosts."
    )
    settled: Duration = Field(
        default=timedelta(seconds=5), description="A file younger than this may still be being written: syncd waits."
    )

    @property
    def files(self) -> tuple[str, ...]:
        return (self.path,) if self.path else ()

    @field_validator("url")
    @classmethod
    def _can_be_fetched(cls, url: str) -> str:
        try:
            parsed = urlsplit(url)
            host, _ = parsed.hostname, parsed.port
        except ValueError:
            host = None
        if not host or (parsed.scheme not in _NEEDS and not (parsed.scheme == "http" and host in AT_HOME)):
            raise ValueError("must begin with 'https://', 'sftp://' or 's3://', and the name of a host or bucket")
        if parsed.username is not None:
            raise ValueError("must not hold a user or password: use username and password")
        if parsed.scheme in ("sftp", "s3"):
            _check_path(parsed)
        needed = _NEEDS.get(parsed.scheme)
        if needed and not _is_installed(needed):
            raise ValueError(lacks_extra("remote"))
        return url

    @model_validator(mode="after")
    def _has_one_place(self) -> Self:
        if self.path is None and self.url is None:
            raise error_at("path", "is missing: name a file, or url for one on another machine")
        if self.path is not None and "://" in self.path:
            raise error_at("path", "names a file on this machine: for an address write url in place of path")
        if self.path is not None and self.url is not None:
            raise error_at("url", "is for a file on another machine: leave out path, or this")
        for key in ("username", "password", "token", "key_file", "known_hosts"):
            if getattr(self, key) and self.url is None:
                raise error_at(key, "is only of use with url")
            if getattr(self, key) and key not in _LOGIN[self.scheme]:
                raise error_at(key, f"is of no use with {self.scheme}: leave it out")
        if self.token and self.username:
            raise error_at("token", "is one login, username and password another: leave out one")
        if self.scheme == "s3" and bool(self.username) != bool(self.password):
            raise error_at("username", "is the access key, password the secret key: name both, or none of them")
        return self

    @property
    def scheme(self) -> str:
        """Of `url`; http, which stays on this machine, counts as https."""
        scheme = urlsplit(self.url or "").scheme
        return "https" if scheme == "http" else scheme


def _check_path(url: SplitResult) -> None:
    folder, _, name = url.path.rpartition("/")
    if url.query or url.fragment:
        raise ValueError("must have no '?' or '#': * stands for any letters")
    if not name:
        raise ValueError("must name a file, or files with *")
    if "*" in folder:
        raise ValueError("may have * in the name of the file only, not in its folders")


def _is_installed(package: str) -> bool:
    try:
        return find_spec(package) is not None
    except ImportError:
        return False


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenFile:
    """A file that is being read; `raw` is seekable.

    `check_unchanged` raises IncompleteRead where the file was written to meanwhile.
    """

    name: str
    raw: BinaryIO = field(repr=False)
    check_unchanged: Callable[[], None] = field(default=lambda: None, repr=False)
    found: "FoundFile | None" = field(default=None, repr=False)  # on this machine
    version: str = field(default="", repr=False)  # tells one state of the file from another: size and time of change

    def digest(self, stop_if_asked: Callable[[], None]) -> bytes:
        """Of all that is in it; it is read from its beginning again afterwards."""
        whole = sha256()
        try:
            while block := self.raw.read(_BLOCK):
                stop_if_asked()
                whole.update(block)
            self.raw.seek(0)
        except OSError as error:
            raise unreadable(self.name, error) from error
        return whole.digest()


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """How to wait until a file is quiet: until nothing was written to it for as long as `settled`."""

    settled: timedelta
    sleep: Callable[[float], None]
    clock: Callable[[], datetime]


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundFile:
    """A file as it was when it was found. Two of them are equal only if nothing was written in between."""

    path: Path
    inode: int
    size: int
    modified_ns: int

    @property
    def name(self) -> str:
        return self.path.name

    @property
    def modified(self) -> float:
        return self.modified_ns / 1e9

    def check_unchanged(self) -> None:
        if _inspect(self.path) != self:
            raise IncompleteRead(self.name, "was changed while it was being read", remedy=_AGAIN)


class Found(Protocol):
    """A file as it was when it was found; two are equal only if nothing was written in between."""

    @property
    def name(self) -> str: ...

    @property
    def modified(self) -> float:
        """In seconds since 1970."""


File = TypeVar("File", bound=Found)


def wait_for_quiet(find: Callable[[], File], waiting: Waiting) -> File:
    """What is found, once nothing is written to it any more."""
    seen, quiet, waited = None, 0.0, 0.0
    while True:
        found = find()
        if found != seen:
            # A time in the future, from a server whose clock is ahead, counts as now; from here on we count ourselves.
            seen, quiet = found, max(waiting.clock().timestamp() - found.modified, 0.0)
        if (pause := waiting.settled.total_seconds() - quiet) <= 0:
            return found
        if waited > (waiting.settled + _PATIENCE).total_seconds():
            raise IncompleteRead(found.name, "is still being written to", remedy="see what keeps writing to it")
        waiting.sleep(pause)
        quiet, waited = quiet + pause, waited + pause


def _find_newest(pattern: str, base: Path) -> FoundFile:
    if not set(pattern) & set("*?["):
        return _inspect(base / pattern)
    # A file may really be called "Export [neu].csv".
    names = glob(escape(pattern), root_dir=base) or glob(pattern, root_dir=base, recursive=True)  # noqa: PTH207 - Path.glob takes no absolute pattern
    names = without_leftovers(names, pattern)
    files = [_inspect(path) for name in names if not stat.S_ISDIR(_stat(path := base / name).st_mode)]
    if not files:
        raise IncompleteRead(
            str(base / pattern), "no file matches", remedy="check `path`, and that syncd may look into the folder"
        )
    return max(files, key=lambda file: (file.modified_ns, file.name))


def _inspect(path: Path) -> FoundFile:
    found = _stat(path)
    if not stat.S_ISREG(found.st_mode):
        # To open a pipe would wait for its writer for ever.
        kind = "is a folder" if stat.S_ISDIR(found.st_mode) else "is not a regular file"
        raise IncompleteRead(str(path), kind, remedy="`path` must name a file, or files with *")
    return FoundFile(path=path, inode=found.st_ino, size=found.st_size, modified_ns=found.st_mtime_ns)


def _stat(path: Path) -> os.stat_result:
    try:
        return path.stat()
    except OSError as error:
        raise unreadable(str(path), error) from error


def unreadable(place: str, error: OSError) -> IncompleteRead:
    if isinstance(error, FileNotFoundError):
        return IncompleteRead(place, "there is no such file", remedy="check `path`, and that the export was made")
    if isinstance(error, PermissionError):
        return IncompleteRead(place, "syncd may not read it", remedy="give the user that runs syncd the right to")
    return IncompleteRead(place, f"can't be read ({error.strerror})", remedy="check the disk or the network share")


@contextmanager
def open_file(options: FileOptions, base: Path, waiting: Waiting) -> Iterator[OpenFile]:
    """The newest file that `options.path` names, once nobody writes to it any more.

    Raises IncompleteRead where there is none, or it can't be read.
    """
    file = wait_for_quiet(lambda: _find_newest(options.path or "", base), waiting)
    try:
        raw = file.path.open("rb")
    except OSError as error:
        raise unreadable(str(file.path), error) from error
    with raw:
        version = f"{file.size} {file.modified_ns}"
        yield OpenFile(name=file.name, raw=raw, check_unchanged=file.check_unchanged, found=file, version=version)


def check_contents(head: bytes, name: str, contents: Sequence[Content]) -> None:
    """Raises IncompleteRead where the file is empty, or begins as one of `contents` does."""
    if not head:
        raise IncompleteRead(name, "is empty", remedy="export it anew; an empty file deletes nobody")
    for pattern, what, remedy in contents:
        if re.match(pattern, head, re.IGNORECASE):
            raise IncompleteRead(name, what, remedy=remedy)
