"""What an answer says that its reader may do is what the page offers them: neither more nor less than makes sense."""

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.factories import Town

OWNER = {"assets.amend", "assets.withdraw"}
LIVE = {"appreciations.give", "comments.write", "flags.raise"}


async def _may(town: "Town", who: str, uid: str) -> set[str]:
    return set((await town[who].get(f"/api/v1/assets/{uid}")).json()["properties"]["may"])


@pytest.mark.parametrize(
    ("kind", "owners", "others"),
    [
        ("project", {"needs.add", "needs.meet", "proposals.propose", "proposals.accept"}, {"proposals.propose"}),
        ("group", set(), set()),
    ],
)
async def test_help_is_offered_only_where_a_kind_takes_it(
    town: "Town", kind: str, owners: set[str], others: set[str]
) -> None:
    uid = (await town.pin(kind=kind))["id"]
    assert await _may(town, "owner", uid) == OWNER | LIVE | {"updates.post", "links.ask"} | owners
    assert await _may(town, "stranger", uid) == LIVE | others
    assert await _may(town, "visitor", uid) == LIVE | others
    assert await _may(town, "officer", uid) == LIVE | others | {"moderation.hide"}


async def test_what_is_hidden_can_be_restored_and_not_hidden_again(town: "Town") -> None:
    uid = (await town.pin(kind="group"))["id"]
    await town["officer"].post(f"/api/v1/assets/{uid}/hide", json={"reason": "to see"})
    assert await _may(town, "officer", uid) == {"moderation.restore"}
    assert await _may(town, "owner", uid) == OWNER


async def test_a_draft_can_be_published(town: "Town") -> None:
    uid = (await town.pin(kind="group", state="draft"))["id"]
    assert await _may(town, "owner", uid) == OWNER | {"assets.publish"}
