"""Which PostgreSQL with PostGIS this machine has, and how to get one.

Standard library only, and no import of ours: `civic` reads this file before anything is installed.
"""

import os
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

FLOOR = (15, (3, 3))  # PostgreSQL 15, PostGIS 3.3: what the statements in this code base may count on

_PLACES = (
    "/usr/lib/postgresql/*/bin",  # Debian, Ubuntu
    "/usr/pgsql-*/bin",  # PGDG on Red Hat and its relatives
    "/usr/local/pgsql/bin",  # built from source
)


class DatabaseUnavailable(Exception):
    """The database cannot be used; the text says why and what to do, in words for an operator."""


class PostgisMissing(DatabaseUnavailable):
    """No PostgreSQL with PostGIS on this machine."""


class DatabaseTooOld(DatabaseUnavailable):
    """PostgreSQL or PostGIS is below the floor."""


class AnotherMajor(DatabaseUnavailable):
    """The data was made by a major version of PostgreSQL that this machine does not have."""


@dataclass(frozen=True)
class Programs:
    """The folder of one PostgreSQL's programs, its major version, and the PostGIS beside it (None: there is none)."""

    bin: Path
    major: int
    postgis: tuple[int, int] | None

    @property
    def good_enough(self) -> bool:
        """True when both versions reach the floor."""
        return self.major >= FLOOR[0] and self.postgis is not None and self.postgis >= FLOOR[1]


def found() -> list[Programs]:
    """Every PostgreSQL server of this machine: the one in PG_BIN first, then the newest major version first."""
    named = [Path(os.environ["PG_BIN"])] if os.environ.get("PG_BIN") else []
    usual = [folder for pattern in _PLACES for folder in Path("/").glob(pattern.lstrip("/"))]
    on_path = [Path(program).resolve().parent for name in ("postgres", "pg_config") if (program := shutil.which(name))]
    seen: dict[Path, Programs] = {}
    for folder in [*named, *usual, *on_path]:
        if folder not in seen and (programs := _look_in(folder)) is not None:
            seen[folder] = programs
    return sorted(seen.values(), key=lambda programs: (programs.bin not in named, -programs.major))


def chosen(major: int | None = None) -> Programs:
    """The programs to use: of exactly this major version, or the best for a new database. Or DatabaseUnavailable."""
    here = [programs for programs in found() if programs.postgis]
    fitting = [programs for programs in here if major in (None, programs.major)]
    if not here:
        raise PostgisMissing(f"No PostgreSQL with PostGIS is installed here. Type: {install_hint()}")
    if not fitting:
        others = " and ".join(str(programs.major) for programs in here)
        raise AnotherMajor(
            f"this database was made by PostgreSQL {major}, and this machine has {others}. Install PostgreSQL {major} "
            f"with PostGIS (Debian: postgresql-{major}-postgis-3), or restore a backup into a new folder."
        )
    good = [programs for programs in fitting if programs.good_enough]
    if not good:
        raise DatabaseTooOld(too_old(fitting[0].major, fitting[0].postgis or (0, 0)))
    return good[0]


def too_old(major: int, postgis: tuple[int, int]) -> str:
    """The sentence for a server below the floor."""
    floor, (floor_major, floor_minor) = FLOOR
    return (
        f"PostgreSQL {floor} and PostGIS {floor_major}.{floor_minor} or newer are needed; "
        f"here are PostgreSQL {major} and PostGIS {postgis[0]}.{postgis[1]}."
    )


def install_hint() -> str:
    """The line to type on this system to get PostGIS. Never runs anything but look-ups."""
    if shutil.which("apt-get"):
        return f"sudo apt-get install --no-install-recommends {apt_package() or 'postgresql-15-postgis-3'}"
    if shutil.which("dnf"):
        return "sudo dnf install postgresql-server postgresql-contrib postgis"
    if shutil.which("pacman"):
        return "sudo pacman -S postgresql postgis"
    if shutil.which("apk"):
        return "sudo apk add postgresql postgresql-contrib postgis"
    return "docker compose up --build (or install PostgreSQL 15 with PostGIS 3.3, or newer ones)"


def apt_package() -> str | None:
    """The newest PostGIS package that apt knows and that reaches the floor, for example postgresql-15-postgis-3."""
    listed = subprocess.run(
        ["apt-cache", "search", "--names-only", "^postgresql-[0-9]+-postgis-3$"],
        capture_output=True,
        text=True,
        check=False,
    )
    majors = [int(major) for major in re.findall(r"^postgresql-(\d+)-postgis-3 ", listed.stdout, re.MULTILINE)]
    return f"postgresql-{max(majors)}-postgis-3" if majors and max(majors) >= FLOOR[0] else None


def _look_in(folder: Path) -> Programs | None:
    if not all((folder / name).is_file() for name in ("initdb", "pg_ctl", "postgres")):
        return None
    major = re.search(r"(?:postgresql/|pgsql-)(\d+)", str(folder))
    return Programs(folder, int(major[1]) if major else _asked_major(folder), _postgis(folder))


def _asked_major(folder: Path) -> int:
    said = subprocess.run([folder / "postgres", "--version"], capture_output=True, text=True, check=False).stdout
    return int(number[1]) if (number := re.search(r"(\d+)", said)) else 0


def _postgis(folder: Path) -> tuple[int, int] | None:
    """The version in postgis.control; Debian keeps it apart from the programs, the others one folder up."""
    shares = [folder.parent / place for place in ("share", "share/postgresql")]
    if folder.is_relative_to("/usr/lib/postgresql"):
        shares = [Path("/usr/share/postgresql") / folder.parent.name]
    if (folder / "pg_config").is_file() and not any(
        (share / "extension/postgis.control").is_file() for share in shares
    ):
        asked = subprocess.run([folder / "pg_config", "--sharedir"], capture_output=True, text=True, check=False)
        shares.append(Path(asked.stdout.strip()))
    for share in shares:
        control = share / "extension" / "postgis.control"
        if control.is_file():
            line = re.search(r"default_version\s*=\s*'(\d+)\.(\d+)", control.read_text(encoding="utf-8"))
            return (int(line[1]), int(line[2])) if line else None
    return None
