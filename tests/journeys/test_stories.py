"""What people come for, played in a real browser."""

import json
import re

import httpx
import pytest
from playwright.sync_api import Page, expect

from tests.journeys.conftest import Live, OpenAs

pytestmark = pytest.mark.browser


def _press_map(page: Page, across: float = 0.5, down: float = 0.5) -> None:
    box = page.locator("#map-box").bounding_box()
    assert box
    page.mouse.click(box["x"] + box["width"] * across, box["y"] + box["height"] * down)


def _asset(live: Live, words: str) -> str:
    found = httpx.get(f"{live.url}/api/v1/assets", params={"q": words}).json()["features"]
    assert len(found) == 1, [f["properties"]["title"] for f in found]
    return str(found[0]["id"])


def test_a_resident_pins_a_project_and_another_resident_finds_and_appreciates_it(live: Live, open_as: OpenAs) -> None:
    ana = open_as("ana@example.org", path="/new")
    ana.get_by_role("link", name=re.compile("Share a project")).click()
    ana.get_by_label("What is it called?").fill("Bulbs for the roundabout")
    ana.get_by_label("In a sentence or two").fill("Two hundred crocuses and a Saturday.")
    _press_map(ana)
    expect(ana.get_by_text(re.compile("^Pinned in "))).to_be_visible()
    ana.get_by_role("button", name="Put it on the map").click()
    expect(ana.get_by_role("heading", name="Bulbs for the roundabout")).to_be_visible()

    ben = open_as("winston@example.org")
    ben.get_by_label("Search by words").fill("crocus")
    ben.get_by_role("link", name="Bulbs for the roundabout").click()
    ben.get_by_role("button", name=re.compile("Say thank you")).click()
    expect(ben.get_by_role("button", name=re.compile("You said thank you"))).to_be_visible()
    ben.reload()
    expect(ben.get_by_role("button", name=re.compile("You said thank you"))).to_be_visible()
    shown = httpx.get(f"{live.url}/api/v1/assets/{_asset(live, 'crocus')}").json()["properties"]
    assert shown["appreciations"] == 1
    assert shown["ward"]


def test_a_proposal_is_made_and_accepted_and_a_pledge_to_it_confirmed(live: Live, open_as: OpenAs) -> None:
    organiser = open_as("organiser@example.org", path="/new/project")
    organiser.get_by_label("What is it called?").fill("Paint the youth club")
    organiser.get_by_text("Nowhere in particular", exact=True).click()
    organiser.get_by_role("button", name="Put it on the map").click()
    expect(organiser.get_by_role("heading", name="Paint the youth club")).to_be_visible()
    path = f"/assets/{_asset(live, 'paint youth club')}"

    ana = open_as("ana@example.org", path=path)
    ana.get_by_role("button", name="I can help with this").first.click()
    ana.get_by_label("I could …").fill("Bring ladders and rollers")
    ana.get_by_label("For how many people?").fill("3")
    ana.get_by_role("button", name="Offer this").click()
    expect(ana.get_by_text("Bring ladders and rollers")).to_be_visible()

    organiser.reload()
    organiser.get_by_role("button", name="Yes, please").click()
    expect(organiser.get_by_text("Going ahead")).to_be_visible()

    winston = open_as("winston@example.org", path=path)
    winston.get_by_role("button", name="Count me in").click()
    winston.get_by_label("How many hours could you give?").fill("4")
    winston.get_by_role("button", name="Count me in").last.click()
    expect(winston.get_by_text("Waiting to be confirmed")).to_be_visible()

    organiser.reload()
    organiser.get_by_role("button", name="Confirm", exact=True).click()
    expect(organiser.get_by_text("Confirmed", exact=True).first).to_be_visible()
    winston.reload()
    expect(winston.get_by_text("Confirmed", exact=True)).to_be_visible()


def test_an_officer_hides_an_asset_and_visitors_lose_sight_of_it(live: Live, open_as: OpenAs) -> None:
    visitor = open_as(width="narrow", path="/?kind=group")
    title = visitor.locator(".row__title").first.inner_text()
    path = str(visitor.locator(".row__title").first.get_attribute("href"))
    officer = open_as("officer@example.org", path=path)
    officer.get_by_role("button", name="Hide from the map").click()
    officer.get_by_label("Reason").fill("The author asked for it by telephone.")
    officer.get_by_role("dialog").get_by_role("button", name="Hide from the map").click()
    expect(officer.get_by_text("A moderator has hidden this")).to_be_visible()
    visitor.reload()
    expect(visitor.locator(".row__title").first).to_be_visible()
    expect(visitor.get_by_role("link", name=title)).to_have_count(0)


def test_an_offer_is_pinned_with_the_keyboard_alone_and_its_exact_place_is_never_sent(
    live: Live, open_as: OpenAs
) -> None:
    page = open_as("ana@example.org", path="/new/offer", width="narrow")
    sent: list[str] = []
    page.on("request", lambda request: sent.append(request.post_data or "") if request.method == "POST" else None)
    page.get_by_label("What is it called?").fill("I teach the zither")
    page.get_by_role("button", name="Choose on the map").press("Enter")
    page.locator("#map-box").focus()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    expect(page.get_by_role("status").filter(has_text="Roughly here")).to_be_visible()
    page.get_by_role("button", name="Put it on the map").press("Enter")
    expect(page.get_by_role("heading", name="I teach the zither")).to_be_visible()
    stored = httpx.get(f"{live.url}/api/v1/assets/{_asset(live, 'zither')}").json()
    document = json.loads(next(text for text in sent if "I teach the zither" in text))
    assert stored["geometry"]["coordinates"] == pytest.approx(document["geometry"]["coordinates"], abs=1e-5)


def test_a_visitor_who_presses_a_verb_signs_in_and_comes_back(live: Live, open_as: OpenAs) -> None:
    page = open_as()
    page.locator(".row__title").first.click()
    page.wait_for_url(re.compile("/assets/"))
    there = page.url
    page.get_by_role("button", name=re.compile("Say thank you")).click()
    page.wait_for_url(re.compile("/sign-in"))
    page.get_by_label("Your e-mail address").fill("new.neighbour@example.org")
    page.get_by_role("button", name="Send me the digits").click()
    page.get_by_label("The six digits").fill(live.code_for("new.neighbour@example.org", 0))
    page.get_by_role("button", name="Sign in").click()
    page.get_by_label("What shall we call you?").fill("Nia")
    page.get_by_role("button", name="Go on").click()
    page.wait_for_url(re.compile("/assets/"))
    assert page.url.split("?")[0] == there.split("?")[0]


def _pin(live: Live, page: Page, kind: str, title: str) -> str:
    """Publish one in the name of whoever is signed in here; the path of its page."""
    document = {"type": "Feature", "geometry": {"type": "Point", "coordinates": [-0.1145, 51.4575]},
                "properties": {"kind": kind, "title": title, "state": "published"}}  # fmt: skip
    answer = page.request.post(f"{live.url}/api/v1/assets", data=document, headers={"Origin": live.url})
    assert answer.status == 201, answer.text()
    return f"/assets/{answer.json()['id']}"


def test_the_other_side_of_a_tie_agrees_and_then_everybody_sees_it(live: Live, open_as: OpenAs) -> None:
    organiser = open_as("organiser@example.org")
    ana = open_as("ana@example.org", width="narrow")
    supper = _pin(live, organiser, "project", "Supper under the limes")
    limes = _pin(live, ana, "place", "The lime square")
    organiser.goto(live.url + supper)
    organiser.get_by_role("button", name="Tie to another").click()
    organiser.get_by_label("The other one").fill("The lime square")
    organiser.get_by_role("button", name="Ask", exact=True).click()
    expect(organiser.get_by_text("Waiting for the other side")).to_be_visible()
    visitor = open_as(path=supper)
    tied = visitor.get_by_role("region", name="Belongs with").get_by_role("link", name="The lime square")
    expect(visitor.get_by_role("heading", name="Discussion")).to_be_visible()
    expect(tied).to_have_count(0)

    ana.goto(live.url + limes)
    expect(ana.get_by_text("They ask you to agree")).to_be_visible()
    ana.get_by_role("button", name="Agree").click()
    expect(ana.get_by_text("They ask you to agree")).to_have_count(0)
    visitor.reload()
    expect(tied).to_be_visible()
