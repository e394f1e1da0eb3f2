"""What comes in by file: areas import, import, postcodes import."""

import contextlib
import json
import re
import sys
from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from app.cli.opening import Data, Refused, cli, in_transaction
from app.cli.telling import telling

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncSession

    from app.actions.import_account import Account

boundaries = typer.Typer(help="Boundaries of wards, boroughs and other areas.", no_args_is_help=True)
cli.add_typer(boundaries, name="areas")
postcodes = typer.Typer(help="Postcodes, to find a place by.", no_args_is_help=True)
cli.add_typer(postcodes, name="postcodes")

File = Annotated[Path, typer.Argument(exists=True, dir_okay=False, readable=True, help="The file to bring in.")]
Level = Literal["neighbourhood", "ward", "borough", "county", "region", "country"]
Crs = Annotated[str | None, typer.Option(help="Its coordinate system, like EPSG:27700, where it does not say.")]
Layer = Annotated[str | None, typer.Option(help="Which layer or sheet, where the file has several.")]


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
    """Bring in a set of boundaries (GeoJSON, GeoPackage, KML, zipped Shapefile); set the wards of all assets again."""
    from app import auth
    from app.actions import areas

    day = valid_from.date() if valid_from else None
    with _rightly_said():
        wanted = areas.understand(
            file, level=level, code=code, name=name, population=population, set_name=set_name, valid_from=day,
            attribution=attribution, crs=crs, layer=layer,
        )  # fmt: skip
    print(wanted.says())
    actor = auth.Actor.system("areas import")
    with telling() as tell:
        done = in_transaction(data, lambda session: areas.bring_in(session, actor, wanted, tell=tell))
    print("\n".join(done.says()))


@cli.command("import")
def import_assets(
    file: File,
    kind: Annotated[str | None, typer.Option(help="What its rows are: project, place, … Remembered.")] = None,
    theme: Annotated[str | None, typer.Option(help="What they are about; else 'other'. Remembered.")] = None,
    source: Annotated[str | None, typer.Option(help="What to call their source; else the file's name.")] = None,
    key: Annotated[str | None, typer.Option(help="Column that tells its rows apart. Remembered.")] = None,
    mapping: Annotated[list[str] | None, typer.Option("--map", help="FIELD=COLUMN,… e.g. title=Name.")] = None,
    crs: Crs = None,
    layer: Layer = None,
    licence: Annotated[str | None, typer.Option(help="Licence of the list, kept with its assets.")] = None,
    attribution: Annotated[str | None, typer.Option(help="Credit line that the licence asks for.")] = None,
    retire: Annotated[bool, typer.Option(" /--no-retire", help="Leave what the list does not have any more.")] = True,
    retire_many: Annotated[bool, typer.Option("--retire-many", help="Retire even more than half of it.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Do everything, then take it back.")] = False,
    rejects: Annotated[Path | None, typer.Option(dir_okay=False, help="CSV file for what is refused.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print nothing but the account, as JSON.")] = False,
    data: Data = None,
) -> None:
    """Bring in other people's table as assets. Its next release updates, adds and retires; people's changes stay."""
    from app import auth
    from app.actions import import_account, imports, sources
    from app.actions.import_plan import Said

    if retire_many and not retire:
        raise Refused("--retire-many and --no-retire mean opposite things.")
    said = Said(kind, theme, source, key, _mapping(mapping or []), crs, layer, licence, attribution)
    actor = auth.Actor.system("import")
    with contextlib.ExitStack() as stack:
        stack.enter_context(_rightly_said())
        tell = stack.enter_context(telling())

        async def bring_in(session: "AsyncSession") -> "tuple[Account, str]":
            plan = await sources.understood(session, actor, file, said)
            if not as_json:
                print("\n".join(plan.says()), flush=True)
            reject = stack.enter_context(import_account.rejects_file(rejects, plan.table.unit))
            meant = True if retire_many else None if retire else False
            account = await imports.bring_in(
                session, actor, plan, retire=meant, dry_run=dry_run, on_reject=reject, tell=tell
            )
            return account, plan.table.unit

        account, unit = in_transaction(data, bring_in)
    print(json.dumps(account.figures()) if as_json else "\n".join(account.says(unit, dry_run=dry_run)))
    sys.exit(0 if account.read > account.rejected else 1)


def _mapping(words: Sequence[str]) -> dict[str, str]:
    """title=Name,x=Easting as pairs; a comma inside a column's name does no harm."""
    pairs = [pair.partition("=") for text in words for pair in re.split(r",(?=[a-z_.]+=)", text)]
    if not all(field and equals for field, equals, _ in pairs):
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
    with _rightly_said(), telling() as tell:
        account = in_transaction(
            data, lambda session: postcodes.bring_in(session, actor, file, column=column, crs=crs, tell=tell)
        )
    print("\n".join(account.says()))
    sys.exit(0 if account.rejected < account.read else 1)


@contextlib.contextmanager
def _rightly_said() -> Iterator[None]:
    """A column or a system that the file does not have is a fault of the command's words."""
    from app.geo import coordinates

    try:
        yield
    except coordinates.Misnamed as problem:
        raise Refused(problem.detail) from None
