"""The version of the database's tables: which one it has, which one this code knows, and the way up."""

import time
from pathlib import Path

import psycopg
from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory

from app import localdb, postgres

_LOCK = 0x63697669  # one migration at a time, whoever starts it


class SchemaUnfit(postgres.DatabaseUnavailable):
    """The tables do not fit this code; the text says what to do, in words for an operator."""


class SchemaNewer(SchemaUnfit):
    """The tables were made by a newer version of this program. Nothing was touched."""


class SchemaBehind(SchemaUnfit):
    """The tables wait for a migration."""


def upgrade(url: str) -> str:
    """Bring the tables up to date as the database's owner and return the revision reached.

    Safe to call from several processes at once: one migrates, the others wait and find it done. Raises SchemaNewer,
    or postgres.DatabaseUnavailable where the server is below the floor.
    """
    with _connect(url) as connection:
        localdb.check_versions(connection)
        # Tried again and again, not waited for: a waiting statement would hold up an index that is built concurrently.
        while not _first(connection, f"SELECT pg_try_advisory_lock({_LOCK})"):
            time.sleep(0.2)
        config = _config()
        config.attributes["url"] = url
        script = ScriptDirectory.from_config(config)
        if _known(connection, script) != script.get_current_head():
            command.upgrade(config, "head")
        return str(script.get_current_head())


def require_current(url: str) -> None:
    """Raise SchemaBehind or SchemaNewer unless the tables are exactly those of this code."""
    with _connect(url) as connection:
        localdb.check_versions(connection)
        script = ScriptDirectory.from_config(_config())
        there, head = _known(connection, script), script.get_current_head()
    if there != head:
        raise SchemaBehind(
            f"The tables are at revision {there or 'none'}, this code needs {head}: run './civic migrate'."
        )


def knows(revision: str) -> bool:
    """True for every revision that this code can migrate from, and its newest."""
    return revision in {known.revision for known in ScriptDirectory.from_config(_config()).walk_revisions()}


def _connect(url: str) -> localdb.Connection:
    address = url.replace("postgresql+psycopg://", "postgresql://", 1)
    return psycopg.connect(address, autocommit=True, connect_timeout=10)


def _config() -> Config:
    return Config(Path(__file__).parent.parent / "alembic.ini")


def _known(connection: localdb.Connection, script: ScriptDirectory) -> str | None:
    """The revision of the tables (None: there are none yet); SchemaNewer when this code has never heard of it."""
    there = None
    if _first(connection, "SELECT to_regclass('alembic_version') IS NOT NULL"):
        there = _first(connection, "SELECT version_num FROM alembic_version")
    if there is not None and not knows(str(there)):
        raise SchemaNewer(
            f"This database was made by a newer version of Civic Crowd Map (its revision {there} is unknown here). "
            "Update the program; nothing was changed."
        )
    return None if there is None else str(there)


def _first(connection: localdb.Connection, statement: str) -> object:
    row = connection.execute(statement.encode()).fetchone()
    return row[0] if row else None
