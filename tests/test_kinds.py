"""Every kind of asset: what it declares holds, and one more kind costs one file, one line and its words."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from app import kinds, lifecycles, locale
from app.kinds import document
from app.kinds.kind import Kind

if TYPE_CHECKING:
    from tests.conftest import Database
    from tests.factories import Town

ROOT = Path(__file__).parents[1]
GROUND = "#e2dac8"
EVERY = pytest.mark.parametrize("kind", kinds.ALL, ids=[kind.name for kind in kinds.ALL])


@EVERY
async def test_the_example_of_each_kind_comes_back_as_it_was_sent(town: "Town", kind: Kind) -> None:
    sent = document.example(kind)
    made = (await town["owner"].post("/api/v1/assets", json=sent)).json()
    read = (await town["visitor"].get(f"/api/v1/assets/{made['id']}")).json()
    for name, value in sent["properties"].items():
        if name != "details":
            assert read["properties"][name] == value, name
    assert read["properties"]["details"] == read["properties"]["details"] | sent["properties"]["details"]
    assert set(read["properties"]["details"]) == set(kind.details.model_fields)
    if kind.location_class == "place":
        assert read["geometry"] == sent["geometry"]
    listed = (await town["visitor"].get("/api/v1/assets", params={"kind": kind.name, "limit": 1000})).json()
    assert made["id"] in [feature["id"] for feature in listed["features"]]


@EVERY
async def test_each_kind_can_be_amended_and_keeps_the_rest(town: "Town", kind: Kind) -> None:
    answer = await town["owner"].post("/api/v1/assets", json=document.example(kind))
    before = answer.json()
    patch = {"properties": {"title": "Another name"}}
    after = (
        await town["owner"].patch(
            f"/api/v1/assets/{before['id']}", json=patch, headers={"If-Match": answer.headers["etag"]}
        )
    ).json()
    assert after["properties"]["title"] == "Another name"
    for name in ("details", "theme", "stage", "kind"):
        assert after["properties"][name] == before["properties"][name]


@pytest.mark.parametrize("language", locale.LANGUAGES)
@EVERY
def test_each_kind_field_and_choice_has_its_words_in_every_language(kind: Kind, language: str) -> None:
    words = locale.catalogue(language)["kinds"][kind.name]
    assert all(words[name].strip() for name in ("one", "many", "call", "hint"))
    assert set(words["fields"]) == set(kind.details.model_fields)
    schema = kind.details.model_json_schema()["properties"]
    for name, field in words["fields"].items():
        assert field["label"].strip()
        assert set(field.get("options", {})) == set(schema[name].get("enum", []))


@pytest.mark.parametrize("language", locale.LANGUAGES)
def test_every_theme_and_stage_has_its_word_and_none_has_one_too_many(language: str) -> None:
    words = locale.catalogue(language)
    assert list(words["themes"]) == list(lifecycles.THEMES)
    assert list(words["stages"]) == list(lifecycles.STAGES)
    assert set(words["kinds"]) == set(kinds.BY_NAME)


def test_the_themes_of_a_document_are_those_of_the_database() -> None:
    assert document.Theme.__args__ == lifecycles.THEMES  # type: ignore[attr-defined]


def test_kinds_are_told_apart_by_shape_and_by_name_and_stand_out_from_the_ground() -> None:
    for told in ("name", "plural", "shape", "colour", "icon"):
        assert len({getattr(kind, told) for kind in kinds.ALL}) == len(kinds.ALL), told
    for kind in kinds.ALL:
        assert _contrast(kind.colour, GROUND) >= 3, kind.name


def _contrast(one: str, other: str) -> float:
    """The contrast ratio of WCAG 2.2."""
    lights = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (lights[0] + 0.05) / (lights[1] + 0.05)


def _luminance(colour: str) -> float:
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@EVERY
async def test_the_form_of_each_kind_says_what_its_details_take(town: "Town", kind: Kind) -> None:
    shown: dict[str, Any] = next(
        one for one in (await town["visitor"].get("/api/v1/kinds")).json()["items"] if one["name"] == kind.name
    )
    assert [field["name"] for field in shown["fields"]] == list(kind.details.model_fields)
    assert {field["type"] for field in shown["fields"]} <= {"text", "long-text", "integer", "boolean", "choice", "url"}
    assert shown["example"] == document.example(kind)


# One more ------------------------------------------------------------------------------------------------------------

GARDEN = '''
"""A garden that neighbours keep together."""

from typing import Annotated, Literal

from pydantic import Field

from app.kinds.kind import Details, Kind
from app.wire import Text


class GardenDetails(Details):
    """What grows there."""

    soil: Annotated[Literal["clay", "sand", "loam"], Field(title="Soil")] = "clay"
    beds: Annotated[int, Field(strict=True, ge=1, le=500, title="Beds")] = 1
    rules: Annotated[Text, Field(max_length=300, title="House rules")] = ""


KIND = Kind(
    name="garden",
    plural="gardens",
    details=GardenDetails,
    icon="flower",
    shape="hexagon",
    colour="#4a5d00",
    takes_proposals=True,
    example={
        "geometry": {"type": "Point", "coordinates": [-0.11, 51.46]},
        "properties": {"title": "Crescent beds", "theme": "food", "details": {"soil": "loam", "beds": 12}},
    },
)
'''
WORDS = {
    "one": "Garden",
    "many": "Gardens",
    "call": "Add a garden",
    "hint": "Beds that neighbours keep.",
    "fields": {
        "soil": {"label": "Soil", "options": {"clay": "Clay", "sand": "Sand", "loam": "Loam"}},
        "beds": {"label": "Beds"},
        "rules": {"label": "House rules"},
    },
}
TRIAL = """
import asyncio, json, sys
import httpx
from pydantic import SecretStr
from app import auth, db
from app.actions import accounts
from app.kinds import BY_NAME, document
from app.main import create_app
from app.settings import Settings

async def main(write, read, folder):
    secret = SecretStr("only for this trial")
    settings = Settings(data=folder, database_url=write, database_read_url=read, secret=secret)
    app = create_app(settings)
    serving = app.state.service
    async with serving.engines.transaction() as session:
        person = await accounts.create_person(session, auth.Actor.system("trial"), email="g@example.org", name="G")
        actor = await auth.actor_of_person(session, person.id)
        scopes = ["assets:read", "assets:write", "take-part"]
        _, key = await accounts.create_key(session, actor, serving.secret, name="k", scopes=scopes)
    headers = {"Authorization": f"Bearer {key}"}
    transport = httpx.ASGITransport(app=app)
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost:8000") as client:
        made = await client.post("/api/v1/assets", json=document.example(BY_NAME["garden"]), headers=headers)
        wrong = document.example(BY_NAME["garden"])
        wrong["properties"]["details"] = {"beds": 0}
        refused = await client.post("/api/v1/assets", json=wrong, headers=headers)
        uid = made.json()["id"]
        need = await client.post(
            f"/api/v1/assets/{uid}/needs", json={"kind": "people", "title": "Diggers"}, headers=headers
        )
        listed = await client.get("/api/v1/assets?kind=garden")
        kinds = (await client.get("/api/v1/kinds")).json()["items"]
        report = (await client.get("/api/v1/reports/wards")).json()
        tile = await client.get("/tiles/14/8186/5451.mvt")
        tilejson = (await client.get("/tiles.json")).json()
        openapi = (await client.get("/openapi.json")).text
    await serving.engines.dispose()
    print(json.dumps({
        "made": made.status_code, "refused": [refused.status_code, refused.json()["detail"]],
        "need": need.status_code, "listed": [f["properties"]["details"] for f in listed.json()["features"]],
        "form": next(k for k in kinds if k["name"] == "garden")["fields"], "report": report["totals"]["gardens"],
        "tile": b"gardens" in tile.content and b"Crescent beds" in tile.content,
        "layer": "gardens" in [layer["id"] for layer in tilejson["vector_layers"]],
        "openapi": "GardenProperties" in openapi,
    }))

asyncio.run(main(*sys.argv[1:]))
"""


def _with_garden(copy: Path) -> None:
    """What CONTRIBUTING.md says to do, on a copy of the project."""
    shutil.copytree(ROOT / "app", copy / "app", ignore=shutil.ignore_patterns("static", "__pycache__"))
    (copy / "app" / "kinds" / "garden.py").write_text(GARDEN)
    registry = copy / "app" / "kinds" / "__init__.py"
    listed = registry.read_text().replace("    event.KIND,\n", "    event.KIND,\n    garden.KIND,\n")
    registry.write_text(re.sub(r"from app\.kinds import event,", "from app.kinds import event, garden,", listed))
    for language in locale.LANGUAGES:
        path = copy / "app" / "locale" / f"{language}.json"
        words = json.loads(path.read_text())
        words["kinds"]["garden"] = WORDS
        path.write_text(json.dumps(words))


def test_one_more_kind_costs_one_file_one_line_and_its_words(database: "Database", tmp_path: Path) -> None:
    _with_garden(tmp_path)
    command = [sys.executable, "-c", TRIAL, database.write, database.read, str(tmp_path / "data")]
    environment = {**os.environ, "PYTHONPATH": str(tmp_path)}
    tried = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert tried.returncode == 0, tried.stderr
    found = json.loads(tried.stdout)
    assert found["made"] == 201
    assert found["refused"][0] == 422
    assert "beds" in found["refused"][1]
    assert found["need"] == 201
    assert found["listed"] == [{"soil": "loam", "beds": 12, "rules": ""}]
    assert [field["label"] for field in found["form"]] == ["Soil", "Beds", "House rules"]
    assert found["report"] == 1
    assert found["tile"]
    assert found["layer"]
    assert found["openapi"]
