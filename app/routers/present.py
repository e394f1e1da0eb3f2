"""Assets as they go over the wire, and what their reader may do with them; contributions.py has the rest."""

import json
import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from html import escape
from typing import Annotated, Any, Literal
from urllib.parse import urlencode
from uuid import UUID

import nh3
from fastapi import Request, Response
from fastapi.responses import JSONResponse
from markdown_it import MarkdownIt
from pydantic import Field

from app import kinds, rules
from app.auth import Actor
from app.models import Asset, Person
from app.routers import deps
from app.wire import Geometry, Out, PageLink

# Each bracket is tried as a link at every level that it may stand in, so levels are few. Tables would lose their cells.
_markdown = MarkdownIt("js-default", {"html": False, "linkify": False, "typographer": False, "maxNesting": 20})
_markdown.disable("table")
#: What costs the parser far more than a letter does.
_SIGNS = re.compile(r"[\[!*_~`<&\\\n]")
#: So many of them may stand in a text, or one to this many characters of a long one; beyond, it is shown as it is.
MOST_SIGNS, CHARACTERS_PER_SIGN = 300, 20
#: Texts up to this length are kept when drawn: a page of comments is read more often than it is written.
KEPT_CHARACTERS = 5000
_TAGS = {
    "p",
    "br",
    "strong",
    "em",
    "ul",
    "ol",
    "li",
    "a",
    "blockquote",
    "code",
    "pre",
    "h3",
    "h4",
    "h5",
    "h6",
    "hr",
    "s",
}

#: What may be done with an asset in a state, as far as the state goes; rules say who.
_ACTS: dict[str, tuple[str, ...]] = {
    "draft": ("assets.amend", "assets.publish", "assets.withdraw"),
    "pending": ("assets.amend", "assets.withdraw", "moderation.hide", "moderation.restore"),
    "published": (
        "assets.amend", "assets.withdraw", "appreciations.give", "comments.write", "updates.post", "links.ask",
        "flags.raise", "moderation.hide",
    ),
    "hidden": ("assets.amend", "assets.withdraw", "moderation.restore"),
    "withdrawn": ("assets.amend", "assets.publish"),
    "removed": (),
}  # fmt: skip
#: What may be added to a published asset whose kind takes proposals.
_HELP = ("needs.add", "needs.meet", "proposals.propose", "proposals.accept")


def acts(asset: Asset, actor: Actor) -> list[str]:
    """What this actor may do with this asset now."""
    possible = _ACTS[asset.state]
    if asset.state == "published" and kinds.BY_NAME[asset.kind].takes_proposals:
        possible += _HELP
    if rules.OWNER not in rules.relations(actor, asset):
        possible = tuple(act for act in possible if act not in ("assets.publish", "links.ask"))
    return rules.may(actor, possible, asset)


def html(markdown: str) -> str:
    """Markdown as a short list of safe tags; headings begin at the third level, links go nowhere but the web.

    Its cost is bounded: a text with more signs than anybody writes comes out as plain paragraphs.
    """
    return _kept(markdown) if len(markdown) <= KEPT_CHARACTERS else _drawn(markdown)


def _drawn(markdown: str) -> str:
    if len(_SIGNS.findall(markdown)) > max(MOST_SIGNS, len(markdown) // CHARACTERS_PER_SIGN):
        return _plain(markdown)
    raw = _markdown.render(markdown).replace("<h1>", "<h3>").replace("</h1>", "</h3>")
    raw = raw.replace("<h2>", "<h3>").replace("</h2>", "</h3>")
    return nh3.clean(
        raw,
        tags=_TAGS,
        attributes={"a": {"href"}},
        attribute_filter=_only_abroad,
        url_schemes={"http", "https", "mailto"},
        link_rel="nofollow noopener ugc",
    )


def _only_abroad(tag: str, attribute: str, value: str) -> str | None:
    return value if attribute != "href" or _ABROAD.match(value) else None


_kept = lru_cache(maxsize=1000)(_drawn)
#: A link that says where it goes: without the slashes a browser would stay here.
_ABROAD = re.compile(r"https?://|mailto:", re.IGNORECASE)


def _plain(text: str) -> str:
    return "".join(f"<p>{escape(part)}</p>\n" for part in re.split(r"\n{2,}", text) if part.strip())


# ── who and where ───────────────────────────────────────────────────────────────────────────


class Named(Out):
    """A person or a community by its public key and name."""

    uid: UUID
    name: str


class InArea(Out):
    code: str
    name: str | None


class WholeArea(Out):
    code: str
    name: str
    level: str


def person(who: Person | None) -> Named | None:
    """A person as others see it; nobody when the account was erased or never was."""
    return Named(uid=who.uid, name=who.name) if who and who.state != "erased" else None


# ── assets ──────────────────────────────────────────────────────────────────────────────────


class Counts(Out):
    comments: int
    open_needs: int
    proposals: int
    updates: int


class AssetOut(Out):
    """The properties of an asset as everybody reads them; `details` are the fields of its kind (GET /api/v1/kinds)."""

    kind: str
    title: str
    summary: str
    body: Annotated[str, Field(description="The story, in Markdown.")]
    body_html: Annotated[str | None, Field(description="The story as safe HTML; on a single asset only.")] = None
    theme: str
    state: str
    stage: str
    audience: str
    owner: Named | None
    community: Named | None
    organiser: str
    website: str | None
    licence: str | None
    attribution: str | None
    details: dict[str, Any]
    location_class: str
    anchor: Annotated[
        tuple[float, float] | None, Field(description="The point that stands for it: longitude, latitude.")
    ]
    ward: InArea | None
    area: Annotated[WholeArea | None, Field(description="The area that it belongs to as a whole.")]
    starts_at: datetime | None
    ends_at: datetime | None
    published_at: datetime | None
    ended_at: datetime | None
    created_at: datetime
    updated_at: datetime
    version: int
    via: str
    appreciations: int
    distance_m: Annotated[int | None, Field(description="With near: metres from there, in steps of 100.")] = None
    counts: Counts | None = None
    appreciated: Annotated[bool | None, Field(description="Whether you have thanked it; on a single asset only.")] = (
        None
    )
    may: Annotated[list[str] | None, Field(description="What you may do with it; on a single asset only.")] = None


class Feature(Out):
    """An asset as a GeoJSON Feature (RFC 7946); `id` is its uid."""

    type: Literal["Feature"]
    id: UUID
    geometry: Geometry | None
    properties: AssetOut


class FeatureCollection(Out):
    """A page of assets. `numberMatched` is exact, or null where counting costs too much (see count=exact)."""

    type: Literal["FeatureCollection"]
    features: list[Feature]
    links: list[PageLink]
    numberReturned: int  # noqa: N815  OGC API Features, 7.16
    numberMatched: int | None  # noqa: N815
    licence: str
    attribution: str


def whole_feature(row: Any, asset: Asset, actor: Actor) -> dict[str, Any]:
    """One asset (as search.in_full found it) with its story, counts, and what this actor may do with it."""
    shown: dict[str, Any] = json.loads(row.text)
    shown["properties"] |= {
        "body_html": html(shown["properties"]["body"]),
        "counts": {name: getattr(row, name) for name in Counts.model_fields},
        "appreciated": row.appreciated if actor.signed_in else None,
        "may": acts(asset, actor),
    }
    return shown


class GeoJson(JSONResponse):
    """An answer in GeoJSON (RFC 7946), rendered already; a route that declares it is documented with its media type."""

    media_type = "application/geo+json"

    def render(self, content: bytes) -> bytes:
        """The bytes as they are."""
        return content


def geojson(value: Mapping[str, Any], request: Request, headers: dict[str, str], status: int = 200) -> Response:
    """A GeoJSON answer; 304 when the caller has these very bytes."""
    body = deps.render(value)
    properties = value.get("properties")
    if properties and "version" in properties:
        headers = {**headers, "ETag": deps.etag(properties["version"], body)}
        known = [one.strip().removeprefix("W/") for one in request.headers.get("if-none-match", "").split(",")]
        if request.method == "GET" and ("*" in known or headers["ETag"] in known):
            return Response(status_code=304, headers=headers)
    return GeoJson(body, status, headers)


def collection(features: Sequence[str], about: Mapping[str, Any], headers: dict[str, str]) -> Response:
    """A FeatureCollection of Features that are text already, with what is said about it."""
    text = f'{{"type":"FeatureCollection","features":[{",".join(features)}],'.encode()
    return GeoJson(text + deps.render(about)[1:], headers=headers)


def address(request: Request, **changes: str) -> str:
    """The address of this list with some parameters changed."""
    return f"{request.url.path}?{urlencode({**request.query_params, **changes})}"
