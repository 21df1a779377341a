"""
Logging for every process: readable on a terminal, one JSON object a line elsewhere, always on stderr.

At no level may a line hold an address, a user agent, a full URL or a key. Log fields are therefore counts, names of
parts, reasons and durations; as a last net, whatever looks like an address is masked before it is written.
"""

from __future__ import annotations

import logging
import re
import sys
import threading
import traceback
from collections.abc import MutableMapping
from pathlib import Path
from types import TracebackType
from typing import Any

import structlog

_IPV4 = re.compile(r"(?<![\d.])(?:\d{1,3}\.){3}\d{1,3}(?![\d.])")
_IPV6 = re.compile(r"(?<![0-9A-Fa-f:])(?:[0-9A-Fa-f]{0,4}:){2,7}[0-9A-Fa-f]{0,4}(?![0-9A-Fa-f:])")
_CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029]")
MASK = "(address)"
FRAMES_MAX, CAUSES_MAX = 8, 4


def masked(text: str) -> str:
    """
    Replace everything that reads as an IPv4 or IPv6 address. The loopback and wildcard addresses we listen on stay.
    """

    def mask(match: re.Match[str]) -> str:
        # Times such as 12:30:05 have two colons and no letters; an IPv6 address with so few groups has "::" in it.
        found = match.group()
        if found.startswith("127.") or found in ("0.0.0.0", "::1"):  # noqa: S104  # compared, not bound
            return found
        if ":" in found and "::" not in found and found.count(":") < 7:
            return found
        return MASK

    return _IPV6.sub(mask, _IPV4.sub(mask, text))


def _mask_values(_logger: Any, _method: str, line: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    for key, value in line.items():
        if isinstance(value, str):
            line[key] = masked(value)
    return line


def spelled_out(text: str) -> str:
    """
    Write control signs as escapes, but for line ends and tabs: a terminal would obey them.
    """
    return _CONTROLS.sub(lambda match: match.group().encode("unicode_escape").decode("ascii"), text)


def _spell_out_values(_logger: Any, _method: str, line: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    for key, value in line.items():
        if isinstance(value, str):
            line[key] = spelled_out(value)
    return line


def _place_of(exc_info: Any) -> str:
    """
    Tell the type and the place of an error: never its text or its locals, which may hold what a stranger sent.
    """
    told: list[str] = []
    error: BaseException | None = exc_info[1]
    while error is not None and len(told) < CAUSES_MAX:
        frames = reversed(traceback.extract_tb(error.__traceback__)[-FRAMES_MAX:])
        places = " < ".join(f"{Path(frame.filename).name}:{frame.lineno} {frame.name}" for frame in frames)
        told.append(f"{type(error).__name__} at {places or 'no place'}")
        error = error.__cause__ or error.__context__
    return "; from ".join(told)


class _LibraryLines(logging.Handler):
    """
    What libraries log, as lines like our own. Their text without its arguments, which may be anything.
    """

    def emit(self, record: logging.LogRecord) -> None:
        structlog.get_logger().log(record.levelno, str(record.msg), library=record.name, exc_info=record.exc_info)


def configure_logging(level: str, *, part: str) -> None:
    """
    Set up logging for this process, that of libraries included: warnings and errors of theirs, as lines like ours.

    Args:
        level: `debug`, `info`, `warning` or `error`.
        part: `keeper`, `collector`, `store` or `command`; on every line.
    """
    terminal = sys.stderr.isatty()

    # Not a context variable: a thread begins with none.
    def add_part(_logger: Any, _method: str, line: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
        line["part"] = part
        return line

    processors: list[Any] = [
        add_part,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.ExceptionRenderer(_place_of),
        _mask_values,
        *((_spell_out_values,) if terminal else ()),
        structlog.dev.ConsoleRenderer() if terminal else structlog.processors.JSONRenderer(),
    ]
    structlog.configure(
        processors=processors,
        wrapper_class=structlog.make_filtering_bound_logger(getattr(logging, level.upper())),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=False,
    )
    root = logging.getLogger()
    root.handlers = [handler for handler in root.handlers if not isinstance(handler, _LibraryLines)]
    root.addHandler(_LibraryLines(logging.WARNING))
    # What nobody caught would be printed with its text, and that may be what a stranger sent. Whoever has taken a hook
    # already, as a test runner does, has a reason.
    sys.excepthook = _uncaught
    if sys.unraisablehook is sys.__unraisablehook__:
        sys.unraisablehook = _unraisable
    if threading.excepthook is threading.__excepthook__:
        threading.excepthook = _uncaught_in_thread


def _uncaught(kind: type[BaseException], error: BaseException, frames: TracebackType | None) -> None:
    if issubclass(kind, KeyboardInterrupt):
        return
    logger().error("an error ended the process", exc_info=(kind, error, frames))


def _uncaught_in_thread(told: threading.ExceptHookArgs) -> None:
    if told.exc_value is not None and not isinstance(told.exc_value, SystemExit):
        logger().error("an error ended a thread", exc_info=(told.exc_type, told.exc_value, told.exc_traceback))


def _unraisable(told: sys.UnraisableHookArgs) -> None:
    if told.exc_value is not None:
        logger().error("an error was passed over", exc_info=(told.exc_type, told.exc_value, told.exc_traceback))


def logger() -> Any:
    """
    Give a logger: `logger().info("drain caught up", events=12)`.
    """
    return structlog.get_logger()
