"""Reads the configuration again for a process that stays, and notices by itself when a folder of museums has changed.

Of a file with mistakes what it said before stays in force; `syncd.toml` with mistakes leaves all as it was.
"""

from collections.abc import Callable

import structlog

from syncd.config import folder
from syncd.config.model import Config, Marks
from syncd.errors import Problem

log = structlog.get_logger()
LOOK = 3.0  # seconds between two looks at the folder
OUT_OF_REACH: Marks = {}  # not even syncd.toml; to read it then is refused in words


class Reading:
    """`config` is what was read at the start. Each mistake of a museum's file is told once, until it is another one."""

    def __init__(self, load: Callable[[], Config], config: Config, monotonic: Callable[[], float]) -> None:
        self._load = load
        self._monotonic = monotonic
        self._folder = config.base
        self._read = self._seen = config.marks
        self._next_look = 0.0
        self._told: dict[str, tuple[Problem, ...]] = {}

    def is_due(self) -> bool:
        """Whether the folder, or files in it, are new, gone or others, and stayed so from one look to the next.

        Who is still writing a file is not read: half of one may be a sound configuration, and another one.
        """
        now = self._monotonic()
        if self._read is None or now < self._next_look:
            return False
        self._next_look = now + LOOK
        before = self._seen
        try:
            self._seen = folder.marks_of(self._folder)
        except OSError:
            self._seen = OUT_OF_REACH
        if self._seen == self._read or self._seen != before:
            return False
        self._read = self._seen
        return True

    def read_anew(self, before: Config) -> Config:
        """Raises Misconfigured."""
        config = folder.keep_what_is_broken(self._load(), before)
        if config.marks is not None:
            self._read = self._seen = config.marks
        self.tell(config)
        return config

    def tell(self, config: Config) -> None:
        """Write to the log which museums' files have mistakes."""
        found = {name: museum.problems for name, museum in config.broken.items()}
        for name in (one for one, problems in found.items() if problems != self._told.get(one)):
            log.error(
                "daemon.config_refused",
                museum=name,
                problems=[problem.located for problem in found[name]],
                remedy="mend the file; until then its syncs run as before, or not at all where they never did",
            )
        self._told = found
