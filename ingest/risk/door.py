"""
`/api/risk/v1/...`: advice about an address for a server that holds a key of scope `risk`.

Answered by the collector, because the address must not travel further: what is asked of the windows is a risk id.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address
from typing import Any, cast
from urllib.parse import parse_qs

import msgspec

from ingest.address import parse_address
from ingest.answers import JSON, NO_STORE, Answer
from ingest.check_heads import CheckHeads
from ingest.collect import Headers
from ingest.objections import Objections
from ingest.risk.asking import BadQuestion, CheckRequest, bad, read_check, text_field
from ingest.risk.client import look, read_client
from ingest.risk.link import RiskLink, RiskUnavailable
from ingest.risk.network_list import NetworkReader
from ingest.risk.observation import Mark
from ingest.risk.observer import RiskIdentities, identify
from ingest.risk.question import Question
from ingest.url import without_www
from warehouse.clock import Clock
from warehouse.local_socket import SocketAbsent, SocketRefused
from warehouse.registry.api_keys import ApiKey, ApiKeyRing

BODY_BYTES_MAX = 16 * 1024
FIELDS_MAX = 20
"""Of a query string; two are known."""
NAMES_MAX = 1000
"""Names of sites, as they are asked with, whose one way of writing is remembered."""
PREFIX = "/api/risk/v1/"
MISSING_KEY = "Missing API key. Send a key of scope risk as a Bearer token."
INVALID_KEY = "Invalid API key, or not one of scope risk for this site."
_FOUND = (JSON, NO_STORE)
WINDOWS = ("1h", "24h")
AWAY = "the risk windows do not answer now; ask again in a few seconds"


@dataclass(frozen=True, slots=True)
class RiskSite:
    """
    What of a site's settings decides about risk.
    """

    id: int
    domain: str
    on: bool
    k: int


Call = Callable[..., Awaitable[dict[str, Any]]]
Note = Callable[[str, str, str], None]
"""Takes who asked (key id), what, and for which site, for the audit log."""


@dataclass(slots=True)
class RiskTools:
    """
    What answering needs.
    """

    clock: Clock
    identities: RiskIdentities
    link: RiskLink
    networks: NetworkReader
    call: Call
    """Asks `risk.sock`: operation and its arguments."""
    note: Note
    list_dates: Callable[[], dict[str, str | None]]


class RiskDoor:
    """
    The risk API of one collector.
    """

    def __init__(self, tools: RiskTools) -> None:
        self._tools = tools
        self._keys = ApiKeyRing()
        self._sites: Mapping[str, RiskSite] = {}
        self.objections = Objections()
        self.heads = CheckHeads()
        """Of checks by those who may ask."""
        self.checks = 0

    def install(self, keys: ApiKeyRing, sites: Mapping[str, RiskSite]) -> None:
        """
        Take keys and sites by domain, in place of those before.
        """
        self._keys, self._sites = keys, sites
        self.heads.forget()

    async def answer(
        self, method: str, path: str, query: bytes, headers: Headers, read_body: Callable[[int], Awaitable[bytes]]
    ) -> Answer:
        """
        Answer one request.

        Args:
            path: beginning with `PREFIX`.
            read_body: reads the body, little more than so many bytes of it.
        """
        key = self.admit(headers)
        if isinstance(key, Answer):
            return key
        what = path.removeprefix(PREFIX)
        allowed = "POST" if what in ("check", "feedback") else "GET"
        try:
            if what not in ("check", "feedback", "visits") and not what.startswith("assessments/"):
                return _refusal(404, "request", f"there is no {PREFIX}{what[:60]}: use check, visits or feedback")
            if method != allowed:
                return _refusal(405, "request", f"send a {allowed}", (b"allow", allowed.encode()))
            if what == "visits":
                return await self._visits(key, query)
            if what.startswith("assessments/"):
                return await self._explain(key, what.removeprefix("assessments/"))
            body = await read_body(BODY_BYTES_MAX)
            if len(body) > BODY_BYTES_MAX:
                return _refusal(413, "request", f"body is larger than {BODY_BYTES_MAX} bytes")
            if what == "feedback":
                return await self._feedback(key, body)
            found: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
            self._check(key, body, lambda answer: None if found.done() else found.set_result(answer))
            return await found
        except BadQuestion as error:
            return _bad(error)
        except RiskUnavailable as error:
            return _away(str(error))
        except (SocketAbsent, SocketRefused):
            return _away(AWAY)

    def question(self, address: IPv4Address | IPv6Address, asked: CheckRequest, site: RiskSite | None) -> Question:
        """
        Turn an address into a question that does not hold it.

        Raises:
            RiskUnavailable: there is no key of the day yet.
        """
        known = identify(self._tools.identities, address.packed, self._tools.clock.now_ms())
        if known is None:
            raise RiskUnavailable("there is no risk key of the day yet; ask again in a few seconds")
        facts = self._tools.networks.read(address)
        marks, signal = _client_marks(asked)
        site_id = 0 if site is None else site.id
        refused = ""
        if signal:
            refused = "SIGNAL"
        elif site is not None and not site.on:
            refused = "SITE_OFF"
        elif self.objections.holds(address):
            refused = "RESTRICTED"
        return Question(
            rid=known[0],
            network_id=known[1],
            subject="ip" if asked.user_agent is None else "ip+ua",
            site_id=site_id,
            marks=marks,
            data=self._tools.list_dates(),
            known=facts.known,
            kind=facts.kind,
            asn=facts.asn,
            organisation=facts.organisation,
            country=facts.country,
            unroutable=facts.unroutable,
            refused=refused,
        )

    def admit(self, headers: Headers, head: bytes = b"", length: int = 0) -> ApiKey | Answer:
        """
        Find the key of a request, or the refusal where there is none that may ask.

        Args:
            head: as it came, to be known when it comes again; empty otherwise.
            length: of the body that belongs to it.
        """
        bearer = _bearer(headers)
        key = self._keys.find(bearer)
        if key is None or not key.allows("risk", key.site_id):
            return _unauthorized(INVALID_KEY if bearer else MISSING_KEY)
        if head:
            self.heads.learn(head, key, length)
        return key

    def _site(self, key: ApiKey, domain: str | None) -> RiskSite | None:
        """
        Find the site that is asked about; a key for one site asks about that one.
        """
        if domain is None:
            return next((site for site in self._sites.values() if site.id == key.site_id), None)
        site = self._sites.get(_site_name(domain))
        if site is None or key.site_id not in (None, site.id):
            raise bad("site", "is no site of this key")
        return site

    def check(self, key: ApiKey | Answer, body: bytes, answered: Callable[[Answer], None]) -> None:
        """
        Answer a check, at once or as soon as the windows have: as `answer` does, without a task.

        Args:
            key: from `admit`.
            body: whole, at most `BODY_BYTES_MAX`.
            answered: takes the answer, once.
        """
        if isinstance(key, Answer):
            answered(key)
            return
        try:
            self._check(key, body, answered)
        except BadQuestion as error:
            answered(_bad(error))
        except RiskUnavailable as error:
            answered(_away(str(error)))

    def _check(self, key: ApiKey, body: bytes, answered: Callable[[Answer], None]) -> None:
        asked = read_check(body)
        address = parse_address(asked.ip)
        if address is None:
            raise bad("ip", "is not an IP address")
        site = self._site(key, asked.site)

        def told(answer: bytes | RiskUnavailable) -> None:
            if isinstance(answer, RiskUnavailable):
                answered(_away(str(answer)))
                return
            self.checks += 1
            self._tools.note(key.id, "risk.check", "" if site is None else site.domain)
            answered(Answer(200, _FOUND, answer))

        self._tools.link.put(self.question(address, asked, site), told)

    async def _visits(self, key: ApiKey, query: bytes) -> Answer:
        try:
            sent = parse_qs(query.decode("latin-1"), encoding="utf-8", errors="replace", max_num_fields=FIELDS_MAX)
        except ValueError:
            raise bad("request", f"has more than {FIELDS_MAX} fields") from None
        site = self._site(key, sent["site"][0] if "site" in sent else sent.get("site_id", [None])[0])
        window = sent.get("window", ["24h"])[0]
        if site is None:
            raise bad("site", "is required")
        if window not in WINDOWS:
            raise bad("window", f"must be one of {', '.join(WINDOWS)}")
        figures = await self._tools.call("quality", site_id=site.id, window=window, k=site.k)
        self._tools.note(key.id, "risk.visits", site.domain)
        return Answer(200, (JSON, NO_STORE), msgspec.json.encode({"site": site.domain, **figures}))

    async def _explain(self, key: ApiKey, assessment_id: str) -> Answer:
        found = await self._assessment(key, assessment_id[:64])
        if found is None:
            return _refusal(404, "assessment_id", "is not an assessment of today")
        names = {site.id: site.domain for site in self._sites.values()}
        self._tools.note(key.id, "risk.explain", names.get(found["site_id"], ""))
        found["site"] = names.get(found.pop("site_id"))
        return Answer(200, (JSON, NO_STORE), msgspec.json.encode(found))

    async def _assessment(self, key: ApiKey, assessment_id: str) -> dict[str, Any] | None:
        """
        Find an assessment of today that this key may know of.
        """
        found = (await self._tools.call("explain", assessment_id=assessment_id))["explanation"]
        return found if found is not None and key.site_id in (None, found["site_id"]) else None

    async def _feedback(self, key: ApiKey, body: bytes) -> Answer:
        try:
            sent = msgspec.json.decode(body)
        except (msgspec.DecodeError, UnicodeError, RecursionError):
            sent = None
        if not isinstance(sent, dict):
            raise bad("request", "must be a JSON object")
        fields = cast("dict[str, object]", sent)
        assessment_id, verdict = text_field(fields, "assessment_id", 64), text_field(fields, "verdict", 20)
        if assessment_id is None:
            raise bad("assessment_id", "is required")
        if verdict not in ("right", "wrong"):
            raise bad("verdict", "must be right or wrong")
        # Whoever may not read an assessment may not judge it.
        found = await self._assessment(key, assessment_id)
        if (
            found is None
            or not (await self._tools.call("judge", assessment_id=assessment_id, verdict=verdict))["known"]
        ):
            return _refusal(404, "assessment_id", "is not an assessment of today")
        self._tools.note(key.id, "risk.feedback", "")
        return Answer(200, (JSON, NO_STORE), msgspec.json.encode({"assessment_id": assessment_id, "verdict": verdict}))


def _client_marks(asked: CheckRequest) -> tuple[int, bool]:
    """
    Read what the caller saw of the client.

    Returns:
        Marks, and whether GPC or DNT was among the headers.
    """
    if asked.user_agent is None and not asked.headers:
        return 0, False
    sent = {name.lower().encode(): value.encode() for name, value in asked.headers.items()}
    signal = any(sent.get(name, b"").strip() == b"1" for name in (b"sec-gpc", b"dnt"))
    user_agent = asked.user_agent
    if user_agent is None and b"user-agent" in sent:
        user_agent = sent[b"user-agent"].decode()
    if user_agent is None:
        return 0, signal
    client = read_client(user_agent)
    marks = client.marks
    if b"accept-language" in sent:
        # A subset of headers says nothing by what is missing; with a language it is more than a subset.
        marks |= look(client, tuple(sent.items()), "", pixel=True) & ~Mark.LOOKED
    return marks, signal


@lru_cache(NAMES_MAX)
def _site_name(domain: str) -> str:
    return without_www(domain.strip().lower())


def _bearer(headers: Headers) -> str:
    sent = dict(headers).get(b"authorization", b"").decode("latin-1")
    scheme, _, plain = sent.partition(" ")
    return plain.strip() if scheme.lower() == "bearer" else ""


def _bad(error: BadQuestion) -> Answer:
    return Answer(400, (JSON, NO_STORE), msgspec.json.encode({"errors": error.errors}))


def _away(why: str) -> Answer:
    return _refusal(503, "request", why, (b"retry-after", b"2"))


def _unauthorized(text: str) -> Answer:
    return Answer(401, (JSON, NO_STORE, (b"www-authenticate", b"Bearer")), msgspec.json.encode({"error": text}))


def _refusal(status: int, field: str, reason: str, *headers: tuple[bytes, bytes]) -> Answer:
    return Answer(status, (JSON, NO_STORE, *headers), msgspec.json.encode({"errors": {field: [reason]}}))
