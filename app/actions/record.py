"""What every verb leaves behind in its own transaction: a history row, an outbox row and, for a step, its record."""

from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from app import errors
from app.auth import Actor
from app.models import History, Outbox, StateChange


def record(
    session: AsyncSession,
    actor: Actor,
    verb: str,
    thing: str,
    uid: UUID | None,
    *,
    before: dict[str, Any] | None = None,
    after: dict[str, Any] | None = None,
    why: str | None = None,
    payload: dict[str, Any] | None = None,
) -> None:
    """Write down that the actor did this. `before` and `after` hold public fields only."""
    session.add(
        History(
            person_id=actor.person_id,
            actor=actor.label,
            verb=verb,
            thing=thing,
            thing_uid=uid,
            before=before,
            after=after,
            why=why,
        )
    )
    session.add(Outbox(event=verb, thing_uid=uid, payload=payload or {}))


def step(
    session: AsyncSession,
    actor: Actor,
    thing: str,
    thing_id: int,
    old: str | None,
    new: str,
    *,
    why: str | None = None,
    aspect: str = "state",
) -> None:
    """Write down that a thing went from one state (or stage) to another."""
    session.add(
        StateChange(
            thing=thing,
            thing_id=thing_id,
            aspect=aspect,
            from_state=old,
            to_state=new,
            person_id=actor.person_id,
            why=why,
        )
    )


def match(version: int, expected: int | None) -> None:
    """Raise PreconditionFailed unless the caller knew the latest version; None stands for `If-Match: *`."""
    if expected is not None and expected != version:
        raise errors.PreconditionFailed()
