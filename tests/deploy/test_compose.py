"""
Promises of the shipped shape for more traffic. No container is started here: what can be proved without one, is.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
COMPOSE = (ROOT / "docker-compose.yml").read_text(encoding="utf-8")


def compose_tool() -> list[str]:
    for tool in (["docker", "compose"], ["docker-compose"]):
        if shutil.which(tool[0]) and subprocess.run([*tool, "version"], capture_output=True).returncode == 0:
            return tool
    pytest.skip("neither docker compose nor docker-compose is installed, so the file cannot be checked with it")


def service(name: str) -> str:
    found = re.search(rf"^  {name}:\n((?:    .*\n|\n)+)", COMPOSE, re.MULTILINE)
    assert found is not None
    return found[1]


def test_the_file_is_valid() -> None:
    """
    `docker compose config` accepts the file as it is shipped, without any variable set.
    """
    environment = {name: value for name, value in os.environ.items() if not name.startswith("DAYSALT_")}
    done = subprocess.run([*compose_tool(), "config", "-q"], cwd=ROOT, env=environment, capture_output=True, text=True)

    assert (0, "") == (done.returncode, done.stderr)


def test_keys_are_in_one_container() -> None:
    """
    Only the collectors mount the volume with salts and keys.
    """
    assert ["collectors"] == [
        name for name in ("password", "clickhouse", "collectors", "store", "proxy") if "- keys:" in service(name)
    ]


def test_every_server_has_a_health_check() -> None:
    """
    What depends on another service waits until it is healthy, and each of them says when it is.
    """
    for name in ("clickhouse", "collectors", "store", "proxy"):
        assert "healthcheck:" in service(name)


def test_one_port_is_published() -> None:
    """
    Only the proxy is reachable from outside.
    """
    assert COMPOSE.count("ports:") == 1
    assert "ports:" in service("proxy")


def test_no_secret_and_no_moving_version() -> None:
    """
    The file holds no password, and every image names its version.
    """
    images = re.findall(r"image: (\S+)", COMPOSE)

    assert images
    assert all(":" in image and not image.endswith(":latest") for image in images)
    assert not re.search(r"(?i)password: *[^\s$]", COMPOSE)


def test_a_password_is_made_once(tmp_path: Path) -> None:
    """
    The first start makes 64 random hex digits; the second leaves them.
    """
    file = tmp_path / "clickhouse"
    made: list[str] = []
    for _ in range(2):
        subprocess.run(["sh", str(ROOT / "deploy/make-password"), str(file)], check=True)
        made.append(file.read_text())

    assert re.fullmatch(r"[0-9a-f]{64}", made[0])
    assert made[0] == made[1]


def test_the_store_gets_its_address_from_the_password_file(tmp_path: Path) -> None:
    """
    The password reaches the process in its environment, and nowhere else.
    """
    file = tmp_path / "clickhouse"
    file.write_text("abc123")
    done = subprocess.run(
        ["sh", str(ROOT / "deploy/with-warehouse"), "sh", "-c", 'echo "$DAYSALT_WAREHOUSE_URL"'],
        env={**os.environ, "WAREHOUSE_PASSWORD_FILE": str(file)},
        capture_output=True,
        text=True,
        check=True,
    )

    assert done.stdout.strip() == "clickhouse://daysalt:abc123@clickhouse:8123/daysalt"


@pytest.mark.parametrize("name", ["server.xml", "profile.xml"])
def test_the_engine_configuration_is_well_formed(name: str) -> None:
    """
    The configuration parses, and its root is what ClickHouse merges.
    """
    assert ElementTree.parse(ROOT / "deploy/clickhouse" / name).getroot().tag == "clickhouse"


def test_the_engine_keeps_no_log_of_questions() -> None:
    """
    Each table in which ClickHouse logs what was asked is switched off.
    """
    root = ElementTree.parse(ROOT / "deploy/clickhouse/server.xml").getroot()
    removed = {child.tag for child in root if child.get("remove")}

    assert {
        "query_log",
        "query_thread_log",
        "query_views_log",
        "text_log",
        "trace_log",
        "part_log",
        "session_log",
    } <= removed


def test_the_merge_settings_fit_the_small_pool() -> None:
    """
    The free entries that merges ask for stay below the pool (times its ratio of 2), or the server would not start.
    """
    root = ElementTree.parse(ROOT / "deploy/clickhouse/server.xml").getroot()
    pool = int(root.findtext("background_pool_size", "16")) * 2

    assert all(int(child.text or "0") < pool for child in root.find("merge_tree") or ())
