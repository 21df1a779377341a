"""
Where people ask for risk checks: operations of `keeper.sock` for the command and the analysts' page.

The keeper holds the day's risk key, so the address becomes a risk id here and goes no further; the windows are asked
by that id. Who asked is in the audit log before they are.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import Any

import msgspec

from daysalt.risk_check import Lists, RiskCheckError, asked_site, checked_address
from daysalt.vault.audit import AuditError, AuditLog
from ingest.keys.day_keys import DayKey
from ingest.keys.keys_directory import KeyringError
from ingest.risk.observer import identify
from ingest.risk_id import RiskIds
from warehouse.clock import Clock
from warehouse.data_dir import RISK_SOCKET
from warehouse.local_socket import Fields, Operation, SocketAbsent, SocketRefused, call, refusing
from warehouse.registry.database import Registry
from warehouse.registry.errors import RegistryError
from warehouse.settings import Settings

CALL_SECONDS = 5.0
COMMAND_LINE = "command line"
CHECK, EXPLAIN, FEEDBACK = "risk.check", "risk.explain", "risk.feedback"
AWAY = "the risk windows do not answer now: try again in a few seconds"
REFUSALS = (AuditError, KeyringError, RegistryError, RiskCheckError)


class RiskDesk:
    """
    Takes what people ask about an address, finds out who they are, and answers in fields of JSON.
    """

    def __init__(
        self,
        settings: Settings,
        clock: Clock,
        audit: AuditLog,
        *,
        keys: Callable[[], Iterable[DayKey]],
        objected: Callable[[str], str],
    ) -> None:
        """
        Args:
            keys: gives the living keys of risk ids.
            objected: tells what an address asked for; empty when nothing.
        """
        self._settings = settings
        self._clock = clock
        self._audit = audit
        self._keys = keys
        self._objected = objected
        self._lists: Lists | None = None

    async def forget(self, address: str) -> None:
        """
        Let the windows of the living days forget an address that was erased. Windows that do not answer are starting:
        they know nothing of it.

        Raises:
            KeyringError: a key does not open.
        """
        ids, now_ms = RiskIds(), self._clock.now_ms()
        ids.install(self._keys())
        rid = ids.risk_id(checked_address(address).packed, now_ms)
        if rid is not None:
            with suppress(SocketAbsent, SocketRefused):
                await asyncio.to_thread(
                    call, self._settings.data_dir / RISK_SOCKET, "forget", timeout_s=CALL_SECONDS, rid=rid.hex()
                )

    def operations(self) -> dict[str, Operation]:
        """
        Give the operations of `keeper.sock` by name. Each takes `sign_in`, the token of an owner who is signed in;
        without one it is the command line that asks.
        """
        return {
            "risk_check": refusing(self.check, REFUSALS),
            "risk_explain": refusing(self.explain, REFUSALS),
            "risk_feedback": refusing(self.judge, REFUSALS),
        }

    async def check(self, address: str, site: str = "", sign_in: str = "") -> Fields:
        """
        Assess an address, for all sites together or with a site's switch in mind.

        Returns:
            The answer in the shape of the API.
        """
        actor = await self._actor(sign_in)
        parsed = checked_address(address)
        known_site = await asyncio.to_thread(asked_site, self._settings, self._clock, site or None)
        if self._lists is None:
            self._lists = Lists(self._settings, self._clock)
        question = self._lists.question(parsed, known_site)
        if not question.refused and self._objected(str(parsed)):
            question = msgspec.structs.replace(question, refused="RESTRICTED")
        ids = RiskIds()
        ids.install(self._keys())
        known = identify(ids, parsed.packed, self._clock.now_ms())
        if known is None:
            raise RiskCheckError("the server has no risk key of the day yet: try again in a few seconds")
        fields = msgspec.structs.asdict(msgspec.structs.replace(question, network_id=known[1]))
        await self._note(actor, CHECK, site)
        answer = await self._ask("check", question={**fields, "rid": known[0].hex()})
        return json.loads(answer["answer"])

    async def explain(self, assessment_id: str, sign_in: str = "") -> Fields:
        """
        Tell an assessment of today again, without its address.

        Returns:
            `explanation`: None when it is not known, or no longer.
        """
        actor = await self._actor(sign_in)
        await self._note(actor, EXPLAIN, "")
        return await self._ask("explain", assessment_id=assessment_id[:64])

    async def judge(self, assessment_id: str, verdict: str, sign_in: str = "") -> Fields:
        """
        Take a person's word on an assessment of today.

        Returns:
            `known`: whether there is such an assessment.
        """
        actor = await self._actor(sign_in)
        await self._note(actor, FEEDBACK, "")
        return await self._ask("judge", assessment_id=assessment_id[:64], verdict=verdict[:20])

    async def _actor(self, sign_in: str) -> str:
        return (
            await asyncio.to_thread(signed_in_owner, self._settings, self._clock, sign_in) if sign_in else COMMAND_LINE
        )

    async def _note(self, actor: str, action: str, site: str) -> None:
        # Before the windows are asked: a check that cannot be told of does not happen.
        await asyncio.to_thread(
            self._audit.append, actor, action, subject_kind="address", purpose="fraud_risk", site=site[:100], count=1
        )

    async def _ask(self, operation: str, **arguments: Any) -> Fields:
        try:
            return await asyncio.to_thread(
                call, self._settings.data_dir / RISK_SOCKET, operation, timeout_s=CALL_SECONDS, **arguments
            )
        except SocketAbsent:
            raise RiskCheckError(AWAY) from None


def signed_in_owner(settings: Settings, clock: Clock, sign_in: str) -> str:
    """
    Tell which owner is signed in by a token, from the registry and not from who asks.

    Raises:
        RiskCheckError: nobody, or somebody who is no owner.
    """
    registry = Registry(settings.registry_url, clock)
    try:
        user = registry.sign_ins.find(sign_in)
    finally:
        registry.close()
    if user is None or user.role != "owner":
        raise RiskCheckError("only an owner who is signed in may ask about addresses")
    return user.email
