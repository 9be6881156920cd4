"""What every way to fetch a file has in common. `https`, `sftp` and `s3` fetch, each in its own way."""

from collections.abc import Callable, Iterable
from concurrent.futures import Future, wait
from contextvars import copy_context
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path, PurePosixPath
from tempfile import gettempdir
from threading import Thread
from typing import IO, TypeAlias, TypeVar
from urllib.parse import SplitResult, urlsplit

from syncd.errors import IncompleteRead
from syncd.network import LOOK_UP
from syncd.sources.files.opening import FileOptions, Waiting, without_leftovers

Named: TypeAlias = tuple[str, str]
"""The file's name, and when it was changed as far as its server tells it."""
Answer = TypeVar("Answer")

TIMEOUT = 30.0  # seconds without a sign of life
ATTEMPTS = 3
AT_ONCE = 1 << 20
LOOK = "see whether the server is up; the next run tries again"
MADE = "check url, and that the export was made"
CUT = "came cut short"
CHANGED = "was changed while it was read"
TRUSTED = "its operator renews it; SSL_CERT_FILE names the authorities that are trusted, your own among them"
AGAIN = "the next run reads it anew"


@dataclass(frozen=True, slots=True, kw_only=True)
class Download:
    """One file from `options.url` on its way into `file`; `base` is the folder of the configuration."""

    options: FileOptions
    base: Path
    file: IO[bytes] = field(repr=False)
    waiting: Waiting

    @property
    def url(self) -> SplitResult:
        return urlsplit(str(self.options.url))

    @property
    def host(self) -> str:
        return str(self.url.hostname)

    @property
    def login(self) -> tuple[str | None, str | None]:
        password = self.options.password
        return self.options.username, password.get_secret_value() if password else None

    def keep(self, part: bytes) -> None:
        try:
            self.file.write(part)
            self.file.flush()
        except OSError as error:
            what = f"can't be kept in {gettempdir()} ({error.strerror})"
            raise IncompleteRead(self.host, what, remedy="make room there, or name another folder in TMPDIR") from None

    def heard(self, work: Callable[[], Answer]) -> Answer:
        """What `work` answers or raises; it is left alone, in a thread of its own, once we are told to stop.

        Whoever calls closes what it works with.
        """
        future: Future[Answer] = Future()

        def run() -> None:
            try:
                future.set_result(work())
            except BaseException as error:  # noqa: BLE001 - it is raised where it is waited for
                future.set_exception(error)

        Thread(target=copy_context().run, args=(run,), name="download", daemon=True).start()
        while True:
            is_over = wait([future], LOOK_UP).done
            self.waiting.sleep(0.0)
            if is_over:
                return future.result()


def is_pattern(name: str) -> bool:
    return bool(set(name) & set("*?["))


def choose(names: Iterable[str], wanted: str) -> list[str]:
    """Those of a folder that are wanted. A file may really be called "Export [neu].csv"."""
    listed = list(names)
    if wanted in listed:
        return [wanted]
    return without_leftovers((name for name in listed if fnmatchcase(name, wanted)), wanted)


def name_in(path: str) -> str:
    return PurePosixPath(path).name
