"""
`daysalt site script`.
"""

from __future__ import annotations

from typing import cast

import pytest

from tests.commands.conftest import Command


def test_tag_alone_on_stdout(command: Command) -> None:
    """
    A pipe gets the tag; what the script counts is said beside it.
    """

    command("site", "add", "site.test")
    facts = cast("dict[str, object]", command("site", "script", "site.test", "--json").facts())
    ran = command("site", "script", "www.site.test")

    assert (0, f"{facts['snippet']}\n") == (ran.code, ran.out)
    assert f'<script defer src="http://127.0.0.1:8000/js/pa-{facts["script_id"]}.js"></script>' == facts["snippet"]
    assert "counts: links to other sites, files, forms." in ran.err


def test_change_is_kept(command: Command) -> None:
    """
    What is named changes, the rest stays.
    """

    command("site", "add", "site.test")
    command("site", "script", "site.test", "--no-outbound-links", "--file-types", "iso, tar.xz", "--hash-routing")
    ran = command("site", "script", "site.test")

    assert "counts: files (iso, tar.xz), forms. Pages are told apart by what stands behind #." in ran.err


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("none.test",), "there is no site 'none.test': see `daysalt site list`"),
        (("site.test", "--file-types", "a/b"), "'a/b' is not a file's ending: use letters and digits, such as pdf"),
    ],
)
def test_refusal_is_one_sentence(command: Command, arguments: tuple[str, ...], sentence: str) -> None:
    """
    Nothing is printed on stdout, and the exit code is 1.
    """

    command("site", "add", "site.test")
    ran = command("site", "script", *arguments)

    assert (1, "") == (ran.code, ran.out)
    assert sentence in ran.err
