"""What a CQL2 filter means, worked out in plain Python and Shapely over rows: what the SQL is compared with.

Written from the standard and not from app/geo/cql2.py: nothing here is imported from there. Unknown is None.
"""

import re
import unicodedata
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, time, timedelta
from fractions import Fraction
from typing import Any

import shapely

Row = Mapping[str, Any]
#: Letters that PostgreSQL's unaccent takes for others though Unicode does not, as far as the tests use them.
_BARE = {"ø": "o", "Ø": "O", "ß": "ss", "ł": "l", "Ł": "L", "æ": "ae", "Æ": "AE", "％": "%"}
#: The properties of the tests' tables that are timestamps.
MOMENTS = {"began", "ended", "start", "end"}
_LOW, _HIGH = datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)


def holds(node: Any, row: Row) -> bool | None:
    """Whether the filter is true, false or unknown (None) for the row."""
    found = value(node, row)
    assert found is None or isinstance(found, bool)
    return found


def value(node: Any, row: Row) -> Any:
    """The value of any expression for the row."""
    if not isinstance(node, dict):
        return Fraction(repr(node)) if isinstance(node, float) else node
    if "property" in node:
        found = row[node["property"]]
        return Fraction(repr(found)) if isinstance(found, float) else found
    if "date" in node:
        return date.fromisoformat(node["date"])
    if "timestamp" in node:
        return datetime.fromisoformat(node["timestamp"].replace("Z", "+00:00"))
    if "bbox" in node:
        return _bbox(node["bbox"])
    if "type" in node:
        return shapely.geometry.shape(node)
    return _OPERATORS[node["op"].lower()](node["op"].lower(), node["args"], row)


def _bbox(numbers: list[float]) -> Any:
    half = len(numbers) // 2
    west, south, east, north = numbers[0], numbers[1], numbers[half], numbers[half + 1]
    if west <= east:
        return shapely.box(west, south, east, north)
    return shapely.union(shapely.box(west, south, 180, north), shapely.box(-180, south, east, north))


# ── conditions ──────────────────────────────────────────────────────────────────────────────


def _and(_: str, args: list[Any], row: Row) -> bool | None:
    found = [holds(arg, row) for arg in args]
    return False if False in found else None if None in found else True


def _or(_: str, args: list[Any], row: Row) -> bool | None:
    found = [holds(arg, row) for arg in args]
    return True if True in found else None if None in found else False


def _not(_: str, args: list[Any], row: Row) -> bool | None:
    found = holds(args[0], row)
    return None if found is None else not found


def _compare(op: str, a: Any, b: Any) -> bool | None:
    if a is None or b is None:
        return None
    if isinstance(a, date) and isinstance(b, date) and isinstance(a, datetime) != isinstance(b, datetime):
        a, b = (x.astimezone(UTC).date() if isinstance(x, datetime) else x for x in (a, b))
    found: dict[str, bool] = {"=": a == b, "<>": a != b}
    if op not in found:
        found |= {"<": a < b, "<=": a <= b, ">": a > b, ">=": a >= b}
    return found[op]


def _binary(op: str, args: list[Any], row: Row) -> bool | None:
    return _compare(op, value(args[0], row), value(args[1], row))


def _between(_: str, args: list[Any], row: Row) -> bool | None:
    x, low, high = args
    return _and("and", [{"op": ">=", "args": [x, low]}, {"op": "<=", "args": [x, high]}], row)


def _in(_: str, args: list[Any], row: Row) -> bool | None:
    return _or("or", [{"op": "=", "args": [args[0], item]} for item in args[1]], row)


def _is_null(_: str, args: list[Any], row: Row) -> bool:
    return value(args[0], row) is None


def _like(_: str, args: list[Any], row: Row) -> bool | None:
    words = value(args[0], row)
    if words is None:
        return None
    pattern, folds = args[1], list[str]()
    while isinstance(pattern, dict):
        folds.insert(0, pattern["op"].lower())
        pattern = pattern["args"][0]

    def piece(match: re.Match[str]) -> str:
        if match[0] in "%_":
            return ".*" if match[0] == "%" else "."
        plain = match[0][1] if match[0][0] == "\\" else match[0]
        for name in folds:
            plain = _folded(name, plain)
        return re.escape(plain)

    return re.fullmatch(re.sub(r"\\.|[%_]|[^%_\\]+", piece, pattern), words, re.DOTALL) is not None


# ── values ──────────────────────────────────────────────────────────────────────────────────


def _fold(name: str, args: list[Any], row: Row) -> str | None:
    words = value(args[0], row)
    return None if words is None else _folded(name, words)


def _folded(name: str, words: str) -> str:
    if name == "casei":
        return words.casefold()
    bare = "".join(letter for letter in unicodedata.normalize("NFD", words) if not "\u0300" <= letter <= "\u036f")
    return "".join(_BARE.get(letter, letter) for letter in unicodedata.normalize("NFC", bare))


def _arithmetic(op: str, args: list[Any], row: Row) -> Fraction | None:
    found = [value(arg, row) for arg in args]
    if None in found:
        return None
    a, b = (Fraction(x) for x in found)
    if op in ("/", "%", "div") and b == 0:
        return None
    cut = Fraction(int(a / b)) if b else Fraction(0)
    results: dict[str, Callable[[], Fraction | None]] = {
        "+": lambda: a + b,
        "-": lambda: a - b,
        "*": lambda: a * b,
        "/": lambda: a / b,
        "div": lambda: cut,
        "%": lambda: a - b * cut,
        "^": lambda: None if a == 0 and b < 0 else Fraction(a ** int(b)),
    }
    return results[op]()


# ── space and time ──────────────────────────────────────────────────────────────────────────


def _spatial(op: str, args: list[Any], row: Row) -> bool | None:
    a, b = value(args[0], row), value(args[1], row)
    return None if a is None or b is None else bool(getattr(shapely, op[2:])(a, b))


def _ends(node: Any, row: Row) -> tuple[Any, Any]:
    if not isinstance(node, dict) or "interval" not in node:
        found = value(node, row)
        return found, found
    return tuple(
        open_end if end == ".." else _instant(end) if isinstance(end, str) else value(end, row)
        for end, open_end in zip(node["interval"], (_LOW, _HIGH), strict=True)
    )  # type: ignore[return-value]


def _instant(said: str) -> Any:
    return value({"timestamp" if "T" in said else "date": said}, {})


def _temporal(op: str, args: list[Any], row: Row) -> bool | None:
    (a, b), (c, d) = _ends(args[0], row), _ends(args[1], row)
    if any(map(_speaks_of_moments, args)):
        a, b, c, d = _moment(a, last=False), _moment(b, last=True), _moment(c, last=False), _moment(d, last=True)
    else:
        a, b, c, d = ({_LOW: date.min, _HIGH: date.max}.get(x, x) for x in (a, b, c, d))
    tests: dict[str, list[tuple[Any, str, Any]]] = {
        "t_after": [(a, ">", d)],
        "t_before": [(b, "<", c)],
        "t_equals": [(a, "=", c), (b, "=", d)],
        "t_intersects": [(a, "<=", d), (b, ">=", c)],
        "t_contains": [(c, ">", a), (d, "<", b)],
        "t_during": [(a, ">", c), (b, "<", d)],
        "t_finishes": [(a, ">", c), (b, "=", d)],
        "t_finishedby": [(c, ">", a), (b, "=", d)],
        "t_meets": [(b, "=", c)],
        "t_metby": [(a, "=", d)],
        "t_overlaps": [(a, "<", c), (c, "<", b), (b, "<", d)],
        "t_overlappedby": [(c, "<", a), (a, "<", d), (d, "<", b)],
        "t_starts": [(a, "=", c), (b, "<", d)],
        "t_startedby": [(a, "=", c), (d, "<", b)],
    }
    if op == "t_disjoint":
        return _not("not", [{"op": "t_intersects", "args": args}], row)
    found = [_compare(sign, x, y) for x, sign, y in tests[op]]
    return False if False in found else None if None in found else True


def _speaks_of_moments(node: Any) -> bool:
    """Whether a period is made of timestamps, by its type and not by what a row has."""
    if isinstance(node, str):
        return "T" in node
    ends = node.get("interval", ())
    return "timestamp" in node or node.get("property") in MOMENTS or any(map(_speaks_of_moments, ends))


def _moment(found: Any, *, last: bool) -> Any:
    """A day among instants: its first or last microsecond."""
    if found is None or isinstance(found, datetime):
        return found
    begins = datetime.combine(found, time(), UTC)
    return begins + timedelta(days=1, microseconds=-1) if last else begins


_SPATIAL = ("contains", "crosses", "disjoint", "equals", "intersects", "overlaps", "touches", "within")
_TEMPORAL = (
    "after", "before", "contains", "disjoint", "during", "equals", "finishedby", "finishes", "intersects", "meets",
    "metby", "overlappedby", "overlaps", "startedby", "starts",
)  # fmt: skip
_OPERATORS: dict[str, Callable[[str, list[Any], Row], Any]] = {
    "and": _and,
    "or": _or,
    "not": _not,
    **dict.fromkeys(("=", "<>", "<", "<=", ">", ">="), _binary),
    "between": _between,
    "in": _in,
    "isnull": _is_null,
    "like": _like,
    **dict.fromkeys(("casei", "accenti"), _fold),
    **dict.fromkeys(("+", "-", "*", "/", "%", "div", "^"), _arithmetic),
    **dict.fromkeys((f"s_{name}" for name in _SPATIAL), _spatial),
    **dict.fromkeys((f"t_{name}" for name in _TEMPORAL), _temporal),
}
