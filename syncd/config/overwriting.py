"""Whether a worklist would be written over a list that somebody reads, or over another worklist."""

from fnmatch import fnmatch
from glob import escape
from os.path import normpath
from pathlib import Path

from syncd.config.model import Config
from syncd.config.places import KeyPath, spell
from syncd.errors import Problem

MAGIC = frozenset("*?[")


def find_overwritten(config: Config) -> dict[KeyPath, Problem]:
    found: dict[KeyPath, Problem] = {}
    taken: dict[str, str] = {}
    plain, patterns = _lists(config)
    for sync in config.syncs.values():
        if sync.worklist is None:
            continue
        place: KeyPath = ("sync", sync.name, "worklist")
        file = normpath(config.base / sync.worklist.path)
        reader = plain.get(file) or next((name for name, one in patterns if _reads(config, one, file)), None)
        message = f"is the list that the sync {reader!r} reads: it would be written over" if reader else ""
        if file in taken:
            message = f"is the worklist of the sync {taken[file]!r} already: each needs a file of its own"
        if message:
            found[place] = Problem(path=spell(place), message=f"{sync.worklist.path!r} {message}")
        taken.setdefault(file, sync.name)
    return found


def _lists(config: Config) -> tuple[dict[str, str], list[tuple[str, str]]]:
    """Which sync reads each file, and which one each pattern of files; a name such as members[1].csv may be both."""
    lists = [(sync.name, one) for sync in config.syncs.values() for one in sync.source.files]
    plain = {normpath(config.base / one): name for name, one in reversed(lists)}
    return plain, [(name, one) for name, one in lists if MAGIC & {*one}]


def _reads(config: Config, pattern: str, file: str) -> bool:
    spelt = normpath(Path(escape(str(config.base))) / pattern)
    return fnmatch(file, spelt) if "**" in pattern else Path(file).match(spelt)
