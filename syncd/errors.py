"""What can go wrong, named by what the caller does next.

    SyncdError
    ├── Misconfigured      a person must change the configuration            exit 2
    ├── Fatal              this run cannot go on; what was done is recorded   exit 1
    │   ├── IncompleteRead     the source could not be read to its end
    │   ├── TokenRefused       go~mus refuses the token: nothing else will work either
    │   ├── Outage             go~mus stays out of reach
    │   ├── StateUnusable      the state database cannot be used
    │   ├── LeaseLost          another process has taken this sync over
    │   └── Stopped            asked to end: nothing more is begun
    ├── LeaseTaken         another process is running this sync              exit 5
    └── CallFailed         one go~mus call did not succeed
        ├── Refused            understood and turned down; not again as it stands
        │   └── Missing            there is no such customer
        ├── Retryable          certainly not processed; may be sent again
        │   ├── NotYet             answered, but what go~mus shows is not what it has said; a later run looks again
        │   └── NoTurn             not sent: other processes have all the calls at once that the instance is promised
        └── Unclear            may or may not have taken effect; look before doing anything

Messages are written for the operator and may be logged: they name files, lines, keys and fields, never values,
nor any word that somebody else has said.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from syncd.reasons import Told


def lacks_extra(extra: str) -> str:
    """The words for a package that an optional part of syncd needs; `extra` is one of `pyproject.toml`."""
    return f"needs the extra '{extra}': pip install 'syncd[{extra}]'"


class SyncdError(Exception):
    """Base of all; `remedy` says what the reader can do about it.

    `shown` is the message for whoever asks at a terminal: there it may hold a source's own names of columns and sheets.
    """

    def __init__(self, message: str, *, remedy: str | None = None, shown: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.remedy = remedy
        self.shown = shown or message

    def __str__(self) -> str:
        return f"{self.message}: {self.remedy}" if self.remedy else self.message


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """One mistake in the configuration: `path` is the key's path (`sync.members.delete.grace`).

    `place` is the file, line and column where they are known (`config.toml:28:9`), `excerpt` that line, underlined.
    """

    path: str
    message: str
    place: str = ""
    excerpt: str = ""

    def __str__(self) -> str:
        return f"{self.path}: {self.message}" if self.path else self.message

    @property
    def located(self) -> str:
        return f"{self.place}: {self}" if self.place else str(self)


class Misconfigured(SyncdError):
    """All mistakes found, at once."""

    def __init__(self, problems: Iterable[Problem], *, remedy: str | None = None) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(problem.located for problem in self.problems), remedy=remedy)


class Fatal(SyncdError):
    """The run ends here."""


class IncompleteRead(Fatal):
    """The source broke off or cannot be trusted: nothing about absence follows from it.

    `place` is the file and line, or the page, where it broke.
    """

    def __init__(self, place: str, message: str, *, remedy: str | None = None, shown: str | None = None) -> None:
        super().__init__(f"{place}: {message}", remedy=remedy, shown=f"{place}: {shown or message}")
        self.place = place


class TokenRefused(Fatal):
    """401 or 403."""


GOES_ON = "what was done is recorded; the next run goes on from here"


class Outage(Fatal):
    """A bounded streak of failed calls is over the bound."""

    def __init__(self, message: str) -> None:
        super().__init__(message, remedy=GOES_ON)


class StateUnusable(Fatal):
    """Unreachable, read-only, full, too new, or on a file system that cannot lock."""


class StateLocksUsOut(StateUnusable):
    """The server does not know the user or the password: it stays so until a person changes one of them."""


class LeaseLost(Fatal):
    """The fencing number moved on: another process writes for this sync now."""


class Stopped(Fatal):
    """SIGTERM or Ctrl-C. A wait that was cut short raises it, so that nobody takes it for proof of anything."""

    def __init__(self) -> None:
        super().__init__("asked to stop", remedy=GOES_ON)


class LeaseTaken(SyncdError):
    """Another process holds the lease."""


class CallFailed(SyncdError):
    """One call; `status` is the HTTP status where there was an answer, `attempts` the tries made.

    `retry_after` is how many seconds the server asks to be left alone.
    """

    def __init__(
        self,
        message: str,
        *,
        status: int | None = None,
        attempts: int = 1,
        remedy: str | None = None,
        retry_after: float | None = None,
    ) -> None:
        super().__init__(message, remedy=remedy)
        self.status = status
        self.attempts = attempts
        self.retry_after = retry_after


class Refused(CallFailed):
    """`reasons` are what the catalogue knows of the server's words; nothing else of them is kept.

    `named` are the foreign_ids of a batch that the messages blame; empty where they do not say. `number` is the one
    that they hold, which may be how many customers are taken at once. `says_taken`: somebody has the foreign_id.
    """

    def __init__(  # noqa: PLR0913 - what a server says has so many parts
        self,
        message: Told,
        *,
        reasons: tuple[str, ...] = (),
        named: frozenset[str] = frozenset(),
        number: int | None = None,
        says_taken: bool = False,
        status: int | None = None,
        attempts: int = 1,
    ) -> None:
        super().__init__(message, status=status, attempts=attempts)
        self.reasons = reasons
        self.named = named
        self.number = number
        self.says_taken = says_taken


class Missing(Refused):
    """404 or 410."""


class Retryable(CallFailed):
    """Never arrived (connect error) or turned away unprocessed (429, 503)."""


class NotYet(Retryable):
    """go~mus is there and answers, so this is no outage; only time tells."""


class NoTurn(Retryable):
    """It had to wait for its turn for too long, and is to be asked anew whether it still is to be sent."""


class Unclear(CallFailed):
    """Time-out, broken connection, or a 5xx that may have come after the commit."""
