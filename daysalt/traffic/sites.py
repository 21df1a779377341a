"""
The three made-up sites of the demo.
"""

from __future__ import annotations

from daysalt.traffic.city_museum import CITY_MUSEUM
from daysalt.traffic.developer_blog import DEVELOPER_BLOG
from daysalt.traffic.outdoor_shop import OUTDOOR_SHOP
from daysalt.traffic.profile import Profile

DEMO_PROFILES: tuple[Profile, ...] = (OUTDOOR_SHOP, DEVELOPER_BLOG, CITY_MUSEUM)


def profile_for(domain: str) -> Profile:
    """
    Choose the profile for a domain: its own, or the shop's for a site that is not of the demo.
    """
    return next((profile for profile in DEMO_PROFILES if profile.domain == domain), OUTDOOR_SHOP)
