"""A map in one file and back: backup, restore."""

import time
from pathlib import Path
from typing import Annotated

import typer

from app import localdb
from app.cli.opening import Data, Refused, cli, configured
from app.settings import Settings


@cli.command()
def backup(
    file: Annotated[Path, typer.Argument(dir_okay=False, help="The file to write.")],
    force: Annotated[bool, typer.Option("--force", help="Replace a file of this name.")] = False,
    data: Data = None,
) -> None:
    """Write the whole map to one file, also while it is served: the database with the vault, and the secret.

    Keep the file as safe as the map: it holds mail addresses, exact places, and what keys and sessions are made with.
    """
    from app import auth
    from app import backup as backups

    settings = _embedded(data)
    if not (settings.data / "postgres").exists():
        raise Refused(f"There is no map in {settings.data}. Name its folder with --data.")
    began = time.monotonic()
    with localdb.running(settings.data) as cluster:
        done = backups.write(cluster, auth.load_secret(settings), file, replace=force)
    size = file.stat().st_size / 1e6
    print(f"{file}: {_says(done.counts)}; {size:.1f} MB in {time.monotonic() - began:.1f} s. Keep it safe and private.")


@cli.command()
def restore(
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, readable=True, help="What backup wrote.")],
    data: Data = None,
) -> None:
    """Make the map of a backup, in a data folder that has no database yet. Everybody has to sign in again."""
    from app import backup as backups

    settings = _embedded(data)
    began = time.monotonic()
    done = backups.restore(settings.data, file)
    print(
        f"{settings.data}: {_says(done.counts)}, as they were at {done.at}; {time.monotonic() - began:.1f} s. "
        f"Start it with: ./civic serve --data {settings.data}"
    )
    if settings.secret and settings.secret.get_secret_value() != (settings.data / "secret").read_text().strip():
        print("CIVIC_SECRET is not the secret of this map: while it is set, the map's keys open nothing.")


def _embedded(data: Path | None) -> Settings:
    settings = configured(data)
    if not settings.embedded or settings.migrate_url:
        raise Refused(
            "This map is in a database of your own: back it up with that server's own tools, for example pg_dump -Fc "
            "and pg_restore, and keep CIVIC_SECRET beside it. For an embedded map, unset CIVIC_DATABASE_URL."
        )
    return settings


def _says(counts: dict[str, int]) -> str:
    return f"{counts['asset']:,} assets, {counts['person']:,} people, {counts['comment']:,} comments"
