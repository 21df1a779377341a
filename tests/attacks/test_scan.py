"""
The scan that follows every storm finds what it is for: its own positive control.
"""

from __future__ import annotations

import base64
import struct
from ipaddress import ip_address
from pathlib import Path

import pytest

from daysalt.checks.traces import needles_of
from tests.attacks.scan import traces

ADDRESSES = ("203.0.113.77", "2001:db8:aaaa:bbbb::1234")


@pytest.mark.parametrize("address", ADDRESSES)
def test_each_form_is_found(tmp_path: Path, address: str) -> None:
    """
    Wherever an address lies in a file, alone or among other bytes, in whatever form, it is found.
    """
    packed = ip_address(address).packed
    leaks = {
        "access.log": f'{address} - - "POST /api/event"\n'.encode(),
        "wal": b"\x00\x01" + packed + b"\xff",
        "reversed": b"zz" + packed[::-1],
        "dump.hex": b"key=" + packed.hex().upper().encode(),
        "json": base64.b64encode(b"ab" + address.encode() + b"c"),
        "token": base64.urlsafe_b64encode(b"a" + packed + b"cd"),
        "number": b"ip=%d;" % int.from_bytes(packed, "big"),
    }
    for name, data in leaks.items():
        (tmp_path / name).write_bytes(struct.pack("<Q", 7) + data + b"tail")

    assert set(leaks) == {line.partition(":")[0] for line in traces(tmp_path, [address])}


def test_nothing_is_found_where_nothing_is(tmp_path: Path) -> None:
    """
    Neighbouring addresses and empty files are no finding.
    """
    (tmp_path / "empty").touch()
    (tmp_path / "other.log").write_text("203.0.113.7 2001:db8:aaaa:bbbc::1234 203.0.113.78")

    assert [] == traces(tmp_path, ADDRESSES)


@pytest.mark.parametrize("address", ADDRESSES)
def test_needles_are_long_enough(address: str) -> None:
    """
    No form is so short that it would be found in anything.
    """
    assert 4 <= min(map(len, needles_of(address).values()))
