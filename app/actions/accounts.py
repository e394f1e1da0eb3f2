"""People's accounts: signing in, names, keys, officers, and being forgotten."""

from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

from sqlalchemy import delete, func, insert, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from app import auth, errors
from app.actions import assets
from app.actions.record import record, step
from app.auth import Actor
from app.models import (
    ApiKey,
    Appreciation,
    Area,
    Asset,
    Comment,
    File,
    Flag,
    Idempotency,
    Job,
    Membership,
    OfficerArea,
    Person,
    Pledge,
    Proposal,
    Session,
    VaultContact,
    VaultSignIn,
)  # fmt: skip
from app.models.columns import now


async def ask_sign_in(session: AsyncSession, email: str, browser_hash: bytes) -> tuple[UUID, datetime]:
    """Ask for a mail with a link and a code. The answer is the same whether or not the address has an account."""
    uid, expires = await _open_sign_in(session, email, browser_hash)
    record(session, auth.VISITOR, "sign_in.asked", "sign_in", uid)
    return uid, expires


async def give_sign_in(session: AsyncSession, actor: Actor, email: str, browser_hash: bytes) -> UUID:
    """A sign-in for the actor to hand over; no mail is sent, for no job knows of it."""
    uid, _ = await _open_sign_in(session, email, browser_hash)
    record(session, actor, "sign_in.given", "sign_in", uid)
    return uid


async def _open_sign_in(session: AsyncSession, email: str, browser_hash: bytes) -> tuple[UUID, datetime]:
    uid = uuid4()
    expires = datetime.now(UTC) + timedelta(minutes=auth.SIGN_IN_MINUTES)
    # No RETURNING: the role that writes here may not read.
    await session.execute(
        insert(VaultSignIn).values(uid=uid, email=email, browser_hash=browser_hash, expires_at=expires)
    )
    return uid, expires


async def try_sign_in(
    session: AsyncSession, uid: UUID, browser_hash: bytes, *, matches: bool
) -> tuple[str, UUID | None]:
    """Count one try at a sign-in: `right`, `wrong`, `expired`, `too-many` or `unknown`, and whose it is if known."""
    tried = func.vault.try_sign_in(uid, browser_hash, matches).table_valued("outcome", "person")
    outcome, person = (await session.execute(select(tried.c.outcome, tried.c.person))).one()
    return outcome, person


async def person_of_sign_in(session: AsyncSession, uid: UUID, known: UUID | None, name: str | None) -> Person:
    """The person whose sign-in was right; a new account when the address had none. Raises Forbidden when suspended."""
    if known is not None:
        person = await session.scalar(select(Person).where(Person.uid == known))
        if person is None or person.state != "active":
            raise errors.Forbidden("This account is not active. Ask an officer of your council.")
        return person
    person = Person(name=name or "A resident")
    session.add(person)
    await session.flush()
    try:
        await session.execute(select(func.vault.adopt_email(uid, person.uid)))
    except IntegrityError as error:
        raise errors.Conflict("This address got an account a moment ago. Ask for a new code.") from error
    record(session, auth.VISITOR, "accounts.join", "person", person.uid)
    return person


async def amend(session: AsyncSession, actor: Actor, *, name: str | None, about: str | None) -> Person:
    """Change how one is called and what one says of oneself."""
    person = await _self(session, actor)
    person.name = name if name is not None else person.name
    person.about = about if about is not None else person.about
    # Which, and not what: history outlives the account, and nothing in it may name who left.
    changed = [field for field, value in (("name", name), ("about", about)) if value is not None]
    record(session, actor, "accounts.amend", "person", person.uid, after={"changed": changed})
    await session.flush()
    return person


async def _self(session: AsyncSession, actor: Actor) -> Person:
    person = await session.scalar(select(Person).where(Person.id == actor.person_id).with_for_update())
    if person is None:
        raise errors.NotSignedIn()
    return person


async def erase(session: AsyncSession, actor: Actor) -> None:
    """Forget a person: contact details and keys go, contributions stay without a name; offers, drafts and
    open promises are withdrawn.

    Raises Conflict for the last operator, without whom nobody could run the service.
    """
    person = await _self(session, actor)
    if person.role == "operator":
        others = select(Person.id).where(Person.role == "operator", Person.state == "active", Person.id != person.id)
        # Locked: of two operators who leave at once, one must stay.
        if await session.scalar(others.limit(1).with_for_update()) is None:
            raise errors.Conflict("You are the only operator. Make somebody else one first.")
    await session.execute(select(func.vault.forget_person(person.uid)))
    await _withdraw_personal(session, Actor.system("erasure"), person)
    await _release(session, Actor.system("erasure"), person)
    for owned in (Session, ApiKey, OfficerArea, Membership, Appreciation, Flag, Job, File):
        await session.execute(delete(owned).where(owned.person_id == person.id))
    await session.execute(update(Comment).where(Comment.author_id == person.id).values(author_id=None))
    await session.execute(update(Pledge).where(Pledge.person_id == person.id).values(person_id=None, message=""))
    await session.execute(
        delete(Idempotency).where(Idempotency.actor.in_((f"person:{person.uid}", f"app:{person.uid}")))
    )
    person.name, person.about, person.state = "Somebody who left", "", "erased"
    record(session, Actor.system("erasure"), "accounts.erase", "person", person.uid)


async def _withdraw_personal(session: AsyncSession, actor: Actor, person: Person) -> None:
    await session.execute(select(func.vault.forget_exact_point(Asset.uid)).where(Asset.owner_id == person.id))
    personal = select(Asset).where(
        Asset.owner_id == person.id, (Asset.kind == "offer") | (Asset.state.in_(("draft", "pending")))
    )
    for asset in await session.scalars(personal.where(Asset.state.notin_(("withdrawn", "removed"))).with_for_update()):
        await assets.change_state(session, actor, asset, "withdrawn", verb="assets.withdraw", why="its owner left")


async def _release(session: AsyncSession, actor: Actor, person: Person) -> None:
    """Nobody waits for somebody who left: open promises are taken back and their places are free."""
    promised = select(Pledge).where(Pledge.person_id == person.id, Pledge.state.in_(("pledged", "confirmed")))
    # Proposals before their pledges, as everywhere: see proposals._move.
    theirs = select(Proposal.id).where(Proposal.id.in_(promised.with_only_columns(Pledge.proposal_id)))
    await session.execute(theirs.order_by(Proposal.id).with_for_update(key_share=True))
    for pledge in await session.scalars(promised.order_by(Pledge.id).with_for_update()):
        step(session, actor, "pledge", pledge.id, pledge.state, "withdrawn", why="this person left")
        record(session, actor, "pledges.withdraw", "pledge", pledge.uid, after={"state": "withdrawn"})
        pledge.state, pledge.updated_at = "withdrawn", now()
    await session.flush()


# ── keys ────────────────────────────────────────────────────────────────────────────────────


async def create_key(
    session: AsyncSession,
    actor: Actor,
    secret: bytes,
    *,
    name: str,
    scopes: list[str],
    expires_at: datetime | None = None,
) -> tuple[ApiKey, str]:
    """A key for an application of this person. The second value is the key itself: it is never shown again."""
    if expires_at is not None and expires_at <= datetime.now(UTC):
        raise errors.Invalid("expires_at lies in the past.")
    shown, prefix, token_hash = auth.new_key(secret)
    key = ApiKey(
        person_id=actor.person_id, name=name, prefix=prefix, token_hash=token_hash, scopes=scopes, expires_at=expires_at
    )
    session.add(key)
    await session.flush()
    record(session, actor, "accounts.create-key", "api_key", key.uid, after={"scopes": scopes})
    return key, shown


async def keys(session: AsyncSession, actor: Actor) -> list[ApiKey]:
    """The person's keys that still open something."""
    mine = select(ApiKey).where(ApiKey.person_id == actor.person_id, ApiKey.revoked_at.is_(None)).order_by(ApiKey.id)
    return list(await session.scalars(mine))


async def revoke_key(session: AsyncSession, actor: Actor, uid: UUID) -> None:
    """End a key at once. Raises NotFound unless it is the actor's own."""
    ended = (
        update(ApiKey)
        .where(ApiKey.uid == uid, ApiKey.person_id == actor.person_id, ApiKey.revoked_at.is_(None))
        .values(revoked_at=func.now())
        .returning(ApiKey.uid)
    )
    if await session.scalar(ended) is None:
        raise errors.NotFound()
    record(session, actor, "accounts.revoke-key", "api_key", uid)


# ── first people ────────────────────────────────────────────────────────────────────────────


async def create_person(
    session: AsyncSession,
    actor: Actor,
    *,
    email: str,
    name: str,
    role: str = "resident",
    areas: list[str] | None = None,
) -> Person:
    """An account made by the operator; an existing one gets the role and the areas as well.

    `role` is resident, officer or councillor (of these areas, by code) or operator. An officer of an area stays one.
    Raises Invalid for an unknown area code.
    """
    uid = await session.scalar(select(func.vault.person_of_email(email)))
    person = await session.scalar(select(Person).where(Person.uid == uid)) if uid else None
    if person is None:
        person = Person(name=name, via="paper")
        session.add(person)
        await session.flush()
        await session.execute(
            insert(VaultContact).values(uid=uuid4(), person_uid=person.uid, kind="email", value=email)
        )
    if role == "operator":
        person.role = "operator"
    for code in areas or []:
        await _give_area(session, person, code, role)
    record(session, actor, "accounts.create", "person", person.uid, after={"role": role, "areas": areas or []})
    return person


async def _give_area(session: AsyncSession, person: Person, code: str, role: str) -> None:
    area_id = await session.scalar(select(Area.id).where(Area.code == code, Area.ended_at.is_(None)).limit(1))
    if area_id is None:
        raise errors.Invalid(
            f"There is no area with the code '{code}'. Import its boundaries first: ./civic areas import."
        )
    held = await session.get(OfficerArea, (person.id, area_id))
    if held is None:
        session.add(OfficerArea(person_id=person.id, area_id=area_id, role=role))
    elif role == "officer":
        held.role = role


async def offices(session: AsyncSession, person_id: int) -> list[tuple[Area, str]]:
    """The areas in force that somebody holds an office for, by name: each with `officer` or `councillor`."""
    held = select(Area, OfficerArea.role).join(OfficerArea, OfficerArea.area_id == Area.id)
    current = held.where(OfficerArea.person_id == person_id, Area.ended_at.is_(None)).order_by(Area.name, Area.code)
    return [(area, role) for area, role in await session.execute(current)]


async def email_of(session: AsyncSession, actor: Actor) -> str | None:
    """The actor's own address."""
    found: str | None = await session.scalar(select(func.vault.email_of(actor.person_uid)))
    return found
