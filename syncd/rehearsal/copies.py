"""The broken copies of one list: which there are, what each is called, and what would tell one that nothing tells."""

from collections.abc import Iterator
from dataclasses import dataclass

from syncd.config.model import SyncConfig
from syncd.rehearsal.damages import encode_twice, find_pairs, in_all, in_one, lose_zeros, swap
from syncd.rehearsal.files import Files
from syncd.rehearsal.tape import Change, Ending, Headless, Played, Tape, Thinned
from syncd.sources.base import Source
from syncd.sources.copying import find_proof

FEW_PERCENT, FEW = 1, 50  # so little is missing at the end that no guard holds it by default
MORE_PROOF = (
    'let the export end with a line of its own: complete = { trailer = "Summe" }; or write a file beside it once it is '
    'whole: complete = { marker = "members.done" }'
)
WHOLE_END = 'let the export write a line end behind its last record: complete = { end = "newline" }'
PADDED = (
    "transform = [{ pad = 5 }] brings back the zeros of post codes and ids of one length; or export text, not numbers"
)
NAMED = "let the export name its columns itself, and nobody sort or rename them by hand"
ENCODED_TWICE = "encoded twice"
READ_ANEW = "export the list anew from the program itself, and do not save it in a spreadsheet"


@dataclass(frozen=True, slots=True, kw_only=True)
class Copy:
    """`source` reads the broken list; without one, `unfit` says why such a damage can't happen to this list.

    `advice` is what would tell it where syncd has nothing to tell it by.
    """

    name: str
    source: Source | None = None
    unfit: str = ""
    advice: str = READ_ANEW


def find_changes(sync: SyncConfig) -> dict[str, Change]:
    """What is changed in records, by the name of the copy."""
    path = sync.foreign_id.from_
    return {
        ENCODED_TWICE: in_all(encode_twice),
        "zeros lost in ids": in_one(path, lose_zeros),
        "zeros lost in other columns": in_all(lose_zeros, but=path),
        **{_name_swap(*pair): swap(*pair) for pair in find_pairs(sync.foreign_id, sync.fields)},
    }


def _name_swap(one: str, other: str) -> str:
    return f"columns swapped, {one!r} and {other!r}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Copies:
    """`source` reads the list as it is, and `files` breaks its file, where it has one."""

    sync: SyncConfig
    source: Source
    tape: Tape
    files: Files | None

    def each(self) -> Iterator[Copy]:
        yield self._empty()
        yield from self._cut_at_a_line_end()
        yield from self._cut_within()
        yield self._encoded_twice()
        yield from self._zeros_lost()
        yield from self._swapped()
        yield self._headless()

    # --- not whole ---

    def _empty(self) -> Copy:
        return Copy(
            name="empty",
            source=self.files.empty() if self.files else Played(self.source, self.tape, ending=Ending(keeps=0)),
        )

    def _cut_at_a_line_end(self) -> Iterator[Copy]:
        records = self.tape.records
        few = max(min(len(records) * FEW_PERCENT // 100, FEW // self.tape.every), 1)
        half = len(records) // 2
        for kept, what in (
            (half, "half is missing"),
            (len(records) - few, f"the last {few} missing"),
        ):
            name = f"cut at a line end, {what}"
            if not 0 < kept < len(records):
                yield Copy(name=name, unfit="the list has a single record")
            elif self.files and self.files.is_text:
                cut = self.files.cut_before(records[kept])
                yield Copy(name=name, source=Thinned(cut, self.tape), advice=MORE_PROOF)
            else:
                failure = find_proof(self.source, kept * self.tape.every)
                ending = Ending(keeps=kept, failure=failure)
                yield Copy(name=name, source=Played(self.source, self.tape, ending=ending), advice=MORE_PROOF)

    def _cut_within(self) -> Iterator[Copy]:
        name, last = "cut within a cell", "cut within the last cell"
        if self.files is None:
            yield Copy(name=name, unfit="an answer that breaks off is refused as a whole, and is no list")
        elif not self.files.is_text:
            yield Copy(name=name, source=self.files.cut_in_bytes())
        else:
            records = self.tape.records
            half = self.files.cut_within(records[len(records) // 2], is_late=False)
            late = self.files.cut_within(self.tape.last or records[-1], is_late=True)
            yield Copy(name=name, source=Thinned(half, self.tape), advice=WHOLE_END)
            yield Copy(name=last, source=Thinned(late, self.tape), advice=WHOLE_END)

    # --- read otherwise ---

    def _encoded_twice(self) -> Copy:
        name = ENCODED_TWICE
        if not self.tape.is_concerned(name):
            return Copy(name=name, unfit="no letter beyond ASCII")
        if self.files and self.files.is_text:
            return Copy(name=name, source=Thinned(self.files.encoded_twice(), self.tape))
        return Copy(name=name, source=self._changed(name))

    def _zeros_lost(self) -> Iterator[Copy]:
        for where in ("ids", "other columns"):
            name = f"zeros lost in {where}"
            if self.tape.is_concerned(name):
                yield Copy(name=name, source=self._changed(name), advice=PADDED)
            else:
                yield Copy(name=name, unfit=f"no leading zero in {where}")

    def _swapped(self) -> Iterator[Copy]:
        pairs = list(find_pairs(self.sync.foreign_id, self.sync.fields))
        for one, other in pairs:
            name = _name_swap(one, other)
            if self.tape.is_concerned(name):
                yield Copy(name=name, source=self._changed(name), advice=NAMED)
            else:
                yield Copy(name=name, unfit="nothing that stands in them differs, or an expression takes it")
        if not pairs:
            yield Copy(name="columns swapped", unfit="fewer than two columns are taken")

    def _headless(self) -> Copy:
        name = "header gone"
        if self.files is None:
            return Copy(name=name, unfit="the source names the columns of each record itself")
        if self.files.is_text:
            return Copy(name=name, source=Thinned(self.files.headless(), self.tape))
        return Copy(name=name, source=Headless(self.source, self.tape))

    def _changed(self, name: str) -> Source:
        return Played(self.source, self.tape, self.tape.changes[name])
