"""Lines and polygons that have ended, by place and size: a map that asks for them no longer visits every one.

Revision: 0004, after 0003. Making the index locks the table of assets against writers: seconds for a million.
"""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"

SHAPES = "state = 'published' AND audience = 'public' AND stage = 'ended' AND GeometryType(geom) <> 'POINT'"


def upgrade() -> None:
    """Add the index."""
    op.create_index(
        "ix_asset_ended_reach",
        "asset",
        [sa.text("civic_reach(geom) gist_geometry_ops_nd")],
        postgresql_using="gist",
        postgresql_where=sa.text(SHAPES),
    )


def downgrade() -> None:
    """Remove it."""
    op.drop_index("ix_asset_ended_reach", "asset")
