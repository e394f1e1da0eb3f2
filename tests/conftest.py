"""What every test stands on: a real PostGIS with the real migrations, a fresh copy of it for each test, the app.

`database`  a database of the test's own (a copy of the migrated template, about 60 ms): for anything that commits
`module_database`  one that the tests of a file share
`session`   a writing session whose outer transaction is rolled back: quick, for plain reads and writes
`engines`   db.Engines of `database`        `settings`  settings that name it
`app`       the application on it, started   `client`    an HTTP client of that application
`town`      one running service for a whole run, with areas and people who are signed in (factories.Town)
`shared_data`  the folder of real input beside this checkout

All xdist workers share one cluster in a folder of this run, which is removed when the run ends.
"""

import fcntl
import itertools
import os
import shutil
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from io import TextIOWrapper
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from psycopg import sql
from pydantic import SecretStr
from sqlalchemy.ext.asyncio import AsyncSession, create_async_engine
from sqlalchemy.pool import NullPool

from app import db, localdb, schema
from app.settings import Settings

if TYPE_CHECKING:
    from fastapi import FastAPI

    from tests.factories import Town

TEMPLATE = "civic_template"
FOLDER = pytest.StashKey[Path]()
HELD = pytest.StashKey[TextIOWrapper]()


# One cluster for the run ---------------------------------------------------------------------------------------------


def pytest_configure(config: pytest.Config) -> None:
    """The run's folder: made by the process that was started, told to its xdist workers."""
    for name in [name for name in os.environ if name.startswith("CIVIC_")]:
        del os.environ[name]  # the tests speak for themselves, whatever map this machine serves
    if hasattr(config, "workerinput"):
        config.stash[FOLDER] = Path(config.workerinput["civic_folder"])
        return
    for left in Path(tempfile.gettempdir()).glob("civic-tests-*"):
        _remove_if_abandoned(left)
    folder = Path(tempfile.mkdtemp(prefix="civic-tests-"))
    folder.chmod(0o711)
    config.stash[FOLDER] = folder
    config.stash[HELD] = (folder / "run.lock").open("w")
    fcntl.flock(config.stash[HELD], fcntl.LOCK_EX)


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """Called by xdist for each worker."""
    node.workerinput["civic_folder"] = str(node.config.stash[FOLDER])


def pytest_unconfigure(config: pytest.Config) -> None:
    """The workers have left and the last of them has stopped the cluster."""
    if HELD in config.stash:
        shutil.rmtree(config.stash[FOLDER])
        config.stash[HELD].close()


def _remove_if_abandoned(folder: Path) -> None:
    """A run that was killed leaves its folder, and perhaps a running cluster: joining and leaving stops that."""
    with suppress(OSError), (folder / "run.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if (folder / "postgres").exists():
            # One whose removal was cut off is no cluster any more, and nothing runs in it.
            with suppress(localdb.ClusterNotOurs), localdb.running(folder, durable=False):
                pass
        shutil.rmtree(folder)


@pytest.fixture(scope="session")
def cluster(pytestconfig: pytest.Config) -> Iterator[localdb.Cluster]:
    """The run's PostgreSQL; its template database has every migration."""
    folder = pytestconfig.stash[FOLDER]
    with localdb.running(folder, durable=False) as running:
        with (folder / "template.lock").open("w") as lock, running.connect() as connection:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [TEMPLATE]).fetchone():
                schema.upgrade(running.url("civic_owner"))
                _copy(connection, localdb.DATABASE, TEMPLATE)
        yield running


def _copy(connection: localdb.Connection, source: str, name: str) -> None:
    connection.execute(
        sql.SQL("CREATE DATABASE {} TEMPLATE {} STRATEGY file_copy OWNER civic_owner").format(
            sql.Identifier(name), sql.Identifier(source)
        )
    )


# Databases -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Database:
    """One copy of the migrated template, as each of its roles."""

    cluster: localdb.Cluster
    name: str

    @property
    def write(self) -> str:
        """The URL of the writing role."""
        return self.cluster.url("civic_write", self.name)

    @property
    def read(self) -> str:
        """The URL of the reading role."""
        return self.cluster.url("civic_read", self.name)

    @property
    def owner(self) -> str:
        """The URL of the owner of the tables: for migrations only."""
        return self.cluster.url("civic_owner", self.name)


_numbers = itertools.count(1)


def _fresh(cluster: localdb.Cluster, connection: localdb.Connection) -> Iterator[Database]:
    name = f"test_{os.getpid()}_{next(_numbers)}"
    _copy(connection, TEMPLATE, name)
    yield Database(cluster, name)
    connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


@pytest.fixture(scope="session")
def admin(cluster: localdb.Cluster) -> Iterator[localdb.Connection]:
    """A superuser's connection, to make and drop databases."""
    with cluster.connect() as connection:
        yield connection


@pytest.fixture
def database(cluster: localdb.Cluster, admin: localdb.Connection) -> Iterator[Database]:
    """A database of this test's own."""
    yield from _fresh(cluster, admin)


@pytest.fixture(scope="module")
def module_database(cluster: localdb.Cluster, admin: localdb.Connection) -> Iterator[Database]:
    """A database that the tests of one file share: for those that only read, or write beside each other."""
    yield from _fresh(cluster, admin)


@pytest.fixture(scope="session")
def _common_database(cluster: localdb.Cluster, admin: localdb.Connection) -> Iterator[Database]:
    yield from _fresh(cluster, admin)


@asynccontextmanager
async def rolled_back(url: str) -> AsyncIterator[AsyncSession]:
    """A session that keeps nothing: `commit` in it ends a savepoint, and all is rolled back in the end."""
    engine = create_async_engine(url, poolclass=NullPool)
    async with engine.connect() as connection:
        outer = await connection.begin()
        async with AsyncSession(connection, join_transaction_mode="create_savepoint", expire_on_commit=False) as inner:
            yield inner
        await outer.rollback()
    await engine.dispose()


@pytest.fixture
async def session(_common_database: Database) -> AsyncIterator[AsyncSession]:
    """A writing session on an empty database, rolled back."""
    async with rolled_back(_common_database.write) as inner:
        yield inner


# The application -----------------------------------------------------------------------------------------------------


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    """One colour, one loop."""
    return "asyncio"


@pytest.fixture
def settings(database: Database, tmp_path: Path) -> Settings:
    """Settings of an installation on `database`, with a folder of its own."""
    return Settings(
        data=tmp_path,
        database_url=database.write,
        database_read_url=database.read,
        migrate_url=database.owner,
        secret=SecretStr("only for tests, and long enough to sign with"),
        pool_wait_s=10,
    )


@pytest.fixture
async def engines(settings: Settings) -> AsyncIterator[db.Engines]:
    """Both engines on `database`."""
    engines = db.Engines.of(settings)
    yield engines
    await engines.dispose()


@pytest.fixture
async def app(settings: Settings) -> AsyncIterator["FastAPI"]:
    """The application on `database`, started; its jobs wait until a test runs them."""
    from app import main  # noqa: PLC0415  a test of a lower layer does not load the whole application

    application = main.create_app(settings, worker=False)
    async with application.router.lifespan_context(application):
        yield application


@pytest.fixture
async def client(app: "FastAPI") -> AsyncIterator[httpx.AsyncClient]:
    """A visitor."""
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://localhost:8000") as visitor:
        yield visitor


@pytest.fixture(scope="session")
async def town(
    cluster: localdb.Cluster, admin: localdb.Connection, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator["Town"]:
    """A town that many tests share: each makes what it looks at, and counts nothing that others may add to."""
    from app import main  # noqa: PLC0415
    from tests.factories import Town  # noqa: PLC0415

    fresh = _fresh(cluster, admin)
    database = next(fresh)
    settings = Settings(
        data=tmp_path_factory.mktemp("town"),
        database_url=database.write,
        database_read_url=database.read,
        secret=SecretStr("only for tests, and long enough to sign with"),
        pool_wait_s=10,
        writes_per_hour=10**9,
        key_writes_per_hour=10**9,
        sign_ins_per_hour=10**8,
        reads_per_minute=0,
    )
    application = main.create_app(settings, worker=False)
    async with application.router.lifespan_context(application):
        service = application.state.service
        here = await Town.found(application, service.engines, service.secret)
        yield here
        await here.leave()
    next(fresh, None)


# Real input ----------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real council data. Absent: a skip with a clear word, and on CI a failure."""
    folder = Path(__file__).parents[2] / "shared" / "data"
    if not folder.is_dir():
        missing = f"shared data is not beside this checkout: {folder}"
        if os.environ.get("CI") == "true":
            pytest.fail(missing)
        pytest.skip(missing)
    return folder
