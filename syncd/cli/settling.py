"""`link NAME --decide`: a person's word on which customer of go~mus a record is."""

import sys
from collections import Counter
from collections.abc import Collection, Mapping, Sequence

from syncd.assembly import State, now, opening_state
from syncd.cli import context as ctx
from syncd.cli.exits import USAGE, stop
from syncd.cli.naming import spellings
from syncd.cli.planning import drawing
from syncd.config.model import Config, SyncConfig
from syncd.domain.matches import Match, Word
from syncd.matching.newcomers import each_newcomer

NEW = "new"


def settle(config: Config, sync: SyncConfig, texts: Sequence[str], *, why: str | None) -> None:
    """Ends the command where a word can't be meant so; then none of them is kept."""
    parsed = list(map(_parse, texts))
    words = dict(parsed)
    numbers = [number for number in words.values() if number is not None]
    if twice := [number for number, count in Counter(numbers).items() if count > 1]:
        stop(f"--decide: customer {twice[0]} can't be two records.", USAGE)
    with opening_state(config) as state:
        chosen = _find_records(config, sync, state, list(words))
        meant = {chosen[text]: number for text, number in words.items()}
        if len(meant) < len(parsed):
            stop("--decide: a record is named twice.", USAGE)
        _refuse_taken(state, sync, config.beside(sync), meant)
        _tell_unheard_of(state, sync, meant)
        by, at = ctx.who(), now()
        state.store.matches.put(
            sync.name,
            [
                Match(
                    foreign_id=foreign_id,
                    word=Word.NEW if number is None else Word.LINK,
                    gomus_id=number,
                    by=by,
                    why=why,
                    at=at,
                )
                for foreign_id, number in meant.items()
            ],
        )
    for foreign_id, number in meant.items():
        if number is None:
            print(f"{foreign_id} is nobody whom go~mus has: the next run creates it.")
        else:
            print(f"{foreign_id} is customer {number}: the next run gives it this foreign_id.")
    print(f"Run `syncd --once --sync {sync.name}`, or wait for the next run.")


def _parse(text: str) -> tuple[str, int | None]:
    name, _, word = (part.strip() for part in text.rpartition("="))
    is_number = word.isascii() and word.isdigit() and 0 < int(word) < 10**18
    if not name or not (is_number or word == NEW):
        stop(f"--decide: {text!r} is not ID=NUMBER, with the number of a customer in go~mus, or ID={NEW}.", USAGE)
    return name, int(word) if is_number else None


def _find_records(config: Config, sync: SyncConfig, state: State, texts: Sequence[str]) -> dict[str, str]:
    """The foreign_id that is meant by each. It waits for a person, or is new in the source."""
    found, store = dict[str, str](), state.store
    asked = spellings(state, sync, texts)
    for text, ids in asked.items():
        if known := store.known.find_briefs(sync.name, ids):
            stop(f"--decide {text}: {known[0].foreign_id} is known already; `syncd show {text}` tells more.", USAGE)
        if waiting := store.matches.find(sync.name, ids):
            found[text] = next(one for one in ids if one in waiting)
    left = [text for text in texts if text not in found]
    new = _new_among(config, sync, {one for text in left for one in asked[text]}) if left else ()
    for text in left:
        meant = next((one for one in asked[text] if one in new), None)
        if meant is None:
            stop(f"--decide {text}: there is no such new record in the source of {sync.name}.", USAGE)
        found[text] = meant
    return found


def _new_among(config: Config, sync: SyncConfig, foreign_ids: Collection[str]) -> set[str]:
    with drawing(config, sync, only=frozenset()) as drawn:
        new = each_newcomer(drawn.plan, drawn.sync.source, drawn.lookups, lambda: None)
        return {foreign_id for foreign_id, _ in new if foreign_id in foreign_ids}


def _refuse_taken(
    state: State, sync: SyncConfig, beside: Sequence[SyncConfig], meant: Mapping[str, int | None]
) -> None:
    """Ends the command where a customer is another record, in whichever sync of the instance."""
    numbers = {number: foreign_id for foreign_id, number in meant.items() if number is not None}
    for one in (sync, *beside):
        for number, foreign_id in numbers.items():
            if state.store.known.has_number(one.name, number, but=foreign_id):
                stop(f"--decide: customer {number} is known already, as another record of {one.name}.", USAGE)
        for match in state.store.matches.each(one.name, Word.LINK):
            if match.gomus_id in numbers and not (one is sync and match.foreign_id in meant):
                owner = f"{match.foreign_id} of {one.name}"
                stop(f"--decide: customer {match.gomus_id} is {owner}; decide on that one, too.", USAGE)


def _tell_unheard_of(state: State, sync: SyncConfig, meant: Mapping[str, int | None]) -> None:
    """A person may know better than a comparison, or have mistyped."""
    for foreign_id, match in state.store.matches.find(sync.name, list(meant)).items():
        number = meant[foreign_id]
        if number is not None and match.candidates and number not in match.candidates:
            found = ", ".join(map(str, match.candidates))
            print(f"{foreign_id}: {number} is none of the customers that were found ({found}).", file=sys.stderr)
