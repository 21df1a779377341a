"""
The requests of a load profile. Each event carries its number in a prop, so that what is stored can be compared with
what was accepted, one by one.
"""

from __future__ import annotations

import json
from ipaddress import ip_address
from random import Random

from daysalt.trial.scenarios import SCENARIOS, write_script
from ingest.event import PAGEVIEW
from loadtests.beacons import addresses, post, user_agents
from loadtests.profile import PAGES_MAX, Profile

DOMAIN = "load.test"
NUMBER_PROP = "n"
NUMBER_WIDTH = 10
TEMPLATES_MAX = 20_000

ROBOTS = (
    "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
    "Mozilla/5.0 (compatible; bingbot/2.0; +http://www.bing.com/bingbot.htm)",
    "curl/8.5.0",
    "python-requests/2.32.3",
)
_OUR_OWN = frozenset({b"user-agent", b"content-type", b"content-length"})
"""Headers that are written anew with the request."""
_PLACEHOLDER = "0" * NUMBER_WIDTH


class Traffic:
    """
    Makes request `number` of a profile, always the same for the same run.
    """

    def __init__(self, profile: Profile, run: str, key: str) -> None:
        """
        Args:
            run: stands in every path, so that runs against one server do not mix.
            key: API key with scope `ingest`, for batches.
        """
        self._events_in_request = profile.events_in_request
        self._key = key
        self.pages: list[str] = []
        """Path of each template, by its index."""
        self._beacons: list[tuple[bytes, bytes]] = []
        self._events: list[tuple[str, str]] = []
        if profile.scenario:
            self._play(profile, run)
        else:
            self._draw(profile, run)

    def _draw(self, profile: Profile, run: str) -> None:
        rng = Random(profile.seed)
        agents = user_agents(profile.user_agents)
        people = addresses(profile.addresses, rng)
        for _ in range(min(TEMPLATES_MAX, max(profile.addresses, profile.pages) * 4)):
            page = 0 if rng.random() < profile.hot_share else rng.randrange(profile.pages)
            path = f"/load/{run}/{page}"
            robot = rng.random() < profile.bot_share
            agent = rng.choice(ROBOTS) if robot else rng.choice(agents)
            self.pages.append(path)
            self._add(path, {"User-Agent": agent}, rng.choice(people), rng.choice(profile.referrers))

    def _play(self, profile: Profile, run: str) -> None:
        """
        Take the pageviews of a scenario of the risk trial in their order, each with its sender's address and headers.
        Reading times are left out: whether one finds its visit depends on the moment, which is another one here.
        """
        script = write_script(SCENARIOS[profile.scenario], profile.seed)
        script.seen.sort(key=lambda sighting: sighting.at_ms)
        numbers: dict[str, int] = {}
        for sighting in script.seen:
            if sighting.beacon.name != PAGEVIEW or len(self.pages) == TEMPLATES_MAX:
                continue
            number = numbers.setdefault(sighting.beacon.url, len(numbers)) % PAGES_MAX
            path = f"/load/{run}/{number}"
            headers = {name.decode(): value.decode() for name, value in sighting.headers if name not in _OUR_OWN}
            headers["User-Agent"] = sighting.user_agent
            if "origin" in headers:
                headers["origin"] = f"https://{DOMAIN}"
            self.pages.append(path)
            self._add(path, headers, str(ip_address(sighting.address)), sighting.beacon.referrer)

    def page_of(self, event: int) -> str:
        """
        Tell the path of an event by its number.
        """
        return self.pages[event % len(self.pages)]

    def request(self, number: int) -> bytes:
        """
        Give the bytes of a request.
        """
        if self._events_in_request == 1:
            before, after = self._beacons[number % len(self._beacons)]
            return b"%b%0*d%b" % (before, NUMBER_WIDTH, number, after)
        first = number * self._events_in_request
        parts: list[str] = []
        for event in range(first, first + self._events_in_request):
            before, after = self._events[event % len(self._events)]
            parts.append(f"{before}{event:0{NUMBER_WIDTH}d}{after}")
        return post("/api/events", f"[{','.join(parts)}]", {"Authorization": f"Bearer {self._key}"})

    def _add(self, path: str, headers: dict[str, str], address: str, referrer: str) -> None:
        event = {
            "n": "pageview",
            "u": f"https://{DOMAIN}{path}",
            "d": DOMAIN,
            "r": referrer,
            "p": {NUMBER_PROP: _PLACEHOLDER},
        }
        if self._events_in_request == 1:
            body = json.dumps(event, separators=(",", ":"))
            request = post("/api/event", body, {**headers, "X-Forwarded-For": address})
            before, _, after = request.rpartition(_PLACEHOLDER.encode())
            self._beacons.append((before, after))
            return
        text = json.dumps({"ip": address, "user_agent": headers["User-Agent"], **event}, separators=(",", ":"))
        before_text, _, after_text = text.rpartition(_PLACEHOLDER)
        self._events.append((before_text, after_text))
