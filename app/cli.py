"""The commands. Each one reads its words, opens the database and calls the module that does the work.

To add a group: `areas = typer.Typer(help=...)`, `cli.add_typer(areas, name="areas")`, and its commands below it.
A command that needs the database runs inside `opened(data)`. What a command alone needs is imported inside it.
"""

import asyncio
import contextlib
import errno
import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypeVar

import typer
from pydantic import ValidationError

from app import errors, localdb, postgres
from app.settings import Settings, default_data_dir

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncSession

    from app import db

T = TypeVar("T")
SCOPES = "assets:read, assets:write, take-part, reports:read, moderate"

ROOT = Path(__file__).parent.parent
FRONTEND = ROOT / "frontend"

cli = typer.Typer(
    name="civic", help="Civic Crowd Map: one map of what a community has.", no_args_is_help=True, add_completion=False,
    pretty_exceptions_enable=False,
)  # fmt: skip
database = typer.Typer(help="Your own database server.", no_args_is_help=True)
cli.add_typer(database, name="db")

Data = Annotated[Path | None, typer.Option("--data", help="Folder of the embedded database, the secret and media.")]
Port = Annotated[int | None, typer.Option("--port", min=1, max=65535, help="Port to listen on.")]


class Refused(Exception):
    """The command cannot do this here; the text says why and what would work. Exit code 2."""


def main() -> None:
    """Run a command. Exit 2 and one sentence where the operator has to change something, 1 where the work failed."""
    for ending in (signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(ending) != signal.SIG_IGN:  # nohup
            signal.signal(ending, lambda number, _: sys.exit(128 + number))  # so that every `with` block is left
    try:
        cli(prog_name="./civic")
    except ValidationError as error:
        said = [
            f"{'CIVIC_' if e['loc'] else ''}{'_'.join(map(str, e['loc'])).upper()} {e['msg']}" for e in error.errors()
        ]
        _stop("\n".join(line.strip().removeprefix("Value error, ") for line in said), 2)
    except errors.Problem as problem:
        _stop(problem.detail, 1)
    except (Refused, postgres.DatabaseUnavailable) as error:
        _stop(str(error), 2)


def _stop(text: str, code: int) -> None:
    print(f"civic: {text}", file=sys.stderr)
    sys.exit(code)


# Opening a map -------------------------------------------------------------------------------------------------------


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


# The service ---------------------------------------------------------------------------------------------------------


@cli.command()
def demo(port: Port = None, data: Data = None) -> None:
    """The map with sample data, on this machine only. A restart keeps what was added."""
    from app import samples

    changes: dict[str, Any] = {"demo": True, "host": "127.0.0.1", "port": port}
    plan = configured(data, **changes)
    if not plan.embedded:
        raise Refused("The sample data goes into a database of its own. Unset CIVIC_DATABASE_URL, then try again.")
    folder = plan.data / "demo" if plan.data == default_data_dir() else plan.data
    with _listening(plan) as listener, opened(folder, **changes) as settings:
        said = _with_engines(settings, samples.seed)
        print(f"{said}\n" if said else "", end="")
        print(f"The map:     {settings.public_url}\nIts data:    {settings.data}")
        print(f"Sign in:     with any address; the mail with the code waits at {settings.public_url}/dev/mail")
        print(f"More:        ./civic --help; add --data {settings.data} to work on this map\nStop:        Ctrl-C")
        sys.stdout.flush()
        _serve(settings, listener, worker=True)


@cli.command()
def serve(
    port: Port = None,
    host: Annotated[str | None, typer.Option(help="Address to listen on.")] = None,
    data: Data = None,
    worker: Annotated[bool, typer.Option(help="Also do the jobs (mail, clean-up) in this process.")] = True,
) -> None:
    """The map, on the embedded database or on your own (CIVIC_DATABASE_URL)."""
    plan = configured(data, port=port, host=host)
    with _listening(plan) as listener, opened(data, port=port, host=host) as settings:
        where = settings.data if plan.embedded else "your own database"
        print(f"The map: {settings.public_url}  Its data: {where}  Stop: Ctrl-C", flush=True)
        _serve(settings, listener, worker=worker)


@cli.command()
def worker(data: Data = None) -> None:
    """Only the jobs: for a service whose web processes run with --no-worker."""
    from app import tasks

    with opened(data) as settings:
        print("Doing jobs. Stop: Ctrl-C", flush=True)
        with contextlib.suppress(KeyboardInterrupt):
            asyncio.run(tasks.work(settings))


@contextlib.contextmanager
def _listening(settings: Settings) -> Iterator[socket.socket]:
    """The listening socket, taken before anything else is done: a port in use is said at once."""
    listener = socket.socket(socket.AF_INET6 if ":" in settings.host else socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((settings.host, settings.port))
        listener.listen(2048)
    except OSError as error:
        listener.close()
        if error.errno == errno.EADDRINUSE:
            raise Refused(f"Port {settings.port} is in use by another program. Choose another with --port.") from None
        raise Refused(f"Cannot listen on {settings.host} port {settings.port}: {error.strerror}.") from None
    with listener:
        yield listener


def _serve(settings: Settings, listener: socket.socket, *, worker: bool) -> None:
    """Answer requests until a signal says stop; requests under way get 5 s to end."""
    import uvicorn

    from app import main as application

    level = settings.log_level if settings.log_level != "info" else "warning"  # uvicorn's "info" says only that it runs
    config = uvicorn.Config(
        application.create_app(settings, worker=worker),
        log_level=level,
        access_log=settings.log_level == "debug",
        server_header=False,
        timeout_graceful_shutdown=5,
    )
    server = uvicorn.Server(config)
    with contextlib.suppress(KeyboardInterrupt, SystemExit):  # uvicorn passes the signal on after a clean stop
        server.run(sockets=[listener])
    if not server.started:
        sys.exit(1)


# The schema and the roles --------------------------------------------------------------------------------------------


@cli.command()
def migrate(data: Data = None) -> None:
    """Bring the tables up to date: of the embedded database, or of your own as CIVIC_MIGRATE_URL says."""
    from app import schema

    settings = Settings()
    if settings.embedded:
        with opened(data) as settings:
            reached = schema.upgrade(settings.migrate_url or "")
    else:
        reached = schema.upgrade(_owner_url(settings))
    print(f"The tables are up to date (revision {reached}).")


@database.command()
def roles(data: Data = None) -> None:
    """Make the service's two login roles on your own database, with the passwords that its addresses name.

    Works as CIVIC_MIGRATE_URL, which may make roles. Safe to run again.
    """
    import psycopg
    from psycopg import sql
    from sqlalchemy import make_url

    settings = Settings()
    if settings.embedded and not settings.migrate_url:
        with localdb.running(data or settings.data):
            print("The embedded database has its roles; they need no passwords.")
            return
    address = _owner_url(settings).replace("postgresql+psycopg://", "postgresql://", 1)
    with psycopg.connect(address, autocommit=True, connect_timeout=10) as connection:
        connection.execute(localdb.ROLES_SQL.read_bytes())
        for url in map(make_url, filter(None, [settings.database_url, settings.database_read_url])):
            if url.username in ("civic_write", "civic_read") and url.password:
                # Hashed here, so that the server's log cannot show it.
                hashed = connection.pgconn.encrypt_password(url.password.encode(), url.username.encode())
                set_it = sql.SQL("ALTER ROLE {} PASSWORD {}").format(sql.Identifier(url.username), hashed.decode())
                connection.execute(set_it)
    print("The roles civic_write and civic_read are there, with the passwords of CIVIC_DATABASE_URL and _READ_URL.")


def _owner_url(settings: Settings) -> str:
    if not settings.migrate_url:
        raise Refused(
            "Set CIVIC_MIGRATE_URL to your database's address as its owner: only the owner may change tables."
        )
    return settings.migrate_url


# People and keys -----------------------------------------------------------------------------------------------------


people = typer.Typer(help="First people: officers and operators.", no_args_is_help=True)
cli.add_typer(people, name="person")
keys = typer.Typer(help="Keys for applications.", no_args_is_help=True)
cli.add_typer(keys, name="key")


@people.command("create")
def create_person(
    email: Annotated[str, typer.Argument(help="The address that signs in.")],
    name: Annotated[str, typer.Option(help="What others call this person; the part before the @ if left out.")] = "",
    role: Annotated[
        Literal["resident", "officer", "operator"], typer.Option(help="What the person may do.")
    ] = "resident",
    area: Annotated[list[str] | None, typer.Option(help="Code of an area to be officer of; may be repeated.")] = None,
    data: Data = None,
) -> None:
    """Make an account, or give an existing one a role. Safe to run again."""
    from app import auth
    from app.actions import accounts

    if (role == "officer") != bool(area):
        raise Refused("An officer is officer of areas: --role officer goes with at least one --area CODE.")
    address = _address(email)

    async def create(engines: "db.Engines") -> str:
        async with engines.transaction() as session:
            called = name or address.partition("@")[0]
            actor = auth.Actor.system("command line")
            person = await accounts.create_person(session, actor, email=address, name=called, role=role, areas=area)
            return person.name

    with opened(data) as settings:
        called = _with_engines(settings, create)
    print(
        f"{called} ({address}) is {role}{' of ' + ', '.join(area) if area else ''}, and signs in with a code by mail."
    )


@keys.command("create")
def create_key(
    email: Annotated[str, typer.Argument(help="The person whose key it is; the account must exist.")],
    scope: Annotated[list[str], typer.Option(help=f"What it is good for; may be repeated: {SCOPES}.")],
    name: Annotated[str, typer.Option(help="What it is for.")] = "command line",
    data: Data = None,
) -> None:
    """Make a key for an application and print it, this once."""
    from app import auth
    from app.actions import accounts

    unknown = sorted(set(scope) - set(SCOPES.split(", ")))
    if unknown:
        raise Refused(f"There is no scope '{unknown[0]}'. Known: {SCOPES}.")

    async def create(engines: "db.Engines", secret: bytes) -> str:
        async with engines.transaction() as session:
            actor = await auth.actor_of_email(session, _address(email))
            if actor is None:
                raise Refused(f"Nobody signs in with {email}. Make the account first: ./civic person create {email}")
            _, shown = await accounts.create_key(session, actor, secret, name=name, scopes=list(dict.fromkeys(scope)))
            return shown

    with opened(data) as settings:
        secret = auth.load_secret(settings)
        shown = _with_engines(settings, lambda engines: create(engines, secret))
    print("Keep this key now; it is not shown again. Send it as 'Authorization: Bearer …'.", file=sys.stderr)
    print(shown)


def _address(email: str) -> str:
    from email_validator import EmailNotValidError, validate_email

    try:
        return validate_email(email.strip(), check_deliverability=False, test_environment=True).normalized
    except EmailNotValidError as error:
        raise Refused(f"'{email}' is not a mail address: {error}") from None


def _with_engines(settings: Settings, work: "Callable[[db.Engines], Awaitable[T]]") -> "T":
    """Run asynchronous work with engines of its own, and close them."""
    from app import db

    async def run() -> T:
        engines = db.Engines.of(settings)
        try:
            return await work(engines)
        finally:
            await engines.dispose()

    return asyncio.run(run())


# Bringing in and taking out ------------------------------------------------------------------------------------------


boundaries = typer.Typer(help="Boundaries of wards, boroughs and other areas.", no_args_is_help=True)
cli.add_typer(boundaries, name="areas")
postcodes = typer.Typer(help="Postcodes, to find a place by.", no_args_is_help=True)
cli.add_typer(postcodes, name="postcodes")
reports = typer.Typer(help="Figures for officers and for everybody.", no_args_is_help=True)
cli.add_typer(reports, name="report")

File = Annotated[Path, typer.Argument(exists=True, dir_okay=False, readable=True, help="The file to bring in.")]
Level = Literal["neighbourhood", "ward", "borough", "county", "region", "country"]
Crs = Annotated[str | None, typer.Option(help="Its coordinate system, like EPSG:27700, where it does not say.")]
Layer = Annotated[str | None, typer.Option(help="Which layer of a GeoPackage that has several.")]


@boundaries.command("import")
def import_areas(
    file: File,
    level: Annotated[Level, typer.Option(help="What these areas are.")],
    code: Annotated[str | None, typer.Option(help="Column of the official code; usual names are known.")] = None,
    name: Annotated[str | None, typer.Option(help="Column of the name; usual names are known.")] = None,
    population: Annotated[str | None, typer.Option(help="Column of the number of residents.")] = None,
    valid_from: Annotated[datetime | None, typer.Option(formats=["%Y-%m-%d"], help="First day in force.")] = None,
    set_name: Annotated[str | None, typer.Option("--set", help="What to call them; else the file's name.")] = None,
    attribution: Annotated[str, typer.Option(help="Credit line that their licence asks for.")] = "",
    crs: Crs = None,
    layer: Layer = None,
    data: Data = None,
) -> None:
    """Bring in a set of boundaries (GeoJSON, also .gz, or GeoPackage) and set the wards of all assets again."""
    from app import auth
    from app.actions import areas

    day = valid_from.date() if valid_from else None
    with _rightly_said():
        wanted = areas.understand(
            file, level=level, code=code, name=name, population=population, set_name=set_name, valid_from=day,
            attribution=attribution, crs=crs, layer=layer,
        )  # fmt: skip
    print(wanted.says())
    done = _in_transaction(data, lambda session: areas.bring_in(session, auth.Actor.system("areas import"), wanted))
    print("\n".join(done.says()))


@cli.command("import")
def import_assets(
    file: File,
    kind: Annotated[str, typer.Option(help="What its rows are: project, place, service, group, …")],
    theme: Annotated[str, typer.Option(help="What they are about.")] = "other",
    source: Annotated[str | None, typer.Option(help="What to call their source; else the file's name.")] = None,
    mapping: Annotated[list[str] | None, typer.Option("--map", help="FIELD=COLUMN,… e.g. title=Name.")] = None,
    crs: Crs = None,
    layer: Layer = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Do everything, then take it back.")] = False,
    rejects: Annotated[Path | None, typer.Option(dir_okay=False, help="CSV file for what is refused.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print nothing but the account, as JSON.")] = False,
    data: Data = None,
) -> None:
    """Bring in other people's table (CSV, GeoJSON, GeoPackage) as assets. Again, it brings in only what is new."""
    from app import auth, kinds, lifecycles
    from app.actions import import_plan, imports

    for word, known, what in ((kind, kinds.BY_NAME, "kind"), (theme, lifecycles.THEMES, "theme")):
        if word not in known:
            raise Refused(f"There is no {what} '{word}'. Choose one of: {', '.join(known)}.")
    asked = _mapping(mapping or [])
    with _rightly_said():
        plan = import_plan.understand(
            file, kinds.BY_NAME[kind], theme=theme, source=source, mapping=asked, crs=crs, layer=layer
        )
    if not as_json:
        print("\n".join(plan.says()), flush=True)
    actor = auth.Actor.system("import")
    with imports.rejects_file(rejects, plan.table.unit) as reject:
        account = _in_transaction(
            data, lambda session: imports.bring_in(session, actor, plan, dry_run=dry_run, on_reject=reject)
        )
    unit = plan.table.unit
    print(json.dumps(account.figures()) if as_json else "\n".join(account.says(unit, dry_run=dry_run)))
    sys.exit(0 if account.created or account.already_there else 1)


def _mapping(words: Sequence[str]) -> dict[str, str]:
    """title=Name,x=Easting as pairs; a comma inside a column's name does no harm."""
    pairs = [pair.partition("=") for text in words for pair in re.split(r",(?=[a-z_.]+=)", text)]
    if not all(field and column for field, _, column in pairs):
        raise Refused("Write --map as FIELD=COLUMN,FIELD=COLUMN, for example title=Name,x=Easting,y=Northing.")
    return {field.strip(): column for field, _, column in pairs}


@postcodes.command("import")
def import_postcodes(
    file: File,
    column: Annotated[str | None, typer.Option(help="Column of the postcode; usual names are known.")] = None,
    crs: Crs = None,
    data: Data = None,
) -> None:
    """Bring in a list of postcodes with coordinates (CSV, also .gz). Safe to run again."""
    from app import auth
    from app.actions import postcodes

    actor = auth.Actor.system("postcodes import")
    with _rightly_said():
        account = _in_transaction(
            data, lambda session: postcodes.bring_in(session, actor, file, column=column, crs=crs)
        )
    print("\n".join(account.says()))
    sys.exit(0 if account.rejected < account.read else 1)


@reports.command("wards")
def report_wards(
    form: Annotated[Literal["csv", "json"], typer.Option("--format", help="How to write it.")] = "csv",
    out: Annotated[Path | None, typer.Option(dir_okay=False, help="Where to; else it is printed.")] = None,
    set_name: Annotated[str | None, typer.Option("--set", help="Another boundary set, by name.")] = None,
    at: Annotated[datetime | None, typer.Option(formats=["%Y-%m-%d"], help="The end of this day; else now.")] = None,
    since: Annotated[datetime | None, typer.Option(formats=["%Y-%m-%d"], help="Also count what is new since.")] = None,
    area: Annotated[str | None, typer.Option(help="Only inside the area with this code.")] = None,
    level: Annotated[Level, typer.Option(help="One row per area of this level.")] = "ward",
    data: Data = None,
) -> None:
    """What the community has, ward by ward: assets by kind, thanks, needs, proposals, pledges."""
    from app import auth
    from app.reports import wards, writers

    days = [day.date() if day else None for day in (at, since)]
    asked = wards.Question(level=level, set_name=set_name, at=days[0], since=days[1], area=area)

    async def read(engines: "db.Engines") -> wards.WardReport:
        async with engines.reading() as session:
            return await wards.read(session, auth.Actor.system("report"), asked)

    with opened(data) as settings:
        report = _with_engines(settings, read)
    text = "".join(writers.csv_lines(report)) if form == "csv" else json.dumps(writers.plain(report), indent=1) + "\n"
    if out:
        out.write_text(text, encoding="utf-8", newline="")
    else:
        sys.stdout.write(text.replace("\r\n", "\n"))


@contextlib.contextmanager
def _rightly_said() -> Iterator[None]:
    """A column or a system that the file does not have is a fault of the command's words."""
    from app.geo import coordinates

    try:
        yield
    except coordinates.Misnamed as problem:
        raise Refused(problem.detail) from None


def _in_transaction(data: Path | None, work: "Callable[[AsyncSession], Awaitable[T]]") -> "T":
    """Open the map and do this as one transaction: all of it or nothing."""

    async def run(engines: "db.Engines") -> T:
        async with engines.transaction() as session:
            return await work(session)

    with opened(data) as settings:
        return _with_engines(settings, run)


# The map -------------------------------------------------------------------------------------------------------------


maps = typer.Typer(help="The counts behind the map.", no_args_is_help=True)
cli.add_typer(maps, name="map")


@maps.command("verify")
def verify_map(
    rebuild: Annotated[bool, typer.Option("--rebuild", help="Make the counts again first; nobody waits.")] = False,
    data: Data = None,
) -> None:
    """Count every asset again and compare each level of the map with it. Exit 1 where a level has drifted."""
    from app.geo import pyramid

    async def verify(engines: "db.Engines") -> list[pyramid.LevelCheck]:
        async with engines.transaction() as session:
            if rebuild:
                await pyramid.rebuild(session)
            return await pyramid.verify(session)

    with opened(data) as settings:
        began = time.monotonic()
        checks = _with_engines(settings, verify)
    print("\n".join(f"level {one.level:2}  assets {one.counted:10,}  drift {one.drift}" for one in checks))
    print(f"{'Made again and checked' if rebuild else 'Checked'} in {time.monotonic() - began:.1f} s.")
    if any(one.drift for one in checks):
        _stop("The map's counts have drifted. Mend them with: ./civic map verify --rebuild", 1)


# For developers ------------------------------------------------------------------------------------------------------


@cli.command()
def openapi(file: Annotated[Path, typer.Argument(help="Where to write it.")]) -> None:
    """Write the API's OpenAPI document, for example to make types from it."""
    from app import main as application

    document = application.create_app(Settings(), worker=False).openapi()
    file.write_text(json.dumps(document, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


@cli.command(context_settings={"allow_extra_args": True, "ignore_unknown_options": True})
def test(context: typer.Context) -> None:
    """Every test, two at a time; what follows is passed on to pytest."""
    words = list(context.args)
    if not any(word.startswith(("-n", "--numprocesses", "--dist")) for word in words):
        words = ["-n", "2", *words]
    os.chdir(ROOT)
    os.execv(sys.executable, [sys.executable, "-m", "pytest", *words])


@cli.command()
def drill(
    seconds: Annotated[int, typer.Option(min=1, help="How long each drill writes.")] = 30,
) -> None:
    """The long trials: eight writers at once, and kill -9 while they write. They print what they found."""
    os.chdir(ROOT)
    command = [sys.executable, "-m", "pytest", "tests/drills", "-s", "-v"]
    os.execve(sys.executable, command, os.environ | {"DRILL_SECONDS": str(seconds)})


@cli.command()
def check() -> None:
    """Format, lint, types and layers of the Python code; lint and types of the page. All run, even if one fails."""
    node = FRONTEND / "node_modules" / ".bin"
    tools: list[tuple[str, Path, list[str | Path]]] = [
        ("ruff format", ROOT, [sys.executable, "-m", "ruff", "format", "--check", "."]),
        ("ruff check", ROOT, [sys.executable, "-m", "ruff", "check", "."]),
        ("mypy", ROOT, [sys.executable, "-m", "mypy"]),
        ("layers", ROOT, [Path(sys.executable).with_name("lint-imports")]),
        ("eslint", FRONTEND, [node / "eslint", "."]),
        ("tsc", FRONTEND, [node / "tsc", "--noEmit"]),
    ]
    with ThreadPoolExecutor(2) as pool:
        passed = list(pool.map(lambda tool: _checked(*tool), tools))
    sys.exit(0 if all(passed) else 1)


def _checked(name: str, folder: Path, command: list[str | Path]) -> bool:
    began = time.monotonic()
    environment = os.environ | {"PYTHONPATH": str(ROOT)}  # import-linter looks for the package there
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, env=environment)
    failed = "" if done.returncode == 0 else f"failed\n{done.stdout}{done.stderr}"
    print(f"{name}: {time.monotonic() - began:.1f} s {failed}".rstrip(), flush=True)
    return done.returncode == 0


if __name__ == "__main__":
    main()
