"""What there is to choose from: kinds, themes, areas, postcodes, and the settings that a page may know."""

import json
import re
from datetime import date
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Request, Response
from pydantic import Field
from pydantic.fields import FieldInfo
from sqlalchemy import Row, Select, case, func, select
from sqlalchemy.orm import aliased

from app import db, errors, kinds, lifecycles, locale
from app.kinds import document
from app.models import Area, BoundarySet, Postcode
from app.routers import kept, present
from app.routers.deps import Paging, Read, Service, Serving, act
from app.wire import Cursor, Out, Page, Text

router = APIRouter(prefix="/api/v1", tags=["catalogue"])

#: Areas in one drawing.
MAX_DRAWN = 10_000
#: Seconds for which one drawing serves everybody: the wards of a country take seconds and 25 MB.
KEPT_S = 60

Level = Literal["neighbourhood", "ward", "borough", "county", "region", "country"]
FieldType = Literal["text", "long-text", "integer", "boolean", "choice", "url"]


# ── kinds and themes ────────────────────────────────────────────────────────────────────────


class Option(Out):
    value: str
    label: str


class FieldOut(Out):
    """A field of a kind's details, enough to draw a form and to check it."""

    name: str
    label: str
    hint: str
    type: FieldType
    required: bool
    default: Any = None
    max_length: int | None = None
    minimum: int | None = None
    maximum: int | None = None
    options: list[Option] | None = None


class KindOut(Out):
    """A content type, as forms, filters and markers need it."""

    name: str
    plural: str
    label: str
    label_plural: str
    call: str
    hint: str
    icon: str
    shape: str
    colour: str
    geometries: list[str]
    location_class: str
    location_classes: list[str]
    stages: list[Option]
    default_stage: str
    takes_proposals: bool
    fields: list[FieldOut]
    example: dict[str, Any]


def kind_out(kind: kinds.Kind) -> KindOut:
    words = locale.catalogue()["kinds"][kind.name]
    stages = locale.catalogue()["stages"]
    classes = lifecycles.LOCATION_CLASSES
    return KindOut(
        name=kind.name,
        plural=kind.plural,
        label=words["one"],
        label_plural=words["many"],
        call=words["call"],
        hint=words["hint"],
        icon=kind.icon,
        shape=kind.shape,
        colour=kind.colour,
        geometries=list(kind.geometries),
        location_class=kind.location_class,
        location_classes=list(classes[classes.index(kind.location_class) :]),
        stages=[Option(value=stage, label=stages[stage]) for stage in kind.stages],
        default_stage=kind.default_stage,
        takes_proposals=kind.takes_proposals,
        fields=[_field(name, info, words["fields"][name], kind) for name, info in kind.details.model_fields.items()],
        example=document.example(kind),
    )


def _field(name: str, info: FieldInfo, words: dict[str, Any], kind: kinds.Kind) -> FieldOut:
    schema = kind.details.model_json_schema()["properties"][name]
    schema |= next((part for part in schema.get("anyOf", []) if part.get("type") != "null"), {})
    labels = words.get("options", {})
    options = [Option(value=value, label=labels[value]) for value in schema["enum"]] if "enum" in schema else None
    return FieldOut(
        name=name,
        label=words["label"],
        hint=words.get("hint", ""),
        type=_type(schema),
        required=info.is_required(),
        default=None if info.is_required() else info.get_default(),
        max_length=schema.get("maxLength"),
        minimum=schema.get("minimum"),
        maximum=schema.get("maximum"),
        options=options,
    )


def _type(schema: dict[str, Any]) -> FieldType:
    if "enum" in schema:
        return "choice"
    if schema.get("type") in ("integer", "boolean"):
        return "integer" if schema["type"] == "integer" else "boolean"
    if schema.get("format") == "uri":
        return "url"
    return "long-text" if schema.get("maxLength", 0) > 200 else "text"


@router.get("/kinds", **act("service.read"))
async def list_kinds() -> Page[KindOut]:
    """The kinds of asset, with their own fields."""
    return Page(items=[kind_out(kind) for kind in kinds.ALL])


class ThemeOut(Out):
    name: str
    label: str


@router.get("/themes", **act("service.read"))
async def list_themes() -> Page[ThemeOut]:
    """What an asset can be about."""
    words = locale.catalogue()["themes"]
    return Page(items=[ThemeOut(name=name, label=words[name]) for name in lifecycles.THEMES])


# ── settings ─────────────────────────────────────────────────────────────────────


class SettingsOut(Out):
    """What the page needs to know of this installation."""

    title: str
    tile_url: str | None
    tile_attribution: str
    licence: str
    attribution: str
    demo: bool
    illustrative: bool
    postcodes: bool
    hold_new_content: bool
    bounds: Annotated[list[float] | None, Field(description="west, south, east, north of the loaded areas.")]


@router.get("/settings", **act("service.read"))
async def read_settings(session: Read, serving: Serving) -> SettingsOut:
    """Name, base map, and what is loaded."""
    extent = func.ST_Extent(Area.geom)
    found = (
        await session.execute(
            select(
                func.ST_XMin(extent), func.ST_YMin(extent), func.ST_XMax(extent), func.ST_YMax(extent),
                func.coalesce(func.bool_or(BoundarySet.illustrative), False),
                select(Postcode.code).limit(1).scalar_subquery().is_not(None),
            ).join(BoundarySet).where(Area.ended_at.is_(None))
        )
    ).one()  # fmt: skip
    names = ("title", "tile_url", "tile_attribution", "licence", "attribution", "demo", "hold_new_content")
    return SettingsOut(
        **{name: getattr(serving.settings, name) for name in names},
        illustrative=found[4],
        postcodes=found[5],
        bounds=list(found[:4]) if found[0] is not None else None,
    )


# ── areas ───────────────────────────────────────────────────────────────────────────────────


class SetOut(Out):
    name: str
    illustrative: bool
    valid_from: date | None
    attribution: str


class BoundarySetOut(SetOut):
    """A set as it was loaded: how many areas it has, how many of them are in force now, and who lives in all of them
    (null where the population of one is not known)."""

    level: str
    valid_to: date | None
    areas: int
    in_force: int
    population: int | None


class AreaOut(Out):
    """An area of a current boundary set. bbox: west, south, east, north; centre: a point inside it."""

    code: str
    name: str
    level: str
    parent: str | None
    population: int | None
    set: SetOut
    bbox: list[float]
    centre: list[float]


class AreaFeature(Out):
    type: Literal["Feature"]
    id: str
    geometry: dict[str, Any]
    properties: AreaOut


class AreaCollection(Out):
    type: Literal["FeatureCollection"]
    features: list[AreaFeature]


_parent = aliased(Area)
_centre = func.ST_PointOnSurface(Area.geom)


_SHOWN: tuple[Any, ...] = (
    Area.id, Area.code, Area.name, Area.level, Area.population, _parent.code.label("parent"),
    BoundarySet.name.label("set_name"), BoundarySet.illustrative, BoundarySet.valid_from, BoundarySet.attribution,
    func.ST_XMin(Area.geom).label("west"), func.ST_YMin(Area.geom).label("south"),
    func.ST_XMax(Area.geom).label("east"), func.ST_YMax(Area.geom).label("north"),
    func.ST_X(_centre).label("lon"), func.ST_Y(_centre).label("lat"),
)  # fmt: skip


def _areas(*columns: Any) -> Select[Any]:
    statement = select(*_SHOWN, *columns).join(BoundarySet, Area.set_id == BoundarySet.id)
    return statement.join(_parent, Area.parent_id == _parent.id, isouter=True)


def _area(row: Row[Any]) -> AreaOut:
    boundary_set = SetOut(
        name=row.set_name, illustrative=row.illustrative, valid_from=row.valid_from, attribution=row.attribution
    )
    return AreaOut(
        code=row.code,
        name=row.name,
        level=row.level,
        parent=row.parent,
        population=row.population,
        set=boundary_set,
        bbox=[round(value, 6) for value in (row.west, row.south, row.east, row.north)],
        centre=[round(row.lon, 6), round(row.lat, 6)],
    )


@router.get("/boundary-sets", **act("service.read"))
async def list_boundary_sets(session: Read) -> Page[BoundarySetOut]:
    """Every set of boundaries that was loaded, in force or not, by level, the newest first."""
    all_known = func.count(Area.population) == func.count(Area.id)
    statement = (
        select(
            BoundarySet.name, BoundarySet.level, BoundarySet.illustrative, BoundarySet.valid_from, BoundarySet.valid_to,
            BoundarySet.attribution, func.count(Area.id).label("areas"),
            func.count(Area.id).filter(Area.ended_at.is_(None)).label("in_force"),
            case((all_known, func.sum(Area.population))).label("population"),
        ).join(Area, isouter=True).group_by(BoundarySet.id)
        .order_by(BoundarySet.level, BoundarySet.valid_from.desc().nulls_last(), BoundarySet.id.desc())
    )  # fmt: skip
    rows = (await session.execute(statement)).mappings()
    return Page(items=[BoundarySetOut(**row) for row in rows])


@router.get("/areas", **act("service.read"))
async def list_areas(
    request: Request,
    session: Read,
    paging: Paging,
    level: Level | None = None,
    q: Annotated[Text | None, Query(max_length=100, description="Part of a name, or a code.")] = None,
    code: Annotated[Text | None, Query(max_length=4000, description="Any of these codes, with commas.")] = None,
) -> Page[AreaOut]:
    """Areas of the current boundary sets, by code."""
    statement = _areas().where(Area.ended_at.is_(None))
    if level:
        statement = statement.where(Area.level == level)
    if q:
        statement = statement.where(Area.name.icontains(q, autoescape=True) | (Area.code == q))
    if code:
        statement = statement.where(Area.code.in_(code.split(",")))
    if paging.cursor:
        last_code, after = Cursor.decode(paging.cursor, "areas", str, int)
        statement = statement.where((Area.code > last_code) | ((Area.code == last_code) & (Area.id > after)))
    rows = (await session.execute(statement.order_by(Area.code, Area.id).limit(paging.limit + 1))).all()
    last = rows[paging.limit - 1] if len(rows) > paging.limit else None
    following = Cursor.encode("areas", last.code, last.id) if last else None
    return paging.page(request, [_area(row) for row in rows[: paging.limit]], following)


@router.get("/areas.geojson", response_class=present.GeoJson, response_model=AreaCollection, **act("service.read"))
async def draw_areas(request: Request, serving: Serving, level: Level = "ward") -> Response:
    """Outlines of the current areas of a level, simplified to about 10 m for drawing; at most 10,000. Maps of a whole
    country are better drawn from /tiles/areas."""
    made = await serving.tiles.get(("areas.geojson", level), lambda: _drawn(serving, level), keep_s=KEPT_S)
    media_type = present.GeoJson.media_type
    return kept.answer(made, request.headers, fresh=f"max-age={KEPT_S}", media_type=media_type)


async def _drawn(serving: Service, level: str) -> bytes:
    async with serving.engines.reading() as session:
        (row,) = await db.within(session)("areas_drawn", level=level, most=MAX_DRAWN)
    return str(row.collection).encode()


def _feature(row: Row[Any]) -> dict[str, Any]:
    properties = _area(row).model_dump(mode="json")
    return {"type": "Feature", "id": row.code, "geometry": json.loads(row.outline), "properties": properties}


@router.get("/areas/{code}", response_class=present.GeoJson, response_model=AreaFeature, **act("service.read"))
async def read_area(code: Annotated[Text, Field(max_length=20)], request: Request, session: Read) -> Response:
    """One area with its whole outline; of several sets the current one."""
    statement = _areas(func.ST_AsGeoJSON(Area.geom, 6).label("outline")).where(Area.code == code)
    row = (await session.execute(statement.order_by(Area.ended_at.is_not(None), Area.id.desc()).limit(1))).one_or_none()
    if row is None:
        raise errors.NotFound()
    return present.geojson(_feature(row), request, {"Cache-Control": "max-age=60"})


# ── postcodes ───────────────────────────────────────────────────────────────────────────────


class PostcodeOut(Out):
    postcode: str
    coordinates: Annotated[list[float], Field(description="Longitude, latitude.")]


@router.get("/postcodes/{postcode}", **act("service.read"))
async def find_postcode(postcode: Annotated[Text, Field(max_length=12)], session: Read) -> PostcodeOut:
    """The point that stands for a postcode; blanks and lower case do not matter."""
    code = re.sub(r"\s", "", postcode).upper()
    row = (
        await session.execute(select(func.ST_X(Postcode.geom), func.ST_Y(Postcode.geom)).where(Postcode.code == code))
    ).one_or_none()
    if row is None:
        raise errors.NotFound("This postcode is not known here.")
    return PostcodeOut(postcode=code, coordinates=[round(row[0], 6), round(row[1], 6)])
