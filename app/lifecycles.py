"""The states of everything that has a life, and the steps between them.

The database holds the same steps in the table `transition` and refuses every other one (trigger `check_transition`);
a test compares both.
"""

from typing import Final

THEMES: Final = (
    "food", "green", "health", "young-people", "older-people", "skills-work", "arts", "energy",
    "transport", "safety", "housing", "faith", "sport", "other",
)  # fmt: skip
STAGES: Final = ("planned", "active", "ended")
AUDIENCES: Final = ("public", "members")
LINK_KINDS: Final = ("grew_from", "part_of", "at_place", "partner_of")
NEED_KINDS: Final = ("people", "skill", "space", "equipment", "money", "permission", "training")
VIA: Final = ("web", "app", "shop", "street", "paper", "import")
#: safety.md's classes as built: `place` shows the place itself, `person` one map cell, `shielded` no place at all.
LOCATION_CLASSES: Final = ("place", "person", "shielded")
ROLES: Final = ("resident", "operator")
SCOPES: Final = ("assets:read", "assets:write", "take-part", "reports:read", "moderate")
#: What can be ordered and is done in the background.
JOBS: Final = ("report", "import.preview", "import.run", "import.undo")
OFFICES: Final = ("officer", "councillor")
IMPORT_STATES: Final = (
    "waiting", "previewing", "previewed", "bringing-in", "done", "failed", "undoing", "undone",
)  # fmt: skip
#: What became of a row of a file; `kept` is an asset that undoing left, because people have touched it since.
ROW_FATES: Final = ("created", "updated", "conflict", "unplaced", "rejected", "retired", "duplicate", "kept")
LEVELS: Final = ("neighbourhood", "ward", "borough", "county", "region", "country")

#: thing → state → the states that may follow
STEPS: Final[dict[str, dict[str, tuple[str, ...]]]] = {
    "asset": {
        "draft": ("pending", "published", "withdrawn", "removed"),
        "pending": ("published", "hidden", "withdrawn", "removed"),
        "published": ("hidden", "withdrawn", "removed"),
        "hidden": ("published", "withdrawn", "removed"),
        "withdrawn": ("published", "removed"),
        "removed": (),
    },
    "comment": {
        "pending": ("published", "hidden", "withdrawn", "removed"),
        "published": ("hidden", "withdrawn", "removed"),
        "hidden": ("published", "withdrawn", "removed"),
        "withdrawn": ("removed",),
        "removed": (),
    },
    "need": {"open": ("met", "closed"), "met": ("open",), "closed": ("open",)},
    "proposal": {
        "proposed": ("accepted", "declined", "withdrawn"),
        "accepted": ("done", "withdrawn"),
        "declined": (),
        "done": (),
        "withdrawn": (),
    },
    "pledge": {
        "pledged": ("confirmed", "withdrawn"),
        "confirmed": ("fulfilled", "missed", "withdrawn"),
        "fulfilled": (),
        "missed": (),
        "withdrawn": (),
    },
    "link": {"asked": ("agreed", "declined"), "agreed": (), "declined": ("asked",)},
    "flag": {"open": ("upheld", "dismissed"), "upheld": (), "dismissed": ()},
    "job": {
        "waiting": ("working", "cancelled"),
        "working": ("waiting", "done", "failed", "cancelled"),
        "done": (),
        "failed": (),
        "cancelled": (),
    },
}


def states(thing: str) -> tuple[str, ...]:
    """Every state of a thing, in the order of its life."""
    return tuple(STEPS[thing])
