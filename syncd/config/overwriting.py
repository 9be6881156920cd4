"""Whether a worklist would be written over a list that somebody reads, or over another worklist."""

from fnmatch import fnmatch
from glob import escape
from os.path import normpath
from pathlib import Path

from syncd.config.model import Config
from syncd.config.places import KeyPath, spell
from syncd.errors import Problem


def find_overwritten(config: Config) -> dict[KeyPath, Problem]:
    found: dict[KeyPath, Problem] = {}
    taken: dict[str, str] = {}
    lists = {sync.name: sync.source.files for sync in config.syncs.values()}
    for sync in config.syncs.values():
        if sync.worklist is None:
            continue
        place: KeyPath = ("sync", sync.name, "worklist")
        file = normpath(config.base / sync.worklist.path)
        readers = [name for name, files in lists.items() if any(_reads(config, one, file) for one in files)]
        message = f"is the list that the sync {readers[0]!r} reads: it would be written over" if readers else ""
        if file in taken:
            message = f"is the worklist of the sync {taken[file]!r} already: each needs a file of its own"
        if message:
            found[place] = Problem(path=spell(place), message=f"{sync.worklist.path!r} {message}")
        taken.setdefault(file, sync.name)
    return found


def _reads(config: Config, pattern: str, file: str) -> bool:
    """A name may look like a pattern, as members[1].csv does, and means itself first."""
    spelt = normpath(Path(escape(str(config.base))) / pattern)
    is_found = fnmatch(file, spelt) if "**" in pattern else Path(file).match(spelt)
    return is_found or file == normpath(config.base / pattern)
