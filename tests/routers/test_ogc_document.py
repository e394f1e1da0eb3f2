"""The OpenAPI document of /ogc: truly 3.0, whole, as OGC API asks for it, and kept to by the service."""

import json
import re
import warnings
from collections import Counter
from collections.abc import Iterator
from typing import Any

import httpx
import jsonschema_rs
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, seed, settings
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)
from schemathesis.specs.openapi.definitions import OPENAPI_30

from tests.factories import NORTH
from tests.routers.ogc_world import UID, Ogc

SEED = 20121123
CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]
#: Words of JSON Schema and OpenAPI 3.1 that 3.0 does not have.
LATER = {"const", "examples", "prefixItems", "$defs", "webhooks", "if", "then", "else", "contentMediaType", "$schema"}


@pytest.fixture(scope="module")
def document(ogc: Ogc) -> Any:
    """The document as clients get it."""
    return ogc.json("/api")


def _walk(value: Any) -> Iterator[dict[str, Any]]:
    if isinstance(value, dict):
        yield value
        for part in value.values():
            yield from _walk(part)
    elif isinstance(value, list):
        for part in value:
            yield from _walk(part)


def _found(document: Any, reference: str) -> Any:
    for name in reference.removeprefix("#/").split("/"):
        document = document[name]
    return document


def _operations(document: Any) -> Iterator[tuple[str, dict[str, Any], list[dict[str, Any]]]]:
    """Path, operation, its parameters with references followed."""
    for path, item in document["paths"].items():
        assert list(item) == ["get"]
        given = [_found(document, one["$ref"]) if "$ref" in one else one for one in item["get"]["parameters"]]
        yield path, item["get"], given


def test_it_is_openapi_3_0_by_the_name_of_its_media_type_and_by_its_words(ogc: Ogc, document: Any) -> None:
    for accept in (None, "application/vnd.oai.openapi+json;version=3.0", "application/json"):
        answer = ogc.get("/api", accept=accept)
        assert answer.headers["content-type"] == "application/vnd.oai.openapi+json;version=3.0"
    assert document["openapi"] == "3.0.3"
    assert set(document) == {"openapi", "info", "servers", "tags", "paths", "components"}
    assert document["servers"] == [{"url": ogc.url}]
    for part in _walk(document):
        assert not isinstance(part.get("type"), list)  # 3.1
        assert part.get("type") != "null"
        assert {"type": "null"} not in part.get("anyOf", [])
        assert not (LATER & set(part) and "type" in part and part["type"] in ("object", "string", "integer", "array"))


def test_it_meets_the_schema_of_openapi_3_0(document: Any) -> None:
    assert OPENAPI_30["id"] == "https://spec.openapis.org/oas/3.0/schema/2019-04-02"
    jsonschema_rs.validator_for(OPENAPI_30).validate(document)
    broken = json.loads(json.dumps(document).replace('"openapi": "3.0.3"', '"openapi": "3.1.0"'))
    with pytest.raises(jsonschema_rs.ValidationError):
        jsonschema_rs.validator_for(OPENAPI_30).validate(broken)


def test_every_reference_leads_somewhere_and_every_component_is_used(document: Any) -> None:
    used = {part["$ref"] for part in _walk(document) if "$ref" in part}
    for reference in used:
        assert _found(document, reference)
    there = {f"#/components/{sort}/{name}" for sort, each in document["components"].items() for name in each}
    assert used == there


def test_every_operation_has_a_name_of_its_own_and_every_status_it_can_answer_with(document: Any) -> None:
    names = [operation["operationId"] for _, operation, _ in _operations(document)]
    assert len(names) == len(set(names)) > 50
    for path, operation, _ in _operations(document):
        assert {"200", "400", "406", "429", "500", "503"} <= set(operation["responses"])  # /req/oas30/exception-codes
        assert all("description" in _resolved(document, said) for said in operation["responses"].values())
        assert ("404" in operation["responses"]) == ("{" in path)


def test_who_is_to_come_again_later_is_told_when(document: Any) -> None:
    for _, operation, _ in _operations(document):
        for status in ("429", "503"):
            assert "Retry-After" in _resolved(document, operation["responses"][status])["headers"]


def _resolved(document: Any, said: dict[str, Any]) -> Any:
    return _found(document, said["$ref"]) if "$ref" in said else said


def test_parameters_are_written_as_the_standard_has_them(document: Any) -> None:
    for path, _, parameters in _operations(document):
        names = [parameter["name"] for parameter in parameters]
        assert len(names) == len(set(names))
        assert {p["name"] for p in parameters if p["in"] == "path"} == set(re.findall(r"{(\w+)}", path))
        for parameter in parameters:
            assert parameter["required"] == (parameter["in"] == "path")
            assert parameter["explode"] is False
            assert parameter["style"] == ("form" if parameter["in"] == "query" else "simple")
            assert "anyOf" not in parameter["schema"]
        if path.endswith("/items"):
            by_name = {parameter["name"]: parameter["schema"] for parameter in parameters}
            assert by_name["bbox"]["type"] == "array"  # /req/core/fc-bbox-definition
            assert by_name["bbox"]["items"] == {"type": "number"}
            sizes = [(one["minItems"], one["maxItems"]) for one in by_name["bbox"]["oneOf"]]
            assert sizes == [(4, 4), (6, 6)]
            assert by_name["datetime"] == {"type": "string"}  # /req/core/fc-time-definition
            assert (by_name["limit"]["type"], by_name["limit"]["minimum"]) == ("integer", 1)
            assert by_name["crs"]["format"] == "uri"  # Part 2, /req/crs/fc-crs-definition
            assert by_name["filter-lang"]["default"] == "cql2-text"  # Part 3, /req/filter/filter-lang-param


def test_tile_operations_are_named_by_the_suffixes_of_the_standard(document: Any) -> None:
    """/req/oas30/operation-id of Tiles Part 1."""
    for path, operation, _ in _operations(document):
        name = operation["operationId"]
        whose = "dataset" if path.startswith("/tiles") else "collection"
        if path.endswith("/tiles"):
            assert name.endswith(f".{whose}.vector.getTileSetsList")
        if path.endswith("/tiles/{tileMatrixSetId}"):
            assert name.endswith(f".{whose}.vector.getTileSet")
        if path.endswith("{tileCol}"):
            assert name.endswith(f".{whose}.vector.getTile")


def test_every_address_of_the_document_is_served_and_every_link_is_in_it(ogc: Ogc, document: Any) -> None:
    real = {
        "{tileMatrixSetId}": "WebMercatorQuad", "{tileMatrix}": "0", "{tileRow}": "0", "{tileCol}": "0",
    }  # fmt: skip
    for path in document["paths"]:
        address = path if path != "/" else ""
        collection = path.split("/")[2] if path.startswith("/collections/") else ""
        for name, value in {**real, "{featureId}": _some_id(collection)}.items():
            address = address.replace(name, value)
        assert ogc.get(address).status_code == 200, path
    known = [re.compile(re.sub(r"\\{\w+\\}", "[^/]+", re.escape(path))) for path in document["paths"]]
    followed = _follow(ogc)
    assert len(followed) > 100
    for address in followed:
        path = httpx.URL(address).path.removeprefix("/ogc") or "/"
        assert any(one.fullmatch(path) for one in known), address


def _follow(ogc: Ogc) -> set[str]:
    """Every address of the service that the links from the landing page lead to; each has the type that was said."""
    seen: set[str] = set()
    waiting = [{"href": ogc.url, "type": "application/json"}]
    while waiting:
        one = waiting.pop()
        address = re.sub(r"{\w+}", "0", one["href"])
        if address in seen or not address.startswith(ogc.url):
            continue
        seen.add(address)
        answer = ogc.client.get(address)
        assert answer.status_code == 200, address
        assert answer.headers["content-type"].startswith(one["type"]), address
        if "json" in one["type"]:
            waiting += [part for part in _walk(answer.json()) if isinstance(part.get("href"), str)]
    return seen


def _some_id(collection: str) -> str:
    titles = {
        "projects": "Bus stop", "ideas": "Benches", "offers": "I mend bicycles", "places": "Place 01",
        "services": "Advice", "groups": "Singers", "events": "Seed swap",
    }  # fmt: skip
    return UID[titles[collection]] if collection in titles else {"wards": NORTH}.get(collection, "E09000001")


# Kept to -------------------------------------------------------------------------------------------------------------


def test_made_up_requests_are_answered_as_the_document_foretells(ogc: Ogc, document: Any) -> None:
    """Requests that fit the document and requests that do not, the same ones every time."""
    seen: Counter[int] = Counter()
    schema = schemathesis.openapi.from_dict(document)
    some = [
        "/collections/projects/items", "/collections/wards/items", "/collections/projects/items/{featureId}",
        "/collections/events/tiles/{tileMatrixSetId}/{tileMatrix}/{tileRow}/{tileCol}", "/collections/places", "/api",
    ]  # fmt: skip
    for path in some:
        for mode, count in ((GenerationMode.POSITIVE, 12), (GenerationMode.NEGATIVE, 12)):
            if path in ("/api", "/collections/places") and mode == GenerationMode.NEGATIVE:
                continue
            made_up = schema[path]["GET"].as_strategy(generation_mode=mode)

            @seed(SEED)
            @settings(
                max_examples=count, deadline=None, database=None, phases=[Phase.generate],
                suppress_health_check=list(HealthCheck),
            )  # fmt: skip
            @given(case=made_up)
            def trial(case: Any) -> None:
                asked = case.as_transport_kwargs(base_url=ogc.url)
                del asked["cookies"]
                try:
                    answer = ogc.client.request(**asked)
                except httpx.InvalidURL:  # longer than a client sends
                    return
                seen[answer.status_code] += 1
                case.validate_response(answer, checks=CHECKS)

            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                trial()
    assert seen[200] > 5
    assert seen[400] > 5
    assert not [status for status in seen if status >= 500], json.dumps(seen)


def test_no_address_however_odd_is_a_fault_of_ours(ogc: Ogc) -> None:
    odd = ["%00", "%ff", "%c3%28", "..%2f..", "a" * 4000, "%F0%9F%8C%B3", "'", "%22", "{x}", "%0d%0aX: y", "~", "1e400"]
    paths = (
        "/{}", "/collections/{}", "/collections/projects/items/{}", "/collections/wards/items/{}", "/tiles/{}",
        "/tiles/WebMercatorQuad/{}/0/0", "/collections/projects/items?bbox={}", "/collections?f={}",
        "/collections/projects/items?title={}", "/collections/projects/items?{}=1",
        "/collections/projects/items?cursor={}",
    )  # fmt: skip
    statuses: Counter[int] = Counter()
    for path in paths:
        for text in odd:
            answer: httpx.Response = ogc.client.get(ogc.url + path.replace("{}", text))
            statuses[answer.status_code] += 1
            assert answer.status_code in (200, 400, 404, 406, 414), (path, text, answer.text)
    assert statuses[400] > 20
    assert statuses[404] > 20
