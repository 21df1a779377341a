"""
The documentation tells what the code does: settings, drop reasons, metrics, dependencies, links and make targets.
"""

from __future__ import annotations

import re
import struct
import tomllib
from pathlib import Path

import pytest

from dashboard.pages.drop_reasons import REASONS
from dashboard.vendor import HTMX, UPLOT, WORLD_ATLAS
from daysalt.figures import COUNTERS, DROPPED, GAUGES, SCRUBBED
from ingest.hit import DropReason
from warehouse.settings import SETTINGS

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
PAGES = ("architecture.md", "commands.md", "data-model.md", "decisions.md", "operations.md", "privacy.md", "risk.md")
WRITTEN = [
    ROOT / "README.md",
    ROOT / "CHANGELOG.md",
    ROOT / "loadtests" / "README.md",
    *(DOCS / page for page in PAGES),
]
PICTURE_BYTES_MAX = 400 * 1024


def table(page: Path, *header: str) -> list[list[str]]:
    """
    Read the rows of the one table that begins with these column names.
    """
    lines = page.read_text(encoding="utf-8").splitlines()
    start = lines.index("| " + " | ".join(header) + " |")
    rows: list[list[str]] = []
    for line in lines[start + 2 :]:
        if not line.startswith("|"):
            break
        rows.append([cell.strip() for cell in line.strip("|").split(" | ")])
    return rows


def test_the_six_pages() -> None:
    """
    There are five short pages, no more.
    """
    assert set(PAGES) == {path.name for path in DOCS.glob("*.md")}


def test_settings_table() -> None:
    """
    Every setting is documented with the default, unit and meaning that the program has.
    """
    expected = [
        [
            f"`{setting.name}`",
            f"`{setting.default}`" if setting.default else "empty",
            setting.unit or setting.kind,
            setting.meaning,
        ]
        for setting in SETTINGS
    ]

    assert expected == table(DOCS / "operations.md", "name", "default", "unit", "meaning")


def test_drop_reasons() -> None:
    """
    Every drop reason has its row and its sentence for the owner, and none is documented that does not exist.
    """
    reasons = [reason.value for reason in DropReason]

    assert reasons == [row[0].strip("`") for row in table(DOCS / "operations.md", "reason", "meaning")]
    assert set(reasons) == set(REASONS)


def test_metrics() -> None:
    """
    Every metric has its row, under the name it has on `/metrics`.
    """
    rows = table(DOCS / "operations.md", "metric", "kind", "meaning")

    assert [*(f"{name}_total" for name in COUNTERS), f"{DROPPED}_total", f"{SCRUBBED}_total", *GAUGES] == [
        row[0].strip("`") for row in rows
    ]
    labelled = ("Hits not counted, by reason.", "Personal data replaced before writing, by kind.")
    assert [*COUNTERS.values(), *labelled, *GAUGES.values()] == [row[2] for row in rows]


def test_dependencies() -> None:
    """
    Every dependency says its licence and what it was chosen over; none is listed that is not there.
    """
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    named = [re.split(r"[\[=]", pin)[0] for pin in project["dependencies"]]
    rows = table(DOCS / "decisions.md", "package", "licence", "for", "chosen over")
    page = (DOCS / "decisions.md").read_text(encoding="utf-8")

    assert sorted(named) == sorted(row[0] for row in rows)
    assert [] == [row for row in rows if not all(row)]
    assert [] == [pin for pin in project["optional-dependencies"]["dev"] if re.split(r"[\[=]", pin)[0] not in page]


def test_vendored_parts() -> None:
    """
    The versions of the vendored browser parts are those that the script fetches.
    """
    rows = table(DOCS / "decisions.md", "part", "version", "licence", "for")

    assert [UPLOT.version, HTMX.version, WORLD_ATLAS.version] == [row[1] for row in rows]


@pytest.mark.parametrize("page", WRITTEN, ids=lambda path: str(path.relative_to(ROOT)))
def test_links_resolve(page: Path) -> None:
    """
    Every link to a file of the repository leads to one, and every link to a heading to that heading.
    """
    broken: list[str] = []
    for target in re.findall(r"\]\(([^)\s]+)\)", page.read_text(encoding="utf-8")):
        if re.match(r"[a-z]+:", target):
            continue
        name, _, heading = target.partition("#")
        path = (page.parent / name).resolve() if name else page
        if not path.exists() or (heading and heading not in headings(path)):
            broken.append(target)

    assert [] == broken


def headings(page: Path) -> set[str]:
    lines = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), re.M)
    return {re.sub(r"[^\w\- ]", "", line.lower()).replace(" ", "-") for line in lines}


@pytest.mark.parametrize("page", WRITTEN, ids=lambda path: str(path.relative_to(ROOT)))
def test_named_files_exist(page: Path) -> None:
    """
    A path of the repository named in the text is there.
    """
    text = page.read_text(encoding="utf-8")
    named = set(re.findall(r"`((?:ingest|warehouse|dashboard|daysalt|tests|loadtests|deploy|docs)/[\w./-]+)`", text))

    assert [] == sorted(name for name in named if not (ROOT / name).exists())


def test_make_targets_exist() -> None:
    """
    Every make target that a text names is in the Makefile.
    """
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.M))
    named = {name for page in WRITTEN for name in re.findall(r"\bmake ([a-z]+)\b", code(page))}

    assert {"run", "test", "demo", "bench"} <= named
    assert set() == named - targets


def code(page: Path) -> str:
    """
    Give what stands as code in a page.
    """
    text = page.read_text(encoding="utf-8")
    return "\n".join(re.findall(r"```.*?```|`[^`\n]+`", text, re.S))


def test_readme_names_every_page() -> None:
    """
    The README leads to each page of the documentation, to the licence and to a picture of bearable size.
    """
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    pictures = re.findall(r"!\[[^\]]+\]\(([^)]+)\)", readme)

    assert [] == [page for page in PAGES if f"(docs/{page})" not in readme]
    assert "(LICENSE)" in readme
    assert pictures
    for picture in pictures:
        content = (ROOT / picture).read_bytes()
        assert len(content) <= PICTURE_BYTES_MAX
        assert b"\x89PNG" == content[:4]
        width, height = struct.unpack(">II", content[16:24])
        assert width >= 1000
        assert height >= 600


def test_readme_figures_stand_in_the_measurements() -> None:
    """
    Every measured figure of the README is one of `loadtests/README.md`.
    """
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    measured = (ROOT / "loadtests" / "README.md").read_text(encoding="utf-8")
    section = readme.partition("## Measured\n")[2].partition("\n## ")[0]
    figures = re.findall(r"\d[\d,]*(?:\.\d+)?", section)

    assert figures
    assert [] == [figure for figure in figures if figure not in measured]


def test_version_is_in_the_changelog() -> None:
    """
    The version of the package has its section in the changelog.
    """
    version = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]

    assert re.search(
        rf"^## \[{re.escape(version)}\] - \d{{4}}-\d\d-\d\d$", (ROOT / "CHANGELOG.md").read_text("utf-8"), re.M
    )


@pytest.mark.parametrize("page", ["architecture.md", "data-model.md", "decisions.md", "operations.md"])
def test_pages_are_whole(page: str) -> None:
    """
    Each page begins with its title and has no unfinished place.
    """
    text = (DOCS / page).read_text(encoding="utf-8")

    assert text.startswith("# ")
    assert [] == re.findall(r"@[A-Z]+@|\b(?:TODO|TBD|FIXME)\b", text)


def test_licence_is_the_whole_text() -> None:
    """
    The licence is Apache-2.0 in full, from its title to the end of its terms.
    """
    text = (ROOT / "LICENSE").read_text(encoding="utf-8")

    assert "Version 2.0, January 2004" in text
    assert "END OF TERMS AND CONDITIONS" in text
