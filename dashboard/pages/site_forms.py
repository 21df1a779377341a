"""
What the forms of a site's settings do. Each takes the form's texts and hands them to the registry, which checks them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, time, timedelta

from dashboard.context import Context
from dashboard.pages.forms import Form
from dashboard.pages.panels import FILTERS
from dashboard.pages.site_imports import remove_import
from dashboard.site_changes import change_site, remove_site, reset_site
from warehouse.registry.errors import RegistryError
from warehouse.registry.funnels import STEPS_MAX, STEPS_MIN
from warehouse.registry.site_settings import SHIELD_KINDS
from warehouse.registry.sites import Site

FUNNEL_FIELDS = 8


def rename(context: Context, site: Site, form: Form) -> Site:
    """
    Give the site another domain; its old one goes on counting.
    """
    return context.registry.sites.rename(site.domain, form.get("domain", ""))


def rezone(context: Context, site: Site, form: Form) -> Site:
    """
    Let days follow another time zone.
    """
    return change_site(context, site, timezone=form.get("timezone", ""))


def add_goal(context: Context, site: Site, form: Form) -> Site:
    """
    Add a goal; properties come one a line as `name=value`.
    """
    kind, target = form.get("kind", ""), form.get("target", "")
    props: dict[str, str] = {}
    for line in form.get("custom_props", "").splitlines():
        name, sign, value = line.partition("=")
        if line.strip() and not sign:
            raise RegistryError(f"{line.strip()[:50]!r} is not a property: write name=value, one a line")
        if line.strip():
            props[name.strip()] = value.strip()
    context.registry.goals.add(
        site.id,
        kind=kind,
        event_name=target if kind == "event" else None,
        page_path=None if kind == "event" else target,
        display_name=form.get("display_name") or None,
        scroll_threshold=(form.get("scroll_threshold") or None) if kind == "scroll" else None,
        currency=form.get("currency") or None,
        custom_props=props,
    )
    return site


def remove_goal(context: Context, site: Site, form: Form) -> Site:
    """
    Remove a goal.
    """
    context.registry.goals.remove(site.id, _number(form, "id"))
    return site


def add_funnel(context: Context, site: Site, form: Form) -> Site:
    """
    Add a funnel; steps left empty are skipped. A step is a goal's name; a path or an event that is no goal becomes one.
    """
    steps = [form.get(f"step{number}", "").strip() for number in range(1, FUNNEL_FIELDS + 1)]
    steps = [step for step in steps if step]
    if not STEPS_MIN <= len(set(steps)) == len(steps):
        # Before any goal is made of them.
        raise RegistryError(f"a funnel has {STEPS_MIN} to {STEPS_MAX} different steps")
    known = {goal.display_name: goal.id for goal in context.registry.goals.all(site.id)}
    context.registry.funnels.add(
        site.id, form.get("name", ""), [known.get(step) or _goal_of(context, site, step) for step in steps]
    )
    return site


def _goal_of(context: Context, site: Site, step: str) -> int:
    is_page = step.startswith("/")
    goal = context.registry.goals.add(
        site.id,
        kind="page" if is_page else "event",
        event_name=None if is_page else step,
        page_path=step if is_page else None,
    )
    return goal.id


def remove_funnel(context: Context, site: Site, form: Form) -> Site:
    """
    Remove a funnel.
    """
    context.registry.funnels.remove(site.id, _number(form, "id"))
    return site


def add_property(context: Context, site: Site, form: Form) -> Site:
    """
    Declare a property.
    """
    context.registry.properties.add(site.id, form.get("name", ""))
    return site


def remove_property(context: Context, site: Site, form: Form) -> Site:
    """
    Declare a property no longer.
    """
    context.registry.properties.remove(site.id, form.get("name", ""))
    return site


def change_shields(context: Context, site: Site, form: Form) -> Site:
    """
    Take all four lists as they stand, one entry a line.
    """
    shields = {
        kind: [line.strip() for line in form.get(kind, "").splitlines() if line.strip()] for kind in SHIELD_KINDS
    }
    return context.registry.sites.change(site.domain, shields=shields)


def change_privacy(context: Context, site: Site, form: Form) -> Site:
    """
    Take the switches and numbers of the privacy page; a box that is not ticked is not sent.
    """
    preset = form.get("preset") or None
    return context.registry.sites.change(
        site.domain,
        k=_number(form, "k"),
        preset=preset,
        vault=preset is None and "vault" in form,
        risk=preset is None and "risk" in form,
        signals=form.get("signals", ""),
        datacenter=form.get("datacenter", ""),
    )


def change_public(context: Context, site: Site, form: Form) -> Site:
    """
    Let everybody look, or not.
    """
    return context.registry.sites.change(site.domain, public="public" in form)


def add_link(context: Context, site: Site, form: Form) -> Site:
    """
    Make a shared link; it ends when its last day (UTC) is over.
    """
    ends = form.get("expires", "")
    try:
        end = datetime.combine(date.fromisoformat(ends) + timedelta(days=1), time(), UTC) if ends else None
    except (ValueError, OverflowError):
        raise RegistryError(f"{ends[:20]!r} is not a day: give one such as 2027-01-31") from None
    context.registry.shared_links.add(
        site.id,
        form.get("name", ""),
        password=form.get("password") or None,
        expires_ms=None if end is None else round(end.timestamp() * 1000),
        segment_id=_number(form, "segment") if form.get("segment") else None,
    )
    return site


def remove_link(context: Context, site: Site, form: Form) -> Site:
    """
    Remove a shared link.
    """
    context.registry.shared_links.remove(site.id, _number(form, "id"))
    return site


def add_segment(context: Context, site: Site, form: Form) -> Site:
    """
    Save one filter under a name.
    """
    dimension, value = FILTERS.get(form.get("filter", "")), form.get("value", "").strip()
    if dimension is None or not value:
        raise RegistryError("a segment needs something to filter by, and a value")
    context.registry.segments.add(site.id, form.get("name", ""), [["is", dimension, [value]]])
    return site


def remove_segment(context: Context, site: Site, form: Form) -> Site:
    """
    Remove a segment.
    """
    context.registry.segments.remove(site.id, _number(form, "id"))
    return site


def reset(context: Context, site: Site, form: Form) -> Site:
    """
    Delete what was measured.
    """
    _confirmed(site, form)
    reset_site(context, site)
    return site


def delete(context: Context, site: Site, form: Form) -> None:
    """
    Delete the site.
    """
    _confirmed(site, form)
    remove_site(context, site)


Change = Callable[[Context, Site, Form], Site | None]
"""Gives back the site as it is now; None when it is gone. Raises `RegistryError` with what was wrong."""

CHANGES: Mapping[tuple[str, str], Change] = {
    ("general", "rename"): rename,
    ("general", "rezone"): rezone,
    ("goals", "add"): add_goal,
    ("goals", "remove"): remove_goal,
    ("funnels", "add"): add_funnel,
    ("funnels", "remove"): remove_funnel,
    ("properties", "add"): add_property,
    ("properties", "remove"): remove_property,
    ("shields", "change"): change_shields,
    ("privacy", "change"): change_privacy,
    ("sharing", "public"): change_public,
    ("sharing", "add"): add_link,
    ("sharing", "remove"): remove_link,
    ("sharing", "add_segment"): add_segment,
    ("sharing", "remove_segment"): remove_segment,
    ("imports", "remove"): remove_import,
    ("danger", "reset"): reset,
    ("danger", "delete"): delete,
}
"""By section and action."""


def _number(form: Form, name: str) -> int:
    text = form.get(name, "").strip()
    if not text.isascii() or not text.isdigit() or len(text) > 15:
        raise RegistryError(f"{name} must be a whole number")
    return int(text)


def _confirmed(site: Site, form: Form) -> None:
    if form.get("confirm", "").strip().lower() != site.domain:
        raise RegistryError(f"type {site.domain} to confirm: nothing was deleted")
