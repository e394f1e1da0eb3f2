"""Credentials → Actor. Knows no HTTP: routers hand it a token, jobs and the command line ask for Actor.system().

Tokens are random and kept only as keyed hashes; the code and the link of a sign-in mail are derived from the
installation's secret, so nothing that opens a door is ever stored.
"""

import base64
import hashlib
import hmac
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Literal
from uuid import UUID

from sqlalchemy import func, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from app import db
from app.models import Person, Session
from app.settings import Settings

SIGN_IN_MINUTES = 10
SESSION_DAYS = 90
SESSION_IDLE_DAYS = 30
KEY_MARK = "ccm_"
_KEY = re.compile(r"ccm_[0-9a-f]{10}_[A-Za-z0-9_-]{43}")


@dataclass(frozen=True)
class Actor:
    """Whoever makes this request, with its rights as they are at this moment."""

    kind: Literal["visitor", "person", "app", "system"]
    name: str
    person_id: int | None = None
    person_uid: UUID | None = None
    role: str = "visitor"
    areas: frozenset[int] = frozenset()
    """Ids of the areas that it is an officer of, with everything inside them."""
    reads: frozenset[int] = frozenset()
    """The same with those that it is a councillor of, and only reads."""
    communities: Mapping[int, str] = field(default_factory=dict)
    """community id → member or steward"""
    scopes: frozenset[str] | None = None
    """What a key is good for; None means all that its person may do."""

    @property
    def signed_in(self) -> bool:
        """True for a person and for an app with a person's key."""
        return self.person_id is not None

    @property
    def label(self) -> str:
        """How history names it."""
        return f"{self.kind}:{self.person_uid or self.name}"

    @classmethod
    def system(cls, reason: str) -> "Actor":
        """The service itself, acting for a stated reason: a job, an import, the command line."""
        return cls(kind="system", name=reason, role="system")


VISITOR = Actor(kind="visitor", name="visitor")


# ── secrets ─────────────────────────────────────────────────────────────────────────────────


def load_secret(settings: Settings) -> bytes:
    """The installation's secret: CIVIC_SECRET, else the one kept in the data folder, made on first use."""
    if settings.secret is not None:
        return settings.secret.get_secret_value().encode()
    path = settings.data / "secret"
    if not path.exists():
        settings.data.mkdir(parents=True, exist_ok=True)
        _write_once(path, secrets.token_urlsafe(48))
    return path.read_bytes().strip()


def _write_once(path: Path, value: str) -> None:
    """Write a file that only we may read; when another process was faster, its file stands."""
    draft = path.with_name(f".{path.name}-{secrets.token_hex(6)}")
    draft.touch(mode=0o600)
    draft.write_text(value, encoding="ascii")
    try:
        path.hardlink_to(draft)
    except FileExistsError:
        pass
    finally:
        draft.unlink()


def keyed_hash(secret: bytes, purpose: str, value: str) -> bytes:
    """HMAC-SHA-256 of a value for one purpose; hashes of different purposes never meet."""
    return hmac.new(secret, f"{purpose}:{value}".encode(), hashlib.sha256).digest()


def sign_in_code(secret: bytes, sign_in: UUID) -> str:
    """The six digits that the mail of this sign-in shows."""
    return f"{int.from_bytes(keyed_hash(secret, 'sign-in-code', str(sign_in))[:8], 'big') % 1_000_000:06d}"


def sign_in_token(secret: bytes, sign_in: UUID) -> str:
    """The secret part of the link in the mail of this sign-in."""
    return base64.urlsafe_b64encode(keyed_hash(secret, "sign-in-token", str(sign_in))).decode().rstrip("=")


def same(one: str, other: str) -> bool:
    """Compare two secrets without telling how much of them agrees."""
    return hmac.compare_digest(one.encode(), other.encode())


# ── sessions ────────────────────────────────────────────────────────────────────────────────


async def open_session(session: AsyncSession, secret: bytes, person_id: int) -> str:
    """Begin a session for a person and return its token, which is kept nowhere."""
    token = secrets.token_urlsafe(32)
    expires = datetime.now(UTC) + timedelta(days=SESSION_DAYS)
    session.add(Session(token_hash=keyed_hash(secret, "session", token), person_id=person_id, expires_at=expires))
    await session.flush()
    return token


async def close_session(session: AsyncSession, secret: bytes, token: str) -> None:
    """End the session of this token; an unknown token is no error."""
    await session.execute(
        update(Session).where(Session.token_hash == keyed_hash(secret, "session", token)).values(revoked_at=func.now())
    )


async def actor_of_session(ask: db.Ask, secret: bytes, token: str) -> Actor | None:
    """The person of a session token, or None when the session ended or the account is not active."""
    now = datetime.now(UTC)
    idle_since = now - timedelta(days=SESSION_IDLE_DAYS)
    token_hash = keyed_hash(secret, "session", token)
    row = await _behind(ask, token_hash=token_hash, now=now, idle_since=idle_since)
    if row is None:
        return None
    if row.stale:
        await ask("session_seen", id=row.door_id, now=now)
    return _actor(row)


# ── keys ────────────────────────────────────────────────────────────────────────────────────


def new_key(secret: bytes) -> tuple[str, str, bytes]:
    """A fresh API key: the key to show once, its prefix to find it by, the hash to keep."""
    prefix = secrets.token_hex(5)
    key = f"{KEY_MARK}{prefix}_{secrets.token_urlsafe(32)}"
    return key, prefix, keyed_hash(secret, "key", key)


async def actor_of_key(ask: db.Ask, secret: bytes, key: str) -> Actor | None:
    """The app that holds this key, or None when the key is unknown, revoked or expired."""
    if not _KEY.fullmatch(key):
        return None
    now = datetime.now(UTC)
    row = await _behind(ask, prefix=key.removeprefix(KEY_MARK).partition("_")[0], now=now)
    if row is None or not hmac.compare_digest(row.token_hash, keyed_hash(secret, "key", key)):
        return None
    if row.stale:
        await ask("key_used", id=row.door_id, today=now.date())
    return _actor(row, frozenset(row.scopes))


async def actor_of_person(session: AsyncSession, person_id: int, scopes: frozenset[str] | None = None) -> Actor | None:
    """A person as an actor, with today's rights; None when the account is not active."""
    row = await _behind(db.within(session), person_id=person_id)
    return _actor(row, scopes) if row else None


async def _behind(ask: db.Ask, **door: Any) -> Any:
    """Who stands behind a door that app/sql/actor.sql knows, or None."""
    closed = dict.fromkeys(("person_id", "prefix", "token_hash", "now", "idle_since"))
    rows = await ask("actor", **{**closed, **door})
    return rows[0] if rows else None


def _actor(row: Any, scopes: frozenset[str] | None = None) -> Actor:
    return Actor(
        kind="person" if scopes is None else "app",
        name=row.name,
        person_id=row.id,
        person_uid=row.uid,
        role=row.role,
        areas=frozenset(row.areas),
        reads=frozenset(row.reads),
        communities={int(community): role for community, role in row.communities.items()},
        scopes=scopes,
    )


async def actor_of_email(session: AsyncSession, email: str) -> Actor | None:
    """The person who signs in with this address, for the command line."""
    uid = await session.scalar(select(func.vault.person_of_email(email)))
    person_id = await session.scalar(select(Person.id).where(Person.uid == uid)) if uid else None
    return await actor_of_person(session, person_id) if person_id else None
