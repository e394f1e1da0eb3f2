"""What people add to an asset, as it goes over the wire: a type and a function per noun, and what its reader may do."""

from datetime import date, datetime
from decimal import Decimal
from typing import Annotated
from uuid import UUID

from pydantic import Field

from app import rules
from app.auth import Actor
from app.models import Asset, Comment, Flag, Link, Need, Pledge, Proposal, Update
from app.routers.present import Named, html, person
from app.wire import Out


class CommentOut(Out):
    uid: UUID
    asset: UUID
    reply_to: UUID | None
    author: Named | None
    text: str
    text_html: str
    state: str
    created_at: datetime
    updated_at: datetime
    version: int
    may: list[str]


_COMMENT_ACTS: dict[str, tuple[str, ...]] = {
    "pending": ("comments.amend", "comments.withdraw", "moderation.hide", "moderation.restore"),
    "published": ("comments.amend", "comments.withdraw", "moderation.hide"),
    "hidden": ("comments.withdraw", "moderation.restore"),
    "withdrawn": (),
    "removed": (),
}


def comment(row: Comment, actor: Actor) -> CommentOut:
    return CommentOut(
        uid=row.uid,
        asset=row.asset.uid,
        reply_to=row.reply_to.uid if row.reply_to else None,
        author=person(row.author),
        text=row.text,
        text_html=html(row.text),
        state=row.state,
        created_at=row.created_at,
        updated_at=row.updated_at,
        version=row.version,
        may=rules.may(actor, _COMMENT_ACTS[row.state], row) if actor.signed_in else [],
    )


class NeedOut(Out):
    uid: UUID
    asset: UUID
    kind: str
    title: str
    text: str
    quantity: int
    met: int
    state: str
    blocking: bool
    report_back_on: date | None
    created_at: datetime
    updated_at: datetime
    version: int
    may: list[str]


_NEED_ACTS = {
    "open": ("needs.amend", "needs.remove", "needs.meet", "needs.close"),
    "met": ("needs.amend", "needs.remove", "needs.reopen"),
    "closed": ("needs.amend", "needs.remove", "needs.reopen"),
}


def need(row: Need, actor: Actor) -> NeedOut:
    plain = {name: getattr(row, name) for name in NeedOut.model_fields if name not in ("asset", "may")}
    return NeedOut(**plain, asset=row.asset.uid, may=rules.may(actor, _NEED_ACTS[row.state], row))


class PledgeOut(Out):
    uid: UUID
    proposal: UUID
    person: Named | None
    hours_promised: float
    hours_given: float | None
    message: str
    state: str
    created_at: datetime
    updated_at: datetime
    may: list[str]


_PLEDGE_ACTS = {
    "pledged": ("pledges.confirm", "pledges.withdraw"),
    "confirmed": ("pledges.fulfil", "pledges.miss", "pledges.withdraw"),
}


def pledge(row: Pledge, actor: Actor) -> PledgeOut:
    return PledgeOut(
        uid=row.uid,
        proposal=row.proposal.uid,
        person=person(row.person),
        hours_promised=float(row.hours_promised),
        hours_given=_hours(row.hours_given),
        message=row.message,
        state=row.state,
        created_at=row.created_at,
        updated_at=row.updated_at,
        may=rules.may(actor, _PLEDGE_ACTS.get(row.state, ()), row),
    )


def _hours(value: Decimal | None) -> float | None:
    return None if value is None else float(value)


class ProposalOut(Out):
    uid: UUID
    asset: UUID
    proposer: Named | None
    title: str
    text: str
    places: int | None
    full: bool
    pledged: Annotated[int | None, Field(description="How many have pledged; for those who may see the pledges.")]
    happens_on: date | None
    state: str
    created_at: datetime
    updated_at: datetime
    version: int
    may: list[str]
    my_pledge: PledgeOut | None = None


_PROPOSAL_ACTS = {
    "proposed": (
        "proposals.accept", "proposals.decline", "proposals.withdraw", "proposals.amend", "pledges.promise",
        "pledges.see",
    ),
    "accepted": ("proposals.complete", "proposals.withdraw", "proposals.amend", "pledges.promise", "pledges.see"),
}  # fmt: skip


def proposal(row: Proposal, actor: Actor, mine: Pledge | None = None) -> ProposalOut:
    acts = rules.may(actor, _PROPOSAL_ACTS.get(row.state, ("pledges.see",)), row)
    full = row.places is not None and row.pledged >= row.places
    if full or (mine is not None and mine.state in ("pledged", "confirmed")):
        acts = [act for act in acts if act != "pledges.promise"]
    plain = ("uid", "title", "text", "places", "happens_on", "state", "created_at", "updated_at", "version")
    return ProposalOut(
        **{name: getattr(row, name) for name in plain},
        asset=row.asset.uid,
        proposer=person(row.proposer),
        full=full,
        pledged=row.pledged if "pledges.see" in acts else None,
        may=[act for act in acts if act != "pledges.see"],
        my_pledge=pledge(mine, actor) if mine else None,
    )


class UpdateOut(Out):
    uid: UUID
    asset: UUID
    author: Named | None
    text: str
    text_html: str
    created_at: datetime
    updated_at: datetime
    version: int
    may: list[str]


def update(row: Update, actor: Actor) -> UpdateOut:
    plain = ("uid", "text", "created_at", "updated_at", "version")
    return UpdateOut(
        **{name: getattr(row, name) for name in plain},
        asset=row.asset.uid,
        author=person(row.author),
        text_html=html(row.text),
        may=rules.may(actor, ("updates.amend", "updates.remove"), row),
    )


class LinkEnd(Out):
    uid: UUID
    title: str
    kind: str


class LinkOut(Out):
    """A tie: `from` is the asset that asked."""

    uid: UUID
    kind: str
    state: str
    from_: Annotated[LinkEnd, Field(serialization_alias="from", validation_alias="from_")]
    to: LinkEnd
    created_at: datetime
    may: list[str]


def link(row: Link, actor: Actor) -> LinkOut:
    acts = ("links.decide", "links.remove") if row.state == "asked" else ("links.remove",)
    return LinkOut(
        uid=row.uid,
        kind=row.kind,
        state=row.state,
        from_=_end(row.from_asset),
        to=_end(row.to_asset),
        created_at=row.created_at,
        may=rules.may(actor, acts, row),
    )


def _end(asset: Asset) -> LinkEnd:
    return LinkEnd(uid=asset.uid, title=asset.title, kind=asset.kind)


class FlagOut(Out):
    uid: UUID
    asset: UUID
    comment: UUID | None
    reason: str
    text: str
    state: str
    created_at: datetime


def flag(row: Flag) -> FlagOut:
    plain = ("uid", "reason", "text", "state", "created_at")
    return FlagOut(
        **{name: getattr(row, name) for name in plain},
        asset=row.asset.uid,
        comment=row.comment.uid if row.comment else None,
    )
