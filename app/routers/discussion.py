"""Thanks, comments, updates and flags of an asset."""

from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Request, Response
from pydantic import Field

from app import rules, search
from app.actions import discussion
from app.models import Comment, Flag, Update
from app.routers import contributions
from app.routers.contributions import CommentOut, FlagOut, UpdateOut
from app.routers.deps import IfMatch, JustOnce, Paging, Read, Serving, Tx, Who, act
from app.wire import Out, Page, Reason, Text, Wire

router = APIRouter(prefix="/api/v1", tags=["discussion"])

Words = Annotated[Text, Field(min_length=1, max_length=5000, pattern=r"\S")]


# ── thanks ──────────────────────────────────────────────────────────────────────────────────


class Thanks(Out):
    appreciated: bool
    appreciations: int


@router.put("/assets/{asset}/appreciation", **act("appreciations.give"))
async def appreciate(asset: UUID, session: Tx, actor: Who) -> Thanks:
    """Thank an asset; again changes nothing."""
    return Thanks(appreciated=True, appreciations=await discussion.appreciate(session, actor, asset))


@router.delete("/assets/{asset}/appreciation", **act("appreciations.give"))
async def take_back_appreciation(asset: UUID, session: Tx, actor: Who) -> Thanks:
    """Take your thanks back."""
    return Thanks(appreciated=False, appreciations=await discussion.take_back_appreciation(session, actor, asset))


# ── comments ────────────────────────────────────────────────────────────────────────────────


class CommentIn(Wire):
    text: Words
    reply_to: UUID | None = None


class CommentPatch(Wire):
    text: Words


@router.get("/assets/{asset}/comments", **act("assets.read"))
async def list_comments(asset: UUID, request: Request, session: Read, actor: Who, paging: Paging) -> Page[CommentOut]:
    """The discussion, oldest first."""
    parent = await search.get_asset(session, actor, asset)
    rows, following = await search.things(session, actor, Comment, parent, limit=paging.limit, cursor=paging.cursor)
    return paging.page(request, [contributions.comment(row, actor) for row in rows], following)


@router.post("/assets/{asset}/comments", status_code=201, response_model=CommentOut, **act("comments.write"))
async def write_comment(
    asset: UUID, said: CommentIn, session: Tx, actor: Who, serving: Serving, once: JustOnce
) -> Response:
    """Add to the discussion, or answer a comment."""
    hold = serving.settings.hold_new_content
    row = await discussion.write_comment(session, actor, asset, text=said.text, reply_to=said.reply_to, hold=hold)
    return await once.created(contributions.comment(row, actor), version=row.version)


@router.patch("/comments/{comment}", **act("comments.amend"))
async def amend_comment(comment: UUID, said: CommentPatch, session: Tx, actor: Who, version: IfMatch) -> CommentOut:
    """Change your own words."""
    return contributions.comment(
        await discussion.amend_comment(session, actor, comment, text=said.text, version=version), actor
    )


@router.delete("/comments/{comment}", status_code=204, **act("comments.withdraw"))
async def withdraw_comment(comment: UUID, session: Tx, actor: Who, version: IfMatch) -> None:
    """Take your own words back."""
    await discussion.withdraw_comment(session, actor, comment, version)


@router.post("/comments/{comment}/hide", **act("moderation.hide"))
async def hide_comment(comment: UUID, said: Reason, session: Tx, actor: Who) -> CommentOut:
    """Take a comment in your area out of sight, with a reason."""
    return contributions.comment(await discussion.hide_comment(session, actor, comment, why=said.reason), actor)


@router.post("/comments/{comment}/restore", **act("moderation.restore"))
async def restore_comment(comment: UUID, said: Reason, session: Tx, actor: Who) -> CommentOut:
    """Bring back a comment that was hidden, or publish one that was waiting, with a reason."""
    return contributions.comment(await discussion.restore_comment(session, actor, comment, why=said.reason), actor)


# ── updates ─────────────────────────────────────────────────────────────────────────────────


class UpdateIn(Wire):
    text: Words


@router.get("/assets/{asset}/updates", **act("assets.read"))
async def list_updates(asset: UUID, request: Request, session: Read, actor: Who, paging: Paging) -> Page[UpdateOut]:
    """What the organisers reported, oldest first."""
    parent = await search.get_asset(session, actor, asset)
    rows, following = await search.things(session, actor, Update, parent, limit=paging.limit, cursor=paging.cursor)
    return paging.page(request, [contributions.update(row, actor) for row in rows], following)


@router.post("/assets/{asset}/updates", status_code=201, response_model=UpdateOut, **act("updates.post"))
async def post_update(asset: UUID, said: UpdateIn, session: Tx, actor: Who, once: JustOnce) -> Response:
    """Report back to everybody who follows your asset."""
    row = await discussion.post_update(session, actor, asset, text=said.text)
    return await once.created(contributions.update(row, actor), version=row.version)


@router.patch("/updates/{update}", **act("updates.amend"))
async def amend_update(update: UUID, said: UpdateIn, session: Tx, actor: Who, version: IfMatch) -> UpdateOut:
    """Change an update's words."""
    return contributions.update(
        await discussion.amend_update(session, actor, update, text=said.text, version=version), actor
    )


@router.delete("/updates/{update}", status_code=204, **act("updates.remove"))
async def remove_update(update: UUID, session: Tx, actor: Who, version: IfMatch) -> None:
    """Take an update away."""
    await discussion.remove_update(session, actor, update, version)


# ── flags ───────────────────────────────────────────────────────────────────────────────────


class FlagIn(Wire):
    reason: Literal["unlawful", "unsafe", "personal-details", "not-true", "not-local", "spam", "other"]
    text: Annotated[Text, Field(max_length=2000)] = ""
    comment: Annotated[UUID | None, Field(description="The comment that you mean, if it is not the asset itself.")] = (
        None
    )


@router.get("/assets/{asset}/flags", **act("flags.see"))
async def list_flags(asset: UUID, request: Request, session: Read, actor: Who, paging: Paging) -> Page[FlagOut]:
    """What was flagged here, for officers of the area. It does not say by whom."""
    parent = await search.get_asset(session, actor, asset)
    rules.require(actor, "flags.see", parent)
    rows, following = await search.things(session, actor, Flag, parent, limit=paging.limit, cursor=paging.cursor)
    return paging.page(request, [contributions.flag(row) for row in rows], following)


@router.post("/assets/{asset}/flags", status_code=201, response_model=FlagOut, **act("flags.raise"))
async def raise_flag(asset: UUID, said: FlagIn, session: Tx, actor: Who, once: JustOnce) -> Response:
    """Tell the moderators that something is wrong here."""
    row = await discussion.raise_flag(session, actor, asset, reason=said.reason, text=said.text, comment=said.comment)
    return await once.created(contributions.flag(row))
