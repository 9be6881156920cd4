"""The tables of the state database: ids, digests, times and words; never a value."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    UniqueConstraint,
    and_,
    false,
    not_,
    text,
)

from syncd.state.columns import Moment, Words

CONVENTION = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}
metadata = MetaData(naming_convention=CONVENTION)
REVISION = "0009"  # the migration that ends in these tables
RowNumber = BigInteger().with_variant(Integer, "sqlite")  # only an INTEGER counts up by itself in SQLite


meta = Table("meta", metadata, Column("name", Text, primary_key=True), Column("value", Text, nullable=False))

sync = Table(
    "sync",
    metadata,
    Column("name", Text, primary_key=True),
    Column("address", LargeBinary, nullable=False),  # digest of the instance's url
    Column("fence", Integer, nullable=False),
)

known = Table(
    "known",
    metadata,
    Column("row", RowNumber, primary_key=True, autoincrement=True),
    Column("sync", Text, nullable=False),
    Column("foreign_id", Text, nullable=False),
    Column("gomus_id", BigInteger),
    Column("record", LargeBinary, nullable=False),
    Column("source_digest", LargeBinary),
    Column("fields", LargeBinary, nullable=False),
    Column("absent_since", Moment),
    Column("told_gone", Boolean, nullable=False),
    Column("stage", Text, nullable=False),
    Column("verified_at", Moment),  # when it was last read back
    Column("scheme", Integer, nullable=False),  # how the digests of this row were made
    Column("shown", LargeBinary, nullable=False),  # what go~mus keeps in a form of its own, as it showed it
    Column("origin", Text, nullable=False),
    UniqueConstraint("sync", "foreign_id"),
)
PRESENT = (known.c.stage == text("'active'"), known.c.absent_since.is_(None), not_(known.c.told_gone))
SETTLED = and_(*PRESENT, known.c.source_digest.is_not(None))
"""Of whom nothing is due while the source still has the very record that led to what go~mus holds."""
Index(None, known.c.sync, known.c.verified_at)
Index(
    "ix_known_settled",
    known.c.sync,
    known.c.source_digest,
    sqlite_where=SETTLED,
    postgresql_where=SETTLED,
    postgresql_include=["row"],
)
Index("ix_known_unsettled", known.c.sync, sqlite_where=not_(SETTLED), postgresql_where=not_(SETTLED))
Index(
    "ix_known_told_gone",
    known.c.sync,
    sqlite_where=known.c.told_gone,
    postgresql_where=known.c.told_gone,
)

watermark = Table(
    "watermark",
    metadata,
    Column("sync", Text, primary_key=True),
    Column("cursor", Text, nullable=False),
    Column("context", LargeBinary, nullable=False),  # digest of what decided the reading and mapping up to here
    Column("full_at", Moment, nullable=False),  # the last complete read from the start
)

standstill = Table(
    "standstill",
    metadata,
    Column("sync", Text, primary_key=True),
    Column("fence", Integer, nullable=False),  # of the last run that found nothing to do
    Column("content", LargeBinary(16), nullable=False),  # digest of what was read, and of what decided about it
    Column("counts", Text, nullable=False),
    Column("due_at", Moment),  # when the first absence has lasted for its grace
)

journal = Table(
    "journal",
    metadata,
    Column("id", RowNumber, primary_key=True, autoincrement=True),
    Column("run_id", Text, nullable=False),
    Column("sync", Text, nullable=False),
    Column("foreign_id", Text, nullable=False),
    Column("gomus_id", BigInteger),
    Column("action", Text, nullable=False),
    Column("fields", Text, nullable=False),
    Column("begun_at", Moment, nullable=False),
    Column("sent_at", Moment),  # when its call last went out, or its answer was given up: its effect may still come
    Column("round", Integer, nullable=False),  # how often it was sent before, and never found
    Column("is_unmet", Boolean, nullable=False, server_default=false()),  # a create that nobody has looked for before
    Column("settled_at", Moment),
    Column("result", Text),
    Column("status", Integer),
    Column("attempts", Integer),
    Column("error", Words),
)
Index(None, journal.c.sync, journal.c.foreign_id)
Index(
    "ix_journal_open",
    journal.c.sync,
    sqlite_where=journal.c.settled_at.is_(None),
    postgresql_where=journal.c.settled_at.is_(None),
)

run = Table(
    "run",
    metadata,
    Column("id", Text, primary_key=True),
    Column("sync", Text, nullable=False),
    Column("instance", Text, nullable=False),
    Column("trigger", Text, nullable=False),
    Column("started_at", Moment, nullable=False),
    Column("finished_at", Moment),
    Column("status", Text),
    Column("counts", Text, nullable=False),
    Column("error", Words),
    Column("remedy", Words),
)
Index(None, run.c.sync, run.c.started_at)

invalid = Table(
    "invalid",
    metadata,
    Column("id", RowNumber, primary_key=True, autoincrement=True),
    Column("sync", Text, nullable=False),
    Column("run_id", Text, nullable=False),
    Column("foreign_id", Text),
    Column("name", LargeBinary(16)),  # in place of the foreign_id, of who was erased on request
    Column("position", Words, nullable=False),
    Column("problems", Text, nullable=False),
)
Index(None, invalid.c.sync, invalid.c.foreign_id)

quarantine = Table(
    "quarantine",
    metadata,
    Column("sync", Text, primary_key=True),
    Column("foreign_id", Text, primary_key=True),
    Column("content", LargeBinary, nullable=False),  # digest of what was refused
    Column("action", Text, nullable=False),
    Column("reason", Words, nullable=False),
    Column("status", Integer),
    Column("tries", Integer, nullable=False),
    Column("since", Moment, nullable=False),
    Column("next_try_at", Moment, nullable=False),
)

nameless = Table(
    "nameless",
    metadata,
    Column("sync", Text, primary_key=True),
    Column("digest", LargeBinary(16), primary_key=True),
    Column("since", Moment, nullable=False),
)

tombstone = Table(
    "tombstone",
    metadata,
    Column("instance", Text, primary_key=True),  # as it is called in the configuration
    Column("address", LargeBinary, primary_key=True),  # digest of the instance's url; either of the two may change
    Column("name", LargeBinary(16), primary_key=True),  # keyed digest of the foreign_id
    Column("sync", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("at", Moment, nullable=False),
    Column("by", Words),  # who asked for it
    Column("why", Words),
    Column("foreign_id", Text),  # while an erasure on request is open; nothing but the name stays
    Column("steps", Text),  # what was done, once it is over
    Column("ledger", LargeBinary),  # the person's digest in the ledger of erasures
)
Index("ix_tombstone_address", tombstone.c.address, tombstone.c.name)
Index(
    "ix_tombstone_requests",
    tombstone.c.at,
    sqlite_where=tombstone.c.reason == "request",
    postgresql_where=tombstone.c.reason == "request",
)

held = Table(
    "held",
    metadata,
    Column("sync", Text, primary_key=True),
    Column("run_id", Text, nullable=False),
    Column("guards", Text, nullable=False),
    Column("held_at", Moment, nullable=False),
)

held_change = Table(
    "held_change",
    metadata,
    Column("sync", Text, primary_key=True),
    Column("foreign_id", Text, primary_key=True),
    Column("run_id", Text, nullable=False),  # that held it last
    Column("action", Text, nullable=False),
    Column("content", LargeBinary, nullable=False),
    Column("guards", Text, nullable=False),
    Column("fields", Text, nullable=False),
    Column("since", Moment, nullable=False),
    Column("word", Text),  # what a person has decided
    Column("by", Words),
    Column("why", Words),
    Column("at", Moment),
)

drift = Table(
    "drift",
    metadata,
    Column("sync", Text, primary_key=True),
    Column("foreign_id", Text, primary_key=True),
    Column("fields", Text, nullable=False),
    Column("since", Moment, nullable=False),
)

errand = Table(
    "errand",
    metadata,
    Column("sync", Text, primary_key=True),
    Column("foreign_id", Text, primary_key=True),
    Column("texts", Text, nullable=False),  # of the configuration
)

match = Table(
    "match",
    metadata,
    Column("sync", Text, primary_key=True),
    Column("foreign_id", Text, primary_key=True),
    Column("word", Text, nullable=False),
    Column("gomus_id", BigInteger),  # of the customer that the record is
    Column("candidates", Text, nullable=False),  # the numbers among which a person has to decide
    Column("reason", Text),  # the code of why nobody but a person can
    Column("by", Words),
    Column("why", Words),
    Column("at", Moment, nullable=False),
)

email = Table(
    "email",
    metadata,
    Column("sync", Text, primary_key=True),
    Column("foreign_id", Text, primary_key=True),
    Column("hold", Text, primary_key=True),  # whether it has the address, may get it, or waits for it
    Column("digest", LargeBinary(16), nullable=False),
)
NOT_HAD = email.c.hold != text("'has'")
"""Addresses that somebody may get, or waits for: they are few."""
Index(None, email.c.digest, email.c.hold)
Index("ix_email_not_had", email.c.sync, sqlite_where=NOT_HAD, postgresql_where=NOT_HAD)

merger = Table(
    "merger",
    metadata,
    Column("sync", Text, primary_key=True),
    Column("foreign_id", Text, primary_key=True),
    Column("into", Text),  # the foreign_id that the record went into
    Column("since", Moment, nullable=False),
    Column("looked_at", Moment),  # in go~mus
    Column("closed_at", Moment),  # when go~mus was seen to have one customer
)

likeness = Table(
    "likeness",
    metadata,
    Column("sync", Text, primary_key=True),
    Column("foreign_id", Text, primary_key=True),
    Column("other_sync", Text, nullable=False),
    Column("other_id", Text, nullable=False),  # of the same person in that list
    Column("absent_since", Moment),  # the record, from its own list
)
Index(None, likeness.c.other_id)

offer = Table(
    "offer",
    metadata,
    Column("sync", Text, primary_key=True),  # whose list has given the customer up
    Column("foreign_id", Text, primary_key=True),
    Column("since", Moment, nullable=False),
)

absence = Table(
    "absence",
    metadata,
    Column("sync", Text, primary_key=True),
    Column("counted_for", LargeBinary),
    Column("judged_for", LargeBinary),
    Column("accepted_at", Moment),
)

departure = Table(
    "departure",
    metadata,
    Column("sync", Text, primary_key=True),
    Column("run_id", Text, primary_key=True),
    Column("first_at", Moment, nullable=False),
    Column("last_at", Moment, nullable=False),
    Column("known", Integer, nullable=False),
    Column("count", Integer, nullable=False),
)

learned = Table(
    "learned",
    metadata,
    Column("instance", Text, primary_key=True),
    Column("name", Text, primary_key=True),
    Column("value", Text, nullable=False),
)

condition = Table(
    "condition",
    metadata,
    Column("sync", Text, primary_key=True),
    Column("kind", Text, primary_key=True),
    Column("since", Moment, nullable=False),
    Column("level", Integer, nullable=False),
    Column("telling", Text, nullable=False),
    Column("words", Words, nullable=False),
    Column("claimed_until", Moment),  # while somebody tells it
)

lookup = Table(
    "lookup",
    metadata,
    Column("instance", Text, primary_key=True),
    Column("kind", Text, primary_key=True),
    Column("locale", Text, primary_key=True),
    Column("entries", Text, nullable=False),
    Column("fetched_at", Moment, nullable=False),
)

pause = Table(
    "pause",
    metadata,
    Column("sync", Text, primary_key=True),
    Column("since", Moment, nullable=False),
    Column("until", Moment),
    Column("by", Words, nullable=False),
    Column("why", Words),
)

replica = Table(
    "replica",
    metadata,
    Column("name", Text, primary_key=True),
    Column("seen_at", Moment, nullable=False),
    Column("agenda", Text, nullable=False),
    Column("running", Text, nullable=False),
)

request = Table(
    "request",
    metadata,
    Column("id", Text, primary_key=True),
    Column("sync", Text, nullable=False),
    Column("requested_at", Moment, nullable=False),
    Column("expires_at", Moment),
    Column("replica", Text),  # that has taken it
    Column("run_id", Text),
    Column("status", Text),
    Column("finished_at", Moment),
)
