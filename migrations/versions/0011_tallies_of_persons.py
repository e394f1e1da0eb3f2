"""The tallies that count persons, found at once; and every tally counted again, for they now name what is told by name.

Revision: 0011, after 0010. It reads every asset once, as 0009 does.
"""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    """Add the index; what is kept is counted again."""
    op.create_index("ix_tally_persons", "tally", ["place"], postgresql_where=sa.text("(figures -> 2) <> '{}'::jsonb"))
    op.execute("DELETE FROM tally")
    op.execute("DELETE FROM tally_change")
    op.execute(
        "INSERT INTO tally_change (place) SELECT DISTINCT civic_tally(ward, area_id, cell, theme) FROM asset "
        "WHERE state = 'published' AND audience = 'public'"
    )


def downgrade() -> None:
    """Without the index."""
    op.drop_index("ix_tally_persons", "tally")
