"""Forms, origins, and when a call was sent; tombstones of an instance; no words of others."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

ADDED = {
    "known": [
        ("scheme", sa.Integer(), 1),  # made before digests were salted by person
        ("shown", sa.LargeBinary(), b""),
        ("origin", sa.Text(), "created"),
    ],
    "journal": [("round", sa.Integer(), 0)],
}
PHRASE = "refused; the reason was said before this version, which keeps no words of others"
MOVE = """
insert into tombstone (instance, name, address, sync, reason, at)
select :instance, name, :address, sync, reason, at from old_tombstone as old
where sync = :sync and reason = :reason
and not exists (select 1 from tombstone where instance = :instance and tombstone.name = old.name)
"""
WORDS = {"journal": ["error"], "run": ["error", "remedy"]}


def upgrade() -> None:
    moment = sa.DateTime(timezone=True)
    op.add_column("journal", sa.Column("sent_at", moment))
    op.add_column("invalid", sa.Column("name", sa.LargeBinary(16)))
    for table, columns in ADDED.items():
        for name, type_, _ in columns:
            op.add_column(table, sa.Column(name, type_))
        column = [sa.column(name, type_) for name, type_, _ in columns]
        op.execute(sa.table(table, *column).update().values({name: value for name, _, value in columns}))
        with op.batch_alter_table(table) as batch:
            for name, type_, _ in columns:
                batch.alter_column(name, existing_type=type_, nullable=False)
    for table, names in WORDS.items():
        for name in names:
            op.execute(sa.table(table, sa.column(name)).update().values({name: None}))
    quarantine = sa.table("quarantine", sa.column("reason", sa.Text))
    op.execute(quarantine.update().values(reason=PHRASE))
    _give_tombstones_to_instances(moment)


def _give_tombstones_to_instances(moment: sa.DateTime) -> None:
    """An instance is named by the sync's last run; where that is forgotten, its address still tells it."""
    op.rename_table("tombstone", "old_tombstone")
    op.create_table(
        "tombstone",
        sa.Column("instance", sa.Text(), nullable=False),
        sa.Column("address", sa.LargeBinary(), nullable=False),
        sa.Column("name", sa.LargeBinary(16), nullable=False),
        sa.Column("sync", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("at", moment, nullable=False),
        *(sa.Column(name, sa.Text()) for name in ("by", "why", "foreign_id", "steps")),
        sa.Column("ledger", sa.LargeBinary()),
    )
    connection = op.get_bind()
    syncs = connection.execute(sa.text("select distinct sync from old_tombstone order by sync")).scalars().all()
    run_of = sa.text("select instance from run where sync = :sync order by started_at desc limit 1")
    address_of = sa.text("select address from sync where name = :sync")
    for reason in ("request", "absence"):  # whoever was erased in two syncs was erased on request if in one
        for sync in syncs:
            values = {
                "sync": sync,
                "reason": reason,
                "instance": connection.execute(run_of, {"sync": sync}).scalar() or "",
                "address": connection.execute(address_of, {"sync": sync}).scalar() or b"",
            }
            connection.execute(sa.text(MOVE), values)
    op.drop_table("old_tombstone")
    with op.batch_alter_table("tombstone") as batch:
        batch.create_primary_key("pk_tombstone", ["instance", "address", "name"])
    op.create_index("ix_tombstone_address", "tombstone", ["address", "name"])
    requested = sa.text("reason = 'request'")
    op.create_index("ix_tombstone_requests", "tombstone", ["at"], sqlite_where=requested, postgresql_where=requested)


def downgrade() -> None:
    raise NotImplementedError("restore the backup of the state database instead")
