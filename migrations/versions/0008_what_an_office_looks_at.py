"""What the owner of the data is to look at: changes made in go~mus, and what the source itself says."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "drift",
        sa.Column("sync", sa.Text, nullable=False),
        sa.Column("foreign_id", sa.Text, nullable=False),
        sa.Column("fields", sa.Text, nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("sync", "foreign_id", name="pk_drift"),
    )
    op.create_table(
        "errand",
        sa.Column("sync", sa.Text, nullable=False),
        sa.Column("foreign_id", sa.Text, nullable=False),
        sa.Column("texts", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("sync", "foreign_id", name="pk_errand"),
    )


def downgrade() -> None:
    raise NotImplementedError("restore the backup of the state database instead")
