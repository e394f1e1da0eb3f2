"""Every figure of every report, defined once: its name in files, its label, its unit and what exactly it counts."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal, get_args

from app import kinds, lifecycles, locale
from app.kinds import Kind
from app.kinds.offer import OfferDetails

Group = Literal[
    "assets", "themes", "stages", "change", "needs", "offers", "gaps", "proposals", "pledges", "density"
]  # fmt: skip

#: What an offer of which nature can answer. A permission is nobody's to offer, so its lack is never a gap.
ANSWERED_BY: dict[str, tuple[str, ...]] = {
    "people": ("skill", "advice"),
    "skill": ("skill", "advice"),
    "training": ("skill", "advice"),
    "space": ("space",),
    "equipment": ("thing",),
    "money": ("money",),
}
NATURES: tuple[str, ...] = get_args(OfferDetails.model_fields["nature"].annotation)
#: An entry that nobody touched for so many whole calendar months is stale.
STALE_MONTHS = 24
#: A theme stands out with so many assets in an area, and so many times its share on the whole map.
STRONG_ASSETS, STRONG_TIMES = 5, 1.5


@dataclass(frozen=True)
class Figure:
    """One column of a report."""

    name: str
    label: str
    unit: str
    definition: str
    group: Group
    counts_persons: bool = False
    """True when a small figure could point at somebody: such a figure is subject to app.reports.small_counts."""


_ON_SHOW = "published, open to everybody and not ended"


def column(prefix: str, word: str) -> str:
    """The name of the figure of a theme, nature or state: hyphens are no part of names."""
    return f"{prefix}_{word.replace('-', '_')}"


def _of_kind(kind: Kind) -> Figure:
    counted = f"Assets of the kind '{kind.name}' that are {_ON_SHOW}."
    return Figure(kind.plural, kind.plural.capitalize(), "assets", counted, "assets")


def _of_theme(theme: str) -> Figure:
    counted = f"Those of all assets whose theme is '{theme}'; each asset has one theme."
    return Figure(column("theme", theme), locale.catalogue()["themes"][theme], "assets", counted, "themes")


def _of_stage(stage: str) -> Figure:
    counted = f"Those of all assets whose stage is '{stage}'."
    return Figure(f"stage_{stage}", locale.catalogue()["stages"][stage], "assets", counted, "stages")


def _of_need(kind: str) -> Figure:
    counted = f"Those of the open needs that ask for: {kind}."
    return Figure(f"open_needs_{kind}", f"Open needs: {kind}", "needs", counted, "needs")


def _of_nature(nature: str) -> Figure:
    counted = f"Those of the offers whose nature is '{nature}'."
    return Figure(f"offers_{nature}", f"Offers: {nature}", "assets", counted, "offers")


def _of_offered_theme(theme: str) -> Figure:
    counted = f"Those of the offers whose theme is '{theme}'."
    label = f"Offers: {locale.catalogue()['themes'][theme].lower()}"
    return Figure(column("offers_theme", theme), label, "assets", counted, "offers")


def _of_proposals(state: str) -> Figure:
    counted = f"Actions proposed for these assets whose state is '{state}'."
    return Figure(f"proposals_{state}", f"Proposals: {state}", "proposals", counted, "proposals")


def _of_pledges(state: str) -> Figure:
    counted = f"Promises of time to these proposals whose state is '{state}'. Counts persons."
    return Figure(f"pledges_{state}", f"Pledges: {state}", "pledges", counted, "pledges", counts_persons=True)


def _answers() -> str:
    pairs: dict[tuple[str, ...], list[str]] = {}
    for need, natures in ANSWERED_BY.items():
        pairs.setdefault(natures, []).append(need)
    return "; ".join(f"{', '.join(needs)} by {' or '.join(natures)}" for natures, needs in pairs.items())


TOTAL = Figure("total_assets", "All assets", "assets", f"Assets of every kind that are {_ON_SHOW}.", "assets")
APPRECIATIONS = Figure(
    "appreciations",
    "Appreciations",
    "thanks",
    "Thanks given to these assets; each person thanks an asset once.",
    "assets",
)
NEW = Figure(
    "new_assets", "New assets", "assets", "Those of all assets that were first published in the period.", "change"
)
ENDED = Figure(
    "ended_assets",
    "Ended assets",
    "assets",
    "Assets that are published and open to everybody, and came to their end in the period.",
    "change",
)
STALE = Figure(
    "stale_assets",
    "Stale assets",
    "assets",
    "Those of all assets whose entry nobody has changed, and whose organiser has posted no update, for "
    f"{STALE_MONTHS} whole calendar months. It says that nobody has confirmed them, not that they are gone.",
    "change",
)
OPEN_NEEDS = Figure(
    "open_needs", "Open needs", "needs", "What these assets ask for and have not got in full yet.", "needs"
)
PARTLY_MET = Figure(
    "partly_met_needs", "Partly met needs", "needs", "Those of the open needs of which some is met already.", "needs"
)
MET = Figure("met_needs", "Met needs", "needs", "What these assets asked for and have got in full.", "needs")
BLOCKING = Figure(
    "blocking_needs",
    "Blocking needs",
    "needs",
    "Those of the open needs without which the asset cannot go on; each has a date to report back.",
    "needs",
)
UNANSWERED = Figure(
    "gap_needs_without_offers",
    "Needs without offers",
    "needs",
    "Those of the open needs for which no offer on show that could answer them reaches the place that asks. "
    f"What can answer what: {_answers()}. A permission, and a need without a place on the map, are not counted.",
    "gaps",
)
UNSTARTED = Figure(
    "gap_themes_without_projects",
    "Themes without projects",
    "themes",
    "Themes on which people have ideas here while no project here is about them. Counted for each area by itself.",
    "gaps",
)
UNUSED = Figure(
    "gap_unused_spaces",
    "Unused spaces",
    "assets",
    "Those of the places that are said to be unused; partly used ones are not counted.",
    "gaps",
)
HOURS_PROMISED = Figure(
    "hours_promised",
    "Hours promised",
    "hours",
    "Hours of the pledges that are pledged, confirmed or fulfilled. Counts persons.",
    "pledges",
    counts_persons=True,
)
HOURS_GIVEN = Figure(
    "hours_given",
    "Hours given",
    "hours",
    "Hours that were really given to fulfilled pledges. Counts persons.",
    "pledges",
    counts_persons=True,
)
DENSITY = Figure(
    "assets_per_1000",
    "Assets per 1,000 residents",
    "per 1,000 residents",
    "All assets, for each thousand residents of the area as loaded with its boundary; none where no number is loaded. "
    "In the total: of the areas with a number of residents.",
    "density",
)


def of_wards(*, period: bool = False) -> tuple[Figure, ...]:
    """The columns of the ward report, in their order; a kind that was added is among them."""
    return (
        *map(_of_kind, kinds.ALL), TOTAL, APPRECIATIONS,
        *map(_of_theme, lifecycles.THEMES), *map(_of_stage, ("planned", "active")),
        *((NEW, ENDED) if period else ()), STALE,
        OPEN_NEEDS, PARTLY_MET, MET, *map(_of_need, lifecycles.NEED_KINDS), BLOCKING,
        *map(_of_nature, NATURES), *map(_of_offered_theme, lifecycles.THEMES),
        UNANSWERED, UNSTARTED, UNUSED,
        *map(_of_proposals, lifecycles.states("proposal")),
        *map(_of_pledges, lifecycles.states("pledge")), HOURS_PROMISED, HOURS_GIVEN,
        DENSITY,
    )  # fmt: skip


def public(columns: Iterable[Figure]) -> tuple[Figure, ...]:
    """Those that are never left out."""
    return tuple(figure for figure in columns if not figure.counts_persons)
