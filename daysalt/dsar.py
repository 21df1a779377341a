"""
Requests of people about their data (art. 15 to 21 GDPR): cases with a clock, and the extract that answers one.

A case holds what was asked and done and when, never the address it was about: that is typed anew at each step.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, Literal, get_args

import msgspec

from warehouse.clock import Clock
from warehouse.data_dir import write_private
from warehouse.privacy.policy import RIGHTS, policy_facts
from warehouse.privacy.register import Register
from warehouse.registry.sites import Site
from warehouse.settings import Settings

FILE = "dsar.json"
ALARM_DAYS = 5
"""A case this near to its end is pointed out."""
Kind = Literal["access", "rectification", "erasure", "restriction", "portability", "objection"]
KINDS: tuple[Kind, ...] = get_args(Kind)
CASES_MAX = 10_000


class DsarError(Exception):
    """
    A case cannot be made or changed. The text is one sentence that says what to do.
    """


class Step(msgspec.Struct, frozen=True):
    """
    Something done for a case.
    """

    at_ms: int
    what: str
    count: int = 0


class Case(msgspec.Struct, frozen=True):
    """
    One request. `due` is an ISO date: one month after it came in (art. 12(3)).
    """

    id: str
    kind: Kind
    channel: str
    opened_ms: int
    due: str
    steps: tuple[Step, ...] = ()
    reply_sha256: str = ""
    closed_ms: int = 0


class Cases:
    """
    The file of cases, in the data directory.
    """

    def __init__(self, data_dir: Path, clock: Clock) -> None:
        """
        Raises:
            DsarError: the file cannot be read.
        """
        self._path = data_dir / FILE
        self._clock = clock
        try:
            self._cases = msgspec.json.decode(self._path.read_bytes(), type=dict[str, Case])
        except FileNotFoundError:
            self._cases = {}
        except msgspec.DecodeError as error:
            raise DsarError(f"{self._path} is damaged ({error}): put it back from a copy") from error

    def all(self) -> list[Case]:
        """
        List all cases, the oldest first.
        """
        return list(self._cases.values())

    def open(self, kind: str, channel: str) -> Case:
        """
        Begin a case, with a month to answer.

        Raises:
            DsarError: there is no such kind, or there are too many cases.
        """
        if kind not in KINDS:
            raise DsarError(f"{kind!r} is no kind of request: use {', '.join(KINDS)}")
        if len(self._cases) >= CASES_MAX:
            raise DsarError(f"{self._path} holds {CASES_MAX} cases: move it away to begin a new one")
        now = self._today()
        due = _month_later(now)
        case = Case(
            id=f"dsar-{now.year}-{len(self._cases) + 1:04}",
            kind=kind,  # type: ignore[arg-type]  # checked above
            channel=channel,
            opened_ms=self._clock.now_ms(),
            due=due.isoformat(),
        )
        self._save(case)
        return case

    def note(self, case_id: str, what: str, count: int = 0) -> Case:
        """
        Note that something was done for an open case.

        Raises:
            DsarError: there is no such case, or it is closed.
        """
        case = self.living(case_id)
        case = msgspec.structs.replace(case, steps=(*case.steps, Step(self._clock.now_ms(), what, count)))
        self._save(case)
        return case

    def close(self, case_id: str, reply: bytes) -> Case:
        """
        End a case with the reply that was sent; of it only the hash is kept.

        Raises:
            DsarError: there is no such case, it is closed, or the reply is empty.
        """
        if not reply.strip():
            raise DsarError("the reply is empty: a case is closed with the answer that was sent")
        case = msgspec.structs.replace(
            self.living(case_id), reply_sha256=hashlib.sha256(reply).hexdigest(), closed_ms=self._clock.now_ms()
        )
        self._save(case)
        return case

    def living(self, case_id: str) -> Case:
        """
        Find an open case.

        Raises:
            DsarError: there is no such case, or it is closed.
        """
        case = self._cases.get(case_id)
        if case is None:
            raise DsarError(f"there is no case {case_id[:40]}: `daysalt dsar list` shows them, `open` makes one")
        if case.closed_ms:
            raise DsarError(f"the case {case.id} is closed: open a new one")
        return case

    def days_left(self, case: Case) -> int:
        """
        Tell the days until a case must be answered; negative when it is late.
        """
        return (date.fromisoformat(case.due) - self._today()).days

    def _today(self) -> date:
        return datetime.fromtimestamp(self._clock.now_ms() / 1000, UTC).date()

    def _save(self, case: Case) -> None:
        cases = {**self._cases, case.id: case}
        write_private(self._path, msgspec.json.encode(cases).decode())
        self._cases = cases


def _month_later(day: date) -> date:
    """
    Tell the same day of the next month; its last one where it is shorter (Regulation 1182/71, art. 3(2)c).
    """
    following = date(day.year + day.month // 12, day.month % 12 + 1, 1)
    last = (date(following.year + following.month // 12, following.month % 12 + 1, 1) - following).days
    return following.replace(day=min(day.day, last))


def extract(
    case: Case,
    seen: Sequence[Mapping[str, Any]] | None,
    disclosed: Sequence[Mapping[str, Any]] = (),
    *,
    register: Register,
    sites: list[Site],
    settings: Settings,
    day: date,
) -> dict[str, Any]:
    """
    Write the answer to a request of access (art. 15), with every heading it must have.

    Args:
        seen: days of the vault as `daysalt vault lookup` finds them; None when the vault was not asked.
        disclosed: to whom the address was handed out, as far as days live that it was seen on.
    """
    policies = [policy_facts(register, site, settings, day, settings.base_url) for site in sites]
    rows = {row["id"]: row for policy in policies for row in policy["processing"] if row["subject"] == "visitor"}
    return {
        "format": "daysalt-extract/1",
        "case": case.id,
        "made_on": day.isoformat(),
        "which_data": {name: row["category"] for name, row in rows.items()},
        "copy_of_data": {
            "addresses": seen,
            "handed_out": list(disclosed),
            "page_views": "kept under ids that lead back to no address once their day is over (art. 11 GDPR)",
        },
        "purposes": {name: row["purpose"] for name, row in rows.items()},
        "legal_basis": {name: row["legal_basis"] for name, row in rows.items()},
        "recipients": [dict(row) for row in register.recipients],
        "source": "your browser's connection; country and network from lists on the server",
        "storage_time": {name: f"{row['period']} from {row['anchor']}" for name, row in rows.items()},
        "other_rights": list(RIGHTS),
        "automated_decisions": "none",
        "complaint": [dict(row) for row in register.authorities],
        "third_countries": "no transfer by Daysalt; the recipients above say where they are",
        "controller": dict(register.controller) or None,
    }
