"""
Guards of the house: who may import whom, how modules are named and how long they are, and what no file may hold.
"""

from __future__ import annotations

import ast
import re
import shutil
import subprocess
from collections.abc import Iterable
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGES = ("ingest", "dashboard", "warehouse", "daysalt")
LINES_MAX = 350
"""The habit is 50 to 300; the rest is room for a docstring that explains itself."""
BANNED_NAMES = frozenset({"utils", "util", "common", "helpers", "helper", "manager", "base", "misc", "info", "data"})
BRIDGE_ONLY = ("warehouse.client", "ingest.drain", "ingest.flush", "clickhouse_connect", "chdb")
"""What a collector must not load: a dead or slow warehouse would then be able to stop collecting."""


def module_files() -> dict[str, Path]:
    """
    Map every module of our packages, by dotted name, to its file.
    """
    found: dict[str, Path] = {}
    for package in PACKAGES:
        for path in sorted((ROOT / package).rglob("*.py")):
            parts = path.relative_to(ROOT).with_suffix("").parts
            found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


MODULES = module_files()


@cache
def imports_of(module: str, *, at_runtime: bool = False) -> frozenset[str]:
    """
    List what a module imports, as dotted names.

    Args:
        at_runtime: leave out what stands under `if TYPE_CHECKING:`.
    """
    path = MODULES[module]
    found: set[str] = set()
    for node in walk(ast.parse(path.read_text(encoding="utf-8")), at_runtime=at_runtime):
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{module} imports relatively; write the whole name"
            assert node.module is not None
            found.add(node.module)
            # `from package import module` names a module too.
            found.update(f"{node.module}.{alias.name}" for alias in node.names)
    return frozenset(found)


def walk(tree: ast.AST, *, at_runtime: bool) -> Iterable[ast.AST]:
    for node in ast.iter_child_nodes(tree):
        if at_runtime and isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test):
            continue
        yield node
        yield from walk(node, at_runtime=at_runtime)


def reached_from(start: str) -> dict[str, str]:
    """
    Follow imports from a module through our packages; names of others end there.

    Returns:
        Everything reached, each with the module that imports it.
    """
    reached: dict[str, str] = {start: ""}
    waiting = [start]
    while waiting:
        module = waiting.pop()
        for name in imports_of(module, at_runtime=True):
            if name not in reached:
                reached[name] = module
                if name in MODULES:
                    waiting.append(name)
    return reached


def within(name: str, packages: Iterable[str]) -> bool:
    return any(name == package or name.startswith(package + ".") for package in packages)


@pytest.mark.parametrize(
    ("package", "forbidden"),
    [
        ("warehouse", ("ingest", "dashboard", "daysalt")),
        ("dashboard", ("ingest", "daysalt")),
        ("ingest", ("dashboard", "daysalt")),
    ],
)
def test_import_directions(package: str, forbidden: tuple[str, ...]) -> None:
    """
    Imports run one way: both sides know the warehouse, the sides do not know each other, nobody knows the root.
    """
    broken = [
        f"{module} imports {name}"
        for module in MODULES
        if within(module, (package,))
        for name in imports_of(module)
        if within(name, forbidden)
    ]

    assert [] == broken


@pytest.mark.parametrize("start", ["ingest.door", "ingest.collect", "ingest.hand_over", "daysalt.collector"])
def test_collectors_reach_no_warehouse(start: str) -> None:
    """
    A collector loads neither the warehouse client nor the drain, over however many modules.
    """
    reached = reached_from(start)

    assert [] == [f"{name}, by {reached[name]}" for name in reached if within(name, BRIDGE_ONLY)]


@pytest.mark.parametrize("start", ["dashboard.app", "dashboard.context"])
def test_dashboard_reaches_no_secret(start: str) -> None:
    """
    The read side loads nothing of the write side, over however many modules: it cannot reach salts or addresses.
    """
    reached = reached_from(start)

    assert [] == [f"{name}, by {reached[name]}" for name in reached if within(name, ("ingest", "daysalt"))]


def test_reaching_finds_a_known_chain() -> None:
    """
    The search above is not blind: it finds the drain behind the store.
    """
    reached = reached_from("daysalt.store")

    assert {"ingest.drain", "ingest.flush", "warehouse.client", "clickhouse_connect"} <= set(reached)


def test_module_names_are_nouns_of_the_field() -> None:
    """
    No module or folder has a name that could hold anything.
    """
    named = {part for path in MODULES.values() for part in path.relative_to(ROOT).with_suffix("").parts}

    assert set() == named & BANNED_NAMES


def test_modules_are_short() -> None:
    """
    No module is longer than a reader's patience.
    """
    lengths = {name: len(path.read_text(encoding="utf-8").splitlines()) for name, path in MODULES.items()}

    assert {} == {name: lines for name, lines in lengths.items() if lines > LINES_MAX}


def test_modules_say_what_they_are_for() -> None:
    """
    Every module begins with a docstring.
    """
    missing = [name for name, path in MODULES.items() if not ast.get_docstring(ast.parse(path.read_text("utf-8")))]

    assert [] == missing


def test_packages_hold_a_docstring_only() -> None:
    """
    No `__init__.py` is a maze of names from elsewhere.
    """
    full = [
        name
        for name, path in MODULES.items()
        if path.name == "__init__.py" and len(ast.parse(path.read_text(encoding="utf-8")).body) != 1
    ]

    assert [] == full


def repository_files() -> list[Path]:
    """
    List what git keeps or would keep, without pictures and vendored scripts.
    """
    if shutil.which("git") is None:
        pytest.skip("git is not installed")
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    if listed.returncode != 0:
        pytest.skip("not a git checkout")
    paths = [ROOT / name for name in listed.stdout.split("\0") if name]
    return [path for path in paths if path.is_file() and path.suffix not in (".png", ".mmdb", ".ico")]


def forbidden_patterns() -> dict[str, re.Pattern[str]]:
    """
    What must stay on the machine it comes from. Written in pieces, so that this file does not find itself.
    """
    return {
        "a path of a work directory": re.compile(r"(?<![\w.])/" + r"(work|workspace|home/\w+|Users/\w+)/[\w.]"),
        "the address of a package index": re.compile("/" + r"simple(/|\b(?=[\"'\s]|$))"),
        "an address in an npm lock": re.compile('"resolved"' + r':\s*"http'),
        "an index option": re.compile("--" + r"(extra-)?index-url[ =]\S*:" + "//"),
    }


def test_files_know_no_machine() -> None:
    """
    No file names a work directory or a package index of the machine it was made on.
    """
    patterns = forbidden_patterns()
    found: list[str] = []
    for path in repository_files():
        text = path.read_text(encoding="utf-8", errors="replace")
        found.extend(
            f"{path.relative_to(ROOT)} holds {what}: {match[0]!r}"
            for what, pattern in patterns.items()
            if (match := pattern.search(text))
        )

    assert [] == found


@pytest.mark.parametrize("name", ["requirements.lock", "requirements-dev.lock"])
def test_lock_files_have_hashes_and_no_addresses(name: str) -> None:
    """
    Every package of a lock file is pinned with hashes, and the file does not say where to fetch it.
    """
    text = (ROOT / name).read_text(encoding="utf-8")
    entries = re.findall(r"^([a-z0-9][\w.\-\[\],]*)==\S+ \\\n((?:    --hash=sha256:[0-9a-f]{64}.*\n?)+)", text, re.M)
    starts = re.findall(r"^[A-Za-z0-9].*$", text, re.M)

    assert len(starts) == len(entries) > 0
    assert [] == re.findall(r"^\s*-(?!-hash=).*|https?:\S+", text, re.M)


def test_locks_name_what_the_project_names() -> None:
    """
    What pyproject.toml pins is what the lock file holds.
    """
    import tomllib

    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    locked = set(re.findall(r"^([A-Za-z0-9][\w.\-]*==\S+)", (ROOT / "requirements.lock").read_text("utf-8"), re.M))

    assert set() == {re.sub(r"\[.*\]", "", pin) for pin in project["dependencies"]} - locked
