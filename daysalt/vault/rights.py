"""
What people may ask of the vault about their own address: what is kept, whom it went to, and to have it erased.

Nobody approves it: it is theirs, or a case that was decided elsewhere. Each is in the audit log first.
"""

from __future__ import annotations

from collections.abc import Iterator

from daysalt.vault.answers import SeenDay, read_address, read_ticket
from daysalt.vault.audit import AuditLog
from daysalt.vault.disclosures import Disclosure, Disclosures, Notice, Subject
from daysalt.vault.reads import VaultReads
from daysalt.vault.stored_rows import StoredRows, Wanted

SELF_AN_HOUR_MAX = 600
"""Of people who ask about their own address: far above what a site sees, far below what would fill the log."""
SELF = "vault.self_service"


class VaultRights:
    """
    Self service, erasure and notices of one installation.
    """

    def __init__(self, reads: VaultReads, rows: StoredRows, audit: AuditLog, disclosures: Disclosures) -> None:
        self._reads = reads
        self._rows = rows
        self._audit = audit
        self._disclosures = disclosures

    async def self_service(self, address: str) -> list[SeenDay]:
        """
        Tell the address that asks what is kept about it.

        Raises:
            ReadRefused: the vault is closed, or `SELF_AN_HOUR_MAX` asked within the hour.
            AuditError, KeyringError, SocketRefused: it cannot be done now.
        """
        packed = read_address(address)
        self._reads.gate(SELF, SELF_AN_HOUR_MAX)
        self._audit.append("self service", SELF, subject_kind="address", purpose="dsar")
        return self._reads.seen_days(await self._reads.find(packed, ""))

    async def disclosed(self, address: str) -> list[Disclosure]:
        """
        Find to whom an address was handed out, as far as days live that it was seen on.

        Raises:
            ReadRefused, KeyringError, DisclosureError: as they say.
        """
        return self._disclosures.of(_subjects(await self._reads.wanted(read_address(address), "")))

    async def erase(self, actor: str, address: str, *, ticket: str) -> tuple[int, list[Notice]]:
        """
        Delete an address's rows of all living days.

        Returns:
            How many rows there were, and whom to tell of it.

        Raises:
            ReadRefused, AuditError, KeyringError, SocketRefused, DisclosureError: as they say.
        """
        packed, ticket = read_address(address), read_ticket(ticket)
        self._audit.append(actor, "vault.erase", subject_kind="address", purpose="dsar", ticket=ticket)
        wanted = await self._reads.wanted(packed, "")
        # First whom to tell: an erasure that breaks off is done again, and makes no notice twice.
        notices = self._disclosures.notify(_subjects(wanted), "erasure", ticket)
        return await self._rows.erase(wanted), notices

    async def restricted(self, actor: str, address: str, *, ticket: str) -> list[Notice]:
        """
        Find out who must be told that an address is restricted from now on.

        Raises:
            ReadRefused, AuditError, KeyringError, DisclosureError: as they say.
        """
        ticket = read_ticket(ticket)
        self._audit.append(actor, "vault.restrict", subject_kind="address", purpose="dsar", ticket=ticket)
        wanted = await self._reads.wanted(read_address(address), "")
        return self._disclosures.notify(_subjects(wanted), "restriction", ticket)


def _subjects(wanted: Wanted) -> Iterator[Subject]:
    return ((site_id, day, index.hex()) for site_id, day, index in wanted)
