"""
What is compiled at installation: taken where it fits, done in Python where it cannot be compiled, and made anew by an
upgrade.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from daysalt.checks import machine
from ingest.compiled import advice, is_compiled
from warehouse.settings import load_settings

ROOT = Path(__file__).parents[2]
LIBRARIES = [path for path in (ROOT / "ingest").glob("*.so") if sysconfig.get_config_var("EXT_SUFFIX") in path.name]


def can_compile() -> bool:
    compiler = os.environ.get("CC") or sysconfig.get_config_var("CC") or "cc"
    return shutil.which(compiler.split()[0]) is not None and Path(sysconfig.get_path("include"), "Python.h").is_file()


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """
    A copy of the write side and of what builds it, with nothing compiled.
    """
    for name in ("setup.py", "pyproject.toml", "README.md", "LICENSE"):
        shutil.copy2(ROOT / name, tmp_path)
    shutil.copytree(ROOT / "ingest", tmp_path / "ingest", ignore=shutil.ignore_patterns("*.so", "*.c", "__pycache__"))
    return tmp_path


def run(tree: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """
    Run this Python in a copy, whose modules come before ours.
    """
    # Without `site` (-S): the finder of an editable installation would add our compiled code to the copy's package.
    environment["PYTHONPATH"] = os.pathsep.join((str(tree), str(ROOT), sysconfig.get_path("purelib")))
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("DAYSALT_")}
    return subprocess.run(
        [sys.executable, "-S", *arguments], cwd=tree, env=inherited | environment, capture_output=True, text=True
    )


def test_the_compiled_code_is_taken_where_it_can_be_made() -> None:
    """
    With a compiler and Python's headers no test run tries Python's way alone without a word.
    """
    if not can_compile():
        pytest.skip("no C compiler or no Python headers: only Python's way is tested here")

    assert "" == advice()
    assert is_compiled()


def test_an_installation_without_a_compiler_works(tree: Path) -> None:
    """
    A compiler that fails is no failed installation: the write side loads, and one line says what to install.
    """
    built = run(tree, "setup.py", "--quiet", "build_ext", "--inplace", CC="/bin/false")
    asked = run(tree, "-m", "ingest.compiled")
    loaded = run(tree, "-c", "import ingest.batch, ingest.lane; print(ingest.lane.__file__)")

    assert 0 == built.returncode, built.stderr
    assert [] == list((tree / "ingest").glob("*.so"))
    assert (1, 1) == (asked.returncode, len(asked.stderr.splitlines()))
    assert "apt-get install gcc python3-dev" in asked.stderr
    assert f"{tree / 'ingest' / 'lane.py'}\n" == loaded.stdout, loaded.stderr


def test_a_collector_says_once_that_it_goes_without(tree: Path) -> None:
    """
    The log of a start has the same sentence.
    """
    start = (
        "import sys; from daysalt import child, collector\n"
        "collector.run_collector = lambda *_, **__: 0\n"
        "sys.exit(child.main(['collector', 'collector-1', '3', '4']))"
    )
    started = run(tree, "-c", start, DAYSALT_DATA_DIR=str(tree / "data"))

    assert 0 == started.returncode, started.stderr
    assert 1 == (started.stdout + started.stderr).count("reading pageviews is not compiled")


def test_what_another_source_was_compiled_of_is_not_taken(tree: Path) -> None:
    """
    After an upgrade that could not compile, what was compiled before is left alone, whatever the files' times.
    """
    if not LIBRARIES:
        pytest.skip("nothing is compiled here")
    shutil.copy2(LIBRARIES[0], tree / "ingest")
    fits = run(tree, "-m", "ingest.compiled")
    source = tree / "ingest" / "plain_native.pyx"
    source.write_bytes(source.read_bytes() + b"# of another version\n")
    os.utime(source, (0, 0))
    asked = run(tree, "-m", "ingest.compiled")

    assert (0, "") == (fits.returncode, fits.stderr)
    assert 1 == asked.returncode
    assert "of another version" in asked.stderr


def test_the_doctor_advises(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    To go without is a note, never a fault.
    """
    settings = load_settings({"DAYSALT_DATA_DIR": str(tmp_path)})
    states: list[tuple[str, str]] = []
    for text in ("", "install a compiler"):
        monkeypatch.setattr(machine, "advice", lambda text=text: text)
        found = machine.check_compiled(settings)
        states.append((found.state, found.finding))

    assert [("well", "reading pageviews is compiled"), ("note", "install a compiler")] == states


@pytest.fixture
def installed(tmp_path: Path) -> Path:
    """
    A directory in which `make` finds everything installed.
    """
    if shutil.which("make") is None:
        pytest.skip("make is not installed")
    names = ("requirements.lock", "requirements-dev.lock", "pyproject.toml", "setup.py", "ingest/plain_native.pyx")
    for name in (*names, ".venv/bin/python", ".venv/.installed-run", ".venv/.installed-dev"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
        os.utime(path, (1000, 2000 if name.startswith(".venv/.") else 1000))
    shutil.copy2(ROOT / "Makefile", tmp_path)
    return tmp_path


def make(directory: Path, *arguments: str) -> str:
    """
    Run make and give what it printed. A make that runs these tests hands nothing down to it.
    """
    environment = {name: value for name, value in os.environ.items() if not name.startswith("MAKE")}
    return subprocess.run(
        ["make", *arguments], cwd=directory, env=environment, capture_output=True, text=True, check=True
    ).stdout


@pytest.mark.parametrize("target", ["run", "dev"])
@pytest.mark.parametrize("changed", ["ingest/plain_native.pyx", "setup.py"])
def test_an_upgrade_compiles_anew(installed: Path, target: str, changed: str) -> None:
    """
    What is installed is not compiled again; a source that came later is.
    """
    before = make(installed, "-n", target)
    os.utime(installed / changed, (3000, 3000))
    after = make(installed, "-n", target)

    assert "pip install" not in before
    assert "--no-build-isolation -e ." in after
    assert "-m ingest.compiled" in after


def test_clean_takes_what_was_compiled(installed: Path) -> None:
    """
    The source stays, what was made of it goes.
    """
    made = [
        installed / "ingest" / "plain_native.so",
        installed / "ingest" / "plain_native.c",
        installed / "build" / "x",
    ]
    for path in made:
        path.parent.mkdir(exist_ok=True)
        path.touch()
    make(installed, "clean")

    assert [] == [path for path in made if path.exists()]
    assert (installed / "ingest" / "plain_native.pyx").exists()


def test_the_image_is_compiled_apart() -> None:
    """
    A compiler is in one stage of the image and not in the last, and nothing compiled elsewhere comes in.
    """
    stages = re.split(r"^FROM ", (ROOT / "deploy" / "Dockerfile").read_text(encoding="utf-8"), flags=re.M)[1:]
    ignored = (ROOT / "deploy" / "Dockerfile.dockerignore").read_text(encoding="utf-8").splitlines()
    copied = {
        name for stage in stages for line in re.findall(r"^COPY (?!--)(.+) \S+$", stage, re.M) for name in line.split()
    }

    assert [False, True, False] == ["gcc" in stage for stage in stages]
    assert ["packages", "compiled", ""] == [stage.splitlines()[0].partition(" AS ")[2] for stage in stages]
    assert "setup.py" in copied
    assert set() == copied - {line.removeprefix("!") for line in ignored if line.startswith("!")}
    # The last line that fits decides.
    assert ignored.index("!ingest") < min(ignored.index("**/*.so"), ignored.index("ingest/*.c"))


PYTHON_ONLY = """
import sys
sys.modules["ingest.plain_native"] = None
from ingest.compiled import is_compiled
assert not is_compiled()
import pytest
sys.exit(pytest.main(sys.argv[1:]))
"""


@pytest.mark.parametrize(
    "file",
    [
        "test_doors.py",
        "test_plain_heads.py",
        "test_plain_pageviews.py",
        "test_check_lane.py",
        "spool/test_spool.py",
        "vault/test_sink.py",
    ],
)
def test_pythons_way_stands_the_same_tests(file: str) -> None:
    """
    Where nothing is compiled the doors, the short way and the spool do what they do here.
    """
    if not is_compiled():
        pytest.skip("nothing is compiled here: those tests are run as they stand")
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    # A short name of its own: the path of a socket within it has 107 bytes at most.
    with TemporaryDirectory() as place:
        done = subprocess.run(
            [sys.executable, "-c", PYTHON_ONLY, "-q", "-x", "-p", "no:cacheprovider", "-p", "no:xdist",
             f"--basetemp={place}/t", f"tests/ingest/{file}"],
            cwd=ROOT, env=inherited, capture_output=True, text=True,
        )  # fmt: skip

    assert 0 == done.returncode, done.stdout[-3000:] + done.stderr[-1000:]
    assert " passed" in done.stdout
