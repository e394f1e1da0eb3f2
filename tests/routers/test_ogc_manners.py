"""How /ogc talks: parameters and formats that it refuses, negotiation, tags, links as headers, faults as pages."""

import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest

from app import db
from app.geo import cql2
from tests.routers.ogc_world import UID, Ogc, refused

# Parameters ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "path",
    ["", "/", "/conformance", "/api", "/collections", "/collections/projects", "/collections/projects/items",
     f"/collections/projects/items/{UID['Bus stop']}", "/collections/projects/queryables",
     "/collections/projects/schema", "/collections/projects/feature-schema", "/tiles",
     "/tiles/WebMercatorQuad", "/tiles/WebMercatorQuad/0/0/0",
     "/collections/projects/tiles", "/collections/projects/tiles/WebMercatorQuad",
     "/collections/projects/tiles/WebMercatorQuad/0/0/0", "/tileMatrixSets", "/tileMatrixSets/WebMercatorQuad"],
)  # fmt: skip
def test_unknown_and_repeated_parameters_and_formats_are_refused_everywhere(ogc: Ogc, path: str) -> None:
    assert "no parameter 'colour'" in refused(ogc.get(path, colour="red"))
    assert "f takes" in refused(ogc.get(path, f="xml"))
    form = "mvt" if path.endswith("0/0/0") else "json"
    assert "more than once" in refused(ogc.client.get(f"{ogc.url}{path}?f={form}&f={form}"))
    assert ogc.get(path, f=form).status_code == 200


@pytest.mark.parametrize(
    "query",
    ["crs=EPSG:4326", "crs=", "bbox-crs=http://www.opengis.net/def/crs/EPSG/0/1", "filter-crs=x", "filter-lang=sql",
     "theme=nonsense", "appreciations=seven", "published_at=yesterday", "bbox=0,0,1,1&bbox=0,0,1,1", "theme=a%00b",
     "title=a%00", "sort=new", "offset=10", "count=exact"],
)  # fmt: skip
def test_values_that_cannot_be_are_refused(ogc: Ogc, query: str) -> None:
    refused(ogc.client.get(f"{ogc.url}/collections/projects/items?{query}"))


def test_a_faulty_request_is_told_to_people_in_a_page(ogc: Ogc) -> None:
    for answer in (
        ogc.get("/collections/projects/items", accept="text/html", limit="0"),
        ogc.get("/collections/projects/items", limit="0", f="html"),
    ):
        assert answer.status_code == 400
        assert answer.headers["content-type"] == "text/html; charset=utf-8"
        assert "limit is a whole number" in answer.text
    assert ogc.get("/nothing/at/all", accept="text/html").status_code == 404
    assert ogc.get("/collections/x", accept="text/html").status_code == 404


def test_faults_that_come_up_outside_of_a_route_are_pages_too(ogc: Ogc) -> None:
    for asked in ({"f": "html"}, None):
        answer = ogc.client.post(f"{ogc.url}/collections", params=asked, headers={"Accept": "text/html"})
        assert (answer.status_code, answer.headers["allow"]) == (405, "GET, HEAD")
        assert answer.headers["content-type"] == "text/html; charset=utf-8"
        assert "HTTP status 405" in answer.text
    assert refused(ogc.client.post(f"{ogc.url}/collections"), 405)


def test_costly_questions_end_soon_and_nobody_else_waits_for_them(ogc: Ogc) -> None:
    asked = f"{ogc.url}/collections/wards/items"
    began = time.monotonic()
    with ogc.locked(), ThreadPoolExecutor(4) as pool:  # what is locked is slow
        pages = pool.submit(httpx.get, asked, headers={"Accept": "text/html"}, timeout=20)
        slow = [pool.submit(httpx.get, asked, params={"filter": "illustrative"}, timeout=20) for _ in range(3)]
        time.sleep(0.5)
        found = ogc.client.get(f"{ogc.url.removesuffix('/ogc')}/api/v1/assets", timeout=2)
        answers = [one.result() for one in slow]
    assert found.status_code == 200
    assert time.monotonic() - began < db.VISIT_S + 3
    for answer in answers:
        assert "too costly" in refused(answer, 503)
        assert int(answer.headers["retry-after"]) > 0
    assert (pages.result().status_code, "too costly" in pages.result().text) == (503, True)
    assert ogc.get("/collections/wards/items").status_code == 200


def test_nothing_is_written_here(ogc: Ogc) -> None:
    for method in ("POST", "PUT", "PATCH", "DELETE"):
        answer = ogc.client.request(method, f"{ogc.url}/collections/projects/items")
        assert answer.status_code == 405
        assert answer.headers["allow"] == "GET, HEAD"


def test_the_limits_of_a_filter_in_the_guide_are_those_of_the_service() -> None:
    guide = Path(__file__).parents[2].joinpath("docs", "ogc.md").read_text(encoding="utf-8")
    said = f"at most {cql2.MAX_LENGTH:,} characters, {cql2.MAX_NODES} parts and a depth of {cql2.MAX_DEPTH}"
    assert said in guide


# HTTP ----------------------------------------------------------------------------------------------------------------


def test_an_answer_that_has_not_changed_is_not_sent_again_though_its_time_stamp_differs(ogc: Ogc) -> None:
    for path in (
        "",
        "/collections",
        "/collections/projects/items?limit=2",
        f"/collections/projects/items/{UID['Meadow']}",
    ):
        first = ogc.client.get(f"{ogc.url}{path}")
        again = ogc.client.get(f"{ogc.url}{path}", headers={"If-None-Match": f'"x", {first.headers["etag"]}'})
        assert (first.status_code, again.status_code, again.content) == (200, 304, b"")
        assert again.headers["etag"] == first.headers["etag"]
        other = ogc.client.get(f"{ogc.url}{path}", headers={"If-None-Match": '"other"'})
        assert other.status_code == 200


def test_head_is_get_without_a_body(ogc: Ogc) -> None:
    answer = ogc.client.head(f"{ogc.url}/collections/projects/items")
    assert (answer.status_code, answer.content) == (200, b"")
    assert answer.headers["content-type"] == "application/geo+json"


def test_any_page_may_read_it(ogc: Ogc) -> None:
    answer = ogc.client.get(f"{ogc.url}/collections", headers={"Origin": "https://elsewhere.example"})
    assert answer.headers["access-control-allow-origin"] == "*"
    assert "Content-Crs" in answer.headers["access-control-expose-headers"]


def test_links_are_headers_too(ogc: Ogc) -> None:
    answer = ogc.get("/collections/places/items", limit=3)
    said = answer.links
    assert said["next"]["url"] == next(link["href"] for link in answer.json()["links"] if link["rel"] == "next")
    assert said["next"]["type"] == "application/geo+json"
    assert {"self", "alternate", "next", "collection"} <= set(said)


@pytest.mark.parametrize(
    ("accept", "kind"),
    [
        (None, "application/geo+json"),
        ("*/*", "application/geo+json"),
        ("application/geo+json", "application/geo+json"),
        ("application/json", "application/geo+json"),
        ("application/*", "application/geo+json"),
        ("text/html", "text/html; charset=utf-8"),
        ("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", "text/html; charset=utf-8"),
        ("text/html;q=0.5, application/geo+json;q=0.6", "application/geo+json"),
        ("application/geo+json;q=0, text/html;q=0.1", "text/html; charset=utf-8"),
        ("*/*;q=0.1, application/geo+json;q=0", "text/html; charset=utf-8"),
        ("nonsense", "application/geo+json"),
    ],
)
def test_accept_decides_on_the_format(ogc: Ogc, accept: str | None, kind: str) -> None:
    answer = ogc.get("/collections/ideas/items", accept=accept)
    assert answer.headers["content-type"] == kind
    assert "Accept" in answer.headers["vary"]


def test_a_link_to_this_document_leads_to_its_format_however_that_was_agreed_on(ogc: Ogc) -> None:
    answer = ogc.get("/collections/places/items", accept="text/html", limit=3)
    for rel in ("self", "next"):
        assert answer.links[rel]["type"] == "text/html"
        assert ogc.client.get(answer.links[rel]["url"]).headers["content-type"].startswith("text/html")
    assert "f=" not in ogc.get("/collections/places/items", limit=3).links["self"]["url"]


def test_f_is_stronger_than_accept(ogc: Ogc) -> None:
    assert ogc.get("/collections", accept="text/html", f="json").headers["content-type"] == "application/json"
    assert ogc.get("/collections", accept="image/png", f="html").headers["content-type"].startswith("text/html")


def test_a_format_that_there_is_not_is_not_acceptable(ogc: Ogc) -> None:
    for path in (
        "",
        "/collections",
        "/collections/projects/items",
        "/collections/projects/tiles/WebMercatorQuad/0/0/0",
    ):
        refused(ogc.get(path, accept="image/png"), 406)


def test_links_lead_to_the_address_that_the_request_came_to(ogc: Ogc) -> None:
    for link in ogc.json()["links"]:
        if link["rel"] != "license":
            assert link["href"].startswith(ogc.url)
            assert ogc.client.get(link["href"]).status_code == 200
