"""
People, their one-time links, passwords and sign-ins.
"""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from tests.clocks import FakeClock
from warehouse.registry.attempts import ATTEMPTS_MAX
from warehouse.registry.database import Registry
from warehouse.registry.errors import RegistryError, SignInThrottled

PASSWORD = "correct horse"
DAY_SECONDS = 24 * 60 * 60


def _with_password(registry: Registry, email: str = "anna@example.com") -> int:
    _, token = registry.users.add(email)
    return registry.users.accept(token, PASSWORD).id


def test_a_link_sets_a_password_once(registry: Registry) -> None:
    """The token names its person, works once, and then only the password does."""
    user, token = registry.users.add(" Anna@Example.com ", "editor")
    assert ("anna@example.com", "editor") == (user.email, user.role)
    assert user == registry.users.token_user(token)
    assert user == registry.users.accept(token, PASSWORD)

    assert registry.users.token_user(token) is None
    with pytest.raises(RegistryError, match="this link is unknown, used or too old"):
        registry.users.accept(token, PASSWORD)
    assert user == registry.users.check("ANNA@example.com", PASSWORD)
    assert registry.users.check("anna@example.com", "wrong password") is None
    assert registry.users.check("nobody@example.com", PASSWORD) is None


@pytest.mark.parametrize(
    ("password", "sentence"), [("short", "5 characters: use at least 10"), ("x" * 1025, "at most")]
)
def test_unfit_passwords_leave_the_link_good(registry: Registry, password: str, sentence: str) -> None:
    """Somebody who chose too short a password may choose again."""
    _, token = registry.users.add("anna@example.com")
    with pytest.raises(RegistryError, match=sentence):
        registry.users.accept(token, password)

    assert registry.users.accept(token, PASSWORD).email == "anna@example.com"


def test_links_die_after_seven_days(registry: Registry, clock: FakeClock) -> None:
    """A forgotten link in an inbox opens nothing."""
    _, token = registry.users.add("anna@example.com")
    clock.advance(seconds=7 * DAY_SECONDS)

    assert registry.users.token_user(token) is None


def test_a_new_link_replaces_the_old_and_signs_out(registry: Registry) -> None:
    """One link at a time; the old password works until the new link is used."""
    user_id = _with_password(registry)
    cookie = registry.sign_ins.start(user_id)
    first = registry.users.reset_password("anna@example.com")
    second = registry.users.reset_password("anna@example.com")
    assert registry.sign_ins.find(cookie) is None
    assert registry.users.token_user(first) is None
    assert registry.users.check("anna@example.com", PASSWORD) is not None
    registry.users.accept(second, "another password")

    assert registry.users.check("anna@example.com", PASSWORD) is None
    assert registry.users.check("anna@example.com", "another password") is not None


@pytest.mark.parametrize("email", ["", "anna", "a b@example.com", "a@b@c", "<a@b.c>", f"{'x' * 251}@b.c"])
def test_what_is_no_address_is_refused(registry: Registry, email: str) -> None:
    """The sentence shows a right one."""
    with pytest.raises(RegistryError, match=r"is not an e-mail address: give one such as anna@example\.com"):
        registry.users.add(email)


def test_people_are_refused_twice_unknown_and_last(registry: Registry) -> None:
    """Each refusal says which command helps."""
    registry.users.add("anna@example.com")
    with pytest.raises(RegistryError, match="is a user already: use `daysalt user reset-password`"):
        registry.users.add("anna@example.com")
    with pytest.raises(RegistryError, match="'king' is not a role: use owner, editor, viewer"):
        registry.users.add("ben@example.com", "king")
    with pytest.raises(RegistryError, match=r"nobody has the e-mail address 'ben@example\.com'"):
        registry.users.reset_password("ben@example.com")
    with pytest.raises(RegistryError, match="is the last owner: add another one"):
        registry.users.remove("anna@example.com")
    registry.users.add("ben@example.com")
    registry.users.remove("anna@example.com")

    assert ["ben@example.com"] == [user.email for user in registry.users.all()]
    assert 1 == registry.users.count()


def test_the_first_start_makes_one_owner(registry: Registry) -> None:
    """A renewed token kills the one before; once somebody has a password there is none."""
    first, second = registry.users.first_token(), registry.users.first_token()
    assert first is not None
    assert second is not None
    assert (False, True) == (registry.users.is_first_token(first), registry.users.is_first_token(second))
    assert registry.users.token_user(second) is None
    with pytest.raises(RegistryError, match="this set-up link is unknown, used or too old"):
        registry.users.accept_first(first, "anna@example.com", PASSWORD)
    owner = registry.users.accept_first(second, "anna@example.com", PASSWORD)

    assert ("anna@example.com", "owner") == (owner.email, owner.role)
    assert registry.users.first_token() is None
    with pytest.raises(RegistryError, match="this set-up link"):
        registry.users.accept_first(second, "ben@example.com", PASSWORD)


def test_somebody_invited_can_be_the_first_owner(registry: Registry) -> None:
    """A person without a password does not stand in the way of the first start."""
    registry.users.add("anna@example.com", "viewer")
    token = registry.users.first_token()
    assert token is not None

    assert "owner" == registry.users.accept_first(token, "anna@example.com", PASSWORD).role
    assert 1 == registry.users.count()


@pytest.mark.parametrize("email", ["anna@example.com", "nobody@example.com"])
def test_attempts_are_limited_by_account(registry: Registry, clock: FakeClock, email: str) -> None:
    """Ten wrong passwords close an account for the rest of a quarter of an hour, also one that nobody has."""
    _with_password(registry)
    for _ in range(ATTEMPTS_MAX):
        assert registry.users.check(email, "wrong password") is None
    clock.advance(seconds=60)
    with pytest.raises(SignInThrottled, match="too many attempts for this account: try again in 14 minutes") as refusal:
        registry.users.check(email, PASSWORD)
    assert 14 * 60 == refusal.value.wait_seconds
    clock.advance(seconds=14 * 60)

    assert (email == "anna@example.com") == (registry.users.check(email, PASSWORD) is not None)


def test_a_right_password_forgets_the_wrong_ones(registry: Registry) -> None:
    """Somebody who mistypes now and then is never closed out."""
    _with_password(registry)
    for _ in range(3):
        for _ in range(ATTEMPTS_MAX - 1):
            registry.users.check("anna@example.com", "wrong password")
        assert registry.users.check("anna@example.com", PASSWORD) is not None


def test_a_sign_in_lasts_while_it_is_used(registry: Registry, clock: FakeClock) -> None:
    """Thirty idle days end it; use in between renews it."""
    cookie = registry.sign_ins.start(_with_password(registry))
    clock.advance(seconds=29 * DAY_SECONDS)
    assert registry.sign_ins.find(cookie) is not None
    clock.advance(seconds=29 * DAY_SECONDS)
    assert registry.sign_ins.find(cookie) is not None
    clock.advance(seconds=30 * DAY_SECONDS)

    assert registry.sign_ins.find(cookie) is None


def test_signing_out_ends_one_sign_in(registry: Registry) -> None:
    """The other browser stays signed in."""
    user_id = _with_password(registry)
    one, other = registry.sign_ins.start(user_id), registry.sign_ins.start(user_id)
    registry.sign_ins.end(one)
    registry.sign_ins.end("unknown")

    assert (None, user_id) == (registry.sign_ins.find(one), getattr(registry.sign_ins.find(other), "id", None))
    with pytest.raises(RegistryError, match="there is no user with the number 99"):
        registry.sign_ins.start(99)


def test_nothing_that_opens_a_door_is_stored(registry: Registry, tmp_path: Path) -> None:
    """Passwords, links, cookies and keys are nowhere in the files."""
    user, link = registry.users.add("anna@example.com")
    first = registry.users.first_token()
    registry.users.accept(registry.users.reset_password("anna@example.com"), PASSWORD)
    cookie = registry.sign_ins.start(user.id)
    _, plain = registry.keys.add("all")
    registry.keys.ensure_admin("an admin key of mine")
    content = b"".join(path.read_bytes() for path in (tmp_path / "data").iterdir())

    assert first is not None
    secrets = [PASSWORD, link, first, cookie, plain, plain.split("_", 2)[2], "an admin key of mine"]
    assert [] == [secret for secret in secrets if secret.encode() in content]
    assert sqlite3.sqlite_version_info >= (3, 35)
