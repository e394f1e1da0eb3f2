"""The collections of /ogc: one per kind under its plural name, one per level of area that is loaded.

All of it is what a visitor sees. A collection knows its columns as SQL expressions. Schema, queryables, parameters and
features are all made from these, so they cannot differ. Columns are plain values: what is nested in our own API is
flattened here for GIS clients.
"""

import asyncio
import json
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from typing import Any
from uuid import UUID
from weakref import WeakKeyDictionary

from psycopg.errors import QueryCanceled
from sqlalchemy import Boolean, DateTime, Integer, Select, Text, and_, cast, func, literal, literal_column, or_, select
from sqlalchemy.dialects import postgresql
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased
from sqlalchemy.sql.elements import ColumnElement

from app import db, errors, kinds, lifecycles, locale, search
from app.auth import VISITOR
from app.geo import cql2, pyramid
from app.geo.crs import Crs
from app.models import Area, Asset, BoundarySet
from app.routers.deps import Service
from app.routers.ogc_asking import Span
from app.search import AssetFilter

#: Rows of a page; outlines of areas are long.
MAX_FEATURES = 1000
MAX_AREAS = 200
#: Counting ends here: beyond, the answer says nothing of how many match.
COUNT_BOUND = 10_000
#: The plural names of the levels of area.
LEVELS = {
    "neighbourhood": "neighbourhoods", "ward": "wards", "borough": "boroughs", "county": "counties",
    "region": "regions", "country": "countries",
}  # fmt: skip


def _inline(text: str) -> ColumnElement[str]:
    """A text in the statement itself, so that the planner may compare it with the condition of an index."""
    return literal(text, literal_execute=True)


_ENDED = and_(Asset.stage == _inline("ended"), Asset.state == _inline("published"), Asset.audience == _inline("public"))
_ward, _whole, _parent = aliased(Area), aliased(Area), aliased(Area)


@dataclass(frozen=True)
class Collection:
    """A collection of features and how its rows are found."""

    id: str
    title: str
    description: str
    item: str
    """What one of its features is called."""
    columns: tuple[cql2.Queryable, ...]
    geom: Any
    row: Any
    """A number that orders the rows and never changes."""
    key: ColumnElement[Any]
    """What names a feature to clients, as text."""
    most: int
    shapes: bool
    """True when all its features are polygons."""
    kind: str | None = None
    level: str | None = None

    @property
    def queryables(self) -> tuple[cql2.Queryable, ...]:
        """What can be filtered by: the columns, and the geometry."""
        return (*self.columns, cql2.Queryable("geometry", self.geom, "geometry", title="Geometry"))

    def select(self, *columns: Any) -> Select[Any]:
        """Its features, as a statement over these columns."""
        if self.kind:
            every = AssetFilter(kinds=(self.kind,), stages=lifecycles.STAGES)
            return search.select_assets(VISITOR, every, *columns)
        current = select(*columns).select_from(Area).join(BoundarySet, Area.set_id == BoundarySet.id)
        current = current.join(_parent, Area.parent_id == _parent.id, isouter=True)
        return current.where(Area.level == self.level, Area.ended_at.is_(None))

    def feature(self, system: Crs) -> ColumnElement[str]:
        """A row as the text of a GeoJSON Feature, written by the database."""
        start = func.concat('{"type":"Feature","id":', _json(self.key), ',"geometry":')
        return func.concat(start, system.geojson(self.geom), _properties(self.columns))

    def named(self, feature_id: str) -> ColumnElement[bool]:
        """The one with this id. Raises NotFound for what cannot be an id."""
        if not self.kind:
            return Area.code == feature_id
        try:
            uid = UUID(feature_id)
        except ValueError:
            raise errors.NotFound() from None
        if str(uid) != feature_id.lower():
            raise errors.NotFound()
        return Asset.uid == uid

    def meets(self, box: tuple[float, float, float, float], system: Crs) -> ColumnElement[bool]:
        """Its geometry has a point in common with the box, or lies nowhere (/req/core/fc-bbox-response)."""
        if not self.kind:
            return system.meets(Area.geom, box)
        # Each of these has an index of its own, which is found only if its condition stands here.
        point, found = func.GeometryType(Asset.geom) == _inline("POINT"), system.meets(Asset.geom, box)
        return or_(
            and_(point, system.meets(Asset.anchor, box)),
            and_(Asset.on_map, func.GeometryType(Asset.geom) != _inline("POINT"), found),
            and_(_ENDED, ~point, found),
            Asset.geom.is_(None),
        )

    def during(self, span: Span) -> ColumnElement[bool]:
        """Its time has an instant in common with the span (both with their ends)."""
        begin, end = _times(self)
        found = []
        if span.end:
            found.append(or_(begin.is_(None), begin <= span.end))
        if span.begin:
            found.append(or_(end.is_(None), end >= span.begin))
        return and_(*found)

    async def count(self, session: AsyncSession, conditions: Sequence[ColumnElement[bool]]) -> int | None:
        """How many features there are, exactly; None where counting would cost too much."""
        on_map = 0
        if self.kind and not conditions:
            on_map = await pyramid.count_on_map(session, (self.kind,))
            conditions = [or_(_ENDED, Asset.geom.is_(None))]  # what is public and not on the map
        some = self.select(self.row).where(*conditions).limit(COUNT_BOUND + 1).subquery()
        try:
            counted = await session.scalar(select(func.count()).select_from(some)) or 0
        except DBAPIError as error:
            if not isinstance(error.orig, QueryCanceled):
                raise
            return None  # the page is there all the same
        return on_map + counted if counted <= COUNT_BOUND else None


def _times(collection: Collection) -> tuple[ColumnElement[Any], ColumnElement[Any]]:
    """When a feature is: begin and end; null is unknown, and for the end of an area open."""
    if collection.kind:
        begin = func.coalesce(Asset.starts_at, Asset.ends_at, Asset.published_at)
        return begin, func.coalesce(Asset.ends_at, Asset.starts_at, Asset.published_at)
    return func.timezone("UTC", cast(BoundarySet.valid_from, DateTime)), cast(None, DateTime(timezone=True))


def _json(value: Any) -> ColumnElement[str]:
    return func.coalesce(cast(func.to_json(value), Text), "null")


def _written(column: cql2.Queryable) -> ColumnElement[str]:
    """The value as JSON; instants in UTC, whatever the session's time zone."""
    if column.type != "timestamp":
        return _json(column.column)
    plain = func.left(cast(func.to_json(func.timezone("UTC", column.column)), Text), -1)
    return func.coalesce(plain.concat('Z"'), "null")


@cache
def _properties(columns: tuple[cql2.Queryable, ...]) -> ColumnElement[str]:
    """The rest of a Feature. Finished text: it has fifty parts, and to take it apart again for each request would cost
    more than the database needs for a page. It holds no value from outside."""
    parts: list[Any] = []
    for column in columns:
        parts += [f"{',' if parts else ''}{json.dumps(column.name)}:", _written(column)]
    whole = select(func.concat(',"properties":{', *parts, "}}").label("made"))  # within a statement, for look-ups in it
    dialect = postgresql.dialect()  # type: ignore[no-untyped-call]
    said = str(whole.compile(dialect=dialect, compile_kwargs={"literal_binds": True}))
    return literal_column(said.removeprefix("SELECT ").rpartition(" AS made")[0], Text)


# ── assets ──────────────────────────────────────────────────────────────────────────────────


def _asset_columns(kind: kinds.Kind) -> tuple[cql2.Queryable, ...]:
    ward = select(_ward.name).where(_ward.code == Asset.ward, _ward.level == "ward", _ward.ended_at.is_(None))
    whole = {name: select(getattr(_whole, name)).where(_whole.id == Asset.area_id) for name in ("code", "name")}
    made: Callable[..., cql2.Queryable] = cql2.Queryable
    return (
        made("title", Asset.title, "string", "Title"),
        made("summary", Asset.summary, "string", "Summary"),
        made("theme", Asset.theme, "string", "Theme", "What it is about.", lifecycles.THEMES),
        made("stage", Asset.stage, "string", "Stage", "Its own life.", kind.stages),
        made("organiser", Asset.organiser, "string", "Organiser"),
        made("website", Asset.website, "string", "Website", format="uri"),
        made("ward_code", Asset.ward, "string", "Ward code"),
        made("ward_name", ward.limit(1).correlate(Asset).scalar_subquery(), "string", "Ward"),
        made(
            "area_code", whole["code"].correlate(Asset).scalar_subquery(), "string", "Area code",
            "The area that it belongs to as a whole; it has no geometry then.",
        ),
        made("area_name", whole["name"].correlate(Asset).scalar_subquery(), "string", "Area"),
        *_details(kind),
        made("appreciations", Asset.appreciation_count, "integer", "Appreciations", "How many people thanked it."),
        made("starts_at", Asset.starts_at, "timestamp", "Starts"),
        made("ends_at", Asset.ends_at, "timestamp", "Ends"),
        made("published_at", Asset.published_at, "timestamp", "Published"),
        made("updated_at", Asset.updated_at, "timestamp", "Last changed"),
        made("licence", Asset.licence, "string", "Licence", "Where it differs from that of the map."),
        made("attribution", Asset.attribution, "string", "Credit line", "Where it differs from that of the map."),
    )  # fmt: skip


def _details(kind: kinds.Kind) -> list[cql2.Queryable]:
    """The fields that only this kind has."""
    words = locale.catalogue()["kinds"][kind.name]["fields"]
    found = []
    for name, schema in kind.details.model_json_schema().get("properties", {}).items():
        one = schema | next((part for part in schema.get("anyOf", ()) if part.get("type") != "null"), {})
        text = Asset.details[name].astext
        label, options = words[name]["label"], tuple(one.get("enum", ()))
        if one["type"] == "boolean":
            found.append(cql2.Queryable(name, cast(text, Boolean), "boolean", label))
        elif one["type"] == "integer":
            found.append(cql2.Queryable(name, cast(text, Integer), "integer", label))
        else:
            found.append(cql2.Queryable(name, text, "string", label, enum=options, format=one.get("format", "")))
    return found


@cache
def _of_kind(name: str) -> Collection:
    kind, words = kinds.BY_NAME[name], locale.catalogue()["kinds"][name]
    return Collection(
        id=kind.plural,
        title=words["many"],
        description=f"{words['hint']} Planned, active and ended ones, as everybody may see them.",
        item=words["one"],
        columns=_asset_columns(kind),
        geom=Asset.geom,
        row=Asset.id,
        key=cast(Asset.uid, Text),
        most=MAX_FEATURES,
        shapes=False,
        kind=name,
    )


# ── areas ───────────────────────────────────────────────────────────────────────────────────


@cache
def _of_level(level: str) -> Collection:
    made: Callable[..., cql2.Queryable] = cql2.Queryable
    plural = LEVELS[level]
    return Collection(
        id=plural,
        title=plural.capitalize(),
        description=f"The current {plural} of this map: outlines with their official codes.",
        item=level.capitalize(),
        columns=(
            made("code", Area.code, "string", "Code", "The official code."),
            made("name", Area.name, "string", "Name"),
            made("parent_code", _parent.code, "string", "Code of the area around it"),
            made("parent_name", _parent.name, "string", "Area around it"),
            made("population", Area.population, "integer", "Population"),
            made("boundary_set", BoundarySet.name, "string", "Boundary set"),
            made("valid_from", BoundarySet.valid_from, "date", "Valid from"),
            made("illustrative", BoundarySet.illustrative, "boolean", "Illustrative", "True: not real boundaries."),
            made("attribution", BoundarySet.attribution, "string", "Credit line"),
        ),
        geom=Area.geom,
        row=Area.id,
        key=cast(Area.code, Text),
        most=MAX_AREAS,
        shapes=True,
        level=level,
    )


# ── all of them ─────────────────────────────────────────────────────────────────────────────


async def every(session: AsyncSession) -> list[Collection]:
    """The collections that there are now: every kind, and every level with an area."""
    loaded = set(await session.scalars(select(Area.level).where(Area.ended_at.is_(None)).distinct()))
    return [_of_kind(name) for name in kinds.BY_NAME] + [_of_level(level) for level in LEVELS if level in loaded]


async def find(session: AsyncSession, collection_id: str) -> Collection:
    """The collection of this name. Raises NotFound."""
    for kind in kinds.ALL:
        if kind.plural == collection_id:
            return _of_kind(kind.name)
    for level, plural in LEVELS.items():
        loaded = select(Area.id).where(Area.level == level, Area.ended_at.is_(None)).limit(1)
        if plural == collection_id and await session.scalar(loaded):
            return _of_level(level)
    raise errors.NotFound("There is no such collection. /ogc/collections lists all.")


#: Seconds for which bounds are kept, and that none could be found in time.
KEPT_S = 60.0


@dataclass(frozen=True)
class Extent:
    """Where and when the features of a collection are; None where nothing is known."""

    box: tuple[float, float, float, float] | None
    begin: datetime | None = None
    end: datetime | None = None


#: What is said when bounds cannot be found in time: everything lies within.
ANYWHERE = Extent((-180.0, -90.0, 180.0, 90.0))


@dataclass
class _Kept:
    """The bounds that a service keeps: by level of area, and one for all assets."""

    found: dict[str, tuple[float, Extent]] = field(default_factory=dict)
    making: asyncio.Lock = field(default_factory=asyncio.Lock)

    def of(self, name: str) -> Extent | None:
        """What is there, as long as it is fresh or somebody is making it anew."""
        made_at, extent = self.found.get(name, (-KEPT_S, None))
        return extent if self.making.locked() or time.monotonic() - made_at < KEPT_S else None


_kept: WeakKeyDictionary[object, _Kept] = WeakKeyDictionary()


async def extent(service: Service, collection: Collection) -> Extent:
    """The bounds of a collection: west, south, east, north in degrees. All of its features lie within; those of a kind
    are the bounds of all kinds, as the database finds them without reading every row. Kept for a minute.
    """
    kept, name = _kept.setdefault(service, _Kept()), collection.level or ""
    known = kept.of(name)
    if known:
        return known
    async with kept.making:  # one at a time; the others go on with what was there before
        made_at, found = kept.found.get(name, (-KEPT_S, ANYWHERE))
        if time.monotonic() - made_at >= KEPT_S:
            found = ANYWHERE
            with suppress(DBAPIError, PoolTimeout):
                found = await _extent(service, collection)
            kept.found[name] = (time.monotonic(), found)
        return found


async def _extent(service: Service, collection: Collection) -> Extent:
    async with service.engines.visiting() as session:
        if collection.kind:
            row = (await session.execute(db.sql("ogc_bounds"))).one()
            return Extent(tuple(row) if row.west is not None else None)
        begin, end = _times(collection)
        around = func.ST_Extent(collection.geom)
        sides = (func.ST_XMin(around), func.ST_YMin(around), func.ST_XMax(around), func.ST_YMax(around))
        row = (await session.execute(collection.select(*sides, func.min(begin), func.max(end)))).one()
        return Extent(tuple(row[:4]) if row[0] is not None else None, row[4], row[5])
