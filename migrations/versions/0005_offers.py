"""Offers by what they reach; and the words in use, learnt at once where there are assets already.

Revision: 0005, after 0004. Learning takes up to half a minute: it reads the newest million assets only.
"""

from pathlib import Path

from alembic import op

revision = "0005"
down_revision = "0004"

SQL = Path(__file__).parents[1] / "sql"


def upgrade() -> None:
    """Add the index of what offers reach; learn the words."""
    connection = op.get_bind().connection.driver_connection
    assert connection is not None
    connection.execute((SQL / "0005_offers.sql").read_text(encoding="utf-8"))


def downgrade() -> None:
    """Without the index; words that were learnt stay."""
    op.drop_index("ix_asset_offer", "asset")
    op.execute("DROP FUNCTION civic_offer_box")
