"""
Attacks 17 to 21: changing the audit log, reading alone, and turning people's rights against them.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from hashlib import sha256
from ipaddress import ip_address, ip_network
from pathlib import Path

import pytest

from daysalt.objections import ObjectionList
from daysalt.vault.answers import ApprovalNeeded, Person, ReadRefused, SeenDay
from daysalt.vault.audit import LOG_FILE
from daysalt.vault.disclosures import FILE
from daysalt.vault.requests import Request, RequestError, Requests
from ingest.address import AddressTrust, client_address
from ingest.keys.keyring import Keyring
from ingest.objections import Objections, objection_hash
from ingest.sightings import SightingFields
from ingest.vault.cipher import VaultCipher, mapped_address, parsed_address
from ingest.vault.row import VaultRow
from ingest.vault.rows import erase_rows, find_rows, insert_rows
from tests.attacks.scan import traces
from tests.clocks import FakeClock
from tests.files import content_of, files_of
from tests.ingest.collectors import ADDRESS, BEACON, events_of, make_collector, send
from tests.ingest.test_door import Exchange
from tests.ingest.test_objections import PATH, asked, posted
from tests.processes.family import until
from tests.vault.test_audit import CHANGES, lines_of, make
from tests.vault.test_reads import ALONE, ANNA, BO, DAY, HOLD, NOBODY, OTHER, V4, Vault, desk_of, run
from warehouse.client import Warehouse
from warehouse.days import DAY_MS


@pytest.mark.parametrize("change", list(CHANGES))
def test_17_every_change_of_the_audit_log_is_found(tmp_path: Path, clock: FakeClock, change: str) -> None:
    """
    Deleted, edited, moved or cut: `verify` finds each. The control checks only what a line says of itself, without
    the chain and the note of its end: to that, lines left out, moved or repeated look whole.
    """
    log = make(tmp_path, clock)
    assert () == log.verify().problems
    changed = CHANGES[change](lines_of(tmp_path))
    (tmp_path / "data" / LOG_FILE).write_text("".join(changed))

    assert log.verify().problems
    if change not in ("edited", "half a line"):
        assert all({"number", "previous", "hash"} <= json.loads(line).keys() for line in changed)


def test_17_the_audit_log_learns_no_address(tmp_path: Path) -> None:
    """
    Neither an address in any form nor a hash of one that outlives the day. The control writes one and is found.
    """
    vault = Vault(tmp_path)
    vault.see(V4)
    vault.lookup()
    run(vault.reads.hold(ALONE, V4, **HOLD))
    (key,) = vault.keys.make([(1, DAY)])
    assert key is not None
    index = VaultCipher(key, 1, DAY).index(mapped_address(parsed_address(V4), whole_ipv6=True))
    found = traces(vault.data, [V4])
    log = (vault.data / LOG_FILE).read_text()
    (vault.data / "weakened.log").write_text(log.replace("T-1", V4))

    assert ([], False) == (found, index.hex() in log)
    assert traces(vault.data, [V4])


def test_18_one_person_reads_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    Nobody named, not approved, approved by oneself under another spelling, for another purpose, ticket, address or
    site, or an hour ago: all refused and told. The control lets people approve themselves, and one is enough.
    """
    vault = Vault(tmp_path)
    vault.see(V4)
    with pytest.raises(ReadRefused):
        vault.lookup(NOBODY)
    with pytest.raises(ApprovalNeeded) as needed:
        vault.lookup(ANNA)
    for same in (ANNA, Person(" ANNA@example.com ", checked=True, second_exists=True)):
        with pytest.raises(RequestError):
            run(vault.reads.approve(same, needed.value.request_id))
    run(vault.reads.approve(BO, needed.value.request_id))
    for scope in ({"purpose": "dsar"}, {"ticket": "T-2"}, {"site": "a.test"}, {"address": OTHER}):
        with pytest.raises(ApprovalNeeded):
            vault.lookup(ANNA, **scope)
    vault.clock.advance(seconds=3600)
    with pytest.raises(ApprovalNeeded):
        vault.lookup(ANNA)
    told = [(action, outcome) for _, action, outcome in vault.told()]
    assert (2, 1) == (
        told.count(("vault.approve", "refused")),
        told.count(("vault.approve", f"approved for {ANNA.name}")),
    )
    assert 0 == vault.rows.asked

    approve = Requests.approve

    def careless(self: Requests, request_id: str, approver: str) -> Request:
        return approve(self, request_id, approver + " again")

    monkeypatch.setattr(Requests, "approve", careless)
    run(vault.reads.approve(ANNA, vault.reads.requests.living()[-1].id))
    assert 1 == len(vault.lookup(ANNA))


def test_19_an_erasure_takes_every_day(tmp_path: Path) -> None:
    """
    With rows on twenty days all are gone, another address stays, and the rows of a hold too. The control forgets one
    day, and the look-up says so.
    """
    vault = Vault(tmp_path)
    for _ in range(20):
        vault.see(V4)
        vault.see(OTHER)
        vault.clock.advance(ms=DAY_MS)
    before = len(vault.lookup())
    kept = next(key for key, row in vault.rows.rows.items() if row.bidx == _index(vault, key[1]))
    row = vault.rows.rows[kept]
    erased, _ = run(vault.rights.erase("anna@example.com", V4, ticket="D-1"))
    after = (len(vault.lookup()), len(vault.lookup(address=OTHER)))
    vault.rows.rows[kept] = row

    assert (20, 20, (0, 20)) == (before, erased, after)
    assert 1 == len(vault.lookup())


def test_19_whoever_was_given_an_address_is_named(tmp_path: Path) -> None:
    """
    Handed to two recipients, one of them twice, the erasure makes two notices, and none a second time; the list holds
    no address, and after day 45 nothing that leads to one. The control, an address that was handed to nobody, makes
    none.
    """
    vault = Vault(tmp_path)
    for address in (V4, OTHER):
        vault.see(address)
    for to, ticket in (("City Police", "K-1"), ("Bank AB", "B-1"), ("City Police", "K-2")):
        run(vault.reads.disclose(ALONE, V4, to=to, purpose="fraud_risk", ticket=ticket))
    index = _index(vault, DAY).hex()
    written = (vault.data / FILE).read_text()
    vault.clock.advance(ms=3 * DAY_MS)
    told = run(vault.rights.disclosed(V4))
    _, none = run(vault.rights.erase("anna@example.com", OTHER, ticket="D-1"))
    _, notices = run(vault.rights.erase("anna@example.com", V4, ticket="D-2"))
    _, again = run(vault.rights.erase("anna@example.com", V4, ticket="D-2"))
    done = vault.disclosures.told(notices[0].id)

    assert ["City Police", "Bank AB", "City Police"] == [one.recipient for one in told]
    assert [("City Police", ("K-1", "K-2")), ("Bank AB", ("B-1",))] == [(one.recipient, one.tickets) for one in notices]
    assert ([], []) == (none, again)
    assert [done.told_ms, 0] == [notice.told_ms for notice in vault.disclosures.notices()]
    assert ([], True) == (traces(vault.data, [V4, OTHER]), index in written)
    vault.clock.advance(ms=42 * DAY_MS)
    for day in vault.keys.due_days():
        vault.keys.destroy_day(day)
    vault.disclosures.forget_dead()
    assert index not in (vault.data / FILE).read_text()


def test_19_only_a_persons_request_is_told_of_recipients(tmp_path: Path) -> None:
    """
    A restriction makes a notice for each recipient, too, and is in the audit log. Whom an address went to is in the
    answer to a person's request, and in no other look-up. The control, an address handed to nobody, names nobody.
    """
    vault = Vault(tmp_path)
    for address in (V4, OTHER):
        vault.see(address)
    run(vault.reads.disclose(ALONE, V4, to="Bank AB", purpose="fraud_risk", ticket="B-1"))
    desk = desk_of(vault)
    asked = [
        run(desk.lookup(address, purpose, "D-1")).get("disclosed")
        for address, purpose in ((V4, "dsar"), (OTHER, "dsar"), (V4, "fraud_risk"))
    ]
    notices = run(vault.rights.restricted("anna@example.com", V4, ticket="D-1"))

    assert ["Bank AB"] == [one["to"] for one in asked[0] or ()]
    assert [[], None] == asked[1:]
    assert [("Bank AB", "restriction")] == [(notice.recipient, notice.what) for notice in notices]
    assert ("anna@example.com", "vault.restrict", "") in vault.told()


def _handed_to_another(vault: Vault) -> list[SeenDay]:
    return run(vault.reads.disclose(ANNA, V4, to="Bank AB", purpose="fraud_risk", ticket="K-1"))


def test_19_nothing_is_handed_out_by_one_person(tmp_path: Path) -> None:
    """
    Neither to somebody outside the register, nor for a purpose that is none, nor without a second person, whose word
    is for one recipient. The control is handed out, and told of.
    """
    vault = Vault(tmp_path)
    vault.see(V4)
    for wrong in ({"to": "Anybody Ltd"}, {"purpose": "dsar"}, {"purpose": "marketing"}):
        with pytest.raises(ReadRefused):
            run(vault.reads.disclose(ALONE, V4, **{"to": "Bank AB", "purpose": "fraud_risk", "ticket": "K-1", **wrong}))
    with pytest.raises(ApprovalNeeded) as needed:
        _handed_to_another(vault)
    run(vault.reads.approve(BO, needed.value.request_id))
    with pytest.raises(ApprovalNeeded):
        run(vault.reads.disclose(ANNA, V4, to="City Police", purpose="fraud_risk", ticket="K-1"))

    assert ((), 0) == (vault.disclosures.all(), vault.rows.asked)
    assert 1 == len(_handed_to_another(vault))
    assert [("Bank AB", ANNA.name, BO.name)] == [
        (one.recipient, one.actor, one.approver) for one in vault.disclosures.all()
    ]
    assert (ANNA.name, "vault.disclose", "to Bank AB") in vault.told()


def test_19_the_bytes_are_gone(tmp_path: Path, quick_store: Warehouse) -> None:
    """
    In the real store an erased row's ciphertext is in no file once old parts are let go, those of others are. The
    control marks the row as deleted instead of rewriting its part: out of sight, and still in a file.
    """
    keys = {name: sha256(name.encode()).digest() for name in ("erased", "marked", "kept")}
    rows = [VaultRow(1, DAY, key[:16], (key * 2)[:45], 1, 1) for key in keys.values()]
    insert_rows(quick_store, DAY, rows, 1, token=tmp_path.name)
    before = _held(quick_store, keys)
    erased = erase_rows(quick_store, [(1, DAY, keys["erased"][:16])])
    quick_store.command(
        "DELETE FROM vault WHERE lower(hex(bidx)) = {index:String} SETTINGS lightweight_deletes_sync = 2",
        {"index": keys["marked"][:16].hex()},
    )
    left = {name for name, key in keys.items() if find_rows(quick_store, [(1, DAY, key[:16])])}
    until(lambda: "erased" not in _held(quick_store, keys), "the erased row is still in a file")

    assert ({"erased", "marked", "kept"}, 1) == (before, erased)
    assert {"kept"} == left
    assert {"marked", "kept"} == _held(quick_store, keys)


def _held(warehouse: Warehouse, keys: dict[str, bytes]) -> set[str]:
    """
    Name the rows whose ciphertext is in a file of the table; random bytes do not compress, so they stand there as such.
    """
    (paths,) = warehouse.query(
        "SELECT data_paths FROM system.tables WHERE name = 'vault' AND database = currentDatabase()"
    )
    data = b"".join(content_of(path) for folder in paths[0] for path in files_of(Path(folder)))
    return {name for name, key in keys.items() if key[:16] in data}


def _index(vault: Vault, day: int) -> bytes:
    (key,) = vault.keys.make([(1, day)])
    assert key is not None
    return VaultCipher(key, 1, day).index(mapped_address(parsed_address(V4), whole_ipv6=True))


def test_20_rights_cannot_be_stolen(tmp_path: Path, clock: FakeClock) -> None:
    """
    A form on another page, a token used twice, a token from another connection and a forged header give nothing. The
    controls: the own page with its token works, and a parser that trusts everybody takes the forged header.
    """
    listed = ObjectionList(tmp_path / "keys", Keyring(tmp_path / "keys", tmp_path / "keys" / "root.key", clock), clock)

    def token() -> str:
        return str(asked(listed, Exchange("GET", PATH)).facts["token"])

    own = {"sec_fetch_site": "same-origin"}
    refused = [
        asked(listed, posted("object", token(), sec_fetch_site="cross-site")),
        asked(listed, posted("object", token(), origin="https://evil.test")),
        asked(listed, posted("object", token(), **own), "203.0.113.99"),
        asked(listed, posted("object", "made-up", **own)),
    ]
    assert ["refused", "refused", "stale", "stale"] == [handed.facts["done"] for handed in refused]
    assert "" == listed.kind_of(ADDRESS)
    used = token()
    done = [asked(listed, posted("object", used, **own)).facts["done"] for _ in range(2)]
    assert ["object", "stale"] == done
    assert "objected" == listed.kind_of(ADDRESS)

    headers = [(b"x-forwarded-for", V4.encode())]
    careful = AddressTrust((ip_network("127.0.0.0/8"),), ("x-forwarded-for",))
    careless = AddressTrust((ip_network("198.51.100.0/24"),), ("x-forwarded-for",))
    believed = [str(client_address("198.51.100.9", headers, trust)) for trust in (careful, careless)]
    assert ["198.51.100.9", V4] == believed


class Seen:
    """
    Takes every sighting.
    """

    def __init__(self) -> None:
        self.addresses: list[bytes] = []

    def see(self, sightings: Sequence[SightingFields]) -> None:
        self.addresses += [sighting[2] for sighting in sightings]


@pytest.mark.parametrize("how", ["gpc", "dnt", "objected", "nothing"])
def test_21_an_objection_leaves_a_count(tmp_path: Path, clock: FakeClock, how: str) -> None:
    """
    Under GPC, DNT or an objection by hand there is no visitor id, and neither vault nor risk see the address; the page
    view counts. The control says nothing, and has both.
    """
    collector = make_collector(tmp_path, clock)
    sink = Seen()
    collector.install_sinks([sink])
    if how == "objected":
        secret = b"k" * 32
        objections = Objections(secret, [objection_hash(secret, ip_address(ADDRESS))])
        collector.plain.people.install_objections(objections)
    headers = {"gpc": {"sec_gpc": "1"}, "dnt": {"dnt": "1"}}.get(how, {})
    (event,) = events_of(send(collector, BEACON, **headers))
    collector.sightings.hand_over()
    kept = how == "nothing"

    assert ("pageview", "/a") == (event.name, event.pathname)
    assert (kept, [ip_address(ADDRESS).packed] if kept else []) == (event.visitor_id != 0, sink.addresses)
    assert kept == bool(event.browser)
