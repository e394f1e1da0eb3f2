"""A whole embedded map in one file, and back: its database, its secret and a word on what it is.

The file is a zip of `manifest.json`, `secret` and `database.dump` (pg_dump's own form, compressed by it). What opens a
door for minutes only stays out: sessions, sign-ins, answers kept for retries, rate counters. Jobs and their files,
kept for a day, do too. The file holds mail addresses and exact places, so nobody but its owner may read it.
"""

import contextlib
import json
import os
import shutil
import subprocess
import tempfile
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import IO

from psycopg import IsolationLevel, sql

from app import errors, localdb, postgres, schema

FORM = "civic-crowd-map backup"
VERSION = 1
#: Their rows stay out of a backup; the tables themselves are in it.
LEFT_OUT = (
    "public.session", "public.idempotency", "public.rate_counter", "vault.sign_in", "public.job", "public.file",
    "public.file_part",
)  # fmt: skip
COUNTED = ("person", "asset", "comment", "proposal", "pledge", "area", "history")
_EXTENSIONS = "SELECT extname FROM pg_extension WHERE extowner = 'civic_owner'::regrole ORDER BY extname"
_PIECE = 1 << 20


class BackupRefused(postgres.DatabaseUnavailable):
    """Nothing was begun, because this file or folder does not fit; the text says what would."""


class BackupFailed(errors.Problem):
    """A program of PostgreSQL stopped half-way; what it had written is gone again."""


@dataclass(frozen=True)
class Manifest:
    """What a backup says of itself."""

    revision: str
    """of the tables"""
    postgres: int
    """major version of the server that it was taken from"""
    at: str
    """ISO 8601, UTC"""
    extensions: list[str]
    """that the tables' owner made, and has to own again"""
    counts: dict[str, int]
    form: str = FORM
    version: int = VERSION


def write(cluster: localdb.Cluster, secret: bytes, file: Path, *, replace: bool = False) -> Manifest:
    """Back the cluster's map up into `file` (mode 0600) as it is at one moment, while others go on writing.

    The file has its name only once it is whole and on disk. Raises BackupRefused where it exists and `replace` is
    false, where its folder cannot be written to, or where there are no tables; BackupFailed with pg_dump's words.
    """
    if file.exists() and not replace:
        raise BackupRefused(f"{file} exists. Choose another name, or replace it with --force.")
    with _draft(file) as draft:
        with zipfile.ZipFile(draft, "w", zipfile.ZIP_STORED) as archive:
            manifest = _fill(cluster, archive)
            archive.writestr("secret", secret)
            archive.writestr("manifest.json", json.dumps(asdict(manifest), indent=1) + "\n")
        draft.flush()
        os.fsync(draft.fileno())
    return manifest


@contextlib.contextmanager
def _draft(file: Path) -> Iterator[IO[bytes]]:
    """A new file beside `file` that takes its place when the block ends well, and is gone when it does not."""
    try:
        number, name = tempfile.mkstemp(prefix=f".{file.name}-", dir=file.absolute().parent)  # mode 0600
    except OSError as error:
        raise BackupRefused(f"{file} cannot be written ({error.strerror}).") from None
    try:
        with os.fdopen(number, "wb") as draft:
            yield draft
        Path(name).replace(file)
    except OSError as error:
        raise BackupFailed(f"{file} could not be written ({error.strerror}); nothing was kept.") from None
    finally:
        Path(name).unlink(missing_ok=True)


def _fill(cluster: localdb.Cluster, archive: zipfile.ZipFile) -> Manifest:
    with cluster.connect(database=localdb.DATABASE) as connection:
        connection.isolation_level = IsolationLevel.REPEATABLE_READ
        with connection.transaction():  # counts and dump see the same moment
            if _one(connection, "SELECT to_regclass('public.alembic_version')::text") is None:
                raise BackupRefused(f"The database in {cluster.data} has no tables yet: there is nothing to back up.")
            manifest = Manifest(
                revision=str(_one(connection, "SELECT version_num FROM public.alembic_version")),
                postgres=cluster.programs.major,
                at=datetime.now(UTC).isoformat(timespec="seconds"),
                extensions=[str(name) for (name,) in connection.execute(_EXTENSIONS)],
                counts=_counts(connection),
            )
            words = ["-Fc", f"--snapshot={_one(connection, 'SELECT pg_export_snapshot()')}"]
            words += [f"--exclude-table-data={name}" for name in LEFT_OUT]
            with archive.open("database.dump", "w", force_zip64=True) as into:
                _dump(cluster, words, into)
    return manifest


def _dump(cluster: localdb.Cluster, words: list[str], into: IO[bytes]) -> None:
    command, environment = _program(cluster, "pg_dump")
    with (
        tempfile.TemporaryFile() as said,
        subprocess.Popen([*command, *words], env=environment, stdout=subprocess.PIPE, stderr=said) as dumping,
    ):
        try:
            shutil.copyfileobj(dumping.stdout or said, into, _PIECE)
        except BaseException:
            dumping.kill()
            raise
        if dumping.wait():
            raise BackupFailed(f"pg_dump stopped: {_words(said)}")


def restore(data: Path, file: Path) -> Manifest:
    """Make the map of a backup in a data folder that has no database, with the secret and the newest tables.

    It is made under another name and moved into place when it is whole; when it cannot be, everything that was made is
    gone again. Raises BackupRefused (another file, a damaged one, a newer one, a folder in use) or BackupFailed.
    """
    data = data.absolute()
    with _read(file) as archive:
        manifest = _manifest(archive, file)
        secret = archive.read("secret")
        _require_free(data, secret)
        _require_major(postgres.chosen().major, manifest)
        with _workplace(data) as place:
            with localdb.running(place) as cluster:
                with archive.open("database.dump") as dump:
                    _pour(cluster, manifest, dump)
                _settle(cluster, manifest)
            _move_in(place, data, secret)
    return manifest


@contextlib.contextmanager
def _read(file: Path) -> Iterator[zipfile.ZipFile]:
    """The file, with every byte as it was written."""
    try:
        with zipfile.ZipFile(file) as archive:
            if archive.testzip() is not None:
                raise BackupRefused(f"{file} is damaged: a part of it is not as it was written.")
            yield archive
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError):
        raise BackupRefused(f"{file} is no backup of a map, or not all of it.") from None


def _manifest(archive: zipfile.ZipFile, file: Path) -> Manifest:
    try:
        told = json.loads(archive.read("manifest.json"))
        form, version = told["form"], int(told["version"])
        archive.getinfo("secret"), archive.getinfo("database.dump")
        if form == FORM and version > VERSION:
            raise BackupRefused(f"{file} was made by a newer version of Civic Crowd Map. Update the program.")
        manifest = Manifest(**told)
    except (KeyError, TypeError, ValueError, RuntimeError):
        raise BackupRefused(f"{file} is no backup of a map.") from None
    if form != FORM:
        raise BackupRefused(f"{file} is no backup of a map.")
    if not schema.knows(manifest.revision):
        raise BackupRefused(
            f"{file} was made by a newer version of Civic Crowd Map (its revision {manifest.revision} is unknown "
            "here). Update the program; nothing was changed."
        )
    return manifest


def _require_free(data: Path, secret: bytes) -> None:
    if (data / "postgres").exists():
        raise BackupRefused(
            f"{data} has a database already, and a backup never goes over one. Name another folder with --data, "
            f"or move {data / 'postgres'} away first."
        )
    kept = data / "secret"
    if kept.exists() and kept.read_bytes().strip() != secret.strip():
        raise BackupRefused(f"{kept} is the secret of another map. Name another folder with --data, or move it away.")


def _require_major(major: int, manifest: Manifest) -> None:
    if major < manifest.postgres:
        raise BackupRefused(
            f"This backup was made by PostgreSQL {manifest.postgres}, and this machine has {major}. "
            f"Install PostgreSQL {manifest.postgres} or newer with PostGIS."
        )


@contextlib.contextmanager
def _workplace(data: Path) -> Iterator[Path]:
    """A folder inside the data folder to make a database in; afterwards it is gone, with all that is still in it."""
    new = not data.exists()
    try:
        data.mkdir(parents=True, exist_ok=True)
        if new:
            data.chmod(0o711)  # the database account passes through; it cannot list
        place = Path(tempfile.mkdtemp(prefix="restoring-", dir=data))
        place.chmod(0o711)
    except OSError as error:
        raise BackupRefused(f"{data} cannot hold a map's data ({error.strerror}). Name another with --data.") from None
    try:
        yield place
    finally:
        shutil.rmtree(place)
        if new and not any(data.iterdir()):
            data.rmdir()


def _pour(cluster: localdb.Cluster, manifest: Manifest, dump: IO[bytes]) -> None:
    with cluster.connect("civic_owner", localdb.DATABASE) as connection:
        for name in manifest.extensions:  # pg_restore would make them the superuser's
            connection.execute(sql.SQL("CREATE EXTENSION IF NOT EXISTS {}").format(sql.Identifier(name)))
    command, environment = _program(cluster, "pg_restore")
    words = ["--exit-on-error", "--single-transaction"]
    with (
        tempfile.TemporaryFile() as said,
        subprocess.Popen([*command, *words], env=environment, stdin=subprocess.PIPE, stderr=said) as pouring,
    ):
        try:
            if pouring.stdin:
                with contextlib.suppress(BrokenPipeError), pouring.stdin:  # it stopped by itself, and said why
                    shutil.copyfileobj(dump, pouring.stdin, _PIECE)
        except BaseException:
            pouring.kill()
            raise
        if pouring.wait():
            raise BackupFailed(f"The backup could not be read back; nothing was kept. pg_restore: {_words(said)}")


def _settle(cluster: localdb.Cluster, manifest: Manifest) -> None:
    """Everything is there; the tables become those of this code, and the planner knows them."""
    with cluster.connect(database=localdb.DATABASE) as connection:
        if _counts(connection) != manifest.counts:
            raise BackupFailed("The backup does not hold what it says it holds; nothing was kept.")
    schema.upgrade(cluster.url("civic_owner"))
    with cluster.connect(database=localdb.DATABASE) as connection:
        connection.execute("ANALYZE")


def _move_in(place: Path, data: Path, secret: bytes) -> None:
    """The secret first: a database without its secret would get a new one."""
    kept = data / "secret"
    made = not kept.exists()
    try:
        if made:
            draft = place / "secret"
            draft.touch(mode=0o600)
            draft.write_bytes(secret)
            draft.rename(kept)
        (place / "postgres").rename(data / "postgres")
    except OSError as error:
        if made:
            kept.unlink(missing_ok=True)
        raise BackupFailed(f"{data} did not take the map in ({error.strerror}); nothing was kept.") from None


# Programs and counts -------------------------------------------------------------------------------------------------


def _program(cluster: localdb.Cluster, name: str) -> tuple[list[str], dict[str, str]]:
    """A client program of the cluster's own version on its database, free of the caller's PostgreSQL settings."""
    program = cluster.programs.bin / name
    if not program.is_file():
        raise BackupRefused(
            f"{program} is missing. Install PostgreSQL's client programs (Debian: "
            f"postgresql-client-{cluster.programs.major})."
        )
    plain = {variable: value for variable, value in os.environ.items() if not variable.startswith("PG")}
    address = cluster.url(localdb.SUPERUSER).replace("postgresql+psycopg://", "postgresql://", 1)
    return [str(program), "-d", address], plain | {"LC_ALL": "C.UTF-8"}


def _words(said: IO[bytes]) -> str:
    said.seek(0)
    return said.read().decode(errors="replace").strip()[-1000:] or "it said nothing"


def _counts(connection: localdb.Connection) -> dict[str, int]:
    count = sql.SQL("SELECT count(*) FROM public.{}")
    rows = {name: connection.execute(count.format(sql.Identifier(name))).fetchone() for name in COUNTED}
    return {name: int(row[0]) if row else 0 for name, row in rows.items()}


def _one(connection: localdb.Connection, statement: str) -> object:
    row = connection.execute(statement.encode()).fetchone()
    return row[0] if row else None
