"""/api/v1/assets: the list, one asset, and pinning, changing and withdrawing it."""

import re
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request, Response
from pydantic import Field
from sqlalchemy.ext.asyncio import AsyncSession

from app import db, errors, kinds, lifecycles, search
from app.actions import assets, moderation
from app.auth import Actor
from app.kinds.document import AssetDocument
from app.models import Asset
from app.routers import deps, present
from app.routers.deps import IfMatch, JustOnceLightly, Read, Serving, Tx, Who, act
from app.wire import Out, Reason, Text, Wire

router = APIRouter(prefix="/api/v1/assets", tags=["assets"])

#: What a route says that answers with one asset.
ONE: dict[str, Any] = {"response_class": present.GeoJson, "response_model": present.Feature}

#: What may be kept of an answer that depends on who asks.
PRIVATE = {"Cache-Control": "no-cache", "Vary": "Authorization, Cookie"}

#: Characters of a parameter, and values of one that is a list.
MAX_WORDS = 200
MAX_VALUES = 100
MAX_RADIUS_M = 50_000
MAX_PAGE = 1000
Words = Annotated[Text | None, Query(max_length=MAX_WORDS)]


# ── parameters ──────────────────────────────────────────────────────────────────────────────


def listed(name: str, value: str | None, known: tuple[str, ...] | None = None) -> tuple[str, ...]:
    """The parts of a comma list; Invalid names a part that cannot be."""
    if value is None:
        return ()
    parts = tuple(dict.fromkeys(part.strip() for part in value.split(",")))
    if "" in parts or len(parts) > MAX_VALUES:
        raise errors.Invalid(f"{name} must be a comma list of 1 to {MAX_VALUES} values without gaps.")
    for part in parts:
        if known is not None and part not in known:
            raise errors.Invalid(f"{name} does not know '{part[:40]}'. It may be: {', '.join(known)}.")
        if len(part) > 40:
            raise errors.Invalid(f"{name} holds a value that is too long.")
    return parts


def numbers(name: str, value: str, count: int) -> tuple[float, ...]:
    """Plain decimal numbers separated by commas; no nan, inf or blanks."""
    parts = value.split(",")
    if len(parts) != count or not all(re.fullmatch(r"[+-]?\d{1,12}(\.\d{1,15})?", part) for part in parts):
        raise errors.Invalid(f"{name} must be {count} numbers separated by commas, in degrees, longitude first.")
    return tuple(float(part) for part in parts)


def position(name: str, lon: float, lat: float) -> tuple[float, float]:
    """Longitude and latitude within their bounds."""
    if not (-180 <= lon <= 180 and -90 <= lat <= 90):
        hint = " Longitude comes first." if -90 <= lon <= 90 and abs(lat) > 90 else ""
        raise errors.Invalid(f"{name} lies outside longitude -180 to 180, latitude -90 to 90.{hint}")
    return lon, lat


def box(value: str) -> tuple[float, float, float, float]:
    """west,south,east,north; west beyond east crosses the antimeridian."""
    west, south, east, north = numbers("bbox", value, 4)
    position("bbox", west, south)
    position("bbox", east, north)
    if south > north:
        raise errors.Invalid("bbox must be west,south,east,north: its south lies beyond its north.")
    return west, south, east, north


def uid(name: str, value: str) -> UUID:
    """A uid in its usual form."""
    try:
        return UUID(value)
    except ValueError:
        raise errors.Invalid(f"{name} must be a uid such as 6f1c2a4e-8c1b-4c55-9d0e-0d9d8e5c7a11.") from None


def tie(value: str) -> tuple[str, UUID]:
    """kind:uid of a link."""
    kind, _, other = value.partition(":")
    if kind not in lifecycles.LINK_KINDS:
        raise errors.Invalid(f"link must be one of {', '.join(lifecycles.LINK_KINDS)}, a colon and a uid.")
    return kind, uid("link", other)


async def wanted(
    kind: Words = None,
    theme: Words = None,
    ward: Words = None,
    area: Words = None,
    stage: Words = None,
    bbox: Words = None,
    near: Words = None,
    within: Annotated[int | None, Query(ge=1, le=MAX_RADIUS_M)] = None,
    q: Words = None,
    owner: Words = None,
    community: Words = None,
    link: Words = None,
    has: Words = None,
) -> search.AssetFilter:
    """The filter that a query string asks for. Raises Invalid for anything that it cannot mean."""
    if within is not None and near is None:
        raise errors.Invalid("within needs near=lon,lat.")
    lon_lat = numbers("near", near, 2) if near is not None else None
    return search.AssetFilter(
        kinds=listed("kind", kind, tuple(kinds.BY_NAME)),
        themes=listed("theme", theme, lifecycles.THEMES),
        wards=listed("ward", ward),
        areas=listed("area", area),
        stages=listed("stage", stage, lifecycles.STAGES) or search.DEFAULT_STAGES,
        bbox=box(bbox) if bbox is not None else None,
        near=position("near", *lon_lat) if lon_lat else None,
        within_m=within or 1000,
        words=q or "",
        owner=uid("owner", owner) if owner is not None else None,
        community=uid("community", community) if community is not None else None,
        link=tie(link) if link is not None else None,
        has=listed("has", has, ("needs", "offers", "location")),
    )


# ── reads ───────────────────────────────────────────────────────────────────────────────────


@router.get(
    "",
    response_class=present.GeoJson,
    response_model=present.FeatureCollection,
    **act("assets.read"),
)
async def list_assets(
    request: Request,
    session: Read,
    actor: Who,
    serving: Serving,
    asked: Annotated[search.AssetFilter, Depends(wanted)],
    sort: Annotated[search.Sort | None, Query(description="best where q is given, otherwise new.")] = None,
    cursor: Annotated[Text | None, Query(max_length=deps.MAX_CURSOR)] = None,
    limit: Annotated[int, Query(ge=1, le=MAX_PAGE)] = 50,
    count: Annotated[Literal["exact"] | None, Query(description="Count even where it costs.")] = None,
) -> Response:
    """Assets that you may see, newest first. Comma lists mean any of these; ended ones only when stage says so."""
    sort = sort or ("best" if asked.words.strip() else "new")
    found = await search.page(session, actor, asked, sort=sort, limit=limit, cursor=cursor, count=count == "exact")
    links = [{"rel": "self", "href": present.address(request), "type": "application/geo+json"}]
    if found.cursor:
        following = present.address(request, cursor=found.cursor)
        links.append({"rel": "next", "href": following, "type": "application/geo+json"})
    about = {
        "links": links,
        "numberReturned": len(found.features),
        "numberMatched": found.matched,
        "licence": serving.settings.licence,
        "attribution": serving.settings.attribution,
    }
    return present.collection(found.features, about, PRIVATE)


class FacetsOut(Out):
    """How many match, by kind, theme and ward (the fullest 200). Each is counted for the filter without its own
    parameter, so that it says what choosing another value would give; `matched` is for the whole filter. `approximate`:
    more match than were counted, and each number is the least that it can be.
    """

    kind: dict[str, int]
    theme: dict[str, int]
    ward: dict[str, int]
    matched: int
    approximate: bool


@router.get("/facets", **act("assets.read"))
async def count_assets(
    response: Response, session: Read, actor: Who, asked: Annotated[search.AssetFilter, Depends(wanted)]
) -> FacetsOut:
    """How many assets each kind, theme and ward would give, for the same parameters as the list."""
    response.headers.update(PRIVATE)
    return FacetsOut.model_validate(await search.facet_counts(session, actor, asked))


@router.get("/{asset}", **ONE, **act("assets.read"))
async def read_asset(asset: UUID, request: Request, session: Read, actor: Who) -> Response:
    """One asset, with what you may do with it."""
    return await _answer(session, actor, asset, request)


async def _shown(ask: db.Ask, actor: Actor, asset: Asset) -> dict[str, Any]:
    """An asset that this actor may see, as plain values of a Feature."""
    return present.whole_feature(await search.in_full(ask, actor, asset), asset, actor)


async def _answer(session: AsyncSession, actor: Actor, asset_uid: UUID, request: Request) -> Response:
    asset = await search.get_asset(session, actor, asset_uid)
    return present.geojson(await _shown(db.within(session), actor, asset), request, PRIVATE)


# ── writes ──────────────────────────────────────────────────────────────────────────────────


@router.post("", status_code=201, **ONE, **act("assets.publish"))
async def publish_asset(doc: AssetDocument, once: JustOnceLightly, actor: Who, serving: Serving) -> Response:
    """Pin an asset. Send your own `id` or an Idempotency-Key to make a retry safe."""
    asset = await assets.publish(once.ask, actor, doc, hold=serving.settings.hold_new_content)
    body = await _shown(once.ask, actor, asset)
    return await once.created(body, version=asset.version, location=f"/api/v1/assets/{asset.uid}")


class AssetPatch(Wire):
    """An RFC 7396 merge patch: what is left out stays, null resets to the default."""

    type: Literal["Feature"] | None = None
    geometry: Annotated[dict[str, Any] | None, Field(description="A GeoJSON geometry, or null for none.")] = None
    properties: Annotated[dict[str, Any] | None, Field(description="Those that change.")] = None


@router.patch("/{asset}", **ONE, **act("assets.amend"))
async def amend_asset(
    asset: UUID, patch: AssetPatch, request: Request, session: Tx, actor: Who, serving: Serving, version: IfMatch
) -> Response:
    """Change an asset by merge patch. `kind` cannot be changed."""
    changes = patch.model_dump(exclude_unset=True, exclude={"type"})
    if changes.get("properties", {}) is None:
        raise errors.Invalid("properties cannot be null. Leave it out, or name what changes.")
    await assets.amend(session, actor, asset, changes, version, hold=serving.settings.hold_new_content)
    return await _answer(session, actor, asset, request)


@router.delete("/{asset}", status_code=204, **act("assets.withdraw"))
async def withdraw_asset(asset: UUID, session: Tx, actor: Who, version: IfMatch) -> None:
    """Take your asset off the map."""
    await assets.withdraw(session, actor, asset, version)


@router.post("/{asset}/hide", **ONE, **act("moderation.hide"))
async def hide_asset(asset: UUID, said: Reason, request: Request, session: Tx, actor: Who) -> Response:
    """Take an asset of your area out of sight, with a reason."""
    await moderation.hide(session, actor, asset, why=said.reason)
    return await _answer(session, actor, asset, request)


@router.post("/{asset}/restore", **ONE, **act("moderation.restore"))
async def restore_asset(asset: UUID, said: Reason, request: Request, session: Tx, actor: Who) -> Response:
    """Bring back what was hidden, or publish what was waiting, with a reason."""
    await moderation.restore(session, actor, asset, why=said.reason)
    return await _answer(session, actor, asset, request)
