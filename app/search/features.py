"""An asset as a GeoJSON Feature (RFC 7946), written as JSON text by the database: the one list of its fields.

Everything that shows assets takes its text from here, so that lists, single assets and other standards' answers say the
same. The properties are those of present.AssetOut.
"""

from collections.abc import Sequence
from functools import cache
from typing import Any
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Integer,
    Select,
    Text,
    and_,
    bindparam,
    case,
    cast,
    exists,
    func,
    literal_column,
    select,
    true,
)  # fmt: skip
from sqlalchemy.dialects import postgresql
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from app import db, errors, rules
from app.auth import Actor
from app.models import Appreciation, Area, Asset, Comment, Community, Need, Person, Proposal, Update
from app.search.filters import EVERYTHING, AssetFilter, distance

#: Decimal places of a degree: about a centimetre.
DIGITS = 7
#: What a Feature joins; aliases, so that the filters' own look-ups of the same tables stay apart from them.
_Owner, _Home = aliased(Person, name="its_owner"), aliased(Community, name="its_home")
_Whole, _Ward = aliased(Area, name="its_whole"), aliased(Area, name="any_ward")
#: Lateral, so that the wards of a page are looked up once each.
_ward = (
    select(_Ward.name)
    .where(_Ward.code == Asset.ward, _Ward.level == "ward", _Ward.ended_at.is_(None))
    .limit(1)
    .lateral("its_ward")
)


def _json(value: Any) -> ColumnElement[str]:
    """A value as JSON."""
    return func.coalesce(cast(func.to_json(value), Text), "null")


def _word(value: Any) -> ColumnElement[str]:
    """A word of ours or a uid as JSON: nothing in it needs escaping, which is half the cost of a short text."""
    return func.concat('"', value, '"')


def _instant(value: Any) -> ColumnElement[str]:
    """An instant as RFC 3339 in UTC, whatever the time zone of the session."""
    return func.coalesce(func.left(cast(func.to_json(func.timezone("UTC", value)), Text), -1).op("||")('Z"'), "null")


def _object(given: dict[str, Any], end: str = "}") -> ColumnElement[str]:
    """An object of these values, which are JSON text already."""
    parts: list[Any] = []
    for name, value in given.items():
        parts += [f'{"," if parts else "{"}"{name}":', value]
    return func.concat(*parts, end)


def _there(key: Any, given: dict[str, Any]) -> ColumnElement[str]:
    return case((key.is_not(None), _object(given)), else_="null")


def _axis(number: Any) -> ColumnElement[Any]:
    return func.round(cast(number, postgresql.NUMERIC), DIGITS)


def _inline(expression: ColumnElement[Any]) -> ColumnElement[Any]:
    """The same expression as finished text: it has fifty parts, and taking it apart again would cost each request more
    than the database needs for a page. It holds no value from outside."""
    done = expression.compile(dialect=postgresql.dialect(), compile_kwargs={"literal_binds": True})  # type: ignore[no-untyped-call]
    return literal_column(str(done))


_POSITION = func.concat("[", _axis(func.ST_X(Asset.anchor)), ",", _axis(func.ST_Y(Asset.anchor)), "]")
_FIELDS: dict[str, Any] = {
    "kind": _word(Asset.kind), "title": _json(Asset.title), "summary": _json(Asset.summary), "body": _json(Asset.body),
    "theme": _word(Asset.theme), "state": _word(Asset.state), "stage": _word(Asset.stage),
    "audience": _word(Asset.audience),
    "owner": _there(_Owner.uid, {"uid": _word(_Owner.uid), "name": _json(_Owner.name)}),
    "community": _there(_Home.uid, {"uid": _word(_Home.uid), "name": _json(_Home.name)}),
    "organiser": _json(Asset.organiser), "website": _json(Asset.website), "licence": _json(Asset.licence),
    "attribution": _json(Asset.attribution), "details": cast(Asset.details, Text),
    "location_class": _word(Asset.location_class),
    "anchor": case((Asset.anchor.is_not(None), _POSITION), else_="null"),
    "ward": _there(Asset.ward, {"code": _json(Asset.ward), "name": _json(_ward.c.name)}),
    "area": _there(_Whole.code, {"code": _json(_Whole.code), "name": _json(_Whole.name), "level": _word(_Whole.level)}),
    "starts_at": _instant(Asset.starts_at), "ends_at": _instant(Asset.ends_at),
    "published_at": _instant(Asset.published_at), "ended_at": _instant(Asset.ended_at),
    "created_at": _instant(Asset.created_at), "updated_at": _instant(Asset.updated_at),
    "version": Asset.version, "via": _word(Asset.via), "appreciations": Asset.appreciation_count,
}  # fmt: skip
#: The properties, left open for what only some answers have.
_PROPERTIES = _inline(func.concat(',"properties":', _object(_FIELDS, end="")))


def text(wanted: AssetFilter, geometry: Any = Asset.geom, digits: int = DIGITS) -> ColumnElement[str]:
    """The Feature as text, for a statement over Asset that `beside` has joined.

    `geometry` is what it shows in the place of Asset.geom: an expression of it, such as the same in another reference
    system. With `near` the properties say the distance in steps of 100 m: by finer ones an observer could triangulate.
    """
    shown = func.coalesce(func.ST_AsGeoJSON(geometry, digits), "null")
    ends: tuple[Any, ...] = ("}}",)
    if wanted.near:
        ends = (',"distance_m":', cast(func.round(distance(wanted.near) / 100) * 100, Integer), "}}")
    return func.concat('{"type":"Feature","id":"', Asset.uid, '","geometry":', shown, _PROPERTIES, *ends)


def beside(statement: Select[Any]) -> Select[Any]:
    """The statement over Asset with what a Feature needs beside it."""
    statement = statement.outerjoin(_Owner, and_(Asset.owner_id == _Owner.id, _Owner.state != "erased"))
    statement = statement.outerjoin(_Home, Asset.community_id == _Home.id)
    return statement.outerjoin(_Whole, Asset.area_id == _Whole.id).outerjoin(_ward, true())


async def feature(
    session: AsyncSession,
    actor: Actor,
    uid: UUID,
    *,
    also: Sequence[ColumnElement[bool]] = (),
    geometry: Any = Asset.geom,
    digits: int = DIGITS,
) -> str:
    """One asset as the lists show it. Raises NotFound when the actor may not see it or a condition does not hold."""
    statement = select(text(EVERYTHING, geometry, digits)).select_from(Asset)
    statement = beside(statement).where(Asset.uid == uid, rules.visible(actor), *also)
    found = await session.scalar(statement)
    if found is None:
        raise errors.NotFound()
    return found


def _count(model: type[Comment | Need | Proposal | Update], *which: ColumnElement[bool]) -> ColumnElement[int]:
    return select(func.count()).where(model.asset_id == Asset.id, *which).scalar_subquery()


@cache
def _in_full() -> db.Ready:
    thanked = exists().where(
        Appreciation.asset_id == Asset.id, Appreciation.person_id == bindparam("reader_id", type_=BigInteger)
    )
    columns: list[Any] = [
        text(EVERYTHING).label("text"),
        _count(Comment, Comment.state == "published").label("comments"),
        _count(Need, Need.state == "open").label("open_needs"),
        _count(Proposal).label("proposals"),
        _count(Update).label("updates"),
        thanked.label("appreciated"),
    ]
    shown = beside(select(*columns).select_from(Asset))
    return db.Ready.built(shown.where(Asset.id == bindparam("asset_id", type_=BigInteger)))


async def in_full(ask: db.Ask, actor: Actor, asset: Asset) -> Any:
    """An asset that the actor may see: `text` as the lists show it, how many `comments`, `open_needs`, `proposals` and
    `updates` it has, and whether the actor has `appreciated` it."""
    (row,) = await ask(_in_full(), asset_id=asset.id, reader_id=actor.person_id)
    return row
