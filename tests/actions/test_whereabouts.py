"""Where somebody who offers something is: shown roughly, kept exactly where no reader comes."""

import itertools
from typing import Any

import pytest

from app import errors
from tests.actions.conftest import Cast, amend, doc, point
from tests.factories import HERE, NORTH

CELL = (-0.1126099, 51.4625637)


async def test_an_offer_is_shown_at_the_centre_of_its_cell_and_kept_exactly_in_the_vault_only(cast: Cast) -> None:
    offer = await cast.pin("owner", "offer")
    assert await point(cast, offer) == pytest.approx(CELL, abs=1e-6)
    for column in ("before", "after"):
        told = await cast.values(f"SELECT {column}::text FROM history WHERE thing_uid = :uid", uid=offer.uid)
        assert not any("51.4613" in (text or "") for text in told)
    assert offer.ward == NORTH


async def test_a_patch_of_words_does_not_move_a_snapped_point_and_its_own_answer_may_be_sent_back(cast: Cast) -> None:
    offer = await cast.pin("owner", "offer")
    public = await point(cast, offer)
    assert public is not None
    offer = await amend(cast, offer, properties={"title": "I can also sew"})
    assert await point(cast, offer) == public
    offer = await amend(cast, offer, geometry={"type": "Point", "coordinates": list(public)})
    assert await point(cast, offer) == public


@pytest.mark.parametrize("classes", list(itertools.product(["place", "person", "shielded"], repeat=3)))
@pytest.mark.parametrize("again", [True, False], ids=["sent again", "sent once"])
async def test_the_public_point_is_a_function_of_the_place_and_the_class(
    cast: Cast, classes: tuple[str, ...], again: bool
) -> None:
    """Whatever classes an asset went through: never finer than its class, and exact only while it always was."""
    asset = await cast.pin("owner", location_class=classes[0])
    finest = classes[0]
    order = ["place", "person", "shielded"]
    for wanted in classes[1:]:
        patch: dict[str, Any] = {"properties": {"location_class": wanted}}
        patch |= {"geometry": {"type": "Point", "coordinates": list(HERE)}} if again else {}
        asset = await amend(cast, asset, **patch)
        finest = wanted if again else max(finest, wanted, key=order.index)
    expected = {"place": HERE, "person": CELL, "shielded": None}[finest]
    found = await point(cast, asset)
    assert found == (pytest.approx(expected, abs=1e-6) if expected else None)
    assert asset.location_class == classes[-1]
    assert (asset.ward is None) == (expected is None)


@pytest.mark.parametrize("chosen", ["place", "nonsense"])
async def test_an_offer_cannot_choose_to_be_finer(cast: Cast, chosen: str) -> None:
    with pytest.raises(ValueError, match="location_class"):
        doc("offer", location_class=chosen)
    offer = await cast.pin("owner", "offer")
    with pytest.raises(errors.Invalid, match="location_class"):
        await amend(cast, offer, properties={"location_class": chosen})
