"""
Case 28: address headers that a client makes up.
"""

from __future__ import annotations

import time
from ipaddress import ip_address, ip_network
from statistics import median

import pytest

from ingest.address import HOPS_MAX, AddressTrust, client_address
from tests.attacks.wire import ask_raw, beacon, post, status
from tests.processes.family import until
from tests.processes.load import ask, await_stored
from tests.server import Server
from warehouse.settings import SettingsError, load_settings

VICTIM = "203.0.113.77"
ATTACKER = "198.51.100.9"
PROXY = "10.0.0.1"
TRUST = AddressTrust((ip_network("10.0.0.0/8"), ip_network("2001:db8:cafe::/48")))
EVERYBODY = AddressTrust((ip_network("0.0.0.0/1"), ip_network("128.0.0.0/1")))
"""A double without a list of proxies: what `DAYSALT_TRUSTED_PROXIES=*` would be."""


def leftmost(headers: list[tuple[bytes, bytes]]) -> str:
    """
    A double that reads the header as many programs do: the first item is the client.
    """
    return dict(headers)[b"x-forwarded-for"].decode().split(",")[0].strip()


def believed(peer: str, *headers: tuple[str, str], trust: AddressTrust = TRUST) -> str:
    return str(client_address(peer, [(name.encode(), value.encode("latin-1")) for name, value in headers], trust))


@pytest.mark.parametrize("name", ["x-forwarded-for", "forwarded", "x-real-ip", "cf-connecting-ip", "x-plausible-ip"])
def test_a_stranger_cannot_name_an_address(name: str) -> None:
    """
    Whatever an untrusted peer writes into whatever header, its own address counts.
    """
    for value in (VICTIM, f"for={VICTIM}", f"for={VICTIM}, {PROXY}"):
        assert ATTACKER == believed(ATTACKER, (name, value))


def test_control_without_a_list_of_proxies_the_forgery_works() -> None:
    """
    Were every peer a proxy, or the first item believed, the attacker would be who he says.
    """
    assert VICTIM == leftmost([(b"x-forwarded-for", f"{VICTIM}, {ATTACKER}".encode())])
    forged = client_address(ATTACKER, [(b"x-forwarded-for", f"2001:db8::77, {ATTACKER}".encode())], EVERYBODY)
    assert ip_address("2001:db8::77") == forged


@pytest.mark.parametrize("text", ["*", "0.0.0.0/0", "::/0", "10.0.0.0/8, ::/0"])
def test_no_setting_trusts_everybody(text: str) -> None:
    """
    The whole internet as a proxy is refused at start.
    """
    with pytest.raises(SettingsError, match="DAYSALT_TRUSTED_PROXIES"):
        load_settings({"DAYSALT_TRUSTED_PROXIES": text})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("x-forwarded-for", f"{VICTIM}, {ATTACKER}"),
        ("x-forwarded-for", f"{VICTIM},,, {ATTACKER} , 10.9.9.9"),
        ("x-forwarded-for", f"{PROXY}, {VICTIM}, {ATTACKER}:4711, 10.1.1.1"),
        ("x-forwarded-for", f'{VICTIM}, "{ATTACKER}"'),
        ("x-forwarded-for", f"{VICTIM}, ::ffff:{ATTACKER}"),
        ("x-forwarded-for", f"{VICTIM}, [::ffff:{ATTACKER}]:443, [2001:db8:cafe::1]:443"),
        ("forwarded", f"for={VICTIM}, for={ATTACKER};proto=https"),
        ("forwarded", f'for={VICTIM};by=1.2.3.4, proto=https;FOR="{ATTACKER}:443"'),
        ("forwarded", f'for={VICTIM}, for="[::ffff:{ATTACKER}]:80", for="[2001:db8:cafe::2]"'),
    ],
)
def test_behind_a_proxy_the_last_stranger_counts(name: str, value: str) -> None:
    """
    Items a client put in front of what the proxies appended are not looked at.
    """
    assert ATTACKER == believed(PROXY, (name, value))


def test_lines_are_one_list_and_the_first_header_decides() -> None:
    """
    A second line, or the other header, opens no second way.
    """
    assert ATTACKER == believed(PROXY, ("x-forwarded-for", VICTIM), ("x-forwarded-for", ATTACKER))
    assert ATTACKER == believed(PROXY, ("forwarded", f"for={VICTIM}"), ("x-forwarded-for", ATTACKER))


@pytest.mark.parametrize(
    "junk",
    [
        "unknown", "_hidden", "203.0.113", "203.0.113.77.1", "0x7f.1", "203.0.113.077", "1::2::3", "[", "]", "[]",
        "203.0.113.77\x00", "203.0.113.77;x", "fe80::1%" + "z" * 300, ":" * 64, "٢٠٣.٠.١١٣.٧٧", "-1", "3405803853",
        "203.0.113.77/32", "]:[",
    ],
)  # fmt: skip
def test_junk_stops_the_walk(junk: str) -> None:
    """
    Behind junk stands whoever wrote it: the peer counts, not what is left of the junk.
    """
    value = f"{VICTIM}, ".encode() + junk.encode()
    for name in (b"x-forwarded-for", b"forwarded"):
        assert PROXY == str(client_address(PROXY, [(name, value)], TRUST))


def test_ten_thousand_items_cost_no_more_than_a_few() -> None:
    """
    Of a header with 10,000 items, no more than the last few are read; reading all of them takes many times as long.
    """

    def header(items: int, seed: int) -> list[tuple[bytes, bytes]]:
        made = (f"10.{seed % 250}.{number >> 8}.{number & 255}" for number in range(items))
        return [(b"x-forwarded-for", ",".join(made).encode())]

    def seconds(items: int, limit: int | None = None) -> float:
        taken: list[float] = []
        for seed in range(9):
            sent = header(items, seed)
            started = time.perf_counter()
            if limit is None:
                assert PROXY == str(client_address(PROXY, sent, TRUST))
            else:
                for item in sent[0][1].decode().split(","):
                    assert ip_address(item) in TRUST.proxies[0]
            taken.append(time.perf_counter() - started)
        return median(taken)

    bounded, unbounded = seconds(10_000), seconds(10_000, limit=0)

    assert bounded < 0.005
    assert unbounded > 5 * bounded
    assert 32 == HOPS_MAX


@pytest.mark.server
def test_real_server_counts_a_forger_once(server: Server) -> None:
    """
    Through a trusted proxy, fifty made-up first hops in front of one real one are one visitor; fifty real ones are
    fifty (the control: the header does decide).
    """
    for number in range(50):
        forged = b"X-Forwarded-For: 192.0.2.%d, 198.51.100.9" % number
        assert 202 == status(ask_raw(server, post(beacon("/forged-hops"), forged)))
        honest = b"X-Forwarded-For: 198.51.100.9, 192.0.2.%d" % number
        assert 202 == status(ask_raw(server, post(beacon("/honest-hops"), honest)))
    huge = b"X-Forwarded-For: " + b",".join([b"192.0.2.1"] * 4000)
    started = time.monotonic()
    assert status(ask_raw(server, post(beacon("/huge-hops"), huge))) in (202, 431)
    assert time.monotonic() - started < 2
    await_stored(server, ["/forged-hops", "/honest-hops"])
    question = {
        "site_id": "site1.test",
        "metrics": ["visitors", "pageviews"],
        "date_range": "all",
        "dimensions": ["event:page"],
        "order_by": [["visitors", "desc"]],
    }

    def counted() -> dict[str, list[int]]:
        return {row["dimensions"][0]: row["metrics"] for row in ask(server, question).json()["results"]}

    until(lambda: all(counted()[page][1] == 50 for page in ("/forged-hops", "/honest-hops")), "not all were stored")
    found = counted()

    assert [1, 50] == found["/forged-hops"]
    assert [50, 50] == found["/honest-hops"]
