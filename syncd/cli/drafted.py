"""What `init` has recognized, for the person who reads it: columns and words, no values of people."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from syncd.config.drafting import Draft


def tell(target: Path, drawn: Sequence[tuple[Draft, str]], *, is_url_missing: bool, was_asked: bool) -> None:
    print(f"Wrote {target}: {', '.join(repr(draft.sync) for draft, _ in drawn)}.")
    for draft, recognized in drawn:
        print(f"\nsync {draft.sync!r}, {draft.records} records")
        for line in _lines(draft, recognized):
            print(f"  {line}")
    print("\nNext: read it through" + (" and set the url of [gomus.main]" if is_url_missing else "") + ",")
    print(f"  `syncd rehearse {drawn[0][0].sync}` tries it without a token, and sends nothing;")
    print("  export GOMUS_TOKEN=..., then `syncd check` and `syncd plan`.")
    if not was_asked:
        print("  With a token in GOMUS_TOKEN and --url, `init` maps the words of your list to those of go~mus.")
    print("  Which of name and surname is the family name differs between instances:")
    print("  `syncd check --customer ID` shows both of a customer you know.")


def _lines(draft: Draft, recognized: str) -> Iterator[str]:
    yield f"read:      {recognized}"
    yield f"id:        {draft.id.column.name}"
    yield from (f"           {reason}" for reason in draft.id.reasons)
    for one in draft.fields:
        if not one.is_off:
            yield f"mapped:    {', '.join(one.columns)} → {one.key}"
            yield from (f"           {note}" for note in one.notes)
    for condition in draft.where:
        yield f"{'commented:' if condition.is_off else 'where not:'} {condition.note}"
    for one in draft.fields:
        if one.is_off:
            yield f"commented: {', '.join(one.columns)} → {one.key}"
            yield from (f"           {note}" for note in one.notes)
    yield from (f"left out:  {', '.join(names)}: {looks}" for looks, names in draft.left_out_by_looks.items())
    yield from (f"missing:   {words}" for words in draft.missing)
