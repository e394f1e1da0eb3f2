"""TileJSON and the MapLibre style: what a map client loads first."""

import httpx
import pytest

from app import kinds
from app.db import Engines
from app.settings import Settings
from tests.geo.world import Thing, layers
from tests.routers.test_tiles import change, put


async def test_tilejson_leads_to_the_tiles_and_names_their_layers(client: httpx.AsyncClient, engines: Engines) -> None:
    await put(engines, Thing(), Thing(), Thing(kind="idea", shape=(0.1, 51.5)), Thing(shape="LINESTRING(0 51,1 52)"))
    said = (await client.get("/tiles.json")).json()
    assert said["tilejson"] == "3.0.0"
    assert (said["minzoom"], said["maxzoom"], said["scheme"]) == (0, 22, "xyz")
    described = {layer["id"]: layer["fields"] for layer in said["vector_layers"]}
    assert set(described) == {kind.plural for kind in kinds.ALL} | {"clusters", "shapes"}
    address = said["tiles"][0].replace("{z}", "10").replace("{x}", "511").replace("{y}", "340")
    found = layers((await client.get(address)).content)
    assert found
    for name, features in found.items():
        for feature in features:
            assert set(feature["properties"]) <= set(described[name])


async def test_the_public_address_is_the_one_the_operator_set(settings: Settings) -> None:
    from app import main  # noqa: PLC0415  as in conftest

    app = main.create_app(settings.model_copy(update={"base_url": "https://map.example.org/"}))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://evil.example") as client:
        said = (await client.get("/tiles.json")).json()
        drawn = (await client.get("/style.json")).json()
    await app.state.service.engines.dispose()
    assert said["tiles"] == ["https://map.example.org/tiles/{z}/{x}/{y}.mvt"]
    assert drawn["sources"]["map"]["url"] == "https://map.example.org/tiles.json"


async def test_the_style_names_only_sources_and_layers_that_there_are(client: httpx.AsyncClient) -> None:
    style = (await client.get("/style.json")).json()
    said = (await client.get("/tiles.json")).json()
    assert style["version"] == 8
    ids = [layer["id"] for layer in style["layers"]]
    assert len(ids) == len(set(ids))
    vector = {layer["id"] for layer in said["vector_layers"]}
    drawn = set()
    for layer in style["layers"]:
        assert layer["type"] == "background" or layer["source"] in style["sources"]
        if layer.get("source") == "map":
            drawn.add(layer["source-layer"])
    assert drawn == vector
    assert (await client.get(style["sources"]["map"]["url"])).status_code == 200
    (wards,) = style["sources"]["wards"]["tiles"]
    assert (await client.get(wards.format(z=0, x=0, y=0))).status_code == 204, "an address of tiles, and no areas here"
    assert "text-field" not in str(style), "labels would need glyphs from somewhere else"


async def test_the_style_shows_the_areas_and_the_base_map_of_the_operator(settings: Settings, engines: Engines) -> None:
    from app import main  # noqa: PLC0415  as in conftest

    await change(
        engines,
        """WITH s AS (INSERT INTO boundary_set (level, name) VALUES ('ward', 'Wards') RETURNING id)
           INSERT INTO area (set_id, level, code, name, geom)
           SELECT id, 'ward', 'W1', 'One', ST_Multi(ST_MakeEnvelope(-0.2, 51.4, 0.0, 51.5, 4326)) FROM s""",
    )
    own = {"tile_url": "https://{s}.tiles.example/{z}/{x}/{y}.png", "tile_attribution": "© Example"}
    app = main.create_app(settings.model_copy(update=own))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://localhost") as client:
        style = (await client.get("/style.json")).json()
    await app.state.service.engines.dispose()
    assert style["center"] == pytest.approx([-0.1, 51.45])
    assert 10 < style["zoom"] < 12
    assert style["sources"]["base"]["tiles"] == ["https://a.tiles.example/{z}/{x}/{y}.png"]
    assert style["sources"]["base"]["attribution"] == "© Example"
