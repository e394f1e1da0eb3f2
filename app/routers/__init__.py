"""HTTP: one file per noun. A router that is not in this list is not served."""

from app.routers import (
    accounts,
    assets,
    catalogue,
    desk,
    discussion,
    health,
    limits,
    links,
    needs,
    ogc,
    ogc_items,
    ogc_tiles,
    outlines,
    proposals,
    reports,
    tiles,
)

ALL = (
    assets.router,
    discussion.router,
    needs.router,
    proposals.router,
    links.router,
    accounts.router,
    catalogue.router,
    limits.router,
    reports.router,
    desk.router,
    tiles.router,
    outlines.router,
    ogc_items.router,
    ogc_tiles.router,
    ogc.router,
    health.router,
)
