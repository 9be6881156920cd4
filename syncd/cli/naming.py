"""Whom a person means who types an id."""

from collections.abc import Sequence
from unicodedata import normalize

from syncd.assembly import State
from syncd.config.model import SyncConfig
from syncd.mapping.cells import in_one_line
from syncd.plan.identity import find_known_otherwise


def spellings(state: State, sync: SyncConfig, texts: Sequence[str]) -> dict[str, list[str]]:
    """The foreign_ids that a person may mean by each text, those first that are spelt as it is.

    It is an id as go~mus has it, or as the source has it, without the prefix; in either Unicode form, and with signs
    that nobody sees or without them.
    """
    prefix = sync.foreign_id.prefix
    otherwise = find_known_otherwise(state.store, sync.name, prefix)
    found: dict[str, list[str]] = {}
    for text in texts:
        forms = (text.strip(), in_one_line(text), normalize("NFD", in_one_line(text)))
        ids = [one for form in forms for one in ([form] if prefix and form.startswith(prefix) else [])]
        ids += [prefix + form for form in forms]
        ids += [otherwise[one] for one in ids if one in otherwise]
        found[text] = list(dict.fromkeys(ids))
    return found
