"""
Hop 3, the channel: which kind of road a visit came by. Pure; nineteen rules in order, the first that fits counts.

Source: the channel definitions of the stats API we are compatible with, which follow Google Analytics 4's default
channel group (https://support.google.com/analytics/answer/9756891).
"""

from __future__ import annotations

import re
from functools import lru_cache

from ingest.sources import category_of, is_paid_tag

CHANNELS_MAX = 20_000

DISPLAY_MEDIA = frozenset({"display", "banner", "expandable", "interstitial", "cpm"})
SOCIAL_MEDIA = frozenset({"social", "social-network", "social-media", "sm", "social network", "social media"})
REFERRAL_MEDIA = frozenset({"referral", "app", "link"})

_PAID = re.compile(r"cp|^ppc$|^retargeting$|^paid")
_SHOP = re.compile(r"(?<![a-df-z])shop|shopping")
_EMAIL = re.compile(r"e[-_ ]?mail|newsletter")
_PUSH = re.compile(r"push$|mobile|notification")


@lru_cache(CHANNELS_MAX)
def channel_of(source: str, utm_medium: str, utm_campaign: str, utm_source: str, click_id: str) -> str:
    """
    Name the channel of a visit.

    Args:
        source: as `read_origin` found it; empty for none.
        click_id: name of the click parameter, such as `gclid`.
    """
    name, medium, campaign, tag = source.lower(), utm_medium.lower(), utm_campaign.lower(), utm_source.lower()
    category = category_of(name)
    paid_medium = _PAID.search(medium) is not None
    paid = paid_medium or is_paid_tag(tag)
    shop = _SHOP.search(campaign) is not None
    if "cross-network" in campaign:
        return "Cross-network"
    if medium in DISPLAY_MEDIA:
        return "Display"
    if paid_medium and (category == "shopping" or shop):
        return "Paid Shopping"
    if (category == "search" and paid) or (name, click_id) in (("google", "gclid"), ("bing", "msclkid")):
        return "Paid Search"
    if category == "social" and paid:
        return "Paid Social"
    if category == "video" and paid:
        return "Paid Video"
    if paid_medium:
        return "Paid Other"
    return _unpaid(name, medium, tag, category, shop)


def _unpaid(name: str, medium: str, tag: str, category: str, shop: bool) -> str:
    if category == "shopping" or shop:
        return "Organic Shopping"
    if category == "social" or medium in SOCIAL_MEDIA:
        return "Organic Social"
    if category == "video" or "video" in medium:
        return "Organic Video"
    if category == "ai":
        return "AI Assistants"
    if category == "search":
        return "Organic Search"
    if category == "email" or _EMAIL.search(tag) or _EMAIL.search(medium):
        return "Email"
    if medium == "affiliate":
        return "Affiliates"
    if medium == "audio":
        return "Audio"
    if name == "sms" or medium == "sms":
        return "SMS"
    if _PUSH.search(medium) or name == "firebase":
        return "Mobile Push Notifications"
    return "Referral" if medium in REFERRAL_MEDIA or name else "Direct"
