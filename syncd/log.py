"""The log: structlog, one event a line. What may leave is on the list below; everything else stays, whoever logs it.

Libraries log through the standard library. That they warned is told, their words are not: httpx and SQLAlchemy put
URLs, headers and statement parameters into theirs.
"""

import codecs
import json
import logging
import math
import re
import sys
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from enum import Enum, auto
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal, TextIO

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

from syncd.errors import SyncdError

LogFormat = Literal["json", "console"]


class Shape(Enum):
    """What a value may look like: a mapping under a key meant for names would carry values out."""

    ONE = auto()  # text, number, true or false, nothing
    MANY = auto()  # a list of these
    FIGURES = auto()  # names with numbers


ALLOWED: Mapping[str, Shape] = {
    # where we are
    "museum": Shape.ONE,  # whose file of the configuration it is
    "sync": Shape.ONE,  # name of the sync
    "run": Shape.ONE,  # id of the run
    "instance": Shape.ONE,  # name of the go~mus instance
    "trigger": Shape.ONE,  # what started the run: schedule, once, a person
    "replica": Shape.ONE,  # which process, where several run
    "holder": Shape.ONE,  # which process has what this one waits for
    # one customer
    "foreign_id": Shape.ONE,
    "gomus_id": Shape.ONE,
    "action": Shape.ONE,  # create, update, adopt, anonymize, delete, release
    "result": Shape.ONE,  # ok, failed, skipped
    "fields": Shape.MANY,  # names of fields, never values
    # one call
    "status": Shape.ONE,  # HTTP status; of a run: how it ended
    "attempts": Shape.ONE,
    "wait": Shape.ONE,  # seconds until the next try
    "until": Shape.ONE,  # when something is looked at again
    # what went wrong
    "error": Shape.ONE,  # a SyncdError's message, or a class name
    "remedy": Shape.ONE,
    "reason": Shape.ONE,  # names fields, never values
    "problems": Shape.MANY,  # "field: reason", or "key.path: message"
    "guard": Shape.ONE,
    # figures
    "counts": Shape.FIGURES,
    "figures": Shape.FIGURES,
    "count": Shape.ONE,
    "duration": Shape.ONE,  # seconds
    "limit": Shape.ONE,
    # where something is
    "source": Shape.ONE,  # the adapter's type, or its description of what it reads
    "position": Shape.ONE,  # file and line, or page and number
    "host": Shape.ONE,
    "port": Shape.ONE,
    # the process
    "version": Shape.ONE,
    "next_run": Shape.ONE,
    "schedule": Shape.ONE,
    "signal": Shape.ONE,
    "syncs": Shape.MANY,
    "logger": Shape.ONE,  # which library warned
}
_PLACES = {key: place for place, key in enumerate(ALLOWED)}
_EVENT_NAME = re.compile(r"[a-z_]+(\.[a-z_]+)*")

get_logger = structlog.get_logger
bound = structlog.contextvars.bound_contextvars
"""`with bound(sync="members", run="..."):` puts these on every event inside the block (of this thread)."""


_streams: list[TextIO] = []  # where the log goes
_formats: list[LogFormat] = []  # and how


def chosen_format() -> LogFormat | None:
    return _formats[0] if _formats else None


def pass_on(line: str) -> None:
    """A line of the log of a process that works for this one, as it has made it."""
    for stream in _streams:
        stream.write(line)


@contextmanager
def together() -> Iterator[None]:
    """Lines of many records leave together at the end of the block, where the stream can hold them."""
    with ExitStack() as stack:
        for stream in _streams:
            if holding := getattr(stream, "holding", None):
                stack.enter_context(holding())
        yield


OF_SINGLE_RECORDS = ("record.outcome", "record.drift", "source.invalid_record", "source.skipped_row")


def configure(
    format: LogFormat | None, stream: TextIO, *, clock: Callable[[], datetime] | None = None, is_calm: bool = False
) -> None:
    """Once, at the start of the process; without a format, a terminal is written to for people.

    There `is_calm` leaves out what is said of single records.
    """
    chosen = format or ("console" if stream.isatty() else "json")
    leaves_out = is_calm and chosen == "console" and stream.isatty()
    structlog.configure(
        processors=[
            *([_leave_out_records] if leaves_out else []),
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            _timestamp(clock or (lambda: datetime.now(UTC))),
            keep_allowed,
            structlog.processors.ExceptionRenderer(lambda exc_info: list(_describe_chain(exc_info[1]))),
            _json(stream) if chosen == "json" else _console(stream),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=structlog.WriteLoggerFactory(file=stream),
        cache_logger_on_first_use=False,
    )
    _streams[:], _formats[:] = [stream], [chosen]
    _tame_libraries()


def _leave_out_records(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    if event["event"] in OF_SINGLE_RECORDS:
        raise structlog.DropEvent
    return event


def _timestamp(clock: Callable[[], datetime]) -> Processor:
    def stamp(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
        moment = clock().astimezone(UTC).isoformat(timespec="milliseconds")
        event["timestamp"] = moment.removesuffix("+00:00") + "Z"
        return event

    return stamp


def keep_allowed(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Drops what is not on the list, and what does not have its shape; says by name what it dropped."""
    kept = {key: event[key] for key in ("timestamp", "level") if key in event}
    # a name put together at run time may hold a value
    static = isinstance(event["event"], str) and _EVENT_NAME.fullmatch(event["event"])
    kept["event"] = event["event"] if static else "unnamed"
    for key in _allowed_of(tuple(event)):
        shaped = _shaped(event[key], ALLOWED[key])
        if shaped is not _UNFIT:
            kept[key] = shaped
    if "exc_info" in event:
        kept["exc_info"] = event["exc_info"]
    if static and len(kept) == len(event):
        return kept
    return {**kept, "dropped": sorted(event.keys() - kept.keys()) + ([] if static else ["event"])}


@lru_cache(maxsize=256)
def _allowed_of(keys: tuple[str, ...]) -> Sequence[str]:
    """In their order; remembered, for there is a line for each outcome."""
    return sorted(ALLOWED.keys() & set(keys), key=_PLACES.__getitem__)


_UNFIT = object()


def _shaped(value: object, shape: Shape) -> object:
    if shape is Shape.ONE:
        return _scalar(value)
    if shape is Shape.FIGURES:
        return _figures(value)
    if not isinstance(value, list | tuple | set | frozenset):
        return _UNFIT
    listed = sorted(value) if isinstance(value, set | frozenset) else value
    if all(type(one) is str for one in listed) and "".join(listed).isascii():
        return list(listed)
    several = [_scalar(one) for one in listed]
    return _UNFIT if _UNFIT in several else several


def _figures(value: object) -> object:
    if not isinstance(value, Mapping):
        return _UNFIT
    figures = {_scalar(name): _scalar(number) for name, number in value.items()}
    fit = all(isinstance(name, str) and isinstance(number, int | float) for name, number in figures.items())
    return figures if fit else _UNFIT


def _scalar(value: object) -> object:
    if value is None or type(value) is int or (type(value) is str and value.isascii()):  # as nearly all are
        return value
    if isinstance(value, Enum):
        value = value.value
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, timedelta):
        return value.total_seconds()
    if isinstance(value, str | Path):
        # lone surrogates, from a file read wrongly, can't be written anywhere
        return str(value).encode("utf-8", "backslashreplace").decode()
    if isinstance(value, float) and not math.isfinite(value):
        return _UNFIT
    return value if value is None or isinstance(value, bool | int | float) else _UNFIT


def _describe_chain(error: BaseException | None) -> Iterator[dict[str, object]]:
    """The error, then what led to it. Classes and places only: messages of others than ours may quote anything."""
    seen: set[int] = set()
    due = [error]
    while due:
        error = due.pop(0)
        if error is None or id(error) in seen:
            continue
        seen.add(id(error))
        yield _describe_one(error)
        if isinstance(error, BaseExceptionGroup):
            due.extend(error.exceptions)
        due.append(error.__cause__ or (None if error.__suppress_context__ else error.__context__))


def _describe_one(error: BaseException) -> dict[str, object]:
    kind = type(error)
    described: dict[str, object] = {"type": f"{kind.__module__}.{kind.__qualname__}".removeprefix("builtins.")}
    if isinstance(error, SyncdError):
        described["message"] = str(error)
    described["frames"] = [
        f"{_short(frame.f_code.co_filename)}:{line} in {frame.f_code.co_qualname}"
        for frame, line in traceback.walk_tb(error.__traceback__)
    ]
    return described


def _short(filename: str) -> str:
    """From the package on: `syncd/run.py`; what lies above says only where it is installed."""
    for root in sorted(filter(None, sys.path), key=len, reverse=True):
        if filename.startswith(root.rstrip("/\\") + "/"):
            return filename[len(root.rstrip("/\\")) + 1 :]
    return Path(filename).name


def _json(stream: TextIO) -> Processor:
    # a stream that can't write every character (stdout on Windows, for one) gets escapes: still JSON, and no error
    ascii_only = codecs.lookup(stream.encoding or "utf-8").name != "utf-8"
    encode = json.JSONEncoder(ensure_ascii=ascii_only, separators=(",", ":")).encode  # made once: it is hot
    return lambda _logger, _method, event: encode(event)


def _console(stream: TextIO) -> Processor:
    if callable(reconfigure := getattr(stream, "reconfigure", None)):
        reconfigure(errors="backslashreplace")  # a character that the terminal can't show must not end a run
    # repr, so that no value brings line breaks or escape codes to the terminal
    render = structlog.dev.ConsoleRenderer(colors=stream.isatty(), sort_keys=False, repr_native_str=True)

    def render_for_people(logger: WrappedLogger, method: str, event: EventDict) -> str:
        if exception := event.pop("exception", None):
            event["exception"] = "\n".join(_lines_of(exception))
        return str(render(logger, method, event))

    return render_for_people


def _lines_of(exception: list[dict[str, Any]]) -> Iterator[str]:
    for error in exception:
        yield ": ".join(filter(None, (error["type"], error.get("message"))))
        yield from (f"    {frame}" for frame in error["frames"])


class _LibraryWarnings(logging.Handler):
    """Tells that a library warned, and which; never what it said."""

    def emit(self, record: logging.LogRecord) -> None:
        structlog.get_logger().log(record.levelno, "library.warning", logger=record.name)

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - the name is the standard library's
        """Its own would print the message and the arguments."""


def _tame_libraries() -> None:
    root = logging.getLogger()
    root.handlers = [_LibraryWarnings(level=logging.WARNING)]
    root.setLevel(logging.WARNING)
    logging.captureWarnings(capture=True)
