"""Words as people type them, as conditions on Asset: stems, accents, beginnings of words, "phrases", misspellings.

What the words mean is said in one place, the database's civic_query. It is asked once for a statement, however often
that speaks of it (a WITH, read by scalar subqueries): as a plain call it would be asked again for every row looked at.
"""

from typing import Any

from sqlalchemy import ColumnElement, ScalarSelect, func, literal_column, select

from app.models import Asset

#: The words of the title alone, as the index has them.
_TITLE: ColumnElement[object] = func.ts_filter(Asset.search, literal_column("'{a}'"))


def query(said: str) -> ScalarSelect[Any]:
    """What the words ask for. All conditions made of one such query ask the database once."""
    asked = select(func.civic_query(said).label("query")).cte()
    return select(asked.c.query).scalar_subquery()


def match(asked: ScalarSelect[Any]) -> ColumnElement[bool]:
    """Every word is in title, summary, story or organiser."""
    return Asset.search.op("@@")(asked)


def in_title(asked: ScalarSelect[Any]) -> ColumnElement[bool]:
    """Every word is in the title."""
    return _TITLE.op("@@")(asked)
