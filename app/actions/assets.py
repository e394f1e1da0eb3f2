"""Pinning things on the map: publish, amend, withdraw, and ending by date."""

import json
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

from psycopg.types.json import Jsonb
from pydantic import ValidationError
from sqlalchemy import func, select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm.attributes import set_committed_value

from app import db, errors, rules, search, wire
from app.actions.record import match, record, step
from app.auth import Actor
from app.geo import areas, privacy, shapes
from app.kinds import document
from app.kinds.document import AssetDocument
from app.models import Area, Asset, AssetArea, Community, StateChange

COLUMNS = (
    "title", "summary", "body", "theme", "stage", "audience", "organiser", "website", "licence", "attribution",
    "location_class", "starts_at", "ends_at", "via", "consent",
)  # fmt: skip


async def publish(ask: db.Ask, actor: Actor, doc: AssetDocument, *, hold: bool = False) -> Asset:
    """Pin an asset. With `hold` it waits for a moderator; a draft waits for its author.

    What it returns has what rules judge an asset by; the rest of a new one is not read again. A second call with the
    same uid, owner and document answers with the asset of the first; anything else under a taken uid raises UidTaken.
    Raises Invalid for a geometry, area or community that cannot be.
    """
    rules.require(actor, "assets.publish")
    await areas.share_by(ask)  # before any row is locked: a change of boundaries takes them in this order too
    values, plain = await _values(ask, actor, doc)
    state = "draft" if doc.properties.state == "draft" else "pending" if hold else "published"
    now = datetime.now(UTC)
    uid = doc.id or uuid4()
    values |= {
        "uid": uid,
        "kind": doc.properties.kind,
        "state": state,
        "owner_id": actor.person_id,
        "recorded_by": actor.person_id if doc.properties.consent else None,
        "published_at": now if state == "published" else None,
        "ended_at": now if doc.properties.stage == "ended" else None,
    }
    written = values | {"details": Jsonb(values["details"]), "geom": shapes.wkb(values["geom"])}
    rows = await ask("publish_asset", **written, actor=actor.label, after=Jsonb(plain))
    if not rows:
        return await _replayed(ask, actor, uid, plain)
    (made,) = rows
    if doc.geometry:
        if not made.areas:
            await _refuse_swapped(ask, doc)
        await _keep_exact(ask, uid, doc)
    return _judged(values, made)


def _judged(values: dict[str, Any], made: Any) -> Asset:
    asked = ("uid", "kind", "state", "audience", "owner_id", "community_id", "area_id")
    asset = Asset(id=made.id, version=made.version, **{name: values[name] for name in asked})
    set_committed_value(asset, "in_areas", [AssetArea(asset_id=made.id, area_id=area) for area in made.areas])
    return asset


async def amend(
    session: AsyncSession, actor: Actor, uid: UUID, patch: dict[str, Any], version: int | None, *, hold: bool = False
) -> Asset:
    """Change an asset by an RFC 7396 merge patch; the outcome is validated as a whole document of its kind.

    Raises PreconditionFailed when `version` is not the latest, Invalid when the outcome is not valid.
    """
    await areas.share(session)
    asset = await search.get_asset(session, actor, uid, lock=True)
    rules.require(actor, "assets.amend", asset)
    match(asset.version, version)
    before = await stored(session, asset)
    doc = _patched(before, patch)
    values, after = await _values(db.within(session), actor, doc, old=asset)
    now = datetime.now(UTC)
    state = _next_state(asset, doc, patch, hold=hold)
    if asset.state == "withdrawn" and state == "published":
        await _refuse_detour(session, asset, hold=hold)
    if doc.properties.stage != asset.stage:
        step(session, actor, "asset", asset.id, asset.stage, doc.properties.stage, aspect="stage")
        values["ended_at"] = now if doc.properties.stage == "ended" else None
    if state != asset.state:
        step(session, actor, "asset", asset.id, asset.state, state)
        values |= {"state": state, "published_at": asset.published_at or (now if state == "published" else None)}
    # Asked before the update, which the mapped object follows.
    reclassed = asset.location_class != doc.properties.location_class
    moved = "geometry" in patch or reclassed or asset.area_id != values["area_id"]
    await session.execute(
        update(Asset).where(Asset.id == asset.id).values(**values, version=asset.version + 1, updated_at=now)
    )
    if moved:
        await areas.assign(session, [asset.id])
    if "geometry" in patch or reclassed:
        await session.execute(select(func.vault.forget_exact_point(uid)))
    if "geometry" in patch and doc.geometry:
        await _refuse_swapped(db.within(session), doc)
        await _keep_exact(db.within(session), uid, doc)
    record(session, actor, "assets.amend", "asset", uid, before=before, after=after)
    await session.flush()
    session.expire(asset)
    return await search.get_asset(session, actor, uid)


async def withdraw(session: AsyncSession, actor: Actor, uid: UUID, version: int | None) -> None:
    """Take one's asset off the map. What others wrote stays with it; publishing it again brings it back."""
    asset = await search.get_asset(session, actor, uid, lock=True)
    rules.require(actor, "assets.withdraw", asset)
    match(asset.version, version)
    await change_state(session, actor, asset, "withdrawn", verb="assets.withdraw")


async def change_state(
    session: AsyncSession, actor: Actor, asset: Asset, state: str, *, verb: str, why: str | None = None
) -> None:
    """Take a locked asset one step along its life and write that down. The database refuses an illegal step."""
    old, now = asset.state, datetime.now(UTC)
    if old == state:
        raise errors.illegal_transition("asset", old, state)
    asset.state, asset.version, asset.updated_at = state, asset.version + 1, now
    if state == "published":
        asset.published_at = asset.published_at or now
    step(session, actor, "asset", asset.id, old, state, why=why)
    record(session, actor, verb, "asset", asset.uid, before={"state": old}, after={"state": state}, why=why)
    await session.flush()


async def end_past(session: AsyncSession, actor: Actor) -> int:
    """Set what is over to `ended`: assets whose ends_at has passed. Returns how many."""
    over = select(Asset.id, Asset.stage).where(Asset.stage != "ended", Asset.ends_at < func.now())
    rows = (await session.execute(over.order_by(Asset.id).with_for_update(skip_locked=True))).all()
    if not rows:
        return 0
    ended = {"stage": "ended", "ended_at": Asset.ends_at, "version": Asset.version + 1, "updated_at": func.now()}
    await session.execute(update(Asset).where(Asset.id.in_([row.id for row in rows])).values(ended))
    why = "its end date passed"
    for row in rows:
        step(session, actor, "asset", row.id, row.stage, "ended", aspect="stage", why=why)
    record(session, actor, "assets.end", "asset", None, after={"ended": len(rows)}, why=why)
    return len(rows)


# ── documents ───────────────────────────────────────────────────────────────────────────────


async def stored(session: AsyncSession, asset: Asset) -> dict[str, Any]:
    """The asset as the document that would publish it again, with its public geometry."""
    geometry, community, area = (
        await session.execute(
            select(
                func.ST_AsGeoJSON(Asset.geom, 9),
                select(Community.uid).where(Community.id == Asset.community_id).scalar_subquery(),
                select(Area.code).where(Area.id == Asset.area_id).scalar_subquery(),
            ).where(Asset.id == asset.id)
        )
    ).one()
    properties = {name: _plain(getattr(asset, name)) for name in COLUMNS if name != "via"}
    properties |= {
        "kind": asset.kind,
        "state": "draft" if asset.state == "draft" else "published",
        "community": str(community) if community else None,
        "area": area,
        "details": asset.details,
    }
    if asset.via != "import":
        properties["via"] = asset.via
    return {"type": "Feature", "geometry": json.loads(geometry) if geometry else None, "properties": properties}


def _plain(value: Any) -> Any:
    return value.isoformat() if isinstance(value, datetime) else value


def _patched(before: dict[str, Any], patch: dict[str, Any]) -> AssetDocument:
    merged = merge(before, patch)
    if merged["properties"].get("kind") != before["properties"]["kind"]:
        raise errors.Invalid("The kind of an asset cannot be changed. Pin a new asset and link the two.")
    try:
        return document.ADAPTER.validate_python(_tuples(merged))
    except ValidationError as error:
        raise invalid(error) from None


def invalid(error: ValidationError) -> errors.Invalid:
    """A validation error as a problem; it names the places and never repeats the values."""
    found = wire.complaints(error.errors())
    first = found[0]
    return errors.Invalid(
        f"{'.'.join(first['loc'])}: {first['msg']}" if first["loc"] else str(first["msg"]), errors=found
    )


def merge(target: Any, patch: Any) -> Any:
    """JSON merge patch, RFC 7396 section 2: null removes, objects merge, everything else replaces."""
    if not isinstance(patch, dict):
        return patch
    merged = dict(target) if isinstance(target, dict) else {}
    for name, value in patch.items():
        if value is None:
            merged.pop(name, None)
        else:
            merged[name] = merge(merged.get(name), value)
    return merged


def _tuples(merged: dict[str, Any]) -> dict[str, Any]:
    # A removed member means its default; a document always has these two.
    return {"geometry": None, "properties": {}, **merged}


def _next_state(asset: Asset, doc: AssetDocument, patch: dict[str, Any], *, hold: bool) -> str:
    """What the author's word makes of the state; without a word it stays."""
    if "state" not in (patch.get("properties") or {}):
        return asset.state
    if doc.properties.state == "draft" and asset.state != "draft":
        raise errors.illegal_transition("asset", asset.state, "draft")
    if doc.properties.state == "published" and asset.state in ("draft", "withdrawn"):
        return "pending" if hold and asset.state == "draft" else "published"
    return asset.state


async def _refuse_detour(session: AsyncSession, asset: Asset, *, hold: bool) -> None:
    """Withdrawing and publishing again is no way past a moderator."""
    withdrawn = StateChange.thing == "asset", StateChange.thing_id == asset.id, StateChange.to_state == "withdrawn"
    before = await session.scalar(
        select(StateChange.from_state).where(*withdrawn).order_by(StateChange.id.desc()).limit(1)
    )
    if before in ("hidden", "pending") or (before == "draft" and hold):
        raise errors.Conflict(
            f"This was {before} when it was withdrawn: only a moderator could publish it. Pin it anew."
        )


async def _values(
    ask: db.Ask, actor: Actor, doc: AssetDocument, old: Asset | None = None
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Column values of a document, and the document as it may be remembered (with the public geometry)."""
    properties = doc.properties
    shape = shapes.of_wire(doc.geometry) if doc.geometry else None
    public = privacy.public_geometry(shape, properties.location_class)
    values = {name: getattr(properties, name) for name in COLUMNS}
    if old is not None and old.via == "import":
        values["via"] = "import"
    values |= {
        "details": properties.details.model_dump(mode="json"),
        "community_id": await _community(ask, actor, properties.community, old),
        "area_id": await _area(ask, properties.area),
        "geom": shapes.to_db(public) if public is not None else None,
    }
    plain = doc.model_dump(mode="json", exclude={"id"})
    plain["geometry"] = shapes.to_geojson(public) if public is not None else None
    return values, plain


async def _community(ask: db.Ask, actor: Actor, uid: UUID | None, old: Asset | None) -> int | None:
    if uid is None:
        return None
    found = await ask("community_of_uid", uid=uid)
    if not found:
        raise errors.Invalid("There is no community with this uid.")
    community_id: int = found[0].id
    if (
        actor.kind != "system"
        and community_id not in actor.communities
        and (not old or old.community_id != community_id)
    ):
        raise errors.Forbidden("Only a member of a community may pin something for it.")
    return community_id


async def _area(ask: db.Ask, code: str | None) -> int | None:
    if code is None:
        return None
    found = await ask("area_of_code", code=code)
    if not found:
        raise errors.Invalid(f"There is no area with the code '{code}'. GET /api/v1/areas lists them.")
    area_id: int = found[0].id
    return area_id


async def _replayed(ask: db.Ask, actor: Actor, uid: UUID, plain: dict[str, Any]) -> Asset:
    """The asset that the same caller pinned with the same document before."""
    first = await ask("published_before", uid=uid, person_id=actor.person_id)
    if not first or first[0].sent != plain:
        raise errors.UidTaken()
    asset = _judged({"uid": uid, **first[0]._asdict()}, first[0])
    if not rules.sees(actor, asset):
        raise errors.NotFound()
    return asset


async def _refuse_swapped(ask: db.Ask, doc: AssetDocument) -> None:
    """A point outside every area whose latitude and longitude, changed over, lie inside one: that is a mistake."""
    if doc.geometry is None or doc.geometry.type != "Point":
        return
    lon, lat = doc.geometry.coordinates
    if abs(lon) <= 90 and (await ask("lies_swapped", lon=lon, lat=lat))[0].swapped:
        raise errors.Invalid(
            f"Latitude and longitude seem to be swapped: [{lon}, {lat}] lies outside this map, [{lat}, {lon}] inside. "
            "GeoJSON wants longitude first."
        )


async def _keep_exact(ask: db.Ask, uid: UUID, doc: AssetDocument) -> None:
    """Put the exact point behind a snapped one into the vault, where no public read can go."""
    if doc.geometry is None or doc.properties.location_class != "person":
        return
    exact = shapes.of_wire(doc.geometry).representative_point()
    if exact.equals_exact(privacy.snap(exact.x, exact.y), 1e-6):
        return
    await ask("keep_exact_point", uid=uuid4(), asset_uid=uid, geom=shapes.wkb(shapes.to_db(exact)))
