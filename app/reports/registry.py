"""Every format that a report can be had in, and the one way to produce it: read, then write off the event loop."""

import asyncio
import json
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from app import auth, errors
from app.db import Engines
from app.reports import asking, asset_rows, geofiles, outlines, pdf, wards, writers, xlsx
from app.reports.asking import Question
from app.reports.matter import Matter, Pulling, Tell, untold
from app.reports.wards import WardReport


@dataclass(frozen=True)
class Format:
    """One way to write a report down."""

    name: str
    """As it is asked for."""
    suffix: str
    media_type: str
    write: Callable[[Matter, Path], None]
    """Runs in a thread. The matter is read as it writes; memory does not grow with the number of assets."""


def _write_json(matter: Matter, path: Path) -> None:
    path.write_text(json.dumps(writers.plain(matter.report), ensure_ascii=False, indent=1) + "\n", encoding="utf-8")


def _write_csv(matter: Matter, path: Path) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        file.writelines(writers.csv_lines(matter.report))


FORMATS: dict[str, Format] = {
    form.name: form
    for form in (
        Format("json", "json", "application/json", _write_json),
        Format("csv", "csv", "text/csv; charset=utf-8", _write_csv),
        Format("xlsx", "xlsx", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", xlsx.write),
        Format("geojson", "geojson", "application/geo+json", geofiles.write_geojson),
        Format("gpkg", "gpkg", "application/geopackage+sqlite3", geofiles.write_geopackage),
        Format("pdf", "pdf", "application/pdf", pdf.write),
        Format("brief", "pdf", "application/pdf", pdf.write_brief),
    )
}


async def produce(
    engines: Engines, asked: Question, name: str, path: Path, tell: Tell = untold, *, most: int | None = None
) -> str:
    """Write the report in the format `name` to `path`, and return what the file should be called.

    It is what a visitor may know, all of one instant. When cancelled, it returns after the writer has ended. Raises
    Invalid for a question that wards.read refuses, ReportTooLarge for more than `most` assets.
    """
    form = FORMATS[name]
    async with engines.snapshot() as session:
        report = await wards.read(session, auth.VISITOR, asked)
        count = int(report.totals.values["total_assets"] or 0)
        if most is not None and count > most:
            raise errors.ReportTooLarge(
                f"It has {count:,} assets; up to {most:,} are written at once. Order it: POST /api/v1/reports/jobs."
            )
        pulling = Pulling(tell)
        ids = (await asking.ground(session, asked)).ids
        matter = Matter(
            report,
            ids,
            outlines=lambda: pulling.pulled(lambda: outlines.read(session, ids), "drawing areas", "areas", len(ids)),
            canvas=lambda some: pulling.asked(outlines.canvas(session, some)),
            assets=lambda: pulling.pulled(lambda: asset_rows.rows(session, asked), "writing assets", "assets", count),
            needs=lambda: pulling.pulled(lambda: asset_rows.needs(session, asked), "writing needs", "needs"),
        )
        try:
            await _off_the_loop(pulling, form, matter, path)
        finally:
            await pulling.close()
    return file_name(report, name)


async def _off_the_loop(pulling: Pulling, form: Format, matter: Matter, path: Path) -> None:
    writing = asyncio.ensure_future(asyncio.to_thread(form.write, matter, path))
    try:
        await asyncio.shield(writing)
    except asyncio.CancelledError:
        pulling.stop()
        with suppress(Exception):
            await writing  # it reads from the session, which stays open until it ends
        raise


def file_name(report: WardReport, name: str) -> str:
    """What a file of this report is called: assets-by-ward-2026-05-01.xlsx."""
    what = "brief" if name == "brief" else "assets"
    return f"{what}-by-{report.level}-{report.at.date().isoformat()}.{FORMATS[name].suffix}"
