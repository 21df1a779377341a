"""
Hop 3: channels, one row per rule, in the order of the rules.
"""

from __future__ import annotations

import pytest

from ingest.channel import channel_of


@pytest.mark.parametrize(
    ("source", "medium", "campaign", "tag", "click_id", "expected"),
    [
        ("Google", "cpc", "My Cross-Network", "", "gclid", "Cross-network"),
        ("Google", "CPM", "", "", "", "Display"), ("", "banner", "", "", "", "Display"),
        ("temu.com", "cpc", "", "", "", "Paid Shopping"), ("other.test", "paid", "eshop", "", "", "Paid Shopping"),
        ("Google", "", "", "", "gclid", "Paid Search"), ("Bing", "", "", "", "msclkid", "Paid Search"),
        ("Bing", "", "", "", "gclid", "Organic Search"), ("DuckDuckGo", "ppc", "", "", "", "Paid Search"),
        ("Google", "", "", "google_ads", "", "Paid Search"),
        ("Facebook", "retargeting", "", "", "", "Paid Social"), ("Facebook", "", "", "fb-ads", "", "Paid Social"),
        ("Youtube", "paid-video", "", "", "", "Paid Video"), ("Youtube", "", "", "yt-ads", "", "Paid Video"),
        ("other.test", "cpc", "", "", "", "Paid Other"), ("ChatGPT", "cpc", "", "", "", "Paid Other"),
        ("temu.com", "", "", "", "", "Organic Shopping"), ("", "", "spring-shopping", "", "", "Organic Shopping"),
        ("", "", "workshop", "", "", "Direct"), ("", "", "eshop", "", "", "Organic Shopping"),
        ("Facebook", "", "", "", "", "Organic Social"), ("other.test", "Social Media", "", "", "", "Organic Social"),
        ("Vimeo", "", "", "", "", "Organic Video"), ("", "my-video", "", "", "", "Organic Video"),
        ("Claude", "", "", "", "", "AI Assistants"), ("Ecosia", "", "", "", "", "Organic Search"),
        ("Gmail", "", "", "", "", "Email"), ("news", "", "", "news", "", "Referral"),
        ("newsletter", "", "", "newsletter", "", "Email"), ("", "e mail", "", "", "", "Email"),
        ("", "affiliate", "", "", "", "Affiliates"), ("", "audio", "", "", "", "Audio"),
        ("sms", "", "", "sms", "", "SMS"), ("", "sms", "", "", "", "SMS"),
        ("", "web-push", "", "", "", "Mobile Push Notifications"),
        ("firebase", "", "", "", "", "Mobile Push Notifications"),
        ("", "push-not", "", "", "", "Direct"), ("", "link", "", "", "", "Referral"),
        ("other.test", "", "", "", "", "Referral"), ("", "", "", "", "", "Direct"),
    ],
)  # fmt: skip
def test_channels(source: str, medium: str, campaign: str, tag: str, click_id: str, expected: str) -> None:
    """The first rule that fits names the channel."""

    assert channel_of(source, medium, campaign, tag, click_id) == expected
