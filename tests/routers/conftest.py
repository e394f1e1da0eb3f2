"""What several files of these tests share: one server on the world of ogc_world."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.conftest import _fresh
from tests.routers import ogc_world
from tests.routers.ogc_world import Ogc


@pytest.fixture(scope="session")
def ogc(cluster: Any, admin: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ogc]:
    """The served world; tests only read it."""
    fresh = _fresh(cluster, admin)
    with ogc_world.serving(next(fresh), tmp_path_factory.mktemp("ogc")) as served:
        yield served
    next(fresh, None)
