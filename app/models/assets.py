"""Everything on the map: assets and their ties."""

import uuid
from datetime import datetime
from typing import Any

from geoalchemy2 import Geometry
from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Computed,
    ForeignKey,
    Index,
    LargeBinary,
    String,
    Text,
    UniqueConstraint,
    literal_column,
    text,
)  # fmt: skip
from sqlalchemy.dialects.postgresql import JSONB, TSVECTOR
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app import lifecycles
from app.db import Base
from app.models.areas import Area, AssetArea
from app.models.columns import CreatedAt, Id, Uid, Version
from app.models.people import Community, Person, one_of

ANCHOR = "CASE WHEN GeometryType(geom) = 'POINT' THEN geom ELSE ST_PointOnSurface(geom) END"
ON_MAP = "state = 'published' AND audience = 'public' AND stage <> 'ended' AND geom IS NOT NULL"
ENDED = "state = 'published' AND audience = 'public' AND stage = 'ended'"
ENDED_SHAPES = "state = 'published' AND audience = 'public' AND stage = 'ended' AND GeometryType(geom) <> 'POINT'"
SEARCH = (
    "setweight(to_tsvector('civic_english', title), 'A') || setweight(to_tsvector('civic_english', summary), 'B')"
    " || setweight(to_tsvector('civic_english', body || ' ' || organiser), 'C')"
)


class Asset(Base):
    """Anything on the map. `geom` (EPSG:4326) is always public: what must not be public never gets here.

    `anchor`, `cell`, `on_map` and `search` are computed by the database, so no writer can forget them.
    """

    __tablename__ = "asset"
    __table_args__ = (
        one_of("theme", lifecycles.THEMES),
        one_of("state", lifecycles.states("asset")),
        one_of("stage", lifecycles.STAGES),
        one_of("audience", lifecycles.AUDIENCES),
        one_of("via", lifecycles.VIA),
        one_of("location_class", lifecycles.LOCATION_CLASSES),
        CheckConstraint("ends_at IS NULL OR starts_at IS NULL OR ends_at >= starts_at", name="dates"),
        CheckConstraint("geom IS NULL OR area_id IS NULL", name="place"),
        CheckConstraint("geom IS NULL OR ST_YMax(geom) <= 85.05 AND ST_YMin(geom) >= -85.05", name="latitude"),
        CheckConstraint("audience = 'public' OR community_id IS NOT NULL", name="audience_needs_community"),
        CheckConstraint("title <> ''", name="title"),
        UniqueConstraint("source", "fingerprint"),
        # A tile reads its pins from this index alone.
        Index(
            "ix_asset_pin", "cell", postgresql_include=["anchor", "kind", "theme", "stage", "uid", "title"],
            postgresql_where=text("on_map"),
        ),
        Index("ix_asset_ended", "cell", postgresql_where=text(ENDED)),
        Index("ix_asset_anchor", "anchor", postgresql_using="gist"),
        Index(
            "ix_asset_shape", "geom", postgresql_using="gist",
            postgresql_where=text("on_map AND GeometryType(geom) <> 'POINT'"),
        ),
        # Shapes by place and size: from afar only the large ones are looked at.
        Index(
            "ix_asset_reach", literal_column("civic_reach(geom)").label("reach"), postgresql_using="gist",
            postgresql_ops={"reach": "gist_geometry_ops_nd"},
            postgresql_where=text("on_map AND GeometryType(geom) <> 'POINT'"),
        ),
        # What each offer reaches (search/filters.py).
        Index(
            "ix_asset_offer", text("civic_offer_box(anchor, details)"), postgresql_using="gist",
            postgresql_where=text("kind = 'offer' AND on_map"),
        ),
        Index(
            "ix_asset_ended_reach", literal_column("civic_reach(geom)").label("reach"), postgresql_using="gist",
            postgresql_ops={"reach": "gist_geometry_ops_nd"}, postgresql_where=text(ENDED_SHAPES),
        ),
        Index("ix_asset_unmapped", "kind", "theme", postgresql_where=text("geom IS NULL AND state = 'published'")),
        Index("ix_asset_search", "search", postgresql_using="gin"),
        Index("ix_asset_title_says", text("ts_filter(search, '{a}')"), postgresql_using="gin"),
        # Pages of the newest: of each kind and theme, and of each square of the map (search/ways.py).
        Index("ix_asset_kind", "kind", "theme", "id"),
        Index("ix_asset_square", text("(cell >> 22)"), "id"),
        Index("ix_asset_counts", "ward", "kind", "theme", postgresql_where=text("on_map")),
        Index("ix_asset_not_public", "id", postgresql_where=text("NOT (state = 'published' AND audience = 'public')")),
        Index("ix_asset_ward", "ward", "kind", postgresql_where=text("state = 'published'")),
        Index("ix_asset_appreciated", text("appreciation_count DESC"), text("id DESC")),
        Index("ix_asset_title", text("lower(title)"), "id"),
        Index("ix_asset_owner_id", "owner_id", "id"),
        Index("ix_asset_ends_at", "ends_at", postgresql_where=text("stage <> 'ended' AND ends_at IS NOT NULL")),
    )  # fmt: skip

    id: Mapped[Id]
    uid: Mapped[Uid]
    kind: Mapped[str] = mapped_column(String(20))
    title: Mapped[str] = mapped_column(String(160))
    summary: Mapped[str] = mapped_column(String(500), server_default="", default="")
    body: Mapped[str] = mapped_column(Text, server_default="", default="")
    theme: Mapped[str] = mapped_column(String(20), server_default="other", default="other")
    state: Mapped[str] = mapped_column(String(10), server_default="published", default="published")
    stage: Mapped[str] = mapped_column(String(10), server_default="active", default="active")
    audience: Mapped[str] = mapped_column(String(10), server_default="public", default="public")
    owner_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    community_id: Mapped[int | None] = mapped_column(ForeignKey("community.id"), index=True)
    organiser: Mapped[str] = mapped_column(String(160), server_default="", default="")
    website: Mapped[str | None] = mapped_column(String(500))
    licence: Mapped[str | None] = mapped_column(String(80))
    attribution: Mapped[str | None] = mapped_column(String(400))
    details: Mapped[dict[str, Any]] = mapped_column(JSONB, server_default="{}", default=dict)
    location_class: Mapped[str] = mapped_column(String(10), server_default="place", default="place")
    geom: Mapped[Any] = mapped_column(Geometry("GEOMETRY", 4326, spatial_index=False), nullable=True)
    area_id: Mapped[int | None] = mapped_column(ForeignKey("area.id"), index=True)
    ward: Mapped[str | None] = mapped_column(String(20))
    anchor: Mapped[Any] = mapped_column(
        Geometry("POINT", 4326, spatial_index=False), Computed(ANCHOR, persisted=True), nullable=True
    )
    cell: Mapped[int | None] = mapped_column(BigInteger, Computed(f"civic_cell({ANCHOR})", persisted=True))
    on_map: Mapped[bool] = mapped_column(Computed(ON_MAP, persisted=True))
    search: Mapped[Any] = mapped_column(TSVECTOR, Computed(SEARCH, persisted=True), deferred=True)
    appreciation_count: Mapped[int] = mapped_column(server_default="0", default=0)
    starts_at: Mapped[datetime | None]
    ends_at: Mapped[datetime | None]
    published_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]
    via: Mapped[str] = mapped_column(String(10), server_default="web", default="web")
    recorded_by: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    consent: Mapped[str | None] = mapped_column(Text)
    import_id: Mapped[int | None] = mapped_column(ForeignKey("import_run.id"), index=True)
    source: Mapped[str | None] = mapped_column(String(120))
    fingerprint: Mapped[bytes | None] = mapped_column(LargeBinary)
    """Tells the row apart that it came from: a hash of its key, or of all that it said."""
    row_digest: Mapped[bytes | None] = mapped_column(LargeBinary)
    """A hash of all that the row said when it was brought in last; None: its fingerprint is that."""
    imported_version: Mapped[int | None]
    """The version that the last import left; None: the first. A later one was made by people."""
    version: Mapped[Version]
    created_at: Mapped[CreatedAt]
    updated_at: Mapped[CreatedAt]

    owner: Mapped[Person | None] = relationship(lazy="raise", foreign_keys=[owner_id])
    community: Mapped[Community | None] = relationship(lazy="raise")
    area: Mapped[Area | None] = relationship(lazy="raise")
    in_areas: Mapped[list[AssetArea]] = relationship(lazy="raise", viewonly=True)


class Link(Base):
    """A typed tie from one asset to another; `asked` until the other side agrees."""

    __tablename__ = "link"
    __table_args__ = (
        one_of("kind", lifecycles.LINK_KINDS),
        one_of("state", lifecycles.states("link")),
        UniqueConstraint("from_id", "to_id", "kind", name="uq_link_from_id_to_id_kind"),
        CheckConstraint("from_id <> to_id", name="distinct"),
    )

    id: Mapped[Id]
    uid: Mapped[Uid]
    kind: Mapped[str] = mapped_column(String(20))
    from_id: Mapped[int] = mapped_column(ForeignKey("asset.id", ondelete="CASCADE"))
    to_id: Mapped[int] = mapped_column(ForeignKey("asset.id", ondelete="CASCADE"), index=True)
    state: Mapped[str] = mapped_column(String(10), server_default="asked", default="asked")
    created_by: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    created_at: Mapped[CreatedAt]
    from_asset: Mapped[Asset] = relationship(lazy="raise", foreign_keys=[from_id])
    to_asset: Mapped[Asset] = relationship(lazy="raise", foreign_keys=[to_id])


class Word(Base):
    """A word that public assets use, accents folded: what a misspelt one is compared with. Learnt by a job."""

    __tablename__ = "word"
    __table_args__ = (Index("ix_word_alike", "word", postgresql_using="gin", postgresql_ops={"word": "gin_trgm_ops"}),)

    word: Mapped[str] = mapped_column(String(40, collation="C"), primary_key=True)
    n: Mapped[int] = mapped_column(BigInteger)


class VaultExactPoint(Base):
    """The exact point behind a coarser public one. The writing role may insert rows and see none."""

    __tablename__ = "exact_point"
    __table_args__ = (Index("ix_exact_point_asset_uid", "asset_uid"), {"schema": "vault"})

    uid: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    asset_uid: Mapped[uuid.UUID]
    geom: Mapped[Any] = mapped_column(Geometry("POINT", 4326, spatial_index=False))
    created_at: Mapped[CreatedAt]
