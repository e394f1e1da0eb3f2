"""Jobs that people order, the files that are kept for them in pieces, and councillors beside officers.

Revision: 0007, after 0006. It is done at once, however much is on the map.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0007"
down_revision = "0006"

STEPS = [
    ("job", "waiting", "working"),
    ("job", "waiting", "cancelled"),
    ("job", "working", "waiting"),
    ("job", "working", "done"),
    ("job", "working", "failed"),
    ("job", "working", "cancelled"),
]


def upgrade() -> None:
    """Add the three tables, the legal steps of a job, and the role in which somebody holds an area."""
    _files()
    _jobs()
    op.bulk_insert(
        sa.table("transition", sa.column("thing"), sa.column("from_state"), sa.column("to_state")),
        [{"thing": thing, "from_state": old, "to_state": new} for thing, old, new in STEPS],
    )
    op.execute(
        "CREATE TRIGGER check_transition BEFORE UPDATE OF state ON job FOR EACH ROW EXECUTE FUNCTION check_transition()"
    )
    op.add_column("officer_area", sa.Column("role", sa.String(length=10), server_default="officer", nullable=False))
    op.create_check_constraint(op.f("ck_officer_area_role"), "officer_area", "role IN ('officer', 'councillor')")


def _files() -> None:
    op.create_table(
        "file",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("uid", sa.UUID(), server_default=sa.text("gen_random_uuid()"), nullable=False),
        sa.Column("person_id", sa.BigInteger(), nullable=False),
        sa.Column("name", sa.String(length=255), nullable=False),
        sa.Column("media_type", sa.String(length=120), nullable=False),
        sa.Column("size", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("size >= 0", name=op.f("ck_file_size")),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_file_person_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_file")),
        sa.UniqueConstraint("uid", name=op.f("uq_file_uid")),
    )
    op.create_index(op.f("ix_file_person_id"), "file", ["person_id"])
    op.create_index(op.f("ix_file_expires_at"), "file", ["expires_at"])
    op.create_table(
        "file_part",
        sa.Column("file_id", sa.BigInteger(), nullable=False),
        sa.Column("n", sa.Integer(), nullable=False),
        sa.Column("data", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["file_id"], ["file.id"], name=op.f("fk_file_part_file_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("file_id", "n", name=op.f("pk_file_part")),
    )
    # Workbooks and the like are compressed already: trying again would only take time.
    op.execute("ALTER TABLE file_part ALTER COLUMN data SET STORAGE EXTERNAL")


def _jobs() -> None:
    op.create_table(
        "job",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("uid", sa.UUID(), server_default=sa.text("gen_random_uuid()"), nullable=False),
        sa.Column("person_id", sa.BigInteger(), nullable=False),
        sa.Column("what", sa.String(length=20), nullable=False),
        sa.Column("asked", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("state", sa.String(length=10), server_default="waiting", nullable=False),
        sa.Column("tries", sa.SmallInteger(), server_default="0", nullable=False),
        sa.Column("progress", postgresql.JSONB(astext_type=sa.Text()), server_default="{}", nullable=False),
        sa.Column("result", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=True),
        sa.Column("fault", sa.Text(), nullable=True),
        sa.Column("file_id", sa.BigInteger(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("seen_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "what IN ('report', 'import.preview', 'import.run', 'import.undo')", name=op.f("ck_job_what")
        ),
        sa.CheckConstraint("state IN ('waiting', 'working', 'done', 'failed', 'cancelled')", name=op.f("ck_job_state")),
        sa.CheckConstraint(
            "(state IN ('done', 'failed', 'cancelled')) = (expires_at IS NOT NULL)", name=op.f("ck_job_expires")
        ),
        sa.CheckConstraint("(state = 'failed') = (fault IS NOT NULL)", name=op.f("ck_job_fault")),
        sa.ForeignKeyConstraint(["file_id"], ["file.id"], name=op.f("fk_job_file_id"), ondelete="SET NULL"),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_job_person_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_job")),
        sa.UniqueConstraint("uid", name=op.f("uq_job_uid")),
    )
    op.create_index("ix_job_person_id", "job", ["person_id", "id"])
    op.create_index(op.f("ix_job_file_id"), "job", ["file_id"])
    op.create_index(op.f("ix_job_expires_at"), "job", ["expires_at"])


def downgrade() -> None:
    """Without jobs and files. Whoever only reads an area has nothing there any more."""
    op.execute("DELETE FROM officer_area WHERE role <> 'officer'")
    op.drop_column("officer_area", "role")
    op.execute("DELETE FROM transition WHERE thing = 'job'")
    op.drop_table("job")
    op.drop_table("file_part")
    op.drop_table("file")
