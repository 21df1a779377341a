"""
Logging: one line of JSON each, and nothing in it that reads as an address.
"""

from __future__ import annotations

import json
import logging
import subprocess
import sys
import threading
from collections.abc import Iterator

import pytest
import structlog

from warehouse.log import MASK, configure_logging, logger, masked


@pytest.fixture(autouse=True)
def restored() -> Iterator[None]:
    """
    Leave logging as it was.
    """
    handlers, level = logging.root.handlers[:], logging.root.level
    hooks = sys.excepthook, sys.unraisablehook, threading.excepthook
    yield
    sys.excepthook, sys.unraisablehook, threading.excepthook = hooks
    structlog.reset_defaults()
    logging.root.handlers[:] = handlers
    logging.root.setLevel(level)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("from 203.0.113.77 port 80", f"from {MASK} port 80"),
        ("from 2001:db8:aaaa:bbbb::1234 now", f"from {MASK} now"),
        ("::ffff:203.0.113.77", f"{MASK}{MASK}"),
        ("listening on 127.0.0.1 and ::1 and 0.0.0.0", "listening on 127.0.0.1 and ::1 and 0.0.0.0"),
        ("at 12:30:05 on 2026-11-22", "at 12:30:05 on 2026-11-22"),
        ("version 1.2.3", "version 1.2.3"),
    ],
)
def test_addresses_are_masked(text: str, expected: str) -> None:
    """
    What reads as an address is replaced; times, versions and our own listening addresses stay.
    """
    assert masked(text).replace(MASK + MASK, MASK) == expected.replace(MASK + MASK, MASK)


def test_every_line_is_json(capsys: pytest.CaptureFixture[str]) -> None:
    """
    Ours, a library's and an error: one JSON object a line, with the process's part, and no address.
    """
    configure_logging("info", part="collector")
    logger().info("serving", port=8000, peer="203.0.113.77")
    logging.getLogger("uvicorn.error").warning("Invalid HTTP request received from %s.", "203.0.113.78")
    logging.getLogger("httpx").info("too chatty")
    secret = "203.0.113.79"
    try:
        raise ValueError(secret)
    except ValueError as error:
        logger().error("it broke", exc_info=error)
    thread = threading.Thread(target=lambda: logger().info("from a thread"))
    thread.start()
    thread.join()
    lines = [json.loads(line) for line in capsys.readouterr().err.splitlines()]

    told = ["serving", "Invalid HTTP request received from %s.", "it broke", "from a thread"]
    assert told == [line["event"] for line in lines]
    assert lines[2]["exception"].startswith("ValueError at test_log.py:")
    assert {"collector"} == {line["part"] for line in lines}
    assert "203.0.113" not in json.dumps(lines)


PROGRAM = """
import sys, threading
from warehouse.log import configure_logging
configure_logging("info", part="collector")

class Broken:
    def __del__(self):
        raise ValueError("203.0.113.77")

def fail(text="203.0.113.78"):
    raise ValueError(text)

Broken()
thread = threading.Thread(target=fail)
thread.start()
thread.join()
fail("203.0.113.79")
"""


def test_what_nobody_caught_is_told_without_its_text() -> None:
    """
    In a thread, in a finalizer, and at the end of a process: a line with type and place, no text, no values.
    """
    ran = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True)
    lines = [json.loads(line) for line in ran.stderr.splitlines()]

    assert 1 == ran.returncode
    assert ["an error was passed over", "an error ended a thread", "an error ended the process"] == [
        line["event"] for line in lines
    ]
    assert all(line["exception"].startswith("ValueError at ") for line in lines)
    assert "203.0.113" not in ran.stderr
