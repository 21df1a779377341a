"""
Hop 3: browser, system and device.
"""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.agent import read_agent
from ingest.hit import Agent

WEBKIT = "AppleWebKit/537.36 (KHTML, like Gecko)"
IPHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko)"
WINDOWS = f"Mozilla/5.0 (Windows NT 10.0; Win64; x64) {WEBKIT}"

ORDINARY = [
    (f"{WINDOWS} Chrome/126.0.0.0 Safari/537.36", ("Chrome", "126.0", "Windows", "10", "Desktop")),
    (
        f"{WINDOWS} Chrome/126.0.0.0 Safari/537.36 Edg/126.0.0.0",
        ("Microsoft Edge", "126.0", "Windows", "10", "Desktop"),
    ),
    (f"{WINDOWS} Chrome/125.0.0.0 Safari/537.36 OPR/111.0.0.0", ("Opera", "111.0", "Windows", "10", "Desktop")),
    (
        "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:127.0) Gecko/20100101 Firefox/127.0",
        ("Firefox", "127.0", "Windows", "10", "Desktop"),
    ),
    (
        "Mozilla/5.0 (Windows NT 6.1; WOW64; Trident/7.0; rv:11.0) like Gecko",
        ("Internet Explorer", "11.0", "Windows", "7", "Desktop"),
    ),
    (
        f"Mozilla/5.0 (Macintosh; Intel Mac OS X 10_13_4) {WEBKIT} Chrome/70.0.3538.110 Safari/537.36",
        ("Chrome", "70.0", "Mac", "10.13", "Desktop"),
    ),
    (
        "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) "
        "Version/17.5 Safari/605.1.15",
        ("Safari", "17.5", "Mac", "10.15", "Desktop"),
    ),
    (
        "Mozilla/5.0 (X11; Ubuntu; Linux x86_64; rv:127.0) Gecko/20100101 Firefox/127.0",
        ("Firefox", "127.0", "Ubuntu", "", "Desktop"),
    ),
    (
        f"Mozilla/5.0 (X11; Linux x86_64) {WEBKIT} Chrome/126.0.0.0 Safari/537.36",
        ("Chrome", "126.0", "GNU/Linux", "", "Desktop"),
    ),
    (f"{IPHONE} Version/17.5 Mobile/15E148 Safari/604.1", ("Safari", "17.5", "iOS", "17.5", "Mobile")),
    (f"{IPHONE} CriOS/126.0.6478.35 Mobile/15E148 Safari/604.1", ("Chrome", "126.0", "iOS", "17.5", "Mobile")),
    (f"{IPHONE} FxiOS/127.0 Mobile/15E148 Safari/605.1.15", ("Firefox", "127.0", "iOS", "17.5", "Mobile")),
    (f"{IPHONE} Mobile/15E148 [FBAN/FBIOS;FBAV/468.0.0.38.109]", ("Mobile App", "", "iOS", "17.5", "Mobile")),
    (f"{IPHONE} Mobile/15E148 Instagram 334.0.2.29.96", ("Mobile App", "", "iOS", "17.5", "Mobile")),
    (f"{IPHONE} Mobile/15E148", ("Mobile App", "", "iOS", "17.5", "Mobile")),
    (
        "Mozilla/5.0 (iPad; CPU OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5 "
        "Mobile/15E148 Safari/604.1",
        ("Safari", "17.5", "iOS", "17.5", "Tablet"),
    ),
    (
        f"Mozilla/5.0 (Linux; Android 10; K) {WEBKIT} Chrome/126.0.0.0 Mobile Safari/537.36",
        ("Chrome", "126.0", "Android", "10", "Mobile"),
    ),
    (
        f"Mozilla/5.0 (Linux; Android 10; K) {WEBKIT} Chrome/126.0.0.0 Safari/537.36",
        ("Chrome", "126.0", "Android", "10", "Tablet"),
    ),
    (
        f"Mozilla/5.0 (Linux; Android 10; K) {WEBKIT} SamsungBrowser/25.0 Chrome/121.0.0.0 Mobile Safari/537.36",
        ("Samsung Browser", "25.0", "Android", "10", "Mobile"),
    ),
    (
        f"Mozilla/5.0 (Linux; Android 6.0; U007 Pro Build/MRA58K; wv) {WEBKIT} Version/4.0 Chrome/44.0.2403.119 "
        "Mobile Safari/537.36",
        ("Mobile App", "", "Android", "6.0", "Mobile"),
    ),
    (
        f"Mozilla/5.0 (Linux; Android 10; SM-G970F) {WEBKIT} Chrome/125.0.0.0 Mobile Safari/537.36 OPR/76.2.4027",
        ("Opera", "76.2", "Android", "10", "Mobile"),
    ),
    (f"{IPHONE} MicroMessenger/8.0.49 NetType/WIFI", ("Mobile App", "", "iOS", "17.5", "Mobile")),
    ("Mozilla/5.0 (iPhone; CPU like Mac OS X)", ("Mobile App", "", "iOS", "", "Mobile")),
    (
        f"Mozilla/5.0 (Linux; Android 9; CUBOT KING KONG) {WEBKIT} Chrome/96.0 Mobile Safari/537.36",
        ("Chrome", "96.0", "Android", "9", "Mobile"),
    ),
    (
        f"Mozilla/5.0 (Linux; Android 9; BRAVIA 4K UR2 Build/PTT1) {WEBKIT} Chrome/96.0 Safari/537.36",
        ("Chrome", "96.0", "Android", "9", "Desktop"),
    ),
]


@pytest.mark.parametrize(("user_agent", "expected"), ORDINARY)
def test_ordinary_agents(user_agent: str, expected: tuple[str, str, str, str, str]) -> None:
    """Browsers of people are named as people know them, and are no bots."""

    assert read_agent(user_agent) == Agent(*expected, bot=False)


@pytest.mark.parametrize("user_agent", ["", "unknown UA", " ", "\x00"])
def test_unknown_agents_are_empty(user_agent: str) -> None:
    """What says nothing is kept as nothing."""

    assert read_agent(user_agent) == Agent()


def test_long_agents_are_cut() -> None:
    """Only the first 512 characters count."""

    assert read_agent(" " * 512 + "Googlebot/2.1") == Agent()


@given(st.text(max_size=600))
def test_any_text_is_read(user_agent: str) -> None:
    """No user agent makes an error."""

    assert isinstance(read_agent(user_agent), Agent)
