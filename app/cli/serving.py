"""demo, serve, worker; and the tables and roles they need: migrate, db roles."""

import asyncio
import contextlib
import errno
import socket
import sys
from collections.abc import Iterator
from typing import Annotated, Any

import typer

from app import localdb
from app.cli.opening import LINK_INSTEAD, Data, Port, Refused, cli, configured, opened, with_engines
from app.settings import Settings, default_data_dir

database = typer.Typer(help="Your own database server.", no_args_is_help=True)
cli.add_typer(database, name="db")


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
        said = with_engines(settings, samples.seed)
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
        if not settings.smtp_url and not settings.demo:
            print(f"No mail server is set (CIVIC_SMTP_URL), so nobody can sign in by mail. {LINK_INSTEAD}", flush=True)
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


@cli.command()
def migrate(data: Data = None) -> None:
    """Bring the tables up to date: of the embedded database, or of your own as CIVIC_MIGRATE_URL says."""
    from app import schema

    settings = Settings()
    if settings.embedded and not settings.migrate_url:
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
