"""
Hop 3: a site's own rules.
"""

from __future__ import annotations

from ipaddress import ip_address

import pytest

from ingest.hit import DropReason
from ingest.shields import NO_SHIELDS, compile_shields, screen_country, screen_page

ADDRESS = ip_address("192.0.2.7")


@pytest.mark.parametrize(
    ("rule", "address", "blocked"),
    [
        ("192.0.2.7", "192.0.2.7", True), ("192.0.2.7", "192.0.2.8", False), ("192.0.2.0/24", "192.0.2.9", True),
        ("192.0.2.9/24", "192.0.2.1", True), ("192.0.2.0/24", "2001:db8::1", False),
        ("2001:db8::/32", "2001:db8::1", True),
        ("2001:db8::1", "2001:db8::1", True),
    ],
)  # fmt: skip
def test_addresses(rule: str, address: str, blocked: bool) -> None:
    """An address rule blocks that address, a network rule all in it."""
    found = screen_page(compile_shields(ip=[rule]), "a.test", "/", ip_address(address))

    assert found == (DropReason.IP_BLOCKED if blocked else None)


@pytest.mark.parametrize(
    ("rule", "pathname", "blocked"),
    [
        ("/blocked/**", "/blocked/page", True), ("/blocked/*", "/blocked/a/b", True), ("/blocked/*", "/blocked", False),
        ("/a", "/a", True), ("/a", "/a/b", False), ("/*/edit", "/x/y/edit", True), ("/*/edit", "/edit", False),
        ("*", "/anything", True), ("/a.c", "/abc", False), ("/ab*ba", "/aba", False), ("/ab*ba", "/abba", True),
        ("/*a*b*c", "/xaxbxc", True), ("/*a*b*c", "/xbxaxc", False), ("/x*\n*", "/x\ny", True),
    ],
)  # fmt: skip
def test_pages(rule: str, pathname: str, blocked: bool) -> None:
    """Stars stand for any text, slashes included, and the whole path must fit."""
    found = screen_page(compile_shields(page=[rule]), "a.test", pathname, ADDRESS)

    assert found == (DropReason.PAGE_BLOCKED if blocked else None)


@pytest.mark.parametrize(
    ("rules", "hostname", "allowed"),
    [
        (["*.example.com"], "a.b.example.com", True), (["*.example.com"], "example.com", False),
        (["example.com", "Other.Test"], "other.test", True), ([], "anything.test", True),
        ([" "], "anything.test", True),
    ],
)  # fmt: skip
def test_hostnames(rules: list[str], hostname: str, allowed: bool) -> None:
    """Hostname rules are a list of what is allowed; none allows all."""
    found = screen_page(compile_shields(hostname=rules), hostname, "/", ADDRESS)

    assert found == (None if allowed else DropReason.HOSTNAME_NOT_ALLOWED)


@pytest.mark.parametrize(
    ("rules", "country", "blocked"),
    [(["se"], "SE", True), (["EE"], "", False), (["ZZ"], "", True), ([], "", False), (["A1"], "A1", True)],
)
def test_countries(rules: list[str], country: str, blocked: bool) -> None:
    """A country rule blocks that country; ZZ the unknown."""
    found = screen_country(compile_shields(country=rules), country)

    assert found == (DropReason.COUNTRY_BLOCKED if blocked else None)


def test_no_rules() -> None:
    """Without rules nothing is blocked."""

    assert screen_page(NO_SHIELDS, "a.test", "/", ADDRESS) is None
    assert screen_country(NO_SHIELDS, "") is None


def test_wrong_address_rule() -> None:
    """A rule that is no address is refused by name."""
    with pytest.raises(ValueError, match="'nonsense' is no address"):
        compile_shields(ip=["nonsense"])


def test_hostile_wildcards_are_quick() -> None:
    """A rule of many stars on a long path that does not fit takes no power of its length."""
    shields = compile_shields(page=["*a" * 60 + "b"])

    assert screen_page(shields, "a.test", "/" + "a" * 2000, ADDRESS) is None
