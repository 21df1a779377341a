"""
Hop 3: who says that it is no person.
"""

from __future__ import annotations

from typing import Any

import crawleruseragents
import pytest

from ingest.bots import is_bot
from tests.ingest.test_agent import ORDINARY


def test_every_example_of_the_list_is_a_bot() -> None:
    """All user agents the list gives as examples are found."""
    entries: list[dict[str, Any]] = crawleruseragents.CRAWLER_USER_AGENTS_DATA
    examples = [example for entry in entries for example in entry["instances"]]
    missed = [example for example in examples if len(example) <= 512 and not is_bot(example)]

    assert len(examples) > 2000
    assert missed == []


@pytest.mark.parametrize(
    "user_agent",
    [
        "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
        "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) HeadlessChrome/85.0 Safari/537.36",
        "curl/8.5.0", "Wget/1.21", "python-requests/2.31.0", "Go-http-client/1.1", "okhttp/4.9.3", "axios/1.6.0",
        "Mozilla/5.0 AppleWebKit/537.36 (KHTML, like Gecko; compatible; GPTBot/1.2; +https://openai.com/gptbot)",
        "facebookexternalhit/1.1", "Mozilla/5.0 (Unknown; Linux) AppleWebKit/538.1 (KHTML, like Gecko) PhantomJS/2.1.1",
    ],
)  # fmt: skip
def test_bots(user_agent: str) -> None:
    """Crawlers, driven browsers and HTTP libraries are bots."""

    assert is_bot(user_agent)


@pytest.mark.parametrize("user_agent", ["", "unknown UA", *(user_agent for user_agent, _ in ORDINARY)])
def test_people(user_agent: str) -> None:
    """Browsers of people, and odd or empty user agents, are not."""

    assert not is_bot(user_agent)
