"""
What the registry says when it cannot do what was asked.
"""

from __future__ import annotations


class RegistryError(Exception):
    """
    Something was refused or failed. The text is one sentence for a person: what, which value, what to do.
    """


class RegistryAddressError(RegistryError):
    """
    DAYSALT_REGISTRY_URL is not an address the registry can use: a setting to correct.
    """


class RegistryUnavailable(RegistryError):
    """
    The database cannot be reached, opened or written right now. The same call may work later.
    """


class SignInThrottled(RegistryError):
    """
    Too many attempts for one account. `wait_seconds` says when the next one is looked at.
    """

    def __init__(self, sentence: str, wait_seconds: int) -> None:
        super().__init__(sentence)
        self.wait_seconds = wait_seconds
