"""A town full of facts made by a fixed dice, and a second way to count them: in plain Python, without a database."""

import math
import random
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncSession

from app import kinds, lifecycles
from app.geo import areas as ground
from app.models import Appreciation, Area, Asset, Need, Pledge, Proposal, Update
from app.reports import figures
from tests import factories
from tests.factories import BOROUGH, FAR_WARD, HERE, NORTH, NOWHERE, SOUTH, THERE

IN_SOUTH = (-0.1143, 51.43)
NEARBY = (HERE[0] + 0.001, HERE[1])
#: Point → the ward that it lies in.
WARD_OF = {HERE: NORTH, NEARBY: NORTH, IN_SOUTH: SOUTH, THERE: FAR_WARD, NOWHERE: "In no ward", None: "In no ward"}
NOW = datetime.now(UTC)
FITS = {
    "people": {"skill", "advice"}, "skill": {"skill", "advice"}, "training": {"skill", "advice"}, "space": {"space"},
    "equipment": {"thing"}, "money": {"money"}, "permission": set(),
}  # fmt: skip
POPULATION = {NORTH: 8000, SOUTH: 12500}


@dataclass
class Known:
    """What the test knows of an asset that it made."""

    row: Asset
    at: tuple[float, float] | None
    wide: str | None = None
    needs: list[Need] = field(default_factory=list)
    proposals: list[Proposal] = field(default_factory=list)
    pledges: list[Pledge] = field(default_factory=list)
    thanks: int = 0
    reported: datetime | None = None

    @property
    def shown(self) -> bool:
        row = self.row
        return row.state == "published" and row.audience == "public" and row.stage != "ended"

    @property
    def ward(self) -> str:
        if self.wide:
            return self.wide if self.wide in (NORTH, SOUTH, FAR_WARD) else "Area-wide"
        return WARD_OF[self.at]


class World:
    """Assets with all that hangs on them, made by a fixed dice."""

    def __init__(self, seed: int) -> None:
        self.dice = random.Random(seed)
        self.known: list[Known] = []
        self.people: list[int] = []

    async def make(self, session: AsyncSession, size: int) -> "World":
        await factories.draw_areas(session)
        for code, people in POPULATION.items():
            await session.execute(update(Area).where(Area.code == code).values(population=people))
        self.people = [(await factories.person(session, f"Person {n}")).id for n in range(12)]
        self.community, _ = await factories.community(session, "Gardeners", {})
        for _ in range(size):
            await self.pin(session)
        return self

    async def pin(self, session: AsyncSession, **given: Any) -> Known:
        dice, kind = self.dice, given.pop("kind", None) or self.dice.choice(list(kinds.BY_NAME))
        at = given.pop("at", dice.choice([*WARD_OF]))
        wide = dice.choice([None, None, None, BOROUGH, SOUTH]) if at is None else None
        details = {
            "offer": {"nature": dice.choice(figures.NATURES), "reach_m": dice.choice([500, 5000])},
            "place": {"use": dice.choice(["in-use", "partly-used", "unused"])},
        }.get(kind, {})
        members = dice.random() < 0.1
        words = {
            "kind": kind, "title": "A thing", "theme": dice.choice(lifecycles.THEMES[:4]), "details": details,
            "stage": dice.choice(["active", "active", "planned", "ended"]),
            "state": dice.choice(["published"] * 5 + ["hidden"]), "audience": "members" if members else "public",
            "community_id": self.community if members else None,
            "published_at": NOW - timedelta(days=dice.randrange(90)),
            "updated_at": NOW - timedelta(days=dice.choice([3, 200, 900, 1500])),
        } | given  # fmt: skip
        area = await session.scalar(select(Area.id).where(Area.code == wide)) if wide else None
        row = Asset(geom=f"SRID=4326;POINT({at[0]} {at[1]})" if at else None, area_id=area, **words)
        session.add(row)
        await session.flush()
        await ground.assign(session, [row.id])
        one = Known(row, at, wide)
        self.known.append(one)
        await self._hang(session, one)
        return one

    async def _hang(self, session: AsyncSession, one: Known) -> None:
        dice, asset = self.dice, one.row.id
        for _ in range(dice.randrange(3)):
            one.needs.append(self.need(asset))
        one.thanks = dice.randrange(4)
        session.add_all(Appreciation(asset_id=asset, person_id=who) for who in dice.sample(self.people, one.thanks))
        for _ in range(dice.randrange(2)):
            one.proposals.append(
                Proposal(asset_id=asset, title="Dig", state=dice.choice(lifecycles.states("proposal")))
            )
        session.add_all([*one.needs, *one.proposals])
        await session.flush()
        for proposal in one.proposals:
            for who in dice.sample(self.people, dice.randrange(4)):
                state = dice.choice(lifecycles.states("pledge"))
                hours = 2 if state == "fulfilled" else None
                one.pledges.append(
                    Pledge(proposal_id=proposal.id, person_id=who, state=state, hours_promised=3, hours_given=hours)
                )
        session.add_all(one.pledges)
        if dice.random() < 0.2:
            one.reported = NOW - timedelta(days=dice.choice([10, 1000]))
            session.add(Update(asset_id=asset, text="It grows", created_at=one.reported))
        await session.flush()

    def need(self, asset_id: int) -> Need:
        dice = self.dice
        state, blocking = dice.choice(["open", "open", "met", "closed"]), dice.random() < 0.3
        met = 3 if state == "met" else dice.randrange(3)
        return Need(
            asset_id=asset_id, kind=dice.choice(lifecycles.NEED_KINDS), title="Hands", quantity=3, met=met, state=state,
            blocking=blocking, report_back_on=NOW.date() if blocking else None,
        )  # fmt: skip


# ── the second way to count ─────────────────────────────────────────────────────────────────


def _metres(one: tuple[float, float], other: tuple[float, float]) -> float:
    wide = (one[0] - other[0]) * math.cos(math.radians(51.5))
    return math.hypot(wide, one[1] - other[1]) * 111_195


def _unanswered(need: Need, one: Known, known: list[Known]) -> bool:
    if need.state != "open" or one.at is None or not FITS[need.kind]:
        return False
    offers = [other for other in known if other.shown and other.row.kind == "offer" and other.at]
    return not any(
        offer.row.details["nature"] in FITS[need.kind] and _metres(offer.at, one.at) <= offer.row.details["reach_m"]
        for offer in offers
        if offer.at
    )


def _month(day: datetime) -> int:
    return day.year * 12 + day.month


def _of_asset(one: Known, known: list[Known]) -> Counter[str]:
    row, found = one.row, Counter[str]()
    kind = kinds.BY_NAME[row.kind]
    found.update([kind.plural, "total_assets", f"theme_{row.theme.replace('-', '_')}", f"stage_{row.stage}"])
    found["appreciations"] += one.thanks
    touched = max(row.updated_at, one.reported or row.updated_at)
    found["stale_assets"] += _month(NOW) - _month(touched) > 24
    if row.kind == "offer":
        found.update([f"offers_{row.details['nature']}", f"offers_theme_{row.theme.replace('-', '_')}"])
    found["gap_unused_spaces"] += row.kind == "place" and row.details["use"] == "unused"
    for need in one.needs:
        if need.state == "open":
            found.update(["open_needs", f"open_needs_{need.kind}"])
            found["partly_met_needs"] += need.met > 0
            found["blocking_needs"] += need.blocking
        found["met_needs"] += need.state == "met"
        found["gap_needs_without_offers"] += _unanswered(need, one, known)
    found.update(f"proposals_{proposal.state}" for proposal in one.proposals)
    return found


def counted(known: list[Known]) -> dict[str, Counter[str]]:
    """Ward, or the name of a row without one, → figure → how many."""
    found: dict[str, Counter[str]] = defaultdict(Counter)
    ideas, projects = defaultdict[str, set[str]](set), defaultdict[str, set[str]](set)
    for one in known:
        if one.shown:
            found[one.ward].update(_of_asset(one, known))
            {"idea": ideas, "project": projects}.get(one.row.kind, defaultdict(set))[one.ward].add(one.row.theme)
    for ward in (NORTH, SOUTH, FAR_WARD):
        found[ward]["gap_themes_without_projects"] = len(ideas[ward] - projects[ward])
    return found
