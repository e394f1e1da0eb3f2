"""The yardsticks of bench/writes.py: the rows of one pinned asset by bare FastAPI, SQLAlchemy and pgbench."""

import contextlib
import json
import os
import re
from collections.abc import AsyncIterator
from typing import Annotated, Any, Literal
from uuid import uuid4

from fastapi import FastAPI, Header
from psycopg.types.json import Jsonb
from psycopg_pool import AsyncConnectionPool
from pydantic import BaseModel, Field
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession, create_async_engine

from bench.city import CLIENTS, SIDE, SOUTH, WEST

#: The rows that one pinned asset leaves. :name is a value, in SQLAlchemy's words and in pgbench's.
ASSET = """INSERT INTO asset (uid, kind, title, summary, theme, owner_id, details, geom, ward, published_at)
 VALUES (:uid, :kind, :title, :summary, :theme, :owner, '{}', ST_SetSRID(ST_MakePoint(:lon, :lat), 4326),
 (SELECT code FROM area WHERE ST_Covers(geom, ST_SetSRID(ST_MakePoint(:lon, :lat), 4326))
 AND level = 'ward' AND ended_at IS NULL ORDER BY code LIMIT 1), now()) RETURNING id, uid, version"""
AREAS = """INSERT INTO asset_area (asset_id, area_id) SELECT :id, area.id FROM area
 WHERE ST_Covers(area.geom, ST_SetSRID(ST_MakePoint(:lon, :lat), 4326))"""
STEP = "INSERT INTO state_change (thing, thing_id, to_state, person_id) VALUES ('asset', :id, 'published', :owner)"
HISTORY = """INSERT INTO history (person_id, actor, verb, thing, thing_uid, after)
 VALUES (:owner, 'bare', 'assets.publish', 'asset', :uid, :after)"""
OUTBOX = "INSERT INTO outbox (event, thing_uid) VALUES ('assets.publish', :uid)"
ONCE = """INSERT INTO idempotency (actor, key, fingerprint, status, headers, body)
 VALUES ('bare', :key, :body, 201, '{}', :body)"""


class Place(BaseModel):
    """A point, longitude first."""

    type: Literal["Point"]
    coordinates: tuple[Annotated[float, Field(ge=-180, le=180)], Annotated[float, Field(ge=-85, le=85)]]


class Words(BaseModel):
    """What is pinned."""

    kind: Literal["project", "idea"]
    title: Annotated[str, Field(min_length=1, max_length=160)]
    summary: Annotated[str, Field(max_length=500)] = ""
    theme: Literal["green", "food", "other"] = "other"


class Pin(BaseModel):
    """The body of the bare route."""

    type: Literal["Feature"]
    geometry: Place
    properties: Words

    def values(self) -> dict[str, Any]:
        """What its statements need."""
        lon, lat = self.geometry.coordinates
        given = {"uid": uuid4(), "lon": lon, "lat": lat, "owner": int(os.environ["BENCH_OWNER"])}
        return given | self.properties.model_dump() | {"after": Jsonb(self.model_dump())}

    def answer(self, uid: Any, version: int) -> dict[str, Any]:
        """What the route says."""
        shown = {**self.properties.model_dump(), "version": version}
        return {"type": "Feature", "id": str(uid), "geometry": self.geometry.model_dump(), "properties": shown}


Key = Annotated[str | None, Header(alias="Idempotency-Key")]


def bare() -> FastAPI:
    """The bare route over psycopg; uvicorn makes it (--factory) with the database of BENCH_URL."""
    pool = AsyncConnectionPool(os.environ["BENCH_URL"], min_size=CLIENTS, max_size=CLIENTS, open=False)
    asset, areas, step, history, outbox, once = (
        re.sub(r":(\w+)", r"%(\1)s", statement) for statement in (ASSET, AREAS, STEP, HISTORY, OUTBOX, ONCE)
    )

    @contextlib.asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        async with pool:
            yield

    app = FastAPI(lifespan=lifespan)

    @app.post("/assets", status_code=201)
    async def publish(pin: Pin, key: Key = None) -> dict[str, Any]:
        values = pin.values()
        async with pool.connection() as connection:
            found = await (await connection.execute(asset, values)).fetchone()
            assert found
            values["id"], _, version = found
            for statement in (areas, step, history, outbox):
                await connection.execute(statement, values)
            answer = pin.answer(values["uid"], version)
            if key:
                await connection.execute(once, {"key": key, "body": json.dumps(answer).encode()})
        return answer

    return app


def core() -> FastAPI:
    """The same through SQLAlchemy."""
    url = os.environ["BENCH_URL"].replace("postgresql://", "postgresql+psycopg://", 1)
    engine = create_async_engine(url, pool_size=CLIENTS, max_overflow=0)
    asset, areas, step, history, outbox, once = map(text, (ASSET, AREAS, STEP, HISTORY, OUTBOX, ONCE))
    app = FastAPI()

    @app.post("/assets", status_code=201)
    async def publish(pin: Pin, key: Key = None) -> dict[str, Any]:
        values = pin.values()
        async with AsyncSession(engine) as session, session.begin():
            found = (await session.execute(asset, values)).one()
            values["id"] = found.id
            for statement in (areas, step, history, outbox):
                await session.execute(statement, values)
            answer = pin.answer(found.uid, found.version)
            if key:
                await session.execute(once, {"key": key, "body": json.dumps(answer).encode()})
        return answer

    return app


def pgbench_script(*, keys: bool) -> str:
    """The same statements for pgbench; -D gives the words."""
    place = [
        f"\\set lon random({WEST}, {WEST + SIDE}) / 1000000.0",
        f"\\set lat random({SOUTH}, {SOUTH + SIDE}) / 1000000.0",
    ]
    first = ASSET.replace(":uid", "gen_random_uuid()", 1) + " \\gset"
    last = ONCE.replace(":key", "gen_random_uuid()::text").replace(":body", "convert_to(:after, 'UTF8')")
    rest = [AREAS, STEP, HISTORY, OUTBOX, *([last] if keys else [])]
    return "\n".join(
        [*place, "BEGIN;", first.replace("\n", ""), *(f"{one.replace(chr(10), '')};" for one in rest), "END;"]
    )
