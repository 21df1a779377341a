"""
Where reads of the vault are asked for: the operations of `keeper.sock`, and the same for a command that has the data
directory for itself.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from dataclasses import asdict

from daysalt.vault.answers import COMMAND_LINE, DSAR, ApprovalNeeded, Person, ReadRefused, day_facts
from daysalt.vault.audit import UNREADABLE, AuditError, AuditLog
from daysalt.vault.disclosures import DisclosureError, Disclosures
from daysalt.vault.holds import Hold, HoldError, Holds, HoldUnreadable
from daysalt.vault.keeping import VaultKeeping
from daysalt.vault.reads import VaultReads
from daysalt.vault.requests import Request, RequestError, Requests
from daysalt.vault.rights_desk import Forget, RightsDesk, nothing_to_forget
from daysalt.vault.stored_rows import OpenRows, SocketRows, StoredRows
from ingest.keys.keyring import Keyring
from ingest.keys.keys_directory import KeyringError
from ingest.keys.salts import SaltCalendar
from ingest.keys.vault_keys import VaultKeys
from warehouse.client import Warehouse
from warehouse.clock import Clock, SystemClock
from warehouse.local_socket import Fields, Operation, SocketAbsent, refusing
from warehouse.log import logger
from warehouse.privacy.register import RegisterError, load_register
from warehouse.registry.database import Registry
from warehouse.registry.errors import RegistryError
from warehouse.settings import Settings

REFUSALS = (
    AuditError,
    DisclosureError,
    HoldError,
    KeyringError,
    ReadRefused,
    RegisterError,
    RegistryError,
    RequestError,
    SocketAbsent,
)


class VaultDesk:
    """
    Takes what people ask of the vault, finds out who they are, and answers in fields of JSON.
    """

    def __init__(
        self, settings: Settings, clock: Clock, keyring: Keyring, keys: VaultKeys, rows: StoredRows,
        stopped: Callable[[], str], forget: Forget = nothing_to_forget,
    ) -> None:  # fmt: skip
        """
        Args:
            stopped: says why the vault may not be read now; empty when it may.
            forget: lets the risk windows forget an address.
        """
        self._settings = settings
        self._clock = clock
        self.audit = AuditLog(settings.data_dir, settings.keys_dir, clock)
        self.glass_broken = 0
        """How often the vault was read without a second person since the start."""
        disclosures = Disclosures(settings.data_dir, clock, keys.days)
        self.reads = VaultReads(
            keys=keys,
            rows=rows,
            audit=self.audit,
            requests=Requests(settings.data_dir, keyring, clock),
            holds=Holds(settings.data_dir, keyring, clock),
            disclosures=disclosures,
            clock=clock,
            domains=self._domains,
            recipients=self._recipients,
            alarm=self._sound,
            stopped=stopped,
        )
        self.rights = RightsDesk(self.reads, rows, self.audit, disclosures, forget)

    def operations(self) -> dict[str, Operation]:
        """
        Give the operations of `keeper.sock` by name; each is a coroutine function that takes fields and gives fields.
        """
        return {
            "vault_lookup": refusing(self.lookup, REFUSALS),
            "vault_days": refusing(self.days, REFUSALS),
            "vault_requests": refusing(self.requests, REFUSALS),
            "vault_approve": refusing(self.approve, REFUSALS),
            "vault_hold_add": refusing(self.hold_add, REFUSALS),
            "vault_hold_list": refusing(self.hold_list, REFUSALS),
            "vault_hold_show": refusing(self.hold_show, REFUSALS),
            "vault_hold_end": refusing(self.hold_end, REFUSALS),
            "vault_disclose": refusing(self.disclose, REFUSALS),
            **{name: refusing(work, REFUSALS) for name, work in self.rights.operations().items()},
        }

    async def lookup(
        self, address: str, purpose: str, ticket: str, site: str = "", who: Mapping[str, str] | None = None
    ) -> Fields:
        """
        See `VaultReads.lookup`; `who` has `email` and `password`. For a person's request the answer also says to whom
        the address was handed out.
        """
        person = await self._person(who)
        days = await self.reads.lookup(person, address, purpose=purpose, ticket=ticket, site=site)
        answer: Fields = {"days": day_facts(days), "break_glass": not person.second_exists}
        return {**answer, **await self.rights.disclosed(address)} if purpose == DSAR else answer

    async def disclose(
        self, address: str, to: str, purpose: str, ticket: str, who: Mapping[str, str] | None = None
    ) -> Fields:
        """
        See `VaultReads.disclose`.
        """
        person = await self._person(who)
        days = await self.reads.disclose(person, address, to=to, purpose=purpose, ticket=ticket)
        return {"days": day_facts(days), "to": to, "break_glass": not person.second_exists}

    async def days(self, address: str, ticket: str, site: str, who: Mapping[str, str]) -> Fields:
        """
        Look an address up for the analysts' page: for fraud work, and never without a second owner. The glass is
        broken at the machine's command line only.

        Returns:
            `days`, or `waiting` with the number of a request that somebody else must approve first.
        """
        person = await self._person(who)
        if not person.second_exists:
            raise ReadRefused(
                "this needs a second owner, and there is none: invite one; until then `daysalt vault lookup` at the "
                "machine breaks the glass, and says so"
            )
        try:
            days = await self.reads.lookup(person, address, purpose="fraud_risk", ticket=ticket, site=site)
        except ApprovalNeeded as needed:
            return {"waiting": needed.request_id}
        return {"days": day_facts(days)}

    async def requests(self) -> Fields:
        """
        List the requests that wait or were approved; never what they are about.
        """
        return {"requests": [_request_facts(request) for request in self.reads.requests.living()]}

    async def approve(self, request_id: str, who: Mapping[str, str] | None = None) -> Fields:
        """
        See `VaultReads.approve`.
        """
        done = await self.reads.approve(await self._person(who), request_id)
        return {"request": _request_facts(done)} if isinstance(done, Request) else {"hold": _hold_facts(done)}

    async def hold_add(
        self, address: str, case: str, ground: str, review_on: str, ticket: str, who: Mapping[str, str] | None = None
    ) -> Fields:
        """
        See `VaultReads.hold`.
        """
        person = await self._person(who)
        done = await self.reads.hold(person, address, ticket=ticket, case=case, ground=ground, review_on=review_on)
        if isinstance(done, Request):
            raise ApprovalNeeded(done.id, "")
        return {"hold": _hold_facts(done), "break_glass": not person.second_exists}

    async def hold_list(self) -> Fields:
        """
        List all holds, without what they hold.
        """
        return {"holds": [_hold_facts(hold) for hold in self.reads.holds.all()]}

    async def hold_show(self, case: str, who: Mapping[str, str] | None = None) -> Fields:
        """
        Open a hold, for its two people and every other owner.
        """
        person = await self._person(who)
        if person.second_exists and not person.checked:
            raise ReadRefused("two people look after this vault: say who you are with --as EMAIL")
        self.audit.append(person.name, "vault.hold_read", subject_kind="hold", ticket=case[:40])
        try:
            address, rows = self.reads.holds.read(case)
        except HoldUnreadable:
            self.audit.append(person.name, UNREADABLE, subject_kind="hold", ticket=case[:40], outcome="refused")
            raise
        return {"address": address, "rows": [asdict(row) for row in rows]}

    async def hold_end(self, case: str, who: Mapping[str, str] | None = None) -> Fields:
        """
        See `VaultReads.end_hold`.
        """
        person = await self._person(who)
        if person.second_exists and not person.checked:
            raise ReadRefused("two people look after this vault: say who you are with --as EMAIL")
        return {"hold": _hold_facts(self.reads.end_hold(person, case))}

    async def _person(self, who: Mapping[str, str] | None) -> Person:
        return await asyncio.to_thread(self._checked_person, who)

    def _checked_person(self, who: Mapping[str, str] | None) -> Person:
        registry = Registry(self._settings.registry_url, self._clock)
        try:
            second = sum(user.role == "owner" for user in registry.users.all()) >= 2
            if who is None:
                return Person(COMMAND_LINE, checked=False, second_exists=second)
            user = registry.users.check(who["email"], who["password"])
            if user is None or user.role != "owner":
                raise ReadRefused("this is no owner's e-mail address and password: owners look after the vault")
            return Person(user.email, checked=True, second_exists=second)
        finally:
            registry.close()

    def _domains(self) -> dict[int, str]:
        registry = Registry(self._settings.registry_url, self._clock)
        try:
            return {site.id: site.domain for site in registry.sites.all()}
        finally:
            registry.close()

    def _recipients(self) -> list[str]:
        return [row["name"] for row in load_register(self._settings.data_dir).recipients if row.get("name")]

    def _sound(self, sentence: str) -> None:
        self.glass_broken += 1
        logger().error("break-glass", reason=sentence)


@contextmanager
def desk_alone(settings: Settings) -> Generator[tuple[VaultDesk, Warehouse]]:
    """
    Open keys and store for one command. The data directory's lock must be held.

    Raises:
        KeyringError: the keys cannot be used.
    """
    clock = SystemClock()
    keyring = Keyring(settings.keys_dir, settings.root_key_file, clock)
    calendar = SaltCalendar(keyring, clock, lambda text: logger().warning(text))
    keys = VaultKeys(keyring, calendar, settings.ip_retention_days)
    warehouse = Warehouse(settings.warehouse_url)
    try:
        yield VaultDesk(settings, clock, keyring, keys, OpenRows(warehouse), lambda: ""), warehouse
    finally:
        warehouse.close()


def desk_of_keeper(
    settings: Settings, clock: Clock, keyring: Keyring, vault: VaultKeeping, forget: Forget
) -> VaultDesk:
    """
    Make the keeper's desk; rows come from the running store.
    """
    rows = SocketRows(settings.data_dir)
    return VaultDesk(settings, clock, keyring, vault.keys, rows, lambda: vault.closed, forget)


def _request_facts(request: Request) -> Fields:
    return {
        "id": request.id,
        "kind": request.kind,
        "actor": request.actor,
        "purpose": request.purpose,
        "ticket": request.ticket,
        "site": request.site,
        "created_ms": request.created_ms,
        "expires_ms": request.expires_ms,
        "approver": request.approver,
    }


def _hold_facts(hold: Hold) -> Fields:
    facts = asdict(hold)
    del facts["sealed"]
    return facts
