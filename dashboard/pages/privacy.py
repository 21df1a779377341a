"""
The public privacy pages of a site: its policy, for people and for programs, and the proofs that its promises are kept.

Open to everybody for every site: who was counted need not be somebody who may see the numbers. No cookie is set.
"""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from babel.dates import format_datetime, format_timedelta
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from dashboard.context import Context
from dashboard.pages.forms import refusal
from dashboard.pages.languages import locale_of
from dashboard.pages.reader import Reader, reader_of
from dashboard.pages.rendering import base_path, page, text
from warehouse.privacy.policy import entries_for, keeps_addresses, periods, policy_facts
from warehouse.privacy.proofs import (
    CHAIN_FILE,
    DAY,
    FORMAT,
    KEYS,
    PROOFS_DIR,
    ProofError,
    Signed,
    Verified,
    read_chain,
    verify_chain,
)
from warehouse.privacy.register import Texts, load_register, period_text
from warehouse.registry.sites import Site

ME_HEADER = "x-daysalt-me"
"""Facts about the connecting address, put there by the collector (`ingest/me.py`)."""
PROOFS_SHOWN = 60
"""Days and keys on the page; the file has all of them."""


@dataclass(frozen=True, slots=True)
class Row:
    """
    One purpose, in the reader's words.
    """

    id: str
    texts: Texts
    basis: str
    period: str
    exceptions: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Proof:
    """
    One record of the chain, in the reader's words.
    """

    number: int
    day: str
    what: str
    destroyed: str
    keys: int
    rows: int | None
    canary: bool


def policy_page(context: Context, request: Request) -> Response:
    """
    Answer `GET /privacy/{domain}`.
    """
    reader, site = reader_of(context, request), _site(context, request)
    if site is None:
        return _no_site(context, request, reader)
    settings, register, values = context.settings, load_register(context.settings.data_dir), periods(context.settings)
    rows = [
        Row(
            entry.id,
            entry.texts[reader.language],
            entry.basis,
            _period(reader, period_text(entry.period, values)),
            entry.exceptions,
        )
        for entry in entries_for(register, site, settings, _now(context).date())
    ]
    return page(
        context, request, reader, "privacy.html",
        site=site, rows=rows, controller=register.controller_of(site.domain), authorities=register.authorities,
        recipients=register.recipients, vault=keeps_addresses(site, settings), days=settings.ip_retention_days,
        version=register.version, effective_from=register.effective_from.isoformat(),
    )  # fmt: skip


def policy_json(context: Context, request: Request) -> Response:
    """
    Answer `GET /privacy/{domain}/policy.json`.
    """
    site = _site(context, request)
    if site is None:
        return _no_site_json()
    base = context.settings.base_url or base_path(context.settings)
    register = load_register(context.settings.data_dir)
    return JSONResponse(policy_facts(register, site, context.settings, _now(context).date(), base))


def proof_page(context: Context, request: Request) -> Response:
    """
    Answer `GET /privacy/{domain}/retention-proof`: a page to a browser, else the whole chain as JSON.
    """
    reader, site = reader_of(context, request), _site(context, request)
    as_page = "text/html" in request.headers.get("accept", "")
    if site is None:
        return _no_site(context, request, reader) if as_page else _no_site_json()
    chain = read_chain(context.settings.data_dir / PROOFS_DIR / CHAIN_FILE)
    if not as_page or request.query_params.get("format") == "json":
        return JSONResponse(
            {"format": FORMAT, "site": site.domain, "records": [signed.table() for signed in chain]},
            headers={"Vary": "Accept"},
        )
    found: Verified | None = None
    fault = ""
    try:
        found = verify_chain(chain) if chain else None
    except ProofError as error:
        fault = str(error)
    proofs = [
        _proof(reader, signed, site)
        for signed in reversed(chain)
        if signed.kind == DAY or (signed.kind == KEYS and _concerns(signed, site))
    ]
    return page(
        context, request, reader, "proofs.html",
        site=site, found=found, fault=fault, proofs=proofs[:PROOFS_SHOWN], hidden=max(0, len(proofs) - PROOFS_SHOWN),
        days=context.settings.ip_retention_days,
    )  # fmt: skip


def me_page(context: Context, request: Request) -> Response:
    """
    Answer `GET /privacy/{domain}/me` from the facts that the collector found about the connecting address.
    """
    reader, site = reader_of(context, request), _site(context, request)
    if site is None:
        return _no_site(context, request, reader)
    packed = request.headers.get(ME_HEADER, "")
    if not packed:
        # On a dashboard of its own nobody knows who connects.
        return refusal(context, request, reader, 404, "This page is answered where the statistics are collected.")
    facts: dict[str, Any] = json.loads(base64.b64decode(packed))
    answer = page(
        context, request, reader, "me.html",
        site=site, facts=facts, vault=keeps_addresses(site, context.settings), days=context.settings.ip_retention_days,
        seen=None if facts["days"] is None else [day for day in facts["days"] if site.domain in day["sites"]],
    )  # fmt: skip
    answer.headers["Cache-Control"] = "no-store"
    return answer


def _site(context: Context, request: Request) -> Site | None:
    return context.registry.sites.find(request.path_params["domain"])


def _now(context: Context) -> datetime:
    return datetime.fromtimestamp(context.clock.now_ms() / 1000, UTC)


def _no_site(context: Context, request: Request, reader: Reader) -> Response:
    return refusal(context, request, reader, 404, "There is no such page or site here.")


def _no_site_json() -> Response:
    return JSONResponse({"error": "there is no such site here"}, 404)


def _concerns(signed: Signed, site: Site) -> bool:
    if signed.record["purpose"] != "salt":
        return signed.record["purpose"] in ("risk", "event_id")
    return any(key.get("scope") == site.timezone for key in signed.record["keys"])


def _proof(reader: Reader, signed: Signed, site: Site) -> Proof:
    record = signed.record
    keys: list[dict[str, Any]] = list(record["keys"])
    if signed.kind == KEYS and record["purpose"] == "salt":
        keys = [key for key in keys if key.get("scope") == site.timezone]
    names = {
        "salt": text(reader, "Salt of the visitor ids"),
        "risk": text(reader, "Key of the risk ids"),
        "event_id": text(reader, "Key of the event ids"),
    }
    at_ms = record["destroyed_ms"] if signed.kind == DAY else max(key["destroyed_ms"] for key in keys)
    moment = datetime.fromtimestamp(at_ms / 1000, UTC)
    return Proof(
        number=record["seq"],
        day=record["day"],
        what=text(reader, "Keys of the addresses") if signed.kind == DAY else names[record["purpose"]],
        destroyed=format_datetime(moment, "yyyy-MM-dd HH:mm 'UTC'", tzinfo=UTC, locale=locale_of(reader.language)),
        keys=len(keys),
        rows=record["rows_dropped"] if signed.kind == DAY else None,
        canary=signed.kind == DAY and record["canary"]["before"] == "found",
    )


def _period(reader: Reader, period: str) -> str:
    """
    Write a period in words: durations by their unit, rules as they are.
    """
    locale = locale_of(reader.language)
    if period == "unlimited":
        return text(reader, "until the site is removed")
    if period == "PT24H30M":
        return text(reader, "one day and 30 minutes")
    units = {"D": 86_400, "M": 30 * 86_400}
    if period.startswith("PT") and period.endswith("M") and period[2:-1].isdigit():
        return format_timedelta(int(period[2:-1]) * 60, granularity="minute", threshold=1000, locale=locale)
    if period.startswith("P") and period[-1] in units and period[1:-1].isdigit():
        unit = "day" if period[-1] == "D" else "month"
        return (
            format_timedelta(int(period[1:-1]) * units[period[-1]], granularity=unit, threshold=100_000, locale=locale)
            if unit == "day"
            else _months(reader, int(period[1:-1]))
        )
    return text(reader, period)


def _months(reader: Reader, count: int) -> str:
    return text(reader, "{count} months").format(count=count)
