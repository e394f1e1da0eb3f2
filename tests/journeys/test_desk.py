"""The officer desk, played in a real browser: bringing in, moderating, gaps, reports; and who sees what of it."""

import csv
import io
import re
from pathlib import Path

import httpx
import openpyxl
import pytest
from playwright.sync_api import Page, expect

from app import auth, db
from app.actions import accounts
from app.routers import report_files
from tests.journeys.conftest import WIDTHS, Live, OpenAs
from tests.journeys.test_access import faults

pytestmark = pytest.mark.browser

OFFICER, COUNCILLOR, RESIDENT = "officer@example.org", "winston@example.org", "ana@example.org"
#: Far from every ward of the samples.
SEA = (2.9, 54.6)


def _on_the_map(live: Live, words: str) -> list[str]:
    found = httpx.get(f"{live.url}/api/v1/assets", params={"q": f'"{words}"'}).json()["features"]
    return sorted(feature["properties"]["title"] for feature in found)


def _ways(page: Page) -> list[str]:
    ways = page.get_by_role("navigation", name="The desk").get_by_role("link")
    expect(ways.first).to_be_visible()
    return [re.sub(r"\d.*", "", text, flags=re.S).strip() for text in ways.all_inner_texts()]


def _account(page: Page) -> dict[str, int]:
    said = page.locator(".account > div").all()
    return {part.locator("dt").inner_text().strip(): int(part.locator("dd").inner_text()) for part in said}


def _table(page: Page, name: str) -> list[list[str]]:
    rows = page.get_by_role("table", name=name, exact=True).locator("tbody tr").all()
    return [row.locator("th, td").all_inner_texts() for row in rows]


# ── figures ─────────────────────────────────────────────────────────────────────────────────


def test_the_table_the_bars_and_the_files_say_the_same_figures(live: Live, open_as: OpenAs, tmp_path: Path) -> None:
    visitor = open_as(path="/desk?figure=open_needs&area=all")
    expect(visitor.get_by_role("heading", name="What each ward has")).to_be_visible()
    report = httpx.get(f"{live.url}/api/v1/reports/wards").json()
    wards = {row["ward_name"]: row["open_needs"] for row in report["rows"] if row["ward_code"]}
    rows = visitor.get_by_role("table", name="Needs by ward").locator("tbody").first.locator("tr")
    expect(rows).to_have_count(len(wards))
    shown = {row.locator("th").inner_text(): row.locator("td[data-shown]").inner_text() for row in rows.all()}
    assert {name: int(figure) for name, figure in shown.items()} == wards
    assert sum(wards.values()) > 10
    bars = visitor.locator(".desk__pictures .chart__bars")
    most = sorted((figure for figure in wards.values() if figure), reverse=True)[:10]
    assert [int(one) for one in bars.locator(".chart__value").all_text_contents()] == most
    expect(visitor.locator("#legend")).to_contain_text("Open needs")

    visitor.get_by_role("link", name="Reports").click()
    visitor.get_by_label("As", exact=True).select_option(label="CSV table")
    with visitor.expect_download() as begun:
        visitor.get_by_role("button", name="Make the report").click()
    begun.value.save_as(tmp_path / "wards.csv")
    expect(visitor.get_by_text("is ready: your browser has it")).to_be_visible()
    expect(visitor.get_by_label("As", exact=True).locator("option:checked")).to_have_text("CSV table")
    table = list(csv.DictReader(io.StringIO((tmp_path / "wards.csv").read_text("utf-8-sig"))))
    assert {row["ward_name"]: int(row["open_needs"]) for row in table if row["ward_code"]} == wards


def test_a_period_is_compared_with_the_one_before(live: Live, open_as: OpenAs) -> None:
    officer = open_as(OFFICER, path="/desk")
    officer.get_by_label("Compare with the time before").select_option(label="The last 90 days")
    expect(officer.get_by_text("than in the period before")).to_be_visible()
    since = re.search(r"since=([\d-]+)", officer.url)
    assert since, "the address says what is compared"
    codes = ",".join(
        area["code"] for area in httpx.get(f"{live.url}/api/v1/areas", params={"level": "borough"}).json()["items"]
    )
    asked = {"since": since[1], "area": codes}
    report = httpx.get(f"{live.url}/api/v1/reports/wards", params=asked).json()
    now, old = (part["totals"]["total_assets"] for part in (report, report["before"]))
    assert now > old, "the samples grew"
    first = officer.locator(".headlines > div").first
    expect(first.locator("dd")).to_contain_text(f"+{now - old}")
    expect(first.locator("dd")).to_contain_text("more than before")


def test_the_figures_print_as_whole_tables_with_a_drawn_map_and_no_frame(open_as: OpenAs) -> None:
    visitor = open_as(path="/desk?area=all")
    expect(visitor.locator(".desk__plan .plan path").first).to_be_attached()
    visitor.emulate_media(media="print")
    for gone in (".bar", ".desk__nav", ".desk__tools", "#map-box", ".map"):
        expect(visitor.locator(gone).first).to_be_hidden()
    expect(visitor.locator(".plan")).to_be_visible()
    shaded = visitor.locator(".plan path[data-shade]:not([data-shade=outside])")
    assert shaded.count() >= visitor.locator(".desk tbody").first.locator("tr").count() > 10
    box = visitor.locator(".desk .table-box").first
    assert box.evaluate("one => getComputedStyle(one).overflowX") == "visible"


def test_a_large_report_is_made_in_the_background_and_fetched_by_whoever_ordered_it(
    live: Live, open_as: OpenAs, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(report_files, "MOST_AT_ONCE", 10)
    officer = open_as(RESIDENT, path="/desk/reports?area=all", lenient=("413",))
    officer.get_by_label("As", exact=True).select_option(label="Excel workbook")
    officer.get_by_role("button", name="Make the report").click()
    expect(officer.get_by_text("It is large, so it is made in the background.")).to_be_visible()
    job = officer.locator(".job")
    expect(job).to_contain_text("Ready")
    expect(job).to_contain_text("It is kept until")
    assert faults(officer) == []
    with officer.expect_download() as begun:
        job.get_by_role("link", name="Download").click()
    begun.value.save_as(tmp_path / "wards.xlsx")
    book = openpyxl.load_workbook(tmp_path / "wards.xlsx", read_only=True)
    assert len(book.sheetnames) >= 4
    job.get_by_role("button", name="Throw away").click()
    expect(officer.locator(".job")).to_have_count(0)


# ── gaps ────────────────────────────────────────────────────────────────────────────────────


def test_a_visitor_reads_the_gaps_and_goes_to_what_is_asked_for(live: Live, open_as: OpenAs) -> None:
    found = httpx.get(f"{live.url}/api/v1/reports/wards").json()["findings"]
    assert found["needs_without_offers"], "the samples have needs that no offer meets"
    visitor = open_as(path="/desk/gaps")
    expect(visitor.get_by_role("heading", name="Needs that no offer meets")).to_contain_text(
        str(len(found["needs_without_offers"]))
    )
    shown = _table(visitor, "Needs that no offer meets")
    assert [row[:2] for row in shown] == [
        [need["title"], need["asset_title"]] for need in found["needs_without_offers"]
    ]
    first = found["needs_without_offers"][0]
    visitor.get_by_role("table", name="Needs that no offer meets").get_by_role(
        "link", name=first["title"]
    ).first.click()
    expect(visitor.get_by_role("heading", name=first["asset_title"], level=1)).to_be_visible()


# ── who sees what ───────────────────────────────────────────────────────────────────────────

SECTIONS = (
    "/desk?figure=pledges_pledged",
    *(f"/desk/{name}" for name in ("gaps", "flags", "import", "reports", "areas")),
)
PUBLIC = ["Figures", "Needs and gaps", "Reports", "Areas"]


def test_a_visitor_sees_the_public_parts_and_an_officer_all(open_as: OpenAs) -> None:
    visitor = open_as(path="/desk/flags")
    assert _ways(visitor) == PUBLIC
    expect(visitor.get_by_text("for the officers who look after this map")).to_be_visible()
    officer = open_as(OFFICER, path="/desk/areas")
    assert _ways(officer) == ["Figures", "Needs and gaps", "Flags", "Bring in", "Reports", "Areas"]
    here = officer.get_by_role("navigation", name="The desk").locator("[aria-current=page]")
    expect(here).to_have_text("Areas")
    expect(officer.get_by_role("table", name="Sets of boundaries").locator("tbody tr").first).to_be_visible()


def test_a_councillor_reads_their_own_area_and_moderates_nothing(live: Live, open_as: OpenAs) -> None:
    ward = next(
        row
        for row in httpx.get(f"{live.url}/api/v1/reports/wards").json()["rows"]
        if row["total_assets"] and row["ward_code"]
    )

    async def appoint(engines: db.Engines) -> None:
        async with engines.transaction() as session:
            await accounts.create_person(
                session, auth.Actor.system("a story"), email=COUNCILLOR, name="Winston", role="councillor",
                areas=[ward["ward_code"]],
            )  # fmt: skip

    live.write(appoint)
    councillor = open_as(COUNCILLOR, path="/desk")
    expect(councillor.get_by_label("Which area?").locator("option:checked")).to_have_text(ward["ward_name"])
    wards = councillor.get_by_role("table", name="Assets by ward").locator("tbody").first.locator("th")
    expect(wards).to_have_text([ward["ward_name"]])
    assert _ways(councillor) == PUBLIC
    for path in ("/desk/flags", "/desk/import"):
        councillor.goto(live.url + path)
        expect(councillor.get_by_text("for the officers who look after this map")).to_be_visible()


# ── flags ───────────────────────────────────────────────────────────────────────────────────


def _flag(open_as: OpenAs, path: str, words: str) -> None:
    resident = open_as(RESIDENT, path=path)
    resident.get_by_role("button", name="Something is wrong with this", exact=True).click()
    dialog = resident.get_by_role("dialog")
    dialog.get_by_label("Anything more to say?").fill(words)
    dialog.get_by_role("button", name="Tell a moderator").click()
    expect(resident.get_by_text("Thank you. A moderator will look")).to_be_visible()


def _judge(officer: Page, words: str, verb: str, reason: str) -> None:
    officer.locator(".case", has_text=words).get_by_role("button", name=verb).click()
    officer.get_by_role("dialog").get_by_label("Reason").fill(reason)
    officer.get_by_role("dialog").get_by_role("button", name=verb).click()
    expect(officer.get_by_role("dialog")).to_have_count(0)


def test_an_officer_dismisses_one_flag_upholds_another_and_puts_it_back(live: Live, open_as: OpenAs) -> None:
    listed = httpx.get(f"{live.url}/api/v1/assets", params={"kind": "project", "sort": "title"}).json()["features"]
    good, bad = listed[0], listed[1]
    _flag(open_as, f"/assets/{good['id']}", "I do not like the colour.")
    _flag(open_as, f"/assets/{bad['id']}", "They moved away in spring.")
    officer = open_as(OFFICER, path="/desk/flags")
    expect(officer.locator(".case", has_text="I do not like the colour.")).to_contain_text(good["properties"]["title"])
    assert faults(officer) == []
    _judge(officer, "I do not like the colour.", "Nothing is wrong", "A matter of taste.")
    expect(officer.locator(".case", has_text="I do not like the colour.")).to_have_count(0)
    _judge(officer, "They moved away in spring.", "It is wrong: hide it", "They have moved.")
    off = officer.locator(".case", has=officer.get_by_role("button", name="Put back on the map"))
    expect(off.filter(has_text=bad["properties"]["title"])).to_contain_text("They have moved.")
    shown = [httpx.get(f"{live.url}/api/v1/assets/{one['id']}").status_code for one in (good, bad)]
    assert shown == [200, 404]
    _judge(officer, bad["properties"]["title"], "Put back on the map", "They came back.")
    expect(off.filter(has_text=bad["properties"]["title"])).to_have_count(0)
    assert httpx.get(f"{live.url}/api/v1/assets/{bad['id']}").status_code == 200
    officer.get_by_role("button", name="Dismissed").click()
    expect(officer.locator(".case", has_text="I do not like the colour.")).to_be_visible()


# ── bringing in ─────────────────────────────────────────────────────────────────────────────


def test_an_officer_previews_a_file_corrects_it_brings_it_in_places_a_row_and_undoes_it(
    live: Live, open_as: OpenAs, tmp_path: Path
) -> None:
    wards = httpx.get(f"{live.url}/api/v1/areas", params={"level": "ward"}).json()["items"]
    (west, south), (lon, lat) = wards[0]["centre"], wards[1]["centre"]
    lines = [
        "Name,Remarks,Longitude,Latitude",
        f"Quillbench one,Rests two,{west},{south}",
        f"Quillbench two,<b>Rests</b> one,{lon},{lat}",
        "Quillbench three,Nobody knows where,,",
        f"Quillbench four,Out at sea,{SEA[0]},{SEA[1]}",
    ]
    (tmp_path / "benches.csv").write_text("\n".join(lines), encoding="utf-8")
    officer = open_as(OFFICER, path="/desk/import")
    officer.get_by_label("File", exact=True).set_input_files(tmp_path / "benches.csv")
    officer.get_by_label("What are these?").select_option(label="Places")
    officer.get_by_label("Which list is it?").fill("Quillbenches")
    officer.get_by_role("button", name="Check the file").click()
    expect(officer.get_by_role("heading", name="benches.csv")).to_be_visible()
    expect(officer.get_by_text("Nothing is written yet.")).to_be_visible()
    said = _account(officer)
    assert (said["New"], said["Without a place"], said["Left out"]) == (2, 1, 1)
    expect(officer.locator("#legend")).to_contain_text("New (2)")
    assert faults(officer) == []
    assert _on_the_map(live, "quillbench") == []

    officer.get_by_text("Something is not right: correct it").click()
    officer.get_by_label("What the column Remarks means").select_option(label="In a sentence or two")
    expect(officer.get_by_role("button", name="Bring it in")).to_have_count(0)
    assert faults(officer) == []
    officer.get_by_role("button", name="Check again with this").click()
    officer.get_by_role("button", name="Bring it in").click()
    expect(officer.get_by_text("It is on the map.")).to_be_visible()
    assert _on_the_map(live, "quillbench") == ["Quillbench one", "Quillbench two"]
    features = httpx.get(f"{live.url}/api/v1/assets", params={"q": "quillbench"}).json()["features"]
    assert sorted(one["properties"]["summary"] for one in features) == ["<b>Rests</b> one", "Rests two"]

    officer.get_by_role("button", name="Without a place 1").click()
    officer.get_by_role("button", name="Give it a place").click()
    box = officer.locator("#map-box").bounding_box()
    assert box
    officer.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    officer.get_by_role("button", name="Put it there").click()
    expect(officer.get_by_text("It is on the map", exact=True)).to_be_visible()
    assert _on_the_map(live, "quillbench") == ["Quillbench one", "Quillbench three", "Quillbench two"]

    officer.get_by_role("button", name="Undo all of it").click()
    officer.get_by_role("dialog").get_by_role("button", name="Undo all of it").click()
    expect(officer.get_by_text("What it brought is gone again.")).to_be_visible()
    assert not {"Quillbench one", "Quillbench two"} & set(_on_the_map(live, "quillbench"))


def test_what_is_no_table_is_refused_in_words_and_changes_nothing(open_as: OpenAs, tmp_path: Path) -> None:
    (tmp_path / "empty.csv").write_bytes(b"")
    (tmp_path / "noise.csv").write_bytes(bytes(range(256)) * 40)
    officer = open_as(OFFICER, path="/desk/import")
    chosen = officer.get_by_label("File", exact=True)
    chosen.set_input_files(tmp_path / "empty.csv")
    expect(officer.locator(".notice--bad")).to_contain_text("This file is empty. Nothing was brought in.")
    officer.get_by_role("button", name="Check the file").click()
    chosen.set_input_files(tmp_path / "noise.csv")
    officer.get_by_label("What are these?").select_option(label="Places")
    officer.get_by_role("button", name="Check the file").click()
    expect(officer.get_by_text("Nothing of it was kept on the map.")).to_be_visible()
    assert len(officer.locator(".notice--bad").inner_text()) > 20
    assert faults(officer) == []
    officer.get_by_role("button", name="Forget this file").click()
    expect(officer.get_by_role("heading", name="Bring in what is known")).to_be_visible()
    expect(officer.get_by_role("link", name="noise.csv")).to_have_count(0)


def test_an_officer_names_the_sheet_and_keeps_a_column_as_text(live: Live, open_as: OpenAs, tmp_path: Path) -> None:
    lon, lat = httpx.get(f"{live.url}/api/v1/areas", params={"level": "ward"}).json()["items"][0]["centre"]
    book = openpyxl.Workbook()
    for sheet in ("Last year", "This year"):
        page = book.create_sheet(sheet)
        page.append(["Name", "Summary", "Longitude", "Latitude"])
        page.append([f"Larkpost {sheet}", "Hung by pupils", lon, lat])
    del book["Sheet"]
    book.save(tmp_path / "larkposts.xlsx")
    officer = open_as(OFFICER, path="/desk/import")
    officer.get_by_label("File", exact=True).set_input_files(tmp_path / "larkposts.xlsx")
    officer.get_by_role("button", name="Check the file").click()
    kind = officer.get_by_label("What are these?")
    expect(kind).to_be_focused()  # nobody but the officer can know what a new list holds
    kind.select_option(label="Places")
    officer.get_by_role("button", name="Check the file").click()
    expect(officer.locator(".notice--bad")).to_contain_text("has tables on the sheets Last year, This year")
    officer.get_by_text("Something is not right: correct it").click()
    officer.get_by_label("Sheet or layer").fill("This year")
    officer.get_by_role("button", name="Check again with this").click()
    expect(officer.get_by_text("Also understood: summary from 'Summary'")).to_be_visible()
    officer.get_by_text("Something is not right: correct it").click()
    officer.get_by_label("What the column Summary means").select_option(label="Kept as text")
    officer.get_by_role("button", name="Check again with this").click()
    expect(officer.get_by_text("Kept as lines of the text: Summary")).to_be_visible()
    expect(officer.get_by_label("What the column Summary means").locator("option:checked")).to_have_text("Kept as text")
    assert faults(officer) == []
    assert _on_the_map(live, "larkpost") == []
    officer.get_by_role("button", name="Forget this file").click()
    expect(officer.get_by_role("heading", name="Bring in what is known")).to_be_visible()


# ── everybody can use it ────────────────────────────────────────────────────────────────────


def test_no_section_of_the_desk_has_a_fault_that_axe_knows(live: Live, open_as: OpenAs) -> None:
    officer = open_as(OFFICER)
    found = {}
    for across, down in WIDTHS.values():
        officer.set_viewport_size({"width": across, "height": down})
        for path in SECTIONS:
            officer.goto(live.url + path)
            found[path, across] = faults(officer)
            over = officer.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
            assert over == 0, f"{path} is wider than the screen of {across}"
    assert {path: said for path, said in found.items() if said} == {}


def test_the_sections_are_walked_with_the_keyboard_and_each_says_where_one_is(open_as: OpenAs) -> None:
    visitor = open_as(path="/desk?area=all")
    visitor.get_by_role("link", name="Needs and gaps").focus()
    visitor.keyboard.press("Enter")
    expect(visitor.get_by_role("heading", name="Needs and gaps", level=1)).to_be_focused()
    expect(visitor).to_have_title(re.compile("^Needs and gaps"))
    expect(visitor.get_by_role("link", name="Needs and gaps")).to_have_attribute("aria-current", "page")
