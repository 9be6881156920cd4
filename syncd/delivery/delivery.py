"""What all of a run's calls to one instance share: looking, comparing, waiting, and what was learned of the instance.

`writing` and `erasing` change customers with it; `recovery` settles with it what an earlier run left open.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

from syncd.delivery.looking import Looking
from syncd.domain.backoff import Backoff
from syncd.domain.records import Digests, KnownCustomer, RemoteCustomer, Value

BACKOFF = Backoff()


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery(Looking):
    """One instance; its methods run in the threads of the executor's pool and touch no database.

    `timeout` is how long a call may still take effect after its answer was lost. `sleep` raises Stopped where it is
    cut short, so that no conclusion may rest on it.
    """

    attempts: int
    timeout: timedelta
    sleep: Callable[[float], None]
    is_stopping: Callable[[], bool]

    # --- waiting ---

    def looks(self, *, later: bool) -> Iterator[None]:
        """When to look: at once; for an effect that may still come, three times more over as long as a call may take.

        Raises Stopped.
        """
        yield
        for part in (1 / 8, 3 / 8, 1 / 2) if later else ():
            self.sleep(self.timeout.total_seconds() * part)
            yield

    def pause(self, tries: int) -> None:
        """Wait before another try, after `tries` of them. Raises Stopped."""
        self.sleep(BACKOFF.pause(tries))

    # --- comparing ---

    def holds(self, remote: RemoteCustomer, fields: Mapping[str, Value]) -> bool:
        return not self.differing(remote, fields)

    def differing(self, remote: RemoteCustomer, fields: Mapping[str, Value]) -> dict[str, Value]:
        digest = self.digester.field
        return {n: value for n, value in fields.items() if digest(n, remote.fields.get(n)) != digest(n, value)}

    def drifted(self, known: KnownCustomer, remote: RemoteCustomer | None) -> tuple[str, ...]:
        """The fields in which go~mus no longer shows what it accepted; all of them where the customer is gone."""
        shown = remote.fields if remote else {}
        digest = self.digester.field
        is_gone = remote is None
        return tuple(
            name for name, kept in known.digests.fields.items() if is_gone or digest(name, shown.get(name)) != kept
        )

    def memory_of(self, remote: RemoteCustomer, names: Sequence[str]) -> Digests:
        """What we know of a customer that was read: each field, but no record that it came from."""
        fields = {name: self.digester.field(name, remote.fields.get(name)) for name in names}
        return Digests(fields=fields)

    # --- clearing ---

    def still_filled(self, remote: RemoteCustomer | None, names: Sequence[str]) -> tuple[str, ...]:
        return () if remote is None else tuple(self.differing(remote, dict.fromkeys(names)))

    def clear_otherwise(self, foreign_id: str, names: Sequence[str]) -> RemoteCustomer | None:
        """Clear by empty text where null did not, or the other way round; what helps becomes a habit.

        The customer as it is then. Raises as `Client.update_one` and `look` do.
        """
        other: Value = "" if self.habits.blank is None else None
        answer = self.client.update_one(foreign_id, dict.fromkeys(names, other))
        for _ in self.looks(later=answer.later):
            remote = self.shown_in(answer, foreign_id) or self.look(foreign_id)
            if not self.still_filled(remote, names):
                self.habits.blank = other
                break
        return remote
