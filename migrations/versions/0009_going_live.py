"""Going live: who is a customer of go~mus already, who is one person in several lists or with one address; pauses."""

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
    op.create_table(
        "email",
        sa.Column("sync", sa.Text, nullable=False),
        sa.Column("foreign_id", sa.Text, nullable=False),
        sa.Column("hold", sa.Text, nullable=False),
        sa.Column("digest", sa.LargeBinary(16), nullable=False),
        sa.PrimaryKeyConstraint("sync", "foreign_id", "hold", name="pk_email"),
    )
    op.create_index("ix_email_digest_hold", "email", ["digest", "hold"])
    not_had = sa.text("hold != 'has'")
    op.create_index("ix_email_not_had", "email", ["sync"], sqlite_where=not_had, postgresql_where=not_had)
    op.create_table(
        "pause",
        sa.Column("sync", sa.Text, nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.Column("until", sa.DateTime(timezone=True)),
        sa.Column("by", sa.Text, nullable=False),
        sa.Column("why", sa.Text),
        sa.PrimaryKeyConstraint("sync", name="pk_pause"),
    )
    op.create_table(
        "merger",
        sa.Column("sync", sa.Text, nullable=False),
        sa.Column("foreign_id", sa.Text, nullable=False),
        sa.Column("into", sa.Text),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.Column("looked_at", sa.DateTime(timezone=True)),
        sa.Column("closed_at", sa.DateTime(timezone=True)),
        sa.PrimaryKeyConstraint("sync", "foreign_id", name="pk_merger"),
    )
    op.create_table(
        "likeness",
        sa.Column("sync", sa.Text, nullable=False),
        sa.Column("foreign_id", sa.Text, nullable=False),
        sa.Column("other_sync", sa.Text, nullable=False),
        sa.Column("other_id", sa.Text, nullable=False),
        sa.Column("absent_since", sa.DateTime(timezone=True)),
        sa.PrimaryKeyConstraint("sync", "foreign_id", name="pk_likeness"),
    )
    op.create_index("ix_likeness_other_id", "likeness", ["other_id"])
    op.create_table(
        "offer",
        sa.Column("sync", sa.Text, nullable=False),
        sa.Column("foreign_id", sa.Text, nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("sync", "foreign_id", name="pk_offer"),
    )


def downgrade() -> None:
    raise NotImplementedError("restore the backup of the state database instead")
