"""
The analysts' page: what speaks for and against a program behind an address, and on which days it was seen.

For owners. The address travels in the body of a form and nowhere else: no link, no redirect and no log holds it. This
process knows no key: the keeper makes the risk id and reads the vault, after it found out for itself who asks, and for
a look-up of days after a second owner approved.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, cast

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from dashboard.context import Context
from dashboard.pages.forms import Form, refusal
from dashboard.pages.panels import mark
from dashboard.pages.people import NOT_YOURS
from dashboard.pages.reader import Reader, reader_of
from dashboard.pages.rendering import link, page, text
from dashboard.sockets import NobodyThere, Refused, ask_keeper

PATH = "/risk"
ADDRESS_CHARS_MAX = 100
NOT_HERE = mark("This is answered where the statistics are collected; nothing answers there right now.")
UNKNOWN_ASSESSMENT = mark("This is not an assessment of today: they are forgotten at midnight UTC.")
THANKS = mark("Noted. It is counted, and changes nothing about anybody.")
APPROVED = mark("Approved. Who asked may now send the same question again, within the hour.")

CLASSES = {
    "likely_automated": mark("Likely automated"),
    "unclear": mark("Unclear"),
    "likely_human": mark("Likely a person"),
    "verified_bot": mark("Verified crawler"),
    "not_assessed": mark("Not assessed"),
}
BANDS = {"low": mark("low"), "guarded": mark("guarded"), "elevated": mark("elevated"), "high": mark("high")}
CONFIDENCES = {"low": mark("little to go by"), "medium": mark("something to go by"), "high": mark("much to go by")}


@dataclass(slots=True)
class Shown:
    """
    What one answer of the page shows; everything empty is the page before anybody asked.
    """

    address: str = ""
    site: str = ""
    answer: dict[str, Any] | None = None
    explanation: dict[str, Any] | None = None
    ticket: str = ""
    days: list[dict[str, Any]] | None = None
    waiting: str = ""
    """Number of the request that waits for a second owner."""
    done: str = ""
    error: str = ""


def risk_page(context: Context, request: Request) -> Response:
    """
    Answer `GET /risk`.
    """
    reader = reader_of(context, request)
    if reader.user is None:
        return RedirectResponse(link(context.settings, "/login", {"next": PATH}), 303)
    if not reader.is_owner:
        return refusal(context, request, reader, 403, NOT_YOURS)
    return _page(context, request, reader, Shown())


def ask_risk(context: Context, request: Request, reader: Reader, form: Form) -> Response:
    """
    Answer `POST /risk`: assess an address, ask for its days, approve somebody else's look-up, explain or judge an
    assessment.
    """
    if not reader.is_owner:
        return refusal(context, request, reader, 403, NOT_YOURS)
    shown = Shown(address=form.get("address", "").strip()[:ADDRESS_CHARS_MAX], site=form.get("site", ""))
    ask = _ACTIONS.get(form.get("action", ""))
    if ask is None:
        return refusal(context, request, reader, 404, "There is no such page or site here.")
    try:
        ask(context, reader, form, shown)
    except NobodyThere:
        shown.error = text(reader, NOT_HERE)
    except Refused as error:
        shown.error = str(error)
    return _page(context, request, reader, shown, 400 if shown.error else 200)


def _check(context: Context, reader: Reader, form: Form, shown: Shown) -> None:
    shown.answer = ask_keeper(
        context.settings, "risk_check", address=shown.address, site=shown.site, sign_in=reader.sign_in_token
    )


def _days(context: Context, reader: Reader, form: Form, shown: Shown) -> None:
    _check(context, reader, form, shown)
    shown.ticket = form.get("ticket", "")
    found = ask_keeper(
        context.settings, "vault_days", address=shown.address, ticket=shown.ticket, site=shown.site,
        who=_who(reader, form),
    )  # fmt: skip
    shown.waiting = found.get("waiting", "")
    shown.days = found.get("days")


def _approve(context: Context, reader: Reader, form: Form, shown: Shown) -> None:
    ask_keeper(context.settings, "vault_approve", request_id=form.get("request", ""), who=_who(reader, form))
    shown.done = text(reader, APPROVED)


def _explain(context: Context, reader: Reader, form: Form, shown: Shown) -> None:
    found = ask_keeper(
        context.settings, "risk_explain", assessment_id=form.get("assessment", ""), sign_in=reader.sign_in_token
    )
    shown.explanation = found["explanation"]
    if shown.explanation is None:
        shown.error = text(reader, UNKNOWN_ASSESSMENT)


def _judge(context: Context, reader: Reader, form: Form, shown: Shown) -> None:
    found = ask_keeper(
        context.settings, "risk_feedback", assessment_id=form.get("assessment", ""), verdict=form.get("verdict", ""),
        sign_in=reader.sign_in_token,
    )  # fmt: skip
    if found["known"]:
        shown.done = text(reader, THANKS)
    else:
        shown.error = text(reader, UNKNOWN_ASSESSMENT)


_ACTIONS = {"check": _check, "days": _days, "approve": _approve, "explain": _explain, "judge": _judge}


def _who(reader: Reader, form: Form) -> dict[str, str]:
    assert reader.user is not None
    # The password again: a browser left open must not be enough to read the vault.
    return {"email": reader.user.email, "password": form.get("password", "")}


def _page(context: Context, request: Request, reader: Reader, shown: Shown, status: int = 200) -> Response:
    requests: list[dict[str, Any]] = []
    try:
        requests = cast("list[dict[str, Any]]", ask_keeper(context.settings, "vault_requests")["requests"])
    except NobodyThere:
        shown.error = shown.error or text(reader, NOT_HERE)
    except Refused as error:
        shown.error = shown.error or str(error)
    # What an explanation says has the shape of an answer, less what is only known while the address is.
    told = shown.answer or shown.explanation
    domains = [site.domain for site in context.registry.sites.all()]
    options = [("", text(reader, "All sites")), *((domain, domain) for domain in domains)]
    return page(
        context, request, reader, "risk.html", status,
        shown=shown, told=told, requests=requests, options=options, classes=CLASSES, bands=BANDS,
        confidences=CONFIDENCES, moment=_moment, lines=_lines(reader, told),
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Line:
    """
    One reason, in the reader's words.
    """

    points: int
    words: str
    value: str
    code: str


def _lines(reader: Reader, told: dict[str, Any] | None) -> list[Line]:
    if told is None:
        return []
    reasons: list[dict[str, Any]] = [*told["reasons"], *told["counter_reasons"]]
    return [
        Line(reason["points"], reason["text"][reader.language], str(reason.get("value", "")), reason["code"])
        for reason in reasons
    ]


def _moment(at_ms: int) -> str:
    return datetime.fromtimestamp(at_ms / 1000, UTC).strftime("%H:%M UTC")
