"""
The page of a site's tracking script.
"""

from __future__ import annotations

import re
from dataclasses import replace
from html import unescape

from dashboard.context import Context
from tests.pages.browsing import Browser, browser, signed_in

PATH = "/sites/site1.test/script"


def token(client: Browser) -> str:
    found = re.search(r'name="form_token" value="([^"]+)"', client.get(PATH).text)
    assert found
    return found[1]


def test_every_line_to_paste(context: Context) -> None:
    """
    The small script, the site's own with and without a start by the page, and the small one with its hash.
    """

    site = context.registry.sites.add("site1.test")
    script_id = context.registry.tracker_scripts.of(site.id).script_id
    html = unescape(signed_in(replace(context, script_integrity="sha384-abc")).get(PATH).text)

    assert '<script defer data-domain="site1.test" src="http://stats.test/js/script.js"></script>' in html
    assert f'<script defer src="http://stats.test/js/pa-{script_id}.js"></script>' in html
    assert f'<script async src="http://stats.test/js/pa-{script_id}.js"></script>\n<script>\n  window.plausible' in html
    assert 'script.js" integrity="sha384-abc" crossorigin="anonymous"></script>' in html
    assert "pages with the old hash are then not counted until you paste the new line" in html


def test_no_hash_where_none_is_known(context: Context) -> None:
    """
    A dashboard without the collector's files offers nothing to pin.
    """

    context.registry.sites.add("site1.test")

    assert "integrity=" not in unescape(signed_in(context).get(PATH).text)


def test_choice_is_kept(context: Context) -> None:
    """
    What is ticked is on, what is not is off, and the page says that it was saved.
    """

    site = context.registry.sites.add("site1.test")
    client = signed_in(context)
    sent = {"form_token": token(client), "file_downloads": "1", "file_types": "iso, .tar.xz", "hash_routing": "1"}
    answer = client.post(PATH, data=sent, headers={"origin": "http://stats.test"})
    script = context.registry.tracker_scripts.of(site.id)

    assert (303, f"{PATH}?saved=1") == (answer.status_code, answer.headers["location"])
    assert (False, True, ("iso", "tar.xz"), False, True) == (
        script.outbound_links, script.file_downloads, script.file_types, script.form_submissions, script.hash_routing,
    )  # fmt: skip
    assert "Saved." in client.get(PATH, params={"saved": "1"}).text


def test_bad_ending_is_said_and_changes_nothing(context: Context) -> None:
    """
    One sentence names the value, the field keeps it, and the script stays as it was.
    """

    site = context.registry.sites.add("site1.test")
    client = signed_in(context)
    before = context.registry.tracker_scripts.of(site.id)
    sent = {"form_token": token(client), "file_types": "pdf, <b>"}
    answer = client.post(PATH, data=sent, headers={"origin": "http://stats.test"})

    assert 400 == answer.status_code
    assert "'<b>' is not a file's ending" in unescape(answer.text)
    assert 'value="pdf, &lt;b&gt;"' in answer.text
    assert before == context.registry.tracker_scripts.of(site.id)


def test_page_is_for_signed_in_people(context: Context) -> None:
    """
    Others are sent to sign in, also for a site that does not exist; a form without a sign-in changes nothing.
    """

    site = context.registry.sites.add("site1.test")
    stranger = browser(context)
    before = context.registry.tracker_scripts.of(site.id)

    assert [303, 303] == [stranger.get(PATH).status_code, stranger.get("/sites/other.test/script").status_code]
    assert 403 == stranger.post(PATH, data={}, headers={"origin": "http://stats.test"}).status_code
    assert 404 == signed_in(context).get("/sites/other.test/script").status_code
    assert before == context.registry.tracker_scripts.of(site.id)
