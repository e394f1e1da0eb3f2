"""Publishing, amending, withdrawing, and ending by date."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest

from app import db, errors, search
from app.actions import assets, moderation
from app.actions.record import match
from app.geo import areas
from app.kinds import document
from tests import factories
from tests.actions.conftest import Cast, amend, point
from tests.factories import BOROUGH, FAR_WARD, HERE, NORTH, NOWHERE, SOUTH, THERE

NOW = datetime.now(UTC)

# Publishing ----------------------------------------------------------------------------------------------------------


async def test_what_is_published_is_on_the_map_in_its_ward_at_once(cast: Cast) -> None:
    asset = await cast.pin(title="Edible bus stop", theme="food")
    assert (asset.state, asset.stage, asset.on_map, asset.ward, asset.version) == (
        "published",
        "active",
        True,
        NORTH,
        1,
    )
    assert asset.owner_id == cast["owner"].person_id
    assert asset.published_at is not None
    assert asset.recorded_by is None
    assert await point(cast, asset) == HERE
    assert await cast.history(asset.uid) == ["assets.publish"]
    assert await cast.steps("asset", asset.id) == ["published"]


@pytest.mark.parametrize(
    ("geometry", "area"),
    [
        ({"type": "Point", "coordinates": HERE}, None),
        ({"type": "Point", "coordinates": [-0.1, 51.45]}, None),  # on the edge that the wards share
        ({"type": "Point", "coordinates": [-0.2, 51.40]}, None),  # on a corner of the borough
        ({"type": "Point", "coordinates": NOWHERE}, None),
        ({"type": "Polygon", "coordinates": [[[-0.15, 51.44], [-0.1, 51.44], [-0.1, 51.48], [-0.15, 51.44]]]}, None),
        ({"type": "LineString", "coordinates": [[-0.15, 51.41], [-0.1, 51.48]]}, None),
        (None, SOUTH),
        (None, BOROUGH),
        (None, None),
    ],
)
async def test_a_new_asset_lies_where_assigning_all_areas_again_would_put_it(
    cast: Cast, geometry: dict[str, Any] | None, area: str | None
) -> None:
    given = factories.document(area=area) | {"geometry": geometry}
    asset = await assets.publish(db.within(cast.session), cast["owner"], document.ADAPTER.validate_python(given))
    held = "SELECT area_id FROM asset_area WHERE asset_id = :id ORDER BY area_id"
    ward = "SELECT ward FROM asset WHERE id = :id"

    async def where() -> tuple[Any, Any]:
        return await cast.values(held, id=asset.id), await cast.value(ward, id=asset.id)

    at_once = await where()
    await areas.assign(cast.session, [asset.id])
    assert await where() == at_once
    assert sorted(place.area_id for place in asset.in_areas) == at_once[0]
    assert bool(at_once[0]) == (geometry is not None and geometry["coordinates"] != NOWHERE)


async def test_a_draft_is_not_published_and_held_content_waits(cast: Cast) -> None:
    draft = await cast.pin(state="draft")
    assert (draft.state, draft.on_map, draft.published_at) == ("draft", False, None)
    held = await cast.pin(hold=True)
    assert (held.state, held.on_map, held.published_at) == ("pending", False, None)
    held_draft = await cast.pin(hold=True, state="draft")
    assert held_draft.state == "draft"
    with pytest.raises(errors.NotFound):
        await search.get_asset(cast.session, cast["stranger"], held.uid)


async def test_who_enters_it_for_somebody_else_is_recorded_with_the_consent(cast: Cast) -> None:
    asset = await cast.pin("officer", via="street", consent="She said so at the market.")
    assert (asset.via, asset.recorded_by) == ("street", cast["officer"].person_id)


async def test_what_lies_nowhere_or_in_a_whole_area_is_listed_and_unmapped(cast: Cast) -> None:
    nowhere = await cast.pin(at=None)
    assert (nowhere.on_map, nowhere.ward, await point(cast, nowhere)) == (False, None, None)
    whole = await cast.pin(at=None, area=SOUTH)
    assert (whole.on_map, whole.ward) == (False, SOUTH)
    outside = await cast.pin(at=NOWHERE)
    assert (outside.on_map, outside.ward) == (True, None)


async def test_an_unknown_area_or_community_is_invalid_and_anothers_community_refused(cast: Cast) -> None:
    with pytest.raises(errors.Invalid, match="no area"):
        await cast.pin(at=None, area="E99999999")
    with pytest.raises(errors.Invalid, match="no community"):
        await cast.pin(community=str(uuid4()))
    with pytest.raises(errors.Forbidden, match="member"):
        await cast.pin("stranger", community=str(cast.community))
    for who in ("member", "steward"):
        asset = await cast.pin(who, community=str(cast.community), audience="members")
        assert asset.on_map is False, "what is for members is not on the public map"


async def test_a_visitor_pins_nothing(cast: Cast) -> None:
    with pytest.raises(errors.NotSignedIn):
        await cast.pin("visitor")


@pytest.mark.parametrize("given", [{"at": (HERE[1], HERE[0])}, {"at": (51.45, -0.1), "kind": "offer"}])
async def test_a_pair_of_coordinates_the_wrong_way_round_gets_a_hint(cast: Cast, given: dict[str, Any]) -> None:
    with pytest.raises(errors.Invalid, match=r"swapped.*longitude first"):
        await cast.pin(**given)


async def test_a_far_away_place_gets_no_such_hint(cast: Cast) -> None:
    assert (await cast.pin(at=(20.0, 10.0))).ward is None


# The same again ------------------------------------------------------------------------------------------------------


async def test_the_same_document_again_is_the_same_asset_and_written_down_once(cast: Cast) -> None:
    uid = uuid4()
    given: dict[str, Any] = {
        "uid": uid,
        "title": "Twice",
        "starts_at": "2030-01-01T10:00:00Z",
        "details": {"address": "Here"},
    }
    first, second = await cast.pin(**given), await cast.pin(**given)
    assert first.id == second.id
    assert await cast.history(uid) == ["assets.publish"]


@pytest.mark.parametrize(
    "change",
    [{"title": "Other"}, {"at": (-0.11, 51.46)}, {"kind": "idea"}, {"details": {"address": "x"}}, {"at": None}],
)
async def test_another_document_under_a_taken_uid_is_refused(cast: Cast, change: dict[str, Any]) -> None:
    uid = uuid4()
    first: dict[str, Any] = {"uid": uid, "title": "One"}
    await cast.pin(**first)
    with pytest.raises(errors.UidTaken):
        await cast.pin(**first | change)


async def test_anothers_uid_is_refused_even_with_the_same_document(cast: Cast) -> None:
    uid = uuid4()
    await cast.pin(uid=uid, title="One")
    with pytest.raises(errors.UidTaken):
        await cast.pin("other", uid=uid, title="One")


async def test_a_replay_after_an_amendment_answers_with_the_asset_as_it_is_now(cast: Cast) -> None:
    uid = uuid4()
    asset = await cast.pin(uid=uid, title="Before")
    await amend(cast, asset, properties={"title": "After"})
    assert (await cast.pin(uid=uid, title="Before")).title == "After"


# Amending ------------------------------------------------------------------------------------------------------------


async def test_a_patch_changes_what_it_names_and_leaves_the_rest(cast: Cast) -> None:
    asset = await cast.pin(title="Before", summary="Stays", details={"address": "Stays too", "who_benefits": "All"})
    asset = await amend(cast, asset, properties={"title": "After", "details": {"who_benefits": "Everybody"}})
    assert (asset.title, asset.summary, asset.version) == ("After", "Stays", 2)
    assert asset.details == {"address": "Stays too", "who_benefits": "Everybody", "how_to_join": ""}
    assert asset.updated_at >= asset.created_at
    assert await cast.history(asset.uid) == ["assets.publish", "assets.amend"]
    before = await cast.value("SELECT before->'properties'->>'title' FROM history WHERE verb = 'assets.amend'")
    assert before == "Before"


async def test_null_in_a_patch_resets_to_the_default(cast: Cast) -> None:
    asset = await cast.pin(
        summary="Gone soon", theme="food", website="https://example.org", details={"address": "Gone"}, stage="planned",
    )  # fmt: skip
    cleared: dict[str, Any] = {"summary": None, "theme": None, "website": None, "details": None, "stage": None}
    asset = await amend(cast, asset, properties=cleared)
    assert (asset.summary, asset.theme, asset.website, asset.stage) == ("", "other", None, "active")
    assert asset.details["address"] == ""
    asset = await amend(cast, asset, geometry=None)
    assert (await point(cast, asset), asset.ward, asset.on_map) == (None, None, False)


@pytest.mark.parametrize("kind", ["idea", None, "nonsense", 5])
async def test_the_kind_never_changes(cast: Cast, kind: Any) -> None:
    asset = await cast.pin()
    with pytest.raises(errors.Invalid, match="kind"):
        await amend(cast, asset, properties={"kind": kind})
    assert (await amend(cast, asset, properties={"kind": "project"})).kind == "project"


@pytest.mark.parametrize(
    "patch",
    [
        {"properties": {"title": None}},
        {"properties": {"title": ""}},
        {"properties": {"title": "x" * 161}},
        {"properties": {"nonsense": 1}},
        {"properties": {"details": {"nonsense": 1}}},
        {"properties": {"details": [1]}},
        {"properties": {"ends_at": "2020-01-01T00:00:00Z", "starts_at": "2021-01-01T00:00:00Z"}},
        {"properties": {"audience": "members"}},
        {"properties": {"area": NORTH}},
        {"geometry": {"type": "Point"}, "properties": {"stage": "never"}},
        {"geometry": {"coordinates": [True, 1]}},
        {"geometry": {"coordinates": [181, 0]}},
        {"geometry": {"type": "Polygon"}},
        {"geometry": {"type": "Polygon", "coordinates": [[[0, 0], [1, 1], [1, 0], [0, 1], [0, 0]]]}},
    ],
)
async def test_a_patch_whose_outcome_is_not_valid_changes_nothing(cast: Cast, patch: dict[str, Any]) -> None:
    asset = await cast.pin()
    with pytest.raises(errors.Invalid):
        await amend(cast, asset, **patch)
    assert (asset.version, await cast.history(asset.uid)) == (1, ["assets.publish"])


async def test_a_stale_version_is_refused_and_a_star_takes_any(cast: Cast) -> None:
    asset = await cast.pin()
    asset = await assets.amend(cast.session, cast["owner"], asset.uid, {"properties": {"title": "Two"}}, 1)
    with pytest.raises(errors.PreconditionFailed):
        await assets.amend(cast.session, cast["owner"], asset.uid, {"properties": {"title": "Lost"}}, 1)
    with pytest.raises(errors.PreconditionFailed):
        await assets.withdraw(cast.session, cast["owner"], asset.uid, 1)
    assert (await amend(cast, asset, properties={"title": "Three"})).version == 3
    match(3, 3)
    match(3, None)


async def test_a_move_changes_the_ward_and_words_do_not(cast: Cast) -> None:
    asset = await cast.pin()
    asset = await amend(cast, asset, geometry={"type": "Point", "coordinates": list(THERE)})
    assert asset.ward == FAR_WARD
    asset = await amend(cast, asset, properties={"title": "Still there"})
    assert (asset.ward, await point(cast, asset)) == (FAR_WARD, THERE)
    asset = await amend(cast, asset, geometry=None, properties={"area": NORTH})
    assert (asset.ward, asset.on_map) == (NORTH, False)
    assert (await amend(cast, asset, properties={"area": SOUTH})).ward == SOUTH
    assert (await amend(cast, asset, properties={"area": None})).ward is None


async def test_stages_are_written_down_with_the_end_of_what_ended(cast: Cast) -> None:
    asset = await cast.pin(stage="planned")
    asset = await amend(cast, asset, properties={"stage": "ended"})
    assert (asset.ended_at is not None, asset.on_map) == (True, False)
    asset = await amend(cast, asset, properties={"stage": "active"})
    assert (asset.ended_at, asset.on_map) == (None, True)
    assert await cast.steps("asset", asset.id) == ["published", "ended", "active"]
    born_ended = await cast.pin(stage="ended")
    assert (born_ended.ended_at is not None, born_ended.on_map) == (True, False)


# The author's word and the moderator's -------------------------------------------------------------------------------


async def test_a_draft_is_published_by_its_author_and_never_becomes_one_again(cast: Cast) -> None:
    asset = await cast.pin(state="draft")
    asset = await amend(cast, asset, properties={"title": "Better"})
    assert asset.state == "draft"
    asset = await amend(cast, asset, properties={"state": "published"})
    assert (asset.state, asset.published_at is not None) == ("published", True)
    with pytest.raises(errors.IllegalTransition):
        await amend(cast, asset, properties={"state": "draft"})
    held = await amend(cast, await cast.pin(state="draft"), hold=True, properties={"state": "published"})
    assert held.state == "pending"


async def test_what_was_withdrawn_comes_back_by_its_authors_word(cast: Cast) -> None:
    asset = await cast.pin()
    first = asset.published_at
    await assets.withdraw(cast.session, cast["owner"], asset.uid, None)
    assert (asset.state, asset.version) == ("withdrawn", 2)
    asset = await amend(cast, asset, properties={"title": "Not yet"})
    assert asset.state == "withdrawn"
    asset = await amend(cast, asset, hold=True, properties={"state": "published"})
    assert (asset.state, asset.published_at) == ("published", first)
    assert await cast.steps("asset", asset.id) == ["published", "withdrawn", "published"]
    await assets.withdraw(cast.session, cast["owner"], asset.uid, None)
    with pytest.raises(errors.IllegalTransition):
        await assets.withdraw(cast.session, cast["owner"], asset.uid, None)


async def test_an_author_cannot_bring_back_what_a_moderator_hid_by_withdrawing_it_first(cast: Cast) -> None:
    asset = await cast.pin()
    await moderation.hide(cast.session, cast["officer"], asset.uid, why="It names a child.")
    assert (await amend(cast, asset, properties={"state": "published"})).state == "hidden"
    await assets.withdraw(cast.session, cast["owner"], asset.uid, None)
    with pytest.raises(errors.Conflict, match="moderator"):
        await amend(cast, asset, properties={"state": "published"})
    assert asset.state == "withdrawn"


@pytest.mark.parametrize("state", ["published", "draft"])
async def test_an_author_cannot_publish_what_waits_for_a_moderator_by_withdrawing_it_first(
    cast: Cast, state: str
) -> None:
    asset = await cast.pin(hold=True, state=state)
    await assets.withdraw(cast.session, cast["owner"], asset.uid, None)
    with pytest.raises(errors.Conflict, match="moderator"):
        await amend(cast, asset, hold=True, properties={"state": "published"})


async def test_a_draft_that_was_withdrawn_may_be_published_where_nothing_is_held(cast: Cast) -> None:
    asset = await cast.pin(state="draft")
    await assets.withdraw(cast.session, cast["owner"], asset.uid, None)
    assert (await amend(cast, asset, properties={"state": "published"})).state == "published"


async def test_an_author_may_mend_what_is_hidden_and_it_stays_hidden(cast: Cast) -> None:
    asset = await cast.pin(title="With a name")
    await moderation.hide(cast.session, cast["officer"], asset.uid, why="It names a child.")
    asset = await amend(cast, asset, properties={"title": "Without"})
    assert (asset.title, asset.state, asset.on_map) == ("Without", "hidden", False)


# Ending by date ------------------------------------------------------------------------------------------------------


async def test_what_is_over_is_ended_once_and_nothing_else(cast: Cast) -> None:
    over = await cast.pin("owner", "event", ends_at=(NOW - timedelta(seconds=1)).isoformat())
    later = await cast.pin("owner", "event", ends_at=(NOW + timedelta(hours=1)).isoformat())
    ever = await cast.pin("owner", "event")
    assert await assets.end_past(cast.session, cast["system"]) == 1
    assert await assets.end_past(cast.session, cast["system"]) == 0
    for asset in (over, later, ever):
        await cast.session.refresh(asset)
    assert [asset.stage for asset in (over, later, ever)] == ["ended", "planned", "planned"]
    assert (over.on_map, over.ended_at) == (False, over.ends_at)
    assert await cast.steps("asset", over.id) == ["published", "ended"]
    assert await cast.values("SELECT verb FROM history WHERE verb = 'assets.end'") == ["assets.end"]
