"""CQL2 Text (OGC 21-065, clause 8.1 and annex B) read into the nodes of CQL2 JSON.

One pass, linear in the length of the text, no deeper than MAX_DEPTH brackets: no text can make it slow or overflow a
stack. docs/decisions/0008-our-own-reader-of-cql2.md says why this is not left to a package.
"""

import re
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple, NoReturn

from app.errors import BadRequest

#: How deeply brackets, and operators within operators, may be nested.
MAX_DEPTH = 20
#: How many operators, properties and literals there may be.
MAX_NODES = 100
#: The digits that a whole number may have.
MAX_DIGITS = 300

Node = Any  # what json.loads would give: dict, list, str, int, float, bool

_TOKEN = re.compile(
    r"""(?P<space>\s+)
    | (?P<number>(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?)
    | (?P<string>'(?:[^'\\]|''|\\.)*')
    | (?P<quoted>"(?:[^"]|"")*")
    | (?P<name>(?:[^\W\d]|:)[\w.:\u0300-\u036F\u203F\u2040]*)
    | (?P<sign><>|!=|<=|>=|[-+*/%^<>=(),])""",
    re.VERBOSE | re.DOTALL,
)
_ESCAPE = re.compile(r"''|\\(.)", re.DOTALL)
#: 21-065, /req/cql2-text/escaping; a backslash before anything else stays, as LIKE needs it.
_ESCAPED = {"a": "\a", "b": "\b", "t": "\t", "n": "\n", "v": "\v", "f": "\f", "r": "\r", "'": "'", "\\": "\\"}
_RESERVED = {"AND", "OR", "NOT", "IS", "IN", "LIKE", "BETWEEN", "NULL", "DIV"}
_COMPARISONS = {"=": "=", "<>": "<>", "!=": "<>", "<": "<", ">": ">", "<=": "<=", ">=": ">="}
#: WKT tag → GeoJSON type and how many brackets stand around a list of positions
_SHAPES = {
    "POINT": ("Point", 0),
    "LINESTRING": ("LineString", 1),
    "POLYGON": ("Polygon", 2),
    "MULTIPOINT": ("MultiPoint", 1),
    "MULTILINESTRING": ("MultiLineString", 2),
    "MULTIPOLYGON": ("MultiPolygon", 3),
}


_TAGS = {*_SHAPES, "GEOMETRYCOLLECTION"}


class _Token(NamedTuple):
    kind: str  # number, string, quoted, name, sign or end
    text: str
    at: int  # the first character is 1


def parse(text: str) -> Node:
    """The expression as CQL2 JSON. Raises BadRequest that names the character where the text stops making sense."""
    return _Parser(_tokens(text)).whole()


def _tokens(text: str) -> Iterator[_Token]:
    """The tokens one by one, so that a text is read no further than to its first fault."""
    at = 0
    while at < len(text):
        match = _TOKEN.match(text, at)
        if not match:
            raise BadRequest(f"The filter cannot be read from character {at + 1} on: {_unreadable(text[at:])}")
        if match.lastgroup != "space":
            yield _Token(str(match.lastgroup), match[0], at + 1)
        at = match.end()
    while True:
        yield _Token("end", "", len(text) + 1)


def _unreadable(rest: str) -> str:
    if rest[0] in "'\"":
        return f"the quotation mark {rest[0]} is never closed."
    return f"'{rest[0]}' has no meaning here."


class _Parser:
    def __init__(self, tokens: Iterator[_Token]) -> None:
        self.tokens = tokens
        self.token = next(tokens)
        self.following = next(tokens)
        self.depth = 0
        self.values = 0

    # ── tokens ──────────────────────────────────────────────────────────────────────────────

    def take(self) -> _Token:
        taken = self.token
        self.token, self.following = self.following, next(self.tokens)
        return taken

    def sign(self, *texts: str) -> str | None:
        """The sign that stands here, if it is one of these; it is taken."""
        return self.take().text if self.token.kind == "sign" and self.token.text in texts else None

    def word(self, *words: str) -> str | None:
        """The keyword that stands here, in capitals, if it is one of these; it is taken."""
        is_one = self.token.kind == "name" and self.token.text.upper() in words
        return self.take().text.upper() if is_one else None

    def need(self, found: str | None, wanted: str) -> str:
        return found if found is not None else self.fail(wanted)

    def fail(self, wanted: str) -> NoReturn:
        token = self.token
        if token.kind == "end":
            raise BadRequest(f"The filter ends where {wanted} is expected.")
        shown = token.text if len(token.text) <= 40 else f"{token.text[:40]}…"
        raise BadRequest(f"At character {token.at} of the filter, before {shown}, {wanted} is expected.")

    def in_brackets(self, inner: Callable[[], Node]) -> Node:
        self.need(self.sign("("), "an opening bracket")
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise BadRequest(f"The filter nests brackets more than {MAX_DEPTH} deep. Make it flatter.")
        node = inner()
        self.depth -= 1
        self.need(self.sign(")"), "a closing bracket")
        return node

    def listed(self, item: Callable[[], Node]) -> list[Node]:
        found = [item()]
        while self.sign(","):
            found.append(item())
        return found

    # ── conditions, from the loosest binding to the tightest ────────────────────────────────

    def whole(self) -> Node:
        node = self.either()
        if self.token.kind != "end":
            self.fail("AND, OR or the end")
        return node

    def either(self) -> Node:
        return self._chain("OR", lambda: self._chain("AND", self.negated))

    def _chain(self, word: str, part: Callable[[], Node]) -> Node:
        parts = [part()]
        while self.word(word):
            parts.append(part())
        return parts[0] if len(parts) == 1 else {"op": word.lower(), "args": parts}

    def negated(self) -> Node:
        times = 0
        while self.word("NOT"):
            times += 1
            if times > MAX_DEPTH:
                raise BadRequest(f"The filter nests operators more than {MAX_DEPTH} deep. Make it flatter.")
        node = self.compared()
        for _ in range(times):
            node = {"op": "not", "args": [node]}
        return node

    def compared(self) -> Node:
        left = self.sum()
        if comparison := self.sign(*_COMPARISONS):
            return self._once({"op": _COMPARISONS[comparison], "args": [left, self.sum()]})
        if self.word("IS"):
            opposite = self.word("NOT")
            self.need(self.word("NULL"), "NULL")
            return self._once(_perhaps_not(opposite, {"op": "isNull", "args": [left]}))
        opposite = self.word("NOT")
        if word := self.word("LIKE", "BETWEEN", "IN"):
            return self._once(_perhaps_not(opposite, self._of_words(word, left)))
        return left if not opposite else self.fail("LIKE, BETWEEN or IN")

    def _of_words(self, word: str, left: Node) -> Node:
        if word == "LIKE":
            return {"op": "like", "args": [left, self.sum()]}
        if word == "IN":
            return {"op": "in", "args": [left, self.in_brackets(lambda: self.listed(self.sum))]}
        low = self.sum()
        self.need(self.word("AND"), "AND")
        return {"op": "between", "args": [left, low, self.sum()]}

    def _once(self, node: Node) -> Node:
        if self.token.kind == "sign" and self.token.text in _COMPARISONS:
            self.fail("AND or OR (comparisons cannot be strung together; bracket the first one)")
        return node

    # ── values ──────────────────────────────────────────────────────────────────────────────

    def sum(self) -> Node:
        node = self.product()
        while operator := self.sign("+", "-"):
            node = {"op": operator, "args": [node, self.product()]}
        return node

    def product(self) -> Node:
        node = self.power()
        while operator := self.sign("*", "/", "%") or self.word("DIV"):
            node = {"op": operator.lower(), "args": [node, self.power()]}
        return node

    def power(self) -> Node:
        node = self.factor()
        if self.sign("^"):
            node = {"op": "^", "args": [node, self.factor()]}
            if self.token.text == "^":
                self.fail("a bracket that says which power comes first")
        return node

    def factor(self) -> Node:
        sign = self.sign("-", "+")
        if not sign:
            return self.value()
        node = self.value()
        if isinstance(node, int | float) and not isinstance(node, bool):
            return -node if sign == "-" else node
        return {"op": "*", "args": [-1, node]} if sign == "-" else node

    def value(self) -> Node:
        token = self.token
        self.values += 1
        if self.values > 2 * MAX_NODES:  # brackets count here too; who uses the nodes counts them exactly
            raise BadRequest(f"The filter has more than {MAX_NODES} operators, properties and values. Make it smaller.")
        if token.kind == "sign" and token.text == "(":
            return self.in_brackets(self.either)
        if token.kind == "number":
            return self.number()
        if token.kind == "string":
            return _unescaped(self.take().text)
        if token.kind == "quoted":
            return {"property": self.take().text[1:-1].replace('""', '"')}
        if token.kind == "name" and token.text.upper() not in _RESERVED:
            return self.named()
        missing = token.text.upper() == "NULL"
        return self.fail("a value (ask for missing values with IS NULL)" if missing else "a value")

    def number(self) -> int | float:
        text = self.take().text
        if not text.isdecimal():
            return float(text)
        if len(text) > MAX_DIGITS:
            raise BadRequest(f"The filter has a number of {len(text)} digits; at most {MAX_DIGITS} are read.")
        return int(text)

    def named(self) -> Node:
        """TRUE, FALSE, a literal or a function that its name begins, or else a property."""
        name = self.take().text
        word = name.upper()
        if word in ("TRUE", "FALSE"):
            return word == "TRUE"
        if word in _TAGS and self.token.text.upper() in ("(", "Z", "M", "ZM", "EMPTY"):
            return self.shape(word)
        if self.token.text != "(":
            return {"property": name}
        if word == "BBOX":
            return {"bbox": self.in_brackets(lambda: self.listed(self.signed))}
        if word in ("DATE", "TIMESTAMP"):
            return {word.lower(): self.in_brackets(self.text)}
        if word == "INTERVAL":
            return {"interval": self.in_brackets(lambda: self.listed(self.value))}
        return {"op": name, "args": self.in_brackets(self.arguments)}

    def arguments(self) -> list[Node]:
        return [] if self.token.text == ")" else self.listed(self.either)

    def text(self) -> str:
        if self.token.kind != "string":
            self.fail("text in single quotation marks")
        return _unescaped(self.take().text)

    # ── geometry as well-known text ─────────────────────────────────────────────────────────

    def shape(self, tag: str) -> Node:
        if self.word("EMPTY"):
            raise BadRequest(f"{tag} EMPTY has no place: give the geometry at least one position.")
        if dimension := self.word("M", "ZM"):
            raise BadRequest(f"{tag} {dimension}: measures have no meaning here. Give two or three coordinates.")
        self.word("Z")
        if tag == "GEOMETRYCOLLECTION":
            return {"type": "GeometryCollection", "geometries": self.in_brackets(lambda: self.listed(self.member))}
        kind, levels = _SHAPES[tag]
        if kind == "Point":
            return {"type": kind, "coordinates": self.in_brackets(self.position)}
        return {"type": kind, "coordinates": self.positions(levels, bracketed=kind == "MultiPoint")}

    def member(self) -> Node:
        return self.shape(self.need(self.word(*_SHAPES), "a geometry that is no collection itself"))

    def positions(self, levels: int, *, bracketed: bool) -> Node:
        """Positions in so many brackets; each may stand in brackets of its own (MULTIPOINT is written both ways)."""
        if levels > 1:
            return self.in_brackets(lambda: self.listed(lambda: self.positions(levels - 1, bracketed=bracketed)))
        one = self.bracketed_position if bracketed else self.position
        return self.in_brackets(lambda: self.listed(one))

    def bracketed_position(self) -> Node:
        return self.in_brackets(self.position) if self.token.text == "(" else self.position()

    def position(self) -> list[int | float]:
        found = [self.signed(), self.signed()]
        while self.token.kind == "number" or self.token.text in ("-", "+"):
            found.append(self.signed())
        return found

    def signed(self) -> int | float:
        sign = self.sign("-", "+")
        if self.token.kind != "number":
            self.fail("a number")
        number = self.number()
        return -number if sign == "-" else number


def _perhaps_not(opposite: str | None, node: Node) -> Node:
    return {"op": "not", "args": [node]} if opposite else node


def _unescaped(quoted: str) -> str:
    def plain(match: re.Match[str]) -> str:
        return "'" if match[1] is None else _ESCAPED.get(match[1], match[0])

    return _ESCAPE.sub(plain, quoted[1:-1])
