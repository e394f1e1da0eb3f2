"""The embedded database: a private PostgreSQL with PostGIS in the data folder, shared by all commands on that folder.

Every command that uses a folder holds a shared file lock on it; the first one starts the cluster, and the one that
can take the lock for itself alone on leaving stops it. A command that dies without leaving takes nothing with it:
the kernel drops its lock, and the next command finds the cluster running or starts it again.

The cluster listens on a socket in a folder of mode 0700 and on no network address. Run by root, it belongs to the
account `postgres`, because PostgreSQL refuses root. Only `<data>/postgres` is ever started, stopped or killed here.
"""

import contextlib
import fcntl
import hashlib
import logging
import os
import pwd
import re
import shlex
import shutil
import signal
import stat
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

import psycopg
from psycopg import sql

from app import postgres

log = logging.getLogger("civic.localdb")

Connection = psycopg.Connection[tuple[Any, ...]]

SUPERUSER = "postgres"
DATABASE = "civic"
RECOVERY_WAIT_S = 300  # a large database replays its log before it answers
OLD_MEMORY_WAIT_S = 30.0  # back ends of a killed postmaster need some seconds to notice

ROLES_SQL = Path(__file__).with_name("sql") / "roles.sql"
_MARKER = "civic-cluster"  # in the cluster folder: proves that we made it, and says "durable" or "fast"
_SETTINGS = {
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "max_connections": "200",
    "shared_buffers": "256MB",
    "random_page_cost": "1.1",
    "jit": "off",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "cluster_name": "civic",
}
_DURABILITY = ("fsync", "synchronous_commit", "full_page_writes")


class ClusterNotOurs(postgres.DatabaseUnavailable):
    """The folder holds a cluster that this program did not make, or one made for another purpose."""


@dataclass(frozen=True)
class Cluster:
    """A running private cluster. Made by `running`; not valid after that block has ended."""

    data: Path
    programs: postgres.Programs
    account: str | None  # who runs it, when that is not ourselves
    durable: bool

    @property
    def folder(self) -> Path:
        """The PostgreSQL data directory."""
        return self.data / "postgres"

    def url(self, role: str, database: str = DATABASE) -> str:
        """A SQLAlchemy URL that signs in as `role`; no password is needed inside the socket folder."""
        query = urlencode({"host": _socket_dir(self.folder), "port": 5432}, quote_via=quote)  # libpq knows no +
        return f"postgresql+psycopg://{role}@/{database}?{query}"

    def connect(self, role: str = SUPERUSER, database: str = "postgres") -> Connection:
        """A plain connection in autocommit mode; waits while the server still recovers."""
        deadline = time.monotonic() + RECOVERY_WAIT_S
        while True:
            try:
                return psycopg.connect(
                    host=str(_socket_dir(self.folder)),
                    port=5432,
                    user=role,
                    dbname=database,
                    autocommit=True,
                    connect_timeout=10,
                )
            except psycopg.OperationalError as error:
                wait = "starting up" in str(error) or "recovery" in str(error)
                if not wait or time.monotonic() > deadline:
                    raise
                time.sleep(0.1)

    def ensure_running(self) -> bool:
        """Start the server again if its postmaster is gone. Cheap while it lives; True when a start was needed."""
        if _postmaster(self.folder):
            return False
        with _lock(self.data / "postgres.start"):
            if _postmaster(self.folder):
                return False
            log.warning("the database server in %s is gone: starting it again", self.folder)
            _start(self)
        return True


@contextlib.contextmanager
def running(data: Path, *, durable: bool = True) -> Iterator[Cluster]:
    """The cluster of this data folder, made when missing, started when not running, shared with other commands.

    Guarantees: data checksums on; with `durable` (the default) fsync, synchronous_commit and full_page_writes on,
    whatever its configuration file says; the roles civic_owner, civic_write and civic_read, none a superuser; and the
    database `civic`, owned by civic_owner, with PostGIS in it. `durable=False` makes a cluster for tests that a crash
    may ruin; a folder stays what it was made as. Raises postgres.DatabaseUnavailable with a sentence for the operator.
    """
    if not Path("/proc/self/cwd").exists():  # how we know our own processes from everybody else's
        raise postgres.DatabaseUnavailable(
            "The embedded database runs on Linux. Here, type: docker compose up --build, or set CIVIC_DATABASE_URL."
        )
    data = data.absolute()
    account = _account(data / "postgres")
    _make_data_folder(data, account)
    with contextlib.ExitStack() as leaving:
        with _lock(data / "postgres.start"):
            users = leaving.enter_context(_lock(data / "postgres.users", fcntl.LOCK_SH))
            cluster = Cluster(data, _programs(data / "postgres"), account, durable)
            if not cluster.folder.exists():
                _make(cluster)
            _check_marker(cluster)
            leaving.callback(_leave, cluster, users)
            if not _postmaster(cluster.folder):
                _start(cluster)
            _furnish(cluster)
        yield cluster


def check_versions(connection: Connection) -> None:
    """Raise postgres.DatabaseTooOld when this server, or the PostGIS it has or offers, is below the floor."""
    row = connection.execute(
        "SELECT current_setting('server_version_num')::int / 10000, coalesce(installed_version, default_version) "
        "FROM pg_available_extensions WHERE name = 'postgis'"
    ).fetchone()
    if row is None:
        raise postgres.PostgisMissing(
            "This server has no PostGIS: install its PostGIS package on the database machine."
        )
    major, (postgis_major, postgis_minor, *_) = row[0], map(int, row[1].split("."))
    if (major, (postgis_major, postgis_minor)) < postgres.FLOOR or (postgis_major, postgis_minor) < postgres.FLOOR[1]:
        raise postgres.DatabaseTooOld(postgres.too_old(major, (postgis_major, postgis_minor)))


# Locks ---------------------------------------------------------------------------------------------------------------


@contextlib.contextmanager
def _lock(path: Path, how: int = fcntl.LOCK_EX) -> Iterator[int]:
    """Hold a file lock; the kernel releases it when this process ends in whatever way."""
    handle = os.open(path, os.O_RDONLY | os.O_CREAT | os.O_CLOEXEC, 0o644)
    try:
        fcntl.flock(handle, how)
        yield handle
    finally:
        os.close(handle)


def _leave(cluster: Cluster, users: int) -> None:
    """Stop the server unless another command still uses it. Starting and leaving exclude each other."""
    with _lock(cluster.data / "postgres.start"):
        try:
            fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return
        if _postmaster(cluster.folder):
            mode = "fast" if cluster.durable else "immediate"
            stopped = _pg_ctl(cluster, "stop", "-m", mode)
            if stopped.returncode:
                log.error("the database server in %s did not stop: %s", cluster.folder, stopped.stderr.strip())


# Folders and accounts ------------------------------------------------------------------------------------------------


def _account(folder: Path) -> str | None:
    """The account to run PostgreSQL as: None for our own. Root uses the folder's owner, or `postgres` for a new one."""
    owner = folder.owner() if folder.exists() else None
    if os.geteuid() != 0:
        if owner and folder.stat().st_uid != os.geteuid():
            raise postgres.DatabaseUnavailable(
                f"{folder} belongs to the account {owner}: run this command as root or as {owner}."
            )
        return None
    if owner and owner != "root":
        return owner
    try:
        return pwd.getpwnam("postgres").pw_name
    except KeyError:
        raise postgres.DatabaseUnavailable(
            "PostgreSQL refuses to run as root, and there is no account 'postgres' here: use an ordinary account."
        ) from None


def _make_data_folder(data: Path, account: str | None) -> None:
    try:
        if not data.exists():
            data.mkdir(parents=True)
            data.chmod(0o711)  # the database account passes through; it cannot list
        os.close(os.open(data / "postgres.start", os.O_RDONLY | os.O_CREAT, 0o644))
    except OSError as error:
        raise postgres.DatabaseUnavailable(
            f"{data} cannot hold the map's data ({error.strerror}). Name another folder with --data."
        ) from None
    if _run(account, ["test", "-x", str(data)]).returncode:
        raise postgres.DatabaseUnavailable(
            f"The account {account}, which runs the database, may not pass through to {data}. "
            "Name another folder with --data, for example /var/lib/civic-crowd-map."
        )


def _socket_dir(folder: Path) -> Path:
    """Where the socket is: in the cluster folder, or in a short folder named by its hash where the path is too long.

    A socket's path holds 107 bytes, and libpq splits a host at commas. The folder outside is ours alone or refused.
    """
    if len(os.fsencode(folder)) <= 85 and "," not in str(folder):
        return folder
    return Path(tempfile.gettempdir()) / f"civic-{hashlib.sha256(os.fsencode(folder)).hexdigest()[:16]}"


def _make_socket_dir(cluster: Cluster) -> None:
    place, owner = _socket_dir(cluster.folder), cluster.folder.stat()
    if place != cluster.folder:
        with contextlib.suppress(FileExistsError):
            place.mkdir(mode=0o700)
            os.chown(place, owner.st_uid, owner.st_gid)
        there = place.lstat()
        if not stat.S_ISDIR(there.st_mode) or there.st_uid != owner.st_uid or there.st_mode & 0o077:
            raise postgres.DatabaseUnavailable(
                f"{place} is not a private folder of {cluster.folder.owner()}: remove it and try again."
            )


def _check_marker(cluster: Cluster) -> None:
    marker = cluster.folder / _MARKER
    if not marker.is_file():
        raise ClusterNotOurs(f"{cluster.folder} was not made by Civic Crowd Map. Name another folder with --data.")
    if (marker.read_text(encoding="utf-8").strip() == "durable") is not cluster.durable:
        raise ClusterNotOurs(
            f"{cluster.folder} was made for tests and may lose data in a crash. Name another folder with --data."
            if cluster.durable
            else f"{cluster.folder} holds real data; a cluster for tests needs a folder of its own."
        )


# Programs ------------------------------------------------------------------------------------------------------------


def _programs(folder: Path) -> postgres.Programs:
    version = folder / "PG_VERSION"
    if not version.is_file():
        return postgres.chosen()
    try:
        return postgres.chosen(int(version.read_text(encoding="utf-8").strip()))
    except postgres.AnotherMajor as error:
        raise postgres.AnotherMajor(f"{folder}: {error}") from None


def _run(account: str | None, command: Sequence[str]) -> "subprocess.CompletedProcess[str]":
    """Run a program to its end as `account` (None: as ourselves), free of the caller's PostgreSQL settings."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PG")}
    user, group, groups = None, None, None
    if account:
        entry = pwd.getpwnam(account)
        user, group, groups = entry.pw_uid, entry.pw_gid, os.getgrouplist(account, entry.pw_gid)
    return subprocess.run(
        command,
        user=user,
        group=group,
        extra_groups=groups,
        cwd="/",
        env=environment | {"LC_ALL": "C.UTF-8"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        check=False,
    )


def _pg_ctl(cluster: Cluster, verb: str, *options: str) -> "subprocess.CompletedProcess[str]":
    program = str(cluster.programs.bin / "pg_ctl")
    return _run(
        cluster.account, [program, verb, "-s", "-w", "-t", str(RECOVERY_WAIT_S), "-D", str(cluster.folder), *options]
    )


# Making and starting -------------------------------------------------------------------------------------------------


def _make(cluster: Cluster) -> None:
    """Make the cluster under another name and move it into place, so that an interruption leaves no half of one."""
    new = cluster.data / "postgres.new"
    shutil.rmtree(new, ignore_errors=True)
    new.mkdir(mode=0o700)
    if cluster.account:
        shutil.chown(new, cluster.account, pwd.getpwnam(cluster.account).pw_gid)
    command = [str(cluster.programs.bin / "initdb"), "-D", str(new), "-U", SUPERUSER, "-A", "trust", "-E", "UTF8"]
    command += ["--locale=C.UTF-8", "--data-checksums", *([] if cluster.durable else ["--no-sync"])]
    made = _run(cluster.account, command)
    if made.returncode:
        raise postgres.DatabaseUnavailable(f"The database could not be made in {cluster.data}: {made.stderr.strip()}")
    (new / _MARKER).write_text("durable\n" if cluster.durable else "fast\n", encoding="utf-8")
    new.rename(cluster.folder)


def _start(cluster: Cluster) -> None:
    """Start the server and wait until it answers. The caller holds the start lock."""
    _make_socket_dir(cluster)
    settings = _SETTINGS | {"unix_socket_directories": f'"{_socket_dir(cluster.folder)}"'}
    settings |= dict.fromkeys(_DURABILITY, "on" if cluster.durable else "off")
    options = shlex.join(part for name, value in settings.items() for part in ("-c", f"{name}={value}"))
    logfile = cluster.folder / "server.log"
    deadline = time.monotonic() + OLD_MEMORY_WAIT_S
    while True:
        before = logfile.stat().st_size if logfile.exists() else 0
        if not _pg_ctl(cluster, "start", "-l", str(logfile), "-o", options).returncode:
            return
        with logfile.open("rb") as lines:
            lines.seek(before)
            said = lines.read().decode(errors="replace").strip()
        if not _cleared(cluster, said, deadline):
            raise postgres.DatabaseUnavailable(
                f"The database in {cluster.folder} did not start: {said or 'it said nothing'}"
            )


def _cleared(cluster: Cluster, said: str, deadline: float) -> bool:
    """Deal with what a killed server left behind. True when another start is worth trying."""
    locked = re.findall(r'lock file "([^"]+)" already exists', said)
    if not locked and "pre-existing shared memory block" not in said:
        return False
    left = _processes(cluster.folder)
    if locked and not left:
        # Its number is now another program's, or a dead process's that nobody collects: no one works in the folder.
        for file in locked:
            (cluster.folder / file).unlink(missing_ok=True)
        return True
    if time.monotonic() >= deadline:
        for process in left:
            with contextlib.suppress(ProcessLookupError):
                os.kill(process, signal.SIGKILL)
    time.sleep(0.5)
    return time.monotonic() < deadline + 15  # even a killed process takes a moment to let go of its memory


def _postmaster(folder: Path) -> int | None:
    """The process number of this folder's live server."""
    try:
        process = int((folder / "postmaster.pid").read_text(encoding="utf-8").split("\n", 1)[0])
    except (FileNotFoundError, ValueError):
        return None
    return process if process in _processes(folder, [process]) else None


def _processes(folder: Path, among: Sequence[int] | None = None) -> list[int]:
    """The live processes that work in this folder: every PostgreSQL process makes its data folder its own."""
    ours = folder.stat()
    candidates = (
        among if among is not None else [int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit()]
    )
    working = []
    for process in candidates:
        with contextlib.suppress(OSError):  # it ended meanwhile, is a zombie, or belongs to somebody else
            there = Path(f"/proc/{process}/cwd").stat()
            if (there.st_dev, there.st_ino) == (ours.st_dev, ours.st_ino):
                working.append(process)
    return working


def _furnish(cluster: Cluster) -> None:
    """Roles, database and PostGIS, each made where missing. A PostGIS older than the installed one is brought up."""
    with cluster.connect() as connection:
        check_versions(connection)
        connection.execute(ROLES_SQL.read_bytes())
        if not connection.execute("SELECT 1 FROM pg_roles WHERE rolname = 'civic_owner'").fetchone():
            connection.execute("CREATE ROLE civic_owner LOGIN")
        if not connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [DATABASE]).fetchone():
            connection.execute(sql.SQL("CREATE DATABASE {} OWNER civic_owner").format(sql.Identifier(DATABASE)))
    with cluster.connect(database=DATABASE) as connection:
        connection.execute("SET client_min_messages = warning")
        connection.execute("CREATE EXTENSION IF NOT EXISTS postgis")
        connection.execute("ALTER EXTENSION postgis UPDATE")
