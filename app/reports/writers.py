"""A report as others read it: plain values for JSON, text for CSV."""

import json
from collections.abc import Iterator
from dataclasses import asdict
from datetime import date
from typing import Any
from uuid import UUID

from app.geo import tables
from app.reports.wards import Before, Line, WardReport


def plain(report: WardReport) -> dict[str, Any]:
    """The report as values of JSON: columns with their definitions, one flat object per row, the totals."""
    boundaries = report.boundaries
    valid_from = boundaries.valid_from.isoformat() if boundaries.valid_from else None
    return {
        "title": report.title,
        "level": report.level,
        "at": report.at.isoformat(timespec="seconds").replace("+00:00", "Z"),
        "set": {
            "name": boundaries.name,
            "illustrative": boundaries.illustrative,
            "valid_from": valid_from,
            "attribution": boundaries.attribution,
        },
        "columns": [
            {
                "name": figure.name,
                "label": figure.label,
                "unit": figure.unit,
                "definition": figure.definition,
                "group": figure.group,
                "counts_persons": figure.counts_persons,
            }
            for figure in report.columns
        ],
        "since": report.since.isoformat() if report.since else None,
        "rows": [{"ward_code": line.code, "ward_name": line.name} | _values(line) for line in report.lines],
        "totals": _values(report.totals),
        "before": _before(report.before),
        "findings": _as_json(asdict(report.findings)),
    }


def as_json(report: WardReport) -> str:
    """The same as text, for a thread: row by row, so that others get their turn in between."""
    members = []
    for name, value in plain(report).items():
        each = f"[{', '.join(map(_json, value))}]" if isinstance(value, list) else _json(value)
        members.append(f"{_json(name)}: {each}")
    return f"{{{', '.join(members)}}}"


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)


def _values(line: Line) -> dict[str, Any]:
    return {"population": line.population, **line.values, "suppressed": line.suppressed}


def _before(before: Before | None) -> dict[str, Any] | None:
    if before is None:
        return None
    days = {"from": before.begins.isoformat(), "to": before.ends.isoformat()}
    return days | {"rows": before.rows, "totals": before.totals}


def _as_json(found: Any) -> Any:
    """Uids and days as text."""
    if isinstance(found, dict):
        return {name: _as_json(value) for name, value in found.items()}
    if isinstance(found, list):
        return [_as_json(value) for value in found]
    return str(found) if isinstance(found, UUID | date) else found


def csv_lines(report: WardReport) -> Iterator[str]:
    """The rows as CSV (RFC 4180), without the totals: they are the sums of the columns.

    A figure that is left out is an empty cell, named in the last column. Text can never be taken for a formula: where
    it could, an apostrophe stands before it.
    """
    names = [figure.name for figure in report.columns]
    yield tables.csv_row(["ward_code", "ward_name", "population", *names, "suppressed"])
    for line in report.lines:
        values = [line.values[name] for name in names]
        yield tables.csv_row([line.code, line.name, line.population, *values, " ".join(line.suppressed)])
