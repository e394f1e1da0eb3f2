"""Many at once: one appreciation a person, no more pledges than places, no change lost, and only legal ends."""

from collections import Counter
from typing import Any

import anyio
import httpx
import pytest

from tests.factories import Town

CROWD = 20


async def all_at_once(*calls: Any) -> list[httpx.Response]:
    """Start every call together and return the answers in order."""
    answers: list[Any] = [None] * len(calls)

    async def one(number: int, call: Any) -> None:
        answers[number] = await call

    async with anyio.create_task_group() as group:
        for number, call in enumerate(calls):
            group.start_soon(one, number, call)
    return answers


@pytest.fixture(scope="module")
async def crowd(town: Town) -> list[httpx.AsyncClient]:
    """Twenty people who are signed in."""
    return [(await town.settle(f"One of many {number}"))[1] for number in range(CROWD)]


async def test_one_person_thanks_twenty_times_at_once_and_counts_once(town: Town) -> None:
    scene = await town.scene()
    path = f"/api/v1/assets/{scene.asset}/appreciation"
    answers = await all_at_once(*(town["stranger"].put(path) for _ in range(CROWD)))
    assert {answer.status_code for answer in answers} == {200}
    shown = await town["stranger"].get(f"/api/v1/assets/{scene.asset}")
    assert shown.json()["properties"]["appreciations"] == 1
    history = "SELECT count(*) FROM history WHERE thing_uid = :uid AND verb = 'appreciations.give'"
    assert await town.sql(history, uid=scene.asset) == 1


async def test_twenty_people_thank_at_once_and_every_one_counts(town: Town, crowd: list[httpx.AsyncClient]) -> None:
    scene = await town.scene()
    path = f"/api/v1/assets/{scene.asset}/appreciation"
    answers = await all_at_once(*(client.put(path) for client in crowd))
    assert {answer.status_code for answer in answers} == {200}
    assert sorted(answer.json()["appreciations"] for answer in answers)[-1] == CROWD
    back = await all_at_once(*(client.delete(path) for client in crowd), *(client.put(path) for client in crowd[:5]))
    assert {answer.status_code for answer in back} == {200}
    count = "SELECT appreciation_count = (SELECT count(*) FROM appreciation p WHERE p.asset_id = asset.id)"
    assert await town.sql(f"{count} FROM asset WHERE uid = :uid", uid=scene.asset) is True


@pytest.mark.parametrize("places", [1, 7])
async def test_no_more_people_pledge_than_there_are_places(
    town: Town, crowd: list[httpx.AsyncClient], places: int
) -> None:
    scene = await town.scene()
    proposal = f"/api/v1/proposals/{scene.proposal}"
    await town["author"].patch(proposal, json={"places": places}, headers={"If-Match": "*"})
    body = {"hours_promised": 1}
    answers = await all_at_once(*(client.post(f"{proposal}/pledges", json=body) for client in crowd))
    assert Counter(answer.status_code for answer in answers) == {201: places, 409: CROWD - places}
    assert {answer.json()["type"] for answer in answers if answer.status_code == 409} == {"/problems/proposal-full"}
    held = "SELECT pledged FROM proposal WHERE uid = :uid"
    assert await town.sql(held, uid=scene.proposal) == places


async def test_one_person_pledges_twenty_times_at_once_and_has_one_open_pledge(town: Town) -> None:
    scene = await town.scene()
    path = f"/api/v1/proposals/{scene.proposal}/pledges"
    answers = await all_at_once(*(town["stranger"].post(path, json={"hours_promised": 1}) for _ in range(CROWD)))
    assert Counter(answer.status_code for answer in answers) == {201: 1, 409: CROWD - 1}
    assert {answer.json()["type"] for answer in answers if answer.status_code == 409} == {"/problems/already-pledged"}


async def test_of_twenty_changes_that_know_one_version_one_is_made_and_none_is_lost(town: Town) -> None:
    scene = await town.scene()
    path = f"/api/v1/assets/{scene.asset}"
    titles = [{"properties": {"title": f"Title {number}"}} for number in range(CROWD)]
    answers = await all_at_once(
        *(town["owner"].patch(path, json=title, headers={"If-Match": '"1"'}) for title in titles)
    )
    assert Counter(answer.status_code for answer in answers) == {200: 1, 412: CROWD - 1}
    (won,) = [number for number, answer in enumerate(answers) if answer.status_code == 200]
    shown = (await town["owner"].get(path)).json()["properties"]
    assert (shown["title"], shown["version"]) == (f"Title {won}", 2)


async def test_who_retries_on_412_loses_no_change(town: Town) -> None:
    scene = await town.scene()
    path, conflicts = f"/api/v1/assets/{scene.asset}", 0

    async def add(word: str) -> None:
        nonlocal conflicts
        while True:
            shown = await town["owner"].get(path)
            summary = f"{shown.json()['properties']['summary']} {word}".strip()
            patch = {"properties": {"summary": summary}}
            answer = await town["owner"].patch(path, json=patch, headers={"If-Match": shown.headers["etag"]})
            if answer.status_code == 200:
                return
            assert answer.status_code == 412
            conflicts += 1

    async with anyio.create_task_group() as group:
        for number in range(10):
            group.start_soon(add, f"w{number}")
    words = (await town["owner"].get(path)).json()["properties"]["summary"].split()
    assert sorted(words) == sorted(f"w{number}" for number in range(10))
    assert conflicts > 0, "they did meet"


#: What may be left when an organiser and others act at the same moment, by hand: proposal, pledge.
LEGAL_ENDS = {("accepted", "pledged"), ("accepted", "withdrawn"), ("declined", "withdrawn"), ("withdrawn", "withdrawn")}


async def test_deciding_amending_withdrawing_and_pledging_at_once_end_legally(town: Town) -> None:
    ends = Counter[tuple[str, str]]()
    for _ in range(15):
        scene = await town.scene()
        proposal, pledge = f"/api/v1/proposals/{scene.offered}", f"/api/v1/pledges/{scene.pledge}"
        star = {"If-Match": "*"}
        answers = await all_at_once(
            town["owner"].post(f"{proposal}/accept"),
            town["steward"].post(f"{proposal}/decline"),
            town["other"].patch(proposal, json={"places": 9}, headers=star),
            town["other"].post(f"{proposal}/withdraw"),
            town["author"].post(f"{pledge}/withdraw"),
            town["stranger"].post(f"{proposal}/pledges", json={"hours_promised": 1}),
        )
        assert {answer.status_code for answer in answers} <= {200, 201, 409}, [answer.text for answer in answers]
        state = await town.sql("SELECT state FROM proposal WHERE uid = :uid", uid=scene.offered)
        mine = await town.sql("SELECT state FROM pledge WHERE uid = :uid", uid=scene.pledge)
        ends[state, mine] += 1
        assert (state, mine) in LEGAL_ENDS
        orphans = "SELECT count(*) FROM pledge WHERE state IN ('pledged', 'confirmed') AND proposal_id = "
        orphans += "(SELECT id FROM proposal WHERE uid = :uid AND state IN ('declined', 'withdrawn'))"
        assert await town.sql(orphans, uid=scene.offered) == 0, "nobody stays bound to what will not happen"
        counted = "SELECT pledged = (SELECT count(*) FROM pledge WHERE proposal_id = proposal.id AND state IN "
        counted += "('pledged', 'confirmed', 'fulfilled')) FROM proposal WHERE uid = :uid"
        assert await town.sql(counted, uid=scene.offered) is True
    assert sum(ends.values()) == 15


async def test_hiding_withdrawing_and_amending_at_once_end_legally(town: Town) -> None:
    for _ in range(10):
        scene = await town.scene()
        path = f"/api/v1/assets/{scene.asset}"
        answers = await all_at_once(
            town["officer"].post(f"{path}/hide", json={"reason": "It names a child."}),
            town["owner"].delete(path, headers={"If-Match": "*"}),
            town["steward"].patch(path, json={"properties": {"title": "Amended"}}, headers={"If-Match": "*"}),
            town["stranger"].put(f"{path}/appreciation"),
        )
        assert {answer.status_code for answer in answers} <= {200, 204, 404, 409}, [a.text for a in answers]
        state = await town.sql("SELECT state FROM asset WHERE uid = :uid", uid=scene.asset)
        steps = await town.sql(
            "SELECT string_agg(from_state || '>' || to_state, ' ' ORDER BY s.id) FROM state_change s JOIN asset a "
            "ON a.id = s.thing_id AND s.thing = 'asset' WHERE a.uid = :uid", uid=scene.asset,
        )  # fmt: skip
        ends = {"published>hidden hidden>withdrawn": "withdrawn", "published>withdrawn": "withdrawn"}
        assert ends[steps] == state
