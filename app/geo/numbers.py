"""Numbers and angles as people write them in tables."""

import re
from collections.abc import Callable

_PLAIN = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d{1,3})?")
_COMMA = re.compile(r"[+-]?\d+,\d+")
#: No number that is a coordinate is longer.
_LONGEST = 60
_APART = re.compile(r"\d\s+\d")
_ANGLE = re.compile(
    r"(?P<first>[NSEW])?(?P<whole>-?\d{1,3}(?:[.,]\d{1,15})?)"
    r"(?:(?P<sign>[°º])(?:(?P<minutes>\d{1,2}(?:[.,]\d{1,15})?)['′’])?"
    r"(?:(?P<seconds>\d{1,2}(?:[.,]\d{1,15})?)(?:[\"″”]|''))?)?"
    r"(?P<last>[NSEW])?",
    re.IGNORECASE,
)
#: 51.46, -0.11 in one cell; and the text of a dictionary, as some open data portals export it
_BOTH = re.compile(r"[(\[]?\s*([^,;()\[\]{}\s]{1,20})\s*[,;\s]\s*([^,;()\[\]{}\s]{1,20})\s*[)\]]?")
_LATITUDE, _LONGITUDE = (
    re.compile(rf"['\"]{name}(?:itude)?['\"]\s*:\s*['\"]?(-?\d{{1,3}}(?:\.\d{{1,20}})?)") for name in ("lat", "lo?ng")
)
_THOUSANDS = re.compile(r"[+-]?[1-9]\d{0,2}(?:,\d{3})+(?:\.\d+)?")


def plain(text: str) -> float | None:
    """A number with a decimal point, or None."""
    return float(text) if _PLAIN.fullmatch(text) else None


def decimal_comma(text: str) -> float | None:
    """A number with a decimal comma, or none at all."""
    return float(text.replace(",", ".")) if _COMMA.fullmatch(text) else plain(text)


def thousands(text: str) -> float | None:
    """A number whose thousands are set apart by commas, or none at all."""
    return float(text.replace(",", "")) if _THOUSANDS.fullmatch(text) else plain(text)


def degrees(text: str) -> float | None:
    """An angle as people write it, 51°27'40"N or 51.46 N, or a plain number; south and west are negative."""
    bare = "" if len(text) > _LONGEST or _APART.search(text) else "".join(text.split())
    found = _ANGLE.fullmatch(bare)
    if not found or not (found["sign"] or found["first"] or found["last"]):
        return plain(text)
    whole, minutes, seconds = (
        float((found[part] or "0").replace(",", ".")) for part in ("whole", "minutes", "seconds")
    )
    if minutes >= 60 or seconds >= 60:
        return None
    angle = abs(whole) + minutes / 60 + seconds / 3600
    turned = found["whole"].startswith("-") or (found["first"] or found["last"] or "").upper() in ("S", "W")
    return -angle if turned else angle


def pair_in(text: str, x_first: bool) -> tuple[str, str] | None:
    """The texts of the eastern and of the northern coordinate in one cell; None where it holds no two numbers."""
    if text.startswith("{") and (lat := _LATITUDE.search(text)) and (lon := _LONGITUDE.search(text)):
        return lon[1], lat[1]
    found = _BOTH.fullmatch(" ".join(text.split()) if len(text) <= 2 * _LONGEST else "")
    if not found or degrees(found[1]) is None or degrees(found[2]) is None:
        return None
    return (found[1], found[2]) if x_first else (found[2], found[1])


#: how numbers are written, the likeliest first → what to say of it
STYLES: dict[Callable[[str], float | None], str] = {
    plain: "",
    thousands: ", written with thousands",
    decimal_comma: ", written with decimal comma",
    degrees: ", written as angles",
}
