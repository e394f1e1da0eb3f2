"""How Alembic meets our database: one connection as its owner, waiting at most 5 s for a lock.

The address comes from config.attributes["url"] (./civic migrate) or from CIVIC_MIGRATE_URL.
"""

from alembic import context
from geoalchemy2 import alembic_helpers
from sqlalchemy import create_engine, pool, text

from app import models  # noqa: F401  registers every table
from app.db import SQL_DIR, Base
from app.settings import Settings


def _include(name: str | None, kind: str, parents: object) -> bool:
    """Procrastinate keeps its own house; everything else outside ours belongs to an extension."""
    return name in (None, "vault") if kind == "schema" else True


def _include_object(obj: object, name: str | None, kind: str, reflected: bool, compare_to: object) -> bool:
    # Only what the models know is ours to compare: extensions bring tables of their own.
    if kind == "table" and reflected and compare_to is None and name == "spatial_ref_sys":
        return False
    return bool(alembic_helpers.include_object(obj, name, kind, reflected, compare_to))


def run() -> None:
    """Migrate over one connection, then grant what the two login roles may do."""
    url = context.config.attributes.get("url") or Settings().migrate_url
    if not url:
        raise SystemExit("Set CIVIC_MIGRATE_URL to the database's owner, or use './civic migrate'.")
    engine = create_engine(url.replace("postgresql://", "postgresql+psycopg://", 1), poolclass=pool.NullPool)
    with engine.connect() as connection:
        connection.execute(text("SET lock_timeout = '5s'"))
        connection.commit()
        context.configure(
            connection=connection,
            target_metadata=Base.metadata,
            include_schemas=True,
            include_name=_include,
            include_object=_include_object,
            process_revision_directives=alembic_helpers.writer,
            render_item=alembic_helpers.render_item,
            compare_type=True,
            compare_server_default=False,
        )
        with context.begin_transaction():
            context.run_migrations()
            if context.get_context().get_current_heads():
                connection.execute(text((SQL_DIR / "grants.sql").read_text(encoding="utf-8")))
    engine.dispose()


run()
