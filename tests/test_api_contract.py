"""The service keeps to its own OpenAPI document: requests are made up from it, and the answers held against it.

Each operation is asked as a visitor and with a key of a resident's, with requests that fit the document and with some
that do not; real things stand where a path names one. The seed is fixed: a failure comes again.
"""

import warnings
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

import httpx
import pytest
import schemathesis
from anyio.from_thread import BlockingPortal, start_blocking_portal
from fastapi.routing import APIRoute
from hypothesis import HealthCheck, Phase, given, seed, settings
from pydantic import SecretStr
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from app import localdb, main, routers
from app.settings import Settings
from tests.conftest import _fresh
from tests.factories import NORTH, Town
from tests.rights import OTHERS, ROUTES, TABLE, WHO

SEED = 20121123
#: Who asks, with requests that fit the document or do not, about real things or made-up ones: how many times.
TRIALS = (
    ("visitor", GenerationMode.POSITIVE, True, 3),
    ("resident", GenerationMode.POSITIVE, True, 8),
    ("resident", GenerationMode.POSITIVE, False, 2),
    ("resident", GenerationMode.NEGATIVE, True, 4),
)
SCOPES = ("assets:read", "assets:write", "take-part", "reports:read", "moderate")
CHECKS = [
    not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance,
    response_headers_conformance,
]  # fmt: skip
#: Where no made-up request can succeed.
NEVER = {
    "POST /api/v1/sign-in/complete": "the code is in a mail",
    "GET /api/v1/me": "no key may", "PATCH /api/v1/me": "no key may", "DELETE /api/v1/me": "no key may",
    "GET /api/v1/me/keys": "no key may", "POST /api/v1/me/keys": "no key may",
    "DELETE /api/v1/me/keys/{key}": "no key may",
    "POST /api/v1/assets/{asset}/links": "a made-up uid is of nothing",
    **{name: "a made-up uid is of nothing" for name in OTHERS if "/jobs/{job}" in name},
    **{name: "no key may" for name, act in OTHERS.items() if act == "imports.bring_in"},
}  # fmt: skip


@dataclass
class Served:
    """The service in a loop of its own."""

    portal: BlockingPortal
    town: Town

    def client(self, label: str, who: str) -> httpx.AsyncClient:
        """A visitor, or the key of somebody who may do this."""
        route = ROUTE.get(label)
        may = TABLE[route.act if route else OTHERS.get(label, "assets.read")]
        allowed = "owner" if not route and may["owner"] == "+" else next(one for one in WHO[1:] if may[one] == "+")
        found = self.town["visitor"] if who == "visitor" else self.portal.call(self.town.app_of, allowed, *SCOPES)
        found._transport = httpx.ASGITransport(app=self.town.app, raise_app_exceptions=False)
        return found

    def ask(self, client: httpx.AsyncClient, given: dict[str, Any]) -> httpx.Response:
        """Send what schemathesis made up."""
        arguments = {name: value for name, value in given.items() if name != "cookies"}
        return self.portal.call(lambda: client.request(**arguments))


@pytest.fixture(scope="module")
def served(
    cluster: localdb.Cluster, admin: localdb.Connection, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Served]:
    """A town on a database of this module's own."""
    fresh = _fresh(cluster, admin)
    database = next(fresh)
    with start_blocking_portal() as portal:
        configured = Settings(
            data=tmp_path_factory.mktemp("contract"), database_url=database.write, database_read_url=database.read,
            secret=SecretStr("only for tests"), pool_wait_s=10, key_writes_per_hour=10**9, sign_ins_per_hour=10**8,
        )  # fmt: skip
        app = main.create_app(configured)
        service = app.state.service

        town = portal.call(Town.found, app, service.engines, service.secret)
        point = "ST_SetSRID(ST_MakePoint(-0.1143, 51.4613), 4326)"
        portal.call(town.sql, f"INSERT INTO postcode (code, geom) VALUES ('SW21JQ', {point})")
        yield Served(portal, town)
        portal.call(town.leave)
        portal.call(service.engines.dispose)
    next(fresh, None)


def _document() -> Any:
    service = Settings(database_url="postgresql:///none", database_read_url="postgresql:///none")
    return schemathesis.openapi.from_dict(main.create_app(service).openapi())


ROUTE = {route.name: route for route in ROUTES}
OPERATIONS = {found.ok().label: found.ok() for found in _document().get_all_operations()}


def test_every_route_is_an_operation_of_the_document_and_is_tried() -> None:
    served = {
        f"{method} {route.path}" for router in routers.ALL for route in router.routes if isinstance(route, APIRoute)
        for method in route.methods or () if not route.path.startswith("/ogc")  # it has a document of its own
    }  # fmt: skip
    assert set(OPERATIONS) == served
    assert len(OPERATIONS) > 60
    assert set(NEVER) <= set(OPERATIONS)
    assert len(CHECKS) == 5


def _try(made_up: Any, count: int, do: Callable[[Any], None]) -> None:
    """Do it with so many made-up requests, the same ones every time."""

    @seed(SEED)
    @settings(
        max_examples=count, deadline=None, database=None, phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    @given(case=made_up)
    def trial(case: Any) -> None:
        do(case)

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        trial()


@pytest.mark.parametrize("label", OPERATIONS)
def test_every_answer_is_one_that_the_document_foretells(served: Served, label: str) -> None:
    operation, seen, route = OPERATIONS[label], Counter[str](), ROUTE.get(label)
    scene = served.portal.call(partial(served.town.scene, **(route.scene if route else {})))
    real = scene.names | {"code": NORTH, "postcode": "SW2 1JQ", "z": 14, "x": 8186, "y": 5446}
    named = {name: value for name, value in real.items() if f"{{{name}}}" in label}
    star = {"if-match": "*"} if operation.method.upper() in ("PATCH", "DELETE") else {}

    def held(client: httpx.AsyncClient, there: bool, case: Any) -> None:
        if there and star:
            case.headers = {**(case.headers or {}), **star}
        answer = served.ask(client, case.as_transport_kwargs(base_url="http://localhost:8000"))
        case.validate_response(answer, checks=CHECKS)
        seen[f"{answer.status_code // 100}xx"] += 1

    takes = bool(list(operation.body) or list(operation.query))  # else there is nothing to get wrong
    for who, mode, there, count in TRIALS:
        if (named or there) and (takes or mode == GenerationMode.POSITIVE):
            made_up = operation.as_strategy(generation_mode=mode, path_parameters=named if there else None)
            _try(made_up, count, partial(held, served.client(label, who), there))
    assert sum(seen.values()) >= (10 if list(operation.body) else 2)
    assert seen["5xx"] == 0
    assert (seen["2xx"] > 0) == (label not in NEVER), seen
