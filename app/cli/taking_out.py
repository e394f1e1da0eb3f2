"""What comes out, and whether it is right: report wards, map verify."""

import shutil
import sys
import tempfile
import time
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from app.cli.opening import Data, Refused, cli, opened, stop, with_engines
from app.cli.telling import telling

if TYPE_CHECKING:
    from app import db

reports = typer.Typer(help="Figures for officers and for everybody.", no_args_is_help=True)
cli.add_typer(reports, name="report")

Form = Literal["csv", "json", "xlsx", "geojson", "gpkg", "pdf", "brief"]
Level = Literal["neighbourhood", "ward", "borough", "county", "region", "country"]


@reports.command("wards")
def report_wards(
    form: Annotated[
        Form, typer.Option("--format", help="How to write it; brief: each area on one page, as PDF.")
    ] = "csv",
    out: Annotated[Path | None, typer.Option(dir_okay=False, help="Where to; else it is printed.")] = None,
    set_name: Annotated[str | None, typer.Option("--set", help="Another boundary set, by name.")] = None,
    at: Annotated[datetime | None, typer.Option(formats=["%Y-%m-%d"], help="The end of this day; else now.")] = None,
    since: Annotated[datetime | None, typer.Option(formats=["%Y-%m-%d"], help="Also count what is new since.")] = None,
    area: Annotated[str | None, typer.Option(help="Only inside the areas with these codes (commas between).")] = None,
    level: Annotated[Level, typer.Option(help="One row per area of this level.")] = "ward",
    data: Data = None,
) -> None:
    """What the community has, ward by ward: assets by kind, thanks, needs, proposals, pledges."""
    from app.actions.progress import Progress
    from app.reports import registry, wards

    if out is None and form not in ("csv", "json"):
        raise Refused(f"A {form} is nothing for a terminal. Say where to write it: --out FILE.")
    days = [day.date() if day else None for day in (at, since)]
    codes = tuple(area.split(",")) if area else ()
    asked = wards.Question(level=level, set_name=set_name, at=days[0], since=days[1], areas=codes)

    with opened(data) as settings, tempfile.TemporaryDirectory(prefix="civic-report-") as folder, telling() as tell:
        made = Path(folder) / f"report.{registry.FORMATS[form].suffix}"

        async def produce(engines: "db.Engines") -> None:
            await registry.produce(engines, asked, form, made, lambda *told: tell(Progress(*told)))

        with_engines(settings, produce)
        if out:
            shutil.move(made, out)
        else:
            sys.stdout.write(made.read_text(encoding="utf-8"))


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
        checks = with_engines(settings, verify)
    print("\n".join(f"level {one.level:2}  assets {one.counted:10,}  drift {one.drift}" for one in checks))
    print(f"{'Made again and checked' if rebuild else 'Checked'} in {time.monotonic() - began:.1f} s.")
    if any(one.drift for one in checks):
        stop("The map's counts have drifted. Mend them with: ./civic map verify --rebuild", 1)
