"""
Time-based one-time codes: the second factor that an app on a phone shows.

Source: RFC 6238 with HMAC-SHA-1, 30 seconds and six digits, which is what every app does.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from urllib.parse import quote, urlencode

STEP_SECONDS = 30
DIGITS = 6
SECRET_BYTES = 20
DRIFT_STEPS = 1
"""Steps a phone's clock may be off, in either direction."""


def new_secret() -> str:
    """
    Draw a secret, in base32 as apps take it.
    """
    return base64.b32encode(secrets.token_bytes(SECRET_BYTES)).decode("ascii")


def code_at(secret: str, step: int) -> str:
    """
    Compute the code of a time step (30 seconds since 1970).
    """
    digest = hmac.new(base64.b32decode(secret), step.to_bytes(8, "big"), hashlib.sha1).digest()
    offset = digest[-1] & 0x0F
    number = int.from_bytes(digest[offset : offset + 4], "big") & 0x7FFFFFFF
    return f"{number % 10**DIGITS:0{DIGITS}d}"


def fitting_step(secret: str, code: str, now_ms: int, last_step: int | None) -> int | None:
    """
    Find the step that a code belongs to.

    Args:
        last_step: the last one that was used; it and earlier ones do not fit again.

    Returns:
        The step, to be kept as the last one; None when the code does not fit.
    """
    given = code.replace(" ", "").encode("utf-8", "surrogatepass")
    now = now_ms // 1000 // STEP_SECONDS
    found: int | None = None
    for step in range(now - DRIFT_STEPS, now + DRIFT_STEPS + 1):
        fits = hmac.compare_digest(code_at(secret, step).encode(), given)
        if fits and (last_step is None or step > last_step):
            found = step
    return found


def app_address(secret: str, account: str) -> str:
    """
    Write the address that adds a secret to an app.
    """
    label = quote(f"Daysalt:{account}", safe="")
    return f"otpauth://totp/{label}?{urlencode({'secret': secret, 'issuer': 'Daysalt'})}"
