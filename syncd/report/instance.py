"""What an instance answers to a check: whether it knows the token, what it lets it read, its lists, its clock."""

import secrets
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from typing import TypeAlias

from syncd.delivery.sizes import Sizes
from syncd.errors import Fatal, SyncdError
from syncd.gomus.client import Client
from syncd.gomus.options import GomusOptions
from syncd.mapping.lookups import AnyWord, Lookup, LookupKind
from syncd.report.findings import Finding, Weight, failure, find

Clock: TypeAlias = Callable[[], datetime]
MOST_APART = timedelta(minutes=5)
UNTRIED = "whether it may create, change and delete them only a run can tell"


class Instance:
    """Asked once, however many syncs have it."""

    def __init__(self) -> None:
        self.lists: dict[LookupKind, Lookup] = {}
        self._access: Finding | None = None
        self._knows_token = False
        self._failures: dict[LookupKind, SyncdError] = {}
        self._is_clock_told = False

    @property
    def answers(self) -> bool:
        return self._access is not None and self._access.is_good

    def ask(self, client: Client, name: str, kinds: Iterable[LookupKind], clock: Clock) -> Iterator[Finding]:
        """`name` is that of the sync, `kinds` are the lists that it needs."""
        if self._access is None:
            self._access = find("go~mus", lambda: self._look(client))
        yield Finding(what=f"{name}: go~mus", words=self._access.words, weight=self._access.weight)
        if not self._is_clock_told and client.date and abs(apart := client.date - clock()) > MOST_APART:
            self._is_clock_told = True
            minutes, where = round(abs(apart) / timedelta(minutes=1)), "behind" if apart > timedelta() else "ahead of"
            words = (
                f"the clock of this machine is {minutes} minutes {where} that of go~mus: set it by a time server (NTP)"
            )
            yield Finding(what=f"{name}: clock", words=words, weight=Weight.DOUBT)
        if self._knows_token:
            yield self._fetch(client, f"{name}: lookups", sorted(kinds))

    def _look(self, client: Client) -> str:
        access = client.whoami()
        if access != "user":
            raise Fatal(f"the token's access is {access or 'unknown'!r}", remedy="syncd needs the token of an API user")
        self._knows_token = True
        if client.read(f"syncd-check-{secrets.token_hex(8)}") is not None:
            raise Fatal(
                "shows a customer under an id that nobody has",
                remedy="is gomus.*.url the instance itself? Let its operator see what answers there",
            )
        return f"answers, knows the token as a user's, and lets it read customers; {UNTRIED}"

    def _fetch(self, client: Client, what: str, kinds: list[LookupKind]) -> Finding:
        for kind in kinds:
            if kind not in self.lists and kind not in self._failures:
                try:
                    self._fetch_one(client, kind)
                except SyncdError as error:
                    self._failures[kind] = error
        failed = next((self._failures[kind] for kind in kinds if kind in self._failures), None)
        if failed:
            return failure(what, failed)
        counts = [f"{len(self.lists[kind].names)} {kind}" for kind in kinds]
        return Finding(what=what, words=", ".join(counts) or "none needed")

    def _fetch_one(self, client: Client, kind: LookupKind) -> None:
        entries = client.lookup(kind)
        if not entries:
            raise Fatal(f"the instance offers no {kind} with an id", remedy="map ids by hand with 'map' or 'value'")
        self.lists[kind] = Lookup(kind, entries)

    def known(self, kinds: Iterable[LookupKind]) -> dict[str, Lookup]:
        """The lists, and any word for those that could not be fetched."""
        return {kind: self.lists.get(kind) or AnyWord(kind) for kind in kinds}


def find_sizes(learned: Mapping[str, str], options: GomusOptions, what: str, now: datetime) -> Iterator[Finding]:
    """What runs have learned about batches, where that is less than is configured."""
    sizes = Sizes.recalled(learned, most=options.batch_size, now=now)
    if sizes.size < options.batch_size:
        words = f"{sizes.size} customers at once, as runs have learned; batch_size allows {options.batch_size}"
        yield Finding(what=what, words=words)
