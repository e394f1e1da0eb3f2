"""The document of an asset as callers write it: a GeoJSON Feature whose properties are told apart by `kind`.

Built from the registry, so a new kind needs nothing here. The same type checks a new asset and the outcome of a
merge patch on an old one.
"""

import uuid
from typing import TYPE_CHECKING, Annotated, Any, Literal, Self, Union

from pydantic import Field, TypeAdapter, create_model, model_validator

from app import kinds
from app.kinds.kind import Details, Kind
from app.wire import Geometry, Instant, Line, Text, Url, Wire

Theme = Literal[
    "food", "green", "health", "young-people", "older-people", "skills-work", "arts", "energy",
    "transport", "safety", "housing", "faith", "sport", "other",
]  # fmt: skip
Stage = Literal["planned", "active", "ended"]
Via = Literal["web", "app", "shop", "street", "paper"]
LocationClass = Literal["place", "person", "shielded"]


class AssetProperties(Wire):
    """What every kind has. The kinds narrow `kind`, `details`, `stage` and `location_class`."""

    kind: str
    title: Annotated[Line, Field(max_length=160)]
    summary: Annotated[Text, Field(max_length=500)] = ""
    body: Annotated[Text, Field(max_length=20_000, description="The story, in Markdown.")] = ""
    theme: Theme = "other"
    stage: Stage = "active"
    state: Annotated[
        Literal["draft", "published"], Field(description="'draft' keeps it to yourself until you publish it.")
    ] = "published"
    audience: Annotated[
        Literal["public", "members"], Field(description="'members' shows it only to the members of its community.")
    ] = "public"
    community: Annotated[uuid.UUID | None, Field(description="uid of the community that it belongs to.")] = None
    organiser: Annotated[Text, Field(max_length=160)] = ""
    website: Url | None = None
    licence: Annotated[Text, Field(max_length=80)] | None = None
    attribution: Annotated[Text, Field(max_length=400)] | None = None
    area: Annotated[
        Line | None,
        Field(max_length=20, description="Code of the area that it belongs to as a whole, instead of a geometry."),
    ] = None
    location_class: Annotated[
        LocationClass,
        Field(description="'place' shows the place, 'person' only its map cell of about 400 m, 'shielded' no place."),
    ] = "place"
    starts_at: Instant | None = None
    ends_at: Instant | None = None
    via: Annotated[Via, Field(description="How it came to us.")] = "web"
    consent: Annotated[
        Text | None, Field(max_length=300, description="When entered for somebody else: how they agreed.")
    ] = None
    details: Details = Details()

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.starts_at and self.ends_at and self.ends_at < self.starts_at:
            raise ValueError("ends_at must not be before starts_at.")
        if self.audience == "members" and self.community is None:
            raise ValueError("An asset for members needs the community whose members may see it.")
        return self


def properties_of(kind: Kind) -> type[AssetProperties]:
    """The properties of one kind: its details, its stages, and no location class finer than its own."""
    classes = ("place", "person", "shielded")
    coarser = classes[classes.index(kind.location_class) :]
    return create_model(
        f"{kind.name.capitalize()}Properties",
        __base__=AssetProperties,
        __doc__=kind.details.__doc__,
        kind=(Literal[kind.name], ...),  # type: ignore[arg-type,valid-type,unused-ignore]
        stage=(Literal[kind.stages], kind.default_stage),  # type: ignore[arg-type,valid-type,unused-ignore]
        location_class=(Literal[coarser], kind.location_class),  # type: ignore[arg-type,valid-type,unused-ignore]
        details=(kind.details, Field(default_factory=kind.details)),
    )


if TYPE_CHECKING:
    AnyProperties = AssetProperties
else:
    AnyProperties = Annotated[
        Union[tuple(properties_of(kind) for kind in kinds.ALL)],  # noqa: UP007  a union made at run time
        Field(discriminator="kind"),
    ]


class AssetDocument(Wire):
    """An asset as a GeoJSON Feature (RFC 7946). `id` is its uid: send your own to make a retry safe."""

    type: Literal["Feature"]
    id: uuid.UUID | None = None
    geometry: Geometry | None = None
    properties: AnyProperties

    @model_validator(mode="after")
    def _place(self) -> Self:
        kind = kinds.BY_NAME[self.properties.kind]
        if self.geometry and self.geometry.type not in kind.geometries:
            raise ValueError(f"The geometry of a {kind.name} must be one of: {', '.join(kind.geometries)}.")
        if self.geometry and self.properties.area:
            raise ValueError("Give a geometry or an area, not both: an area stands for the whole of it.")
        return self


ADAPTER: TypeAdapter[AssetDocument] = TypeAdapter(AssetDocument)


def example(kind: Kind) -> dict[str, Any]:
    """The kind's example as a whole document."""
    return {
        "type": "Feature",
        "geometry": kind.example["geometry"],
        "properties": {"kind": kind.name, **kind.example["properties"]},
    }
