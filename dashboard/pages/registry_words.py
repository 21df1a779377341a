"""
What the registry refuses, in the reader's language: its sentences, and what is put into them.

The registry speaks English to commands and interfaces; `tests/pages/test_registry_words.py` holds the two together.
"""

from __future__ import annotations

import re
from functools import cache

from dashboard.pages.panels import mark
from dashboard.pages.reader import Reader
from dashboard.pages.rendering import text
from warehouse.registry.errors import RegistryError

SENTENCES: tuple[str, ...] = (
    mark("a note needs a text of 1 to {0} characters"),
    mark("{0} is not a day: give one such as 2027-01-31"),
    mark("the site has {0} notes already: remove one first"),
    mark("the site has no note with the number {0}"),
    mark("{0} is not a scope: use one of {1}"),
    mark("the key 'admin' comes from the setting DAYSALT_ADMIN_KEY: change or remove it there"),
    mark("there is no key with this id: see `daysalt key list` for the ids"),
    mark("there is no site {0}: see `daysalt site list`"),
    mark("too many attempts for this account: try again in {0} minute{1}"),
    mark("a funnel has {0} to {1} goals: {2} were given"),
    mark("a funnel has each goal once: choose another goal for one of its steps"),
    mark("the site has no such goal: choose from its goals"),
    mark("the site has a funnel called {0} already: give it another name"),
    mark("the site has {0} funnels already: remove one first"),
    mark("the site has no funnel with the number {0}"),
    mark("{0} is not a kind of goal: use event, page or scroll"),
    mark("scroll_threshold is {0}, but must be a whole number from 1 to 100"),
    mark("an event goal has no scroll_threshold: leave it out, or use page"),
    mark("a {0} goal needs a page path that begins with a slash, of up to {1} characters"),
    mark("the display name must have 1 to {0} characters"),
    mark("{0} is not a currency: use a code of ISO 4217 such as EUR"),
    mark("a {0} goal has no currency: only events carry revenue"),
    mark("custom_props must be an object of texts"),
    mark("custom_props has {0} properties: at most {1} are allowed"),
    mark("a scroll goal needs a scroll_threshold from 1 to 100"),
    mark("an event goal needs an event name of 1 to {0} characters"),
    mark("'engagement' is Daysalt's own event: give the event another name"),
    mark("a name in custom_props must have 1 to {0} characters"),
    mark("the value of {0} in custom_props must be a text of 1 to {1} characters"),
    mark("the site has a goal called {0} already: give another display_name"),
    mark("there is no site with the number {0}: see `daysalt site list`"),
    mark("the site has {0} goals already: remove one first"),
    mark("the site has no goal with the number {0}"),
    mark("the goal {0} is there already with {1}: remove it first"),
    mark("the site is gone: it was removed meanwhile"),
    mark("the password has {0} characters: use at least {1}"),
    mark("the password has {0} characters: use at most {1}"),
    mark("a property needs a name of 1 to {0} characters"),
    mark("the site has {0} properties already: remove one first"),
    mark("the code is wrong or was used already: take the next one that the app shows"),
    mark("a {0} needs a name of 1 to {1} characters"),
    mark("a segment needs filters, of at most {0} characters together"),
    mark("the site has a segment called {0} already: give it another name"),
    mark("the site has {0} segments already: remove one first"),
    mark("a shared link is limited to this segment: remove the link first"),
    mark("the site has no segment with the number {0}"),
    mark("the link would have ended already: give an end that lies ahead"),
    mark("the site has a shared link called {0} already: give it another name"),
    mark("the site has {0} shared links already: remove one first"),
    mark("the site has no shared link with the number {0}"),
    mark("there is no user with the number {0}: see `daysalt user list`"),
    mark("the domain is empty: give one such as example.com"),
    mark("the domain has {0} characters: at most {1} are allowed"),
    mark("{0} cannot be a site: give a domain such as example.com or example.com/blog"),
    mark("{0} is an address of Daysalt itself: give the site's domain, such as example.com"),
    mark("k is {0}, but must be a whole number from 1 to {1}"),
    mark("{0} is {1}, but must be true or false"),
    mark("{0} is {1}, but must be {2}"),
    mark("{0} is not a preset: use cnil, or leave it out"),
    mark("{0} is not a kind of shield: use {1}"),
    mark("the {0} shield must be a list of texts"),
    mark("the {0} shield has {1} entries: at most {2} are allowed"),
    mark("an entry of the {0} shield is empty, too long or no text: give texts of up to 500 characters"),
    mark("{0} is not a time zone: use a name of the tz database such as Europe/Stockholm"),
    mark("{0} is not a country: use two letters such as SE"),
    mark("{0} is not a page: begin it with a slash; * and ** stand for any text"),
    mark("an entry of the ip shield is neither an address nor a network such as 192.0.2.0/24"),
    mark("there is a site {0} already: choose another domain, or see `daysalt site list`"),
    mark("there is no site {0}: see `daysalt site list`, or add it with `daysalt site add`"),
    mark("{0} has the preset 'cnil', which keeps vault and risk off: take the preset away first"),
    mark("there are {0} sites already: remove one before adding {1}"),
    mark("the site is called {0} already: nothing was changed"),
    mark("{0} is not a setting of a site: use timezone, k, public, vault, risk, signals, datacenter or preset"),
    mark("file_types must be a list of file endings such as pdf and zip"),
    mark("the file endings have more than {0} characters: name fewer"),
    mark("{0} is not a file's ending: use letters and digits, such as pdf"),
    mark("{0} is not a setting of a script: use {1} or file_types"),
    mark("{0} is not an e-mail address: give one such as anna@example.com"),
    mark("nobody has the e-mail address {0}: see `daysalt user list`"),
    mark("{0} is not a role: use {1}"),
    mark("the present password is wrong: nothing was changed"),
    mark("this link is unknown, used or too old: ask for a new one with `daysalt user reset-password`"),
    mark("this set-up link is unknown, used or too old: make a new one with `daysalt user setup`"),
    mark("{0} is a user already: use `daysalt user reset-password` for a new link"),
    mark("{0} is the last owner: add another one with `daysalt user add` first"),
    mark("{0} is the last owner: make somebody else an owner first"),
    mark("nobody has this e-mail address"),
    mark("a funnel has {0} to {1} different steps"),
    mark("a segment needs something to filter by, and a value"),
    mark("there is no such import here: it was removed meanwhile"),
    mark("import {0} continues after {1}: remove {2} first"),
    mark("an import of this site is under way: try again when it is done"),
    mark("{0} must be a whole number"),
    mark("type {0} to confirm: nothing was deleted"),
    mark("{0} is not a property: write name=value, one a line"),
)
"""`{0}`, `{1}` stand for what the registry puts in."""


def registry_sentence(reader: Reader, error: RegistryError) -> str:
    """
    Write an error of the registry for a reader; one that is not known stays as it is.
    """
    said = str(error)
    for sentence, pattern in _patterns():
        found = pattern.fullmatch(said)
        if found is not None:
            words = text(reader, sentence).format(*found.groups())
            return words if sentence.startswith("{") else words[:1].upper() + words[1:]
    return said


@cache
def _patterns() -> tuple[tuple[str, re.Pattern[str]], ...]:
    # Of two that fit, the one with more words of its own is meant.
    found = sorted(SENTENCES, key=lambda one: len(re.sub(r"\{\d\}", "", one)), reverse=True)
    return tuple((one, re.compile("(.*?)".join(map(re.escape, re.split(r"\{\d\}", one))), re.DOTALL)) for one in found)
