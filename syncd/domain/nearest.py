"""What a person may have meant by a name that nobody knows."""

import re
from collections.abc import Iterable
from difflib import get_close_matches


def find_nearest(name: str, known: Iterable[str], *, cutoff: float = 0.6) -> str | None:
    """The known name that looks most alike, if any does; case and punctuation do not count."""
    names = {bare_name(one): one for one in known}
    near = get_close_matches(bare_name(name), names, n=1, cutoff=cutoff)
    return names[near[0]] if near else None


def suggest(name: str, known: Iterable[str]) -> str:
    """The end of a message: what may have been meant, or nothing where no known name is near."""
    near = find_nearest(name, known)
    return f"; did you mean {near!r}?" if near else ""


def bare_name(name: str) -> str:
    """What is left of a name where case and punctuation do not count."""
    return re.sub(r"[\W_]", "", name.casefold())
