"""The baseline: every table, what watches over them, and the job queue in its own schema.

Revision: 0001, the first.
"""

from pathlib import Path

import sqlalchemy as sa
from alembic import op
from geoalchemy2 import Geometry
from procrastinate.schema import SchemaManager
from sqlalchemy.dialects import postgresql

revision = "0001"
down_revision = None

SQL = Path(__file__).parents[1] / "sql"
#: The legal steps at the time of this migration; app/lifecycles.py holds today's.
TRANSITIONS = [
    ("asset", "draft", "pending"),
    ("asset", "draft", "published"),
    ("asset", "draft", "withdrawn"),
    ("asset", "draft", "removed"),
    ("asset", "pending", "published"),
    ("asset", "pending", "hidden"),
    ("asset", "pending", "withdrawn"),
    ("asset", "pending", "removed"),
    ("asset", "published", "hidden"),
    ("asset", "published", "withdrawn"),
    ("asset", "published", "removed"),
    ("asset", "hidden", "published"),
    ("asset", "hidden", "withdrawn"),
    ("asset", "hidden", "removed"),
    ("asset", "withdrawn", "published"),
    ("asset", "withdrawn", "removed"),
    ("comment", "pending", "published"),
    ("comment", "pending", "hidden"),
    ("comment", "pending", "withdrawn"),
    ("comment", "pending", "removed"),
    ("comment", "published", "hidden"),
    ("comment", "published", "withdrawn"),
    ("comment", "published", "removed"),
    ("comment", "hidden", "published"),
    ("comment", "hidden", "withdrawn"),
    ("comment", "hidden", "removed"),
    ("comment", "withdrawn", "removed"),
    ("need", "open", "met"),
    ("need", "open", "closed"),
    ("need", "met", "open"),
    ("need", "closed", "open"),
    ("proposal", "proposed", "accepted"),
    ("proposal", "proposed", "declined"),
    ("proposal", "proposed", "withdrawn"),
    ("proposal", "accepted", "done"),
    ("proposal", "accepted", "withdrawn"),
    ("pledge", "pledged", "confirmed"),
    ("pledge", "pledged", "withdrawn"),
    ("pledge", "confirmed", "fulfilled"),
    ("pledge", "confirmed", "missed"),
    ("pledge", "confirmed", "withdrawn"),
    ("link", "asked", "agreed"),
    ("link", "asked", "declined"),
    ("link", "declined", "asked"),
    ("flag", "open", "upheld"),
    ("flag", "open", "dismissed"),
]


def run(script: str) -> None:
    """Run a script of several statements as it is."""
    connection = op.get_bind().connection.driver_connection
    assert connection is not None
    connection.execute(script)


def upgrade() -> None:
    """Make everything, in the order in which one thing needs another."""
    run((SQL / "0001_before_tables.sql").read_text(encoding="utf-8"))
    op.create_table(
        "boundary_set",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("level", sa.String(length=20), nullable=False),
        sa.Column("name", sa.String(length=120), nullable=False),
        sa.Column("valid_from", sa.Date(), nullable=True),
        sa.Column("valid_to", sa.Date(), nullable=True),
        sa.Column("illustrative", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("attribution", sa.String(length=400), server_default="", nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint(
            "level IN ('neighbourhood', 'ward', 'borough', 'county', 'region', 'country')",
            name=op.f("ck_boundary_set_level"),
        ),
        sa.CheckConstraint(
            "valid_to IS NULL OR valid_from IS NULL OR valid_to >= valid_from", name=op.f("ck_boundary_set_dates")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_boundary_set")),
        sa.UniqueConstraint("name", name=op.f("uq_boundary_set_name")),
    )
    op.create_table(
        "community",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("uid", sa.UUID(), server_default=sa.text("gen_random_uuid()"), nullable=False),
        sa.Column("name", sa.String(length=120), nullable=False),
        sa.Column("summary", sa.Text(), server_default="", nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_community")),
        sa.UniqueConstraint("uid", name=op.f("uq_community_uid")),
    )
    op.create_table(
        "history",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("person_id", sa.BigInteger(), nullable=True),
        sa.Column("actor", sa.String(length=120), nullable=False),
        sa.Column("verb", sa.String(length=40), nullable=False),
        sa.Column("thing", sa.String(length=20), nullable=False),
        sa.Column("thing_uid", sa.Uuid(), nullable=True),
        sa.Column("before", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=True),
        sa.Column("after", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=True),
        sa.Column("why", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_history")),
    )
    op.create_index("ix_history_thing", "history", ["thing", "thing_uid", "id"], unique=False)
    op.create_table(
        "idempotency",
        sa.Column("actor", sa.String(length=60), nullable=False),
        sa.Column("key", sa.String(length=200), nullable=False),
        sa.Column("fingerprint", sa.LargeBinary(), nullable=False),
        sa.Column("status", sa.SmallInteger(), nullable=False),
        sa.Column("headers", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("actor", "key", name=op.f("pk_idempotency")),
    )
    op.create_index(op.f("ix_idempotency_created_at"), "idempotency", ["created_at"], unique=False)
    op.create_table(
        "map_cell",
        sa.Column("level", sa.SmallInteger(), nullable=False),
        sa.Column("cell", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("theme", sa.String(length=20), nullable=False),
        sa.Column("n", sa.Integer(), nullable=False),
        sa.Column("sx", sa.BigInteger(), nullable=False),
        sa.Column("sy", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("level", "cell", "kind", "theme", name=op.f("pk_map_cell")),
    )
    op.create_table(
        "map_change",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("cell", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("theme", sa.String(length=20), nullable=False),
        sa.Column("n", sa.Integer(), nullable=False),
        sa.Column("sx", sa.BigInteger(), nullable=False),
        sa.Column("sy", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_map_change")),
    )
    op.create_index("ix_map_change_cell", "map_change", ["cell"], unique=False)
    op.create_table(
        "outbox",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("event", sa.String(length=40), nullable=False),
        sa.Column("thing_uid", sa.Uuid(), nullable=True),
        sa.Column("payload", postgresql.JSONB(astext_type=sa.Text()), server_default="{}", nullable=False),
        sa.Column("taken_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_outbox")),
    )
    op.create_index("ix_outbox_waiting", "outbox", ["id"], unique=False, postgresql_where=sa.text("taken_at IS NULL"))
    op.create_table(
        "person",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("uid", sa.UUID(), server_default=sa.text("gen_random_uuid()"), nullable=False),
        sa.Column("name", sa.String(length=80), nullable=False),
        sa.Column("role", sa.String(length=20), server_default="resident", nullable=False),
        sa.Column("state", sa.String(length=20), server_default="active", nullable=False),
        sa.Column("about", sa.Text(), server_default="", nullable=False),
        sa.Column("via", sa.String(length=10), server_default="web", nullable=False),
        sa.Column("recorded_by", sa.BigInteger(), nullable=True),
        sa.Column("consent", sa.Text(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("role IN ('resident', 'operator')", name=op.f("ck_person_role")),
        sa.CheckConstraint("state IN ('active', 'suspended', 'erased')", name=op.f("ck_person_state")),
        sa.CheckConstraint("via IN ('web', 'app', 'shop', 'street', 'paper', 'import')", name=op.f("ck_person_via")),
        sa.ForeignKeyConstraint(["recorded_by"], ["person.id"], name=op.f("fk_person_recorded_by")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_person")),
        sa.UniqueConstraint("uid", name=op.f("uq_person_uid")),
    )
    op.create_geospatial_table(
        "postcode",
        sa.Column("code", sa.String(length=8), nullable=False),
        sa.Column(
            "geom",
            Geometry(
                geometry_type="POINT",
                srid=4326,
                dimension=2,
                spatial_index=False,
                from_text="ST_GeomFromEWKT",
                name="geometry",
                nullable=False,
            ),
            nullable=False,
        ),
        sa.PrimaryKeyConstraint("code", name=op.f("pk_postcode")),
    )
    op.create_table(
        "rate_counter",
        sa.Column("bucket", sa.String(length=120), nullable=False),
        sa.Column("window_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("count", sa.Integer(), server_default="0", nullable=False),
        sa.PrimaryKeyConstraint("bucket", "window_at", name=op.f("pk_rate_counter")),
        prefixes=["UNLOGGED"],
    )
    op.create_table(
        "state_change",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("thing", sa.String(length=20), nullable=False),
        sa.Column("thing_id", sa.BigInteger(), nullable=False),
        sa.Column("aspect", sa.String(length=10), server_default="state", nullable=False),
        sa.Column("from_state", sa.String(length=10), nullable=True),
        sa.Column("to_state", sa.String(length=10), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("person_id", sa.BigInteger(), nullable=True),
        sa.Column("why", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_state_change")),
    )
    op.create_index(op.f("ix_state_change_at"), "state_change", ["at"], unique=False)
    op.create_index("ix_state_change_thing", "state_change", ["thing", "thing_id", "at"], unique=False)
    op.create_table(
        "transition",
        sa.Column("thing", sa.String(length=20), nullable=False),
        sa.Column("from_state", sa.String(length=10), nullable=False),
        sa.Column("to_state", sa.String(length=10), nullable=False),
        sa.PrimaryKeyConstraint("thing", "from_state", "to_state", name=op.f("pk_transition")),
    )
    op.create_table(
        "contact",
        sa.Column("uid", sa.Uuid(), nullable=False),
        sa.Column("person_uid", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(length=10), nullable=False),
        sa.Column("value", sa.String(length=254), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("kind IN ('email', 'phone', 'post')", name=op.f("ck_contact_kind")),
        sa.PrimaryKeyConstraint("uid", name=op.f("pk_contact")),
        schema="vault",
    )
    op.create_index("ix_contact_person_uid", "contact", ["person_uid"], unique=False, schema="vault")
    op.create_index(
        "uq_contact_email",
        "contact",
        [sa.literal_column("lower(value)")],
        unique=True,
        schema="vault",
        postgresql_where=sa.text("kind = 'email'"),
    )
    op.create_geospatial_table(
        "exact_point",
        sa.Column("uid", sa.Uuid(), nullable=False),
        sa.Column("asset_uid", sa.Uuid(), nullable=False),
        sa.Column(
            "geom",
            Geometry(
                geometry_type="POINT",
                srid=4326,
                dimension=2,
                spatial_index=False,
                from_text="ST_GeomFromEWKT",
                name="geometry",
                nullable=False,
            ),
            nullable=False,
        ),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("uid", name=op.f("pk_exact_point")),
        schema="vault",
    )
    op.create_index("ix_exact_point_asset_uid", "exact_point", ["asset_uid"], unique=False, schema="vault")
    op.create_table(
        "sign_in",
        sa.Column("uid", sa.Uuid(), nullable=False),
        sa.Column("email", sa.String(length=254), nullable=False),
        sa.Column("browser_hash", sa.LargeBinary(), nullable=False),
        sa.Column("tries", sa.Integer(), server_default="0", nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("used_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("uid", name=op.f("pk_sign_in")),
        schema="vault",
    )
    op.create_table(
        "api_key",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("uid", sa.UUID(), server_default=sa.text("gen_random_uuid()"), nullable=False),
        sa.Column("person_id", sa.BigInteger(), nullable=False),
        sa.Column("name", sa.String(length=80), nullable=False),
        sa.Column("prefix", sa.String(length=16), nullable=False),
        sa.Column("token_hash", sa.LargeBinary(), nullable=False),
        sa.Column("scopes", sa.ARRAY(sa.String(length=20)), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("used_on", sa.Date(), nullable=True),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_api_key_person_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_api_key")),
        sa.UniqueConstraint("prefix", name=op.f("uq_api_key_prefix")),
        sa.UniqueConstraint("uid", name=op.f("uq_api_key_uid")),
    )
    op.create_index(op.f("ix_api_key_person_id"), "api_key", ["person_id"], unique=False)
    op.create_geospatial_table(
        "area",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("set_id", sa.BigInteger(), nullable=False),
        sa.Column("level", sa.String(length=20), nullable=False),
        sa.Column("code", sa.String(length=20), nullable=False),
        sa.Column("name", sa.String(length=120), nullable=False),
        sa.Column("parent_id", sa.BigInteger(), nullable=True),
        sa.Column(
            "geom",
            Geometry(
                geometry_type="MULTIPOLYGON",
                srid=4326,
                dimension=2,
                spatial_index=False,
                from_text="ST_GeomFromEWKT",
                name="geometry",
                nullable=False,
            ),
            nullable=False,
        ),
        sa.Column("population", sa.Integer(), nullable=True),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "level IN ('neighbourhood', 'ward', 'borough', 'county', 'region', 'country')", name=op.f("ck_area_level")
        ),
        sa.CheckConstraint("population IS NULL OR population >= 0", name=op.f("ck_area_population")),
        sa.ForeignKeyConstraint(["parent_id"], ["area.id"], name=op.f("fk_area_parent_id")),
        sa.ForeignKeyConstraint(["set_id"], ["boundary_set.id"], name=op.f("fk_area_set_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_area")),
        sa.UniqueConstraint("set_id", "code", name=op.f("uq_area_set_id_code")),
    )
    op.create_index(op.f("ix_area_code"), "area", ["code"], unique=False)
    op.create_index(
        "ix_area_current", "area", ["level", "code"], unique=False, postgresql_where=sa.text("ended_at IS NULL")
    )
    op.create_geospatial_index(
        "ix_area_geom", "area", ["geom"], unique=False, postgresql_using="gist", postgresql_ops={}
    )
    op.create_index(op.f("ix_area_parent_id"), "area", ["parent_id"], unique=False)
    op.create_table(
        "import_run",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("uid", sa.UUID(), server_default=sa.text("gen_random_uuid()"), nullable=False),
        sa.Column("source", sa.String(length=120), nullable=False),
        sa.Column("file_name", sa.String(length=255), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("rows_read", sa.Integer(), nullable=False),
        sa.Column("created", sa.Integer(), nullable=False),
        sa.Column("already_there", sa.Integer(), nullable=False),
        sa.Column("rejected", sa.Integer(), nullable=False),
        sa.Column("created_by", sa.BigInteger(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("rows_read = created + already_there + rejected", name=op.f("ck_import_run_account")),
        sa.ForeignKeyConstraint(["created_by"], ["person.id"], name=op.f("fk_import_run_created_by")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_import_run")),
        sa.UniqueConstraint("uid", name=op.f("uq_import_run_uid")),
    )
    op.create_table(
        "membership",
        sa.Column("community_id", sa.BigInteger(), nullable=False),
        sa.Column("person_id", sa.BigInteger(), nullable=False),
        sa.Column("role", sa.String(length=10), server_default="member", nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("role IN ('member', 'steward')", name=op.f("ck_membership_role")),
        sa.ForeignKeyConstraint(["community_id"], ["community.id"], name=op.f("fk_membership_community_id")),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_membership_person_id")),
        sa.PrimaryKeyConstraint("community_id", "person_id", name=op.f("pk_membership")),
    )
    op.create_index(op.f("ix_membership_person_id"), "membership", ["person_id"], unique=False)
    op.create_table(
        "session",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("token_hash", sa.LargeBinary(), nullable=False),
        sa.Column("person_id", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("seen_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_session_person_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_session")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_session_token_hash")),
    )
    op.create_index(op.f("ix_session_person_id"), "session", ["person_id"], unique=False)
    op.create_geospatial_table(
        "asset",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("uid", sa.UUID(), server_default=sa.text("gen_random_uuid()"), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("title", sa.String(length=160), nullable=False),
        sa.Column("summary", sa.String(length=500), server_default="", nullable=False),
        sa.Column("body", sa.Text(), server_default="", nullable=False),
        sa.Column("theme", sa.String(length=20), server_default="other", nullable=False),
        sa.Column("state", sa.String(length=10), server_default="published", nullable=False),
        sa.Column("stage", sa.String(length=10), server_default="active", nullable=False),
        sa.Column("audience", sa.String(length=10), server_default="public", nullable=False),
        sa.Column("owner_id", sa.BigInteger(), nullable=True),
        sa.Column("community_id", sa.BigInteger(), nullable=True),
        sa.Column("organiser", sa.String(length=160), server_default="", nullable=False),
        sa.Column("website", sa.String(length=500), nullable=True),
        sa.Column("licence", sa.String(length=80), nullable=True),
        sa.Column("attribution", sa.String(length=400), nullable=True),
        sa.Column("details", postgresql.JSONB(astext_type=sa.Text()), server_default="{}", nullable=False),
        sa.Column("location_class", sa.String(length=10), server_default="place", nullable=False),
        sa.Column(
            "geom",
            Geometry(srid=4326, dimension=2, spatial_index=False, from_text="ST_GeomFromEWKT", name="geometry"),
            nullable=True,
        ),
        sa.Column("area_id", sa.BigInteger(), nullable=True),
        sa.Column("ward", sa.String(length=20), nullable=True),
        sa.Column(
            "anchor",
            Geometry(
                geometry_type="POINT",
                srid=4326,
                dimension=2,
                spatial_index=False,
                from_text="ST_GeomFromEWKT",
                name="geometry",
            ),
            sa.Computed(
                "CASE WHEN GeometryType(geom) = 'POINT' THEN geom ELSE ST_PointOnSurface(geom) END", persisted=True
            ),
            nullable=True,
        ),
        sa.Column(
            "cell",
            sa.BigInteger(),
            sa.Computed(
                "civic_cell(CASE WHEN GeometryType(geom) = 'POINT' THEN geom ELSE ST_PointOnSurface(geom) END)",
                persisted=True,
            ),
            nullable=True,
        ),
        sa.Column(
            "on_map",
            sa.Boolean(),
            sa.Computed(
                "state = 'published' AND audience = 'public' AND stage <> 'ended' AND geom IS NOT NULL", persisted=True
            ),
            nullable=False,
        ),
        sa.Column(
            "search",
            postgresql.TSVECTOR(),
            sa.Computed(
                "setweight(to_tsvector('civic_english', title), 'A') || setweight(to_tsvector('civic_english', summary), 'B') || setweight(to_tsvector('civic_english', body || ' ' || organiser), 'C')",
                persisted=True,
            ),
            nullable=False,
        ),
        sa.Column("appreciation_count", sa.Integer(), server_default="0", nullable=False),
        sa.Column("starts_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("published_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("via", sa.String(length=10), server_default="web", nullable=False),
        sa.Column("recorded_by", sa.BigInteger(), nullable=True),
        sa.Column("consent", sa.Text(), nullable=True),
        sa.Column("import_id", sa.BigInteger(), nullable=True),
        sa.Column("source", sa.String(length=120), nullable=True),
        sa.Column("fingerprint", sa.LargeBinary(), nullable=True),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint(
            "audience = 'public' OR community_id IS NOT NULL", name=op.f("ck_asset_audience_needs_community")
        ),
        sa.CheckConstraint("audience IN ('public', 'members')", name=op.f("ck_asset_audience")),
        sa.CheckConstraint("location_class IN ('place', 'person', 'shielded')", name=op.f("ck_asset_location_class")),
        sa.CheckConstraint("stage IN ('planned', 'active', 'ended')", name=op.f("ck_asset_stage")),
        sa.CheckConstraint(
            "state IN ('draft', 'pending', 'published', 'hidden', 'withdrawn', 'removed')", name=op.f("ck_asset_state")
        ),
        sa.CheckConstraint(
            "theme IN ('food', 'green', 'health', 'young-people', 'older-people', 'skills-work', 'arts', 'energy', 'transport', 'safety', 'housing', 'faith', 'sport', 'other')",
            name=op.f("ck_asset_theme"),
        ),
        sa.CheckConstraint("title <> ''", name=op.f("ck_asset_title")),
        sa.CheckConstraint("via IN ('web', 'app', 'shop', 'street', 'paper', 'import')", name=op.f("ck_asset_via")),
        sa.CheckConstraint("ends_at IS NULL OR starts_at IS NULL OR ends_at >= starts_at", name=op.f("ck_asset_dates")),
        sa.CheckConstraint(
            "geom IS NULL OR ST_YMax(geom) <= 85.05 AND ST_YMin(geom) >= -85.05", name=op.f("ck_asset_latitude")
        ),
        sa.CheckConstraint("geom IS NULL OR area_id IS NULL", name=op.f("ck_asset_place")),
        sa.ForeignKeyConstraint(["area_id"], ["area.id"], name=op.f("fk_asset_area_id")),
        sa.ForeignKeyConstraint(["community_id"], ["community.id"], name=op.f("fk_asset_community_id")),
        sa.ForeignKeyConstraint(["import_id"], ["import_run.id"], name=op.f("fk_asset_import_id")),
        sa.ForeignKeyConstraint(["owner_id"], ["person.id"], name=op.f("fk_asset_owner_id")),
        sa.ForeignKeyConstraint(["recorded_by"], ["person.id"], name=op.f("fk_asset_recorded_by")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_asset")),
        sa.UniqueConstraint("source", "fingerprint", name=op.f("uq_asset_source_fingerprint")),
        sa.UniqueConstraint("uid", name=op.f("uq_asset_uid")),
    )
    op.create_geospatial_index(
        "ix_asset_anchor", "asset", ["anchor"], unique=False, postgresql_using="gist", postgresql_ops={}
    )
    op.create_index(
        "ix_asset_appreciated",
        "asset",
        [sa.literal_column("appreciation_count DESC"), sa.literal_column("id DESC")],
        unique=False,
    )
    op.create_index(op.f("ix_asset_area_id"), "asset", ["area_id"], unique=False)
    op.create_index("ix_asset_cell", "asset", ["cell"], unique=False, postgresql_where=sa.text("on_map"))
    op.create_index(op.f("ix_asset_community_id"), "asset", ["community_id"], unique=False)
    op.create_index(
        "ix_asset_ends_at",
        "asset",
        ["ends_at"],
        unique=False,
        postgresql_where=sa.text("stage <> 'ended' AND ends_at IS NOT NULL"),
    )
    op.create_index(op.f("ix_asset_import_id"), "asset", ["import_id"], unique=False)
    op.create_index("ix_asset_owner_id", "asset", ["owner_id", "id"], unique=False)
    op.create_index("ix_asset_search", "asset", ["search"], unique=False, postgresql_using="gin")
    op.create_geospatial_index(
        "ix_asset_shape",
        "asset",
        ["geom"],
        unique=False,
        postgresql_using="gist",
        postgresql_where=sa.text("on_map AND GeometryType(geom) <> 'POINT'"),
        postgresql_ops={},
    )
    op.create_index("ix_asset_title", "asset", [sa.literal_column("lower(title)"), "id"], unique=False)
    op.create_index(
        "ix_asset_title_words",
        "asset",
        ["title"],
        unique=False,
        postgresql_using="gin",
        postgresql_ops={"title": "gin_trgm_ops"},
    )
    op.create_index(
        "ix_asset_unmapped",
        "asset",
        ["kind", "theme"],
        unique=False,
        postgresql_where=sa.text("geom IS NULL AND state = 'published'"),
    )
    op.create_index(
        "ix_asset_ward", "asset", ["ward", "kind"], unique=False, postgresql_where=sa.text("state = 'published'")
    )
    op.create_table(
        "officer_area",
        sa.Column("person_id", sa.BigInteger(), nullable=False),
        sa.Column("area_id", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(["area_id"], ["area.id"], name=op.f("fk_officer_area_area_id")),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_officer_area_person_id")),
        sa.PrimaryKeyConstraint("person_id", "area_id", name=op.f("pk_officer_area")),
    )
    op.create_table(
        "appreciation",
        sa.Column("asset_id", sa.BigInteger(), nullable=False),
        sa.Column("person_id", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(["asset_id"], ["asset.id"], name=op.f("fk_appreciation_asset_id"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_appreciation_person_id")),
        sa.PrimaryKeyConstraint("asset_id", "person_id", name=op.f("pk_appreciation")),
    )
    op.create_index(op.f("ix_appreciation_person_id"), "appreciation", ["person_id"], unique=False)
    op.create_table(
        "asset_area",
        sa.Column("asset_id", sa.BigInteger(), nullable=False),
        sa.Column("area_id", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["area_id"], ["area.id"], name=op.f("fk_asset_area_area_id"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["asset_id"], ["asset.id"], name=op.f("fk_asset_area_asset_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("asset_id", "area_id", name=op.f("pk_asset_area")),
    )
    op.create_index("ix_asset_area_area_id", "asset_area", ["area_id", "asset_id"], unique=False)
    op.create_table(
        "comment",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("uid", sa.UUID(), server_default=sa.text("gen_random_uuid()"), nullable=False),
        sa.Column("asset_id", sa.BigInteger(), nullable=False),
        sa.Column("reply_to_id", sa.BigInteger(), nullable=True),
        sa.Column("author_id", sa.BigInteger(), nullable=True),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("state", sa.String(length=10), server_default="published", nullable=False),
        sa.Column("via", sa.String(length=10), server_default="web", nullable=False),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint(
            "state IN ('pending', 'published', 'hidden', 'withdrawn', 'removed')", name=op.f("ck_comment_state")
        ),
        sa.CheckConstraint("via IN ('web', 'app', 'shop', 'street', 'paper', 'import')", name=op.f("ck_comment_via")),
        sa.ForeignKeyConstraint(["asset_id"], ["asset.id"], name=op.f("fk_comment_asset_id"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["author_id"], ["person.id"], name=op.f("fk_comment_author_id")),
        sa.ForeignKeyConstraint(
            ["reply_to_id"], ["comment.id"], name=op.f("fk_comment_reply_to_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_comment")),
        sa.UniqueConstraint("uid", name=op.f("uq_comment_uid")),
    )
    op.create_index("ix_comment_asset_id", "comment", ["asset_id", "id"], unique=False)
    op.create_index(op.f("ix_comment_author_id"), "comment", ["author_id"], unique=False)
    op.create_index(op.f("ix_comment_reply_to_id"), "comment", ["reply_to_id"], unique=False)
    op.create_table(
        "link",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("uid", sa.UUID(), server_default=sa.text("gen_random_uuid()"), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("from_id", sa.BigInteger(), nullable=False),
        sa.Column("to_id", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.String(length=10), server_default="asked", nullable=False),
        sa.Column("created_by", sa.BigInteger(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("kind IN ('grew_from', 'part_of', 'at_place', 'partner_of')", name=op.f("ck_link_kind")),
        sa.CheckConstraint("state IN ('asked', 'agreed', 'declined')", name=op.f("ck_link_state")),
        sa.CheckConstraint("from_id <> to_id", name=op.f("ck_link_distinct")),
        sa.ForeignKeyConstraint(["created_by"], ["person.id"], name=op.f("fk_link_created_by")),
        sa.ForeignKeyConstraint(["from_id"], ["asset.id"], name=op.f("fk_link_from_id"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["to_id"], ["asset.id"], name=op.f("fk_link_to_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_link")),
        sa.UniqueConstraint("from_id", "to_id", "kind", name="uq_link_from_id_to_id_kind"),
        sa.UniqueConstraint("uid", name=op.f("uq_link_uid")),
    )
    op.create_index(op.f("ix_link_to_id"), "link", ["to_id"], unique=False)
    op.create_table(
        "need",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("uid", sa.UUID(), server_default=sa.text("gen_random_uuid()"), nullable=False),
        sa.Column("asset_id", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("title", sa.String(length=160), nullable=False),
        sa.Column("text", sa.Text(), server_default="", nullable=False),
        sa.Column("quantity", sa.Integer(), server_default="1", nullable=False),
        sa.Column("met", sa.Integer(), server_default="0", nullable=False),
        sa.Column("state", sa.String(length=10), server_default="open", nullable=False),
        sa.Column("blocking", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("report_back_on", sa.Date(), nullable=True),
        sa.Column("created_by", sa.BigInteger(), nullable=True),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint(
            "kind IN ('people', 'skill', 'space', 'equipment', 'money', 'permission', 'training')",
            name=op.f("ck_need_kind"),
        ),
        sa.CheckConstraint("state IN ('open', 'met', 'closed')", name=op.f("ck_need_state")),
        sa.CheckConstraint("NOT blocking OR report_back_on IS NOT NULL", name=op.f("ck_need_blocking")),
        sa.CheckConstraint("met >= 0 AND met <= quantity", name=op.f("ck_need_met")),
        sa.CheckConstraint("quantity >= 1 AND quantity <= 100000", name=op.f("ck_need_quantity")),
        sa.ForeignKeyConstraint(["asset_id"], ["asset.id"], name=op.f("fk_need_asset_id"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["created_by"], ["person.id"], name=op.f("fk_need_created_by")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_need")),
        sa.UniqueConstraint("uid", name=op.f("uq_need_uid")),
    )
    op.create_index("ix_need_asset_id", "need", ["asset_id", "id"], unique=False)
    op.create_table(
        "proposal",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("uid", sa.UUID(), server_default=sa.text("gen_random_uuid()"), nullable=False),
        sa.Column("asset_id", sa.BigInteger(), nullable=False),
        sa.Column("proposer_id", sa.BigInteger(), nullable=True),
        sa.Column("title", sa.String(length=160), nullable=False),
        sa.Column("text", sa.Text(), server_default="", nullable=False),
        sa.Column("places", sa.Integer(), nullable=True),
        sa.Column("pledged", sa.Integer(), server_default="0", nullable=False),
        sa.Column("happens_on", sa.Date(), nullable=True),
        sa.Column("state", sa.String(length=10), server_default="proposed", nullable=False),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint(
            "state IN ('proposed', 'accepted', 'declined', 'done', 'withdrawn')", name=op.f("ck_proposal_state")
        ),
        sa.CheckConstraint(
            "places IS NULL OR (places >= 1 AND places <= 10000)", name=op.f("ck_proposal_places_range")
        ),
        sa.CheckConstraint("places IS NULL OR pledged <= places", name=op.f("ck_proposal_places")),
        sa.CheckConstraint("pledged >= 0", name=op.f("ck_proposal_pledged")),
        sa.ForeignKeyConstraint(["asset_id"], ["asset.id"], name=op.f("fk_proposal_asset_id"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["proposer_id"], ["person.id"], name=op.f("fk_proposal_proposer_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_proposal")),
        sa.UniqueConstraint("uid", name=op.f("uq_proposal_uid")),
    )
    op.create_index("ix_proposal_asset_id", "proposal", ["asset_id", "id"], unique=False)
    op.create_index(op.f("ix_proposal_proposer_id"), "proposal", ["proposer_id"], unique=False)
    op.create_table(
        "update",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("uid", sa.UUID(), server_default=sa.text("gen_random_uuid()"), nullable=False),
        sa.Column("asset_id", sa.BigInteger(), nullable=False),
        sa.Column("author_id", sa.BigInteger(), nullable=True),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(["asset_id"], ["asset.id"], name=op.f("fk_update_asset_id"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["author_id"], ["person.id"], name=op.f("fk_update_author_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_update")),
        sa.UniqueConstraint("uid", name=op.f("uq_update_uid")),
    )
    op.create_index("ix_update_asset_id", "update", ["asset_id", "id"], unique=False)
    op.create_table(
        "flag",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("uid", sa.UUID(), server_default=sa.text("gen_random_uuid()"), nullable=False),
        sa.Column("asset_id", sa.BigInteger(), nullable=False),
        sa.Column("comment_id", sa.BigInteger(), nullable=True),
        sa.Column("person_id", sa.BigInteger(), nullable=False),
        sa.Column("reason", sa.String(length=20), nullable=False),
        sa.Column("text", sa.Text(), server_default="", nullable=False),
        sa.Column("state", sa.String(length=10), server_default="open", nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "reason IN ('unlawful', 'unsafe', 'personal-details', 'not-true', 'not-local', 'spam', 'other')",
            name=op.f("ck_flag_reason"),
        ),
        sa.CheckConstraint("state IN ('open', 'upheld', 'dismissed')", name=op.f("ck_flag_state")),
        sa.ForeignKeyConstraint(["asset_id"], ["asset.id"], name=op.f("fk_flag_asset_id"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["comment_id"], ["comment.id"], name=op.f("fk_flag_comment_id"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_flag_person_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_flag")),
        sa.UniqueConstraint(
            "asset_id", "comment_id", "person_id", name="uq_flag_once", postgresql_nulls_not_distinct=True
        ),
        sa.UniqueConstraint("uid", name=op.f("uq_flag_uid")),
    )
    op.create_table(
        "pledge",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("uid", sa.UUID(), server_default=sa.text("gen_random_uuid()"), nullable=False),
        sa.Column("proposal_id", sa.BigInteger(), nullable=False),
        sa.Column("person_id", sa.BigInteger(), nullable=True),
        sa.Column("hours_promised", sa.Numeric(precision=6, scale=2), nullable=False),
        sa.Column("hours_given", sa.Numeric(precision=6, scale=2), nullable=True),
        sa.Column("message", sa.Text(), server_default="", nullable=False),
        sa.Column("state", sa.String(length=10), server_default="pledged", nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint(
            "(state = 'fulfilled') = (hours_given IS NOT NULL)", name=op.f("ck_pledge_given_when_fulfilled")
        ),
        sa.CheckConstraint(
            "state IN ('pledged', 'confirmed', 'fulfilled', 'missed', 'withdrawn')", name=op.f("ck_pledge_state")
        ),
        sa.CheckConstraint(
            "hours_given IS NULL OR (hours_given >= 0 AND hours_given <= 1000)", name=op.f("ck_pledge_hours_given")
        ),
        sa.CheckConstraint("hours_promised > 0 AND hours_promised <= 1000", name=op.f("ck_pledge_hours_promised")),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_pledge_person_id")),
        sa.ForeignKeyConstraint(
            ["proposal_id"], ["proposal.id"], name=op.f("fk_pledge_proposal_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_pledge")),
        sa.UniqueConstraint("uid", name=op.f("uq_pledge_uid")),
    )
    op.create_index(op.f("ix_pledge_person_id"), "pledge", ["person_id"], unique=False)
    op.create_index("ix_pledge_proposal_id", "pledge", ["proposal_id", "id"], unique=False)
    op.create_index(
        "uq_pledge_open_per_person",
        "pledge",
        ["proposal_id", "person_id"],
        unique=True,
        postgresql_where=sa.text("state IN ('pledged', 'confirmed')"),
    )
    run((SQL / "0001_after_tables.sql").read_text(encoding="utf-8"))
    op.bulk_insert(
        sa.table("transition", sa.column("thing"), sa.column("from_state"), sa.column("to_state")),
        [{"thing": thing, "from_state": old, "to_state": new} for thing, old, new in TRANSITIONS],
    )
    # Procrastinate's script names no schema: it goes where the search path points.
    run("CREATE SCHEMA procrastinate; SET LOCAL search_path = procrastinate, public;")
    run(SchemaManager.get_schema())
    run("SET LOCAL search_path = public;")


def downgrade() -> None:
    """Remove everything but the extensions, which may have been there before."""
    run("""
        DROP SCHEMA procrastinate CASCADE;
        DROP SCHEMA vault CASCADE;
        DROP TABLE
          boundary_set, community, history, idempotency, map_cell, map_change, outbox, person,
          postcode, rate_counter, state_change, transition, api_key, area, import_run, membership,
          session, asset, officer_area, appreciation, asset_area, comment, link, need,
          proposal, "update", flag, pledge;
        DROP FUNCTION check_transition, count_appreciation, count_pledge, log_map_insert, log_map_update, log_map_delete;
        DROP FUNCTION civic_query, civic_cell, civic_spread, civic_world_x, civic_world_y;
        DROP TEXT SEARCH CONFIGURATION civic_english;
    """)
