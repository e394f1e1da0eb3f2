"""An offer: what a person or a group offers to others. It is shown where it roughly is, never at the door."""

from typing import Annotated, Literal

from pydantic import Field

from app.kinds.kind import POINTS, Details, Kind
from app.wire import Text


class OfferDetails(Details):
    """What is offered, when, and how far it reaches."""

    nature: Annotated[Literal["skill", "advice", "thing", "space", "money"], Field(title="What you offer")] = "skill"
    availability: Annotated[Text, Field(max_length=300, title="When")] = ""
    reach_m: Annotated[int, Field(strict=True, ge=0, le=50_000, title="How far it reaches, in metres")] = 2000


KIND = Kind(
    name="offer",
    plural="offers",
    details=OfferDetails,
    icon="hand-heart",
    shape="heart",
    colour="#a8324a",
    geometries=POINTS,
    location_class="person",
    stages=("active", "ended"),
    example={
        "geometry": {"type": "Point", "coordinates": [-0.1265, 51.4601]},
        "properties": {
            "title": "I can mend bicycles",
            "summary": "Punctures, brakes, gears. Bring the bike, I have the stand.",
            "theme": "transport",
            "stage": "active",
            "details": {"nature": "skill", "availability": "Sunday mornings", "reach_m": 3000},
        },
    },
)
