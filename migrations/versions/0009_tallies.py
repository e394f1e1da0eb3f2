"""Tallies of what the ward report counts, and when something was done without what it said.

Revision: 0009, after 0008. It reads every asset once, to say which tallies there are; the worker counts them afterwards.
"""

from pathlib import Path

import sqlalchemy as sa
from alembic import op
from geoalchemy2 import Geometry
from sqlalchemy.dialects import postgresql

revision = "0009"
down_revision = "0008"

SQL = Path(__file__).parents[1] / "sql"
MARKED = ("asset", "need", "proposal", "update", "pledge")
FUNCTIONS = (
    "mark_asset_insert()", "mark_asset_update()", "mark_asset_delete()", "mark_new_things()", "mark_old_things()",
    "mark_pledges()", "mark_old_pledges()",
)  # fmt: skip


def upgrade() -> None:
    """Add both tables and what fills them."""
    op.create_table(
        "tally",
        sa.Column("place", sa.String(length=40), nullable=False),
        sa.Column("figures", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.PrimaryKeyConstraint("place", name=op.f("pk_tally")),
    )
    op.create_table(
        "tally_change",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("place", sa.String(length=40), nullable=True),
        sa.Column("asset_id", sa.BigInteger(), nullable=True),
        sa.Column("box", Geometry("GEOMETRY", 4326, spatial_index=False), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_tally_change")),
    )
    connection = op.get_bind().connection.driver_connection
    assert connection is not None
    connection.execute((SQL / "0009_tallies.sql").read_text(encoding="utf-8"))


def downgrade() -> None:
    """Without them."""
    for table in MARKED:
        for what in ("insert", "update", "delete"):
            op.execute(f'DROP TRIGGER {"mark_asset" if table == "asset" else "mark"}_{what} ON "{table}"')
    for name in (*FUNCTIONS, "civic_tally(text, bigint, bigint, text)", "civic_verbs(text, uuid)"):
        op.execute(f"DROP FUNCTION {name}")
    op.drop_table("tally_change")
    op.drop_table("tally")
