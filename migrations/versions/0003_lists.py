"""Lists of a million: indexes that pages walk, counts by ward, words in titles, and the words in use.

Revision: 0003, after 0002. Making the indexes locks the table of assets against writers: a minute for a million.
"""

from pathlib import Path

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"

SQL = Path(__file__).parents[1] / "sql"
NOT_PUBLIC = "NOT (state = 'published' AND audience = 'public')"


def run(script: str) -> None:
    """Run a script of several statements as it is."""
    connection = op.get_bind().connection.driver_connection
    assert connection is not None
    connection.execute(script)


def upgrade() -> None:
    """Add the indexes and the words; the index of titles by trigrams goes: misspellings are looked up among the words."""
    op.create_table(
        "word",
        sa.Column("word", sa.String(length=40, collation="C"), nullable=False),
        sa.Column("n", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("word", name=op.f("pk_word")),
    )
    op.create_index("ix_word_alike", "word", ["word"], postgresql_using="gin", postgresql_ops={"word": "gin_trgm_ops"})
    op.create_index("ix_asset_kind", "asset", ["kind", "theme", "id"])
    op.create_index("ix_asset_square", "asset", [sa.text("(cell >> 22)"), "id"])
    op.create_index("ix_asset_counts", "asset", ["ward", "kind", "theme"], postgresql_where=sa.text("on_map"))
    op.create_index("ix_asset_not_public", "asset", ["id"], postgresql_where=sa.text(NOT_PUBLIC))
    op.create_index("ix_asset_title_says", "asset", [sa.text("ts_filter(search, '{a}')")], postgresql_using="gin")
    op.drop_index("ix_asset_title_words", "asset")
    run((SQL / "0003_words.sql").read_text(encoding="utf-8"))


def downgrade() -> None:
    """Everything as it was."""
    baseline = (SQL / "0001_before_tables.sql").read_text(encoding="utf-8")
    before = baseline[baseline.index("CREATE FUNCTION civic_query") :].split("END $$;")[0] + "END $$;"
    run(before.replace("CREATE FUNCTION", "CREATE OR REPLACE FUNCTION"))
    run("DROP FUNCTION civic_alike; DROP TEXT SEARCH CONFIGURATION civic_words;")
    op.create_index(
        "ix_asset_title_words", "asset", ["title"], postgresql_using="gin", postgresql_ops={"title": "gin_trgm_ops"}
    )
    for name in ("title_says", "not_public", "counts", "square", "kind"):
        op.drop_index(f"ix_asset_{name}", "asset")
    op.drop_table("word")
