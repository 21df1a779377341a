"""
`site`, `user` and `key`, and the exit codes of every command.
"""

from __future__ import annotations

import re
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from daysalt.commands import site as site_module
from tests.commands.conftest import Command
from warehouse.clock import SystemClock
from warehouse.registry.database import Registry


def _registry(tmp_path: Path) -> Registry:
    return Registry(f"sqlite:///{tmp_path / 'data' / 'registry.sqlite'}", SystemClock())


def test_site_add_prints_the_snippet_alone_on_stdout(command: Command) -> None:
    """A pipe gets the script tag and nothing else."""
    ran = command("site", "add", "https://www.Example.com/")

    tag = '<script defer data-domain="example.com" src="http://127.0.0.1:8000/js/script.js"></script>\n'
    assert (0, tag) == (ran.code, ran.out)
    assert "Added example.com." in ran.err


def test_snippet_and_links_follow_the_base_url(command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    """Behind a proxy with a base path, what is printed works from outside."""
    monkeypatch.setenv("DAYSALT_BASE_URL", "https://example.com/stats/")

    assert 'src="https://example.com/stats/js/script.js"' in command("site", "add", "a.example").out
    assert command("user", "setup").out.startswith("https://example.com/stats/setup?token=")


def test_sites_are_listed_renamed_and_removed(command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each step is seen by the next command."""
    asked: list[int] = []

    def forget(settings: object, site_id: int) -> int:
        asked.append(site_id)
        return 3

    monkeypatch.setattr(site_module, "_forget", forget)  # this process's one embedded store belongs to other tests
    command("site", "add", "a.example", "--timezone", "Europe/Stockholm", "--k", "9", "--preset", "cnil")
    assert "b.example" in command("site", "rename", "a.example", "b.example").out
    listed = command("site", "list")
    assert "b.example\tEurope/Stockholm\t9\toff\toff\toff\tcount\tcnil" in listed.out
    assert "Removed b.example and 3 rows of it.\n" == command("site", "remove", "b.example", "--yes").out

    assert [1] == asked
    assert [] == command("site", "list", "--json").facts()


def test_people_get_links_that_work(command: Command, tmp_path: Path) -> None:
    """The printed token is the one the set-up page takes."""
    first = command("user", "setup").out.strip().partition("?token=")[2]
    invited = command("user", "add", "anna@example.com", "--role", "viewer").out.strip().partition("?token=")[2]
    renewed = command("user", "reset-password", "anna@example.com").out.strip().partition("?token=")[2]
    registry = _registry(tmp_path)
    try:
        assert registry.users.is_first_token(first)
        assert registry.users.token_user(invited) is None
        assert "viewer" == registry.users.accept(renewed, "correct horse").role
    finally:
        registry.close()
    token_file = tmp_path / "data" / "setup-token"
    assert (first, 0o600) == (token_file.read_text().strip(), stat.S_IMODE(token_file.stat().st_mode))
    refused = command("user", "setup")
    assert (1, "") == (refused.code, refused.out)
    assert "somebody has a password already" in refused.err
    assert "anna@example.com\tviewer" in command("user", "list").out
    assert "Removed anna@example.com.\n" == command("user", "remove", "anna@example.com").out


def test_keys_are_shown_once(command: Command, tmp_path: Path) -> None:
    """The printed key is good until it is revoked, and the list does not repeat it."""
    command("site", "add", "a.example")
    plain = command("key", "add", "--scope", "stats", "--site", "a.example").out.strip()
    key_id = plain.split("_")[1]
    listed = command("key", "list")
    assert f"{key_id}\tstats\ta.example" in listed.out
    assert plain.split("_", 2)[2] not in listed.out
    assert 0 == command("key", "revoke", key_id).code
    registry = _registry(tmp_path)
    found = registry.keys.find(plain)
    registry.close()

    assert found is None
    assert "revoked" in command("key", "list").out


@pytest.mark.parametrize(
    ("arguments", "code", "sentence"),
    [
        (["site", "add", "two words"], 1, "'two words' cannot be a site: give a domain such as example.com"),
        (["site", "add", "a.example", "--timezone", "Mars"], 1, "'Mars' is not a time zone"),
        (["site", "add", "a.example", "--k", "0"], 1, "k is 0, but must be a whole number from 1 to 100"),
        (["site", "add", "a.example", "--k", "x"], 2, "see `daysalt site add --help`"),
        (["site", "add"], 2, "Missing argument 'DOMAIN'"),
        (["site", "remove", "a.example", "--yes"], 1, "there is no site 'a.example': see `daysalt site list`"),
        (["user", "add", "anna"], 1, "'anna' is not an e-mail address"),
        (["user", "remove", "anna@example.com"], 1, "nobody has the e-mail address 'anna@example.com'"),
        (["key", "add", "--scope", "x"], 1, "'x' is not a scope: use one of all, ingest"),
        (["key", "add"], 2, "Missing option '--scope'"),
        (["key", "revoke", "x"], 1, "there is no key with this id"),
        (["nonsense"], 2, "No such command 'nonsense'; see `daysalt --help`"),
        (["site", "nonsense"], 2, "No such command 'nonsense'; see `daysalt site --help`"),
        (["settings", "--nonsense"], 2, "see `daysalt settings --help`"),
        (["serve", "--port", "99999"], 2, "DAYSALT_PORT is '99999', but must be a whole number from 1 to 65535"),
        (["serve", "--workers", "many"], 2, "DAYSALT_WORKERS is 'many'"),
        (["restore", "nowhere.tar.gz"], 1, "there is no file nowhere.tar.gz"),
    ],
)
def test_failures_are_one_sentence_and_a_code(command: Command, arguments: list[str], code: int, sentence: str) -> None:
    """1 is a failure, 2 a wrong line or setting; stdout stays empty and no traceback shows."""
    ran = command(*arguments)

    assert (code, "") == (ran.code, ran.out)
    assert sentence in ran.err
    assert ran.err.startswith("daysalt: ")
    assert 1 == ran.err.count("\n")


@pytest.mark.parametrize(
    ("name", "value", "sentence"),
    [
        ("DAYSALT_COLOUR", "red", "DAYSALT_COLOUR is not a setting of Daysalt"),
        ("DAYSALT_REGISTRY_URL", "mysql://me:hunter2@host/x", "DAYSALT_REGISTRY_URL begins with 'mysql'"),
    ],
)
def test_wrong_settings_stop_a_command(
    command: Command, monkeypatch: pytest.MonkeyPatch, name: str, value: str, sentence: str
) -> None:
    """The setting is named, its secret is not."""
    monkeypatch.setenv(name, value)
    ran = command("site", "list")

    assert 2 == ran.code
    assert sentence in ran.err
    assert "hunter2" not in ran.err


def test_a_data_directory_that_is_a_file_is_named(command: Command, tmp_path: Path) -> None:
    """The sentence says which path and which setting."""
    (tmp_path / "data").write_text("")
    ran = command("site", "list")

    assert 1 == ran.code
    assert re.search(r"the data directory \S+/data is not a directory: .* set DAYSALT_DATA_DIR", ran.err)


@pytest.mark.parametrize(("arguments", "listed"), [([], "doctor"), (["site"], "rename")])
def test_no_command_at_all_prints_the_help(command: Command, arguments: list[str], listed: str) -> None:
    """Somebody lost gets the list of commands, and a script gets code 2."""
    ran = command(*arguments)

    assert (2, "") == (ran.code, ran.err)
    assert listed in ran.out


@pytest.mark.server
def test_the_installed_program_leaves_with_its_code(tmp_path: Path) -> None:
    """The real process says the sentence on stderr and leaves with the code."""
    program = Path(sys.executable).with_name("daysalt")
    environment = {"PATH": "/usr/bin:/bin", "DAYSALT_DATA_DIR": str(tmp_path / "data")}
    ran = subprocess.run(
        [program, "site", "remove", "a.example", "--yes"], env=environment, cwd=tmp_path, capture_output=True, text=True
    )

    assert (1, "") == (ran.returncode, ran.stdout)
    assert "daysalt: there is no site 'a.example': see `daysalt site list`\n" == ran.stderr
