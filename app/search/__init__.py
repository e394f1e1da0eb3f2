"""The one read path: every list, tile, export, report and page begins with select_assets(actor, filter).

So visibility and location privacy cannot differ between surfaces. Statements are built without I/O; the public
geometry and the anchor made from it are the only places that anything here can see.
"""

from app.search.facets import Facets, facet_counts
from app.search.features import feature, in_full
from app.search.filters import DEFAULT_STAGES, EVERYTHING, AssetFilter, conditions, select_assets
from app.search.pages import Found, Sort, page
from app.search.things import get_asset, get_thing, things, whole

__all__ = [
    "DEFAULT_STAGES", "EVERYTHING", "AssetFilter", "Facets", "Found", "Sort", "conditions", "facet_counts", "feature",
    "get_asset", "get_thing", "in_full", "page", "select_assets", "things", "whole",
]  # fmt: skip
