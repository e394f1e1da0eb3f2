"""Tables, a file per aggregate. Import from here to be sure that every table is known."""

from app.models.areas import Area, AssetArea, BoundarySet, Postcode
from app.models.assets import Asset, Link, VaultExactPoint, Word
from app.models.imports import ImportRow, ImportRun, Source
from app.models.jobs import File, FilePart, Job
from app.models.participation import Appreciation, Comment, Flag, Need, Pledge, Proposal, Update
from app.models.people import ApiKey, Community, Membership, OfficerArea, Person, Session, VaultContact, VaultSignIn
from app.models.records import (
    History,
    Idempotency,
    MapCell,
    MapChange,
    Outbox,
    RateCounter,
    StateChange,
    Tally,
    TallyChange,
    Transition,
)

__all__ = [
    "ApiKey", "Appreciation", "Area", "Asset", "AssetArea", "BoundarySet", "Comment", "Community", "File", "FilePart",
    "Flag", "History", "Idempotency", "ImportRow", "ImportRun", "Job", "Link", "MapCell", "MapChange", "Membership",
    "Need", "OfficerArea", "Outbox", "Person", "Pledge", "Postcode", "Proposal", "RateCounter", "Session", "Source",
    "StateChange", "Tally", "TallyChange", "Transition", "Update", "VaultContact", "VaultExactPoint", "VaultSignIn",
    "Word",
]  # fmt: skip
