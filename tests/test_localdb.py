"""The embedded database: starts anywhere, is shared, survives being killed, and leaves every other cluster alone."""

import os
import pwd
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from pathlib import Path

import pytest

from app import localdb, postgres

ROOT = Path(__file__).parents[1]

HOLD = """
import sys
from pathlib import Path
from app import localdb
with localdb.running(Path(sys.argv[1]), durable=sys.argv[2] == "durable") as cluster:
    print(cluster.url("civic_write"), flush=True)
    sys.stdin.read()
"""

WRITE = """
import sys
from pathlib import Path
from app import localdb
with localdb.running(Path(sys.argv[1])) as cluster, cluster.connect("civic_owner", "civic") as connection:
    connection.execute("CREATE TABLE written (n int)")
    for n in range(1_000_000):
        connection.execute("INSERT INTO written VALUES (%s)", [n])
        print(n, flush=True)
"""


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder that the database account can pass through: pytest's own are closed to others."""
    folder = Path(tempfile.mkdtemp(prefix="civic-localdb-"))
    folder.chmod(0o711)
    yield folder
    for process in localdb._processes(folder / "postgres") if (folder / "postgres").exists() else []:
        with suppress(ProcessLookupError):
            os.kill(process, signal.SIGKILL)
    shutil.rmtree(folder, ignore_errors=True)


def started(code: str, *words: object, python: str = sys.executable, **how: object) -> "subprocess.Popen[str]":
    """Another process of ours, which talks to us."""
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(ROOT), *filter(None, sys.path)])}
    return subprocess.Popen(  # type: ignore[call-overload, no-any-return]
        [python, "-c", code, *map(str, words)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment, **how,
    )  # fmt: skip


def line(process: "subprocess.Popen[str]") -> str:
    """Its next word; what it complained of when it has none."""
    assert process.stdout is not None
    assert process.stderr is not None
    return process.stdout.readline() or pytest.fail(process.stderr.read())


def killed(*processes: int | None) -> None:
    """End processes as a power cut would, and wait until they are gone."""
    living = [process for process in processes if process]
    assert len(living) == len(processes)
    for process in living:
        os.kill(process, signal.SIGKILL)
    for process in living:
        while Path(f"/proc/{process}/cwd").exists():  # a dead process has none, even before its parent collects it
            time.sleep(0.01)


def value(cluster: localdb.Cluster, statement: str, role: str = localdb.SUPERUSER) -> object:
    """One value, fetched in the civic database."""
    with cluster.connect(role, localdb.DATABASE) as connection:
        row = connection.execute(statement.encode()).fetchone()
    assert row is not None
    return row[0]


def test_a_new_folder_gets_a_safe_private_cluster_with_roles_database_and_postgis(folder: Path) -> None:
    with localdb.running(folder) as cluster:
        for setting in ("fsync", "synchronous_commit", "full_page_writes", "data_checksums"):
            assert value(cluster, f"SELECT current_setting('{setting}')", "civic_write") == "on", setting
        assert value(cluster, "SELECT current_setting('jit')") == "off"
        assert value(cluster, "SELECT current_setting('listen_addresses')") == ""
        assert value(cluster, "SELECT pg_encoding_to_char(encoding) FROM pg_database WHERE datname = 'civic'") == "UTF8"
        assert (
            value(cluster, "SELECT pg_get_userbyid(datdba) FROM pg_database WHERE datname = 'civic'") == "civic_owner"
        )
        assert str(value(cluster, "SELECT postgis_version()", "civic_read")) >= "3.3"
        strong = (
            "SELECT count(*) FROM pg_roles WHERE rolname LIKE 'civic%' AND (rolsuper OR rolbypassrls OR rolcreaterole)"
        )
        assert value(cluster, strong) == 0
        assert value(cluster, "SELECT count(*) FROM pg_roles WHERE rolname LIKE 'civic%' AND rolcanlogin") == 3
        members = "SELECT count(*) FROM pg_auth_members WHERE member::regrole::text LIKE 'civic%'"
        assert value(cluster, members) == 0
        assert cluster.folder.stat().st_mode & 0o077 == 0
        assert "postgresql+psycopg://civic_read@/other?host=" in cluster.url("civic_read", "other")
    assert not localdb._processes(folder / "postgres")


def test_a_second_start_is_quick_and_keeps_the_rows(folder: Path) -> None:
    with localdb.running(folder) as cluster, cluster.connect("civic_owner", "civic") as connection:
        connection.execute("CREATE TABLE kept AS SELECT 7 AS n")
    began = time.monotonic()
    with localdb.running(folder) as cluster:
        assert time.monotonic() - began < 5
        assert value(cluster, "SELECT n FROM kept", "civic_owner") == 7


def test_a_configuration_file_cannot_switch_durability_off(folder: Path) -> None:
    with localdb.running(folder):
        pass
    with (folder / "postgres" / "postgresql.conf").open("a") as file:
        file.write("fsync = off\nsynchronous_commit = off\nfull_page_writes = off\n")
    with localdb.running(folder) as cluster:
        for setting in ("fsync", "synchronous_commit", "full_page_writes"):
            assert value(cluster, f"SELECT current_setting('{setting}')", "civic_write") == "on", setting


def test_two_processes_share_one_cluster_and_the_last_to_leave_stops_it(folder: Path) -> None:
    first, second = started(HOLD, folder, "fast"), started(HOLD, folder, "fast")
    assert line(first) == line(second)
    server = localdb._postmaster(folder / "postgres")
    assert server is not None
    first.communicate()
    assert localdb._postmaster(folder / "postgres") == server
    second.communicate()
    assert localdb._postmaster(folder / "postgres") is None
    assert (first.returncode, second.returncode) == (0, 0)


def test_a_command_that_was_killed_does_not_keep_the_cluster_from_being_stopped(folder: Path) -> None:
    owner = started(HOLD, folder, "fast")
    line(owner)
    server = localdb._postmaster(folder / "postgres")
    owner.kill()
    owner.communicate()
    with localdb.running(folder, durable=False):
        assert localdb._postmaster(folder / "postgres") == server
    assert localdb._postmaster(folder / "postgres") is None


def test_a_killed_postmaster_is_started_again_although_a_back_end_is_still_busy(folder: Path) -> None:
    with localdb.running(folder) as cluster:
        with cluster.connect("civic_owner", "civic") as busy:
            busy.execute("CREATE TABLE acknowledged AS SELECT generate_series(1, 100) AS n")
            assert cluster.ensure_running() is False
            server = localdb._postmaster(cluster.folder)
            killed(server)
            assert cluster.ensure_running() is True
        assert localdb._postmaster(cluster.folder) not in (None, server)
        assert value(cluster, "SELECT count(*) FROM acknowledged", "civic_owner") == 100


def test_after_everything_is_killed_while_writing_each_acknowledged_row_is_there_once(folder: Path) -> None:
    writer = started(WRITE, folder)
    acknowledged = [int(line(writer)) for _ in range(300)]
    killed(writer.pid, *localdb._processes(folder / "postgres"))
    acknowledged += [int(word) for word in writer.communicate()[0].split("\n")[:-1]]
    with localdb.running(folder) as cluster, cluster.connect("civic_owner", "civic") as connection:
        rows = [n for (n,) in connection.execute("SELECT n FROM written ORDER BY n")]
    assert len(acknowledged) >= 300
    assert set(acknowledged) <= set(rows)
    assert len(rows) == len(set(rows))


def test_a_back_end_that_outlives_its_postmaster_is_ended_and_no_other_cluster_is_touched(
    folder: Path, cluster: localdb.Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(localdb, "OLD_MEMORY_WAIT_S", 1.0)
    others = set(localdb._processes(cluster.folder))
    with localdb.running(folder, durable=False) as own, own.connect() as stuck:
        (back_end,) = stuck.execute("SELECT pg_backend_pid()").fetchone() or (0,)
        os.kill(back_end, signal.SIGSTOP)
        killed(localdb._postmaster(own.folder))
        assert own.ensure_running() is True
        assert back_end not in localdb._processes(own.folder)
    assert localdb._postmaster(cluster.folder) in others
    assert value(cluster, "SELECT 1") == 1


def test_a_process_number_that_somebody_else_has_now_does_not_stop_a_start(folder: Path) -> None:
    with localdb.running(folder, durable=False) as cluster:
        account = cluster.account
    stranger = subprocess.Popen(["sleep", "60"], user=account)
    try:
        fields = [
            str(stranger.pid),
            str(folder / "postgres"),
            "1",
            "5432",
            str(folder / "postgres"),
            "",
            " 1 1",
            "ready",
        ]
        (folder / "postgres" / "postmaster.pid").write_text("\n".join(fields) + "\n")
        with localdb.running(folder, durable=False) as cluster:
            assert value(cluster, "SELECT 1") == 1
        assert stranger.poll() is None
    finally:
        stranger.kill()
        stranger.wait()


def test_an_interrupted_first_start_leaves_nothing_in_the_way(folder: Path) -> None:
    (folder / "postgres.new").mkdir()
    (folder / "postgres.new" / "PG_VERSION").write_text("15\n")
    with localdb.running(folder, durable=False) as cluster:
        assert value(cluster, "SELECT 1") == 1


@pytest.mark.parametrize("major", ["13", "99"])
def test_a_folder_of_another_major_version_is_refused_with_what_to_install(folder: Path, major: str) -> None:
    with localdb.running(folder, durable=False):
        pass
    (folder / "postgres" / "PG_VERSION").write_text(f"{major}\n")
    with pytest.raises(postgres.AnotherMajor, match=f"made by PostgreSQL {major}.*postgresql-{major}-postgis-3"):
        localdb.running(folder, durable=False).__enter__()
    assert localdb._postmaster(folder / "postgres") is None


def test_a_cluster_that_we_did_not_make_is_refused_and_left_as_it_is(folder: Path) -> None:
    with localdb.running(folder, durable=False):
        pass
    (folder / "postgres" / "civic-cluster").unlink()
    before = sorted(entry.name for entry in (folder / "postgres").iterdir())
    with pytest.raises(localdb.ClusterNotOurs, match="was not made by Civic Crowd Map"):
        localdb.running(folder, durable=False).__enter__()
    assert sorted(entry.name for entry in (folder / "postgres").iterdir()) == before


def test_a_cluster_made_for_tests_never_serves_real_data(folder: Path) -> None:
    with localdb.running(folder, durable=False) as cluster:
        assert value(cluster, "SELECT current_setting('fsync')") == "off"
    with pytest.raises(localdb.ClusterNotOurs, match="made for tests"):
        localdb.running(folder).__enter__()


@pytest.mark.parametrize("name", ["with space, comma and 'quote'", "long-" * 30])
def test_an_awkward_folder_gets_its_socket_in_a_short_private_one(folder: Path, name: str) -> None:
    with localdb.running(folder / name, durable=False) as cluster:
        assert value(cluster, "SELECT 1", "civic_read") == 1
        place = localdb._socket_dir(cluster.folder)
        assert place.parent == Path(tempfile.gettempdir())
        assert (place.stat().st_mode & 0o777, place.owner()) == (0o700, cluster.folder.owner())
    place.chmod(0o777)
    with pytest.raises(postgres.DatabaseUnavailable, match="not a private folder"):
        localdb.running(folder / name, durable=False).__enter__()
    shutil.rmtree(place)


@pytest.mark.skipif(os.geteuid() != 0, reason="these tests run as an ordinary user already")
def test_an_ordinary_user_has_a_cluster_of_their_own_that_root_can_use_too(folder: Path) -> None:
    python = sys.executable
    if subprocess.run(["test", "-x", python], user="nobody", check=False).returncode:  # under root's home
        python = f"/usr/bin/python3.{sys.version_info.minor}"
    somebody = pwd.getpwnam("nobody")
    os.chown(folder, somebody.pw_uid, somebody.pw_gid)
    process = started(HOLD, folder, "fast", python=python, user="nobody", group=somebody.pw_gid, extra_groups=[])
    url = line(process)
    assert (folder / "postgres").owner() == "nobody"
    with localdb.running(folder, durable=False) as cluster:
        assert f"{cluster.url('civic_write')}\n" == url
        assert value(cluster, "SELECT 1") == 1
        process.communicate()
        assert localdb._postmaster(cluster.folder) is not None
    assert localdb._postmaster(folder / "postgres") is None
    assert process.returncode == 0


@pytest.mark.skipif(os.geteuid() != 0, reason="only root runs the database as another account")
def test_a_folder_that_the_database_account_cannot_reach_is_refused_in_words(folder: Path) -> None:
    folder.chmod(0o700)
    with pytest.raises(postgres.DatabaseUnavailable, match=r"may not pass through .*--data"):
        localdb.running(folder / "inside", durable=False).__enter__()


def test_a_folder_that_cannot_be_written_is_refused_in_words(folder: Path) -> None:
    (folder / "file").touch()
    with pytest.raises(postgres.DatabaseUnavailable, match=r"cannot hold the map's data \(Not a directory\).*--data"):
        localdb.running(folder / "file" / "data", durable=False).__enter__()


def fake_programs(folder: Path, major: int, postgis: str | None) -> Path:
    """A PostgreSQL that only looks like one."""
    place = folder / "postgresql" / str(major) / "bin"
    place.mkdir(parents=True)
    for name in ("initdb", "pg_ctl", "postgres"):
        (place / name).touch(mode=0o755)
    if postgis:
        (place.parent / "share" / "extension").mkdir(parents=True)
        (place.parent / "share" / "extension" / "postgis.control").write_text(f"default_version = '{postgis}'\n")
    return place


@pytest.fixture
def bare_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine whose only PostgreSQL servers are in this folder."""
    monkeypatch.setattr(postgres, "_PLACES", (f"{tmp_path}/postgresql/*/bin",))
    monkeypatch.setenv("PATH", str(tmp_path))
    return tmp_path


def test_a_machine_without_postgis_gets_the_line_to_type(bare_machine: Path) -> None:
    fake_programs(bare_machine, 17, None)
    with pytest.raises(postgres.PostgisMissing, match="Type: docker compose up --build"):
        postgres.chosen()
    (bare_machine / "dnf").touch(mode=0o755)
    with pytest.raises(postgres.PostgisMissing, match=r"Type: sudo dnf install postgresql-server .*postgis"):
        postgres.chosen()


@pytest.mark.parametrize(("major", "postgis"), [(14, "3.4.1"), (15, "3.2.9")])
def test_what_is_below_the_floor_is_named(bare_machine: Path, major: int, postgis: str) -> None:
    fake_programs(bare_machine, major, postgis)
    said = f"PostgreSQL 15 and PostGIS 3.3 or newer are needed; here are PostgreSQL {major} and PostGIS {postgis[:3]}."
    with pytest.raises(postgres.DatabaseTooOld, match=re.escape(said)):
        postgres.chosen()


def test_the_newest_good_server_is_chosen_and_the_one_that_made_a_folder_keeps_it(bare_machine: Path) -> None:
    for major, postgis in ((14, "3.4.0"), (15, "3.3.2"), (16, "3.4.2"), (18, None)):
        fake_programs(bare_machine, major, postgis)
    assert postgres.chosen().major == 16
    assert postgres.chosen(15).major == 15


def test_a_server_below_the_floor_is_refused_by_its_own_word(
    cluster: localdb.Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    with cluster.connect() as connection:
        localdb.check_versions(connection)
        for floor in ((99, (3, 3)), (15, (3, 99))):
            monkeypatch.setattr(postgres, "FLOOR", floor)
            with pytest.raises(postgres.DatabaseTooOld, match="are needed; here are PostgreSQL"):
                localdb.check_versions(connection)


def test_many_commands_at_once_start_one_cluster(folder: Path) -> None:
    with ExitStack() as all_of_them:
        holders = [started(HOLD, folder, "fast") for _ in range(6)]
        for holder in holders:
            all_of_them.callback(holder.communicate)
        assert len({line(holder) for holder in holders}) == 1
        assert localdb._postmaster(folder / "postgres") is not None
    assert localdb._postmaster(folder / "postgres") is None
