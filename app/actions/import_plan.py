"""What a foreign table means: which column becomes which field, and each row as an asset or as a refusal.

Nothing is lost: what has no field of its own is kept as a readable line of the text. Nothing is silent: the plan says
what it understood and why, and what had to be shortened or moved is counted.
"""

import hashlib
import itertools
import json
import re
import unicodedata
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, NamedTuple, get_args, get_origin

from pydantic import TypeAdapter, ValidationError
from pydantic.fields import FieldInfo

from app import wire
from app.errors import Invalid
from app.geo import coordinates, formats, tables
from app.geo.coordinates import Reading, squeezed, text_of
from app.geo.tables import Row, Table
from app.kinds import Kind

SAMPLE = 1000
MAX_TITLE, MAX_SUMMARY, MAX_BODY, MAX_ORGANISER = 160, 500, 20_000, 160
PLACES = ("x", "y", "wkt")
FIELDS = ("title", "summary", "organiser", "website")

#: field → how tables call it, the likeliest first
_NAMES: dict[str, tuple[str, ...]] = {
    "title": ("title", "name", "venue", "site", "sitename", "placename", "project", "projectname", "facility", "label"),
    "summary": ("summary", "description", "desc", "about"),
    "organiser": ("organiser", "organizer", "organisation", "organization", "orgtitle", "orgname", "operator"),
    "website": ("website", "websiteurl", "url", "web", "webpage", "homepage", "locationurl"),
}
_SYNONYMS = {"phone": "telephone", "tel": "telephone", "telephonenumber": "telephone", "openinghours": "hours"}
#: What would lead to the door of somebody who is shown only roughly.
_PRIVATE = re.compile(
    r"address|postcode|zip|street|phone|mobile|^tel|mail|contact|easting|northing|^lat|^lon|^lng|^x|^y|geom|wkt|location"
)
_URL: TypeAdapter[str] = TypeAdapter(wire.Url)


class Prepared(NamedTuple):
    """A row as an asset that is not placed yet; the columns of the table `incoming`, in its order."""

    line: int
    fingerprint: bytes
    title: str
    summary: str
    body: str
    organiser: str
    website: str | None
    details: str
    raw: str


class Reject(NamedTuple):
    """A row that cannot be taken, and why."""

    line: int
    reason: str
    title: str


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
    remarks: Counter[str] = field(default_factory=Counter)
    """What had to be shortened or moved, counted while the rows are read."""

    def says(self) -> list[str]:
        """What was understood, in lines for a person."""
        kept = [name for name in self.table.columns if self._kept(name)]
        mapped = [f"{name} from '{column}'" for name, column in self.fields.items() if name != "title"]
        lines = [f"{self.file_name}: {self.table.what}", f"title: {'; '.join(self.why)}", f"place: {self.place.says}"]
        lines += [f"fields: {', '.join(mapped)}"] if mapped else []
        lines += [f"kept as lines of the text: {', '.join(kept)}"] if kept else []
        if self.left_out:
            lines.append(f"left out, because {self.kind.plural} are shown only roughly: {', '.join(self.left_out)}")
        return [*lines, f"as: {self.kind.plural}, theme {self.theme}, source '{self.source}'"]

    def rows(self) -> Iterator[Prepared | Reject]:
        """Every row of the file, in its order."""
        self.remarks.clear()
        for row in self.table.rows():
            title = _line(text_of(row.values.get(self.fields["title"]))) if not row.fault else ""
            try:
                yield self._prepared(row, title)
            except Invalid as problem:
                shown = title.replace("\0", "\ufffd").encode("utf-8", "replace").decode()
                yield Reject(row.line, problem.detail, shown[:MAX_TITLE])

    def _kept(self, column: str) -> bool:
        return column not in (*self.fields.values(), *self.place.columns, *self.left_out)

    def _prepared(self, row: Row, title: str) -> Prepared:
        _refuse_unstorable(row)
        if not title:
            raise Invalid(f"its {self.fields['title']} is empty, so it has no title")
        if isinstance(row.values[self.fields["title"]], dict | list):
            raise Invalid(f"its {self.fields['title']} is not text")
        raw = self.place.place(row, self.kind.geometries)
        texts = {name: text_of(row.values.get(column)) for name, column in self.fields.items()}
        more: list[str] = []  # what does not fit its field goes into the text
        if len(title) > MAX_TITLE:
            self.remarks[f"title of more than {MAX_TITLE} characters shortened; the whole is in the text"] += 1
            more.append(_item(self.fields["title"], title))
            title = title[: MAX_TITLE - 1].rstrip() + "…"
        details = self._details(texts, more)
        organiser = self._fitting("organiser", texts, more, len(texts.get("organiser", "")) <= MAX_ORGANISER)
        website = self._fitting("website", texts, more, _is_url(texts.get("website", "")))
        summary = texts.get("summary", "")
        story = [summary] if len(summary) > MAX_SUMMARY else []
        kept = [_item(name, value) for name, value in row.values.items() if self._kept(name) and text_of(value)]
        body = "\n\n".join(part for part in (*story, "\n".join((*more, *kept))) if part)
        if len(body) > MAX_BODY:
            raise Invalid(f"its text has {len(body)} characters; at most {MAX_BODY} are kept")
        short = "" if story else summary
        return Prepared(row.line, fingerprint(row), title, short, body, organiser, website or None, details, raw)

    def _fitting(self, name: str, texts: Mapping[str, str], more: list[str], fits: bool) -> str:
        text = texts.get(name, "")
        if text and not fits:
            self.remarks[f"'{self.fields[name]}' that does not fit {name}, kept in the text"] += 1
            more.append(_item(self.fields[name], text))
            return ""
        return text

    def _details(self, texts: Mapping[str, str], more: list[str]) -> str:
        """The kind's own fields as JSON; a value that its field cannot hold is kept in the text."""
        own = {name.removeprefix("details."): name for name in texts if name.startswith("details.") and texts[name]}
        fields = self.kind.details.model_fields
        values = {name: _typed(fields[name], texts[full]) for name, full in own.items()}
        try:
            return self.kind.details.model_validate(values).model_dump_json()
        except ValidationError as error:
            unfit = {str(fault["loc"][0]) for fault in error.errors()}
        for name in sorted(unfit & set(own)):
            self._fitting(own[name], texts, more, fits=False)
            del values[name]
        try:
            return self.kind.details.model_validate(values).model_dump_json()
        except ValidationError as error:
            missing = ", ".join(str(fault["loc"][0]) for fault in error.errors())
            raise Invalid(f"a {self.kind.name} needs {missing}") from error


def understand(
    path: Path,
    kind: Kind,
    *,
    theme: str = "other",
    source: str | None = None,
    mapping: Mapping[str, str] | None = None,
    crs: str | None = None,
    layer: str | None = None,
) -> Plan:
    """Read enough of a file to know what its columns mean. `mapping` (field → column) is obeyed, the rest is guessed.

    Raises Invalid when the file cannot be read, or no title or place can be found in it; coordinates.Misnamed when
    what the caller said of it is not so.
    """
    table = formats.read(path, layer=layer)
    some = list(itertools.islice(table.rows(), SAMPLE))
    said = _said(table, kind, mapping or {})
    places = {name: said.pop(name) for name in PLACES if name in said}
    place = coordinates.understand(table, some, **places, epsg=coordinates.said_epsg(crs))
    free = [name for name in table.columns if name not in (*said.values(), *place.columns)]
    shy = kind.location_class != "place"
    left_out = tuple(name for name in free if shy and _PRIVATE.search(squeezed(name)))
    free = [name for name in free if name not in left_out]
    fields, why = dict(said), f"'{said['title']}', as you said" if "title" in said else ""
    if not why:
        fields["title"], why = _title(free, some)
    _guess(kind, fields, [name for name in free if name != fields["title"]])
    label = source or path.name.removesuffix(".gz").rpartition(".")[0] or path.name
    if len(label) > 120:
        raise Invalid("The name of the source is longer than 120 characters: give a shorter one with --source.")
    return Plan(path.name, table, kind, theme, label, place, fields, left_out, (why,))


def fingerprint(row: Row) -> bytes:
    """SHA-256 of what a row says: the same for other blanks or another order of columns, else different."""
    said = {name: _normal(value) for name, value in row.values.items() if text_of(value)}
    geometry = row.geometry.hex() if isinstance(row.geometry, bytes) else row.geometry
    canonical = json.dumps([said, geometry], sort_keys=True, separators=(",", ":"), default=str)
    return hashlib.sha256(canonical.encode()).digest()


def _normal(value: Any) -> Any:
    return " ".join(unicodedata.normalize("NFC", value).split()) if isinstance(value, str) else value


# ── understanding columns ───────────────────────────────────────────────────────────────────


def _said(table: Table, kind: Kind, mapping: Mapping[str, str]) -> dict[str, str]:
    known = [*FIELDS, *PLACES, *(f"details.{name}" for name in kind.details.model_fields)]
    for name in mapping:
        if name not in known:
            raise coordinates.Misnamed(f"A {kind.name} has no field '{name}' for --map. It has: {', '.join(known)}.")
    if ("x" in mapping) != ("y" in mapping):
        raise coordinates.Misnamed("--map needs both x and y.")
    return coordinates.named(table, mapping)


def _title(free: Sequence[str], some: Sequence[Row]) -> tuple[str, str]:
    """The column that names each row, and why: a usual name, and values that differ from row to row."""
    called = [name for wanted in _NAMES["title"] for name in free if squeezed(name) == wanted]
    called += [name for name in free if name not in called and re.search(r"(?:_| |[a-z])(?:[Nn]ame|[Tt]itle)$", name)]
    called += [name for name in free if name not in called and squeezed(name).endswith(("name", "title"))]
    if not called:
        texts = [name for name in free if _looks_like_titles(name, some)]
        if not texts:
            raise Invalid(
                "No column looks like a title. Say which one is, with --map title=COLUMN. "
                f"The columns are: {', '.join(free)}."
            )
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


def _guess(kind: Kind, fields: dict[str, str], free: Sequence[str]) -> None:
    """Give the columns that are left to the fields they are named after."""
    own = {squeezed(name): f"details.{name}" for name in kind.details.model_fields}
    own |= {other: own[squeezed(name)] for other, name in _SYNONYMS.items() if squeezed(name) in own}
    own |= {squeezed(name): target for name, target in kind.columns.items()}
    for column in free:
        target = own.get(squeezed(column))
        if target and target not in fields:
            fields[target] = column
    for name in FIELDS:
        usual = {wanted: column for column in reversed(free) for wanted in [squeezed(column)]}
        found = next((usual[wanted] for wanted in _NAMES[name] if wanted in usual), None)
        if name not in fields and found and found not in fields.values():
            fields[name] = found


# ── values ──────────────────────────────────────────────────────────────────────────────────


def _refuse_unstorable(row: Row) -> None:
    if row.fault:
        raise Invalid(row.fault)
    for name, value in row.values.items():
        if fault := tables.unstorable(text_of(value)):
            raise Invalid(f"its {name} contains {fault}")
        if fault := tables.unstorable(name):
            raise Invalid(f"the name of one of its columns contains {fault}")


def _line(text: str) -> str:
    return " ".join(text.split())


def _item(column: str, value: Any) -> str:
    """A readable line of Markdown: '- Printer cartridges: Yes'."""
    label = " ".join(column.replace("_", " ").split())
    label = label.capitalize() if label.isupper() and len(label) > 3 else label[:1].upper() + label[1:]
    text = json.dumps(value, ensure_ascii=False) if isinstance(value, dict | list | bool) else text_of(value)
    return f"- {label}: {_line(text)}"


def _is_url(text: str) -> bool:
    try:
        _URL.validate_python(text)
    except ValidationError:
        return False
    return True


def _typed(field: FieldInfo, text: str) -> Any:
    """A cell as its field wants it: a number, yes or no, one of a list of words; else the text itself."""
    wanted = field.annotation
    if wanted is bool:
        return {"yes": True, "y": True, "true": True, "no": False, "n": False, "false": False}.get(text.lower(), text)
    if wanted is int and re.fullmatch(r"\d{1,9}", text):
        return int(text)
    if get_origin(wanted) is Literal:
        return next((word for word in get_args(wanted) if squeezed(str(word)) == squeezed(text)), text)
    return text
