"""Words as people type them: stems, folded accents, beginnings of words, misspellings; as conditions on Asset."""

from sqlalchemy import ColumnElement, String, exists, func, literal, or_
from sqlalchemy.orm import aliased

from app.models import Asset


def match(said: str) -> ColumnElement[bool]:
    """Stems, folded accents and beginnings of words; where no public asset has them, titles that are spelt alike."""
    asked = func.civic_query(said)
    other = aliased(Asset)
    nobody = ~exists().where(other.on_map, other.search.op("@@")(asked))
    return or_(Asset.search.op("@@")(asked), nobody & literal(said, String).op("<%")(Asset.title))
