"""Words as people type them, as conditions on Asset: stems, accents, beginnings of words, "phrases", misspellings.

What the words mean is said in one place, the database's civic_query. It is asked once for a statement (a scalar
subquery): as a plain call it would be asked again for every row that is looked at.
"""

from sqlalchemy import ColumnElement, func, literal_column, select

from app.models import Asset

#: The words of the title alone, as the index has them.
_TITLE: ColumnElement[object] = func.ts_filter(Asset.search, literal_column("'{a}'"))


def match(said: str) -> ColumnElement[bool]:
    """Every word is in title, summary, story or organiser."""
    return Asset.search.op("@@")(select(func.civic_query(said)).scalar_subquery())


def in_title(said: str) -> ColumnElement[bool]:
    """Every word is in the title."""
    return _TITLE.op("@@")(select(func.civic_query(said)).scalar_subquery())
