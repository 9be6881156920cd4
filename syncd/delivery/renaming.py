"""Giving a customer the foreign_id that the source has for it now."""

from dataclasses import dataclass

from syncd import reasons
from syncd.delivery.delivery import Delivery
from syncd.delivery.leaver import Leaver
from syncd.delivery.looking import Whereabouts
from syncd.delivery.outcomes import refused_as
from syncd.domain.changes import NO_RECORD, Create, Update
from syncd.domain.records import Digests, KnownCustomer, RemoteCustomer
from syncd.errors import Refused, Unclear


@dataclass(frozen=True, slots=True, kw_only=True)
class Renaming:
    """`create` is the record that has the new id, `known` the customer under its old one."""

    delivery: Delivery
    create: Create
    known: KnownCustomer

    def change(self, gomus_id: int) -> Update:
        fields = {"foreign_id": self.create.foreign_id}
        digests = self.known.digests
        return Update(
            foreign_id=self.create.foreign_id,
            gomus_id=gomus_id,
            fields=fields,
            digests=digests,
            source_digest=NO_RECORD,
        )

    def find(self) -> RemoteCustomer:
        """The customer as it stands, where it may be renamed. Raises CallFailed, Refused with the reason, Stopped."""
        sighting = self._leaver.find_first()
        if sighting.whereabouts is not Whereabouts.HERE or sighting.here is None:
            raise refused_as(sighting)
        if self.delivery.look(self.create.foreign_id) is not None:
            raise Refused(reasons.NEW_ID_TAKEN.tell())
        return sighting.here

    def rename(self, remote: RemoteCustomer) -> RemoteCustomer:
        """The customer under its new id. Raises Refused, Unclear where that can't be told, CallFailed and Stopped."""
        try:
            is_lost = self._leaver.write(remote, {"foreign_id": self.create.foreign_id}).later
        except Unclear:
            is_lost = True
        for _ in self.delivery.looks(later=is_lost):
            found = self.delivery.look(self.create.foreign_id)
            if found is not None and found.gomus_id == remote.gomus_id:
                return found
        if is_lost:
            raise Unclear("go~mus did not answer, and does not show the new id yet; the next run looks again")
        raise Refused(reasons.ID_NOT_CHANGED.tell())

    @property
    def _leaver(self) -> Leaver:
        known = self.known
        return Leaver.of(self.delivery, known.foreign_id, known.gomus_id)

    def memory(self, remote: RemoteCustomer) -> Digests:
        """What was known of the customer, under its new id: digests are salted by it."""
        before = self.known.digests
        old = self.delivery.digester.of(self.known.foreign_id, before.scheme)
        new = self.delivery.digester.of(self.create.foreign_id)
        fields, shown = dict[str, bytes](), dict[str, bytes]()
        for name, digest in before.fields.items():
            theirs, wanted = remote.fields.get(name), self.create.fields.get(name)
            if name in self.create.digests.fields and old.field(name, wanted) == digest:
                fields[name] = self.create.digests.fields[name]
            elif old.field(name, theirs) == digest:
                fields[name] = new.field(name, theirs)
            if name in before.shown and old.field(name, theirs) == before.shown[name]:
                shown[name] = new.field(name, theirs)
        return Digests(fields=fields, shown=shown)
