"""The application: what it is made of, how errors leave it, and which headers every answer carries."""

import functools
import ipaddress
import logging
import time
import traceback
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager

from fastapi import APIRouter, Depends, FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from psycopg import errors as postgres_errors
from sqlalchemy.exc import DBAPIError, IntegrityError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from starlette.datastructures import Headers as RequestHeaders
from starlette.datastructures import MutableHeaders
from starlette.exceptions import HTTPException
from starlette.middleware.cors import CORSMiddleware
from starlette.responses import JSONResponse
from starlette.routing import Match
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app import db, errors, routers, tasks, wire
from app.routers import deps, imports, ogc_answer, pages, tiles
from app.settings import Settings

log = logging.getLogger("civic")

#: What a page of another origin may read.
OPEN = ("/api", "/ogc", "/tiles", "/tiles.json", "/style.json", "/openapi.json")
#: Starlette's own refusals → ours
_HTTP: dict[int, type[errors.Problem]] = {
    400: errors.BadRequest,
    404: errors.NotFound,
    405: errors.MethodNotAllowed,
    406: errors.NotAcceptable,
    413: errors.TooLarge,
    415: errors.UnsupportedMediaType,
}


def create_app(settings: Settings, *, worker: bool = False) -> FastAPI:
    """The service for these settings. With `worker` it does the jobs too, in this process."""
    service = deps.Service(settings)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with AsyncExitStack() as stack:
            stack.push_async_callback(service.engines.dispose)
            if worker:
                await stack.enter_async_context(tasks.running(settings, service.engines, service.secret))
            yield

    app = FastAPI(
        title=settings.title,
        version="1",
        summary="A civic asset map: share, discuss, offer, appreciate, propose, volunteer.",
        description="Assets are GeoJSON Features; everything else is plain JSON. Errors are RFC 9457 problems.",
        lifespan=lifespan,
        dependencies=[Depends(deps.strict_query)],
        responses={
            "4XX": {"model": wire.Problem, "content": {"application/problem+json": {}}, "description": "A problem."}
        },
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
    )
    app.state.service = service
    _handle_errors(app)
    for router in routers.ALL:
        _refuse_undeclared(router)
        app.include_router(router)
    app.router.routes.insert(0, tiles.WholeTile())
    pages.mount(app, settings)
    app.add_middleware(BodyLimit, most=deps.MAX_BODY, larger={imports.SEND: deps.MAX_IMPORT})
    app.add_middleware(HeadIsGet)
    app.add_middleware(tiles.KeptTile, service=service)
    if settings.reads_per_minute:
        app.add_middleware(ReadLimit, most=settings.reads_per_minute)
    app.add_middleware(Headers, settings=settings)
    app.add_middleware(
        OpenToOthers,
        allow_origins=["*"],
        allow_methods=["*"],
        allow_headers=["Authorization", "Content-Type", "If-Match", "If-None-Match", "Idempotency-Key"],
        expose_headers=["ETag", "Link", "Content-Crs", "Location", "Retry-After", "Idempotency-Replayed"],
        max_age=600,
    )
    return app


def _refuse_undeclared(router: APIRouter) -> None:
    """Every route says what it does in the words of rules.py, or the service does not start."""
    for route in router.routes:
        if not isinstance(route, APIRoute) or "x-act" not in (route.openapi_extra or {}):
            raise RuntimeError(f"{route} declares no act: add **act(...) to its route")


# ── errors ──────────────────────────────────────────────────────────────────────────────────


def _handle_errors(app: FastAPI) -> None:
    async def problem(request: Request, error: Exception) -> Response:
        found = _problem_of(error)
        if isinstance(found, errors.MethodNotAllowed):
            found.headers["Allow"] = _allowed(request)
        return _answer(found, request)

    async def replayed(request: Request, error: Exception) -> Response:
        return error.response if isinstance(error, deps.Replayed) else await problem(request, error)

    app.add_exception_handler(deps.Replayed, replayed)
    for kind in (errors.Problem, RequestValidationError, HTTPException, DBAPIError, PoolTimeout, Exception):
        app.add_exception_handler(kind, problem)


def _answer(problem: errors.Problem, request: Request) -> Response:
    page = ogc_answer.page_of(problem, request) if _below(request.scope, "/ogc") else None
    if page:
        return page
    body = problem.body(instance=request.url.path)
    headers = {"Cache-Control": "no-store", **problem.headers}
    return JSONResponse(body, problem.status, headers, media_type="application/problem+json")


def _allowed(request: Request) -> str:
    """The methods that this address takes; the framework names only those of the first route that fits."""

    def takes(method: str) -> bool:
        scope = {**request.scope, "method": method}
        return any(route.matches(scope)[0] is Match.FULL for route in request.app.router.routes)

    found = [method for method in ("DELETE", "GET", "PATCH", "POST", "PUT") if takes(method)]
    return ", ".join(sorted([*found, *(["HEAD"] if "GET" in found else [])]))


def _problem_of(error: Exception) -> errors.Problem:
    """What an exception means to the caller; only what we meant to say is ever said."""
    if isinstance(error, errors.Problem):
        return error
    if isinstance(error, RequestValidationError):
        return _invalid(error)
    if isinstance(error, HTTPException):
        found = _HTTP.get(error.status_code, errors.BadRequest)(error.detail if error.status_code == 413 else "")
        found.headers |= dict(error.headers or {})
        return found
    if isinstance(error, PoolTimeout):
        return errors.Busy()
    if isinstance(error, DBAPIError):
        return _of_database(error)
    log.error("unexpected error", exc_info=error)
    return errors.Problem("The fault is ours and was written down. Nothing was changed.")


def _of_database(error: DBAPIError) -> errors.Problem:
    cause = error.orig
    if isinstance(error, IntegrityError) and isinstance(cause, postgres_errors.Error):
        name = cause.diag.constraint_name or ""
        if name.startswith("transition_"):
            # check_transition() says "thing old -> new".
            thing, old, _, new = (cause.diag.message_primary or "").split(" ")
            return errors.illegal_transition(thing, old, new)
        known = errors.of_constraint(name)
        if known:
            return known
        if isinstance(cause, postgres_errors.ForeignKeyViolation) and name.endswith("_asset_id"):
            return errors.NotFound()  # an import was undone meanwhile, and its asset has gone
    if isinstance(cause, postgres_errors.QueryCanceled | postgres_errors.LockNotAvailable):
        return errors.Busy()
    if isinstance(cause, postgres_errors.DeadlockDetected | postgres_errors.SerializationFailure):
        return errors.Busy("Two changes met each other. Nothing was changed. Try again.")
    if db.is_stale(error):
        return errors.Busy("The service was updated a moment ago. Nothing was changed. Try again.")
    if isinstance(error, OperationalError) or error.connection_invalidated:
        return errors.DatabaseAway()
    # Not the whole error: its details may repeat the row, and so what the vault is for.
    said = cause.diag.message_primary if isinstance(cause, postgres_errors.Error) else type(cause).__name__
    log.error("unexpected database error: %s\n%s", said, "".join(traceback.format_tb(error.__traceback__)))
    return errors.Problem("The fault is ours and was written down. Nothing was changed.")


def _invalid(error: RequestValidationError) -> errors.Problem:
    """Where the request is wrong and why; the values themselves are not repeated."""
    if isinstance(error.body, bytes):
        return errors.UnsupportedMediaType("Send JSON and say so: Content-Type: application/json.")
    if any(one["type"] == "json_invalid" for one in error.errors()):
        return errors.BadRequest("The body is not valid JSON.")
    found = wire.complaints(error.errors())
    first = found[0]
    place = ".".join(part for part in first["loc"] if part not in ("body", "query", "path", "header"))
    detail = f"{place}: {first['msg']}" if place else str(first["msg"])
    if "coordinates" in first["loc"]:
        detail += " GeoJSON coordinates are longitude, latitude."
    return errors.Invalid(detail, errors=found)


# ── methods and bodies ──────────────────────────────────────────────────────────────────────


class HeadIsGet:
    """Answers HEAD as GET without the body (RFC 9110, 9.3.2), so that no route has to."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def without_body(message: Message) -> None:
            await send({**message, "body": b""} if message["type"] == "http.response.body" else message)

        if scope["type"] == "http" and scope["method"] == "HEAD":
            await self.app({**scope, "method": "GET"}, receive, without_body)
        else:
            await self.app(scope, receive, send)


class BodyLimit:
    """Refuses a request body of more than `most` bytes, whether its length was announced or not.

    `larger`: (method, path) → what a route takes that reads its body piece by piece.
    """

    def __init__(self, app: ASGIApp, most: int, larger: Mapping[tuple[str, str], int]) -> None:
        self.app = app
        self.most = most
        self.larger = larger

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return await self.app(scope, receive, send)
        most = self.larger.get((scope["method"], scope["path"]), self.most)
        announced = next((value for name, value in scope["headers"] if name == b"content-length"), b"")
        if announced.isdigit() and int(announced) > most:
            refused = errors.TooLarge(self._sentence(most))
            return await _answer(refused, Request(scope))(scope, receive, send)
        taken = 0

        async def counted() -> Message:
            nonlocal taken
            message = await receive()
            taken += len(message.get("body", b""))
            if taken > most:
                # The framework passes on its own kind of exception only; everything else it would call a 400.
                raise HTTPException(413, self._sentence(most))
            return message

        return await self.app(scope, counted, send)

    @staticmethod
    def _sentence(most: int) -> str:
        return f"The body of a request may have at most {most:,} bytes."


class ReadLimit:
    """Refuses a client's GET or HEAD beyond `most` in a minute. Each process counts for itself, for it knows no more
    than its own load; the page's files and the health checks are free."""

    WINDOW_S = 60

    def __init__(self, app: ASGIApp, most: int) -> None:
        self.app = app
        self.most = most
        self.window = 0
        self.counts: dict[str, int] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] not in ("GET", "HEAD") or _below(scope, "/static", "/health"):
            return await self.app(scope, receive, send)
        now = time.time()
        if not self._may(network(scope["client"][0] if scope.get("client") else ""), int(now // self.WINDOW_S)):
            left = int(self.WINDOW_S - now % self.WINDOW_S) + 1
            refused = errors.TooMany(f"That was more than {self.most} reads in a minute.", retry_after_s=left)
            return await _answer(refused, Request(scope))(scope, receive, send)
        return await self.app(scope, receive, send)

    def _may(self, client: str, window: int) -> bool:
        if window != self.window:
            self.window, self.counts = window, {}  # nothing is remembered longer than its minute
        self.counts[client] = self.counts.get(client, 0) + 1
        return self.counts[client] <= self.most


def network(host: str) -> str:
    """Whom an address stands for: itself, or its /64 in IPv6, of which one client has all."""
    if ":" not in host:
        return host
    try:
        found = ipaddress.ip_address(host)
    except ValueError:
        return host
    return str(ipaddress.ip_network((found, 64), strict=False)) if found.version == 6 else host


def _below(scope: Scope, *places: str) -> bool:
    path = scope["path"]
    return any(path == place or path.startswith(f"{place}/") for place in places)


# ── headers ─────────────────────────────────────────────────────────────────────────────────


class OpenToOthers(CORSMiddleware):
    """Lets pages of any origin read the API and the map, and nothing else."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and _below(scope, *OPEN):
            await super().__call__(scope, receive, send)
        else:
            await self.app(scope, receive, send)

    async def send(self, message: Message, send: Send, request_headers: RequestHeaders) -> None:
        """Say so to everybody, asked from a page or not: then one kept answer serves all of them."""
        if message["type"] == "http.response.start":
            message = {**message, "headers": [*message.get("headers", ()), *self.opened]}
        await send(message)

    @functools.cached_property
    def opened(self) -> list[tuple[bytes, bytes]]:
        """What says so, as bytes."""
        return [(name.lower().encode(), value.encode()) for name, value in self.simple_headers.items()]


class Headers:
    """Adds to every answer the headers that keep a browser safe; to pages also what they may load; and to what the API
    says, unless it says so itself, that it is to be asked for again and depends on who asks."""

    def __init__(self, app: ASGIApp, settings: Settings) -> None:
        self.app = app
        common = {
            "x-content-type-options": "nosniff",
            "referrer-policy": "strict-origin-when-cross-origin",
            "permissions-policy": "geolocation=(self), camera=(), microphone=()",
            "cross-origin-opener-policy": "same-origin",
        }
        if settings.public_url.startswith("https://"):
            common["strict-transport-security"] = "max-age=31536000"
        self.common = [(name.encode(), value.encode()) for name, value in common.items()]
        self.policy = _content_policy(settings)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                # Bytes, not a mapping: a kept tile is answered in less time than a mapping takes.
                headers: list[tuple[bytes, bytes]] = list(message.get("headers", ()))
                given = dict(headers)
                headers += [one for one in self.common if one[0] not in given]
                unsaid = b"cache-control" not in given and _below(scope, "/api")
                if unsaid:
                    headers.append((b"cache-control", b"no-cache"))
                message = {**message, "headers": headers}
                # A mapping may keep a list of its own: the bytes are complete before one is made.
                if given.get(b"content-type", b"").startswith(b"text/html"):
                    MutableHeaders(scope=message).setdefault("content-security-policy", self.policy)
                if unsaid:
                    MutableHeaders(scope=message).add_vary_header("Authorization, Cookie")
            await send(message)

        await self.app(scope, receive, with_headers if scope["type"] == "http" else send)


def _content_policy(settings: Settings) -> str:
    tiles = ""
    if settings.tile_url:
        scheme, _, rest = settings.tile_url.partition("://")
        tiles = f" {scheme}://{rest.split('/', 1)[0].replace('{s}', '*')}"
    return (
        f"default-src 'self'; img-src 'self' data: blob:{tiles}; style-src 'self'; script-src 'self'; "
        "object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
    )
