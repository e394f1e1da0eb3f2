"""Maps for print: the page's own shapes, every asset on them, and a scale that is right."""

import math
import re
from pathlib import Path

import pytest

from app import kinds
from app.reports import maps
from app.reports.maps import Canvas, Marks, Shape

SHAPES_OF_THE_PAGE = Path(__file__).parents[2] / "frontend" / "src" / "parts" / "shapes.ts"


def _canvas(scale: float = 0.1, latitude: float = 51.4613) -> Canvas:
    """A drawing whose upper left corner lies near Brixton."""
    west = maps.EARTH_M * math.radians(-0.12)
    north = maps.EARTH_M * math.log(math.tan(math.pi / 4 + math.radians(51.48) / 2))
    return Canvas(west, north, scale, 800, latitude, [Shape(1, "M0 0L9 9Z", True, 500, 400)])


def test_the_shapes_are_those_of_the_page() -> None:
    text = SHAPES_OF_THE_PAGE.read_text(encoding="utf-8")
    assert dict(re.findall(r'^  (\w+):\s+"([^"]+)",$', text, re.M)) == maps.SHAPES
    assert {kind.shape for kind in kinds.ALL} <= set(maps.SHAPES)


def test_what_stands_alone_is_its_kinds_mark_and_what_crowds_is_a_number() -> None:
    marks = Marks(_canvas())
    marks.add("idea", -0.115, 51.475)
    for n in range(5):
        marks.add("place", -0.1143 + n * 1e-7, 51.4613)
    drawn = maps.of_assets(marks.canvas, marks)
    assert drawn.count(maps.SHAPES["diamond"]) == 1
    assert maps.SHAPES["square"] not in drawn
    assert re.findall(r">(\d+)</text>", drawn) == ["5"]
    assert marks.crowded


def test_a_mark_stands_where_its_asset_lies() -> None:
    """A thousandth of a degree of longitude is 111.3 m of Web Mercator, which is 11.1 units here."""
    canvas = _canvas()
    assert math.hypot(*canvas.at(-0.12, 51.48)) < 1e-6
    x, y = canvas.at(-0.119, 51.47)
    assert x == pytest.approx(11.13, abs=0.01)
    assert y == pytest.approx(111.32 * 10 * 0.1 / math.cos(math.radians(51.475)), rel=1e-4)


@pytest.mark.parametrize(("scale", "words"), [(0.01, "10 km"), (0.1, "1 km"), (0.4, "200 m"), (2.0, "50 m")])
def test_the_scale_is_a_round_length_and_as_long_as_it_says(scale: float, words: str) -> None:
    canvas = _canvas(scale)
    drawn = maps.of_assets(canvas, Marks(canvas))
    begin, end, said = re.findall(r"M(\d+) \d+V\d+H([\d.]+)V.*?>(\d+ k?m)</text>", drawn)[0]
    metres = int(said.split()[0]) * (1000 if said.endswith("km") else 1)
    assert said == words
    on_the_ground = (float(end) - float(begin)) / scale * math.cos(math.radians(canvas.latitude))
    assert on_the_ground == pytest.approx(metres, rel=0.01)


def test_the_more_assets_the_darker_and_none_is_the_lightest() -> None:
    steps = maps.tint_steps(range(1, 11))
    assert [maps.step_of(value, steps) for value in (0, 1, 3, 5, 7, 10)] == [0, 0, 1, 2, 3, 4]
    canvas = _canvas()
    drawn = maps.of_figures(canvas, {1: 1234}, numbers=True)
    assert ">1,234</text>" in drawn and maps.TINTS[-1] in drawn
    assert "</text>" not in maps.of_figures(canvas, {1: 1234}, numbers=False).replace(" km</text>", "")
