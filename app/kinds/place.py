"""A place: a building, a garden, a room, a green space, or a spot that nobody loves yet."""

from typing import Annotated, Literal

from pydantic import Field

from app.kinds.kind import Details, Kind
from app.wire import Text


class PlaceDetails(Details):
    """How the place is used and how one gets in."""

    use: Annotated[Literal["in-use", "partly-used", "unused"], Field(title="Is it used?")] = "in-use"
    access: Annotated[Text, Field(max_length=300, title="Access")] = ""
    address: Annotated[Text, Field(max_length=300, title="Address")] = ""
    telephone: Annotated[Text, Field(max_length=60, title="Telephone of the place")] = ""


KIND = Kind(
    name="place",
    plural="places",
    details=PlaceDetails,
    icon="trees",
    shape="square",
    colour="#2a5c9a",
    takes_proposals=True,
    columns={"address": "details.address", "telephone": "details.telephone"},
    example={
        "geometry": {
            "type": "Polygon",
            "coordinates": [
                [[-0.1082, 51.4508], [-0.1068, 51.4508], [-0.1068, 51.4516], [-0.1082, 51.4516], [-0.1082, 51.4508]]
            ],
        },
        "properties": {
            "title": "The old bowling green",
            "summary": "Flat, fenced and empty since the club closed.",
            "theme": "green",
            "stage": "active",
            "details": {"use": "unused", "access": "Gate on the park side", "address": "", "telephone": ""},
        },
    },
)
