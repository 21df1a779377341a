"""
stadsmuseet.example: a city museum with tickets and school visits. Its days are Fridays to Sundays.
"""

from __future__ import annotations

from daysalt.traffic.people import EVERYDAY, NEIGHBOURS, SWEDEN
from daysalt.traffic.profile import Arrival, Doing, Page, PlannedGoal, Profile

_TICKETS = ("120.00", "240.00", "240.00", "360.00", "300.00", "480.00")

CITY_MUSEUM = Profile(
    domain="stadsmuseet.example",
    timezone="Europe/Stockholm",
    events_per_day=1_100,
    hours=(.6, .3, .2, .2, .3, .6, 1.5, 3, 5.5, 8, 9, 9, 8, 7.5, 7, 6, 5, 4.5, 4.5, 5, 5, 4, 2.5, 1.2),
    weekdays=(.62, .8, .9, .95, 1.1, 1.4, 1.25),
    growth=1.05,
    pages={
        "/": Page({"/utstallningar": 5, "/besok": 4, "/biljetter": 3, "/kalender": 3, "/en": 1}, .3, 20, 50),
        "/utstallningar": Page({"/utstallningar/staden-brinner": 5, "/utstallningar/sparvagn-1877": 3, "/biljetter": 2},
                               .3, 34, 70),
        "/utstallningar/staden-brinner": Page({"/biljetter": 4, "/utstallningar": 2, "/besok": 2}, .4, 80, 78),
        "/utstallningar/sparvagn-1877": Page({"/biljetter": 3, "/utstallningar": 2, "/besok": 2}, .45, 70, 75),
        "/besok": Page({"/biljetter": 4, "/kalender": 2, "/besok/hitta-hit": 3}, .45, 38, 65),
        "/besok/hitta-hit": Page({"/biljetter": 2, "/besok": 1}, .65, 26, 55),
        "/kalender": Page({"/biljetter": 3, "/utstallningar": 2}, .4, 40, 72,
                          (Doing("Download", .07, {"file": ("program-host-2026.pdf",)}),)),
        "/biljetter": Page({"/besok": 1, "/kalender": 1}, .45, 70, 80,
                           (Doing("Purchase", .22, {"ticket": ("adult", "adult", "family", "senior")}, _TICKETS, "SEK",
                                  leads_to="/biljetter/tack"),)),
        "/biljetter/tack": Page({"/besok/hitta-hit": 2, "/": 1}, .7, 15, 40),
        "/skola": Page({"/skola/boka": 4, "/utstallningar": 1}, .4, 60, 75),
        "/skola/boka": Page({"/skola": 1}, .6, 90, 85, (Doing("Signup", .3, {"form": ("school visit",)}),)),
        "/en": Page({"/en/visit": 4, "/biljetter": 3, "/utstallningar": 1}, .35, 28, 60),
        "/en/visit": Page({"/biljetter": 4, "/en": 1}, .45, 45, 70),
    },
    landings={"/": 9, "/utstallningar/staden-brinner": 4, "/besok": 4, "/kalender": 3, "/biljetter": 2, "/skola": 2,
              "/en": 2, "/utstallningar/sparvagn-1877": 1},
    arrivals=(
        Arrival(42, "Google", "Organic Search", "google.com", leave_at_once=.4),
        Arrival(4, "Bing", "Organic Search", "bing.com", leave_at_once=.38),
        Arrival(20, leave_at_once=.35),
        Arrival(6, "Facebook", "Organic Social", "facebook.com", leave_at_once=.55,
                landings={"/utstallningar/staden-brinner": 3, "/kalender": 2}),
        Arrival(5, "Instagram", "Organic Social", "instagram.com", leave_at_once=.58),
        Arrival(4, "Wikipedia", "Referral", "sv.wikipedia.org/wiki/Stadsmuseet", leave_at_once=.5),
        Arrival(5, "visitstaden.example", "Referral", "visitstaden.example/se-och-gora", leave_at_once=.36,
                landings={"/en": 3, "/besok": 3}),
        Arrival(2, "Tripadvisor", "Referral", "tripadvisor.com", leave_at_once=.4, landings={"/en": 2, "/en/visit": 2}),
        Arrival(3, "ChatGPT", "AI Assistants", "chatgpt.com", leave_at_once=.3),
        Arrival(8, "affisch", "Referral", "", "affisch", "qr", "staden-brinner", leave_at_once=.34,
                landings={"/utstallningar/staden-brinner": 1}, starts=21, ends=3),
        Arrival(10, "museibrevet", "Email", "", "museibrevet", "email", "november", leave_at_once=.3, starts=9, ends=7,
                landings={"/kalender": 3, "/utstallningar/staden-brinner": 3}),
    ),
    places=SWEDEN + NEIGHBOURS,
    devices=EVERYDAY,
    goals=(PlannedGoal(event_name="Purchase", display_name="Ticket bought", currency="SEK"),
           PlannedGoal(event_name="Signup"), PlannedGoal(event_name="Download"),
           PlannedGoal(page_path="/skola/boka", display_name="School booking form")),
    drops={"bot": .07, "spam_referrer": .002},
)  # fmt: skip
