"""Held changes, each with what a person has decided on it; who was erased lately; under what absence is counted."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

# An approval counts from when it would have ended: it may last a day longer, and never ends early.
MOVE = """
insert into held_change (sync, foreign_id, run_id, action, content, guards, fields, since, word, "by", at)
select old.sync, foreign_id, run_id, action, content, '', '', held_at,
case when approved_by is null then null else 'approved' end, approved_by, expires_at
from old_held_change as old join held on held.sync = old.sync
"""


def upgrade() -> None:
    moment = sa.DateTime(timezone=True)
    op.rename_table("held_change", "old_held_change")
    op.create_table(
        "held_change",
        sa.Column("sync", sa.Text(), nullable=False),
        sa.Column("foreign_id", sa.Text(), nullable=False),
        *(sa.Column(name, sa.Text(), nullable=False) for name in ("run_id", "action")),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        *(sa.Column(name, sa.Text(), nullable=False) for name in ("guards", "fields")),
        sa.Column("since", moment, nullable=False),
        *(sa.Column(name, sa.Text()) for name in ("word", "by", "why")),
        sa.Column("at", moment),
    )
    op.execute(MOVE)
    op.drop_table("old_held_change")
    with op.batch_alter_table("held_change") as batch:
        batch.create_primary_key("pk_held_change", ["sync", "foreign_id"])
    with op.batch_alter_table("held") as batch:
        batch.drop_column("approved_by")
        batch.drop_column("expires_at")
    op.create_table(
        "absence",
        sa.Column("sync", sa.Text(), nullable=False),
        *(sa.Column(name, sa.LargeBinary()) for name in ("counted_for", "judged_for")),
        sa.Column("accepted_at", moment),
        sa.PrimaryKeyConstraint("sync", name="pk_absence"),
    )
    op.create_table(
        "departure",
        *(sa.Column(name, sa.Text(), nullable=False) for name in ("sync", "run_id")),
        *(sa.Column(name, moment, nullable=False) for name in ("first_at", "last_at")),
        *(sa.Column(name, sa.Integer(), nullable=False) for name in ("known", "count")),
        sa.PrimaryKeyConstraint("sync", "run_id", name="pk_departure"),
    )


def downgrade() -> None:
    raise NotImplementedError("restore the backup of the state database instead")
