"""A project: something that people are doing, or about to do, for their community."""

from typing import Annotated

from pydantic import Field

from app.kinds.kind import Details, Kind
from app.wire import Text


class ProjectDetails(Details):
    """What a project says of itself beyond title and story."""

    how_to_join: Annotated[Text, Field(max_length=500, title="How to join")] = ""
    who_benefits: Annotated[Text, Field(max_length=300, title="Who it is for")] = ""
    address: Annotated[Text, Field(max_length=300, title="Address or meeting point")] = ""


KIND = Kind(
    name="project",
    plural="projects",
    details=ProjectDetails,
    icon="sprout",
    shape="circle",
    colour="#1b6b4a",
    takes_proposals=True,
    example={
        "geometry": {"type": "Point", "coordinates": [-0.1143, 51.4613]},
        "properties": {
            "title": "Edible bus stop",
            "summary": "A growing bed where the 322 stops.",
            "theme": "food",
            "stage": "active",
            "details": {"how_to_join": "Saturdays from ten. Bring gloves.", "who_benefits": "Anyone waiting for a bus"},
        },
    },
)
