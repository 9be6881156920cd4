"""One word for one thing: the digest of a source record, and how far a customer is in its life."""

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("alter table known rename column source to source_digest")
    op.execute("alter table known rename column standing to stage")


def downgrade() -> None:
    raise NotImplementedError("restore the backup of the state database instead")
