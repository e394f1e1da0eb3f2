"""Many writers at once: whatever was acknowledged is in the list, in its ward and in the tiles, exactly once."""

import asyncio
import math
import time
from collections import Counter
from pathlib import Path
from typing import Any

import httpx
import mapbox_vector_tile

from tests.drills import served
from tests.drills.served import CODE, WRITERS, Served


def _tile_of(lon: float, lat: float, zoom: int) -> tuple[int, int, int]:
    """The tile that holds a position, by the usual formula of slippy maps."""
    n = 2**zoom
    y = (1 - math.asinh(math.tan(math.radians(lat))) / math.pi) / 2 * n
    return zoom, int((lon + 180) / 360 * n), int(y)


def _count_in_tile(client: httpx.Client, tile: tuple[int, int, int]) -> int:
    answer = client.get("/tiles/{}/{}/{}.mvt".format(*tile))
    assert answer.status_code in (200, 204)
    layers: dict[str, Any] = mapbox_vector_tile.decode(answer.content) if answer.content else {}
    clusters = sum(f["properties"]["count"] for f in layers.get("clusters", {"features": []})["features"])
    pins = sum(len(layers[name]["features"]) for name in layers if name not in ("clusters", "shapes"))
    return int(clusters + pins)


def _everything(client: httpx.Client) -> list[dict[str, Any]]:
    found, address = [], "/api/v1/assets?limit=1000"
    while address:
        page = client.get(address).json()
        found += page["features"]
        address = next((link["href"] for link in page["links"] if link["rel"] == "next"), "")
    return found


def test_every_acknowledged_asset_is_listed_in_its_ward_and_counted_in_its_tiles(folder: Path) -> None:
    with served.serving(folder) as service:
        promises = asyncio.run(served.write(service, time.monotonic() + served.seconds(5), patient=False))
        written = time.monotonic()
        assert promises.failures == 0
        assert promises.most_in_flight >= WRITERS // 2
        assert len(promises.acknowledged) >= 2 * WRITERS
        time.sleep(max(0.0, 2 - (time.monotonic() - written)))
        _check(service, promises)
    print(f"\n{len(promises.acknowledged)} assets by {WRITERS} writers, all found")  # noqa: T201  a drill tells its figures


def _check(service: Served, promises: served.Promises) -> None:
    with httpx.Client(base_url=service.url, timeout=30) as client:
        listed = _everything(client)
        assert Counter(f["id"] for f in listed) == Counter(list(promises.acknowledged))
        assert {f["properties"]["ward"]["code"] for f in listed} == {CODE}
        assert _count_in_tile(client, (0, 0, 0)) == len(promises.acknowledged)
        expected = Counter(_tile_of(lon, lat, 14) for lon, lat in promises.acknowledged.values())
        assert len(expected) >= 2
        assert {tile: _count_in_tile(client, tile) for tile in expected} == dict(expected)
        matched = client.get("/api/v1/assets?limit=1&count=exact").json()["numberMatched"]
        assert matched == len(promises.acknowledged)


def test_one_idempotency_key_makes_one_asset_however_often_it_is_sent_at_once(folder: Path) -> None:
    async def burst(service: Served) -> list[httpx.Response]:
        body = {"type": "Feature", "geometry": None, "properties": {"kind": "idea", "title": "Only once"}}
        headers = {"Authorization": f"Bearer {service.keys[0]}", "Idempotency-Key": "the-same"}
        async with httpx.AsyncClient(base_url=service.url, timeout=30) as client:
            return await asyncio.gather(*(client.post("/api/v1/assets", json=body, headers=headers) for _ in range(20)))

    with served.serving(folder) as service:
        answers = asyncio.run(burst(service)) + asyncio.run(burst(service))
        assert {a.status_code for a in answers} <= {201, 409}
        assert len({a.json()["id"] for a in answers if a.status_code == 201}) == 1
        with httpx.Client(base_url=service.url) as client:
            assert [f["properties"]["title"] for f in _everything(client)] == ["Only once"]
