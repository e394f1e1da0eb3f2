"""What an answer costs: the number of times that a request waits for the database, so that it does not creep up."""

from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import psycopg
import pytest

from app.actions import assets
from app.models import Asset
from tests.factories import Town, document
from tests.routers.test_manners import assert_problem


class Waits:
    """How often the database was waited for: once for each statement, BEGIN and COMMIT. (The BEGIN of a session goes
    together with its first statement.)"""

    def __init__(self) -> None:
        self.count = 0

    def taken(self) -> int:
        """Since it was last asked."""
        taken, self.count = self.count, 0
        return taken


@pytest.fixture
def waits(monkeypatch: pytest.MonkeyPatch) -> Iterator[Waits]:
    """Counts from here on."""
    counted, wait = Waits(), psycopg.AsyncConnection.wait

    def looked_at(steps: Any) -> Any:
        try:
            asks = next(steps)  # what needs nothing from the server ends here
            counted.count += 1
            while True:
                asks = steps.send((yield asks))
        except StopIteration as done:
            return done.value

    async def counting(self: Any, steps: Any, *args: Any, **more: Any) -> Any:
        return await wait(self, looked_at(steps), *args, **more)

    monkeypatch.setattr(psycopg.AsyncConnection, "wait", counting)
    yield counted


async def test_pinning_waits_seven_times_and_twice_more_to_be_safe_to_retry(town: Town, waits: Waits) -> None:
    """Who is it; how often; begin; no change of boundaries; the asset and all that goes with it; the answer; commit."""
    app = await town.app_of("owner", "assets:write")
    for _ in range(2):  # the first use of a key in a day writes that down
        waits.taken()
        assert (await app.post("/api/v1/assets", json=document())).status_code == 201
    assert waits.taken() == 7
    key = {"Idempotency-Key": uuid4().hex}
    assert (await app.post("/api/v1/assets", json=document(), headers=key)).status_code == 201
    assert waits.taken() == 9


@pytest.mark.parametrize(("who", "most"), [("visitor", 3), ("owner", 4)])
async def test_reading_one_asset_waits_few_times(town: Town, waits: Waits, who: str, most: int) -> None:
    """Who is it; the asset; its areas; the answer."""
    path = f"/api/v1/assets/{(await town.pin())['id']}"
    for _ in range(2):  # the first one may have to connect
        waits.taken()
        assert (await town[who].get(path)).status_code == 200
    assert waits.taken() <= most


@pytest.mark.parametrize(
    ("method", "path", "body", "most"),
    [("PATCH", "", {"properties": {"title": "Changed"}}, 15), ("PUT", "/appreciation", None, 9),
     ("POST", "/comments", {"text": "Well said"}, 10)],
)  # fmt: skip
async def test_taking_part_costs_no_more_than_it_did(
    town: Town, waits: Waits, method: str, path: str, body: Any, most: int
) -> None:
    made = await town.pin()
    waits.taken()
    asked = town["owner"].request(method, f"/api/v1/assets/{made['id']}{path}", json=body, headers={"If-Match": "*"})
    assert (await asked).status_code in (200, 201)
    assert waits.taken() <= most


async def test_of_two_with_one_key_who_comes_second_at_the_end_is_told_and_pins_nothing(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first commits its answer just after the second looked for it."""
    publish, key = assets.publish, uuid4().hex
    body = document(title=uuid4().hex)

    async def overtaken(*args: Any, **more: Any) -> Asset:
        kept = "INSERT INTO idempotency (actor, key, fingerprint, status, headers, body)"
        kept += " VALUES (:a, :k, '', 201, '{}', '')"
        await town.sql(kept, a=f"person:{town.people['owner'].uid}", k=key)
        return await publish(*args, **more)

    monkeypatch.setattr(assets, "publish", overtaken)
    answer = await town["owner"].post("/api/v1/assets", json=body, headers={"Idempotency-Key": key})
    assert_problem(answer, 409, "in-flight")
    assert await town.sql("SELECT count(*) FROM asset WHERE title = :t", t=body["properties"]["title"]) == 0
