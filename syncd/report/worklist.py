"""What the owner of the data has to mend or to decide, in the words and the columns of the source.

Everything is drawn from the state as it is, so an entry goes by itself once it is mended. Values are in it only where
they are asked for: they come out of the source and are kept nowhere else.
"""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, tzinfo
from enum import StrEnum
from functools import partial
from itertools import groupby
from pathlib import Path
from typing import Any

from syncd import reasons
from syncd.config.model import Config, SyncConfig
from syncd.domain.guards import Guard
from syncd.domain.languages import Language
from syncd.domain.matches import Word
from syncd.domain.records import SourceRecord
from syncd.domain.sharing import EMAIL
from syncd.domain.spelling import spellings_of
from syncd.mapping.columns import cell
from syncd.mapping.lookups import Lookup
from syncd.mapping.mapper import Mapper
from syncd.report.catalogue import Explained, Explaining
from syncd.report.files import opening_private, write_csv
from syncd.report.html import draw
from syncd.report.words import Words, number, words_in
from syncd.state.emails import Holder
from syncd.state.store import Store

LISTED = 10_000  # of one reason on a page
NOT_FOUND = {"gone": reasons.VANISHED.code, "merged": reasons.MERGED.code, "renamed": reasons.RENAMED.code}
NEW = ("create", "link")  # what is done to a record that is not known yet
NAMED, EXAMPLES = 20, 3  # words of a list: so many are named, and so many of a longer one
WELL_KNOWN = "Deutschland Österreich Schweiz Germany Austria Switzerland Deutsch Englisch German English".split()
LONGEST_CELL = 80  # of a value
EVER = datetime(1970, 1, 1, tzinfo=UTC)
UNDECIDED = reasons.UNDECIDED.tell()
WHO = ("name", "surname", "email")
_POSITION = re.compile(r"(?P<source>.*) (?P<unit>line|row|record) (?P<number>\d+)")
_PAGE = re.compile(r"\bpage (?=\d)")


class Kind(StrEnum):
    """In the order in which they are listed."""

    INVALID = "invalid"
    REFUSED = "refused"
    MATCH = "match"
    PAIR = "pair"
    SHARED = "shared"
    MERGED = "merged"
    CHANGED = "changed"
    TELL = "tell"


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """`id` is the source's own, without the prefix; `place` is where the record stood when it was last read."""

    sync: str
    kind: Kind
    id: str
    id_column: str
    foreign_id: str
    column: str
    explained: Explained
    place: str = ""
    value: str = ""

    @property
    def line(self) -> int | None:
        found = _POSITION.fullmatch(self.place)
        return int(found["number"]) if found else None

    @property
    def reason(self) -> tuple[Kind, str, Explained]:
        """What entries of one group have in common."""
        return self.kind, self.column, self.explained


@dataclass(frozen=True, slots=True, kw_only=True)
class _Lister:
    store: Store
    sync: SyncConfig
    explaining: Explaining

    def entries(self) -> Iterator[Entry]:
        yield from self._invalid()
        yield from self._refused()
        yield from self._matches()
        yield from self._pairs()
        yield from self._shared()
        yield from self._merged()
        yield from self._changed()
        yield from self._told()

    def _invalid(self) -> Iterator[Entry]:
        waiting = self.store.emails.waiting(self.sync.name)
        for row in self.store.failures.invalid(self.sync.name):
            for problem in row.problems:
                if problem.reason == UNDECIDED:  # which `_matches` lists, with whom it may be
                    continue
                explained = self.explaining.problem(problem.field, problem.reason)
                if explained.code == reasons.EMAIL_TAKEN.code and (who := waiting.get(row.foreign_id or "")):
                    told = self.explaining.entry("email-taken-by", who=self._named(who))
                    explained = replace(told, code=explained.code)
                column = explained.column or self.explaining.columns(problem.field)
                yield self._entry(Kind.INVALID, row.foreign_id or "", explained, column=column, place=row.position)

    def _refused(self) -> Iterator[Entry]:
        for row in self.store.failures.refused(self.sync.name):
            explained = self.explaining.refusal(row.reason, row.foreign_id)
            kind = Kind.MERGED if row.reason == reasons.MERGED.tell() else Kind.REFUSED
            yield self._entry(kind, row.foreign_id, explained, column=explained.column)

    def _matches(self) -> Iterator[Entry]:
        """Whoever has left the source since then is not listed."""
        columns = ", ".join(self.explaining.columns(name) for name in WHO if name in self.sync.fields)
        waiting = {
            row.foreign_id: row.position
            for row in self.store.failures.invalid(self.sync.name)
            if any(problem.reason == UNDECIDED for problem in row.problems)
        }
        for match in self.store.matches.each(self.sync.name, Word.OPEN):
            if match.foreign_id not in waiting:
                continue
            explained = self.explaining.entry(
                match.reason or "match-several", numbers=", ".join(map(str, match.candidates))
            )
            place = waiting[match.foreign_id]
            yield self._entry(Kind.MATCH, match.foreign_id, explained, column=columns, place=place)

    def _pairs(self) -> Iterator[Entry]:
        each = self.store.held.each(self.sync.name)
        new = [one for one, change in each if Guard.PAIR.value in change.guards and change.action in NEW]
        prefix, gone = self.sync.foreign_id.prefix, dict[str, str]()
        for known in self.store.known.each_absent(self.sync.name) if new else ():
            gone |= dict.fromkeys(spellings_of(known.foreign_id, prefix), known.foreign_id.removeprefix(prefix))
        for foreign_id in new:
            other = next((gone[one] for one in spellings_of(foreign_id, prefix) if one in gone), "?")
            explained = self.explaining.entry("pair", other=other)
            yield self._entry(Kind.PAIR, foreign_id, explained, column=self.sync.foreign_id.from_)

    def _shared(self) -> Iterator[Entry]:
        for foreign_id, others in self.store.emails.shared(self.sync.name).items():
            everybody = [*others, Holder(self.sync.name, foreign_id)]
            explained = self.explaining.entry("email-shared", who=self._named(everybody))
            yield self._entry(Kind.SHARED, foreign_id, explained, column=self.explaining.columns(EMAIL))

    def _named(self, holders: Iterable[Holder]) -> str:
        """The same for all who share an address, so that they stand together."""
        prefix, own = self.sync.foreign_id.prefix, self.sync.name
        names = sorted(
            one.foreign_id.removeprefix(prefix) if one.sync == own else f"{one.foreign_id} ({one.sync})"
            for one in holders
        )
        return ", ".join(names[:NAMED]) + (" …" if len(names) > NAMED else "")

    def _merged(self) -> Iterator[Entry]:
        """Whom the source says to be one, and go~mus has twice; and the other way round."""
        own = self.sync.foreign_id
        for merger in self.store.mergers.of(self.sync.name).values():
            if merger.is_open and merger.into:
                explained = self.explaining.entry("to-merge", foreign_id=merger.foreign_id, other=merger.into)
                yield self._entry(Kind.MERGED, merger.foreign_id, explained, column=own.merged_into or own.from_)
            elif not merger.into:
                explained = self.explaining.entry(reasons.MERGED.code, foreign_id=merger.foreign_id)
                yield self._entry(Kind.MERGED, merger.foreign_id, explained, column=own.from_)

    def _changed(self) -> Iterator[Entry]:
        drifts = self.store.worklist.drifts(self.sync.name)
        refused = self.store.failures.find_refused(self.sync.name, [row.foreign_id for row in drifts])
        for row in drifts:
            if row.foreign_id in refused:  # which says so
                continue
            for name in row.fields:
                code, column = NOT_FOUND.get(name), self.explaining.columns("foreign_id" if name in NOT_FOUND else name)
                explained = self.explaining.entry(code or "changed-in-gomus", foreign_id=row.foreign_id)
                kind = Kind.MERGED if code == reasons.MERGED.code else Kind.CHANGED
                yield self._entry(kind, row.foreign_id, explained, column=column)

    def _told(self) -> Iterator[Entry]:
        columns = {errand.text: errand.from_ for errand in self.sync.tell}
        for foreign_id, texts in self.store.worklist.errands(self.sync.name):
            for text in texts:
                explained = self.explaining.entry("tell", said=text)
                yield self._entry(Kind.TELL, foreign_id, explained, column=columns.get(text, ""))

    def _entry(self, kind: Kind, foreign_id: str, explained: Explained, *, column: str = "", place: str = "") -> Entry:
        return Entry(
            sync=self.sync.name,
            kind=kind,
            id=foreign_id.removeprefix(self.sync.foreign_id.prefix),
            id_column=self.sync.foreign_id.from_,
            foreign_id=foreign_id,
            column=column,
            explained=explained,
            place=place,
        )


def list_entries(store: Store, config: Config, syncs: Iterable[SyncConfig], language: Language) -> list[Entry]:
    """By kind and column, the most frequent reason first, then by place and id."""
    found: list[Entry] = []
    for sync in syncs:
        locale, words = config.gomus[sync.gomus].locale, words_in(language)
        choices = partial(_choices, store, sync, locale, words)
        place = partial(_place, words=words)
        explaining = Explaining(language=language, columns=partial(_columns, sync), choices=choices, place=place)
        found += _Lister(store=store, sync=sync, explaining=explaining).entries()
    frequency = Counter(entry.reason for entry in found)
    kinds = list(Kind)

    def order(entry: Entry) -> tuple[Any, ...]:
        reason = (entry.column, -frequency[entry.reason], entry.explained.code, entry.explained.text)
        return kinds.index(entry.kind), *reason, entry.sync, entry.line or 0, entry.id

    return sorted(found, key=order)


def _columns(sync: SyncConfig, name: str) -> str:
    """The source's own columns of a field of go~mus; its name, where it has none."""
    if name == "foreign_id":
        return sync.foreign_id.from_
    if name == "gomus_id":
        return sync.foreign_id.gomus_id or name
    spec = sync.fields.get(name)
    return ", ".join(spec.columns if spec else ()) or name


def _choices(store: Store, sync: SyncConfig, locale: str, words: Words, name: str) -> str:
    """The words that a field takes: those of its map, or go~mus's own; of a long list a few, and how many there are."""
    spec = sync.fields.get(name)
    if spec is None or not (spec.map or spec.lookup):
        return ""
    names: Sequence[str] = list(spec.map or ())
    if not names and spec.lookup:
        entries = store.instances.lookup(sync.gomus, spec.lookup, locale, since=EVER)
        names = Lookup(spec.lookup, entries or ()).names
    if len(names) <= NAMED:
        return ", ".join(names)
    examples = [name for name in WELL_KNOWN if name in names] or sorted(names)
    return words.say("worklist.choices", len(names), examples=", ".join(examples[:EXAMPLES]))


def entry_as_json(entry: Entry) -> dict[str, object]:
    return {
        "sync": entry.sync,
        "kind": entry.kind.value,
        "id": entry.id,
        "foreign_id": entry.foreign_id,
        "column": entry.column,
        "code": entry.explained.code,
        "text": entry.explained.text,
        "remedy": entry.explained.remedy,
        "place": entry.place,
        "line": entry.line,
    }


def entries_as_lines(entries: Sequence[Entry], language: Language) -> Iterator[str]:
    words = words_in(language)
    for kind, of_kind in groupby(entries, key=lambda entry: entry.kind):
        yield words.named("worklist_kinds", kind.value)
        for (_, column, explained), group in groupby(of_kind, key=lambda entry: entry.reason):
            some = list(group)
            yield f"  {column + ': ' if column else ''}{explained.text} ({number(len(some))})"
            yield f"    {explained.remedy}"
            yield from (f"    {entry.id or '–'}  {_place(entry.place, words)}".rstrip() for entry in some)
    if not entries:
        yield words.say("worklist.nothing")


# --- files ---


def write_page(entries: Sequence[Entry], file: Path, language: Language, *, at: datetime, zone: tzinfo) -> None:
    """Raises OSError where the file can't be written."""
    with opening_private(file) as opened:
        opened.write(as_html(entries, language, at=at, zone=zone))


def write_table(entries: Sequence[Entry], file: Path, language: Language) -> None:
    """Raises OSError where the file can't be written."""
    words = words_in(language)
    heads = {**_heads(words), "id": _id_head(entries) or words.say("worklist.id")}
    names = [name for name in heads if name != "value" or any(entry.value for entry in entries)]
    rows = [{heads[name]: cell for name, cell in _row(entry, words).items()} for entry in entries]
    write_csv(file, [heads[name] for name in names], rows)


def _heads(words: Words) -> Mapping[str, str]:
    return {
        "sync": words.say("worklist.sync"),
        "id": words.say("worklist.id"),
        "column": words.say("worklist.column"),
        "value": words.say("worklist.value"),
        "text": words.say("worklist.text"),
        "remedy": words.say("worklist.remedy"),
        "place": words.say("worklist.place"),
        "code": words.say("worklist.code"),
    }


def _row(entry: Entry, words: Words) -> Mapping[str, str]:
    return {
        "sync": entry.sync,
        "id": entry.id,
        "column": entry.column,
        "value": entry.value,
        "text": entry.explained.text,
        "remedy": entry.explained.remedy,
        "place": _place(entry.place, words),
        "code": entry.explained.code,
    }


def as_html(entries: Sequence[Entry], language: Language, *, at: datetime, zone: tzinfo) -> str:
    """A self-contained page. It holds ids, and values only where the entries do."""
    kinds = [
        (kind.value, [(reason, list(group)) for reason, group in groupby(of_kind, key=lambda entry: entry.reason)])
        for kind, of_kind in groupby(entries, key=lambda entry: entry.kind)
    ]
    return draw(
        "worklist.html",
        language,
        kinds=kinds,
        count=len(entries),
        id_head=_id_head(entries),
        syncs=sorted({entry.sync for entry in entries}),
        place=partial(_place, words=words_in(language)),
        at=at,
        zone=zone,
        listed=LISTED,
    )


def _id_head(entries: Sequence[Entry]) -> str | None:
    """The source's own column of ids, where all have the same."""
    heads = {entry.id_column for entry in entries}
    return heads.pop() if len(heads) == 1 else None


def _place(place: str, words: Words) -> str:
    found = _POSITION.fullmatch(place)
    if found is None:
        return place
    source = _PAGE.sub(words.say("worklist.page") + " ", found["source"])
    unit = {"line": words.say("worklist.line"), "row": words.say("worklist.row")}.get(found["unit"])
    unit = unit or words.say("worklist.record")
    return f"{source}, {unit} {found['number']}"


# --- values ---


def _cells(record: SourceRecord, columns: str) -> str:
    found = (cell(record.values, column) for column in columns.split(", ") if column)
    text = ", ".join(str(one) for one in found if one is not None)
    return text if len(text) <= LONGEST_CELL else f"{text[:LONGEST_CELL]}…"


def with_values(entries: Sequence[Entry], records: Iterable[SourceRecord], mapper: Mapper) -> list[Entry]:
    """The entries of one sync, each with what stands in its columns, and where."""
    by_place: dict[str, list[int]] = {}
    by_id: dict[str, list[int]] = {}
    for index, entry in enumerate(entries):
        (by_place if entry.place else by_id).setdefault(entry.place or entry.foreign_id, []).append(index)
    found = list(entries)
    for record in records:
        place = str(record.position)
        indexes = by_place.get(place, []) + (by_id.get(str(mapper.foreign_id_of(record)), []) if by_id else [])
        for index in indexes:
            found[index] = replace(entries[index], place=place, value=_cells(record, entries[index].column))
    return found
