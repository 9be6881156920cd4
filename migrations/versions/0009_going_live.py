"""Who of a list is which customer that go~mus has already."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "match",
        sa.Column("sync", sa.Text, nullable=False),
        sa.Column("foreign_id", sa.Text, nullable=False),
        sa.Column("word", sa.Text, nullable=False),
        sa.Column("gomus_id", sa.BigInteger),
        sa.Column("candidates", sa.Text, nullable=False),
        sa.Column("reason", sa.Text),
        sa.Column("by", sa.Text),
        sa.Column("why", sa.Text),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("sync", "foreign_id", name="pk_match"),
    )


def downgrade() -> None:
    raise NotImplementedError("restore the backup of the state database instead")
