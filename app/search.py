"""The one read path: every list, tile, export, report and page begins with select_assets(actor, filter).

So visibility and location privacy cannot differ between surfaces. Statements are built without I/O; the public
geometry and the anchor made from it are the only places that anything here can see.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeVar
from uuid import UUID

from sqlalchemy import (
    Float,
    Row,
    Select,
    String,
    and_,
    cast,
    exists,
    false,
    func,
    literal,
    or_,
    select,
    tuple_,
)  # fmt: skip
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import InstrumentedAttribute, aliased, joinedload, selectinload
from sqlalchemy.sql.elements import ColumnElement

from app import errors, lifecycles, rules
from app.auth import Actor
from app.models import (
    Area,
    Asset,
    AssetArea,
    Comment,
    Community,
    Flag,
    Link,
    Need,
    Person,
    Pledge,
    Proposal,
    Update,
)  # fmt: skip
from app.wire import Cursor

Sort = Literal["new", "near", "appreciated", "title"]
DEFAULT_STAGES = ("planned", "active")
COUNT_BOUND = 10_000
#: What a card joins; aliases, so that the filters' own look-ups of the same tables stay apart from them.
Owner, Home, Whole, Ward = aliased(Person), aliased(Community), aliased(Area), aliased(Area)
METRES_PER_DEGREE = 111_195.0


@dataclass(frozen=True)
class AssetFilter:
    """What a caller asked for; every part narrows. Coordinates are longitude, latitude; distances metres."""

    kinds: tuple[str, ...] = ()
    themes: tuple[str, ...] = ()
    wards: tuple[str, ...] = ()
    areas: tuple[str, ...] = ()
    stages: tuple[str, ...] = DEFAULT_STAGES
    bbox: tuple[float, float, float, float] | None = None
    near: tuple[float, float] | None = None
    within_m: int = 1000
    words: str = ""
    owner: UUID | None = None
    community: UUID | None = None
    link: tuple[str, UUID] | None = None
    has: tuple[str, ...] = ()


#: No filter at all, not even the default of stages.
EVERYTHING = AssetFilter(stages=("planned", "active", "ended"))


@dataclass(frozen=True)
class Found:
    """One page of rows, the cursor of the next one, and how many match in all when that is known."""

    rows: Sequence[Row[Any]]
    cursor: str | None
    matched: int | None


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
        found.append(_in_areas(wanted.areas))
    if wanted.bbox:
        found.append(_in_box(*wanted.bbox))
    if wanted.near:
        found.append(_near(wanted.near, wanted.within_m))
    if wanted.words.strip():
        found.append(_speaks_of(wanted.words))
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


def _in_areas(codes: tuple[str, ...]) -> ColumnElement[bool]:
    ids = select(Area.id).where(Area.code.in_(codes))
    inside = exists().where(AssetArea.asset_id == Asset.id, AssetArea.area_id.in_(ids))
    return or_(Asset.area_id.in_(ids), inside)


def _envelope(west: float, south: float, east: float, north: float) -> ColumnElement[Any]:
    return func.ST_MakeEnvelope(west, south, east, north, 4326)


def _in_box(west: float, south: float, east: float, north: float) -> ColumnElement[bool]:
    """The anchor lies in the box or on its edge. A west beyond the east crosses the antimeridian (RFC 7946, 5.2)."""
    if west <= east:
        return Asset.anchor.op("&&")(_envelope(west, south, east, north))
    return or_(
        Asset.anchor.op("&&")(_envelope(west, south, 180, north)),
        Asset.anchor.op("&&")(_envelope(-180, south, east, north)),
    )


def _point(lon: float, lat: float) -> ColumnElement[Any]:
    return func.ST_SetSRID(func.ST_MakePoint(lon, lat), 4326)


def distance(near: tuple[float, float]) -> ColumnElement[float]:
    """Metres on the spheroid from the public anchor."""
    return func.ST_Distance(func.geography(Asset.anchor), func.geography(_point(*near)), type_=Float)


def _near(near: tuple[float, float], within_m: int) -> ColumnElement[bool]:
    # The index knows degrees: a box that surely holds the circle comes first, the exact distance second.
    degrees = func.ST_Expand(
        _point(*near),
        within_m
        / METRES_PER_DEGREE
        / func.greatest(0.05, func.cos(func.radians(abs(near[1]) + within_m / 111_000)))
        * 1.01,
        within_m / METRES_PER_DEGREE * 1.02,
    )
    return and_(Asset.anchor.op("&&")(degrees), distance(near) <= within_m)


def _speaks_of(words: str) -> ColumnElement[bool]:
    """Stems, folded accents and beginnings of words; where no public asset has them, titles that are spelt alike."""
    asked = func.civic_query(words)
    other = aliased(Asset)
    nobody = ~exists().where(other.on_map, other.search.op("@@")(asked))
    return or_(Asset.search.op("@@")(asked), and_(nobody, literal(words, String).op("<%")(Asset.title)))


def _linked(actor: Actor, kind: str, uid: UUID) -> ColumnElement[bool]:
    other = select(Asset.id).where(Asset.uid == uid, rules.visible(actor)).correlate(None).scalar_subquery()
    return exists().where(Link.from_id == Asset.id, Link.to_id == other, Link.kind == kind, Link.state == "agreed")


def _has_needs() -> ColumnElement[bool]:
    return exists().where(Need.asset_id == Asset.id, Need.state == "open")


def _has_offers() -> ColumnElement[bool]:
    """An active public offer on the same theme reaches this asset."""
    offer = aliased(Asset)
    reach = cast(offer.details["reach_m"].astext, Float)
    near = func.ST_DWithin(func.geography(offer.anchor), func.geography(Asset.anchor), reach)
    return exists().where(offer.kind == "offer", offer.on_map, offer.theme == Asset.theme, offer.id != Asset.id, near)


def _has_location() -> ColumnElement[bool]:
    return Asset.anchor.is_not(None)


_HAS = {"needs": _has_needs, "offers": _has_offers, "location": _has_location}


# ── pages ───────────────────────────────────────────────────────────────────────────────────

#: sort → its key columns, whether they descend, their types in a cursor; the id makes each row's key unique
_SORTS: dict[str, tuple[tuple[ColumnElement[Any] | InstrumentedAttribute[Any], ...], bool, tuple[type, ...]]] = {
    "new": ((Asset.id,), True, (int,)),
    "appreciated": ((Asset.appreciation_count, Asset.id), True, (int, int)),
    "title": ((func.lower(Asset.title), Asset.id), False, (str, int)),
}


async def page(
    session: AsyncSession, actor: Actor, wanted: AssetFilter, *, sort: Sort, limit: int, cursor: str | None, count: bool
) -> Found:
    """One page of a list in a stable order: a row whose sort key does not change during a walk appears exactly once.

    `matched` is exact; it is left out (None) when counting would cost more than the page and `count` is not asked for.
    """
    if sort == "near" and not wanted.near:
        raise errors.Invalid("sort=near needs near=lon,lat.")
    keys, descending, types = (
        _SORTS[sort] if sort != "near" else ((distance(wanted.near or (0, 0)), Asset.id), False, (float, int))
    )
    statement = _cards(actor, wanted)
    if cursor:
        last = tuple_(*(literal(value) for value in Cursor.decode(cursor, sort, *types)))
        statement = statement.where(tuple_(*keys) < last if descending else tuple_(*keys) > last)
    ordered = statement.add_columns(*(key.label(f"key_{i}") for i, key in enumerate(keys)))
    ordered = ordered.order_by(*(key.desc() if descending else key.asc() for key in keys)).limit(limit + 1)
    rows = (await session.execute(ordered)).all()
    more = len(rows) > limit
    rows = rows[:limit]
    following = Cursor.encode(sort, *(getattr(rows[-1], f"key_{i}") for i in range(len(keys)))) if more else None
    if not more and not cursor:
        return Found(rows, None, len(rows))
    return Found(rows, following, await _matched(session, actor, wanted, count))


async def _matched(session: AsyncSession, actor: Actor, wanted: AssetFilter, exact: bool) -> int | None:
    if exact:
        return int(await session.scalar(select_assets(actor, wanted, func.count(Asset.id))) or 0)
    some = select_assets(actor, wanted, literal(1)).limit(COUNT_BOUND + 1).subquery()
    counted = await session.scalar(select(func.count()).select_from(some)) or 0
    return counted if counted <= COUNT_BOUND else None


def _extra(wanted: AssetFilter) -> tuple[ColumnElement[Any], ...]:
    """Distances are told in steps of 100 m: finer ones would let an observer triangulate."""
    if not wanted.near:
        return ()
    return ((func.round(distance(wanted.near) / 100) * 100).label("distance_m"),)


#: The columns that a list needs of each asset.
CARD: tuple[Any, ...] = (
    Asset.id, Asset.uid, Asset.kind, Asset.title, Asset.summary, Asset.body, Asset.theme, Asset.state, Asset.stage,
    Asset.audience, Asset.organiser, Asset.website, Asset.licence, Asset.attribution, Asset.details,
    Asset.location_class, Asset.starts_at, Asset.ends_at, Asset.published_at, Asset.ended_at, Asset.created_at,
    Asset.updated_at, Asset.version, Asset.via, Asset.appreciation_count,
    func.ST_AsGeoJSON(Asset.geom, 7).label("geometry"),
    func.ST_X(Asset.anchor).label("lon"), func.ST_Y(Asset.anchor).label("lat"),
    Asset.ward.label("ward_code"),
    select(Ward.name).where(Ward.code == Asset.ward, Ward.level == "ward", Ward.ended_at.is_(None)).limit(1)
    .scalar_subquery().label("ward_name"),
    Owner.uid.label("owner_uid"), Owner.name.label("owner_name"),
    Home.uid.label("community_uid"), Home.name.label("community_name"),
    Whole.code.label("area_code"), Whole.name.label("area_name"), Whole.level.label("area_level"),
)  # fmt: skip


def _cards(actor: Actor, wanted: AssetFilter) -> Select[Any]:
    statement = select_assets(actor, wanted, *CARD, *_extra(wanted))
    statement = statement.join(Owner, and_(Asset.owner_id == Owner.id, Owner.state != "erased"), isouter=True)
    statement = statement.join(Home, Asset.community_id == Home.id, isouter=True)
    return statement.join(Whole, Asset.area_id == Whole.id, isouter=True)


async def card(session: AsyncSession, actor: Actor, uid: UUID) -> Row[Any]:
    """One asset as the lists show it. Raises NotFound when the actor may not see it."""
    statement = _cards(actor, EVERYTHING).where(Asset.uid == uid)
    row: Row[Any] | None = (await session.execute(statement)).one_or_none()
    if row is None:
        raise errors.NotFound()
    return row


async def get_asset(session: AsyncSession, actor: Actor, uid: UUID, *, lock: bool = False) -> Asset:
    """One asset with its areas, so that rules can judge it. Raises NotFound when the actor may not see it."""
    statement = select(Asset).where(Asset.uid == uid, rules.visible(actor)).options(selectinload(Asset.in_areas))
    if lock:
        statement = _locked(statement, Asset)
    asset = await session.scalar(statement)
    if asset is None:
        raise errors.NotFound()
    return asset


def _locked(statement: Select[Any], model: type[Any]) -> Select[Any]:
    """Held against every other change, but not against rows that only refer to it: those would wait in circles."""
    return statement.with_for_update(of=model, key_share=True).execution_options(populate_existing=True)


# ── what belongs to an asset ────────────────────────────────────────────────────────────────

T = TypeVar("T", Comment, Need, Proposal, Pledge, Update, Link, Flag)

#: model → the column that names its parent, and what to load beside it
_PARENT: dict[type[Any], tuple[Any, list[Any]]] = {
    Comment: (Comment.asset_id, [joinedload(Comment.author), joinedload(Comment.reply_to)]),
    Need: (Need.asset_id, []),
    Proposal: (Proposal.asset_id, [joinedload(Proposal.proposer)]),
    Pledge: (Pledge.proposal_id, [joinedload(Pledge.person)]),
    Update: (Update.asset_id, [joinedload(Update.author)]),
    Flag: (Flag.asset_id, [joinedload(Flag.comment)]),
}


def whole(model: type[Any]) -> list[Any]:
    """Load options with which rules can judge a thing: its asset and the asset's areas."""
    if model is Link:
        sides = (joinedload(Link.from_asset), joinedload(Link.to_asset))
        return [side.selectinload(Asset.in_areas) for side in sides]
    to_asset = joinedload(Pledge.proposal).joinedload(Proposal.asset) if model is Pledge else joinedload(model.asset)
    return [*_PARENT[model][1], to_asset.selectinload(Asset.in_areas)]


async def get_thing(session: AsyncSession, actor: Actor, model: type[T], uid: UUID, *, lock: bool = False) -> T:
    """One comment, need, proposal, pledge, update, link or flag. Raises NotFound when the actor may not see it."""
    statement = select(model).where(model.uid == uid).options(*whole(model))
    if lock:
        statement = _locked(statement, model)
    thing = await session.scalar(statement)
    if thing is None or not rules.sees(actor, thing):
        raise errors.NotFound()
    return thing


async def things(
    session: AsyncSession, actor: Actor, model: type[T], parent: Asset | Proposal, *, limit: int, cursor: str | None
) -> tuple[list[T], str | None]:
    """What belongs to an asset (or the pledges of a proposal), oldest first, as far as the actor may see it."""
    if model is Link:
        belongs = or_(Link.from_id == parent.id, Link.to_id == parent.id)
    else:
        belongs = _PARENT[model][0] == parent.id
    statement = select(model).where(belongs, *_seen_of(actor, model, parent)).options(*whole(model))
    if cursor:
        statement = statement.where(model.id > Cursor.decode(cursor, model.__tablename__, int)[0])
    rows = list(await session.scalars(statement.order_by(model.id).limit(limit + 1)))
    following = Cursor.encode(model.__tablename__, rows[limit - 1].id) if len(rows) > limit else None
    return [row for row in rows[:limit] if rules.sees(actor, row) and _listed(actor, row)], following


def _listed(actor: Actor, row: Any) -> bool:
    # Nobody puts their asset on somebody else's page by asking for a tie.
    return not isinstance(row, Link) or row.state == "agreed" or rules.concerns(actor, row)


def _seen_of(actor: Actor, model: type[Any], parent: Asset | Proposal) -> list[ColumnElement[bool]]:
    """What `rules.sees` says of the things under this parent, as conditions."""
    if actor.kind == "system":
        return []
    related = rules.relations(actor, parent)
    if model is Comment and not (related & {rules.OFFICER, rules.OPERATOR} and rules.holds(actor, "moderation.hide")):
        return [or_(Comment.state == "published", _mine(actor, Comment.author_id))]
    if model is Pledge and not rules.holds(actor, "pledges.see"):
        return [false()]
    if model is Pledge and not related & rules.RULES["pledges.see"].allow:
        return [_mine(actor, Pledge.person_id)]
    return []


def _mine(actor: Actor, column: InstrumentedAttribute[int | None]) -> ColumnElement[bool]:
    # A visitor has no id; comparing with None would mean IS NULL, and that is somebody whose name was erased.
    return column == actor.person_id if actor.signed_in else false()
