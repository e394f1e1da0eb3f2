"""How /ogc answers: links, one resource as JSON or as a page, entity tags, and faults in the words of the standard."""

import hashlib
import json
from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

import jinja2
from fastapi import Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute

from app import errors
from app.routers import deps, ogc_asking
from app.routers.ogc_asking import HTML, JSON, Media

PAGES = Path(__file__).parent.parent / "pages"
_pages = jinja2.Environment(
    loader=jinja2.FileSystemLoader(PAGES), autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True,
    lstrip_blocks=True,
)  # fmt: skip

REL = "http://www.opengis.net/def/rel/ogc/1.0/"
Link = dict[str, Any]


def link(rel: str, href: str, media: str, title: str, **more: Any) -> Link:
    """A link of RFC 8288 as OGC API writes it."""
    return {"rel": rel, "href": href, "type": media, "title": title, **more}


@dataclass(frozen=True)
class Asked:
    """A request that was understood: where this service is, what is asked for, and in which format."""

    request: Request
    root: str
    """The address of /ogc, without a slash at its end."""
    given: Mapping[str, str]
    media: Media
    form: str

    @classmethod
    def of(cls, request: Request, known: Sequence[str] = (), media: Media = ogc_asking.PLAIN) -> "Asked":
        """Understand a request that may have these parameters besides `f`. Raises BadRequest or NotAcceptable."""
        given = ogc_asking.parameters(request, known)
        return cls(request, f"{here(request)}/ogc", given, media, ogc_asking.form(request, media))

    def address(self, **changes: str) -> str:
        """The address of this resource with some parameters changed."""
        query = urlencode({**self.given, **changes}, safe=",:/")
        return f"{self.root}{quote(self.request.url.path.removeprefix('/ogc'))}" + (f"?{query}" if query else "")

    @property
    def chosen(self) -> dict[str, str]:
        """What an address needs to say so that this format comes again, however it was agreed on."""
        return {} if self.form == next(iter(self.media)) else {"f": self.form}

    def own_links(self) -> list[Link]:
        """`self`, and an `alternate` for every other format."""
        names = {JSON: "This document as JSON", HTML: "This document as a page"}
        own = link("self", self.address(**self.chosen), self.media[self.form], "This document")
        others = [name for name in self.media if name != self.form]
        return [own, *(link("alternate", self.address(f=name), self.media[name], names[name]) for name in others)]


def here(request: Request) -> str:
    """This service's address: the one that the operator set, else the one that the request came to."""
    own = request.app.state.service.settings
    return own.public_url if own.base_url else str(request.base_url).rstrip("/")


# ── answers ─────────────────────────────────────────────────────────────────────────────────


def answer(asked: Asked, value: Mapping[str, Any], page: str, **words: Any) -> Response:
    """The value as JSON, or as the page of this name, which sees it as `it`; its links are headers too."""
    links = value.get("links", ())
    if asked.form == HTML:
        body = drawn(page, asked.request, it=value, asked=asked, **words)
        return sealed(asked, body, body, links)
    body = deps.render(value)
    return sealed(asked, body, body, links)


def drawn(page: str, request: Request, **words: Any) -> bytes:
    """A page of app/pages with its words; every value is escaped."""
    words = {"title_of_map": request.app.state.service.settings.title, "root": f"{here(request)}/ogc", **words}
    return _pages.get_template(f"{page}.html").render(words).encode()


def sealed(
    asked: Asked, body: bytes, tagged: bytes, links: Sequence[Link], headers: Mapping[str, str] | None = None
) -> Response:
    """The answer with its headers; 304 when the client has it. `tagged` is what decides whether it has changed."""
    tag = f'W/"{hashlib.sha256(tagged).hexdigest()[:24]}"'
    said = {
        "ETag": tag,
        "Cache-Control": "no-cache",
        "Vary": "Accept",
        "Link": ", ".join(map(_header, links)),
        **(headers or {}),
    }
    if has(asked.request, tag):
        return Response(status_code=304, headers=said)
    return Response(body, 200, said, media_type=_content_type(asked.media[asked.form]))


def has(request: Request, tag: str) -> bool:
    """True when the client says that it has what this weak tag names (RFC 9110, 13.1.2)."""
    known = [one.strip() for one in request.headers.get("if-none-match", "").split(",")]
    return "*" in known or tag in known or tag.removeprefix("W/") in known


def _content_type(media: str) -> str:
    return f"{media}; charset=utf-8" if media == "text/html" else media


def _header(one: Link) -> str:
    """A link as a header; titles beyond ASCII are left out."""
    parts = [f"<{one['href']}>", f'rel="{one["rel"]}"', f'type="{one["type"]}"']
    title = str(one["title"]).replace("\\", "").replace('"', "'")
    if title.isascii() and title.isprintable():
        parts.append(f'title="{title}"')
    return "; ".join(parts)


def read(row: str) -> Any:
    """A feature that the database wrote."""
    return json.loads(row)


# ── faults ──────────────────────────────────────────────────────────────────────────────────


class OgcRoute(APIRoute):
    """A route of /ogc: it reads its query itself, says 400 where our own API says 422."""

    reads_query_itself = True

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """The framework's handler, with faults in the standard's words."""
        handler = super().get_route_handler()

        async def polite(request: Request) -> Response:
            try:
                return await handler(request)
            except RequestValidationError as error:
                raise errors.BadRequest("The address could not be understood.") from error
            except errors.Invalid as error:
                raise errors.BadRequest(error.detail) from error

        return polite


def page_of(problem: errors.Problem, request: Request) -> Response | None:
    """A problem below /ogc, told to people in a page, wherever it came up; None for whoever reads JSON rather."""
    if not ogc_asking.wants_html(request):
        return None
    body = drawn("ogc_problem", request, problem=problem)
    headers = {"Cache-Control": "no-store", "Vary": "Accept", **problem.headers}
    return Response(body, problem.status, headers, media_type="text/html")
