"""Whether the service lives and whether it can work."""

from fastapi import APIRouter
from sqlalchemy import text

from app.routers.deps import Serving, act

router = APIRouter(prefix="/health", tags=["health"])


@router.get("/live", **act("service.read"))
async def live() -> dict[str, str]:
    """The process answers."""
    return {"status": "live"}


@router.get("/ready", responses={503: {"description": "The database does not answer."}}, **act("service.read"))
async def ready(serving: Serving) -> dict[str, str]:
    """The database answers as well."""
    async with serving.engines.reading() as session:
        await session.execute(text("SELECT 1"))
    return {"status": "ready"}
