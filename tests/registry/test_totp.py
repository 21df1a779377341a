"""
Time-based codes.
"""

from __future__ import annotations

import base64

import pytest

from warehouse.registry.totp import app_address, code_at, fitting_step, new_secret

SECRET = base64.b32encode(b"12345678901234567890").decode()


@pytest.mark.parametrize(
    ("seconds", "code"),
    [(59, "287082"), (1111111109, "081804"), (1234567890, "005924"), (2000000000, "279037"), (20000000000, "353130")],
)
def test_codes_of_the_standard(seconds: int, code: str) -> None:
    """The last six digits of RFC 6238, appendix B."""
    assert code == code_at(SECRET, seconds // 30)


def test_a_code_fits_for_a_moment_and_once() -> None:
    """A clock may be half a minute off; a step that was used does not fit again."""
    now = 1_000_000
    for step in (now - 1, now, now + 1):
        assert step == fitting_step(SECRET, code_at(SECRET, step), now * 30_000, None)
    assert fitting_step(SECRET, code_at(SECRET, now), now * 30_000, now) is None
    assert fitting_step(SECRET, code_at(SECRET, now - 2), now * 30_000, None) is None
    assert fitting_step(SECRET, "", now * 30_000, None) is None


def test_secrets_are_for_apps() -> None:
    """The address carries secret and account, quoted."""
    assert 32 == len(new_secret())
    assert "otpauth://totp/Daysalt%3Aa%40b.test?secret=S&issuer=Daysalt" == app_address("S", "a@b.test")
