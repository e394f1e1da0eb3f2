"""Every figure of every report, defined once: its name in files, its label, its unit and what exactly it counts."""

from dataclasses import dataclass

from app import kinds, lifecycles
from app.kinds import Kind


@dataclass(frozen=True)
class Figure:
    """One column of a report."""

    name: str
    label: str
    unit: str
    definition: str
    counts_persons: bool = False
    """True when a small figure could point at somebody: such a figure is subject to app.reports.small_counts."""


_ON_SHOW = "published, open to everybody and not ended"


def _of_kind(kind: Kind) -> Figure:
    return Figure(
        kind.plural, kind.plural.capitalize(), "assets", f"Assets of the kind '{kind.name}' that are {_ON_SHOW}."
    )


def _of_proposals(state: str) -> Figure:
    counted = f"Actions proposed for these assets whose state is '{state}'."
    return Figure(f"proposals_{state}", f"Proposals: {state}", "proposals", counted)


def _of_pledges(state: str) -> Figure:
    counted = f"Promises of time to these proposals whose state is '{state}'. Counts persons."
    return Figure(f"pledges_{state}", f"Pledges: {state}", "pledges", counted, counts_persons=True)


TOTAL = Figure("total_assets", "All assets", "assets", f"Assets of every kind that are {_ON_SHOW}.")
NEW = Figure("new_assets", "New assets", "assets", "Those of all assets that were first published in the period.")
APPRECIATIONS = Figure(
    "appreciations", "Appreciations", "thanks", "Thanks given to these assets; each person thanks an asset once."
)
OPEN_NEEDS = Figure("open_needs", "Open needs", "needs", "What these assets ask for and have not got in full yet.")
PROPOSALS = tuple(_of_proposals(state) for state in lifecycles.states("proposal"))
PLEDGES = tuple(_of_pledges(state) for state in lifecycles.states("pledge"))
HOURS_PROMISED = Figure(
    "hours_promised",
    "Hours promised",
    "hours",
    "Hours of the pledges that are pledged, confirmed or fulfilled. Counts persons.",
    counts_persons=True,
)
HOURS_GIVEN = Figure(
    "hours_given",
    "Hours given",
    "hours",
    "Hours that were really given to fulfilled pledges. Counts persons.",
    counts_persons=True,
)


def of_wards(*, period: bool = False) -> tuple[Figure, ...]:
    """The columns of the ward report, in their order; a kind that was added is among them."""
    by_kind = tuple(_of_kind(kind) for kind in kinds.ALL)
    new = (NEW,) if period else ()
    public = (*by_kind, TOTAL, *new, APPRECIATIONS, OPEN_NEEDS, *PROPOSALS)
    return (*public, *PLEDGES, HOURS_PROMISED, HOURS_GIVEN)
