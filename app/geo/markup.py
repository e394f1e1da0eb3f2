"""XML from strangers, read element by element: nothing it declares is believed, nothing it names is fetched.

A document type is refused before anything in it is read, and with it every entity of its own (CWE-611, CWE-776).
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import NoReturn, Protocol
from xml.parsers import expat

from app.errors import Invalid
from app.geo.tables import CHUNK, File

#: Elements may stand in each other this deep; folders in KML and cells in XLSX need a tenth of it.
MAX_DEPTH = 200
#: One tag or comment may have this many bytes: they are in memory as a whole, and read again with each piece.
MAX_TOKEN = 2 * 2**20
#: Text that belongs to elements which have not ended yet.
MAX_TEXT = 16 * 2**20
#: Different names of elements and attributes.
MAX_NAMES = 10_000
_OBJECT = 50  # bytes that a piece of text takes beside its letters


class Listener(Protocol):
    """What is told of the elements of a document, by their names without a namespace."""

    def begin(self, name: str, attributes: dict[str, str]) -> None:
        """An element begins; the names of its attributes are as the file writes them."""

    def end(self, name: str, text: str) -> None:
        """An element ends. `text` is its own, without that of the elements in it."""


class Document:
    """An XML file."""

    def __init__(self, file: File) -> None:
        self._file = file
        self.share = 0.0
        """How much of the file has been read, from 0 to 1."""

    def walk(self, listener: Listener) -> Iterator[None]:
        """Tell the listener of every element, and come back after each piece of the file, so that rows can be taken.

        Raises Invalid for a document type, for what is not well-formed, and for what is larger or deeper than a table.
        """
        walker = _Walker(listener, self.refuse)
        parser = walker.parser
        with self._file.opened() as stream:
            for piece in iter(lambda: stream.read(CHUNK), b""):
                walker.silent += len(piece)
                with self._told(walker):
                    parser.Parse(piece, False)
                self.share = stream.raw.share
                if walker.silent > MAX_TOKEN:
                    self.refuse(f"has a tag or a comment of more than {MAX_TOKEN // 2**20} MB")
                if len(parser.intern) > MAX_NAMES:
                    self.refuse(f"has elements of more than {MAX_NAMES} different names")
                yield
            with self._told(walker):
                parser.Parse(b"", True)
            yield

    def root(self) -> str:
        """The name of its first element."""
        finder = _First()
        for _ in self.walk(finder):
            if finder.name:
                break
        return finder.name

    def refuse(self, reason: str) -> NoReturn:
        """Raise Invalid with a sentence about this file."""
        raise Invalid(f"{self._file.name} {reason}.")

    @contextmanager
    def _told(self, walker: "_Walker") -> Iterator[None]:
        try:
            yield
        except expat.ExpatError as error:
            what = expat.ErrorString(error.code)
            self.refuse(f"is damaged or cut off: {what} in line {walker.parser.ErrorLineNumber}")
        except (LookupError, ValueError) as error:
            if walker.heard:
                raise
            self.refuse(f"is written in an encoding that is not known: {error}")


class _Walker:
    def __init__(self, listener: Listener, refuse: "_Refuse") -> None:
        self._listener, self._refuse = listener, refuse
        self._texts: list[list[str]] = []
        self._held = 0
        self._plain: dict[str, str] = {}
        self.silent = 0
        """Bytes since something was last heard of."""
        self.heard = False
        self.parser = expat.ParserCreate()
        self.parser.buffer_text = True
        self.parser.StartDoctypeDeclHandler = self._document_type
        self.parser.StartElementHandler = self._begin
        self.parser.EndElementHandler = self._end
        self.parser.CharacterDataHandler = self._text

    def _document_type(self, *about: object) -> None:
        self._refuse("declares a document type (DOCTYPE), which could name other files or grow without end")

    def _begin(self, name: str, attributes: dict[str, str]) -> None:
        self.silent, self.heard = 0, True
        self._texts.append([])
        if len(self._texts) > MAX_DEPTH:
            self._refuse(f"has elements that are nested more than {MAX_DEPTH} deep")
        self._listener.begin(self._bare(name), attributes)

    def _end(self, name: str) -> None:
        self.silent = 0
        pieces = self._texts.pop()
        text = "".join(pieces)
        self._held -= len(text) + _OBJECT * len(pieces)
        self._listener.end(self._bare(name), text)

    def _text(self, text: str) -> None:
        self.silent = 0
        pieces = self._texts[-1]
        if not pieces and text.isspace():
            return  # between elements
        pieces.append(text)
        self._held += len(text) + _OBJECT
        if self._held > MAX_TEXT:
            self._refuse(f"has a text of more than {MAX_TEXT // 2**20} MB")

    def _bare(self, name: str) -> str:
        bare = self._plain.get(name)
        if bare is None:
            bare = self._plain[name] = name.rpartition(":")[2]
        return bare


class _Refuse(Protocol):
    def __call__(self, reason: str) -> NoReturn: ...


class _First:
    """Hears the name of the first element."""

    name = ""

    def begin(self, name: str, attributes: dict[str, str]) -> None:
        self.name = self.name or name

    def end(self, name: str, text: str) -> None:
        pass
