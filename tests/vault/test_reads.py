"""
Reading the vault: for a purpose, under a ticket, with a second person, sixty times an hour; and holds.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Sequence
from pathlib import Path
from typing import Any, TypeVar

import pytest

from daysalt.vault.answers import ApprovalNeeded, Person, ReadRefused, SeenDay
from daysalt.vault.audit import LOG_FILE, AuditLog
from daysalt.vault.desk import VaultDesk
from daysalt.vault.disclosures import Disclosures
from daysalt.vault.holds import Hold, HoldError, Holds
from daysalt.vault.reads import READS_AN_HOUR_MAX, VaultReads
from daysalt.vault.requests import KEY_PURPOSE, Request, RequestError, Requests
from daysalt.vault.rights import VaultRights
from ingest.keys.keyring import Keyring
from ingest.keys.salts import SaltCalendar
from ingest.keys.vault_keys import VaultKeys
from ingest.vault.cipher import VaultCipher, mapped_address, parsed_address
from ingest.vault.rows import Found
from tests.attacks.scan import traces
from tests.clocks import FakeClock
from warehouse.days import DAY_MS
from warehouse.settings import load_settings

T = TypeVar("T")
DAY = 20_780
V4, OTHER, V6 = "203.0.113.77", "198.51.100.9", "2001:db8:aaaa:bbbb::1234"
ALONE = Person("command line", checked=False, second_exists=False)
ANNA = Person("anna@example.com", checked=True, second_exists=True)
BO = Person("bo@example.com", checked=True, second_exists=True)
NOBODY = Person("command line", checked=False, second_exists=True)


def run(work: Coroutine[Any, Any, T]) -> T:
    return asyncio.run(work)


class Rows:
    """
    A store in memory. It only ever gets indexes.
    """

    def __init__(self) -> None:
        self.rows: dict[tuple[int, int, bytes], Found] = {}
        self.asked = 0

    async def find(self, wanted: Sequence[tuple[int, int, bytes]]) -> list[Found]:
        self.asked += 1
        found = [self.rows[key] for key in dict.fromkeys(wanted) if key in self.rows]
        return sorted(found, key=lambda row: (row.day, row.site_id))

    async def erase(self, wanted: Sequence[tuple[int, int, bytes]]) -> int:
        return sum(self.rows.pop(key, None) is not None for key in dict.fromkeys(wanted))


class Vault:
    """
    Keys, rows, audit log and reads on a clock of their own.
    """

    def __init__(self, tmp_path: Path, *, retention_days: int = 45) -> None:
        self.data, self.clock = tmp_path / "data", FakeClock(DAY * DAY_MS + 9 * 3_600_000)
        self.data.mkdir(parents=True)
        self.keyring = Keyring(tmp_path / "keys", tmp_path / "keys" / "root.key", self.clock)
        self.calendar = SaltCalendar(self.keyring, self.clock, lambda _: None)
        self.keys = VaultKeys(self.keyring, self.calendar, retention_days)
        self.rows, self.alarms = Rows(), list[str]()
        self.disclosures = Disclosures(self.data, self.clock, self.keys.days)
        self.audit = AuditLog(self.data, tmp_path / "keys", self.clock)
        self.reads = VaultReads(
            keys=self.keys,
            rows=self.rows,
            audit=self.audit,
            requests=Requests(self.data, self.keyring, self.clock),
            holds=Holds(self.data, self.keyring, self.clock),
            disclosures=self.disclosures,
            clock=self.clock,
            domains=lambda: {1: "a.test", 2: "b.test"},
            recipients=lambda: ["City Police", "Bank AB"],
            alarm=self.alarms.append,
            stopped=lambda: "the clock leapt" if self.calendar.paused else "",
        )
        self.rights = VaultRights(self.reads, self.rows, self.audit, self.disclosures)

    def see(self, address: str, *, hour: int = 9, hits: int = 1, site: int = 1) -> None:
        day = self.keys.today()
        (key,) = self.keys.make([(site, day)])
        assert key is not None
        mapped = mapped_address(parsed_address(address), whole_ipv6=True)
        cipher = VaultCipher(key, site, day)
        index = cipher.index(mapped)
        self.rows.rows[site, day, index] = Found(day, site, index, cipher.seal(index, mapped), 1 << hour, hits)

    def lookup(self, person: Person = ALONE, address: str = V4, **named: str) -> list[SeenDay]:
        return run(self.reads.lookup(person, address, **{"purpose": "fraud_risk", "ticket": "T-1", **named}))

    def told(self) -> list[tuple[str, str, str]]:
        return [(entry["actor"], entry["action"], entry["outcome"]) for entry in self.audit.tail()]


def desk_of(vault: Vault) -> VaultDesk:
    """
    Make the desk of this vault, which finds nobody in its registry and so answers the command line.
    """
    keys_dir = vault.data.parent / "keys"
    settings = load_settings({"DAYSALT_DATA_DIR": str(vault.data), "DAYSALT_KEYS_DIR": str(keys_dir)})
    return VaultDesk(settings, vault.clock, vault.keyring, vault.keys, vault.rows, lambda: "")


@pytest.fixture
def vault(tmp_path: Path) -> Vault:
    return Vault(tmp_path)


def test_a_line_for_each_living_day(vault: Vault) -> None:
    """
    Days of all sites together, oldest first; another address is not found.
    """
    vault.see(V4, hour=3, hits=2)
    vault.clock.advance(ms=2 * DAY_MS)
    vault.see(V4, hour=5, hits=1)
    vault.see(V4, hour=7, hits=4, site=2)

    assert [
        SeenDay("2026-11-23", (3,), 2, ("a.test",)),
        SeenDay("2026-11-25", (5, 7), 5, ("a.test", "b.test")),
    ] == vault.lookup()
    assert [1] == [day.hits for day in vault.lookup(site="a.test")][1:]
    assert [] == vault.lookup(address=OTHER)


def test_the_boundary_of_a_day(vault: Vault) -> None:
    """
    Attack 9: found until D+44 23:59:59.999, not at D+45 00:00:00.
    """
    vault.see(V4)
    vault.clock.wall_ms = (DAY + 45) * DAY_MS - 1
    vault.clock.steady_ms = vault.clock.wall_ms
    before = vault.lookup()
    vault.clock.advance(ms=1)

    assert (1, []) == (len(before), vault.lookup())


def test_both_forms_of_an_ipv6_address_are_looked_for(vault: Vault) -> None:
    """
    A row kept whole is found by its address only; one kept by network by every address of the /64.
    """
    vault.see(V6)
    vault.see("2001:db8:cccc:dddd::", site=2)

    assert 1 == len(vault.lookup(address=V6))
    assert [] == vault.lookup(address="2001:db8:aaaa:bbbb::9")
    assert 1 == len(vault.lookup(address="2001:db8:cccc:dddd::77"))


@pytest.mark.parametrize(
    ("address", "purpose", "ticket", "why"),
    [
        (V4, "curiosity", "T-1", "no purpose"),
        (V4, "", "T-1", "no purpose"),
        (V4, "fraud_risk", "", "ticket"),
        (V4, "fraud_risk", V4, "must not hold an address"),
        ("somebody", "fraud_risk", "T-1", "no IP address"),
        ("198.51.100.0/24", "fraud_risk", "T-1", "no IP address"),
    ],
)
def test_no_purpose_no_ticket_no_address_no_answer(
    vault: Vault, address: str, purpose: str, ticket: str, why: str
) -> None:
    """
    Each is refused before anything is asked of the store; a network is no address.
    """
    with pytest.raises(ReadRefused, match=why):
        vault.lookup(address=address, purpose=purpose, ticket=ticket)
    assert 0 == vault.rows.asked


def test_without_a_second_person_it_alarms(vault: Vault) -> None:
    """
    Break-glass works, is in the audit log as such, and raises an alarm that names no address.
    """
    vault.see(V4)

    assert 1 == len(vault.lookup())
    assert [("command line", "vault.read", "break-glass")] == vault.told()
    assert 1 == len(vault.alarms)
    assert V4 not in vault.alarms[0]


def test_one_person_alone_reads_nothing(vault: Vault) -> None:
    """
    Attack 18: nobody named, not approved, self-approval, another spelling of the same account, another purpose,
    ticket, site or address, and an approval that is an hour old.
    """
    vault.see(V4)
    with pytest.raises(ReadRefused, match="say who you are"):
        vault.lookup(NOBODY)
    with pytest.raises(ApprovalNeeded) as needed:
        vault.lookup(ANNA)
    with pytest.raises(ApprovalNeeded) as again:
        vault.lookup(ANNA)
    for self_made in (ANNA, Person(" Anna@Example.com", checked=True, second_exists=True)):
        with pytest.raises(RequestError, match="somebody else"):
            run(vault.reads.approve(self_made, needed.value.request_id))
    with pytest.raises(ReadRefused, match="needs a person"):
        run(vault.reads.approve(NOBODY, needed.value.request_id))
    run(vault.reads.approve(BO, needed.value.request_id))

    assert needed.value.request_id == again.value.request_id
    for scope in ({"purpose": "dsar"}, {"ticket": "T-2"}, {"site": "a.test"}, {"address": OTHER}):
        with pytest.raises(ApprovalNeeded):
            vault.lookup(ANNA, **scope)
    with pytest.raises(ApprovalNeeded):
        vault.lookup(BO)
    assert 0 == vault.rows.asked
    assert 1 == len(vault.lookup(ANNA)), "the control: what was approved works"
    vault.clock.advance(seconds=3600)
    with pytest.raises(ApprovalNeeded):
        vault.lookup(ANNA)
    assert ("anna@example.com", "vault.read", "approved by bo@example.com") in vault.told()
    assert 2 == vault.told().count(("anna@example.com", "vault.approve", "refused")) + vault.told().count(
        (" Anna@Example.com", "vault.approve", "refused")
    )


def test_a_request_does_not_keep_the_address(vault: Vault) -> None:
    """
    It is sealed while it waits, and after the hour its key is gone.
    """
    vault.see(V4)
    with pytest.raises(ApprovalNeeded):
        vault.lookup(ANNA)
    (request,) = vault.reads.requests.living()
    opened = vault.reads.requests.address_of(request)
    leaked = traces(vault.data, [V4])
    vault.clock.advance(seconds=3600)

    assert (parsed_address(V4), []) == (opened, leaked)
    assert [] == vault.reads.requests.living()
    assert ([], None) == (vault.keyring.ids(KEY_PURPOSE), vault.reads.requests.address_of(request))


def test_sixty_an_hour(vault: Vault) -> None:
    """
    The sixty-first is refused, also after a restart; an hour later it goes on.
    """
    vault.see(V4)
    for _ in range(READS_AN_HOUR_MAX):
        vault.lookup()
    with pytest.raises(ReadRefused, match="60 times"):
        vault.lookup()
    vault.clock.advance(seconds=3601)

    assert 1 == len(vault.lookup())


def test_a_leap_closes_the_vault(vault: Vault) -> None:
    """
    While the clock is not believed nothing is read.
    """
    vault.see(V4)
    vault.clock.wall_ms += 60 * DAY_MS

    with pytest.raises(ReadRefused, match="the vault is closed"):
        vault.lookup()


def test_own_address_needs_nobody(vault: Vault) -> None:
    """
    Self service answers without approval or alarm, and does not use up the sixty reads of people.
    """
    vault.see(V4)

    assert [1] == [day.hits for day in run(vault.rights.self_service(V4))]
    assert ([], [("self service", "vault.self_service", "")]) == (vault.alarms, vault.told())


def test_erasing_takes_every_living_day(vault: Vault) -> None:
    """
    After it the address is not found, and another one still is.
    """
    vault.see(V4)
    vault.see(OTHER)
    vault.clock.advance(ms=DAY_MS)
    vault.see(V4)

    assert (2, []) == run(vault.rights.erase("anna@example.com", V4, ticket="D-1"))
    assert ([], 1) == (vault.lookup(), len(vault.lookup(address=OTHER)))


HOLD = {"ticket": "L-1", "case": "CASE-1", "ground": "RB 39:1", "review_on": "2027-01-31"}


def test_a_hold_outlives_its_day_and_only_for_its_address(vault: Vault) -> None:
    """
    Attack 16: two people; after day 45 the held address is readable in the hold and nowhere else, and the other one
    not at all; the end of the hold ends that, too.
    """
    vault.see(V4, hits=3)
    vault.see(OTHER)
    asked = run(vault.reads.hold(ANNA, V4, **HOLD))
    assert isinstance(asked, Request)
    with pytest.raises(RequestError, match="somebody else"):
        run(vault.reads.approve(ANNA, asked.id))
    made = run(vault.reads.approve(BO, asked.id))
    vault.clock.advance(ms=45 * DAY_MS)
    for day in vault.keys.due_days():
        vault.keys.destroy_day(day)
    address, rows = vault.reads.holds.read("CASE-1")

    assert isinstance(made, Hold)
    assert ("anna@example.com", "bo@example.com", 1) == (made.requester, made.approver, made.rows)
    assert (V4, [("2026-11-23", 3)]) == (address, [(row.day, row.hits) for row in rows])
    assert [] == vault.keys.living()
    assert [] == traces(vault.data, [V4, OTHER])
    run(_end(vault))
    with pytest.raises(HoldError, match="is over"):
        vault.reads.holds.read("CASE-1")
    assert [] == vault.keyring.ids("hold")


async def _end(vault: Vault) -> None:
    vault.reads.end_hold(BO, "CASE-1")


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"review_on": "2027-12-31"}, "at most 90 days"),
        ({"review_on": "2026-11-23"}, "ahead"),
        ({"review_on": "soon"}, "is none"),
        ({"ground": " "}, "which law"),
        ({"case": "a b"}, "no case"),
    ],
)
def test_a_hold_says_why_and_until_when(vault: Vault, change: dict[str, str], why: str) -> None:
    """
    Without a ground or a review date within 90 days there is none.
    """
    vault.see(V4)
    with pytest.raises(HoldError, match=why):
        run(vault.reads.hold(ALONE, V4, **{**HOLD, **change}))


def test_a_hold_of_nothing_is_refused(vault: Vault) -> None:
    """
    Where nothing matches there is nothing to hold; a case has one hold only; an overdue review is told.
    """
    with pytest.raises(ReadRefused, match="nothing to hold"):
        run(vault.reads.hold(ALONE, V4, **HOLD))
    vault.see(V4)
    run(vault.reads.hold(ALONE, V4, **HOLD))
    with pytest.raises(HoldError, match="has a hold"):
        run(vault.reads.hold(ALONE, V4, **HOLD))
    vault.clock.advance(ms=80 * DAY_MS)

    assert ["CASE-1"] == [hold.case for hold in vault.reads.holds.overdue()]


def test_the_audit_log_learns_no_address(vault: Vault) -> None:
    """
    Attack 17: neither in any form, nor a blind index or another hash of it that would outlive the day.
    """
    vault.see(V4)
    vault.lookup()
    run(vault.rights.self_service(V4))
    run(vault.reads.hold(ALONE, V4, **HOLD))
    run(vault.rights.erase("anna@example.com", V4, ticket="D-1"))
    (key,) = vault.keys.make([(1, DAY)])
    assert key is not None
    index = VaultCipher(key, 1, DAY).index(mapped_address(parsed_address(V4), whole_ipv6=True))
    log = (vault.data / LOG_FILE).read_text()

    assert 5 == len(log.splitlines())
    assert [] == traces(vault.data, [V4])
    assert index.hex() not in log
    assert () == vault.audit.verify().problems
