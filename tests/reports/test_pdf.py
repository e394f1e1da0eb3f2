"""The printed report: tagged for everybody (PDF/UA-1), no longer than it may be, and text is text whatever it says."""

import itertools
import re
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pikepdf
import pytest
import typst

from app.errors import Invalid
from app.reports import figures, pdf, printed, typeset
from app.reports.matter import Matter
from tests.reports import matters
from tests.reports.matters import HOSTILE
from tests.reports.reading import printed_text

ROOT = Path(__file__).parents[2]
LONG = "A very long title that goes on and on until nobody reads any of it and then it goes on " * 2


def _open(tmp_path: Path, matter: Matter, write: Any = pdf.write) -> pikepdf.Pdf:
    path = tmp_path / "report.pdf"
    write(matter, path)
    return pikepdf.open(path)


def _elements(node: Any) -> Iterator[Any]:
    """Every element of the structure tree, in reading order."""
    kids = node.get("/K", [])
    for kid in kids if isinstance(kids, pikepdf.Array) else [kids]:
        if isinstance(kid, pikepdf.Dictionary) and "/S" in kid:
            yield kid
            yield from _elements(kid)


def _full() -> Matter:
    assets = [matters.asset(n, f"Garden {n}") for n in range(40)]
    return matters.matter(assets, findings=matters.found(("Hands", "A shed"), ("W1",)))


@pytest.mark.parametrize("write", [pdf.write, pdf.write_brief])
def test_the_pages_are_tagged_named_and_in_british_english(tmp_path: Path, write: Any) -> None:
    book = _open(tmp_path, _full(), write)
    assert str(book.Root.Lang) == "en-GB"
    assert bool(book.Root.MarkInfo.Marked)
    assert bool(book.Root.ViewerPreferences.DisplayDocTitle)
    with book.open_metadata() as metadata:
        assert metadata["pdfuaid:part"] == "1"
        assert metadata["dc:title"] == "Ward W1: what it has, needs and offers"
        assert metadata["dc:language"] in ("en-GB", ["en-GB"], {"en-GB"})
    assert all(page.get("/StructParents") is not None and page.Tabs == "/S" for page in book.pages)


def test_pictures_have_words_and_tables_have_headers(tmp_path: Path) -> None:
    book = _open(tmp_path, _full())
    tags = list(_elements(book.Root.StructTreeRoot))
    named = Counter(str(tag.S) for tag in tags)
    pictures = [tag for tag in tags if tag.S == "/Figure"]
    assert [str(tag.Alt) for tag in pictures] == ["Map of Ward W1 with its 40 assets, each at its place."]
    tables = [tag for tag in tags if tag.S == "/Table"]
    assert len(tables) > 10
    for table in tables:
        inside = [str(tag.S) for tag in _elements(table)]
        assert "/TH" in inside and "/TD" in inside and "/THead" in inside
        assert inside.index("/TH") < inside.index("/TD")
    levels = [int(name[2:]) for tag in tags if re.fullmatch(r"/H\d", name := str(tag.S))]
    assert levels[0] == 1 and named["/H1"] == 1
    assert all(after <= before + 1 for before, after in itertools.pairwise(levels)), "no level is left out"


@pytest.mark.parametrize("title", [LONG, "W" * 160, *HOSTILE[7:8]])
def test_a_ward_fits_in_four_pages(tmp_path: Path, title: str) -> None:
    assets = [matters.asset(n, title) for n in range(printed.MOST_ASSETS + 1)]
    found = matters.found((title,) * 9, ("W1",))
    assert len(_open(tmp_path, matters.matter(assets, findings=found, name=title[:120])).pages) <= 4


@pytest.mark.parametrize("title", ["Garden", LONG, "W" * 160])
def test_a_brief_is_one_page_for_each_area(tmp_path: Path, title: str) -> None:
    wards = ("W1", "W2", "W3")
    assets = [matters.asset(n, title, wards[n % 3]) for n in range(200)]
    matter = matters.matter(assets, wards, findings=matters.found((title,) * 9, wards), name=title[:120])
    assert len(_open(tmp_path, matter, pdf.write_brief).pages) == 3


def test_a_brief_is_of_some_areas_and_not_of_a_country(tmp_path: Path) -> None:
    wards = tuple(f"W{n}" for n in range(pdf.MOST_BRIEFS + 1))
    for some in ((), wards):
        with pytest.raises(Invalid, match=f"these are {len(some)}"):
            pdf.write_brief(matters.matter([], some), tmp_path / "brief.pdf")
    pdf.write_brief(matters.matter([], wards[1:]), tmp_path / "brief.pdf")


def test_at_most_a_hundred_assets_are_listed_and_the_rest_is_counted(tmp_path: Path) -> None:
    for count, listed, pointer in ((100, 100, False), (101, 100, True)):
        path = tmp_path / f"{count}.pdf"
        pdf.write(matters.matter([matters.asset(n, f"Garden no {n}.") for n in range(count)]), path)
        text = printed_text(path)
        assert len(re.findall(r"Garden no \d+\.", text)) == listed
        assert ("100 of 101 assets. The spreadsheet of this report lists them all." in text) == pointer


def test_several_wards_begin_with_a_summary_and_each_has_its_pages(tmp_path: Path) -> None:
    wards = tuple(f"W{n}" for n in range(4))
    path = tmp_path / "report.pdf"
    pdf.write(matters.matter([matters.asset(n, f"Garden {n}", f"W{n % 4}") for n in range(10)], wards), path)
    pages = printed_text(path).split("\f")
    assert pages[0].startswith("Assets by ward")
    assert re.search(r"W1\s+3\s", pages[0]) and re.search(r"All together\s+10\s", pages[0])
    opened = [next(n for n, page in enumerate(pages) if page.startswith(f"Ward {ward}")) for ward in wards]
    assert opened[0] >= 1 and opened == sorted(set(opened)), "each begins a page of its own"


def test_of_a_country_only_the_summary_is_printed(tmp_path: Path) -> None:
    wards = tuple(f"W{n}" for n in range(pdf.MOST_AREAS + 1))

    def never() -> Iterator[Any]:
        raise AssertionError("its assets are not read")

    matter = matters.matter([], wards)
    object.__setattr__(matter, "assets", never)
    text = _text(tmp_path, matter)
    assert f"W{pdf.MOST_AREAS}" in text and "The assets" not in text
    assert "The assets" in _text(tmp_path, matters.matter([], wards[1:]))


def test_the_table_of_a_country_ends_and_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    wards = tuple(f"W{n}" for n in range(40))
    for most, left in ((42, []), (41, ["1 rows more: the spreadsheet has them"])):
        monkeypatch.setattr(pdf, "MOST_COMPARED", most)
        text = _text(tmp_path, matters.matter([], wards))
        assert "All together" in text
        assert re.findall(r"\d+ rows more: the spreadsheet has them", text) == left


@pytest.mark.parametrize(
    ("counts", "each"),
    [([], 100), ([5000], 100), ([100] * 4, 100), ([105] * 4 + [21], 99), ([200] * 28, 15), ([16] * 25, 100),
     ([1000, *[10] * 20], 100), ([100_000] * 421, 1)],
)  # fmt: skip
def test_every_area_has_the_same_room_in_the_list(counts: list[int], each: int) -> None:
    assert pdf.room_for_each(counts) == each


def test_the_largest_print_stays_small_in_memory() -> None:
    """As many areas with pages of their own as there may be, each with as many assets as it may list."""
    script = (
        "from pathlib import Path; import sys\n"
        "from app.reports import pdf\n"
        "from tests.reports import matters\n"
        "def of(name): return int(Path('/proc/self/status').read_text().split(name)[1].split()[0]) // 1024\n"
        "wards = tuple(f'W{n}' for n in range(pdf.MOST_AREAS))\n"
        "assets = [matters.asset(n, f'Garden {n}', wards[n % len(wards)]) for n in range(100 * len(wards))]\n"
        "matter = matters.matter(assets, wards, findings=matters.found(('Hands', 'A shed'), wards))\n"
        "idle = of('VmRSS:')\n"
        "pdf.write(matter, Path(sys.argv[1]))\n"
        "print(of('VmHWM:') - idle)\n"
    )
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-c", script, f"{folder}/report.pdf"]
        done = subprocess.run(command, check=True, capture_output=True, text=True, cwd=ROOT, timeout=120)
    assert int(done.stdout) <= 200


def test_a_report_on_nothing_says_so(tmp_path: Path) -> None:
    nothing = {figure.name: 0 for figure in figures.public(figures.of_wards(period=True))}
    text = _text(tmp_path, matters.matter([], values=nothing))
    assert "Nothing yet" in text and "None yet." in text
    assert "Assets by ward" in _text(tmp_path, matters.matter([], ())), "without any boundaries too"


def test_titles_are_printed_as_they_were_written(tmp_path: Path) -> None:
    text = _text(tmp_path, matters.matter([matters.asset(n, title) for n, title in enumerate(HOSTILE)]))
    for plain in (
        '=HYPERLINK("http://evil.example","x")', "+1+cmd|' /C calc'!A0", "@SUM(1,2)", "1e5", "00123",
        "#set page(fill: red); #panic() $x^2$ @ref <label> *bold* `raw` // no comment",
        "</text><script>alert(1)</script> & \"quotes\" 'too'", "_x0041_ is no letter", "esrever in this",
        "שלום עולם", "A bell and a tab",
    ):  # fmt: skip
        assert plain in " ".join(text.split()), plain
    assert len(re.findall("W{9,}", text)) > 1, "a word that is too long is broken"


@pytest.mark.parametrize("known", [True, False])
def test_a_sign_that_no_font_has_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, known: bool) -> None:
    """Also where it is found out only when the whole is set."""
    fonts = typst.Fonts(include_system_fonts=False)
    monkeypatch.setattr(typeset, "_fonts", lambda: fonts)
    if not known:
        monkeypatch.setattr(typeset, "_missing", lambda signs: frozenset())
    text = _text(tmp_path, matters.matter([matters.asset(1, "Seed swap 🌱 中文"), matters.asset(2, "Café")]))
    assert "Seed swap [seedling] ��" in text
    assert "Café" in text


def _text(tmp_path: Path, matter: Matter) -> str:
    path = tmp_path / "read.pdf"
    pdf.write(matter, path)
    return printed_text(path)


def test_what_the_lists_of_a_long_report_leave_out_is_counted_on_the_wards_page(tmp_path: Path) -> None:
    """The report lists so many gaps and no more; a ward beyond them has its own number."""
    wards = ("W1", "W2")
    findings = matters.found(("Hands",), ("W1",))
    nothing = {figure.name: 0 for figure in figures.public(figures.of_wards(period=True))}
    matter = matters.matter([], wards, findings=findings, values=nothing | {"gap_needs_without_offers": 9})
    _, first, second = (re.split(r"\fWard ", _text(tmp_path, matter)))[:3]
    assert re.search(r"Needs without an offer within reach.*Hands.*And 8 more", first, re.S)
    assert re.search(r"Needs without an offer within reach\s+9: the spreadsheet lists them", second)
    assert "Spaces that could be used" in first and "Spaces that could be used" not in second
    summary = _text(tmp_path, matter).partition("\fWard W1")[0]
    assert re.search(r"Hands +Ward W1 +People", summary), "the summary says where"
