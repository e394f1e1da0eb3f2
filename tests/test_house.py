"""The house stays as it is drawn: who imports whom, names, documents, migrations, statements."""

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg
import pytest
from alembic import command
from alembic.config import Config
from alembic.util.exc import CommandError
from fastapi.routing import APIRoute
from sqlalchemy import select, text

from app import db, errors, lifecycles, routers, rules, schema
from app.models import Transition
from app.settings import Settings

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncSession

    from tests.conftest import Database

ROOT = Path(__file__).parents[1]
APP = ROOT / "app"
MODULES = sorted(path for path in APP.rglob("*.py") if "static" not in path.parts)
BANNED = {"utils", "util", "helpers", "helper", "common", "core", "base", "service", "manager", "misc"}
#: Files over 400 lines, each with its reason.
LONG = {"civic": "the first thing to run: one file of the standard library"}


def _tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def test_imports_go_downwards_only() -> None:
    linter = Path(sys.executable).with_name("lint-imports")
    done = subprocess.run([linter], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
    assert "0 broken" in done.stdout


def test_no_module_has_a_name_that_says_nothing() -> None:
    assert len(MODULES) > 60
    named = {path.stem for path in MODULES if path.parent.name != "kinds"} | {path.parent.name for path in MODULES}
    assert named & BANNED == set()


def test_folders_stop_at_one_level_and_files_stay_readable() -> None:
    deep = [path for path in MODULES if len(path.relative_to(APP).parts) > 2]
    assert deep == []
    sources = [*MODULES, ROOT / "civic", *(ROOT / "tests").rglob("*.py"), *(ROOT / "frontend" / "src").rglob("*.ts")]
    lengths = {str(path.relative_to(ROOT)): len(path.read_text(encoding="utf-8").splitlines()) for path in sources}
    allowed = {*LONG, "frontend/src/i18n/en.ts"}
    assert {name: count for name, count in lengths.items() if count > 400 and name not in allowed} == {}


def test_only_settings_reads_the_environment() -> None:
    # The commands that start another program hand the environment on; they read nothing from it.
    readers = {path.name for path in MODULES if re.search(r"os\.environ|os\.getenv|getenv\(", path.read_text())}
    assert readers <= {"settings.py", "developing.py", "localdb.py", "postgres.py", "backup.py"}


def test_only_the_ways_to_the_database_make_engines() -> None:
    makers = {
        path.name
        for path in MODULES
        if "create_engine(" in path.read_text() or "create_async_engine" in path.read_text()
    }
    assert makers <= {"db.py", "schema.py"}


def _calls(tree: ast.Module, names: set[str]) -> Iterator[ast.Call]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            called = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            if called in names:
                yield node


def test_no_sql_is_put_together_from_text() -> None:
    looked, found = 0, []
    for path in MODULES:
        for call in _calls(_tree(path), {"text", "order_by", "group_by", "literal_column", "exec_driver_sql"}):
            looked += 1
            if any(isinstance(arg, ast.JoinedStr) or _joins_text(arg) for arg in call.args):
                found.append(f"{path.relative_to(ROOT)}:{call.lineno}")
    assert looked > 30
    assert found == []


def _joins_text(node: ast.expr) -> bool:
    added = isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add | ast.Mod)
    return added and any(isinstance(part, ast.Constant) and isinstance(part.value, str) for part in ast.walk(node))


# Documents -----------------------------------------------------------------------------------------------------------


def test_every_route_is_documented_with_its_act() -> None:
    said = (ROOT / "docs" / "api.md").read_text(encoding="utf-8")
    documented = {(method, re.sub(r"\{\w+\}", "{}", path)) for method, path in re.findall(r"`([A-Z]+) (/[^`]+)`", said)}
    served, acts = set(), set()
    for router in routers.ALL:
        for route in router.routes:
            assert isinstance(route, APIRoute)
            acts.add((route.openapi_extra or {})["x-act"])
            served |= {(method, re.sub(r"\{\w+\}", "{}", route.path)) for method in route.methods or ()}
    served -= {(method, path) for method, path in served if method in ("HEAD", "OPTIONS")}
    assert len(served) > 50
    assert documented == served
    assert acts <= set(rules.RULES)
    assert sorted(act for act in acts if act not in said) == []


def test_every_setting_is_documented_and_no_other() -> None:
    said = (ROOT / "docs" / "settings.md").read_text(encoding="utf-8")
    table = set(re.findall(r"^\| `(CIVIC_\w+)`", said, re.MULTILINE))
    assert table == {f"CIVIC_{name.upper()}" for name in Settings.model_fields}


def test_every_problem_is_documented() -> None:
    said = (ROOT / "docs" / "api.md").read_text(encoding="utf-8").split("## Problems")[1]
    slugs = {kind.slug for kind in errors.kinds()}
    assert len(slugs) > 20
    assert slugs == set(re.findall(r"`([a-z-]+)`", said)) - {"type"}


def test_every_decision_is_listed() -> None:
    folder = ROOT / "docs" / "decisions"
    listed = set(re.findall(r"\((\d{4}-[\w-]+\.md)\)", (folder / "README.md").read_text(encoding="utf-8")))
    assert listed == {path.name for path in folder.glob("0*.md")}


# Migrations and statements -------------------------------------------------------------------------------------------


def _config(database: "Database") -> Config:
    config = Config(str(ROOT / "alembic.ini"))
    config.attributes["url"] = database.owner
    return config


def test_the_models_are_what_the_migrations_make(database: "Database") -> None:
    command.check(_config(database))


def test_the_tables_go_down_to_nothing_and_up_again(database: "Database") -> None:
    def tables() -> int:
        with psycopg.connect(database.owner.replace("+psycopg", "")) as connection:
            row = connection.execute(
                "SELECT count(*) FROM pg_tables WHERE schemaname IN ('public', 'vault', 'procrastinate') "
                "AND tablename NOT IN ('alembic_version', 'spatial_ref_sys')"
            ).fetchone()
        assert row
        return int(row[0])

    full = tables()
    assert full > 30
    command.downgrade(_config(database), "base")
    assert tables() == 0
    schema.upgrade(database.owner)
    assert tables() == full


def test_a_revision_that_nobody_knows_is_an_error(database: "Database") -> None:
    with pytest.raises(CommandError):
        command.upgrade(_config(database), "9999")


async def test_the_database_holds_the_same_steps_as_the_code(session: "AsyncSession") -> None:
    rows = await session.execute(select(Transition.thing, Transition.from_state, Transition.to_state))
    held = {tuple(row) for row in rows}
    coded = {(t, old, new) for t, steps in lifecycles.STEPS.items() for old, news in steps.items() for new in news}
    assert held == coded


#: Statements that need a temporary table of another one, which makes it.
TABLES = (
    "areas_table", "import_noted_table", "import_places_table", "import_seen_table", "import_table", "postcodes_table",
    "undo_table",
)  # fmt: skip


#: What app/reports/counting.py and tallies.py put before the statements of reports.
PARTS = (
    "visible AS SELECT id, stage FROM asset", "placed AS SELECT id, stage, id AS place FROM asset",
    "asked AS SELECT need.*, 0 AS place, true AS begun, true AS unanswered FROM need",
    "wide AS SELECT id, true AS inside FROM asset", "scoped AS SELECT id, true AS inside FROM asset",
    "changes AS SELECT place, asset_id, box FROM tally_change",
)  # fmt: skip


@pytest.mark.parametrize("path", sorted((APP / "sql").glob("*.sql")), ids=lambda path: path.stem)
async def test_each_statement_says_its_name_and_its_purpose_and_can_be_planned(
    session: "AsyncSession", path: Path
) -> None:
    said = db.sql(path.stem).text
    assert said.startswith(f"-- {path.stem}\n-- ")
    if path.stem in ("roles", "grants"):
        return  # run by every start and every migration, as the owner
    for name in TABLES:
        await session.execute(db.sql(name))
    for part in PARTS:
        await session.execute(text(f"CREATE TEMPORARY TABLE {part}"))
    if path.stem in TABLES:
        return
    statement = db.sql(path.stem)
    nothing = dict.fromkeys(statement.compile().params)
    await session.execute(text("SET LOCAL plan_cache_mode = force_generic_plan"))
    await session.execute(text(f"EXPLAIN {statement.text}").bindparams(**nothing))
