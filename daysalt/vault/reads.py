"""
The one way to read the vault: for a purpose, under a ticket, about one address, approved by a second person.

Whoever knows an address may ask on which living days it was seen; nothing is decrypted for that. There is no way to
list addresses. Where two owners exist, one asks and another one approves; with fewer, the command line breaks the
glass: it works, it is said, and it alarms. Sixty reads an hour, all together. Every step is in the audit log first.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence

from daysalt.vault.answers import (
    DSAR,
    PURPOSES,
    ApprovalNeeded,
    Person,
    ReadRefused,
    SeenDay,
    hours_of,
    read_address,
    read_ticket,
)
from daysalt.vault.audit import AuditLog
from daysalt.vault.disclosures import RECIPIENT_CHARS_MAX, Disclosures
from daysalt.vault.holds import HeldRow, Hold, Holds
from daysalt.vault.requests import Request, Requests
from daysalt.vault.stored_rows import StoredRows
from ingest.keys.vault_keys import VaultKeys
from ingest.vault.cipher import address_of, blind_index, mapped_address
from ingest.vault.row import VAULT_SITE
from ingest.vault.rows import Found
from warehouse.clock import Clock
from warehouse.days import iso_day

READS_AN_HOUR_MAX = 60
HOUR_MS = 3_600_000
KEYS_A_TURN = 200
"""Keys worked with between two turns of the event loop: some milliseconds."""
READ = "vault.read"
BREAK_GLASS = "break-glass"


class VaultReads:
    """
    Reads, requests, approvals and holds of one installation.
    """

    def __init__(
        self,
        *,
        keys: VaultKeys,
        rows: StoredRows,
        audit: AuditLog,
        requests: Requests,
        holds: Holds,
        disclosures: Disclosures,
        clock: Clock,
        domains: Callable[[], Mapping[int, str]],
        recipients: Callable[[], Sequence[str]],
        alarm: Callable[[str], None],
        stopped: Callable[[], str] = lambda: "",
    ) -> None:
        """
        Args:
            domains: gives the sites' names by id.
            recipients: gives the names of those in the operator's register to whom something may be handed out.
            alarm: told, in one sentence, when the glass was broken.
            stopped: says why the vault may not be read now; empty when it may.
        """
        self._keys = keys
        self._rows = rows
        self._audit = audit
        self.requests = requests
        self.holds = holds
        self.disclosures = disclosures
        self._clock = clock
        self._domains = domains
        self._recipients = recipients
        self._alarm = alarm
        self._stopped = stopped

    async def lookup(self, person: Person, address: str, *, purpose: str, ticket: str, site: str = "") -> list[SeenDay]:
        """
        Tell on which living days an address was seen.

        Args:
            site: one site's domain; empty for all.

        Returns:
            One entry a day, the oldest first.

        Raises:
            ApprovalNeeded: a request was made, or waits already.
            ReadRefused: it may not be, and why.
            AuditError, KeyringError, SocketRefused: it cannot be done now.
        """
        packed, ticket = self._checked(person, address, purpose, ticket)
        approver = BREAK_GLASS
        if person.second_exists:
            request = self._matching(person, packed, "lookup", purpose, ticket, site)
            if request is None:
                made = self._ask(person, packed, "lookup", purpose, ticket, site, {})
                raise ApprovalNeeded(made.id, ", then run this again")
            if not request.approver:
                raise ApprovalNeeded(request.id, ", then run this again")
            approver = request.approver
        found = await self._read(person.name, packed, purpose=purpose, ticket=ticket, site=site, approver=approver)
        return self.seen_days(found)

    async def hold(
        self, person: Person, address: str, *, ticket: str, case: str, ground: str, review_on: str
    ) -> Hold | Request:
        """
        Hold the rows of an address for a case, or ask a second person to.

        Raises:
            HoldError, ReadRefused, AuditError, KeyringError, SocketRefused: as they say.
        """
        purpose = "legal_obligation"
        packed, ticket = self._checked(person, address, purpose, ticket)
        self.holds.check(case, ground, review_on)
        details = {"case": case, "ground": ground, "review_on": review_on}
        if person.second_exists:
            known = self._matching(person, packed, "hold", purpose, ticket, "")
            return known or self._ask(person, packed, "hold", purpose, ticket, "", details)
        return await self._hold(packed, person.name, BREAK_GLASS, ticket, details)

    async def disclose(self, person: Person, address: str, *, to: str, purpose: str, ticket: str) -> list[SeenDay]:
        """
        Look an address up to hand the answer to somebody else, and note to whom.

        Args:
            to: a recipient of the operator's register, by name.

        Returns:
            As for `lookup`; where there is nothing, nothing is handed out or noted.

        Raises:
            DisclosureError, ApprovalNeeded, ReadRefused, AuditError, KeyringError, SocketRefused: as they say.
        """
        packed, ticket = self._checked(person, address, purpose, ticket)
        if purpose == DSAR:
            raise ReadRefused("what people ask about themselves is no disclosure: use `daysalt dsar extract`")
        if to not in self._recipients() or len(to) > RECIPIENT_CHARS_MAX:
            raise ReadRefused(f"{to[:40]!r} is no recipient: name it as a [[recipient]] in privacy.toml first")
        approver, details = BREAK_GLASS, {"to": to}
        if person.second_exists:
            request = self._matching(person, packed, "disclosure", purpose, ticket, "", details)
            if request is None:
                request = self._ask(person, packed, "disclosure", purpose, ticket, "", details)
            if not request.approver:
                raise ApprovalNeeded(request.id, ", then run this again")
            approver = request.approver
        found = await self._read(person.name, packed, purpose=purpose, ticket=ticket, site="", approver=approver)
        if found:
            # Told of before it is handed out: a disclosure that nobody could be told of later does not happen.
            self._audit.append(
                person.name, "vault.disclose", subject_kind="address", purpose=purpose, ticket=ticket,
                outcome=f"to {to}", count=len(found),
            )  # fmt: skip
            subjects = [(row.site_id, row.day, row.bidx.hex()) for row in found]
            self.disclosures.add(
                to, purpose=purpose, ticket=ticket, actor=person.name, approver=approver, subjects=subjects
            )
        return self.seen_days(found)

    async def approve(self, person: Person, request_id: str) -> Request | Hold:
        """
        Let a request of somebody else go ahead. A hold is made at once.

        Raises:
            RequestError: it is unknown, over, approved, or this person's own.
            ReadRefused, HoldError, AuditError, KeyringError, SocketRefused: as they say.
        """
        if not person.checked:
            raise ReadRefused("an approval needs a person: say who you are with --as EMAIL")
        try:
            request = self.requests.approve(request_id, person.name)
        except Exception:
            self._audit.append(person.name, "vault.approve", subject_kind="request", outcome="refused")
            raise
        self._audit.append(
            person.name,
            "vault.approve",
            subject_kind=request.kind,
            purpose=request.purpose,
            ticket=request.ticket,
            outcome=f"approved for {request.actor}",
        )
        if request.kind != "hold":
            return request
        address = self.requests.address_of(request)
        if address is None:
            raise ReadRefused("the request can no longer be opened: make it again")
        self.requests.end(request)
        return await self._hold(address, request.actor, person.name, request.ticket, request.details)

    def end_hold(self, person: Person, case: str) -> Hold:
        """
        End a hold: its key is destroyed.

        Raises:
            HoldError, AuditError, KeyringError: as they say.
        """
        self._audit.append(person.name, "vault.hold_end", subject_kind="hold", ticket=case[:40])
        return self.holds.end(case)

    def _checked(self, person: Person, address: str, purpose: str, ticket: str) -> tuple[bytes, str]:
        if purpose not in PURPOSES:
            raise ReadRefused(f"{purpose[:40]!r} is no purpose: use {', '.join(PURPOSES)}")
        packed, ticket = read_address(address), read_ticket(ticket)
        if person.second_exists and not person.checked:
            raise ReadRefused("two people look after this vault: say who you are with --as EMAIL")
        return packed, ticket

    def _matching(
        self, person: Person, address: bytes, kind: str, purpose: str, ticket: str, site: str,
        details: Mapping[str, str] | None = None,
    ) -> Request | None:  # fmt: skip
        wanted = (kind, person.name, purpose, ticket, site)
        for request in self.requests.living():
            known = (request.kind, request.actor, request.purpose, request.ticket, request.site)
            if (
                known == wanted
                and (details is None or request.details == details)
                and self.requests.address_of(request) == address
            ):
                return request
        return None

    def _ask(
        self, person: Person, address: bytes, kind: str, purpose: str, ticket: str, site: str, details: dict[str, str]
    ) -> Request:
        self._audit.append(
            person.name, "vault.request", subject_kind=kind, purpose=purpose, ticket=ticket, site=site[:100]
        )
        return self.requests.add(
            kind, actor=person.name, purpose=purpose, ticket=ticket, site=site, address=address, details=details
        )

    async def _hold(
        self, address: bytes, requester: str, approver: str, ticket: str, details: Mapping[str, str]
    ) -> Hold:
        found = await self._read(
            requester, address, purpose="legal_obligation", ticket=ticket, site="", approver=approver
        )
        if not found:
            raise ReadRefused("nothing of this address is in the vault: there is nothing to hold")
        names = self._domains()
        rows = [HeldRow(iso_day(row.day), names.get(row.site_id, ""), hours_of(row.hours), row.hits) for row in found]
        hold = self.holds.add(
            details["case"],
            details["ground"],
            details["review_on"],
            requester=requester,
            approver=approver,
            address=str(address_of(mapped_address(address, whole_ipv6=True))),
            rows=rows,
        )
        self._audit.append(requester, "vault.hold", subject_kind="hold", ticket=hold.case, count=hold.rows)
        return hold

    async def _read(
        self, actor: str, address: bytes, *, purpose: str, ticket: str, site: str, approver: str
    ) -> list[Found]:
        """
        Everything that reads for a person goes through here.
        """
        self.gate(READ, READS_AN_HOUR_MAX)
        if approver == BREAK_GLASS:
            self._alarm(f"the vault was read without a second person ({purpose}, ticket {ticket}): review it")
        # Before the rows are asked for: a read that cannot be told of does not happen.
        self._audit.append(
            actor,
            READ,
            subject_kind="address",
            purpose=purpose,
            ticket=ticket,
            site=site[:100],
            outcome=BREAK_GLASS if approver == BREAK_GLASS else f"approved by {approver}",
        )
        return await self.find(address, site)

    def gate(self, action: str, an_hour_max: int) -> None:
        """
        Let a read pass.

        Raises:
            ReadRefused: the vault is closed, or was read so often within the hour.
        """
        why = self._stopped()
        if why:
            raise ReadRefused(f"the vault is closed: {why}")
        now = self._clock.now_ms()
        if self._audit.count_since(action, now - HOUR_MS) >= an_hour_max:
            raise ReadRefused(f"the vault was read {an_hour_max} times within the hour: wait, and ask why")

    async def find(self, address: bytes, site: str) -> list[Found]:
        """
        Find the rows of an address, of one site or, with an empty text, of all.

        Raises:
            ReadRefused, KeyringError, SocketRefused: as they say.
        """
        return await self._rows.find(await self.wanted(address, site))

    async def wanted(self, address: bytes, site: str) -> list[tuple[int, int, bytes]]:
        """
        Compute site id, day and blind index of whatever may be kept of an address.

        Raises:
            ReadRefused: there is no such site.
            KeyringError: a key does not open.
        """
        names = self._domains()
        if site and site not in names.values():
            raise ReadRefused(f"{site[:100]!r} is no site: see `daysalt site list`")
        # Whole, and by network: the setting may have changed while these days were written.
        forms = dict.fromkeys(mapped_address(address, whole_ipv6=whole) for whole in (True, False))
        wanted: list[tuple[int, int, bytes]] = []
        for number, (site_id, day, key) in enumerate(self._keys.living()):
            if number % KEYS_A_TURN == 0:
                await asyncio.sleep(0)
            if site_id != VAULT_SITE and (not site or names.get(site_id) == site):
                wanted += [(site_id, day, blind_index(key, site_id, form)) for form in forms]
        return wanted

    def seen_days(self, found: Sequence[Found]) -> list[SeenDay]:
        """
        Put rows of all sites together by day, the oldest first.
        """
        names = self._domains()
        days: dict[int, tuple[int, int, set[str]]] = {}
        for row in found:
            hours, hits, sites = days.get(row.day, (0, 0, set[str]()))
            days[row.day] = (hours | row.hours, hits + row.hits, {*sites, names.get(row.site_id, "(removed)")})
        return [
            SeenDay(iso_day(day), hours_of(hours), hits, tuple(sorted(sites)))
            for day, (hours, hits, sites) in sorted(days.items())
        ]
