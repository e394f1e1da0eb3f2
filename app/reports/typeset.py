"""Pages for print by Typst: tagged PDF/UA-1 (ISO 14289-1) in British English, whatever signs its text is made of.

Text reaches the template as JSON and is set as text; nothing in it is evaluated. A sign that no font here has would
stop the writing, for PDF/UA asks for every sign's shape: it is printed as its name in brackets, or as the mark of what
cannot be shown. Typst's own fonts come first; those that the machine has help out.
"""

import json
import re
import unicodedata
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

import typst

#: The first that has a sign shows it.
FONTS = ("Libertinus Serif", "New Computer Modern", "DejaVu Sans Mono")
#: Letters without a blank that surely fit into the narrowest column.
LONG = 24
CANNOT = "\ufffd"
_PLAIN = re.compile(r"[\x20-\x7e\xa0-\u017f\u2010-\u2027\u200b]*")
#: Signs that would turn the letters around them, and those that have no shape.
_UNSEEN = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ufeff\ufff9-\uffff]+")


def pdf(template: str, data: Mapping[str, Any], pictures: Mapping[str, str], into: Path, made_at: datetime) -> None:
    """Write the template beside this file, filled with plain values, as a PDF to `into`.

    The template finds `data` and `pictures` (SVG by name) in `sys.inputs`, as JSON.
    """
    strange = {sign for text in _texts(data) for sign in text if not _PLAIN.fullmatch(sign)}
    missing = _missing(frozenset(strange)) if strange else frozenset()
    try:
        _compile(template, data, pictures, into, made_at, lambda sign: sign in missing)
    except typst.TypstError as error:
        if "could not be displayed" not in error.message:
            raise
        # Signs that have a shape alone and none together.
        _compile(template, data, pictures, into, made_at, lambda sign: not _PLAIN.fullmatch(sign))


def _compile(
    template: str,
    data: Mapping[str, Any],
    pictures: Mapping[str, str],
    into: Path,
    made_at: datetime,
    lacks: Callable[[str], bool],
) -> None:
    shown = _each_text(data, lambda text: _broken(_printable(text, lacks)))
    made = typst.compile(
        Path(__file__).with_name(template).read_bytes(),
        format="pdf",
        font_paths=_fonts(),
        sys_inputs={"data": json.dumps({**shown, "fonts": FONTS}), "pictures": json.dumps(pictures)},
        pdf_standards=["ua-1"],
        timestamp=made_at.astimezone(UTC).replace(microsecond=0),
    )
    into.write_bytes(made)


@cache
def _fonts() -> typst.Fonts:
    return typst.Fonts(include_system_fonts=True)


def _missing(signs: frozenset[str]) -> frozenset[str]:
    """Those of the signs that no font here has: each is set on a line of its own, and the faults name the lines."""
    ordered = sorted(signs)
    lines = ['#set document(title: "Signs")', f"#set text(font: ({json.dumps(FONTS)[1:-1]}))"]
    lines += [f'#"\\u{{{ord(sign):x}}}"' for sign in ordered]
    try:
        typst.compile("\n".join(lines).encode(), format="pdf", font_paths=_fonts(), pdf_standards=["ua-1"])
    except typst.TypstError as error:
        at = {int(line) - 3 for line in re.findall(r"\.typ:(\d+):", error.diagnostic)}
        return frozenset(ordered[n] for n in at if 0 <= n < len(ordered))
    return frozenset()


def _printable(text: str, lacks: Callable[[str], bool]) -> str:
    if _PLAIN.fullmatch(text):
        return text
    seen = _UNSEEN.sub(" ", text)
    return "".join(_name(sign) if lacks(sign) else sign for sign in seen)


def _name(sign: str) -> str:
    if unicodedata.category(sign) in ("So", "Sk"):
        return f"[{unicodedata.name(sign, 'sign').lower()}]"
    return "" if unicodedata.category(sign) in ("Mn", "Me", "Cf") else CANNOT


def _broken(text: str) -> str:
    """A very long word may be broken anywhere: between its letters stands a space of no width."""
    return re.sub(rf"\S{{{LONG + 1},}}", lambda word: "\u200b".join(word[0]), text)


def _texts(value: Any) -> list[str]:
    found: list[str] = []

    def keep(text: str) -> str:
        found.append(text)
        return text

    _each_text(value, keep)
    return found


def _each_text(value: Any, change: Callable[[str], str]) -> Any:
    if isinstance(value, str):
        return change(value)
    if isinstance(value, Mapping):
        return {name: _each_text(inner, change) for name, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_each_text(inner, change) for inner in value]
    return value
