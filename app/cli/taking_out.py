"""What comes out, and whether it is right: report wards, map verify."""

import json
import sys
import time
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from app.cli.opening import Data, cli, opened, stop, with_engines

if TYPE_CHECKING:
    from app import db

reports = typer.Typer(help="Figures for officers and for everybody.", no_args_is_help=True)
cli.add_typer(reports, name="report")

Level = Literal["neighbourhood", "ward", "borough", "county", "region", "country"]


@reports.command("wards")
def report_wards(
    form: Annotated[Literal["csv", "json"], typer.Option("--format", help="How to write it.")] = "csv",
    out: Annotated[Path | None, typer.Option(dir_okay=False, help="Where to; else it is printed.")] = None,
    set_name: Annotated[str | None, typer.Option("--set", help="Another boundary set, by name.")] = None,
    at: Annotated[datetime | None, typer.Option(formats=["%Y-%m-%d"], help="The end of this day; else now.")] = None,
    since: Annotated[datetime | None, typer.Option(formats=["%Y-%m-%d"], help="Also count what is new since.")] = None,
    area: Annotated[str | None, typer.Option(help="Only inside the areas with these codes (commas between).")] = None,
    level: Annotated[Level, typer.Option(help="One row per area of this level.")] = "ward",
    data: Data = None,
) -> None:
    """What the community has, ward by ward: assets by kind, thanks, needs, proposals, pledges."""
    from app import auth
    from app.reports import wards, writers

    days = [day.date() if day else None for day in (at, since)]
    codes = tuple(area.split(",")) if area else ()
    asked = wards.Question(level=level, set_name=set_name, at=days[0], since=days[1], areas=codes)

    async def read(engines: "db.Engines") -> wards.WardReport:
        async with engines.snapshot() as session:
            return await wards.read(session, auth.Actor.system("report"), asked)

    with opened(data) as settings:
        report = with_engines(settings, read)
    text = "".join(writers.csv_lines(report)) if form == "csv" else json.dumps(writers.plain(report), indent=1) + "\n"
    if out:
        out.write_text(text, encoding="utf-8", newline="")
    else:
        sys.stdout.write(text.replace("\r\n", "\n"))


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
