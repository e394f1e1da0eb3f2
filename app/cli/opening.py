"""What every command stands on: its words, the map it opens, and how it says that it cannot."""

import asyncio
import contextlib
import sys
import threading
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer

from app import localdb, postgres
from app.settings import Settings

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncSession

    from app import db

T = TypeVar("T")

cli = typer.Typer(
    name="civic", help="Civic Crowd Map: one map of what a community has.", no_args_is_help=True, add_completion=False,
    pretty_exceptions_enable=False,
)  # fmt: skip

Data = Annotated[Path | None, typer.Option("--data", help="Folder of the embedded database, the secret and media.")]
Port = Annotated[int | None, typer.Option("--port", min=1, max=65535, help="Port to listen on.")]

LINK_INSTEAD = "./civic person sign-in EMAIL prints a link that signs somebody in."


class Refused(Exception):
    """The command cannot do this here; the text says why and what would work. Exit code 2."""


def stop(text: str, code: int) -> None:
    """End with one sentence on standard error."""
    print(f"civic: {text}", file=sys.stderr)
    sys.exit(code)


def configured(data: Path | None = None, **changes: Any) -> Settings:
    """The settings of the environment, with what the command's own words say instead. Opens nothing."""
    said = {name: value for name, value in {"data": data, **changes}.items() if value is not None}
    return Settings(**said)


@contextlib.contextmanager
def opened(data: Path | None = None, **changes: Any) -> Iterator[Settings]:
    """Settings whose database is running, with its tables up to date.

    The embedded database is started or shared, migrated, and watched: it is started again if its server is killed.
    A database of your own is only checked. Raises postgres.DatabaseUnavailable with a sentence for the operator.
    """
    from app import schema

    settings = configured(data, **changes)
    own = settings.database_url or settings.database_read_url
    if own:
        schema.require_current(own)
        yield settings
        return
    with localdb.running(settings.data) as cluster, _watched(cluster):
        schema.upgrade(cluster.url("civic_owner"))
        urls = {"database_url": "civic_write", "database_read_url": "civic_read", "migrate_url": "civic_owner"}
        yield settings.model_copy(update={name: cluster.url(role) for name, role in urls.items()})


@contextlib.contextmanager
def _watched(cluster: localdb.Cluster) -> Iterator[None]:
    over = threading.Event()

    def watch() -> None:
        while not over.wait(1):
            with contextlib.suppress(postgres.DatabaseUnavailable):
                cluster.ensure_running()

    watcher = threading.Thread(target=watch, name="database watch", daemon=True)
    watcher.start()
    try:
        yield
    finally:
        over.set()
        watcher.join()


def with_engines(settings: Settings, work: "Callable[[db.Engines], Awaitable[T]]") -> "T":
    """Run asynchronous work with engines of its own, and close them."""
    from app import db

    async def run() -> T:
        engines = db.Engines.of(settings)
        try:
            return await work(engines)
        finally:
            await engines.dispose()

    return asyncio.run(run())


def in_transaction(data: Path | None, work: "Callable[[AsyncSession], Awaitable[T]]") -> "T":
    """Open the map and do this as one transaction: all of it or nothing."""

    async def run(engines: "db.Engines") -> T:
        async with engines.transaction() as session:
            return await work(session)

    with opened(data) as settings:
        return with_engines(settings, run)
