"""`./civic backup` and `./civic restore`: what comes back, and what is refused."""

import asyncio
import json
import shutil
import stat
import subprocess
import sys
import tempfile
import time
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
from typer.testing import CliRunner

from app import auth, backup, cli, db, localdb, samples, schema
from app.settings import Settings
from tests.test_cli import civic, environment, port

__all__ = ["port"]


@dataclass(frozen=True)
class Kept:
    """A seeded map, its backup, and what the command said."""

    data: Path
    file: Path
    said: str


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    """A folder that the database account can pass through; its name has a space, as people's folders do."""
    folder = Path(tempfile.mkdtemp(prefix="civic backup-"))
    folder.chmod(0o711)
    yield folder
    shutil.rmtree(folder)


async def fill(settings: Settings) -> None:
    """The samples."""
    engines = db.Engines.of(settings)
    await samples.seed(engines)
    await engines.dispose()


@pytest.fixture(scope="module")
def kept(folder: Path) -> Kept:
    """The sample map and its backup."""
    data = folder / "map"
    with cli.opened(data) as settings:
        asyncio.run(fill(settings))
        auth.load_secret(settings)
        with localdb.running(data) as cluster, cluster.connect(database=localdb.DATABASE) as connection:
            for statement in (
                "INSERT INTO session (token_hash, person_id, expires_at) SELECT 'x', min(id), now() FROM person",
                (
                    "INSERT INTO vault.sign_in (uid, email, browser_hash, expires_at) "
                    "VALUES (gen_random_uuid(), 'ana@example.org', 'x', now())"
                ),
                "INSERT INTO rate_counter (bucket, window_at, count) VALUES ('x', now(), 1)",
                (
                    "INSERT INTO idempotency (actor, key, fingerprint, status, headers, body) "
                    "VALUES ('person:x', 'k', 'x', 200, '{}', 'x')"
                ),
                (
                    "INSERT INTO file (person_id, name, media_type, expires_at) "
                    "SELECT min(id), 'x', 'text/plain', now() FROM person"
                ),
                "INSERT INTO file_part (file_id, n, data) SELECT id, 0, 'x' FROM file",
                ("INSERT INTO job (person_id, what, asked, file_id) SELECT person_id, 'report', '{}', id FROM file"),
            ):
                assert connection.execute(statement.encode()).rowcount == 1
    code, out, err = civic("backup", str(folder / "map.zip"), "--data", str(data))
    assert (code, err) == (0, "")
    return Kept(data, folder / "map.zip", out)


def digests(data: Path) -> dict[str, tuple[int, str]]:
    """Table → number of rows and a digest of them all."""
    found = {}
    with localdb.running(data) as cluster, cluster.connect(database=localdb.DATABASE) as connection:
        tables = connection.execute(
            "SELECT table_schema || '.' || quote_ident(table_name) FROM information_schema.tables "
            "WHERE table_type = 'BASE TABLE' AND table_schema IN ('public', 'vault', 'procrastinate')"
        ).fetchall()
        for (name,) in tables:
            digest = (
                f"SELECT count(*), coalesce(md5(string_agg(md5(t::text), '' ORDER BY md5(t::text))), '') FROM {name} t"
            )
            row = connection.execute(digest.encode()).fetchone()
            assert row is not None
            found[name] = (row[0], row[1])
    return found


def owners(data: Path) -> list[tuple[str, ...]]:
    """Who owns and may use what."""
    with localdb.running(data) as cluster, cluster.connect(database=localdb.DATABASE) as connection:
        return connection.execute(
            "SELECT oid::regclass::text, relowner::regrole::text, (SELECT string_agg(a::text, ',' ORDER BY a::text) "
            "FROM unnest(relacl) a) FROM pg_class WHERE relkind IN ('r', 'S') AND relnamespace::regnamespace::text "
            "IN ('public', 'vault', 'procrastinate') UNION ALL "
            "SELECT extname, extowner::regrole::text, '' FROM pg_extension ORDER BY 1"
        ).fetchall()


def sealed(file: Path, kept: Kept, **changes: object) -> Path:
    """The backup again, with other words in its manifest."""
    with zipfile.ZipFile(kept.file) as source, zipfile.ZipFile(file, "w") as target:
        for name in source.namelist():
            inside = source.read(name)
            target.writestr(name, json.dumps(json.loads(inside) | changes) if name == "manifest.json" else inside)
    return file


def refused(file: Path, data: Path) -> str:
    """What restore says when it leaves nothing behind."""
    code, out, err = civic("restore", str(file), "--data", str(data))
    assert (code, out) == (2, ""), err
    assert not data.exists()
    return err


def test_everything_but_what_lasts_minutes_comes_back_as_it_was(kept: Kept, folder: Path) -> None:
    assert stat.S_IMODE(kept.file.stat().st_mode) == 0o600
    assert f"{kept.file}: 84 assets" in kept.said
    assert " MB in " in kept.said
    other = folder / "deep" / "other"
    code, out, err = civic("restore", str(kept.file), "--data", str(other))
    assert (code, err) == (0, "")
    assert f"./civic serve --data {other}" in out
    before, after = digests(kept.data), digests(other)
    for name in backup.LEFT_OUT:
        assert before.pop(name)[0] == 1, name
        assert after.pop(name)[0] == 0, name
    assert after == before
    assert before["vault.contact"][0] > 0
    assert owners(other) == owners(kept.data)
    assert (other / "secret").read_bytes() == (kept.data / "secret").read_bytes()
    assert stat.S_IMODE((other / "secret").stat().st_mode) == 0o600
    assert {path.name for path in other.iterdir()} == {"postgres", "postgres.start", "postgres.users", "secret"}
    code, out, _ = civic("map", "verify", "--data", str(other))
    assert code == 0
    assert out.count("drift 0") == 14


def test_a_map_is_backed_up_while_it_is_served_and_a_file_is_replaced_only_when_told(kept: Kept, port: int) -> None:
    words = [sys.executable, "-m", "app.cli", "serve", "--port", str(port), "--data", str(kept.data)]
    with subprocess.Popen(words, env=environment(), stdout=subprocess.PIPE, text=True) as served:
        try:
            for _ in range(300):
                try:
                    if httpx.get(f"http://127.0.0.1:{port}/health/ready").status_code == 200:
                        break
                except httpx.TransportError:
                    time.sleep(0.1)
            bytes_before = kept.file.read_bytes()
            code, _, err = civic("backup", str(kept.file), "--data", str(kept.data))
            assert (code, err) == (2, f"civic: {kept.file} exists. Choose another name, or replace it with --force.\n")
            assert kept.file.read_bytes() == bytes_before
            assert civic("backup", str(kept.file), "--force", "--data", str(kept.data))[0] == 0
            assert kept.file.read_bytes() != bytes_before
            assert httpx.get(f"http://127.0.0.1:{port}/health/ready").status_code == 200
        finally:
            served.terminate()
    with zipfile.ZipFile(kept.file) as archive:
        assert json.loads(archive.read("manifest.json"))["counts"]["asset"] == 84


def test_a_file_that_is_damaged_foreign_or_newer_leaves_nothing_behind(kept: Kept, folder: Path) -> None:
    new = folder / "new"
    whole = kept.file.read_bytes()
    bad = folder / "bad.zip"
    bad.write_bytes(whole[: len(whole) // 2])
    assert refused(bad, new) == f"civic: {bad} is no backup of a map, or not all of it.\n"
    bad.write_bytes(whole[:5000] + bytes([whole[5000] ^ 255]) + whole[5001:])
    assert refused(bad, new) == f"civic: {bad} is damaged: a part of it is not as it was written.\n"
    bad.write_bytes(b"not a zip")
    assert "is no backup of a map" in refused(bad, new)
    with zipfile.ZipFile(bad, "w") as foreign:
        foreign.writestr("readme.txt", "hello")
    assert refused(bad, new) == f"civic: {bad} is no backup of a map.\n"
    assert "its revision 9999 is unknown here" in refused(sealed(bad, kept, revision="9999"), new)
    assert "newer version" in refused(sealed(bad, kept, version=2), new)
    assert "made by PostgreSQL 99" in refused(sealed(bad, kept, postgres=99), new)


def test_a_restore_that_fails_half_way_leaves_nothing_behind(kept: Kept, folder: Path) -> None:
    bad, new = folder / "half.zip", folder / "half"
    with zipfile.ZipFile(kept.file) as source, zipfile.ZipFile(bad, "w") as target:
        for name in source.namelist():
            inside = source.read(name)
            target.writestr(name, inside[: len(inside) // 2] if name == "database.dump" else inside)
    code, _, err = civic("restore", str(bad), "--data", str(new))
    assert code == 1
    assert "nothing was kept. pg_restore:" in err
    assert not new.exists()
    new.mkdir(mode=0o711)
    counts = {"asset": 85}
    code, _, err = civic("restore", str(sealed(bad, kept, counts=counts)), "--data", str(new))
    assert (code, err) == (1, "civic: The backup does not hold what it says it holds; nothing was kept.\n")
    assert list(new.iterdir()) == []


def test_a_folder_in_use_keeps_what_it_has(kept: Kept, folder: Path) -> None:
    before = (kept.data / "secret").read_bytes()
    code, _, err = civic("restore", str(kept.file), "--data", str(kept.data))
    assert code == 2
    assert "has a database already" in err
    other = folder / "anothers"
    other.mkdir()
    (other / "secret").write_text("the secret of another map")
    code, _, err = civic("restore", str(kept.file), "--data", str(other))
    assert code == 2
    assert "is the secret of another map" in err
    assert [path.name for path in other.iterdir()] == ["secret"]
    assert (kept.data / "secret").read_bytes() == before


def test_there_must_be_a_map_and_a_place_to_write_to(kept: Kept, folder: Path) -> None:
    nothing = folder / "nothing"
    code, _, err = civic("backup", str(folder / "no.zip"), "--data", str(nothing))
    assert (code, err) == (2, f"civic: There is no map in {nothing}. Name its folder with --data.\n")
    assert not nothing.exists()
    code, _, err = civic("backup", str(nothing / "no.zip"), "--data", str(kept.data))
    assert code == 2
    assert "cannot be written (No such file or directory)" in err
    assert not list(folder.glob(".*"))
    assert not (folder / "no.zip").exists()


@pytest.mark.parametrize("word", ["backup", "restore"])
def test_a_database_of_ones_own_has_its_own_tools(word: str, kept: Kept) -> None:
    code, _, err = civic(word, str(kept.file), CIVIC_DATABASE_URL="postgresql://x/y", CIVIC_SINGLE_ROLE="accept")
    assert code == 2
    assert "pg_dump -Fc" in err


def test_older_tables_are_migrated_after(kept: Kept, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """There is one revision so far, so what is held is that restore asks for the way up, as the owner."""
    asked: list[str] = []
    upgrade = schema.upgrade

    def spy(url: str) -> str:
        asked.append(url)
        return upgrade(url)

    monkeypatch.setattr(schema, "upgrade", spy)
    done = CliRunner().invoke(cli.cli, ["restore", str(kept.file), "--data", str(folder / "older")])
    assert done.exit_code == 0, done.output
    assert [url.split("@")[0] for url in asked] == ["postgresql+psycopg://civic_owner"]
