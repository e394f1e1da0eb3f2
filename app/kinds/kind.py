"""What a content type declares. Each kind is one file beside this one; everything else is derived from it."""

from dataclasses import dataclass, field
from typing import Any, Literal

from app import lifecycles
from app.wire import Wire

Shape = Literal["circle", "diamond", "heart", "square", "pentagon", "triangle", "star", "hexagon", "cross", "drop"]
GeometryType = Literal["Point", "LineString", "MultiLineString", "Polygon", "MultiPolygon"]

POINTS: tuple[GeometryType, ...] = ("Point",)
ANY_SHAPE: tuple[GeometryType, ...] = ("Point", "LineString", "MultiLineString", "Polygon", "MultiPolygon")


class Details(Wire):
    """The fields that only this kind has, kept as one validated document. Every field has a default or is required."""


@dataclass(frozen=True)
class Kind:
    """A content type: its names, its own fields, how it is drawn, and an example that round-trips."""

    name: str
    plural: str
    details: type[Details]
    icon: str
    """A Lucide icon."""
    shape: Shape
    colour: str
    """#rrggbb, at least 3 : 1 against the map's ground."""
    example: dict[str, Any]
    """A document as POST /api/v1/assets takes it, without kind."""
    geometries: tuple[GeometryType, ...] = ANY_SHAPE
    location_class: str = "place"
    """The finest location class that an author may choose, and the default."""
    stages: tuple[str, ...] = lifecycles.STAGES
    default_stage: str = "active"
    takes_proposals: bool = False
    """People may propose actions for it, and it may say what it needs."""
    columns: dict[str, str] = field(default_factory=dict)
    """Column names of foreign tables → our field, for imports of this kind."""
