"""What a run that found nothing to do has read, so that the next one need not compare it again."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "standstill",
        sa.Column("sync", sa.Text, nullable=False),
        sa.Column("fence", sa.Integer, nullable=False),
        sa.Column("content", sa.LargeBinary(16), nullable=False),
        sa.Column("counts", sa.Text, nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True)),
        sa.PrimaryKeyConstraint("sync", name="pk_standstill"),
    )


def downgrade() -> None:
    raise NotImplementedError("restore the backup of the state database instead")
