"""
How the tracker is served.
"""

from __future__ import annotations

import gzip
import itertools

import pytest

from ingest.tracker.scripts import ALWAYS, COMPAT, EVERYTHING, NAMES, script_answer, script_reply


@pytest.mark.parametrize("name", sorted(NAMES))
def test_every_embedded_name_gets_the_script(name: str) -> None:
    """
    Pages keep working whichever of the known names they embed.
    """

    assert script_answer("/js/script.js") == script_answer(f"/js/{name}.js")


@pytest.mark.parametrize(
    "path",
    [
        "/js/script.unknown.js",
        "/js/script.hash.hash.js",
        "/js/script..js",
        "/js/.js",
        "/js/other.js",
        "/js/pa-4d5c1jR8.js",
        "/js/script.js.map",
        "/js/script",
        "/js/Script.js",
        "/js/../js/script.js",
        "/js/script.HASH.js",
        "/js/" + "script." * 1000 + "js",
        "/script.js",
        "",
    ],
)
def test_unknown_name_has_no_script(path: str) -> None:
    """
    What is not a script of ours is not answered as one.
    """

    assert script_answer(path) is None
    assert script_reply(path).status == 404


@pytest.mark.parametrize("extension", sorted(EVERYTHING | ALWAYS | {COMPAT}))
def test_every_known_extension_is_served(extension: str) -> None:
    """
    Each extension that site owners embed gets a script, so that their pageviews count.
    """

    assert script_answer(f"/js/script.{extension}.js") is not None


@pytest.mark.parametrize("extensions", [("hash", "manual", "local"), ("outbound-links", "file-downloads", "hash")])
def test_extensions_may_come_in_any_order(extensions: tuple[str, ...]) -> None:
    """
    A variant is the set of its extensions.
    """

    names = [".".join(order) for order in itertools.permutations(extensions)]

    assert len({script_answer(f"/js/script.{name}.js") for name in names}) == 1


@pytest.mark.parametrize(
    ("extension", "option"),
    [
        ("hash", b"{hashBasedRouting:1}"),
        ("local", b"{captureOnLocalhost:1}"),
        ("manual", b"{autoCapturePageviews:!1}"),
        ("outbound-links", b"{outboundLinks:1}"),
        ("file-downloads", b"{fileDownloads:1}"),
        ("file-downloads.outbound-links", b"{fileDownloads:1,outboundLinks:1}"),
    ],
)
def test_variant_sets_its_option(extension: str, option: bytes) -> None:
    """
    A name asks for what a page would ask for, also when a proxy serves it under another name.
    """

    script = script_answer(f"/js/script.{extension}.js")

    assert script is not None
    assert script.body.count(option) == 1
    assert b"OPTIONS" not in script.body


@pytest.mark.parametrize("extension", sorted(EVERYTHING))
def test_only_pages_that_ask_for_more_load_more(extension: str) -> None:
    """
    A feature's variant is the full build, everything else the small one.
    """

    plain, full = script_answer("/js/script.pageleave.revenue.js"), script_answer(f"/js/script.{extension}.js")

    assert plain == script_answer("/js/script.js")
    assert plain is not None and full is not None
    assert len(plain.body) < len(full.body) / 2


@pytest.mark.parametrize("others", [(), ("hash",), ("outbound-links", "file-downloads"), tuple(sorted(EVERYTHING))])
def test_compat_goes_with_every_other_extension(others: tuple[str, ...]) -> None:
    """
    `compat` changes the syntax and the way out, not what the script does.
    """

    names = [".".join(order) for order in (("compat", *others), (*others, "compat"))]
    scripts = {script_answer(f"/js/{name}.{order}.js") for name in ("script", "plausible") for order in names}

    assert 1 == len(scripts)
    script = scripts.pop()
    assert script is not None and b"XMLHttpRequest" in script.body and b"OPTIONS" not in script.body
    assert (b"hashBasedRouting:1" in script.body) == ("hash" in others)


def test_answer_is_the_same_for_all() -> None:
    """
    The tag is of the content and there is no cookie: a cache cannot tell visitors apart by it.
    """

    first = script_reply("/js/script.js")
    second = script_reply("/js/plausible.js", if_none_match='W/"somebody"')

    assert first == second
    assert b"set-cookie" not in dict(first.headers)
    assert dict(first.headers)[b"cache-control"] == b"public, max-age=86400, must-revalidate"


def test_known_tag_is_answered_without_a_body() -> None:
    """
    A browser that has the script already is told so, whichever encoding it has.
    """

    tag = dict(script_reply("/js/script.js").headers)[b"etag"].decode()

    for known in (tag, tag.removeprefix("W/"), f'"other", {tag}', "*"):
        reply = script_reply("/js/script.js", if_none_match=known)
        assert (reply.status, reply.body) == (304, b"")


@pytest.mark.parametrize(
    ("accepted", "encoded"),
    [("gzip, deflate, br", True), ("GZIP;q=0.5", True), ("br", False), ("", False), ("gzip;q=0", False)],
)
def test_script_is_compressed_for_who_can_read_it(accepted: str, encoded: bool) -> None:
    """
    The gzipped body unpacks to the plain one, and only goes to who asked for it.
    """

    reply = script_reply("/js/script.js", accept_encoding=accepted)
    script = script_answer("/js/script.js")

    assert script is not None
    assert encoded == (b"content-encoding" in dict(reply.headers))
    assert script.body == (gzip.decompress(reply.body) if encoded else reply.body)
    assert str(len(reply.body)).encode() == dict(reply.headers)[b"content-length"]
