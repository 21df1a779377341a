"""
Hop 3, the agent: browser, system and kind of device from a user agent.

Names follow what dashboards of this kind show (Chrome, not "Chrome Mobile iOS"); versions are major.minor.
Parsed by ua-parser (Apache-2.0) with its Rust engine, cached by user agent. Never raises, never logs.
"""

from __future__ import annotations

import re
from functools import lru_cache

from ua_parser import Domain, Resolver

from ingest.bots import USER_AGENT_LENGTH_MAX, is_bot
from ingest.hit import Agent

AGENTS_MAX = 20_000
"""Parsed user agents kept in memory; `read_agent.cache_info()` counts hits and misses."""

MOBILE_APP = "Mobile App"
BROWSER_NAMES = {
    "Mobile Safari": "Safari", "Chrome Mobile": "Chrome", "Chrome Mobile iOS": "Chrome",
    "Firefox Mobile": "Firefox", "Firefox iOS": "Firefox", "Firefox Focus": "Firefox", "Edge": "Microsoft Edge",
    "Edge Mobile": "Microsoft Edge", "Opera Mobile": "Opera", "Opera Mini": "Opera", "Opera Touch": "Opera",
    "Opera Tablet": "Opera", "IE": "Internet Explorer", "IE Mobile": "Internet Explorer",
    "Samsung Internet": "Samsung Browser", "Amazon Silk": "Mobile Silk", "Android": "Android Browser",
    "DuckDuckGo Mobile": "DuckDuckGo Privacy Browser", "DuckDuckGo": "DuckDuckGo Privacy Browser",
    "MiuiBrowser": "MIUI Browser", "Yandex Browser Lite": "Yandex Browser", "Brave Mobile": "Brave",
    "UC Browser": "UC Browser", "QQ Browser Mobile": "QQ Browser", "Vivaldi Mobile": "Vivaldi",
}  # fmt: skip
# Pages shown inside an app; which app is not kept.
APP_BROWSERS = frozenset({
    "Chrome Mobile WebView", "Mobile Safari UI/WKWebView", "Facebook", "Facebook Messenger", "Instagram", "Google",
    "Pinterest", "Snapchat", "TikTok", "Twitter", "LinkedIn", "WhatsApp", "Line", "LINE", "WeChat Browser",
    "WeChat", "KakaoTalk", "Threads",
    "Slack", "Telegram", "Android WebView", "Flipboard", "WebView",
})  # fmt: skip
OS_NAMES = {"Mac OS X": "Mac", "Linux": "GNU/Linux", "Other": ""}

_WEBVIEW = re.compile(r"; wv\)|\bFB(?:AN|AV|_IAB)/|\bInstagram |\[LinkedInApp\]|\bSnapchat/|\bBytedanceWebview/")
_OPERA_ON_CHROME = re.compile(r"\bOPR/([0-9]+)(?:\.([0-9]+))?")
_SCREEN_ON_WALL = re.compile(
    r"smart-?tv|\btv\b|apple ?tv|android ?tv|googletv|hbbtv|bravia|web0s|netcast|roku|\baft[a-z]|crkey"
    r"|playstation|xbox|nintendo",
    re.IGNORECASE,
)
_TABLET = re.compile(
    r"ipad|tablet|\btab\b|kindle|\bkf[a-z]{2,}\b|playbook|silk/|\bsm-[tx][0-9]|nexus (?:7|9|10)\b", re.IGNORECASE
)
_MOBILE = re.compile(
    r"iphone|ipod|\bmobile\b|windows phone|blackberry|\bbb10\b|opera mini|opera mobi|symbian|series ?60|\bnokia|kaios",
    re.IGNORECASE,
)
_DESKTOP_SYSTEMS = frozenset({
    "Windows", "Mac", "GNU/Linux", "Chrome OS", "Ubuntu", "Fedora", "Debian", "FreeBSD", "OpenBSD", "NetBSD",
    "Red Hat", "SUSE", "Linux Mint", "Arch Linux", "Gentoo", "Mandriva", "CentOS", "Solaris", "Kubuntu",
})  # fmt: skip


@lru_cache(1)
def _resolver() -> Resolver:
    # At first use, as with the bots. Without the patterns of devices, which are as many again and not asked for.
    from ua_parser.loaders import load_builtins
    from ua_parser.regex import Resolver as RegexResolver

    browsers, systems, _ = load_builtins()
    return RegexResolver((browsers, systems, []))


@lru_cache(AGENTS_MAX)
def read_agent(user_agent: str) -> Agent:
    """
    Read browser, system and device; empty where the user agent does not say.

    Args:
        user_agent: as sent; only the first 512 characters count.
    """
    text = user_agent[:USER_AGENT_LENGTH_MAX]
    parsed = _resolver()(text, Domain.USER_AGENT | Domain.OS)
    browser, browser_version, os, os_version = "", "", "", ""
    if parsed.user_agent is not None:
        family = parsed.user_agent.family
        browser = BROWSER_NAMES.get(family, family)
        browser_version = _version(parsed.user_agent.major, parsed.user_agent.minor)
        if family in APP_BROWSERS or _WEBVIEW.search(text):
            browser, browser_version = MOBILE_APP, ""
        elif browser == "Chrome" and (opera := _OPERA_ON_CHROME.search(text)):
            browser, browser_version = "Opera", _version(opera[1], opera[2])
    if parsed.os is not None:
        os = OS_NAMES.get(parsed.os.family, parsed.os.family)
        os_version = _version(parsed.os.major, parsed.os.minor)
    return Agent(browser, browser_version, os, os_version, _device(text, os), is_bot(text))


def _version(major: str | None, minor: str | None) -> str:
    if not major:
        return ""
    return f"{major}.{minor}" if minor else major


def _device(text: str, os: str) -> str:
    """
    Tell the kind of device. A television and a console count as Desktop: a large screen, no touch.
    """
    if _SCREEN_ON_WALL.search(text):
        return "Desktop"
    if _TABLET.search(text):
        return "Tablet"
    if _MOBILE.search(text):
        return "Mobile"
    if os == "Android":
        # Phones say "Mobile", tablets leave it out. Source: Chrome's user agent documentation.
        return "Tablet"
    if os == "iOS":
        return "Mobile"
    return "Desktop" if os in _DESKTOP_SYSTEMS else ""
