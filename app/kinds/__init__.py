"""The content types. To add one: write its file, add it to this list, add its labels to app/locale/."""

from app.kinds import event, group, idea, offer, place, project, service
from app.kinds.kind import Details, Kind

ALL: tuple[Kind, ...] = (
    project.KIND,
    idea.KIND,
    offer.KIND,
    place.KIND,
    service.KIND,
    group.KIND,
    event.KIND,
)

BY_NAME: dict[str, Kind] = {kind.name: kind for kind in ALL}

__all__ = ["ALL", "BY_NAME", "Details", "Kind"]
