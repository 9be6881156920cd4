"""What becomes of an e-mail address that two customers of an instance would have."""

from enum import Enum

from syncd.domain.changes import Create, Erase, Outcome, Update

EMAIL = "email"  # the field of go~mus


class SharedEmail(Enum):
    """go~mus finds the customer of an order by its address, and of two that share one it may take the other."""

    REPORT = "report"  # whoever shares one is listed, and synced all the same
    REFUSE = "refuse"  # whoever has it first keeps it; the other record is invalid until it is free
    ALLOW = "allow"  # nobody looks, and nothing is kept of addresses


def email_now(outcome: Outcome) -> tuple[str, str | None] | None:
    """Whose e-mail address is another one since a change was accepted, and which, where go~mus has that of the change.

    None where it is none of another, or nobody can tell.
    """
    change = outcome.change
    if isinstance(change, Erase) or not (isinstance(change, Create) or {EMAIL} & {*change.fields, *change.kept}):
        return None
    wanted, held = change.digests.fields.get(EMAIL), (outcome.known or change.digests).fields.get(EMAIL)
    value = change.fields.get(EMAIL)
    return change.foreign_id, str(value) if value is not None and wanted == held else None


def has_unseen_email(outcome: Outcome, change: Create | Update) -> bool:
    """Whether go~mus was found to have the new address already, so that it was not sent: it must be read again."""
    held = (outcome.known or change.digests).fields.get(EMAIL)
    if isinstance(change, Create) or EMAIL in {*change.fields, *change.kept}:
        return False
    return held != change.before.fields.get(EMAIL)
