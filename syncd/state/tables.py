"""The tables of the state database: ids, digests, times and words; never a value."""

from datetime import UTC, datetime

from sqlalchemy import (
    BigInteger,
    Column,
    DateTime,
    Dialect,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    TypeDecorator,
    UniqueConstraint,
)

CONVENTION = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}
metadata = MetaData(naming_convention=CONVENTION)
RowNumber = BigInteger().with_variant(Integer, "sqlite")  # only an INTEGER counts up by itself in SQLite


class Moment(TypeDecorator[datetime]):
    """UTC; a naive time is refused at the door."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, _dialect: Dialect) -> datetime | None:
        if value is not None and value.tzinfo is None:
            raise ValueError("a time without a time zone")
        return None if value is None else value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, _dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


meta = Table("meta", metadata, Column("name", String(64), primary_key=True), Column("value", Text, nullable=False))

sync = Table(
    "sync",
    metadata,
    Column("name", String(64), primary_key=True),
    Column("instance", String(64), nullable=False),
    Column("address", LargeBinary, nullable=False),  # digest of the instance's url
    Column("fence", Integer, nullable=False),
    Column("reads", Integer, nullable=False),  # complete ones
    Column("last_complete_at", Moment),
)

known = Table(
    "known",
    metadata,
    Column("row", RowNumber, primary_key=True, autoincrement=True),
    Column("sync", String(64), nullable=False),
    Column("foreign_id", String(255), nullable=False),
    Column("gomus_id", BigInteger),
    Column("record", LargeBinary),
    Column("source", LargeBinary),
    Column("fields", LargeBinary, nullable=False),
    Column("absent_since", Moment),
    Column("standing", String(16), nullable=False),
    Column("changed_at", Moment, nullable=False),
    UniqueConstraint("sync", "foreign_id"),
)

journal = Table(
    "journal",
    metadata,
    Column("id", RowNumber, primary_key=True, autoincrement=True),
    Column("run", String(64), nullable=False),
    Column("sync", String(64), nullable=False),
    Column("foreign_id", String(255), nullable=False),
    Column("gomus_id", BigInteger),
    Column("action", String(16), nullable=False),
    Column("fields", Text, nullable=False),
    Column("begun_at", Moment, nullable=False),
    Column("settled_at", Moment),
    Column("result", String(16)),
    Column("status", Integer),
    Column("attempts", Integer),
    Column("error", Text),
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
    Column("id", String(64), primary_key=True),
    Column("sync", String(64), nullable=False),
    Column("instance", String(64), nullable=False),
    Column("trigger", String(32), nullable=False),
    Column("started_at", Moment, nullable=False),
    Column("finished_at", Moment),
    Column("status", String(32)),
    Column("counts", Text, nullable=False),
    Column("error", Text),
)
Index(None, run.c.sync, run.c.started_at)

invalid = Table(
    "invalid",
    metadata,
    Column("id", RowNumber, primary_key=True, autoincrement=True),
    Column("sync", String(64), nullable=False),
    Column("run", String(64), nullable=False),
    Column("foreign_id", String(255)),
    Column("position", Text, nullable=False),
    Column("problems", Text, nullable=False),
)
Index(None, invalid.c.sync, invalid.c.foreign_id)

quarantine = Table(
    "quarantine",
    metadata,
    Column("sync", String(64), primary_key=True),
    Column("foreign_id", String(255), primary_key=True),
    Column("content", LargeBinary, nullable=False),  # digest of what was refused
    Column("action", String(16), nullable=False),
    Column("reason", Text, nullable=False),
    Column("status", Integer),
    Column("tries", Integer, nullable=False),
    Column("since", Moment, nullable=False),
    Column("next_try_at", Moment, nullable=False),
)

nameless = Table(
    "nameless",
    metadata,
    Column("sync", String(64), primary_key=True),
    Column("digest", LargeBinary(16), primary_key=True),
    Column("since", Moment, nullable=False),
)

tombstone = Table(
    "tombstone",
    metadata,
    Column("sync", String(64), primary_key=True),
    Column("name", LargeBinary(16), primary_key=True),  # keyed digest of the foreign_id
    Column("reason", String(16), nullable=False),
    Column("at", Moment, nullable=False),
)

held = Table(
    "held",
    metadata,
    Column("sync", String(64), primary_key=True),
    Column("run", String(64), nullable=False),
    Column("guards", Text, nullable=False),
    Column("counts", Text, nullable=False),
    Column("held_at", Moment, nullable=False),
    Column("approved_at", Moment),
    Column("approved_by", Text),
    Column("expires_at", Moment),
)

held_change = Table(
    "held_change",
    metadata,
    Column("sync", String(64), primary_key=True),
    Column("foreign_id", String(255), primary_key=True),
    Column("action", String(16), nullable=False),
    Column("content", LargeBinary, nullable=False),
)

learned = Table(
    "learned",
    metadata,
    Column("instance", String(64), primary_key=True),
    Column("name", String(64), primary_key=True),
    Column("value", Text, nullable=False),
)

lookup = Table(
    "lookup",
    metadata,
    Column("instance", String(64), primary_key=True),
    Column("kind", String(32), primary_key=True),
    Column("locale", String(16), primary_key=True),
    Column("entries", Text, nullable=False),
    Column("fetched_at", Moment, nullable=False),
)
