"""
notes.byteharbour.example: a developer's blog. Read on working days, by the world, and once by everybody.
"""

from __future__ import annotations

from daysalt.traffic.people import DEVELOPERS, WORLD
from daysalt.traffic.profile import Arrival, Doing, Page, PlannedGoal, Profile, Spike

_FAMOUS = "/posts/one-cpu-is-plenty"

DEVELOPER_BLOG = Profile(
    domain="notes.byteharbour.example",
    timezone="America/New_York",
    events_per_day=1_400,
    hours=(2.5, 2, 2, 2.2, 2.8, 3.5, 4, 4.5, 5.5, 6.5, 7, 6.5, 5.5, 6, 6.5, 6, 5.5, 4.5, 3.5, 3.2, 3.4, 3.4, 3.2, 3),
    weekdays=(1.12, 1.18, 1.15, 1.1, 1.0, .68, .72),
    growth=1.15,
    pages={
        "/": Page({_FAMOUS: 3, "/posts/fsync-is-not-free": 3, "/posts/reading-flame-graphs": 2, "/archive": 2,
                   "/about": 2}, .4, 16, 40),
        _FAMOUS: Page({"/": 2, "/posts/fsync-is-not-free": 3, "/newsletter": 1, "/about": 1}, .72, 210, 85),
        "/posts/fsync-is-not-free": Page({"/": 2, _FAMOUS: 2, "/newsletter": 1}, .7, 190, 82),
        "/posts/reading-flame-graphs": Page(
            {"/": 2, "/posts/fsync-is-not-free": 2, "/newsletter": 1}, .68, 170, 80,
            (Doing("Download", .11, {"file": ("flame-graph-cheat-sheet.pdf",)}),),
        ),
        "/posts/postgres-notes-2026": Page({"/": 2, "/archive": 1}, .74, 160, 78),
        "/posts/a-small-http-server": Page({"/": 1, "/posts/reading-flame-graphs": 2}, .7, 180, 80),
        "/archive": Page({"/posts/postgres-notes-2026": 2, "/posts/a-small-http-server": 2, _FAMOUS: 1}, .35, 24, 75),
        "/about": Page({"/": 2, "/newsletter": 2}, .5, 35, 60),
        "/newsletter": Page({"/": 1}, .6, 22, 55, (Doing("Signup", .3, {"list": ("monthly",)}),)),
    },
    landings={
        "/": 4, _FAMOUS: 5, "/posts/fsync-is-not-free": 5, "/posts/reading-flame-graphs": 4,
        "/posts/postgres-notes-2026": 4, "/posts/a-small-http-server": 3,
    },
    arrivals=(
        Arrival(32, "Google", "Organic Search", "google.com", leave_at_once=.62),
        Arrival(4, "DuckDuckGo", "Organic Search", "duckduckgo.com", leave_at_once=.58),
        Arrival(2, "Kagi", "Organic Search", "kagi.com", leave_at_once=.52),
        Arrival(22, leave_at_once=.5),
        Arrival(6, "Hacker News", "Organic Social", "news.ycombinator.com/item", leave_at_once=.68,
                landings={_FAMOUS: 4, "/posts/fsync-is-not-free": 2}),
        Arrival(5, "Reddit", "Organic Social", "reddit.com/r/programming", leave_at_once=.66),
        Arrival(3, "lobste.rs", "Referral", "lobste.rs", leave_at_once=.6),
        Arrival(3, "Mastodon", "Organic Social", "mastodon.social", leave_at_once=.56),
        Arrival(6, "Github", "Referral", "github.com", leave_at_once=.48),
        Arrival(7, "ChatGPT", "AI Assistants", "chatgpt.com", leave_at_once=.5),
        Arrival(3, "Claude", "AI Assistants", "claude.ai", leave_at_once=.48),
        Arrival(2, "Perplexity", "AI Assistants", "perplexity.ai", leave_at_once=.5),
        Arrival(9, "monthly", "Email", "", "monthly", "newsletter", "issue-31", leave_at_once=.4, starts=16, ends=12,
                landings={"/posts/reading-flame-graphs": 1}),
    ),
    places=WORLD,
    devices=DEVELOPERS,
    goals=(PlannedGoal(event_name="Signup"), PlannedGoal(event_name="Download"),
           PlannedGoal(page_path="/newsletter", display_name="Looked at the newsletter")),
    drops={"bot": .22, "spam_referrer": .003, "datacenter": .015},
    spike=Spike(11, 6.0, Arrival(1, "Hacker News", "Organic Social", "news.ycombinator.com/item", leave_at_once=.76,
                                 landings={_FAMOUS: 1})),
    signal_share=.03,
)  # fmt: skip
