"""The assets of the samples and what happened around them, as rows with a past.

Every asset is checked as a document of its kind, exactly like one that a caller sends, and gets its public geometry
from geo.privacy. What people did follows the same life cycles, and each step leaves its state_change.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import insert
from sqlalchemy.ext.asyncio import AsyncSession

from app import kinds, lifecycles
from app.actions import assets
from app.geo import privacy, shapes
from app.kinds import document
from app.models import (
    Appreciation,
    Area,
    Asset,
    Comment,
    Flag,
    Link,
    Need,
    Person,
    Pledge,
    Proposal,
    StateChange,
    Update,
)  # fmt: skip
from app.samples.days import Days
from app.samples.people import Cast

Told = Mapping[str, Any]
Living = Asset | Link | Need | Proposal | Pledge | Flag

#: What the data files say of an asset beside the properties of its document.
AROUND = frozenset(
    (
        *("key", "by", "ago", "geometry", "recorded_by", "stages", "steps", "why", "starts", "ends"),
        *("thanks", "comments", "needs", "proposals", "updates", "links", "flags"),
    )
)
#: Minutes between two things that were written about one asset on one day.
PACE = 7


def document_of(kind: str, told: Told, days: Days, cast: Cast) -> document.AssetDocument:
    """The asset as a document of its kind, as it is today; raises ValidationError when it is none."""
    properties = {name: value for name, value in told.items() if name not in AROUND} | {"kind": kind}
    if "stages" in told:
        properties["stage"] = list(told["stages"])[-1]
    if "community" in told:
        properties["community"] = cast.communities[told["community"]].uid
    for name in ("starts", "ends"):
        if name in told:
            properties[f"{name}_at"] = days.clock(*told[name])
    feature = {"type": "Feature", "geometry": told.get("geometry"), "properties": properties}
    return document.ADAPTER.validate_python(feature)


@dataclass
class Teller:
    """Makes rows of what the data files tell. Steps and flags wait until the rows that they speak of have ids."""

    session: AsyncSession
    days: Days
    cast: Cast
    borough: Area
    officer: Person
    now: datetime
    assets: dict[str, Asset] = field(default_factory=dict)
    owners: dict[str, Person] = field(default_factory=dict)
    steps: list[tuple[Living, StateChange]] = field(default_factory=list)
    complaints: list[tuple[Told, Told, Comment | None, datetime]] = field(default_factory=list)

    async def tell(self, stories: Sequence[tuple[str, Told]]) -> None:
        """Everything about these assets, each with the name of its kind. The oldest gets the lowest id."""
        stories = sorted(stories, key=lambda story: -story[1]["ago"])
        for kind, told in stories:
            self.owners[told["key"]] = self.cast.people[told["by"]]
            self.assets[told["key"]] = self._asset(kind, told)
        self.session.add_all(self.assets.values())
        await self.session.flush()
        for _, told in stories:
            self.session.add_all(self._around(told))
        await self.session.flush()
        self.session.add_all(self._flag(*complaint) for complaint in self.complaints)
        await self.session.flush()
        await self._record_steps()
        await self._thank([told for _, told in stories])

    async def _record_steps(self) -> None:
        for row, change in self.steps:
            change.thing_id = row.id
        self.session.add_all(change for _, change in sorted(self.steps, key=lambda step: step[1].at))
        await self.session.flush()

    async def _thank(self, stories: list[Told]) -> None:
        """Thanks come evenly between the day an asset was pinned, or the person joined, and now."""
        rows = []
        for told in stories:
            asset, thanks = self.assets[told["key"]], told.get("thanks", [])
            for nth, person in enumerate((self.cast.people[key] for key in thanks), 1):
                first = max(asset.created_at, person.created_at)
                at = first + (self.now - first) * nth / (len(thanks) + 1)
                rows.append({"asset_id": asset.id, "person_id": person.id, "created_at": at})
        await self.session.execute(insert(Appreciation), rows)

    # ── one asset ───────────────────────────────────────────────────────────────────────────

    def _asset(self, kind: str, told: Told) -> Asset:
        doc = document_of(kind, told, self.days, self.cast)
        properties = doc.properties
        exact = shapes.of_wire(doc.geometry) if doc.geometry else None
        public = privacy.public_geometry(exact, properties.location_class)
        at = self.days.written(told["ago"])
        asset = Asset(
            **{name: getattr(properties, name) for name in assets.COLUMNS},
            kind=kind,
            details=properties.details.model_dump(mode="json"),
            geom=shapes.to_db(public) if public is not None else None,
            area_id=self.borough.id if properties.area == self.borough.code else None,
            owner_id=self.owners[told["key"]].id,
            community_id=self.cast.communities[told["community"]].id if "community" in told else None,
            recorded_by=self.cast.people[told["recorded_by"]].id if "recorded_by" in told else None,
            published_at=at if properties.state == "published" else None,
            created_at=at,
        )
        self._live(asset, told, told, first=properties.state)
        self._stage(asset, told, told.get("stage", kinds.BY_NAME[kind].default_stage))
        return asset

    def _stage(self, asset: Asset, told: Told, stage: str) -> None:
        for to, ago in told.get("stages", {}).items():
            at = self.days.decided(ago)
            self._note(asset, stage, to, at, self.owners[told["key"]], aspect="stage")
            stage, asset.version, asset.updated_at = to, asset.version + 1, max(at, asset.updated_at)
            asset.ended_at = at if to == "ended" else None

    # ── what happened around it ─────────────────────────────────────────────────────────────

    def _around(self, told: Told) -> Iterator[object]:
        minutes = iter(range(PACE, 24 * 60, PACE))
        for make in (self._needs, self._proposals, self._comments, self._updates, self._links):
            yield from make(told, minutes)
        self._complain(told, told, None, minutes)

    def _needs(self, told: Told, minutes: Iterator[int]) -> Iterator[object]:
        for one in told.get("needs", []):
            need = Need(
                asset=self.assets[told["key"]],
                kind=one["kind"],
                title=one["title"],
                text=one.get("text", ""),
                quantity=one.get("quantity", 1),
                met=one.get("met", 0),
                blocking=one.get("blocking", False),
                report_back_on=self.days.on(one["report_back_in"]) if "report_back_in" in one else None,
                created_by=self.owners[told["key"]].id,
                created_at=self.days.written(one["ago"], next(minutes)),
            )
            self._live(need, one, told)
            yield need

    def _proposals(self, told: Told, minutes: Iterator[int]) -> Iterator[object]:
        for one in told.get("proposals", []):
            proposal = Proposal(
                asset=self.assets[told["key"]],
                proposer=self.cast.people[one["by"]],
                title=one["title"],
                text=one.get("text", ""),
                places=one.get("places"),
                happens_on=self.days.on(one["happens_in"]) if "happens_in" in one else None,
                created_at=self.days.written(one["ago"], next(minutes)),
            )
            self._live(proposal, one, told)
            yield proposal
            yield from (self._pledge(proposal, promised, told, next(minutes)) for promised in one.get("pledges", []))

    def _pledge(self, proposal: Proposal, one: Told, told: Told, minute: int) -> Pledge:
        pledge = Pledge(
            proposal=proposal,
            person=self.cast.people[one["by"]],
            hours_promised=Decimal(str(one["hours"])),
            hours_given=Decimal(str(one["given"])) if "given" in one else None,
            message=one.get("message", ""),
            created_at=self.days.written(one["ago"], minute),
        )
        self._live(pledge, one, told)
        return pledge

    def _comments(self, told: Told, minutes: Iterator[int]) -> Iterator[object]:
        for one in told.get("comments", []):
            comment = self._comment(one, told, next(minutes), None)
            yield comment
            yield from (self._comment(reply, told, next(minutes), comment) for reply in one.get("replies", []))
            self._complain(one, told, comment, minutes)

    def _comment(self, one: Told, told: Told, minute: int, answered: Comment | None) -> Comment:
        author, at = self.cast.people[one["by"]], self.days.written(one["ago"], minute)
        return Comment(
            asset=self.assets[told["key"]],
            author=author,
            reply_to=answered,
            text=one["text"],
            via=author.via,
            created_at=at,
            updated_at=at,
        )

    def _updates(self, told: Told, minutes: Iterator[int]) -> Iterator[object]:
        for one in told.get("updates", []):
            asset, owner = self.assets[told["key"]], self.owners[told["key"]]
            at = self.days.written(one["ago"], next(minutes))
            yield Update(asset=asset, author=owner, text=one["text"], created_at=at, updated_at=at)

    def _links(self, told: Told, minutes: Iterator[int]) -> Iterator[object]:
        for one in told.get("links", []):
            owner, other = self.owners[told["key"]], self.owners[one["to"]]
            link = Link(
                from_asset=self.assets[told["key"]],
                to_asset=self.assets[one["to"]],
                kind=one["kind"],
                created_by=owner.id,
                created_at=self.days.written(one["ago"], next(minutes)),
            )
            self._live(link, one, told, first="agreed" if owner is other else "asked", judge=other)
            yield link

    def _complain(self, one: Told, told: Told, about: Comment | None, minutes: Iterator[int]) -> None:
        for flag in one.get("flags", []):
            self.complaints.append((flag, told, about, self.days.written(flag["ago"], next(minutes))))

    def _flag(self, one: Told, told: Told, about: Comment | None, at: datetime) -> Flag:
        flag = Flag(
            asset=self.assets[told["key"]],
            comment_id=about.id if about else None,
            person_id=self.cast.people[one["by"]].id,
            reason=one["reason"],
            text=one.get("text", ""),
            created_at=at,
        )
        self._live(flag, one, told, judge=self.officer)
        return flag

    # ── lives ───────────────────────────────────────────────────────────────────────────────

    def _live(
        self, row: Living, one: Told, told: Told, *, first: str | None = None, judge: Person | None = None
    ) -> None:
        """Give a row its first state and take it through the steps told. Whoever wrote it takes it back, an officer
        hides it, and the judge (the asset's owner unless another is named) decides the rest."""
        owner = self.owners[told["key"]]
        author = self.cast.people[one["by"]] if "by" in one else owner
        row.state = first or lifecycles.states(row.__tablename__)[0]
        self._note(row, None, row.state, row.created_at, author)
        self._date(row, row.created_at, 0)
        for nth, (state, ago) in enumerate(one.get("steps", {}).items(), 1):
            who = {"withdrawn": author, "hidden": self.officer}.get(state, judge or owner)
            at = self.days.decided(ago)
            self._note(row, row.state, state, at, who, why=one.get("why"))
            row.state = state
            self._date(row, at, nth)

    def _date(self, row: Living, at: datetime, nth: int) -> None:
        if isinstance(row, Flag):
            row.decided_at = at if nth else None
        elif not isinstance(row, Link):
            row.updated_at = at
        if isinstance(row, Asset | Need | Proposal):
            row.version = nth + 1

    def _note(
        self,
        row: Living,
        old: str | None,
        new: str,
        at: datetime,
        by: Person,
        *,
        aspect: str = "state",
        why: str | None = None,
    ) -> None:
        change = StateChange(
            thing=row.__tablename__, aspect=aspect, from_state=old, to_state=new, at=at, person_id=by.id, why=why
        )
        self.steps.append((row, change))
