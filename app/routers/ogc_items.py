"""The features of a collection: OGC API Features Part 1 (bbox, datetime, pages), 2 (systems) and 3 (filters).

Rows come in the order in which they were made, and the cursor names the last one seen, so a walk along `next` meets
every feature that is there throughout exactly once. The database writes the GeoJSON; here it is put into its frame.
"""

from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime
from typing import Annotated, Any
from urllib.parse import quote

from fastapi import APIRouter, Depends, Request, Response
from psycopg.errors import QueryCanceled
from sqlalchemy import literal_column
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.sql.elements import ColumnElement

from app import db, errors
from app.geo import cql2, crs
from app.routers import deps, ogc_answer, ogc_asking, ogc_collections
from app.routers.deps import anonymous
from app.routers.ogc_answer import Asked, Link, link
from app.routers.ogc_asking import FEATURES, HTML, PLAIN
from app.routers.ogc_collections import Collection
from app.search import AssetFilter, counts
from app.search.pages import FEW
from app.wire import Cursor

router = APIRouter(prefix="/ogc", route_class=ogc_answer.OgcRoute, include_in_schema=False)

#: The parameters of every collection; each of its queryables is one too.
PARAMETERS = (
    "bbox", "bbox-crs", "datetime", "limit", "cursor", "crs", "filter", "filter-lang", "filter-crs",
)  # fmt: skip
#: Columns of the table in the page.
SHOWN = 5


async def _visiting(request: Request) -> AsyncIterator[AsyncSession]:
    async with deps.serving_of(request).engines.visiting() as session:
        try:
            yield session
        except DBAPIError as error:
            if not isinstance(error.orig, QueryCanceled):
                raise
            raise errors.Busy(
                f"This was too costly to answer: it took more than {db.VISIT_S} seconds and was stopped. "
                "Ask for less, with a plainer filter or a smaller box."
            ) from error


Visit = Annotated[AsyncSession, Depends(_visiting, scope="function")]


@router.get("/collections/{collection_id}/items", **anonymous("map.read"))
async def list_items(collection_id: str, request: Request, session: Visit) -> Response:
    """The features of a collection that meet every condition, a page at a time."""
    collection = await ogc_collections.find(session, collection_id)
    asked = Asked.of(request, (*PARAMETERS, *plain_queryables(collection)), FEATURES)
    conditions = _conditions(collection, asked)
    system = _system(asked, "crs")
    most = ogc_asking.limit(asked.given.get("limit"), collection.most)
    cursor = asked.given.get("cursor")
    few = await _few(session, collection, asked)
    rows, following = await _page(session, collection, conditions, system, most, cursor, gather=few)
    whole = following is None and not cursor
    matched = len(rows) if whole else await collection.count(session, conditions)
    links = _links_of_items(asked, collection, following)
    frame: dict[str, Any] = {"type": "FeatureCollection", "links": links, "numberReturned": len(rows)}
    if matched is not None:
        frame["numberMatched"] = matched
    return _answer_items(asked, collection, system, frame, rows)


def plain_queryables(collection: Collection) -> dict[str, cql2.Queryable]:
    """What is a parameter of its own (Part 3, /req/queryables-query-parameters): all but the geometry."""
    return {one.name: one for one in collection.columns if one.name not in PARAMETERS}


def _conditions(collection: Collection, asked: Asked) -> list[ColumnElement[bool]]:
    """Every condition of the request. Raises BadRequest for one that cannot be understood."""
    given = asked.given
    found: list[ColumnElement[bool]] = []
    of_box = _system(asked, "bbox-crs")
    if "bbox" in given:
        found.append(collection.meets(of_box.box(ogc_asking.corners(given["bbox"])), of_box))
    if "datetime" in given:
        found.append(collection.during(ogc_asking.span(given["datetime"])))
    language, of_filter = given.get("filter-lang", "cql2-text"), _system(asked, "filter-crs")
    if language not in cql2.LANGUAGES:
        raise errors.BadRequest(f"filter-lang takes: {', '.join(cql2.LANGUAGES)}.")
    if "filter" in given:
        found.append(cql2.condition(given["filter"], collection.queryables, language=language, crs=of_filter))
    parameters = plain_queryables(collection)
    return found + [_equals(parameters[name], value) for name, value in given.items() if name in parameters]


def _system(asked: Asked, parameter: str) -> crs.Crs:
    return crs.named(asked.given[parameter], parameter) if parameter in asked.given else crs.CRS84


def _equals(queryable: cql2.Queryable, text: str) -> ColumnElement[bool]:
    value = ogc_asking.value(queryable.name, text, queryable.type, queryable.enum)
    equal: ColumnElement[bool] = queryable.column == value
    return equal


async def _few(session: AsyncSession, collection: Collection, asked: Asked) -> bool:
    """True when so few lie about the box that to find all of them is cheaper than to walk until a page is full. The
    planner does not know: it takes a box for as full as the map is on average."""
    if "bbox" not in asked.given or not collection.kind:
        return False
    system = _system(asked, "bbox-crs")
    box = system.box(ogc_asking.corners(asked.given["bbox"]))
    if system.srid != 4326:
        return True  # the pyramid is asked in degrees; who asks in metres looks at a country, and mostly at less
    there = await counts.around(session, box, AssetFilter(kinds=(collection.kind,)))
    return there.matching <= FEW


async def _page(
    session: AsyncSession,
    collection: Collection,
    conditions: Sequence[ColumnElement[bool]],
    system: crs.Crs,
    most: int,
    cursor: str | None,
    *,
    gather: bool,
) -> tuple[list[str], str | None]:
    """The features of one page as GeoJSON, and the cursor of the next. To `gather` is to find all and sort them."""
    statement = collection.select(collection.feature(system), collection.row.label("row")).where(*conditions)
    if cursor is not None:
        statement = statement.where(collection.row > Cursor.decode(cursor, collection.id, int)[0])
    # No index knows a sum, so what is ordered by it is found by its conditions.
    order = collection.row + literal_column("0") if gather else collection.row
    rows = (await session.execute(statement.order_by(order).limit(most + 1))).all()
    following = Cursor.encode(collection.id, rows[most - 1].row) if len(rows) > most else None
    return [row[0] for row in rows[:most]], following


def _links_of_items(asked: Asked, collection: Collection, following: str | None) -> list[Link]:
    links = asked.own_links()
    if following:
        address = asked.address(cursor=following, **asked.chosen)
        links.append(link("next", address, asked.media[asked.form], "The next page"))
    up = f"{asked.root}/collections/{collection.id}"
    return [*links, link("collection", up, PLAIN["json"], collection.title)]


def _answer_items(
    asked: Asked, collection: Collection, system: crs.Crs, frame: dict[str, Any], rows: Sequence[str]
) -> Response:
    headers = {"Content-Crs": f"<{system.uri}>"}
    links: list[Link] = frame["links"]
    if asked.form == HTML:
        shown = [ogc_answer.read(row) for row in rows]
        columns = collection.columns[:SHOWN]
        words = {"collection": collection, "features": shown, "columns": columns, "system": system}
        body = ogc_answer.drawn("ogc_items", asked.request, it=frame, asked=asked, **words)
        return ogc_answer.sealed(asked, body, body, links, headers)
    # The time stamp is not part of what decides whether the answer has changed.
    now = {"timeStamp": datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")}
    features = f',"features":[{",".join(rows)}]}}'.encode()
    stamped = deps.render(frame | now)[:-1] + features
    return ogc_answer.sealed(asked, stamped, deps.render(frame) + features, links, headers)


@router.get("/collections/{collection_id}/items/{feature_id}", **anonymous("map.read"))
async def read_item(collection_id: str, feature_id: str, request: Request, session: Visit) -> Response:
    """One feature."""
    collection = await ogc_collections.find(session, collection_id)
    asked = Asked.of(request, ("crs",), FEATURES)
    system = _system(asked, "crs")
    if "\x00" in feature_id:
        raise errors.NotFound()
    statement = collection.select(collection.feature(system)).where(collection.named(feature_id))
    row = await session.scalar(statement.order_by(collection.row.desc()).limit(1))
    if row is None:
        raise errors.NotFound()
    up = f"{asked.root}/collections/{collection.id}"
    feature = ogc_answer.read(row)
    own = f"{up}/items/{quote(feature_id, safe='')}"
    links = [*asked.own_links(), link("canonical", own, FEATURES["json"], "This feature")]
    if collection.kind:
        page = f"{asked.root.removesuffix('/ogc')}/assets/{feature['id']}"
        links.append(link("related", page, "text/html", "This asset on the map"))
    links.append(link("collection", up, PLAIN["json"], collection.title))
    value = feature | {"links": links}
    headers = {"Content-Crs": f"<{system.uri}>"}
    if asked.form == HTML:
        words = {"collection": collection, "system": system}
        body = ogc_answer.drawn("ogc_item", asked.request, it=value, asked=asked, **words)
    else:
        body = deps.render(value)
    return ogc_answer.sealed(asked, body, body, links, headers)
