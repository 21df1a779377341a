"""
The public privacy pages: made from the register and the settings, in both languages, and claiming no more than is true.
"""

from __future__ import annotations

import base64
import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import pytest

from dashboard.context import Context
from ingest.retention.chain import ProofChain
from tests.pages.browsing import browser
from warehouse.privacy.proofs import DAY, KEYS, PROOFS_DIR, parse_chain, verify_chain
from warehouse.privacy.register import OPERATOR_FILE

HTML = {"Accept": "text/html"}
OVERCLAIMS = re.compile(
    r"anonym|no consent|consent[- ]free|no personal data|GDPR does not|inget samtycke|inga personuppgifter|"
    r"Datainspektionen",
    re.IGNORECASE,
)


CLAIMS = re.compile(OVERCLAIMS.pattern.replace("anonym", "anonym(?!ous_vpn)") + "|without consent|utan samtycke", re.I)
ROOT = Path(__file__).parents[2]


def test_no_text_claims_too_much() -> None:
    """
    No page of ours, in no language, says of this that it is anonymous or needs nobody's agreement.
    """
    texts = [ROOT / "README.md", ROOT / "docs" / "privacy.md", *(ROOT / "dashboard" / "templates").rglob("*.html")]
    texts += [*(ROOT / "dashboard" / "translations").rglob("*.po"), *(ROOT / "warehouse" / "privacy").glob("*.toml")]
    found = {path.name: CLAIMS.findall(path.read_text(encoding="utf-8")) for path in texts}

    assert {} == {name: words for name, words in found.items() if words}
    assert CLAIMS.search("Statistics without consent, and anonymous"), "the control"


def policy(context: Context, domain: str = "site1.test") -> dict[str, Any]:
    answer = browser(context).get(f"/privacy/{domain}/policy.json")
    assert 200 == answer.status_code
    return cast("dict[str, Any]", answer.json())


def with_chain(context: Context, days: int = 2) -> ProofChain:
    chain = ProofChain(context.settings.data_dir / PROOFS_DIR, context.clock)
    now = context.clock.now_ms()
    chain.append(
        KEYS,
        {
            "purpose": "salt",
            "day": "2026-11-21",
            "keys": [
                {"check": "aa", "created_ms": now, "destroyed_ms": now, "scope": zone}
                for zone in ("Europe/Stockholm", "Etc/UTC")
            ],
        },
    )
    for number in range(days):
        day = 20_000 + number
        chain.append(
            DAY,
            {
                "day": f"2024-10-{4 + number:02}",
                "due_ms": (day + 45) * 86_400_000,
                "retention_days": 45,
                "destroyed_ms": (day + 45) * 86_400_000,
                "keys": [],
                "rows_dropped": 7,
                "canary": {"keys": 1, "before": "found", "after": "dead"},
                "scan": {"rows_left": 0, "parts_left": 0, "files": 0, "hits": 0, "keys_tried": 0},
            },
        )
    return chain


@pytest.mark.parametrize("language", ["en", "sv"])
@pytest.mark.parametrize("vault", [True, False])
def test_the_policy_follows_the_settings(context: Context, language: str, vault: bool) -> None:
    """
    The page names every purpose in force and the days an address is kept, in the reader's language; no cookie is set.
    """
    context.registry.sites.add("site1.test")
    context.registry.sites.change("site1.test", vault=vault)
    answer = browser(context, language=language).get("/privacy/site1.test")

    assert (200, language) == (answer.status_code, answer.headers["content-language"])
    assert "set-cookie" not in answer.headers
    assert vault == ('id="visitor-fraud"' in answer.text)
    assert vault == ("45 days" in answer.text or "45 dagar" in answer.text)
    assert 'id="visitor-statistics"' in answer.text
    assert ("Dina rättigheter" if language == "sv" else "Your rights") in answer.text
    assert None is OVERCLAIMS.search(answer.text)


def test_the_policy_as_json(context: Context) -> None:
    """
    Programs read the same: periods, bases, settings, controller and links.
    """
    context.registry.sites.add("site1.test", timezone="Europe/Stockholm")
    context.registry.sites.change("site1.test", risk=False)
    (context.settings.data_dir / "privacy.toml").write_text(
        '[controller]\nname = "Example AB"\nemail = "privacy@site1.test"\n'
        '[site."site1.test".controller]\nphone = "08-000 00 00"\n'
    )
    facts = policy(context)

    rows = {row["id"]: row for row in facts["processing"]}
    assert "visitor-risk" not in rows
    assert ("P45D", "art. 6(1)(f) GDPR") == (rows["visitor-fraud"]["period"], rows["visitor-fraud"]["legal_basis"])
    assert "P25M" == rows["visitor-statistics"]["period"]
    assert {"name": "Example AB", "email": "privacy@site1.test", "phone": "08-000 00 00"} == facts["controller"]
    assert (True, False, 45) == tuple(facts["settings"][name] for name in ("vault", "risk", "ip_retention_days"))
    assert (False, 0) == (facts["automated_decisions"], facts["visitor_storage"]["cookies"])
    assert "Integritetsskyddsmyndigheten (IMY)" in [row["name"] for row in facts["authorities"]]


def test_without_a_period_there_is_no_vault(context: Context) -> None:
    """
    With `DAYSALT_IP_RETENTION_DAYS=0` no site keeps addresses, and its policy does not say that it does.
    """
    context.registry.sites.add("site1.test")
    context = replace(context, settings=replace(context.settings, ip_retention_days=0, event_retention_months=0))
    facts = policy(context)

    rows = {row["id"]: row for row in facts["processing"]}
    assert ("visitor-fraud" in rows, facts["settings"]["vault"]) == (False, False)
    assert "unlimited" == rows["visitor-statistics"]["period"]


@pytest.mark.parametrize("path", ["", "/policy.json", "/retention-proof"])
def test_an_unknown_site_has_no_privacy_page(context: Context, path: str) -> None:
    """
    What is no site here gives 404.
    """
    assert 404 == browser(context).get(f"/privacy/nowhere.test{path}").status_code


def test_proofs_for_programs(context: Context) -> None:
    """
    The whole chain is given as one JSON document that verifies by itself.
    """
    context.registry.sites.add("site1.test")
    with_chain(context)
    answer = browser(context).get("/privacy/site1.test/retention-proof")

    assert "application/json" == answer.headers["content-type"]
    found = verify_chain(parse_chain(answer.content))
    assert (4, 2, "2024-10-05") == (found.records, found.days, found.last_day)


def test_proofs_for_people(context: Context) -> None:
    """
    The page shows the days, and of the salts those of the site's own time zone.
    """
    context.registry.sites.add("site1.test", timezone="Europe/Stockholm")
    with_chain(context)
    text = browser(context, language="sv").get("/privacy/site1.test/retention-proof", headers=HTML).text

    assert ["4", "3", "2"] == re.findall(r"<tr><td>(\d+)</td>", text)
    assert "<td>2026-11-21</td><td>Saltet för besöks-id</td><td>1</td>" in text
    assert "Kedjan håller: 4 poster, 2 nycklar, 2 dagar" in text


def test_a_broken_chain_is_shown_as_broken(context: Context) -> None:
    """
    A chain that was changed says so on the page, instead of looking well.
    """
    context.registry.sites.add("site1.test")
    with_chain(context)
    path = context.settings.data_dir / PROOFS_DIR / "chain.ndjson"
    path.write_text(path.read_text().replace('"rows_dropped":7', '"rows_dropped":6'))
    text = browser(context).get("/privacy/site1.test/retention-proof", headers=HTML).text

    assert "The chain does not hold" in text


def me_header(**facts: Any) -> dict[str, str]:
    whole: dict[str, Any] = {"token": "t0", "kind": "", "days": [], "disclosed": [], "done": "", **facts}
    return {"x-daysalt-me": base64.b64encode(json.dumps(whole).encode()).decode()}


def test_a_recipient_needs_a_name_only(context: Context) -> None:
    """
    The page names recipients, and the controller, with what is known of them.
    """
    context.registry.sites.add("site1.test")
    rows = '[[recipient]]\nname = "Bank AB"\n[[recipient]]\nname = "Hosting AB"\nservice = "hosting"\ncountry = "SE"\n'
    who = '[controller]\nname = "Example Ltd"\nemail = "privacy@site1.test"\n'
    (context.settings.data_dir / OPERATOR_FILE).write_text(who + rows)
    page = browser(context).get("/privacy/site1.test")

    assert 200 == page.status_code
    assert [True, True] == [text in page.text for text in ("Example Ltd", "privacy@site1.test")]
    assert ["<li>Bank AB</li>", "<li>Hosting AB (SE): hosting</li>"] == re.findall(r"<li>\w+ AB.*?</li>", page.text)
    assert ["Bank AB", "Hosting AB"] == [row["name"] for row in policy(context)["recipients"]]


@pytest.mark.parametrize("path", ["", "/policy.json"])
def test_a_wrong_file_of_the_operator_is_said(
    context: Context, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str], path: str
) -> None:
    """
    Visitors read that the owner must act; the field's name, and no path, stays with the owner.
    """
    context.registry.sites.add("site1.test")
    (context.settings.data_dir / OPERATOR_FILE).write_text('[controller]\nnmae = "Example Ltd"\n')
    answer = browser(context).get(f"/privacy/site1.test{path}")
    logged = caplog.text + "".join(capsys.readouterr())

    assert (500, True) == (answer.status_code, "cannot be used" in answer.text)
    assert (False, True) == ("nmae" in answer.text, "nmae" in logged)
    assert str(context.settings.data_dir) not in answer.text


@pytest.mark.parametrize("language", ["en", "sv"])
def test_self_service_shows_what_was_found(context: Context, language: str) -> None:
    """
    Days of this site are shown, those of others are not; the forms carry the token; nothing may keep the page.
    """
    context.registry.sites.add("site1.test")
    days = [
        {"day": "2026-11-20", "hours": [9, 10], "hits": 4, "sites": ["site1.test"]},
        {"day": "2026-11-19", "hours": [7], "hits": 1, "sites": ["site2.test"]},
    ]
    disclosed = [{"to": "City Police", "on": "2026-11-21", "purpose": "legal_obligation", "ticket": "K-1"}]
    facts = me_header(days=days, disclosed=disclosed)
    answer = browser(context, language=language).get("/privacy/site1.test/me", headers=facts)

    assert (200, "no-store") == (answer.status_code, answer.headers["cache-control"])
    assert "2026-11-20" in answer.text
    assert "2026-11-19" not in answer.text
    assert ("City Police, 2026-11-21" in answer.text, "K-1" in answer.text) == (True, False)
    assert 3 == answer.text.count('name="token" value="t0"')
    assert "set-cookie" not in answer.headers
    assert "access-control-allow-origin" not in answer.headers
    assert "frame-ancestors 'none'" in answer.headers["content-security-policy"]


def test_self_service_is_not_the_dashboards_own(context: Context) -> None:
    """
    Where nobody knows the address there is no such page; while the keeper is away it says so.
    """
    context.registry.sites.add("site1.test")

    assert 404 == browser(context).get("/privacy/site1.test/me").status_code
    text = browser(context).get("/privacy/site1.test/me", headers=me_header(days=None, token="")).text
    assert "cannot be looked up right now" in text
    assert "<form" not in text
