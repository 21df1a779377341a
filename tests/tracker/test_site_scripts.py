"""
The scripts of single sites.
"""

from __future__ import annotations

from dataclasses import replace

import pytest

from ingest.tracker.scripts import script_reply
from ingest.tracker.site_scripts import SiteScripts, site_options
from warehouse.registry.tracker_scripts import TrackerScript

SITE = TrackerScript(
    site_id=7,
    domain="site.test",
    script_id="9f3c2a",
    outbound_links=True,
    file_downloads=True,
    file_types=(),
    form_submissions=False,
    hash_routing=False,
)


def held(*sites: TrackerScript) -> SiteScripts:
    scripts = SiteScripts()
    scripts.install(sites)
    return scripts


def test_script_carries_its_sites_settings() -> None:
    """
    The site's name and what is on are in the file; what is off is not.
    """

    reply = script_reply("/js/pa-9f3c2a.js", own=held(SITE).find)

    assert reply.status == 200
    assert reply.body.count(b'{"data-domain":"site.test",own:1,outboundLinks:1,fileDownloads:1}') == 1


@pytest.mark.parametrize(
    "path", ["/js/pa-7.js", "/js/pa-9f3c2a", "/js/pa-.js", "/js/pa-9F3C2A.js", "/js/pa-9f3c2a.js/"]
)
def test_only_the_id_finds_it(path: str) -> None:
    """
    The site's number or half an id finds nothing.
    """

    assert script_reply(path, own=held(SITE).find).status == 404
    assert script_reply("/js/pa-9f3c2a.js").status == 404


def test_answer_is_the_same_for_all_until_a_setting_changes() -> None:
    """
    One tag for everybody, kept an hour; another setting is another file with another tag.
    """

    scripts = held(SITE)
    first = dict(script_reply("/js/pa-9f3c2a.js", own=scripts.find).headers)
    second = script_reply("/js/pa-9f3c2a.js", own=scripts.find, if_none_match=first[b"etag"].decode())
    scripts.install([replace(SITE, hash_routing=True)])
    third = script_reply("/js/pa-9f3c2a.js", own=scripts.find, if_none_match=first[b"etag"].decode())

    assert first[b"cache-control"] == b"public, max-age=3600, must-revalidate"
    assert (second.status, third.status) == (304, 200)
    assert b"hashBasedRouting:1" in third.body


def test_site_without_a_script_any_more() -> None:
    """
    A removed site's script is gone.
    """

    scripts = held(SITE)
    scripts.install([])

    assert script_reply("/js/pa-9f3c2a.js", own=scripts.find).status == 404


def test_settings_are_the_options_of_init() -> None:
    """
    Each setting has the name the reference gave it.
    """

    site = replace(SITE, file_types=("iso", "xz"), form_submissions=True, hash_routing=True)

    assert site_options(site) == {
        "data-domain": "site.test", "own": 1, "outboundLinks": 1,
        "fileDownloads": {"fileExtensions": ["iso", "xz"]}, "formSubmissions": 1, "hashBasedRouting": 1,
    }  # fmt: skip
    assert site_options(replace(site, file_downloads=False)).get("fileDownloads") is None


def test_odd_domain_breaks_no_script() -> None:
    """
    Letters beyond ASCII are escaped, so that the file is the same in any encoding.
    """

    reply = script_reply("/js/pa-9f3c2a.js", own=held(replace(SITE, domain="bücher.example/å")).find)

    assert b'"data-domain":"b\\u00fccher.example/\\u00e5"' in reply.body
    assert reply.body.isascii()
