"""The way to the database: two engines, the base of all tables, the transaction rule, the SQL loader.

Only this module commits. A request or a job is one transaction: everything it says happened, or nothing did.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any, ClassVar

from psycopg import AsyncConnection as AsyncDriver
from sqlalchemy import DateTime, Integer, MetaData, TextClause, text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, AsyncSession, create_async_engine
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


class Base(DeclarativeBase):
    """Every table. Constraints have names, because errors.CONSTRAINTS speaks of them."""

    metadata = MetaData(naming_convention=NAMING)
    type_annotation_map: ClassVar[dict[Any, Any]] = {datetime: DateTime(timezone=True), int: Integer}


@dataclass(frozen=True)
class Engines:
    """`read` may only read and never sees the vault; `write` does everything else."""

    read: AsyncEngine
    write: AsyncEngine

    @classmethod
    def of(cls, settings: Settings) -> "Engines":
        """Engines for these settings, which must name their databases (cli.opened fills in the embedded ones)."""
        write = settings.database_url or settings.database_read_url
        read = settings.database_read_url or settings.database_url
        if not write or not read:
            raise ValueError("the settings name no database")
        return cls(read=_engine(read, settings), write=_engine(write, settings))

    async def dispose(self) -> None:
        """Close every connection."""
        await self.read.dispose()
        await self.write.dispose()

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
    async def autocommit(self) -> AsyncIterator[AsyncConnection]:
        """A connection whose every statement commits by itself: for counters that outlive a failed request."""
        async with self.write.connect() as connection:
            yield await connection.execution_options(isolation_level="AUTOCOMMIT")


def _engine(url: str, settings: Settings) -> AsyncEngine:
    return create_async_engine(
        url.replace("postgresql://", "postgresql+psycopg://", 1),
        pool_size=settings.pool_size,
        max_overflow=0,
        pool_timeout=settings.pool_wait_s,
        pool_pre_ping=True,
        hide_parameters=True,  # a log must not hold what the vault is for
        connect_args={"connect_timeout": 5, "application_name": "civic"},
    )


async def driver(session: AsyncSession) -> AsyncDriver[Any]:
    """psycopg's own connection under a session, in the same transaction: for COPY."""
    raw = await (await session.connection()).get_raw_connection()
    connection = raw.driver_connection
    if not isinstance(connection, AsyncDriver):
        raise TypeError("the engine does not speak through psycopg")
    return connection


@cache
def sql(name: str) -> TextClause:
    """The statement in app/sql/<name>.sql, with :named parameters."""
    return text(SQL_DIR.joinpath(f"{name}.sql").read_text(encoding="utf-8"))
