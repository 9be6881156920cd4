"""What is learned of an instance while talking to it, for this run and for later ones."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum
from string import ascii_letters, digits

from syncd.delivery.sizes import Sizes
from syncd.domain.records import Field, FieldKind, Value

BLANK = "blank."
OTHER_IDS = "other_ids."
BLANKS: Mapping[Value, str] = {None: "null", "": "empty text"}
TEXTS = (FieldKind.TEXT, FieldKind.EMAIL)

MOST_READS = 10  # a look more often than this brings nothing: the seconds decide
PLAIN = frozenset(ascii_letters + digits + "-_")
LETTER = "é"  # stands for every letter beyond ASCII


@dataclass(frozen=True, slots=True)
class Lag:
    """How long reads may show the world before a write: so many seconds, and so many reads."""

    seconds: float = 0.0
    reads: int = 0

    @property
    def pauses(self) -> list[float]:
        """The waits before the looks that tell: one, where every read so far has shown what was written."""
        looks = 2 * self.reads + 2 if self.reads else 1
        return [self.seconds / looks] * looks


class Letters(Enum):
    """In which letters an instance keeps foreign_ids."""

    SENT = "as sent"
    SMALL = "small"
    CAPITAL = "capital"
    SOME_SMALL = "with small ones"  # small ones are kept; nobody knows yet of capitals
    SOME_CAPITAL = "with capitals"


@dataclass(slots=True)
class Habits:
    """What is learned of an instance while talking to it. Written by any thread; each value stands alone."""

    sizes: Sizes
    blanks: dict[str, Value] = field(default_factory=dict)  # what has been seen to clear a field: null or empty text
    deletes_by_number: bool = False  # DELETE has been seen to take no foreign_id
    letters: Letters | None = None  # those of foreign_ids; None where nobody knows yet
    terms: str = ""  # what decides the ids that are sent
    keeps_ids: bool = True  # False where a new customer was shown under another id than was sent, under these terms
    is_told_unique: bool = False  # the configuration says that a second customer with the same foreign_id is refused
    is_seen_unique: bool = False  # one was refused
    refuses_whole: bool = False  # a refused batch has been seen to save nobody
    lag: Lag | None = None  # None until a first customer was created and read back
    readable: frozenset[str] = field(default_factory=frozenset)  # signs in ids that were read back
    unreadable: frozenset[str] = field(default_factory=frozenset)
    _unsaved: set[str] = field(default_factory=set)  # those of refused batches who were long looked for in vain

    @classmethod
    def recalled(
        cls, learned: Mapping[str, str], *, batch_size: int, is_unique: bool, now: datetime, terms: str = ""
    ) -> "Habits":
        """From what earlier runs have learned; `batch_size`, `is_unique` and `terms` are configured."""
        seconds, _, reads = learned.get("read_lag", "").partition(" ")
        blanks = {text: blank for blank, text in BLANKS.items()}
        return cls(
            sizes=Sizes.recalled(learned, most=batch_size, now=now),
            blanks={
                name.removeprefix(BLANK): blanks[text]
                for name, text in learned.items()
                if name.startswith(BLANK) and text in blanks
            },
            deletes_by_number="deletes_by_number" in learned,
            letters=next((one for one in Letters if one.value == learned.get("id_letters")), None),
            terms=terms,
            keeps_ids=f"{OTHER_IDS}{terms}" not in learned,
            is_told_unique=is_unique,
            is_seen_unique="unique" in learned,
            refuses_whole="refuses_whole" in learned,
            lag=Lag(float(seconds), int(reads)) if reads else None,
            readable=frozenset(learned.get("readable", "")),
            unreadable=frozenset(learned.get("unreadable", "")),
        )

    @property
    def is_unique(self) -> bool:
        return self.is_told_unique or self.is_seen_unique

    def learned(self) -> dict[str, str]:
        """What is worth to be kept for later runs."""
        facts = {
            "deletes_by_number": "yes" if self.deletes_by_number else None,
            "id_letters": self.letters.value if self.letters else None,
            f"{OTHER_IDS}{self.terms}": None if self.keeps_ids else "yes",
            "unique": "yes" if self.is_seen_unique else None,
            "refuses_whole": "yes" if self.refuses_whole else None,
            "read_lag": f"{self.lag.seconds:.3f} {self.lag.reads}" if self.lag else None,
            "readable": "".join(sorted(self.readable)) or None,
            "unreadable": "".join(sorted(self.unreadable)) or None,
        }
        known = {name: value for name, value in facts.items() if value is not None}
        return self.sizes.learned() | known | {f"{BLANK}{name}": BLANKS[blank] for name, blank in self.blanks.items()}

    # --- refused batches ---

    @property
    def may_save_some(self) -> bool:
        """Of a refused batch; in this run one that saved nobody is enough to tell."""
        return not (self.is_unique or self.refuses_whole or self._unsaved)

    def saved_nobody(self, foreign_ids: Collection[str]) -> None:
        """Of a refused batch nobody is there."""
        self._unsaved.update(foreign_ids)

    def saw_created(self, foreign_id: str) -> None:
        """Whoever is taken now was a good one in the batch that saved nobody."""
        self.refuses_whole |= foreign_id in self._unsaved

    # --- blanks ---

    def spell(self, fields: Mapping[str, Value]) -> dict[str, Value]:
        """The fields as they are sent: what is to be cleared holds what clears it here."""
        return {name: self.blanks.get(name) if value is None else value for name, value in fields.items()}

    def blanks_for(self, field: Field) -> tuple[Value, ...]:
        """What may clear a field, the likeliest first. An empty text is no date and no id, and is refused there."""
        if field.kind not in TEXTS:
            return (None,)
        return (None, "") if self.blanks.get(field.name) is None else ("", None)

    # --- ids ---

    @property
    def folds_ids(self) -> bool:
        return self.letters in (Letters.SMALL, Letters.CAPITAL)

    def may_fold(self, foreign_id: str) -> bool:
        """Whether the id may be kept in other letters than its own."""
        has_capitals, has_small = foreign_id != foreign_id.lower(), foreign_id != foreign_id.upper()
        match self.letters:
            case Letters.SENT:
                return False
            case Letters.SOME_SMALL:
                return has_capitals
            case Letters.SOME_CAPITAL:
                return has_small
            case None:
                return has_capitals or has_small
        return True

    def saw_id(self, shown: str | None) -> None:
        """An instance that shows a letter of a kind keeps those; one that keeps both keeps ids as they were sent."""
        if self.folds_ids or not shown:
            return
        seen = {Letters.SOME_CAPITAL: shown != shown.lower(), Letters.SOME_SMALL: shown != shown.upper()}
        kinds = {kind for kind, is_seen in seen.items() if is_seen or self.letters is kind}
        if len(kinds) > 1:
            self.letters = Letters.SENT
        elif kinds and self.letters is not Letters.SENT:
            [self.letters] = kinds

    def saw_folded(self, shown: str | None) -> None:
        """What was sent in other letters is shown so."""
        self.letters = Letters.SMALL if shown == (shown or "").lower() else Letters.CAPITAL

    def spell_id(self, foreign_id: str) -> str:
        """In the letters in which the instance keeps it."""
        if self.letters is Letters.SMALL:
            return foreign_id.lower()
        return foreign_id.upper() if self.letters is Letters.CAPITAL else foreign_id

    # --- reads ---

    def saw_lag(self, seconds: float, reads: int = 0) -> None:
        """A write that was answered has shown after so long, and after so many reads that did not show it."""
        lag = self.lag or Lag()
        self.lag = Lag(max(lag.seconds, 2 * seconds), max(lag.reads, min(reads, MOST_READS)))

    def saw_read(self, foreign_id: str, *, is_shown: bool) -> None:
        """Whether a customer that is there can be read under its own id."""
        if is_shown:
            self.readable |= signs_in(foreign_id)
        else:
            self.unreadable |= signs_in(foreign_id) - self.readable

    def can_read(self, foreign_id: str) -> bool | None:
        """None where nobody knows yet."""
        signs = signs_in(foreign_id)
        if signs & self.unreadable:
            return False
        return True if signs <= self.readable else None

    def is_acquainted(self, foreign_id: str) -> bool:
        """Whether it is known when and how a customer with this id can be read back once it was created."""
        is_spelling_known = self.folds_ids or not self.may_fold(foreign_id)
        return self.lag is not None and self.can_read(foreign_id) is not None and is_spelling_known


def signs_in(foreign_id: str) -> frozenset[str]:
    """What a server may not find in a path: a dot, a slash, a blank, letters beyond ASCII."""
    return frozenset(sign if sign.isascii() else LETTER for sign in foreign_id if sign not in PLAIN)
