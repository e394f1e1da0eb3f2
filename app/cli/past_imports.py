"""What was brought in: imports list, imports rows, imports undo, sources."""

from typing import TYPE_CHECKING, Annotated

import typer

from app import lifecycles
from app.cli.opening import Data, Refused, cli, in_transaction
from app.cli.telling import telling

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncSession

    from app.actions.import_undo import Undone
    from app.models import ImportRun

past = typer.Typer(help="What was brought in, and undoing it.", no_args_is_help=True)
cli.add_typer(past, name="imports")

Number = Annotated[str, typer.Argument(help="Its id, or the beginning of it, as './civic imports list' shows it.")]
#: Characters of an id that the list shows.
SHOWN = 8


@past.command("list")
def list_imports(data: Data = None) -> None:
    """The imports, the newest first."""
    from app import auth
    from app.actions import import_desk

    runs = in_transaction(data, lambda session: import_desk.every(session, auth.Actor.system("imports list")))
    print("\n".join(map(_line, runs)) or "Nothing has been brought in.")


@past.command("rows")
def list_rows(
    number: Number,
    fate: Annotated[str, typer.Option("--is", help="What became of them: rejected, unplaced, conflict, …")],
    data: Data = None,
) -> None:
    """The rows of an import of which this became."""
    from app import auth
    from app.actions import import_desk

    if fate not in lifecycles.ROW_FATES:
        raise Refused(f"There is no such fate '{fate}'. Choose one of: {', '.join(lifecycles.ROW_FATES)}.")
    actor = auth.Actor.system("imports rows")

    async def found(session: "AsyncSession") -> None:
        run = await import_desk.beginning_with(session, actor, number)
        async for row in import_desk.every_row(session, run, fate):
            at = f"{row.line}: " if row.line else ""
            print(f"{at}{row.title or 'no title'}{f' ({row.reason})' if row.reason else ''}")

    in_transaction(data, found)


@past.command("undo")
def undo_import(number: Number, data: Data = None) -> None:
    """Undo a whole import: remove what it made, set back what it changed. What people have touched since stays."""
    from app import auth
    from app.actions import import_desk, import_undo

    actor = auth.Actor.system("imports undo")
    with telling() as tell:

        async def undo(session: "AsyncSession") -> "Undone":
            run = await import_desk.beginning_with(session, actor, number)
            return await import_undo.undo(session, actor, run.uid, tell=tell)

        done = in_transaction(data, undo)
    print("\n".join(done.says()))
    if done.kept:
        print(f"./civic imports rows {number} --is kept lists them.")


@cli.command("sources")
def list_sources(data: Data = None) -> None:
    """The lists that were brought in, and what is remembered of them."""
    from app import auth
    from app.actions import sources

    found = in_transaction(data, lambda session: sources.listed(session, auth.Actor.system("sources")))
    for source in found:
        told = f"by '{source.key}'" if source.key else "by all that they say"
        mapped = "".join(f", {field} from '{column}'" for field, column in source.mapping.items())
        print(f"{source.name}: {source.kind}, theme {source.theme}, rows told apart {told}{mapped}")
    if not found:
        print("Nothing has been brought in.")


def _line(run: "ImportRun") -> str:
    counts = f"created {run.created}, updated {run.updated}, retired {run.retired}, rejected {run.rejected}"
    at = (run.ran_at or run.created_at).strftime("%Y-%m-%d %H:%M")
    return f"{str(run.uid)[:SHOWN]}  {at}  {run.source}: {run.file_name}, {run.state}: read {run.rows_read}, {counts}"
