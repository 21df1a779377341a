"""
The canaries in the vault's own table: found and opened on the last day of their life, and dead ever after.

A proof can so say that the vault worked as it does for visitors: the row went through collector, spool and store, was
found by its blind index, and its key opened it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from ingest.keys.day_keys import day_number
from ingest.keys.keyring import KeyId, Keyring
from ingest.keys.vault_keys import PURPOSE, VaultKeys
from ingest.retention.canary import opens_table_canary, table_index
from ingest.retention.days_state import DaysState, TableCanary, write_state
from ingest.vault.row import VAULT_SITE

FOUND, UNSEEN = "found", "unseen"


class TableCanaries:
    """
    What is known of them. Part of `Retention`, whose state it shares.
    """

    def __init__(
        self,
        keyring: Keyring,
        vault_keys: VaultKeys,
        state: DaysState,
        state_path: Path,
        period: Callable[[str], int],
    ) -> None:
        """
        Args:
            period: tells the period of a day, in days.
        """
        self._keyring = keyring
        self._vault_keys = vault_keys
        self._state = state
        self._path = state_path
        self._period = period

    def to_look_for(self) -> list[tuple[str, bytes]]:
        """
        List the days that die within a day and whose canary was not found yet, each with its index.

        Raises:
            KeyringError: a key does not open.
        """
        today = self._vault_keys.today()
        found: list[tuple[str, bytes]] = []
        for key_id in self._keyring.ids(PURPOSE):
            if key_id.scope != str(VAULT_SITE) or key_id.day in self._state.canaries:
                continue
            if day_number(key_id.day) + self._period(key_id.day) == today + 1:
                key = self._keyring.get(key_id)
                assert key is not None
                found.append((key_id.day, table_index(key)))
        return found

    def note(self, day: str, index: bytes, ciphertext: bytes) -> bool:
        """
        Take the row as the table gave it while its key lived.

        Returns:
            Whether the key opened it; if not, nothing is noted.

        Raises:
            KeyringError: the key does not open, or the state cannot be written.
        """
        key = self._keyring.get(KeyId(PURPOSE, str(VAULT_SITE), day))
        if key is None or not opens_table_canary(key, day_number(day), index, ciphertext):
            return False
        self._state.canaries[day] = TableCanary(index.hex(), ciphertext.hex())
        write_state(self._path, self._state)
        return True

    def index(self, day: str) -> bytes | None:
        """
        Tell the index of a day's canary; None when it was not seen.
        """
        seen = self._state.canaries.get(day)
        return None if seen is None else bytes.fromhex(seen.index)

    def opened_by(self, keys: Sequence[bytes], day: str) -> bool:
        """
        Tell whether one of these keys opens what the table had.
        """
        seen = self._state.canaries.get(day)
        if seen is None:
            return False
        index, ciphertext = bytes.fromhex(seen.index), bytes.fromhex(seen.ciphertext)
        return any(opens_table_canary(key, day_number(day), index, ciphertext) for key in keys)

    def told(self, day: str) -> str:
        """
        Say for the proof whether it was seen.
        """
        return FOUND if day in self._state.canaries else UNSEEN
