"""The way to the database: the engines, the base of all tables, the transaction rule, the SQL loader.

Only this module commits. A request or a job is one transaction: everything it says happened, or nothing did.
"""

import asyncio
import re
import select
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any, ClassVar, Protocol

import psycopg
from psycopg import AsyncConnection as AsyncDriver
from psycopg import AsyncRawCursor
from psycopg.pq import TransactionStatus
from psycopg.rows import namedtuple_row
from sqlalchemy import DateTime, Integer, MetaData, Select, TextClause, event, exc, text
from sqlalchemy.dialects.postgresql import psycopg as dialect
from sqlalchemy.engine import ExceptionContext
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, create_async_engine
from sqlalchemy.orm import DeclarativeBase

from app.settings import Settings

SQL_DIR = Path(__file__).with_name("sql")

NAMING = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}
_DIALECT = dialect.PGDialect_psycopg(paramstyle="numeric_dollar")  # type: ignore[no-untyped-call]
#: A :named value; a ::cast and the [:class:] of a regular expression are none.
_NAMED = re.compile(r"(?<!:):(\w+)\b(?!:)")
#: Most connections that a process keeps for tiles; each is busy for a millisecond or two.
GLANCES = 4
#: Most connections that a process keeps for what strangers ask of /ogc, in filters of their own, and for how long each
#: statement of theirs may take: whatever they ask, the rest of the service does not wait for it.
VISITS = 4
VISIT_S = 5
#: A server that vanished without a word is noticed within a minute, also by connections that wait in a pool.
CONNECT: dict[str, Any] = {
    "connect_timeout": 5, "application_name": "civic", "keepalives_idle": 30, "keepalives_interval": 10,
    "keepalives_count": 3,
}  # fmt: skip


class Base(DeclarativeBase):
    """Every table. Constraints have names, because errors.CONSTRAINTS speaks of them."""

    metadata = MetaData(naming_convention=NAMING)
    type_annotation_map: ClassVar[dict[Any, Any]] = {datetime: DateTime(timezone=True), int: Integer}


@dataclass(frozen=True)
class Ready:
    """A statement in PostgreSQL's own words ($1, $2 …): nothing has to be read or put together when it is asked."""

    text: bytes
    names: tuple[str, ...]
    """The values that it takes, in order."""
    given: dict[str, Any]
    """Those that it has already."""

    @classmethod
    def built(cls, statement: Select[Any]) -> "Ready":
        """One that SQLAlchemy built, of a shape that does not depend on who asks; values may be left open."""
        compiled = statement.compile(dialect=_DIALECT)
        given = {name: value for name, value in compiled.params.items() if value is not None}
        return cls(str(compiled).encode(), tuple(compiled.positiontup or ()), given)

    @classmethod
    @cache
    def written(cls, name: str) -> "Ready":
        """The one in app/sql/<name>.sql."""
        plain = re.sub(r"--.*", "", _source(name)).strip()
        names = tuple(dict.fromkeys(_NAMED.findall(plain)))
        numbered = _NAMED.sub(lambda found: f"${names.index(found[1]) + 1}", plain)
        return cls(numbered.encode(), names, {})


class Ask(Protocol):
    """Runs app/sql/<name>.sql, or a statement made ready, with these values and returns its rows (named tuples).

    Over psycopg alone, in a third of the processor time that the same takes through a session: for the few statements
    that every request waits for. Raises what SQLAlchemy raises.
    """

    async def __call__(self, statement: str | Ready, **values: Any) -> list[Any]: ...


@dataclass(frozen=True)
class Engines:
    """`read` may only read and never sees the vault; `write` does everything else, each with sessions of SQLAlchemy.

    Beside them stand pools that speak psycopg alone. `light` writes: one statement, committed when it returns, for what
    outlives a failed request; or a transaction of several. Nobody who holds such a transaction may ask it for one
    statement more: with all connections held so, each would wait for another. `glance` reads one statement at a time,
    for the map's tiles.
    """

    read: AsyncEngine
    write: AsyncEngine
    glance: "Alone"
    light: "Alone"
    visit: AsyncEngine
    """As `read`, on few connections whose statements end after VISIT_S."""

    @classmethod
    def of(cls, settings: Settings) -> "Engines":
        """Engines for these settings, which must name their databases (cli.opened fills in the embedded ones)."""
        write = settings.database_url or settings.database_read_url
        read = settings.database_read_url or settings.database_url
        if not write or not read:
            raise ValueError("the settings name no database")
        # Reads need no transaction: each statement sees what is committed, as it would in one.
        reading = _engine(read, settings, isolation_level="AUTOCOMMIT")
        glance = Alone(read, settings, binary=True, most=GLANCES)
        light = Alone(write, settings)
        # A plan for any box at all takes it for as full as the map is on average: each question gets its own.
        own = "-c plan_cache_mode=force_custom_plan"
        soon = CONNECT | {"options": f"-c statement_timeout={VISIT_S}s {own}"}
        visit = _engine(read, settings, most=VISITS, connect=soon, isolation_level="AUTOCOMMIT")
        return cls(read=reading, write=_engine(write, settings), glance=glance, light=light, visit=visit)

    async def dispose(self) -> None:
        """Close every connection."""
        await self.read.dispose()
        await self.write.dispose()
        await self.glance.dispose()
        await self.light.dispose()
        await self.visit.dispose()

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[AsyncSession]:
        """A writing session; commits when the block ends, rolls back when it raises."""
        async with AsyncSession(self.write, expire_on_commit=False) as session, session.begin():
            yield session

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[AsyncSession]:
        """A reading session of the role that cannot write and cannot see the vault."""
        async with AsyncSession(self.read, expire_on_commit=False, autoflush=False) as session:
            yield session

    @asynccontextmanager
    async def snapshot(self) -> AsyncIterator[AsyncSession]:
        """A reading session whose statements all see one instant: for what takes several, or is read bit by bit."""
        one = self.read.execution_options(isolation_level="REPEATABLE READ")
        async with AsyncSession(one, expire_on_commit=False, autoflush=False) as session:
            yield session

    @asynccontextmanager
    async def visiting(self) -> AsyncIterator[AsyncSession]:
        """The same for what strangers ask: few at a time, and a statement is cancelled after VISIT_S."""
        async with AsyncSession(self.visit, expire_on_commit=False, autoflush=False) as session:
            yield session


def _engine(
    url: str, settings: Settings, *, most: int | None = None, connect: dict[str, Any] = CONNECT, **more: Any
) -> AsyncEngine:
    engine = create_async_engine(
        url.replace("postgresql://", "postgresql+psycopg://", 1),
        pool_size=min(most or settings.pool_size, settings.pool_size),
        max_overflow=0,
        pool_timeout=settings.pool_wait_s,
        hide_parameters=True,  # a log must not hold what the vault is for
        connect_args=connect,
        **more,
    )

    def refuse_dead(connection: Any, *_: Any) -> None:
        if _is_dead(connection.driver_connection):
            raise exc.DisconnectionError  # the pool connects anew

    def end_stale(context: ExceptionContext) -> None:
        if is_stale(context.original_exception):
            context.is_disconnect = True  # the pool connects anew, in the place of all that it has

    event.listen(engine.sync_engine, "checkout", refuse_dead)
    event.listen(engine.sync_engine, "handle_error", end_stale)
    return engine


def _is_dead(connection: AsyncDriver[Any]) -> bool:
    """True when the server has ended a connection that waits. It costs no round trip, as a ping before each use would:
    nothing is to be read from a connection that waits, but its end."""
    if connection.closed:
        return True
    waiting = select.poll()
    waiting.register(connection.fileno(), select.POLLIN)
    return bool(waiting.poll(0))


def is_stale(error: BaseException | None) -> bool:
    """True when a connection holds a prepared statement whose columns a migration has changed since: it would fail for
    ever, for PostgreSQL prepares no statement anew to other columns. The statement itself did nothing."""
    cause = error.orig if isinstance(error, exc.DBAPIError) else error
    # Known by its place in the server: its words depend on the server's language.
    return (
        isinstance(cause, psycopg.errors.FeatureNotSupported) and cause.diag.source_function == "RevalidateCachedQuery"
    )


class Alone:
    """An Ask whose every statement commits by itself, on connections that nothing holds for longer.

    `binary` brings bytes as they are, not as twice as many letters; what psycopg cannot read so comes as bytes too.
    """

    def __init__(self, url: str, settings: Settings, *, binary: bool = False, most: int | None = None) -> None:
        self._binary = binary
        self._url = url.replace("postgresql+psycopg://", "postgresql://", 1)
        self._wait_s = settings.pool_wait_s
        self._room = asyncio.Semaphore(min(most or settings.pool_size, settings.pool_size))
        self._waiting: list[AsyncDriver[Any]] = []

    async def __call__(self, statement: str | Ready, **values: Any) -> list[Any]:
        """See Ask."""
        try:
            async with self._lent() as connection:
                return await _rows(connection, statement, values, binary=self._binary)
        except exc.NotSupportedError as error:
            if not is_stale(error):
                raise
        await self.dispose()  # what else waits is as old
        async with self._lent() as connection:
            return await _rows(connection, statement, values, binary=self._binary)

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Ask]:
        """An Ask whose statements commit together when the block ends, and not at all when it raises."""
        async with self._lent() as connection:

            async def ask(statement: str | Ready, **values: Any) -> list[Any]:
                return await _rows(connection, statement, values, binary=self._binary)

            with _told_as_usual():
                async with connection.transaction():
                    yield ask

    @asynccontextmanager
    async def _lent(self) -> AsyncIterator[AsyncDriver[Any]]:
        try:
            async with asyncio.timeout(self._wait_s):
                await self._room.acquire()
        except TimeoutError:
            raise exc.TimeoutError("no connection became free in time") from None
        try:
            connection = await self._connected()
            try:
                yield connection
            except exc.NotSupportedError as error:
                if is_stale(error):
                    await connection.close()
                raise
            finally:
                if connection.info.transaction_status == TransactionStatus.IDLE:
                    self._waiting.append(connection)
                else:
                    await connection.close()  # it broke, or this was cancelled half-way
        finally:
            self._room.release()

    async def _connected(self) -> AsyncDriver[Any]:
        while self._waiting:
            connection = self._waiting.pop()
            if not _is_dead(connection):
                return connection
            await connection.close()
        with _told_as_usual():
            return await AsyncDriver.connect(self._url, autocommit=True, **CONNECT)

    async def dispose(self) -> None:
        """Close what waits."""
        while self._waiting:
            await self._waiting.pop().close()


def within(session: AsyncSession) -> Ask:
    """An Ask inside the transaction of a session; it sees what was added to the session before."""
    known: Ask | None = session.info.get("ask")
    if known:
        return known
    connection: AsyncDriver[Any] | None = None
    transaction = None

    async def ask(statement: str | Ready, **values: Any) -> list[Any]:
        nonlocal connection, transaction
        if session.new or session.deleted or session.identity_map.check_modified():
            await session.flush()
        if connection is None or transaction is not session.sync_session.get_transaction():
            connection = await driver(session)
            transaction = session.sync_session.get_transaction()
        try:
            return await _rows(connection, statement, values)
        except exc.NotSupportedError as error:
            if is_stale(error):
                await (await session.connection()).invalidate(error)
            raise

    session.info["ask"] = ask
    return ask


async def _rows(
    connection: AsyncDriver[Any], statement: str | Ready, values: dict[str, Any], *, binary: bool = False
) -> list[Any]:
    ready = Ready.written(statement) if isinstance(statement, str) else statement
    given = ready.given | values
    with _told_as_usual():
        cursor = AsyncRawCursor(connection, row_factory=namedtuple_row)
        await cursor.execute(ready.text, [given[name] for name in ready.names], binary=binary)
        return await cursor.fetchall() if cursor.description else []


@contextmanager
def _told_as_usual() -> Iterator[None]:
    """What psycopg raises, as SQLAlchemy would have raised it: nobody above knows two families of errors."""
    try:
        yield
    except psycopg.Error as error:
        raise exc.DBAPIError.instance(None, None, error, psycopg.Error, hide_parameters=True) from error


async def driver(session: AsyncSession) -> AsyncDriver[Any]:
    """psycopg's own connection under a session, in the same transaction: for COPY."""
    raw = await (await session.connection()).get_raw_connection()
    connection = raw.driver_connection
    if not isinstance(connection, AsyncDriver):
        raise TypeError("the engine does not speak through psycopg")
    return connection


def _source(name: str) -> str:
    return SQL_DIR.joinpath(f"{name}.sql").read_text(encoding="utf-8")


@cache
def sql(name: str) -> TextClause:
    """The statement in app/sql/<name>.sql, with :named parameters."""
    return text(_source(name))
