"""A service: help that an organisation provides, at a place or for a whole area."""

from typing import Annotated, Literal

from pydantic import Field

from app.kinds.kind import Details, Kind
from app.wire import Text


class ServiceDetails(Details):
    """Who provides it, for whom, when, and what it costs."""

    provider: Annotated[Text, Field(max_length=160, title="Provided by")] = ""
    for_whom: Annotated[Text, Field(max_length=300, title="For whom")] = ""
    cost: Annotated[Literal["free", "low-cost", "paid", "unknown"], Field(title="Cost")] = "unknown"
    hours: Annotated[Text, Field(max_length=300, title="Opening hours")] = ""
    address: Annotated[Text, Field(max_length=300, title="Address")] = ""
    telephone: Annotated[Text, Field(max_length=60, title="Telephone")] = ""


KIND = Kind(
    name="service",
    plural="services",
    details=ServiceDetails,
    icon="life-buoy",
    shape="pentagon",
    colour="#5b4a9e",
    columns={
        "address": "details.address",
        "telephone": "details.telephone",
        "hours": "details.hours",
        "provider": "details.provider",
    },
    example={
        "geometry": {"type": "Point", "coordinates": [-0.1139, 51.4623]},
        "properties": {
            "title": "Debt advice at the library",
            "summary": "Free and confidential, no appointment.",
            "theme": "skills-work",
            "stage": "active",
            "details": {"provider": "Citizens' advice", "for_whom": "Anyone", "cost": "free", "hours": "Tue 10 to 13"},
        },
    },
)
