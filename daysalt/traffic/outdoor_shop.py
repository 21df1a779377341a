"""
fjallkiosken.example: a Swedish shop for outdoor clothes and tents. Busy in the evening and on Sundays.
"""

from __future__ import annotations

from daysalt.traffic.people import EVERYDAY, NEIGHBOURS, SWEDEN
from daysalt.traffic.profile import Arrival, Doing, Page, PlannedGoal, PlannedNote, Profile

_PAYMENTS = {"method": ("card", "swish", "swish", "invoice")}
_BASKETS = ("249.00", "399.00", "549.00", "749.00", "899.00", "1295.00", "1795.00", "2490.00", "4995.00")

OUTDOOR_SHOP = Profile(
    domain="fjallkiosken.example",
    timezone="Europe/Stockholm",
    events_per_day=2_400,
    hours=(1, .5, .3, .2, .3, .8, 2, 4, 5, 5, 5, 6, 6.5, 5.5, 5, 5, 5.5, 6, 7, 8.5, 9.5, 9, 6, 3),
    weekdays=(1.0, .95, .92, .95, .9, 1.05, 1.3),
    growth=1.25,
    pages={
        "/": Page({"/jackor": 5, "/talt": 3, "/skor": 3, "/rea": 4, "/guider/packlista-kungsleden": 1}, .25, 18, 45),
        "/jackor": Page({"/jackor/skaljacka-abisko": 4, "/jackor/dunjacka-sarek": 4, "/rea": 1, "/": 1}, .3, 30, 70),
        "/talt": Page({"/talt/tunneltalt-2": 4, "/talt/kupoltalt-3": 3, "/": 1}, .3, 32, 70),
        "/skor": Page({"/skor/kangor-nallo": 5, "/skor/lopskor-stig": 3, "/": 1}, .32, 28, 65),
        "/rea": Page({"/jackor/dunjacka-sarek": 3, "/skor/kangor-nallo": 2, "/talt/tunneltalt-2": 2, "/": 1},
                     .3, 38, 80),
        "/jackor/skaljacka-abisko": Page({"/varukorg": 4, "/jackor": 4, "/storleksguide": 2}, .35, 48, 75),
        "/jackor/dunjacka-sarek": Page({"/varukorg": 4, "/jackor": 3, "/storleksguide": 2}, .35, 52, 75),
        "/talt/tunneltalt-2": Page({"/varukorg": 3, "/talt": 4, "/talt/kupoltalt-3": 2}, .36, 66, 80),
        "/talt/kupoltalt-3": Page({"/varukorg": 3, "/talt": 4}, .38, 58, 78),
        "/skor/kangor-nallo": Page({"/varukorg": 4, "/skor": 3, "/storleksguide": 2}, .34, 45, 72),
        "/skor/lopskor-stig": Page({"/varukorg": 3, "/skor": 4}, .38, 36, 70),
        "/storleksguide": Page({"/jackor": 3, "/varukorg": 2, "/skor": 2}, .3, 40, 60),
        "/varukorg": Page({"/kassa": 6, "/": 2, "/rea": 1}, .3, 26, 55),
        "/kassa": Page(
            {"/varukorg": 1}, .45, 75, 85,
            (Doing("Purchase", .55, _PAYMENTS, _BASKETS, "SEK", leads_to="/tack"),),
        ),
        "/tack": Page({"/": 2, "/nyhetsbrev": 2}, .8, 14, 40),
        "/nyhetsbrev": Page({"/": 1}, .6, 20, 50, (Doing("Signup", .35, {"list": ("nyhetsbrev",)}),)),
        "/guider/packlista-kungsleden": Page(
            {"/talt": 2, "/jackor": 2, "/nyhetsbrev": 2, "/": 1}, .55, 150, 85,
            (Doing("Download", .08, {"file": ("packlista-kungsleden.pdf",)}),),
        ),
        "/guider/impregnera-skaljacka": Page({"/jackor/skaljacka-abisko": 2, "/": 1}, .62, 120, 80),
    },
    landings={
        "/": 10, "/jackor": 4, "/talt": 2, "/skor": 3, "/rea": 2, "/jackor/dunjacka-sarek": 2, "/skor/kangor-nallo": 2,
        "/guider/packlista-kungsleden": 4, "/guider/impregnera-skaljacka": 3,
    },
    arrivals=(
        Arrival(34, "Google", "Organic Search", "google.com", leave_at_once=.42),
        Arrival(4, "Bing", "Organic Search", "bing.com", leave_at_once=.4),
        Arrival(3, "DuckDuckGo", "Organic Search", "duckduckgo.com", leave_at_once=.4),
        Arrival(24, leave_at_once=.34, landings={"/": 8, "/rea": 2, "/varukorg": 1}),
        Arrival(
            9, "Google", "Paid Search", "google.com", "google", "cpc", "hostjackor-2026", "annons-b", "dunjacka dam",
            "gclid", .46, {"/jackor": 4, "/jackor/dunjacka-sarek": 5}, starts=24, ends=6,
        ),
        Arrival(6, "Facebook", "Organic Social", "facebook.com", leave_at_once=.6),
        Arrival(6, "Instagram", "Organic Social", "instagram.com", leave_at_once=.62),
        Arrival(
            5, "Facebook", "Paid Social", "facebook.com", "facebook", "paid", "black-week", "video-30s", "", "fbclid",
            .55, {"/rea": 1}, starts=5, ends=0,
        ),
        Arrival(
            5, "nyhetsbrev", "Email", "", "nyhetsbrev", "email", "november-tips", leave_at_once=.28,
            landings={"/rea": 4, "/talt": 2, "/guider/packlista-kungsleden": 3}, starts=18, ends=14,
        ),
        Arrival(
            14, "nyhetsbrev", "Email", "", "nyhetsbrev", "email", "black-week", leave_at_once=.22,
            landings={"/rea": 6, "/jackor": 1}, starts=3, ends=1,
        ),
        Arrival(3, "ChatGPT", "AI Assistants", "chatgpt.com", leave_at_once=.3,
                landings={"/guider/packlista-kungsleden": 3, "/talt": 2, "/guider/impregnera-skaljacka": 3}),
        Arrival(1, "Perplexity", "AI Assistants", "perplexity.ai", leave_at_once=.33),
        Arrival(3, "fjallvandring.example", "Referral", "fjallvandring.example/utrustning", leave_at_once=.38),
        Arrival(2, "YouTube", "Organic Video", "youtube.com", leave_at_once=.5),
    ),
    places=SWEDEN + NEIGHBOURS,
    devices=EVERYDAY,
    goals=(
        PlannedGoal(event_name="Purchase", currency="SEK"), PlannedGoal(event_name="Signup"),
        PlannedGoal(event_name="Download"),
        PlannedGoal(page_path="/kassa", display_name="Started checkout"),
    ),
    funnel=("Started checkout", "Purchase"),
    notes=(PlannedNote(21, "New winter jackets in the shop"), PlannedNote(5, "Sale begins")),
    drops={"bot": .09, "spam_referrer": .004, "datacenter": .006},
)  # fmt: skip
