"""A group: an association, a network, a club, a congregation."""

from typing import Annotated

from pydantic import Field

from app.kinds.kind import Details, Kind
from app.wire import Text


class GroupDetails(Details):
    """When it meets and whether it takes new members."""

    meets: Annotated[Text, Field(max_length=300, title="When and where it meets")] = ""
    open_to_new_members: Annotated[bool, Field(strict=True, title="Open to new members")] = True
    address: Annotated[Text, Field(max_length=300, title="Address")] = ""


KIND = Kind(
    name="group",
    plural="groups",
    details=GroupDetails,
    icon="users",
    shape="triangle",
    colour="#00697a",
    example={
        "geometry": {"type": "Point", "coordinates": [-0.1201, 51.4405]},
        "properties": {
            "title": "Hill Road singers",
            "summary": "A choir that takes everybody.",
            "theme": "arts",
            "stage": "active",
            "details": {"meets": "Wednesdays at seven, church hall", "open_to_new_members": True},
        },
    },
)
