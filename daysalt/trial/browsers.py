"""
Browsers of the trial: user agents with the headers each of them sends with a beacon.
"""

from __future__ import annotations

from dataclasses import dataclass
from random import Random

Headers = tuple[tuple[bytes, bytes], ...]

LIBRARIES = (
    "curl/8.7.1", "python-requests/2.32.3", "Go-http-client/2.0", "Wget/1.21.4", "okhttp/4.12.0", "axios/1.7.2",
    "Scrapy/2.11.2 (+https://scrapy.org)", "Java/17.0.9", "python-urllib3/2.2.1", "node-fetch/1.0",
)  # fmt: skip
CRAWLERS = (
    "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
    "Mozilla/5.0 (compatible; bingbot/2.0; +http://www.bing.com/bingbot.htm)",
    "Mozilla/5.0 (compatible; AhrefsBot/7.0; +http://ahrefs.com/robot/)",
    "Mozilla/5.0 AppleWebKit/537.36 (KHTML, like Gecko; compatible; GPTBot/1.2; +https://openai.com/gptbot)",
)
MONITORS = (
    "Mozilla/5.0+(compatible; UptimeRobot/2.0; http://www.uptimerobot.com/)",
    "Pingdom.com_bot_version_1.4_(http://www.pingdom.com/)",
)
ANCIENT = (
    "Mozilla/4.0 (compatible; MSIE 8.0; Windows NT 6.1; Trident/4.0)",
    "Mozilla/5.0 (Windows NT 6.1) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/41.0.2228.0 Safari/537.36",
    "Mozilla/5.0 (Windows NT 6.1; rv:40.0) Gecko/20100101 Firefox/40.0",
)
_LANGUAGES = (b"sv-SE,sv;q=0.9,en;q=0.8", b"en-GB,en;q=0.9", b"de-DE,de;q=0.9", b"en-US,en;q=0.9", b"fi-FI,fi;q=0.9")


@dataclass(frozen=True, slots=True)
class Browser:
    """
    One browser of one person.
    """

    user_agent: str
    headers: Headers
    """What it sends beside Origin and length."""

    def beacon_headers(self, origin: str) -> Headers:
        """
        Give the headers of a posted beacon.
        """
        return (*self.headers, (b"origin", origin.encode()), (b"content-length", b"200"))

    def pixel_headers(self) -> Headers:
        """
        Give the headers of a request for the pixel.
        """
        return self.headers


def desktop(rng: Random) -> Browser:
    """
    Draw a browser of a computer.
    """
    kind = rng.choices(("chrome", "edge", "firefox", "safari"), (60, 14, 13, 13))[0]
    system = rng.choice(("Windows NT 10.0; Win64; x64", "Macintosh; Intel Mac OS X 10_15_7", "X11; Linux x86_64"))
    if kind == "firefox":
        major = rng.randint(128, 145)
        return _firefox(rng, f"Mozilla/5.0 ({system}; rv:{major}.0) Gecko/20100101 Firefox/{major}.0")
    if kind == "safari":
        return _safari(
            rng,
            "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) "
            f"Version/{rng.randint(16, 18)}.{rng.randint(0, 6)} Safari/605.1.15",
        )
    major = rng.randint(124, 142)
    tail = f" Edg/{major}.0.0.0" if kind == "edge" else ""
    return _chromium(
        rng,
        f"Mozilla/5.0 ({system}) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/{major}.0.0.0 Safari/537.36{tail}",
        major,
        mobile=False,
    )


def phone(rng: Random) -> Browser:
    """
    Draw a browser of a phone. There are few different ones: Chrome says the same of every phone.
    """
    kind = rng.choices(("iphone", "android", "webview", "samsung"), (45, 40, 8, 7))[0]
    if kind == "iphone":
        version = f"{rng.randint(16, 18)}_{rng.randint(0, 6)}"
        return _safari(
            rng,
            f"Mozilla/5.0 (iPhone; CPU iPhone OS {version} like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) "
            f"Version/{version.partition('_')[0]}.0 Mobile/15E148 Safari/604.1",
        )
    major = rng.randint(126, 142)
    if kind == "webview":
        agent = (
            "Mozilla/5.0 (Linux; Android 14; SM-A546B; wv) AppleWebKit/537.36 (KHTML, like Gecko) Version/4.0 "
            f"Chrome/{major}.0.0.0 Mobile Safari/537.36"
        )
        return Browser(agent, _common(rng))
    brand = f" SamsungBrowser/{rng.randint(24, 27)}.0" if kind == "samsung" else ""
    return _chromium(
        rng,
        "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko)"
        f"{brand} Chrome/{major}.0.0.0 Mobile Safari/537.36",
        major,
        mobile=True,
    )


def private(rng: Random) -> Browser:
    """
    Draw a browser of somebody who guards their privacy; a few rewrite headers until they contradict each other.
    """
    kind = rng.choices(("firefox", "tor", "chromium", "spoofed", "no_language"), (45, 20, 25, 6, 4))[0]
    if kind == "tor":
        return _firefox(rng, "Mozilla/5.0 (Windows NT 10.0; rv:128.0) Gecko/20100101 Firefox/128.0")
    if kind == "chromium":
        return desktop(rng)
    if kind == "spoofed":
        # Says Chrome and is Firefox: no client hints.
        browser = _firefox(rng, "")
        agent = (
            "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) "
            "Chrome/131.0.0.0 Safari/537.36"
        )
        return Browser(agent, browser.headers)
    major = rng.randint(128, 145)
    browser = _firefox(rng, f"Mozilla/5.0 (X11; Linux x86_64; rv:{major}.0) Gecko/20100101 Firefox/{major}.0")
    if kind == "no_language":
        return Browser(browser.user_agent, tuple(pair for pair in browser.headers if pair[0] != b"accept-language"))
    return browser


def bare(user_agent: str) -> Browser:
    """
    A program with this user agent and what a library sends by itself.
    """
    return Browser(user_agent, ((b"user-agent", user_agent.encode()), (b"accept", b"*/*")))


def _common(rng: Random) -> Headers:
    return (
        (b"accept", b"*/*"),
        (b"accept-language", rng.choice(_LANGUAGES)),
        (b"accept-encoding", b"gzip, deflate, br"),
        (b"content-type", b"text/plain"),
    )


def _fetching(rng: Random) -> Headers:
    return (
        *_common(rng),
        (b"sec-fetch-mode", b"cors"),
        (b"sec-fetch-site", b"cross-site"),
        (b"sec-fetch-dest", b"empty"),
    )


def _chromium(rng: Random, user_agent: str, major: int, *, mobile: bool) -> Browser:
    hints = f'"Chromium";v="{major}", "Not_A Brand";v="24"'.encode()
    mobile_hint = b"?1" if mobile else b"?0"
    return Browser(user_agent, (*_fetching(rng), (b"sec-ch-ua", hints), (b"sec-ch-ua-mobile", mobile_hint)))


def _firefox(rng: Random, user_agent: str) -> Browser:
    return Browser(user_agent, _fetching(rng))


def _safari(rng: Random, user_agent: str) -> Browser:
    return Browser(user_agent, _fetching(rng))
