"""What a caller may ask for, as conditions on Asset; every read begins with select_assets(actor, filter)."""

import math
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

from sqlalchemy import Float, Select, and_, case, cast, exists, false, func, literal_column, or_, select, true
from sqlalchemy.orm import aliased
from sqlalchemy.sql.elements import ColumnElement

from app import lifecycles, rules
from app.auth import Actor
from app.models import Area, Asset, AssetArea, Community, Link, Need, Person
from app.search import words

Box = tuple[float, float, float, float]

DEFAULT_STAGES = ("planned", "active")
METRES_PER_DEGREE = 111_195.0


@dataclass(frozen=True)
class AssetFilter:
    """What a caller asked for; every part narrows. Coordinates are longitude, latitude; distances metres."""

    kinds: tuple[str, ...] = ()
    themes: tuple[str, ...] = ()
    wards: tuple[str, ...] = ()
    areas: tuple[str, ...] = ()
    stages: tuple[str, ...] = DEFAULT_STAGES
    bbox: Box | None = None
    near: tuple[float, float] | None = None
    within_m: float = 1000
    words: str = ""
    owner: UUID | None = None
    community: UUID | None = None
    link: tuple[str, UUID] | None = None
    has: tuple[str, ...] = ()


#: No filter at all, not even the default of stages.
EVERYTHING = AssetFilter(stages=("planned", "active", "ended"))


def select_assets(actor: Actor, wanted: AssetFilter, *columns: Any) -> Select[Any]:
    """The assets that the actor may see and the filter asks for, as a statement over Asset (or the columns named)."""
    return select(*(columns or (Asset,))).where(rules.visible(actor), *conditions(actor, wanted))


def conditions(actor: Actor, wanted: AssetFilter) -> list[ColumnElement[bool]]:
    """The filter as conditions on Asset; what the actor may not see, nothing can be filtered by."""
    columns = ((Asset.kind, wanted.kinds), (Asset.theme, wanted.themes), (Asset.ward, wanted.wards))
    found: list[ColumnElement[bool]] = [column.in_(values) for column, values in columns if values]
    if set(wanted.stages) != set(lifecycles.STAGES):
        found.append(Asset.stage.in_(wanted.stages))
    if wanted.areas:
        found.append(in_areas(wanted.areas))
    if wanted.bbox:
        found.append(_in_box(wanted.bbox))
    if wanted.near:
        found.append(_near(wanted.near, wanted.within_m))
    if wanted.words.strip():
        found.append(words.match(words.query(wanted.words)))
    return found + _ties(actor, wanted) + [_HAS[what]() for what in wanted.has]


def _ties(actor: Actor, wanted: AssetFilter) -> list[ColumnElement[bool]]:
    """To whom and to what an asset belongs."""
    found: list[ColumnElement[bool]] = []
    if wanted.owner:
        owner = select(Person.id).where(Person.uid == wanted.owner, Person.state != "erased").scalar_subquery()
        found.append(Asset.owner_id == owner)
    if wanted.community:
        community = select(Community.id).where(Community.uid == wanted.community).scalar_subquery()
        found.append(Asset.community_id == community)
    if wanted.link:
        found.append(_linked(actor, *wanted.link))
    return found


def in_areas(codes: tuple[str, ...]) -> ColumnElement[bool]:
    """It lies in one of the areas with these codes, or stands for one."""
    ids = select(Area.id).where(Area.code.in_(codes))
    inside = exists().where(AssetArea.asset_id == Asset.id, AssetArea.area_id.in_(ids))
    return or_(Asset.area_id.in_(ids), inside)


def inside(box: Box) -> ColumnElement[bool]:
    """The anchor lies in the box or on its edge, to the last digit. A west beyond the east crosses the antimeridian
    (RFC 7946, 5.2). No index knows it."""
    west, south, east, north = box
    lon, lat = func.ST_X(Asset.anchor), func.ST_Y(Asset.anchor)
    across = lon.between(west, east) if west <= east else or_(lon >= west, lon <= east)
    return and_(across, lat.between(south, north))


def _in_box(box: Box) -> ColumnElement[bool]:
    """The same by the index, which is a little generous: it keeps its boxes in single precision."""
    west, south, east, north = box
    halves = [(west, east)] if west <= east else [(west, 180.0), (-180.0, east)]
    meets = [Asset.anchor.op("&&")(func.ST_MakeEnvelope(a, south, b, north, 4326)) for a, b in halves]
    # As a CASE the exact test is taken for true of every second row: the planner would multiply four unknowns to none.
    return and_(or_(*meets), case((inside(box), true()), else_=false()))


def _point(lon: float, lat: float) -> ColumnElement[Any]:
    return func.ST_SetSRID(func.ST_MakePoint(lon, lat), 4326)


def distance(near: tuple[float, float]) -> ColumnElement[float]:
    """Metres on the spheroid from the public anchor."""
    return func.ST_Distance(func.geography(Asset.anchor), func.geography(_point(*near)), type_=Float)


def box_of(near: tuple[float, float], within_m: float) -> Box:
    """A box that surely holds the circle; a west beyond the east crosses the antimeridian."""
    lon, lat = near
    high = within_m / METRES_PER_DEGREE * 1.02
    wide = within_m / METRES_PER_DEGREE / max(0.05, math.cos(math.radians(abs(lat) + within_m / 111_000))) * 1.01
    west, east = (lon - wide, lon + wide) if wide < 180 else (-180.0, 180.0)
    south, north = max(-90.0, lat - high), min(90.0, lat + high)
    return west + 360 if west < -180 else west, south, east - 360 if east > 180 else east, north


def unindexed(actor: Actor, wanted: AssetFilter, box: Box) -> list[ColumnElement[bool]]:
    """The same conditions with box and circle as no index knows them."""
    found = [*conditions(actor, replace(wanted, bbox=None, near=None)), inside(box)]
    return [*found, distance(wanted.near) <= wanted.within_m] if wanted.near else found


def _near(near: tuple[float, float], within_m: float) -> ColumnElement[bool]:
    # The index knows degrees: a box that surely holds the circle comes first, the exact distance second.
    return and_(_in_box(box_of(near, within_m)), distance(near) <= within_m)


def _linked(actor: Actor, kind: str, uid: UUID) -> ColumnElement[bool]:
    other = select(Asset.id).where(Asset.uid == uid, rules.visible(actor)).correlate(None).scalar_subquery()
    return exists().where(Link.from_id == Asset.id, Link.to_id == other, Link.kind == kind, Link.state == "agreed")


def _has_needs() -> ColumnElement[bool]:
    return exists().where(Need.asset_id == Asset.id, Need.state == "open")


def _has_offers() -> ColumnElement[bool]:
    """An active public offer on the same theme reaches this asset."""
    offer = aliased(Asset)
    # First by the index of what offers reach: it knows kinds as a literal only, and boxes that surely hold the circle.
    boxed = func.civic_offer_box(offer.anchor, offer.details).op("&&")(Asset.anchor)
    reach = cast(offer.details["reach_m"].astext, Float)
    near = func.ST_DWithin(func.geography(offer.anchor), func.geography(Asset.anchor), reach)
    offered = (offer.kind == literal_column("'offer'"), offer.on_map, boxed)
    return exists().where(*offered, offer.theme == Asset.theme, offer.id != Asset.id, near)


def _has_location() -> ColumnElement[bool]:
    return Asset.anchor.is_not(None)


_HAS = {"needs": _has_needs, "offers": _has_offers, "location": _has_location}
