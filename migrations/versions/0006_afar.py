"""Tiles from afar cost the same however many assets there are: all themes added up, and the layer of shapes as a function.

Revision: 0006, after 0005. It adds up what is there: some seconds for a million assets, half a minute for ten. A process of
the version before that folds after it leaves the sums behind: end it first, or run `./civic map verify --rebuild` later.
"""

from pathlib import Path

from alembic import op

revision = "0006"
down_revision = "0005"

SQL = Path(__file__).parents[1] / "sql"


def upgrade() -> None:
    """Add the sums over all themes of each level, cell and kind, and the function that draws shapes."""
    connection = op.get_bind().connection.driver_connection
    assert connection is not None
    connection.execute((SQL / "0006_afar.sql").read_text(encoding="utf-8"))


def downgrade() -> None:
    """Without them."""
    op.execute("DROP FUNCTION civic_shapes")
    op.execute("DELETE FROM map_cell WHERE level < 0")
