"""
`daysalt doctor --addresses`: finds what it is for, explains it, and names no address.
"""

from __future__ import annotations

import base64
import json
from ipaddress import ip_address
from pathlib import Path

import pytest
from typer.testing import CliRunner

from daysalt.checks.traces import CHUNK_BYTES, AddressesError, check_addresses, read_addresses
from daysalt.cli import app
from warehouse.settings import load_settings

ADDRESSES = ("203.0.113.77", "2001:db8:aaaa:bbbb::1234")


def test_every_finding_is_explained_without_the_address(tmp_path: Path) -> None:
    """
    Text in a log, bytes in the spool, base64 across two chunks of a large file, and the start of an IPv6 address are
    found; what to do depends on the place.
    """
    four, six = (ip_address(address).packed for address in ADDRESSES)
    spool = tmp_path / "spool"
    spool.mkdir()
    (tmp_path / "access.log").write_text(f"{ADDRESSES[0]} GET /")
    (spool / "a.seg").write_bytes(b"xx" + six + b"xx")
    (tmp_path / "short.bin").write_bytes(b"xx" + four + b"xx")
    (tmp_path / "large").write_bytes(bytes(CHUNK_BYTES - 5) + base64.b64encode(ADDRESSES[0].encode()))
    found = check_addresses(load_settings({"DAYSALT_DATA_DIR": str(tmp_path)}), ADDRESSES)
    said = "\n".join(check.finding for check in found)

    assert {"access.log", "spool/a.seg", "short.bin", "large"} == {
        check.finding.split(" lies in ")[1].split(" as ")[0] for check in found
    }
    assert not any(address in said for address in ADDRESSES)
    assert "address 2 lies in spool/a.seg as packed: the spool holds safe records" in said
    assert ["note"] == [
        check.state for check in found if "short.bin" in check.finding and " as packed:" in check.finding
    ]
    assert {"unwell"} == {check.state for check in found if "access.log" in check.finding}


def test_one_place_is_told_once(tmp_path: Path) -> None:
    """
    Forms that are the same bytes are one finding.
    """
    (tmp_path / "access.log").write_text(f"{ADDRESSES[0]} GET /")
    found = check_addresses(load_settings({"DAYSALT_DATA_DIR": str(tmp_path)}), ADDRESSES[:1])

    assert ["text"] == [check.finding.split(" as ")[1].partition(":")[0] for check in found]


def test_nothing_is_found_where_nothing_is(tmp_path: Path) -> None:
    """
    Neighbouring addresses are no finding.
    """
    (tmp_path / "other.log").write_text("203.0.113.7 203.0.113.78 2001:db8:aaaa:bbbc::1234")
    found = check_addresses(load_settings({"DAYSALT_DATA_DIR": str(tmp_path)}), ADDRESSES)

    assert ["well"] == [check.state for check in found]


def test_the_command_reads_them_from_its_input(tmp_path: Path) -> None:
    """
    No address need be written on the command line.
    """
    (tmp_path / "access.log").write_text(ADDRESSES[0])
    done = CliRunner().invoke(
        app, ["doctor", "--addresses", "-", "--json", "--data-dir", str(tmp_path)], input=f"\n{ADDRESSES[0]}\n"
    )
    findings = [check["finding"] for check in json.loads(done.stdout) if check["name"] == "addresses"]

    assert 1 == done.exit_code
    assert any(finding.startswith("address 1 lies in access.log as text: ") for finding in findings)


@pytest.mark.parametrize("lines", [["203.0.113.7", "example.com"], ["", " "]])
def test_what_is_no_address_is_refused(lines: list[str]) -> None:
    """
    One sentence says what to write instead.
    """
    with pytest.raises(AddressesError, match=r"write one a line, such as 203\.0\.113\.7"):
        read_addresses(lines)
