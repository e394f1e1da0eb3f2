"""An asset says the same in a list, by itself and in a filter, whatever is in it: the database writes each of them."""

import json
from datetime import datetime
from typing import Any
from uuid import uuid4

import pytest

from app import kinds
from tests.factories import BOROUGH, HERE, NORTH, Town, document, ring

#: What only a single asset says.
ALONE = {"body_html", "counts", "appreciated", "may"}
ODD = 'Quotes " \' back\\slash / tab\t, é ü ñ 中文 🌱 \u2028 \u200f </script> {"a": [1]} %s :name {{x}}'


async def _both(town: Town, uid: str, **params: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    """The asset as a list of one shows it, and by itself without what only it says there."""
    alone = (await town["visitor"].get(f"/api/v1/assets/{uid}")).json()
    mark = alone["properties"]["title"].split()[0]
    listed = (await town["visitor"].get("/api/v1/assets", params={"q": mark, "stage": "planned,active,ended"})).json()
    assert set(alone["properties"]) >= ALONE
    alone["properties"] = {name: value for name, value in alone["properties"].items() if name not in ALONE}
    (feature,) = listed["features"]
    return feature, alone


@pytest.mark.parametrize("kind", list(kinds.BY_NAME))
async def test_every_kind_is_the_same_in_a_list_and_alone(town: Town, kind: str) -> None:
    example = kinds.BY_NAME[kind].example
    posted = document(kind, title=f"{uuid4().hex} {kind}")
    posted["properties"] = {**example["properties"], "title": posted["properties"]["title"], "kind": kind}
    answer = await town["owner"].post("/api/v1/assets", json=posted)
    assert answer.status_code == 201, answer.text
    listed, alone = await _both(town, answer.json()["id"])
    assert listed == alone
    assert list(listed["properties"]) == list(alone["properties"])
    given = posted["properties"].get("details", {})
    assert (
        listed["properties"]["details"].items() >= {k: v for k, v in given.items() if not isinstance(v, float)}.items()
    )


async def test_odd_values_come_through_unharmed(town: Town) -> None:
    title = f"{uuid4().hex} {ODD.replace(chr(9), ' ').replace(chr(0x2028), ' ')}"
    shape = {"type": "Polygon", "coordinates": [ring(9)]}
    posted = document(
        title=title, summary=ODD[:200], body=ODD * 3, organiser="O'Neill \\ \"Sons\"", website="https://example.org/?q=\"%22",
    )  # fmt: skip
    posted["geometry"] = shape
    answer = await town["owner"].post("/api/v1/assets", json=posted)
    assert answer.status_code == 201, answer.text
    listed, alone = await _both(town, answer.json()["id"])
    assert listed == alone
    said = listed["properties"]
    assert (said["title"], said["body"], said["organiser"]) == (title, ODD * 3, 'O\'Neill \\ "Sons"')
    assert listed["geometry"]["type"] == "Polygon"
    assert said["ward"] == {"code": NORTH, "name": "North ward"}
    assert said["owner"] == {"uid": str(town.people["owner"].uid), "name": "Owner"}


async def test_what_lies_nowhere_or_in_a_whole_area_is_said_as_null(town: Town) -> None:
    nowhere = await town.pin(at=None, title=f"{uuid4().hex} nowhere")
    listed, alone = await _both(town, nowhere["id"])
    assert listed == alone
    assert (listed["geometry"], listed["properties"]["anchor"], listed["properties"]["ward"]) == (None, None, None)
    whole = await town.pin(at=None, title=f"{uuid4().hex} whole", area=BOROUGH)
    listed, alone = await _both(town, whole["id"])
    assert listed == alone
    assert listed["properties"]["area"] == {"code": BOROUGH, "name": "Ourborough", "level": "borough"}


async def test_instants_are_rfc_3339_in_utc_to_the_microsecond_whatever_zone_the_database_keeps(town: Town) -> None:
    made = await town.pin(title=f"{uuid4().hex} timed")
    for instant in (
        "2026-05-01T18:00:00Z",
        "2026-05-01T18:00:00.123456Z",
        "1000-01-02T00:00:00Z",
        "2999-12-30T23:59:59.9Z",
    ):
        await town.sql(
            "UPDATE asset SET starts_at = :at WHERE uid = :uid", at=datetime.fromisoformat(instant), uid=made["id"]
        )
        listed, alone = await _both(town, made["id"])
        assert listed == alone
        assert listed["properties"]["starts_at"] == instant


async def test_a_list_is_one_json_document_of_these_features(town: Town) -> None:
    await town.pin(at=(HERE[0] + 0.001, HERE[1]))
    answer = await town["visitor"].get("/api/v1/assets", params={"near": f"{HERE[0]},{HERE[1]}", "limit": 3})
    assert answer.headers["content-type"] == "application/geo+json"
    listed = json.loads(answer.content)
    assert [type(feature["properties"]["distance_m"]) for feature in listed["features"]] == [int] * len(
        listed["features"]
    )
    empty = (await town["visitor"].get("/api/v1/assets", params={"q": uuid4().hex})).json()
    assert (empty["features"], empty["numberMatched"], empty["numberReturned"]) == ([], 0, 0)
