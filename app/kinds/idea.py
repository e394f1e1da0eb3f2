"""An idea: an improvement or an ambition that nobody has started yet."""

from typing import Annotated, Literal

from pydantic import Field

from app.kinds.kind import Details, Kind
from app.wire import Text


class IdeaDetails(Details):
    """What sort of idea it is."""

    nature: Annotated[Literal["improvement", "ambition"], Field(title="What sort of idea")] = "improvement"
    first_step: Annotated[Text, Field(max_length=500, title="A first step could be")] = ""


KIND = Kind(
    name="idea",
    plural="ideas",
    details=IdeaDetails,
    icon="lightbulb",
    shape="diamond",
    colour="#8a4b00",
    default_stage="planned",
    takes_proposals=True,
    example={
        "geometry": {"type": "Point", "coordinates": [-0.1165, 51.4572]},
        "properties": {
            "title": "Benches along the climb",
            "summary": "Somewhere to rest half-way up the hill.",
            "theme": "older-people",
            "stage": "planned",
            "details": {"nature": "improvement", "first_step": "Ask the shops who would look after one."},
        },
    },
)
