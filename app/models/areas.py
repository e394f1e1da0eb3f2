"""Where things are: dated boundary sets, their areas, which asset lies in which, postcodes."""

from datetime import date, datetime
from typing import Any

from geoalchemy2 import Geometry
from sqlalchemy import CheckConstraint, ForeignKey, Index, Integer, String, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app import lifecycles
from app.db import Base
from app.models.columns import CreatedAt, Id
from app.models.people import one_of


class BoundarySet(Base):
    """The areas of one level as one source published them, from one day on."""

    __tablename__ = "boundary_set"
    __table_args__ = (
        one_of("level", lifecycles.LEVELS),
        CheckConstraint("valid_to IS NULL OR valid_from IS NULL OR valid_to >= valid_from", name="dates"),
    )

    id: Mapped[Id]
    level: Mapped[str] = mapped_column(String(20))
    name: Mapped[str] = mapped_column(String(120), unique=True)
    valid_from: Mapped[date | None]
    valid_to: Mapped[date | None]
    illustrative: Mapped[bool] = mapped_column(server_default=text("false"), default=False)
    attribution: Mapped[str] = mapped_column(String(400), server_default="", default="")
    created_at: Mapped[CreatedAt]


class Area(Base):
    """A polygon with an official code. `ended_at` is set when a newer set took its place; history keeps it."""

    __tablename__ = "area"
    __table_args__ = (
        UniqueConstraint("set_id", "code"),
        Index("ix_area_geom", "geom", postgresql_using="gist"),
        Index("ix_area_current", "level", "code", postgresql_where=text("ended_at IS NULL")),
        Index(None, "code"),
        one_of("level", lifecycles.LEVELS),
        CheckConstraint("population IS NULL OR population >= 0", name="population"),
    )

    id: Mapped[Id]
    set_id: Mapped[int] = mapped_column(ForeignKey("boundary_set.id"))
    level: Mapped[str] = mapped_column(String(20))
    code: Mapped[str] = mapped_column(String(20))
    name: Mapped[str] = mapped_column(String(120))
    parent_id: Mapped[int | None] = mapped_column(ForeignKey("area.id"), index=True)
    geom: Mapped[Any] = mapped_column(Geometry("MULTIPOLYGON", 4326, spatial_index=False))
    population: Mapped[int | None] = mapped_column(Integer)
    ended_at: Mapped[datetime | None]
    boundary_set: Mapped[BoundarySet] = relationship(lazy="raise")


class AssetArea(Base):
    """The anchor of this asset lies in this area; at most one area of each boundary set."""

    __tablename__ = "asset_area"
    __table_args__ = (Index("ix_asset_area_area_id", "area_id", "asset_id"),)

    asset_id: Mapped[int] = mapped_column(ForeignKey("asset.id", ondelete="CASCADE"), primary_key=True)
    area_id: Mapped[int] = mapped_column(ForeignKey("area.id", ondelete="CASCADE"), primary_key=True)


class Postcode(Base):
    """A postcode without blanks and in capitals, with the point that stands for it."""

    __tablename__ = "postcode"

    code: Mapped[str] = mapped_column(String(8), primary_key=True)
    geom: Mapped[Any] = mapped_column(Geometry("POINT", 4326, spatial_index=False))
