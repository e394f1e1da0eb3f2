"""The officer desk's lists: flags, and what is hidden or waits, in the areas of whoever asks."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response
from pydantic import Field

from app import rules
from app.actions import import_desk, moderation
from app.auth import Actor
from app.models import Flag
from app.routers import contributions
from app.routers.contributions import FlagOut
from app.routers.deps import Paging, Read, Tx, Who, act
from app.search import desk
from app.search.desk import Decision, OutOfSight
from app.wire import Out, Page, Reason, Text

router = APIRouter(prefix="/api/v1", tags=["desk"])

Areas = Annotated[
    Text | None, Query(max_length=400, description="Only in the areas with these codes, of those that are yours.")
]


def _codes(area: str | None) -> list[str]:
    return [code.strip() for code in area.split(",") if code.strip()] if area else []


class Counts(Out):
    """How much waits in your areas. Of what is hidden and waits, assets and the comments on them are counted apart."""

    flags_open: int
    hidden: int
    pending: int
    hidden_comments: int
    pending_comments: int
    unplaced: int
    imports_waiting: int


@router.get("/desk", **act("desk.read"))
async def read_desk(response: Response, session: Read, own: Tx, actor: Who) -> Counts:
    """What waits in your areas, in numbers; councillors see these, and nothing of what they count."""
    response.headers["Cache-Control"] = "no-store"
    return Counts(**await desk.counts(session, actor), **await import_desk.waiting(own, actor))


# ── flags ───────────────────────────────────────────────────────────────────────────────────


class FlaggedAsset(Out):
    uid: UUID
    title: str
    kind: str
    state: str


class FlaggedComment(Out):
    uid: UUID
    text: str
    state: str


class DecisionOut(Out):
    """Who decided, when and why; `by` is null where the account is gone."""

    at: datetime
    by: str | None
    why: str | None


class DeskFlag(Out):
    """A flag with what it complains of: the asset itself, or the comment on it. It does not say who raised it."""

    uid: UUID
    reason: str
    text: str
    state: str
    created_at: datetime
    asset: FlaggedAsset
    comment: FlaggedComment | None
    link: Annotated[str, Field(description="Where the page shows it.")]
    decision: DecisionOut | None
    may: list[str]


def _flag(row: Flag, decision: Decision | None, actor: Actor) -> DeskFlag:
    plain = ("uid", "reason", "text", "state", "created_at")
    return DeskFlag(
        **{name: getattr(row, name) for name in plain},
        asset=FlaggedAsset.model_validate(row.asset),
        comment=FlaggedComment.model_validate(row.comment) if row.comment else None,
        link=f"/assets/{row.asset.uid}",
        decision=DecisionOut.model_validate(decision) if decision else None,
        may=rules.may(actor, ("flags.decide",), row) if row.state == "open" else [],
    )


@router.get("/desk/flags", **act("desk.moderate"))
async def list_flags(
    request: Request,
    response: Response,
    session: Read,
    actor: Who,
    paging: Paging,
    state: Literal["open", "upheld", "dismissed"] = "open",
    area: Areas = None,
) -> Page[DeskFlag]:
    """Flags in your areas, the oldest first."""
    response.headers["Cache-Control"] = "no-store"
    rows, following = await desk.flags(
        session, actor, state=state, areas=_codes(area), limit=paging.limit, cursor=paging.cursor
    )
    return paging.page(request, [_flag(row, decision, actor) for row, decision in rows], following)


class Upheld(Reason):
    hide: Annotated[bool, Field(strict=True, description="Also hide what it complains of, or do neither.")] = False


@router.post("/flags/{flag}/uphold", **act("flags.decide"))
async def uphold_flag(flag: UUID, said: Upheld, session: Tx, actor: Who) -> FlagOut:
    """Say that a flag in your area is right, with a reason; with `hide`, take what it complains of out of sight."""
    row = await moderation.decide(session, actor, flag, "upheld", why=said.reason, hide_it=said.hide)
    return contributions.flag(row)


@router.post("/flags/{flag}/dismiss", **act("flags.decide"))
async def dismiss_flag(flag: UUID, said: Reason, session: Tx, actor: Who) -> FlagOut:
    """Say that a flag in your area is not right, with a reason."""
    return contributions.flag(await moderation.decide(session, actor, flag, "dismissed", why=said.reason))


# ── out of sight ────────────────────────────────────────────────────────────────────────────


class HiddenComment(Out):
    uid: UUID
    text: str


class Hidden(Out):
    """An asset that is hidden or waits, or (`comment`) a comment on it that is.

    `at`, `by` and `reason` tell of the hiding; what waits names its author and since when. Names of who left are null.
    """

    uid: Annotated[UUID, Field(description="Of the asset.")]
    title: str
    kind: str
    state: str
    comment: HiddenComment | None
    link: str
    at: datetime
    by: str | None
    reason: str | None


def _hidden(one: OutOfSight) -> Hidden:
    return Hidden(
        uid=one.asset, title=one.title, kind=one.kind, state=one.state,
        comment=HiddenComment(uid=one.comment, text=one.text or "") if one.comment else None,
        link=f"/assets/{one.asset}", at=one.at, by=one.by, reason=one.why,
    )  # fmt: skip


@router.get("/desk/hidden", **act("desk.moderate"))
async def list_hidden(
    request: Request,
    response: Response,
    session: Tx,
    actor: Who,
    paging: Paging,
    of: Annotated[Literal["assets", "comments"], Query(description="Assets, or the comments on them.")] = "assets",
    state: Annotated[Literal["hidden", "pending"] | None, Query(description="Both, if left out.")] = None,
    area: Areas = None,
) -> Page[Hidden]:
    """What is hidden or waits for a moderator in your areas, the newest first: who hid it, when and why."""
    response.headers["Cache-Control"] = "no-store"
    rows, following = await desk.out_of_sight(
        session, actor, comments=of == "comments", state=state, areas=_codes(area), limit=paging.limit,
        cursor=paging.cursor,
    )  # fmt: skip
    return paging.page(request, [_hidden(row) for row in rows], following)
