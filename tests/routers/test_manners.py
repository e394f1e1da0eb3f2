"""What every address of the API has in common: problems, methods, bodies, parameters, headers."""

import base64
import json
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from pydantic import SecretStr

from app import errors, main
from app.settings import Settings
from tests.factories import Town, document

JSON = {"Content-Type": "application/json"}
A_UID = "6f1c2a4e-8c1b-4c55-9d0e-0d9d8e5c7a11"


def assert_problem(answer: httpx.Response, status: int, slug: str) -> dict[str, Any]:
    """The answer is this RFC 9457 problem, says something, and may not be kept."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["cache-control"] == "no-store"
    said: dict[str, Any] = answer.json()
    assert said["type"] == f"/problems/{slug}"
    assert said["status"] == status
    assert len(said["detail"]) > 10
    assert len(said["title"]) > 10
    assert said["instance"] == answer.request.url.path
    return said


# Addresses and methods -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "PATCH", "DELETE"])
async def test_an_unknown_address_of_the_api_is_a_problem_whatever_the_method(town: Town, method: str) -> None:
    for path in ("/api/v1/nothing", "/api", "/api/v1/", "/health/nothing", "/tiles/1/2", "/ogc/x", "/dev/mail"):
        assert_problem(await town["visitor"].request(method, path), 404, "not-found")


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("PUT", "/api/v1/assets", "GET, HEAD, POST"),
        ("DELETE", "/api/v1/assets", "GET, HEAD, POST"),
        ("POST", f"/api/v1/assets/{A_UID}", "DELETE, GET, HEAD, PATCH"),
        ("GET", f"/api/v1/assets/{A_UID}/appreciation", "DELETE, PUT"),
        ("GET", "/api/v1/sign-in", "POST"),
        ("HEAD", "/api/v1/sign-in", "POST"),
        ("GET", f"/api/v1/needs/{A_UID}/meet", "POST"),
        ("POST", "/health/live", "GET, HEAD"),
    ],
)
async def test_a_method_that_an_address_does_not_take_is_405_and_names_those_it_takes(
    town: Town, method: str, path: str, allowed: str
) -> None:
    answer = await town["visitor"].request(method, path)
    assert answer.headers["allow"] == allowed
    if method == "HEAD":
        assert (answer.status_code, answer.content) == (405, b"")
    else:
        assert_problem(answer, 405, "method-not-allowed")


@pytest.mark.parametrize("path", ["/api/v1/assets?limit=1", "/api/v1/kinds", "/health/live", "/api/v1/areas/E05000001"])
async def test_head_is_get_without_the_body(town: Town, path: str) -> None:
    got, headed = await town["visitor"].get(path), await town["visitor"].head(path)
    assert (got.status_code, headed.status_code) == (200, 200)
    assert headed.content == b"" != got.content
    assert headed.headers["content-length"] == str(len(got.content))
    assert headed.headers["content-type"] == got.headers["content-type"]


async def test_a_uid_that_is_none_is_422_and_one_of_nothing_404(town: Town) -> None:
    assert_problem(await town["visitor"].get("/api/v1/assets/12"), 422, "invalid")
    assert_problem(await town["visitor"].get(f"/api/v1/assets/{A_UID}"), 404, "not-found")


# Bodies --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "body", [b"{", b"", b'{"a":' * 100_000, b"\xff\xfe", b'{"type": "Feature"', b"{'type': 1}", b'{"a": 1}]']
)
async def test_a_body_that_is_no_json_is_refused(town: Town, body: bytes) -> None:
    answer = await town["owner"].post("/api/v1/assets", content=body, headers=JSON)
    if body:
        assert_problem(answer, 400, "bad-request")
    else:
        assert_problem(answer, 422, "invalid")


@pytest.mark.parametrize("body", [b"null", b"[]", b"1", b'"text"', b"{}", b"true"])
async def test_a_body_that_is_other_json_is_422(town: Town, body: bytes) -> None:
    assert_problem(await town["owner"].post("/api/v1/assets", content=body, headers=JSON), 422, "invalid")


@pytest.mark.parametrize("media", ["text/plain", "application/x-www-form-urlencoded", "application/xml", None])
async def test_a_body_of_another_media_type_is_415(town: Town, media: str | None) -> None:
    headers = {"Content-Type": media} if media else {}
    body = json.dumps(document()).encode()
    answer = await town["owner"].post("/api/v1/assets", content=body, headers=headers)
    assert_problem(answer, 415, "unsupported-media-type")


@pytest.mark.parametrize("media", ["application/json", "application/geo+json", "application/json; charset=utf-8"])
async def test_json_may_call_itself_by_its_several_names(town: Town, media: str) -> None:
    body = json.dumps(document()).encode()
    answer = await town["owner"].post("/api/v1/assets", content=body, headers={"Content-Type": media})
    assert answer.status_code == 201


@pytest.mark.parametrize("announced", [True, False])
async def test_a_body_may_have_two_million_bytes_and_not_one_more(town: Town, announced: bool) -> None:
    def sized(count: int) -> bytes:
        body = json.dumps(document())
        return (body[:-1] + " " * (count - len(body)) + "}").encode()

    async def in_pieces(body: bytes) -> AsyncIterator[bytes]:
        for start in range(0, len(body), 65_536):
            yield body[start : start + 65_536]

    async def post(count: int) -> httpx.Response:
        body = sized(count)
        content: Any = body if announced else in_pieces(body)
        return await town["owner"].post("/api/v1/assets", content=content, headers=JSON)

    assert (await post(2_000_000)).status_code == 201
    refused = await post(2_000_001)
    assert_problem(refused, 413, "too-large")
    assert refused.headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize(
    "body",
    [
        '{"\\ud800": 1}',
        '{"type": "Feature", "geometry": null, "properties": {"kind": "project", "title": "a\\ud800"}}',
        '{"type": "Feature", "geometry": null, "properties": {"kind": "project", "title": "a\\u0000b"}}',
        '{"type": "Feature", "geometry": null, "properties": {"kind": "pro\\ud800", "title": "ab"}}',
        '{"type": "Feature", "geometry": null, "properties": {"kind": "project", "title": "ab", "\\udfff": 1}}',
        '{"type": "Feature", "properties": {"kind": "project", "title": "ab", "details": {"\\u0000": 1}}}',
        '{"type": "Feature", "geometry": null, "properties": {"kind": "project", "title": "ab", "theme": "\\u0000"}}',
    ],
)
async def test_nul_and_lone_surrogates_are_refused_wherever_they_stand(town: Town, body: str) -> None:
    assert_problem(await town["owner"].post("/api/v1/assets", content=body, headers=JSON), 422, "invalid")


async def test_a_refusal_says_where_and_why_and_does_not_repeat_the_value(town: Town) -> None:
    answer = await town["owner"].post("/api/v1/assets", json=document(title="secret " * 30))
    said = assert_problem(answer, 422, "invalid")
    assert "160" in said["detail"]
    assert "character" in said["detail"]
    assert said["errors"][0]["loc"] == ["body", "properties", "project", "title"]
    assert "secret" not in answer.text


async def test_an_unknown_field_is_refused_and_named(town: Town) -> None:
    answer = await town["owner"].post("/api/v1/assets", json=document(titel="A typing mistake"))
    assert "titel" in assert_problem(answer, 422, "invalid")["detail"]


# Parameters ----------------------------------------------------------------------------------------------------------


async def test_an_unknown_parameter_is_refused_and_the_known_ones_are_named(town: Town) -> None:
    said = assert_problem(await town["visitor"].get("/api/v1/assets?kin=idea"), 422, "invalid")
    assert "'kin'" in said["detail"]
    assert "kind" in said["detail"]


@pytest.mark.parametrize("path", ["/api/v1/kinds", "/health/live", "/api/v1/themes", f"/api/v1/assets/{A_UID}"])
async def test_an_address_without_parameters_takes_none(town: Town, path: str) -> None:
    assert_problem(await town["visitor"].get(path + "?a=1"), 422, "invalid")


async def test_a_parameter_given_twice_is_refused_even_with_one_value(town: Town) -> None:
    assert (await town["visitor"].get("/api/v1/assets?kind=idea")).status_code == 200
    assert_problem(await town["visitor"].get("/api/v1/assets?kind=idea&kind=idea"), 422, "invalid")


def _cursor(value: Any) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")


@pytest.mark.parametrize(
    "cursor",
    [
        "x", "é", "%", "W10", "bnVsbA", "", _cursor({"a": 1}), _cursor(["new"]), _cursor(["new", "1"]),
        _cursor(["new", True]), _cursor(["new", 2**63]), _cursor(["new", 1, 2]), _cursor(["title", "a", 1]),
        _cursor([["new"], 1]), _cursor(["new", 1.5]), _cursor(["new", None]),
    ],
)  # fmt: skip
async def test_a_cursor_of_another_list_or_of_nobody_is_422(town: Town, cursor: str) -> None:
    answer = await town["visitor"].get("/api/v1/assets", params={"cursor": cursor})
    if cursor == "":
        assert answer.status_code == 200
    else:
        assert_problem(answer, 422, "invalid")


@pytest.mark.parametrize(
    ("sort", "values"),
    [
        ("title", ["\ud800", 1]), ("title", ["a\x00", 1]), ("title", [1, 1]), ("near", [10**400, 1]),
        ("near", ["1", 1]), ("near", [True, 1]), ("appreciated", [1]), ("appreciated", [2**31, -(2**64)]),
    ],
)  # fmt: skip
async def test_a_forged_cursor_is_422_in_every_sort(town: Town, sort: str, values: list[Any]) -> None:
    asked = {"cursor": _cursor([sort, *values]), "sort": sort, "near": "0,0"}
    assert_problem(await town["visitor"].get("/api/v1/assets", params=asked), 422, "invalid")


@pytest.mark.parametrize("key", ["ccm_", "ccm_x", "ccm_\x00_y", "ccm_é_y", "ccm_" + "a" * 5000, "nokey", ""])
async def test_an_authorization_that_is_no_key_of_ours_is_401(town: Town, key: str) -> None:
    headers = {b"Authorization": f"Bearer {key}".encode()}
    answer = await town["visitor"].get("/api/v1/assets", headers=headers)  # type: ignore[arg-type,unused-ignore]
    assert_problem(answer, 401, "not-signed-in")
    assert answer.headers["www-authenticate"] == "Bearer"


async def test_another_scheme_than_bearer_is_401(town: Town) -> None:
    answer = await town["visitor"].get("/api/v1/assets", headers={"Authorization": "Basic dXNlcjpwYXNz"})
    assert_problem(answer, 401, "not-signed-in")


# Headers -------------------------------------------------------------------------------------------------------------

WALLS = {
    "x-content-type-options": "nosniff",
    "referrer-policy": "strict-origin-when-cross-origin",
    "cross-origin-opener-policy": "same-origin",
    "permissions-policy": "geolocation=(self), camera=(), microphone=()",
}


@pytest.mark.parametrize(
    "path", ["/", "/assets/nothing", "/api/v1/assets", "/api/v1/nothing", "/docs", "/health/live", "/tiles/0/0/0.mvt"]
)
async def test_every_answer_carries_the_headers_that_keep_a_browser_safe(town: Town, path: str) -> None:
    answer = await town["visitor"].get(path)
    assert WALLS.items() <= dict(answer.headers).items()
    assert "strict-transport-security" not in answer.headers  # plain http on loopback
    if answer.headers.get("content-type", "").startswith("text/html"):
        policy = answer.headers["content-security-policy"]
        assert "default-src 'self'" in policy
        assert "frame-ancestors 'none'" in policy
        assert "unsafe-inline" not in policy


@pytest.mark.parametrize("path", ["/api/v1/assets", "/api/v1/kinds", "/api/v1/nothing", "/tiles/0/0/0.mvt"])
async def test_public_reads_answer_any_origin_and_never_with_credentials(town: Town, path: str) -> None:
    answer = await town["visitor"].get(path, headers={"Origin": "https://elsewhere.example"})
    assert answer.headers["access-control-allow-origin"] == "*"
    assert "access-control-allow-credentials" not in answer.headers
    assert "ETag" in answer.headers["access-control-expose-headers"]


async def test_a_preflight_allows_a_write_with_a_key(town: Town) -> None:
    asked = {
        "Origin": "https://elsewhere.example",
        "Access-Control-Request-Method": "PATCH",
        "Access-Control-Request-Headers": "authorization, content-type, if-match, idempotency-key",
    }
    answer = await town["visitor"].options(f"/api/v1/assets/{A_UID}", headers=asked)
    assert answer.status_code == 200
    assert answer.headers["access-control-allow-origin"] == "*"
    assert "PATCH" in answer.headers["access-control-allow-methods"]
    for name in ("authorization", "content-type", "if-match", "idempotency-key"):
        assert name in answer.headers["access-control-allow-headers"].lower()


async def test_https_asks_the_browser_to_stay_on_it(tmp_path: Any) -> None:
    settings = Settings(
        data=tmp_path, database_url="postgresql:///none", database_read_url="postgresql:///none",
        base_url="https://map.example.org", secret=SecretStr("only for tests"),
    )  # fmt: skip
    transport = httpx.ASGITransport(app=main.create_app(settings))
    async with httpx.AsyncClient(transport=transport, base_url="https://map.example.org") as visitor:
        answer = await visitor.get("/health/live")
    assert answer.headers["strict-transport-security"] == "max-age=31536000"


async def test_no_answer_that_may_be_kept_sets_a_cookie(town: Town) -> None:
    paths = ["/", "/api/v1/assets", "/api/v1/kinds", "/api/v1/areas.geojson", "/tiles/0/0/0.mvt", "/style.json"]
    for who in ("visitor", "owner"):
        for path in paths:
            answer = await town[who].get(path)
            assert answer.status_code in (200, 204), path
            assert "set-cookie" not in answer.headers


async def test_an_answer_about_a_person_is_never_kept(town: Town) -> None:
    for path in ("/api/v1/me", "/api/v1/me/keys"):
        answer = await town["owner"].get(path)
        assert (answer.status_code, answer.headers["cache-control"]) == (200, "no-store")
    listed = await town["owner"].get("/api/v1/assets")
    assert listed.headers["cache-control"] == "no-cache"
    assert {"Authorization", "Cookie"} <= set(listed.headers["vary"].split(", "))


# Faults --------------------------------------------------------------------------------------------------------------


async def test_a_fault_of_ours_is_a_500_that_says_nothing_of_its_cause(
    app: FastAPI, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def breaks(*args: Any, **given: Any) -> None:
        raise KeyError("a secret of the house")

    monkeypatch.setattr("app.search.page", breaks)
    transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost:8000") as visitor:
        answer = await visitor.get("/api/v1/assets")
    assert_problem(answer, 500, "internal-error")
    assert "secret" not in answer.text
    assert "a secret of the house" in caplog.text


async def test_a_database_that_is_away_is_503_and_says_when_to_come_back(tmp_path: Any) -> None:
    settings = Settings(
        data=tmp_path, database_url="postgresql://nobody@127.0.0.1:1/none", secret=SecretStr("only for tests"),
        database_read_url="postgresql://nobody@127.0.0.1:1/none",
    )  # fmt: skip
    transport = httpx.ASGITransport(app=main.create_app(settings))
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost:8000") as visitor:
        assert (await visitor.get("/health/live")).status_code == 200
        for path in ("/health/ready", "/api/v1/assets"):
            answer = await visitor.get(path)
            assert_problem(answer, 503, "database-away")
            assert int(answer.headers["retry-after"]) >= 1


async def test_every_type_of_problem_is_explained_at_its_address(town: Town) -> None:
    slugs = {kind.slug for kind in errors.kinds()}
    assert len(slugs) >= 24
    for slug in sorted(slugs):
        answer = await town["visitor"].get(f"/problems/{slug}")
        assert answer.status_code == 200, slug
    assert_problem(await town["visitor"].get("/problems/nonsense"), 404, "not-found")
