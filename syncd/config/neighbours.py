"""What two museums can't both have: the mistakes that no file has by itself."""

from collections import defaultdict
from dataclasses import replace

from syncd.config.model import Config
from syncd.config.overwriting import find_overwritten
from syncd.config.places import spell
from syncd.domain.addresses import server_of
from syncd.domain.museums import museum_of, own_name
from syncd.errors import Problem


def find_clashes(config: Config) -> dict[str, list[Problem]]:
    """By museum: who would write over another's list, and both of two whose keys differ."""
    found: defaultdict[str, list[Problem]] = defaultdict(list)
    for place, problem in find_overwritten(config).items():
        kind, name, *keys = place
        museum = museum_of(str(name))
        spelt = spell((kind, own_name(str(name)), *keys))
        found[museum].append(replace(problem, path=spelt, place=str(config.museums[museum].file)))
    for museum, problem in _find_other_keys(config).items():
        found[museum].append(problem)
    return found


def _find_other_keys(config: Config) -> dict[str, Problem]:
    """Beside each other, museums compare digests of addresses and of e-mail: one key must have made them.

    Nobody knows which of the two was changed. Where both go on as before, nothing has happened.
    """
    first: dict[str, str] = {}
    found: dict[str, Problem] = {}
    for name, options in config.gomus.items():
        museum = museum_of(name)
        other = first.setdefault(server_of(options.url), museum)
        if config.museums[museum].digest_key != config.museums[other].digest_key:
            found |= {one: _other_key(config, one, two) for one, two in ((museum, other), (other, museum))}
    return found


def _other_key(config: Config, museum: str, other: str) -> Problem:
    message = f"is not that of the museum {other!r}, which has the same go~mus: give both one key, or none"
    return Problem(path="digest_key", message=message, place=str(config.museums[museum].file))
