"""
Why hits are dropped, in words for the site's owner.
"""

from __future__ import annotations

from dashboard.pages.panels import mark

# The closed list of the contract, section 2.
NOUNS: dict[str, str] = {
    "unknown_site": mark("for unknown sites"),
    "hostname_not_allowed": mark("on other host names"),
    "page_blocked": mark("on blocked pages"),
    "ip_blocked": mark("from blocked addresses"),
    "country_blocked": mark("from blocked countries"),
    "bot": mark("robots"),
    "datacenter": mark("from data centres"),
    "threat": mark("threats"),
    "spam_referrer": mark("with spam referrers"),
    "signal": mark("with GPC or DNT"),
    "no_visit": mark("without a visit"),
    "duplicate": mark("sent twice"),
    "timestamp": mark("too old or ahead"),
    "invalid": mark("not understood"),
    "over_limit": mark("over the limit"),
    "verification": mark("checks of the installation"),
}
"""What a number of them is called within a sentence."""

REASONS: dict[str, str] = {
    "unknown_site": mark("The snippet names a site that is not set up here."),
    "hostname_not_allowed": mark("The page is on a host name that this site does not accept (localhost is one)."),
    "page_blocked": mark("You chose not to count this page."),
    "ip_blocked": mark("You chose not to count this address."),
    "country_blocked": mark("You chose not to count this country."),
    "bot": mark("A robot, by its own words in the user agent."),
    "datacenter": mark("It came from a data centre, where people rarely browse."),
    "threat": mark("Your edge called the address a threat."),
    "spam_referrer": mark("The referrer is known for spam."),
    "signal": mark("The visitor asked not to be counted (GPC or DNT)."),
    "no_visit": mark("Time on a page, without a visit it could belong to."),
    "duplicate": mark("The same event came twice."),
    "timestamp": mark("The time of the event is too old or lies ahead."),
    "invalid": mark("The message could not be understood."),
    "over_limit": mark("More came at once than is accepted."),
    "verification": mark("A check of the installation, not a visit."),
}
