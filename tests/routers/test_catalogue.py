"""Kinds, themes, limits, areas, postcodes and settings: what there is to choose from."""

import asyncio
from datetime import UTC, date, datetime
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from geoalchemy2 import WKTElement

from app import kinds, lifecycles
from app.geo import tiles
from app.models import Area, BoundarySet
from app.routers import catalogue, deps
from tests.factories import AREAS, BOROUGH, FAR_WARD, NORTH, SOUTH, Town
from tests.routers.test_manners import assert_problem


async def get(town: Town, path: str) -> Any:
    """What a visitor is told at this address."""
    answer = await town["visitor"].get(f"/api/v1/{path}")
    assert answer.status_code == 200, answer.text
    return answer.json()


async def test_kinds_are_listed_with_words_for_everything_that_a_form_needs(town: Town) -> None:
    listed = await get(town, "kinds")
    assert listed["next"] is None
    assert [item["name"] for item in listed["items"]] == [kind.name for kind in kinds.ALL]
    offer = next(item for item in listed["items"] if item["name"] == "offer")
    assert offer["label"] == "Offer"
    assert offer["location_classes"] == ["person", "shielded"]
    assert offer["geometries"] == ["Point"]
    assert [stage["value"] for stage in offer["stages"]] == ["active", "ended"]
    fields = {field["name"]: field for field in offer["fields"]}
    assert [option["value"] for option in fields["nature"]["options"]] == ["skill", "advice", "thing", "space", "money"]
    reach = fields["reach_m"]
    assert (reach["type"], reach["minimum"], reach["maximum"], reach["default"]) == ("integer", 0, 50_000, 2000)
    place = next(item for item in listed["items"] if item["name"] == "place")
    assert place["location_classes"] == ["place", "person", "shielded"]
    event = next(item for item in listed["items"] if item["name"] == "event")
    assert next(field["type"] for field in event["fields"] if field["name"] == "booking") == "url"
    group = next(item for item in listed["items"] if item["name"] == "group")
    assert {field["name"]: field["type"] for field in group["fields"]} == {
        "meets": "long-text", "open_to_new_members": "boolean", "address": "long-text",
    }  # fmt: skip


async def test_themes_are_listed_in_their_order_with_a_word_each(town: Town) -> None:
    listed = (await get(town, "themes"))["items"]
    assert [item["name"] for item in listed] == list(lifecycles.THEMES)
    assert all(item["label"] for item in listed)


#: limit → the value that the tests of each route meet on both sides.
LIMITS = {
    "page_of_assets": 1000, "page_of_others": 200, "areas_drawn": 10_000, "body_bytes": 2_000_000,
    "import_bytes": 64_000_000, "jobs_waiting": 5, "job_hours": 24, "file_bytes": 10**9, "files_bytes": 2 * 10**9,
    "report_assets_at_once": 5000,
    "positions_in_a_geometry": 5000, "latitude": 85.05, "radius_m": 50_000, "list_values": 100,
    "title_characters": 160, "summary_characters": 500, "body_characters": 20_000, "organiser_characters": 160,
    "website_characters": 500, "licence_characters": 80, "attribution_characters": 400, "consent_characters": 300,
    "comment_characters": 5000, "update_characters": 5000, "flag_characters": 2000, "reason_characters": 1000,
    "need_title_characters": 160, "need_text_characters": 5000, "quantity": 100_000,
    "proposal_title_characters": 160, "proposal_text_characters": 5000, "places": 10_000,
    "message_characters": 2000, "hours": 1000, "words_characters": 200, "cursor_characters": 2000,
    "name_characters": 80, "about_characters": 1000, "key_name_characters": 80, "email_characters": 254,
    "idempotency_key_characters": 200, "idempotency_hours": 24, "sign_in_minutes": 10, "sign_in_tries": 5,
    "session_days": 90, "session_idle_days": 30, "writes_per_hour": 10**9, "key_writes_per_hour": 10**9,
    "sign_ins_per_hour": 10**8, "sign_ins_per_network_address_per_hour": 10**9, "reads_per_minute": 0,
}  # fmt: skip


async def test_the_limits_that_are_published_are_those_that_are_met(town: Town) -> None:
    assert await get(town, "limits") == LIMITS


# Areas ---------------------------------------------------------------------------------------------------------------


async def test_areas_are_found_by_level_name_and_code(town: Town) -> None:
    async def codes(query: str) -> list[str]:
        return [item["code"] for item in (await get(town, f"areas{query}"))["items"]]

    assert set(await codes("")) == set(AREAS)
    assert await codes("?level=ward") == [NORTH, SOUTH, FAR_WARD]
    assert await codes("?q=north") == [NORTH]
    assert await codes("?q=OURBOR") == [BOROUGH]
    assert await codes(f"?q={FAR_WARD}") == [FAR_WARD]
    assert await codes("?q=%25") == [], "a percent sign is a character, not any"
    assert await codes("?level=county") == []
    assert await codes(f"?code={SOUTH},{NORTH},E09999999&level=ward") == [NORTH, SOUTH]
    assert await codes(f"?code={SOUTH}&q=north") == []
    assert_problem(await town["visitor"].get("/api/v1/areas?level=street"), 422, "invalid")
    assert_problem(await town["visitor"].get(f"/api/v1/areas?q={'x' * 101}"), 422, "invalid")
    (north,) = (await get(town, "areas?q=north"))["items"]
    assert north == {
        "code": NORTH, "name": "North ward", "level": "ward", "parent": BOROUGH, "population": None,
        "set": {"name": "Town wards", "illustrative": False, "valid_from": "2022-05-05", "attribution": ""},
        "bbox": [-0.2, 51.45, 0.0, 51.5], "centre": [-0.1, 51.475],
    }  # fmt: skip


async def test_boundary_sets_say_how_many_areas_and_residents_they_have(town: Town) -> None:
    square = WKTElement("MULTIPOLYGON(((5 5, 6 5, 6 6, 5 6, 5 5)))", srid=4326)
    async with town.engines.transaction() as session:
        old = BoundarySet(level="region", name="Old regions", valid_from=date(2001, 1, 1), valid_to=date(2010, 1, 1))
        session.add(old)
        await session.flush()
        for code, residents in (("R1", 3), ("R2", 4)):
            ended = datetime(2010, 1, 1, tzinfo=UTC)
            session.add(Area(set_id=old.id, level="region", code=code, name=code, geom=square, population=residents,
                             ended_at=ended))  # fmt: skip
    listed = await get(town, "boundary-sets")
    assert listed["next"] is None
    sets = {one["name"]: one for one in listed["items"]}
    assert sets["Town wards"] == {
        "name": "Town wards", "level": "ward", "illustrative": False, "attribution": "", "valid_from": "2022-05-05",
        "valid_to": None, "areas": 3, "in_force": 3, "population": None,
    }  # fmt: skip
    assert sets["Old regions"] == {
        "name": "Old regions", "level": "region", "illustrative": False, "attribution": "", "valid_from": "2001-01-01",
        "valid_to": "2010-01-01", "areas": 2, "in_force": 0, "population": 7,
    }  # fmt: skip


async def test_outlines_are_features_that_a_map_can_draw(town: Town) -> None:
    answer = await town["visitor"].get("/api/v1/areas.geojson?level=ward")
    assert (answer.headers["content-type"], answer.headers["cache-control"]) == ("application/geo+json", "max-age=60")
    drawn = answer.json()
    assert [feature["id"] for feature in drawn["features"]] == [NORTH, SOUTH, FAR_WARD]
    for feature in drawn["features"]:
        assert feature["geometry"]["type"] in ("Polygon", "MultiPolygon")
        assert feature["properties"]["code"] == feature["id"]
    one = await get(town, f"areas/{NORTH}")
    assert one["geometry"]["type"] == "MultiPolygon"
    assert one["properties"] == drawn["features"][0]["properties"]


async def test_outlines_are_drawn_once_for_all_and_kept_a_minute(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    town.app.state.service.tiles = tiles.Shelf()
    drawn = []
    draw = catalogue._drawn

    async def noted(serving: deps.Service, level: str) -> bytes:
        drawn.append(level)
        return await draw(serving, level)

    monkeypatch.setattr(catalogue, "_drawn", noted)
    path = "/api/v1/areas.geojson?level=ward"
    answers = await asyncio.gather(*(town["visitor"].get(path) for _ in range(20)))
    assert drawn == ["ward"]
    assert len({answer.content for answer in answers}) == 1
    assert answers[0].headers["content-encoding"] == "gzip"
    again = await town["visitor"].get(path, headers={"If-None-Match": answers[0].headers["etag"]})
    assert again.status_code == 304
    assert (await get(town, "areas.geojson?level=county"))["features"] == []
    assert drawn == ["ward", "county"]


@pytest.mark.parametrize(
    ("code", "status"), [("E99999999", 404), ("x" * 20, 404), ("x" * 21, 422), ("a b", 404), ("'", 404)]
)
async def test_an_area_that_is_not_there_is_404(town: Town, code: str, status: int) -> None:
    answer = await town["visitor"].get(f"/api/v1/areas/{code}")
    assert_problem(answer, status, "not-found" if status == 404 else "invalid")


async def test_an_area_that_ended_is_found_by_its_code_and_not_listed(app: FastAPI) -> None:
    service = app.state.service
    own = await Town.found(app, service.engines, service.secret)
    await own.sql("UPDATE area SET ended_at = now() WHERE code = :code", code=NORTH)
    assert NORTH not in [item["code"] for item in (await get(own, "areas"))["items"]]
    assert NORTH not in [feature["id"] for feature in (await get(own, "areas.geojson"))["features"]]
    assert (await get(own, f"areas/{NORTH}"))["id"] == NORTH
    await own.leave()


# Postcodes and settings ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("asked", ["SW2 1JQ", "sw21jq", "SW21JQ", " sw2  1jq "])
async def test_a_postcode_is_found_however_it_is_written(town: Town, asked: str) -> None:
    await town.sql(
        "INSERT INTO postcode (code, geom) VALUES ('SW21JQ', ST_SetSRID(ST_MakePoint(-0.1143, 51.4613), 4326)) "
        "ON CONFLICT DO NOTHING"
    )
    assert await get(town, f"postcodes/{asked}") == {"postcode": "SW21JQ", "coordinates": [-0.1143, 51.4613]}
    assert (await get(town, "settings"))["postcodes"] is True


@pytest.mark.parametrize(("asked", "status"), [("ZZ99ZZ", 404), ("x" * 13, 422), ("%00", 422), ("'", 404)])
async def test_an_unknown_postcode_is_404(town: Town, asked: str, status: int) -> None:
    answer = await town["visitor"].get(f"/api/v1/postcodes/{asked}")
    assert_problem(answer, status, "not-found" if status == 404 else "invalid")


async def test_settings_tell_the_page_what_is_loaded_and_nothing_secret(town: Town) -> None:
    told = await get(town, "settings")
    assert set(told) == {"title", "tile_url", "tile_attribution", "licence", "attribution", "demo", "illustrative",
                         "postcodes", "hold_new_content", "bounds"}  # fmt: skip
    assert told["bounds"] == [-0.2, 51.4, 1.2, 51.6]
    assert (told["title"], told["demo"], told["illustrative"]) == ("Civic Crowd Map", False, False)


async def test_an_empty_installation_says_so(client: httpx.AsyncClient) -> None:
    told = (await client.get("/api/v1/settings")).json()
    assert (told["bounds"], told["postcodes"], told["illustrative"]) == (None, False, False)
    assert (await client.get("/api/v1/areas")).json() == {"items": [], "next": None}
    assert (await client.get("/api/v1/assets")).json()["numberMatched"] == 0
    assert (await client.get("/health/ready")).json() == {"status": "ready"}
