"""
The executor: destroys the vault's days on time and proves it.

Order of a day: canary and check values are written down, its keys are destroyed, its partition is dropped, what is
left is looked for, the proof is signed. The key goes first, so the addresses are dead even while the store is away.
Every step can be repeated; a crash between any two is healed by the next run, and a proof is signed once.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from ingest.keys.day_keys import DAY_MS, day_number, iso_day
from ingest.keys.keyring import KeyId, Keyring, KeyringError
from ingest.keys.keyring_file import key_check
from ingest.keys.salts import SaltCalendar
from ingest.keys.vault_keys import ALL_SITES, PURPOSE, VaultKeys
from ingest.retention.canary import opens_canary, seal_canary
from ingest.retention.chain import ProofChain
from ingest.retention.days_state import STATE_FILE, DyingDay, KeyFact, read_state, write_state
from ingest.retention.table_canaries import TableCanaries
from warehouse.privacy.proofs import DAY, KEYS

BEHIND_MS_MAX = 24 * 3600 * 1000
"""Further behind than this the vault takes no more addresses : it fails closed."""
PUBLIC_SCOPES = frozenset({"salt", "event_id", "risk", "epoch"})
"""Purposes whose scope may be named in a proof: a time zone, a number. Those of sites and cases stay out of it."""


@dataclass(frozen=True, slots=True)
class Dropped:
    """
    What dropping a day found and left in the store.
    """

    rows: int
    rows_left: int
    parts_left: int


class StillThere(Exception):
    """
    Something of a destroyed day was found. The text says what; the day is not proved until it is gone.
    """


class Retention:
    """
    Keeps the vault's period. Holds no address; sees keys only to name and destroy them.
    """

    def __init__(
        self,
        *,
        keyring: Keyring,
        vault_keys: VaultKeys,
        calendar: SaltCalendar,
        chain: ProofChain,
        directory: Path,
        retention_days: int,
    ) -> None:
        """
        Args:
            directory: where the state lies, beside the chain.
            retention_days: the period now in force, 0 to 45.

        Raises:
            KeyringError: the state cannot be read.
        """
        self._keyring = keyring
        self._vault_keys = vault_keys
        self._calendar = calendar
        self._chain = chain
        self._path = directory / STATE_FILE
        self._retention_days = retention_days
        self._state = read_state(self._path)
        self.table_canaries = TableCanaries(keyring, vault_keys, self._state, self._path, self._period)
        proved = [day for day in self._state.dying if day in chain.days]
        if proved:
            # The crash came between the proof and the note that it is done.
            self._forget(proved)

    @property
    def chain(self) -> ProofChain:
        return self._chain

    @property
    def events_before(self) -> str:
        """
        The day before which event rows were deleted last, ISO date; empty when none were.
        """
        return self._state.events_before

    def destroy_due(self) -> list[str]:
        """
        Destroy the keys of every day that is due. Nothing while the clock is not believed.

        Returns:
            The days destroyed now, ISO dates.

        Raises:
            KeyringError: keyring or state cannot be written; what is left is done by the next call.
        """
        if self._calendar.paused:
            return []
        self._note_period()
        destroyed: list[str] = []
        for day in self._due():
            if day not in self._state.dying:
                self._state.dying[day] = self._prepare(day)
                write_state(self._path, self._state)
            if self._lives(day):
                self._vault_keys.destroy_day(day_number(day))
                destroyed.append(day)
        for number in self._vault_keys.due_days():
            # What has its proof already, or lies in a future that a wrong clock made: no key of it may live.
            if iso_day(number) not in self._state.dying:
                self._vault_keys.destroy_day(number)
                destroyed.append(iso_day(number))
        return destroyed

    def unfinished(self) -> list[str]:
        """
        List the days whose keys are gone and whose proof is not signed, oldest first.
        """
        return sorted(day for day in self._state.dying if not self._lives(day))

    def count_rows(self, day: str, rows: int) -> None:
        """
        Note how many rows a day has, before they are dropped: after a crash nobody could count them.

        Raises:
            KeyringError: the state cannot be written.
        """
        dying = self._state.dying[day]
        if dying.rows is None:
            dying.rows = rows
            write_state(self._path, self._state)

    def prove(self, day: str, dropped: Dropped, *, files: int, hits: int) -> None:
        """
        Sign the proof of a day whose partition was dropped.

        Args:
            files: how many files outside the store were looked at, `hits` how many of them are of the day.

        Raises:
            StillThere: rows, parts or files are left, or a living key opens the canary.
            KeyringError: the proof cannot be written.
        """
        if day in self._chain.days:
            self._forget([day])
            return
        dying = self._state.dying[day]
        if dropped.rows_left or dropped.parts_left or hits:
            raise StillThere(
                f"{day} still has {dropped.rows_left} rows, {dropped.parts_left} parts and {hits} files of it"
            )
        living = [key for key_id in self._keyring.ids(PURPOSE) if (key := self._keyring.get(key_id)) is not None]
        if any(opens_canary(key, day, sealed) for key in living for sealed in dying.canaries):
            raise StillThere(f"a living key opens the canary of {day}")
        if self.table_canaries.opened_by(living, day):
            raise StillThere(f"a living key opens the canary that lay in the table on {day}")
        destroyed_ms = self._destroyed_ms(day)
        self._chain.append(
            DAY,
            {
                "day": day,
                "due_ms": (day_number(day) + dying.retention_days) * DAY_MS,
                "retention_days": dying.retention_days,
                "destroyed_ms": destroyed_ms,
                "keys": [
                    {"check": key.check, "created_ms": key.created_ms, "destroyed_ms": destroyed_ms}
                    for key in dying.keys
                ],
                "rows_dropped": dropped.rows if dying.rows is None else dying.rows,
                "canary": {
                    "keys": len(dying.canaries),
                    "before": dying.before,
                    "table": self.table_canaries.told(day) if dying.keys else "none",
                    "after": "dead",
                },
                "scan": {"rows_left": 0, "parts_left": 0, "files": files, "hits": 0, "keys_tried": len(living)},
            },
        )
        self._forget([day])

    def prove_keys(self) -> int:
        """
        Sign a proof for every other key that was destroyed since: salts, risk keys, epochs and so on.

        Returns:
            How many keys.

        Raises:
            KeyringError: the proof cannot be written.
        """
        groups: dict[tuple[str, str], list[dict[str, object]]] = {}
        for stone in self._keyring.tombstones():
            if not stone.check or stone.check in self._chain.checks:
                continue
            fact: dict[str, object] = {
                "check": stone.check,
                "created_ms": stone.created_ms,
                "destroyed_ms": stone.destroyed_ms,
            }
            if stone.id.purpose in PUBLIC_SCOPES:
                fact["scope"] = stone.id.scope
            groups.setdefault((stone.id.purpose, stone.id.day), []).append(fact)
        for (purpose, day), keys in groups.items():
            self._chain.append(KEYS, {"purpose": purpose, "day": day, "keys": keys})
        return sum(map(len, groups.values()))

    def events_deleted(self, before: str) -> None:
        """
        Note that event rows received before a day are deleted.

        Raises:
            KeyringError: the state cannot be written.
        """
        self._state.events_before = before
        write_state(self._path, self._state)

    @property
    def behind_ms(self) -> int:
        """
        How long the oldest day without a proof has been due, in milliseconds; 0 when all is done.
        """
        day = self._next_day()
        due_ms = (day_number(day) + self._period(day)) * DAY_MS
        return max(0, self._calendar.now_ms() - due_ms)

    @property
    def trouble(self) -> str:
        """
        Why the vault must take no more addresses, in one sentence; empty while all is well.
        """
        if self.behind_ms <= BEHIND_MS_MAX:
            return ""
        hours = self.behind_ms // 3_600_000
        return f"the destruction of addresses due on day {self._next_day()} is {hours} hours behind: see the log"

    def _due(self) -> list[str]:
        """
        List every day from the first without a proof to the last one due, also those without a key.
        """
        today = self._vault_keys.today()
        number = day_number(self._next_day())
        found: list[str] = []
        # Periods of neighbouring days may differ; proofs come in the order of days.
        while number + self._period(iso_day(number)) <= today and number <= today:
            if iso_day(number) not in self._chain.days:
                found.append(iso_day(number))
            number += 1
        return found

    def _next_day(self) -> str:
        days = self._chain.days
        return iso_day(day_number(max(days)) + 1) if days else self._chain.first_day

    def _period(self, day: str) -> int:
        return min(self._retention_days, self._state.periods.get(day, self._retention_days))

    def _note_period(self) -> None:
        today = iso_day(self._vault_keys.today())
        known = self._state.periods.get(today)
        if known is not None and known <= self._retention_days:
            return
        oldest = self._next_day()
        # Every living day is under the shortest period it has seen.
        periods = {day: min(days, self._retention_days) for day, days in self._state.periods.items() if day >= oldest}
        periods[today] = self._retention_days if known is None else min(known, self._retention_days)
        self._state.periods = periods
        write_state(self._path, self._state)

    def _prepare(self, day: str) -> DyingDay:
        keys: list[KeyFact] = []
        canaries: list[str] = []
        found = True
        for key_id in self._keyring.ids(PURPOSE):
            if key_id.day != day:
                continue
            created_ms = self._keyring.created_ms(key_id) or 0
            try:
                key = self._keyring.get(key_id)
            except KeyringError:
                key = None
            if key is None:
                # A damaged key opens nothing, and must be able to die all the same.
                found = False
                keys.append(KeyFact("", created_ms))
                continue
            sealed = seal_canary(key, day)
            found = found and opens_canary(key, day, sealed)
            canaries.append(sealed)
            keys.append(KeyFact(key_check(key), created_ms))
        before = ("found" if found else "lost") if keys else "none"
        return DyingDay(self._period(day), keys, canaries, before)

    def _lives(self, day: str) -> bool:
        living = any(key_id.day == day for key_id in self._keyring.ids(PURPOSE))
        return living or not self._keyring.destroyed(_mark(day))

    def _destroyed_ms(self, day: str) -> int:
        mark = _mark(day)
        return next(stone.destroyed_ms for stone in self._keyring.tombstones() if stone.id == mark)

    def _forget(self, days: list[str]) -> None:
        for day in days:
            self._state.dying.pop(day, None)
            self._state.canaries.pop(day, None)
        write_state(self._path, self._state)


def _mark(day: str) -> KeyId:
    return KeyId(PURPOSE, ALL_SITES, day)
