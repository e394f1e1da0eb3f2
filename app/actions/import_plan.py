"""What a foreign table means: which column becomes which field.

Nothing is silent: the plan says what it understood and why, and what had to be shortened or moved is counted.
"""

import re
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from app.actions.import_rows import MAX_TITLE, Prepared, Reject, RowMaker
from app.errors import Invalid
from app.geo import coordinates, formats, tables
from app.geo.coordinates import Reading, squeezed, text_of
from app.geo.tables import Row, Table
from app.kinds import Kind

SAMPLE = 1000
PLACES = ("x", "y", "wkt", "postcode")
FIELDS = ("title", "summary", "organiser", "website")

#: field → how tables call it, the likeliest first
_NAMES: dict[str, tuple[str, ...]] = {
    "title": ("title", "name", "venue", "site", "sitename", "placename", "project", "projectname", "facility", "label"),
    "summary": ("summary", "description", "desc", "about"),
    "organiser": ("organiser", "organizer", "organisation", "organization", "orgtitle", "orgname", "operator"),
    "website": ("website", "websiteurl", "url", "web", "webpage", "homepage", "locationurl", "link"),
}
_SYNONYMS = {"phone": "telephone", "tel": "telephone", "telephonenumber": "telephone", "openinghours": "hours"}
#: What would lead to the door of somebody who is shown only roughly.
_PRIVATE = re.compile(
    r"address|postcode|zip|street|phone|mobile|^tel|mail|contact|easting|northing|^lat|^lon|^lng|^x|^y|geom|wkt|location"
)


@dataclass(frozen=True)
class Said:
    """What a person says of a file; None and nothing: to be guessed, or remembered from its source."""

    kind: str | None = None
    theme: str | None = None
    source: str | None = None
    key: str | None = None
    mapping: Mapping[str, str] = field(default_factory=dict)
    crs: str | None = None
    layer: str | None = None
    licence: str | None = None
    attribution: str | None = None


@dataclass(frozen=True)
class Plan:
    """A file understood: ready to be brought in, or to be looked at first."""

    file_name: str
    table: Table
    kind: Kind
    theme: str
    source: str
    place: Reading
    fields: Mapping[str, str]
    """field (title, summary, organiser, website, details.…) → column"""
    left_out: tuple[str, ...]
    """Columns that are not taken over: they would lead to the door of somebody who is shown only roughly."""
    why: tuple[str, ...]
    key: str | None = None
    """The column that tells its rows apart, from release to release."""
    said: Said = Said()
    """What a person said of it, now or at an earlier release."""
    remarks: Counter[str] = field(default_factory=Counter)
    """What had to be shortened or moved, counted while the rows are read."""

    def says(self) -> list[str]:
        """What was understood, in lines for a person."""
        kept = [name for name in self.table.columns if self._kept(name)]
        mapped = [f"{_words(name)} from '{column}'" for name, column in self.fields.items() if name != "title"]
        lines = [f"{self.file_name}: {self.table.what}", f"The name of each row: {'; '.join(self.why)}"]
        lines.append(f"Where it is: {self.place.says}")
        lines += [f"Also understood: {', '.join(mapped)}"] if mapped else []
        lines += [f"Kept as lines of the text: {', '.join(kept)}"] if kept else []
        if self.left_out:
            lines.append(f"Left out, because {self.kind.plural} are shown only roughly: {', '.join(self.left_out)}")
        lines.append(f"Rows are brought in as {self.kind.plural}, theme {self.theme}, under the list '{self.source}'")
        known = (
            f"by '{self.key}'" if self.key else "if it says the same in all (a key column would also find what changed)"
        )
        return [tables.storable(line) for line in (*lines, f"In the next edition of the list a row is known {known}")]

    def rows(self) -> Iterator[Prepared | Reject]:
        """Every row of the file, in its order."""
        self.remarks.clear()
        maker = RowMaker(self.kind, self.place, self.fields, self.left_out, self.remarks, self.key)
        return map(maker.made, self.table.rows())

    def _kept(self, column: str) -> bool:
        return column not in (*self.fields.values(), *self.place.columns, *self.left_out)


def understand(
    path: Path,
    kind: Kind,
    *,
    name: str | None = None,
    theme: str | None = None,
    source: str | None = None,
    key: str | None = None,
    mapping: Mapping[str, str] | None = None,
    crs: str | None = None,
    layer: str | None = None,
    licence: str | None = None,
    attribution: str | None = None,
) -> Plan:
    """Read enough of a file to know what its columns mean. `mapping` (field → column) is obeyed, the rest is guessed; a
    field that is given an empty column is to be without one: without x or y, no columns are taken for coordinates.
    `name`: the file's own name, where `path` has another.

    Raises Invalid when the file cannot be read, or no title or place can be found in it; coordinates.Misnamed when what
    the caller said of it is not so.
    """
    table = formats.read(path, layer=layer, name=name)
    some = tables.sample(table, SAMPLE)
    without = {field for field, column in (mapping or {}).items() if not column}
    said = _said(table, kind, {field: column for field, column in (mapping or {}).items() if column})
    places = {axis: said.pop(axis) for axis in PLACES if axis in said}
    place = coordinates.understand(
        table, some, **places, epsg=coordinates.said_epsg(crs), postcodes="postcode" not in without,
        pairs=not without & {"x", "y"},
    )  # fmt: skip
    free = [column for column in table.columns if column not in (*said.values(), *place.columns)]
    shy = kind.location_class != "place"
    left_out = tuple(column for column in free if shy and _PRIVATE.search(squeezed(column)))
    free = [column for column in free if column not in left_out]
    fields, why = dict(said), f"'{said['title']}', as you said" if "title" in said else ""
    if not why:
        fields["title"], why = _title(free, some)
    _guess(kind, fields, [name for name in free if name != fields["title"]], without)
    label = source or label_of(path.name if name is None else name)
    if len(label) > 120:
        raise Invalid("The name of the source is longer than 120 characters: give a shorter one.")
    key = coordinates.named(table, {"key": key})["key"] if key else None
    told = Said(kind.name, theme, label, key, dict(mapping or {}), crs, layer, licence, attribution)
    return Plan(name or path.name, table, kind, theme or "other", label, place, fields, left_out, (why,), key, told)


def label_of(file_name: str) -> str:
    """What to call the source of a file whose source nobody named: its name without its ending."""
    return file_name.removesuffix(".gz").rpartition(".")[0] or file_name


def fields_of(kind: Kind) -> list[str]:
    """What a column of a file may become."""
    return [*FIELDS, *PLACES, *(f"details.{name}" for name in kind.details.model_fields)]


# ── understanding columns ───────────────────────────────────────────────────────────────────


def _words(field: str) -> str:
    return field.removeprefix("details.").replace("_", " ")


def _said(table: Table, kind: Kind, mapping: Mapping[str, str]) -> dict[str, str]:
    known = fields_of(kind)
    for name in mapping:
        if name not in known:
            raise coordinates.Misnamed(f"A {kind.name} has no field '{name}'. It has: {', '.join(known)}.")
    if ("x" in mapping) != ("y" in mapping):
        raise coordinates.Misnamed("Easting and northing (x and y) need a column each: say both, or neither.")
    return coordinates.named(table, mapping)


def _title(free: Sequence[str], some: Sequence[Row]) -> tuple[str, str]:
    """The column that names each row, and why: a usual name, and values that differ from row to row."""
    called = [name for wanted in _NAMES["title"] for name in free if squeezed(name) == wanted]
    called += [name for name in free if name not in called and re.search(r"(?:_| |[a-z])(?:[Nn]ame|[Tt]itle)$", name)]
    called += [name for name in free if name not in called and squeezed(name).endswith(("name", "title"))]
    if not called:
        texts = [name for name in free if _looks_like_titles(name, some)]
        if not texts:
            raise Invalid(f"No column looks like a title. Say which one it is. The columns are: {', '.join(free)}.")
        return texts[0], f"from '{texts[0]}', the first column of short texts that differ"
    best = next((name for name in called if _variety(name, some) >= 0.5), None)
    best = best or max(called, key=lambda name: _variety(name, some))
    passed = called[: called.index(best)]
    why = "".join(
        f"; '{name}' repeats ({len(_texts(name, some))} different in {len(some)}), so it names a group"
        for name in passed
    )
    return best, f"from '{best}'{why}"


def _texts(name: str, some: Sequence[Row]) -> set[str]:
    return {text for row in some if (text := text_of(row.values.get(name)))}


def _variety(name: str, some: Sequence[Row]) -> float:
    return len(_texts(name, some)) / len(some) if some else 1.0


def _looks_like_titles(name: str, some: Sequence[Row]) -> bool:
    texts = _texts(name, some)
    lettered = sum(bool(re.search(r"[^\W\d_]{3}", text)) and len(text) <= MAX_TITLE for text in texts)
    return bool(texts) and lettered >= 0.8 * len(texts) and _variety(name, some) >= 0.5


def _guess(kind: Kind, fields: dict[str, str], free: Sequence[str], without: Collection[str]) -> None:
    """Give the columns that are left to the fields they are named after, but for fields that are to be without."""
    own = {squeezed(name): f"details.{name}" for name in kind.details.model_fields}
    own |= {other: own[squeezed(name)] for other, name in _SYNONYMS.items() if squeezed(name) in own}
    own |= {squeezed(name): target for name, target in kind.columns.items()}
    for column in free:
        target = own.get(squeezed(column))
        if target and target not in fields and target not in without:
            fields[target] = column
    for name in FIELDS:
        usual = {wanted: column for column in reversed(free) for wanted in [squeezed(column)]}
        found = next((usual[wanted] for wanted in _NAMES[name] if wanted in usual), None)
        if name not in fields and name not in without and found and found not in fields.values():
            fields[name] = found
