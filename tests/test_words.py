"""Words as people type them: what they find, in which order, and what is learnt so that misspelt ones are told."""

import json

import pytest
from sqlalchemy import event, text
from sqlalchemy.ext.asyncio import AsyncSession

from app import errors, search, tasks
from app.actions import upkeep
from app.actions.record import record
from app.auth import VISITOR, Actor
from app.db import Engines
from app.models import ImportRun
from app.search import AssetFilter
from app.settings import Settings
from tests.test_search import titles


async def write(session: AsyncSession, *rows: dict[str, str]) -> None:
    """Assets with words."""
    for row in rows:
        values = {"title": "Untitled", "summary": "", "body": "", "organiser": "", **row}
        await session.execute(
            text("INSERT INTO asset (kind, title, summary, body, organiser, geom) VALUES "
                 "('project', :title, :summary, :body, :organiser, ST_SetSRID(ST_MakePoint(0, 51), 4326))"), values,
        )  # fmt: skip
    await upkeep.learn_words(session)


# Words ---------------------------------------------------------------------------------------------------------------

LIBRARY = (
    {"title": "Gardening with children", "summary": "Every Saturday in the orchard."},
    {"title": "Café des Amis", "summary": "Cakes, crêpes and company.", "body": "Bring your naïve questions."},
    {"title": "Repair shop", "summary": "Bicycles, radios, toasters.", "organiser": "The menders of Acre Lane"},
    {"title": "O'Neill's 100% & more: C++ \\ SQL", "summary": "Odd characters"},
    {"title": "🌱 Seeds", "summary": "A swap"},
    {"title": "The Archive", "summary": "Old photographs, kept by volunteers."},
)


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("gardening", ["Gardening with children"]),
        ("garden", ["Gardening with children"]),
        ("GARDENS", ["Gardening with children"]),
        ("gardening children", ["Gardening with children"]),
        ("gardening with the children", ["Gardening with children"]),
        ("orchard toasters", []),
        ("child", ["Gardening with children"]),
        ("orch", ["Gardening with children"]),
        ("orchards", ["Gardening with children"]),
        ("rchard", ["Gardening with children"]),
        ("cafe", ["Café des Amis"]),
        ("CAFÉ", ["Café des Amis"]),
        ("crepe", ["Café des Amis"]),
        ("crêpes company", ["Café des Amis"]),
        ("naive", ["Café des Amis"]),
        ("menders", ["Repair shop"]),
        ("bicyles", ["Repair shop"]),
        ("gardning", ["Gardening with children"]),
        ("reapir shop", ["Repair shop"]),
        ("arch", ["The Archive"]),
        ("the", []),
        ("with", []),
        ("vol", ["The Archive"]),
        ("childern gardning", ["Gardening with children"]),
        ('"old photographs"', ["The Archive"]),
        ('"photographs old"', []),
        ('"repair shop" toaster', ["Repair shop"]),
        ('"repair shop', ["Repair shop"]),
        ('""', []),
        ("garden or orchard", ["Gardening with children"]),
        ("volunteering", ["The Archive"]),
        ("o'neill", ["O'Neill's 100% & more: C++ \\ SQL"]),
        ("seeds 🌱", ["🌱 Seeds"]),
        ("zzzzzz", []),
        ("gardening\u00a0children", ["Gardening with children"]),
        ("photo-graphs", []),
        ("acre-lane", ["Repair shop"]),
    ],
)
async def test_words_find_stems_accents_beginnings_and_misspellings(
    session: AsyncSession, words: str, expected: list[str]
) -> None:
    await write(session, *LIBRARY)
    assert await titles(session, words=words) == expected


ODD = [
    "'", "''", ":*", "&", "|", "!", "\\", "%", "_", "a:*b", "<->", "( )", "🌱", "🌱🌱🌱", "...", "--", "/*", "$$",
    "\\'", "a & b | !c", "';DROP TABLE asset;--", "a\tb\nc", "٣", "e\u0301\u0301", "\u202eabc", "x" * 200,
    "'" * 200, "(" * 200, "a " * 100,
]  # fmt: skip


@pytest.mark.parametrize("words", ODD)
async def test_odd_characters_are_words_or_nothing_and_never_an_error(session: AsyncSession, words: str) -> None:
    await write(session, *LIBRARY)
    found = await titles(session, words=words)
    assert len(found) < len(LIBRARY)
    assert len(await titles(session)) == len(LIBRARY), "and every table is still there"


async def test_no_words_are_no_filter(session: AsyncSession) -> None:
    await write(session, *LIBRARY)
    for words in ("", " ", "\t\n"):
        assert len(await titles(session, words=words)) == len(LIBRARY)


# Order ---------------------------------------------------------------------------------------------------------------


async def _walked(session: AsyncSession, words: str, limit: int) -> list[str]:
    seen: list[str] = []
    cursor = None
    while True:
        found = await search.page(
            session, VISITOR, AssetFilter(words=words), sort="best", limit=limit, cursor=cursor, count=False
        )  # fmt: skip
        seen += [json.loads(feature)["properties"]["title"] for feature in found.features]
        cursor = found.cursor
        if cursor is None:
            return seen


@pytest.mark.parametrize("limit", [1, 2, 3, 5, 9, 10, 11, 1000])
@pytest.mark.parametrize("steps", [1, 3, 1000])
async def test_the_best_say_it_in_their_title_and_a_walk_meets_all_once(
    session: AsyncSession, monkeypatch: pytest.MonkeyPatch, limit: int, steps: int
) -> None:
    for name in ("STEPS_LEAST", "STEPS_MOST"):
        monkeypatch.setattr(f"app.search.pages.{name}", steps)
    told = [{"title": f"Kitchen {n}"} if n % 2 else {"title": f"Café {n}", "summary": "A kitchen"} for n in range(10)]
    await write(session, *told, {"title": "Nothing of it"})
    expected = [f"Kitchen {n}" for n in (9, 7, 5, 3, 1)] + [f"Café {n}" for n in (8, 6, 4, 2, 0)]
    assert await _walked(session, "kitchens", limit) == expected
    assert await _walked(session, "cafe", limit) == [title for title in expected if title.startswith("C")]
    assert await _walked(session, "nowhere", limit) == []


async def test_best_needs_words(session: AsyncSession) -> None:
    for words in ("", "  "):
        with pytest.raises(errors.Invalid, match="q"):
            await titles(session, sort="best", words=words)


# Learning ------------------------------------------------------------------------------------------------------------


async def test_a_rare_spelling_does_not_hide_the_usual_one(session: AsyncSession) -> None:
    await write(session, *({"title": f"Library {n}"} for n in range(40)), {"title": "Libary of things"})
    assert len(await titles(session, words="libary")) == 41
    assert len(await titles(session, words="library")) == 40


async def test_all_words_are_learnt_again_and_what_is_used_no_more_is_forgotten(session: AsyncSession) -> None:
    await write(session, {"title": "Gardening"}, {"title": "Gardening at night"})
    await session.execute(text("INSERT INTO word (word, n) VALUES ('obsolete', 7)"))
    await session.execute(text("INSERT INTO asset (kind, title, state) VALUES ('idea', 'Unsaid', 'hidden')"))
    await upkeep.learn_words(session, newest=1)

    async def known() -> dict[str, int]:
        return {row.word: row.n for row in await session.execute(text("SELECT word, n FROM word"))}

    assert (await known())["obsolete"] == 7
    await upkeep.learn_words(session, newest=None)
    assert await known() == {"gardening": 2, "night": 1}, "and nobody reads the hidden"


async def test_who_learns_meanwhile_is_not_waited_for_each_minute(engines: Engines) -> None:
    async with engines.transaction() as nightly, engines.transaction() as minutely:
        await nightly.execute(text("INSERT INTO asset (kind, title) VALUES ('idea', 'Orchard')"))
        await upkeep.learn_words(nightly, newest=None)
        await minutely.execute(text("SET LOCAL lock_timeout = '500ms'"))
        await minutely.execute(text("INSERT INTO asset (kind, title) VALUES ('idea', 'Orchard')"))
        await upkeep.learn_words(minutely)


@pytest.mark.parametrize(("created", "known"), [(500, False), (501, True)])
async def test_the_words_of_a_large_import_are_learnt_at_once(
    settings: Settings, engines: Engines, created: int, known: bool
) -> None:
    async with engines.transaction() as session:
        run = ImportRun(
            source="trees", file_name="trees.csv", kind="place", rows_read=created, created=created,
            already_there=0, rejected=0,
        )  # fmt: skip
        session.add(run)
        await session.execute(text(
            "INSERT INTO asset (kind, title) SELECT 'place', CASE i WHEN 1 THEN 'Mulberry' ELSE 'A tree' END "
            "FROM generate_series(1, 600) AS i"
        ))  # fmt: skip
        await session.flush()
        record(session, Actor.system("tests"), "imports.bring_in", "import_run", run.uid)
    await tasks.work_off(settings, engines, b"a secret of the tests")
    async with engines.reading() as session:
        assert (await session.scalar(text("SELECT n FROM word WHERE word = 'mulberry'")) == 1) is known


async def test_a_statement_asks_once_what_the_words_mean(session: AsyncSession) -> None:
    await write(session, *LIBRARY)
    asked: list[str] = []
    connection = (await session.connection()).sync_connection
    assert connection is not None
    event.listen(connection, "before_cursor_execute", lambda *args: asked.append(args[2]))
    for sort in ("best", "new"):
        await titles(session, sort=sort, words="gardening")
    assert [statement.count("civic_query(") for statement in asked] == [1, 1]
