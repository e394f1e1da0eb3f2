"""The sample data: whole, sane in its times, illustrative, and seeded once."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
import shapely
from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncSession

from app import db, kinds, lifecycles, samples
from app.actions import assets
from app.geo import privacy, pyramid, shapes
from app.kinds import document
from app.models import Asset
from app.samples import ground
from app.samples.days import Days


@pytest.fixture
async def seeded(engines: db.Engines) -> AsyncIterator[AsyncSession]:
    """A session on a database that was seeded just now."""
    assert await samples.seed(engines)
    async with engines.transaction() as session:
        yield session


async def rows(session: AsyncSession, statement: str) -> Sequence[Any]:
    return (await session.execute(text(statement))).all()


async def tally(session: AsyncSession, statement: str) -> dict[Any, int]:
    """First column → second column."""
    return dict(tuple(row) for row in await rows(session, statement))


async def numbers(session: AsyncSession) -> dict[str, int]:
    """How many rows each table has."""
    names = [row[0] for row in await rows(session, "SELECT tablename FROM pg_tables WHERE schemaname = 'public'")]
    return {name: int(await session.scalar(text(f'SELECT count(*) FROM "{name}"')) or 0) for name in sorted(names)}


# Once and only once --------------------------------------------------------------------------------------------------


async def test_seeding_twice_seeds_nothing_twice(engines: db.Engines) -> None:
    said = await samples.seed(engines)
    assert said is not None and "\n" not in said and "illustrative" in said
    async with engines.transaction() as session:
        before = await numbers(session)
    assert await samples.seed(engines) is None
    async with engines.transaction() as session:
        assert await numbers(session) == before
    assert before["asset"] >= 80


async def test_two_processes_that_seed_at_once_seed_one_borough(engines: db.Engines) -> None:
    said = await asyncio.gather(samples.seed(engines), samples.seed(engines))
    assert sorted(word is None for word in said) == [False, True]
    async with engines.transaction() as session:
        assert (await numbers(session))["boundary_set"] == 2


async def test_a_database_with_boundaries_of_its_own_is_left_alone(engines: db.Engines) -> None:
    async with engines.transaction() as session:
        await session.execute(text("INSERT INTO boundary_set (level, name) VALUES ('ward', 'Official')"))
    assert await samples.seed(engines) is None
    async with engines.transaction() as session:
        assert (await numbers(session))["asset"] == 0


# What is there -------------------------------------------------------------------------------------------------------


async def test_every_kind_theme_stage_and_state_is_shown(seeded: AsyncSession) -> None:
    by_kind = await tally(seeded, "SELECT kind, count(*) FROM asset GROUP BY 1")
    assert set(by_kind) == set(kinds.BY_NAME) and min(by_kind.values()) >= 8
    by_theme = await tally(seeded, "SELECT theme, count(*) FROM asset WHERE state = 'published' GROUP BY 1")
    assert set(by_theme) == set(lifecycles.THEMES) and min(by_theme.values()) >= 3
    by_stage = await tally(seeded, "SELECT stage, count(*) FROM asset GROUP BY 1")
    assert set(by_stage) == set(lifecycles.STAGES) and 4 <= by_stage["ended"] <= 12
    by_state = await tally(seeded, "SELECT state, count(*) FROM asset GROUP BY 1")
    assert by_state["hidden"] == 1 and by_state["draft"] == 1 and len(by_state) == 3
    by_class = await tally(seeded, "SELECT location_class, count(*) FROM asset GROUP BY 1")
    assert set(by_class) == set(lifecycles.LOCATION_CLASSES)
    assert await seeded.scalar(text("SELECT count(*) FROM asset WHERE audience = 'members'")) == 1
    by_via = await tally(seeded, "SELECT via, count(*) FROM asset GROUP BY 1")
    assert set(by_via) >= {"web", "shop", "street", "paper"}


async def test_every_choice_of_the_kinds_details_is_shown(seeded: AsyncSession) -> None:
    async def values(kind: str, name: str) -> set[str]:
        return set(await tally(seeded, f"SELECT details->>'{name}', 1 FROM asset WHERE kind = '{kind}'"))

    assert await values("idea", "nature") == {"improvement", "ambition"}
    assert await values("offer", "nature") == {"skill", "advice", "thing", "space", "money"}
    assert await values("place", "use") == {"in-use", "partly-used", "unused"}


async def test_a_line_a_polygon_and_two_area_wide_assets_are_shown(seeded: AsyncSession) -> None:
    shown = await tally(seeded, "SELECT ST_GeometryType(geom), count(*) FROM asset WHERE on_map GROUP BY 1")
    assert set(shown) == {"ST_Point", "ST_LineString", "ST_Polygon"}
    wide = await rows(
        seeded,
        "SELECT c.code FROM asset a JOIN area c ON c.id = a.area_id WHERE a.state = 'published' AND a.geom IS NULL",
    )
    assert [row.code for row in wide] == ["X-LAM", "X-LAM"]


async def test_every_state_of_what_people_do_is_shown(seeded: AsyncSession) -> None:
    for thing in ("need", "proposal", "pledge"):
        found = await tally(seeded, f"SELECT state, count(*) FROM {thing} GROUP BY 1")
        assert set(found) == set(lifecycles.states(thing)), thing
    assert set(await tally(seeded, "SELECT kind, 1 FROM need")) == set(lifecycles.NEED_KINDS)
    assert await tally(seeded, "SELECT state, count(*) FROM flag GROUP BY 1") == {"open": 1, "upheld": 1}
    assert await tally(seeded, "SELECT state, count(*) FROM link WHERE kind = 'at_place' GROUP BY 1") == {
        "agreed": 3,
        "asked": 1,
    }
    assert set(await tally(seeded, "SELECT kind, 1 FROM link WHERE state = 'agreed'")) == set(lifecycles.LINK_KINDS)
    blocking = await rows(seeded, "SELECT report_back_on FROM need WHERE blocking AND state = 'open'")
    assert len(blocking) == 2 and all(row.report_back_on > date.today() for row in blocking)  # noqa: DTZ011
    partly = await rows(seeded, "SELECT 1 FROM need WHERE state = 'open' AND met BETWEEN 1 AND quantity - 1")
    assert len(partly) >= 5
    full = await rows(seeded, "SELECT 1 FROM proposal WHERE pledged = places AND state = 'accepted'")
    assert len(full) >= 2
    grew = await rows(
        seeded,
        "SELECT f.kind, t.kind FROM link JOIN asset f ON f.id = from_id JOIN asset t ON t.id = to_id"
        " WHERE link.kind = 'grew_from'",
    )
    assert [tuple(row) for row in grew] == [("project", "idea")]


async def test_there_is_as_much_as_a_borough_needs(seeded: AsyncSession) -> None:
    found = await numbers(seeded)
    floors = {
        "asset": 80, "person": 12, "community": 2, "need": 25, "proposal": 20, "pledge": 45, "comment": 60,
        "appreciation": 200, "update": 15, "flag": 2, "area": 26,
    }  # fmt: skip
    assert {name: found[name] for name in floors if found[name] < floors[name]} == {}
    assert await seeded.scalar(text("SELECT count(*) FROM comment WHERE reply_to_id IS NOT NULL")) >= 15


# Right by the rules --------------------------------------------------------------------------------------------------


async def test_every_asset_is_a_document_of_its_kind_and_validates_again(seeded: AsyncSession) -> None:
    found = (await seeded.scalars(select(Asset))).all()
    assert len(found) >= 80
    for asset in found:
        stored = await assets.stored(seeded, asset)
        again = document.ADAPTER.validate_python(stored)
        assert again.properties.details.model_dump(mode="json") == asset.details, asset.title


async def test_offers_and_whoever_asked_for_it_are_snapped(seeded: AsyncSession) -> None:
    snapped = (await seeded.scalars(select(Asset).where(Asset.location_class == "person"))).all()
    assert {asset.kind for asset in snapped} == {"offer", "project"}
    assert {asset.id for asset in snapped} >= set(await tally(seeded, "SELECT id, 1 FROM asset WHERE kind = 'offer'"))
    for asset in snapped:
        point = shapes.of_db(asset.geom)
        assert isinstance(point, shapely.Point) and point == privacy.snap(point.x, point.y), asset.title
    told = [story["geometry"]["coordinates"] for kind, story in samples.read_stories() if kind == "offer"]
    public = {(shapes.of_db(a.geom).x, shapes.of_db(a.geom).y) for a in snapped}
    assert not public & {tuple(place) for place in told}
    assert await seeded.scalar(text("SELECT count(*) FROM asset WHERE location_class = 'shielded' AND geom IS NULL"))


async def test_every_pin_lies_in_exactly_one_ward_and_carries_its_code(seeded: AsyncSession) -> None:
    pins = await rows(
        seeded,
        "SELECT a.title, a.ward, array_agg(w.code) FILTER (WHERE w.level = 'ward') AS wards,"
        " count(*) FILTER (WHERE w.level = 'borough') AS boroughs"
        " FROM asset a LEFT JOIN area w ON ST_Covers(w.geom, a.anchor) WHERE a.anchor IS NOT NULL GROUP BY a.id",
    )
    assert len(pins) >= 75
    assert [pin.title for pin in pins if pin.wards != [pin.ward] or pin.boroughs != 1] == []
    used = await tally(seeded, "SELECT ward, count(*) FROM asset WHERE on_map GROUP BY 1")
    assert set(used) == set(await tally(seeded, "SELECT code, 1 FROM area WHERE level = 'ward'"))


async def test_wards_neither_overlap_nor_leave_gaps(seeded: AsyncSession) -> None:
    overlapping = await rows(
        seeded,
        "SELECT a.code, b.code FROM area a JOIN area b ON a.code < b.code AND a.level = b.level"
        " AND ST_Relate(a.geom, b.geom, 'T********')",
    )
    assert overlapping == []
    whole = await rows(
        seeded,
        "SELECT count(*), bool_and(ST_IsValid(w.geom)), bool_and(w.parent_id = b.id),"
        " bool_and(ST_NumGeometries(w.geom) = 1), ST_Area(ST_SymDifference(ST_Union(w.geom), b.geom)) AS gap"
        " FROM area w, area b WHERE w.level = 'ward' AND b.level = 'borough' GROUP BY b.geom",
    )
    assert tuple(whole[0][:4]) == (25, True, True, True) and whole[0].gap < 1e-12
    drawn = ground.cells(samples.read("borough"))
    assert shapely.coverage_is_valid(list(drawn.values()))


async def test_the_ground_is_illustrative_by_flag_name_code_and_attribution(seeded: AsyncSession) -> None:
    sets = await rows(seeded, "SELECT name, illustrative, attribution FROM boundary_set ORDER BY name")
    assert [(row.name, row.illustrative) for row in sets] == [
        ("Illustrative borough", True),
        ("Illustrative wards", True),
    ]
    assert all("Not official" in row.attribution for row in sets)
    codes = await rows(seeded, "SELECT code, population FROM area")
    assert all(row.code.startswith("X-L") and row.population is None for row in codes)


async def test_every_step_is_legal_and_ends_where_the_thing_stands(seeded: AsyncSession) -> None:
    checked = 0
    for thing in ("asset", "need", "proposal", "pledge", "link", "flag"):
        found = await rows(
            seeded,
            "SELECT t.id, t.state, array_agg(s.from_state ORDER BY s.at, s.id) AS old,"
            f" array_agg(s.to_state ORDER BY s.at, s.id) AS new FROM {thing} t LEFT JOIN state_change s"
            f" ON s.thing = '{thing}' AND s.thing_id = t.id AND s.aspect = 'state' GROUP BY t.id",
        )
        for row in found:
            checked += len(row.new)
            assert row.old[0] is None and row.new[-1] == row.state and row.old[1:] == row.new[:-1]
            assert all(new in lifecycles.STEPS[thing][old] for old, new in zip(row.old[1:], row.new[1:], strict=True))
    assert checked >= 250
    stages = await rows(
        seeded,
        "SELECT a.stage, (array_agg(s.to_state ORDER BY s.at DESC))[1] AS last, a.ended_at, max(s.at) AS at"
        " FROM asset a JOIN state_change s ON s.thing = 'asset' AND s.thing_id = a.id AND s.aspect = 'stage'"
        " GROUP BY a.id",
    )
    assert len(stages) >= 8 and all(row.stage == row.last for row in stages)
    assert all((row.ended_at == row.at) == (row.stage == "ended") for row in stages)


async def test_counts_kept_by_triggers_agree_with_the_rows(seeded: AsyncSession) -> None:
    wrong = await rows(
        seeded,
        "SELECT title FROM asset a"
        " WHERE appreciation_count <> (SELECT count(*) FROM appreciation WHERE asset_id = a.id)",
    )
    assert wrong == []
    drift = await pyramid.verify(seeded)
    assert drift and all(level.drift == 0 for level in drift)


async def test_everybody_keeps_to_their_part(seeded: AsyncSession) -> None:
    """What the rules of the verbs would have refused is not in the samples either."""
    refused = {
        "needs and proposals only where they are taken": "SELECT a.title FROM asset a JOIN need n ON n.asset_id = a.id"
        " WHERE a.kind NOT IN ('project', 'idea', 'place') UNION SELECT a.title FROM asset a JOIN proposal p"
        " ON p.asset_id = a.id WHERE a.kind NOT IN ('project', 'idea', 'place')",
        "nobody pledges to their own proposal": "SELECT p.title FROM proposal p JOIN pledge q ON q.proposal_id = p.id"
        " WHERE q.person_id = p.proposer_id",
        "a proposal is for somebody else's asset": "SELECT p.title FROM proposal p JOIN asset a ON a.id = p.asset_id"
        " WHERE a.owner_id = p.proposer_id",
        "nobody thanks themselves": "SELECT a.title FROM appreciation t JOIN asset a ON a.id = t.asset_id"
        " WHERE a.owner_id = t.person_id",
        "pins of a community are pinned by its members": "SELECT a.title FROM asset a"
        " WHERE community_id IS NOT NULL AND NOT EXISTS"
        " (SELECT FROM membership m WHERE m.community_id = a.community_id AND m.person_id = a.owner_id)",
        "what is not taken up holds nobody": "SELECT p.title FROM proposal p JOIN pledge q"
        " ON q.proposal_id = p.id WHERE p.state IN ('declined', 'withdrawn') AND q.state IN ('pledged', 'confirmed')"
        " OR p.state = 'proposed' AND q.state NOT IN ('pledged', 'withdrawn')",
        "what is done is settled": "SELECT p.title FROM proposal p JOIN pledge q ON q.proposal_id = p.id"
        " WHERE p.state = 'done' AND q.state IN ('pledged', 'confirmed')",
        "a need is met when all of it is": "SELECT title FROM need WHERE (state = 'met') <> (met = quantity)",
        "what was written for somebody says how they agreed": "SELECT title FROM asset"
        " WHERE (recorded_by IS NULL) <> (consent IS NULL)",
    }
    found = {rule: [row[0] for row in await rows(seeded, query)] for rule, query in refused.items()}
    assert {rule: titles for rule, titles in found.items() if titles} == {}


# Times ---------------------------------------------------------------------------------------------------------------


async def test_nothing_is_older_than_what_it_belongs_to_or_younger_than_now(seeded: AsyncSession) -> None:
    tables = ("asset", "comment", "need", "proposal", "pledge", "update", "link", "flag", "appreciation", "person")
    for table in tables:
        young = await rows(seeded, f"SELECT 1 FROM \"{table}\" WHERE created_at > now() - interval '1 minute'")
        assert young == [], table
    assert await rows(seeded, "SELECT 1 FROM state_change WHERE at > now()") == []
    orders = {
        "asset by owner": "asset c JOIN person p ON p.id = c.owner_id",
        "asset for community": "asset c JOIN membership p"
        " ON p.community_id = c.community_id AND p.person_id = c.owner_id",
        "comment on asset": "comment c JOIN asset p ON p.id = c.asset_id",
        "comment by person": "comment c JOIN person p ON p.id = c.author_id",
        "reply": "comment c JOIN comment p ON p.id = c.reply_to_id",
        "need": "need c JOIN asset p ON p.id = c.asset_id",
        "proposal on asset": "proposal c JOIN asset p ON p.id = c.asset_id",
        "proposal by person": "proposal c JOIN person p ON p.id = c.proposer_id",
        "pledge to proposal": "pledge c JOIN proposal p ON p.id = c.proposal_id",
        "pledge by person": "pledge c JOIN person p ON p.id = c.person_id",
        "update": "update c JOIN asset p ON p.id = c.asset_id",
        "link from": "link c JOIN asset p ON p.id = c.from_id",
        "link to": "link c JOIN asset p ON p.id = c.to_id",
        "flag on asset": "flag c JOIN asset p ON p.id = c.asset_id",
        "flag on comment": "flag c JOIN comment p ON p.id = c.comment_id",
        "member": "membership c JOIN person p ON p.id = c.person_id",
        "thanks": "appreciation c JOIN asset p ON p.id = c.asset_id",
        "thanks by person": "appreciation c JOIN person p ON p.id = c.person_id",
    }
    for name, joined in orders.items():
        assert await rows(seeded, f"SELECT 1 FROM {joined} LIMIT 1"), name
        assert await rows(seeded, f"SELECT c.created_at FROM {joined} WHERE c.created_at < p.created_at") == [], name


async def test_a_pledge_is_confirmed_only_after_its_proposal_was_accepted(seeded: AsyncSession) -> None:
    both = await rows(
        seeded,
        "SELECT s.at AS confirmed, a.at AS accepted FROM pledge q JOIN state_change s"
        " ON s.thing = 'pledge' AND s.thing_id = q.id AND s.to_state = 'confirmed'"
        " LEFT JOIN state_change a ON a.thing = 'proposal' AND a.thing_id = q.proposal_id"
        " AND a.to_state = 'accepted'",
    )
    assert len(both) >= 20 and all(row.accepted <= row.confirmed for row in both)


async def test_ids_grow_with_time_so_the_newest_come_first(seeded: AsyncSession) -> None:
    for table in ("asset", "state_change"):
        at = "at" if table == "state_change" else "created_at"
        found = [row[0] for row in await rows(seeded, f"SELECT {at} FROM {table} ORDER BY id")]
        assert found == sorted(found), table


async def test_the_past_is_spread_over_months(seeded: AsyncSession) -> None:
    for table in ("asset", "comment", "need", "proposal", "pledge", "appreciation"):
        months = await tally(seeded, f"SELECT date_trunc('month', created_at), count(*) FROM {table} GROUP BY 1")
        assert len(months) >= 5, table


async def test_events_come_after_the_day_of_seeding_unless_they_are_over(seeded: AsyncSession) -> None:
    events = (await seeded.scalars(select(Asset).where(Asset.kind == "event", Asset.state == "published"))).all()
    assert len(events) >= 8
    for event in events:
        assert event.starts_at and event.ends_at and event.starts_at < event.ends_at
        assert (event.ends_at < datetime.now(UTC)) == (event.stage == "ended"), event.title
        assert (event.starts_at > datetime.now(UTC)) == (event.stage == "planned"), event.title


def test_clock_times_are_those_of_london_in_summer_and_in_winter() -> None:
    assert Days(date(2026, 7, 1)).clock(0, "18:30") == datetime(2026, 7, 1, 17, 30, tzinfo=UTC)
    assert Days(date(2026, 12, 1)).clock(0, "18:30") == datetime(2026, 12, 1, 18, 30, tzinfo=UTC)
    assert Days(date(2026, 1, 2)).written(3, 90) == datetime(2025, 12, 30, 9, 30, tzinfo=UTC)
    assert Days(date(2026, 1, 2)).decided(1) - Days(date(2026, 1, 2)).written(1, 77) > timedelta(0)


# People --------------------------------------------------------------------------------------------------------------


async def test_the_people_to_sign_in_as_are_there_with_their_rights(seeded: AsyncSession) -> None:
    found: dict[str, Any] = {}
    for name in ("ana", "officer", "operator", "organiser"):
        query = (
            "SELECT p.id, p.role, (SELECT array_agg(a.code) FROM officer_area o JOIN area a ON a.id = o.area_id"
            " WHERE o.person_id = p.id) AS areas"
            f" FROM person p WHERE p.uid = vault.person_of_email('{name}@example.org')"
        )
        found[name] = (await rows(seeded, query))[0]
    assert [found[name].role for name in found] == ["resident", "resident", "operator", "resident"]
    assert found["officer"].areas == ["X-LAM"] and found["ana"].areas is None
    waiting = await tally(
        seeded,
        "SELECT a.title, count(*) FROM proposal p JOIN asset a ON a.id = p.asset_id"
        f" WHERE p.state = 'proposed' AND a.owner_id = {found['organiser'].id} GROUP BY 1",
    )
    assert len(waiting) >= 2
    assert await seeded.scalar(text("SELECT count(*) FROM person WHERE vault.email_of(uid) IS NULL")) == 1
    addresses = await rows(seeded, "SELECT vault.email_of(uid) AS email FROM person")
    assert all(row.email is None or row.email.endswith("@example.org") for row in addresses)


async def test_communities_have_stewards_members_and_a_group_on_the_map(seeded: AsyncSession) -> None:
    found = await rows(
        seeded,
        "SELECT c.name, count(*) FILTER (WHERE m.role = 'steward') AS stewards,"
        " count(*) FILTER (WHERE m.role = 'member') AS members,"
        " (SELECT count(*) FROM asset a WHERE a.community_id = c.id AND a.kind = 'group') AS groups"
        " FROM community c JOIN membership m ON m.community_id = c.id GROUP BY c.id",
    )
    assert len(found) == 2
    assert all(row.stewards >= 1 and row.members >= 3 and row.groups == 1 for row in found)


async def test_nobody_is_told_of_the_samples_one_by_one(seeded: AsyncSession) -> None:
    assert [row.verb for row in await rows(seeded, "SELECT verb FROM history")] == ["samples.seed"]
    assert [row.event for row in await rows(seeded, "SELECT event FROM outbox")] == ["samples.seed"]
