"""The keys of a state's digests: one of its own, and one of each museum that has its own."""

from collections.abc import Callable, Mapping

from sqlalchemy import select

from syncd.domain.digest import Digester
from syncd.domain.museums import museum_of, within
from syncd.errors import Misconfigured, Problem, StateUnusable
from syncd.state import tables as t
from syncd.state.store import Store

CHECK = "digest_key_check"


class Keyring:
    """`make` makes a digester of a key. The state remembers, without telling the key, under which one it is written."""

    def __init__(self, store: Store, own: str, museums: Mapping[str, str], make: Callable[[str], Digester]) -> None:
        self._store = store
        self._own = make(own)
        self._museums = museums
        self._make = make
        self._found: dict[str, Digester] = {}

    def note(self) -> None:
        """Remember the state's own key, where it is a new state."""
        if self._store.meta(CHECK) is None:
            self._store.set_meta(CHECK, self._own.check)

    def refuse_other(self) -> None:
        """Raise StateUnusable where the state's own key is not the one of before."""
        if self._store.meta(CHECK) not in (None, self._own.check):
            raise StateUnusable(
                "the digest key is not the one that the state database was written under",
                remedy="set the old key again; without it, move the database away: it is then rebuilt by adoption",
            )

    def of(self, name: str, *, writes: bool) -> Digester:
        """The digester for a sync or an instance, by its name. Who `writes` has the museum's key remembered.

        Raises Misconfigured where the museum's key is not the one of before.
        """
        museum = museum_of(name)
        if museum not in self._found:
            self._found[museum] = self._open(museum, writes=writes) if museum else self._own
        return self._found[museum]

    def _open(self, museum: str, *, writes: bool) -> Digester:
        has_own = museum in self._museums
        digester = self._make(self._museums[museum]) if has_own else self._own
        noted = self._store.meta(check_of(museum))
        if noted is None and has_own and self._has_run(museum):
            noted = self._own.check
        if noted not in (None, digester.check):
            message = f"is not the one that the museum {museum!r} was written under"
            remedy = "set the old one again, or none where there was none; without it `syncd forget` drops the state"
            raise Misconfigured([Problem(path=f"{museum}: digest_key", message=message)], remedy=remedy)
        if noted is None and has_own and writes:
            self._store.set_meta(check_of(museum), digester.check)
        return digester

    def _has_run(self, museum: str) -> bool:
        syncs = t.sync.c.name.startswith(within(museum, ""), autoescape=True)
        return self._store.find_any(select(t.sync.c.name).where(syncs))


def check_of(museum: str) -> str:
    return f"{CHECK} {museum}"
