"""Each row of a foreign table as an asset that is not placed yet, or as a refusal that says why.

A country has millions of rows, so what is the same for all of them is worked out once, in RowMaker.
"""

import hashlib
import json
import re
import unicodedata
from collections import Counter
from collections.abc import Mapping
from typing import Any, Literal, NamedTuple, get_args, get_origin

from pydantic import TypeAdapter, ValidationError
from pydantic.fields import FieldInfo

from app import wire
from app.errors import Invalid
from app.geo import tables
from app.geo.coordinates import Reading, squeezed, text_of
from app.geo.tables import Row
from app.kinds import Kind

MAX_TITLE, MAX_SUMMARY, MAX_BODY, MAX_ORGANISER = 160, 500, 20_000, 160
#: The names of so many columns are kept in mind; each feature of a file may have others.
MOST_LABELS = 2_000
_URL: TypeAdapter[str] = TypeAdapter(wire.Url)
_CANONICAL = json.JSONEncoder(sort_keys=True, separators=(",", ":"), default=str).encode


class Prepared(NamedTuple):
    """A row as an asset that is not placed yet; the columns of the table `incoming`, in its order."""

    line: int
    fingerprint: bytes
    """Tells the row apart in its source: a hash of its key, or of all that it says."""
    digest: bytes | None
    """A hash of all that it says; None where the fingerprint is that."""
    title: str
    summary: str
    body: str
    organiser: str
    website: str | None
    details: str
    raw: str | None
    """Its own place, as hexadecimal WKB."""
    postcode: str | None
    """The postcode to look up, where it has no place of its own."""
    unplaced: str | None
    """Why it has no place of its own."""


class Reject(NamedTuple):
    """A row that cannot be taken, and why."""

    line: int
    reason: str
    title: str
    fingerprint: bytes | None = None
    """Of its key, where it has one: it is still in the list."""


class RowMaker:
    """Makes the rows of one file into assets of one kind; what it has to shorten or move it counts in `remarks`.

    Nothing is lost: what has no field of its own becomes a readable line of the text, but for the columns left out.
    """

    def __init__(
        self,
        kind: Kind,
        place: Reading,
        fields: Mapping[str, str],
        left_out: tuple[str, ...],
        remarks: Counter[str],
        key: str | None = None,
    ) -> None:
        self._kind, self._place, self._fields, self._remarks, self._key = kind, place, fields, remarks, key
        own = kind.details.model_fields
        names = [name.removeprefix("details.") for name in fields if name.startswith("details.")]
        self._own = [(name, fields[f"details.{name}"], own[name]) for name in names]
        self._bare: str | None = None
        # Column → how its line of the text begins; nothing for a column that is not kept.
        self._labels = dict.fromkeys((*fields.values(), *place.columns, *left_out), "")

    def made(self, row: Row) -> Prepared | Reject:
        """The row as an asset; or why it cannot be one."""
        self._remarks.update(row.remarks)
        title = "" if row.fault else _line(text_of(row.values.get(self._fields["title"])))
        try:
            return self._prepared(row, title)
        except Invalid as problem:
            return Reject(
                row.line, tables.storable(problem.detail), tables.storable(title)[:MAX_TITLE], self._of_key(row)
            )

    def _of_key(self, row: Row) -> bytes | None:
        """A hash of its key as text, without blanks around it; None without a key."""
        text = _line(text_of(row.values.get(self._key))) if self._key else ""
        return hashlib.sha256(f"key\0{text}".encode(errors="replace")).digest() if text else None

    def _prepared(self, row: Row, title: str) -> Prepared:
        if row.fault:
            raise Invalid(row.fault)
        said = canonical(row)
        if "\\u0000" in said or "\\ud" in said:  # an escape of NUL, or of half a character; or a whole one, or text
            _refuse_unstorable(row)
        if not title:
            raise Invalid(f"its {self._fields['title']} is empty, so it has no title")
        if isinstance(row.values[self._fields["title"]], dict | list):
            raise Invalid(f"its {self._fields['title']} is not text")
        key = self._of_key(row)
        if self._key and key is None:
            raise Invalid(f"its {self._key} is empty, so no later release could tell it from the others")
        spot = self._place.spot(row, self._kind.geometries)
        more: list[str] = []  # what does not fit its field goes into the text
        if len(title) > MAX_TITLE:
            self._remarks[f"title of more than {MAX_TITLE} characters shortened; the whole is in the text"] += 1
            more.append(_item(self._fields["title"], title))
            title = title[: MAX_TITLE - 1].rstrip() + "…"
        details = self._details(row, more)
        organiser = self._fitting("organiser", row, more)
        website = self._fitting("website", row, more)
        summary = self._text("summary", row)
        story = len(summary) > MAX_SUMMARY
        more += self._kept(row)
        body = "\n\n".join(part for part in (summary if story else "", "\n".join(more)) if part)
        if len(body) > MAX_BODY:
            raise Invalid(f"its text has {len(body)} characters; at most {MAX_BODY} are kept")
        digest = hashlib.sha256(said.encode()).digest()
        told: tuple[bytes, bytes | None] = (key, digest) if key else (digest, None)
        return Prepared(
            row.line, *told, title, "" if story else summary, body, organiser, website or None, details, *spot
        )

    def _text(self, name: str, row: Row) -> str:
        column = self._fields.get(name)
        return text_of(row.values.get(column)) if column else ""

    def _fitting(self, name: str, row: Row, more: list[str]) -> str:
        text = self._text(name, row)
        if not text or (_is_url(text) if name == "website" else len(text) <= MAX_ORGANISER):
            return text
        return self._moved(name, self._fields[name], text, more)

    def _moved(self, name: str, column: str, text: str, more: list[str]) -> str:
        self._remarks[f"'{column}' that does not fit {name}, kept in the text"] += 1
        more.append(_item(column, text))
        return ""

    def _kept(self, row: Row) -> list[str]:
        kept = []
        for column, value in row.values.items():
            label = self._labels.get(column)
            if label is None:
                label = _label(column)
                if len(self._labels) < MOST_LABELS:
                    self._labels[column] = label
            if label and text_of(value):
                kept.append(label + _shown(value))
        return kept

    def _details(self, row: Row, more: list[str]) -> str:
        """The kind's own fields as JSON; a value that its field cannot hold is kept in the text."""
        texts = {name: text for name, column, _ in self._own if (text := text_of(row.values.get(column)))}
        if not texts:
            self._bare = self._bare or self._valid({})
            return self._bare
        values = {name: _typed(field, texts[name]) for name, _, field in self._own if name in texts}
        try:
            return self._kind.details.model_validate(values).model_dump_json()
        except ValidationError as error:
            unfit = {str(fault["loc"][0]) for fault in error.errors()}
        for name in sorted(unfit & set(texts)):
            self._moved(f"details.{name}", self._fields[f"details.{name}"], texts[name], more)
        return self._valid({name: value for name, value in values.items() if name not in unfit})

    def _valid(self, values: Mapping[str, Any]) -> str:
        try:
            return self._kind.details.model_validate(values).model_dump_json()
        except ValidationError as error:
            missing = ", ".join(str(fault["loc"][0]) for fault in error.errors())
            raise Invalid(f"a {self._kind.name} needs {missing}") from error


def canonical(row: Row) -> str:
    """What a row says, as ASCII: the same for other blanks or another order of columns, else different."""
    said = {name: _normal(value) for name, value in row.values.items() if text_of(value)}
    geometry = row.geometry.hex() if isinstance(row.geometry, bytes) else row.geometry
    return _CANONICAL([said, geometry])


def _normal(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    return _line(value if value.isascii() else unicodedata.normalize("NFC", value))


def _refuse_unstorable(row: Row) -> None:
    for name, value in row.values.items():
        if fault := tables.unstorable(_shown(value)):
            raise Invalid(f"its {name} contains {fault}")
        if fault := tables.unstorable(name):
            raise Invalid(f"the name of one of its columns contains {fault}")


def _line(text: str) -> str:
    return " ".join(text.split())


def _item(column: str, value: Any) -> str:
    """A readable line of Markdown: '- Printer cartridges: Yes'."""
    return _label(column) + _shown(value)


def _label(column: str) -> str:
    label = _line(column.replace("_", " "))
    label = label.capitalize() if label.isupper() and len(label) > 3 else label[:1].upper() + label[1:]
    return f"- {label}: "


def _shown(value: Any) -> str:
    return _line(json.dumps(value, ensure_ascii=False) if isinstance(value, dict | list | bool) else text_of(value))


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
