"""One word for one thing, one spelling for "never compared", and no column that nobody reads."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

RENAMED = {
    "known": {"source": "source_digest", "standing": "stage"},
    "journal": {"run": "run_id"},
    "invalid": {"run": "run_id"},
    "held": {"run": "run_id"},
    "request": {"run": "run_id"},
}
DROPPED = {
    "known": ["changed_at"],
    "sync": ["instance", "reads", "last_complete_at"],
    "held": ["counts", "approved_at"],
    "replica": ["host", "pid", "version", "started_at"],
    "request": ["by"],
}


def upgrade() -> None:
    for table, columns in RENAMED.items():
        for old, new in columns.items():
            op.execute(f"alter table {table} rename column {old} to {new}")
    for table, names in DROPPED.items():
        for name in names:
            op.drop_column(table, name)
    known = sa.table("known", sa.column("record", sa.LargeBinary))
    op.execute(known.update().where(known.c.record.is_(None)).values(record=b""))
    with op.batch_alter_table("known") as table:
        table.alter_column("record", existing_type=sa.LargeBinary(), nullable=False)


def downgrade() -> None:
    raise NotImplementedError("restore the backup of the state database instead")
