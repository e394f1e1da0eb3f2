"""Signing in and out, one's own account, and keys for applications."""

import secrets
from datetime import datetime
from typing import Annotated, Literal, Self
from uuid import UUID

from fastapi import APIRouter, Request, Response
from pydantic import EmailStr, Field, model_validator
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from app import auth, errors
from app.actions import accounts, limits
from app.auth import Actor
from app.models import ApiKey, Community, Membership, Person
from app.routers import deps
from app.routers.deps import Serving, Tx, Who, act
from app.wire import Instant, Line, Out, Page, Text, Wire

router = APIRouter(prefix="/api/v1", tags=["accounts"])

Scope = Literal["assets:read", "assets:write", "take-part", "reports:read", "moderate"]
#: How many times the sign-ins of one address a network address may ask for: many people sit behind one.
SIGN_INS_OF_A_NETWORK = 10
REFUSALS = {
    "wrong": "That code is not right. Look again at the newest mail.",
    "expired": "This code was used already or is older than ten minutes. Ask for a new one.",
    "too-many": "Five wrong codes were tried. Ask for a new one.",
    "unknown": "This code belongs to another browser. Open the link, or type the code, where you asked for it.",
}


class OfficerOf(Out):
    code: str
    name: str
    level: str


class HeldArea(OfficerOf):
    role: Annotated[str, Field(description="officer: acts there; councillor: reads there.")]


class Belongs(Out):
    uid: UUID
    name: str
    role: str


class Me(Out):
    """The person who is signed in."""

    uid: UUID
    name: str
    about: str
    email: str | None
    role: str
    officer_areas: Annotated[list[OfficerOf], Field(description="Those of `areas` that you are an officer of.")]
    areas: list[HeldArea]
    communities: list[Belongs]
    created_at: datetime


async def _me(session: AsyncSession, actor: Actor) -> Me:
    person = await session.scalar(select(Person).where(Person.id == actor.person_id))
    if person is None:
        raise errors.NotSignedIn()
    held = await accounts.offices(session, person.id)
    areas = [HeldArea(code=one.code, name=one.name, level=one.level, role=role) for one, role in held]
    member_of = select(Community.uid, Community.name, Membership.role).join(
        Membership, Membership.community_id == Community.id
    )
    communities = await session.execute(member_of.where(Membership.person_id == person.id).order_by(Community.name))
    return Me(
        uid=person.uid,
        name=person.name,
        about=person.about,
        email=await accounts.email_of(session, actor),
        role=person.role,
        officer_areas=[OfficerOf(**one.model_dump(exclude={"role"})) for one in areas if one.role == "officer"],
        areas=areas,
        communities=[Belongs.model_validate(row) for row in communities],
        created_at=person.created_at,
    )


# ── signing in ──────────────────────────────────────────────────────────────────────────────


class SignIn(Wire):
    email: Annotated[EmailStr, Field(max_length=254)]


class Asked(Out):
    sign_in: UUID
    expires_at: datetime


@router.post("/sign-in", status_code=202, **act("accounts.sign-in"))
async def sign_in(said: SignIn, request: Request, response: Response, session: Tx, serving: Serving) -> Asked:
    """Ask for a mail with a link and six digits. The answer does not tell whether the address is known."""
    email = said.email.strip()
    allowed = serving.settings.sign_ins_per_hour
    address = auth.keyed_hash(serving.secret, "sign-in-address", email.lower()).hex()[:32]
    client = auth.keyed_hash(serving.secret, "sign-in-client", request.client.host if request.client else "").hex()[:32]
    await limits.spend(serving.engines, f"sign-in:{address}", allowed)
    await limits.spend(serving.engines, f"sign-in-from:{client}", allowed * SIGN_INS_OF_A_NETWORK)
    browser = request.cookies.get(serving.browser_cookie) or secrets.token_urlsafe(24)
    uid, expires = await accounts.ask_sign_in(session, email, _browser(serving, browser))
    _cookie(response, serving, serving.browser_cookie, browser, auth.SIGN_IN_MINUTES * 60)
    response.headers["Cache-Control"] = "no-store"
    return Asked(sign_in=uid, expires_at=expires)


class Complete(Wire):
    sign_in: UUID
    code: Annotated[Text | None, Field(pattern=r"^\s*\d{3}\s?\d{3}\s*$", description="The six digits of the mail.")] = (
        None
    )
    token: Annotated[Text | None, Field(max_length=200, description="Or the token of its link.")] = None
    name: Annotated[Line | None, Field(max_length=80, description="For a new account: what others call you.")] = None

    @model_validator(mode="after")
    def _one_of(self) -> Self:
        if (self.code is None) == (self.token is None):
            raise ValueError("Give the code or the token of the mail.")
        return self


class SignedIn(Out):
    me: Me


@router.post("/sign-in/complete", **act("accounts.sign-in"))
async def complete_sign_in(said: Complete, request: Request, response: Response, serving: Serving) -> SignedIn:
    """Finish signing in, in the browser that asked. Ten minutes, once, at most five tries."""
    if said.code is not None:
        digits = "".join(c for c in said.code if c.isdigit())
        matches = auth.same(digits, auth.sign_in_code(serving.secret, said.sign_in))
    else:
        matches = auth.same(said.token or "", auth.sign_in_token(serving.secret, said.sign_in))
    browser = _browser(serving, request.cookies.get(serving.browser_cookie, ""))
    # Two transactions: a wrong try must stay counted although the request fails.
    async with serving.engines.transaction() as session:
        outcome, known = await accounts.try_sign_in(session, said.sign_in, browser, matches=matches)
    if outcome != "right":
        raise errors.Forbidden(REFUSALS[outcome])
    async with serving.engines.transaction() as session:
        person = await accounts.person_of_sign_in(session, said.sign_in, known, said.name)
        token = await auth.open_session(session, serving.secret, person.id)
        actor = await auth.actor_of_person(session, person.id)
        if actor is None:
            raise errors.NotSignedIn()
        me = await _me(session, actor)
    _cookie(response, serving, serving.cookie, token, auth.SESSION_DAYS * 86400)
    response.delete_cookie(serving.browser_cookie, secure=serving.secure, httponly=True, samesite="lax")
    response.headers["Cache-Control"] = "no-store"
    return SignedIn(me=me)


@router.post("/sign-out", status_code=204, **act("accounts.sign-in"))
async def sign_out(request: Request, response: Response, session: Tx, serving: Serving, actor: Who) -> None:
    """End this session."""
    token = request.cookies.get(serving.cookie)
    if token:
        await auth.close_session(session, serving.secret, token)
    response.delete_cookie(serving.cookie, secure=serving.secure, httponly=True, samesite="lax")


def _browser(serving: deps.Service, value: str) -> bytes:
    return auth.keyed_hash(serving.secret, "browser", value)


def _cookie(response: Response, serving: deps.Service, name: str, value: str, max_age: int) -> None:
    response.set_cookie(name, value, max_age=max_age, path="/", secure=serving.secure, httponly=True, samesite="lax")


# ── me ──────────────────────────────────────────────────────────────────────────────────────


class MePatch(Wire):
    name: Annotated[Line | None, Field(max_length=80)] = None
    about: Annotated[Text | None, Field(max_length=1000)] = None


@router.get("/me", **act("accounts.self"))
async def read_me(response: Response, session: Tx, actor: Who) -> Me:
    """Who you are here."""
    response.headers["Cache-Control"] = "no-store"
    return await _me(session, actor)


@router.patch("/me", **act("accounts.self"))
async def amend_me(said: MePatch, session: Tx, actor: Who) -> Me:
    """Change your name, or what you say of yourself."""
    await accounts.amend(session, actor, name=said.name, about=said.about)
    return await _me(session, actor)


@router.delete("/me", status_code=204, **act("accounts.self"))
async def erase_me(response: Response, session: Tx, actor: Who, serving: Serving) -> None:
    """Leave, and be forgotten: your address and keys go, offers are withdrawn, the rest stays without your name."""
    await accounts.erase(session, actor)
    response.delete_cookie(serving.cookie, secure=serving.secure, httponly=True, samesite="lax")


# ── keys ────────────────────────────────────────────────────────────────────────────────────


class KeyIn(Wire):
    name: Annotated[Line, Field(max_length=80, description="What it is for.")]
    scopes: Annotated[list[Scope], Field(min_length=1, max_length=5)]
    expires_at: Instant | None = None


class KeyOut(Out):
    uid: UUID
    name: str
    prefix: str
    scopes: list[str]
    created_at: datetime
    expires_at: datetime | None
    used_on: Annotated[str | None, Field(description="The last day on which it was used.")]


class NewKey(KeyOut):
    key: Annotated[str, Field(description="The key itself. It is not shown again.")]


def _key(row: ApiKey) -> KeyOut:
    used_on = row.used_on.isoformat() if row.used_on else None
    plain = ("uid", "name", "prefix", "scopes", "created_at", "expires_at")
    return KeyOut(**{name: getattr(row, name) for name in plain}, used_on=used_on)


@router.get("/me/keys", **act("accounts.self"))
async def list_keys(response: Response, session: Tx, actor: Who) -> Page[KeyOut]:
    """Your keys that still open something."""
    response.headers["Cache-Control"] = "no-store"
    return Page(items=[_key(row) for row in await accounts.keys(session, actor)])


@router.post("/me/keys", status_code=201, **act("accounts.self"))
async def create_key(said: KeyIn, response: Response, session: Tx, actor: Who, serving: Serving) -> NewKey:
    """Make a key for an application. The answer is the only place where it is shown."""
    scopes = list(dict.fromkeys(said.scopes))
    row, shown = await accounts.create_key(
        session, actor, serving.secret, name=said.name, scopes=list(scopes), expires_at=said.expires_at
    )
    response.headers["Cache-Control"] = "no-store"
    return NewKey(**_key(row).model_dump(), key=shown)


@router.delete("/me/keys/{key}", status_code=204, **act("accounts.self"))
async def revoke_key(key: UUID, session: Tx, actor: Who) -> None:
    """End a key at once."""
    await accounts.revoke_key(session, actor, key)
