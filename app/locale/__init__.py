"""One catalogue of words per language: names of kinds, fields and themes, report columns, messages.

Plain JSON, so that a translator needs no tool; a test compares every language with the kinds and with English.
"""

import json
from functools import cache
from pathlib import Path
from typing import Any

LANGUAGES = tuple(sorted(path.stem for path in Path(__file__).parent.glob("*.json")))


@cache
def catalogue(language: str = "en") -> dict[str, Any]:
    """Every word of a language."""
    words: dict[str, Any] = json.loads(Path(__file__).with_name(f"{language}.json").read_text(encoding="utf-8"))
    return words
