"""
What a collector writes of addresses: one row each, ciphertext only, in no order that tells anything.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from ingest.vault import sink as sink_module
from ingest.vault.cipher import VaultCipher, address_of
from tests.clocks import FakeClock
from tests.ingest.vault.lanes import DAY, MIDNIGHT_MS, Lane, hour, index_of, key_of, packed, sighting

V4, OTHER, V6 = "203.0.113.77", "198.51.100.9", "2001:db8:aaaa:bbbb::1234"


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock(MIDNIGHT_MS + 5 * sink_module.HOUR_MS)


def test_one_row_for_each_site_and_address(tmp_path: Path, clock: FakeClock) -> None:
    """
    Sightings of one address become one row with its hours and the exact number of hits; sites are kept apart.
    """
    lane = Lane(tmp_path / "vault", clock)
    lane.sink.see([sighting(V4, hour(3)), sighting(V4, hour(3)), sighting(V4, hour(5)), sighting(V4, hour(5), 2)])
    lane.sink.see([sighting(OTHER, hour(5))])
    lane.write()

    rows = {(row.site_id, row.bidx): (row.day, row.hours, row.hits) for row in lane.rows()}
    assert {
        (1, index_of(V4)): (DAY, 1 << 3 | 1 << 5, 3),
        (2, index_of(V4, 2)): (DAY, 1 << 5, 1),
        (1, index_of(OTHER)): (DAY, 1 << 5, 1),
    } == rows
    assert (5, 0) == (lane.sink.written, lane.sink.lost)


def test_what_is_written_is_ciphertext(tmp_path: Path, clock: FakeClock) -> None:
    """
    No file holds the address in any form, the path or the user agent; the key opens it.
    """
    lane = Lane(tmp_path / "vault", clock)
    lane.sink.see([sighting(V4), sighting(V6)])
    lane.write()
    written = b"".join(path.read_bytes() for path in lane.directory.iterdir())
    cipher = VaultCipher(key_of(1, DAY), 1, DAY)

    for needle in (packed(V4), packed(V4)[::-1], V4.encode(), packed(V6), packed(V6)[:8], b"secret", b"canary"):
        assert needle not in written
    assert {V4, V6} == {str(address_of(cipher.open(row.bidx, row.ct))) for row in lane.rows()}


def test_ipv6_by_network(tmp_path: Path, clock: FakeClock) -> None:
    """
    With the setting at 64, addresses of one /64 are one row, and only the network is in it.
    """
    lane = Lane(tmp_path / "vault", clock, whole_ipv6=False)
    lane.sink.see([sighting(V6), sighting("2001:db8:aaaa:bbbb::9"), sighting("2001:db8:aaaa:cccc::9")])
    lane.write()
    cipher = VaultCipher(key_of(1, DAY), 1, DAY)

    kept = {str(address_of(cipher.open(row.bidx, row.ct))): row.hits for row in lane.rows()}
    assert {"2001:db8:aaaa:bbbb::": 2, "2001:db8:aaaa:cccc::": 1} == kept


def test_order_tells_nothing(tmp_path: Path, clock: FakeClock, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    Rows leave in the order of their blind indexes. The control, without it, shows the order of arrival.
    """
    addresses = [f"198.51.100.{number}" for number in range(200)]
    arrived = [index_of(address) for address in addresses]

    def written(directory: Path) -> list[bytes]:
        lane = Lane(directory, clock)
        lane.sink.see([sighting(address) for address in addresses])
        lane.write()
        return [row.bidx for row in lane.rows()]

    ordered = written(tmp_path / "ordered")

    def alike(_row: object) -> bytes:
        return b"\0"

    monkeypatch.setattr(sink_module, "_order", alike)

    assert arrived == written(tmp_path / "control")
    assert arrived != ordered
    assert sorted(arrived) == ordered


def test_a_crowd_is_written_piece_by_piece(tmp_path: Path, clock: FakeClock) -> None:
    """
    Thousands of addresses leave in several pieces, so that beacons come in between: all of them, each once, in the
    order of their indexes.
    """
    addresses = [f"198.51.{number >> 8}.{number & 255}" for number in range(3 * sink_module.ROWS_TOGETHER_MIN)]
    lane = Lane(tmp_path / "vault", clock)
    lane.sink.see([sighting(address) for address in addresses])
    lane.write()

    written = [row.bidx for row in lane.rows()]
    assert len(addresses) == len(set(written)) == len(written) == lane.sink.written
    assert sorted(written) == written


def test_a_site_without_the_vault_has_no_row(tmp_path: Path, clock: FakeClock) -> None:
    """
    `vault: false` is heeded from the moment the collector knows of it.
    """
    lane = Lane(tmp_path / "vault", clock)
    lane.sink.see([sighting(V4), sighting(V4, site_id=3)])
    lane.sink.install_sites([2])
    lane.sink.see([sighting(V4)])
    lane.write()

    assert [(1, 1)] == [(row.site_id, row.hits) for row in lane.rows()]


def test_a_silent_keeper_costs_nothing_for_a_while(tmp_path: Path, clock: FakeClock) -> None:
    """
    Without an answer nothing is written and nothing is lost; with one, all of it is.
    """
    lane = Lane(tmp_path / "vault", clock)
    lane.sink.see([sighting(V4)])
    lane.away = True
    with pytest.raises(ConnectionError):
        lane.write()
    lane.sink.see([sighting(V4)])
    before = lane.rows()
    lane.away = False
    lane.write()

    assert ([], [2]) == (before, [row.hits for row in lane.rows()])


def test_no_key_no_row(tmp_path: Path, clock: FakeClock) -> None:
    """
    Where the keeper gives no key nothing is written, least of all an address; what is lost is counted.
    """
    lane = Lane(tmp_path / "vault", clock)
    lane.refuses = True
    lane.sink.see([sighting(V4), sighting(V4), sighting(OTHER)])
    lane.write()

    assert ([], 3) == (lane.rows(), lane.sink.lost)


def test_stopped_it_takes_nothing(tmp_path: Path, clock: FakeClock) -> None:
    """
    Told to stop, it forgets what it held and its keys; told to go on, it starts anew.
    """
    lane = Lane(tmp_path / "vault", clock)
    lane.sink.see([sighting(V4)])
    lane.write()
    lane.sink.see([sighting(V4)])
    lane.sink.stop("destruction is behind")
    lane.sink.see([sighting(V4)])
    lane.write()
    lane.sink.stop("")
    lane.sink.see([sighting(V4)])
    lane.write()

    assert [1, 1] == [row.hits for row in lane.rows()]
    assert [(1, DAY), (1, DAY)] == lane.asked


def test_memory_is_bounded(tmp_path: Path, clock: FakeClock, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    A flood of addresses is held up to a limit; what is over it is counted as lost.
    """
    monkeypatch.setattr(sink_module, "COUNTS_MAX", 10)
    lane = Lane(tmp_path / "vault", clock)
    for number in range(30):
        lane.sink.see([sighting(f"198.51.100.{number}")])
    lane.write()

    assert (10, 20) == (len(lane.rows()), lane.sink.lost)


def test_a_full_spool_refuses_the_vault_alone(tmp_path: Path, clock: FakeClock) -> None:
    """
    The lane has a limit of its own; over it rows are lost and counted, and nothing raises.
    """
    lane = Lane(tmp_path / "vault", clock, bytes_max=10)
    for _ in range(2):
        lane.sink.see([sighting(V4)])
        lane.write()
        clock.advance(seconds=2)

    assert 2 == lane.sink.written + lane.sink.lost
    assert lane.sink.lost


def test_no_row_for_a_moment_ahead(tmp_path: Path, clock: FakeClock) -> None:
    """
    An event that says it happens tomorrow is kept no longer than one of now.
    """
    clock.wall_ms = hour(23)
    lane = Lane(tmp_path / "vault", clock)
    lane.sink.see([sighting(V4, hour(24))])
    lane.write()

    assert [(DAY, 1 << 23)] == [(row.day, row.hours) for row in lane.rows()]


def test_yesterdays_key_is_let_go(tmp_path: Path, clock: FakeClock) -> None:
    """
    A collector holds the keys of two days at most.
    """
    lane = Lane(tmp_path / "vault", clock)
    for day in range(3):
        clock.wall_ms = hour(24 * day)
        lane.sink.see([sighting(V4, clock.wall_ms), sighting(V4, hour(0))])
        lane.write()

    assert [(1, DAY), (1, DAY + 1), (1, DAY), (1, DAY + 2)] == lane.asked
