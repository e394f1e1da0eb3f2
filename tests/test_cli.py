"""The commands that open, migrate and serve a map, as an operator types them."""

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import psycopg
import pytest
import yaml
from alembic import command
from alembic.config import Config
from sqlalchemy import text

from app import cli, db, localdb, schema
from app.settings import Settings
from tests.conftest import Database

ROOT = Path(__file__).parents[1]


def environment(**settings: str) -> dict[str, str]:
    """What an operator's shell has, and these settings."""
    plain = {name: value for name, value in os.environ.items() if not name.startswith("CIVIC_")}
    return plain | {"PYTHONPATH": str(ROOT), "COLUMNS": "200"} | settings


def civic(*words: str, **settings: str) -> tuple[int, str, str]:
    """Exit code, standard output, standard error of a command."""
    command = [sys.executable, "-m", "app.cli", *words]
    ended = subprocess.run(
        command, env=environment(**settings), capture_output=True, text=True, timeout=90, check=False
    )
    return ended.returncode, ended.stdout, ended.stderr


@pytest.fixture
def own(cluster: localdb.Cluster, admin: localdb.Connection) -> Iterator[dict[str, str]]:
    """The settings of somebody's own empty database with PostGIS in it."""
    name = f"own_{os.getpid()}"
    admin.execute(f"CREATE DATABASE {name} OWNER civic_owner".encode())
    with cluster.connect(database=name) as connection:
        connection.execute("CREATE EXTENSION postgis")
    database = Database(cluster, name)
    yield {
        "CIVIC_DATABASE_URL": database.write,
        "CIVIC_DATABASE_READ_URL": database.read,
        "CIVIC_MIGRATE_URL": database.owner,
        "CIVIC_SECRET": "only for tests, and long enough to sign with",
    }
    admin.execute(f"DROP DATABASE {name} WITH (FORCE)".encode())


@pytest.fixture
def folder() -> Iterator[Path]:
    """A data folder that the database account can reach."""
    folder = Path(tempfile.mkdtemp(prefix="civic-cli-"))
    folder.chmod(0o711)
    yield folder
    shutil.rmtree(folder)


@pytest.fixture
def port() -> int:
    """A port that was free a moment ago."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        return int(free.getsockname()[1])


@pytest.fixture
def serving(port: int, own: dict[str, str]) -> Iterator["subprocess.Popen[str]"]:
    """A service on one's own database, migrated first, answering."""
    assert civic("migrate", **own)[0] == 0
    words = [sys.executable, "-m", "app.cli", "serve", "--no-worker", "--port", str(port)]
    process = subprocess.Popen(words, env=environment(**own), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    for _ in range(300):
        try:
            if httpx.get(f"http://127.0.0.1:{port}/health/ready").status_code == 200:
                break
        except httpx.TransportError:
            time.sleep(0.1)
    yield process
    process.kill()
    process.communicate()


def test_a_database_of_ones_own_is_migrated_by_its_owner_and_checked_by_everything_else(own: dict[str, str]) -> None:
    code, _, err = civic("map", "verify", **own)
    assert (code, err) == (
        2,
        f"civic: The tables are at revision none, this code needs {head()}: run './civic migrate'.\n",
    )
    code, _, err = civic("migrate", **{name: value for name, value in own.items() if name != "CIVIC_MIGRATE_URL"})
    assert code == 2
    assert "Set CIVIC_MIGRATE_URL" in err
    assert civic("migrate", CIVIC_MIGRATE_URL=own["CIVIC_MIGRATE_URL"])[0] == 0
    for _ in range(2):
        assert civic("migrate", **own) == (0, f"The tables are up to date (revision {head()}).\n", "")
    assert civic("map", "verify", **own)[0] == 0


def head() -> str:
    """The newest revision of this code."""
    files = [path.stem.split("_")[0] for path in (ROOT / "migrations" / "versions").glob("*.py")]
    return max(files)


def test_tables_of_a_newer_version_are_refused_and_left_as_they_are(database: Database) -> None:
    with psycopg.connect(database.owner.replace("+psycopg", ""), autocommit=True) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
        for attempt in (schema.upgrade, schema.require_current):
            with pytest.raises(schema.SchemaNewer, match=r"newer version of Civic Crowd Map .*9999"):
                attempt(database.owner)
        assert connection.execute("SELECT version_num FROM alembic_version").fetchone() == ("9999",)


def test_the_roles_get_the_passwords_that_the_addresses_name_and_no_more_rights(
    own: dict[str, str], admin: localdb.Connection
) -> None:
    secret = own["CIVIC_DATABASE_URL"].replace("civic_write@", "civic_write:s3cret%2F1@")
    admin.execute("ALTER ROLE civic_write PASSWORD NULL")
    may_make_roles = own["CIVIC_MIGRATE_URL"].replace("civic_owner@", f"{localdb.SUPERUSER}@")
    code, out, err = civic("db", "roles", **own | {"CIVIC_DATABASE_URL": secret, "CIVIC_MIGRATE_URL": may_make_roles})
    assert (code, err) == (0, "")
    assert "civic_write and civic_read are there" in out
    stored = admin.execute("SELECT rolpassword FROM pg_authid WHERE rolname = 'civic_write'").fetchone()
    assert stored is not None
    assert stored[0].startswith("SCRAM-SHA-256$")
    wall = "SELECT rolsuper, rolbypassrls, rolcreaterole, rolcreatedb FROM pg_roles WHERE rolname = 'civic_write'"
    assert admin.execute(wall.encode()).fetchone() == (False, False, False, False)


def test_one_address_alone_is_refused_unless_the_operator_accepts_it(own: dict[str, str]) -> None:
    alone = {"CIVIC_DATABASE_URL": own["CIVIC_DATABASE_URL"]}
    code, _, err = civic("map", "verify", **alone)
    assert code == 2
    assert re.match(r"civic: CIVIC_DATABASE_URL and CIVIC_DATABASE_READ_URL belong together", err)
    assert civic("migrate", **own)[0] == 0
    assert civic("map", "verify", CIVIC_SINGLE_ROLE="accept", **alone)[0] == 0


def test_a_service_stops_cleanly_when_told_to_and_says_so_with_its_exit_code(
    serving: "subprocess.Popen[str]", port: int
) -> None:
    assert httpx.get(f"http://127.0.0.1:{port}/health/ready").json() == {"status": "ready"}
    serving.send_signal(signal.SIGTERM)
    out, err = serving.communicate(timeout=15)
    assert (serving.returncode, err) == (0, "")
    assert "your own database" in out
    assert "No mail server is set (CIVIC_SMTP_URL), so nobody can sign in by mail. ./civic person sign-in EMAIL" in out


def test_a_port_in_use_is_said_in_a_sentence_before_anything_else_is_done(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        for service in ("serve", "demo"):
            code, out, err = civic(service, "--port", str(port), "--data", str(tmp_path / "new"))
            assert (code, out) == (2, "")
            assert err == f"civic: Port {port} is in use by another program. Choose another with --port.\n"
    assert not (tmp_path / "new").exists()


def test_sample_data_never_goes_into_ones_own_database(own: dict[str, str]) -> None:
    code, _, err = civic("demo", **own)
    assert code == 2
    assert "Unset CIVIC_DATABASE_URL" in err


def test_settings_that_contradict_each_other_are_named_in_words(tmp_path: Path) -> None:
    code, _, err = civic("migrate", CIVIC_TILE_URL="https://tiles.example.org/{z}/{x}/{y}.png")
    assert (code, err) == (
        2, "civic: CIVIC_TILE_URL needs CIVIC_TILE_ATTRIBUTION: map providers require their credit line.\n"
    )  # fmt: skip
    code, _, err = civic("migrate", CIVIC_PORT="80000")
    assert code == 2
    assert err.startswith("civic: CIVIC_PORT Input should be less than or equal to 65535")


async def test_an_embedded_folder_is_durable_older_tables_are_migrated_and_newer_ones_refused(
    folder: Path, port: int
) -> None:
    with cli.opened(folder) as settings:
        engines = db.Engines.of(settings)
        async with engines.transaction() as session:
            for name in ("fsync", "synchronous_commit", "full_page_writes", "data_checksums"):
                answer = await session.execute(text(f"SELECT current_user, current_setting('{name}')"))
                assert answer.one() == ("civic_write", "on"), name
        await engines.dispose()
        config = Config(ROOT / "alembic.ini")
        config.attributes["url"] = settings.migrate_url
        command.downgrade(config, "base")
        with pytest.raises(schema.SchemaBehind, match="revision none"):
            schema.require_current(settings.database_url or "")
    with cli.opened(folder) as settings:
        schema.require_current(settings.database_url or "")
        with psycopg.connect((settings.migrate_url or "").replace("+psycopg", ""), autocommit=True) as owner:
            owner.execute("UPDATE alembic_version SET version_num = '9999'")
    code, out, err = civic("serve", "--data", str(folder), "--port", str(port))
    assert (code, out) == (2, "")
    assert err.startswith("civic: This database was made by a newer version of Civic Crowd Map")


def test_the_openapi_document_can_be_written_without_a_database(tmp_path: Path) -> None:
    assert civic("openapi", str(tmp_path / "openapi.json"), CIVIC_DATA=str(tmp_path / "data"))[0] == 0
    assert '"/api/v1/assets"' in (tmp_path / "openapi.json").read_text()
    assert not (tmp_path / "data").exists()


def test_the_image_and_the_composition_call_commands_that_exist() -> None:
    """No Docker engine runs where the tests run: what can be held is that they fit the code."""
    composition = yaml.safe_load((ROOT / "compose.yaml").read_text())
    image = (ROOT / "Dockerfile").read_text()
    called = re.findall(r"app\.cli ([a-z]+(?: roles)?)", " ".join(composition["services"]["migrate"]["entrypoint"]))
    called += [composition["services"][name]["command"][0] for name in ("app", "worker")]
    called += re.findall(r'^CMD \["(\w+)"', image, re.MULTILINE)
    assert called == ["db roles", "migrate", "serve", "worker", "serve"]
    for words in called:
        assert civic(*words.split(), "--help")[0] == 0
    assert civic("serve", "--no-worker", "--help")[0] == 0
    names = {name for service in composition["services"].values() for name in service["environment"]}
    names |= set(re.findall(r"\b(CIVIC_[A-Z_]+)=", image))
    known = {f"CIVIC_{field.upper()}" for field in Settings.model_fields}
    assert {name for name in names if name.startswith("CIVIC_")} <= known
    assert re.findall(r"^FROM (\S+)", image, re.MULTILINE) == [
        "node:24.11.0-bookworm-slim", "python:3.11.14-slim-bookworm", "python:3.11.14-slim-bookworm",
    ]  # fmt: skip
    for copied in re.findall(r"^COPY (?!--from)(.+) \S+$", image, re.MULTILINE):
        assert all((ROOT / path).exists() for path in copied.split()), copied
