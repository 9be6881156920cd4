"""Two indexes: whose record is still the one that led to what go~mus holds, and the others."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

SETTLED = "stage = 'active' AND absent_since IS NULL AND {not_told} AND source_digest IS NOT NULL"


def upgrade() -> None:
    is_sqlite = op.get_bind().dialect.name == "sqlite"
    settled = sa.text(SETTLED.format(not_told="told_gone = 0" if is_sqlite else "NOT told_gone"))
    others = sa.text(f"NOT ({settled})")
    op.create_index(
        "ix_known_settled",
        "known",
        ["sync", "source_digest"],
        sqlite_where=settled,
        postgresql_where=settled,
        postgresql_include=["row"],
    )
    op.create_index("ix_known_unsettled", "known", ["sync"], sqlite_where=others, postgresql_where=others)


def downgrade() -> None:
    raise NotImplementedError("restore the backup of the state database instead")
