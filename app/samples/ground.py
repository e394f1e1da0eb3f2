"""The illustrative ground: wards as the cells of their middles (Voronoi), cut to a borough outline drawn by hand.

Nothing is taken from official boundaries, and both sets say so wherever they show (`illustrative`, name, attribution).
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import shapely
from shapely.geometry.base import BaseGeometry
from sqlalchemy.ext.asyncio import AsyncSession

from app.geo import shapes
from app.models import Area, BoundarySet

ATTRIBUTION = "Illustrative shapes drawn for the demonstration. Not official boundaries."
#: Degrees (about 10 cm): every corner lies on this grid, so neighbours share theirs to the last bit.
GRID = 1e-6


def cells(told: Mapping[str, Any]) -> dict[str, BaseGeometry]:
    """Ward code → polygon (longitude, latitude). No gap and no overlap: two neighbours share one and the same edge."""
    borough = shapely.Polygon(told["borough"]["outline"])
    middles = shapely.MultiPoint([ward["centre"] for ward in told["wards"]])
    edges = shapely.voronoi_polygons(middles, extend_to=borough, only_edges=True)
    # One network of lines, noded once, and its faces: cutting cell by cell would round shared edges differently.
    network = shapely.union_all([edges, borough.boundary], grid_size=GRID)
    faces = [
        face for face in shapely.get_parts(shapely.polygonize([network])) if borough.covers(face.representative_point())
    ]
    nearest = shapely.STRtree(shapely.get_parts(middles)).nearest([face.representative_point() for face in faces])
    owned: dict[str, list[BaseGeometry]] = {ward["code"]: [] for ward in told["wards"]}
    for face, index in zip(faces, nearest, strict=True):
        owned[told["wards"][index]["code"]].append(face)
    return {code: shapely.union_all(parts) for code, parts in owned.items()}


async def draw(session: AsyncSession, told: Mapping[str, Any], at: datetime) -> Area:
    """Make both boundary sets and their areas; returns the borough, parent of every ward."""
    drawn = cells(told)
    whole = shapely.union_all(list(drawn.values()))
    borough = _area(_boundaries("borough", "Illustrative borough", at), told["borough"], whole)
    session.add(borough)
    await session.flush()
    wards = _boundaries("ward", "Illustrative wards", at)
    session.add_all(_area(wards, ward, drawn[ward["code"]], borough.id) for ward in told["wards"])
    await session.flush()
    return borough


def _boundaries(level: str, name: str, at: datetime) -> BoundarySet:
    return BoundarySet(level=level, name=name, illustrative=True, attribution=ATTRIBUTION, created_at=at)


def _area(boundaries: BoundarySet, told: Mapping[str, Any], shape: BaseGeometry, parent: int | None = None) -> Area:
    return Area(
        boundary_set=boundaries,
        level=boundaries.level,
        code=told["code"],
        name=told["name"],
        parent_id=parent,
        geom=shapes.to_db(shapely.multipolygons(shapely.get_parts(shapely.orient_polygons(shape)))),
    )
