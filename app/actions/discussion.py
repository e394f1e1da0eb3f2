"""What people say of an asset: comments, thanks, the organiser's updates, and flags."""

from typing import Any
from uuid import UUID

from sqlalchemy import delete, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from app import errors, rules, search
from app.actions.record import match, record, step
from app.auth import Actor
from app.models import Appreciation, Asset, Comment, Flag, Update
from app.models.columns import now

# ── comments ────────────────────────────────────────────────────────────────────────────────


async def write_comment(
    session: AsyncSession, actor: Actor, asset_uid: UUID, *, text: str, reply_to: UUID | None = None, hold: bool = False
) -> Comment:
    """Add to the discussion of an asset, or answer a comment on it. With `hold` it waits for a moderator."""
    asset = await search.get_asset(session, actor, asset_uid)
    rules.require(actor, "comments.write", asset)
    parent = await search.get_thing(session, actor, Comment, reply_to) if reply_to else None
    if parent is not None and parent.asset_id != asset.id:
        raise errors.Invalid("reply_to names a comment on another asset.")
    comment = Comment(
        asset_id=asset.id,
        author_id=actor.person_id,
        reply_to_id=parent.id if parent else None,
        text=text,
        state="pending" if hold else "published",
        via="app" if actor.kind == "app" else "web",
    )
    session.add(comment)
    await session.flush()
    record(
        session,
        actor,
        "comments.write",
        "comment",
        comment.uid,
        after={"text": text},
        payload={"asset": str(asset_uid)},
    )
    return await search.get_thing(session, actor, Comment, comment.uid)


async def amend_comment(session: AsyncSession, actor: Actor, uid: UUID, *, text: str, version: int | None) -> Comment:
    """Change one's own words; history keeps the old ones."""
    comment = await search.get_thing(session, actor, Comment, uid, lock=True)
    rules.require(actor, "comments.amend", comment)
    match(comment.version, version)
    before = comment.text
    comment.text, comment.version, comment.updated_at = text, comment.version + 1, now()
    record(session, actor, "comments.amend", "comment", uid, before={"text": before}, after={"text": text})
    await session.flush()
    return comment


async def withdraw_comment(session: AsyncSession, actor: Actor, uid: UUID, version: int | None) -> None:
    """Take one's own words back."""
    comment = await search.get_thing(session, actor, Comment, uid, lock=True)
    rules.require(actor, "comments.withdraw", comment)
    match(comment.version, version)
    _go(session, actor, comment, "withdrawn", verb="comments.withdraw")


async def hide_comment(session: AsyncSession, actor: Actor, uid: UUID, *, why: str) -> Comment:
    """Take somebody else's comment out of sight, as an officer of the area, with a reason."""
    return await _moderated(session, actor, uid, "moderation.hide", "hidden", why)


async def restore_comment(session: AsyncSession, actor: Actor, uid: UUID, *, why: str) -> Comment:
    """Publish a comment that was hidden or waits for a moderator, with a reason."""
    return await _moderated(session, actor, uid, "moderation.restore", "published", why)


async def _moderated(session: AsyncSession, actor: Actor, uid: UUID, act: str, state: str, why: str) -> Comment:
    comment = await search.get_thing(session, actor, Comment, uid, lock=True)
    rules.require(actor, act, comment)
    if comment.state == "withdrawn":
        raise errors.illegal_transition("comment", comment.state, state)
    _go(session, actor, comment, state, verb=act, why=why)
    await session.flush()
    return comment


def _go(
    session: AsyncSession, actor: Actor, comment: Comment, state: str, *, verb: str, why: str | None = None
) -> None:
    if comment.state == state:
        raise errors.illegal_transition("comment", comment.state, state)
    old, comment.state, comment.version, comment.updated_at = comment.state, state, comment.version + 1, now()
    record(session, actor, verb, "comment", comment.uid, before={"state": old}, after={"state": state}, why=why)


# ── thanks ──────────────────────────────────────────────────────────────────────────────────


async def appreciate(session: AsyncSession, actor: Actor, asset_uid: UUID) -> int:
    """Thank an asset once; thanking again changes nothing. Returns how many have."""
    asset = await search.get_asset(session, actor, asset_uid)
    rules.require(actor, "appreciations.give", asset)
    thanks = insert(Appreciation).values(asset_id=asset.id, person_id=actor.person_id).on_conflict_do_nothing()
    if (await session.execute(thanks.returning(Appreciation.asset_id))).first():
        record(session, actor, "appreciations.give", "asset", asset_uid)
    return await _appreciations(session, asset)


async def take_back_appreciation(session: AsyncSession, actor: Actor, asset_uid: UUID) -> int:
    """Take one's thanks back; without any this changes nothing. Returns how many are left."""
    asset = await search.get_asset(session, actor, asset_uid)
    rules.admit(actor, "appreciations.give")
    gone = delete(Appreciation).where(Appreciation.asset_id == asset.id, Appreciation.person_id == actor.person_id)
    if (await session.execute(gone.returning(Appreciation.asset_id))).first():
        record(session, actor, "appreciations.take-back", "asset", asset_uid)
    return await _appreciations(session, asset)


async def _appreciations(session: AsyncSession, asset: Asset) -> int:
    return await session.scalar(select(Asset.appreciation_count).where(Asset.id == asset.id)) or 0


# ── updates ─────────────────────────────────────────────────────────────────────────────────


async def post_update(session: AsyncSession, actor: Actor, asset_uid: UUID, *, text: str) -> Update:
    """Report back to everybody who follows an asset."""
    asset = await search.get_asset(session, actor, asset_uid)
    rules.require(actor, "updates.post", asset)
    posted = Update(asset_id=asset.id, author_id=actor.person_id, text=text)
    session.add(posted)
    await session.flush()
    record(
        session, actor, "updates.post", "update", posted.uid, after={"text": text}, payload={"asset": str(asset_uid)}
    )
    return await search.get_thing(session, actor, Update, posted.uid)


async def amend_update(session: AsyncSession, actor: Actor, uid: UUID, *, text: str, version: int | None) -> Update:
    """Change an update's words; history keeps the old ones."""
    posted = await search.get_thing(session, actor, Update, uid, lock=True)
    rules.require(actor, "updates.amend", posted)
    match(posted.version, version)
    before = posted.text
    posted.text, posted.version, posted.updated_at = text, posted.version + 1, now()
    record(session, actor, "updates.amend", "update", uid, before={"text": before}, after={"text": text})
    await session.flush()
    return posted


async def remove_update(session: AsyncSession, actor: Actor, uid: UUID, version: int | None) -> None:
    """Take an update away; history keeps what it said."""
    posted = await search.get_thing(session, actor, Update, uid, lock=True)
    rules.require(actor, "updates.remove", posted)
    match(posted.version, version)
    record(session, actor, "updates.remove", "update", uid, before={"text": posted.text})
    await session.delete(posted)


# ── flags ───────────────────────────────────────────────────────────────────────────────────


async def raise_flag(
    session: AsyncSession, actor: Actor, asset_uid: UUID, *, reason: str, text: str = "", comment: UUID | None = None
) -> Flag:
    """Tell the moderators of an asset, or of one comment on it. A second flag of the same person replaces the first."""
    asset = await search.get_asset(session, actor, asset_uid)
    rules.require(actor, "flags.raise", asset)
    about = await search.get_thing(session, actor, Comment, comment) if comment else None
    if about is not None and about.asset_id != asset.id:
        raise errors.Invalid("comment names a comment on another asset.")
    words: dict[str, Any] = {"reason": reason, "text": text}
    values = {"asset_id": asset.id, "comment_id": about.id if about else None, "person_id": actor.person_id, **words}
    raised = (
        insert(Flag)
        .values(**values)
        .on_conflict_do_update(constraint="uq_flag_once", set_=words, where=Flag.state == "open")
    )
    uid = await session.scalar(raised.returning(Flag.uid))
    if uid is None:
        raise errors.Conflict("A moderator has already looked at your flag and decided.")
    flag = await search.get_thing(session, actor, Flag, uid)
    record(session, actor, "flags.raise", "flag", uid, after={"reason": reason})
    step(session, actor, "flag", flag.id, None, "open")
    return flag
