"""HTTP: one file per noun. A router that is not in this list is not served."""

from app.routers import (
    accounts,
    assets,
    catalogue,
    discussion,
    health,
    limits,
    links,
    needs,
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
    tiles.router,
    outlines.router,
    health.router,
)
