"""Sources as things: what was said of a list is remembered, its rows are followed from release to release.

Revision: 0008, after 0007. The new columns are empty, so no row is written again; what was brought in before becomes the
first release of its source.
"""

import sqlalchemy as sa
from alembic import op
from geoalchemy2 import Geometry
from sqlalchemy.dialects import postgresql

revision = "0008"
down_revision = "0007"

STATES = ("waiting", "previewing", "previewed", "bringing-in", "done", "failed", "undoing", "undone")
FATES = ("created", "updated", "conflict", "unplaced", "rejected", "retired", "duplicate", "kept")


def _one_of(column: str, values: tuple[str, ...]) -> str:
    return f"{column} IN ({', '.join(repr(value) for value in values)})"


def upgrade() -> None:
    """Add the tables, what an import counts now, and what an asset remembers of its row."""
    _add_source()
    _widen_import_run()
    _add_import_row()
    op.add_column("asset", sa.Column("row_digest", sa.LargeBinary(), nullable=True))
    op.add_column("asset", sa.Column("imported_version", sa.Integer(), nullable=True))
    op.execute(
        """
        INSERT INTO source (name, kind, created_by, created_at, updated_at)
        SELECT DISTINCT ON (source) source, kind, created_by, created_at, created_at FROM import_run ORDER BY source, id DESC
        """
    )
    op.execute(
        "UPDATE import_run SET source_id = source.id, ran_at = import_run.created_at FROM source WHERE name = source"
    )


def _add_source() -> None:
    op.create_table(
        "source",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("uid", sa.UUID(), server_default=sa.text("gen_random_uuid()"), nullable=False),
        sa.Column("name", sa.String(length=120), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("theme", sa.String(length=20), server_default="other", nullable=False),
        sa.Column("key", sa.Text(), nullable=True),
        sa.Column("mapping", postgresql.JSONB(astext_type=sa.Text()), server_default="{}", nullable=False),
        sa.Column("crs", sa.String(length=20), nullable=True),
        sa.Column("layer", sa.Text(), nullable=True),
        sa.Column("area_id", sa.BigInteger(), nullable=True),
        sa.Column("licence", sa.String(length=80), nullable=True),
        sa.Column("attribution", sa.String(length=400), nullable=True),
        sa.Column("created_by", sa.BigInteger(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(["area_id"], ["area.id"], name=op.f("fk_source_area_id")),
        sa.ForeignKeyConstraint(["created_by"], ["person.id"], name=op.f("fk_source_created_by")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_source")),
        sa.UniqueConstraint("name", name=op.f("uq_source_name")),
        sa.UniqueConstraint("uid", name=op.f("uq_source_uid")),
    )
    op.create_index(op.f("ix_source_area_id"), "source", ["area_id"])


def _widen_import_run() -> None:
    for name in ("updated", "conflicts", "unplaced", "retired"):
        op.add_column("import_run", sa.Column(name, sa.Integer(), server_default="0", nullable=False))
    op.add_column("import_run", sa.Column("source_id", sa.BigInteger(), nullable=True))
    op.add_column("import_run", sa.Column("state", sa.String(length=12), server_default="done", nullable=False))
    for name in ("said", "plan"):
        document = postgresql.JSONB(astext_type=sa.Text())
        op.add_column("import_run", sa.Column(name, document, server_default="{}", nullable=False))
    op.add_column("import_run", sa.Column("fault", sa.Text(), nullable=True))
    op.add_column("import_run", sa.Column("file_uid", sa.Uuid(), nullable=True))
    op.add_column("import_run", sa.Column("job_uid", sa.Uuid(), nullable=True))
    now = sa.text("now()")
    op.add_column("import_run", sa.Column("ran_at", sa.DateTime(timezone=True), server_default=now, nullable=True))
    op.add_column("import_run", sa.Column("undone_at", sa.DateTime(timezone=True), nullable=True))
    op.create_foreign_key(op.f("fk_import_run_source_id"), "import_run", "source", ["source_id"], ["id"])
    op.create_index("ix_import_run_source_id", "import_run", ["source_id", "id"])
    op.create_index("ix_import_run_created_by", "import_run", ["created_by", "id"])
    op.drop_constraint(op.f("ck_import_run_account"), "import_run", type_="check")
    account = "rows_read = created + updated + already_there + conflicts + unplaced + rejected"
    op.create_check_constraint(op.f("ck_import_run_account"), "import_run", account)
    op.create_check_constraint(op.f("ck_import_run_state"), "import_run", _one_of("state", STATES))


def _add_import_row() -> None:
    op.create_geospatial_table(
        "import_row",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("run_id", sa.BigInteger(), nullable=False),
        sa.Column("line", sa.BigInteger(), nullable=True),
        sa.Column("fate", sa.String(length=10), nullable=False),
        sa.Column("title", sa.Text(), server_default="", nullable=False),
        sa.Column("reason", sa.Text(), server_default="", nullable=False),
        sa.Column("asset_uid", sa.Uuid(), nullable=True),
        sa.Column(
            "geom",
            Geometry(
                geometry_type="POINT", srid=4326, dimension=2, spatial_index=False, from_text="ST_GeomFromEWKT",
                name="geometry",
            ),
            nullable=True,
        ),
        sa.Column("before", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=True),
        sa.Column("after", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=True),
        sa.Column("source_id", sa.BigInteger(), nullable=True),
        sa.Column("fingerprint", sa.LargeBinary(), nullable=True),
        sa.Column("digest", sa.LargeBinary(), nullable=True),
        sa.Column("waits", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("ended_by", sa.BigInteger(), nullable=True),
        sa.CheckConstraint(_one_of("fate", FATES), name=op.f("ck_import_row_fate")),
        sa.CheckConstraint(
            "NOT waits OR (fate = 'unplaced' AND source_id IS NOT NULL)", name=op.f("ck_import_row_waits")
        ),
        sa.ForeignKeyConstraint(
            ["run_id"], ["import_run.id"], name=op.f("fk_import_row_run_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["ended_by"], ["import_run.id"], name=op.f("fk_import_row_ended_by"), ondelete="SET NULL"
        ),
        sa.ForeignKeyConstraint(["source_id"], ["source.id"], name=op.f("fk_import_row_source_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_import_row")),
    )  # fmt: skip
    op.create_index("ix_import_row_run_id", "import_row", ["run_id", "fate", "id"])
    waiting = sa.text("waits")
    op.create_index(
        "uq_import_row_waiting", "import_row", ["source_id", "fingerprint"], unique=True, postgresql_where=waiting
    )
    ended = sa.text("ended_by IS NOT NULL")
    op.create_index("ix_import_row_ended_by", "import_row", ["ended_by"], postgresql_where=ended)


def downgrade() -> None:
    """Without them; an import that updated, kept or retired anything is told as if those rows had been there already."""
    op.drop_column("asset", "imported_version")
    op.drop_column("asset", "row_digest")
    op.drop_table("import_row")
    op.execute("DELETE FROM import_run WHERE state NOT IN ('done', 'undone')")
    op.execute("UPDATE import_run SET already_there = already_there + updated + conflicts + unplaced, updated = 0, "
               "conflicts = 0, unplaced = 0")  # fmt: skip
    op.drop_constraint(op.f("ck_import_run_state"), "import_run", type_="check")
    op.drop_constraint(op.f("ck_import_run_account"), "import_run", type_="check")
    op.drop_index("ix_import_run_created_by", "import_run")
    op.drop_constraint(op.f("fk_import_run_source_id"), "import_run", type_="foreignkey")
    for name in (
        "source_id", "updated", "conflicts", "unplaced", "retired", "state", "said", "plan", "fault", "file_uid", "job_uid",
        "ran_at", "undone_at",
    ):  # fmt: skip
        op.drop_column("import_run", name)
    account = "rows_read = created + already_there + rejected"
    op.create_check_constraint(op.f("ck_import_run_account"), "import_run", account)
    op.drop_table("source")
