"""
Hop 3, known sources: names and kinds of the places visits come from, read once from `data/sources.json`; hosts that it
does not know may be named by a fetched list (`ingest.word_files`).
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib.resources import files
from typing import Literal

import msgspec

Category = Literal["search", "social", "video", "shopping", "ai", "email", ""]


class Source(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """
    One line of the list.

    Attributes: `hosts` match exactly, `domains` themselves and everything below, `labels` under any country's suffix
    (`google` is google.se and google.co.uk), `apps` Android package names, `tags` campaign sources in lower case,
    `paid_tags` such that say the click was paid for.
    """

    name: str
    category: Category = ""
    hosts: tuple[str, ...] = ()
    domains: tuple[str, ...] = ()
    labels: tuple[str, ...] = ()
    apps: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    paid_tags: tuple[str, ...] = ()


class SourceList(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """
    The file: where it is from, named sources, and hosts that have a kind but no name of their own.
    """

    about: dict[str, str]
    sources: tuple[Source, ...]
    plain_hosts: dict[Category, tuple[str, ...]]


def source_of_host(host: str) -> str:
    """
    Name the source of a referrer's host; the host itself when it is nobody known.

    Args:
        host: lower case, without `www.`.
    """
    exact = _hosts.get(host)
    if exact is not None:
        return exact
    rest = host
    while rest:
        named = _domains.get(rest) or _name_of_label(rest)
        if named is not None:
            return named
        rest = rest.partition(".")[2]
    rest = host if _fetched_hosts else ""
    while rest:
        named = _fetched_hosts.get(rest)
        if named is not None:
            return named
        rest = rest.partition(".")[2]
    return host


def install_fetched(hosts: Mapping[str, tuple[str, Category]]) -> None:
    """
    Take the names and kinds of a fetched list, in place of one fetched before. Where our own list knows a name, its
    spelling and its kind stay.
    """
    global _fetched_hosts, _fetched_categories
    named = {host: source_of_tag(name) for host, (name, _) in hosts.items()}
    _fetched_categories = {named[host].lower(): category for host, (_, category) in hosts.items() if category}
    _fetched_hosts = named


def source_of_app(package: str) -> str | None:
    """
    Name the source of an Android app.
    """
    return _apps.get(package)


def source_of_tag(tag: str) -> str:
    """
    Name the source of a campaign tag, whatever its case; the tag as sent when it is nobody known.
    """
    return _tags.get(tag.strip().lower(), tag)


def is_paid_tag(tag: str) -> bool:
    """
    Tell whether a campaign tag, in lower case, itself says that the click was paid for.
    """
    return tag in _paid_tags


def category_of(source: str) -> Category:
    """
    Tell the kind of a source.

    Args:
        source: a name or a host, in lower case.
    """
    known = _categories.get(source)
    if known is not None:
        return known
    rest = source.partition(".")[2]
    while rest:
        if rest in _plain_domains:
            return _plain_domains[rest]
        rest = rest.partition(".")[2]
    return _fetched_categories.get(source, "")


def _name_of_label(host: str) -> str | None:
    label, _, suffix = host.partition(".")
    name = _labels.get(label)
    if name is None:
        return None
    first, _, second = suffix.partition(".")
    country = second if first in ("co", "com", "net", "org") and second else suffix
    return name if "." not in country and 2 <= len(country) <= 3 else None


def _read() -> SourceList:
    text = files("ingest").joinpath("data/sources.json").read_bytes()
    return msgspec.json.decode(text, type=SourceList)


_list = _read()
_hosts = {host: source.name for source in _list.sources for host in source.hosts}
_domains = {domain: source.name for source in _list.sources for domain in source.domains}
_labels = {label: source.name for source in _list.sources for label in source.labels}
_apps = {package: source.name for source in _list.sources for package in source.apps}
_paid_tags = frozenset(tag for source in _list.sources for tag in source.paid_tags)
_tags = {
    tag: source.name
    for source in _list.sources
    for tag in (*source.hosts, *source.domains, *source.paid_tags, *source.tags, source.name.lower())
}
_plain_domains: dict[str, Category] = {
    host: category for category, hosts in _list.plain_hosts.items() for host in hosts
}
_fetched_hosts: dict[str, str] = {}
_fetched_categories: dict[str, Category] = {}
_categories: dict[str, Category] = dict(_plain_domains)
_categories.update((source.name.lower(), source.category) for source in _list.sources)
