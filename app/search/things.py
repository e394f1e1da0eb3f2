"""What is read whole, so that rules can judge it: one asset, and what belongs to it."""

from typing import Any, TypeVar
from uuid import UUID

from sqlalchemy import Select, false, or_, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import InstrumentedAttribute, joinedload, selectinload
from sqlalchemy.sql.elements import ColumnElement

from app import errors, rules
from app.auth import Actor
from app.models import Asset, Comment, Flag, Link, Need, Pledge, Proposal, Update
from app.wire import Cursor


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
