"""
Where people's rights are served: operations of `keeper.sock` for the self-service page and for `daysalt dsar`.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import msgspec

from daysalt.vault.answers import day_facts
from daysalt.vault.audit import AuditLog
from daysalt.vault.disclosures import Disclosure, Disclosures, Notice
from daysalt.vault.reads import VaultReads
from daysalt.vault.rights import VaultRights
from daysalt.vault.stored_rows import StoredRows
from warehouse.days import DAY_MS, iso_day
from warehouse.local_socket import Fields

Forget = Callable[[str], Awaitable[None]]


async def nothing_to_forget(_address: str) -> None:
    """
    Stand in where no risk windows run: they are in memory only.
    """


class RightsDesk:
    """
    Takes what people ask about their own address, or what a case decided, and answers in fields of JSON.
    """

    def __init__(
        self, reads: VaultReads, rows: StoredRows, audit: AuditLog, disclosures: Disclosures, forget: Forget
    ) -> None:
        self._rights = VaultRights(reads, rows, audit, disclosures)
        self._disclosures = disclosures
        self._forget = forget

    def operations(self) -> dict[str, Callable[..., Awaitable[Fields]]]:
        """
        Give the operations by name; each is a coroutine function that takes fields and gives fields.
        """
        return {
            "vault_self": self.own,
            "vault_erase_address": self.erase,
            "vault_restricted": self.restricted,
            "vault_notices": self.notices,
            "vault_notice_told": self.told,
        }

    async def own(self, address: str) -> Fields:
        """
        See `VaultRights.self_service`: for the privacy page, with the connecting address.
        """
        days = await self._rights.self_service(address)
        return {"days": day_facts(days), **await self.disclosed(address)}

    async def disclosed(self, address: str) -> Fields:
        """
        See `VaultRights.disclosed`. No operation of its own: it goes along with what somebody may read anyhow.
        """
        return {"disclosed": [_disclosure_facts(one) for one in await self._rights.disclosed(address)]}

    async def erase(self, address: str, ticket: str, actor: str) -> Fields:
        """
        See `VaultRights.erase`; the risk windows of today forget the address, too.
        """
        rows, notices = await self._rights.erase(actor, address, ticket=ticket)
        await self._forget(address)
        return {"rows": rows, "notices": [_notice_facts(notice) for notice in notices]}

    async def restricted(self, address: str, ticket: str, actor: str) -> Fields:
        """
        See `VaultRights.restricted`.
        """
        notices = await self._rights.restricted(actor, address, ticket=ticket)
        return {"notices": [_notice_facts(notice) for notice in notices]}

    async def notices(self) -> Fields:
        """
        List all notices, delivered ones too.
        """
        return {"notices": [_notice_facts(notice) for notice in self._disclosures.notices()]}

    async def told(self, notice: str) -> Fields:
        """
        See `Disclosures.told`.
        """
        return {"notice": _notice_facts(self._disclosures.told(notice))}


def _disclosure_facts(one: Disclosure) -> dict[str, Any]:
    return {"to": one.recipient, "on": iso_day(one.at_ms // DAY_MS), "purpose": one.purpose, "ticket": one.ticket}


def _notice_facts(notice: Notice) -> dict[str, Any]:
    facts: dict[str, Any] = msgspec.to_builtins(notice)
    return facts
