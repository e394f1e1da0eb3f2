"""What every route may ask for: who is asking, a session, a version to match, an answer that a retry gets again.

Sessions have scope="function", so that a transaction commits before the answer is sent: FastAPI's plain `yield`
dependency would send 201 first and fail afterwards. A test pins the order.
"""

import hashlib
import json
import re
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Annotated, Any
from urllib.parse import urlencode, urlsplit

from fastapi import Depends, Header, Query, Request, Response, params
from fastapi.dependencies.utils import get_flat_params
from fastapi.routing import APIRoute
from psycopg.types.json import Jsonb
from pydantic import BaseModel
from sqlalchemy.ext.asyncio import AsyncSession

from app import auth, db, errors, rules
from app.actions import limits
from app.actions.upkeep import KEPT_ANSWERS
from app.auth import Actor
from app.db import Engines
from app.geo import tiles
from app.settings import Settings
from app.wire import Page, T, Text

#: Bytes of a request body; files come in by other ways.
MAX_BODY = 2_000_000
#: Bytes of a file that is sent to be brought in; it is never held in memory.
MAX_IMPORT = 64_000_000
#: Rows of a page of plain objects.
MAX_PAGE = 200
#: Characters of an Idempotency-Key, and of a cursor: the longest title, of whatever letters, fits into one.
MAX_KEY = 200
MAX_CURSOR = 2000
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})


class Service:
    """What one running application holds. The database is met when the first request needs it."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.tiles = tiles.Shelf()

    @cached_property
    def engines(self) -> Engines:
        """The two ways to the database."""
        return Engines.of(self.settings)

    @cached_property
    def secret(self) -> bytes:
        """The installation's secret."""
        return auth.load_secret(self.settings)

    @property
    def cookie(self) -> str:
        """Name of the session cookie; the __Host- prefix needs https."""
        return "__Host-civic" if self.secure else "civic"

    @property
    def browser_cookie(self) -> str:
        """Name of the cookie that binds a sign-in to the browser that asked for it."""
        return "__Host-civic-browser" if self.secure else "civic-browser"

    @property
    def secure(self) -> bool:
        """True when the public address is https."""
        return self.settings.public_url.startswith("https://")


def serving_of(request: Request) -> Service:
    """The service that this request came to."""
    found: Service = request.app.state.service
    return found


# Dependencies are coroutines, because the framework runs plain functions in threads, and few: each costs every request.
async def _service(request: Request) -> Service:
    return serving_of(request)


Serving = Annotated[Service, Depends(_service)]


# ── who ─────────────────────────────────────────────────────────────────────────────────────


async def who(request: Request) -> Actor:
    """The actor of a request: the key's, the session's, or a visitor.

    Raises NotSignedIn for a key that is not valid, CrossSite for a cookie's write from another site.
    """
    serving = serving_of(request)
    scheme, _, key = request.headers.get("authorization", "").partition(" ")
    if scheme:
        if scheme.lower() != "bearer" or not key.startswith(auth.KEY_MARK):
            raise errors.NotSignedIn("The Authorization header must be 'Bearer' and an API key of this service.")
        actor = await auth.actor_of_key(serving.engines.light, serving.secret, key.strip())
        if actor is None:
            raise errors.NotSignedIn("This API key is unknown, revoked or expired.")
        return actor
    token = request.cookies.get(serving.cookie)
    if not token:
        return auth.VISITOR
    _refuse_cross_site(request)
    return await auth.actor_of_session(serving.engines.light, serving.secret, token) or auth.VISITOR


def _refuse_cross_site(request: Request) -> None:
    if request.method in SAFE_METHODS:
        return
    if from_elsewhere(request):
        raise errors.CrossSite()


def from_elsewhere(request: Request) -> bool:
    """True when a browser says that another site's page sent this."""
    site = request.headers.get("sec-fetch-site")
    if site is not None:
        return site not in ("same-origin", "none")
    origin = request.headers.get("origin")
    return origin is not None and urlsplit(origin).netloc != request.headers.get("host")


Who = Annotated[Actor, Depends(who)]


def act(name: str) -> dict[str, Any]:
    """Declare what a route does: `@router.get(path, **act("assets.read"))`. The start-up refuses a route without it."""
    rules.RULES[name]

    async def admit(request: Request, actor: Who) -> None:
        rules.admit(actor, name)
        if request.method not in SAFE_METHODS and actor.signed_in:
            serving = serving_of(request)
            own = serving.settings
            allowed = own.key_writes_per_hour if actor.kind == "app" else own.writes_per_hour
            await limits.spend(serving.engines, f"write:{actor.label}", allowed)

    return {"dependencies": [Depends(admit)], "openapi_extra": {"x-act": name}}


def anonymous(name: str) -> dict[str, Any]:
    """Declare what a route does that answers everybody as a visitor: it never looks at credentials."""
    rules.admit(auth.VISITOR, name)
    return {"openapi_extra": {"x-act": name}}


# ── sessions ────────────────────────────────────────────────────────────────────────────────


async def _transaction(request: Request) -> AsyncIterator[AsyncSession]:
    async with serving_of(request).engines.transaction() as session:
        yield session


async def _reading(request: Request) -> AsyncIterator[AsyncSession]:
    async with serving_of(request).engines.reading() as session:
        yield session


async def _light_transaction(request: Request) -> AsyncIterator[db.Ask]:
    async with serving_of(request).engines.light.transaction() as ask:
        yield ask


Tx = Annotated[AsyncSession, Depends(_transaction, scope="function")]
Light = Annotated[db.Ask, Depends(_light_transaction, scope="function")]
Read = Annotated[AsyncSession, Depends(_reading, scope="function")]


# ── strict parameters ───────────────────────────────────────────────────────────────────────


async def strict_query(request: Request) -> None:
    """Refuse query parameters that the route does not know, and any given twice; /ogc does so in words of its own."""
    route = request.scope.get("route")
    if not isinstance(route, APIRoute) or getattr(route, "reads_query_itself", False):
        return
    given = [name for name, _ in request.query_params.multi_items()]
    known = _parameters_of(route) if given else frozenset()
    for name in given:
        if name not in known:
            hint = f"Known here: {', '.join(sorted(known))}." if known else "This address takes none."
            raise errors.Invalid(f"There is no parameter '{name[:60]}'. {hint}")
        if given.count(name) > 1:
            raise errors.Invalid(f"The parameter '{name}' was given more than once.")


def _parameters_of(route: APIRoute) -> frozenset[str]:
    """The query parameters of a route, found once and kept with it: looking costs more than many a route itself."""
    known: frozenset[str] | None = getattr(route, "query_parameters", None)
    if known is None:
        flat = get_flat_params(route.dependant)
        known = frozenset(param.alias for param in flat if isinstance(param.field_info, params.Query))
        setattr(route, "query_parameters", known)  # noqa: B010  the framework's class declares no such place
    return known


# ── versions ────────────────────────────────────────────────────────────────────────────────


def etag(version: int, representation: bytes | None = None) -> str:
    """A strong entity tag: the version, which If-Match compares, and a hash of the bytes, which caches compare."""
    return f'"{version}-{hashlib.sha256(representation).hexdigest()[:12]}"' if representation else f'"{version}"'


async def _if_match(
    if_match: Annotated[str | None, Header(description="The ETag you last read.")] = None,
) -> int | None:
    if if_match is None:
        raise errors.PreconditionRequired()
    if if_match.strip() == "*":
        return None
    # Proxies that compress an answer make its tag a weak one; the version in it is as good.
    found = re.fullmatch(r'\s*(?:"(\d{1,9})"|(?:W/)?"(\d{1,9})-[0-9a-f]{12}")\s*', if_match)
    if not found:
        raise errors.PreconditionFailed("If-Match holds no ETag of this address. Read it again and send its ETag.")
    return int(found[1] or found[2])


#: The version that the caller last read; None for `If-Match: *`.
IfMatch = Annotated[int | None, Depends(_if_match)]


# ── pages ───────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class Pages:
    """Which page of a list of plain objects."""

    limit: int
    cursor: str | None

    def page(self, request: Request, items: list[T], following: str | None) -> Page[T]:
        """The page, with the address of the next one."""
        query = urlencode({**request.query_params, "cursor": following}) if following else ""
        return Page(items=items, next=f"{request.url.path}?{query}" if following else None)


async def _pages(
    limit: Annotated[int, Query(ge=1, le=MAX_PAGE)] = 50,
    cursor: Annotated[Text | None, Query(max_length=MAX_CURSOR)] = None,
) -> Pages:
    return Pages(limit, cursor)


Paging = Annotated[Pages, Depends(_pages)]


# ── once ────────────────────────────────────────────────────────────────────────────────────


class Replayed(Exception):
    """Carries the stored answer of an earlier, identical request to the handler in main."""

    def __init__(self, response: Response) -> None:
        self.response = response


@dataclass(frozen=True)
class Once:
    """Renders the answer of a request that counts once; given an Idempotency-Key, keeps it with the change itself."""

    ask: db.Ask
    actor: str
    key: str | None
    fingerprint: bytes

    async def created(
        self,
        thing: BaseModel | Mapping[str, Any],
        *,
        version: int | None = None,
        location: str | None = None,
        status: int = 201,
    ) -> Response:
        """This body with this status; stored in the same transaction as the change."""
        body = thing.model_dump_json(by_alias=True).encode() if isinstance(thing, BaseModel) else render(thing)
        headers = {"Location": location} if location else {}
        if version is not None:
            headers["ETag"] = etag(version, body)
        media = (
            "application/geo+json"
            if isinstance(thing, Mapping) and thing.get("type") == "Feature"
            else "application/json"
        )
        headers["Content-Type"] = media
        if self.key:
            answer = {"fingerprint": self.fingerprint, "status": status, "headers": Jsonb(headers), "body": body}
            if not await self.ask("once_keep", actor=self.actor, key=self.key, kept=KEPT_ANSWERS, **answer):
                raise errors.InFlight()
        return Response(body, status, headers)


Key = Annotated[
    str | None,
    Header(
        min_length=1, max_length=MAX_KEY, pattern=r"^[\x21-\x7e]+$", description="Makes a retry safe for 24 hours."
    ),
]  # fmt: skip


async def _once(request: Request, session: Tx, actor: Who, idempotency_key: Key = None) -> Once:
    return await _begun(request, db.within(session), actor, idempotency_key)


async def _once_lightly(request: Request, actor: Who, ask: Light, idempotency_key: Key = None) -> Once:
    return await _begun(request, ask, actor, idempotency_key)


async def _begun(request: Request, ask: db.Ask, actor: Actor, key: str | None) -> Once:
    if not key:
        return Once(ask, actor.label, None, b"")
    body = await request.body()
    fingerprint = hashlib.sha256(b"\0".join((request.method.encode(), request.url.path.encode(), body))).digest()
    once = Once(ask, actor.label, key, fingerprint)
    await _replay(once)
    return once


async def _replay(once: Once) -> None:
    lock = int.from_bytes(hashlib.sha256(f"{once.actor}\0{once.key}".encode()).digest()[:8], "big", signed=True)
    (kept,) = await once.ask("once_begin", lock=lock, actor=once.actor, key=once.key, kept=KEPT_ANSWERS)
    if not kept.free:
        raise errors.InFlight()
    if kept.fingerprint is None:
        return
    if kept.fingerprint != once.fingerprint:
        raise errors.KeyReused()
    raise Replayed(Response(kept.body, kept.status, {**kept.headers, "Idempotency-Replayed": "true"}))


JustOnce = Annotated[Once, Depends(_once)]
#: The same in a transaction of light statements only: `once.ask`.
JustOnceLightly = Annotated[Once, Depends(_once_lightly)]


def render(value: Mapping[str, Any]) -> bytes:
    """JSON bytes of plain values; dates and uuids as text, no NaN."""
    return json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"), default=str).encode()
