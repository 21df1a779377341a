"""
Case 38: what a stranger sends never makes a line of the log, half of one, or moves a terminal's cursor.
"""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest

from tests.attacks.wire import ask_raw, beacon, post
from tests.server import Server

MARK = "injected-mark"
PAYLOADS = [
    f'{MARK}\r\n{{"event":"forged","level":"error"}}',
    f"{MARK}\n2026-11-22 forged",
    f"{MARK}%0d%0aforged",
    f"\x1b[2J\x1b[31m{MARK}\x07",
    f"\x9b31m{MARK}",
    f'{MARK}","event":"forged',
    f"${{jndi:ldap://{MARK}/a}}",
    f"%(levelname)s {MARK} {{0}} %s %n",
    f"\u2028{MARK}\u2029\u0085",
]


@pytest.mark.server
def test_log_of_the_real_server_stays_one_event_a_line(server: Server) -> None:
    """
    With breakers in body, headers, path and method, at debug level, each line is a JSON object of ours; no payload,
    no escape sequence and no half line is in the log.
    """
    for payload in PAYLOADS:
        raw = payload.encode()
        for key in ("u", "r", "n", "d"):
            ask_raw(server, post(beacon(**{key: payload})))
        ask_raw(server, post(beacon(p={payload: payload})))
        one_line = raw.replace(b"\r", b"").replace(b"\n", b"")
        for name in (b"user-agent", b"referer", b"x-forwarded-for", b"forwarded", b"host", b"origin", one_line[:20]):
            ask_raw(server, post(beacon(), name + b": " + one_line))
        ask_raw(server, b"GET /" + one_line.replace(b" ", b"") + b" HTTP/1.1\r\nhost: localhost\r\n\r\n")
        ask_raw(server, b"GET /js/%0d%0a" + one_line.replace(b" ", b"") + b" HTTP/1.1\r\nhost: localhost\r\n\r\n")
        ask_raw(server, one_line + b" / HTTP/1.1\r\n\r\n")
        ask_raw(server, post(b"{", path=b"/api/events"))
    # A part that stumbles writes, too: a stats question with payloads, through the dashboard's log.
    for payload in PAYLOADS:
        question = json.dumps({"site_id": payload, "metrics": [payload], "date_range": payload}).encode()
        ask_raw(server, post(question, b"authorization: Bearer " + server.admin_key.encode(), path=b"/api/v2/query"))
    log = server.output.read_bytes()

    assert MARK.encode() not in log
    assert not [byte for byte in (0x1B, 0x9B, 0x07, 0x0D) if bytes((byte,)) in log]
    lines = log.decode().split("\n")
    assert "" == lines.pop()
    assert [] == [line for line in lines if not is_event(line)]


def is_event(line: str) -> bool:
    try:
        return "event" in json.loads(line)
    except ValueError:
        return False


WRITER = """
import sys
from warehouse.log import configure_logging, logger
configure_logging("debug", part="test")
for payload in {payloads!r}:
    logger().warning("something came", reason=payload)
    try:
        raise ValueError(payload)
    except ValueError as error:
        logger().error("it broke", exc_info=error)
"""


def test_even_a_payload_in_a_field_stays_in_its_line(tmp_path: Path) -> None:
    """
    Should a text of a stranger ever reach a field or an exception's text, it is escaped inside one JSON object.
    """
    run = subprocess.run(
        [sys.executable, "-c", WRITER.format(payloads=PAYLOADS)], capture_output=True, timeout=60, check=True
    )
    lines = run.stderr.decode().split("\n")

    assert "" == lines.pop()
    assert 2 * len(PAYLOADS) == len(lines)
    assert all(is_event(line) for line in lines)
    assert b"\x1b" not in run.stderr
    assert PAYLOADS == [json.loads(line)["reason"] for line in lines[::2]]


def test_terminal_gets_no_sequence_of_a_stranger() -> None:
    """
    On a terminal the same fields come with their control signs spelled out.
    """
    ours, theirs = pty.openpty()
    run = subprocess.Popen(
        [sys.executable, "-c", WRITER.format(payloads=PAYLOADS)], stderr=theirs, env={**os.environ, "NO_COLOR": "1"}
    )
    os.close(theirs)
    shown = b""
    try:
        while piece := os.read(ours, 65536):
            shown += piece
    except OSError:
        pass  # the other end is closed
    finally:
        os.close(ours)
    assert 0 == run.wait(60)

    assert MARK.encode() in shown
    for sequence in (b"\x1b[2J", b"\x1b[31m" + MARK.encode(), "\x9b31m".encode(), b"\x07"):
        assert sequence not in shown


def test_control_a_plain_logger_is_taken_in(tmp_path: Path) -> None:
    """
    A double that prints what it is told makes two lines of one, and moves the cursor.
    """
    script = f"import logging\nlogging.basicConfig(format='%(message)s')\nfor p in {PAYLOADS!r}: logging.warning(p)"
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, timeout=60, check=True)

    assert len(run.stderr.decode().split("\n")) > len(PAYLOADS) + 1
    assert b"\x1b[2J" in run.stderr
