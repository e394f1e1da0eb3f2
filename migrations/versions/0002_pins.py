"""What a tile reads comes from one index: pins by cell with all that is drawn of them, shapes by place and size.

Revision: 0002, after 0001. Making the indexes locks the table of assets against writers: seconds for a million.
"""

from pathlib import Path

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

SQL = Path(__file__).parents[1] / "sql"
SHAPES = "on_map AND GeometryType(geom) <> 'POINT'"
ENDED = "state = 'published' AND audience = 'public' AND stage = 'ended'"


def upgrade() -> None:
    """Replace the index of cells by one that holds the pins; add one of shapes by size and one of what has ended."""
    connection = op.get_bind().connection.driver_connection
    assert connection is not None
    connection.execute((SQL / "0002_world.sql").read_text(encoding="utf-8"))
    op.create_index(
        "ix_asset_pin",
        "asset",
        ["cell"],
        postgresql_include=["anchor", "kind", "theme", "stage", "uid", "title"],
        postgresql_where=sa.text("on_map"),
    )
    op.drop_index("ix_asset_cell", "asset")
    op.create_index(
        "ix_asset_reach",
        "asset",
        [sa.text("civic_reach(geom) gist_geometry_ops_nd")],
        postgresql_using="gist",
        postgresql_where=sa.text(SHAPES),
    )
    op.create_index("ix_asset_ended", "asset", ["cell"], postgresql_where=sa.text(ENDED))


def downgrade() -> None:
    """The index of cells as it was; the functions of 0001 give the same numbers, so these may stay."""
    op.drop_index("ix_asset_ended", "asset")
    op.drop_index("ix_asset_reach", "asset")
    op.create_index("ix_asset_cell", "asset", ["cell"], postgresql_where=sa.text("on_map"))
    op.drop_index("ix_asset_pin", "asset")
    op.execute("DROP FUNCTION civic_reach")
