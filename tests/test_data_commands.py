"""`./civic areas import`, `import`, `postcodes import` and `report wards`, as an operator types them."""

import csv
import io
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from app import errors
from app.actions import import_account
from app.cli import cli
from app.cli.opening import Refused
from app.settings import Settings

ROOT = Path(__file__).parents[1]
KINDS = {"LambethFoodGrowingProjects": "project", "LambethPollingStations": "place"}


class Console:
    """A terminal on the test's database."""

    def __init__(self, settings: Settings) -> None:
        self.own = {
            "CIVIC_DATABASE_URL": settings.database_url or "",
            "CIVIC_DATABASE_READ_URL": settings.database_read_url or "",
        }

    def run(self, *words: str | Path) -> Result:
        """Run a command in this process; it must not raise."""
        result = CliRunner().invoke(cli, [str(word) for word in words], env=self.own)
        assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
        return result

    def refused(self, *words: str | Path) -> str:
        """Run a command in this process that ends with a sentence; return that."""
        result = CliRunner().invoke(cli, [str(word) for word in words], env=self.own)
        assert isinstance(result.exception, errors.Problem | Refused), result.exception
        return str(result.exception)

    def typed(self, *words: str | Path) -> "subprocess.CompletedProcess[str]":
        """Run a command in a process of its own, for what `main` makes of its end."""
        return subprocess.run(
            [sys.executable, "-m", "app.cli", *map(str, words)],
            cwd=ROOT, env={**os.environ, **self.own, "COLUMNS": "300"}, capture_output=True, text=True, timeout=60,
        )  # fmt: skip


@pytest.fixture
def console(settings: Settings) -> Console:
    """A terminal."""
    return Console(settings)


def _wards(shared_data: Path) -> tuple[str | Path, ...]:
    return "areas", "import", shared_data / "wards" / "lambeth_wards_2022.geojson", "--level", "ward"


def test_the_commands_print_the_figures(console: Console, shared_data: Path) -> None:
    done = console.run(*_wards(shared_data), "--code", "WD22CD", "--name", "WD22NM", "--set", "Lambeth 2022")
    assert "Lambeth 2022: 25 areas of the level ward, 25 added." in done.stdout
    total = dict.fromkeys(("read", "created", "already_there", "rejected", "in_areas", "outside_areas"), 0)
    for path in sorted((shared_data / "assets" / "lambeth_council_2012_raw").glob("*.csv")):
        done = console.run("import", path, "--kind", KINDS.get(path.stem, "service"), "--json")
        assert done.exit_code == 0
        account = json.loads(done.stdout)
        assert set(account) == {*import_account.FIGURES}
        total = {name: total[name] + account[name] for name in total}
    assert list(total.values()) == [406, 405, 0, 1, 402, 3]
    done = console.run("report", "wards")
    rows = list(csv.DictReader(io.StringIO(done.stdout)))
    assert len(rows) == 27
    assert sum(int(row["total_assets"]) for row in rows) == 405
    assert sum(int(row["projects"]) for row in rows) == 142
    assert [row["total_assets"] for row in rows[-2:]] == ["0", "3"]


def test_an_import_says_what_it_understood_and_what_it_refused(
    console: Console, shared_data: Path, tmp_path: Path
) -> None:
    console.run(*_wards(shared_data))
    bank = shared_data / "assets" / "lambeth_council_2012_raw" / "LambethRecyclingBanks.csv"
    words = ("import", bank, "--kind", "service", "--theme", "green", "--rejects", tmp_path / "no.csv")
    done = console.run(*words, "--dry-run")
    assert "The name of each row: from 'Name'" in done.stdout
    assert "Where it is: from 'Easting' and 'Northing', British National Grid, EPSG:27700" in done.stdout
    assert "rejected: line 22: it lies 350 km from the nearest area of this map (King's Avenue" in done.stdout
    assert "conflicts 0, unplaced 0, rejected 1; 21 in wards, 0 in none" in done.stdout
    assert "Nothing was written" in done.stdout
    assert (tmp_path / "no.csv").read_text(encoding="utf-8").splitlines()[1].startswith("22,it lies 350 km")
    assert "created 21, updated 0, already there 0" in console.run(*words).stdout
    again = console.run(*words)
    assert "created 0, updated 0, already there 21" in again.stdout
    assert again.exit_code == 0


def test_progress_goes_to_standard_error_and_the_account_alone_to_standard_output(
    console: Console, tmp_path: Path
) -> None:
    path = tmp_path / "file.csv"
    path.write_text("title,lat,lon\n" + "A,51.4,-0.1\n" * 1000, encoding="utf-8")
    snippet = "from app import cli; from app.cli import telling; telling.PLAIN_S = 0.005; cli.main()"
    done = subprocess.run(
        [sys.executable, "-c", snippet, "import", str(path), "--kind", "place", "--json"],
        cwd=ROOT, env={**os.environ, **console.own}, capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    assert json.loads(done.stdout)["read"] == 1000
    assert "bringing in: 1,000 lines, " in done.stderr


def test_a_map_of_columns_may_hold_commas(console: Console, tmp_path: Path) -> None:
    path = tmp_path / "file.csv"
    path.write_text('"Name, full",E,N\nLibrary,531067,175255\n', encoding="utf-8")
    done = console.run("import", path, "--kind", "place", "--map", "title=Name, full,x=E,y=N", "--json")
    assert json.loads(done.stdout)["created"] == 1


@pytest.mark.parametrize(
    ("words", "code", "says"),
    [
        (("import", "header_only.csv", "--kind", "place"), 1, ""),
        (("import", "broken.geojson", "--kind", "place", "--json"), 1, "civic: broken.geojson is damaged or cut off"),
        (("import", "duplicates.csv", "--kind", "castle"), 2, "civic: There is no kind 'castle'"),
        (("import", "duplicates.csv", "--kind", "place", "--theme", "x"), 2, "civic: There is no theme 'x'"),
        (("import", "duplicates.csv", "--kind", "place", "--map", "title"), 2, "civic: Write --map as FIELD=COLUMN"),
        (("import", "duplicates.csv", "--kind", "place", "--map", "title=x"), 2, "civic: There is no column 'x'"),
        (("import", "no-such-file.csv", "--kind", "place"), 2, "does not exist"),
        (("areas", "import", "old_style_crs_27700.geojson", "--level", "parish"), 2, "parish"),
        (("report", "wards", "--area", "X1"), 1, "civic: There is no area with the code 'X1'."),
    ],
)
def test_it_ends_with_what_a_script_can_tell_apart(
    console: Console, shared_data: Path, words: tuple[str, ...], code: int, says: str
) -> None:
    messy = shared_data / "assets" / "made_messy"
    done = console.typed(*(messy / word if "." in word else word for word in words))
    assert done.returncode == code, done.stderr
    assert says in done.stderr
    assert "Traceback" not in done.stderr


def test_postcodes_and_reports_go_to_files(console: Console, shared_data: Path, tmp_path: Path) -> None:
    path = shared_data / "postcodes" / "lambeth_postcodes_2014.csv"
    assert "read 6130: 6130 new" in console.run("postcodes", "import", path).stdout
    assert "0 new, 0 moved, 6130 already there" in console.run("postcodes", "import", path).stdout
    console.run(*_wards(shared_data))
    out = tmp_path / "report.json"
    assert console.run("report", "wards", "--format", "json", "--out", out, "--since", "2024-01-01").stdout == ""
    report = json.loads(out.read_text(encoding="utf-8"))
    assert len(report["rows"]) == 27
    assert "new_assets" in report["totals"]


def test_a_list_is_remembered_followed_and_undone(console: Console, tmp_path: Path) -> None:
    path = tmp_path / "gardens.csv"
    header, rows = "ref,title,lat,lon\n", [f"{n},Garden {n},51.4,-0.1{n}\n" for n in range(5)]
    path.write_text(header + "".join(rows) + "9,Nowhere,,\n", encoding="utf-8")
    first = console.run("import", path, "--kind", "place", "--key", "ref", "--theme", "green").stdout
    assert "a row is known by 'ref'" in first
    assert "read 6: created 5, updated 0, already there 0, conflicts 0, unplaced 1, rejected 0" in first
    path.write_text(header + "0,Renamed,51.4,-0.10\n" + "".join(rows[1:4]), encoding="utf-8")
    look = console.run("import", path, "--dry-run").stdout
    assert "read 4: created 0, updated 1, already there 3" in look
    assert "retired 1 that the list does not have any more" in look
    assert json.loads(console.run("import", path, "--json").stdout)["updated"] == 1
    assert console.run("sources").stdout == "gardens: place, theme green, rows told apart by 'ref'\n"
    listed = console.run("imports", "list").stdout.splitlines()
    assert [line.split("read")[1] for line in listed] == [
        " 4, created 0, updated 1, retired 1, rejected 0", " 6, created 5, updated 0, retired 0, rejected 0",
    ]  # fmt: skip
    latest, earlier = (line.split()[0] for line in listed)
    assert console.run("imports", "rows", latest, "--is", "updated").stdout == "2: Renamed\n"
    assert "undo that first" in console.refused("imports", "undo", earlier)
    assert console.run("imports", "undo", latest).stdout == "removed 0, set back 2\n"
    assert console.run("imports", "undo", earlier).stdout == "removed 5, set back 0\n"
    assert "There is no import 'zzz'" in console.refused("imports", "undo", "zzz")
    assert "There is no such fate 'lost'" in console.refused("imports", "rows", latest, "--is", "lost")
    console.run("import", path)
    path.write_text(header + rows[1], encoding="utf-8")
    assert "more than half" in console.refused("import", path)
    assert "retired" not in console.run("import", path, "--no-retire").stdout
    assert "retired 3" in console.run("import", path, "--retire-many").stdout
