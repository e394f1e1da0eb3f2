"""The page and its files, the API's own documentation, and the mail of the demo.

Every address that is not the API's or a file's is the page's: it is one page, and the address is its state. An asset's
address carries the asset's title for those who preview or index it; what a visitor may not see is not named there.
"""

import ipaddress
import json
from html import escape
from pathlib import Path
from uuid import UUID

from fastapi import FastAPI, Request, Response
from fastapi.responses import FileResponse, HTMLResponse, JSONResponse
from starlette.routing import Match, Route
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

from app import errors, mail, search
from app.auth import VISITOR
from app.routers.deps import Service, from_elsewhere
from app.settings import Settings

STATIC = Path(__file__).parent.parent / "static"
PAGES = Path(__file__).parent.parent / "pages"
#: What belongs to the API: unknown addresses below are problems, never the page.
API = (
    "/api", "/tiles", "/tiles.json", "/style.json", "/health", "/ogc", "/dev", "/openapi.json", "/docs", "/problems",
)  # fmt: skip


class Files(StaticFiles):
    """The built page's files; their names carry a hash of what is in them, so they may be kept for a year."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        response = await super().get_response(path, scope)
        response.headers["Cache-Control"] = "public, max-age=31536000, immutable"
        return response


def mount(app: FastAPI, settings: Settings) -> None:
    """Add the page behind everything else."""
    if settings.demo:
        app.add_route("/dev/mail", _demo_mail, include_in_schema=False)
        app.add_route("/dev/mail.json", _demo_mail, include_in_schema=False)
    app.add_route("/docs", _docs, include_in_schema=False)
    app.add_route("/problems/{slug}", _problem, include_in_schema=False)
    app.add_route("/plain.css", _plain_css, include_in_schema=False)
    app.mount("/static", Files(directory=STATIC / "static", check_dir=False), name="static")
    app.router.routes.append(_Page("/{path:path}", _page, include_in_schema=False))


class _Page(Route):
    """Every address but the API's, so that an unknown one of those is 404, and a wrong method there 405."""

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        path = scope["path"]
        if any(path == prefix or path.startswith(f"{prefix}/") for prefix in API):
            return Match.NONE, {}
        return super().matches(scope)


async def _page(request: Request) -> Response:
    path = request.url.path
    index = STATIC / "index.html"
    if not index.exists():
        raise errors.NotFound("The page has not been built. Run ./civic demo, or 'npm run build' in frontend/.")
    plain = STATIC / path.removeprefix("/")
    if plain.is_file() and plain.parent == STATIC and plain != index:
        return await StaticFiles(directory=STATIC).get_response(plain.name, request.scope)
    shell = index.read_text(encoding="utf-8")
    head = await _head_of(request)
    serving: Service = request.app.state.service
    if serving.cookie in request.cookies:
        # So that the page of a visitor need not ask who is here, only to be refused.
        head += '<meta name="session" content="maybe">'
    headers = {"Cache-Control": "no-cache", "Vary": "Cookie"}
    return HTMLResponse(shell.replace("<title>", f"{head}<title>", 1), headers=headers)


async def _head_of(request: Request) -> str:
    """What others show when they link to an asset; nothing for what a visitor may not see."""
    serving: Service = request.app.state.service
    first, _, rest = request.url.path.strip("/").partition("/")
    if first != "assets":
        return ""
    try:
        async with serving.engines.reading() as session:
            shown = json.loads(await search.feature(session, VISITOR, UUID(rest)))
    except (ValueError, errors.Problem):
        return '<meta name="robots" content="noindex">'
    url = escape(f"{serving.settings.public_url}/assets/{shown['id']}", quote=True)
    title, summary = (escape(shown["properties"][name], quote=True) for name in ("title", "summary"))
    return (
        f'<meta name="description" content="{summary}"><link rel="canonical" href="{url}">'
        f'<meta property="og:title" content="{title}"><meta property="og:description" content="{summary}">'
        f'<meta property="og:url" content="{url}"><meta property="og:type" content="article">'
    )


async def _plain_css(request: Request) -> Response:
    return FileResponse(PAGES / "plain.css", media_type="text/css", headers={"Cache-Control": "max-age=3600"})


async def _docs(request: Request) -> Response:
    """The API in words, without a third party's script: a plain list made from our own OpenAPI document."""
    schema = request.app.openapi()
    rows = []
    for path, operations in sorted(schema["paths"].items()):
        for method, operation in operations.items():
            said = escape(operation.get("description") or operation.get("summary", ""))
            rows.append(
                f"<tr><td><code>{method.upper()}</code></td><td><code>{escape(path)}</code></td><td>{said}</td></tr>"
            )
    return _filled("docs.html", title=escape(schema["info"]["title"]), rows="\n".join(rows))


async def _problem(request: Request) -> Response:
    """What a problem's `type` means, for who follows it."""
    known = {kind.slug: kind for kind in errors.kinds()}
    kind = known.get(request.path_params["slug"])
    if kind is None:
        raise errors.NotFound()
    words = {"title": kind.title, "status": str(kind.status), "detail": kind.default_detail or "The answer says more."}
    return _filled("problem.html", **{name: escape(value) for name, value in words.items()})


async def _demo_mail(request: Request) -> Response:
    """The mail that the demo did not send. Only on this machine: a name that others resolve to us is refused, and so is
    another site's page."""
    if from_elsewhere(request):
        raise errors.NotFound()
    if not _is_loopback(request.url.hostname or "") or not _is_loopback(request.client.host if request.client else ""):
        raise errors.NotFound()
    sent = [{"to": m.to, "subject": m.subject, "text": m.text, "at": m.at.isoformat()} for m in reversed(mail.sent)]
    if request.url.path.endswith(".json"):
        return JSONResponse({"items": sent}, headers={"Cache-Control": "no-store"})
    letters = "\n".join(
        f"<article><h2>{escape(m['subject'])}</h2><p>To {escape(m['to'])}</p><pre>{_linked(m['text'])}</pre></article>"
        for m in sent
    )
    return _filled("mail.html", letters=letters or "<p>No mail yet. Ask for a code on the sign-in page.</p>")


def _linked(text: str) -> str:
    words = (
        f'<a href="{escape(w, quote=True)}">{escape(w)}</a>' if w.startswith(("http://", "https://")) else escape(w)
        for w in text.split(" ")
    )
    return " ".join(words)


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def _filled(name: str, **words: str) -> Response:
    shell = (PAGES / name).read_text(encoding="utf-8")
    for key, value in words.items():
        shell = shell.replace("{{" + key + "}}", value)
    return HTMLResponse(shell, headers={"Cache-Control": "no-store"})
