"""
What reading the vault answers, and to whom.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from daysalt.vault.audit import checked_ticket
from ingest.vault.cipher import parsed_address

DSAR = "dsar"
PURPOSES = ("fraud_risk", DSAR, "legal_obligation")
COMMAND_LINE = "command line"


class ReadRefused(Exception):
    """
    The vault may not be read like this. The text is one sentence that says what to do.
    """


class ApprovalNeeded(ReadRefused):
    """
    A second person must approve first. `request_id` names what they approve.
    """

    def __init__(self, request_id: str, command: str) -> None:
        super().__init__(
            f"this needs a second person: request {request_id} waits for an hour; another owner runs "
            f"`daysalt vault approve {request_id} --as EMAIL`{command}"
        )
        self.request_id = request_id


@dataclass(frozen=True, slots=True)
class SeenDay:
    """
    One living day on which an address was seen. `day` is an ISO date, `hours` the hours UTC, `hits` of all sites asked.
    """

    day: str
    hours: tuple[int, ...]
    hits: int
    sites: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Person:
    """
    Who asks: an owner's e-mail address, checked, or the command line; and whether another owner could approve.
    """

    name: str
    checked: bool
    second_exists: bool


def day_facts(days: Sequence[SeenDay]) -> list[dict[str, Any]]:
    """
    Give days as fields of JSON.
    """
    return [asdict(day) for day in days]


def hours_of(bitmap: int) -> tuple[int, ...]:
    """
    Read a bitmap of hours into their numbers.
    """
    return tuple(hour for hour in range(24) if bitmap >> hour & 1)


def read_address(address: str) -> bytes:
    """
    Read an address as somebody typed it.

    Raises:
        ReadRefused: it is none.
    """
    try:
        return parsed_address(address)
    except ValueError:
        # Not shown: what was typed may be an address all the same, and this text goes to terminals and logs.
        raise ReadRefused("this is no IP address: give one such as 203.0.113.77 or 2001:db8::1") from None


def read_ticket(ticket: str) -> str:
    """
    Check a ticket.

    Raises:
        ReadRefused: it is none, or holds an address.
    """
    try:
        return checked_ticket(ticket)
    except ValueError as error:
        raise ReadRefused(str(error)) from None
