"""An event: something with a date. Its times are starts_at and ends_at of the asset; it ends by itself."""

from typing import Annotated

from pydantic import Field

from app.kinds.kind import Details, Kind
from app.wire import Text, Url


class EventDetails(Details):
    """Where, what it costs, and how to book."""

    venue: Annotated[Text, Field(max_length=300, title="Venue")] = ""
    cost: Annotated[Text, Field(max_length=120, title="Cost")] = ""
    booking: Annotated[Url | None, Field(title="Booking page")] = None


KIND = Kind(
    name="event",
    plural="events",
    details=EventDetails,
    icon="calendar-heart",
    shape="star",
    colour="#9c3d00",
    default_stage="planned",
    example={
        "geometry": {"type": "Point", "coordinates": [-0.1092, 51.4521]},
        "properties": {
            "title": "Seed swap",
            "summary": "Bring seeds, take seeds.",
            "theme": "food",
            "stage": "planned",
            "starts_at": "2030-03-02T10:00:00Z",
            "ends_at": "2030-03-02T13:00:00Z",
            "details": {"venue": "Park lodge", "cost": "Free"},
        },
    },
)
